"""`--compat-report`."""

from __future__ import annotations

import json
import os
from pathlib import Path

import jsonschema
import pytest
from compat_project import LEVEL_TEST, Project

from pytest_compat.report.document import report_schema


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--compat-iterations=0",),
        ("--compat-fail-under=os:1", "--compat-fail-under=nowhere:0"),
        ("-k", "rocky-mpich"),
        ("-k", "nothing-of-the-kind"),
    ],
    ids=["plain", "exact", "gates", "in part", "nothing"],
)
def test_fits_its_schema(project: Project, options: tuple[str, ...]) -> None:
    jsonschema.validate(project.report(*options, apart=False), report_schema())


def test_fits_its_schema_when_everything_fails(project: Project) -> None:
    project.write("test_tiny.py", LEVEL_TEST)
    project.pytester.makeconftest("""
        from pytest_compat import Assignment, SchedulerError, SchedulerUnavailable

        class Hopeless:
            def open(self, clusters): pass
            def candidates(self, jobspec): raise SchedulerError("\\ud800 no")
            def submit(self, jobspec, name, key): return Assignment("atlantis")
            def receive(self, cluster): raise SchedulerUnavailable("gone")
            def close(self): pass

        def pytest_compat_schedulers():
            return {"hopeless": Hopeless}
    """)
    document = project.report(scheduler="hopeless", apart=False)
    jsonschema.validate(document, report_schema())
    assert document["verdict"] == "failed"


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(report_schema())


def test_lammps_fits_the_schema_and_shows_published_figures(project: Project, lammps: Path) -> None:
    options = ("--compat-report=report.json", "--compat-level=none", "-p", "no:cacheprovider")
    project.pytester.runpytest_inprocess(lammps, *options, "--compat-scheduler=reference")
    document = project.read()
    jsonschema.validate(document, report_schema())
    (run,) = document["runs"]
    figure = run["published"][0]
    assert (figure["source"], figure["points"], figure["of"]) == ("rainbow-experiments, run 1", 14, 360)
    assert figure["accuracy"] == 14 / 360
    assert 0.05 < figure["p"] < 0.5  # 9.58 points are to be expected


def test_says_what_and_where_it_was_measured(project: Project) -> None:
    document = project.report("--compat-seed=3", apart=False)
    assert document["schema"] == "pytest-compat/report/1"
    assert document["seed"] == 3
    assert {"python", "platform", "pytest-compat", "pytest"} <= document["environment"].keys()


def test_a_relative_path_starts_where_pytest_was_started(project: Project) -> None:
    project.run("--compat-report=new/folder/report").assert_outcomes(passed=12)
    assert project.read("new/folder/report")["verdict"] == "passed"


def test_the_path_is_told(project: Project) -> None:
    project.run("--compat-report=report.json").stdout.fnmatch_lines([f"report: {project.path / 'report.json'}"])


def test_a_folder_is_a_usage_error(project: Project) -> None:
    result = project.run("--compat-report=.")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --compat-report: * is a folder, expected the path of a file to write"])


def test_an_unknown_home_is_a_usage_error(project: Project) -> None:
    result = project.run("--compat-report=~no-such-user-at-all/report.json")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --compat-report: ~no-such-user-at-all*"])


@pytest.mark.parametrize("way", [(), ("-p", "no:terminal")], ids=["plain", "without-terminal"])
def test_a_path_that_cannot_be_written_fails_the_run(project: Project, way: tuple[str, ...]) -> None:
    project.write("file", "")
    result = project.run("--compat-report=file/report.json", *way)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    if not way:
        result.stdout.fnmatch_lines(["FAILED: *", "*the report could not be written: *"])
        result.stdout.no_fnmatch_line("report: *")


def test_a_path_that_cannot_be_written_hides_no_other_problem(project: Project) -> None:
    project.write("file", "")
    project.write("test_tiny.py", LEVEL_TEST.replace("not compat_case.errors", "0"))
    result = project.run("--compat-report=file/report.json")
    result.stdout.fnmatch_lines(["*the report could not be written: *", "*3 compatibility cases failed"])


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes anywhere")
def test_a_folder_that_cannot_be_written_fails_the_run(project: Project) -> None:
    project.path.joinpath("locked").mkdir(mode=0o555)
    assert project.run("--compat-report=locked/report.json").ret == pytest.ExitCode.TESTS_FAILED


def test_nothing_is_left_half_written(project: Project) -> None:
    before = project.write("report.json", "what was here before")
    project.pytester.makeconftest("""
        import os
        from pytest_compat.report import files

        class Full:
            def __init__(self, handle, mode):
                self.stream = open(handle, mode)

            def __enter__(self):
                return self

            def __exit__(self, *error):
                self.stream.close()

            def write(self, content):
                self.stream.write(content[:10])
                raise OSError("no space left on device")

        class Broken:
            fdopen, umask = Full, os.umask

        files.os = Broken
    """)
    result = project.run_apart("--compat-report=report.json")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*the report could not be written: no space left on device"])
    assert before.read_text() == "what was here before"
    assert not list(project.path.glob(".report*"))


def test_others_may_read_the_report(project: Project) -> None:
    plain = project.write("plain", "")
    project.report(apart=False)
    assert (project.path / "report.json").stat().st_mode == plain.stat().st_mode


def test_a_project_without_compat_tests_fails_when_a_report_is_asked_for(project: Project) -> None:
    project.write("test_tiny.py", "def test_tiny(): pass")
    document = project.report(apart=False)
    assert document["verdict"] == "failed"
    assert document["errors"] == ["no compatibility case was recorded"]


def test_the_verdict_is_the_same_everywhere(project: Project) -> None:
    result = project.run("--compat-report=report.json", "--compat-fail-under=none:1")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    document = project.read()
    assert document["verdict"] == "failed"
    for error in document["errors"]:
        result.stdout.fnmatch_lines([f"  {error}"])


def test_a_link_is_followed(project: Project) -> None:
    project.path.joinpath("link.json").symlink_to(project.write("kept/report.json", ""))
    project.run(f"--compat-report={project.path / 'link.json'}")
    assert project.path.joinpath("link.json").is_symlink()
    assert project.read("kept/report.json")["verdict"] == "passed"


def test_what_is_no_file_is_written_to_as_it_is(project: Project) -> None:
    pipe = project.path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        project.run(f"--compat-report={pipe}", "--compat-level=none", "--compat-iterations=0")
        assert json.loads(os.read(reader, 65536))["verdict"] == "passed"
    finally:
        os.close(reader)
    assert pipe.is_fifo()


def test_a_report_of_an_earlier_session_does_not_outlive_one_that_stops_early(project: Project) -> None:
    assert project.report(apart=False)["verdict"] == "passed"
    result = project.run("--compat-report=report.json", scheduler="localhost:1")
    assert result.ret == 4
    assert not project.path.joinpath("report.json").exists()


@pytest.mark.parametrize("content", ["precious", "[]", "3", '{"schema": "another"}'])
def test_a_file_that_is_no_report_is_left_until_there_is_one(project: Project, content: str) -> None:
    path = project.write("report.json", content)
    assert project.run(f"--compat-report={path}", scheduler="localhost:1").ret == pytest.ExitCode.USAGE_ERROR
    assert path.read_text() == content
