"""Judging models on builds that they were not trained on, under two splits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_compat.errors import DeclarationError
from pytest_compat.models.features import Features
from pytest_compat.models.fit import KINDS, require_sklearn
from pytest_compat.models.groups import near_duplicates
from pytest_compat.models.judgement import Judgement, judge
from pytest_compat.models.training import Builds, Models, train

if TYPE_CHECKING:
    import numpy as np

RANDOM, APART = "random", "near-duplicates apart"
SPLITS = (RANDOM, APART)
"""How builds are parted: at random, or so that near-duplicates are never on both sides."""

GIVEN = "given"
"""The split that is none: models judged on builds that whoever trained them kept apart."""

BASE_RATE, NAIVE_BAYES = "base rate", "naive Bayes"
"""What models are held to: to say the same of all builds of a package, and scikit-learn's categorical naive Bayes."""


@dataclass(frozen=True)
class Evaluation:
    """How good models are.

    Args:
        judgements: By split and by what was judged; a split under which no package can be judged is left out.
        packages: The packages judged under each split.
        remarks: What was not judged, and why, as sentences.
    """

    judgements: Mapping[str, Mapping[str, Judgement]]
    packages: Mapping[str, tuple[str, ...]]
    remarks: tuple[str, ...]


def evaluate(builds: Builds, *, folds: int = 5, seed: int = 0, remarks: Sequence[str] = ()) -> Evaluation:
    """Judge both kinds of model, the base rate and naive Bayes on the same builds.

    Every package with at least as many successes and as many failures as folds is judged. Its builds are split into
    folds, and each fold is predicted by what was trained on all the others, calibration included.

    Args:
        builds: Labelled builds.
        folds: Parts, at least 2.
        seed: The random split derives from it, and what is random in training.
        remarks: What was left out before, as sentences.

    Raises:
        DeclarationError: No package has builds enough, or scikit-learn is not installed.
    """
    import numpy as np

    require_sklearn()
    least = f"{folds} successes and {folds} failures"
    judged = builds.of(name for name, each in builds.succeeded.items() if min(each.sum(), (~each).sum()) >= folds)
    if not judged.rows:
        raise DeclarationError(f"found no package with {least} among {len(builds.rows)}; there is nothing to judge")
    told = list(remarks)
    if left := sorted(set(builds.rows) - set(judged.rows)):
        told.append(f"{len(left)} packages not judged, as they have not {least}: {', '.join(left)}")
    judgements, packages = {}, {}
    for split in SPLITS:
        fold = split_random(judged, folds, seed) if split == RANDOM else split_apart(judged, folds)
        kept = [name for name, rows in judged.rows.items() if (fold[rows] >= 0).all()]
        if single := sorted(set(judged.rows) - set(kept)):
            told.append(f"not judged with {split}: all builds are near-duplicates of one another: {', '.join(single)}")
        if not kept:
            continue
        succeeded, majority = _outcomes(judged)
        chosen = np.flatnonzero(fold >= 0)
        packages[split] = tuple(kept)
        judgements[split] = {
            what: judge(probabilities[chosen], succeeded[chosen], majority[chosen])
            for what, probabilities in _predicted(judged.of(kept), fold, seed)
        }
    return Evaluation(judgements, packages, tuple(told))


def judge_stored(models: Models, builds: Builds, *, remarks: Sequence[str] = ()) -> Evaluation:
    """Judge models, and the base rates they were stored with, on builds that they were not trained on.

    Args:
        models: What is judged.
        builds: Labelled builds of any packages.
        remarks: What was left out before, as sentences.
    """
    import numpy as np

    require_sklearn()
    own = np.sort(np.concatenate(list(builds.rows.values())))
    succeeded, majority = _outcomes(builds)
    found = {BASE_RATE: np.empty(builds.count), models.kind: np.empty(builds.count)}
    for package, features in builds.features.items():
        found[BASE_RATE][builds.rows[package]] = models.base_rate(package)
        found[models.kind][builds.rows[package]] = models.probabilities(package, features)
    judgements = {what: judge(told[own], succeeded[own], majority[own]) for what, told in found.items()}
    without = sorted(name for name in builds.rows if name not in models.packages or models.packages[name].model is None)
    listed = [f"{len(without)} packages without a model, judged by base rates: {', '.join(without)}"] if without else []
    return Evaluation({GIVEN: judgements}, {GIVEN: tuple(builds.rows)}, (*remarks, *listed))


def _outcomes(builds: Builds) -> tuple[np.ndarray, np.ndarray]:
    """Return for each row whether it succeeded, and whether most builds of its package did; shapes (rows,)."""
    import numpy as np

    succeeded, majority = np.zeros(builds.count, dtype=bool), np.zeros(builds.count, dtype=bool)
    for package, rows in builds.rows.items():
        succeeded[rows] = builds.succeeded[package]
        majority[rows] = builds.succeeded[package].mean() >= 0.5
    return succeeded, majority


def split_random(builds: Builds, folds: int, seed: int) -> np.ndarray:
    """Return a fold, drawn at random, for each row; -1 for rows that are not among these builds."""
    import numpy as np

    drawn = np.random.default_rng(seed).integers(folds, size=builds.count)
    own = np.concatenate(list(builds.rows.values()))
    fold = np.full(builds.count, -1)
    fold[own] = drawn[own]
    return fold


def split_apart(builds: Builds, folds: int) -> np.ndarray:
    """Return a fold for each row, one for a whole group of near-duplicates, the largest groups first.

    Returns:
        Folds of nearly equal size in each package as far as groups allow; -1 for rows that are not among these builds,
        and for packages with one group.
    """
    import numpy as np

    fold = np.full(builds.count, -1)
    for package, rows in builds.rows.items():
        groups = near_duplicates(builds.features[package])
        sizes = np.bincount(groups)
        if len(sizes) == 1:
            continue
        load = np.zeros(folds, dtype=int)
        of_group = np.empty(len(sizes), dtype=int)
        for group in np.argsort(-sizes, kind="stable"):
            of_group[group] = load.argmin()
            load[of_group[group]] += sizes[group]
        fold[rows] = of_group[groups]
    return fold


def _predicted(builds: Builds, fold: np.ndarray, seed: int) -> Iterator[tuple[str, np.ndarray]]:
    """Yield what is judged and the probability it gives to each row, NaN where it was not asked."""
    import numpy as np

    asked = [BASE_RATE, NAIVE_BAYES, *KINDS]
    found = {what: np.full(builds.count, np.nan) for what in asked}
    for number in np.unique(fold[fold >= 0]):
        training = builds.at((fold >= 0) & (fold != number))
        kept_apart = builds.at(fold == number)
        models = {kind: train(training, kind, seed) for kind in KINDS}
        for package, features in kept_apart.features.items():
            rows = kept_apart.rows[package]
            for kind in KINDS:
                found[kind][rows] = models[kind].probabilities(package, features)
            found[BASE_RATE][rows] = models[KINDS[0]].base_rate(package)
            found[NAIVE_BAYES][rows] = _naive_bayes(training, package, features, models[KINDS[0]])
    yield from found.items()


def _naive_bayes(training: Builds, package: str, features: Features, models: Models) -> np.ndarray:
    """Return what naive Bayes with one imagined build per value says; the base rate where it cannot be fitted."""
    import numpy as np
    from sklearn.naive_bayes import CategoricalNB

    known = models.packages.get(package)
    if known is None or known.successes in (0, known.builds):
        return np.full(len(features), models.base_rate(package))
    seen = training.features[package]
    places = [{value: code for code, value in enumerate(values)} for values in seen.values]
    # A value that was never seen has a place of its own, after all others, in which no build was.
    codes = [
        np.array([place.get(value, len(place)) for value in values], dtype=int)[column]
        for place, values, column in zip(places, features.values, features.codes.T, strict=True)
    ]
    sizes = [len(place) + 1 for place in places]
    bayes = CategoricalNB(alpha=1.0, min_categories=sizes).fit(seen.codes, training.succeeded[package])
    told: np.ndarray = bayes.predict_proba(np.array(codes).T)[:, 1]
    return told
