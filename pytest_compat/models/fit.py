"""Fitting the models of many packages at once.

Both kinds are logistic regressions whose weights have a Laplace prior around 0, at their most probable values (Genkin,
Lewis and Madigan 2007, "Large-scale Bayesian logistic regression for text categorization"): a value that was seen
seldom, or that tells nothing that others do not, says nothing. `bayes` has a weight per feature and value. `ordered`
has, in addition, one per feature and version that all later versions share, so that what a version says is the sum of
the steps up to it; a failure that came with one version and went with another takes two steps. Packages share one
weight, from which each differs by one of its own, so that a package with few builds is taken to be like the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

from pytest_compat.errors import DeclarationError
from pytest_compat.models.additive import Additive, Table, is_ordered, placed
from pytest_compat.models.features import Features
from pytest_compat.models.order import Key

if TYPE_CHECKING:
    import numpy as np
    from scipy.sparse import csr_matrix

BAYES, ORDERED = "bayes", "ordered"
KINDS = (BAYES, ORDERED)

PRIORS = (0.3, 1.0, 3.0)
"""Scales of the prior of what a value adds to the log-odds: half of all values are within 0.69 times it."""

STEP = 0.5
"""Scale of the prior of a step from one version to the next, as a part of that."""

DIGITS = 6
"""Decimals of a weight that are kept: what is beyond them differs between machines."""


@dataclass(frozen=True)
class _Column:
    """A column of the design: which values of a feature it is about, and what stands in it for them."""

    feature: int
    values: tuple[int, ...]
    scale: float
    step: bool


def fit(
    features: Mapping[str, Features], succeeded: Mapping[str, np.ndarray], kind: str, *, prior: float, seed: int = 0
) -> dict[str, Additive]:
    """Fit a model to each package.

    Args:
        features: Builds by package.
        succeeded: Which of them did; over all packages some did and some did not.
        kind: One of KINDS.
        prior: Scale of the prior, such as one of PRIORS.
        seed: The order in which weights are improved derives from it.

    Returns:
        The models by package, each with a table for each feature that varies; the same for the same builds.
    """
    import numpy as np
    from scipy.sparse import block_diag
    from sklearn.linear_model import LogisticRegression

    varying = {name: each.varying() for name, each in sorted(features.items())}
    columns = {name: _columns(each, kind) for name, each in varying.items()}
    design = block_diag([_design(each, columns[name]) for name, each in varying.items()], format="csr")
    regression = LogisticRegression(
        C=prior, l1_ratio=1.0, solver="liblinear", max_iter=1000, tol=1e-3, random_state=seed
    )
    regression.fit(design, np.concatenate([succeeded[name] for name in varying]))
    models, start = {}, 0
    for name, each in varying.items():
        own, *weights = regression.coef_[0][start : start + 1 + len(columns[name])]
        start += 1 + len(weights)
        tables = [_table(each, index, columns[name], weights) for index in range(len(each.names))]
        intercept = round(float(regression.intercept_[0] + own), DIGITS)
        models[name] = Additive(intercept, dict(zip(each.names, tables, strict=True)))
    return models


def require_sklearn() -> None:
    """Say what training takes.

    Raises:
        DeclarationError: It is not installed.
    """
    if find_spec("sklearn") is None:
        raise DeclarationError("models take scikit-learn to be trained; pip install 'pytest-compat[models]'")


def _columns(features: Features, kind: str) -> list[_Column]:
    columns = []
    for feature, (name, values) in enumerate(zip(features.names, features.values, strict=True)):
        columns += [_Column(feature, (code,), 1.0, False) for code in range(len(values))]
        if kind == ORDERED and is_ordered(name):
            for ladder in _ladders(values):
                columns += [_Column(feature, tuple(ladder[start:]), STEP, True) for start in range(1, len(ladder))]
    return columns


def _ladders(values: tuple[str, ...]) -> list[list[int]]:
    """Return, for each thing that these are versions of, which values they are, in their order."""
    families: dict[str, list[tuple[Key, int]]] = {}
    for code, value in enumerate(values):
        if (place := placed(value)) is not None:
            families.setdefault(place[0], []).append((place[1], code))
    return [[code for _, code in sorted(ladder)] for _, ladder in sorted(families.items())]


def _design(features: Features, columns: list[_Column]) -> csr_matrix:
    """Return what stands in each row and column, after a column of ones; shape (builds, 1 + columns)."""
    import numpy as np
    from scipy.sparse import csr_matrix

    blocks = [np.ones((len(features), 1))]
    for feature, values in enumerate(features.values):
        own = [column for column in columns if column.feature == feature]
        block = np.zeros((len(values), len(own)))
        for place, column in enumerate(own):
            block[list(column.values), place] = column.scale
        blocks.append(block[features.codes[:, feature]])
    return csr_matrix(np.hstack(blocks))


def _table(features: Features, feature: int, columns: list[_Column], weights: Sequence[float]) -> Table:
    import numpy as np

    values = features.values[feature]
    total, steps = np.zeros(len(values)), np.zeros(len(values))
    for column, weight in zip(columns, weights, strict=True):
        if column.feature == feature:
            total[list(column.values)] += column.scale * weight
            if column.step:
                steps[list(column.values)] += column.scale * weight
    ordered = any(column.feature == feature and column.step for column in columns)
    share = np.bincount(features.codes[:, feature], minlength=len(values)) / len(features)
    return Table(
        _rounded(values, total),
        round(float(share @ steps), DIGITS),
        _rounded(values, steps, ordered_only=True) if ordered else {},
    )


def _rounded(values: tuple[str, ...], numbers: np.ndarray, *, ordered_only: bool = False) -> dict[str, float]:
    return {
        value: round(float(number), DIGITS)
        for value, number in zip(values, numbers, strict=True)
        if not ordered_only or placed(value) is not None
    }
