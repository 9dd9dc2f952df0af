"""`report` and `gate` on a report that a run left behind."""

from __future__ import annotations

import subprocess
import sys

import pytest
from compat_project import CHECK_TEST, ODD_SCHEDULERS, Project


@pytest.fixture(autouse=True)
def before(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """Leave a report of a run behind."""
    project.pytester.makeconftest(ODD_SCHEDULERS)
    project.write("test_tiny.py", CHECK_TEST)
    assert project.run("--compat-report=report.json", "--compat-gate=os:0.5").ret == 0
    capsys.readouterr()


def section(text: str) -> str:
    """Return the compatibility section of a run."""
    lines = text.splitlines()
    start = next(number for number, line in enumerate(lines) if " compatibility " in line)
    end = next(number for number, line in enumerate(lines) if number > start and line.startswith(("===", "report: ")))
    return "\n".join(lines[start + 1 : end]).strip()


def test_report_shows_what_the_run_showed(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    shown = project.run("--compat-report=report.json", "--compat-gate=os:0.5")
    capsys.readouterr()
    assert project.offline("report", project.path / "report.json") == 0
    assert capsys.readouterr().out.strip() == section(shown.stdout.str())


def test_report_writes_what_the_run_wrote(project: Project) -> None:
    forms = {"html": "html", "markdown": "md", "records": "csv"}
    assert (
        project.run("--compat-report=report.json", *(f"--compat-{form}=run.{forms[form]}" for form in forms)).ret == 0
    )
    outputs = [f"--{form}={project.path / f'again.{suffix}'}" for form, suffix in {**forms, "report": "json"}.items()]
    assert project.offline("report", project.path / "report.json", *outputs) == 0
    for suffix in forms.values():
        assert (project.path / f"again.{suffix}").read_bytes() == (project.path / f"run.{suffix}").read_bytes()
    assert (project.path / "again.json").read_bytes() == (project.path / "report.json").read_bytes()


def test_report_has_the_exit_status_of_its_verdict(project: Project) -> None:
    assert project.run("--compat-report=report.json", "--compat-gate=os:1").ret == 1
    assert project.offline("report", project.path / "report.json") == 1


@pytest.mark.parametrize("command", ["report", "gate"])
def test_what_cannot_be_written_is_an_error(project: Project, capsys: pytest.CaptureFixture[str], command: str) -> None:
    project.write("file", "")
    assert project.offline(command, project.path / "report.json", f"--html={project.path / 'file' / 'page.html'}") == 1
    assert "the html could not be written: " in capsys.readouterr().err


@pytest.mark.parametrize("command", ["report", "gate"])
@pytest.mark.parametrize("content", [None, "", "[]", '{"schema": "pytest-compat/report/1"}'])
def test_what_is_no_report_is_an_error_in_a_line(
    project: Project, capsys: pytest.CaptureFixture[str], command: str, content: str | None
) -> None:
    path = project.path / "odd.json"
    if content is not None:
        path.write_text(content)
    assert project.offline(command, path) == 1
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith(f"{command}: {path}: ")
    assert output.err.count("\n") == 1


def test_gate_judges_by_what_the_run_was_judged_by(project: Project) -> None:
    path = project.path / "again.json"
    assert project.offline("gate", project.path / "report.json", f"--report={path}") == 0
    assert project.read("again.json") == project.read()


@pytest.mark.parametrize(
    ("gates", "status"),
    [
        (("--gate=os:1",), 1),
        (("--gate=os:0.1",), 0),
        (("--gate=os:0.1,errors<=0",), 0),
        (("--gate=os:0.1", "--gate=none:1"), 1),
        (("--fail-under=os:0.1", "--gate=none:0"), 0),
        (("--fail-under=os:1",), 1),
        (("--gate=missing:0",), 1),
    ],
)
def test_gates_of_the_command_line_take_the_place_of_those_of_the_run(
    project: Project, gates: tuple[str, ...], status: int
) -> None:
    path = project.path / "again.json"
    assert project.offline("gate", project.path / "report.json", *gates, f"--report={path}") == status
    rules = [gate["rule"] for gate in project.read("again.json")["gates"]]
    assert "os:0.5" not in rules
    assert project.read("again.json")["verdict"] == ("failed" if status else "passed")


@pytest.mark.parametrize("option", ["--gate=os:2", "--gate=os", "--gate=", "--fail-under=os:x", "--gate=os:0.1,"])
def test_a_gate_that_is_none_has_the_exit_status_of_a_usage_error(
    project: Project, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    for command in ("gate", "merge"):
        assert project.offline(command, project.path / "report.json", option) == pytest.ExitCode.USAGE_ERROR
        assert capsys.readouterr().err.startswith(f"{option.partition('=')[0]}: found ")


def test_a_failed_case_stays_failed(project: Project) -> None:
    project.write("test_tiny.py", CHECK_TEST.replace("compat_case.check()", "assert compat_case.level != 'os'"))
    assert project.run("--compat-report=report.json").ret == 1
    assert project.offline("gate", project.path / "report.json", "--gate=os:0.1") == 1


def test_errors_can_be_given_a_budget_afterwards(project: Project) -> None:
    project.write("test_tiny.py", CHECK_TEST.replace("compat_case.check()", "pass"))
    assert project.run("--compat-report=report.json", scheduler="tired").ret == 1
    assert project.offline("gate", project.path / "report.json", "--gate=errors<=5") == 0
    assert project.offline("gate", project.path / "report.json", "--gate=errors<=4") == 1


def test_a_run_is_compared_with_a_baseline_offline(project: Project) -> None:
    project.path.joinpath("report.json").rename(project.path / "before.json")
    project.run("--compat-report=report.json", scheduler="first")
    baseline = f"--baseline={project.path / 'before.json'}"
    assert project.offline("gate", project.path / "report.json", baseline) == 1
    assert project.offline("gate", project.path / "before.json", baseline) == 0


@pytest.mark.parametrize("command", ["report", "gate", "merge", "compare"])
def test_help_tells_every_option(project: Project, capsys: pytest.CaptureFixture[str], command: str) -> None:
    assert project.offline(command, "--help") == 0
    text = capsys.readouterr().out
    for option in ("--report", "--html", "--markdown", "--records"):
        assert option in text


def test_it_runs_as_a_module(project: Project) -> None:
    command = [sys.executable, "-m", "pytest_compat", "gate", str(project.path / "report.json"), "--gate=os:1"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert run.stdout.startswith("FAILED: ")
    assert run.stderr == ""
