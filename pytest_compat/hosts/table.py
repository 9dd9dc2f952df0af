"""The table of a measurement: its rows, and what stands beside them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pytest_compat.declare.times import MEASURED, SCHEMA, digest, render
from pytest_compat.errors import RecordError
from pytest_compat.hosts.journal import Journal
from pytest_compat.hosts.plan import Plan
from pytest_compat.hosts.trial import Run


def counted(runs: Iterable[Run]) -> list[Run]:
    """Return the runs that count, warm-ups left out, in the order in which they were made."""
    return sorted((run for run in runs if run.repeat > 0), key=lambda each: each.order)


def render_runs(runs: Iterable[Run], machine: str) -> str:
    """Return the CSV of the runs that count."""
    return render({**asdict(run), "machine": machine, "kind": MEASURED} for run in counted(runs))


def describe(plan: Plan, journal: Journal, machine: str, rows: str) -> dict[str, Any]:
    """Return what stands beside a measured table, as plain data.

    Args:
        plan: What was measured.
        journal: All runs.
        machine: Name of the machine.
        rows: The CSV.
    """
    planned = len(plan.cells) * plan.repeats
    finished = len(counted(journal.runs.values()))
    return {
        "schema": SCHEMA,
        "kind": MEASURED,
        "plan": plan.name,
        "description": plan.description,
        "digest": plan.digest,
        "machine": machine,
        "complete": finished >= planned,
        "runs": {"planned": planned, "finished": finished},
        "sha256": digest(rows),
        "seed": plan.seed,
        "warmups": plan.warmups,
        "timeout": plan.timeout,
        "seconds": "wall time" if plan.figure is None else plan.figure.pattern.pattern,
        "environments": journal.environments,
        "inputs": {name: dict(each.attributes) for name, each in plan.inputs.items()},
        "variants": {name: dict(attributes) for name, attributes in plan.variants.items()},
        "commands": {cell.name: {"command": list(cell.command), "env": dict(cell.env)} for cell in plan.cells},
    }


def check_replaceable(path: Path, rows: str) -> None:
    """Refuse to write a table over one that was measured elsewhere.

    Args:
        path: Where it is to be written.
        rows: The CSV of all that was measured here so far.

    Raises:
        RecordError: A table is there with rows that are not among these.
    """
    try:
        there = path.read_bytes()
    except FileNotFoundError:
        return
    except OSError as error:
        raise RecordError(f"{path}: cannot be read: {error.strerror or error}") from None
    kept = set(rows.encode("utf-8").splitlines())
    foreign = next((number for number, row in enumerate(there.splitlines(), 1) if row not in kept), None)
    if foreign is not None:
        raise RecordError(
            f"{path}: line {foreign} is none of this measurement, whose journal does not have it; measure into another "
            "folder, or remove the table to begin anew"
        )
