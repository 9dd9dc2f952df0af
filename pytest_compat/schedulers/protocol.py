"""What a scheduler has to be able to do to be measured."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Protocol

from pytest_compat.model import Cluster, Jobspec

CALL_SECONDS = 20.0
"""Deadline of one call, unless told otherwise: many times what a slow rainbow needs for a thousand clusters."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """What came of a submission.

    Args:
        cluster: The cluster the job was given to, None when it was given to none.
        candidates: The clusters it was chosen among, in any order; None when the scheduler does not tell. Where it
            does, every submission is also a repeated question, and answers that change are found.
    """

    cluster: str | None
    candidates: Collection[str] | None = None


class Scheduler(Protocol):
    """A scheduler that is given clusters and jobs.

    Every method may raise SchedulerError (this call failed; the submission is recorded as an error and the run goes
    on) or SchedulerUnavailable (there is no scheduler any more; nothing further is tried).
    """

    def open(self, clusters: Iterable[Cluster]) -> None:
        """Start what has to be started, connect, and register the clusters with all their subsystems."""

    def candidates(self, jobspec: Jobspec) -> list[str]:
        """Return the clusters the scheduler would choose among for this job, and assign nothing."""

    def submit(self, jobspec: Jobspec, name: str, key: str) -> Assignment:
        """Submit a job and return what came of it.

        Args:
            jobspec: The job with the requirements that the scheduler may see.
            name: What the job is called when its cluster receives it; unique in a run.
            key: What a draw among the candidates belongs to. A scheduler that draws at random and can be seeded
                derives the draw from this text alone.
        """

    def receive(self, cluster: str) -> list[str]:
        """Return, as the cluster, the names of the jobs that have been assigned to it, and accept them."""

    def close(self) -> None:
        """Let go of everything `open` took hold of. Called once, also after a failure; raises nothing."""
