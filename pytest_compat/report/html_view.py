"""What the page shows: gates by rule, the comparison, and each experiment."""

from __future__ import annotations

import math
import shlex
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from typing import Any

from pytest_compat.records import OUTCOMES
from pytest_compat.report.html_heat import Assignments, HeatRow, Run, count_assignments, heat_map
from pytest_compat.report.shares import COMPATIBLE, REASON, Share, shares_of
from pytest_compat.report.wording import ALWAYS_SHOWN, sources_of

COLOURS = 7
"""Reasons that the page gives a colour of their own; the least probable of more share the last one."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A gate as it was asked for, with a check per level it applies to."""

    name: str
    checks: Sequence[Mapping[str, Any]]

    @property
    def held(self) -> int:
        """At how many levels it holds."""
        return sum(check["passed"] for check in self.checks)

    @property
    def single(self) -> bool:
        """True when it applies to one level."""
        return len(self.checks) == 1

    @property
    def passed(self) -> bool:
        """True when it holds at all its levels."""
        return self.held == len(self.checks)


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """The report compared with its baseline, all experiments together."""

    about: Mapping[str, Any]
    experiments: int
    """How many experiments it is about; the name of a level needs that of its experiment when there are several."""
    schedulers: int

    @property
    def flips(self) -> list[tuple[Mapping[str, Any], Mapping[str, Any]]]:
        """Levels and the pairs that flipped, those first that got worse."""
        found = [(level, flip) for level in self.about["levels"] for flip in level["flips"]]
        return sorted(found, key=lambda pair: not pair[1]["worse"])

    @property
    def remarks(self) -> list[tuple[Mapping[str, Any], str]]:
        """Levels and why they are not, or only in part, to be compared."""
        levels = self.about["levels"]
        return [(level, level[part]) for part in ("changed", "differs") for level in levels if level[part]]


@dataclass(frozen=True, kw_only=True)
class Section:
    """An experiment on the page."""

    anchor: str
    about: Mapping[str, Any]
    runs: Sequence[Run]
    sources: Sequence[str]
    """Where published figures come from, each once."""
    outcomes: Sequence[str]
    """Those that any submission had, and those that are always shown."""
    flags: Sequence[tuple[str, str, Mapping[str, Any]]]
    """Level, scheduler and what is flagged there; last what holds for all levels together."""
    heat: Mapping[str, Any]
    """The heat map's data, for the script of the page."""
    heat_rows: Sequence[HeatRow]

    @property
    def name(self) -> str:
        """The experiment."""
        return str(self.about["experiment"])

    @property
    def schedulers(self) -> dict[str, list[Run]]:
        """The runs of each scheduler."""
        found: dict[str, list[Run]] = {}
        for run in self.runs:
            found.setdefault(run["scheduler"], []).append(run)
        return found

    @cached_property
    def shares(self) -> list[tuple[Run, list[Share]]]:
        """Success and each reason at each level, in one order; none where there is no reason."""
        return shares_of(self.about, self.runs)

    @property
    def styles(self) -> list[str]:
        """How the page colours each of these: the first that scores in part as `compatible`, reasons by their place."""
        found = []
        reasons = count()
        for share in self.shares[0][1]:
            if share.kind == REASON and share.runs and COMPATIBLE not in found:
                found.append(COMPATIBLE)
            else:
                place = f"because r{min(next(reasons), COLOURS - 1)}" if share.kind == REASON else share.kind
                found.append(place)
        return found

    @property
    def lost(self) -> list[Run]:
        """The levels of which it is known how much time is lost."""
        return [run for run in self.runs if run["regret"]]

    @property
    def longest(self) -> float:
        """The most that is lost at any level, in seconds; where the axis of the time lost ends."""
        return max(each["seconds"] or 0.0 for run in self.lost for each in (run["regret"], run["regret"]["exact"]))

    @property
    def partly(self) -> bool:
        """True when there are levels in which not every job takes part."""
        return any(view["absent"] for view in self.heat["views"])

    @property
    def opening(self) -> Run:
        """The level that the heat map shows first: the last at which any submission that was assigned scores 0."""
        rows = reversed(self.heat_rows)
        return next((row.run for row in rows if row.assigned.none or row.failed), self.runs[-1])

    @property
    def facts(self) -> dict[str, list[Any]]:
        """What holds for its runs, each distinct value once: iterations, seeds, versions."""
        found = {
            "iterations": [
                "auto" if run["sequential"] else run["iterations"] for run in self.runs if run["drawn"] is None
            ],
            "draws per level": [run["iterations"] for run in self.runs if run["drawn"]],
            "seed": [run["seed"] for run in self.runs],
            "version": [run["version"] for run in self.runs],
        }
        return {name: list(dict.fromkeys(values)) for name, values in found.items() if values}

    @property
    def decades(self) -> list[float]:
        """The axis of the timings: powers of ten, in seconds, from below the least median to above the longest p99.

        The axis is logarithmic, because one slow call among thousands is common and would leave nothing else to see.
        """
        calls = [each for run in self.runs for each in run["timings"].values()]
        times = [time for each in calls for time in (each["median"], each["p99"]) if time]
        if not times:
            return []
        first = math.floor(math.log10(min(times)))
        last = max(math.ceil(math.log10(max(times))), first + 1)
        return [10.0**power for power in range(first, last + 1)]

    def reasons(self, part: str) -> list[tuple[Run, str, str]]:
        """Return runs, what failed there and why, of one of their parts: `unanswered` or `failures`."""
        return [(run, name, reason) for run in self.runs for name, reason in run[part].items()]

    @property
    def disagreements(self) -> list[tuple[Run, Mapping[str, Any]]]:
        """Runs and their disagreements, those first that are not stable: the others show in every run."""
        found = [(run, each) for run in self.runs for each in run["disagreements"]]
        return sorted(found, key=lambda pair: pair[1]["stable"])

    @property
    def explanation(self) -> str:
        """The command that explains the first disagreement."""
        run, first = self.disagreements[0]
        where = [
            "--experiment",
            self.name,
            "--job",
            first["job"],
            "--cluster",
            first["cluster"],
            "--level",
            run["level"],
        ]
        return shlex.join(["python", "-m", "pytest_compat", "explain", *where])

    @property
    def errors(self) -> list[tuple[Run, Mapping[str, Any]]]:
        """Runs and their reasons for errors, those of most submissions first."""
        found = [(run, each) for run in self.runs for each in run["errors"]]
        return sorted(found, key=lambda pair: -pair[1]["submissions"])


def rules(gates: Sequence[Mapping[str, Any]]) -> list[Rule]:
    """Return the gates by rule, in the order they were judged."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for gate in gates:
        found.setdefault(gate["rule"], []).append(gate)
    return [Rule(name=name, checks=checks) for name, checks in found.items()]


def compared(document: Mapping[str, Any]) -> Comparison | None:
    """Return the comparison of a report with its baseline, None where there was no baseline."""
    about = document["comparison"]
    if about is None:
        return None
    keys = [each for part in ("levels", "missing", "new") for each in about[part]] + document["runs"]
    return Comparison(
        about=about,
        experiments=len({each["experiment"] for each in keys}),
        schedulers=len({each["scheduler"] for each in keys}),
    )


def sections(document: Mapping[str, Any]) -> list[Section]:
    """Return a section per experiment."""
    runs: dict[str, list[Run]] = defaultdict(list)
    for run in document["runs"]:
        runs[run["experiment"]].append(run)
    records = count_assignments(document["records"])
    return [
        _section(f"experiment-{number}", about, runs[about["experiment"]], records, document)
        for number, about in enumerate(document["experiments"], 1)
    ]


def _section(
    anchor: str,
    about: Mapping[str, Any],
    runs: Sequence[Run],
    records: Assignments,
    document: Mapping[str, Any],
) -> Section:
    had = {name for run in runs for name, count in run["outcomes"].items() if count}
    flags = [(run["level"], run["scheduler"], flag) for run in runs for flag in run["flags"]]
    flags += [
        ("all levels", flag["scheduler"], flag)
        for flag in document["flags"]
        if flag["experiment"] == about["experiment"]
    ]
    heat, heat_rows = heat_map(about, runs, records)
    return Section(
        anchor=anchor,
        about=about,
        runs=runs,
        sources=sources_of(runs),
        outcomes=[name for name in OUTCOMES if name in ALWAYS_SHOWN or name in had],
        flags=flags,
        heat=heat,
        heat_rows=heat_rows,
    )
