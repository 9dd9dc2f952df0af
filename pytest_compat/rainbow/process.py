"""An embedded rainbow as a process of its own, which ends with the process that started it."""

from __future__ import annotations

import json
import os
import secrets
import selectors
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from types import TracebackType
from typing import IO, Any, NoReturn

from pytest_compat.errors import SchedulerUnavailable

SECRET_VARIABLE = "RAINBOW_SECRET"  # noqa: S105, a name
"""Environment variable with the registration secret; an argument would show in the list of processes."""

TOKEN_VARIABLE = "RAINBOW_GLOBAL_TOKEN"  # noqa: S105, a name
"""Environment variable with the token of all clusters, if there is one for all."""

START_SECONDS = 30.0
STOP_SECONDS = 10.0


class RainbowProcess:
    """A server on a free loopback port.

    The server stops when its standard input closes. Only this process holds the other end, so the server goes when
    this object is stopped and also when this process is killed.

    Args:
        flags: Further flags of `python -m pytest_compat rainbow`.
        host: HOST:PORT to listen on.
    """

    def __init__(self, *flags: str, host: str = "127.0.0.1:0") -> None:
        self.secret = secrets.token_hex(16)
        self.address = ""
        self._flags = ["--host", host, *flags]
        self._process: subprocess.Popen[str] | None = None
        self._errors: IO[str] | None = None

    @property
    def pid(self) -> int | None:
        """Process id of the running server."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start the server and wait until it serves.

        Raises:
            SchedulerUnavailable: It ended, or did not serve within START_SECONDS; with what it said.
        """
        self._errors = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115, stop() closes it
        try:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-P",
                    "-m",
                    "pytest_compat",
                    "rainbow",
                    *self._flags,
                    "--attached",
                    "--loglevel=warning",
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                text=True,
                env={**os.environ, SECRET_VARIABLE: self.secret},
                start_new_session=True,  # Ctrl-C is for the session, which then stops the server
            )
            line = self._first_line(time.monotonic() + START_SECONDS)
            self.address = json.loads(line)["address"]
        except OSError as error:
            self._fail(str(error))
        except (ValueError, KeyError, TypeError):
            self._fail(self._said() or line or "it said nothing")

    def _fail(self, reason: str) -> NoReturn:
        self.stop()
        raise SchedulerUnavailable(f"the embedded rainbow did not start: {reason}") from None

    def _first_line(self, until: float) -> str:
        assert self._process is not None
        assert self._process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            if not selector.select(timeout=until - time.monotonic()):
                return f"nothing within {START_SECONDS:g} seconds"
        return self._process.stdout.readline()

    def _said(self) -> str:
        if self._errors is None:
            return ""
        if self._process is not None:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=1)
        self._errors.seek(0)
        return self._errors.read()[-2000:].strip()

    def stop(self) -> None:
        """Stop the server and wait for its end; harmless when there is none."""
        process, self._process = self._process, None
        if process is not None:
            end(process, STOP_SECONDS)
        if self._errors is not None:
            self._errors.close()
            self._errors = None

    def __enter__(self) -> RainbowProcess:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def end(process: subprocess.Popen[Any], seconds: float) -> None:
    """Close the pipes of a child that ends with its standard input, and wait for it; kill it after some seconds."""
    for stream in (process.stdin, process.stdout):
        with suppress(OSError):
            if stream is not None:
                stream.close()
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
