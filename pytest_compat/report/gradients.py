"""Experiments at scale in words: what the terminal and Markdown have in common."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pytest_compat.report.rows import Rows
from pytest_compat.report.wording import p_value, rate

Gradient = Mapping[str, Any]

SHOWN = 16
"""Levels shown; the JSON report has them all."""

EVENLY = "levels in between are in the JSON report"


def headline(gradient: Gradient) -> str:
    """Return what was run, in a line."""
    return (
        f"{gradient['experiment']} on {gradient['way']}, {gradient['scale']} scale: {gradient['clusters']} clusters, "
        f"{gradient['jobs']} jobs, {len(gradient['levels'])} levels, seed {gradient['seed']}, "
        f"version {gradient['version']}"
    )


def level_rows(gradient: Gradient) -> Rows:
    """Return a table of some of the levels: the first, the last, the best, and others between them at even steps."""
    sources, jobs = gradient["sources"], gradient["jobs"]
    header = ["level", "matched", "candidates"]
    header += [f"expected by {source}" for source in sources]
    header += ["where matched", "succeeded", "99.9% range", "short of the best"]
    rows = [_row(level, sources, jobs, best=level["level"] == gradient["best"]) for level in shown(gradient)]
    return Rows(headline(gradient), header, rows, 1)


def shown(gradient: Gradient) -> Sequence[Mapping[str, Any]]:
    """Return the levels that a short table shows."""
    levels = gradient["levels"]
    last = len(levels) - 1
    even = {round(place * last / (SHOWN - 1)) for place in range(SHOWN)} if last >= SHOWN else set(range(len(levels)))
    return [level for place, level in enumerate(levels) if place in even or level["level"] == gradient["best"]]


def _row(level: Mapping[str, Any], sources: Sequence[str], jobs: int, *, best: bool) -> list[str]:
    low, high = level["range"]
    first = sources[0]
    return [
        level["level"] + ("*" if best else ""),
        rate(level["matched"] / jobs),
        f"{level['candidates']:.1f}",
        *(rate(level["expected"][source]) for source in sources),
        rate(level["assigned"][first]) if level["assigned"] else "-",
        str(level["succeeded"]),
        f"{low:g}-{high:g}",
        rate(level["regret"][first]),
    ]


def gradient_lines(gradient: Gradient) -> Iterator[str]:
    """Yield what to say below the table."""
    first = gradient["sources"][0]
    best = next(level for level in gradient["levels"] if level["level"] == gradient["best"])
    none = gradient["levels"][0]
    yield (
        f"* the best trade-off: {rate(best['expected'][first])} of all jobs are expected to succeed, "
        f"{rate(none['expected'][first])} with nothing shown; the best cluster of each would come to "
        f"{rate(gradient['bound'][first])}"
    )
    if len(gradient["levels"]) > SHOWN:
        yield EVENLY
    odd = [level for level in gradient["levels"] if not level["range"][0] <= level["succeeded"] <= level["range"][1]]
    if odd:
        yield (
            f"outside their 99.9% range: {', '.join(level['level'] for level in odd[:3])}"
            + (f" and {len(odd) - 3} more" if len(odd) > 3 else "")
            + f" (p from {p_value(min(level['p'] for level in odd))}), as one level in a thousand is by chance"
        )
    yield from gradient["remarks"]
