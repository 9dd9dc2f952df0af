"""Levels to judge, made by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pytest_compat.records import Candidates, LevelFacts, LevelKey, LevelRun, Submission

SCORES = {"a": 1.0, "b": 0.5, "c": 0.0}
"""What every job scores on each cluster."""


def outcome(score: float) -> str:
    return "correct" if score == 1 else "compatible" if score else "incorrect"


def submission(job: str, iteration: int, cluster: str | None, **changes: Any) -> Submission:
    score = 0.0 if cluster is None else SCORES[cluster]
    made = Submission(job, iteration, cluster, "missed" if cluster is None else outcome(score), score)
    return replace(made, **changes)


def level(
    name: str = "os",
    assigned: Mapping[str, Sequence[str | None]] | None = None,
    *,
    experiment: str = "tiny",
    position: int = 0,
    **facts: Any,
) -> LevelRun:
    """Return the run of a level whose jobs were assigned, iteration by iteration, as given."""
    assigned = {"x": ["a", "b"], "y": ["c", None]} if assigned is None else assigned
    (iterations,) = {len(each) for each in assigned.values()} or {0}
    candidates = tuple(Candidates(job, tuple(SCORES), tuple(SCORES.values())) for job in assigned)
    made = LevelFacts(
        **{
            "key": LevelKey(experiment, "reference", name),
            "reveals": (name,),
            "position": position,
            "seed": 0,
            "iterations": iterations,
            "jobs": tuple(assigned),
            "clusters": tuple(SCORES),
            "candidates": candidates,
            **facts,
        }
    )
    submissions = [
        submission(job, iteration, cluster)
        for job, clusters in assigned.items()
        for iteration, cluster in enumerate(clusters)
    ]
    return LevelRun(made, tuple(submissions))
