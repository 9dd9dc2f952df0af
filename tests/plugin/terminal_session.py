"""pytest on a terminal: a pseudo-terminal, and an emulator that keeps what it showed."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Callable
from pathlib import Path

import pyte

ROWS, COLUMNS = 60, 100
BAR = re.compile(r"[━╸╺]{5}")
DRAWN = re.compile(rb"\x1bD\x1b7\r[^\r\n]*\r(\r\x1b\[J[^\r\n]*\r)*\r\x1b\[J\x1b8\x1b\[A")
"""The line of progress from when it is drawn to when it is gone, as a terminal gets it."""


class Session:
    """A session of pytest on a terminal, ended.

    Args:
        folder: Where it runs.
        options: Command line.
        environment: Variables to set.
        at_bar: Called with the process once, when a bar is first seen.
    """

    def __init__(
        self,
        folder: Path,
        *options: str,
        environment: dict[str, str] | None = None,
        at_bar: Callable[[subprocess.Popen[bytes]], None] | None = None,
    ) -> None:
        self._screen = pyte.Screen(COLUMNS, ROWS)
        self.bars: list[str] = []
        """Every line with a bar that was seen, each once as long as it does not change."""
        self.most_bars = 0
        """Bars seen at one time, at most."""
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        own = {
            name: value for name, value in os.environ.items() if name not in ("CI", "BUILD_NUMBER", "COLUMNS", "LINES")
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "pytest", *options],
            cwd=folder,
            env={**own, "TERM": "xterm-256color", "TMPDIR": str(folder / "tmp"), **(environment or {})},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            # Shells start background jobs with this signal ignored, and everything below them inherits that.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        os.close(slave)
        self.raw = b""
        stream = pyte.ByteStream(self._screen)
        while data := _read(master):
            self.raw += data
            stream.feed(data)
            if self._look() and at_bar is not None:
                at_bar(process)
                at_bar = None
        os.close(master)
        self.status = process.wait(timeout=60)

    def _look(self) -> bool:
        found = [line.rstrip() for line in self._screen.display if BAR.search(line)]
        self.most_bars = max(self.most_bars, len(found))
        self.bars += [line for line in found if line not in self.bars[-1:]]
        return bool(found)

    @property
    def lines(self) -> list[str]:
        """What is left on the screen."""
        return _text(self._screen)

    @property
    def lines_of_others(self) -> list[str]:
        """What would be left on the screen had the line of progress never been drawn."""
        rest = DRAWN.sub(b"", self.raw)
        assert b"\x1b[J" not in rest, "something was printed while the line was there"
        screen = pyte.Screen(COLUMNS, ROWS)
        pyte.ByteStream(screen).feed(rest)
        return _text(screen)


def _text(screen: pyte.Screen) -> list[str]:
    return "\n".join(line.rstrip() for line in screen.display).rstrip().split("\n")


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:  # how Linux says that the other end was closed
        return b""
