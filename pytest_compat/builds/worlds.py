"""Worlds to generate builds in: packages, what they depend on, the versions there are, and what each adds to success.

What a choice adds to the log-odds of success is either next to nothing or a threshold: the versions before, or from,
some release on do not work well, by 1 to 6. That is how builds fail, and what a model that takes versions as numbers
can tell from little data.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pytest_compat.builds.draws import Draws

GRID = 2.0**-10
"""All that adds to log-odds is a multiple of this, so that floats hold every sum exactly."""

COMPILERS = {
    "gcc@4.9.3": 2, "gcc@6.1.0": 3, "gcc@7.3.0": 4, "gcc@8.3.1": 8, "gcc@9.3.1": 24, "intel@2021.5.0": 1,
    "oneapi@2022.0.0": 2,
}  # fmt: skip
"""Compilers, with how common each is."""

VARIANTS: dict[str, tuple[bool | str, ...]] = {
    "build_type": ("RelWithDebInfo", "Release", "Debug"),
    "ipo": (False,),
    "shared": (True, False),
}
"""What packages are configured by, the most common choice first. One of them is constant, as in real tables."""

_BRANCHES = ("develop", "main", "master")
_SCALE = 2**20


@dataclass(frozen=True)
class Choice:
    """Something that a build has one of several of.

    Args:
        values: What there is.
        weights: How often each is tried, integers: the common ones, and those that work, more often.
        effects: What each adds to the log-odds of success, multiples of GRID.
    """

    values: tuple[Any, ...]
    weights: Any
    effects: Any

    @property
    def mean(self) -> float:
        """What is added on average."""
        return float((self.weights * self.effects).sum() / self.weights.sum())


@dataclass(frozen=True)
class Package:
    """A package that is built.

    Args:
        name: Its name.
        intercept: What it adds to the log-odds of success by itself.
        version: Its versions.
        compiler: Compilers, as `gcc@9.3.1`.
        variants: What it is configured by, by name.
        dependencies: What it depends on, by name, sorted.
        direct: Those that it names itself.
        optional: Those that only builds of shared libraries have.
    """

    name: str
    intercept: float
    version: Choice
    compiler: Choice
    variants: dict[str, Choice]
    dependencies: dict[str, Choice]
    direct: frozenset[str]
    optional: frozenset[str]


def make_world(seed: int, packages: int, subsystems: int) -> list[Package]:
    """Return packages that depend on that many subsystems between them; each subsystem is a dependency of one or more.

    Args:
        seed: Any integer.
        packages: How many, 1 or more.
        subsystems: How many, 1 or more.
    """
    draws = Draws(seed, "subsystems")
    versions = {
        f"lib{number:03}": _versions(draws, 1 if draws.flips(0.25) else 2 + int(draws.below(9)))
        for number in range(subsystems)
    }
    return [_package(Draws(seed, "package", str(number)), number, packages, versions) for number in range(packages)]


def _package(draws: Draws, number: int, packages: int, subsystems: dict[str, tuple[str, ...]]) -> Package:
    names = list(subsystems)
    # Some subsystems are depended on by nearly all packages, as zlib is, and most by few.
    popular = [name for place, name in enumerate(names) if draws.flips(0.6 / (1 + 6 * place / len(names)))]
    needed = sorted({*popular, *names[number::packages], names[number % len(names)]})
    version = _choice(draws, _versions(draws, 3 + int(draws.below(8))), sensitive=0.7)
    compiler = _choice(draws, tuple(COMPILERS), sensitive=0.5, common=tuple(COMPILERS.values()))
    variants = {name: _choice(draws, values, sensitive=0.3) for name, values in VARIANTS.items()}
    dependencies = {name: _choice(draws, subsystems[name], sensitive=0.35) for name in needed}
    direct = frozenset(name for name in needed if draws.flips(0.4)) or frozenset(needed[:1])
    optional = frozenset(name for name in needed if draws.flips(0.15))
    mean = sum(each.mean for each in (version, compiler, *variants.values(), *dependencies.values()))
    intercept = _on_grid(0.5 + 2.5 * float(draws.units()) - mean)
    name = f"package-{number:03}"
    return Package(name, intercept, version, compiler, variants, dependencies, direct, optional)


def _choice(draws: Draws, values: tuple[Any, ...], sensitive: float, common: tuple[int, ...] = ()) -> Choice:
    """Draw what each value adds, and how often it is tried."""
    import numpy

    count = len(values)
    size, place, early, whether = draws.units(4)
    noise = 0.15 * draws.bells(count)
    effects: Any = numpy.zeros(count)
    if count > 1:
        if whether < sensitive:
            threshold = 1 + int(place * (count - 1))
            effects[slice(0, threshold) if early < 0.5 else slice(threshold, count)] = -(1 + 5 * size)
        effects = numpy.rint((effects + noise) / GRID) * GRID
    popular = numpy.array(common or [1 / (1 + rank) for rank in numpy.argsort(draws.units(count))])
    weights = numpy.rint(_SCALE * popular * numpy.exp(0.5 * effects)).astype("int64")
    return Choice(values, weights, effects)


def _on_grid(value: float) -> float:
    return round(value / GRID) * GRID


def _versions(draws: Draws, count: int) -> tuple[str, ...]:
    """Return versions in ascending order, most of them semantic: some have four numbers, letters, or are branches."""
    style, branch = draws.units(2)
    major, minor = (int(each) for each in draws.below(4, 2))
    steps = draws.below(3, count) + 1
    jumps = draws.flips(0.2, count)
    found = []
    for step, jump in zip(steps.tolist(), jumps.tolist(), strict=True):
        major, minor = (major + 1, 0) if jump else (major, minor + step)
        if style < 0.75:
            found.append(f"{major}.{minor}.{step - 1}")
        elif style < 0.85:
            found.append(f"{major}.{minor}")
        elif style < 0.93:
            found.append(f"{major}.{minor}.{step}.1")
        else:
            found.append(f"{major}.{minor}.1{'abcdefgh'[step]}")
    if count > 2 and branch < 0.2:
        found[-1] = _BRANCHES[int(branch * 15)]
    return tuple(found)
