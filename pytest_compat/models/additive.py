"""Log-odds that add up: one number per feature and value, found in a table.

This form is what makes scoring cheap: of a job on a cluster, the job fixes some of the terms and the cluster the rest,
so that all jobs of a package on all clusters take one matrix product (`Additive.job_part`, `dependency_part`).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from pytest_compat.models.features import ABSENT, COMPILER_VERSION, DEPENDENCY, VERSION, Features
from pytest_compat.models.order import Key, version_key

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Table:
    """The log-odds that the values of one feature add.

    Args:
        weights: By value, all that were trained on.
        unseen: For every other value.
        steps: By version, what all versions from it up to the next add together; empty when the feature is not read as
            an order. A version that was not trained on adds what the last one before it says, or the first one.
    """

    weights: Mapping[str, float]
    unseen: float
    steps: Mapping[str, float] = field(default_factory=dict)

    def weight(self, value: str) -> float:
        """Return what a value adds to the log-odds."""
        known = self.weights.get(value)
        if known is not None:
            return known
        place = placed(value) if self.steps else None
        if place is None:
            return self.unseen
        family, key = place
        keys, sums = self._ladders.get(family, ((), ()))
        return sums[max(bisect_right(keys, key) - 1, 0)] if keys else self.unseen

    def take(self, values: Sequence[str]) -> np.ndarray:
        """Return what each of some values adds to the log-odds."""
        import numpy as np

        return np.array([self.weight(value) for value in values], dtype=float)

    @cached_property
    def _ladders(self) -> dict[str, tuple[list[Key], list[float]]]:
        found: dict[str, list[tuple[Key, float]]] = {}
        for value, total in self.steps.items():
            place = placed(value)
            assert place is not None
            found.setdefault(place[0], []).append((place[1], total))
        return {
            family: ([key for key, _ in sorted(steps)], [total for _, total in sorted(steps)])
            for family, steps in found.items()
        }


def is_ordered(name: str) -> bool:
    """Tell whether the values of a feature are versions."""
    return name in (VERSION, COMPILER_VERSION) or name.startswith(DEPENDENCY)


def placed(value: str) -> tuple[str, Key] | None:
    """Return what a version is a version of, for compilers (`gcc@9.3.1`), and its place in that order."""
    family, _, version = value.rpartition("@")
    key = version_key(version)
    return None if key is None else (family, key)


@dataclass(frozen=True)
class Additive:
    """A model of one package: log-odds of success before calibration.

    Args:
        intercept: What every build has.
        tables: By feature.
    """

    intercept: float
    tables: Mapping[str, Table]

    def log_odds(self, features: Features) -> np.ndarray:
        """Return the log-odds of builds of this package; shape (builds,).

        A feature that the model does not know adds nothing; one that the builds lack counts as ABSENT.
        """
        return self._sum(features, list(self.tables))

    def job_part(self, features: Features) -> np.ndarray:
        """Return the terms that a job fixes: all but the versions of the dependencies it has; shape (jobs,).

        `job_part(jobs)[:, None] + has(jobs) @ dependency_part(versions, clusters)` are the log-odds of every job on
        every cluster.
        """
        import numpy as np

        total = self._sum(features, [name for name in self.tables if not name.startswith(DEPENDENCY)])
        absent = [self.tables[DEPENDENCY + name].weight(ABSENT) for name in self.dependencies]
        lacking: np.ndarray = ~self.has(features) @ np.array(absent, dtype=float)
        total += lacking
        return total

    def has(self, features: Features) -> np.ndarray:
        """Tell which jobs have which dependency; shape (jobs, dependencies), columns as in `dependencies`."""
        import numpy as np

        place = {name: index for index, name in enumerate(features.names)}
        present = np.zeros((len(features), len(self.dependencies)), dtype=bool)
        for column, name in enumerate(self.dependencies):
            if (index := place.get(DEPENDENCY + name)) is not None:
                known = np.array([value != ABSENT for value in features.values[index]])
                present[:, column] = known[features.codes[:, index]]
        return present

    @property
    def dependencies(self) -> tuple[str, ...]:
        """The dependencies whose versions make a difference."""
        return tuple(name.removeprefix(DEPENDENCY) for name in self.tables if name.startswith(DEPENDENCY))

    def dependency_part(self, versions: Mapping[str, Sequence[str]], clusters: int) -> np.ndarray:
        """Return what the versions on clusters add; shape (dependencies, clusters), rows as in `dependencies`.

        Args:
            versions: For each dependency its version on each cluster. One that is not there adds what an unseen
                version does.
            clusters: How many there are.
        """
        import numpy as np

        part = np.empty((len(self.dependencies), clusters))
        for row, name in enumerate(self.dependencies):
            table = self.tables[DEPENDENCY + name]
            if name in versions:
                distinct, place = np.unique(np.asarray(versions[name], dtype=str), return_inverse=True)
                part[row] = table.take(distinct.tolist())[place]
            else:
                part[row] = table.unseen
        return part

    def _sum(self, features: Features, names: Sequence[str]) -> np.ndarray:
        import numpy as np

        place = {name: index for index, name in enumerate(features.names)}
        total = np.full(len(features), self.intercept)
        for name in names:
            if (index := place.get(name)) is None:
                total += self.tables[name].weight(ABSENT)
            else:
                total += self.tables[name].take(features.values[index])[features.codes[:, index]]
        return total
