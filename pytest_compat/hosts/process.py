"""One command, run to its end or to its limit, with all it starts, and what that took."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from threading import Event, Thread
from time import perf_counter

MAX_OUTPUT = 2**20
"""Bytes of output that are kept: the first half and the last half of them."""

CHUNK = 2**16
GRACE_SECONDS = 2.0
"""What a process group gets between SIGTERM and SIGKILL: launchers of MPI take their ranks down meanwhile."""

DRAIN_SECONDS = 2.0
"""How long output is waited for once a command has ended: what left its process group may hold the pipe open."""


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it took.

    Args:
        status: Exit status, minus the signal's number when one killed it; None when it could not be started.
        problem: Why it could not be started; empty when it was.
        timed_out: It was killed at its limit.
        wall: Seconds from start to end.
        user: Seconds of CPU, of the command and of all descendants it waited for.
        system: Seconds of CPU spent in the kernel, of the same.
        max_rss: KiB of the largest of these processes.
        output: Standard output and standard error as they came, MAX_OUTPUT bytes and a mark at most.
        size: Bytes it wrote.
    """

    status: int | None
    problem: str = ""
    timed_out: bool = False
    wall: float = 0.0
    user: float = 0.0
    system: float = 0.0
    max_rss: int = 0
    output: bytes = b""
    size: int = 0


def run_command(command: Sequence[str], env: Mapping[str, str], folder: Path, timeout: float) -> Ended:
    """Run a command in a process group of its own, without a shell and without input.

    Whatever is left of the group when the command has ended is killed, also when this call is interrupted.

    Args:
        command: The executable, looked up in PATH of `env`, and its arguments.
        env: Its environment, all of it.
        folder: Where it is run.
        timeout: Seconds it may take.

    Raises:
        KeyboardInterrupt: Someone wants it to stop.
    """
    begun = perf_counter()
    try:
        process = subprocess.Popen(  # noqa: S603, runs what the plan says
            command,
            env=env,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            bufsize=0,
        )
    except (OSError, ValueError) as error:
        return Ended(None, f"cannot be started: {error}")
    assert isinstance(process.stdout, FileIO)
    waiter, reader = _Waiter(process.pid), _Reader(process.stdout)
    try:
        waiter.start()
        reader.start()
        in_time = waiter.over.wait(timeout)
    finally:
        if not waiter.over.is_set():
            _signal(process.pid, signal.SIGTERM)
            waiter.over.wait(GRACE_SECONDS)
        _signal(process.pid, signal.SIGKILL)
        waiter.over.wait()
        process.returncode = waiter.status  # or Popen would wait for it once more
    reader.join(DRAIN_SECONDS)
    usage = waiter.usage
    return Ended(
        waiter.status,
        timed_out=not in_time,
        wall=waiter.ended - begun,
        user=usage.ru_utime,
        system=usage.ru_stime,
        max_rss=usage.ru_maxrss // (1024 if sys.platform == "darwin" else 1),
        output=reader.kept(),
        size=reader.size,
    )


def _signal(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):  # macOS says the latter of a group of zombies
        os.killpg(group, number)


class _Waiter(Thread):
    """Waits for a process, so that its end is noticed when it comes and the limit is kept all the same.

    `over` tells of the end, because a thread whose `join` is interrupted passes for one that has ended.
    """

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid = pid
        self.over = Event()

    def run(self) -> None:
        _, status, self.usage = os.wait4(self._pid, 0)
        self.ended = perf_counter()
        self.status = os.waitstatus_to_exitcode(status)
        self.over.set()


class _Reader(Thread):
    """Reads all a command writes, and keeps the beginning and the end of it."""

    def __init__(self, pipe: FileIO) -> None:
        super().__init__(daemon=True)
        self._pipe = pipe
        self._head = bytearray()
        self._tail: deque[bytes] = deque()
        self._tail_size = 0
        self.size = 0

    def run(self) -> None:
        with self._pipe:
            while chunk := self._pipe.read(CHUNK):
                self._take(chunk)

    def _take(self, chunk: bytes) -> None:
        half = MAX_OUTPUT // 2
        room = half - len(self._head)
        self._head += chunk[:room]
        if rest := chunk[room:]:
            self._tail.append(rest)
            self._tail_size += len(rest)
            while self._tail_size - len(self._tail[0]) >= half:
                self._tail_size -= len(self._tail.popleft())
        self.size += len(chunk)

    def kept(self) -> bytes:
        tail = b"".join(self._tail)[-(MAX_OUTPUT // 2) :]
        left_out = self.size - len(self._head) - len(tail)
        mark = f"\n... {left_out} bytes left out ...\n".encode() if left_out else b""
        return bytes(self._head) + mark + tail
