"""The section in the terminal: the verdict, why, and one line per level."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import groupby

from pytest_compat.judge.score import INTERVAL, LevelScore
from pytest_compat.judge.verdict import Verdict
from pytest_compat.records import MAX_DISAGREEMENTS, OUTCOMES

MAX_LISTED = 10
"""Reasons listed per level, and disagreements per experiment; the JSON report has more."""

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
    levels_ = "1 level" if len(verdict.levels) == 1 else f"{len(verdict.levels)} levels"
    yield f"{word}: {submissions} submissions at {levels_}{gates}", not verdict.passed
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
        yield from _disagreements(levels)


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
    yield from _aligned([(header, False), *rows], left=1)
    if any(_mark(level) for level in levels):
        yield f"* sampled outside its {INTERVAL:.0%} range, as one level in twenty is by chance", False
    if absent := [name for name in OUTCOMES if name not in outcomes]:
        yield f"{', '.join(absent)}: none", False


def _row(level: LevelScore, outcomes: list[str], published: bool) -> list[str]:
    exact = level.exact
    sizes = [len(each.clusters) for each in level.facts.candidates if each.clusters is not None]
    ends = sorted({min(sizes), max(sizes)}) if sizes else []
    return [
        level.key.level,
        _rate(level.accuracy),
        f"{_rate(level.interval[0])}-{_rate(level.interval[1])}{_mark(level)}" if level.interval else "-",
        _rate(exact.accuracy) if exact else "-",
        str(exact.accuracy) if exact else "-",
        *(str(level.outcomes[name]) for name in outcomes),
        "-".join(map(str, ends)) or "-",
        *([" ".join(f"{each['accuracy']:.4f}" for each in level.facts.published) or "-"] if published else []),
    ]


def _mark(level: LevelScore) -> str:
    """Return the mark of a level whose sample lies outside its range."""
    if level.interval is None or level.accuracy is None:
        return ""
    return "" if level.interval[0] <= level.accuracy <= level.interval[1] else "*"


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
    for reason, error in list(level.errors.items())[:MAX_LISTED]:
        if error.submissions:
            yield f"{name}: {error.submissions} x {reason} (of {_listed(list(error.jobs), 3)})", True
        else:
            yield f"{name}: {reason}", True
    if len(level.errors) > MAX_LISTED:
        yield f"{name}: and {len(level.errors) - MAX_LISTED} more reasons", True


def _disagreements(levels: list[LevelScore]) -> Iterator[Line]:
    differing = sum(level.facts.differing for level in levels)
    if not differing:
        return
    unstable = sum(level.facts.unstable for level in levels)
    yield (
        f"where the scheduler disagrees with the reference (found: {differing}, not stable over repeats: {unstable})",
        True,
    )
    rows = [
        [
            level.key.level,
            each.job,
            each.cluster,
            *("yes" if flag else "no" for flag in (each.said, each.expected, each.stable)),
            f"{each.said_times} of {each.asked}",
        ]
        # Those that are not stable first: the others show in every run.
        for stable in (False, True)
        for level in levels
        for each in level.facts.disagreements
        if each.stable is stable
    ][:MAX_LISTED]
    header = ["level", "job", "cluster", "said", "expected", "stable", "said yes"]
    yield from _aligned([(header, False), *((row, True) for row in rows)], left=3)
    if differing > len(rows):
        yield f"and {differing - len(rows)} more, in the JSON report up to {MAX_DISAGREEMENTS} per level", True


def _aligned(rows: list[tuple[list[str], bool]], *, left: int) -> Iterator[Line]:
    """Yield a table whose first columns, so many, are aligned to the left and the others to the right."""
    widths = [max(map(len, column)) for column in zip(*(row for row, _ in rows), strict=True)]
    for row, bad in rows:
        cells = [
            cell.ljust(width) if column < left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip(), bad


def _listed(names: list[str], most: int = MAX_LISTED) -> str:
    shown = ", ".join(names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown


def _rate(value: Fraction | None) -> str:
    return "-" if value is None else f"{float(value):.4f}"
