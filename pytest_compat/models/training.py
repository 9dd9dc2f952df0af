"""Training a model per package, and saying what the others get instead."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_compat.builds.format import ROOT_FAILURE, SUCCESS
from pytest_compat.errors import DeclarationError, known
from pytest_compat.models.additive import Additive
from pytest_compat.models.calibrate import Calibration, calibrate
from pytest_compat.models.features import Features, read_features, split_packages
from pytest_compat.models.fit import KINDS, PRIORS, fit, require_sklearn
from pytest_compat.models.rates import Rates, fit_rates

if TYPE_CHECKING:
    import numpy as np
    import pandas

LEAST_BUILDS = 5
"""Builds of a package that a model takes; some must have succeeded and some failed."""

FOLDS = 5
"""Parts that builds are split into to calibrate."""


@dataclass(frozen=True)
class Builds:
    """Labelled builds by package.

    Args:
        features: Of each package's builds.
        succeeded: Which of them did.
        rows: Their rows in the table of all these builds, numbered from 0.
        count: How many rows that table has.
    """

    features: Mapping[str, Features]
    succeeded: Mapping[str, np.ndarray]
    rows: Mapping[str, np.ndarray]
    count: int

    def at(self, chosen: np.ndarray) -> Builds:
        """Return the builds for which a mask over the rows is true; rows keep their numbers."""
        masks = {package: chosen[rows] for package, rows in self.rows.items() if chosen[rows].any()}
        return Builds(
            {package: self.features[package].at(mask) for package, mask in masks.items()},
            {package: self.succeeded[package][mask] for package, mask in masks.items()},
            {package: self.rows[package][mask] for package, mask in masks.items()},
            self.count,
        )

    def of(self, packages: Iterable[str]) -> Builds:
        """Return the builds of some packages."""
        names = sorted(packages)
        return Builds(
            {name: self.features[name] for name in names},
            {name: self.succeeded[name] for name in names},
            {name: self.rows[name] for name in names},
            self.count,
        )


@dataclass(frozen=True)
class PackageModel:
    """What is known of one package.

    Args:
        builds: How many it was trained on.
        successes: How many of them succeeded.
        model: None when the base rate stands for it.
        why: Why it has no model; empty when it has one.
        constants: Features that had one value in all builds and are no part of the model, and that value.
    """

    builds: int
    successes: int
    model: Additive | None = None
    why: str = ""
    constants: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Models:
    """Models of many packages.

    Args:
        kind: One of KINDS.
        seed: What they were trained with.
        prior: Scale of the prior that was found best.
        rates: Base rates.
        calibration: The map that all of them share.
        packages: By name.
        left_out: What of the table they were not trained on, as sentences.
    """

    kind: str
    seed: int
    prior: float
    rates: Rates
    calibration: Calibration
    packages: Mapping[str, PackageModel]
    left_out: tuple[str, ...] = ()

    def base_rate(self, package: str) -> float:
        """Return the probability of success without a model, for a package that may be unknown."""
        found = self.packages.get(package)
        return self.rates.mean if found is None else self.rates.rate(found.successes, found.builds)

    def probabilities(self, package: str, features: Features) -> np.ndarray:
        """Return the probability of success of each build of a package, which may be unknown; shape (builds,)."""
        import numpy as np

        found = self.packages.get(package)
        if found is None or found.model is None:
            return np.full(len(features), self.base_rate(package))
        return self.calibration.probabilities(found.model.log_odds(features))


def read_builds(frame: pandas.DataFrame) -> tuple[Builds, tuple[str, ...]]:
    """Return the successes and root failures of a table of builds, and what was left out of it, as sentences.

    What failed for the sake of a dependency says nothing of the package.

    Raises:
        DeclarationError: There are neither.
    """
    trains = frame["label"].isin([SUCCESS, ROOT_FAILURE])
    left_out = tuple(
        f"{count} rows left out: their label is {label}, which trains nothing"
        for label, count in frame["label"][~trains].value_counts().sort_index().items()
    )
    kept = frame[trains]
    if kept.empty:
        raise DeclarationError(f"found no rows labelled {SUCCESS} or {ROOT_FAILURE}, expected some to train on")
    succeeded = (kept["label"] == SUCCESS).to_numpy()
    rows = split_packages(kept)
    features = {package: read_features(kept.iloc[own]) for package, own in rows.items()}
    return Builds(features, {package: succeeded[own] for package, own in rows.items()}, rows, len(kept)), left_out


def train(builds: Builds, kind: str, seed: int = 0, left_out: tuple[str, ...] = ()) -> Models:
    """Train a model for each package that has builds enough, calibrated on builds it was not trained on.

    Args:
        builds: At least one.
        kind: One of KINDS.
        seed: What is random derives from it.
        left_out: What was left out of the table they are from.

    Raises:
        DeclarationError: The kind is unknown, or scikit-learn is not installed.
    """
    if kind not in KINDS:
        raise DeclarationError(known("kind of model", kind, KINDS))
    require_sklearn()
    successes = {package: int(succeeded.sum()) for package, succeeded in builds.succeeded.items()}
    counts = {package: len(succeeded) for package, succeeded in builds.succeeded.items()}
    why = {package: why_not(features, builds.succeeded[package]) for package, features in builds.features.items()}
    modelled = builds.of(package for package in why if not why[package])
    models: dict[str, Additive] = {}
    prior, calibration = PRIORS[-1], Calibration()
    if modelled.rows:
        models, prior, calibration = _fitted(modelled, kind, seed)
    packages = {
        package: PackageModel(
            counts[package], successes[package], models.get(package), why[package], features.constants()
        )
        for package, features in sorted(builds.features.items())
    }
    rates = fit_rates(list(successes.values()), list(counts.values()))
    return Models(kind, seed, prior, rates, calibration, packages, left_out)


def why_not(features: Features, succeeded: np.ndarray) -> str:
    """Say why no model can be fitted to the builds of a package; empty when one can be."""
    builds, good = len(succeeded), int(succeeded.sum())
    if good in (0, builds):
        return f"all {builds} builds {'succeeded' if good else 'failed'}"
    if builds < LEAST_BUILDS:
        return f"{builds} builds, a model takes {LEAST_BUILDS}"
    return "" if features.varying().names else f"no feature varies among its {builds} builds"


def _fitted(builds: Builds, kind: str, seed: int) -> tuple[dict[str, Additive], float, Calibration]:
    """Fit models, with the prior and the calibration that suit best what models trained without a build say of it."""
    import numpy as np

    draw = np.random.default_rng(seed)
    fold = np.full(builds.count, -1)
    for package, rows in sorted(builds.rows.items()):
        # Each fold has its share of the successes and of the failures.
        order = np.lexsort((draw.random(len(rows)), builds.succeeded[package]))
        fold[rows[order]] = np.arange(len(rows)) % FOLDS
    best: tuple[float, float, Calibration] | None = None
    for prior in PRIORS:
        said, became = [np.empty(0)], [np.empty(0, dtype=bool)]
        for number in range(FOLDS):
            rest, apart = builds.at((fold >= 0) & (fold != number)), builds.at(fold == number)
            if len(np.unique(np.concatenate(list(rest.succeeded.values())))) < 2:
                continue  # the only failures, or successes, of all packages are in this fold
            models = fit(rest.features, rest.succeeded, kind, prior=prior, seed=seed)
            for package, features in apart.features.items():
                said.append(models[package].log_odds(features))
                became.append(apart.succeeded[package])
        log_odds, succeeded = np.concatenate(said), np.concatenate(became)
        calibration = calibrate(log_odds, succeeded)
        loss = calibration.loss(log_odds, succeeded)
        if best is None or loss < best[0]:
            best = (loss, prior, calibration)
    assert best is not None
    _, prior, calibration = best
    return fit(builds.features, builds.succeeded, kind, prior=prior, seed=seed), prior, calibration
