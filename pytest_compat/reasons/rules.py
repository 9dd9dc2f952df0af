"""What the lines of a log mean, as rules that are data: `rules.yaml`, and files like it that people put before it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from pytest_compat.declare.reading import load_yaml, read_text
from pytest_compat.errors import DeclarationError
from pytest_compat.reasons.find import Finder

REASONS = (
    "success", "wrong architecture", "os abi issue", "missing executable", "missing gpu", "mpi error", "out of memory",
    "time limit", "unknown",
)  # fmt: skip
"""Every reason there is, in the order of tables and plots."""

KINDS = ("commands", "noise", "milestones", "ends", "causes")
"""The lists of rules that a file may have."""

GROUPS = {"commands": ("command",), "ends": ("status", "signal"), "causes": ("who", "caller", "missing")}
"""Groups that the patterns of a list may have, less trailing underscores; but for causes they have to have one."""


@dataclass(frozen=True, eq=False)  # told apart by what they are, not by what they say
class Rule:
    """One kind of line, and what it means.

    Args:
        kind: The list it stands in, one of KINDS.
        rank: Its place there; of two causes that are left, the one with the lower rank decides.
        texts: A line has one of them, as it stands.
        pattern: And this is found in it; its groups (less trailing underscores) are `who`, `caller`, `missing`,
            `command`, `status`, `signal`.
        name: What it is called.
        reason: Of a cause: one of REASONS.
        stage: Of a cause: when it strikes: launch, start, device or run.
        symptom: Of a cause: whether it is only believed when nothing else is left.
        statuses: Of a cause: exit statuses of the run that mean it by themselves.
        status: Of an end: the exit status, where the line does not give it.
        passed: Of a milestone: the stages that the run has behind it.
        begins: Of a milestone: whether a run begins here.
        finishes: Of a milestone: whether a run has done its work here.
        means: What it says, for people.
        source: The programs that print it.
    """

    kind: str
    rank: int
    texts: tuple[str, ...] = ()
    pattern: re.Pattern[str] | None = None
    name: str = ""
    reason: str = ""
    stage: str = ""
    symptom: bool = False
    statuses: tuple[int, ...] = ()
    status: int | None = None
    passed: tuple[str, ...] = ()
    begins: bool = False
    finishes: bool = False
    means: str = ""
    source: str = ""

    def match(self, line: str) -> dict[str, str] | None:
        """Return the groups found in a line that has one of the texts, and None when it does not say this."""
        if self.pattern is None:
            return {}
        found = self.pattern.search(line)
        if found is None:
            return None
        return {name.rstrip("_"): value for name, value in found.groupdict().items() if value is not None}


@dataclass(frozen=True)
class Rules:
    """All that is known of lines.

    Args:
        rules: Every rule.
        programs: Names of programs, with wildcards, that are part of a run.
        bystanders: Names of tools that are not, unless a command line names them.
        by_text: The rules that look for a text, as bytes of UTF-8.
    """

    rules: tuple[Rule, ...]
    programs: tuple[str, ...]
    bystanders: frozenset[str]
    by_text: Mapping[bytes, tuple[Rule, ...]] = field(init=False)

    def __post_init__(self) -> None:
        by_text: dict[bytes, list[Rule]] = {}
        for rule in self.rules:
            for text in rule.texts:
                by_text.setdefault(text.encode(), []).append(rule)
        object.__setattr__(self, "by_text", {text: tuple(found) for text, found in by_text.items()})

    @cached_property
    def finder(self) -> Finder:
        """What finds the texts of all rules."""
        return Finder(self.by_text)

    def causes_of(self, status: int) -> list[Rule]:
        """Return the causes that an exit status means by itself."""
        return [rule for rule in self.rules if status in rule.statuses]


def load_rules(path: Path | None = None) -> Rules:
    """Return the shipped rules, behind those of a file.

    Args:
        path: A file of rules; None for the shipped ones alone.

    Raises:
        DeclarationError: The file is missing, no YAML, not what the schema says, or has a pattern that is none.
    """
    shipped = _shipped()
    if path is None:
        return shipped
    try:
        return _behind(_parse(read_text(path)), shipped)
    except DeclarationError as error:
        raise error.within(str(path)) from None


@lru_cache
def _shipped() -> Rules:
    return _parse((files("pytest_compat.reasons") / "rules.yaml").read_text(encoding="utf-8"))


def _behind(own: Rules, shipped: Rules) -> Rules:
    """Put rules of one's own before the shipped ones."""
    first = {kind: sum(rule.kind == kind for rule in own.rules) for kind in KINDS}
    later = (replace(rule, rank=rule.rank + first[rule.kind]) for rule in shipped.rules)
    # A program that someone names as part of their runs is no bystander any more.
    bystanders = (shipped.bystanders | own.bystanders) - frozenset(own.programs)
    return Rules((*own.rules, *later), (*own.programs, *shipped.programs), bystanders)


def _parse(text: str) -> Rules:
    document = load_yaml(text)
    _check(document)
    found = [_rule(kind, rank, entry) for kind in KINDS for rank, entry in enumerate(document.get(kind, ()))]
    return Rules(tuple(found), tuple(document.get("programs", ())), frozenset(document.get("bystanders", ())))


def _rule(kind: str, rank: int, entry: Mapping[str, Any]) -> Rule:
    pattern = _pattern(kind, entry, f"{kind}[{rank}].pattern") if "pattern" in entry else None
    listed: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in entry.items()}
    return Rule(**(listed | {"kind": kind, "rank": rank, "pattern": pattern}))


def _pattern(kind: str, entry: Mapping[str, Any], place: str) -> re.Pattern[str]:
    text = entry["pattern"]
    try:
        pattern = re.compile(text)
    except re.error as error:
        raise DeclarationError(f"found {text!r}, expected a regular expression: {error}", path=place) from None
    known = GROUPS.get(kind, ())
    groups = [name.rstrip("_") for name in pattern.groupindex]
    for name in groups:
        if name not in known:
            raise DeclarationError(f"found {text!r}, expected no group {name!r} among {kind}", path=place)
    if not groups and known and kind != "causes" and "status" not in entry:
        raise DeclarationError(f"found {text!r}, expected a group called {' or '.join(known)}", path=place)
    return pattern


def _check(document: object) -> None:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match

    schema = json.loads((files("pytest_compat.reasons") / "schema.json").read_text(encoding="utf-8"))
    error = best_match(Draft202012Validator(schema).iter_errors(document))
    if error is not None:
        raise DeclarationError(error.message, path=error.json_path.removeprefix("$").lstrip("."))
