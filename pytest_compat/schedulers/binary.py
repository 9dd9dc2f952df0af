"""Rainbow under test, started from a binary of the user's: the Go server, or whatever takes its flags."""

from __future__ import annotations

import os
import re
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, NoReturn

import grpc

from pytest_compat.errors import SchedulerUnavailable
from pytest_compat.rainbow.process import end
from pytest_compat.schedulers import supervise
from pytest_compat.schedulers.protocol import CALL_SECONDS
from pytest_compat.schedulers.rainbow import OwnRainbow

START_SECONDS = 30.0
PORTS = 3
"""Ports to try: between finding a free one and the server's taking it, somebody else can."""
STOP_SECONDS = supervise.GRACE_SECONDS + 5.0

_TAIL = 2000
"""Characters of what a server said last that an error shows."""

_SEARCHED = 2**18
"""Bytes from the end of what it said in which a crash is looked for."""

_LINE = 300
"""Characters of its last line that the error of a call shows."""

_PANIC = re.compile(r"^(?:panic|fatal error): .*", re.MULTILINE)
"""What the Go runtime says first of a crash; pages about goroutines follow."""


class BinaryProcess:
    """A server on a free loopback port, with a registration secret drawn for it and an empty database.

    It runs under a supervisor of which this process holds the standard input, so it goes when this object is stopped
    and also when this process is killed; its folder goes with it.

    Args:
        binary: The executable.
    """

    def __init__(self, binary: Path) -> None:
        self.address = ""
        self.secret = secrets.token_hex(16)  # an argument, which must not begin with a dash
        self._binary = binary
        self._process: subprocess.Popen[bytes] | None = None
        self._errors: IO[bytes] | None = None

    def start(self) -> None:
        """Start the server and wait until it accepts gRPC.

        Raises:
            SchedulerUnavailable: It ended, or did not serve within START_SECONDS; with what it said.
        """
        for _ in range(PORTS):
            port = _free_port()
            self.address = f"127.0.0.1:{port}"
            if self._serves():
                return
            assert self._process is not None
            status = self._process.returncode
            if not _is_taken(port):
                break
            self.stop()  # somebody else was quicker to take the port
        self._fail(f"it ended with exit status {status}")

    def _serves(self) -> bool:
        """Start the server at the address, and tell whether it accepts gRPC there or has ended."""
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115, stop() closes it
        command = [str(self._binary), "--host", self.address, "--secret", self.secret]
        self._process = subprocess.Popen(  # noqa: S603, runs this very Python
            [sys.executable, "-I", supervise.__file__, *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=self._errors,
            start_new_session=True,  # Ctrl-C is for the session, which then stops the server
        )
        until = time.monotonic() + START_SECONDS
        with grpc.insecure_channel(self.address, options=[("grpc.initial_reconnect_backoff_ms", 100)]) as channel:
            ready = grpc.channel_ready_future(channel)
            while not ready.done():
                if self._process.poll() is not None:
                    return False
                if time.monotonic() > until:
                    self._fail(f"it did not accept gRPC at {self.address} within {START_SECONDS:g} seconds")
                with suppress(grpc.FutureTimeoutError):
                    ready.result(timeout=0.1)
        return True

    def _fail(self, reason: str) -> NoReturn:
        said = self.said()
        self.stop()
        raise SchedulerUnavailable(
            f"{self._binary} did not start: {reason} and said: {said or 'nothing'}; expected a rainbow server that "
            f"takes --host, --db and --secret"
        )

    def said(self) -> str:
        """Return what the server said of its crash, or else last."""
        if self._errors is None:
            return ""
        size = os.fstat(self._errors.fileno()).st_size
        # Not by seek and read: the server writes where this file's position is.
        tail = os.pread(self._errors.fileno(), _SEARCHED, max(0, size - _SEARCHED))
        text = tail.decode(errors="replace").replace(self.secret, "***")
        crash = _PANIC.search(text)
        return (crash[0] if crash else text.strip())[-_TAIL:]

    def stop(self) -> None:
        """Stop the server and wait for its end; harmless when there is none."""
        process, self._process = self._process, None
        if process is not None:
            end(process, STOP_SECONDS)
        if self._errors is not None:
            self._errors.close()
            self._errors = None


class BinaryRainbow(OwnRainbow):
    """A rainbow started from a binary of the user's.

    Args:
        binary: The executable.
        timeout: Seconds that one call may take.
    """

    _process: BinaryProcess

    def __init__(self, binary: Path, *, timeout: float = CALL_SECONDS) -> None:
        super().__init__(BinaryProcess(binary), timeout=timeout)

    def _last_words(self) -> str:
        lines = self._process.said().splitlines()
        return f"; the server's last line: {lines[-1][:_LINE]}" if lines else ""


def _free_port() -> int:
    """Return a port that nothing listens on; the server cannot be asked which one it took."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _is_taken(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0
