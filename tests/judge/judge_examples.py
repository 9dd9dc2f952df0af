"""Levels to judge, made by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

from pytest_compat.judge.flags import run_tests
from pytest_compat.judge.gate import parse_gate
from pytest_compat.judge.judging import Evidence, GateResult, judge_gates
from pytest_compat.judge.score import LevelScore, score_level
from pytest_compat.records import Candidates, Design, LevelFacts, LevelKey, LevelRun, Submission

SCORES = {"a": 1.0, "b": 0.5, "c": 0.0}
"""What every job scores on each cluster."""

REASONS = {"b": "an idle gpu", "c": "os abi issue"}
"""Why it scores less than 1, where an example says so."""


def outcome(score: float) -> str:
    return "correct" if score == 1 else "compatible" if score else "incorrect"


def submission(job: str, iteration: int, cluster: str | None, **changes: Any) -> Submission:
    score = 0.0 if cluster is None else SCORES[cluster]
    made = Submission(job, iteration, cluster, "missed" if cluster is None else outcome(score), score)
    return replace(made, **changes)


def design(jobs: Sequence[str], **changes: Any) -> Design:
    """Return the design of an experiment with these jobs."""
    scored = {cluster: Fraction(str(score)) for cluster, score in SCORES.items() if score}
    made = Design(
        version="0123456789ab",
        order=("os", "mpi"),
        levels=("none", "os", "os+mpi"),
        jobs=tuple(jobs),
        clusters=tuple(SCORES),
        truth=dict.fromkeys(jobs, scored),
    )
    return replace(made, **changes)


def level(
    name: str = "os",
    assigned: Mapping[str, Sequence[str | None]] | None = None,
    *,
    experiment: str = "tiny",
    scheduler: str = "reference",
    **facts: Any,
) -> LevelRun:
    """Return the run of a level whose jobs were assigned, iteration by iteration, as given."""
    assigned = {"x": ["a", "b"], "y": ["c", None]} if assigned is None else assigned
    (iterations,) = {len(each) for each in assigned.values()} or {0}
    made = LevelFacts(
        **{
            "key": LevelKey(experiment, scheduler, name),
            "design": design(tuple(assigned)),
            "reveals": () if name == "none" else tuple(name.split("+")),
            "seed": 0,
            "iterations": iterations,
            "candidates": tuple(Candidates(job, tuple(SCORES)) for job in assigned),
            **facts,
        }
    )
    submissions = [
        submission(job, iteration, cluster)
        for job, clusters in assigned.items()
        for iteration, cluster in enumerate(clusters)
    ]
    return LevelRun(made, tuple(submissions))


def drawn_level(
    chances: Mapping[str, Fraction], assigned: Sequence[tuple[str, str | None]], name: str = "os", **facts: Any
) -> LevelRun:
    """Return the run of a level whose jobs are drawn: job and cluster of each submission."""
    jobs = facts.pop("jobs", tuple(chances))
    made = level(
        name,
        {job: [] for job in jobs},
        **{"iterations": len(assigned), "drawn": chances, **facts},
    )
    submissions = [submission(job, number, cluster) for number, (job, cluster) in enumerate(assigned)]
    return LevelRun(made.facts, tuple(submissions))


def reasoned(run: LevelRun) -> LevelRun:
    """Return a run of an experiment whose ground truth gives reasons."""
    facts = run.facts
    changed = replace(facts.design, reasons=dict.fromkeys(facts.design.jobs, REASONS))
    submissions = (
        each if each.outcome == "error" else replace(each, reason=REASONS.get(each.cluster or "", ""))
        for each in run.submissions
    )
    return LevelRun(replace(facts, design=changed), tuple(submissions))


def scored(run: LevelRun) -> LevelScore:
    return score_level(run.facts, run.submissions)


def judged(gates: Sequence[str], levels: Sequence[LevelScore], **evidence: Any) -> list[GateResult]:
    """Return what gates come to at levels."""
    return judge_gates(map(parse_gate, gates), Evidence(levels, run_tests(levels), **evidence))
