"""What the server knows: clusters, their graphs, and the jobs that wait for them."""

from __future__ import annotations

import hmac
import json
import logging
import secrets
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from pytest_compat.declare.jgf import read_containment, read_subsystem
from pytest_compat.errors import DeclarationError
from pytest_compat.matching import Index
from pytest_compat.matching.versions import unordered_versions
from pytest_compat.model import Cluster, Graph, Jobspec

log = logging.getLogger("pytest_compat.rainbow")

MAX_NAME = 253


class Denied(Exception):
    """Wrong secret or token, or a cluster that is not there: the two are not told apart."""


class Exists(Exception):
    """The name is taken."""


@dataclass
class Registered:
    """A cluster as the server keeps it."""

    cluster: Cluster
    token: str
    secret: str
    jobs: dict[int, str] = field(default_factory=dict)


class Store:
    """Clusters and jobs, in memory. Safe to use from several threads."""

    def __init__(self, secret: str) -> None:
        self._secret = secret
        self._lock = threading.RLock()
        self._clusters: dict[str, Registered] = {}
        self._index = Index()
        self._last_job = 0

    def register(self, name: str, secret: str, nodes: str) -> Registered:
        """Add a cluster and return it with its credentials.

        Raises:
            Denied: The registration secret is wrong.
            Exists: There is a cluster of that name.
            DeclarationError: The name is no name, or the graph no graph.
        """
        if not same(secret, self._secret):
            raise Denied
        check_name(name, "name")
        with self._lock:
            if name in self._clusters:
                raise Exists
        registered = Registered(
            Cluster(name, _within(lambda: read_containment(nodes))),
            token=secrets.token_urlsafe(16),
            secret=secrets.token_urlsafe(16),
        )
        with self._lock:
            if name in self._clusters:
                raise Exists
            self._index.add(registered.cluster)
            self._clusters[name] = registered
        return registered

    def register_subsystem(self, name: str, secret: str, subsystem: str, nodes: str) -> None:
        """Hang a subsystem on a cluster.

        Raises:
            Denied: There is no such cluster, or the secret is not its own.
            Exists: The cluster has a subsystem of that name.
            DeclarationError: The name is no name, or the graph no graph.
        """
        registered = self.authenticated(name, secret)
        check_name(subsystem, "subsystem")
        graph = _within(lambda: read_subsystem(nodes, registered.cluster.containment))
        with self._lock:
            if subsystem in registered.cluster.subsystems:
                raise Exists
            registered.cluster = replace(
                registered.cluster, subsystems={**registered.cluster.subsystems, subsystem: graph}
            )
            self._index.add(registered.cluster)
        for attribute, text in unordered_versions(graph):
            log.warning(
                "cluster %r, subsystem %r: %s = %r is no version that has an order; no range will match it",
                name, subsystem, attribute, text,
            )  # fmt: skip

    def candidates(self, jobspec: Jobspec) -> tuple[tuple[str, ...], int]:
        """Return the clusters that satisfy a jobspec, sorted, and the number of all clusters."""
        with self._lock:
            return self._index.candidates(jobspec), len(self._clusters)

    def admit(self, names: Sequence[str], tokens: Sequence[str]) -> list[str]:
        """Return the names of clusters, sorted and each once, if every token is right.

        Args:
            names: One or more clusters.
            tokens: The token given for each.

        Raises:
            Denied: One cluster is unknown or one token wrong.
        """
        try:
            kept = [self._clusters[name].token for name in names]
        except KeyError:
            raise Denied from None
        # One comparison for all. No token kept has a NUL, so the texts are the same only if each token is.
        if not same("\0".join(tokens), "\0".join(kept)):
            raise Denied
        return sorted(dict.fromkeys(names))

    def assign(self, cluster: str, name: str, jobspec: str, commands: list[list[str]]) -> int:
        """Keep a job for a cluster and return its id, 1 or more.

        Raises:
            Denied: The cluster has gone.
        """
        with self._lock:
            registered = self._clusters.get(cluster)
            if registered is None:
                raise Denied
            self._last_job += 1
            job: Mapping[str, object] = {
                "id": self._last_job,
                "cluster": cluster,
                "name": name,
                "jobspec": jobspec,
                "command": commands[0] if commands else [],
            }
            registered.jobs[self._last_job] = json.dumps(job)
            return self._last_job

    def waiting(self, name: str, secret: str, most: int) -> dict[int, str]:
        """Return the jobs that wait for a cluster, lowest ids first, all of them when `most` is 0 or less.

        Raises:
            Denied: There is no such cluster, or the secret is not its own.
        """
        registered = self.authenticated(name, secret)
        with self._lock:
            ids = sorted(registered.jobs)
            return {id: registered.jobs[id] for id in (ids[:most] if most > 0 else ids)}

    def accept(self, name: str, secret: str, ids: Iterable[int]) -> bool:
        """Let jobs go that a cluster has accepted; return whether each was there and named once.

        Raises:
            Denied: There is no such cluster, or the secret is not its own.
        """
        registered = self.authenticated(name, secret)
        with self._lock:
            there = [registered.jobs.pop(id, None) is not None for id in ids]
            return all(there)

    def authenticated(self, name: str, secret: str) -> Registered:
        """Return a cluster to its owner.

        Raises:
            Denied: There is no such cluster, or the secret is not its own.
        """
        registered = self._clusters.get(name)
        if not same(secret, registered.secret if registered else "") or registered is None:
            raise Denied
        return registered


def same(given: str, kept: str) -> bool:
    """Compare two secrets in a time that does not depend on where they differ; an empty one is never right."""
    return hmac.compare_digest(given.encode(), kept.encode()) and bool(kept)


def check_name(name: str, path: str) -> None:
    """Raise DeclarationError unless the text can be a name: 1 to MAX_NAME printable characters."""
    if not 1 <= len(name) <= MAX_NAME or not name.isprintable():
        raise DeclarationError(f"found {name[:80]!r}, expected 1 to {MAX_NAME} printable characters", path=path)


def _within(read: Callable[[], Graph]) -> Graph:
    """Say of an error in a graph that it is in the request's `nodes`."""
    try:
        return read()
    except DeclarationError as error:
        raise error.within("nodes") from None
