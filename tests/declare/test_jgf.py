"""Graphs are read as the ecosystem writes them, and whatever else is a GraphError that says where."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_compat.declare.jgf import (
    read_cluster,
    read_containment,
    read_subsystem,
    write_containment,
    write_subsystem,
)
from pytest_compat.declare.pools import build_cluster
from pytest_compat.errors import GraphError
from pytest_compat.matching import Index
from pytest_compat.model import Cluster, Graph, Jobspec, Requirement, Resource, Vertex
from pytest_compat.strategies import clusters, jobspecs

relaxed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def again(cluster: Cluster) -> Cluster:
    """Return the cluster as it is read from what is written of it."""
    containment = read_containment(write_containment(cluster))
    subsystems = {name: read_subsystem(write_subsystem(cluster, name), containment) for name in cluster.subsystems}
    return Cluster(cluster.name, containment, subsystems)


def graph(nodes: object, edges: object = ()) -> str:
    return json.dumps({"graph": {"nodes": nodes, "edges": edges}})


def node(type: Any = "node", **metadata: Any) -> dict[str, Any]:
    return {"metadata": {"type": type, **metadata}}


def edge(source: Any, target: Any, relation: Any = "contains") -> dict[str, Any]:
    return {"source": source, "target": target, "relation": relation}


def attributes(**metadata: Any) -> dict[str, str]:
    read = read_subsystem(graph({"a": node(**metadata)}), Graph({"0": Vertex("node")}))
    return dict(read.vertices["a"].attributes)


def near_graphs() -> st.SearchStrategy[object]:
    """Documents that are nearly graphs: each part is what it has to be, or anything at all."""
    junk = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | st.just([]) | st.just({})
    ids = st.sampled_from("abc")
    metadata = st.fixed_dictionaries({"type": st.just("node") | junk}, optional={"size": junk, "attributes": junk})
    nodes = st.dictionaries(ids, st.fixed_dictionaries({"metadata": metadata | junk}) | junk, max_size=3)
    edges = st.builds(edge, ids | junk, ids | junk, st.just("contains") | junk)
    return st.fixed_dictionaries(
        {"graph": st.fixed_dictionaries({"nodes": nodes | junk, "edges": st.lists(edges, max_size=3) | junk}) | junk}
    )


class TestRoundTrip:
    @relaxed
    @given(clusters())
    def test_the_containment_graph_is_the_same(self, cluster: Cluster) -> None:
        assert again(cluster).containment == cluster.containment

    @relaxed
    @given(clusters())
    def test_subsystems_keep_their_edges_and_attributes(self, cluster: Cluster) -> None:
        for name, found in again(cluster).subsystems.items():
            assert found.contains == cluster.subsystems[name].contains
            assert list(found.vertices) == list(cluster.subsystems[name].vertices)
            for id, vertex in cluster.subsystems[name].vertices.items():
                assert set(vertex.attributes) <= set(found.vertices[id].attributes)

    @relaxed
    @given(clusters())
    def test_what_was_read_is_written_as_it_was(self, cluster: Cluster) -> None:
        read = again(cluster)
        assert again(read) == read

    @relaxed
    @given(clusters(), jobspecs())
    def test_candidates_are_the_same(self, cluster: Cluster, job: Jobspec) -> None:
        assert Index([again(cluster)]).candidates(job) == Index([cluster]).candidates(job)

    @pytest.mark.parametrize(
        "field", ["size", "id", "uniq_id", "rank", "paths", "attributes", "type", "name", "basename", "exclusive"]
    )
    @pytest.mark.parametrize("text", ["large", "a=b", "", "7"])
    def test_an_attribute_may_be_called_like_anything_of_the_format(self, field: str, text: str) -> None:
        cluster = build_cluster("cluster", Graph({"0": Vertex("node")}), {"io": {field: text}})
        job = Jobspec("job", {"g": Resource("node", 1, True, (Requirement("io", field, match=text),))})
        assert Index([again(cluster)]).candidates(job) == ("cluster",)


class TestAttributes:
    def test_numbers_keep_the_text_they_were_written_with(self) -> None:
        text = '{"graph": {"nodes": {"a": {"metadata": {"type": "t", "version": 1.10, "big": 1e3, "n": 7}}}}}'
        found = dict(read_subsystem(text, Graph({"0": Vertex("node")})).vertices["a"].attributes)
        assert (found["version"], found["big"], found["n"]) == ("1.10", "1e3", "7")

    def test_booleans_are_their_json_text(self) -> None:
        assert attributes(available=True)["available"] == "true"

    def test_huge_integers_are_kept(self) -> None:
        assert attributes(memory=10**100)["memory"] == "1" + "0" * 100

    @pytest.mark.parametrize("value", [None, [], {}, ["x"]])
    def test_what_is_no_scalar_is_no_attribute(self, value: object) -> None:
        assert "thing" not in attributes(thing=value)

    def test_an_attribute_may_be_spelt_in_the_type(self) -> None:
        assert attributes(type="os.full=rocky=8")["os.full"] == "rocky=8"

    def test_attributes_may_stand_in_an_object(self) -> None:
        assert attributes(attributes={"os.full": "rocky8"})["os.full"] == "rocky8"

    def test_bookkeeping_is_no_attribute(self) -> None:
        assert not {"id", "uniq_id", "paths"} & attributes(id=1, uniq_id=2, paths="/x").keys()

    def test_containment_vertices_have_none(self) -> None:
        assert read_containment(graph({"a": node(os="rocky8")})).vertices["a"].attributes == ()


class TestContainment:
    def test_nodes_may_be_a_list(self) -> None:
        read = read_containment(graph([{"id": "a", **node("rack")}, {"id": "b", **node()}], [edge("a", "b")]))
        assert read == Graph({"a": Vertex("rack"), "b": Vertex("node")}, (("a", "b"),))

    def test_edges_that_say_it_the_other_way_round_are_no_edges(self) -> None:
        assert read_containment(graph({"a": node(), "b": node()}, [edge("b", "a", "in")])).contains == ()

    def test_edges_may_be_left_out(self) -> None:
        assert read_containment('{"graph": {"nodes": {"a": {"metadata": {"type": "node"}}}}}').contains == ()

    @pytest.mark.parametrize(
        ("text", "path", "problem"),
        [
            ("", "", "no JSON"),
            ("{", "", "no JSON"),
            ("[" * 100_000, "", "JSON"),
            ('{"graph": NaN}', "", "NaN"),
            ('{"graph": -Infinity}', "", "-Infinity"),
            ("9" * 5000, "", "no JSON"),
            ("[]", "", "expected an object with `graph`"),
            ("{}", "graph", "found nothing"),
            (graph(None), "graph.nodes", "found nothing"),
            (graph("x"), "graph.nodes", "'x'"),
            (graph({}), "graph.nodes", "without vertices"),
            (graph([]), "graph.nodes", "without vertices"),
            (graph({"a": 1}), "graph.nodes.a", "found 1"),
            (graph({"a": {}}), "graph.nodes.a.metadata", "found nothing"),
            (graph({"a": node(None)}), "graph.nodes.a.metadata.type", "found nothing"),
            (graph({"a": node(7)}), "graph.nodes.a.metadata.type", "found 7"),
            (graph({"a": node(size="1")}), "graph.nodes.a.metadata.size", "found '1'"),
            (graph({"a": node(size=-1)}), "graph.nodes.a.metadata.size", "found -1"),
            (graph({"a": node(size=True)}), "graph.nodes.a.metadata.size", "found True"),
            (graph({"a": node(size=1.0)}), "graph.nodes.a.metadata.size", "found '1.0'"),
            (graph([{"id": 1, **node()}]), "graph.nodes[0].id", "found 1"),
            (graph([{"id": "a", **node()}] * 2), "graph.nodes[1].id", "second time"),
            (graph({"a": node()}, {}), "graph.edges", "expected a list"),
            (graph({"a": node()}, [1]), "graph.edges[0]", "found 1"),
            (graph({"a": node()}, [{}]), "graph.edges[0].source", "found nothing"),
            (graph({"a": node()}, [edge("a", 1)]), "graph.edges[0].target", "found 1"),
            (graph({"a": node()}, [edge("a", "a", "near")]), "graph.edges[0].relation", "'near'"),
            (graph({"a": node()}, [edge("a", "b")]), "graph.edges[0].target", "edge to 'b'"),
            (graph({"a": node()}, [edge("b", "a")]), "graph.edges[0].source", "edge to 'b'"),
            (graph({"a": node()}, [edge("a", "a")]), "graph.edges", "cycle"),
            (graph({"a": node(), "b": node()}, [edge("a", "b"), edge("b", "a")]), "graph.edges", "cycle"),
            (
                graph({"a": node(), "b": node(), "c": node()}, [edge("a", "c"), edge("b", "c")]),
                "graph.edges",
                "one container",
            ),
        ],
    )
    def test_what_is_no_graph_is_refused(self, text: str, path: str, problem: str) -> None:
        with pytest.raises(GraphError) as caught:
            read_containment(text)
        assert caught.value.path == path
        assert problem in caught.value.problem

    @pytest.mark.parametrize(("levels", "fits"), [(64, True), (65, False), (5000, False)])
    def test_graphs_nest_64_levels_at_most(self, levels: int, fits: bool) -> None:
        nodes = {str(level): node() for level in range(levels)}
        text = graph(nodes, [edge(str(level), str(level + 1)) for level in range(levels - 1)])
        if fits:
            assert len(read_containment(text).tree.order) == 64
        else:
            with pytest.raises(GraphError, match="levels deep"):
                read_containment(text)

    @given(near_graphs())
    def test_nothing_else_is_ever_raised(self, document: object) -> None:
        for read in (read_containment, lambda text: read_subsystem(text, Graph({"0": Vertex("node")}))):
            with suppress(GraphError):
                read(json.dumps(document))


class TestSubsystem:
    HOSTS = Graph({"0": Vertex("node")})

    @pytest.mark.parametrize(
        ("text", "path", "problem"),
        [
            (graph({}), "graph.nodes", "without vertices"),
            (graph({"a": node()}, [edge("9", "a")]), "graph.edges[0].source", "edge from '9'"),
            (graph({"a": node()}, [edge("0", "b")]), "graph.edges[0].target", "edge to 'b'"),
            (graph({"a": node()}, [edge("a", "0")]), "graph.edges[0].target", "edge to '0'"),
            (graph({"a": node(), "b": node()}, [edge("a", "b"), edge("b", "a")]), "graph.edges", "cycle"),
            (graph({"0": node(), "a": node()}, [edge("0", "a")]), "graph.edges[0].source", "expected ids that differ"),
        ],
    )
    def test_what_does_not_hang_on_the_cluster_is_refused(self, text: str, path: str, problem: str) -> None:
        with pytest.raises(GraphError) as caught:
            read_subsystem(text, self.HOSTS)
        assert caught.value.path == path
        assert problem in caught.value.problem

    def test_a_vertex_may_lie_in_several_others(self) -> None:
        text = graph({"a": node(), "b": node(), "c": node()}, [edge("a", "c"), edge("b", "c")])
        assert read_subsystem(text, self.HOSTS).contains == (("a", "c"), ("b", "c"))

    def test_a_vertex_may_hang_on_many(self) -> None:
        hosts = Graph({"0": Vertex("node"), "1": Vertex("node")})
        read = read_subsystem(graph({"a": node()}, [edge("0", "a"), edge("1", "a")]), hosts)
        assert read.contains == (("0", "a"), ("1", "a"))


class TestFolder:
    def test_a_cluster_is_a_folder(self, tmp_path: Path) -> None:
        (tmp_path / "nodes.json").write_text(graph({"0": node()}))
        (tmp_path / "os-subsystem.json").write_text(graph({"a": node("os=rocky8")}, [edge("0", "a")]))
        assert read_cluster(tmp_path, "red").values("os") == {"rocky8"}

    def test_a_missing_file_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(GraphError, match=r"nodes\.json: found no such file"):
            read_cluster(tmp_path, "red")

    def test_the_file_with_the_error_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "nodes.json").write_text(graph({"0": node()}))
        (tmp_path / "os-subsystem.json").write_bytes(b"\xff")
        with pytest.raises(GraphError, match=r"os-subsystem\.json: cannot be read"):
            read_cluster(tmp_path, "red")


def published() -> dict[str, Any]:
    folder = os.environ.get("COMPAT_DATA")
    if not folder:
        pytest.skip("COMPAT_DATA does not name the folder of published data")
    path = Path(folder, "simulation-lammps", "jgf_cluster-papayawhip.json")
    found: dict[str, Any] = json.loads(path.read_text())
    return found


class TestPublishedCluster:
    @pytest.fixture
    def papayawhip(self) -> Cluster:
        document = published()
        containment = read_containment(json.dumps(document.pop("nodes")))
        return Cluster(
            "papayawhip",
            containment,
            {
                name.removesuffix("-subsystem"): read_subsystem(json.dumps(text), containment)
                for name, text in document.items()
            },
        )

    def test_its_attributes_are_found(self, papayawhip: Cluster) -> None:
        attributes = ("cpu.target", "os.full", "mpi.implementation", "hardware.gpu.available")
        assert [papayawhip.values(each) for each in attributes] == [{"arm64"}, {"ubuntu22.04"}, {"openmpi"}, {"no"}]

    @pytest.mark.parametrize(("os", "candidates"), [("ubuntu22.04", ("papayawhip",)), ("rocky8", ())])
    def test_it_is_a_candidate_for_what_it_has(self, papayawhip: Cluster, os: str, candidates: tuple[str, ...]) -> None:
        lines = (Requirement("os", "os.full", match=os), Requirement("io.archspec", "cpu.target", match="arm64"))
        job = Jobspec("job", {"lammps": Resource("node", 2, True, lines, (Resource("core", 2),))})
        assert Index([papayawhip, replace(papayawhip, subsystems={}, name="bare")]).candidates(job) == candidates

    def test_it_is_written_as_it_was_read(self, papayawhip: Cluster) -> None:
        assert again(papayawhip) == papayawhip
