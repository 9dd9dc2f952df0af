"""Variants of a plan: those it lists, and the combinations of its axes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

from pytest_compat.errors import DeclarationError, known
from pytest_compat.hosts.template import Parameters

MAX_VARIANTS = 100_000
"""Bound on the combinations of axes."""


@dataclass(frozen=True)
class Part:
    """What a variant adds: all of it, or the share of one value of one axis.

    Args:
        path: Where it stands in the plan.
        command: In place of the plan's; None to keep that.
        parameters: What placeholders stand for.
        env: Environment variables, as templates.
        attributes: What describes it.
    """

    path: str
    command: Sequence[str] | None
    parameters: Parameters
    env: Mapping[str, str]
    attributes: Mapping[str, str]


def read_part(declared: Mapping[str, Any], path: str) -> Part:
    """Return a part as declared at `path`."""
    own = {key: declared.get(key, {}) for key in ("parameters", "env", "attributes")}
    return Part(path, declared.get("command"), **own)


def read_variants(document: Mapping[str, Any]) -> Iterator[tuple[str, Part]]:
    """Yield the variants of a plan by name: listed ones first, then combinations, the last axis the fastest.

    Args:
        document: A document that fits the schema `plan`.

    Raises:
        DeclarationError: Two have one name or none is left, an exclusion names what is not there, or two axes say
            the same thing.
    """
    listed = {name: read_part(each, f"variants.{name}") for name, each in document.get("variants", {}).items()}
    yield from listed.items()
    axes, exclude = document.get("axes", {}), document.get("exclude", ())
    if not listed and not axes:
        raise DeclarationError("found neither `variants` nor `axes`, expected one of them or both")
    if (count := prod(map(len, axes.values()))) > MAX_VARIANTS:
        raise DeclarationError(f"found axes of {count} combinations, expected {MAX_VARIANTS} at most", path="axes")
    _check_excluded(exclude, axes)
    seen = set(listed)
    for values in product(*axes.values()) if axes else ():
        chosen = dict(zip(axes, values, strict=True))
        if any(all(chosen[axis] in _several(some) for axis, some in each.items()) for each in exclude):
            continue
        name = "-".join(values)
        if name in seen:
            raise DeclarationError(f"found two variants called {name!r}, expected names that differ", path="axes")
        seen.add(name)
        parts = [read_part(axes[axis][value], f"axes.{axis}.{value}") for axis, value in chosen.items()]
        commands = [part for part in parts if part.command is not None]
        if len(commands) > 1:
            raise DeclarationError(f"found a command here and in {commands[0].path}", path=commands[1].path)
        yield (
            name,
            Part(
                commands[0].path if commands else "axes",
                commands[0].command if commands else None,
                joined(parts, "parameters"),
                joined(parts, "env"),
                joined(parts, "attributes"),
            ),
        )
    if not seen:
        raise DeclarationError("found no combination left, expected one or more", path="exclude")


def _check_excluded(exclude: Iterable[Mapping[str, Any]], axes: Mapping[str, Any]) -> None:
    for place, each in enumerate(exclude):
        for axis, values in each.items():
            if axis not in axes:
                raise DeclarationError(known("axis", axis, axes), path=f"exclude[{place}]")
            for value in _several(values):
                if value not in axes[axis]:
                    raise DeclarationError(known("value", value, axes[axis]), path=f"exclude[{place}].{axis}")


def _several(values: str | list[str]) -> list[str]:
    return [values] if isinstance(values, str) else values


def joined(parts: Iterable[Part], what: str) -> dict[str, Any]:
    """Return what parts say of one thing: `parameters`, `env` or `attributes`.

    Raises:
        DeclarationError: Two parts say the same thing, of which one would be lost.
    """
    found: dict[str, Any] = {}
    origin: dict[str, str] = {}
    for part in parts:
        for name, value in getattr(part, what).items():
            if name in found:
                raise DeclarationError(f"found {name!r} here and in {origin[name]}", path=f"{part.path}.{what}")
            found[name], origin[name] = value, part.path
    return found
