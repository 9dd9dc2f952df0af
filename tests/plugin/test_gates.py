"""`--compat-fail-under`."""

from __future__ import annotations

from pathlib import Path

import pytest
from compat_project import Project

WAYS = {"serial": (), "xdist": ("-n2",), "without-terminal": ("-p", "no:terminal")}


@pytest.fixture(params=list(WAYS.values()), ids=list(WAYS))
def way(request: pytest.FixtureRequest) -> tuple[str, ...]:
    return tuple(request.param)


@pytest.mark.parametrize(("limit", "status"), [("0.6", 0), ("0.7", 1)])
def test_gate_on_lammps(project: Project, lammps: Path, way: tuple[str, ...], limit: str, status: int) -> None:
    result = project.run_apart(
        lammps,
        f"--compat-fail-under=io.archspec+os+mpi:{limit}",
        "-p",
        "no:cacheprovider",
        "--compat-level=prefix",
        *way,
    )
    assert result.ret == status


@pytest.mark.parametrize(
    "select",
    [("--compat-level=none",), ("-k", "none"), ("-k", "nothing-of-the-kind")],
    ids=["level", "keyword", "everything"],
)
def test_a_level_that_was_not_run_fails(project: Project, way: tuple[str, ...], select: tuple[str, ...]) -> None:
    result = project.run_apart("--compat-fail-under=os+mpi:0", *select, *way)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    if "no:terminal" not in way:
        result.stdout.fnmatch_lines(["FAILED: *", "*gate os+mpi:0: the level was not run*"])


@pytest.mark.parametrize("option", ["-k", "--deselect"])
def test_a_level_run_in_part_fails(project: Project, option: str) -> None:
    select = (
        ("-k", "not rocky-mpich") if option == "-k" else ("--deselect", "test_tiny.py::test_tiny[none-rocky-mpich]")
    )
    result = project.run("--compat-fail-under=none:0", *select)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        ["*gate none:0: incomplete: * of 15 submissions were recorded", "*cases that were not run: rocky-mpich"]
    )


def test_a_renamed_test_does_not_silence_its_gate(project: Project) -> None:
    project.write("test_tiny.py", "def test_tiny(): pass")
    result = project.run("--compat-fail-under=os:0")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*gate os:0: the level was not run (no level was)"])


@pytest.mark.parametrize(
    "rate", ["nan", "NaN", "inf", "-inf", "-0.1", "1.5", "1.0000001", "1e-1", "half", "", "0x1", "50%", "1/2", "0,5"]
)
def test_a_rate_that_is_none_is_a_usage_error(project: Project, rate: str) -> None:
    result = project.run(f"--compat-fail-under=os:{rate}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --compat-fail-under: *expected*"])


@pytest.mark.parametrize("text", ["0.5", ":0.5", "tiny::0.5", "os"])
def test_a_gate_without_level_or_rate_is_a_usage_error(project: Project, text: str) -> None:
    result = project.run(f"--compat-fail-under={text}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--compat-fail-under: *"])


def test_a_rate_that_is_none_in_an_ini_file_is_a_usage_error(project: Project) -> None:
    project.pytester.makeini("[pytest]\ncompat_fail_under = os:nan")
    assert project.run().ret == pytest.ExitCode.USAGE_ERROR


@pytest.mark.parametrize("name", ["os+mpi", "mpi+os", "tiny:os+mpi", "tiny:mpi+os", " tiny : os+mpi "])
def test_names_of_a_level(project: Project, name: str) -> None:
    assert project.run(f"--compat-fail-under={name}:1").ret == 0


@pytest.mark.parametrize("name", ["other:os", "tiny:tiny:os", "OS", "os+os", "prefix", "all"])
def test_names_of_no_level_that_was_run(project: Project, name: str) -> None:
    assert project.run(f"--compat-fail-under={name}:0").ret == pytest.ExitCode.TESTS_FAILED


def test_an_experiment_called_what_a_subsystem_is(project: Project) -> None:
    text = (project.path / "experiment.yaml").read_text().replace("experiment: tiny", "experiment: os")
    project.write("experiment.yaml", text)
    options = ("--compat-level=os:os.name", "--compat-fail-under=os:os.name:0")
    assert project.run(*options, "--compat-fail-under=os:os:os.name:0").ret == 0


def test_every_gate_has_to_hold(project: Project) -> None:
    result = project.run("--compat-fail-under=os+mpi:1", "--compat-fail-under=none:1")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["FAILED: *1 of 2 gates hold*", "*gate none:1: * is below 1"])


def test_a_gate_judges_exact_figures_when_nothing_is_sampled(project: Project) -> None:
    assert project.run("--compat-iterations=0", "--compat-fail-under=none:0.375").ret == 0
    assert project.run("--compat-iterations=0", "--compat-fail-under=none:0.3750001").ret == 1


def test_a_gate_without_an_experiment_speaks_of_all_of_them(project: Project) -> None:
    text = (project.path / "experiment.yaml").read_text()
    other = text.replace("experiment: tiny", "experiment: other").replace("score: 0.5", "score: 0.25")
    project.write("other/experiment.yaml", other)
    project.write("other/test_other.py", (project.path / "test_tiny.py").read_text())
    options = ("--compat-iterations=0", "--compat-level=none")
    assert project.run(*options, "--compat-fail-under=tiny:none:0.375").ret == 0
    assert project.run(*options, "--compat-fail-under=none:0.375").ret == 1


def test_gates_in_an_ini_file(project: Project) -> None:
    project.pytester.makeini("[pytest]\ncompat_fail_under =\n    os+mpi:1\n    none:1")
    assert project.run("--compat-level=none").ret == pytest.ExitCode.TESTS_FAILED
    assert project.run("--compat-level=none", "--compat-fail-under=none:0").ret == 0


def test_gates_and_the_report_agree(project: Project) -> None:
    document = project.report("--compat-fail-under=none:1", "--compat-fail-under=missing:0", apart=False)
    assert document["verdict"] == "failed"
    none, missing = document["gates"]
    assert (none["experiment"], none["level"], none["limit"], none["passed"]) == ("tiny", "none", 1, False)
    assert (missing["experiment"], missing["value"], missing["passed"]) == (None, None, False)
    assert len(document["errors"]) == 2


def test_stopping_at_the_first_failure_leaves_a_gate_unmet(project: Project) -> None:
    project.write("test_tiny.py", (project.path / "test_tiny.py").read_text().replace("not compat_case.errors", "0"))
    result = project.run("-x", "--compat-fail-under=none:0")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*gate none:0: incomplete: *"])
    result.stdout.no_fnmatch_line("*cut short*")


def test_collect_only_judges_nothing(project: Project) -> None:
    result = project.run("--collect-only", "-q", "--compat-fail-under=none:1", "--compat-report=report.json")
    assert result.ret == 0
    result.stdout.no_fnmatch_line("*compatibility*")
    assert not (project.path / "report.json").exists()


def test_several_may_stand_in_one_value(project: Project) -> None:
    result = project.run("--compat-fail-under=os+mpi:1, none:0.1", "--compat-iterations=0")
    result.stdout.fnmatch_lines(["PASSED:*2 of 2 gates hold"])
