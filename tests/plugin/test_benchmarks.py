"""Timings of a level reach pytest-benchmark where it is active, and change nothing else."""

from __future__ import annotations

import json
import statistics
from typing import Any

import pytest
from compat_project import LEVEL_TEST, Project

WRITES_DURATIONS = """
import json
from pathlib import Path
from pytest_compat.run.level import LevelRunner

run = LevelRunner.run
recorded = {}

def noted(self, level, *args, **kwargs):
    result = run(self, level, *args, **kwargs)
    recorded[level.name] = {phase: list(each) for phase, each in result.durations.items()}
    Path("durations.json").write_text(json.dumps(recorded))
    return result

LevelRunner.run = noted
"""


@pytest.fixture(autouse=True)
def active(alone: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pytest-benchmark into the inner sessions."""
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:hypothesispytest")


def benchmarks(project: Project, *options: str, passed: int = 12) -> list[dict[str, Any]]:
    """Run pytest and return the benchmarks it wrote."""
    project.run_apart("--benchmark-json=benchmarks.json", *options).assert_outcomes(passed=passed)
    found: list[dict[str, Any]] = json.loads((project.path / "benchmarks.json").read_text())["benchmarks"]
    return found


def test_a_level_is_a_benchmark_of_what_its_submissions_took(project: Project) -> None:
    project.pytester.makeconftest(WRITES_DURATIONS)
    found = benchmarks(project)
    assert [each["name"] for each in found] == ["none", "os", "os+mpi"]
    durations = json.loads((project.path / "durations.json").read_text())
    for each in found:
        recorded = durations[each["name"]]["submit"]
        stats = each["stats"]
        assert stats["data"] == recorded
        assert len(recorded) == stats["rounds"] == 15
        assert (stats["min"], stats["max"]) == (min(recorded), max(recorded))
        assert stats["median"] == statistics.median(recorded)
        assert (each["group"], each["params"]) == ("compat tiny: submit", {"compat_level": each["name"]})


def test_accuracy_goes_along(project: Project) -> None:
    _, by_os, _ = benchmarks(project, "--compat-report=report.json")
    by_level = {run["level"]: run for run in project.read()["runs"]}
    assert by_os["extra_info"] == {
        "experiment": "tiny",
        "level": "os",
        "scheduler": "reference",
        "accuracy": pytest.approx(by_level["os"]["accuracy"]),
        "exact": "3/4",
        "submissions": 15,
        "errors": 0,
    }


def test_without_submissions_it_is_what_asking_for_candidates_took(project: Project) -> None:
    project.write("test_tiny.py", LEVEL_TEST)
    found = benchmarks(project, "--compat-iterations=0", passed=3)
    assert {(each["group"], each["stats"]["rounds"]) for each in found} == {("compat tiny: match", 3)}
    assert [each["extra_info"]["accuracy"] for each in found] == [None] * 3
    assert [each["extra_info"]["exact"] for each in found] == ["3/8", "3/4", "1"]


def test_what_saved_runs_are_compared_by_depends_on_no_case(project: Project) -> None:
    names = {each["fullname"] for each in benchmarks(project)}
    assert names == {f"test_tiny.py::test_tiny[{level}]" for level in ("none", "os", "os+mpi")}
    assert {each["fullname"] for each in benchmarks(project, "-k", "ubuntu and mpich", passed=3)} == names


@pytest.mark.parametrize(
    "way",
    [
        ("-p", "no:benchmark"),
        ("--benchmark-disable",),
        ("--benchmark-skip",),
        ("-n2",),
    ],
    ids=["not installed", "disabled", "skipped", "xdist"],
)
def test_off_means_off(project: Project, way: tuple[str, ...]) -> None:
    result = project.run_apart("-W", "error", *way)
    result.assert_outcomes(passed=12)
    assert "benchmark 'compat" not in result.stdout.str()


@pytest.mark.parametrize(
    "way",
    [("--benchmark-only",), ("--benchmark-disable", "--benchmark-enable"), ("--benchmark-only", "--benchmark-skip")],
    ids=" ".join,
)
def test_on_means_on(project: Project, way: tuple[str, ...]) -> None:
    assert "benchmark 'compat tiny: submit': 3 tests" in project.run_apart(*way).stdout.str()
    assert len(benchmarks(project, "-W", "error", *way)) == 3


def test_only_benchmarks_still_means_that_for_other_tests(project: Project) -> None:
    project.write("test_other.py", "def test_other(): pass\ndef test_own(benchmark): benchmark(lambda: None)")
    result = project.run_apart("--benchmark-only")
    result.assert_outcomes(passed=13, skipped=1)


def test_a_test_that_uses_benchmark_keeps_it(project: Project) -> None:
    test = (project.path / "test_tiny.py").read_text()
    project.write(
        "test_tiny.py", test.replace("compat_cluster):", "compat_cluster, benchmark):\n    benchmark(len, '')")
    )
    found = benchmarks(project, "--benchmark-min-rounds=1", "--benchmark-max-time=0.001")
    assert [each["group"] for each in found] == [None] * 12


def test_a_fixture_of_that_name_is_left_alone(project: Project) -> None:
    project.pytester.makeconftest("import pytest\n@pytest.fixture\ndef benchmark(): return 'a data set'")
    project.run_apart("-W", "error").assert_outcomes(passed=12)


def test_a_test_that_fails_was_timed_all_the_same(project: Project) -> None:
    test = (project.path / "test_tiny.py").read_text()
    project.write("test_tiny.py", f"{test}    assert compat_case.level != 'os'")
    project.run_apart("--benchmark-json=benchmarks.json").assert_outcomes(passed=8, failed=4)
    found = json.loads((project.path / "benchmarks.json").read_text())["benchmarks"]
    assert [each["name"] for each in found] == ["none", "os", "os+mpi"]


def test_exit_status_and_records_are_the_same(project: Project) -> None:
    def outcome(*options: str) -> tuple[int, list[Any], str]:
        result = project.run_apart("--compat-report=report.json", "--compat-fail-under=os:0.99", *options)
        return int(result.ret), project.read()["records"], project.read()["verdict"]

    assert outcome("--benchmark-json=benchmarks.json") == outcome("-p", "no:benchmark")


def test_they_can_be_compared_and_held_to_by_who_asks_for_it(project: Project) -> None:
    project.write("test_tiny.py", LEVEL_TEST)
    project.run_apart("--benchmark-save=first").assert_outcomes(passed=3)
    (saved,) = (project.path / ".benchmarks").rglob("*_first.json")
    document = json.loads(saved.read_text())
    for each in document["benchmarks"]:
        each["stats"] |= {"min": 1e-12, "mean": 1e-12}
    saved.write_text(json.dumps(document))
    assert project.run_apart("--benchmark-compare").ret == 0
    result = project.run_apart("--benchmark-compare", "--benchmark-compare-fail=min:1%")
    assert result.ret != 0
    assert "Performance has regressed" in result.stdout.str() + result.stderr.str()
