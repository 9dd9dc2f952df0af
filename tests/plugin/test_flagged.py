"""A selector that is a little unfair is flagged on the experiment that ships, and the reference is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from compat_project import Project

ALMOST_FAIR = """
from hashlib import sha256

from pytest_compat import Assignment
from pytest_compat.matching import choose
from pytest_compat.schedulers.reference import ReferenceScheduler

class AlmostFair(ReferenceScheduler):
    "Takes the first candidate one time in ten, and any other time any."

    def submit(self, jobspec, name, key):
        candidates = sorted(self.candidates(jobspec))
        lazy = sha256(f"lazy {key}".encode()).digest()[0] < 26
        cluster = candidates[0] if lazy else choose(candidates, key)
        self._queues.setdefault(cluster, []).append(name)
        return Assignment(cluster, candidates)

def pytest_compat_schedulers():
    return {"almost-fair": AlmostFair}
"""

TEST = """
import pytest

@pytest.mark.compat("suites/experiment.yaml")
def test_lammps(compat_case):
    compat_case.check()
"""


@pytest.fixture
def shipped(project: Project, lammps: Path) -> Project:
    """The experiment that ships, one case per level."""
    project.pytester.makeconftest(ALMOST_FAIR)
    project.write("test_tiny.py", TEST.replace("suites/experiment.yaml", str(lammps / "experiment.yaml")))
    return project


def flags(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [*document["flags"], *(flag for run in document["runs"] for flag in run["flags"])]


@pytest.mark.parametrize("seed", range(3))
def test_one_lazy_choice_in_ten_is_flagged(shipped: Project, seed: int) -> None:
    options = (f"--compat-seed={seed}", "--compat-iterations=20", "--compat-gate=flags<=0")
    document = shipped.report(*options, scheduler="almost-fair", apart=False)
    assert "selection" in {flag["kind"] for flag in flags(document)}
    assert document["verdict"] == "failed"
    assert any(error.startswith("gate flags<=0 at ") for error in document["errors"])


@pytest.mark.parametrize("seed", range(10))
def test_the_reference_is_not_flagged(shipped: Project, seed: int) -> None:
    options = (f"--compat-seed={seed}", "--compat-iterations=20", "--compat-gate=flags<=0")
    document = shipped.report(*options, apart=False)
    assert flags(document) == []
    assert document["verdict"] == "passed"
    assert all(run["tests"]["score"] is not None for run in document["runs"])


def test_flags_are_shown_and_do_not_fail_a_run_by_themselves(shipped: Project) -> None:
    result = shipped.run("--compat-iterations=20", scheduler="almost-fair")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["PASSED: *", "*flagged: *"])
