"""The folder of a job that was handed over: what it is, and what has become of its tasks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pytest_compat.declare.workflow import Workflow, parse_workflow
from pytest_compat.errors import DeclarationError, RecordError
from pytest_compat.hosts.states import TaskState, read_state, write_whole

SCHEMA = "pytest-compat/job/1"
JOB, TASKS, WORK = "job.json", "tasks", "work"


@dataclass(frozen=True)
class JobFolder:
    """A job and its folder.

    Args:
        path: The folder.
        workflow: What is to be run.
        folders: The folder of every task and group, by path.
    """

    path: Path
    workflow: Workflow
    folders: Mapping[tuple[str, ...], Path]

    def states(self) -> list[TaskState]:
        """Return what has become of all tasks and groups that have begun, as declared."""
        found = (read_state(folder) for folder in self.folders.values())
        return [state for state in found if state is not None]

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep others from running it meanwhile.

        Raises:
            RecordError: Someone does.
        """
        from filelock import FileLock, Timeout

        lock = FileLock(self.path / ".lock", timeout=0)
        try:
            lock.acquire()
        except Timeout:
            raise RecordError(f"{self.path}: another process runs this job; wait for it") from None
        try:
            yield
        finally:
            lock.release()


def prepare(folder: Path, text: str, *, name: str = "") -> JobFolder:
    """Write down a job that is to be run; once it is there, this does nothing.

    Args:
        folder: Where; made if need be, for this job alone.
        text: Its jobspec, YAML or JSON.
        name: What it is called.

    Raises:
        JobspecError: It is nothing that can be run.
        RecordError: The folder has another job, or cannot be used.
    """
    workflow = parse_workflow(text, name=name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        found = _read(folder)
        if found is None:
            write_whole(folder / JOB, json.dumps({"schema": SCHEMA, "name": name, "jobspec": text}).encode())
        elif found["jobspec"] != text:
            raise RecordError(f"{folder}: found another job there; use a folder for each")
        return _open(folder, workflow)
    except OSError as error:
        raise RecordError(f"{error.filename or folder}: cannot be written: {error.strerror or error}") from None


def open_job(folder: Path) -> JobFolder:
    """Return the job that was written down in a folder.

    Raises:
        RecordError: There is none.
    """
    found = _read(folder)
    if found is None:
        raise RecordError(f"{folder}: found no {JOB}, expected the folder of a job")
    try:
        return _open(folder, parse_workflow(found["jobspec"], name=found["name"]))
    except DeclarationError as error:
        raise RecordError(f"{folder / JOB}: {error}") from None


def _open(folder: Path, workflow: Workflow) -> JobFolder:
    folders = {}
    for number, member in enumerate(workflow.every()):
        slug = re.sub(r"[^A-Za-z0-9._-]", "_", member.path[-1])[:60]
        folders[member.path] = folder / TASKS / f"{number:04d}-{slug}"
        folders[member.path].mkdir(parents=True, exist_ok=True)
    (folder / WORK).mkdir(exist_ok=True)
    return JobFolder(folder, workflow, folders)


def _read(folder: Path) -> dict[str, str] | None:
    try:
        found = json.loads((folder / JOB).read_bytes())
        if found["schema"] != SCHEMA:
            raise RecordError(f"{folder / JOB}: found the schema {found['schema']!r}, expected {SCHEMA!r}")
        return {"name": str(found["name"]), "jobspec": str(found["jobspec"])}
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError):
        raise RecordError(f"{folder / JOB}: found no job; use another folder") from None
