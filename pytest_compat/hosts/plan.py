"""Plans: which commands are to be measured, how often, and what of their output is the time."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from pytest_compat.declare.reading import read_declaration
from pytest_compat.errors import DeclarationError, brief
from pytest_compat.hosts.template import fill, fill_command, placeholders
from pytest_compat.hosts.variants import Part, joined, read_part, read_variants

DEFAULT_REPEATS = 5
DEFAULT_WARMUPS = 1
DEFAULT_TIMEOUT = 300.0

DEFAULT_INPUT = "default"
"""What the input is called where a plan has none."""

MAX_RUNS = 1_000_000
"""Bound on inputs x variants x repeats."""

UNITS = {"h": 3600.0, "min": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
"""Seconds in each unit."""

FREE = frozenset({"plan", "description", "repeats"})
"""Keys that may change while a measurement goes on: they do not change what a run is."""


@dataclass(frozen=True)
class Figure:
    """The time that runs print.

    Args:
        pattern: A regular expression with one group, the number. The last match counts.
        seconds: What one of its unit is.
    """

    pattern: re.Pattern[str]
    seconds: float = 1.0


@dataclass(frozen=True)
class Version:
    """A command that says what is measured, and what its output has to have in it."""

    command: tuple[str, ...]
    expect: re.Pattern[str] | None = None


@dataclass(frozen=True)
class Input:
    """What the command works on: files of a run's folder by name, and attributes to describe it."""

    files: Mapping[str, Path]
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Cell:
    """One input under one variant.

    Args:
        input: Name of the input.
        variant: Name of the variant.
        command: Its arguments, the executable first.
        env: The environment variables declared.
    """

    input: str
    variant: str
    command: tuple[str, ...]
    env: Mapping[str, str]

    @property
    def name(self) -> str:
        """INPUT/VARIANT."""
        return f"{self.input}/{self.variant}"


@dataclass(frozen=True)
class Plan:
    """What is to be measured.

    Args:
        name: Its name.
        inputs: By name, one or more.
        variants: Their attributes by name, one or more.
        cells: Every input under every variant, in the order declared.
        seed: The order of runs derives from it.
        repeats: Measured runs of a cell, 1 or more.
        warmups: Runs of a cell before those, which are in no table, 0 or more.
        timeout: Seconds a run may take.
        figure: The time that runs print; None for wall time.
        check: What the output of a run that succeeded has in it; None for nothing.
        reason: Where the output of a run that failed says why; None for its last line.
        inherit: Environment variables that runs get from whoever measures, beside PATH.
        versions: By name.
        digest: Of all that decides what a run is and how it is read, input files included.
        description: What it is about.
    """

    name: str
    inputs: Mapping[str, Input]
    variants: Mapping[str, Mapping[str, str]]
    cells: tuple[Cell, ...]
    seed: int
    repeats: int
    warmups: int
    timeout: float
    figure: Figure | None
    check: re.Pattern[str] | None
    reason: re.Pattern[str] | None
    inherit: tuple[str, ...]
    versions: Mapping[str, Version]
    digest: str
    description: str = ""


def load_plan(path: Path) -> Plan:
    """Read a plan.

    Raises:
        DeclarationError: It or a file it names is missing or is not what it has to be.
    """
    document = {"inputs": {DEFAULT_INPUT: {}}, **read_declaration(path, "plan")}
    try:
        return _build(document, path.parent)
    except DeclarationError as error:
        raise error.within(str(path)) from None


def _build(document: Mapping[str, Any], folder: Path) -> Plan:
    variants = dict(read_variants(document))
    repeats, warmups = document.get("repeats", DEFAULT_REPEATS), document.get("warmups", DEFAULT_WARMUPS)
    if (runs := len(document["inputs"]) * len(variants) * (repeats + warmups)) > MAX_RUNS:
        raise DeclarationError(f"found {runs} runs, expected {MAX_RUNS} at most", path="repeats")
    inputs = {
        name: Input(_files(each.get("files", ()), folder, f"inputs.{name}.files"), each.get("attributes", {}))
        for name, each in document["inputs"].items()
    }
    figure, versions = document.get("figure"), document.get("versions", {})
    return Plan(
        name=document["plan"],
        inputs=inputs,
        variants={name: part.attributes for name, part in variants.items()},
        cells=tuple(_cells(document, variants)),
        seed=document.get("seed", 0),
        repeats=repeats,
        warmups=warmups,
        timeout=float(document.get("timeout", DEFAULT_TIMEOUT)),
        figure=_figure(figure) if figure else None,
        check=_pattern(document, "check", ""),
        reason=_pattern(document, "reason", ""),
        inherit=tuple(document.get("inherit", ())),
        versions={
            name: Version(tuple(each["command"]), _pattern(each, "expect", f"versions.{name}."))
            for name, each in versions.items()
        },
        digest=_digest(document, inputs),
        description=document.get("description", ""),
    )


def _cells(document: Mapping[str, Any], variants: Mapping[str, Part]) -> Iterator[Cell]:
    used: set[str] = set()
    given: dict[str, str] = dict.fromkeys(document.get("parameters", {}), "parameters")
    for input, declared in document["inputs"].items():
        of_input = read_part({"parameters": declared.get("parameters", {})}, f"inputs.{input}")
        for variant, part in variants.items():
            own = joined([of_input, part], "parameters")
            parameters = {**document.get("parameters", {}), **own}
            given |= dict.fromkeys(of_input.parameters, f"inputs.{input}.parameters")
            given |= dict.fromkeys(part.parameters, f"variants.{variant}.parameters")
            command = document.get("command") if part.command is None else part.command
            if command is None:
                raise DeclarationError("found no command, here or for the whole plan", path=part.path)
            place = "command" if part.command is None else f"{part.path}.command"
            env = {**document.get("env", {}), **part.env}
            used |= {name for text in (*command, *env.values()) for name in placeholders(text)}
            arguments = fill_command(command, parameters, place)
            if not arguments or not arguments[0]:
                raise DeclarationError(f"found no executable for {input}/{variant}, expected one first", path=place)
            filled = {
                name: fill(text, parameters, f"{part.path}.env.{name}" if name in part.env else f"env.{name}")
                for name, text in env.items()
            }
            yield Cell(input, variant, arguments, filled)
    if unused := sorted(given.keys() - used):
        # A default that is misspelt where it is to be overridden would have the wrong thing measured in silence.
        raise DeclarationError(
            f"found the parameter {unused[0]!r}, which no command and no variable uses", path=given[unused[0]]
        )


def _files(paths: Iterable[str], folder: Path, place: str) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for number, path in enumerate(paths):
        file = folder / path
        try:
            there = file.is_file()
        except (OSError, ValueError):
            there = False
        if not there:
            raise DeclarationError(f"found no file {brief(path)}", path=f"{place}[{number}]")
        if file.name in found:
            raise DeclarationError(f"found two files called {file.name!r}", path=f"{place}[{number}]")
        found[file.name] = file
    return found


def _figure(declared: Mapping[str, str]) -> Figure:
    pattern = _pattern(declared, "pattern", "figure.")
    assert pattern is not None
    if pattern.groups != 1:
        raise DeclarationError(
            f"found {pattern.groups} groups in {brief(pattern.pattern)}, expected one, round the number",
            path="figure.pattern",
        )
    return Figure(pattern, UNITS[declared.get("unit", "s")])


def _pattern(declared: Mapping[str, Any], key: str, place: str) -> re.Pattern[str] | None:
    text = declared.get(key)
    if text is None:
        return None
    try:
        return re.compile(text, re.MULTILINE)
    except (re.error, OverflowError, RecursionError) as error:
        raise DeclarationError(
            f"found {brief(text)}, expected a regular expression: {error}", path=place + key
        ) from None


def _digest(document: Mapping[str, Any], inputs: Mapping[str, Input]) -> str:
    def content(path: Path) -> str:
        try:
            return sha256(path.read_bytes()).hexdigest()
        except OSError as error:
            raise DeclarationError(f"cannot be read: {error.strerror}", source=str(path)) from None

    files = {name: {file: content(path) for file, path in each.files.items()} for name, each in inputs.items()}
    decisive = {key: value for key, value in document.items() if key not in FREE}
    return sha256(json.dumps([decisive, files]).encode("utf-8", "surrogatepass")).hexdigest()
