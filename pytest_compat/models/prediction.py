"""Probabilities for specs without labels, and what was not known of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_compat.errors import brief
from pytest_compat.models.additive import Table, placed
from pytest_compat.models.features import ABSENT, Features, read_features, split_packages
from pytest_compat.models.training import Models, PackageModel

if TYPE_CHECKING:
    import numpy as np
    import pandas

MODEL, RATE, UNKNOWN = "model", "base rate", "unknown package"
"""What a probability rests on: a model of the package, its base rate, or that of all packages."""


@dataclass(frozen=True)
class Prediction:
    """Probabilities of success.

    Args:
        frame: One row per spec in the order they were given: `spec`, `package`, `probability` (0 to 1), `basis` (MODEL,
            RATE or UNKNOWN) and `unseen` (`FEATURE=VALUE` of all that the package's model never saw, joined by `; `).
        remarks: What was not known, as sentences, by package.
    """

    frame: pandas.DataFrame
    remarks: tuple[str, ...]


@dataclass(frozen=True)
class _News:
    """A value that a model never saw: of which feature, which builds have it, and what is made of it."""

    feature: str
    value: str
    builds: np.ndarray
    meant: str


def predict(models: Models, specs: pandas.DataFrame) -> Prediction:
    """Return the probability that each of some specs succeeds.

    Args:
        models: What says so.
        specs: Rows of a table of builds; labels are not read, and need not be there.
    """
    import numpy as np
    import pandas as pd

    probabilities = np.empty(len(specs))
    basis = np.empty(len(specs), dtype=object)
    unseen: list[list[str]] = [[] for _ in range(len(specs))]
    remarks = []
    for package, rows in split_packages(specs).items():
        features = read_features(specs.iloc[rows])
        probabilities[rows] = models.probabilities(package, features)
        found = models.packages.get(package)
        basis[rows] = UNKNOWN if found is None else RATE if found.model is None else MODEL
        if found is None:
            remarks.append(f"{package}: {_builds(rows)}: unknown, so the rate of all packages stands for it")
        elif found.model is None:
            remarks.append(f"{package}: {_builds(rows)}: its base rate stands for it ({found.why})")
        else:
            for news in _news(found, features):
                own = rows[news.builds]
                remarks.append(f"{package}: {_builds(own)}: {news.feature} is {_shown(news.value)}: {news.meant}")
                for row in own:
                    unseen[row].append(f"{news.feature}={news.value}")
    columns = {
        "spec": specs["spec"].to_numpy(),
        "package": specs["package"].to_numpy(),
        "probability": probabilities,
        "basis": basis,
        "unseen": ["; ".join(each) for each in unseen],
    }
    return Prediction(pd.DataFrame(columns), tuple(remarks))


def _news(found: PackageModel, features: Features) -> Iterator[_News]:
    """Yield every value of some builds that the model of their package never saw."""
    import numpy as np

    assert found.model is not None
    tables, constants = found.model.tables, found.constants
    place = {name: index for index, name in enumerate(features.names)}
    for name in sorted({*tables, *constants, *features.names}):
        values: tuple[str, ...] = (ABSENT,)
        codes = np.zeros(len(features), dtype=int)
        if name in place:
            values, codes = features.values[place[name]], features.codes[:, place[name]]
        for code, value in enumerate(values):
            if name in tables:
                if value not in tables[name].weights:
                    yield _News(name, value, codes == code, _meant(tables[name], value))
            elif value != constants.get(name, ABSENT):
                seen = f"always {_shown(constants[name])}" if name in constants else "never there"
                yield _News(name, value, codes == code, f"{seen} in training, so it makes no difference")


def _meant(table: Table, value: str) -> str:
    if not table.steps or value == ABSENT:
        return "never seen, so it says nothing"
    if placed(value) is None:
        return "never seen and no version that has an order, so it counts as the mean of those seen"
    return "never seen, so it counts by its place among the versions seen"


def _builds(rows: np.ndarray) -> str:
    return "1 spec" if len(rows) == 1 else f"{len(rows)} specs"


def _shown(value: str) -> str:
    return "absent" if value == ABSENT else brief(value)
