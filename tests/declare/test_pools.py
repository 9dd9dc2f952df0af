"""Pools of clusters, listed, as axes to combine, or as variants of which there are times."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from time_tables import write_table

from pytest_compat.declare.jgf import write_containment
from pytest_compat.declare.pools import build_clusters
from pytest_compat.declare.reading import check
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


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    """A folder with tables of two machines, the second of them modelled."""
    variants = {"serial": {"ranks": "1"}, "mpi": {"ranks": "2", "mpi": "openmpi"}}
    times = {"melt": {"serial": [2.0], "mpi": [1.0]}}
    write_table(tmp_path / "here", times, machine="here", variants=variants)
    write_table(tmp_path / "guess", times, machine="guess", kind="modelled", variants=variants)
    return tmp_path


HERE_TABLE, GUESS = "here/times.csv", "guess/times.csv"


def test_every_variant_of_a_table_is_a_cluster(tables: Path) -> None:
    arch: dict[str, Any] = {"cpu": {"target": "x86"}}
    found = build_clusters(
        {
            "tables": {HERE_TABLE: arch, GUESS: {"cpu": {"target": "arm"}}},
            "attributes": {"parallel": ["ranks"], "mpi": ["mpi"]},
        },
        tables,
    )
    assert [cluster.name for cluster in found] == ["here-serial", "here-mpi", "guess-serial", "guess-mpi"]
    assert [cluster.values("target") for cluster in found] == [{"x86"}, {"x86"}, {"arm"}, {"arm"}]
    assert [list(cluster.subsystems) for cluster in found[:2]] == [["cpu", "parallel"], ["cpu", "parallel", "mpi"]]
    assert found[1].values("ranks") == {"2"}


def test_what_is_not_recorded_of_a_variant_is_what_it_is_by_default(tables: Path) -> None:
    pool = {"tables": {HERE_TABLE: {}}, "attributes": {"mpi": ["mpi"]}, "defaults": {"mpi": "none"}}
    assert [cluster.values("mpi") for cluster in build_clusters(pool, tables)] == [{"none"}, {"openmpi"}]


@pytest.mark.parametrize(
    ("change", "path", "problem"),
    [
        ({"attributes": {"mpi": ["mpy"]}}, "attributes.mpi", "unknown attribute 'mpy', did you mean 'mpi'?"),
        ({"attributes": {"mpi": ["mpi"], "all": ["mpi"]}}, "attributes.all", "found 'mpi' in mpi as well"),
        ({"defaults": {"ranks": "1"}}, "defaults", "unknown attribute 'ranks' (known: mpi)"),
        ({"tables": {HERE_TABLE: {}, "./here/times.csv": {}}}, "tables", "found two clusters called 'here-serial'"),
        ({"tables": {"nowhere.csv": {}}}, "", "found no such file; a table is a CSV and a JSON file"),
        ({"shape": {"core": 2}}, "shape", "expected a 'node'"),
    ],
)
def test_a_pool_of_tables_that_is_none_is_refused(
    tables: Path, change: dict[str, Any], path: str, problem: str
) -> None:
    with pytest.raises(DeclarationError) as caught:
        build_clusters({"tables": {HERE_TABLE: {}}, "attributes": {"mpi": ["mpi"]}, **change}, tables)
    assert caught.value.path == path
    assert problem in caught.value.problem


@pytest.mark.parametrize(
    ("pool", "path", "problem"),
    [
        ({"tables": {"t.csv": {}}}, "", "expected one of: axes, listed, tables"),
        ({"tables": {"t.csv": {}}, "attributes": {"s": ["a"]}, "clusters": {"a": {}}}, "", "expected one of: "),
        ({"clusters": {"a": {}}, "defaults": {"a": "b"}}, "", "found no 'tables'"),
        ({"tables": {}, "attributes": {}}, "tables", "expected 1 or more entries"),
        ({"tables": {"t.csv": {"s": {"a": 1}}}, "attributes": {}}, "tables.t.csv.s.a", "quote it"),
        ({"tables": {"t.csv": {}}, "attributes": {"s": ["a", "a"]}}, "attributes.s", "expected each once"),
    ],
)
def test_a_pool_is_of_one_form(pool: dict[str, Any], path: str, problem: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        check(pool, "clusters")
    assert caught.value.path == path
    assert problem in caught.value.problem
