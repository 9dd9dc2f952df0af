"""Every form of the report that is a file, and what GitHub Actions is told."""

from __future__ import annotations

import csv
from pathlib import Path

import pandas
import pytest
from compat_project import CHECK_TEST, ODD_SCHEDULERS, Project

FORMS = {"report": "report.json", "html": "page.html", "markdown": "report.md", "records": "records.csv"}
WAYS = {"serial": (), "xdist": ("-n2",), "without-terminal": ("-p", "no:terminal")}


@pytest.fixture
def summary(project: Project, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The step summary of a job in GitHub Actions, which this process is now part of."""
    path = project.write("summary.md", "what an earlier step said\n")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(path))
    return path


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
def test_every_form_is_written_and_told(project: Project, way: tuple[str, ...]) -> None:
    result = project.run(*(f"--compat-{form}={name}" for form, name in FORMS.items()), *way)
    assert result.ret == 0
    assert all((project.path / name).stat().st_size for name in FORMS.values())
    if "no:terminal" not in way:
        result.stdout.fnmatch_lines_random([f"{form}: {project.path / name}" for form, name in FORMS.items()])
    assert (project.path / "page.html").read_text().lower().startswith("<!doctype html>")
    assert (project.path / "report.md").read_text().startswith("## ")


def test_forms_in_an_ini_file(project: Project) -> None:
    project.pytester.makeini("[pytest]\n" + "\n".join(f"compat_{form} = out/{name}" for form, name in FORMS.items()))
    assert project.run().ret == 0
    assert {path.name for path in (project.path / "out").iterdir()} == set(FORMS.values())


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_records_are_a_row_each(project: Project, suffix: str) -> None:
    document = project.report(f"--compat-records=records.{suffix}")
    path = project.path / f"records.{suffix}"
    if suffix == "csv":
        with path.open(newline="") as stream:
            rows = list(csv.DictReader(stream))
    else:
        rows = pandas.read_parquet(path).to_dict("records")
    assert len(rows) == len(document["records"]) == 45
    for row, record in zip(rows, document["records"], strict=True):
        assert (row["level"], row["job"], row["cluster"]) == (record["level"], record["job"], record["cluster"])
        assert (int(row["iteration"]), float(row["score"])) == (record["iteration"], record["score"])
        assert row["version"] == document["experiments"][0]["version"]


@pytest.mark.parametrize("name", ["records", "records.json", "records.CSV", ".csv.gz"])
def test_records_in_another_form_are_a_usage_error(project: Project, name: str) -> None:
    result = project.run(f"--compat-records={name}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --compat-records: *expected .csv or .parquet"])


@pytest.mark.parametrize("form", FORMS)
def test_a_folder_is_a_usage_error(project: Project, form: str) -> None:
    (project.path / "folder.csv").mkdir()
    result = project.run(f"--compat-{form}=folder.csv")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: --compat-{form}: * is a folder, expected the path of a file to write"])


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
@pytest.mark.parametrize("form", FORMS)
def test_a_form_that_cannot_be_written_fails_the_run_and_the_others_say_so(
    project: Project, form: str, way: tuple[str, ...]
) -> None:
    project.write("file", "")
    paths = FORMS | {form: f"file/{FORMS[form]}"}
    result = project.run(*(f"--compat-{each}={path}" for each, path in paths.items()), *way)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    if "no:terminal" not in way:
        result.stdout.fnmatch_lines(["FAILED: *", f"*the {form} could not be written: *"])
        result.stdout.no_fnmatch_line(f"{form}: *")
    if form != "report":
        assert any(f"the {form} could not be written" in error for error in project.read()["errors"])
    if form != "markdown":
        assert f"the {form} could not be written" in (project.path / "report.md").read_text()
    if form != "html":
        assert f"the {form} could not be written" in (project.path / "page.html").read_text()


def test_github_is_told_in_its_step_summary(project: Project, summary: Path) -> None:
    result = project.run("--compat-gate=os:0.1")
    assert result.ret == 0
    text = summary.read_text()
    assert text.startswith("what an earlier step said\n## ")
    assert "os:0.1" in text
    result.stdout.no_fnmatch_line("*::error*")


@pytest.mark.parametrize("way", [(), ("-n2",)], ids=["serial", "xdist"])
def test_github_is_told_each_reason_to_fail_in_a_line(project: Project, summary: Path, way: tuple[str, ...]) -> None:
    result = project.run("--compat-gate=os:1", "--compat-gate=mpi:0", *way)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    found = [line for line in result.outlines if line.startswith("::error")]
    assert len(found) == 2
    assert found[0].startswith("::error title=pytest-compat::gate os:1: ")
    assert summary.read_text().count("## ") >= 1


def test_github_is_warned_of_flags(project: Project, summary: Path) -> None:
    project.pytester.makeconftest(ODD_SCHEDULERS)
    result = project.run(scheduler="biased")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["::warning title=pytest-compat::tiny, level *"])


def test_a_reason_of_several_lines_is_one_command(project: Project, summary: Path) -> None:
    project.write("test_tiny.py", CHECK_TEST)
    project.pytester.makeconftest(ODD_SCHEDULERS.replace("out of ink", "100 % out\\nof ink\\n::error::injected"))
    result = project.run("--compat-gate=os:1", scheduler="tired")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert not [line for line in result.outlines if line.startswith("::error::injected")]


def test_a_summary_that_cannot_be_written_is_told(
    project: Project, summary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary / "below"))
    result = project.run()
    assert result.ret == 0
    result.stdout.fnmatch_lines(["the step summary could not be written: *"])


def test_elsewhere_nothing_is_written_beside_what_was_asked_for(project: Project) -> None:
    before = set(project.path.iterdir())
    result = project.run("-p", "no:cacheprovider")
    assert set(project.path.iterdir()) - before <= {project.path / "__pycache__"}
    result.stdout.no_fnmatch_line("::*")


SECRET = "open-sesame"


@pytest.mark.parametrize(
    "words",
    [
        (f"--compat-scheduler-secret={SECRET}",),
        ("--compat-scheduler-secret", SECRET),
        (f"--compat-scheduler-token={SECRET}",),
        ("--compat-scheduler-token", SECRET),
        ("-o", f"compat_scheduler_token={SECRET}"),
        (f"--override-ini=compat_scheduler_secret={SECRET}",),
    ],
)
def test_secrets_are_in_no_form(project: Project, summary: Path, words: tuple[str, ...]) -> None:
    result = project.run(*words, *(f"--compat-{form}={name}" for form, name in FORMS.items()))
    assert result.ret == 0
    (command,) = project.read()["commands"]
    assert command[0] == "pytest"
    assert "--compat-report=report.json" in command
    assert words[0].partition("=")[0] in {word.partition("=")[0] for word in command}
    told = [result.stdout.str(), result.stderr.str(), summary.read_text()]
    assert not [
        text for text in (*told, *((project.path / name).read_text() for name in FORMS.values())) if SECRET in text
    ]


def test_the_command_repeats_the_session(project: Project) -> None:
    document = project.report("--compat-seed=3", "-k", "none", apart=False)
    (command,) = document["commands"]
    assert command[-3:] == ["--compat-seed=3", "-k", "none"]
