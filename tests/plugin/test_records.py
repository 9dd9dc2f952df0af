"""The same records for the same seed, however the tests are run."""

from __future__ import annotations

from pathlib import Path

import pytest
from compat_project import EXPERIMENT, LEVEL_TEST, Project

REVERSED = """
import pytest

@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    items.reverse()
"""

DRAWN = """
levels:
- drawn: {reveals: [os], draw: job}
- turned: {reveals: [os], draw: cluster}
"""

WAYS = {
    "xdist": ("-n2",),
    "loadgroup": ("-n2", "--dist=loadgroup"),
    "worksteal": ("-n2", "--dist=worksteal"),
    "each": ("--tx=2*popen", "--dist=each"),
    "no-workers": ("-n0",),
    "without-xdist": ("-p", "no:xdist"),
    "without-terminal": ("-p", "no:terminal"),
    "without-cache": ("-p", "no:cacheprovider"),
    "strict": ("--strict-markers", "--strict-config", "-W", "error"),
    "strict-workers": ("-n2", "--strict-markers", "--strict-config", "-W", "error"),
}


@pytest.mark.parametrize("options", WAYS.values(), ids=WAYS.keys())
def test_same_records_whatever_the_way(project: Project, options: tuple[str, ...]) -> None:
    serial = project.report(apart=False)
    other = project.report(*options)
    assert other["verdict"] == "passed"
    assert other["records"] == serial["records"]
    assert len(serial["records"]) == 3 * 3 * 5


@pytest.mark.parametrize("options", [("-n2",), ("-n2", "--dist=loadgroup")], ids=["xdist", "loadgroup"])
def test_same_records_in_reversed_order(project: Project, options: tuple[str, ...]) -> None:
    before = project.report(*options)["records"]
    project.pytester.makeconftest(REVERSED)
    assert project.report(*options)["records"] == before


def test_same_records_without_autoload(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    before = project.report()["records"]
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    assert project.report("-p", "pytest_compat.plugin")["records"] == before


def test_same_records_from_one_case_per_level(project: Project) -> None:
    before = project.report(apart=False)["records"]
    project.write("test_tiny.py", LEVEL_TEST)
    assert project.report(apart=False)["records"] == before


@pytest.mark.parametrize("options", [("-n2",), ("-n2", "--dist=loadgroup")], ids=["xdist", "loadgroup"])
def test_same_records_from_a_rainbow_per_worker(project: Project, options: tuple[str, ...]) -> None:
    serial = project.report(scheduler="rainbow", apart=False)
    assert project.report(*options, scheduler="rainbow")["records"] == serial["records"]


def test_rainbow_draws_what_the_reference_draws(project: Project) -> None:
    def draws(scheduler: str) -> list[tuple[str, ...]]:
        records = project.report(scheduler=scheduler, apart=False)["records"]
        return [(each["level"], each["job"], each["iteration"], each["cluster"]) for each in records]

    assert draws("rainbow") == draws("reference")


def test_records_do_not_depend_on_which_levels_run(project: Project) -> None:
    every = project.report(apart=False)["records"]
    one = project.report("--compat-level=os", apart=False)["records"]
    assert one == [each for each in every if each["level"] == "os"]


def test_another_seed_gives_other_records(project: Project) -> None:
    first, second, again = (project.report("--compat-seed", seed, apart=False)["records"] for seed in ("1", "2", "1"))
    assert first != second
    assert first == again


def test_more_iterations_begin_with_the_same_draws(project: Project) -> None:
    few = project.report("--compat-iterations=3", apart=False)["records"]
    many = project.report("--compat-iterations=9", apart=False)["records"]
    assert few == [each for each in many if each["iteration"] < 3]


def test_figures_of_a_complete_run(project: Project) -> None:
    runs = {run["level"]: run for run in project.report(apart=False)["runs"]}
    assert {level: run["exact"]["fraction"] for level, run in runs.items()} == {
        "none": "3/8",
        "os": "3/4",
        "os+mpi": "1",
    }
    assert [run["submissions"] for run in runs.values()] == [15, 15, 15]
    assert [sum(each["assigned"] for each in run["clusters"].values()) for run in runs.values()] == [15, 15, 15]
    assert all(run["complete"] and not run["missing"] for run in runs.values())


def test_each_level_is_run_once_by_all_workers(project: Project) -> None:
    project.pytester.makeconftest("""
        import os
        from pytest_compat.schedulers.reference import ReferenceScheduler

        class Counting(ReferenceScheduler):
            def submit(self, jobspec, name, key):
                with open("submissions.txt", "a") as file:
                    print(name, file=file)
                return super().submit(jobspec, name, key)

        def pytest_compat_schedulers():
            return {"counting": Counting}
    """)
    project.run_apart("-n2", scheduler="counting")
    submitted = (project.path / "submissions.txt").read_text().split()
    assert len(submitted) == len(set(submitted)) == 45


def test_skipping_after_measuring_keeps_the_record(project: Project) -> None:
    project.pytester.makeconftest("""
        import pytest

        @pytest.fixture
        def unlucky(compat_case, compat_cluster):
            if compat_cluster == "rocky-mpich":
                pytest.skip("not today")
    """)
    before = project.report(apart=False)["records"]
    project.write(
        "test_tiny.py", (project.path / "test_tiny.py").read_text().replace("(compat_case,", "(unlucky, compat_case,")
    )
    assert project.report(apart=False)["records"] == before


def test_failing_after_measuring_keeps_the_record(project: Project) -> None:
    before = project.report(apart=False)["records"]
    project.pytester.makeconftest("""
        import pytest

        @pytest.fixture
        def unlucky(compat_case):
            raise RuntimeError("fell over")
    """)
    project.write(
        "test_tiny.py", (project.path / "test_tiny.py").read_text().replace("(compat_case,", "(unlucky, compat_case,")
    )
    document = project.report(apart=False)
    assert document["records"] == before
    assert document["errors"] == ["12 compatibility cases failed"]


def test_a_failing_assertion_is_recorded_and_fails_the_run(project: Project) -> None:
    project.write("test_tiny.py", LEVEL_TEST.replace("not compat_case.errors", "compat_case.accuracy == 1"))
    document = project.report(apart=False)
    assert document["verdict"] == "failed"
    assert document["errors"] == ["2 compatibility cases failed"]
    assert len(document["records"]) == 45


@pytest.mark.parametrize("options", [("-n2",), ("-p", "no:xdist"), ("-p", "no:terminal")], ids=str)
def test_same_records_where_jobs_are_drawn(project: Project, options: tuple[str, ...]) -> None:
    project.write("experiment.yaml", EXPERIMENT + DRAWN)
    serial = project.report(apart=False)
    other = project.report(*options)
    assert other["records"] == serial["records"]
    assert [run["submissions"] for run in serial["runs"]] == [run["expected"] for run in serial["runs"]] == [5, 5]
    assert {each["iteration"] for each in serial["records"]} == set(range(5))


@pytest.mark.parametrize(
    "options",
    [(), ("-n2",), ("-n2", "--dist=loadgroup")],
    ids=["serial", "xdist", "loadgroup"],
)
def test_lammps_as_it_ships(project: Project, lammps: Path, options: tuple[str, ...]) -> None:
    path = project.path / "report.json"
    result = project.pytester.runpytest_subprocess(
        lammps,
        "--compat-level=all",
        "--compat-iterations=20",
        f"--compat-report={path}",
        "-p",
        "no:cacheprovider",
        *options,
    )
    result.assert_outcomes(passed=384)
    runs = {run["level"]: run for run in project.read()["runs"]}
    assert {level: run["exact"]["fraction"] for level, run in runs.items()} == {
        "none": "23/864",
        "io.archspec": "23/432",
        "os": "23/216",
        "mpi": "23/288",
        "hardware": "1/24",
        "io.archspec+os": "23/108",
        "io.archspec+os+mpi": "23/36",
        "io.archspec+os+mpi+hardware": "1",
    }
    assert runs["io.archspec+os+mpi+hardware"]["score"] == 360
    for run in runs.values():
        low, high = run["exact"]["range"]
        assert low <= run["accuracy"] <= high
        assert sum(each["assigned"] for each in run["clusters"].values()) == run["submissions"] == 360
        assert not run["disagreements"]
