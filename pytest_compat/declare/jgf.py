"""Graphs as the ecosystem of rainbow writes them: JSON Graph Format, one containment graph and one per subsystem.

A vertex has an id and `metadata`: its `type`, its `size`, and on subsystem vertices any further fields, which are what
requirements ask for. Two older habits are read as well: an attribute that is spelt `field=value` in `type`, and
attributes in an object called `attributes`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from pytest_compat.declare.reading import expect, read_text
from pytest_compat.errors import GraphError, brief
from pytest_compat.model import Cluster, Graph, Vertex, bottom_up

BOOKKEEPING = frozenset({"id", "uniq_id", "rank", "paths", "attributes"})
"""Metadata that places a vertex in its file and says nothing about what it is."""

_expect = partial(expect, GraphError)

CONTAINMENT_FILE = "nodes.json"
SUBSYSTEM_SUFFIX = "-subsystem.json"


def load_json(text: str, *, number: Callable[[str], Any] = str) -> Any:
    """Parse JSON, by default so that a number with a point keeps the text it was written with (`1.10` stays `1.10`).

    Args:
        text: The JSON.
        number: What is made of the text of a number with a point or an exponent.

    Raises:
        GraphError: The text is no JSON, or says NaN or Infinity.
    """

    def reject(constant: str) -> NoReturn:
        raise GraphError(f"found {constant}, which is not JSON")

    try:
        return json.loads(text, parse_float=number, parse_constant=reject)
    except ValueError as error:
        raise GraphError(f"found no JSON: {error}") from None
    except RecursionError:
        raise GraphError("found JSON nested too deeply to be a graph") from None


def read_containment(text: str) -> Graph:
    """Read a cluster's containment graph.

    Raises:
        GraphError: It is no JGF, or no tree; the error says where and what was expected.
    """
    vertices, edges = _read(load_json(text))
    for place, container, contained in edges:
        for end, name in (("source", container), ("target", contained)):
            if name not in vertices:
                _fail(f"{place}.{end}", f"found an edge to {name!r}, expected the id of a vertex in graph.nodes")
    graph = Graph(
        {name: Vertex(vertex.type, vertex.size) for name, vertex in vertices.items()},
        tuple((container, contained) for _, container, contained in edges),
    )
    _ = graph.tree
    return graph


def read_subsystem(text: str, containment: Graph) -> Graph:
    """Read a subsystem graph that hangs on a containment graph.

    Raises:
        GraphError: It is no JGF, or an edge leads to a vertex that neither graph has.
    """
    vertices, edges = _read(load_json(text))
    if not vertices:
        _fail("graph.nodes", "found a subsystem without vertices, expected at least one")
    for place, container, contained in edges:
        if container not in vertices and container not in containment.vertices:
            _fail(
                f"{place}.source",
                f"found an edge from {container!r}, expected a vertex of this subsystem or of the cluster",
            )
        if container in vertices and container in containment.vertices:
            _fail(
                f"{place}.source",
                f"found {container!r}, a vertex of this subsystem and one of the cluster, expected ids that differ",
            )
        if contained not in vertices:
            _fail(f"{place}.target", f"found an edge to {contained!r}, expected a vertex of this subsystem")
    inside: dict[str, list[str]] = {}
    for _, container, contained in edges:
        inside.setdefault(container, []).append(contained)
    bottom_up(inside)
    return Graph(vertices, tuple((a, b) for _, a, b in edges))


def read_cluster(folder: Path, name: str) -> Cluster:
    """Read a cluster from a folder with `nodes.json` and one `SUBSYSTEM-subsystem.json` per subsystem.

    Raises:
        GraphError: A file is missing or is not what it has to be; the error names it.
    """
    nodes = folder / CONTAINMENT_FILE
    try:
        containment = read_containment(read_text(nodes, GraphError))
    except GraphError as error:
        raise error.within(str(nodes)) from None
    subsystems = {}
    for path in sorted(folder.glob(f"*{SUBSYSTEM_SUFFIX}")):
        try:
            subsystems[path.name.removesuffix(SUBSYSTEM_SUFFIX)] = read_subsystem(
                read_text(path, GraphError), containment
            )
        except GraphError as error:
            raise error.within(str(path)) from None
    return Cluster(name, containment, subsystems)


def write_containment(cluster: Cluster) -> str:
    """Return the cluster's containment graph as JGF text."""
    tree = cluster.containment.tree
    paths: dict[str, str] = {}
    parent = {child: name for name, children in tree.children.items() for child in children}
    counts: dict[str, int] = {}
    nodes = {}
    for number, (id, vertex) in enumerate(cluster.containment.vertices.items()):
        basename = cluster.name if vertex.type == "cluster" else vertex.type
        counts[vertex.type] = counts.get(vertex.type, -1) + 1
        nodes[id] = _node(id, number, basename, counts[vertex.type], vertex)
    for id in reversed(tree.order):
        above = paths[parent[id]] if id in parent else ""
        paths[id] = f"{above}/{nodes[id]['metadata']['name']}"
        nodes[id]["metadata"]["paths"] = {"containment": paths[id]}
    return _dump(nodes, cluster.containment.contains)


def write_subsystem(cluster: Cluster, subsystem: str) -> str:
    """Return one of the cluster's subsystem graphs as JGF text.

    Raises:
        KeyError: The cluster has no such subsystem.
    """
    graph = cluster.subsystems[subsystem]
    nodes = {}
    for number, (id, vertex) in enumerate(graph.vertices.items()):
        node = _node(id, number, vertex.type, number, vertex)
        node["metadata"]["paths"] = {"containment": f"/{node['metadata']['name']}"}
        # What a reader takes as the vertex' own (its size, say) can be an attribute only where it is out of the way.
        for field, text in vertex.attributes:
            inside = field == "size" or field in BOOKKEEPING or (field == "type" and "=" in text)
            (node["metadata"].setdefault("attributes", {}) if inside else node["metadata"])[field] = text
        nodes[id] = node
    return _dump(nodes, graph.contains)


def _node(id: str, number: int, basename: str, index: int, vertex: Vertex) -> dict[str, Any]:
    return {
        "label": id,
        "metadata": {
            "basename": basename,
            "exclusive": False,
            "id": index,
            "name": f"{basename}{index}",
            "size": vertex.size,
            "type": vertex.type,
            "uniq_id": number,
        },
    }


def _dump(nodes: Mapping[str, object], contains: tuple[tuple[str, str], ...]) -> str:
    edges = [
        edge
        for above, below in contains
        for edge in (
            {"source": above, "target": below, "relation": "contains"},
            {"source": below, "target": above, "relation": "in"},
        )
    ]
    return json.dumps({"graph": {"directed": True, "nodes": nodes, "edges": edges}})


def _read(document: object) -> tuple[dict[str, Vertex], list[tuple[str, str, str]]]:
    """Return the vertices and, with the place of each, the `contains` edges of a JGF document."""
    graph = _expect(document, dict, "", "an object with `graph`").get("graph")
    graph = _expect(graph, dict, "graph", "an object with `nodes` and `edges`")
    nodes = graph.get("nodes")
    vertices: dict[str, Vertex] = {}
    if isinstance(nodes, list):  # JGF version 1
        for number, node in enumerate(nodes):
            place = f"graph.nodes[{number}]"
            id = _expect(_expect(node, dict, place, "an object").get("id"), str, f"{place}.id", "a string")
            if id in vertices:
                _fail(f"{place}.id", f"found {id!r} a second time, expected unique ids")
            vertices[id] = _vertex(node, place)
    else:
        for id, node in _expect(nodes, dict, "graph.nodes", "an object of vertices by id").items():
            vertices[id] = _vertex(node, f"graph.nodes.{id}")
    edges = []
    for number, edge in enumerate(_expect(graph.get("edges", []), list, "graph.edges", "a list")):
        place = f"graph.edges[{number}]"
        _expect(edge, dict, place, "an object")
        source, target, relation = (
            _expect(edge.get(key), str, f"{place}.{key}", "a string") for key in ("source", "target", "relation")
        )
        if relation == "contains":
            edges.append((place, source, target))
        elif relation != "in":  # `in` only says again what `contains` says the other way round
            _fail(f"{place}.relation", f"found {relation!r}, expected 'contains' or 'in'")
    return vertices, edges


def _vertex(node: object, place: str) -> Vertex:
    metadata = _expect(node, dict, place, "an object with `metadata`").get("metadata")
    metadata = _expect(metadata, dict, f"{place}.metadata", "an object with `type`")
    type = _expect(metadata.get("type"), str, f"{place}.metadata.type", "a string")
    size = metadata.get("size", 1)
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        _fail(f"{place}.metadata.size", f"found {brief(size)}, expected a whole number, 0 or more")
    attributes: dict[str, str] = {}
    field, equals, value = type.partition("=")
    if equals:
        attributes[field] = value
    for fields in (metadata, metadata.get("attributes")):
        if isinstance(fields, dict):
            attributes.update(
                (name, found if isinstance(found, str) else json.dumps(found))
                for name, found in fields.items()
                if (fields is not metadata or name not in BOOKKEEPING) and isinstance(found, str | int | bool)
            )
    return Vertex(type, size, tuple(sorted(attributes.items())))


def _fail(place: str, problem: str) -> NoReturn:
    raise GraphError(problem, path=place)
