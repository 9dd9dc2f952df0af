"""Reading files that people write, so that whatever is wrong with one ends in a DeclarationError that says where."""

from __future__ import annotations

import json
from collections.abc import Hashable
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from pytest_compat.errors import DeclarationError


def expect(error: type[DeclarationError], found: Any, kind: type, place: str, expected: str) -> Any:
    """Return `found` when it is of that kind.

    Raises:
        DeclarationError: It is not; of the class given, with what was found and what was expected.
    """
    if not isinstance(found, kind):
        shown = "nothing" if found is None else repr(found)[:80]
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
    except (OSError, UnicodeDecodeError) as problem:
        raise error(f"cannot be read: {problem}", source=str(path)) from None


def read_declaration(path: Path, schema: str) -> dict[str, Any]:
    """Read a YAML file and hold it to one of the package's JSON Schemas.

    Args:
        path: The file.
        schema: `experiment`, `clusters` or `jobs`.

    Raises:
        DeclarationError: The file is missing, no YAML, has a key twice, or is not what the schema says.
    """
    try:
        document = yaml.load(read_text(path), Loader=_UniqueKeys)  # noqa: S506, a safe loader
    except (yaml.YAMLError, ValueError) as error:
        raise DeclarationError(f"found no YAML: {error}", source=str(path)) from None
    except RecursionError:
        raise DeclarationError("found YAML nested too deeply", source=str(path)) from None
    except DeclarationError as error:
        raise error.within(str(path)) from None
    try:
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
    found = repr(error.instance)[:80]
    if error.validator in ("type", "anyOf") and isinstance(error.instance, bool | int | float):
        text = ("yes" if error.instance else "no") if isinstance(error.instance, bool) else error.instance
        expected = error.schema.get("title") or error.schema.get("type")
        if expected is not None and "number" not in expected and "integer" not in expected:
            return f'found {found}, expected {expected}; quote it to make it one: "{text}"'
    if error.validator == "type":
        return f"found {found}, expected {error.schema.get('title') or error.validator_value}"
    if error.validator in ("minProperties", "minItems"):
        return f"found {found}, expected {error.validator_value} or more entries"
    return str(error.message)[:300]


@lru_cache
def _validator(schema: str) -> Any:
    from jsonschema import Draft202012Validator
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
    return Draft202012Validator(documents[f"{schema}.json"], registry=registry)


class _UniqueKeys(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """A safe loader that refuses a key given twice, which YAML libraries otherwise drop in silence."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value != "<<":
                if key.value in seen:
                    raise DeclarationError(f"found the key {key.value!r} twice{_line(key)}, expected unique names")
                seen.add(key.value)
        found: dict[Hashable, Any] = super().construct_mapping(node, deep=deep)
        return found


def _line(node: yaml.Node) -> str:
    return f" (line {node.start_mark.line + 1})" if node.start_mark else ""
