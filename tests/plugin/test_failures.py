"""Workers, servers and schedulers that fail half-way: what was recorded is reported, and the run fails."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from compat_project import LEVEL_TEST, Project

KILL_WORKER = """
import os, signal

def pytest_runtest_call(item):
    if "PYTEST_XDIST_WORKER" in os.environ and "os+mpi" in item.name and not os.path.exists("killed"):
        open("killed", "w").close()
        os.kill(os.getpid(), signal.SIGKILL)
"""

KILL_WHILE_COMPUTING = """
import os, signal
from pytest_compat.schedulers.reference import ReferenceScheduler

class Fragile(ReferenceScheduler):
    def submit(self, jobspec, name, key):
        if name == "os/second/2" and not os.path.exists("killed"):
            open("killed", "w").close()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().submit(jobspec, name, key)

def pytest_compat_schedulers():
    return {"fragile": Fragile}
"""

SCHEDULER = """
from pytest_compat import Assignment, SchedulerError, SchedulerUnavailable
from pytest_compat.schedulers.reference import ReferenceScheduler

class Odd(ReferenceScheduler):
{methods}

def pytest_compat_schedulers():
    return {{"odd": Odd}}
"""


def odd(project: Project, methods: str, *options: str, test: str = LEVEL_TEST) -> dict[str, Any]:
    """Run with a scheduler that differs from the reference in some methods and return the report."""
    project.write("test_tiny.py", test)
    project.pytester.makeconftest(SCHEDULER.format(methods=methods))
    return project.report(*options, scheduler="odd", apart=False)


def run_at(document: dict[str, Any], level: str) -> dict[str, Any]:
    (run,) = [run for run in document["runs"] if run["level"] == level]
    return dict(run)


def test_a_worker_that_dies_fails_the_run_which_still_reports(project: Project) -> None:
    whole = project.report()["records"]
    project.pytester.makeconftest(KILL_WORKER)
    result = project.run_apart("-n2", "--compat-report=report.json")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["FAILED: *", "*worker gw? died: *"])
    document = project.read()
    assert document["verdict"] == "failed"
    assert any(re.match(r"worker gw\d died", error) for error in document["errors"])
    assert 30 <= len(document["records"]) < 45
    assert all(record in whole for record in document["records"])


def test_a_worker_that_dies_fails_lammps(project: Project, lammps: Path) -> None:
    project.write("killer.py", KILL_WORKER)
    options = ("-n4", "-p", "killer", "-p", "no:cacheprovider", "--compat-report=report.json", "--compat-level=prefix")
    result = project.run_apart(lammps, *options)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*worker gw? died: *"])
    assert len(project.read()["records"]) > 3 * 360


@pytest.mark.parametrize("restarts", ["0", "4"])
def test_a_worker_that_dies_fails_its_gate(project: Project, restarts: str) -> None:
    project.pytester.makeconftest(KILL_WORKER)
    project.write("test_tiny.py", LEVEL_TEST)
    result = project.run_apart("-n2", "--max-worker-restart", restarts, "--compat-fail-under=os+mpi:0")
    assert result.ret not in (0, pytest.ExitCode.INTERNAL_ERROR)
    result.stdout.fnmatch_lines(["FAILED: *", "*worker gw? died: *", "*gate os+mpi:0: *"])


def test_a_worker_that_dies_while_running_a_level_leaves_it_to_another(project: Project) -> None:
    whole = project.report()["records"]
    project.pytester.makeconftest(KILL_WHILE_COMPUTING)
    result = project.run_apart("-n2", "--compat-report=report.json", scheduler="fragile")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    document = project.read()
    assert any(re.match(r"worker gw\d died", error) for error in document["errors"])
    records = [{**record, "scheduler": "reference"} for record in document["records"]]
    assert records
    assert all(record in whole for record in records)


def test_a_scheduler_that_fails_some_calls(project: Project) -> None:
    document = odd(
        project,
        """
    def submit(self, jobspec, name, key):
        if name.startswith("os/first/"):
            raise SchedulerError("out of ink")
        return super().submit(jobspec, name, key)
        """,
    )
    assert document["verdict"] == "failed"
    assert run_at(document, "os")["outcomes"]["error"] == 5
    assert run_at(document, "os")["errors"] == [{"reason": "out of ink", "submissions": 5, "jobs": ["first"]}]
    assert run_at(document, "none")["outcomes"]["error"] == 0
    assert "tiny, level os: 5 of 15 submissions are errors" in document["errors"]


def test_a_scheduler_that_fails_without_a_word(project: Project) -> None:
    document = odd(
        project,
        """
    def submit(self, jobspec, name, key):
        raise SchedulerError
        """,
    )
    assert run_at(document, "os")["outcomes"]["error"] == 15
    (error,) = run_at(document, "os")["errors"]
    assert error == {"reason": "SchedulerError", "submissions": 15, "jobs": ["first", "second", "third"]}


def test_errors_without_a_cluster_fail_the_run_though_no_case_fails(project: Project) -> None:
    methods = """
    def submit(self, jobspec, name, key):
        raise SchedulerError("out of ink")
    """
    test = (project.path / "test_tiny.py").read_text()
    project.pytester.makeconftest(SCHEDULER.format(methods=methods))
    project.write("test_tiny.py", test)
    result = project.run(scheduler="odd")
    result.assert_outcomes(passed=12)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["FAILED: *", "*15 x out of ink (of first, second, third)"])


def test_a_scheduler_that_is_gone_is_not_asked_again(project: Project) -> None:
    document = odd(
        project,
        """
    def _gone(self, name):
        with open("calls.txt", "a") as file:
            print(name, file=file)

    def submit(self, jobspec, name, key):
        self._gone(name)
        if name == "os/second/1":
            raise SchedulerUnavailable("it burnt down")
        return super().submit(jobspec, name, key)

    def receive(self, cluster):
        self._gone("receive")
        return super().receive(cluster)
        """,
    )
    calls = (project.path / "calls.txt").read_text().split()
    assert calls[-1] == "os/second/1"
    assert run_at(document, "none")["outcomes"]["error"] == 0
    assert run_at(document, "os")["outcomes"]["error"] == 15
    lost = run_at(document, "os+mpi")
    assert (lost["outcomes"]["error"], lost["exact"], lost["candidates"]) == (15, None, None)
    reasons = {each["reason"]: each["submissions"] for each in run_at(document, "os")["errors"]}
    assert reasons["it burnt down"] == 1
    assert reasons["not tried, the scheduler was lost: it burnt down"] == 10
    assert document["verdict"] == "failed"


def test_a_scheduler_that_does_not_start(project: Project) -> None:
    document = odd(
        project,
        """
    def open(self, clusters):
        with open("opened.txt", "a") as file:
            print("once", file=file)
        raise SchedulerUnavailable("the key is lost")
        """,
        test=(project.path / "test_tiny.py").read_text(),
    )
    assert (project.path / "opened.txt").read_text().split() == ["once"]
    assert document["errors"] == ["12 compatibility cases failed"]
    assert document["runs"] == []


def test_a_scheduler_that_names_unknown_clusters(project: Project) -> None:
    document = odd(
        project,
        """
    def candidates(self, jobspec):
        return ["atlantis", *super().candidates(jobspec)]

    def submit(self, jobspec, name, key):
        return Assignment("atlantis")
        """,
    )
    run = run_at(document, "os")
    assert (run["outcomes"]["error"], run["exact"], run["clusters"]) == (15, None, {})
    assert any("'atlantis'" in each["reason"] for each in run["errors"])
    assert all(record["cluster"] is None for record in document["records"])


def test_a_scheduler_that_assigns_to_no_candidate(project: Project) -> None:
    document = odd(
        project,
        """
    def submit(self, jobspec, name, key):
        self._queues.setdefault("ubuntu-mpich", []).append(name)
        return Assignment("ubuntu-mpich")
        """,
    )
    run = run_at(document, "os")
    assert run["outcomes"] == {"correct": 0, "compatible": 5, "incorrect": 0, "missed": 0, "rejected": 0, "error": 10}
    assert {each["reason"] for each in run["errors"]} == {
        "assigned to ubuntu-mpich, which the reference does not call a candidate"
    }
    assert run["clusters"] == {"ubuntu-mpich": {"assigned": 15, "score": 2.5}}
    assert run_at(document, "none")["outcomes"]["error"] == 0


def test_a_scheduler_that_disagrees_with_the_reference(project: Project) -> None:
    document = odd(
        project,
        """
    def candidates(self, jobspec):
        found = super().candidates(jobspec)
        return ["ubuntu-mpich", *found[1:]] if jobspec.name == "first" else found

    def submit(self, jobspec, name, key):
        return Assignment(super().submit(jobspec, name, key).cluster)
        """,
        "--compat-level=os",
    )
    run = run_at(document, "os")
    assert run["disagreements"] == [
        {"job": "first", "cluster": "rocky-mpich", "said": False, "expected": True}
        | {"asked": 1, "said_times": 0, "stable": True},
        {"job": "first", "cluster": "ubuntu-mpich", "said": True, "expected": False}
        | {"asked": 1, "said_times": 1, "stable": True},
    ]
    assert run["differing"] == {"total": 2, "listed": 2, "unstable": 0, "many": 1, "few": 1}
    assert run["exact"]["fraction"] == "7/12"
    assert run["outcomes"]["error"] == 0


def test_a_scheduler_that_loses_jobs(project: Project) -> None:
    document = odd(
        project,
        """
    def receive(self, cluster):
        return super().receive(cluster)[1:]
        """,
        "--compat-level=os+mpi",
    )
    run = run_at(document, "os+mpi")
    assert run["outcomes"]["error"] == 3
    assert "assigned to rocky-mpich, received by nobody" in {each["reason"] for each in run["errors"]}


def test_a_scheduler_that_delivers_to_another_cluster(project: Project) -> None:
    document = odd(
        project,
        """
    def receive(self, cluster):
        return super().receive({"rocky-mpich": "rocky-openmpi", "rocky-openmpi": "rocky-mpich"}.get(cluster, cluster))
        """,
        "--compat-level=os+mpi",
    )
    run = run_at(document, "os+mpi")
    assert run["outcomes"]["error"] == 10
    assert {each["reason"]: each["submissions"] for each in run["errors"]} == {
        "assigned to rocky-mpich, received by rocky-openmpi": 5,
        "assigned to rocky-openmpi, received by rocky-mpich": 5,
    }


def test_a_scheduler_that_delivers_twice(project: Project) -> None:
    document = odd(
        project,
        """
    def receive(self, cluster):
        return super().receive(cluster) * 2
        """,
        "--compat-level=os+mpi",
    )
    assert run_at(document, "os+mpi")["outcomes"]["error"] == 15


def test_a_scheduler_that_delivers_what_it_denied(project: Project) -> None:
    document = odd(
        project,
        """
    def submit(self, jobspec, name, key):
        super().submit(jobspec, name, key)
        return Assignment(None)
        """,
        "--compat-level=os+mpi",
    )
    run = run_at(document, "os+mpi")
    assert (run["outcomes"]["error"], run["outcomes"]["missed"]) == (15, 0)


def test_a_cluster_that_cannot_receive(project: Project) -> None:
    test = (project.path / "test_tiny.py").read_text()
    methods = """
    def receive(self, cluster):
        if cluster == "rocky-mpich":
            raise SchedulerError("nobody home")
        return super().receive(cluster)
    """
    document = odd(project, methods, "--compat-level=os+mpi", test=test)
    assert run_at(document, "os+mpi")["outcomes"]["error"] == 5
    assert "tiny, level os+mpi: 1 clusters could not receive their jobs" in document["errors"]
    assert "1 compatibility case failed" in document["errors"]


def test_a_scheduler_that_assigns_nothing(project: Project) -> None:
    document = odd(
        project,
        """
    def candidates(self, jobspec):
        return []

    def submit(self, jobspec, name, key):
        return Assignment(None)
        """,
        "--compat-level=os+mpi",
    )
    run = run_at(document, "os+mpi")
    assert run["outcomes"]["missed"] == 15
    assert (run["accuracy"], run["assigned_accuracy"]) == (0, None)
    assert (run["exact"]["accuracy"], run["exact"]["unmatched"]) == (0, 1)
    assert document["verdict"] == "passed"


def test_a_job_that_nobody_could_take_is_rejected(project: Project) -> None:
    text = (
        (project.path / "experiment.yaml")
        .read_text()
        .replace("third: {requires: {os: {os.name: rocky}", "third: {requires: {os: {os.name: plan9}")
    )
    project.write("experiment.yaml", text)
    run = run_at(project.report("--compat-level=os", apart=False), "os")
    assert run["outcomes"]["rejected"] == 5
    assert run["outcomes"]["missed"] == 0


def test_any_exception_of_a_scheduler_is_an_error_of_the_submission(project: Project) -> None:
    project.write("test_tiny.py", LEVEL_TEST)
    project.pytester.makeconftest(SCHEDULER.format(methods="    def submit(self, *_):\n        raise KeyError('oops')"))
    result = project.run("--compat-report=report.json", scheduler="odd")
    result.assert_outcomes(failed=3)
    result.stdout.fnmatch_lines(["none: 15 x KeyError: 'oops' *"])
    assert run_at(project.read(), "os")["outcomes"]["error"] == 15


def test_a_scheduler_that_cannot_be_opened_is_not_opened_again_for_every_case(project: Project) -> None:
    project.pytester.makeconftest(
        SCHEDULER.format(
            methods="    def open(self, _):\n        print('OPENED')\n        raise RuntimeError('no room')"
        )
    )
    result = project.run("-s", scheduler="odd")
    result.stdout.fnmatch_lines(["*the scheduler could not be started: RuntimeError: no room"])
    assert result.stdout.str().count("OPENED") == 1


@pytest.mark.parametrize("options", [("--continue-on-collection-errors",), ("-n2",)], ids=["serial", "parallel"])
def test_an_experiment_that_cannot_be_collected_fails_the_verdict(project: Project, options: tuple[str, ...]) -> None:
    project.write("broken.yaml", "experiment: [")
    project.write("test_broken.py", LEVEL_TEST.replace("experiment.yaml", "broken.yaml"))
    document = project.report(*options)
    assert document["verdict"] == "failed"
    assert "test_broken.py could not be collected" in document["errors"]


def test_facts_that_were_lost_with_a_worker_fail_the_verdict(project: Project) -> None:
    project.pytester.makeconftest("""
        import pytest

        @pytest.hookimpl(wrapper=True, tryfirst=True)
        def pytest_runtest_makereport(item):
            report = yield
            getattr(report, "compat", {}).pop("facts", None)
            return report
    """)
    document = project.report(apart=False)
    assert document["verdict"] == "failed"
    assert "tiny, level os: what holds for the level was lost with a worker" in document["errors"]


def test_a_scheduler_is_closed_also_after_a_failure(project: Project) -> None:
    project.pytester.makeconftest(
        SCHEDULER.format(
            methods="""
    def open(self, clusters):
        raise SchedulerError("no")

    def close(self):
        open("closed.txt", "w").close()
        """
        )
    )
    project.run(scheduler="odd")
    assert (project.path / "closed.txt").exists()


@pytest.mark.parametrize("way", [(), ("-n2",)], ids=["serial", "xdist"])
def test_a_rainbow_that_is_killed_makes_errors_of_what_it_held(project: Project, way: tuple[str, ...]) -> None:
    project.pytester.makeconftest("""
        import os, signal
        from pytest_compat.rainbow.process import RainbowProcess
        from pytest_compat.schedulers.rainbow import EmbeddedRainbow

        submit = EmbeddedRainbow.submit

        def fatal(self, jobspec, name, key):
            if name == "os/second/2":
                os.kill(self._process.pid, signal.SIGKILL)
            return submit(self, jobspec, name, key)

        EmbeddedRainbow.submit = fatal
    """)
    result = project.run_apart(*way, "--compat-report=report.json", scheduler="rainbow")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert result.duration < 40
    document = project.read()
    run = run_at(document, "os")
    assert run["outcomes"]["error"] == run["expected"] == run["submissions"] == 15
    assert document["verdict"] == "failed"
    if not way:
        assert run_at(document, "none")["outcomes"]["error"] == 0
        assert run_at(document, "os+mpi")["outcomes"]["error"] == 0
