"""What a cluster was given is run once and in order, however often its receiver is killed."""

from __future__ import annotations

import json
import os
import platform
import random
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pytest_compat.commands import main
from pytest_compat.declare.jgf import write_containment
from pytest_compat.declare.pools import build_clusters
from pytest_compat.rainbow.process import RainbowProcess

JOBS, KILLS = 12, 5

Ran = Callable[..., tuple[int, str, str]]


@pytest.fixture
def ran(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Ran]:
    """A function that runs commands where two clusters are registered with a rainbow of their own."""
    monkeypatch.chdir(tmp_path)

    def run(command: str, *words: str) -> tuple[int, str, str]:
        code = main([command, "--patience", "5", *words])
        out, err = capsys.readouterr()
        return code, out, err

    with RainbowProcess() as server:
        monkeypatch.setenv("COMPAT_SCHEDULER_SECRET", server.secret)
        for cluster in build_clusters(
            {"shape": {"node": 2, "core": 4}, "clusters": {"blue": {}, "pink": {}}}, tmp_path
        ):
            (tmp_path / cluster.name).mkdir()
            (tmp_path / cluster.name / "nodes.json").write_text(write_containment(cluster))
            words = ("--host", server.address, "--config", f"{cluster.name}.yaml", "--submit-config", "users.yaml")
            assert run("register", *words, cluster.name)[0] == 0
        yield run


def jobspec(path: Path, number: int, log: Path, *, cores: int = 1, command: str = "") -> str:
    """Write a jobspec of two tasks, the second of which is declared first and waits for the other."""
    first = {"name": "build", "resources": "all", "command": ["sh", "-c", command or f"echo {number}.build >> {log}"]}
    last = {"name": "run", "resources": "all", "depends_on": ["build"]}
    last |= {"command": ["sh", "-c", f"echo {number}.run >> {log}"]}
    group = {"type": "node", "count": 1, "with": [{"type": "core", "count": cores}]}
    path.write_text(json.dumps({"version": 1, "resources": {"all": group}, "tasks": [last, first]}))
    return path.name


def test_killed_receivers_lose_nothing_and_run_nothing_twice(ran: Ran, tmp_path: Path) -> None:
    log = tmp_path / "log"
    for number in range(JOBS):
        name = jobspec(tmp_path / "job.json", number, log)
        assert ran("submit", "--config", "users.yaml", "--jobspec", name, "--name", str(number))[0] == 0
    draws = random.Random(0)
    kills = 0
    for cluster in ("blue", "pink"):
        command = [sys.executable, "-m", "pytest_compat", "receive", "--config", f"{cluster}.yaml", "--run=local"]
        for attempt in range(50):
            process = subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL)
            if attempt >= KILLS:
                assert process.wait(120) == 0
                break
            try:
                process.wait(0.3 + draws.random())
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                kills += 1
                process.wait()
    ran_tasks = log.read_text().split()
    assert sorted(ran_tasks) == sorted(f"{number}.{task}" for number in range(JOBS) for task in ("build", "run"))
    assert all(ran_tasks.index(f"{n}.build") < ran_tasks.index(f"{n}.run") for n in range(JOBS))
    assert kills
    code, out, _ = ran("receive", "--config", "blue.yaml", "--run=local")
    assert (code, log.read_text().split()) == (0, ran_tasks)
    assert set(out.split()) <= {"job", "done", *(f"{number}:" for number in range(1, JOBS + 1))}


def test_printing_leaves_the_jobs_where_they_are(ran: Ran, tmp_path: Path) -> None:
    ran("submit", "--config", "users.yaml", "--", "echo", "it's me")
    shown = [ran("receive", "--config", f"{cluster}.yaml")[1] for cluster in ("blue", "pink", "blue", "pink")]
    assert shown[:2] == shown[2:]
    (script,) = filter(None, shown[:2])
    assert "flux submit" in script
    assert "'it'\"'\"'s me'" in script
    assert not (tmp_path / "received").exists()


def test_a_job_that_fails_is_told_and_what_waits_for_it_is_not_run(ran: Ran, tmp_path: Path) -> None:
    name = jobspec(tmp_path / "job.json", 0, tmp_path / "log", command="exit 3")
    ran("submit", "--config", "users.yaml", "--jobspec", name)
    codes = [ran("receive", "--config", f"{cluster}.yaml", "--run=local") for cluster in ("blue", "pink")]
    assert sorted(code for code, *_ in codes) == [0, 1]
    assert "job 1: failed\n" in "".join(out for _, out, _ in codes)
    assert not (tmp_path / "log").exists()


def test_a_job_that_this_machine_cannot_run_stays_at_rainbow(ran: Ran, tmp_path: Path) -> None:
    name = jobspec(tmp_path / "job.json", 0, tmp_path / "log", cores=2)
    ran("submit", "--config", "users.yaml", "--jobspec", name)
    for _ in range(2):
        told = [
            ran("receive", "--config", f"{cluster}.yaml", "--run=local", "--cores", "1") for cluster in ("blue", "pink")
        ]
        (refused,) = [out for code, out, _ in told if code == 1]
        assert refused.startswith("job 1, job, stays where it is: ")
    done = [
        ran("receive", "--config", f"{cluster}.yaml", "--run=local", "--cores", "2") for cluster in ("blue", "pink")
    ]
    assert {code for code, *_ in done} == {0}
    assert (tmp_path / "log").read_text().split() == ["0.build", "0.run"]


def test_without_flux_nothing_is_taken(ran: Ran, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran("submit", "--config", "users.yaml", "--", "true")
    monkeypatch.setenv("PATH", str(tmp_path))
    told = [ran("receive", "--config", f"{cluster}.yaml", "--run=flux") for cluster in ("blue", "pink")]
    assert {code for code, *_ in told} == {1}
    assert all("no Flux instance answers" in err for *_, err in told)
    assert any(ran("receive", "--config", f"{cluster}.yaml")[1] for cluster in ("blue", "pink"))


@pytest.mark.parametrize(
    ("tasks", "problem"),
    [
        ([{"name": "a", "resources": "all", "command": ["true"], "depends_on": ["a"]}], "a"),
        ([{"name": "a", "resources": "all", "command": []}], "command"),
        ([{"name": "a", "command": ["true"]}], "resources"),
    ],
)
def test_what_could_never_be_run_is_not_submitted(
    ran: Ran, tmp_path: Path, tasks: list[dict[str, object]], problem: str
) -> None:
    document = {"version": 1, "resources": {"all": {"type": "node", "count": 1}}, "tasks": tasks}
    (tmp_path / "job.json").write_text(json.dumps(document))
    code, out, err = ran("submit", "--config", "users.yaml", "--jobspec", "job.json")
    assert (code, out) == (1, "")
    assert problem in err


def test_the_page_about_it_runs_from_extract_to_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = (Path(__file__).parents[2] / "docs" / "run-jobs.md").read_text(encoding="utf-8")
    (job,) = (block for block in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL) if block.startswith("# job.yaml"))
    (script,) = (block for block in re.findall(r"```sh\n(.*?)```", page, re.DOTALL) if "register" in block)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "job.yaml").write_text(job)
    told = []
    with RainbowProcess() as server:
        monkeypatch.setenv("COMPAT_SCHEDULER_SECRET", server.secret)
        for line in script.splitlines()[1:]:
            text = line.replace("localhost:50051", server.address).replace("=x86_64", f"={platform.machine()}")
            words = shlex.split(text)
            assert words[:3] == ["python", "-m", "pytest_compat"]
            assert main(words[3:]) == 0, capsys.readouterr()
            told.append(capsys.readouterr().out)
    assert told[3].endswith("selected: blue\n")
    assert told[5].splitlines()[-2:] == ["job 1: done", "job 2: done"]
    outputs = {
        path.parent.name: path.read_text() for path in tmp_path.glob("received/blue/*/000002/tasks/*/output.txt")
    }
    assert sorted(outputs.values()) == ["", "built\n", "it's done\n"]


def test_jobs_of_a_rainbow_that_was_begun_anew_are_others_though_they_look_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (cluster,) = build_clusters({"shape": {"node": 1, "core": 1}, "clusters": {"blue": {}}}, tmp_path)
    (tmp_path / "blue").mkdir()
    (tmp_path / "blue" / "nodes.json").write_text(write_containment(cluster))
    for _ in range(2):
        with RainbowProcess() as server:
            monkeypatch.setenv("COMPAT_SCHEDULER_SECRET", server.secret)
            assert main(["register", "blue", "--host", server.address]) == 0
            assert main(["submit", "--", "sh", "-c", f"echo {{}} $COMPAT_SCHEDULER_SECRET >> {tmp_path / 'log'}"]) == 0
            assert main(["receive", "--run=local"]) == 0
            assert "job 1: done" in capsys.readouterr().out
    assert (tmp_path / "log").read_text().splitlines() == ["{}", "{}"]
    assert not [
        path for path in (tmp_path / "received").rglob("*") if path.parent.name == "blue" and path.stat().st_mode & 0o77
    ]


def test_one_job_that_cannot_be_run_holds_up_no_other(ran: Ran, tmp_path: Path) -> None:
    ran("submit", "--config", "users.yaml", "--jobspec", jobspec(tmp_path / "job.json", 0, tmp_path / "log", cores=2))
    for number in (1, 2):
        name = jobspec(tmp_path / "job.json", number, tmp_path / "log")
        ran("submit", "--config", "users.yaml", "--jobspec", name)
    words = ("--run=local", "--cores", "1", "--max", "1")
    for _ in range(3):
        for cluster in ("blue", "pink"):
            ran("receive", "--config", f"{cluster}.yaml", *words)
    assert sorted((tmp_path / "log").read_text().split()) == ["1.build", "1.run", "2.build", "2.run"]


def test_receipts_lead_to_their_folders_from_anywhere(
    ran: Ran, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran("submit", "--config", "users.yaml", "--", "true")
    for cluster in ("blue", "pink"):
        ran("receive", "--config", f"{cluster}.yaml", "--run=local")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    for cluster in ("blue", "pink"):
        words = ("--config", f"../{cluster}.yaml", "--run=local", "--output", f"../received/{cluster}")
        assert ran("receive", *words)[0] == 0
