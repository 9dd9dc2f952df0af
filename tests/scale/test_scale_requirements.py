"""Which clusters meet a requirement of a step."""

from __future__ import annotations

import numpy
import pytest

from pytest_compat.model import Requirement
from pytest_compat.scale.bits import unpacked
from pytest_compat.scale.problem import FIELD, Problem, make_step
from pytest_compat.scale.scores import Meeting

HAVE = ("1.9", "1.10", "1.10.3", "2.0", "2.0.9", "2.1.0-rc.1", "v3", "develop", "1.2.3.4")


def meeting(**bounds: str) -> list[str]:
    """Return the versions on clusters that meet a requirement; the last cluster has none at all."""
    codes = [*range(len(HAVE)), -1]
    step = make_step("zlib", {0: Requirement("zlib", FIELD, **bounds)}, HAVE, codes)
    found = unpacked(step.masks[0], len(codes)).tolist()
    assert found[-1] is False
    return [version for version, meets in zip(HAVE, found[:-1], strict=True) if meets]


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ({"match": "2.0"}, ["2.0"]),
        ({"match": "2"}, []),
        ({"match": "develop"}, ["develop"]),
        ({"match": "3"}, []),
        ({"min": "1.10", "max": "2.0.9"}, ["1.10", "1.10.3", "2.0", "2.0.9"]),
        ({"min": "1.10.1", "max": "2.0.8"}, ["1.10.3", "2.0"]),
        ({"min": "1.10", "max": "1.10"}, ["1.10", "1.10.3"]),
        ({"min": "2", "max": "2"}, ["2.0", "2.0.9"]),
        ({"max": "1"}, ["1.9", "1.10", "1.10.3"]),
        ({"min": "2.0.9"}, ["2.0.9", "v3"]),
        ({"min": "3", "max": "1"}, []),
        ({"min": "2.1.0-rc.1", "max": "2.1.0-rc.1"}, ["2.1.0-rc.1"]),
        ({"min": "develop"}, []),
        ({"min": "0", "max": "1.2.3.4"}, []),
    ],
    ids=str,
)
def test_clusters_that_meet(bounds: dict[str, str], expected: list[str]) -> None:
    assert meeting(**bounds) == expected


def test_equal_requirements_are_one() -> None:
    two, three = (Requirement("zlib", FIELD, min=low) for low in ("2", "3"))
    step = make_step("zlib", {7: two, 2: three, 4: Requirement("zlib", FIELD, min="2")}, HAVE, [0, 3])
    assert step.jobs.tolist() == [2, 4, 7]
    assert [step.requirements[place] for place in step.wants] == [three, two, two]
    assert len(step.requirements) == len(step.masks) == 2


def test_a_subsystem_that_nobody_requires() -> None:
    step = make_step("zlib", {}, HAVE, [0, 1, -1])
    assert (len(step.jobs), step.requirements, step.masks.shape) == (0, (), (0, 1))


def test_levels_are_numbered_so_that_names_sort_as_they_come() -> None:
    steps = tuple(make_step(f"s{number}", {}, (), [-1]) for number in range(12, 0, -1))
    levels = Problem("p", ("j",), ("k",), ("c",), steps, {}).levels
    assert levels[:3] == ("00-none", "01-s12", "02-s11")
    assert sorted(levels) == list(levels)


def test_a_cluster_scores_one_where_it_meets_all_that_is_required_and_zero_elsewhere() -> None:
    steps = (
        make_step("zlib", {0: Requirement("zlib", FIELD, min="2")}, HAVE, [0, 3, 6, 6]),
        make_step("cmake", {0: Requirement("cmake", FIELD, max="2"), 2: Requirement("cmake", FIELD, match="x")},
                  HAVE, [0, 3, 6, -1]),
    )  # fmt: skip
    scores = Meeting(steps, 4)
    assert scores.block(numpy.arange(3)).tolist() == [[0, 1, 0, 0], [1, 1, 1, 1], [0, 0, 0, 0]]
    assert scores.block(numpy.array([2, 0])).tolist() == [[0, 0, 0, 0], [0, 1, 0, 0]]


@pytest.mark.parametrize("change", ["jobs", "packages", "clusters", "requirement", "installed", "nothing"])
def test_the_version_of_a_problem_tells_what_is_in_it(change: str) -> None:
    def problem(what: str) -> Problem:
        wanted = Requirement("zlib", FIELD, min="9" if what == "requirement" else "2")
        step = make_step("zlib", {0: wanted}, HAVE, [0, 1 if what == "installed" else 6])
        return Problem(
            "p",
            ("other",) if what == "jobs" else ("job",),
            ("other",) if what == "packages" else ("package",),
            ("a", "other") if what == "clusters" else ("a", "b"),
            (step,),
            {},
        )

    assert (problem(change).version() == problem("").version()) == (change == "nothing")
