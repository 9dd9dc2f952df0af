"""Tasks and groups of a jobspec where they run, with names of their own and what each waits for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NoReturn

from pytest_compat.declare.attributes import Given, read_attributes
from pytest_compat.declare.commands import check_word, words
from pytest_compat.declare.dialects import MAX_DEPTH, MAX_RESOURCES
from pytest_compat.declare.reading import expect
from pytest_compat.errors import JobspecError, brief, known

MAX_EDGES = 1_000_000
"""Pairs of one that waits and one that is waited for; replicas that wait for replicas make many of few words."""

_TOP = ("version", "name", "requires", "resources", "groups", "tasks", "attributes")
_GROUP = ("name", "resources", "depends_on", "tasks", "groups")
_REFERENCE = ("group", "name", "resources", "depends_on", "requires")
_TASK = ("name", "command", "resources", "local", "requires", "depends_on", "replicas", "steps", "attributes")

_expect = partial(expect, JobspecError)


@dataclass(eq=False)
class Draft:
    """A task, or a group where `members` is not None.

    Args:
        name: Its name, unique among those beside it.
        place: Where it stands in the document.
        resources: The resource group it runs in; empty for none.
        depends_on: What it says it waits for.
        after: Names of what it waits for, all beside it, in order.
    """

    name: str
    place: str
    resources: str
    depends_on: list[str]
    command: tuple[str, ...] = ()
    given: Given = field(default_factory=Given)
    local: bool = False
    members: list[Draft] | None = None
    after: dict[str, None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Declared:
    group: Mapping[str, Any]
    place: str
    resources: str


class Drafts:
    """All tasks and groups of a jobspec.

    Args:
        document: A parsed jobspec of today's dialect, which has been read as one before.
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._groups: dict[str, _Declared] = {}
        self._referred: dict[str, str] = {}
        """Where the task stands that a group runs in the place of."""
        self._placed: set[str] = set()
        self._scopes: list[tuple[_Scope, _Around]] = []
        self._budget = MAX_RESOURCES
        self._edges = MAX_EDGES
        attributes = document.get("attributes") or {}
        system = read_attributes(attributes.get("system"), "attributes.system", Given())
        self._given = read_attributes(attributes, "attributes", system)

    def read(self) -> list[Draft]:
        """Return what stands at the top, with all that is in it.

        Raises:
            JobspecError: Something has an unknown key or name, one that is taken, or stands in itself.
        """
        _only(self._document, "", _TOP)
        self._declare(self._document, "", "", "")
        self._refer(self._document, "")
        for each in self._groups.values():
            self._refer(each.group, f"{each.place}.")
        members = self._members(self._document, "", "", "", ())
        for name, each in self._groups.items():
            if name not in self._placed:
                _fail(self._referred.get(name, each.place), f"found group {brief(name)} inside itself")
        for scope, around in self._scopes:
            self._resolve(scope, around)
        return members

    def _declare(self, level: Mapping[str, Any], place: str, inherited: str, prefix: str) -> None:
        for number, group in enumerate(level.get("groups") or []):
            at = f"{place}groups[{number}]"
            _only(group, at, _GROUP)
            name = _name(group, at) or f"{prefix}batch-{number}"
            if name in self._groups:
                _fail(f"{at}.name", f"found group {brief(name)} twice, expected names of their own")
            resources = group.get("resources", inherited)
            if not resources:
                names = ", ".join(self._document.get("resources") or {})[:1000]
                _fail(f"{at}.resources", f"found nothing, expected one of {names or 'resources'}")
            self._groups[name] = _Declared(group, at, resources)
            self._declare(group, f"{at}.", resources, f"{name}-")

    def _refer(self, level: Mapping[str, Any], place: str) -> None:
        for number, task in enumerate(level.get("tasks") or []):
            if "group" in task:
                at = f"{place}tasks[{number}]"
                _only(task, at, _REFERENCE)
                name = _expect(task["group"], str, f"{at}.group", "the name of a group")
                if name not in self._groups:
                    _fail(f"{at}.group", known("group", name, self._groups))
                if name in self._referred:
                    _fail(f"{at}.group", f"found group {brief(name)} a second time, expected it in one place")
                own = self._groups[name].resources
                if task.get("resources", own) != own:
                    _fail(f"{at}.resources", f"found {brief(task['resources'])}, expected {brief(own)} as in the group")
                self._referred[name] = f"{at}.group"

    def _members(
        self, level: Mapping[str, Any], place: str, prefix: str, inherited: str, around: _Around
    ) -> list[Draft]:
        """Return what stands in a level."""
        if len(around) > MAX_DEPTH:
            _fail(place.rstrip("."), f"found groups more than {MAX_DEPTH} deep")
        scope = _Scope()
        tasks, groups = level.get("tasks") or [], level.get("groups") or []
        if not tasks and not groups:
            _fail(f"{place}tasks", "found no tasks, expected one or more")
        taken = {name for each in (*tasks, *groups) if isinstance(name := each.get("name"), str)}
        for number, task in enumerate(tasks):
            at = f"{place}tasks[{number}]"
            name = _name(task, at)
            if "group" in task:
                draft = self._group(task["group"], around, scope, _depends_on(task, at))
                scope.add(draft.name, [draft], at)
                if name and name != draft.name:
                    scope.add(name, [draft], at, alias=True)
            else:
                default = f"{prefix}task-{number}"
                while default in taken:
                    default += "-0"
                scope.add(name or default, list(self._tasks(task, at, name or default, inherited)), at)
        for number, group in enumerate(groups):
            name = _name(group, place) or f"{prefix}batch-{number}"
            if name not in self._referred:
                scope.add(name, [self._group(name, around, scope, [])], f"{place}groups[{number}]")
        self._scopes.append((scope, around))
        return scope.drafts

    def _group(self, name: str, around: _Around, scope: _Scope, more: list[str]) -> Draft:
        declared = self._groups[name]
        self._placed.add(name)
        self._spend(declared.place)
        depends_on = [*_depends_on(declared.group, declared.place), *more]
        draft = Draft(name, declared.place, declared.resources, depends_on, members=[])
        draft.members = self._members(
            declared.group, f"{declared.place}.", f"{name}-", declared.resources, (*around, (scope, draft))
        )
        return draft

    def _tasks(self, task: Mapping[str, Any], at: str, name: str, inherited: str) -> Iterator[Draft]:
        _only(task, at, _TASK)
        if task.get("steps"):
            _fail(f"{at}.steps", "found steps, expected a command: arguments and standard input need no staging")
        command = words(task.get("command", []), f"{at}.command")
        given = read_attributes(task.get("attributes"), f"{at}.attributes", self._given)
        local = _expect(task.get("local", False), bool, f"{at}.local", "true or false")
        replicas = task.get("replicas", 1)
        if isinstance(replicas, float) and replicas.is_integer():
            replicas = int(replicas)
        if not isinstance(replicas, int) or isinstance(replicas, bool) or replicas < 1:
            _fail(f"{at}.replicas", f"found {brief(replicas)}, expected a whole number, 1 or more")
        depends_on, resources = _depends_on(task, at), task.get("resources", inherited)
        for number in range(replicas):
            self._spend(at)
            called = f"{name}.{number}" if "replicas" in task else name
            yield Draft(called, at, resources, depends_on, command, given, local)

    def _resolve(self, scope: _Scope, around: _Around) -> None:
        """Find what is waited for, beside who waits or beside a group that it is in."""
        for draft in scope.drafts:
            for number, name in enumerate(draft.depends_on):
                for level, waiting in ((scope, draft), *reversed(around)):
                    if name in level.names:
                        self._wait(waiting, level.names[name], draft, f"{draft.place}.depends_on[{number}]")
                        break
                else:
                    names = [each for level, _ in (*around, (scope, draft)) for each in level.names]
                    _fail(f"{draft.place}.depends_on[{number}]", known("task or group", name, names))

    def _wait(self, waiting: Draft, awaited: list[Draft], draft: Draft, place: str) -> None:
        self._edges -= len(awaited)
        if self._edges < 0:
            _fail(place, f"found more than {MAX_EDGES} dependencies")
        if waiting is not draft and waiting in awaited:
            _fail(place, f"found the group {brief(waiting.name)} that it is in")
        waiting.after.update((each.name, None) for each in awaited)

    def _spend(self, place: str) -> None:
        self._budget -= 1
        if self._budget < 0:
            _fail(place, f"found more than {MAX_RESOURCES} tasks and groups")


class _Scope:
    """What stands beside one another, by the names that others know it by."""

    def __init__(self) -> None:
        self.names: dict[str, list[Draft]] = {}
        self.drafts: list[Draft] = []
        self._own: set[str] = set()

    def add(self, name: str, drafts: list[Draft], place: str, *, alias: bool = False) -> None:
        for each in {name, *(() if alias else (draft.name for draft in drafts))}:
            if each in self._own:
                _fail(f"{place}.name", f"found {brief(each)} twice, expected names of their own")
            self._own.add(each)
        self.names[name] = drafts
        if not alias:
            self.drafts += drafts


_Around = tuple[tuple[_Scope, Draft], ...]
"""From the top: what stands beside one another, and the group among it that the next is in."""


def _name(holder: Mapping[str, Any], at: str) -> str:
    name = str(_expect(holder.get("name", ""), str, f"{at}.name", "a string"))
    check_word(name, f"{at}.name")
    if len(name) > 1000 or any(not each.isprintable() for each in name):
        _fail(f"{at}.name", f"found {brief(name)}, expected printable characters, 1000 at most")
    return name


def _depends_on(holder: Mapping[str, Any], at: str) -> list[str]:
    found = _expect(holder.get("depends_on") or [], list, f"{at}.depends_on", "a list of names")
    return [_expect(name, str, f"{at}.depends_on[{number}]", "a name") for number, name in enumerate(found)]


def _only(holder: Mapping[Any, Any], at: str, keys: tuple[str, ...]) -> None:
    for key in holder:
        if key not in keys:
            _fail(at, known("key", key if isinstance(key, str) else brief(key), keys))


def _fail(place: str, problem: str) -> NoReturn:
    raise JobspecError(problem, path=place)
