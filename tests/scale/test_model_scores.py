"""What models say of jobs on clusters, whatever block a job is in."""

from __future__ import annotations

from pathlib import Path

import numpy
import pytest
import yaml

pytest.importorskip("sklearn")

from pytest_compat.scale.declared import FULL, load_gradient
from pytest_compat.scale.engine import blocks


@pytest.mark.parametrize("kind", ["bayes", "ordered"])
def test_scores_of_a_job_are_the_same_in_a_block_of_any_size(kind: str, tmp_path: Path) -> None:
    document = {
        "experiment": "modelled",
        "jobs": {"generated": 800},
        "clusters": {"count": 150},
        "scores": [kind],
    }
    (tmp_path / "experiment.yaml").write_text(yaml.safe_dump(document))
    problem = load_gradient(tmp_path / "experiment.yaml").prepare(FULL).problem
    scores = problem.scores[kind]
    whole = scores.block(numpy.arange(800))
    assert whole.shape == (800, 150)
    assert 0 <= whole.min() < whole.max() <= 1
    for size in (1, 7, 64):
        found = numpy.concatenate([scores.block(jobs) for jobs in blocks(problem, size)])
        numpy.testing.assert_array_equal(found, whole)
