"""Clusters out of nodes: what the matcher answers of them, and the folder they are kept in."""

from __future__ import annotations

import json
from pathlib import Path

import archspec.cpu
import pytest
from extract_hosts import FauxHost

from pytest_compat.errors import GraphError
from pytest_compat.hosts.extraction.assemble import assemble, read_folder, render_folder
from pytest_compat.hosts.extraction.node import Fact, Node
from pytest_compat.hosts.extraction.probes import extract
from pytest_compat.matching import Index
from pytest_compat.model import Cluster, Graph, Jobspec, Requirement, Resource, Vertex


def node(host: str = "a", gpus: int = 0, **subsystems: list[dict[str, str]]) -> Node:
    graphs = {
        name: tuple(tuple(Fact(field, value, "") for field, value in part.items()) for part in parts)
        for name, parts in subsystems.items()
    }
    return Node(host, (2, 2), 1024, gpus, (), graphs)


def suits(cluster: Cluster, *lines: Requirement, nodes: int = 1, within: tuple[Resource, ...] = ()) -> bool:
    job = Jobspec("job", {"group": Resource("node", nodes, True, lines, within)})
    return bool(Index([cluster]).candidates(job))


def asks(subsystem: str, **fields: str) -> list[Requirement]:
    return [Requirement(subsystem, field.replace("_", "."), match=value) for field, value in fields.items()]


def write(cluster: Cluster, folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    for path, text in render_folder(cluster, folder):
        path.write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def zen3(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    monkeypatch.setattr(archspec.cpu, "host", lambda: archspec.cpu.TARGETS["zen3"])
    return assemble("blue", [extract(FauxHost(tmp_path).host(cpus=frozenset({0})))])


@pytest.mark.parametrize(
    ("target", "suited"),
    [
        ("zen3", True),
        ("zen2", True),
        ("x86_64_v3", True),
        ("x86_64", True),
        ("amd64", True),
        ("zen4", False),
        ("x86_64_v4", False),
        ("skylake", False),
        ("neoverse_n1", False),
        ("arm64", False),
    ],
)
def test_a_zen3_suits_what_archspec_says_it_is_compatible_with(zen3: Cluster, target: str, suited: bool) -> None:
    assert suits(zen3, Requirement("io.archspec", "cpu.target", match=target)) == suited


def test_targets_vendors_and_features_may_be_asked_for_together(zen3: Cluster) -> None:
    wanted = [("cpu.target", "x86_64_v3"), ("cpu.vendor", "AuthenticAMD"), ("cpu.feature", "avx2")]
    lines = [Requirement("io.archspec", field, match=value) for field, value in wanted]
    assert suits(zen3, *lines)
    assert not suits(zen3, *lines, Requirement("io.archspec", "cpu.feature", match="avx512f"))


def test_resources_are_a_tree_below_the_cluster() -> None:
    cluster = assemble("blue", [node("a", gpus=2), node("b")])
    counts: dict[str, int] = {}
    for vertex in cluster.containment.vertices.values():
        counts[vertex.type] = counts.get(vertex.type, 0) + vertex.size
    assert counts == {"cluster": 1, "node": 2, "socket": 4, "core": 8, "gpu": 2, "memory": 2048}
    assert cluster.containment.tree.roots == ("0",)
    assert suits(cluster, nodes=2, within=(Resource("core", 4), Resource("memory", 1024)))
    assert not suits(cluster, nodes=2, within=(Resource("gpu", 1),))


def test_nodes_that_differ_are_told_apart() -> None:
    cluster = assemble("blue", [node("a", os=[{"os.vendor": "rocky"}]), node("b", os=[{"os.vendor": "ubuntu"}])])
    rocky = asks("os", os_vendor="rocky")
    assert suits(cluster, *rocky)
    assert not suits(cluster, *rocky, nodes=2)


def test_nodes_that_have_the_same_share_a_vertex() -> None:
    cluster = assemble("blue", [node(host, os=[{"os.vendor": "rocky"}]) for host in "abc"])
    assert len(cluster.subsystems["os"].vertices) == 2
    assert suits(cluster, *asks("os", os_vendor="rocky"), nodes=3)


def test_a_package_and_its_range_are_met_by_one_vertex() -> None:
    cluster = assemble("blue", [node(spack=[{"version": "0.22.1"}, {"ior": "3.3.0"}, {"ior": "4.0.0"}, {"gcc": "12"}])])
    assert suits(cluster, Requirement("spack", "ior", min="3.0", max="3.5"))
    assert suits(cluster, Requirement("spack", "version", min="0.22"))
    assert not suits(cluster, Requirement("spack", "ior", min="3.5", max="3.9"))
    assert not suits(cluster, Requirement("spack", "gcc", max="4.0"))


def test_one_vertex_has_the_first_value_of_each_field() -> None:
    parts = [{"cpu.target": "zen3", "cpu.vendor": "AMD"}, {"cpu.target": "zen2"}, {"cpu.feature": "avx"}]
    cluster = assemble("blue", [node(io=parts)], one_vertex=True)
    assert cluster.subsystems["io"].vertices == {
        "io0": Vertex("io"),
        "io1": Vertex("io", 1, (("cpu.feature", "avx"), ("cpu.target", "zen3"), ("cpu.vendor", "AMD"))),
    }


def test_a_subsystem_of_nothing_is_left_out() -> None:
    assert assemble("blue", [node(os=[])]).subsystems == {}


class TestFolder:
    def test_it_is_read_back_under_its_own_name(self, tmp_path: Path) -> None:
        cluster = assemble("blue", [node("a", 1, os=[{"os.vendor": "rocky"}], mpi=[{"mpi.version": "4.1"}])])
        read = read_folder(write(cluster, tmp_path / "anything"))
        assert (read.name, read.containment) == ("blue", cluster.containment)
        assert list(read.subsystems) == ["mpi", "os"]
        assert suits(read, *asks("os", os_vendor="rocky"), *asks("mpi", mpi_version="4.1"))

    def test_texts_are_all_that_subsystem_vertices_have(self, tmp_path: Path) -> None:
        # A field that is asked for and has a number ends the process of the Go rainbow.
        folder = write(assemble("blue", [node(os=[{"os.version": "22.04"}])]), tmp_path / "blue")
        document = json.loads((folder / "os-subsystem.json").read_text())
        assert document["graph"]["nodes"]["os1"]["metadata"]["os.version"] == "22.04"

    def test_a_subsystem_left_from_before_is_refused(self, tmp_path: Path) -> None:
        folder = write(assemble("blue", [node(mpi=[{"a": "b"}])]), tmp_path / "blue")
        with pytest.raises(GraphError, match=r"mpi-subsystem\.json: found a subsystem that was not extracted now"):
            list(render_folder(assemble("blue", [node()]), folder))

    def test_a_graph_that_names_no_cluster_is_refused(self, tmp_path: Path) -> None:
        write(Cluster("blue", Graph({"0": Vertex("node")})), tmp_path)
        with pytest.raises(GraphError, match="expected one vertex of type cluster"):
            read_folder(tmp_path)
