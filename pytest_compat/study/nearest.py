"""Which cluster comes nearest to running a job that none can run, and what it lacks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from pytest_compat.declare.catalog import Experiment
from pytest_compat.declare.levels import Levels
from pytest_compat.model import Cluster, Jobspec
from pytest_compat.study.explain import explain
from pytest_compat.study.reference import Study
from pytest_compat.study.show import failures


def nearest(job: Jobspec, clusters: Iterable[Cluster]) -> Iterator[tuple[str, str]]:
    """Yield the clusters nearest to running a job, the nearest first, each with what it lacks in words.

    Raises:
        JobspecError: The job asks for more than the reference matcher can decide.
    """
    subsystems = tuple(dict.fromkeys(each.subsystem for each in job.requirements()))
    experiment = Experiment(
        name=job.name,
        path=Path(),
        clusters=tuple(clusters),
        jobs=(job,),
        levels=Levels(subsystems, published=("none",)),
        truth=(),
        iterations=0,
    )
    for answer in explain(Study(experiment), job).nearest:
        yield answer.cluster, "; ".join(failures(answer))
