"""The grammar of gates: `[[EXPERIMENT:]LEVEL:]CONDITION`.

A condition is a measure with a limit, `accuracy>=0.6` or `errors<=3`; a rate alone, `0.6`, stands for `accuracy>=0.6`.
A level `*`, or none, stands for every level.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from pytest_compat.errors import DeclarationError, known
from pytest_compat.records import LevelKey

EVERY = "*"
"""The level of a gate that speaks of every level, and of a test over all of them."""

CHANCE = "chance"
"""The limit of a drop that could be chance: its p-value decides."""

_CONDITION = re.compile(r"(?P<measure>[^<>=]*?)\s*(?P<sign><=|>=|[<>=]+)\s*(?P<limit>[^<>=]*)")
_RATE = re.compile(r"[0-9]{1,20}(\.[0-9]{0,20})?|\.[0-9]{1,20}")
_COUNT = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True)
class Measure:
    """What a gate can look at.

    Args:
        sign: `>=` when more is better, `<=` when less is.
        unit: `rate` from 0 to 1, or `count`.
        baseline: True when it compares with a baseline.
    """

    sign: Literal[">=", "<="]
    unit: Literal["rate", "count"]
    baseline: bool = False


MEASURES: Mapping[str, Measure] = {
    "accuracy": Measure(">=", "rate"),
    "assigned_accuracy": Measure(">=", "rate"),
    "exact": Measure(">=", "rate"),
    "unmatched": Measure("<=", "rate"),
    "incorrect": Measure("<=", "rate"),
    "missed": Measure("<=", "rate"),
    "errors": Measure("<=", "count"),
    "disagreements": Measure("<=", "count"),
    "flags": Measure("<=", "count"),
    "flipped": Measure("<=", "count", baseline=True),
    "drop": Measure("<=", "rate", baseline=True),
}


@dataclass(frozen=True)
class Gate:
    """What levels have to come to.

    Args:
        level: The level as people named it, perhaps behind its experiment: `[EXPERIMENT:]LEVEL`; or EVERY.
        measure: One of MEASURES.
        limit: 0 to 1 or a count; None for a drop that could be CHANCE.
        rule: The gate as text.
    """

    level: str
    measure: str
    limit: Fraction | None
    rule: str

    @property
    def sign(self) -> str:
        """The side of the limit that passes."""
        return MEASURES[self.measure].sign

    @property
    def against_baseline(self) -> bool:
        """True when there is nothing to judge without a baseline."""
        return MEASURES[self.measure].baseline

    def speaks_of(self, key: LevelKey) -> bool:
        """Tell whether it names this level, with or without its experiment, the subsystems in any order."""
        if self.level in (EVERY, f"{key.experiment}:{EVERY}"):
            return True
        subsystems = sorted(key.level.split("+"))
        # Both readings: an experiment may be called what a subsystem is, as in `os:os.vendor:0.5`.
        names = {self.level, self.level.removeprefix(f"{key.experiment}:")}
        return any(sorted(name.split("+")) == subsystems for name in names)

    def holds(self, value: Fraction) -> bool:
        """Tell whether a value is on the right side of the limit."""
        assert self.limit is not None
        return value >= self.limit if self.sign == ">=" else value <= self.limit


def parse_gate(text: str, experiment: str = "") -> Gate:
    """Read a gate.

    Args:
        text: `[[EXPERIMENT:]LEVEL:]MEASURE>=LIMIT` (or `<=`), or `[EXPERIMENT:]LEVEL:RATE`.
        experiment: The experiment that it speaks of, when it does not say so itself.

    Raises:
        DeclarationError: It is not that, the measure is unknown or has its limit on the other side, or the limit is no
            rate from 0 to 1 or no count.
    """
    head, colon, condition = (part.strip() for part in text.rpartition(":"))
    level = ":".join(part.strip() for part in head.split(":"))
    found = _CONDITION.fullmatch(condition)
    if (colon and not all(level.split(":"))) or not condition or (found is None and not colon):
        raise DeclarationError(
            f"found {text!r}, expected [EXPERIMENT:]LEVEL:RATE, such as io.archspec+os:0.2, or "
            f"[[EXPERIMENT:]LEVEL:]MEASURE>=LIMIT, such as errors<=3"
        )
    measure, sign, limit = found.group("measure", "sign", "limit") if found else ("accuracy", ">=", condition)
    if measure not in MEASURES:
        raise DeclarationError(f"{known('measure', measure, MEASURES)} in {text!r}")
    rule = MEASURES[measure]
    if sign != rule.sign:
        raise DeclarationError(f"found {sign!r} in {text!r}, expected {measure}{rule.sign}LIMIT")
    level = level or EVERY
    if experiment and not level.startswith(f"{experiment}:"):
        level = f"{experiment}:{level}"
        text = f"{level}:{condition}"
    return Gate(level, measure, _limit(measure, rule.unit, limit, text), text)


def _limit(measure: str, unit: str, limit: str, text: str) -> Fraction | None:
    if measure == "drop" and limit == CHANCE:
        return None
    if unit == "count":
        if not _COUNT.fullmatch(limit):
            raise DeclarationError(f"found the count {limit!r} in {text!r}, expected a whole number, 0 or more")
    elif not _RATE.fullmatch(limit) or Fraction(limit) > 1:
        also = f", or {CHANCE!r}" if measure == "drop" else ""
        raise DeclarationError(f"found the rate {limit!r} in {text!r}, expected a number from 0 to 1{also}")
    return Fraction(limit)


def accuracy_limits(gates: Iterable[Gate], key: LevelKey) -> tuple[Fraction, ...]:
    """Return the accuracies that gates ask of a level, each once: what sequential sampling is to decide."""
    limits = {gate.limit for gate in gates if gate.measure == "accuracy" and gate.speaks_of(key)}
    return tuple(sorted(limit for limit in limits if limit is not None))


def error_budget(gates: Iterable[Gate], key: LevelKey) -> bool:
    """Tell whether a gate speaks of the errors of a level; without one, every error is one too many."""
    return any(gate.measure == "errors" and gate.speaks_of(key) for gate in gates)
