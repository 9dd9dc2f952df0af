"""Clusters of randomly chosen software: each has a version of every subsystem, drawn from those that occur.

A subsystem is a package that others depend on, and has one field, `version`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from pytest_compat.builds.draws import Draws, pick
from pytest_compat.declare.pools import HOST, build_cluster
from pytest_compat.errors import DeclarationError, brief
from pytest_compat.model import Cluster, Graph, Vertex

if TYPE_CHECKING:
    import pandas

FIELD = "version"
"""The field of every subsystem."""

UNIFORM, FREQUENCY = "uniform", "frequency"
"""How versions are drawn: each that occurs with the same chance, or as often as it occurs."""


@dataclass(frozen=True)
class Environments:
    """What is installed on each of many clusters.

    Args:
        subsystems: Their names, sorted.
        versions: For each subsystem the versions it can have, sorted as texts.
        codes: Array of shape (subsystems, clusters): which of its versions each subsystem has on each cluster, from
            0; a negative one where it is not installed.
        names: Of the clusters, sorted.
    """

    subsystems: tuple[str, ...]
    versions: tuple[tuple[str, ...], ...]
    codes: Any
    names: tuple[str, ...]

    def installed(self, cluster: int) -> dict[str, str]:
        """Return the version of each subsystem that is there on cluster number `cluster`, from 0."""
        return {
            subsystem: versions[code]
            for subsystem, versions, code in zip(
                self.subsystems, self.versions, self.codes[:, cluster].tolist(), strict=True
            )
            if code >= 0
        }

    def clusters(self) -> Iterator[Cluster]:
        """Yield each as a faux cluster of one node, with a subsystem per package; equal subsystems are one object."""
        containment = Graph({"0": Vertex("cluster"), "1": Vertex(HOST)}, (("0", "1"),))

        @cache
        def graph(subsystem: str, version: str) -> Graph:
            return build_cluster("", containment, {subsystem: {FIELD: version}}).subsystems[subsystem]

        for number, name in enumerate(self.names):
            graphs = {subsystem: graph(subsystem, version) for subsystem, version in self.installed(number).items()}
            yield Cluster(name, containment, graphs)


def occurring(frame: pandas.DataFrame) -> dict[str, Counter[str]]:
    """Return how many builds of a table have each version of each dependency."""
    found: dict[str, Counter[str]] = {}
    pairs: Counter[tuple[str, str]] = Counter()
    for names, versions in zip(frame["dep_names"], frame["dep_versions"], strict=True):
        pairs.update(zip(names, versions, strict=True))
    for (name, version), count in sorted(pairs.items()):
        found.setdefault(str(name), Counter())[str(version)] = count
    return found


def draw_environments(
    occurring: Mapping[str, Mapping[str, int]], clusters: int, seed: int, by: str = UNIFORM
) -> Environments:
    """Draw what is installed on clusters.

    Each version is drawn for itself: independent of the other subsystems and of the other clusters. What cluster k has
    of a subsystem depends on the seed, k, the subsystem and the versions of it that occur alone, so that it is
    the same however many clusters are drawn and whatever other subsystems there are.

    Args:
        occurring: For each subsystem how often each version occurs, as `occurring` counts it; 1 or more each.
        clusters: How many, 1 or more.
        seed: Any integer.
        by: UNIFORM or FREQUENCY.

    Raises:
        DeclarationError: There are no clusters, subsystems or versions to draw, or `by` is neither of the two.
    """
    import numpy

    if clusters < 1:
        raise DeclarationError(f"found {clusters} clusters, expected 1 or more")
    if by not in (UNIFORM, FREQUENCY):
        raise DeclarationError(f"found {brief(by)}, expected {UNIFORM} or {FREQUENCY}")
    empty = [name for name, counts in occurring.items() if not any(count > 0 for count in counts.values())]
    if not occurring or empty:
        which = f"no version of {brief(empty[0])}" if empty else "no dependencies"
        raise DeclarationError(f"found {which}, expected versions to draw from")
    subsystems = tuple(sorted(occurring))
    versions = tuple(
        tuple(sorted(version for version, count in occurring[name].items() if count > 0)) for name in subsystems
    )
    most = max(map(len, versions))
    codes: Any = numpy.empty((len(subsystems), clusters), dtype=numpy.min_scalar_type(most))
    for row, (name, known) in enumerate(zip(subsystems, versions, strict=True)):
        weights = [occurring[name][version] if by == FREQUENCY else 1 for version in known]
        codes[row] = pick(weights, Draws(seed, "environments", name).units(clusters))
    return Environments(subsystems, versions, codes, tuple(f"cluster-{number:06}" for number in range(clusters)))
