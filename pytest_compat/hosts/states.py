"""What has become of tasks that were handed over: a small file each, whole or not there at all."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from pytest_compat.errors import RecordError

RUNNING, DONE, FAILED, TIMEOUT, SKIPPED, LOST = "running", "done", "failed", "timeout", "skipped", "lost"
"""LOST is what was running when whoever kept it was killed: nobody knows how it ended, and it is not run again."""

STATE, OUTPUT = "state.json", "output.txt"


@dataclass(frozen=True, slots=True)
class TaskState:
    """What has become of a task or a group of tasks.

    Args:
        path: The groups it is in and its own name.
        state: RUNNING, or how it ended: DONE, FAILED, TIMEOUT, SKIPPED or LOST.
        status: Exit status, minus a signal's number when one ended it; None when there is none.
        reason: Why it is not DONE, in a line; empty when it is.
        id: What it is called where it runs, a job id of Flux; empty where it has no such name.
        begun: Seconds since the epoch; 0 when it has not.
        ended: Seconds since the epoch; 0 when it has not.
        wall: Seconds from begin to end by a clock that nobody sets.
        user: Seconds of CPU.
        system: Seconds of CPU in the kernel.
        max_rss_kib: KiB of its largest process.
        keeper: The process that keeps it while it is RUNNING; 0 when none does.
    """

    path: tuple[str, ...]
    state: str
    status: int | None = None
    reason: str = ""
    id: str = ""
    begun: float = 0.0
    ended: float = 0.0
    wall: float = 0.0
    user: float = 0.0
    system: float = 0.0
    max_rss_kib: int = 0
    keeper: int = 0

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self.state != RUNNING


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that it is there as a whole or as it was, and still is when the power goes."""
    partial = path.with_name(f".{path.name}.partial")
    with partial.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def write_state(folder: Path, state: TaskState) -> None:
    """Write down in its folder what has become of a task."""
    write_whole(folder / STATE, json.dumps(asdict(state), indent=1).encode())


def read_state(folder: Path) -> TaskState | None:
    """Return what has become of the task of a folder; None when it has not begun.

    Raises:
        RecordError: What is written there is no state.
    """
    try:
        found = json.loads((folder / STATE).read_bytes())
        return TaskState(**{**found, "path": tuple(found["path"])})
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError):
        raise RecordError(f"{folder / STATE}: found no state of a task; remove its folder to run it again") from None
