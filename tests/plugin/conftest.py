"""Fixtures of the pytester runs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from compat_project import Project

# Runs of pytest in this process forget what they imported; numpy and grpc cannot be imported twice.
import pytest_compat.judge.law
import pytest_compat.report.document
import pytest_compat.report.terminal
import pytest_compat.run.world
import pytest_compat.schedulers.rainbow
import pytest_compat.schedulers.reference

pytest_compat.judge.law.law_of_sum([], 1)


@pytest.fixture(autouse=True)
def alone(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep from the inner sessions what the outer one was told, and plugins that take long to do nothing there."""
    for name in [name for name in os.environ if name.startswith(("PYTEST_", "COMPAT_"))]:
        if name != "PYTEST_CURRENT_TEST":
            monkeypatch.delenv(name)
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:hypothesispytest -p no:benchmark")


@pytest.fixture
def project(pytester: pytest.Pytester) -> Project:
    return Project(pytester)


@pytest.fixture(scope="session")
def lammps() -> Path:
    """The folder of the experiment that ships."""
    return Path(__file__).parents[2] / "suites" / "lammps"
