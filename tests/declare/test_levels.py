"""Levels: what `--compat-level` and experiments say, and what that reveals."""

from __future__ import annotations

import pytest

from pytest_compat.declare.levels import Levels
from pytest_compat.errors import LevelError
from pytest_compat.model import Jobspec, Level, Requirement, Resource

LEVELS = Levels(
    ("io.archspec", "os", "mpi"),
    frozenset({"os:os.full", "os:os.vendor", "io.archspec:cpu.target"}),
    {"vendor": Level("vendor", ("os:os.vendor",))},
    ("none", "vendor", "prefix"),
)


def names(*specs: str) -> list[str]:
    return [level.name for level in LEVELS.resolve(specs)]


@pytest.mark.parametrize(
    ("spec", "found"),
    [
        ("none", ["none"]),
        ("single", ["io.archspec", "os", "mpi"]),
        ("prefix", ["io.archspec", "io.archspec+os", "io.archspec+os+mpi"]),
        ("all", ["none", "vendor", "io.archspec", "io.archspec+os", "io.archspec+os+mpi"]),
        ("vendor", ["vendor"]),
    ],
)
def test_groups_and_names_stand_for_levels(spec: str, found: list[str]) -> None:
    assert names(spec) == found


def test_subsets_are_every_one_of_them() -> None:
    assert len(names("subsets")) == 2**3
    assert names("subsets")[:2] == ["none", "io.archspec"]


def test_subsystems_are_named_in_the_declared_order() -> None:
    assert names("mpi + io.archspec") == names("io.archspec+mpi") == ["io.archspec+mpi"]
    assert LEVELS.canonical("os+io.archspec+os") == "io.archspec+os"


def test_specs_may_be_repeated_or_separated_by_commas() -> None:
    assert names("os,none", "os", " mpi ") == ["os", "none", "mpi"]


def test_an_attribute_reveals_only_itself() -> None:
    (level,) = LEVELS.resolve(["os:os.full+io.archspec"])
    assert level == Level("io.archspec+os:os.full", ("io.archspec", "os:os.full"))
    lines = tuple(Requirement("os", field, match="x") for field in ("os.full", "os.vendor"))
    shown = level.show(Jobspec("job", {"g": Resource("node", requires=lines)}))
    assert list(shown.requirements()) == [lines[0]]


def test_what_is_shown_is_shown_at_every_depth() -> None:
    needs = (Requirement("os", "os.full", match="x"), Requirement("mpi", "version", min="1"))
    job = Jobspec("job", {"g": Resource("node", requires=needs, within=(Resource("core", requires=needs),))})
    assert list(Level("os", ("os",)).show(job).requirements()) == [needs[0], needs[0]]
    assert list(Level("none").show(job).requirements()) == []


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        ("oss", "unknown level 'oss', did you mean 'os'?"),
        ("io.archspec+mpy", "unknown level 'io.archspec+mpy'"),
        ("os:os.name", "unknown level 'os:os.name'"),
        ("", "unknown level ''"),
        ("os,", "unknown level ''"),
        ("os++mpi", "unknown level"),
        ("none+os", "unknown level"),
    ],
)
def test_unknown_levels_are_refused_with_the_known_ones(spec: str, problem: str) -> None:
    with pytest.raises(LevelError) as caught:
        names(spec)
    assert problem in caught.value.problem
    assert "(known: none, single, prefix, subsets, all, vendor, io.archspec, os, mpi)" in caught.value.problem


def test_subsets_of_many_subsystems_are_refused() -> None:
    order = tuple(f"s{number}" for number in range(13))
    with pytest.raises(LevelError, match="8192 levels, expected at most 12 subsystems"):
        Levels(order).resolve(["subsets"])


def test_a_group_has_no_name_to_record() -> None:
    with pytest.raises(LevelError, match="stands for 3 levels, expected one"):
        LEVELS.canonical("prefix")


def test_a_subsystem_may_have_a_plus_in_its_name() -> None:
    assert Levels(("gtk+", "os")).canonical("gtk+") == "gtk+"
