"""A world: an experiment's clusters, registered with a scheduler that runs."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from pytest_compat.declare.catalog import Experiment
from pytest_compat.errors import CompatError, SchedulerError
from pytest_compat.matching.versions import unordered_versions
from pytest_compat.model import Level
from pytest_compat.records import LevelRun
from pytest_compat.run.level import LevelRunner
from pytest_compat.run.once import Once
from pytest_compat.run.progress import ProgressBoard
from pytest_compat.run.rounds import Sampling
from pytest_compat.schedulers import SchedulerOptions, create_scheduler

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RunOptions:
    """How to run experiments.

    Args:
        scheduler: Which scheduler, and how to reach it.
        seed: Draws derive from it.
        sampling: How much to submit.
    """

    scheduler: SchedulerOptions = field(default_factory=SchedulerOptions)
    seed: int = 0
    sampling: Sampling = field(default_factory=Sampling)


class Worlds:
    """The worlds of a session, each opened when a level is first run in it and closed with the session.

    Args:
        options: How to run.
        shared: A folder that all processes of the session see, so that a level runs once in all of them; None when
            there is one process.
        board: Where to tell how far levels are; None when nobody looks.
    """

    def __init__(self, options: RunOptions, shared: Path | None = None, board: ProgressBoard | None = None) -> None:
        self._board = board
        self._options = options
        self._once = Once(shared)
        self._open: dict[Path, LevelRunner | CompatError] = {}
        self._schedulers: dict[Path, ExitStack] = {}

    def level(self, experiment: Experiment, level: Level, limits: Sequence[Fraction] = ()) -> LevelRun:
        """Return the run of a level; the first to ask runs it, in whichever process.

        Args:
            experiment: The experiment.
            level: One of its levels.
            limits: Accuracies that gates ask of this level.

        Raises:
            SchedulerError: The scheduler could not be started or refused the clusters. Asking again does not try again.
        """
        key = f"{experiment.name}/{level.name}"
        return self._once.get(key, lambda: self._run(experiment, level, limits))

    def _run(self, experiment: Experiment, level: Level, limits: Sequence[Fraction]) -> LevelRun:
        runner = self._runner(experiment)
        if self._board is None:
            return runner.run(level, limits)
        with self._board.level(experiment.name, level.name) as told:
            return runner.run(level, limits, told)

    def _runner(self, experiment: Experiment) -> LevelRunner:
        runner = self._open.get(experiment.path)
        if isinstance(runner, LevelRunner) and runner.lost and self._options.scheduler.starts_server:
            # A server that one level was the end of is replaced, so that the next ones can be measured.
            runner = None
        if runner is None:
            try:
                runner = self._start(experiment)
            except CompatError as error:
                runner = error
            except Exception as error:
                # A scheduler of someone's own may fail in any way, and would do so again for every case.
                log.debug("the scheduler could not be started", exc_info=True)
                runner = SchedulerError(f"the scheduler could not be started: {type(error).__name__}: {error}")
            self._open[experiment.path] = runner
        if isinstance(runner, CompatError):
            raise runner
        return runner

    def _start(self, experiment: Experiment) -> LevelRunner:
        for cluster in experiment.clusters:
            for subsystem, graph in cluster.subsystems.items():
                for attribute, text in unordered_versions(graph):
                    log.warning(
                        "cluster %s: %s %s = %r has no place in the order of versions; no range will match it",
                        cluster.name, subsystem, attribute, text,
                    )  # fmt: skip
        closing = self._schedulers.setdefault(experiment.path, ExitStack())
        closing.close()
        scheduler = create_scheduler(self._options.scheduler)
        closing.callback(scheduler.close)
        scheduler.open(experiment.clusters)
        return LevelRunner(
            experiment,
            scheduler,
            name=self._options.scheduler.name,
            seed=self._options.seed,
            sampling=self._options.sampling,
        )

    def close(self) -> None:
        """Stop every scheduler that was started."""
        with ExitStack() as closing:
            for each in self._schedulers.values():
                closing.callback(each.close)


def probe(options: SchedulerOptions) -> None:
    """Make sure that a scheduler that runs elsewhere answers.

    Raises:
        SchedulerUnavailable: It does not.
    """
    if options.is_address:
        from pytest_compat.schedulers.rainbow import RainbowScheduler

        scheduler = create_scheduler(options)
        assert isinstance(scheduler, RainbowScheduler)
        try:
            scheduler.connect()
        finally:
            scheduler.close()
