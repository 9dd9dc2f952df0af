"""Registering, submitting and deleting at a rainbow, from the command line and with the client from PyPI."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from rainbow.client import RainbowClient as PypiClient
from rainbow.config import RainbowConfig, new_rainbow_config

from pytest_compat.commands import main
from pytest_compat.declare.jgf import write_containment, write_subsystem
from pytest_compat.declare.pools import build_clusters
from pytest_compat.errors import DeclarationError
from pytest_compat.rainbow.config import Config, read_config, write_config
from pytest_compat.rainbow.process import RainbowProcess

Ran = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def server() -> Iterator[RainbowProcess]:
    with RainbowProcess() as process:
        yield process


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Graphs of two clusters that differ in operating system and in how many nodes they have."""
    clusters = build_clusters(
        {
            "shape": {"rack": 1, "node": 2, "core": 4},  # the client from PyPI asks for a rack
            "clusters": {
                "blue": {"subsystems": {"os": {"os.name": "rocky"}, "mpi": {"version": "4.1.2"}}},
                "pink": {"shape": {"node": 1, "core": 4}, "subsystems": {"os": {"os.name": "ubuntu"}}},
            },
        },
        tmp_path,
    )
    for cluster in clusters:
        own = tmp_path / cluster.name
        own.mkdir()
        (own / "nodes.json").write_text(write_containment(cluster))
        for subsystem in cluster.subsystems:
            (own / f"{subsystem}-subsystem.json").write_text(write_subsystem(cluster, subsystem))
    return tmp_path


@pytest.fixture
def ran(
    server: RainbowProcess, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Ran]:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COMPAT_SCHEDULER_SECRET", server.secret)

    def run(*words: str, host: str = server.address) -> tuple[int, str, str]:
        command, *more = words
        try:
            code = main([command, "--host", host, "--patience", "2", *more])
        finally:
            out, err = capsys.readouterr()
        return code, out, err

    yield run
    for config in folder.glob("*.yaml"):
        run("delete", "--config", str(config))


def test_from_registering_to_deleting(ran: Ran, folder: Path, server: RainbowProcess) -> None:
    code, out, _ = ran("register", "blue", "--submit-config", "users.yaml")
    assert (code, out) == (
        0,
        f"registered blue at {server.address}, with the subsystems mpi, os: rainbow-config.yaml\n",
    )
    assert ran("register", "pink", "--config", "pink.yaml", "--submit-config", "users.yaml")[0] == 0
    config = read_config(folder / "users.yaml")
    assert (config.cluster, sorted(config.tokens), sorted(config.graphs)) == ("", ["blue", "pink"], ["blue", "pink"])
    told = ran("state", "--config", "pink.yaml", "nodes_free=2", "queue=batch")
    assert told[:2] == (0, "told the state of pink: nodes_free, queue\n")
    code, out, _ = ran("submit", "--config", "users.yaml", "--require", "os:os.name=rocky", "--", "hostname", "-f")
    assert (code, out) == (0, "1 of 2 clusters could run hostname: blue\nselected: blue\n")
    code, out, _ = ran("submit", "--config", "users.yaml", "--", "hostname")
    assert out.startswith("2 of 2 clusters could run hostname: blue, pink\nselected: ")
    (folder / "users.yaml").unlink()
    assert ran("delete", "--config", "pink.yaml")[:2] == (0, "deleted pink\n")
    assert read_config(folder / "pink.yaml").tokens == {}
    assert ran("delete", "--config", "pink.yaml")[2] == (
        "delete: pink.yaml: cluster: found no cluster with a name and a secret, expected that of this machine; "
        "`register` writes it\n"
    )


def test_a_config_is_that_of_one_cluster_whose_secret_is_not_lost(ran: Ran, folder: Path) -> None:
    assert ran("register", "blue")[0] == 0
    before = (folder / "rainbow-config.yaml").read_text()
    code, _, err = ran("register", "pink")
    assert (code, (folder / "rainbow-config.yaml").read_text()) == (1, before)
    assert "rainbow-config.yaml is the config of blue, whose secret it has; register pink with a --config of its" in err


def test_a_job_that_nobody_can_run_names_the_nearest_and_what_it_lacks(ran: Ran) -> None:
    ran("register", "blue", "--config", "blue.yaml")
    code, out, _ = ran("submit", "--config", "blue.yaml", "--require", "os:os.name=debian", "--", "true")
    assert code == 1
    assert out.splitlines() == [
        out.splitlines()[0],
        "nearest: blue: os: os.name = debian (there: rocky)",
    ]
    code, out, _ = ran(
        "submit", "--config", "blue.yaml", "--nodes", "3", "--require", "mpi:version=4..4.1", "--", "true"
    )
    assert code == 1
    assert "nearest: blue: " in out
    assert "3" in out


def test_what_was_written_here_is_read_by_the_client_from_pypi(ran: Ran, folder: Path, server: RainbowProcess) -> None:
    assert ran("register", "blue")[0] == 0
    client = PypiClient(config_file=str(folder / "rainbow-config.yaml"))
    assert client.host == server.address
    answer = client.submit_job(["hostname"], nodes=1, tasks=1)
    assert answer.cluster == "blue"
    assert [job["cluster"] for job in client.receive_jobs()] == ["blue"]


def test_what_the_client_from_pypi_wrote_is_read_here(ran: Ran, folder: Path, server: RainbowProcess) -> None:
    assert ran("register", "blue", "--config", "own.yaml")[0] == 0
    own = read_config(folder / "own.yaml")
    theirs = new_rainbow_config(server.address, "blue", server.secret)
    theirs._cfg["cluster"]["secret"] = own.cluster_secret
    theirs.add_cluster("blue", own.tokens["blue"])
    theirs.save_yaml(str(folder / "theirs.yaml"))
    code, out, _ = ran("submit", "--config", "theirs.yaml", "--", "true")
    assert (code, out.splitlines()[1:]) == (0, ["selected: blue"])
    (folder / "theirs.yaml").unlink()


def test_secrets_are_for_their_owner_alone_and_nothing_else_in_the_file_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("scheduler: {name: mine, user: {a: 1}}\ngraphdatabase: {name: memory}\nmore: [1]\n")
    path.chmod(0o644)
    write_config(read_config(path).registered("red", "s", "t", tmp_path), path)
    assert path.stat().st_mode & 0o777 == 0o600
    document = yaml.safe_load(path.read_text())
    assert (document["more"], document["scheduler"]["user"]) == ([1], {"a": 1})
    assert read_config(path).registered("red", "s", "t", tmp_path).plain() == document
    RainbowConfig(str(path))  # validates it
    assert [each.name for each in tmp_path.iterdir()] == ["config.yaml"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[]", "expected an object"),
        ("a: {", "found no YAML"),
        ("clusters: [{name: red}]", "clusters[0].token: found nothing, expected a string"),
        ("clusters: [{name: a, token: t}, {name: a, token: t}]", "clusters[1]: found the cluster 'a' again"),
        ("cluster: red", "cluster: found 'red', expected an object"),
        ("scheduler: {secret: 3}", "scheduler.secret: found 3, expected a string"),
    ],
)
def test_what_is_no_config_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(text)
    with pytest.raises(DeclarationError) as caught:
        read_config(path)
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("submit", "--", "true"), "submit: rainbow-config.yaml: found no such file; `register` writes it"),
        (("register", "nowhere"), "nodes.json: found no such file"),
        (("state", "--config", "c.yaml", "free"), "state: found 'free', expected NAME=VALUE"),
        (("subsystem", "--config", "c.yaml", "gpu", "none.json"), "none.json: found no such file"),
        (("submit", "--config", "c.yaml"), "expected a command after --, or --jobspec, and not both"),
        (("submit", "--config", "c.yaml", "--require", "os", "--", "true"), "expected SUBSYSTEM:FIELD=VALUE"),
        (("submit", "--config", "c.yaml", "--nodes", "0", "--", "true"), "found 0"),
    ],
)
def test_bad_input_is_told(ran: Ran, folder: Path, words: tuple[str, ...], problem: str) -> None:
    write_config(Config(cluster="red", cluster_secret="s"), folder / "c.yaml")
    code, _, err = ran(*words)
    (folder / "c.yaml").unlink()
    assert code == 1
    assert problem in err


def test_a_rainbow_that_is_away_is_given_up_after_a_while(ran: Ran) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        address = "{}:{}".format(*nobody.getsockname())
        code, _, err = ran("register", "blue", host=address)
    assert code == 1
    assert f"no rainbow answers at {address}: tried for 2 seconds" in err


def test_a_cluster_is_registered_once_and_a_wrong_secret_is_told(ran: Ran, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ran("register", "blue")[0] == 0
    assert "blue is registered already; delete it first" in ran("register", "blue", "--config", "again.yaml")[2]
    monkeypatch.setenv("COMPAT_SCHEDULER_SECRET", "wrong")
    assert "REGISTER_DENIED" in ran("register", "pink", "--config", "again.yaml")[2]


def test_a_cluster_whose_subsystem_is_refused_is_not_registered(ran: Ran, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise DeclarationError("found no disk")

    monkeypatch.setattr("pytest_compat.rainbow.config.write_config", refuse)
    assert "found no disk" in ran("register", "blue")[2]
    monkeypatch.undo()


def test_one_file_is_not_that_of_a_cluster_and_of_users(ran: Ran, folder: Path) -> None:
    code, _, err = ran("register", "blue", "--config", "one.yaml", "--submit-config", "one.yaml")
    assert (code, (folder / "one.yaml").exists()) == (1, False)
    assert "expected two files" in err


@pytest.mark.parametrize("patience", ["nan", "-5", "inf", "soon"])
def test_patience_is_a_number_of_seconds(patience: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["state", f"--patience={patience}", "a=1"])
    assert "expected seconds" in capsys.readouterr().err


@pytest.mark.parametrize("algorithms", ["", "{selection: [1]}", "{selection: {name: random, options: [1]}}"])
def test_a_selection_that_is_none_is_told(ran: Ran, folder: Path, algorithms: str) -> None:
    assert ran("register", "blue", "--submit-config", "users.yaml")[0] == 0
    document = yaml.safe_load((folder / "users.yaml").read_text())
    document["scheduler"]["algorithms"] = yaml.safe_load(algorithms or "null")
    (folder / "users.yaml").write_text(yaml.safe_dump(document))
    code, _, err = ran("submit", "--config", "users.yaml", "--", "true")
    (folder / "users.yaml").unlink()
    assert code == (1 if algorithms else 0)
    assert ("expected an object" in err) is bool(algorithms)
