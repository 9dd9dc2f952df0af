"""`python -m pytest_compat extract`, on the machine at hand."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import archspec.cpu
import pytest

from pytest_compat.commands import extract, main
from pytest_compat.errors import DeclarationError
from pytest_compat.hosts.extraction.assemble import read_folder
from pytest_compat.hosts.extraction.host import Host
from pytest_compat.hosts.extraction.node import read_node
from pytest_compat.model import Cluster, Jobspec, Requirement, Resource, Task
from pytest_compat.rainbow.process import RainbowProcess
from pytest_compat.schedulers.rainbow import RainbowScheduler


def run(*arguments: object) -> int:
    parser = argparse.ArgumentParser()
    extract.add_arguments(parser)
    return extract.run(parser.parse_args([str(each) for each in arguments]))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("extracted") / "here"
    assert run("--output", folder, "--cluster", "blue") == 0
    return folder


@pytest.fixture(scope="module")
def rainbow(folder: Path) -> Iterator[RainbowScheduler]:
    with RainbowProcess() as process:
        scheduler = RainbowScheduler(process.address, secret=process.secret, prefix="")
        scheduler.open([read_folder(folder)])
        yield scheduler
        scheduler.close()


def own(cluster: Cluster, subsystem: str) -> dict[str, str]:
    """What the first vertex of a subsystem says, which is the host's own."""
    return dict(cluster.subsystems[subsystem].vertices[f"{subsystem}1"].attributes)


def job(name: str, *lines: Requirement) -> Jobspec:
    group = Resource("node", 1, True, lines, (Resource("core", 1),))
    return Jobspec(name, {"group": group}, (Task(("hostname",), "group"),))


def other_family() -> str:
    return "x86_64" if archspec.cpu.host().family.name == "aarch64" else "neoverse_n1"


class TestThisMachine:
    def test_a_job_that_asks_for_what_it_is_goes_there(self, folder: Path, rainbow: RainbowScheduler) -> None:
        cluster = read_folder(folder)
        needs = [("io.archspec", "cpu.target"), ("os", "os.vendor"), ("os", "os.version")]
        needs += [("mpi", "mpi.implementation"), ("mpi", "mpi.version")] if "mpi" in cluster.subsystems else []
        lines = tuple(Requirement(name, field, match=own(cluster, name)[field]) for name, field in needs)
        assert own(cluster, "io.archspec")["cpu.target"] == archspec.cpu.host().name
        assert rainbow.candidates(job("own", *lines)) == ["blue"]
        assert rainbow.submit(job("own", *lines), "own-1", "own").cluster == "blue"
        assert rainbow.receive("blue") == ["own-1"]

    def test_it_suits_every_target_that_archspec_calls_compatible(self, rainbow: RainbowScheduler) -> None:
        for name in (each.name for each in archspec.cpu.host().ancestors):
            line = Requirement("io.archspec", "cpu.target", match=name)
            assert rainbow.candidates(job(name, line)) == ["blue"]

    def test_a_job_for_another_architecture_does_not(self, rainbow: RainbowScheduler) -> None:
        line = Requirement("io.archspec", "cpu.target", match=other_family())
        assert rainbow.candidates(job("other", line)) == []

    def test_explain_says_why_not(self, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        experiment = {
            "experiment": "here",
            "clusters": {"pool": "here", "clusters": {"blue": {"jgf": str(folder)}}},
            "jobs": {
                "jobset": "here",
                "resources": {"type": "node", "replicas": 1},
                "command": ["hostname"],
                "jobs": {"other": {"requires": {"io.archspec": {"cpu.target": other_family()}}}},
            },
        }
        path = tmp_path / "experiment.yaml"
        path.write_text(json.dumps(experiment), encoding="utf-8")
        assert main(["explain", "--experiment", str(path), "--job", "other", "--json"]) == 0
        (answer,) = json.loads(capsys.readouterr().out)["clusters"]
        (failing,) = answer["requirements"]
        assert (answer["cluster"], answer["candidate"], answer["near"]) == ("blue", False, True)
        assert (failing["field"], failing["match"], failing["met"]) == ("cpu.target", other_family(), False)
        assert archspec.cpu.host().name in failing["has"]


def test_every_value_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--explain") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{Host.here().name}:"
    assert lines[1].split() == ["graph", "field", "value", "from"]
    (target,) = (line for line in lines if line.endswith("  archspec") and "cpu.target" in line)
    assert target.split() == ["io.archspec", "cpu.target", archspec.cpu.host().name, "archspec"]


def test_nodes_are_combined_into_a_cluster(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = tmp_path / "node-1.json", tmp_path / "node-2.json"
    assert run("--node", first) == 0
    assert read_node(first).host == Host.here().name
    second.write_text(json.dumps({**json.loads(first.read_text()), "host": "another"}), encoding="utf-8")
    assert run("--combine", first, second, "--output", tmp_path / "pink", "--cluster", "pink") == 0
    assert capsys.readouterr().out.startswith("cluster pink, 2 nodes, subsystems io.archspec, ")
    types = [vertex.type for vertex in read_folder(tmp_path / "pink").containment.vertices.values()]
    assert types.count("node") == 2


def test_a_host_that_comes_twice_leaves_no_folder(tmp_path: Path) -> None:
    node = tmp_path / "node-1.json"
    run("--node", node)
    with pytest.raises(DeclarationError, match="--same-host if these are two nodes"):
        run("--combine", node, node, "--output", tmp_path / "pink", "--cluster", "pink")
    assert not (tmp_path / "pink").exists()


def test_what_could_not_be_seen_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    run("--node", tmp_path / "node.json")
    assert f"extract: {Host.here().name}: spack, spack: not on PATH" in capsys.readouterr().err.splitlines()


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ([], "found nothing to do, expected --output, --node or --explain"),
        (["--output", "x"], "--output: found no name for the cluster, expected --cluster NAME"),
        (["--explain", "--cluster", "x"], "--cluster: found no --output"),
        (["--explain", "--one-vertex"], "--one-vertex: found no --output"),
        (["--explain", "--same-host"], "--same-host: found no --combine"),
        (["--combine", "a", "--node", "b"], "--node: found --combine as well"),
    ],
)
def test_flags_that_do_not_belong_together_are_refused(arguments: list[str], problem: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        run(*arguments)
    assert str(caught.value).startswith(problem)


@pytest.mark.parametrize("name", ["", "a/b", "-x", "a'b", "%", "a b"])
def test_a_name_that_breaks_schedulers_is_refused(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        run("--output", "x", f"--cluster={name}")
    assert "expected a name of letters" in capsys.readouterr().err
