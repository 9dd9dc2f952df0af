"""An experiment at scale, run: its small part through a scheduler, or the whole in batches."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from pytest_compat.judge.multiple import ALARM, holm
from pytest_compat.scale.ask import OneByOne
from pytest_compat.scale.declared import FULL, GradientExperiment, Prepared
from pytest_compat.scale.engine import Outcome, blocks, joined, run_block
from pytest_compat.scale.figures import Gradient, figures
from pytest_compat.scale.work import Executor, Told, here, run_all
from pytest_compat.schedulers import SchedulerOptions, create_scheduler

BATCH = "batch"
"""Who answers where no scheduler does."""


@dataclass(frozen=True, repr=False)
class GradientCase:
    """What a test sees of an experiment at scale.

    Args:
        gradient: Its figures.
        outcome: What became of every job at every level, as arrays.
    """

    gradient: Gradient
    outcome: Outcome

    def __repr__(self) -> str:
        return (
            f"<GradientCase {self.gradient.experiment}: {self.gradient.jobs} jobs x {len(self.gradient.levels)} levels>"
        )

    def check(self) -> None:
        """Fail if the successes of a level are not to be believed.

        Raises:
            AssertionError: A level's number of successes lies where its exact law does not put it, with one false alarm
                in 1 / ALARM runs (Holm over the levels).
        """
        __tracebackhide__ = True
        adjusted = holm([level.p for level in self.gradient.levels])
        odd = [level for level, p in zip(self.gradient.levels, adjusted, strict=True) if p < ALARM]
        if odd:
            first = odd[0]
            raise AssertionError(
                f"{first.level}: {first.succeeded} of {self.gradient.jobs} jobs succeeded, and {first.range[0]} to "
                f"{first.range[1]} do in 999 of 1000 runs (and {len(odd) - 1} more levels like it)"
            )


def measure(
    experiment: GradientExperiment,
    scale: str,
    *,
    seed: int = 0,
    scheduler: SchedulerOptions | None = None,
    engine: str = "process",
    folder: Path | None = None,
    told: Told | None = None,
) -> GradientCase:
    """Run an experiment at scale.

    Args:
        experiment: As declared.
        scale: SMALL: the small part, job by job through the scheduler. FULL: the whole, in batches.
        seed: What draws derive from; the same in both.
        scheduler: Which scheduler; None for an embedded rainbow.
        engine: What runs batches: `process`, `dask` or the address of a Dask scheduler.
        folder: Where an interrupted run in batches finds what was done.
        told: Called as jobs are done.

    Raises:
        CompatError: What is declared is not what it has to be, or the scheduler or the engine failed.
    """
    prepared = experiment.prepare(scale)
    if scale == FULL:
        way = BATCH
        outcome = run_all(prepared.problem, blocks(prepared.problem), seed, _executor(engine), folder=folder, told=told)
    else:
        options = scheduler or SchedulerOptions()
        way = options.name
        outcome = through_scheduler(prepared, options, seed, told)
    gradient = figures(prepared.problem, outcome, seed=seed, way=way, scale=scale, remarks=prepared.remarks)
    return GradientCase(gradient, outcome)


def through_scheduler(
    prepared: Prepared, options: SchedulerOptions, seed: int, told: Told | None = None, size: int = 64
) -> Outcome:
    """Take all jobs through all levels by asking a scheduler.

    Args:
        prepared: The experiment.
        options: Which scheduler.
        seed: What draws derive from.
        told: Called after each block.
        size: Jobs per block; clusters receive once per block and level.

    Raises:
        SchedulerError: It could not be started, a call failed, or a job did not arrive where it was said to go.
    """
    problem = prepared.problem
    with closing(create_scheduler(options)) as scheduler:
        scheduler.open(list(prepared.environments.clusters()))
        outcomes = []
        for jobs in blocks(problem, size):
            outcomes.append(run_block(problem, jobs, OneByOne(problem, jobs, scheduler, seed), seed))
            if told:
                told(int(jobs[-1]) + 1, len(problem.jobs))
    return joined(outcomes)


def _executor(engine: str) -> Executor:
    if engine == "process":
        return here
    from pytest_compat.scale.dask import DaskExecutor

    return DaskExecutor("" if engine == "dask" else engine)
