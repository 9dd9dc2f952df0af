"""A cluster out of nodes, and the folder of graphs that it is kept in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

from pytest_compat.declare.jgf import (
    CONTAINMENT_FILE,
    SUBSYSTEM_SUFFIX,
    load_json,
    read_cluster,
    write_containment,
    write_subsystem,
)
from pytest_compat.declare.reading import read_text
from pytest_compat.errors import DeclarationError, GraphError
from pytest_compat.hosts.extraction.node import Facts, Node, read_node
from pytest_compat.model import Cluster, Graph, Vertex

Attributes = tuple[tuple[str, str], ...]


def read_nodes(paths: Iterable[Path], *, same_host: bool = False) -> tuple[Node, ...]:
    """Read node files, in the order of host names.

    Args:
        paths: The files.
        same_host: Take several of one host name as several nodes.

    Raises:
        DeclarationError: A file is none, or two are of one host.
    """
    nodes: list[Node] = []
    by_host: dict[str, Path] = {}
    for path in paths:
        node = read_node(path)
        if node.host in by_host and not same_host:
            raise DeclarationError(
                f"found the host {node.host!r} a second time (the first: {by_host[node.host]}), expected one file per "
                f"node; leave one of them out, or give --same-host if these are two nodes",
                source=str(path),
            )
        by_host[node.host] = path
        nodes.append(node)
    return tuple(sorted(nodes, key=lambda node: node.host))


def assemble(name: str, nodes: Iterable[Node], *, one_vertex: bool = False) -> Cluster:
    """Return the cluster of some nodes.

    Nodes that have the same share a vertex for it: a subsystem of a thousand equal nodes is as small as that of one.

    Args:
        name: What it is called, in its graph and wherever it is registered.
        nodes: Its nodes.
        one_vertex: Give a node one vertex per subsystem, with the first value of each field: for schedulers that look
            at one of several only, as the Go rainbow does.
    """
    vertices = {"0": Vertex("cluster")}
    contains: list[tuple[str, str]] = []
    attributes: dict[str, dict[Attributes, list[str]]] = {}
    for node in nodes:
        id = _add("0", Vertex("node"), vertices, contains)
        for cores in node.sockets:
            socket = _add(id, Vertex("socket"), vertices, contains)
            for _ in range(cores):
                _add(socket, Vertex("core"), vertices, contains)
        for _ in range(node.gpus):
            _add(id, Vertex("gpu"), vertices, contains)
        if node.memory is not None:
            _add(id, Vertex("memory", node.memory), vertices, contains)
        for subsystem, parts in node.subsystems.items():
            there = attributes.setdefault(subsystem, {})
            seen = [_first_values(parts)] if one_vertex else [_first_values([part]) for part in parts]
            for fields in dict.fromkeys(seen):
                there.setdefault(fields, []).append(id)
    subsystems = {name: _subsystem(name, parts) for name, parts in attributes.items() if parts}
    return Cluster(name, Graph(vertices, tuple(contains)), subsystems)


def _add(container: str, vertex: Vertex, vertices: dict[str, Vertex], contains: list[tuple[str, str]]) -> str:
    id = str(len(vertices))
    vertices[id] = vertex
    contains.append((container, id))
    return id


def _first_values(parts: Iterable[Facts]) -> Attributes:
    found: dict[str, str] = {}
    for fact in chain.from_iterable(parts):
        found.setdefault(fact.field, fact.value)
    return tuple(sorted(found.items()))


def _subsystem(name: str, parts: dict[Attributes, list[str]]) -> Graph:
    vertices = {f"{name}0": Vertex(name)}
    contains: list[tuple[str, str]] = []
    for number, (attributes, nodes) in enumerate(parts.items(), start=1):
        vertices[f"{name}{number}"] = Vertex(name, 1, attributes)
        contains += [(node, f"{name}{number}") for node in nodes]
    return Graph(vertices, tuple(contains))


def render_folder(cluster: Cluster, folder: Path) -> Iterator[tuple[Path, str]]:
    """Yield the files of a cluster's folder, and their texts.

    Raises:
        GraphError: The folder has a subsystem that the cluster does not have, which would hang on other vertices now.
    """
    for path in sorted(folder.glob(f"*{SUBSYSTEM_SUFFIX}")):
        if path.name.removesuffix(SUBSYSTEM_SUFFIX) not in cluster.subsystems:
            raise GraphError(
                "found a subsystem that was not extracted now, and belongs to other nodes; remove it, or write to "
                "another folder",
                source=str(path),
            )
    yield folder / CONTAINMENT_FILE, write_containment(cluster)
    for name in cluster.subsystems:
        yield folder / f"{name}{SUBSYSTEM_SUFFIX}", write_subsystem(cluster, name)


def read_folder(folder: Path) -> Cluster:
    """Read a cluster under the name that its own graph has, which is the one to register it by.

    Raises:
        GraphError: The folder is no cluster's, or its graph does not name one.
    """
    cluster = read_cluster(folder, folder.name)
    path = folder / CONTAINMENT_FILE
    named = {
        node["metadata"].get("basename")
        for node in _nodes(load_json(read_text(path, GraphError)))
        if node["metadata"]["type"] == "cluster"
    }
    if len(named) != 1 or not isinstance(name := named.pop(), str) or not name:
        raise GraphError("found no name, expected one vertex of type cluster with a basename", source=str(path))
    return Cluster(name, cluster.containment, cluster.subsystems)


def _nodes(document: object) -> Iterator[dict[str, dict[str, object]]]:
    """Yield the nodes of a document that was read as a graph already."""
    assert isinstance(document, dict)
    nodes = document["graph"]["nodes"]
    yield from nodes.values() if isinstance(nodes, dict) else nodes
