"""What the page shows of an experiment at scale: a chart of its levels, and how many jobs each left without candidates.

Points of the chart are in percent of its width from the left and of its height from the top.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Any

from pytest_compat.idset import decode
from pytest_compat.report.gradients import EVENLY, Gradient, gradient_lines, shown

STYLES = 4
"""Sources that have a curve of their own look; of more, the first look comes again."""

TICKS = 6
"""Numbers that the axis of the levels has at most, beside 0."""

SPARSE = 40
"""Levels up to which there is room for points that one sees from afar."""

Point = tuple[float, float]
Level = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Curve:
    """A line of the chart."""

    label: str
    style: str
    strokes: Sequence[Sequence[Point]]
    """Its unbroken parts: it has gaps where there is no figure."""


@dataclass(frozen=True, kw_only=True)
class GradientView:
    """An experiment at scale on the page."""

    anchor: str
    about: Gradient

    @property
    def title(self) -> str:
        """What tells it from the others in the report."""
        return f"{self.about['experiment']} on {self.about['way']}, {self.about['scale']} scale"

    @property
    def facts(self) -> dict[str, Any]:
        """How large it is, and what it is made of."""
        sizes = {"clusters": self.about["clusters"], "jobs": self.about["jobs"], "levels": len(self.about["levels"])}
        return {name: f"{size:,}" for name, size in sizes.items()} | {
            name: self.about[name] for name in ("seed", "version")
        }

    @cached_property
    def told(self) -> list[str]:
        """What is to be said of it, the best trade-off first."""
        first, *others = gradient_lines(self.about)
        return [first.removeprefix("* "), *(line for line in others if line != EVENLY)]

    @property
    def shown(self) -> Sequence[Level]:
        """The levels in sight; all of them are folded away."""
        return shown(self.about)

    @property
    def best(self) -> Point:
        """Where the best level is marked: the share of jobs that are expected to succeed at it."""
        number = next(number for number, each in enumerate(self.about["levels"]) if each["level"] == self.about["best"])
        return self._point(number, self.about["levels"][number]["expected"][self.about["sources"][0]])

    @property
    def expected(self) -> list[Curve]:
        """The share of all jobs that are expected to succeed, by source."""
        return [
            self._curve(
                f"expected by {source}", f"by{number % STYLES}", [each["expected"][source] for each in self._levels]
            )
            for number, source in enumerate(self.about["sources"])
        ]

    @property
    def assigned(self) -> Curve:
        """The share of the jobs that have candidates that are expected to succeed, by the first source."""
        source = self.about["sources"][0]
        shares = [each["assigned"] and each["assigned"][source] for each in self._levels]
        return self._curve(f"where matched, by {source}", "assigned", shares)

    @property
    def matched(self) -> Curve:
        """The share of jobs that have candidates."""
        return self._curve("matched", "matched", [self._share(each["matched"]) for each in self._levels])

    @property
    def band(self) -> list[Point]:
        """The outline of the ranges of sampled success: from the left their lower ends, and back their upper ones."""
        low, high = (
            [self._point(number, self._share(each["range"][end])) for number, each in enumerate(self._levels)]
            for end in (0, 1)
        )
        return low + high[::-1]

    @property
    def sampled(self) -> dict[str, list[Point]]:
        """The shares of jobs that succeeded, by whether they lie `within` or `beyond` their range."""
        found: dict[str, list[Point]] = {"within": [], "beyond": []}
        for number, each in enumerate(self._levels):
            where = "within" if plausible(each) else "beyond"
            found[where].append(self._point(number, self._share(each["succeeded"])))
        return found

    @property
    def sparse(self) -> bool:
        """True when its points can be large without covering its curves."""
        return len(self._levels) <= SPARSE

    @property
    def ticks(self) -> list[tuple[int, float]]:
        """Numbers of levels and where they stand: multiples of the least 1, 2 or 5 times a power of ten that does."""
        last = len(self._levels) - 1
        step = next(size for size in _steps() if last // size <= TICKS)
        return [(number, self._point(number, 0)[0]) for number in range(0, last + 1, step)]

    @property
    def unmatched(self) -> list[tuple[str, int]]:
        """Levels from which on jobs have no candidates, and how many jobs, most first."""
        found = {level: len(decode(places, self.about["jobs"])) for level, places in self.about["unmatched"].items()}
        return sorted(found.items(), key=lambda pair: -pair[1])

    @property
    def _levels(self) -> Sequence[Level]:
        levels: Sequence[Level] = self.about["levels"]
        return levels

    def _share(self, count: float) -> float:
        return count / float(self.about["jobs"])

    def _point(self, number: int, share: float) -> Point:
        return round(100 * number / max(len(self._levels) - 1, 1), 2), round(100 * (1 - share), 2)

    def _curve(self, label: str, style: str, shares: Sequence[float | None]) -> Curve:
        parts = groupby(enumerate(shares), key=lambda pair: pair[1] is None)
        strokes = [[self._point(number, share or 0.0) for number, share in part] for gap, part in parts if not gap]
        return Curve(label=label, style=style, strokes=strokes)


def plausible(level: Level) -> bool:
    """Tell whether as many jobs succeeded at a level as its range has it."""
    low, high = level["range"]
    return bool(low <= level["succeeded"] <= high)


def gradient_views(document: Mapping[str, Any]) -> list[GradientView]:
    """Return the experiments at scale of a report."""
    gradients = enumerate(document.get("gradients", ()), 1)
    return [GradientView(anchor=f"gradient-{number}", about=gradient) for number, gradient in gradients]


def _steps() -> Iterable[int]:
    size = 1
    while True:
        yield from (size, 2 * size, 5 * size)
        size *= 10
