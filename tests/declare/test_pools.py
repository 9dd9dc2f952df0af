"""Pools of clusters, listed or as axes to combine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pytest_compat.declare.jgf import write_containment
from pytest_compat.declare.pools import build_clusters
from pytest_compat.errors import DeclarationError
from pytest_compat.model import Cluster, Graph, Vertex

OS = {"os": {"os.full": ["rocky8", "rocky9"]}}
HERE = Path()


def build(**pool: Any) -> tuple[Cluster, ...]:
    return build_clusters(pool, HERE)


def test_every_combination_of_the_axes_is_a_cluster() -> None:
    found = build(subsystems={**OS, "gpu": {"available": ["yes", "no"]}})
    assert [cluster.name for cluster in found] == ["rocky8-yes", "rocky8-no", "rocky9-yes", "rocky9-no"]
    assert found[1].values("available") == {"no"}


def test_labels_stand_for_values_in_names() -> None:
    found = build(subsystems={**OS, "gpu": {"gpu": ["yes", "no"]}}, labels={"gpu": {"yes": "gpu", "no": ""}})
    assert [cluster.name for cluster in found] == ["rocky8-gpu", "rocky8", "rocky9-gpu", "rocky9"]


def test_a_shape_counts_per_container() -> None:
    (cluster,) = build(shape={"rack": 2, "node": 3, "core": 4}, clusters={"red": {}})
    types = [vertex.type for vertex in cluster.containment.vertices.values()]
    assert [types.count(type) for type in ("cluster", "rack", "node", "core")] == [1, 2, 6, 24]
    assert len(cluster.containment.tree.roots) == 1


def test_attributes_hang_on_every_node() -> None:
    (cluster,) = build(shape={"node": 2, "core": 1}, clusters={"red": {"subsystems": {"os": {"os.full": "rocky8"}}}})
    nodes = {id for id, vertex in cluster.containment.vertices.items() if vertex.type == "node"}
    assert {container for container, _ in cluster.subsystems["os"].contains} == nodes


def test_a_listed_cluster_may_have_a_shape_of_its_own() -> None:
    red, blue = build(shape={"node": 2}, clusters={"red": {}, "blue": {"shape": {"node": 5}}})
    assert (len(red.containment.vertices), len(blue.containment.vertices)) == (3, 6)


def test_a_cluster_may_be_read_from_a_folder(tmp_path: Path) -> None:
    (tmp_path / "red").mkdir()
    graph = Graph({"0": Vertex("node")})
    (tmp_path / "red" / "nodes.json").write_text(write_containment(Cluster("red", graph)))
    assert build_clusters({"clusters": {"red": {"jgf": "red"}}}, tmp_path) == (Cluster("red", graph),)


@pytest.mark.parametrize(
    ("pool", "path", "problem"),
    [
        ({"shape": {"rack": 1}, "subsystems": OS}, "shape", "found rack, expected a 'node'"),
        ({"clusters": {"red": {"shape": {"core": 1}}}}, "clusters.red.shape", "expected a 'node'"),
        ({"shape": {"rack": 10**6, "node": 10**6}, "clusters": {"red": {}}}, "shape", "vertices per cluster"),
        ({"shape": {"node": 900_000}, "subsystems": {"s": {"f": list("abcdefghijkl")}}}, "subsystems", "all clusters"),
        ({"subsystems": {"s": {str(n): ["a", "b"] for n in range(17)}}}, "subsystems", "131072 combinations"),
        ({"subsystems": {"s": {"a": ["x", "x-y"], "b": ["y-z", "z"]}}}, "labels", "two clusters called 'x-y-z'"),
        ({"subsystems": OS, "labels": {"os.full": {"rocky8": "", "rocky9": ""}}}, "labels", "without a name"),
        ({"clusters": {"red": {"jgf": "nowhere"}}}, "", "found no such file"),
        ({"clusters": {"red": {"jgf": "\0"}}}, "", "cannot be read"),
    ],
)
def test_what_is_no_pool_is_refused(pool: dict[str, Any], path: str, problem: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        build(**pool)
    assert caught.value.path == path
    assert problem in caught.value.problem
