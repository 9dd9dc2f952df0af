"""Tables of times: a CSV file with a row per run, and beside it a JSON file that says where they come from.

A table is measured or modelled, never both: each row has its kind, the JSON file says it once more together with the
digest of the rows, and a reader refuses what does not agree.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from statistics import median
from typing import Any

from pytest_compat.errors import RecordError
from pytest_compat.hosts.journal import Journal
from pytest_compat.hosts.plan import Plan
from pytest_compat.hosts.trial import OK, Run

SCHEMA = "pytest-compat/times/1"
MEASURED, MODELLED = "measured", "modelled"

COLUMNS = (
    "machine", "input", "variant", "repeat", "seconds", "wall", "user", "system", "max_rss_kib", "exit_status",
    "outcome", "reason", "order", "kind",
)  # fmt: skip


@dataclass(frozen=True)
class Table:
    """Times that belong together.

    Args:
        kind: MEASURED or MODELLED.
        machine: Name of the machine they are of.
        rows: By column, as text.
        about: What the JSON file says: environments and commands, or the model.
    """

    kind: str
    machine: str
    rows: tuple[Mapping[str, str], ...]
    about: Mapping[str, Any]


@dataclass(frozen=True)
class Summary:
    """The runs of a cell.

    Args:
        input: Name of the input.
        variant: Name of the variant.
        runs: How many there are.
        ok: How many of them succeeded.
        median: Of their seconds; None when none succeeded, as with the next two.
        least: The least of their seconds.
        spread: (largest - least) / median.
        score: Least median of the input / this median, from 0 (cannot run) to 1 (the best).
        reason: Why the last run that failed did; empty when none did.
    """

    input: str
    variant: str
    runs: int
    ok: int
    median: float | None
    least: float | None
    spread: float | None
    score: float
    reason: str


def render_rows(runs: Iterable[Run], machine: str) -> str:
    """Return the CSV of measured runs, warm-ups left out, in the order in which they were made."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    for run in sorted(runs, key=lambda each: each.order):
        if run.repeat > 0:
            writer.writerow({**asdict(run), "machine": machine, "kind": MEASURED})
    return text.getvalue()


def describe(plan: Plan, journal: Journal, machine: str, rows: str) -> dict[str, Any]:
    """Return what stands beside a measured table, as plain data.

    Args:
        plan: What was measured.
        journal: All runs.
        machine: Name of the machine.
        rows: The CSV.
    """
    planned = len(plan.cells) * plan.repeats
    finished = sum(run.repeat > 0 for run in journal.runs.values())
    return {
        "schema": SCHEMA,
        "kind": MEASURED,
        "plan": plan.name,
        "description": plan.description,
        "digest": plan.digest,
        "machine": machine,
        "complete": finished >= planned,
        "runs": {"planned": planned, "finished": finished},
        "sha256": _digest(rows),
        "seed": plan.seed,
        "warmups": plan.warmups,
        "timeout": plan.timeout,
        "seconds": "wall time" if plan.figure is None else plan.figure.pattern.pattern,
        "environments": journal.environments,
        "inputs": {name: dict(each.attributes) for name, each in plan.inputs.items()},
        "variants": {name: dict(attributes) for name, attributes in plan.variants.items()},
        "commands": {cell.name: {"command": list(cell.command), "env": dict(cell.env)} for cell in plan.cells},
    }


def read_table(path: Path) -> Table:
    """Read a table, with the JSON file of the same name beside it.

    A modelled table is one whose JSON file has the kind `modelled` and a `model` that says how its times come about.

    Raises:
        RecordError: One of the two is missing or no such file, or they do not agree.
    """
    beside = path.with_suffix(".json")
    try:
        text = path.read_bytes().decode("utf-8")
        about = json.loads(beside.read_bytes())
    except FileNotFoundError as error:
        raise RecordError(f"{error.filename}: found no such file; a table is a CSV and a JSON file") from None
    except (OSError, ValueError) as error:
        raise RecordError(f"{path}: cannot be read: {error}") from None
    schema = about.get("schema") if isinstance(about, dict) else None
    if schema != SCHEMA:
        raise RecordError(f"{beside}: found schema {schema!r}, expected {SCHEMA!r}")
    kind, machine = about.get("kind"), about.get("machine")
    source = {MEASURED: "environments", MODELLED: "model"}.get(kind)
    if source is None or not about.get(source):
        raise RecordError(
            f"{beside}: found kind {kind!r}, expected {MEASURED!r} with `environments` or {MODELLED!r} with a `model`"
        )
    if about.get("sha256") != _digest(text):
        raise RecordError(f"{path}: its rows are not those that {beside.name} was written for; measure again")
    reader = csv.DictReader(io.StringIO(text))
    rows = tuple(reader)
    if tuple(reader.fieldnames or ()) != COLUMNS:
        raise RecordError(
            f"{path}: found the columns {', '.join(reader.fieldnames or ())}, expected {', '.join(COLUMNS)}"
        )
    for number, row in enumerate(rows, 2):
        for column, expected in (("kind", kind), ("machine", machine)):
            if row[column] != expected:
                raise RecordError(
                    f"{path}: line {number} has {column} {row[column]!r}, expected {expected!r} as {beside.name}"
                )
    return Table(kind, str(machine), rows, about)


def summarize(runs: Iterable[Run]) -> list[Summary]:
    """Return a summary of each cell, the inputs in order of appearance and in each the best first."""
    cells: dict[tuple[str, str], list[Run]] = {}
    for run in sorted(runs, key=lambda each: each.order):
        if run.repeat > 0:
            cells.setdefault((run.input, run.variant), []).append(run)
    medians = {key: median(times) for key, some in cells.items() if (times := _times(some))}
    best = {input: min(medians[key] for key in medians if key[0] == input) for input, _ in medians}
    inputs = list(dict.fromkeys(input for input, _ in cells))
    found = [_summary(some, medians.get(key), best.get(key[0])) for key, some in cells.items()]
    return sorted(found, key=lambda each: (inputs.index(each.input), -each.score, each.variant))


def _summary(runs: Sequence[Run], middle: float | None, best: float | None) -> Summary:
    times = _times(runs)
    return Summary(
        input=runs[0].input,
        variant=runs[0].variant,
        runs=len(runs),
        ok=len(times),
        median=middle,
        least=min(times, default=None),
        spread=(max(times) - min(times)) / middle if middle else None,
        score=best / middle if middle and best else 0.0,
        reason=next((run.reason for run in reversed(runs) if run.outcome != OK), ""),
    )


def _times(runs: Iterable[Run]) -> list[float]:
    return [run.seconds for run in runs if run.seconds is not None]


def _digest(text: str) -> str:
    return sha256(text.encode("utf-8")).hexdigest()
