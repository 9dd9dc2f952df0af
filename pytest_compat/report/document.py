"""The report as a document, `pytest-compat/report/1`: what every other form of it is made from."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from fractions import Fraction
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from typing import Any

from pytest_compat.judge.compare import Comparison, LevelComparison
from pytest_compat.judge.flags import Test
from pytest_compat.judge.gate import EVERY
from pytest_compat.judge.judging import GateResult
from pytest_compat.judge.score import LevelScore, PublishedFigure, Regret
from pytest_compat.judge.verdict import Verdict
from pytest_compat.records import LevelKey, Submission

SCHEMA = "pytest-compat/report/1"

MAX_JOBS = 20
"""Jobs named per reason for errors; the records have them all."""

MAX_FLIPS = 1000
"""Flips listed per level of a comparison."""


@dataclass(frozen=True)
class Session:
    """What is to be known of a session beside its records.

    Args:
        ids: One for every session whose records these are; several once their reports are merged.
        seed: What draws derive from.
        created: When, in UTC and ISO 8601.
        environment: What it ran on and with.
        commands: The command line of every session, without secrets.
        problems: What went wrong beside the tests: dead workers, records that contradict one another.
        failed: Node ids of the cases that failed.
        worth: What each subsystem is worth, by experiment, in the form that reports have it.
    """

    ids: tuple[str, ...]
    seed: int = 0
    created: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    environment: Mapping[str, str] = field(default_factory=lambda: environment())
    commands: tuple[tuple[str, ...], ...] = ()
    problems: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    worth: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def complaints(self) -> list[str]:
        """What a verdict has to hold against the session."""
        what = "case" if len(self.failed) == 1 else "cases"
        cases = [f"{len(self.failed)} compatibility {what} failed"] if self.failed else []
        return [*self.problems, *cases]


def build_document(
    verdict: Verdict, submissions: Iterable[tuple[LevelKey, Submission]], session: Session
) -> dict[str, Any]:
    """Return the report as a JSON document that fits `report_schema`."""
    return {
        "schema": SCHEMA,
        "verdict": "passed" if verdict.passed else "failed",
        "ids": list(session.ids),
        "seed": session.seed,
        "created": session.created,
        "environment": dict(session.environment),
        "commands": [list(command) for command in session.commands],
        "errors": list(verdict.problems),
        "session": {"problems": list(session.problems), "failed": list(session.failed)},
        "gates": [_gate(result) for result in verdict.gates],
        "comparison": None if verdict.comparison is None else _comparison(verdict.comparison),
        "experiments": _experiments(verdict.levels, session),
        "flags": [
            {"experiment": test.key.experiment, "scheduler": test.key.scheduler, **_flag(test)}
            for test in verdict.tests
            if test.flagged and test.key.level == EVERY
        ],
        "gradients": [dict(gradient) for gradient in verdict.gradients],
        "runs": [_run(level, [test for test in verdict.tests if test.key == level.key]) for level in verdict.levels],
        "records": [
            {
                "experiment": key.experiment,
                "scheduler": key.scheduler,
                "level": key.level,
                "job": each.job,
                "iteration": each.iteration,
                "cluster": each.cluster,
                "outcome": each.outcome,
                "score": each.score,
                **({"reason": each.reason} if each.reason else {}),
            }
            for key, each in submissions
        ],
    }


def report_schema() -> dict[str, Any]:
    """Return the JSON Schema of reports."""
    text = (files("pytest_compat.report") / "schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def _experiments(levels: Sequence[LevelScore], session: Session) -> list[dict[str, Any]]:
    designs = {level.key.experiment: level.facts.design for level in levels}
    return [
        {"experiment": name, **design.plain(), "worth": session.worth.get(name)} for name, design in designs.items()
    ]


def _run(level: LevelScore, tests: Sequence[Test]) -> dict[str, Any]:
    facts = level.facts
    sizes = [len(each.clusters) for each in facts.candidates if each.clusters is not None]
    return {
        "experiment": level.key.experiment,
        "scheduler": level.key.scheduler,
        "level": level.key.level,
        "reveals": list(facts.reveals),
        "version": facts.design.version,
        "seed": facts.seed,
        "jobs": len(facts.candidates),
        "drawn": None if facts.drawn is None else {job: str(share) for job, share in facts.drawn.items()},
        "iterations": facts.iterations,
        "sequential": facts.sequential,
        "submissions": level.submissions,
        "expected": level.expected,
        "complete": level.complete,
        "outcomes": dict(level.outcomes),
        "reasons": dict(level.reasons),
        "score": float(level.score),
        "accuracy": _number(level.accuracy),
        "assigned_accuracy": _number(level.assigned_accuracy),
        "interval": _span(level.interval),
        "exact": {
            "accuracy": _number(level.exact.accuracy),
            "fraction": str(level.exact.accuracy),
            "unmatched": _number(level.exact.unmatched),
            "outcomes": {name: _exactly(share) for name, share in level.exact.outcomes.items()},
            "reasons": {reason: _exactly(share) for reason, share in level.exact.reasons.items()},
            "range": _span(level.plausible),
        }
        if level.exact
        else None,
        "tests": {"score": None, "selection": None, **{test.kind: test.p for test in tests}},
        "flags": [_flag(test) for test in tests if test.flagged],
        "candidates": {"min": min(sizes), "mean": sum(sizes) / len(sizes), "max": max(sizes)} if sizes else None,
        "candidate_sets": {
            each.job: None if each.clusters is None else facts.design.idset(each.clusters) for each in facts.candidates
        },
        "unanswered": {each.job: each.reason for each in facts.candidates if each.clusters is None},
        "clusters": {
            name: {"assigned": count, "score": float(score)} for name, (count, score) in level.clusters.items()
        },
        "missing": list(level.missing),
        "disagreements": [{**asdict(each), "stable": each.stable} for each in facts.disagreements],
        "differing": {
            "total": facts.differing,
            "listed": len(facts.disagreements),
            "unstable": facts.unstable,
            "many": facts.many,
            "few": facts.differing - facts.many,
        },
        "unmet": dict(facts.unmet),
        "failures": dict(facts.failures),
        "errors": [
            {"reason": reason, "submissions": error.submissions, "jobs": list(error.jobs[:MAX_JOBS])}
            for reason, error in level.errors.items()
        ],
        "regret": None if level.regret is None else _regret(level.regret),
        "published": [_published(each) for each in level.published],
        "seconds": dict(facts.seconds),
        "timings": {phase: dict(each) for phase, each in facts.timings.items()},
    }


def _regret(regret: Regret) -> dict[str, Any]:
    return {
        "seconds": regret.seconds,
        "ran": regret.ran,
        "exact": {"seconds": regret.exact, "ran": _number(regret.exact_ran)},
    }


def _published(figure: PublishedFigure) -> dict[str, Any]:
    return {
        "source": figure.source,
        "accuracy": figure.points / figure.of,
        "points": figure.points,
        "of": figure.of,
        "p": figure.p,
        "reasons": {reason: {"count": each.count, "p": each.p} for reason, each in figure.reasons.items()},
    }


def _flag(test: Test) -> dict[str, Any]:
    return {"kind": test.kind, "p": test.p, "adjusted": test.adjusted, "message": test.message}


def _gate(result: GateResult) -> dict[str, Any]:
    return {
        "experiment": result.experiment,
        "level": result.level,
        "measure": result.gate.measure,
        "rule": result.gate.rule,
        "value": _number(result.value),
        "sign": result.gate.sign,
        "limit": _number(result.gate.limit),
        "passed": result.passed,
        "reason": result.reason,
        "note": result.note,
    }


def _comparison(found: Comparison) -> dict[str, Any]:
    """Return two compared runs as they stand in a report."""
    return {
        "baseline": {"path": found.source, "created": found.created},
        "levels": [_compared(level) for level in found.levels],
        "missing": [asdict(key) for key in found.missing],
        "new": [asdict(key) for key in found.new],
    }


def _compared(level: LevelComparison) -> dict[str, Any]:
    return {
        **asdict(level.key),
        "before": _number(level.before),
        "after": _number(level.after),
        "drop": _number(level.drop),
        "p": level.p,
        "adjusted": level.adjusted,
        "changed": level.changed,
        "differs": level.differs,
        "worse": level.worse,
        "better": len(level.flips) - level.worse,
        "flips": [
            {"job": each.job, "cluster": each.cluster, "now": each.now, "score": float(each.score), "worse": each.worse}
            for each in level.flips[:MAX_FLIPS]
        ],
        "submissions": {"lost": level.lost, "won": level.won},
    }


def _exactly(share: Fraction) -> dict[str, Any]:
    return {"rate": float(share), "fraction": str(share)}


def _number(value: Fraction | None) -> float | None:
    return None if value is None else float(value)


def _span(span: tuple[Fraction, Fraction] | None) -> list[float] | None:
    return None if span is None else [float(bound) for bound in span]


def environment() -> dict[str, str]:
    """Return what this runs on and with."""
    packages = {}
    for name in ("pytest-compat", "pytest", "pytest-xdist", "grpcio", "protobuf", "numpy", "scipy"):
        try:
            packages[name] = version(name)
        except PackageNotFoundError:
            continue
    uname = platform.uname()  # platform.platform() would start a process to learn the name of the processor
    return {
        "python": platform.python_version(),
        "platform": f"{uname.system}-{uname.release}-{uname.machine}",
        **packages,
    }
