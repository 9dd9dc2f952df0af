"""Jobspec Next Generation, version 1: read from what clients send, rendered to what servers expect.

Older dialects are read as well, with a warning to the logger `pytest_compat.declare`; `dialects` says which.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache, partial
from typing import Any, NoReturn

from pytest_compat.declare.dialects import MAX_DEPTH, MAX_RESOURCES, convert, quoted
from pytest_compat.declare.reading import expect, load_yaml
from pytest_compat.errors import LONGEST, DeclarationError, JobspecError, brief, known
from pytest_compat.model import Jobspec, Requirement, Resource, Task

log = logging.getLogger("pytest_compat.declare")

WARNED = 1024
"""Texts remembered as warned of: clients submit the same one again and again."""

_expect = partial(expect, JobspecError)
_KEYS = frozenset({"name", "field", "match", "min", "max"})


def parse_jobspec(text: str, *, name: str = "") -> Jobspec:
    """Read a jobspec from YAML or JSON text, with one warning per text when it is in an older dialect.

    Raises:
        JobspecError: It is neither, or not a jobspec; the error has the path of what is wrong.
    """
    jobspec, converted = _convert_and_read(load(text), name)
    if converted:
        _warn_once(hash(text), converted)
    return jobspec


def load(text: str) -> Any:
    """Parse the YAML or JSON text of a jobspec.

    Raises:
        JobspecError: It is neither.
    """
    if text.lstrip().startswith("{"):  # JSON is YAML too, and read many times faster as what it is
        with suppress(ValueError, RecursionError):
            return json.loads(text)
    try:
        return load_yaml(text)
    except DeclarationError as error:
        raise JobspecError(f"found neither YAML nor JSON: {error.problem}") from None


def read_jobspec(document: object, *, name: str = "") -> Jobspec:
    """Read a parsed jobspec, with a warning when it is in an older dialect.

    A task runs in the resource group it names, or else in that of the group of tasks it is in. What a task requires (by
    the name of a block of the top-level `requires`) is required of the slot of its resource group; a block that no task
    names is required of every slot.

    Raises:
        JobspecError: It is not a jobspec; the error has the path of what is wrong.
    """
    jobspec, converted = _convert_and_read(document, name)
    if converted:
        _warn(converted)
    return jobspec


def _warn(converted: tuple[str, ...]) -> None:
    # What a jobspec says is its owner's: the log gets what was converted and nothing of it.
    log.warning("read a jobspec in an older dialect and converted it: %s", "; ".join(converted))


@lru_cache(maxsize=WARNED)
def _warn_once(text: int, converted: tuple[str, ...]) -> None:
    """Warn of a text, given by its hash, unless that was done lately."""
    _warn(converted)


def _convert_and_read(document: object, name: str) -> tuple[Jobspec, tuple[str, ...]]:
    """Read a parsed jobspec of any dialect; return with it what was converted."""
    said = _expect(document, dict, "", "an object with `version`, `resources` and `tasks`")
    if said.get("version") != 1 or isinstance(said.get("version"), bool):
        _fail("version", f"found {brief(said.get('version'))}, expected 1 (Jobspec Next Generation)")
    current, converted = convert(said)
    try:
        return _read(current, name), converted
    except JobspecError as error:
        path = error.path
        if "task" in said and path.startswith("tasks[0]"):  # as it is called in what was sent
            path = f"task{path.removeprefix('tasks[0]')}"
        raise JobspecError(error.problem, path=path) from None


def _read(jobspec: Mapping[str, Any], name: str) -> Jobspec:
    budget = [MAX_RESOURCES]
    groups = {
        group: replace(_resource(resource, f"resources.{group[:LONGEST]}", 1, budget), slot=True)
        for group, resource in _named(jobspec, "resources")
    }
    blocks = {
        block: _requirements(lines, f"requires.{block[:LONGEST]}") for block, lines in _named(jobspec, "requires")
    }
    tasks: list[Task] = []
    used: dict[str, list[str]] = {}
    for task, group, requires in _walk(jobspec, "", "", groups, budget):
        if task is not None:
            tasks.append(task)
        if group:
            used.setdefault(group, []).extend(requires)
    named = {block for requires in used.values() for block in requires}
    asked = {}
    for group, requires in used.items():
        wanted = [block for block in blocks if block in requires or block not in named]
        extra = tuple(requirement for block in wanted for requirement in blocks[block])
        for block in requires:
            if block not in blocks:
                _fail("requires", known("block of requirements", block, blocks))
        asked[group] = replace(groups[group], requires=groups[group].requires + extra)
    return Jobspec(
        name or _expect(jobspec.get("name", ""), str, "name", "a string"),
        asked,
        tuple(tasks),
        _expect(jobspec.get("attributes") or {}, dict, "attributes", "an object"),
    )


def _named(jobspec: Mapping[str, Any], key: str) -> Iterator[tuple[str, Any]]:
    for name, value in _expect(jobspec.get(key, {}), dict, key, "an object").items():
        yield _expect(name, str, key, "names that are strings"), value


def render_jobspec(jobspec: Jobspec) -> dict[str, Any]:
    """Return the jobspec as a Jobspec Next Generation document, ready for JSON or YAML."""
    document: dict[str, Any] = {
        "version": 1,
        "resources": {name: _render(group, slot=True) for name, group in jobspec.groups.items()},
        "tasks": [
            {
                **({"command": list(task.command)} if task.command else {"steps": []}),
                **({"resources": task.group} if task.group else {"local": True}),
                **({"name": task.name} if task.name else {}),
            }
            for task in jobspec.tasks
        ],
    }
    if jobspec.attributes:
        document["attributes"] = dict(jobspec.attributes)
    return document


def _render(resource: Resource, *, slot: bool = False) -> dict[str, Any]:
    document: dict[str, Any] = {
        "type": resource.type,
        "replicas" if slot or resource.slot else "count": resource.count,
    }
    if resource.requires:
        document["requires"] = [
            {
                "name": requirement.subsystem,
                "field": requirement.field,
                **{verb: text for verb in ("match", "min", "max") if (text := getattr(requirement, verb)) is not None},
            }
            for requirement in resource.requires
        ]
    if resource.within:
        document["with"] = [_render(child) for child in resource.within]
    return document


def _walk(
    level: Mapping[str, Any], place: str, inherited: str, groups: Mapping[str, Resource], budget: list[int]
) -> Iterator[tuple[Task | None, str, list[str]]]:
    """Yield every task with its resource group and the requirement blocks it names, and every group of tasks."""
    for number, task in enumerate(_expect(level.get("tasks") or [], list, f"{place}tasks", "a list")):
        at = f"{place}tasks[{number}]"
        _spend(budget, at)
        _expect(task, dict, at, "an object with `command`")
        group = _group(task, at, inherited, groups)
        requires = task.get("requires", "")
        blocks = [_expect(requires, str, f"{at}.requires", "the name of a block")] if requires else []
        if "group" in task:
            yield None, group, blocks
            continue
        if not group and not task.get("local"):
            _fail(f"{at}.resources", f"found nothing, expected one of {', '.join(groups)[:1000] or 'resources'}")
        yield (
            Task(_command(task, at), group, _expect(task.get("name", ""), str, f"{at}.name", "a string")),
            group,
            blocks,
        )
    for number, inner in enumerate(_expect(level.get("groups") or [], list, f"{place}groups", "a list")):
        at = f"{place}groups[{number}]"
        _spend(budget, at)
        if at.count("groups") > MAX_DEPTH:
            _fail(at, f"found groups more than {MAX_DEPTH} deep")
        _expect(inner, dict, at, "an object with `tasks`")
        group = _group(inner, at, inherited, groups)
        yield None, group, []
        yield from _walk(inner, f"{at}.", group, groups, budget)


def _group(holder: Mapping[str, Any], at: str, inherited: str, groups: Mapping[str, Resource]) -> str:
    group = _expect(holder.get("resources", inherited), str, f"{at}.resources", "the name of a resource group")
    if group and group not in groups:
        _fail(f"{at}.resources", known("resource group", group, groups))
    return str(group)


def _command(task: Mapping[str, Any], at: str) -> tuple[str, ...]:
    command = task.get("command", [] if "steps" in task else None)
    if isinstance(command, str):
        return (command,)
    words = _expect(command, list, f"{at}.command", "a list of strings")
    for number, word in enumerate(words):
        _expect(word, str, f"{at}.command[{number}]", "a string")
    if not words and "steps" not in task:
        _fail(f"{at}.command", "found no words, expected at least one")
    return tuple(words)


def _resource(document: object, place: str, depth: int, budget: list[int]) -> Resource:
    _spend(budget, place)
    if depth > MAX_DEPTH:
        _fail(place, f"found resources more than {MAX_DEPTH} deep")
    resource = _expect(document, dict, place, "an object with `type`")
    type = _expect(resource.get("type"), str, f"{place}.type", "a string")
    slot = "replicas" in resource
    verb = "replicas" if slot else "count"
    for each in ("replicas", "count"):
        count = resource.get(each, 1)
        if not isinstance(count, int) or isinstance(count, bool) or not 1 <= count < 2**63:
            _fail(f"{place}.{each}", f"found {brief(count)}, expected a whole number, 1 or more")
    return Resource(
        type,
        resource.get(verb, 1),
        slot,
        _requirements(resource.get("requires", []), f"{place}.requires"),
        tuple(
            _resource(child, f"{place}.with[{number}]", depth + 1, budget)
            for number, child in enumerate(_expect(resource.get("with") or [], list, f"{place}.with", "a list"))
        ),
    )


def _requirements(lines: object, place: str) -> tuple[Requirement, ...]:
    found = _expect(lines or [], list, place, "a list of requirements")
    return tuple(requirement(line, f"{place}[{number}]") for number, line in enumerate(found))


def requirement(line: object, place: str) -> Requirement:
    """Read one line of `requires`.

    Raises:
        JobspecError: It has no name or field, neither or both of a value and a range, or something that is no string.
    """
    said = _expect(line, dict, place, "an object with `name`, `field` and `match` or `min`, `max`")
    for key, value in said.items():
        if key not in _KEYS:
            _fail(place, known("key", key if isinstance(key, str) else brief(key), sorted(_KEYS)))
        if not isinstance(value, str):
            _fail(f"{place}.{key}", f"found {brief(value)}, expected a string{quoted(value)}")
    for key in ("name", "field"):
        if not said.get(key):
            _fail(f"{place}.{key}", "found nothing, expected a string")
    if ("match" in said) == ("min" in said or "max" in said):
        _fail(place, "expected either `match`, or `min`, `max` or both")
    return Requirement(said["name"], said["field"], said.get("match"), said.get("min"), said.get("max"))


def _spend(budget: list[int], place: str) -> None:
    budget[0] -= 1
    if budget[0] < 0:
        _fail(place, f"found more than {MAX_RESOURCES} resources and tasks")


def _fail(place: str, problem: str) -> NoReturn:
    raise JobspecError(problem, path=place)
