"""A process that keeps one task: it runs it and writes down how it ended, whatever becomes of who began it.

Run as `python -m pytest_compat.hosts.keeper FOLDER`.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import TIMEOUT_MAX
from typing import Any, NoReturn

from pytest_compat.hosts.process import Ended, run_command
from pytest_compat.hosts.states import (
    DONE,
    FAILED,
    LOST,
    OUTPUT,
    RUNNING,
    STATE,
    TIMEOUT,
    TaskState,
    read_state,
    write_state,
    write_whole,
)

TASK, LOCK = "task.json", ".lock"


def write_task(
    folder: Path,
    path: Sequence[str],
    command: Sequence[str],
    environment: Mapping[str, str],
    cwd: Path,
    seconds: float | None,
) -> None:
    """Write down a task for a keeper.

    Args:
        folder: The task's folder.
        path: The groups it is in and its own name.
        command: What it runs.
        environment: Variables beside those of the keeper.
        cwd: Where it runs.
        seconds: How long it may take; None for as long as it likes.
    """
    said = {"path": path, "command": command, "environment": dict(environment), "cwd": str(cwd), "seconds": seconds}
    write_whole(folder / TASK, json.dumps(said).encode())


def keep(folder: Path) -> None:
    """Run the task of a folder, unless it has begun before; what has begun and has no keeper any more is LOST.

    Raises:
        KeyboardInterrupt: Someone wants it to stop; it was stopped, and counts as not begun.
    """
    from filelock import FileLock

    task = json.loads((folder / TASK).read_bytes())
    with FileLock(folder / LOCK):
        found = read_state(folder)
        if found is None:
            _run(folder, task)
        elif not found.over:
            lose(folder, found)


def lose(folder: Path, found: TaskState) -> None:
    """Write down that nobody knows how a task ended; whoever calls has its lock."""
    reason = "its keeper was killed; remove its folder to run it again"
    write_state(folder, TaskState(found.path, LOST, reason=reason, begun=found.begun))


def _run(folder: Path, task: Mapping[str, Any]) -> None:
    path, begun = tuple(task["path"]), time.time()
    seconds = min(task["seconds"] or TIMEOUT_MAX, TIMEOUT_MAX)
    signal.signal(signal.SIGTERM, _stop)
    try:
        write_state(folder, TaskState(path, RUNNING, begun=begun, keeper=os.getpid()))
        ended = run_command(task["command"], {**os.environ, **task["environment"]}, Path(task["cwd"]), seconds)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # it has ended: that is written down, whoever wants otherwise
    except KeyboardInterrupt:
        (folder / STATE).unlink(missing_ok=True)
        raise
    write_whole(folder / OUTPUT, ended.output)
    state, reason = _judge(ended, seconds)
    write_state(
        folder,
        TaskState(
            path,
            state,
            ended.status,
            reason,
            begun=begun,
            ended=time.time(),
            wall=round(ended.wall, 6),
            user=round(ended.user, 6),
            system=round(ended.system, 6),
            max_rss_kib=ended.max_rss,
        ),
    )


def _judge(ended: Ended, seconds: float) -> tuple[str, str]:
    if ended.timed_out:
        return TIMEOUT, f"did not end in {seconds:g} s"
    if ended.status is None:
        return FAILED, ended.problem
    if ended.status:
        return FAILED, f"killed by signal {-ended.status}" if ended.status < 0 else f"exit status {ended.status}"
    return DONE, ""


def _stop(*_: object) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    try:
        keep(Path(sys.argv[1]))
    except KeyboardInterrupt:
        sys.exit(130)
