"""The published schema of Jobspec Next Generation, which the PyPI package `jobspec` has, where that is installed."""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from typing import Any

from pytest_compat.errors import JobspecError, brief


def check_published(document: object) -> None:
    """Hold a jobspec to the published schema; do nothing where the package is not installed.

    Raises:
        JobspecError: It does not fit; the error has the path inside the document.
    """
    validator = _validator()
    error = next(validator.iter_errors(document), None) if validator is not None else None
    if error is not None:
        path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path).lstrip(".")
        raise JobspecError(
            f"found {brief(error.instance)}, expected what the published schema says: "
            f"{error.validator} {brief(error.validator_value)}",
            path=path,
        )


@lru_cache
def _validator() -> Any:
    try:
        published: dict[str, Any] = import_module("jobspec.schema").jobspec_nextgen
    except ImportError:
        return None
    from jsonschema import Draft7Validator

    properties = {name: _every_name(each) for name, each in published["properties"].items()}
    return Draft7Validator({**published, "properties": properties})


def _every_name(schema: Any) -> Any:
    """Return a schema of named things that holds whatever they are called.

    The published one holds those whose names match `^([a-z]|[|]|&|[0-9]+)+$`: `sleep-resources` goes unchecked, and
    on 30 digits and a dash the pattern takes minutes.
    """
    if not isinstance(schema, dict) or "patternProperties" not in schema:
        return schema
    (held,) = schema["patternProperties"].values()
    rest = {key: value for key, value in schema.items() if key != "patternProperties"}
    return {**rest, "additionalProperties": held}
