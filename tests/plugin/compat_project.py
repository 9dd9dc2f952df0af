"""A small project to run pytest in: 4 clusters, 3 jobs, 3 levels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

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
        """Run pytest in this process."""
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

    def read(self, name: str = "report.json") -> dict[str, Any]:
        """Return a report that was written."""
        document: dict[str, Any] = json.loads((self.path / name).read_text(encoding="utf-8"))
        return document
