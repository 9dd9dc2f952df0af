"""The line below pytest's own that shows how far the running levels are.

Lives on the process that people started. It is drawn by a thread, because a level runs inside one fixture and pytest
has nothing to say meanwhile; and taken away before pytest or another plugin prints, so that what they print stands as
if it had never been there.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, RLock, Thread
from time import monotonic
from typing import TYPE_CHECKING, Any, TextIO

import pytest

if TYPE_CHECKING:
    from pytest_compat.plugin.meter import Meter
    from pytest_compat.run.progress import ProgressBoard

log = logging.getLogger(__name__)

NAME = "compat-progress"
FOLDER = "compat_progress"
"""Key of a worker's input: the folder of the progress board."""

PERIOD = 1 / 3
"""Seconds between two looks at the board."""

PATIENCE = 0.8
"""Seconds that a level runs before it is shown."""

QUIET = 0.1
"""Seconds without the line after others printed: xdist prints a little more right after some of its hooks."""


def show_progress(config: pytest.Config) -> None:
    """Register the display, if there is a terminal to draw on and nothing but pytest's hooks prints there."""
    option = config.option
    live_logs = option.log_cli_level is not None or config.getini("log_cli")
    in_the_way = option.capture in ("no", "tee-sys") or option.setupshow or live_logs
    dumb = os.environ.get("TERM", "dumb") in ("dumb", "unknown")
    kept_as_text = any(name in os.environ for name in ("CI", "BUILD_NUMBER"))
    if option.collectonly or option.verbose <= -2 or in_the_way or dumb or kept_as_text:
        return
    config.pluginmanager.register(Display(config, sys.stdout), NAME)


def progress_board(config: pytest.Config) -> ProgressBoard | None:
    """Return where this process is to tell how far its levels are, None when nobody looks."""
    if not hasattr(config, "workerinput"):
        display: Display | None = config.pluginmanager.get_plugin(NAME)
        return display.begin() if display is not None else None
    if FOLDER not in config.workerinput:
        return None
    from pytest_compat.run.progress import ProgressBoard

    return ProgressBoard(Path(config.workerinput[FOLDER]), config.workerinput["workerid"])


class Display:
    """Draws the line and takes it away.

    Args:
        config: Of the session.
        stream: The terminal, while nothing is captured.
    """

    def __init__(self, config: pytest.Config, stream: TextIO) -> None:
        self._config = config
        self._stream = stream
        # While a test runs, pytest captures what goes to the terminal's own descriptor.
        self._line = Line(os.dup(stream.fileno()), stream.encoding)
        self._writer = config.get_terminal_writer()
        self._board: ProgressBoard | None = None
        self._thread: Thread | None = None
        self._lock = RLock()
        self._ended = Event()
        self._quiet_until = 0.0
        config.add_cleanup(self._close)

    def begin(self) -> ProgressBoard:
        """Watch the board from now on."""
        board = self._shared_board()
        if self._thread is None:
            self._thread = Thread(target=self._watch, args=(board,), name=NAME, daemon=True)
            self._thread.start()
        return board

    def _shared_board(self) -> ProgressBoard:
        if self._board is None:
            import secrets
            import tempfile

            from pytest_compat.run.progress import ProgressBoard

            self._board = ProgressBoard(Path(tempfile.gettempdir()) / f"pytest-compat-progress-{secrets.token_hex(16)}")
        return self._board

    def _watch(self, board: ProgressBoard) -> None:
        meter: Meter | None = None
        try:
            while not self._ended.wait(PERIOD):
                if meter is None and board.folder.exists():
                    from pytest_compat.plugin.meter import Meter

                    meter = Meter(self._stream, color=self._writer.hasmarkup)
                if meter is not None:
                    self._look(board, meter)
        except Exception:  # what cannot be shown is no reason to end a session
            log.debug("progress is not shown any more", exc_info=True)

    def _look(self, board: ProgressBoard, meter: Meter) -> None:
        with self._lock:
            now = monotonic()
            meter.take(board.read(), now)
            if meter.since is None or now < meter.since + PATIENCE:
                self._line.clear()
            elif now >= self._quiet_until and not self._ended.is_set():
                width = self._line.width
                self._line.draw(meter.render(width), self._writer.width_of_current_line, width)

    @contextmanager
    def _bare(self) -> Iterator[None]:
        """Let others print."""
        with self._lock:
            self._line.clear()
            yield
            if self._thread is not None:
                self._writer.flush()
                self._quiet_until = monotonic() + QUIET

    def _end(self) -> None:
        self._ended.set()
        with self._lock:
            self._line.clear()

    def _close(self) -> None:
        self._end()
        if self._thread is not None:
            self._thread.join()
        if self._board is not None:
            self._board.remove()
        self._line.close()

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtestloop(self) -> Generator[None, object, object]:
        """Show what there is to show while tests run."""
        if self._board is not None:  # workers were given it; without workers the first case begins
            self.begin()
        try:
            return (yield)
        finally:
            self._end()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_logstart(self) -> Generator[None, object, object]:
        """Take the line away while pytest prints."""
        with self._bare():
            return (yield)

    pytest_runtest_logreport = pytest_runtest_logfinish = pytest_runtest_logstart

    @pytest.hookimpl(wrapper=True, tryfirst=True, optionalhook=True)
    def pytest_xdist_newgateway(self) -> Generator[None, object, object]:
        """Take the line away while xdist prints."""
        with self._bare():
            return (yield)

    pytest_testnodeready = pytest_xdist_node_collection_finished = pytest_xdist_newgateway

    @pytest.hookimpl(wrapper=True, tryfirst=True, optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> Generator[None, object, object]:
        """Forget the level of a worker that is gone."""
        with self._bare():
            if self._board is not None:
                self._board.clear(node.gateway.id)
            return (yield)

    def pytest_enter_pdb(self) -> None:
        """Leave the terminal to who debugs there."""
        self._end()

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker of this machine where to tell."""
        if node.gateway.spec.popen:
            node.workerinput[FOLDER] = str(self._shared_board().folder)


class Line:
    """A line of the terminal below the one that is being written.

    Args:
        descriptor: The terminal; closed by `close`.
        encoding: Its encoding.
    """

    def __init__(self, descriptor: int, encoding: str) -> None:
        self._descriptor = descriptor
        self._encoding = encoding
        self._shown = False

    @property
    def width(self) -> int:
        """Columns of the terminal."""
        return os.get_terminal_size(self._descriptor).columns

    def draw(self, text: str, written: int, width: int) -> None:
        """Show a text.

        Args:
            text: One line, less wide than the terminal.
            written: Columns written of the line above; less than 0 when nobody knows.
            width: Columns of the terminal.
        """
        if self._shown:
            self._write(f"\r\x1b[J{text}\r")
        # Past the last column the cursor waits for what comes next; it could not be put back there.
        elif written <= 0 or written % width:
            # Down, scrolling if need be, and only then is the place kept: it is to hold after the scrolling.
            self._write(f"\x1bD\x1b7\r{text}\r")
            self._shown = True

    def clear(self) -> None:
        """Take the text away and put the cursor back."""
        if self._shown:
            self._shown = False
            self._write("\r\x1b[J\x1b8\x1b[A")

    def close(self) -> None:
        """Close the descriptor."""
        os.close(self._descriptor)

    def _write(self, text: str) -> None:
        left = text.encode(self._encoding, "replace")
        while left:
            left = left[os.write(self._descriptor, left) :]
