"""What is missing, contradictory or skipped never passes as a good result."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from compat_project import CHECK_TEST, LEVEL_TEST, ODD_SCHEDULERS, Project

SKIPPED = """
import pytest

@pytest.fixture
def early():
    pytest.skip("not today")

@pytest.mark.compat("experiment.yaml", gates=["os:0.99"])
def test_skipped(early, compat_case):
    compat_case.check()
"""

LEVEL_ALONE = """
import pytest

@pytest.mark.compat("experiment.yaml", gates=["os:0.99"])
def test_level(compat_level):
    pass
"""


@pytest.fixture
def odd(project: Project) -> Project:
    project.write("conftest.py", ODD_SCHEDULERS)
    return project


@pytest.mark.parametrize("way", [(), ("-n2",)], ids=["serial", "xdist"])
@pytest.mark.parametrize("test", [SKIPPED, LEVEL_ALONE], ids=["skipped", "level"])
def test_gates_of_a_marker_are_judged_where_nothing_was_measured(
    project: Project, test: str, way: tuple[str, ...]
) -> None:
    project.write("test_tiny.py", test)
    result = project.run_apart(*way)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*gate tiny:os:0.99: the level was not run (no level was)"])


def test_a_budget_for_errors_does_not_cover_cases_that_were_left_out(odd: Project) -> None:
    odd.write("test_tiny.py", CHECK_TEST)
    result = odd.run("--compat-gate=*:errors<=0", "-k", "rocky")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*gate [*]:errors<=0 at *: incomplete: *"])


@pytest.mark.parametrize(
    "options",
    [
        ("--compat-baseline=one.json", "--compat-report=one.json"),
        ("--compat-html=one.html", "--compat-report=one.html"),
        ("--compat-markdown=one.md", "--compat-html=./one.md"),
    ],
)
def test_two_files_on_one_path_are_a_usage_error(project: Project, options: tuple[str, ...]) -> None:
    result = project.run(*options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --compat-*: * as well, expected another file"])


def test_an_exit_without_a_status_is_no_success_of_a_session_that_failed(project: Project) -> None:
    project.write("conftest.py", "import pytest\ndef pytest_runtest_teardown(): pytest.exit('bye', returncode=0)")
    assert project.run_apart("--compat-gate=os:1").ret == pytest.ExitCode.TESTS_FAILED


def test_words_of_a_scheduler_begin_no_line_of_their_own(odd: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    odd.write(
        "conftest.py",
        """
from pytest_compat import SchedulerError
from pytest_compat.schedulers.reference import ReferenceScheduler

class Rude(ReferenceScheduler):
    def submit(self, jobspec, name, key):
        raise SchedulerError("boom\\n::error::pwned \\x1b[31mred \\ud800")

def pytest_compat_schedulers():
    return {"rude": Rude}
""",
    )
    options = ("--compat-report=r.json", "--compat-html=r.html", "--compat-markdown=r.md", "--compat-records=r.csv")
    for way in ((), ("-n2",)):
        result = odd.run_apart(*options, *way, scheduler="rude")
        assert result.ret == pytest.ExitCode.TESTS_FAILED
        assert not [line for line in result.outlines if line.startswith("::error::pwned")]
        assert "\x1b[31mred" not in result.stdout.str()
        result.stdout.fnmatch_lines([r"*boom\x0a::error::pwned \x1b*31mred \ud800*"])


Edit = Callable[[dict[str, Any]], None]


def _without_a_run(report: dict[str, Any]) -> None:
    del report["runs"][0]


def _better_scores(report: dict[str, Any]) -> None:
    for record in report["records"]:
        record.update(score=1, outcome="correct")


def _twice(report: dict[str, Any]) -> None:
    report["records"] += report["records"][:3]
    report["records"][-1]["score"] = 0.25


def _fewer_records(report: dict[str, Any]) -> None:
    del report["records"][5:]


def _other_truth(report: dict[str, Any]) -> None:
    report["experiments"][0]["truth"]["first"] = {"1": "0-3"}


def _late(report: dict[str, Any]) -> None:
    for record in report["records"]:
        record["iteration"] += 1000


def _nowhere(report: dict[str, Any]) -> None:
    for record in report["records"]:
        record["cluster"] = "nowhere"


def _ghost(report: dict[str, Any]) -> None:
    report["runs"][0]["candidate_sets"]["ghost"] = "0"


def _nothing_sampled(report: dict[str, Any]) -> None:
    report["records"] = []
    for run in report["runs"]:
        run["iterations"] = 0


def _fewer_disagreements(report: dict[str, Any]) -> None:
    one = {"job": "first", "cluster": "rocky-mpich", "said": False, "expected": True, "asked": 1, "said_times": 0}
    report["runs"][0]["disagreements"] = [{**one, "stable": True}]


def _passed_all_the_same(report: dict[str, Any]) -> None:
    report["errors"] = ["a gate does not hold"]


def _huge_score(report: dict[str, Any]) -> None:
    report["experiments"][0]["truth"]["first"] = {"1e99999999": "0"}


def _verdict_of_errors(report: dict[str, Any]) -> None:
    report["gates"] = [
        {
            **{"experiment": "tiny", "level": "none", "measure": "accuracy", "rule": "none:1", "value": 1.0},
            **{"sign": ">=", "limit": 1.0, "passed": True, "reason": "", "note": ""},
        }
    ]


def _other_interval(report: dict[str, Any]) -> None:
    report["runs"][0]["interval"] = [0.0, 1.0]


def _two_scores(report: dict[str, Any]) -> None:
    report["experiments"][0]["truth"]["first"] = {"1": "0", "0.5": "0-1"}


EDITS: tuple[Edit, ...] = (
    _verdict_of_errors, _other_interval, _two_scores,
    _without_a_run, _better_scores, _twice, _fewer_records, _other_truth, _late, _nowhere, _ghost, _nothing_sampled,
    _fewer_disagreements, _passed_all_the_same, _huge_score,
)  # fmt: skip


@pytest.mark.parametrize("edit", EDITS, ids=[edit.__name__.strip("_") for edit in EDITS])
@pytest.mark.parametrize("command", ["gate", "report"])
def test_a_report_that_contradicts_itself_is_refused(
    project: Project, capsys: pytest.CaptureFixture[str], edit: Edit, command: str
) -> None:
    report = project.report(apart=False)
    edit(report)
    path = project.path / "edited.json"
    path.write_text(json.dumps(report))
    assert project.offline(command, path) == 1
    assert "edited.json: " in capsys.readouterr().err


def test_a_key_that_stands_twice_is_refused(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    project.report("--compat-gate=none:1", apart=False)
    path = project.path / "report.json"
    path.write_text(path.read_text().replace('{\n "schema"', '{\n "gates": [],\n "schema"'))
    assert project.offline("gate", path) == 1
    assert "found 'gates' twice in one object" in capsys.readouterr().err


def test_unknown_candidates_are_no_unflipped_ones(odd: Project) -> None:
    assert odd.run("--compat-report=before.json").ret == 0
    odd.write(
        "conftest.py",
        """
from pytest_compat import SchedulerError
from pytest_compat.schedulers.reference import ReferenceScheduler

class Mute(ReferenceScheduler):
    def candidates(self, jobspec):
        raise SchedulerError("no comment")

def pytest_compat_schedulers():
    return {"mute": Mute}
""",
    )
    odd.write("test_tiny.py", CHECK_TEST)
    result = odd.run("--compat-baseline=before.json", "--compat-gate=*:errors<=99", scheduler="mute")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*gate [*]:flipped<=0 at *: the candidates of 3 jobs are not known, first the first*"])


def test_a_scheduler_that_returns_something_else_is_told_so(odd: Project, tmp_path: Path) -> None:
    odd.write(
        "conftest.py",
        """
from pytest_compat.schedulers.reference import ReferenceScheduler

class Wordy(ReferenceScheduler):
    def submit(self, jobspec, name, key):
        return "rocky-mpich"

class Bare:
    def open(self, clusters):
        pass

def pytest_compat_schedulers():
    return {"wordy": Wordy, "bare": Bare}
""",
    )
    result = odd.run(scheduler="wordy")
    result.stdout.fnmatch_lines(["*submit returned 'rocky-mpich', expected an Assignment*"])
    result = odd.run(scheduler="bare")
    result.stdout.fnmatch_lines(
        ["*Bare*has no method candidates, submit, receive, close; expected those of *Scheduler*"]
    )


def test_the_order_in_which_things_are_declared_has_no_part_in_a_comparison(project: Project) -> None:
    assert project.run("--compat-report=before.json").ret == 0
    path = project.path / "experiment.yaml"
    lines = path.read_text().splitlines()
    jobs = [number for number, line in enumerate(lines) if ": {requires:" in line]
    lines[jobs[0]], lines[jobs[1]] = lines[jobs[1]], lines[jobs[0]]
    path.write_text("\n".join(lines).replace("[rocky, ubuntu]", "[ubuntu, rocky]"))
    result = project.run("--compat-baseline=before.json", "--compat-report=after.json")
    assert result.ret == 0
    before, after = project.read("before.json"), project.read("after.json")
    assert before["experiments"] == after["experiments"]
    assert before["records"] == after["records"]


def test_a_report_with_sorted_keys_is_the_same_report(project: Project) -> None:
    path = project.path / "sorted.json"
    path.write_text(json.dumps(project.report("--compat-gate=os:0.1", apart=False), sort_keys=True))
    assert project.offline("gate", path) == 0


def test_a_report_that_failed_is_no_baseline(odd: Project) -> None:
    odd.write("test_tiny.py", LEVEL_TEST.replace("    assert not compat_case.errors", "    pass"))
    assert odd.run("--compat-report=before.json", scheduler="tired").ret == pytest.ExitCode.TESTS_FAILED
    result = odd.run("--compat-baseline=before.json")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["ERROR: --compat-baseline: *is of a session that failed, and no baseline (*errors); *"]
    )


SUBTLE = """
from enum import Enum
from pytest_compat import Assignment
from pytest_compat.schedulers.reference import ReferenceScheduler

class Name(str):
    pass

class Subtle(ReferenceScheduler):
    def candidates(self, jobspec):
        return [Name(name) for name in super().candidates(jobspec)]

    def submit(self, jobspec, name, key):
        found = super().submit(jobspec, name, key)
        return Assignment(Name(found.cluster), {Name(each): 1 for each in found.candidates})

    def receive(self, cluster):
        return (Name(name) for name in super().receive(cluster))

class Idle(ReferenceScheduler):
    def receive(self, cluster):
        return super().receive(cluster) or None

class Nested(ReferenceScheduler):
    def submit(self, jobspec, name, key):
        return Assignment([super().submit(jobspec, name, key).cluster])

def pytest_compat_schedulers():
    return {"subtle": Subtle, "idle": Idle, "nested": Nested}
"""


@pytest.mark.parametrize("way", [(), ("-n2",)], ids=["serial", "xdist"])
def test_names_that_are_more_than_text_are_names(project: Project, way: tuple[str, ...]) -> None:
    project.write("conftest.py", SUBTLE)
    expected = project.report(apart=False)["records"]
    found = project.report(*way, scheduler="subtle")
    assert found["verdict"] == "passed"
    assert [{**each, "scheduler": "reference"} for each in found["records"]] == expected


@pytest.mark.parametrize(("scheduler", "said"), [("idle", "NoneType"), ("nested", "submit, in Assignment.cluster,")])
def test_answers_that_are_none_are_errors_of_their_call(project: Project, scheduler: str, said: str) -> None:
    project.write("conftest.py", SUBTLE)
    report = project.report(scheduler=scheduler, apart=False)
    assert report["verdict"] == "failed"
    assert len(report["runs"]) == 3
    assert any(said in error["reason"] for run in report["runs"] for error in run["errors"])


def test_junit_names_every_gate_once(project: Project) -> None:
    text = (project.path / "experiment.yaml").read_text()
    project.write("other/experiment.yaml", text.replace("experiment: tiny", "experiment: other"))
    project.write("other/test_other.py", (project.path / "test_tiny.py").read_text())
    project.run("--compat-gate=*:accuracy>=0.35", "--compat-junit", "--junit-xml=x.xml")
    gates = [
        each
        for each in ElementTree.parse(project.path / "x.xml").iter("testcase")
        if "compat-gates" in str(each.attrib)
    ]
    names = [each.attrib["name"] for each in gates]
    assert len(names) == len(set(names)) == 6
    assert {bool(each.findall("failure")) for each in gates} == {True, False}
