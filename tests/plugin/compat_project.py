"""A small project to run pytest in: 4 clusters, 3 jobs, 3 levels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pytest_compat.commands import main
from pytest_compat.declare.catalog import load_experiment

EXPERIMENT = """
experiment: tiny
clusters:
  subsystems:
    os: {os.name: [rocky, ubuntu]}
    mpi: {mpi.name: [mpich, openmpi]}
jobs:
  jobs:
    first: {requires: {os: {os.name: rocky}, mpi: {mpi.name: mpich}}}
    second: {requires: {os: {os.name: ubuntu}, mpi: {mpi.name: openmpi}}}
    third: {requires: {os: {os.name: rocky}, mpi: {mpi.name: openmpi}}}
truth:
- {score: 1, unmet: []}
- {score: 0.5, unmet: [mpi]}
iterations: 5
"""

TEST = """
import pytest

@pytest.mark.compat("experiment.yaml")
def test_tiny(compat_case, compat_cluster):
    assert not compat_case.errors
"""

LEVEL_TEST = """
import pytest

@pytest.mark.compat("experiment.yaml")
def test_tiny(compat_case):
    assert not compat_case.errors
"""

CHECK_TEST = """
import pytest

@pytest.mark.compat("experiment.yaml")
def test_tiny(compat_case, compat_cluster):
    compat_case.check()
"""

ODD_SCHEDULERS = """
from pytest_compat import Assignment, SchedulerError
from pytest_compat.model import Level
from pytest_compat.schedulers.reference import ReferenceScheduler

class Biased(ReferenceScheduler):
    "Takes the first candidate."

    def submit(self, jobspec, name, key):
        candidates = self.candidates(jobspec)
        self._queues.setdefault(candidates[0], []).append(name)
        return Assignment(candidates[0], candidates)

class First(Biased):
    "Takes the first candidate, and names no other."

    def candidates(self, jobspec):
        return super().candidates(jobspec)[:1]

class Blind(ReferenceScheduler):
    "Sees no cluster for one job."

    def candidates(self, jobspec):
        return [] if jobspec.name == "first" else super().candidates(jobspec)

    def submit(self, jobspec, name, key):
        return Assignment(None, []) if jobspec.name == "first" else super().submit(jobspec, name, key)

class Idle(ReferenceScheduler):
    "Assigns one job to none of its candidates."

    def submit(self, jobspec, name, key):
        if jobspec.name == "first":
            return Assignment(None, self.candidates(jobspec))
        return super().submit(jobspec, name, key)

class Lossy(ReferenceScheduler):
    "Ignores what a job requires of MPI."

    def candidates(self, jobspec):
        return super().candidates(Level("os", ("os",)).show(jobspec))

    def submit(self, jobspec, name, key):
        return super().submit(Level("os", ("os",)).show(jobspec), name, key)

class Tired(ReferenceScheduler):
    "Fails to submit one job."

    def submit(self, jobspec, name, key):
        if jobspec.name == "first":
            raise SchedulerError("out of ink")
        return super().submit(jobspec, name, key)

def pytest_compat_schedulers():
    return {each.__name__.lower(): each for each in (Biased, First, Blind, Idle, Lossy, Tired)}
"""
"""Schedulers that differ from the reference in one thing each."""


class Project:
    """A folder with an experiment and a test, and pytest to run in it."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self.pytester = pytester
        self.path = pytester.path
        self.write("experiment.yaml", EXPERIMENT)
        self.write("test_tiny.py", TEST)

    def write(self, name: str, text: str) -> Path:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def run(self, *options: str | Path, scheduler: str = "reference") -> pytest.RunResult:
        """Run pytest in this process, which forgets what it read of experiments before."""
        load_experiment.cache_clear()
        return self.pytester.runpytest_inprocess(f"--compat-scheduler={scheduler}", *options)

    def run_apart(self, *options: str | Path, scheduler: str = "reference") -> pytest.RunResult:
        """Run pytest in a process of its own."""
        return self.pytester.runpytest_subprocess(f"--compat-scheduler={scheduler}", *options, timeout=60)

    def report(self, *options: str | Path, scheduler: str = "reference", apart: bool = True) -> dict[str, Any]:
        """Run pytest and return the report it wrote."""
        path = self.path / "report.json"
        path.unlink(missing_ok=True)
        run = self.run_apart if apart else self.run
        run(f"--compat-report={path}", *options, scheduler=scheduler)
        return self.read()

    def offline(self, *arguments: str | Path) -> int:
        """Run `python -m pytest_compat` in this process and return its exit status."""
        try:
            return main([str(each) for each in arguments])
        except SystemExit as stopped:
            return int(stopped.code or 0)

    def read(self, name: str = "report.json") -> dict[str, Any]:
        """Return a report that was written."""
        document: dict[str, Any] = json.loads((self.path / name).read_text(encoding="utf-8"))
        return document
