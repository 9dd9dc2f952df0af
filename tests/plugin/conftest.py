"""Fixtures of the pytester runs."""

from __future__ import annotations

import io
import os
from importlib import import_module
from pathlib import Path

import pytest
from compat_project import Project

KEPT = (
    *("jinja2", "jsonschema", "numpy", "pandas", "pyarrow.parquet", "rich.table", "scipy.special"),
    *(f"pytest_compat.report.{name}" for name in ("html", "markdown", "outputs", "stored", "tables", "terminal")),
    *("pytest_compat.commands.judging", "pytest_compat.plugin.verdict", "pytest_compat.study.worth"),
    *("pytest_compat.run.world", "pytest_compat.schedulers.rainbow", "pytest_compat.schedulers.reference"),
)
"""Runs of pytest in this process forget what they imported; these cannot be imported twice, or take long."""

for name in KEPT:
    import_module(name)
import_module("pandas").DataFrame({"a": [1]}).to_parquet(io.BytesIO())  # registers types, once in a process


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
