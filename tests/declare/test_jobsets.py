"""Job sets: what all jobs ask for, and what each needs."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_compat.declare.jobsets import build_jobs
from pytest_compat.errors import DeclarationError
from pytest_compat.model import Requirement, Resource, Task

ROCKY = {"requires": {"os": {"os.full": "rocky8"}}}
LINE = (Requirement("os", "os.full", match="rocky8"),)


def test_a_job_is_one_node_that_needs_what_is_declared() -> None:
    (job,) = build_jobs({"jobs": {"red": ROCKY}})
    assert job.name == "red"
    assert job.groups == {"job": Resource("node", 1, True, LINE)}
    assert job.tasks == (Task(("true",), "job"),)


def test_what_is_shared_may_be_overridden() -> None:
    one, other = build_jobs(
        {
            "jobset": "lammps",
            "resources": {"type": "node", "replicas": 2},
            "command": ["lmp"],
            "jobs": {"cpu": {}, "gpu": {"command": ["lmp_gpu"], "resources": {"type": "node", "replicas": 4}}},
        }
    )
    assert (one.tasks[0].command, one.groups["lammps"].count) == (("lmp",), 2)
    assert (other.tasks[0].command, other.groups["lammps"].count) == (("lmp_gpu",), 4)


def test_needs_are_required_of_the_outermost_nodes() -> None:
    resources = {"type": "rack", "with": [{"type": "node", "with": [{"type": "node"}]}, {"type": "core"}]}
    (job,) = build_jobs({"resources": resources, "jobs": {"red": ROCKY}})
    inner = (Resource("node", requires=LINE, within=(Resource("node"),)), Resource("core"))
    assert job.groups["job"] == Resource("rack", 1, True, within=inner)


def test_ranges_are_objects() -> None:
    (job,) = build_jobs({"jobs": {"red": {"requires": {"gcc": {"version": {"min": "9", "max": "12.1"}}}}}})
    assert list(job.requirements()) == [Requirement("gcc", "version", min="9", max="12.1")]


def test_axes_stand_for_every_combination() -> None:
    jobs = build_jobs(
        {
            "requires": {"gpu": {"there": "no"}},
            "axes": {
                "os": {"rocky": {"requires": {"os": {"name": "rocky"}}}, "bare": None},
                "size": {"one": {"command": ["a"]}, "two": {"resources": {"type": "node", "replicas": 2}}},
            },
            "jobs": {"alone": {}},
        }
    )
    assert [job.name for job in jobs] == ["alone", "rocky-one", "rocky-two", "bare-one", "bare-two"]
    gpu, rocky = Requirement("gpu", "there", match="no"), Requirement("os", "name", match="rocky")
    assert [list(job.requirements()) for job in jobs] == [[gpu], [gpu, rocky], [gpu, rocky], [gpu], [gpu]]
    assert [job.tasks[0].command for job in jobs] == [("true",), ("a",), ("true",), ("a",), ("true",)]
    assert [job.groups["job"].count for job in jobs] == [1, 1, 2, 1, 2]


@pytest.mark.parametrize(
    ("jobset", "path", "problem"),
    [
        (
            {"axes": {"a": {"x": {"requires": {"os": {"v": "1"}}}}, "b": {"y": {"requires": {"os": {"v": "2"}}}}}},
            "axes",
            "found os v required by x and by y",
        ),
        (
            {"requires": {"os": {"v": "1"}}, "jobs": {"a": ROCKY | {"requires": {"os": {"v": "2"}}}}},
            "jobs.a",
            "all jobs",
        ),
        ({"axes": {"a": {"x-y": None, "x": None}, "b": {"z": None, "y-z": None}}}, "axes", "two jobs called 'x-y-z'"),
        ({"axes": {str(axis): dict.fromkeys(map(str, range(101))) for axis in range(4)}}, "axes", "104060401"),
        ({"resources": {"type": "rack"}, "jobs": {"a": ROCKY}}, "jobs.a.resources", "without a 'node'"),
        ({"jobs": {"a": {"requires": {"os": {"v": {}}}}}}, "jobs.a.requires.os.v", "either `match`"),
        ({"jobs": {"a": {"requires": {"os": {"v": {"match": "1", "min": "1"}}}}}}, "jobs.a.requires.os.v", "either"),
        ({"resources": {"type": "node", "count": -5}, "jobs": {"a": {}}}, "resources.job.count", "found -5"),
    ],
)
def test_what_is_no_job_set_is_refused(jobset: dict[str, Any], path: str, problem: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        build_jobs(jobset)
    assert caught.value.path == path
    assert problem in caught.value.problem
