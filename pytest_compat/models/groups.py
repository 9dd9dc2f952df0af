"""Near-duplicates: builds of a package that differ in one feature or none, and what follows from them.

Specs of a package are mostly made from one another by changing one thing. Where such are spread over training and
judging, a model is judged on what it has all but seen. So near-duplicates are kept together, with those of theirs and
so on: no build that is judged then differs from a build trained on in fewer than two features.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_compat.models.features import Features

if TYPE_CHECKING:
    import numpy as np


def near_duplicates(features: Features) -> np.ndarray:
    """Return the group of each build, numbered from 0: the components of being near-duplicates.

    Time grows as builds times features: builds are near-duplicates when they agree in what is left after one feature is
    taken out, and that is compared by a sum of random 64-bit numbers, one per feature and value.

    Args:
        features: Builds of one package. Features that have as many values as another and always change with it count
            as one with it.
    """
    import numpy as np
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    count = len(features)
    codes = _distinct_columns(features.varying().codes)
    random = np.random.default_rng(0)
    marks = np.zeros(codes.shape, dtype=np.uint64)
    for index, column in enumerate(codes.T):
        marks[:, index] = random.integers(0, 2**64, size=int(column.max()) + 1, dtype=np.uint64)[column]
    whole = marks.sum(axis=1, dtype=np.uint64)
    first, second = [], []
    for index in range(-1, codes.shape[1]):
        rest = whole if index < 0 else whole - marks[:, index]
        _, representative, place = np.unique(rest, return_index=True, return_inverse=True)
        first.append(np.arange(count))
        second.append(representative[place])
    ends = (np.concatenate(first), np.concatenate(second))
    _, groups = connected_components(coo_matrix((np.ones(len(ends[0]), dtype=bool), ends), shape=(count, count)))
    return np.asarray(groups)


def _distinct_columns(codes: np.ndarray) -> np.ndarray:
    """Leave out columns that are an earlier one with its values renamed."""
    import numpy as np

    seen: dict[bytes, int] = {}
    for index, column in enumerate(codes.T):
        _, first, place = np.unique(column, return_index=True, return_inverse=True)
        # Values are renamed by the row they come first in, so that columns that say the same become equal.
        seen.setdefault(first[place].tobytes(), index)
    return codes[:, sorted(seen.values())]
