"""Cluster pools: clusters as people declare them, listed, as axes to combine, or as the variants of tables of times."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from math import prod
from pathlib import Path
from typing import Any

from pytest_compat.declare.jgf import read_cluster
from pytest_compat.declare.times import read_table
from pytest_compat.errors import DeclarationError, known
from pytest_compat.model import Cluster, Graph, Vertex

HOST = "node"
"""The vertex type that subsystems of declared clusters hang on, and that jobs of job sets require them of."""

DEFAULT_SHAPE = {HOST: 1}
MAX_CLUSTERS = 100_000
MAX_VERTICES = 1_000_000
MAX_POOL = 10_000_000
"""Bounds on clusters in a pool, on containment vertices per cluster, and on those of all clusters together."""


def build_clusters(pool: Mapping[str, Any], folder: Path) -> tuple[Cluster, ...]:
    """Return the clusters of a pool, in the order declared.

    Args:
        pool: A document that fits the schema `clusters`.
        folder: What the paths in it are relative to.

    Raises:
        DeclarationError: Two clusters have one name, a shape has no nodes, there would be too many of anything, or a
            table of times is none.
    """
    shape = pool.get("shape", DEFAULT_SHAPE)
    if "subsystems" in pool:
        return _combine(pool, _containment(shape, "shape"))
    if "tables" in pool:
        return tuple(_variants(pool, _containment(shape, "shape"), folder))
    shared: dict[tuple[tuple[str, int], ...], Graph] = {}
    clusters = []
    total = 0
    for name, declared in pool["clusters"].items():
        if "jgf" in declared:
            clusters.append(read_cluster(folder / declared["jgf"], name))
        else:
            own = declared.get("shape", shape)
            key = tuple(own.items())
            if key not in shared:
                shared[key] = _containment(own, f"clusters.{name}.shape" if "shape" in declared else "shape")
            clusters.append(build_cluster(name, shared[key], declared.get("subsystems", {})))
        total += len(clusters[-1].containment.vertices)
        _check_total(total, "clusters")
    return tuple(clusters)


def _check_total(vertices: int, path: str) -> None:
    if vertices > MAX_POOL:
        raise DeclarationError(f"found {vertices} vertices in all clusters, expected {MAX_POOL} at most", path=path)


def build_cluster(name: str, containment: Graph, subsystems: Mapping[str, Mapping[str, str]]) -> Cluster:
    """Return a cluster all of whose nodes have the same attributes, given by subsystem."""
    hosts = [id for id, vertex in containment.vertices.items() if vertex.type == HOST]
    graphs = {}
    for subsystem, attributes in subsystems.items():
        root, vertex = f"{subsystem}0", f"{subsystem}1"
        graphs[subsystem] = Graph(
            {root: Vertex(subsystem), vertex: Vertex(subsystem, 1, tuple(sorted(attributes.items())))},
            tuple((host, vertex) for host in hosts),
        )
    return Cluster(name, containment, graphs)


def _combine(pool: Mapping[str, Any], containment: Graph) -> tuple[Cluster, ...]:
    axes = [
        (subsystem, field, values)
        for subsystem, fields in pool["subsystems"].items()
        for field, values in fields.items()
    ]
    if (count := prod(len(values) for _, _, values in axes)) > MAX_CLUSTERS:
        raise DeclarationError(
            f"found axes of {count} combinations, expected {MAX_CLUSTERS} at most", path="subsystems"
        )
    _check_total(count * len(containment.vertices), "subsystems")
    labels = pool.get("labels", {})
    clusters: dict[str, Cluster] = {}
    for combination in product(*(values for _, _, values in axes)):
        subsystems: dict[str, dict[str, str]] = {}
        words = []
        for (subsystem, field, _), value in zip(axes, combination, strict=True):
            subsystems.setdefault(subsystem, {})[field] = value
            words.append(labels.get(field, {}).get(value, value))
        name = "-".join(word for word in words if word)
        if not name:
            raise DeclarationError("found a cluster without a name, expected labels that leave one", path="labels")
        if name in clusters:
            raise DeclarationError(f"found two clusters called {name!r}, expected labels that differ", path="labels")
        clusters[name] = build_cluster(name, containment, subsystems)
    return tuple(clusters.values())


def _variants(pool: Mapping[str, Any], containment: Graph, folder: Path) -> Iterator[Cluster]:
    """Yield every variant of some tables, with what is recorded of it where the pool says that it belongs."""
    recorded, defaults = pool["attributes"], pool.get("defaults", {})
    tables = [(read_table(folder / path), common) for path, common in pool["tables"].items()]
    there = dict.fromkeys(name for table, _ in tables for attributes in table.variants.values() for name in attributes)
    placed: dict[str, str] = {}
    for subsystem, names in recorded.items():
        for name in names:
            if name not in there:
                raise DeclarationError(known("attribute", name, there), path=f"attributes.{subsystem}")
            if placed.setdefault(name, subsystem) != subsystem:
                raise DeclarationError(f"found {name!r} in {placed[name]} as well", path=f"attributes.{subsystem}")
    for name in defaults:
        if name not in placed:
            raise DeclarationError(known("attribute", name, placed), path="defaults")
    seen: set[str] = set()
    for table, common in tables:
        for variant, attributes in table.variants.items():
            name = table.cluster(variant)
            if name in seen:
                raise DeclarationError(
                    f"found two clusters called {name!r}, expected each machine in one table", path="tables"
                )
            seen.add(name)
            _check_total(len(seen) * len(containment.vertices), "tables")
            subsystems = {subsystem: dict(fixed) for subsystem, fixed in common.items()}
            for field, subsystem in placed.items():
                if (value := attributes.get(field, defaults.get(field))) is not None:
                    subsystems.setdefault(subsystem, {})[field] = value
            yield build_cluster(name, containment, subsystems)


def _containment(shape: Mapping[str, int], path: str) -> Graph:
    if HOST not in shape:
        raise DeclarationError(f"found {', '.join(shape)}, expected a {HOST!r} for subsystems to hang on", path=path)
    total, width = 1, 1
    for count in shape.values():
        width *= count
        total += width
    if total > MAX_VERTICES:
        raise DeclarationError(f"found {total} vertices per cluster, expected {MAX_VERTICES} at most", path=path)
    vertices = {"0": Vertex("cluster")}
    contains = []
    for container, contained, type in _grow("0", list(shape.items()), iter(range(1, total))):
        vertices[contained] = Vertex(type)
        contains.append((container, contained))
    return Graph(vertices, tuple(contains))


def _grow(container: str, shape: list[tuple[str, int]], ids: Iterator[int]) -> Iterator[tuple[str, str, str]]:
    if not shape:
        return
    (type, count), *below = shape
    for _ in range(count):
        contained = str(next(ids))
        yield container, contained, type
        yield from _grow(contained, below, ids)
