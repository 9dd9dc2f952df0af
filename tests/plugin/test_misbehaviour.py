"""A rainbow that misbehaves as the Go server does is measured to the end, and what it did is in the report."""

from __future__ import annotations

import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from compat_project import LEVEL_TEST, Project

from pytest_compat.rainbow.process import RainbowProcess
from pytest_compat.report.document import report_schema

ODD_RAINBOW = Path(__file__).with_name("odd_rainbow.py")
SECRET = "open-sesame"

EXPERIMENT = """
experiment: odd
clusters:
  subsystems:
    os: {os.name: [rocky, ubuntu], os.code: [green, blue]}
    hardware: {hardware.gpus: ["0", "2"]}
jobs:
  jobs:
    first: {command: [first], requires: {os: {os.name: rocky, os.code: green}}}
    second: {command: [second], requires: {os: {os.name: ubuntu}}}
    third: {command: [third], requires: {os: {os.name: rocky, os.code: blue}, hardware: {hardware.gpus: "2"}}}
order: [os, hardware]
levels: [none, os, os+hardware]
iterations: 4
"""


@pytest.fixture
def odd_project(project: Project) -> Project:
    project.write("experiment.yaml", EXPERIMENT)
    project.write("test_tiny.py", LEVEL_TEST)
    return project


@pytest.fixture
def start() -> Iterator[Callable[..., str]]:
    """Return a function that starts an odd rainbow and returns its address."""
    with ExitStack() as closing:

        def start(*odd: str) -> str:
            command = [sys.executable, str(ODD_RAINBOW), f"--secret={SECRET}", *(f"--odd={each}" for each in odd)]
            process = closing.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
            closing.callback(process.kill)
            assert process.stdout is not None
            return process.stdout.readline().strip()

        yield start


@pytest.fixture
def binary(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Return a function that makes an executable of an odd rainbow."""

    def binary(*odd: str) -> Path:
        words = [sys.executable, str(ODD_RAINBOW), *(f"--odd={each}" for each in odd)]
        path = tmp_path_factory.mktemp("bin") / "rainbow"
        path.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n')
        path.chmod(0o755)
        return path

    return binary


def measure(project: Project, address: str, *options: str | Path) -> tuple[pytest.RunResult, dict[str, Any]]:
    """Run against an address and return what pytest said, and the report by level."""
    options = ("--compat-report=report.json", f"--compat-scheduler-secret={SECRET}", *options)
    result = project.run_apart(*options, scheduler=address)
    document = project.read()
    jsonschema.validate(document, report_schema())
    return result, {run["level"]: run for run in document["runs"]}


def errors(run: dict[str, Any]) -> list[tuple[str, int, list[str]]]:
    return [(each["reason"], each["submissions"], each["jobs"]) for each in run["errors"]]


def test_a_rainbow_that_behaves_passes(odd_project: Project, start: Callable[..., str]) -> None:
    result, runs = measure(odd_project, start())
    assert result.ret == 0
    assert [run["outcomes"]["error"] for run in runs.values()] == [0, 0, 0]
    assert [run["differing"] for run in runs.values()] == [
        {"total": 0, "listed": 0, "unstable": 0, "many": 0, "few": 0}
    ] * 3


def test_a_coin_toss(odd_project: Project, start: Callable[..., str]) -> None:
    result, runs = measure(odd_project, start("toss=second"), "--compat-level=os")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    run = runs["os"]
    assert run["disagreements"] == [
        {"job": "second", "cluster": "ubuntu-green-0", "said": True, "expected": True}
        | {"asked": 5, "said_times": 3, "stable": False}
    ]
    reason = "answered differently than at first: ubuntu-green-0 is no candidate any more"
    assert errors(run) == [(reason, 2, ["second"])]
    result.stdout.fnmatch_lines(
        [
            f"os: 2 x {reason} (of second)",
            "where the scheduler disagrees with the reference (found: 1, not stable over repeats: 1)",
            "level * job *cluster * said  expected  stable  said yes",
            "os * second  ubuntu-green-0 * yes * yes * no * 3 of 5",
        ]
    )


def test_a_lost_requirement(odd_project: Project, start: Callable[..., str]) -> None:
    result, runs = measure(odd_project, start("lose"))
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert runs["none"]["outcomes"]["error"] == 0
    found = {(each["job"], each["cluster"]): each for each in runs["os"]["disagreements"]}
    assert set(found) == {
        ("first", "ubuntu-green-0"),
        ("first", "ubuntu-green-2"),
        ("third", "ubuntu-blue-0"),
        ("third", "ubuntu-blue-2"),
    }
    assert all(each["stable"] and each["said"] and not each["expected"] for each in found.values())
    assert ("assigned to ubuntu-green-0, which the reference does not call a candidate", 1, ["first"]) in errors(
        runs["os"]
    )
    result.stdout.fnmatch_lines(["os * first  ubuntu-green-0 * yes * no * yes * 5 of 5"])


def test_a_crash(odd_project: Project, start: Callable[..., str]) -> None:
    address = start("crash")
    result, runs = measure(odd_project, address)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert [run["outcomes"]["error"] for run in runs.values()] == [0, 0, 12]
    reasons = [reason for reason, _, _ in errors(runs["os+hardware"])]
    assert any(f"Satisfy at {address} for job third failed: UNAVAILABLE" in reason for reason in reasons)


def test_a_cluster_that_does_not_exist(odd_project: Project, start: Callable[..., str]) -> None:
    result, runs = measure(odd_project, start("stranger=first"))
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    reason = "SubmitJob named 'atlantis', a cluster that was not registered"
    assert errors(runs["os"]) == [(reason, 4, ["first"])]


def test_a_job_that_has_no_answer(odd_project: Project, start: Callable[..., str]) -> None:
    address, begin = start("hang=second"), time.monotonic()
    result, runs = measure(odd_project, address, "--compat-scheduler-timeout=1", "--compat-level=none,os+hardware")
    assert time.monotonic() - begin < 25
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    for run in runs.values():
        assert run["outcomes"]["error"] == 4
        assert all(jobs == ["second"] for _, _, jobs in errors(run))
        assert any("DEADLINE_EXCEEDED: no answer within 1 seconds" in reason for reason, _, _ in errors(run))


def test_a_rainbow_that_stops_answering_costs_a_deadline(odd_project: Project, start: Callable[..., str]) -> None:
    address, begin = start("hang"), time.monotonic()
    result, runs = measure(odd_project, address, "--compat-scheduler-timeout=1")
    assert time.monotonic() - begin < 25
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert [run["outcomes"]["error"] for run in runs.values()] == [12, 12, 12]
    reasons = [reason for reason, _, _ in errors(runs["none"])]
    assert any(reason.startswith("candidates of second: Satisfy") for reason in reasons)
    assert any(reason.startswith("not tried, the scheduler was lost: Satisfy") for reason in reasons)


def test_a_job_that_arrives_as_garbage(odd_project: Project, start: Callable[..., str]) -> None:
    result, runs = measure(odd_project, start("garbage=first"), "--compat-level=os")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    failed = [(reason, jobs) for reason, count, jobs in errors(runs["os"]) if count]
    assert {job for _, jobs in failed for job in jobs} == {"first"}
    assert all("rocky-green" in reason and "no JSON object with a name" in reason for reason, _ in failed)


def test_a_job_that_arrives_elsewhere(odd_project: Project, start: Callable[..., str]) -> None:
    result, runs = measure(odd_project, start("misdeliver=third"), "--compat-level=os+hardware")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    reason = "assigned to rocky-blue-2, received by rocky-green-0"
    assert errors(runs["os+hardware"]) == [(reason, 4, ["third"])]


@pytest.mark.parametrize("way", [(), ("-n2",)], ids=["serial", "xdist"])
def test_everything_at_once(odd_project: Project, start: Callable[..., str], way: tuple[str, ...]) -> None:
    address = start("toss=first", "lose", "stranger=second", "misdeliver=third", "crash")
    result, runs = measure(odd_project, address, *way)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert set(runs) == {"none", "os", "os+hardware"}
    assert runs["os+hardware"]["outcomes"]["error"] == 12


@pytest.mark.parametrize("given", ["options", "environment", "ini"])
def test_secrets_and_tokens_are_not_told(
    odd_project: Project, start: Callable[..., str], monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    secret, token = SECRET, "one-token-for-all"
    options = [f"--compat-scheduler={start('echo')}", "--compat-report=report.json", "-vv", "--showlocals", "-rA"]
    if given == "options":
        options += [f"--compat-scheduler-secret={secret}", f"--compat-scheduler-token={token}"]
    elif given == "environment":
        monkeypatch.setenv("COMPAT_SCHEDULER_SECRET", secret)
        monkeypatch.setenv("COMPAT_SCHEDULER_TOKEN", token)
    else:
        odd_project.pytester.makeini(f"[pytest]\ncompat_scheduler_secret = {secret}\ncompat_scheduler_token = {token}")
    result = odd_project.pytester.runpytest_subprocess(*options, timeout=60)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    told = result.stdout.str() + result.stderr.str() + (odd_project.path / "report.json").read_text()
    assert "no row where secret = *** and token in ***" in told
    for each in (secret, token, "token-of-", "secret-of-"):
        assert each not in told


def test_two_runs_on_one_server_do_not_meet(odd_project: Project) -> None:
    with RainbowProcess() as server:
        command = [sys.executable, "-m", "pytest", f"--compat-scheduler={server.address}", "--compat-iterations=30"]
        runs = [
            subprocess.Popen(
                [*command, f"--compat-scheduler-secret={server.secret}", f"--compat-report={name}.json"],
                cwd=odd_project.path,
                stdout=subprocess.PIPE,
                text=True,
            )
            for name in ("one", "other")
        ]
        outputs = [run.communicate(timeout=60)[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], outputs
    one, other = (odd_project.read(f"{name}.json") for name in ("one", "other"))
    assert one["records"] == other["records"]
    assert [run["differing"]["total"] for run in (*one["runs"], *other["runs"])] == [0] * 6


class TestBinary:
    def run(self, project: Project, path: Path, *options: str | Path) -> tuple[pytest.RunResult, dict[str, Any]]:
        options = (f"--compat-rainbow-binary={path}", "--compat-report=report.json", *options)
        result = project.pytester.runpytest_subprocess(*options, timeout=60)
        return result, {run["level"]: run for run in project.read()["runs"]}

    @pytest.mark.parametrize("way", [(), ("-n2",)], ids=["serial", "xdist"])
    def test_it_is_started_and_measured(
        self, odd_project: Project, binary: Callable[..., Path], way: tuple[str, ...]
    ) -> None:
        result, runs = self.run(odd_project, binary(), *way)
        assert result.ret == 0
        result.stdout.fnmatch_lines(["compat: scheduler rainbow-binary, *", "odd on rainbow-binary: *"])
        assert {run["scheduler"] for run in runs.values()} == {"rainbow-binary"}
        assert [run["submissions"] for run in runs.values()] == [12, 12, 12]

    def test_it_is_started_again_after_a_level_that_it_did_not_survive(
        self, odd_project: Project, binary: Callable[..., Path]
    ) -> None:
        result, runs = self.run(odd_project, binary("crash"), "--compat-level=none,os+hardware,os")
        assert result.ret == pytest.ExitCode.TESTS_FAILED
        errors_at = {level: run["outcomes"]["error"] for level, run in runs.items()}
        assert errors_at == {"none": 0, "os+hardware": 12, "os": 0}
        reasons = [reason for reason, _, _ in errors(runs["os+hardware"])]
        assert any("for job third failed: UNAVAILABLE" in reason for reason in reasons)
        assert any("panic: interface conversion: interface {} is float64" in reason for reason in reasons)

    def test_what_it_says_instead_of_starting_is_told(self, odd_project: Project, tmp_path: Path) -> None:
        path = tmp_path / "rainbow"
        path.write_text("#!/bin/sh\necho flag provided but not defined: -host >&2\nexit 2\n")
        path.chmod(0o755)
        result, runs = self.run(odd_project, path)
        assert result.ret == pytest.ExitCode.TESTS_FAILED
        assert runs == {}
        result.stdout.fnmatch_lines(["*did not start: *exit status 2*flag provided but not defined: -host*"])

    @pytest.mark.parametrize(
        ("options", "problem"),
        [
            (["--compat-rainbow-binary=nowhere"], "--compat-rainbow-binary: found no file *nowhere, expected *"),
            (["--compat-rainbow-binary=."], "--compat-rainbow-binary: found no file *"),
            (["--compat-rainbow-binary=plain.txt"], "--compat-rainbow-binary: *plain.txt is not executable, *"),
            (
                ["--compat-rainbow-binary=rainbow", "--compat-scheduler=localhost:50051"],
                "--compat-rainbow-binary: found also --compat-scheduler=localhost:50051, expected one of the two",
            ),
            (
                ["--compat-scheduler=rainbow-binary"],
                "--compat-scheduler: *expected its path as --compat-rainbow-binary",
            ),
        ],
    )
    def test_usage_errors(self, odd_project: Project, options: list[str], problem: str) -> None:
        odd_project.write("plain.txt", "")
        odd_project.write("rainbow", "#!/bin/sh").chmod(0o755)
        result = odd_project.pytester.runpytest_inprocess(*options)
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        result.stderr.fnmatch_lines([f"ERROR: {problem}"])

    def test_an_ini_file_can_name_it(self, odd_project: Project, binary: Callable[..., Path]) -> None:
        odd_project.pytester.makeini(f"[pytest]\ncompat_rainbow_binary = {binary()}")
        result = odd_project.pytester.runpytest_subprocess("--compat-level=none", timeout=60)
        assert result.ret == 0
        result.stdout.fnmatch_lines(["odd on rainbow-binary: *"])
