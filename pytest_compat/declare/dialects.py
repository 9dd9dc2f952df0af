"""Older jobspec dialects, turned into Jobspec Next Generation documents; one way, and never by leaving something out.

- Flux's own V1: `resources` is a list with slots in it, which tasks name by their label.
- Rainbow of early 2024: the same, with `task` for `tasks`, and what a task requires in its own `resources`.
- Early Jobspec Next Generation: `value` for `match` in a line of `requires`.

A slot is no vertex: it says how often what stands in it is wanted. In the conversion it goes, and what stands in it is
asked for that many times as often; below a node, `slot: 4` of `core: 1` are four cores of that node. Everything in
the list is wanted at once, so that it becomes one resource group, called as its first slot is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, NoReturn

from pytest_compat.declare.reading import expect
from pytest_compat.errors import LONGEST, JobspecError, brief, known

MAX_DEPTH = 32
MAX_RESOURCES = 10_000
"""Bounds on what one jobspec may ask for; a YAML file with aliases can be small and ask for billions."""

MAX_COUNT = 2**63 - 1

LISTED = "`resources` as a list with slots"
SINGLE = "`task` for `tasks`"
NEEDS = "requirements in the resources of a task"
STEPS = "`transform` and `scripts` of a task, kept in `attributes.task`"
RANGE = "a range as `count`, of which the least is asked for"
VALUE = "`value` for `match` in a requirement"

_NODE, _CLUSTER, _SLOT = "node", "cluster", "slot"
_INSIDE = frozenset({"socket", "numanode", "core", "pu", "gpu", "memory"})
"""What lies inside one node, even where a jobspec does not say so."""

_VERBS = ("match", "min", "max")

_expect = partial(expect, JobspecError)


def convert(document: dict[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Turn a jobspec of an older dialect into a Jobspec Next Generation document.

    Args:
        document: A parsed jobspec; it is not changed.

    Returns:
        The document, and what was converted in it: some of the constants above, none of which quotes the jobspec. One
        that is in no older dialect is returned as it is.

    Raises:
        JobspecError: It is in an older dialect and says what Jobspec Next Generation cannot; the path is the older one.
    """
    if isinstance(document.get("resources"), list) or "task" in document:
        return _Older(document).converted()
    return _respelt(document)


def quoted(value: object) -> str:
    """Return a hint for an error message where YAML has made something else of a text."""
    if not isinstance(value, bool | int | float):
        return ""
    text = ("yes" if value else "no") if isinstance(value, bool) else brief(value)
    return f' (in YAML, quote it: "{text}")'


class _Older:
    """A jobspec whose resources are a list with slots."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._budget = MAX_RESOURCES
        self._done = dict.fromkeys([LISTED])
        self._targets: dict[str, list[dict[str, Any]]] = {}
        """What carries the requirements of the tasks in a slot, by the slot's label."""

    def converted(self) -> tuple[dict[str, Any], tuple[str, ...]]:
        document = self._document
        _only(document, "", "version", "name", "resources", "task", "tasks", "attributes")
        asked = _expect(document.get("resources"), list, "resources", "a list, as there is a `task`")
        roots = self._list(asked, "resources", (), None, True)
        if not self._targets:
            _fail("resources", "found no slot, expected one that the tasks can name")
        if len(roots) > 1 and any(root["type"] == _CLUSTER for root in roots):
            _fail("resources", "found a cluster beside other resources, expected these inside it")
        attributes = self._attributes()
        single = "task" in document
        if single and "tasks" in document:
            _fail("task", "found it beside `tasks`, expected one of them")
        if single:
            self._done[SINGLE] = None
        tasks = [document["task"]] if single else _expect(document.get("tasks"), list, "tasks", "a list")
        if not tasks:  # a jobspec without tasks would ask for nothing, and match everywhere
            _fail("tasks", "found none, expected one or more")
        name = next(iter(self._targets))
        converted_tasks = [
            self._task(task, "task" if single else f"tasks[{number}]", name, attributes)
            for number, task in enumerate(tasks)
        ]
        converted = {
            **{key: document[key] for key in ("version", "name") if key in document},
            "resources": {name: _group(roots)},
            "tasks": converted_tasks,
            **({"attributes": attributes} if attributes else {}),
        }
        return converted, tuple(self._done)

    def _list(
        self, asked: list[Any], place: str, above: tuple[str, ...], node: dict[str, Any] | None, alone: bool
    ) -> list[dict[str, Any]]:
        """Convert resources that stand side by side.

        Args:
            asked: The resources.
            place: Where they stand.
            above: The types that they stand in, slots included.
            node: The outermost node that they stand in.
            alone: Whether nothing stands beside any of `above`.
        """
        if not asked:
            _fail(place, "found no resources, expected one or more")
        if len(above) >= MAX_DEPTH:
            _fail(place, f"found resources more than {MAX_DEPTH} deep")
        alone = alone and len(asked) == 1
        made = []
        for number, resource in enumerate(asked):
            made += self._resource(resource, f"{place}[{number}]", above, node, alone)
        return made

    def _resource(
        self, resource: object, place: str, above: tuple[str, ...], node: dict[str, Any] | None, alone: bool
    ) -> list[dict[str, Any]]:
        self._spend(place)
        said = _expect(resource, dict, place, "an object with `type`")
        _only(said, place, "type", "count", "with", "label", "exclusive")
        type = _expect(said.get("type"), str, f"{place}.type", "a string")
        count = self._count(said.get("count", 1), f"{place}.count")
        inside = _expect(said.get("with") or [], list, f"{place}.with", "a list")
        exclusive = _expect(said.get("exclusive", False), bool, f"{place}.exclusive", "true or false")
        if exclusive and not alone:
            # Alone in the job it shares with nobody; Jobspec Next Generation cannot keep the job's others out of it.
            _fail(f"{place}.exclusive", "found true on one of several resources, expected it where there is but one")
        label = _expect(said.get("label", ""), str, f"{place}.label", "a string")
        if type == _SLOT:
            if _SLOT in above:
                _fail(place, "found a slot inside a slot, expected resources")
            if not label or label in self._targets:
                _fail(f"{place}.label", f"found {brief(label) if label else 'nothing'}, expected a name of its own")
            return self._slot(inside, place, label, count, above, node, alone)
        made: dict[str, Any] = {"type": type, "count": count}
        if inside:
            outermost = made if node is None and type == _NODE else node
            made["with"] = self._list(inside, f"{place}.with", (*above, type), outermost, alone)
        return [made]

    def _slot(
        self,
        inside: list[Any],
        place: str,
        label: str,
        count: int,
        above: tuple[str, ...],
        node: dict[str, Any] | None,
        alone: bool,
    ) -> list[dict[str, Any]]:
        """Return what stands in a slot, as often as there are slots, and note what its tasks' requirements go on."""
        self._targets[label] = []
        made = self._list(inside, f"{place}.with", (*above, _SLOT), node, alone)
        if node is None and not _INSIDE & set(above):
            made = _on_one_node(made, count, place)
        for each in made:
            each["count"] *= count
            if each["count"] > MAX_COUNT:
                _fail(f"{place}.count", f"found slots with more than {MAX_COUNT} of one resource in all")
        self._targets[label] = [node] if node is not None else list(_nodes(made)) or made
        return made

    def _count(self, count: object, place: str) -> int:
        if isinstance(count, dict):
            _only(count, place, "min", "max", "operator", "operand")
            least = self._count(_expect(count.get("min"), int, f"{place}.min", "a whole number"), f"{place}.min")
            most = self._count(count.get("max", least), f"{place}.max")
            if most < least:
                _fail(place, f"found a max of {brief(most)} below the min of {brief(least)}")
            # More than the least is welcome and never needed: the least decides who can take the job.
            self._done[RANGE] = None
            return least
        if not isinstance(count, int) or isinstance(count, bool) or not 1 <= count <= MAX_COUNT:
            _fail(place, f"found {brief(count)}, expected a whole number, 1 or more")
        return count

    def _attributes(self) -> dict[str, Any]:
        attributes = dict(_expect(self._document.get("attributes") or {}, dict, "attributes", "an object"))
        system = attributes.get("system")
        if isinstance(system, dict) and system.get("constraints"):
            # They rule nodes out, and kept as an attribute they would rule out none.
            _fail("attributes.system.constraints", "found constraints, expected what is required in `requires`")
        return attributes

    def _task(self, task: object, place: str, group: str, attributes: dict[str, Any]) -> dict[str, Any]:
        """Convert a task; what it requires goes to its slot, and how it is staged into the attributes."""
        self._spend(place)
        said = _expect(task, dict, place, "an object with `command` and `slot`")
        staging = ("transform", "scripts") if place == "task" else ()
        _only(said, place, "name", "command", "slot", "count", "resources", *staging)
        slot = _expect(said.get("slot"), str, f"{place}.slot", "the label of a slot")
        if slot not in self._targets:
            _fail(f"{place}.slot", known("slot", slot, self._targets))
        count = said.get("count", {"per_slot": 1})
        if count != {"per_slot": 1} or isinstance(count["per_slot"], bool):
            _fail(f"{place}.count", f"found {brief(count)}, expected {{'per_slot': 1}}: one task in each slot")
        needs = _expect(said.get("resources") or {}, dict, f"{place}.resources", "an object of subsystems")
        for subsystem, fields in needs.items():
            for line in _needs(subsystem, fields, f"{place}.resources"):
                self._done[NEEDS] = None
                for target in self._targets[slot]:
                    self._spend(f"{place}.resources")
                    target.setdefault("requires", []).append(line)
        staged = {key: said[key] for key in staging if key in said}
        if staged:
            if "task" in attributes:
                _fail("attributes.task", f"found it taken, expected room for {' and '.join(staged)} of the task")
            attributes["task"] = staged
            self._done[STEPS] = None
        return {
            **{key: said[key] for key in ("name", "command") if key in said},
            **({"steps": []} if "command" not in said and "transform" in said else {}),
            "resources": group,
        }

    def _spend(self, place: str) -> None:
        self._budget -= 1
        if self._budget < 0:
            _fail(place, f"found more than {MAX_RESOURCES} resources, tasks and requirements")


def _group(roots: list[dict[str, Any]]) -> dict[str, Any]:
    """Return converted resources as one, of which there are replicas."""
    if len(roots) > 1:
        # Side by side in one cluster they share no vertex; in groups of their own they could.
        return {"type": _CLUSTER, "replicas": 1, "with": roots}
    (root,) = roots
    return {"replicas" if key == "count" else key: value for key, value in root.items()}


def _on_one_node(made: list[dict[str, Any]], count: int, place: str) -> list[dict[str, Any]]:
    """Return what stands in a slot that has no node around it so that each slot is on one node, where its task runs.

    Raises:
        JobspecError: There are several slots of several cores or the like. Two of them may share a node or not, which
            Jobspec Next Generation has no words for: four cores of anywhere are less, two nodes of two cores more.
    """
    parts = [each for each in made if each["type"] in _INSIDE]
    if not parts or any(_nodes(made)) or (len(parts) == 1 and parts[0]["count"] == 1 and count > 1):
        return made
    if count > 1:
        _fail(place, "found several slots of several resources each and no node, expected a node around the slots")
    rest = [each for each in made if each["type"] not in _INSIDE]
    return [{"type": _NODE, "count": 1, "with": parts}, *rest]


def _nodes(resources: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield every outermost node in converted resources."""
    for resource in resources:
        if resource["type"] == _NODE:
            yield resource
        else:
            yield from _nodes(resource.get("with", []))


def _needs(subsystem: object, fields: object, place: str) -> Iterator[dict[str, str]]:
    """Yield what a task requires of one subsystem, as lines of `requires`.

    It is written `field: value`, `match: [{type: field=value}]`, or `match` and `range` with lines of today's verbs.
    """
    name = _text(subsystem, place)
    place = f"{place}.{name[:LONGEST]}"
    for field, found in _expect(fields, dict, place, "an object of fields").items():
        at = f"{place}.{_text(field, place)[:LONGEST]}"
        if field not in ("match", "range"):
            yield {"name": name, "field": field, "match": _text(found, at)}
            continue
        verbs = ("match",) if field == "match" else ("min", "max")
        for number, line in enumerate(_expect(found, list, at, "a list of requirements")):
            yield {"name": name, **_line(line, f"{at}[{number}]", verbs)}


def _line(line: object, place: str, verbs: tuple[str, ...]) -> dict[str, str]:
    said = _expect(line, dict, place, "an object with `type`, or `field` and what it has to be")
    if verbs == ("match",) and set(said) == {"type"}:
        said = {"field": "type", "match": _text(said["type"], f"{place}.type")}
    _only(said, place, "field", *verbs)
    texts = {key: _text(value, f"{place}.{key}") for key, value in said.items()}
    if not texts.get("field") or len(texts) < 2:
        _fail(place, f"found {brief(line)}, expected `field` and {' or '.join(f'`{verb}`' for verb in verbs)}")
    if texts["field"] == "type" and "=" in texts.get("match", ""):
        # A vertex of the type `field=value` has the field with that value, as has one that says so in today's way.
        field, _, value = texts["match"].partition("=")
        if not field:
            _fail(place, f"found {brief(line)}, expected a field before the =")
        return {"field": field, "match": value}
    return texts


def _respelt(document: dict[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return a document of named groups with `match` for every `value`; what else is wrong is left to the reader."""
    budget = [MAX_RESOURCES]
    found: list[str] = []

    def lines(requires: object, place: str) -> object:
        if not isinstance(requires, list):
            return requires
        return [line(each, f"{place}[{number}]") for number, each in enumerate(requires)]

    def line(said: object, place: str) -> object:
        # Next to another verb it is no older spelling but an unknown key, and refused as such.
        if not isinstance(said, dict) or "value" not in said or any(verb in said for verb in _VERBS):
            return said
        _text(said["value"], f"{place}.value")
        found.append(VALUE)
        return {"match" if key == "value" else key: text for key, text in said.items()}

    def resource(said: object, place: str, depth: int) -> object:
        budget[0] -= 1
        if not isinstance(said, dict) or depth > MAX_DEPTH or budget[0] < 0:  # more of it than the reader will take
            return said
        changed = dict(said)
        if "requires" in said:
            changed["requires"] = lines(said["requires"], f"{place}.requires")
        if isinstance(said.get("with"), list):
            changed["with"] = [
                resource(each, f"{place}.with[{number}]", depth + 1) for number, each in enumerate(said["with"])
            ]
        return changed

    changed = dict(document)
    if isinstance(document.get("resources"), dict):
        changed["resources"] = {
            name: resource(group, f"resources.{name[:LONGEST]}", 1) if isinstance(name, str) else group
            for name, group in document["resources"].items()
        }
    if isinstance(document.get("requires"), dict):
        changed["requires"] = {
            name: lines(block, f"requires.{name[:LONGEST]}") if isinstance(name, str) else block
            for name, block in document["requires"].items()
        }
    return (changed, (VALUE,)) if found else (document, ())


def _text(value: object, place: str) -> str:
    if not isinstance(value, str):
        _fail(place, f"found {'nothing' if value is None else brief(value)}, expected a string{quoted(value)}")
    return value


def _only(said: Mapping[Any, Any], place: str, *keys: str) -> None:
    """Refuse keys that the conversion does not know: what they ask for would be lost."""
    for key in said:
        if key not in keys:
            _fail(place, known("key", key if isinstance(key, str) else brief(key), keys))


def _fail(place: str, problem: str) -> NoReturn:
    raise JobspecError(problem, path=place)
