"""Timings of a level as a benchmark of pytest-benchmark, where that is installed and active.

Then they can be saved (`--benchmark-json`), compared and plotted by its tools. What was measured once while the level
ran is replayed by a timer; nothing runs a second time, and what pytest-benchmark does with it decides nothing here.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import pytest

from pytest_compat.plugin.cases import MARKER

if TYPE_CHECKING:
    from pytest_compat.records import LevelKey, LevelRun

FIXTURE = "benchmark"
RECORDED: pytest.StashKey[set[LevelKey]] = pytest.StashKey()
"""Levels whose timings this process has handed over."""


def record(request: pytest.FixtureRequest, run: LevelRun) -> None:
    """Hand the timings of a level to pytest-benchmark, with the first case of it.

    The group is the experiment and the phase, `submit` or, where nothing was submitted, `match`; the name is the level.
    A test that uses `benchmark` itself keeps it to itself, and a run with xdist or --benchmark-disable has no timings.

    Args:
        request: Of a fixture of the case.
        run: Its level, with the seconds of each call if this process ran it.
    """
    config = request.config
    recorded = config.stash.setdefault(RECORDED, set())
    phase = next((phase for phase in ("submit", "match") if run.durations.get(phase)), None)
    if phase is None or run.facts.key in recorded or FIXTURE in request.fixturenames or not _active(config):
        return
    recorded.add(run.facts.key)
    key = run.facts.key
    durations = run.durations[phase]
    request.node.add_marker(pytest.mark.benchmark(timer=_replay(durations)))
    benchmark = request.getfixturevalue(FIXTURE)
    if not hasattr(benchmark, "pedantic"):
        return  # a project's own fixture of that name
    benchmark.group = f"compat {key.experiment}: {phase}"
    benchmark.name = benchmark.param = key.level
    # What saved runs are compared by: the same whichever case of the level came first.
    benchmark.fullname = f"{request.node.parent.nodeid}::{request.node.originalname}[{key.level}]"
    benchmark.params = {"compat_level": key.level}
    benchmark.extra_info.update(_extra_info(run))
    benchmark.pedantic(_nothing, rounds=len(durations), iterations=1)


def _active(config: pytest.Config) -> bool:
    option = config.option
    if hasattr(config, "workerinput") or (option.benchmark_disable and not option.benchmark_enable):
        return False
    return bool(option.benchmark_only or not option.benchmark_skip)


def _replay(durations: Sequence[float]) -> Callable[[], float]:
    """Return a timer that is asked before and after each round, and gives the recorded durations.

    Args:
        durations: Seconds.
    """

    def times() -> Iterator[float]:
        for each in durations:
            yield 0.0  # so that the difference is the duration to the last bit
            yield each

    replayed = times()

    def recorded() -> float:
        return next(replayed)

    return recorded


def _nothing() -> None:
    """Take the place of what was measured already."""


def _extra_info(run: LevelRun) -> dict[str, Any]:
    from pytest_compat.judge.score import score_level

    score = score_level(run.facts, run.submissions)
    return {
        "experiment": score.key.experiment,
        "level": score.key.level,
        "scheduler": score.key.scheduler,
        "accuracy": None if score.accuracy is None else float(score.accuracy),
        "exact": str(score.exact.accuracy) if score.exact else None,
        "submissions": score.submissions,
        "errors": score.outcomes["error"],
    }


class Benchmarks:
    """Makes cases pass for benchmarks while --benchmark-only skips what is none; registered when that is given."""

    @pytest.hookimpl(wrapper=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> Generator[None, object, object]:
        """Name the fixture among those of the cases until pytest-benchmark has looked, lest it be set up for each."""
        named = {
            id(item.fixturenames): item.fixturenames
            for item in items
            if isinstance(item, pytest.Function)
            and item.get_closest_marker(MARKER) is not None
            and FIXTURE not in item.fixturenames
        }
        for names in named.values():
            names.append(FIXTURE)
        try:
            return (yield)
        finally:
            for names in named.values():
                names.remove(FIXTURE)
