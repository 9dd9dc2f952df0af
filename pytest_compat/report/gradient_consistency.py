"""Holding a stored gradient to itself: what it says twice has to agree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import isclose
from typing import Any

from pytest_compat.idset import decode

Gradient = Mapping[str, Any]


def gradient_contradictions(gradient: Gradient, seed: int) -> Iterator[str]:
    """Yield what contradicts itself in an experiment at scale.

    Args:
        gradient: As stored.
        seed: That of the report.

    Raises:
        LookupError, TypeError, ValueError: Something that it has to have is not there.
    """
    where = f"{gradient['experiment']} at {gradient['scale']} scale"
    jobs, sources, names = gradient["jobs"], gradient["sources"], gradient["names"]
    levels = [level["level"] for level in gradient["levels"]]
    if gradient["seed"] != seed:
        yield f"{where}: its seed is not that of the report"
    if len(set(levels)) < len(levels):
        yield f"{where}: a level stands in it twice"
    if len(names) != jobs:
        yield f"{where}: it has {jobs} jobs and the names of {len(names)}"
    gone = {level: decode(places, len(names)) for level, places in gradient["unmatched"].items()}
    if unknown := gone.keys() - set(levels):
        yield f"{where}: jobs are unmatched at {min(unknown)}, a level that it does not have"
    everyone = [place for places in gone.values() for place in places]
    if len(set(everyone)) < len(everyone) or not all(gone.values()):
        yield f"{where}: the jobs that are unmatched do not add up"
    left = jobs
    for level in gradient["levels"]:
        left -= len(gone.get(level["level"], []))
        yield from (f"{where}, level {level['level']}: {why}" for why in _of_level(gradient, level, left))
    first = sources[0]
    expected = {level["level"]: level["expected"][first] for level in gradient["levels"]}
    if gradient["best"] not in expected or expected[gradient["best"]] != max(expected.values()):
        yield f"{where}: {gradient['best']} is not its best level"
    packages = gradient["packages"]
    if len({each["package"] for each in packages}) < len(packages) or sum(each["jobs"] for each in packages) != jobs:
        yield f"{where}: its packages do not add up to its jobs"
    elif gradient["best"] in expected:
        for number, level in enumerate((levels[0], gradient["best"], levels[-1])):
            total = sum(each["jobs"] * each["expected"][number] for each in packages) / jobs
            if not _close(total, expected[level]):
                yield f"{where}, level {level}: what is expected is not that of its packages"


def _of_level(gradient: Gradient, level: Gradient, left: int) -> Iterator[str]:
    jobs, matched, succeeded = gradient["jobs"], level["matched"], level["succeeded"]
    low, high = level["range"]
    if matched != left:
        yield f"{matched} jobs are matched, expected {left} by those that are unmatched"
    if not succeeded <= matched or not 0 <= low <= high <= matched:
        yield f"{succeeded} of {matched} jobs succeeded, expected {low:g} to {high:g}"
    if (level["assigned"] is None) != (matched == 0):
        yield "what is expected where jobs are matched does not fit how many are"
    for source in gradient["sources"]:
        expected, bound = level["expected"][source], gradient["bound"][source]
        if not _close(level["regret"][source], bound - expected):
            yield f"its distance to the best is not what is expected by {source}"
        if level["assigned"] and not _close(level["assigned"][source] * matched, expected * jobs):
            yield f"what is expected by {source} is not that of the jobs that are matched"
        if not level["assigned"] and expected:
            yield f"something is expected by {source}, and nothing is matched"


def _close(one: float, other: float) -> bool:
    return isclose(one, other, rel_tol=1e-6, abs_tol=1e-9)
