"""What a model reads of a build: the text of each of its features.

A feature is the version of the package, its compiler, the compiler's version, a variant (`variant:NAME`) or the version
of a dependency (`dependency:NAME`). What a build does not have is ABSENT. Nothing else of a table is read: neither the
id of a spec nor its error.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pandas

ABSENT = ""
"""The value of a variant or dependency that a build does not have."""

VERSION, COMPILER, COMPILER_VERSION = "version", "compiler", "compiler_version"
VARIANT, DEPENDENCY = "variant:", "dependency:"


@dataclass(frozen=True)
class Features:
    """The builds of one package.

    Args:
        names: Of the features, sorted.
        codes: For each build and feature, which of its values it has; shape (builds, features).
        values: For each feature its distinct values, sorted.
    """

    names: tuple[str, ...]
    codes: np.ndarray
    values: tuple[tuple[str, ...], ...]

    def __len__(self) -> int:
        return int(self.codes.shape[0])

    def at(self, rows: np.ndarray) -> Features:
        """Return some of the builds, by index or mask, with the values that are left."""
        import numpy as np

        codes = self.codes[rows]
        values = []
        columns = []
        for column, known in zip(codes.T, self.values, strict=True):
            left, column = np.unique(column, return_inverse=True)
            values.append(tuple(known[index] for index in left))
            columns.append(column)
        return Features(self.names, np.array(columns, dtype=np.int32).reshape(len(self.names), -1).T, tuple(values))

    def varying(self) -> Features:
        """Return the features that have more than one value."""
        import numpy as np

        kept = [index for index, values in enumerate(self.values) if len(values) > 1]
        return Features(
            tuple(self.names[index] for index in kept),
            self.codes[:, np.array(kept, dtype=np.intp)],
            tuple(self.values[index] for index in kept),
        )

    def constants(self) -> dict[str, str]:
        """Return the features that have one value, and it."""
        return {name: values[0] for name, values in zip(self.names, self.values, strict=True) if len(values) == 1}


def split_packages(frame: pandas.DataFrame) -> dict[str, np.ndarray]:
    """Return for each package, by name, which rows of a table of builds are its own, in their order."""
    import numpy as np

    indices = frame.groupby("package", sort=True).indices
    return {str(package): np.sort(rows) for package, rows in indices.items()}


def read_features(frame: pandas.DataFrame) -> Features:
    """Read the features of the builds of one package.

    Args:
        frame: Rows of a table of builds (`pytest_compat.builds.dataset`).
    """
    return tabulate(_cells(row) for row in frame[list(_COLUMNS)].itertuples(index=False, name=None))


def tabulate(builds: Iterable[Mapping[str, str]]) -> Features:
    """Put builds, each given by its features and their values, into one table."""
    import numpy as np

    rows = list(builds)
    names = tuple(sorted({name for row in rows for name in row}))
    codes = np.empty((len(rows), len(names)), dtype=np.int32)
    values = []
    for index, name in enumerate(names):
        column = [row.get(name, ABSENT) for row in rows]
        known = sorted(set(column))
        place = {value: code for code, value in enumerate(known)}
        codes[:, index] = [place[value] for value in column]
        values.append(tuple(known))
    return Features(names, codes, tuple(values))


_COLUMNS = (VERSION, COMPILER, COMPILER_VERSION, "variants", "dep_names", "dep_versions")


def _cells(row: tuple[Any, ...]) -> dict[str, str]:
    version, compiler, compiler_version, variants, names, versions = row
    return {
        VERSION: version,
        COMPILER: compiler,
        # Versions of different compilers have nothing in common.
        COMPILER_VERSION: f"{compiler}@{compiler_version}",
        **_variants(variants),
        **{DEPENDENCY + name: of for name, of in zip(names, versions, strict=True)},
    }


@lru_cache(maxsize=65536)
def _variants(text: str) -> dict[str, str]:
    return {VARIANT + name: json.dumps(value) for name, value in json.loads(text).items()}
