"""Models of published builds, on a fifth of the rows that they were not trained on."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

pytest.importorskip("pandas")
pytest.importorskip("pyarrow")
pytest.importorskip("sklearn")

import numpy as np

from pytest_compat.builds.dataset import read_dataset
from pytest_compat.models import KINDS, read_builds, train
from pytest_compat.models.evaluation import APART, judge_stored, split_apart, split_random
from pytest_compat.models.groups import near_duplicates
from pytest_compat.models.training import Builds


@pytest.fixture(scope="module")
def builds() -> Builds:
    folder = os.environ.get("COMPAT_DATA")
    if folder is None:
        pytest.skip("COMPAT_DATA does not name the folder of published data")
    found, left_out = read_builds(read_dataset(Path(folder, "buildspecs", "specs.parquet")).frame)
    assert [line.split()[0] for line in left_out] == ["304", "5239"]
    return found.of(name for name, each in found.succeeded.items() if min(each.sum(), (~each).sum()) >= 5)


@pytest.mark.parametrize("kind", KINDS)
def test_models_beat_the_published_figures_under_the_same_split(builds: Builds, kind: str) -> None:
    fold = split_random(builds, 5, 0)
    models = train(builds.at((fold >= 0) & (fold != 0)), kind)
    found = judge_stored(models, builds.at(fold == 0)).judgements["given"][kind]
    assert found.auc is not None
    assert (found.brier < 0.027, found.auc > 0.98, found.accuracy > 0.96) == (True, True, True), found


def test_no_build_is_judged_with_one_like_it_in_training(builds: Builds) -> None:
    fold = split_apart(builds, 5)
    for package, rows in builds.rows.items():
        for group in np.unique(near_duplicates(builds.features[package])):
            own = rows[near_duplicates(builds.features[package]) == group]
            assert len(set(fold[own])) == 1, (package, APART)
