"""pytest-compat: how well a scheduler matches jobs to clusters, measured with pytest.

The names below are for tests and schedulers of one's own; they are loaded when first asked for, because pytest imports
this package in every project it is installed for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_compat.declare.catalog import Experiment, load_experiment
    from pytest_compat.errors import CompatError, DeclarationError, SchedulerError, SchedulerUnavailable
    from pytest_compat.matching import Index
    from pytest_compat.model import Cluster, Graph, Jobspec, Level, Requirement, Resource, Task, Vertex
    from pytest_compat.records import LevelRun, Submission
    from pytest_compat.run.case import Case
    from pytest_compat.schedulers import Assignment, Scheduler

__version__ = "0.1.0"

_HOMES = {
    "declare.catalog": ("Experiment", "load_experiment"),
    "errors": ("CompatError", "DeclarationError", "SchedulerError", "SchedulerUnavailable"),
    "matching": ("Index",),
    "model": ("Cluster", "Graph", "Jobspec", "Level", "Requirement", "Resource", "Task", "Vertex"),
    "records": ("LevelRun", "Submission"),
    "run.case": ("Case",),
    "schedulers": ("Assignment", "Scheduler"),
}

__all__ = [
    "Assignment",
    "Case",
    "Cluster",
    "CompatError",
    "DeclarationError",
    "Experiment",
    "Graph",
    "Index",
    "Jobspec",
    "Level",
    "LevelRun",
    "Requirement",
    "Resource",
    "Scheduler",
    "SchedulerError",
    "SchedulerUnavailable",
    "Submission",
    "Task",
    "Vertex",
    "load_experiment",
]


def __getattr__(name: str) -> object:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"pytest_compat.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
