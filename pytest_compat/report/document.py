"""The JSON report, `pytest-compat/report/1`."""

from __future__ import annotations

import json
import os
import platform
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from fractions import Fraction
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from pathlib import Path
from typing import Any

from pytest_compat.judge.gate import GateResult
from pytest_compat.judge.score import LevelScore
from pytest_compat.judge.verdict import Verdict
from pytest_compat.records import LevelKey, Submission

SCHEMA = "pytest-compat/report/1"

MAX_JOBS = 20
"""Jobs named per reason for errors; the records have them all."""


def build_document(
    verdict: Verdict, submissions: Iterable[tuple[LevelKey, Submission]], *, seed: int
) -> dict[str, Any]:
    """Return the report as a JSON document that fits `report_schema`."""
    return {
        "schema": SCHEMA,
        "verdict": "passed" if verdict.passed else "failed",
        "seed": seed,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "environment": _environment(),
        "runs": [_run(level) for level in verdict.levels],
        "gates": [_gate(result) for result in verdict.gates],
        "errors": list(verdict.problems),
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


def write_document(document: Mapping[str, Any], path: Path) -> None:
    """Write a report so that the file is either whole or as it was before.

    Args:
        document: The report.
        path: The file; a link is followed, and what is no file (a pipe, a device) is written to as it is.

    Raises:
        OSError: It cannot be written.
    """
    path = path.resolve()
    if path.exists() and not path.is_file():
        with path.open("w", encoding="utf-8") as stream:
            json.dump(document, stream, indent=1, allow_nan=False)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".partial")
    partial = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            json.dump(document, stream, indent=1, allow_nan=False)
            stream.write("\n")
        umask = os.umask(0)
        os.umask(umask)
        partial.chmod(0o666 & ~umask)  # mkstemp makes files that their owner alone can read
        partial.replace(path)
    except BaseException:
        partial.unlink()
        raise


def clear_document(path: Path) -> None:
    """Remove a report of an earlier session; nothing but a report is removed, and one that cannot be is left."""
    with suppress(OSError, ValueError):
        if path.is_file() and json.loads(path.read_text(encoding="utf-8")).get("schema") == SCHEMA:
            path.unlink()


def report_schema() -> dict[str, Any]:
    """Return the JSON Schema of reports."""
    text = (files("pytest_compat.report") / "schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def _run(level: LevelScore) -> dict[str, Any]:
    facts = level.facts
    sizes = [len(each.clusters) for each in facts.candidates if each.clusters is not None]
    return {
        "experiment": level.key.experiment,
        "scheduler": level.key.scheduler,
        "level": level.key.level,
        "reveals": list(facts.reveals),
        "jobs": len(facts.jobs),
        "iterations": facts.iterations,
        "submissions": level.submissions,
        "expected": level.expected,
        "complete": level.complete,
        "outcomes": dict(level.outcomes),
        "score": float(level.score),
        "accuracy": _number(level.accuracy),
        "assigned_accuracy": _number(level.assigned_accuracy),
        "interval": _span(level.interval),
        "exact": {
            "accuracy": _number(level.exact.accuracy),
            "fraction": str(level.exact.accuracy),
            "unmatched": _number(level.exact.unmatched),
            "range": _span(level.plausible),
        }
        if level.exact
        else None,
        "candidates": {"min": min(sizes), "mean": sum(sizes) / len(sizes), "max": max(sizes)} if sizes else None,
        "clusters": {
            name: {"assigned": count, "score": float(score)} for name, (count, score) in level.clusters.items()
        },
        "missing": list(level.missing),
        "disagreements": [{**asdict(each), "stable": each.stable} for each in facts.disagreements],
        "differing": {"total": facts.differing, "listed": len(facts.disagreements), "unstable": facts.unstable},
        "errors": [
            {"reason": reason, "submissions": error.submissions, "jobs": list(error.jobs[:MAX_JOBS])}
            for reason, error in level.errors.items()
        ],
        "published": [dict(each) for each in facts.published],
        "seconds": dict(facts.seconds),
    }


def _gate(result: GateResult) -> dict[str, Any]:
    return {
        "experiment": result.experiment,
        "level": result.level,
        "rule": result.gate.rule,
        "value": _number(result.value),
        "limit": float(result.gate.limit),
        "passed": result.passed,
        "reason": result.reason,
    }


def _number(value: Fraction | None) -> float | None:
    return None if value is None else float(value)


def _span(span: tuple[Fraction, Fraction] | None) -> list[float] | None:
    return None if span is None else [float(bound) for bound in span]


def _environment() -> dict[str, str]:
    packages = {}
    for name in ("pytest-compat", "pytest", "pytest-xdist", "grpcio", "protobuf"):
        try:
            packages[name] = version(name)
        except PackageNotFoundError:
            continue
    return {"python": platform.python_version(), "platform": platform.platform(), **packages}
