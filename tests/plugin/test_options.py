"""Levels, schedulers, iterations, seed: what is taken, what is refused, and what says more than what."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from compat_project import Project

WAYS = {"serial": (), "xdist": ("-n2",)}


def levels(project: Project, *options: str) -> list[str]:
    return [run["level"] for run in project.report(*options, apart=False)["runs"]]


def test_one_level_of_lammps_is_48_cases(project: Project, lammps: Path) -> None:
    result = project.run(lammps, "--compat-level=io.archspec+os", "-p", "no:cacheprovider")
    result.assert_outcomes(passed=48)
    result.stdout.fnmatch_lines(["PASSED: 360 submissions at 1 level*", "*23/108*"])


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
def test_an_unknown_level_is_a_usage_error(project: Project, lammps: Path, way: tuple[str, ...]) -> None:
    result = project.run_apart(lammps, "--compat-level=oss", "-p", "no:cacheprovider", *way)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    (line,) = [line for line in result.errlines if line.startswith("ERROR: --compat-level")]
    assert "'oss'" in line
    assert "did you mean 'os'?" in line
    for known in ("none", "single", "prefix", "subsets", "all", "io.archspec", "mpi", "hardware", "io.archspec+os"):
        assert known in line
    result.stdout.no_fnmatch_line("*INTERNALERROR*")


@pytest.mark.parametrize("spec", ["os+", "os+oss", "", "os,", "NONE", "os os", "os:no.such"])
def test_levels_that_are_none(project: Project, spec: str) -> None:
    result = project.run(f"--compat-level={spec}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--compat-level: unknown level*(known: *"])


def test_a_level_in_an_ini_file_that_is_none(project: Project) -> None:
    project.pytester.makeini("[pytest]\ncompat_level = oss")
    assert project.run().ret == pytest.ExitCode.USAGE_ERROR


@pytest.mark.parametrize(
    ("specs", "expected"),
    [
        (["os"], ["os"]),
        (["mpi+os"], ["os+mpi"]),
        (["os+mpi", "mpi+os", "os+mpi+os"], ["os+mpi"]),
        (["os,none"], ["none", "os"]),
        ([" os , none "], ["none", "os"]),
        (["os", "none", "os"], ["none", "os"]),
        (["single"], ["os", "mpi"]),
        (["prefix"], ["os", "os+mpi"]),
        (["subsets"], ["none", "os", "os+mpi", "mpi"]),
        (["all"], ["none", "os", "os+mpi"]),
        (["mpi", "all"], ["none", "os", "os+mpi", "mpi"]),
        (["os:os.name"], ["os:os.name"]),
    ],
)
def test_levels(project: Project, specs: list[str], expected: list[str]) -> None:
    assert levels(project, *(f"--compat-level={spec}" for spec in specs)) == expected


def test_a_level_that_one_of_two_experiments_knows(project: Project) -> None:
    text = (project.path / "experiment.yaml").read_text().replace("mpi", "net").replace("tiny", "other")
    project.write("other/experiment.yaml", text)
    project.write("other/test_other.py", (project.path / "test_tiny.py").read_text())
    document = project.report("--compat-level=mpi,net", apart=False)
    assert [(run["experiment"], run["level"]) for run in document["runs"]] == [("other", "net"), ("tiny", "mpi")]
    document = project.report("--compat-level=mpi", apart=False)
    assert [(run["experiment"], run["level"]) for run in document["runs"]] == [("tiny", "mpi")]
    assert document["verdict"] == "passed"


def test_an_unknown_scheduler_is_a_usage_error(project: Project) -> None:
    result = project.run(scheduler="rainbo")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --compat-scheduler: *did you mean 'rainbow'?*reference*HOST:PORT"])


@pytest.mark.parametrize("address", ["localhost:0", "localhost:65536", "localhost:99999"])
def test_a_port_that_is_none_is_a_usage_error(project: Project, address: str) -> None:
    result = project.run(scheduler=address)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*expected 1 to 65535*"])


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
def test_nobody_at_an_address_is_a_usage_error_within_seconds(project: Project, way: tuple[str, ...]) -> None:
    started = time.monotonic()
    result = project.run_apart(*way, "--compat-report=report.json", scheduler="localhost:1")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert time.monotonic() - started < 20
    result.stderr.fnmatch_lines(["*--compat-scheduler: no rainbow answers at localhost:1: tried *"])
    assert not (project.path / "report.json").exists()


def test_the_reference_starts_no_process(project: Project) -> None:
    project.pytester.makeconftest("""
        import subprocess, sys

        def refuse(*args, **kwargs):
            raise AssertionError("started a process")

        def pytest_collection_finish():
            subprocess.Popen.__init__ = refuse

        def pytest_unconfigure():
            assert "grpc" not in sys.modules
    """)
    result = project.run_apart()
    result.assert_outcomes(passed=12)
    assert result.ret == 0


def test_the_default_is_an_embedded_rainbow(project: Project) -> None:
    result = project.pytester.runpytest_subprocess()
    result.assert_outcomes(passed=12)
    result.stdout.fnmatch_lines(["tiny on rainbow: 4 clusters, 3 jobs x 5, seed 0, version ????????????"])


def test_a_rainbow_at_an_address(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    from pytest_compat.rainbow.process import RainbowProcess

    with RainbowProcess() as process:
        monkeypatch.setenv("COMPAT_SCHEDULER_SECRET", process.secret)
        document = project.report(scheduler=process.address)
        again = project.report("-n2", scheduler=process.address)
    assert document["verdict"] == "passed"
    assert {run["scheduler"] for run in document["runs"]} == {process.address}
    assert [run["exact"]["fraction"] for run in again["runs"]] == ["3/8", "3/4", "1"]
    assert again["verdict"] == "passed"


def test_the_secret_of_a_rainbow_is_shown_nowhere(project: Project) -> None:
    from pytest_compat.rainbow.process import RainbowProcess

    with RainbowProcess() as process:
        result = project.run("--compat-scheduler-secret=wrong-horse", scheduler=process.address)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.no_fnmatch_line("*wrong-horse*")


def test_the_first_lines_tell_what_is_measured(project: Project) -> None:
    result = project.run("--compat-seed=7", "--compat-level=os,none")
    result.stdout.fnmatch_lines(["compat: scheduler reference, levels os,none, seed 7"])


def test_no_iterations_give_exact_figures_only(project: Project) -> None:
    document = project.report("--compat-iterations=0", apart=False)
    assert document["verdict"] == "passed"
    assert document["records"] == []
    assert [(run["submissions"], run["accuracy"], run["interval"]) for run in document["runs"]] == [(0, None, None)] * 3
    assert [run["exact"]["fraction"] for run in document["runs"]] == ["3/8", "3/4", "1"]


@pytest.mark.parametrize("number", ["-1", "1.5", "nan", "many", "1e3"])
def test_iterations_that_are_no_number(project: Project, number: str) -> None:
    result = project.run(f"--compat-iterations={number}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: --compat-iterations: found '{number}', expected a whole number, 0 or more"])


@pytest.mark.parametrize("number", ["1.5", "nan", "lucky"])
def test_seeds_that_are_no_number(project: Project, number: str) -> None:
    result = project.run(f"--compat-seed={number}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: --compat-seed: found '{number}', expected a whole number"])


@pytest.mark.parametrize("seed", [-1, 2**80])
def test_any_whole_number_is_a_seed(project: Project, seed: int) -> None:
    assert project.report(f"--compat-seed={seed}", "-n2")["seed"] == seed


@pytest.mark.parametrize(
    ("line", "option", "ini_says", "option_says"),
    [
        (
            "compat_seed = 5",
            "--compat-seed=6",
            lambda document: document["seed"] == 5,
            lambda document: document["seed"] == 6,
        ),
        (
            "compat_iterations = 2",
            "--compat-iterations=1",
            lambda document: len(document["records"]) == 18,
            lambda document: len(document["records"]) == 9,
        ),
        (
            "compat_level =\n    os\n    none",
            "--compat-level=mpi",
            lambda document: [run["level"] for run in document["runs"]] == ["none", "os"],
            lambda document: [run["level"] for run in document["runs"]] == ["mpi"],
        ),
    ],
    ids=["seed", "iterations", "level"],
)
def test_the_command_line_says_more_than_the_ini_file(
    project: Project, line: str, option: str, ini_says: object, option_says: object
) -> None:
    project.pytester.makeini(f"[pytest]\n{line}")
    assert callable(ini_says)
    assert callable(option_says)
    assert ini_says(project.report(apart=False))
    assert option_says(project.report(option, apart=False))


def test_scheduler_and_report_in_an_ini_file(project: Project) -> None:
    project.pytester.makeini("[pytest]\ncompat_scheduler = reference\ncompat_report = report.json")
    project.pytester.runpytest_inprocess().assert_outcomes(passed=12)
    assert {run["scheduler"] for run in project.read()["runs"]} == {"reference"}


def test_workers_read_the_ini_file_too(project: Project) -> None:
    before = project.report("--compat-seed=5")["records"]
    project.pytester.makeini("[pytest]\ncompat_seed = 5")
    assert project.report("-n2")["records"] == before


def test_every_option_is_in_the_help_with_its_ini_twin(project: Project) -> None:
    from pytest_compat.plugin.options import OPTIONS

    text = project.pytester.runpytest_inprocess("--help").stdout.str()
    for option in OPTIONS:
        assert option.flag in text
        assert option.ini in text


@pytest.mark.parametrize("number", ["0", "-1", "nan", "inf", "soon"])
def test_timeouts_that_are_no_time(project: Project, number: str) -> None:
    result = project.run(f"--compat-scheduler-timeout={number}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --compat-scheduler-timeout: found *, expected a number of seconds above 0"])
