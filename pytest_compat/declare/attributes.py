"""`attributes` of jobspecs and tasks, as far as they say how something is run."""

from __future__ import annotations

from collections import ChainMap
from dataclasses import dataclass, field
from functools import partial
from math import isfinite
from typing import Any, NoReturn

from pytest_compat.declare.commands import check_word
from pytest_compat.declare.dialects import quoted
from pytest_compat.declare.reading import expect
from pytest_compat.errors import JobspecError, brief

_expect = partial(expect, JobspecError)


@dataclass(frozen=True, slots=True)
class Given:
    """How a task is to be run.

    Args:
        environment: Variables, by name; those of the jobspec are shared by its tasks, however many these are.
        folder: Where; empty where that is not said.
        seconds: How long it may take; None for as long as it likes.
    """

    environment: ChainMap[str, str] = field(default_factory=ChainMap)
    folder: str = ""
    seconds: float | None = None


def read_attributes(attributes: object, place: str, base: Given) -> Given:
    """Return what attributes say, and for what they do not say, `base`.

    Args:
        attributes: `environment`, `cwd` and `duration` (seconds, 0 for no limit); others are somebody else's.
        place: Where they stand.
        base: What holds where they say nothing; variables are added to its.

    Raises:
        JobspecError: One of the three is none.
    """
    said = _expect(attributes or {}, dict, place, "an object")
    variables = _expect(said.get("environment") or {}, dict, f"{place}.environment", "an object of variables")
    own = dict(_variable(name, value, f"{place}.environment") for name, value in variables.items())
    environment = ChainMap(own, base.environment) if own else base.environment
    folder = _expect(said.get("cwd", base.folder), str, f"{place}.cwd", "a folder")
    check_word(folder, f"{place}.cwd")
    seconds = _seconds(said["duration"], f"{place}.duration") if "duration" in said else base.seconds
    return Given(environment, folder, seconds)


def _variable(name: object, value: Any, place: str) -> tuple[str, str]:
    if not isinstance(name, str) or not name or "=" in name:
        _fail(place, f"found the name {brief(name)}, expected one that is not empty and has no =")
    check_word(name, place)
    at = f"{place}.{name[:80]}"
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        _fail(at, f"found {'nothing' if value is None else brief(value)}, expected a string{quoted(value)}")
    if isinstance(value, int) and value.bit_length() > 256:
        _fail(at, f"found {brief(value)}, expected a string")
    text = str(value)
    check_word(f"{name}={text}", at)
    return name, text


def _seconds(value: Any, place: str) -> float | None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or (isinstance(value, int) and value.bit_length() > 64) or not isfinite(value) or value < 0:
        _fail(place, f"found {brief(value)}, expected seconds, 0 for no limit")
    return float(value) or None


def _fail(place: str, problem: str) -> NoReturn:
    raise JobspecError(problem, path=place)
