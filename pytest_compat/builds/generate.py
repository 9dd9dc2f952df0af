"""Generated builds with a known truth, in the shape of real ones.

Builds come in families, as real ones do, where few things are changed between one spec and the next: a job takes what
its family has and draws some of it again. Whether it succeeds is drawn with the probability that the truth gives it, by
itself: members of a family are alike for what they have in common, and for no other reason.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from pytest_compat.builds.draws import Draws, pick
from pytest_compat.builds.format import BOTH, OTHER_FAILURE, ROOT_FAILURE, SUCCESS
from pytest_compat.builds.truth import COMPILER, DEPENDENCY, INTERCEPT, VARIANT, VERSION, Truth
from pytest_compat.builds.worlds import VARIANTS, Choice, Package, make_world
from pytest_compat.errors import DeclarationError

if TYPE_CHECKING:
    import pandas

PACKAGES, SUBSYSTEMS = 50, 113
"""The shape of the original experiment; with versions, compilers and variants builds have 119 features."""

FAMILIES = 100
"""Families of each package."""

CHANGED = 0.2
"""Chance that a member of a family has something drawn again."""

FAILED_ELSEWHERE, FAILED_ONCE = 0.15, 0.01
"""Chances that a build is no more than another failure, or both a success and an error, whatever it is."""


@dataclass(frozen=True)
class Generated:
    """Builds and the truth behind them.

    Args:
        frame: A table of builds.
        truth: With which probability each succeeds, given that it is a success or a root failure.
    """

    frame: pandas.DataFrame
    truth: Truth


def generate_builds(
    jobs: int, seed: int, packages: int = PACKAGES, subsystems: int = SUBSYSTEMS, *, explored: bool = False
) -> Generated:
    """Generate builds.

    The truth depends on the seed, `packages` and `subsystems` alone, and job k on these and k: fewer jobs are the first
    of more. Draws are the same on any machine.

    Args:
        jobs: How many, 1 or more.
        seed: Any integer.
        packages: How many packages they are of.
        subsystems: How many packages those depend on.
        explored: False: dependencies have versions that people try, more often those that work. True: each version is
            as likely as any other, as on clusters of randomly chosen software; the builds are the same otherwise.

    Raises:
        DeclarationError: One of the three is below 1.
    """
    import numpy
    import pandas

    for what, count in (("jobs", jobs), ("packages", packages), ("subsystems", subsystems)):
        if count < 1:
            raise DeclarationError(f"found {count} {what}, expected 1 or more")
    world = make_world(seed, packages, subsystems)
    truth = _truth(world)
    # Some packages are built ten times as often as others.
    common = numpy.rint(2**20 / (5 + numpy.arange(packages)))
    which = Draws(seed, "jobs").weighted(common, jobs)
    parts = [
        _builds(package, numpy.flatnonzero(which == number), seed, explored)
        for number, package in enumerate(world)
        if (which == number).any()
    ]
    frame = pandas.concat(parts).sort_index()
    frame.insert(0, "spec", [_identifier(seed, number) for number in range(jobs)])
    draws = Draws(seed, "labels").units(jobs, 2)
    labels = numpy.where(draws[:, 0] < truth.recorded(frame), SUCCESS, ROOT_FAILURE).astype(object)
    labels[draws[:, 1] < FAILED_ELSEWHERE] = OTHER_FAILURE
    labels[draws[:, 1] >= 1 - FAILED_ONCE] = BOTH
    frame.insert(5, "label", labels)
    culprits = frame.pop("culprit").astype("Int32")
    frame.insert(6, "error_cluster", culprits.where(frame["label"] == ROOT_FAILURE))
    return Generated(frame, truth)


def _builds(package: Package, rows: Any, seed: int, explored: bool) -> pandas.DataFrame:
    """Return the builds of a package without labels, at the row numbers given.

    Their `culprit` is the number among the package's dependencies, from 1, of the one that does most harm; 0 is for
    none.
    """
    import numpy
    import pandas

    families = Draws(seed, "families", package.name).weighted(
        numpy.rint(2**20 / (2 + numpy.arange(FAMILIES))), len(rows)
    )
    choices = [package.version, package.compiler, *package.variants.values(), *package.dependencies.values()]
    codes = _codes(choices, families, Draws(seed, "bases", package.name), Draws(seed, "changes", package.name))
    version, compiler = (
        numpy.array(choice.values, dtype=object)[codes[:, place]]
        for place, choice in enumerate((package.version, package.compiler))
    )
    first = 2 + len(VARIANTS)
    if explored:
        units = Draws(seed, "explored", package.name).units(len(rows), len(package.dependencies))
        for place, choice in enumerate(package.dependencies.values()):
            codes[:, first + place] = pick(numpy.ones(len(choice.values), dtype="int64"), units[:, place])
    configured = [
        {name: choice.values[code] for (name, choice), code in zip(package.variants.items(), some, strict=True)}
        for some in codes[:, 2:first].tolist()
    ]
    names = numpy.array(list(package.dependencies), dtype=object)
    versions = numpy.column_stack([
        numpy.array(choice.values, dtype=object)[codes[:, first + place]]
        for place, choice in enumerate(package.dependencies.values())
    ])  # fmt: skip
    harm = numpy.column_stack([
        choice.effects[codes[:, first + place]] for place, choice in enumerate(package.dependencies.values())
    ])  # fmt: skip
    plain = numpy.array([name not in package.optional for name in names])
    here = [plain | bool(each["shared"]) for each in configured]
    direct = numpy.array([name in package.direct for name in names])
    harm[~numpy.array(here)] = 0
    return pandas.DataFrame(
        {
            "package": package.name,
            "version": version,
            "compiler": [each.partition("@")[0] for each in compiler],
            "compiler_version": [each.partition("@")[2] for each in compiler],
            "variants": [json.dumps(each) for each in configured],
            "dep_names": [names[mask] for mask in here],
            "dep_versions": [row[mask] for row, mask in zip(versions, here, strict=True)],
            "direct_deps": [names[mask & direct] for mask in here],
            "culprit": numpy.where(harm.min(axis=1) < -1, harm.argmin(axis=1) + 1, 0),
        },
        index=rows,
    )


def _codes(choices: list[Choice], families: Any, bases: Draws, changes: Draws) -> Any:
    """Return which value of each choice each build has, of shape (builds, choices)."""
    import numpy

    family = bases.units(FAMILIES, len(choices))[families]
    drawn = changes.units(len(families), len(choices), 2)
    units = numpy.where(drawn[..., 0] < CHANGED, drawn[..., 1], family)
    return numpy.column_stack([pick(choice.weights, units[:, place]) for place, choice in enumerate(choices)])


def _truth(world: list[Package]) -> Truth:
    effects = {}
    for package in world:
        effects[package.name, INTERCEPT, "", ""] = package.intercept
        choices = [
            (VERSION, "", package.version),
            (COMPILER, "", package.compiler),
            *((VARIANT, name, choice) for name, choice in package.variants.items()),
            *((DEPENDENCY, name, choice) for name, choice in package.dependencies.items()),
        ]
        for part, name, choice in choices:
            for value, effect in zip(choice.values, choice.effects.tolist(), strict=True):
                text = json.dumps(value) if part == VARIANT else value
                effects[package.name, part, name, text] = effect
    return Truth(effects)


def _identifier(seed: int, number: int) -> str:
    return blake2b(f"{seed}:{number}".encode(), digest_size=8).hexdigest()
