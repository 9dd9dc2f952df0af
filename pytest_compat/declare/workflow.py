"""A jobspec as the work it is: tasks, groups of them, and the order they have to be in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any

from pytest_compat.declare.commands import submitted
from pytest_compat.declare.dialects import convert
from pytest_compat.declare.drafts import Draft, Drafts
from pytest_compat.declare.jobspec import load, read_jobspec
from pytest_compat.declare.published import check_published
from pytest_compat.declare.shapes import Shape, shape
from pytest_compat.errors import JobspecError, brief

MAX_TEXT = 10 * 2**20
"""Characters of a jobspec that is read to be run."""

SHOWN = 10
"""Names of a cycle that a message shows."""


@dataclass(frozen=True, slots=True)
class WorkTask:
    """A command to be run.

    Args:
        path: The groups it is in and its own name; unique in the workflow.
        shape: What it takes.
        after: Names of what has to succeed before it begins, all of them beside it.
        command: Its words, one or more.
        environment: What it has in its environment beside what is there anyway.
        folder: Where it runs; empty for wherever the runner is.
        seconds: How long it may take; None for as long as it likes.
        local: It runs in the allocation of its group itself, not as a job of that.
    """

    path: tuple[str, ...]
    shape: Shape
    after: tuple[str, ...]
    command: tuple[str, ...]
    environment: Mapping[str, str]
    folder: str = ""
    seconds: float | None = None
    local: bool = False


@dataclass(frozen=True, slots=True)
class WorkGroup:
    """Tasks and groups that run in an allocation of their own.

    Args:
        path: The groups it is in and its own name; unique in the workflow.
        shape: What it takes for all of its members together.
        after: Names of what has to succeed before it begins, all of them beside it.
        members: What is in it; each comes after what it waits for.
    """

    path: tuple[str, ...]
    shape: Shape
    after: tuple[str, ...]
    members: tuple[WorkTask | WorkGroup, ...]


@dataclass(frozen=True, slots=True)
class Workflow:
    """What a jobspec wants to be run.

    Args:
        name: What the job is called.
        members: Its tasks and groups; each comes after what it waits for.
    """

    name: str
    members: tuple[WorkTask | WorkGroup, ...]

    def every(self) -> Iterator[WorkTask | WorkGroup]:
        """Yield all tasks and groups, a group before its members."""
        return _every(self.members)


def _every(members: tuple[WorkTask | WorkGroup, ...]) -> Iterator[WorkTask | WorkGroup]:
    for member in members:
        yield member
        if isinstance(member, WorkGroup):
            yield from _every(member.members)


def parse_workflow(text: str, *, name: str = "") -> Workflow:
    """Read a workflow from the YAML or JSON text of a jobspec.

    Raises:
        JobspecError: It is longer than MAX_TEXT, neither YAML nor JSON, or nothing that can be run.
    """
    if len(text) > MAX_TEXT:
        raise JobspecError(f"found {len(text)} characters, expected {MAX_TEXT} at most")
    return read_workflow(load(text), name=name)


def read_workflow(document: object, *, name: str = "") -> Workflow:
    """Read a workflow from a parsed jobspec of any dialect.

    Beyond what `read_jobspec` says:

    - A task or group waits for what `depends_on` names: something beside it, or beside a group that it is in. In the
      latter case that group waits, as an allocation can only wait for what is beside it.
    - A group runs where the one task stands that has it as its `group`, else where it is declared.
    - A task with `replicas` is that many tasks, called `NAME.0` and so on; to depend on it is to depend on them all.
    - Tasks without a name are called `task-0`, those of groups `GROUP-task-0`, groups `batch-0`, by where they stand.
    - `environment`, `cwd` and `duration` (seconds, 0 for no limit) in `attributes` of a task go before those of the
      jobspec, and these before `attributes.system`, which is where Flux has them.

    Raises:
        JobspecError: It is no jobspec, or nothing that can be run: names twice, unknown or in a cycle, commands without
            words, nothing to be run; the error has the path of what is wrong.
    """
    jobspec = read_jobspec(document, name=name)
    assert isinstance(document, dict)
    current, _ = convert(document)
    check_published(current)
    shapes = {group: _shape(document, current, group) for group in jobspec.groups}
    drafts = Drafts(_staged(current) if "task" in document else current).read()
    return Workflow(jobspec.name, tuple(_work(draft, (), shapes) for draft in _ordered(drafts)))


def _shape(document: Mapping[str, Any], current: Mapping[str, Any], group: str) -> Shape:
    listed = document["resources"]
    if isinstance(listed, list) and len(listed) == 1:  # conversion keeps what is asked for and drops the slots
        return shape(listed[0], "resources[0]")
    return shape(current["resources"][group], f"resources.{group}")


def _staged(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a document that was converted from one with a `task`, with the scripts that this submits as tasks."""
    staging = document.get("attributes", {}).get("task", {})
    if not staging.get("transform"):
        return dict(document)
    (task,) = document["tasks"]
    bare = {key: value for key, value in task.items() if key != "steps"}
    return {**document, "tasks": list(submitted(staging, bare, "task"))}


def _ordered(drafts: list[Draft]) -> list[Draft]:
    """Return what stands beside one another so that each comes after what it waits for, else as declared."""
    by_name = {draft.name: draft for draft in drafts}
    places = {draft.name: number for number, draft in enumerate(drafts)}
    sorter: TopologicalSorter[str] = TopologicalSorter({draft.name: draft.after for draft in drafts})
    try:
        sorter.prepare()
    except CycleError as error:
        ring = [brief(each) for each in reversed(error.args[1])]
        shown = " -> ".join(ring if len(ring) <= SHOWN else [*ring[: SHOWN - 1], "...", ring[-1]])
        at = by_name[error.args[1][-1]].place
        raise JobspecError(f"found a cycle ({shown}), expected none", path=f"{at}.depends_on") from None
    found: list[Draft] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready(), key=places.__getitem__)
        found += (by_name[name] for name in ready)
        sorter.done(*ready)
    return found


def _work(draft: Draft, within: tuple[str, ...], shapes: Mapping[str, Shape]) -> WorkTask | WorkGroup:
    path = (*within, draft.name)
    taken = shapes[draft.resources] if draft.resources else Shape()
    after = tuple(draft.after)
    if draft.members is not None:
        members = tuple(_work(member, path, shapes) for member in _ordered(draft.members))
        return WorkGroup(path, taken, after, members)
    given = draft.given
    return WorkTask(path, taken, after, draft.command, given.environment, given.folder, given.seconds, draft.local)
