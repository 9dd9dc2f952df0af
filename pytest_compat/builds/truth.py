"""The truth behind generated builds: with which probability each succeeds, wherever it is sent.

The log-odds of success of a build of a package are a sum: an intercept of the package, and what its version, its
compiler, each of its variants and the version of each of its dependencies add (an additive logistic model per package).
Only the last depend on the cluster: log-odds(job, cluster) = own(job) + sum over the job's dependencies d of
table(package, d, version of d on the cluster).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_compat.builds.environments import Environments
from pytest_compat.builds.parquet import read_table, require_parquet, write_table
from pytest_compat.errors import DeclarationError, brief

if TYPE_CHECKING:
    import pandas

INTERCEPT, VERSION, COMPILER, VARIANT, DEPENDENCY = "intercept", "version", "compiler", "variant", "dependency"
COLUMNS = ("package", "part", "name", "value", "log_odds")
"""Columns of a stored truth: `name` is that of a variant or a dependency, `value` is `gcc@9.3.1` of a compiler and JSON
of a variant. Log-odds are multiples of 2^-10, so that sums of them are exact in any order."""

_MOST = 350.0
"""Log-odds whose exponentials can be multiplied."""

Key = tuple[str, str, str, str]
"""Package, part, name and value."""


@dataclass(frozen=True)
class Truth:
    """What adds to the log-odds of success, by package, part, name and value."""

    effects: Mapping[Key, float]

    def recorded(self, frame: pandas.DataFrame) -> Any:
        """Return P(success) of each build with the dependencies it has in the table, as floats of shape (builds,).

        Raises:
            DeclarationError: A build has something that this truth says nothing of.
        """
        from scipy.special import expit

        own = self._own(frame)
        lists = zip(frame["package"], frame["dep_names"], frame["dep_versions"], strict=True)
        for row, (package, names, versions) in enumerate(lists):
            own[row] += sum(
                self._effect(row, package, DEPENDENCY, name, version)
                for name, version in zip(names, versions, strict=True)
            )
        return expit(own)

    def on(self, frame: pandas.DataFrame, environments: Environments) -> Chances:
        """Return the chances of each build of a table on each of many clusters, to be asked for in blocks.

        Raises:
            DeclarationError: A build or a cluster has something that this truth says nothing of, or a cluster lacks a
                dependency.
        """
        import numpy

        places = {name: place for place, name in enumerate(environments.subsystems)}
        numbers: dict[tuple[str, tuple[str, ...]], int] = {}
        parts: list[Any] = []
        family: Any = numpy.empty(len(frame), dtype="int64")
        for row, (package, names) in enumerate(zip(frame["package"], frame["dep_names"], strict=True)):
            key = (package, tuple(names))
            if key not in numbers:
                if lacking := [name for name in names if name not in places]:
                    raise DeclarationError(
                        f"found no version of {brief(lacking[0])} on the clusters, expected one", path=f"row {row}"
                    )
                numbers[key] = len(parts)
                parts.append(self._part(row, package, [places[name] for name in names], environments))
            family[row] = numbers[key]
        return Chances(self._own(frame), family, numpy.array(parts))

    def _part(self, row: int, package: str, places: Sequence[int], environments: Environments) -> Any:
        """Return what the dependencies of a package add on each cluster, of shape (clusters,)."""
        import numpy

        part: Any = numpy.zeros(environments.codes.shape[1])
        for place in places:
            name = environments.subsystems[place]
            effects = [self._effect(row, package, DEPENDENCY, name, each) for each in environments.versions[place]]
            part += numpy.array(effects)[environments.codes[place]]
        return part

    def _own(self, frame: pandas.DataFrame) -> Any:
        """Return what all but the dependencies add, of shape (builds,)."""
        import numpy

        variants: dict[str, list[tuple[str, str]]] = {}
        own: Any = numpy.empty(len(frame))
        columns = (frame[name] for name in ("package", "version", "compiler", "compiler_version", "variants"))
        for row, (package, version, compiler, compiler_version, text) in enumerate(zip(*columns, strict=True)):
            if text not in variants:
                variants[text] = [(name, json.dumps(value)) for name, value in json.loads(text).items()]
            own[row] = (
                self._effect(row, package, INTERCEPT, "", "")
                + self._effect(row, package, VERSION, "", version)
                + self._effect(row, package, COMPILER, "", f"{compiler}@{compiler_version}")
                + sum(self._effect(row, package, VARIANT, name, value) for name, value in variants[text])
            )
        return own

    def _effect(self, row: int, package: str, part: str, name: str, value: str) -> float:
        try:
            return self.effects[package, part, name, value]
        except KeyError:
            what = " ".join(each for each in (part, name, value) if each)
            raise DeclarationError(
                f"found {brief(what)} of {brief(package)}, of which the truth says nothing; take the one that was "
                "generated with the table",
                path=f"row {row}",
            ) from None


@dataclass(frozen=True)
class Chances:
    """P(success) of builds on clusters, worked out for the rows asked for.

    Builds of one package that have the same dependencies, in whatever versions, are a family: clusters change the
    log-odds of all of them by the same amount.

    Args:
        own: Log-odds that no cluster changes, of shape (builds,).
        family: Number of the family of each build, of shape (builds,).
        parts: What each cluster adds for each family, of shape (families, clusters).
    """

    own: Any
    family: Any
    parts: Any

    def log_odds(self, rows: Any) -> Any:
        """Return the log-odds of success of some builds on every cluster.

        Args:
            rows: Numbers of rows of the table, an array of integers.

        Returns:
            Floats of shape (rows, clusters).
        """
        return self.parts[self.family[rows]] + self.own[rows][:, None]

    def success(self, rows: Any) -> Any:
        """Return P(success) as `log_odds` does."""
        import numpy

        own, parts = self._odds
        found = own[rows][:, None] * parts[self.family[rows]]
        found += 1.0
        return numpy.reciprocal(found, out=found)

    @cached_property
    def _odds(self) -> tuple[Any, Any]:
        """What multiplies to the odds of failure: one exponential per build and cluster, and none per pair."""
        import numpy

        own, parts = (numpy.exp(-numpy.clip(part, -_MOST, _MOST)) for part in (self.own, self.parts))
        return own, parts


def write_truth(truth: Truth, path: Path) -> None:
    """Write a truth as Parquet with the columns of COLUMNS, whole or not at all.

    Raises:
        DeclarationError: Parquet cannot be written here.
        OSError: It cannot be written.
    """
    require_parquet(path)
    import pyarrow

    keys = zip(*truth.effects, strict=True)
    write_table(pyarrow.table([*map(list, keys), list(truth.effects.values())], names=list(COLUMNS)), path)


def read_truth(path: Path) -> Truth:
    """Read a truth.

    Raises:
        DeclarationError: It is no Parquet file, or no truth.
    """
    from math import isfinite

    columns = read_table(path, COLUMNS).to_pydict()
    effects: dict[Key, float] = {}
    for row, (*key, value) in enumerate(zip(*(columns[name] for name in COLUMNS), strict=True)):
        place = f"row {row}"
        if not all(isinstance(each, str) for each in key):
            raise DeclarationError(f"found {brief(key)}, expected four texts", source=str(path), path=place)
        if not isinstance(value, int | float) or not isfinite(value):
            raise DeclarationError(f"found {brief(value)}, expected log-odds", source=str(path), path=place)
        package, part, name, of = key
        if (package, part, name, of) in effects:
            raise DeclarationError(f"found {brief(key)} twice, expected it once", source=str(path), path=place)
        effects[package, part, name, of] = float(value)
    return Truth(effects)
