"""The section in the terminal: the verdict, why, and one line per level."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import groupby

from pytest_compat.judge.score import INTERVAL, LevelScore
from pytest_compat.judge.verdict import Verdict
from pytest_compat.records import OUTCOMES

MAX_LISTED = 10
"""Disagreements and reasons listed per level; the JSON report has them all."""

ALWAYS_SHOWN = ("correct", "compatible", "incorrect")
"""Outcomes that have a column even when no submission had them."""

Line = tuple[str, bool]
"""A line and whether it is bad news."""


def summary_lines(verdict: Verdict) -> Iterator[Line]:
    """Yield the lines of the section, verdict first."""
    submissions = sum(level.submissions for level in verdict.levels)
    word = "PASSED" if verdict.passed else "FAILED"
    gates = (
        f", {sum(result.passed for result in verdict.gates)} of {len(verdict.gates)} gates hold"
        if verdict.gates
        else ""
    )
    yield f"{word}: {submissions} submissions at {len(verdict.levels)} levels{gates}", not verdict.passed
    for problem in verdict.problems:
        yield f"  {problem}", True
    for result in verdict.gates:
        if result.passed and result.value is not None:
            yield f"  gate {result.gate.rule}: {float(result.value):.4f} reaches {float(result.gate.limit):g}", False
    for _, group in groupby(verdict.levels, key=lambda level: (level.key.experiment, level.key.scheduler)):
        levels = list(group)
        yield "", False
        yield _title(levels[0]), False
        yield from _table(levels)
        for level in levels:
            yield from _details(level)


def _title(level: LevelScore) -> str:
    facts = level.facts
    return (
        f"{facts.key.experiment} on {facts.key.scheduler}: {len(facts.clusters)} clusters, {len(facts.jobs)} jobs x "
        f"{facts.iterations}, seed {facts.seed}"
    )


def _table(levels: list[LevelScore]) -> Iterator[Line]:
    published = any(level.facts.published for level in levels)
    outcomes = [name for name in OUTCOMES if name in ALWAYS_SHOWN or any(level.outcomes[name] for level in levels)]
    header = ["level", "sampled", f"{INTERVAL:.0%} range", "exact", "fraction"]
    header += [*outcomes, "candidates", *(["published"] if published else [])]
    rows = [(_row(level, outcomes, published), bool(level.outcomes["error"] or not level.complete)) for level in levels]
    widths = [max(len(row[column]) for row in [header, *(row for row, _ in rows)]) for column in range(len(header))]
    for row, bad in [(header, False), *rows]:
        cells = [
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip(), bad
    if absent := [name for name in OUTCOMES if name not in outcomes]:
        yield f"{', '.join(absent)}: none", False


def _row(level: LevelScore, outcomes: list[str], published: bool) -> list[str]:
    exact = level.exact
    sizes = [len(each.clusters) for each in level.facts.candidates if each.clusters is not None]
    ends = sorted({min(sizes), max(sizes)}) if sizes else []
    return [
        level.key.level,
        _rate(level.accuracy),
        f"{_rate(level.interval[0])}-{_rate(level.interval[1])}" if level.interval else "-",
        _rate(exact.accuracy) if exact else "-",
        str(exact.accuracy) if exact else "-",
        *(str(level.outcomes[name]) for name in outcomes),
        "-".join(map(str, ends)) or "-",
        *([" ".join(f"{each['accuracy']:.4f}" for each in level.facts.published) or "-"] if published else []),
    ]


def _details(level: LevelScore) -> Iterator[Line]:
    name = level.key.level
    if not level.complete:
        yield f"{name}: {level.submissions} of {level.expected} submissions recorded", True
        if level.missing:
            yield f"  cases that were not run: {_listed(list(level.missing))}", True
    if (
        level.plausible
        and level.accuracy is not None
        and not level.plausible[0] <= level.accuracy <= level.plausible[1]
    ):
        low, high = map(_rate, level.plausible)
        yield (
            f"{name}: sampled {_rate(level.accuracy)} lies outside the 99.9% range of its own exact law, {low}-{high}",
            True,
        )
    differing = level.facts.disagreements
    if differing:
        yield f"{name}: the scheduler disagrees with the reference on {len(differing)} candidates", True
        for each in differing[:MAX_LISTED]:
            said, expected = ("is" if flag else "is not" for flag in (each.said, each.expected))
            yield f"  {each.job}: {each.cluster} {said} a candidate, expected: {expected}", True
        if len(differing) > MAX_LISTED:
            yield f"  and {len(differing) - MAX_LISTED} more", True
    for reason, count in list(level.errors.items())[:MAX_LISTED]:
        yield f"{name}: {f'{count} x ' if count else ''}{reason}", True
    if len(level.errors) > MAX_LISTED:
        yield f"{name}: and {len(level.errors) - MAX_LISTED} more reasons", True


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:MAX_LISTED])
    return f"{shown} and {len(names) - MAX_LISTED} more" if len(names) > MAX_LISTED else shown


def _rate(value: Fraction | None) -> str:
    return "-" if value is None else f"{float(value):.4f}"
