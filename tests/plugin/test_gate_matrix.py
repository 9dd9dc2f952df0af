"""Every measure of a gate, met and missed and without anything to judge: one verdict whichever way it is reached."""

from __future__ import annotations

from typing import Any

import pytest
from compat_project import CHECK_TEST, ODD_SCHEDULERS, Project

from pytest_compat.judge.gate import MEASURES

WAYS = {"serial": (), "xdist": ("-n2",), "without-terminal": ("-p", "no:terminal")}

SCHEDULERS = {
    "accuracy": "reference",
    "assigned_accuracy": "idle",
    "exact": "reference",
    "unmatched": "blind",
    "incorrect": "reference",
    "missed": "idle",
    "errors": "tired",
    "disagreements": "first",
    "flags": "biased",
    "flipped": "first",
    "drop": "first",
}
"""Who has something to show for a measure."""

PASS, FAIL = "holds", "fails"
LIMITS = {
    ("accuracy", PASS): "os:accuracy>=0.8",
    ("accuracy", FAIL): "os:accuracy>=0.81",
    ("assigned_accuracy", PASS): "none:assigned_accuracy>=0.01",
    ("assigned_accuracy", FAIL): "none:assigned_accuracy>=0.99",
    ("exact", PASS): "os:exact>=0.75",
    ("exact", FAIL): "os:exact>=0.7500001",
    ("unmatched", PASS): "*:unmatched<=0.34",
    ("unmatched", FAIL): "*:unmatched<=0.33",
    ("incorrect", PASS): "none:incorrect<=0.6",
    ("incorrect", FAIL): "none:incorrect<=0.1",
    ("missed", PASS): "missed<=0.34",
    ("missed", FAIL): "missed<=0.33",
    ("errors", PASS): "errors<=5",
    ("errors", FAIL): "errors<=4",
    ("disagreements", PASS): "os:disagreements<=3",
    ("disagreements", FAIL): "os:disagreements<=2",
    ("flags", PASS): "os+mpi:flags<=9",
    ("flags", FAIL): "none:flags<=0",
    ("flipped", PASS): "os:flipped<=2",
    ("flipped", FAIL): "os:flipped<=1",
    ("drop", PASS): "os:drop<=0.14",
    ("drop", FAIL): "os:drop<=0.13",
}


@pytest.fixture
def odd(project: Project) -> Project:
    project.pytester.makeconftest(ODD_SCHEDULERS)
    project.write("test_tiny.py", CHECK_TEST)
    return project


def every_way(project: Project, gate: str, *options: str, scheduler: str, baseline: bool) -> tuple[int, dict[str, Any]]:
    """Judge one gate in every way, and return the exit status and the report that all of them come to."""
    against = ()
    if baseline:
        assert project.run("--compat-report=before.json", *options).ret == 0
        against = (f"--compat-baseline={project.path / 'before.json'}",)
    found = {}
    for name, way in WAYS.items():
        path = f"{name}.json"
        run = project.run(
            f"--compat-gate={gate}", f"--compat-report={path}", *against, *options, *way, scheduler=scheduler
        )
        found[name] = int(run.ret), project.read(path)
    against = (f"--baseline={project.path / 'before.json'}",) if baseline else ()
    path = project.path / "serial.json"
    status = project.offline("gate", path, f"--gate={gate}", *against, f"--report={project.path / 'offline.json'}")
    found["offline"] = status, project.read("offline.json")
    status, document = found["serial"]
    for way, (other, report) in found.items():
        assert (way, other) == (way, status)
        for part in ("verdict", "gates", "errors", "comparison", "records"):
            assert report[part] == document[part], (way, part)
    return status, document


@pytest.mark.parametrize("expected", [PASS, FAIL])
@pytest.mark.parametrize("measure", MEASURES)
def test_a_gate_comes_to_the_same_in_every_way(odd: Project, measure: str, expected: str) -> None:
    gate = LIMITS[measure, expected]
    baseline = MEASURES[measure].baseline
    # A baseline asks something of every level; so that the gate is judged alone, there is no other one.
    options = ("--compat-level=os",) if baseline else ()
    status, document = every_way(odd, gate, *options, scheduler=SCHEDULERS[measure], baseline=baseline)
    holds = expected == PASS
    assert status == (pytest.ExitCode.OK if holds else pytest.ExitCode.TESTS_FAILED)
    assert document["verdict"] == ("passed" if holds else "failed")
    assert {each["rule"] for each in document["gates"]} == {gate}
    assert all(each["passed"] for each in document["gates"]) == holds
    assert all(each["value"] is not None for each in document["gates"])
    assert all(error.startswith(f"gate {gate}") for error in document["errors"])
    assert bool(document["errors"]) != holds


@pytest.mark.parametrize("measure", MEASURES)
def test_a_gate_without_anything_to_judge_fails_in_every_way(odd: Project, measure: str) -> None:
    gate = f"os:{measure}{MEASURES[measure].sign}1"
    options = () if MEASURES[measure].baseline else ("--compat-level=none",)
    status, document = every_way(odd, gate, *options, scheduler="reference", baseline=False)
    assert status == pytest.ExitCode.TESTS_FAILED
    assert document["verdict"] == "failed"
    (result,) = document["gates"]
    assert (result["passed"], result["value"]) == (False, None)
    reason = "no baseline was given" if MEASURES[measure].baseline else "the level was not run"
    assert reason in result["reason"]


@pytest.mark.parametrize("measure", MEASURES)
def test_a_limit_that_is_no_number_is_a_usage_error_in_every_way(odd: Project, measure: str) -> None:
    gate = f"os:{measure}{MEASURES[measure].sign}nan"
    for way in WAYS.values():
        assert odd.run(f"--compat-gate={gate}", *way).ret == pytest.ExitCode.USAGE_ERROR
    assert odd.offline("gate", odd.path / "report.json", f"--gate={gate}") == pytest.ExitCode.USAGE_ERROR
    odd.pytester.makeini(f"[pytest]\ncompat_gate = {gate}")
    assert odd.run().ret == pytest.ExitCode.USAGE_ERROR


@pytest.mark.parametrize("limit", ["nan", "1.5", "half"])
def test_a_limit_of_a_marker_that_is_no_number_is_told_where_it_stands(odd: Project, limit: str) -> None:
    odd.write("test_tiny.py", CHECK_TEST.replace('.yaml"', f'.yaml", gates=["os:{limit}"]'))
    result = odd.run()
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines([f"compat: *test_tiny.py: found the rate '{limit}' *"])


@pytest.mark.parametrize("gate", ["os:0.8", "os:accuracy>=0.81", "errors<=0", "*:incorrect<=0.3", "mpi+os:missed<=0"])
def test_ini_marker_and_command_line_ask_for_the_same(odd: Project, gate: str) -> None:
    found = [odd.report(f"--compat-gate={gate}", apart=False)]
    odd.pytester.makeini(f"[pytest]\ncompat_gate =\n    {gate}")
    found.append(odd.report(apart=False))
    odd.pytester.makeini("[pytest]")
    odd.write("test_tiny.py", CHECK_TEST.replace('.yaml"', f'.yaml", gates=["{gate}"]'))
    found.append(odd.report(apart=False))
    found.append(odd.report("-n2", apart=False))
    results = [[{**each, "rule": ""} for each in document["gates"]] for document in found]
    assert results[0]
    assert results == [results[0]] * 4
    assert {document["verdict"] for document in found} == {found[0]["verdict"]}


def test_a_gate_on_the_command_line_adds_to_those_of_markers(odd: Project) -> None:
    odd.write("test_tiny.py", CHECK_TEST.replace('.yaml"', '.yaml", gates=["os:1"]'))
    document = odd.report("--compat-gate=none:0", apart=False)
    assert [(each["rule"], each["passed"]) for each in document["gates"]] == [("none:0", True), ("tiny:os:1", False)]
    assert document["verdict"] == "failed"


@pytest.mark.parametrize("gates", ['"os:0.5"', "None", "[0.5]", "{}"])
def test_gates_of_a_marker_are_a_list_of_texts(odd: Project, gates: str) -> None:
    odd.write("test_tiny.py", CHECK_TEST.replace('.yaml"', f'.yaml", gates={gates}'))
    result = odd.run()
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["compat: *expected a list of texts, such as *"])


def test_an_error_budget_is_for_the_levels_it_names(odd: Project) -> None:
    document = odd.report("--compat-gate=os:errors<=5", scheduler="tired", apart=False)
    assert [each["passed"] for each in document["gates"]] == [True]
    assert document["verdict"] == "failed"
    assert "tiny, level none: 5 of 15 submissions are errors" in document["errors"]
    assert not any("level os:" in error for error in document["errors"])


def test_flags_cannot_be_judged_where_there_are_errors(odd: Project) -> None:
    document = odd.report("--compat-gate=os:flags<=0,errors<=9", scheduler="tired", apart=False)
    flags, *_ = document["gates"]
    assert (flags["passed"], flags["value"]) == (False, None)
    assert "not tested: it has errors" in flags["reason"]
