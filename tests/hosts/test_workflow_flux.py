"""Handing jobs to Flux: what is asked of it, once, and what is made of its answers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import fake_flux
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_compat.declare.workflow import parse_workflow
from pytest_compat.hosts.flux import FluxError, available, submit, wait
from pytest_compat.hosts.fluxscript import render_script
from pytest_compat.hosts.runs import prepare
from pytest_compat.hosts.states import DONE, FAILED, SKIPPED, TaskState, read_state

TRICKY = ["$(touch pwned)", "; touch pwned", "`touch pwned`", "a\nb", "*", "'", '"', "", "\\", "END_OF_0", "é"]


class Flux:
    """The Flux of a test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def calls(self, *verbs: str) -> list[list[str]]:
        """How it was called, as far as the verb is one of some."""
        path = self.folder / "calls.jsonl"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        return [call for call in map(json.loads, lines) if call[1] in verbs]


@pytest.fixture
def flux(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Flux:
    bin, folder = tmp_path / "bin", tmp_path / "flux"
    bin.mkdir()
    folder.mkdir()
    (bin / "flux").write_text(f'#!/bin/sh\nexec "{sys.executable}" "{fake_flux.__file__}" "{folder}" "$@"\n')
    (bin / "flux").chmod(0o755)
    monkeypatch.setenv("PATH", f"{bin}{os.pathsep}{os.environ['PATH']}")
    return Flux(folder)


def task(
    name: str, *after: str, command: list[str] | None = None, resources: str = "ten", **more: Any
) -> dict[str, Any]:
    said = {"name": name, "command": command or ["true"], "resources": resources, **more}
    return {**said, **({"depends_on": list(after)} if after else {})}


def text(*tasks: object, **more: Any) -> str:
    resources = {
        "ten": {"type": "node", "count": 1, "with": [{"type": "core", "count": 10}]},
        "two": {"type": "node", "replicas": 2, "with": [{"type": "core", "count": 4}, {"type": "gpu", "count": 1}]},
        "many": {"type": "node", "count": 9},
        "whole": {"type": "node", "count": 1},
    }
    return json.dumps({"version": 1, "resources": resources, "tasks": tasks, **more})


@pytest.mark.parametrize("away", [True, False])
def test_flux_is_available_when_an_instance_answers(flux: Flux, away: bool) -> None:
    if away:
        (flux.folder / "away").touch()
    assert available() is not away
    assert flux.calls("resource") == [["flux", "resource", "list"]]


def test_flux_is_not_available_without_its_program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not available()


class TestSubmission:
    def test_cores_are_cores_and_dependencies_are_job_ids(self, flux: Flux, tmp_path: Path) -> None:
        job = prepare(tmp_path / "job", text(task("ior", "build"), task("build")))
        assert submit(job, "blue/7") == {"build": "ƒ0", "ior": "ƒ1"}
        shape = ["-N", "1", "-n", "1", "-c", "10"]
        assert flux.calls("submit") == [
            ["flux", "submit", "--job-name=build", *shape, "--setattr=user.handover=blue/7/build", "true"],
            [
                *["flux", "submit", "--job-name=ior", *shape, "--setattr=user.handover=blue/7/ior"],
                *["--dependency=afterok:ƒ0", "true"],
            ],
        ]

    @pytest.mark.parametrize(
        ("resources", "options"),
        [
            ("two", ["-N", "2", "-n", "2", "-c", "4", "-g", "1"]),
            ("whole", ["-N", "1", "-n", "1", "--exclusive"]),
        ],
    )
    def test_nodes_tasks_cores_and_gpus_are_asked_for(
        self, flux: Flux, tmp_path: Path, resources: str, options: list[str]
    ) -> None:
        submit(prepare(tmp_path / "job", text(task("a", resources=resources))), "m")
        (call,) = flux.calls("submit")
        assert call[3:-2] == options

    def test_attributes_are_options(self, flux: Flux, tmp_path: Path) -> None:
        attributes = {"duration": 90, "cwd": "/", "environment": {"A": "$HOME x"}}
        submit(prepare(tmp_path / "job", text(task("a", attributes=attributes))), "m")
        (call,) = flux.calls("submit")
        assert call[9:12] == ["--time-limit=90s", "--cwd=/", "--env=A=$$HOME x"]

    def test_a_job_is_handed_over_once(self, flux: Flux, tmp_path: Path) -> None:
        job = prepare(tmp_path / "job", text(task("a"), task("b", "a")))
        assert submit(job, "m") == submit(job, "m")
        assert len(flux.calls("submit")) == 2

    @pytest.mark.parametrize(("lines", "submitted"), [(1, 0), (2, 0), (2, 1), (3, 1), (4, 1), (4, 2)])
    def test_a_kill_between_submission_and_record_repeats_nothing(
        self, flux: Flux, tmp_path: Path, lines: int, submitted: int
    ) -> None:
        submit(prepare(tmp_path / "other", text(task("b"), task("a", "b"))), "other")
        job = prepare(tmp_path / "job", text(task("a"), task("b", "a")))
        ids = submit(job, "m")
        journal = job.path / "submitted.jsonl"  # its lines: what it is, a begun, a done, b begun, b done
        journal.write_bytes(b"".join(journal.read_bytes().splitlines(keepends=True)[:lines]))
        for number in range(submitted, 2):
            (flux.folder / f"job-{2 + number}").unlink()
        assert submit(job, "m") == ids
        assert len(flux.calls("submit")) == 4 + 2 - submitted

    def test_what_flux_refuses_is_told_and_done_later(self, flux: Flux, tmp_path: Path) -> None:
        job = prepare(tmp_path / "job", text(task("a"), task("b", "a")))
        (flux.folder / "refuse-b").touch()
        with pytest.raises(
            FluxError, match="flux submit --job-name=b: found exit status 1: flux-submit: ERROR: refused"
        ):
            submit(job, "m")
        with pytest.raises(FluxError, match="'b' was not handed over to Flux"):
            wait(job)
        (flux.folder / "refuse-b").unlink()
        assert submit(job, "m") == {"a": "ƒ0", "b": "ƒ1"}

    def test_an_answer_that_is_no_id_is_told(self, flux: Flux, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "bin" / "flux").write_text("#!/bin/sh\necho one two\n")
        with pytest.raises(FluxError, match="found 'one two' for 'a', expected the id of one job"):
            submit(prepare(tmp_path / "job", text(task("a"))), "m")

    def test_without_its_program_that_is_told(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))
        with pytest.raises(FluxError, match=r"cannot be started: .*; is Flux on PATH"):
            submit(prepare(tmp_path / "job", text(task("a"))), "m")


class TestEnds:
    def test_states_output_and_ids_are_kept(self, flux: Flux, tmp_path: Path) -> None:
        job = prepare(
            tmp_path / "job", text(task("a", command=["echo", "hi"]), task("b", command=["false"]), task("c", "b"))
        )
        submit(job, "m")
        assert not wait(job)
        dependency = "dependency: afterok: a job has failed"
        assert job.states() == [
            TaskState(("a",), DONE, 0, "", "ƒ0", 2.0, 5.5, 3.5),
            TaskState(("b",), FAILED, 1, "exit status 1", "ƒ1", 2.0, 5.5, 3.5),
            TaskState(("c",), SKIPPED, None, dependency, "ƒ2"),
        ]
        assert (job.folders[("a",)] / "output.txt").read_bytes() == b"hi\n"

    def test_a_request_that_can_never_be_met_has_failed(self, flux: Flux, tmp_path: Path) -> None:
        job = prepare(tmp_path / "job", text(task("a", resources="many")))
        submit(job, "m")
        assert not wait(job)
        (state,) = job.states()
        assert (state.state, state.reason) == (FAILED, "alloc: unsatisfiable request: not enough nodes")

    def test_what_waits_for_a_job_that_has_failed_already_is_skipped(self, flux: Flux, tmp_path: Path) -> None:
        (flux.folder / "late").touch()
        job = prepare(tmp_path / "job", text(task("a", command=["false"]), task("b", "a"), task("c", "b"), task("d")))
        assert submit(job, "m") == {"a": "ƒ0", "d": "ƒ1", "b": "", "c": ""}
        assert not wait(job)
        assert {state.path[0]: state.state for state in job.states()} == {
            "a": FAILED,
            "b": SKIPPED,
            "c": SKIPPED,
            "d": DONE,
        }

    def test_a_signal_is_a_negative_status(self, flux: Flux, tmp_path: Path) -> None:
        job = prepare(tmp_path / "job", text(task("a", command=["sh", "-c", "kill -9 $$"])))
        submit(job, "m")
        assert not wait(job)
        state = read_state(job.folders[("a",)])
        assert state is not None
        assert (state.status, state.reason) == (-9, "killed by signal 9")


class TestGroups:
    def test_a_group_is_a_batch_job_with_its_members_in_the_script(self, flux: Flux, tmp_path: Path) -> None:
        groups = [
            {
                "name": "g",
                "resources": "two",
                "tasks": [task("y", "x", command=["echo", *TRICKY]), task("x", command=["echo", "first"])],
                "groups": [{"name": "h", "resources": "whole", "depends_on": ["y"], "tasks": [task("z")]}],
            }
        ]
        job = prepare(tmp_path / "job", text(groups=groups))
        assert submit(job, "m") == {"g": "ƒ4"}
        outer, inner = flux.calls("batch")
        assert outer[2:9] == ["--job-name=g", "-N", "2", "-n", "2", "-c", "4"]
        assert inner == [
            "flux",
            "batch",
            "--job-name=h",
            "-N",
            "1",
            "-n",
            "1",
            "--exclusive",
            "--dependency=afterok:ƒ1",
        ]
        x, y, z = flux.calls("submit")
        assert x[2:] == ["--job-name=x", "-N", "1", "-n", "1", "-c", "10", "echo", "first"]
        assert y[2:] == ["--job-name=y", "-N", "1", "-n", "1", "-c", "10", "--dependency=afterok:ƒ0", "echo", *TRICKY]
        assert z[2:] == ["--job-name=z", "-N", "1", "-n", "1", "-c", "10", "true"]
        assert wait(job)
        output = (job.folders[("g",)] / "output.txt").read_text(encoding="utf-8")
        assert output == f"first\n{' '.join(TRICKY)}\n"
        assert not list(tmp_path.rglob("pwned"))

    def test_a_group_has_failed_when_one_of_its_members_has(self, flux: Flux, tmp_path: Path) -> None:
        tasks = [task("x", command=["false"]), task("y", "x"), task("z", command=["echo", "on"])]
        job = prepare(tmp_path / "job", text(groups=[{"name": "g", "resources": "two", "tasks": tasks}]))
        submit(job, "m")
        assert not wait(job)
        (state,) = job.states()
        assert (state.state, state.status) == (FAILED, 1)
        assert (job.folders[("g",)] / "output.txt").read_bytes() == b"on\n"

    def test_what_flux_refuses_in_a_group_is_a_failure_and_the_rest_goes_on(self, flux: Flux, tmp_path: Path) -> None:
        (flux.folder / "refuse-x").touch()
        tasks = [task("x"), task("y", "x"), task("z", command=["echo", "on"])]
        job = prepare(tmp_path / "job", text(groups=[{"name": "g", "resources": "two", "tasks": tasks}]))
        submit(job, "m")
        assert not wait(job)
        assert [call[2] for call in flux.calls("submit")] == ["--job-name=x", "--job-name=z"]

    def test_a_local_task_runs_in_the_script_when_it_is_due(self, flux: Flux, tmp_path: Path) -> None:
        attributes = {"environment": {"A": "a b"}, "cwd": "/", "duration": 60}
        local = task("l", "x", command=["sh", "-c", 'echo "$A $PWD"'], local=True, attributes=attributes)
        never = task("n", "f", command=["echo", "never"], local=True)
        tasks = [task("x"), local, task("y", "l", command=["echo", "after"]), task("f", command=["false"]), never]
        job = prepare(tmp_path / "job", text(groups=[{"name": "g", "resources": "two", "tasks": tasks}]))
        submit(job, "m")
        assert not wait(job)
        assert [call[2].partition("=")[2] for call in flux.calls("submit")] == ["x", "f", "y"]
        assert (job.folders[("g",)] / "output.txt").read_bytes() == b"a b /\nafter\n"


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    words=st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8), max_size=5),
    deep=st.booleans(),
)
def test_whatever_the_words_are_scripts_pass_them_on(
    flux: Flux, words: list[str], deep: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    tasks = [task("x", command=["true", *words])]
    inner = {"name": "h", "resources": "two", "tasks": tasks}
    members = {"groups": [{"name": "g", "resources": "two", "groups": [inner]}]} if deep else {"tasks": tasks}
    document = json.loads(text())
    script = render_script(parse_workflow(json.dumps({**document, **members})).members)
    before = len(flux.calls("submit"))
    folder = tmp_path_factory.mktemp("script")
    assert subprocess.run(["bash"], input=script.encode(), cwd=folder, check=False).returncode == 0
    (call,) = flux.calls("submit")[before:]
    assert call[-1 - len(words) :] == ["true", *words]
    assert list(folder.iterdir()) == []


@pytest.fixture
def cases() -> dict[str, dict[str, Any]]:
    folder = os.environ.get("COMPAT_DATA")
    if folder is None:
        pytest.skip("COMPAT_DATA does not name the folder of published data")
    read = json.loads(Path(folder, "jobspec", "transform_cases.json").read_text(encoding="utf-8"))
    return {case["case"].split("/")[-1]: case for case in read}


ONE_CORE, FOUR_CORES, TEN_CORES = (["-N", "1", "-n", "1", "-c", str(cores)] for cores in (1, 4, 10))
WHOLE_NODE = ["-N", "1", "-n", "1", "--exclusive"]


@pytest.mark.parametrize(
    ("name", "calls"),
    [
        ("jobspec.yaml", [["task-1", *FOUR_CORES], ["task-2", *FOUR_CORES, "--dependency=afterok:ƒ0"]]),
        ("group-with-group.yaml", [["group-1", *WHOLE_NODE]]),
        ("hello-world-jobspec.yaml", [["task-1", *FOUR_CORES], ["task-2", *FOUR_CORES]]),
        ("jobspec-spack.yaml", [["build", *TEN_CORES], ["ior", *TEN_CORES, "--dependency=afterok:ƒ0"]]),
        ("hwloc-amd-jobspec.yaml", [["job.sh", *ONE_CORE]]),
    ],
)
def test_the_published_jobspecs_are_the_same_jobs_with_the_rest_done_right(
    flux: Flux, cases: dict[str, dict[str, Any]], tmp_path: Path, name: str, calls: list[list[str]]
) -> None:
    (tmp_path / "bin" / "spack").write_text("#!/bin/sh\n")
    (tmp_path / "bin" / "sleep").write_text("#!/bin/sh\n")
    for program in ("spack", "sleep"):
        (tmp_path / "bin" / program).chmod(0o755)
    job = prepare(tmp_path / "job", json.dumps(cases[name]["jobspec"]))
    submit(job, "m")
    found = [call for call in flux.calls("submit", "batch") if any(word.startswith("--setattr") for word in call)]
    ours = {member.path[-1]: getattr(member, "command", ()) for member in job.workflow.members}
    for call, (called, *options) in zip(found, calls, strict=True):
        end = len(call) - (len(ours[called]) or 1)
        assert [word for word in call[2:end] if not word.startswith("--setattr")] == [f"--job-name={called}", *options]
        assert tuple(call[end:]) == ours[called] or call[1] == "batch"
    theirs = {
        call["argv"][call["argv"].index("--job-name") + 1]: call["argv"]
        for call in cases[name]["calls"]
        if "--job-name" in call["argv"]
    }
    for called, argv in theirs.items():
        assert called in {member.path[-1] for member in job.workflow.every()}
        if ours.get(called):
            assert tuple(argv[-len(ours[called]) :]) == ours[called]


def test_the_published_group_runs_all_its_tasks(flux: Flux, cases: dict[str, dict[str, Any]], tmp_path: Path) -> None:
    (tmp_path / "bin" / "sleep").write_text("#!/bin/sh\n")
    (tmp_path / "bin" / "sleep").chmod(0o755)
    job = prepare(tmp_path / "job", json.dumps(cases["group-with-group.yaml"]["jobspec"]))
    submit(job, "m")
    assert wait(job)
    output = (job.folders[("group-1",)] / "output.txt").read_text(encoding="utf-8")
    assert sorted(output.splitlines()) == [
        *(f"Finishing task 1 in group {number}" for number in (1, 2)),
        *(f"Starting task 1 in group {number}" for number in (1, 2)),
    ]
