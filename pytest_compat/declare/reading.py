"""Reading files that people write, so that whatever is wrong with one ends in a DeclarationError that says where."""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterable, Mapping
from functools import lru_cache
from importlib.resources import files
from math import isfinite
from pathlib import Path
from typing import Any

import yaml

from pytest_compat.errors import DeclarationError, brief, known

MAX_DEPTH = 100
MAX_VALUES = 1_000_000
"""Bounds on a YAML document, with its aliases written out."""

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def expect(error: type[DeclarationError], found: Any, kind: type, place: str, expected: str) -> Any:
    """Return `found` when it is of that kind.

    Raises:
        DeclarationError: It is not; of the class given, with what was found and what was expected.
    """
    if not isinstance(found, kind):
        shown = "nothing" if found is None else brief(found)
        raise error(f"found {shown}, expected {expected}", path=place)
    return found


def read_text(path: Path, error: type[DeclarationError] = DeclarationError) -> str:
    """Read a UTF-8 text file.

    Raises:
        DeclarationError: It is missing or unreadable; of the class given, with the file's name.
    """
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise error("found no such file", source=str(path)) from None
    except (OSError, ValueError) as problem:
        raise error(f"cannot be read: {problem}", source=str(path)) from None


def load_yaml(text: str, loader: Any = _Loader) -> Any:
    """Parse YAML from anyone.

    libyaml overflows the stack on text that nests deeply, and a few aliases of aliases are billions of values to
    whoever walks them, so that both are looked for in the events before anything is built.

    Raises:
        DeclarationError: It is no YAML, or too much of it.
    """
    try:
        _survey(yaml.parse(text, Loader=loader))
        return yaml.load(text, Loader=loader)  # noqa: S506, safe loaders only
    # What constructors raise for `!!bool x`, `!!timestamp x` and `!!int ""` is none of YAML's own errors.
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        raise DeclarationError(f"found no YAML: {error.problem}{place}") from None
    except (yaml.YAMLError, ValueError, LookupError, AttributeError, TypeError, ArithmeticError) as error:
        raise DeclarationError(f"found no YAML: {error}") from None
    except RecursionError:
        raise DeclarationError("found YAML nested too deeply") from None


def _survey(events: Iterable[yaml.Event]) -> None:
    """Refuse YAML that nests too deeply, or is too large with its aliases written out."""
    sizes: dict[str, int] = {}
    open_: list[tuple[str | None, int]] = []
    size = 0
    for event in events:
        if isinstance(event, yaml.AliasEvent):
            if event.anchor in sizes:  # the loader says so of one that is not defined
                size += sizes[event.anchor]
            elif any(anchor == event.anchor for anchor, _ in open_):
                raise DeclarationError(f"found an alias {event.anchor!r} inside what it stands for")
        elif isinstance(event, yaml.CollectionStartEvent):
            open_.append((event.anchor, size))
            size += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = open_.pop()
            if anchor is not None:
                sizes[anchor] = size - before
        elif isinstance(event, yaml.ScalarEvent):
            size += 1
            if event.anchor is not None:
                sizes[event.anchor] = 1
        if len(open_) > MAX_DEPTH:
            raise DeclarationError(f"found YAML nested too deeply, expected {MAX_DEPTH} levels at most")
        if size > MAX_VALUES:
            raise DeclarationError(f"found YAML with more than {MAX_VALUES} values, aliases included")


def read_declaration(path: Path, schema: str) -> dict[str, Any]:
    """Read a YAML file and hold it to one of the package's JSON Schemas.

    Args:
        path: The file.
        schema: `experiment`, `clusters` or `jobs`.

    Raises:
        DeclarationError: The file is missing, no YAML, has a key twice, or is not what the schema says.
    """
    text = read_text(path)
    try:
        document = load_yaml(text, _UniqueKeys)
        check(document, schema)
    except DeclarationError as error:
        raise error.within(str(path)) from None
    assert isinstance(document, dict)
    return document


def check(document: object, schema: str) -> None:
    """Hold a parsed document to a JSON Schema.

    Raises:
        DeclarationError: It does not fit; the error has the path inside the document.
    """
    from jsonschema.exceptions import best_match

    error = best_match(_validator(schema).iter_errors(document))
    if error is None:
        return
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path).lstrip(".")
    raise DeclarationError(_explain(error), path=path)


def _explain(error: Any) -> str:
    """Say of a JSON Schema error what was found and what was expected."""
    found = brief(error.instance)
    if error.schema is False:
        return f"found {found}, expected none here, as something beside it excludes it"
    expected = error.schema.get("title") or error.schema.get("type") or "something else"
    match error.validator:
        case "additionalProperties":
            allowed = error.schema.get("properties", {})
            return known("key", next(key for key in error.instance if key not in allowed), allowed)
        case "required":
            missing = next(key for key in error.validator_value if key not in error.instance)
            return f"found no {missing!r} among {', '.join(map(brief, error.instance)) or 'no keys at all'}"
        case "minProperties" | "minItems":
            return f"found {found}, expected {error.validator_value} or more entries"
        case "uniqueItems":
            return f"found {found}, expected each once"
        case "type" | "anyOf" if isinstance(error.instance, bool | int | float) and "number" not in expected:
            return f"found {found}, expected {expected}; quote it to make it one"
        case "oneOf":
            keys = ", ".join(map(brief, error.instance)) or "nothing"
            return f"found {keys}, expected one of: {_titles(error.validator_value)}"
        case _:
            return f"found {found}, expected {expected}"


def _titles(schemas: Iterable[Mapping[str, Any]]) -> str:
    return ", ".join(str(schema.get("title", "something else")) for schema in schemas)


@lru_cache
def _validator(schema: str) -> Any:
    from jsonschema import Draft202012Validator, validators
    from referencing import Registry, Resource

    folder = files("pytest_compat.declare") / "schemas"
    documents = {
        path.name: json.loads(path.read_text(encoding="utf-8"))
        for path in folder.iterdir()
        if path.name.endswith(".json")
    }
    registry: Any = Registry().with_resources(
        (name, Resource.from_contents(document)) for name, document in documents.items()
    )
    # To JSON Schema 2.0 is an integer; to range() it is not.
    whole = Draft202012Validator.TYPE_CHECKER.redefine(
        "integer", lambda _, found: isinstance(found, int) and not isinstance(found, bool)
    )
    extend: Any = validators.extend
    strict = extend(Draft202012Validator, type_checker=whole)
    return strict(documents[f"{schema}.json"], registry=registry)


class _UniqueKeys(_Loader):  # type: ignore[misc, valid-type]
    """A safe loader that refuses what others take in silence: a key given twice, or that is no string, and NaN."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value != "<<":
                if key.value in seen:
                    raise DeclarationError(f"found the key {key.value!r} twice{_line(key)}, expected unique names")
                seen.add(key.value)
        found: dict[Hashable, Any] = super().construct_mapping(node, deep=deep)
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and not isinstance(name := self.construct_object(key), str):
                hint = f'quote it to make it one: "{key.value}"'
                raise DeclarationError(f"found the key {brief(name)}{_line(key)}, expected a string; {hint}")
        return found

    def construct_yaml_float(self, node: yaml.ScalarNode) -> float:
        number: float = super().construct_yaml_float(node)
        if not isfinite(number):
            raise DeclarationError(f"found {node.value}{_line(node)}, expected a number that is finite")
        return number


_UniqueKeys.add_constructor("tag:yaml.org,2002:float", _UniqueKeys.construct_yaml_float)


def _line(node: yaml.Node) -> str:
    return f" (line {node.start_mark.line + 1})" if node.start_mark else ""
