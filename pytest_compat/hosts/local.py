"""Running a job on this machine: tasks in the order they have to be in, as many at once as there are cores for."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from pathlib import Path
from threading import Event

from pytest_compat.declare.shapes import Shape
from pytest_compat.declare.workflow import WorkGroup, WorkTask
from pytest_compat.errors import JobspecError, RecordError
from pytest_compat.hosts.keeper import LOCK, lose, write_task
from pytest_compat.hosts.runs import WORK, JobFolder
from pytest_compat.hosts.states import DONE, FAILED, SKIPPED, TaskState, read_state, write_state

Member = WorkTask | WorkGroup
Path_ = tuple[str, ...]

LOG = "keeper.txt"
"""What the keeper of a task had to complain of."""


def cores_here() -> int:
    """Return how many cores this process may use."""
    with suppress(AttributeError):  # macOS has no such thing
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def check_fits(members: Iterable[Member], cores: int, holder: str = "this machine has") -> None:
    """Refuse what can never be run.

    Args:
        members: Tasks and groups.
        cores: How many there are for them.
        holder: Who has these.

    Raises:
        JobspecError: One asks for more.
    """
    for member in members:
        taken = cores_of(member.shape, cores)
        if taken > cores:
            raise JobspecError(f"found {taken} cores, expected the {cores} that {holder} at most", path=named(member))
        if isinstance(member, WorkGroup):
            check_fits(member.members, taken, f"group {member.path[-1]!r} has")


def cores_of(shape: Shape, cores: int) -> int:
    """Return the cores that something takes of so many; all of them when it wants whole nodes."""
    return shape.tasks * shape.cores or cores


def named(member: Member) -> str:
    """Return the groups that something is in and its name, as people read it."""
    return "/".join(member.path)


def run_local(job: JobFolder, cores: int | None = None, told: Callable[[TaskState], None] = lambda _: None) -> bool:
    """Run what has not ended of a job, and return whether all of it has succeeded.

    A task is run once at most. It has a keeper, a process of its own that goes on when this one is killed; called
    again, this waits for those that are still kept, and begins what has not begun. What depends on a task that did not
    succeed is skipped; the rest goes on. A group holds its cores as long as it runs, for its members. The command of a
    task is started once, with the cores of all of its nodes and tasks.

    Args:
        job: The job.
        cores: How many it may use at once; None for those of this machine.
        told: Called with every task and group that has ended, also with those that ended in earlier calls.

    Raises:
        JobspecError: Something asks for more cores than there are; nothing was begun.
        RecordError: Another process runs the job, or its folder cannot be used.
        KeyboardInterrupt: Someone wants it to stop; what ran was stopped, and begins anew in the next call.
    """
    cores = cores_here() if cores is None else cores
    check_fits(job.workflow.members, cores)
    with job.alone():
        return _Local(job, cores, told).run()


class _Local:
    def __init__(self, job: JobFolder, cores: int, told: Callable[[TaskState], None]) -> None:
        self._job = job
        self._told = told
        self._waiting: list[Member] = list(job.workflow.members)
        self._free: dict[Path_, int] = {(): cores}
        """Cores that nobody has, of the machine and of every group that runs."""
        self._total = dict(self._free)
        self._open: dict[Path_, WorkGroup] = {}
        self._left: dict[Path_, int] = {}
        """Members that have not ended, of every group that runs."""
        self._over: dict[Path_, bool] = {}
        """Whether it has succeeded, of all that has ended."""
        self._running: dict[Future[TaskState], WorkTask] = {}
        self._stop = Event()

    def run(self) -> bool:
        with ThreadPoolExecutor(max_workers=self._free[()]) as pool:
            try:
                while self._waiting or self._running or self._open:
                    while self._begin(pool):
                        pass
                    if self._running:
                        over, _ = wait(self._running, return_when=FIRST_COMPLETED)
                        for future in over:
                            self._end(self._running.pop(future), future.result())
            except KeyboardInterrupt:
                self._stop.set()
                while self._running and wait(self._running, timeout=0.1).not_done:
                    self._interrupt()
                raise
        return all(self._over.values())

    def _begin(self, pool: ThreadPoolExecutor) -> bool:
        """Begin, skip or take over whatever can be, and return whether anything has changed for others."""
        changed = False
        waiting, self._waiting = self._waiting, []
        for member in waiting:
            within = member.path[:-1]
            before = [(*within, name) for name in member.after]
            if any(path not in self._over for path in before):
                self._waiting.append(member)
                continue
            failed = [path[-1] for path in before if not self._over[path]]
            taken = cores_of(member.shape, self._total[within])
            if failed:
                self._skip(member, f"{failed[0]} did not succeed")
                changed = True
            elif taken > self._free[within]:
                self._waiting.append(member)
            else:
                self._free[within] -= taken
                if isinstance(member, WorkGroup):
                    self._free[member.path] = self._total[member.path] = taken
                    self._left[member.path] = len(member.members)
                    self._open[member.path] = member
                    self._waiting += member.members
                    changed = True
                else:
                    self._running[pool.submit(self._keep, member)] = member
        return changed

    def _skip(self, member: Member, reason: str) -> None:
        state = TaskState(member.path, SKIPPED, reason=reason)
        if isinstance(member, WorkGroup):
            for each in member.members:
                self._write(each, TaskState(each.path, SKIPPED, reason=reason))
        self._write(member, state)
        self._close(member, state)

    def _end(self, member: Member, state: TaskState) -> None:
        within = member.path[:-1]
        self._free[within] += cores_of(member.shape, self._total[within])
        self._close(member, state)

    def _close(self, member: Member, state: TaskState) -> None:
        """Note that something has ended, and with it perhaps the group that it is in."""
        within = member.path[:-1]
        self._over[member.path] = state.state == DONE
        self._told(state)
        if within not in self._open:
            return
        self._left[within] -= 1
        if self._left[within]:
            return
        group = self._open.pop(within)
        failed = [each.path[-1] for each in group.members if not self._over[each.path]]
        ended = TaskState(group.path, FAILED, reason=f"{failed[0]} did not succeed") if failed else None
        outcome = ended or TaskState(group.path, DONE)
        self._write(group, outcome)
        self._end(group, outcome)

    def _write(self, member: Member, state: TaskState) -> None:
        write_state(self._job.folders[member.path], state)

    def _keep(self, task: WorkTask) -> TaskState:
        """Have a task kept, unless it is or was, and return how it ended."""
        from filelock import FileLock

        folder = self._job.folders[task.path]
        found = read_state(folder)
        if found is None:
            write_task(folder, task.path, task.command, task.environment, Path(task.folder or self._work), task.seconds)
            status = self._keeper(folder)
            found = read_state(folder)
            if found is None:
                raise RecordError(f"{folder}: its keeper ended with exit status {status}; {LOG} there says why")
        if not found.over:
            with FileLock(folder / LOCK):  # whoever has it is its keeper
                found = read_state(folder) or found
                if not found.over:
                    lose(folder, found)
        state = read_state(folder)
        assert state is not None
        return state

    @property
    def _work(self) -> Path:
        return (self._job.path / WORK).resolve()

    def _keeper(self, folder: Path) -> int:
        if self._stop.is_set():
            raise KeyboardInterrupt
        with (folder / LOG).open("ab") as log:
            return subprocess.run(  # noqa: S603, runs this very Python
                [sys.executable, "-m", "pytest_compat.hosts.keeper", str(folder.resolve())],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                check=False,
            ).returncode

    def _interrupt(self) -> None:
        """Ask the keepers of all that runs to stop it."""
        for task in self._running.values():
            state = read_state(self._job.folders[task.path])
            if state is not None and not state.over:
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(state.keeper, signal.SIGTERM)
        time.sleep(0.1)
