"""What is run at scale: jobs that require versions of subsystems, clusters that have one each, scores of pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from typing import Any, Protocol

from pytest_compat.declare.pools import HOST
from pytest_compat.matching.versions import parse_version, version_range
from pytest_compat.model import Jobspec, Requirement, Resource, Task
from pytest_compat.scale.bits import packed

FIELD = "version"
"""The field of every subsystem."""


class Scores(Protocol):
    """Probabilities of success."""

    def block(self, jobs: Any) -> Any:
        """Return them for some jobs, by position, on every cluster: an array of shape (jobs, clusters), 0 to 1."""

    def digest(self) -> bytes:
        """Return what changes when any of them does."""


@dataclass(frozen=True)
class Step:
    """What revealing one more subsystem does.

    Args:
        subsystem: Its name.
        jobs: Positions of the jobs that require anything of it, ascending.
        wants: For each of them the place of its requirement among `requirements`.
        requirements: The distinct ones.
        masks: Array of shape (requirements, words): the clusters that meet each.
    """

    subsystem: str
    jobs: Any
    wants: Any
    requirements: tuple[Requirement, ...]
    masks: Any


@dataclass(frozen=True)
class Problem:
    """An experiment at scale. Its first level reveals nothing, and each step makes another level.

    Args:
        name: Name of the experiment.
        jobs: Names of the jobs.
        packages: The package of each job.
        clusters: Names of the clusters, sorted.
        steps: The subsystems, in the order in which levels add them.
        scores: Probabilities of success by what says so; draws of success go by the first.
    """

    name: str
    jobs: tuple[str, ...]
    packages: tuple[str, ...]
    clusters: tuple[str, ...]
    steps: tuple[Step, ...]
    scores: Mapping[str, Scores]

    @cached_property
    def levels(self) -> tuple[str, ...]:
        """The names of the levels: a number, and the subsystem that it adds."""
        digits = len(str(len(self.steps)))
        return (
            f"{0:0{digits}}-none",
            *(f"{number:0{digits}}-{step.subsystem}" for number, step in enumerate(self.steps, 1)),
        )

    def version(self) -> str:
        """Return a digest of jobs, clusters and requirements; where the scores come from has no part in it."""
        found = sha256()
        for names in (self.jobs, self.packages, self.clusters):
            found.update("\0".join(names).encode("utf-8", "surrogatepass") + b"\1")
        for step in self.steps:
            found.update(step.subsystem.encode("utf-8", "surrogatepass"))
            for each in (step.jobs, step.wants, step.masks):
                found.update(each.tobytes())
        return found.hexdigest()[:12]

    def jobspec(self, job: int, level: int) -> Jobspec:
        """Return what a job requires at a level, as a jobspec for one node; levels by number, from 0."""
        required = []
        for step in self.steps[:level]:
            at = int(step.jobs.searchsorted(job))
            if at < len(step.jobs) and step.jobs[at] == job:
                required.append(step.requirements[step.wants[at]])
        group = Resource(HOST, 1, True, tuple(required))
        return Jobspec(self.jobs[job], {"build": group}, (Task(("spack", "install"), "build"),))

    def cut(self, jobs: int, steps: int) -> Problem:
        """Return the problem of the first so many jobs and steps; the clusters are the same."""
        kept = []
        for step in self.steps[:steps]:
            few = step.jobs < jobs
            kept.append(replace(step, jobs=step.jobs[few], wants=step.wants[few]))
        return replace(self, jobs=self.jobs[:jobs], packages=self.packages[:jobs], steps=tuple(kept))


def make_step(subsystem: str, required: Mapping[int, Requirement], versions: Sequence[str], codes: Any) -> Step:
    """Return the step of a subsystem.

    Args:
        subsystem: Its name.
        required: By the position of each job that requires anything of it, what.
        versions: The versions that it can have.
        codes: Which of them it has on each cluster, from 0; a negative one for none.
    """
    import numpy

    distinct = {each: place for place, each in enumerate(dict.fromkeys(required.values()))}
    jobs = numpy.array(sorted(required), dtype=numpy.int64)
    wants = numpy.array([distinct[required[job]] for job in jobs.tolist()], dtype=numpy.int64)
    codes = numpy.asarray(codes, dtype=numpy.int64)
    meeting = numpy.zeros((len(distinct), len(versions) + 1), dtype=bool)  # the last column is for none
    for requirement, place in distinct.items():
        meeting[place, :-1] = [_meets(version, requirement) for version in versions]
    return Step(subsystem, jobs, wants, tuple(distinct), packed(meeting[:, codes]))


def _meets(version: str, requirement: Requirement) -> bool:
    if requirement.match is not None:
        return version == requirement.match
    span, parsed = version_range(requirement.min, requirement.max), parse_version(version)
    return span is not None and parsed is not None and span.admits(parsed)
