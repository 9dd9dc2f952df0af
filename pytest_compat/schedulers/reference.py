"""The reference scheduler: the reference matcher in this process, without a server."""

from __future__ import annotations

from collections.abc import Iterable

from pytest_compat.matching import Index, choose
from pytest_compat.model import Cluster, Jobspec
from pytest_compat.schedulers.protocol import Assignment


class ReferenceScheduler:
    """Assigns each job to one of the clusters that the reference matcher finds, uniformly by key."""

    def __init__(self) -> None:
        self._index = Index()
        self._queues: dict[str, list[str]] = {}

    def open(self, clusters: Iterable[Cluster]) -> None:
        """Take in the clusters."""
        for cluster in clusters:
            self._index.add(cluster)

    def candidates(self, jobspec: Jobspec) -> list[str]:
        """Return the clusters that satisfy the jobspec."""
        return list(self._index.candidates(jobspec))

    def submit(self, jobspec: Jobspec, name: str, key: str) -> Assignment:
        """Assign a job to one of its candidates."""
        candidates = self._index.candidates(jobspec)
        if not candidates:
            return Assignment(None, ())
        cluster = choose(candidates, key)
        self._queues.setdefault(cluster, []).append(name)
        return Assignment(cluster, candidates)

    def receive(self, cluster: str) -> list[str]:
        """Hand over what was assigned to a cluster."""
        return self._queues.pop(cluster, [])

    def close(self) -> None:
        """There is nothing to let go of."""
