"""How far levels are: told by the processes that run them, read by the one that shows it."""

from __future__ import annotations

import json
import logging
import math
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import TypeAlias

log = logging.getLogger(__name__)

INTERVAL = 0.2
"""Seconds between two writes of a process."""

Told: TypeAlias = Callable[[str, int, int | None], None]
"""Takes the phase (`match` or `submit`), the calls done in it, and how many there will be; None when nobody knows."""


@dataclass(frozen=True)
class Standing:
    """How far a level is.

    Args:
        experiment: Name of its experiment.
        level: Its name.
        phase: `match` while the scheduler is asked for candidates, then `submit`.
        done: Calls done in this phase.
        total: Calls there will be; None when nobody knows yet.
    """

    experiment: str
    level: str
    phase: str
    done: int
    total: int | None


class ProgressBoard:
    """A folder with a file for each process that runs a level just now.

    Nothing that happens to the folder reaches the run: a full disk ends the telling, not the measurement.

    Args:
        folder: Seen by all processes of the session, private to it; made when there is something to tell.
        process: Name of this process among them.
    """

    def __init__(self, folder: Path, process: str = "main") -> None:
        self.folder = folder
        self._process = process

    @contextmanager
    def level(self, experiment: str, level: str) -> Iterator[Told]:
        """Run a level in this context, and tell how far it is by calling what the context gives.

        The first call is written down, and then one every INTERVAL at most.
        """
        due = -math.inf

        def told(phase: str, done: int, total: int | None) -> None:
            nonlocal due
            now = perf_counter()
            if now >= due:
                written = self._write(Standing(experiment, level, phase, done, total))
                due = now + INTERVAL if written else math.inf

        try:
            yield told
        finally:
            self.clear(self._process)

    def _write(self, standing: Standing) -> bool:
        path = self._path(self._process)
        partial = path.with_suffix(".partial")
        try:
            self.folder.mkdir(mode=0o700, exist_ok=True)
            partial.write_text(json.dumps(asdict(standing)), encoding="utf-8")
            partial.replace(path)
        except OSError:
            log.debug("no more progress is told of this level", exc_info=True)
            return False
        return True

    def read(self) -> list[Standing]:
        """Return how far the levels are that run just now, sorted by the name of the process."""
        standings = []
        for path in sorted(self.folder.glob("*.json")):
            try:
                standings.append(Standing(**json.loads(path.read_bytes())))
            except (OSError, ValueError):
                continue  # gone since, or cut short by a full disk
        return standings

    def clear(self, process: str) -> None:
        """Forget what a process told: its level has ended, or the process has."""
        try:
            self._path(process).unlink(missing_ok=True)
        except OSError:
            log.debug("what a process told could not be removed", exc_info=True)

    def remove(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _path(self, process: str) -> Path:
        return self.folder / f"{process}.json"
