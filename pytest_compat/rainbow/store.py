"""What the server knows: clusters, their graphs and state, and the jobs that wait for them."""

from __future__ import annotations

import hmac
import json
import logging
import secrets
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from pytest_compat.declare.jgf import load_json, read_containment, read_subsystem
from pytest_compat.errors import CompatError, DeclarationError, brief
from pytest_compat.matching import Index
from pytest_compat.matching.versions import unordered_versions
from pytest_compat.model import Cluster, Graph, Jobspec
from pytest_compat.rainbow.database import Database, Statement
from pytest_compat.rainbow.selection import Scalar, is_scalar

T = TypeVar("T")

log = logging.getLogger("pytest_compat.rainbow")

MAX_NAME = 253
MAX_CLUSTERS = 100_000
MAX_SUBSYSTEMS = 10_000
"""Subsystems of one cluster."""
MAX_STATE = 1000
"""Variables in the state of one cluster."""
MAX_TEXT = 8 * 2**20
"""Characters of a jobspec or of a state."""
MAX_JOBS = 1_000_000
"""Jobs held for all clusters together, and ids given are below 2^31."""


class Refused(CompatError):
    """A call that cannot be carried out, though nothing is wrong with what it says."""


class Denied(Refused):
    """Wrong secret or token, or a cluster that is not there: the two are not told apart."""


class Exists(Refused):
    """The name is taken."""


class Missing(Refused):
    """There is no such cluster or subsystem."""


class Full(Refused):
    """The server holds as much as it will."""


@dataclass
class Registered:
    """A cluster as the server keeps it."""

    cluster: Cluster
    token: str
    secret: str
    state: dict[str, Scalar] = field(default_factory=dict)
    jobs: dict[int, str] = field(default_factory=dict)


class Store:
    """Clusters and jobs, in memory and, if there is one, in a database. Safe to use from several threads.

    Memory is the first to change, under one lock and in the order in which the database is then told. Whoever asked for
    the change waits until it is on disk, so that what was answered is there after a crash.

    Args:
        secret: The registration secret.
        token: One token for all clusters; None gives each a token of its own.
        database: Where to keep everything; None keeps it in memory alone.

    Raises:
        DatabaseError: The database cannot be read.
        DeclarationError: It holds a graph that cannot be read.
    """

    def __init__(self, secret: str, *, token: str | None = None, database: Database | None = None) -> None:
        self._secret = secret
        self._token = token
        self._database = database
        self._lock = threading.RLock()
        self._clusters: dict[str, Registered] = {}
        self._index = Index()
        self._last_job = 0
        self._jobs = 0
        if database is not None:
            self._load(database)

    def _load(self, database: Database) -> None:
        for name, token, secret, nodes, state in database.rows(
            "SELECT name, token, secret, nodes, state FROM clusters"
        ):
            cluster = Cluster(name, read_containment(nodes))
            self._clusters[name] = Registered(cluster, token, secret, json.loads(state))
        for name, subsystem, nodes in database.rows("SELECT cluster, name, nodes FROM subsystems"):
            registered = self._clusters[name]
            registered.cluster = _with(
                registered.cluster, subsystem, read_subsystem(nodes, registered.cluster.containment)
            )
        for registered in self._clusters.values():
            self._index.add(registered.cluster)
        for id, name, job in database.rows("SELECT id, cluster, job FROM jobs ORDER BY id"):
            self._clusters[name].jobs[id] = job
            self._jobs += 1
        for (last,) in database.rows("SELECT seq FROM sqlite_sequence WHERE name = 'jobs'"):
            self._last_job = last

    def register(self, name: str, secret: str, nodes: str) -> tuple[str, str]:
        """Add a cluster and return its token and its secret.

        Raises:
            Denied: The registration secret is wrong.
            Exists: There is a cluster of that name.
            Full: There are MAX_CLUSTERS.
            DeclarationError: The name is no name, or the graph no graph.
        """
        if not same(secret, self._secret):
            raise Denied("secret: not the registration secret")
        check_name(name, "name")
        self._check_free(name)
        registered = Registered(
            Cluster(name, _within("nodes", lambda: read_containment(nodes))),
            token=secrets.token_hex(16),
            secret=secrets.token_hex(16),
        )
        with self._changing():
            self._check_free(name)  # another call may have come first while the graph was read
            if len(self._clusters) >= MAX_CLUSTERS:
                raise Full(f"{MAX_CLUSTERS} clusters are registered; delete some")
            self._clusters[name] = registered
            self._index.add(registered.cluster)
            written = self._write(
                (
                    "INSERT INTO clusters (name, token, secret, nodes) VALUES (?, ?, ?, ?)",
                    (name, registered.token, registered.secret, nodes),
                )
            )
        written()
        return self._token or registered.token, registered.secret

    def _check_free(self, name: str) -> None:
        if name in self._clusters:
            raise Exists(f"name: there is a cluster called {brief(name)}")

    def delete(self, name: str, secret: str) -> None:
        """Forget a cluster with its subsystems, its state and its jobs.

        Raises:
            Missing: There is no such cluster.
            Denied: The secret is not its own.
        """
        with self._changing():
            registered = self._owned(name, secret)
            del self._clusters[name]
            self._jobs -= len(registered.jobs)
            self._index.remove(name)
            written = self._write(("DELETE FROM clusters WHERE name = ?", (name,)))
        written()

    def register_subsystem(self, name: str, secret: str, subsystem: str, nodes: str) -> None:
        """Hang a subsystem on a cluster.

        Args:
            name: The cluster.
            secret: Its own secret.
            subsystem: What the subsystem is called.
            nodes: Its graph.

        Raises:
            Denied: There is no such cluster, or the secret is not its own.
            Exists: The cluster has a subsystem of that name.
            Full: It has MAX_SUBSYSTEMS.
            DeclarationError: The name is no name, or the graph no graph.
        """
        registered = self.authenticated(name, secret)
        check_name(subsystem, "subsystem")
        graph = _within("nodes", lambda: read_subsystem(nodes, registered.cluster.containment))
        with self._changing():
            self._check_still(registered)
            there = registered.cluster.subsystems
            if subsystem in there:
                raise Exists(f"subsystem: the cluster has one called {brief(subsystem)}")
            if len(there) >= MAX_SUBSYSTEMS:
                raise Full(f"the cluster has {MAX_SUBSYSTEMS} subsystems")
            self._replace(registered, _with(registered.cluster, subsystem, graph))
            written = self._write(
                ("INSERT INTO subsystems (cluster, name, nodes) VALUES (?, ?, ?)", (name, subsystem, nodes))
            )
        written()
        for attribute, text in unordered_versions(graph):
            log.warning(
                "cluster %r, subsystem %r: %s = %s is no version that has an order; no range will match it",
                name, subsystem, attribute[:MAX_NAME], brief(text),
            )  # fmt: skip

    def delete_subsystem(self, name: str, secret: str, subsystem: str) -> None:
        """Take a subsystem off a cluster.

        Raises:
            Missing: There is no such cluster, or it has no such subsystem.
            Denied: The secret is not the cluster's own.
        """
        with self._changing():
            registered = self._owned(name, secret)
            left = {each: graph for each, graph in registered.cluster.subsystems.items() if each != subsystem}
            if len(left) == len(registered.cluster.subsystems):
                raise Missing(f"subsytem: the cluster has none called {brief(subsystem)}")
            self._replace(registered, replace(registered.cluster, subsystems=left))
            written = self._write(("DELETE FROM subsystems WHERE cluster = ? AND name = ?", (name, subsystem)))
        written()

    def adopt(self, name: str, secret: str, subsystem: str, nodes: str) -> None:
        """Register a graph for a cluster on behalf of whoever has the registration secret.

        Args:
            name: The cluster; a new one unless `subsystem` is given.
            secret: The registration secret.
            subsystem: Empty for a containment graph.
            nodes: The graph.

        Raises:
            Refused: As `register` and `register_subsystem`.
            DeclarationError: The name is no name, or the graph no graph.
        """
        if not same(secret, self._secret):
            raise Denied("not the registration secret")
        if not subsystem:
            self.register(name, secret, nodes)
            return
        registered = self._clusters.get(name)
        if registered is None:
            raise Missing(f"name: there is no cluster called {brief(name)}")
        self.register_subsystem(name, registered.secret, subsystem, nodes)

    def update_state(self, name: str, secret: str, payload: str) -> None:
        """Merge variables into the state of a cluster.

        Args:
            name: The cluster.
            secret: Its own secret.
            payload: A JSON object of scalars, or a JSON string that holds one (which is what the PyPI client makes of a
                file).

        Raises:
            Denied: There is no such cluster, or the secret is not its own.
            Full: The state would have more than MAX_STATE variables, or MAX_TEXT characters.
            DeclarationError: The payload is not that.
        """
        registered = self.authenticated(name, secret)
        given = read_state(payload)
        with self._changing():
            self._check_still(registered)
            state = {**registered.state, **given}
            if len(state) > MAX_STATE:
                raise Full(f"the state would have more than {MAX_STATE} variables")
            text = json.dumps(state)
            if len(text) > MAX_TEXT:
                raise Full(f"the state would have more than {MAX_TEXT} characters")
            registered.state = state  # a new object: selections that are under way keep the one they have
            written = self._write(("UPDATE clusters SET state = ? WHERE name = ?", (text, name)))
        written()

    def candidates(self, jobspec: Jobspec) -> tuple[tuple[str, ...], int]:
        """Return the clusters that satisfy a jobspec, sorted, and the number of all clusters."""
        with self._lock:
            return self._index.candidates(jobspec), len(self._clusters)

    def admit(self, names: Sequence[str], tokens: Sequence[str]) -> dict[str, Registered]:
        """Return clusters by name, sorted and each once, if every token is right.

        Args:
            names: One or more clusters.
            tokens: The token given for each.

        Raises:
            Denied: One cluster is unknown or one token wrong.
        """
        denied = Denied("clusters: one is not registered, or its token is wrong")
        try:
            found = {name: self._clusters[name] for name in sorted(names)}
        except KeyError:
            raise denied from None
        kept = [self._token or found[name].token for name in names]
        # One comparison for all. No token kept has a NUL, so the texts are the same only if each token is.
        if not same("\0".join(tokens), "\0".join(kept)):
            raise denied
        return found

    def assign(self, registered: Registered, name: str, jobspec: str, commands: Sequence[Sequence[str]]) -> int:
        """Keep a job for a cluster that `admit` returned, and return its id, 1 or more.

        Raises:
            Denied: The cluster has gone.
            Full: There are MAX_JOBS, or no ids left.
        """
        cluster = registered.cluster.name
        with self._changing():
            if self._clusters.get(cluster) is not registered:
                raise Denied("clusters: the one selected has gone")
            if self._jobs >= MAX_JOBS or self._last_job >= 2**31 - 1:
                raise Full(f"{self._jobs} jobs wait to be accepted; accept some")
            self._last_job += 1
            self._jobs += 1
            id = self._last_job
            text = json.dumps(
                {
                    "id": id,
                    "cluster": cluster,
                    "name": name,
                    "jobspec": jobspec,
                    "command": list(commands[0]) if commands else [],
                }
            )
            registered.jobs[id] = text
            written = self._write(("INSERT INTO jobs (id, cluster, job) VALUES (?, ?, ?)", (id, cluster, text)))
        written()
        return id

    def waiting(self, name: str, secret: str, most: int) -> dict[int, str]:
        """Return the jobs that wait for a cluster, lowest ids first, all of them when `most` is 0 or less.

        Raises:
            Denied: There is no such cluster, or the secret is not its own.
        """
        with self._lock:
            registered = self.authenticated(name, secret)
            ids = sorted(registered.jobs)
            jobs = {id: registered.jobs[id] for id in (ids[:most] if most > 0 else ids)}
        if self._database is not None and jobs:
            self._database.settle()  # a job that is handed out must not be gone after a crash
        return jobs

    def accept(self, name: str, secret: str, ids: Sequence[int]) -> bool:
        """Let jobs go that a cluster has accepted; return whether each was there and named once.

        Raises:
            Denied: There is no such cluster, or the secret is not its own.
        """
        with self._changing():
            registered = self.authenticated(name, secret)
            gone = [id for id in ids if registered.jobs.pop(id, None) is not None]
            self._jobs -= len(gone)
            written = self._write(*(("DELETE FROM jobs WHERE id = ?", (id,)) for id in gone))
        written()
        return len(gone) == len(ids)

    def authenticated(self, name: str, secret: str) -> Registered:
        """Return a cluster to its owner.

        Raises:
            Denied: There is no such cluster, or the secret is not its own.
        """
        registered = self._clusters.get(name)
        if not same(secret, registered.secret if registered else "") or registered is None:
            raise Denied("name, secret: not a registered cluster's")
        return registered

    def _check_still(self, registered: Registered) -> None:
        """Raise Denied when a cluster was deleted since it was authenticated, perhaps to be registered by another."""
        if self._clusters.get(registered.cluster.name) is not registered:
            raise Denied("name, secret: not a registered cluster's")

    def close(self) -> None:
        """Write what is left, and close the database."""
        if self._database is not None:
            self._database.close()

    def _owned(self, name: str, secret: str) -> Registered:
        if name not in self._clusters:
            raise Missing(f"name: there is no cluster called {brief(name)}")
        return self.authenticated(name, secret)

    def _replace(self, registered: Registered, cluster: Cluster) -> None:
        registered.cluster = cluster
        self._index.add(cluster)

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Hold the lock for a change; there are none any more once the database cannot be written."""
        with self._lock:
            if self._database is not None:
                self._database.check()
            yield

    def _write(self, *statements: Statement) -> Callable[[], None]:
        """Have statements written, and return what waits until they are on disk."""
        if self._database is None or not statements:
            return lambda: None
        return self._database.write(*statements).result


def read_state(payload: str) -> dict[str, Scalar]:
    """Read the payload of UpdateState.

    Raises:
        DeclarationError: It is no JSON object of scalars with names of variables, or too long.
    """
    if len(payload) > MAX_TEXT:
        raise DeclarationError(f"found {len(payload)} characters, expected {MAX_TEXT} at most", path="payload")
    given: Any = _within("payload", lambda: load_json(payload, number=float))
    if isinstance(given, str):
        inner = given
        given = _within("payload", lambda: load_json(inner, number=float))
    if not isinstance(given, dict):
        raise DeclarationError(f"found {brief(given)}, expected an object of variables", path="payload")
    for name, value in given.items():
        if not isinstance(value, str | int | float) or not _moderate(value):
            raise DeclarationError(
                f"found {brief(value)}, expected text, a boolean or a number below 2^63", path=f"payload.{name[:80]}"
            )
    return given


def _moderate(value: Scalar) -> bool:
    return is_scalar(value) and (isinstance(value, str) or abs(value) < 2**63)


def same(given: str, kept: str) -> bool:
    """Compare two secrets in a time that does not depend on where they differ; an empty one is never right."""
    return hmac.compare_digest(given.encode(), kept.encode()) and bool(kept)


def check_name(name: str, path: str) -> None:
    """Raise DeclarationError unless the text can be a name: 1 to MAX_NAME printable characters."""
    if not 1 <= len(name) <= MAX_NAME or not name.isprintable():
        raise DeclarationError(f"found {brief(name)}, expected 1 to {MAX_NAME} printable characters", path=path)


def _with(cluster: Cluster, subsystem: str, graph: Graph) -> Cluster:
    return replace(cluster, subsystems={**cluster.subsystems, subsystem: graph})


def _within(field: str, read: Callable[[], T]) -> T:
    """Say of an error in a text which field of the request it came in."""
    try:
        return read()
    except DeclarationError as error:
        raise error.within(field) from None
