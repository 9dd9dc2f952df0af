"""The report as tables, as CSV or Parquet: one row per submission, or one per level."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pytest_compat.errors import ReportError
from pytest_compat.records import OUTCOMES
from pytest_compat.report.files import write_bytes
from pytest_compat.report.shares import reasons_of

COLUMNS = (
    "experiment", "version", "scheduler", "level", "seed", "job", "iteration", "cluster", "outcome", "score", "reason",
)  # fmt: skip
"""`version` is that of the experiment; `cluster` and `reason` are empty (null) where there is none."""

NAMES = ("experiment", "version", "scheduler", "level", "job", "cluster", "outcome", "times", "machine")
"""Columns of a few names each, which Parquet stores once."""

LEVEL_COLUMNS = (
    "experiment", "version", "scheduler", "level", "seed", "iterations", "drawn", "submissions", *OUTCOMES, "accuracy",
    "assigned_accuracy", "low", "high", "exact", "fraction", "exact_correct", "exact_compatible", "exact_incorrect",
    "exact_unmatched", "times", "machine", "regret", "ran", "exact_regret", "exact_ran",
)  # fmt: skip
"""Columns of every table of levels. `low` and `high` are the 95 % range; `drawn` is 1 where jobs are drawn, else 0;
`regret` is in seconds, `times` says whether by measured or by modelled times, and `ran` and `exact_ran` are shares of
the submissions. What there is none of is empty (null)."""


def check_table(path: Path) -> None:
    """Make sure that a table can be written there.

    Raises:
        ReportError: The suffix is neither .csv nor .parquet, or what Parquet takes is not installed.
    """
    if path.suffix not in (".csv", ".parquet"):
        raise ReportError(f"{path}: found the suffix {path.suffix!r}, expected .csv or .parquet")
    missing = [name for name in ("pandas", "pyarrow") if find_spec(name) is None]
    if path.suffix == ".parquet" and missing:
        raise ReportError(f"{path}: Parquet takes {' and '.join(missing)}; pip install 'pytest-compat[tables]'")


def write_table(document: Mapping[str, Any], path: Path) -> None:
    """Write the records of a report; the suffix, .csv or .parquet, says how.

    Raises:
        ReportError: It cannot be written that way.
        OSError: It cannot be written at all.
    """
    _write(COLUMNS, _rows(document), path)


def write_levels(document: Mapping[str, Any], path: Path) -> None:
    """Write the figures of each level of a report; the suffix, .csv or .parquet, says how.

    Beyond LEVEL_COLUMNS, every reason in the report has two columns: `reason: NAME`, how many submissions, and
    `exact: NAME`, the exact share.

    Raises:
        ReportError: It cannot be written that way.
        OSError: It cannot be written at all.
    """
    reasons = sorted(reasons_of(document["runs"]))
    columns = [*LEVEL_COLUMNS, *(f"{part}: {reason}" for reason in reasons for part in ("reason", "exact"))]
    _write(columns, _levels(document, reasons), path)


def _write(columns: Sequence[str], rows: Iterable[Mapping[str, Any]], path: Path) -> None:
    check_table(path)
    if path.suffix == ".csv":
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        write_bytes(text.getvalue().encode("utf-8"), path)
        return
    import pandas

    frame = pandas.DataFrame.from_records(list(rows), columns=list(columns))
    content = io.BytesIO()
    frame.astype({name: "category" for name in NAMES if name in columns}).to_parquet(content, index=False)
    write_bytes(content.getvalue(), path)


def _rows(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    runs = {(run["experiment"], run["scheduler"], run["level"]): run for run in document["runs"]}
    for record in document["records"]:
        run = runs.get((record["experiment"], record["scheduler"], record["level"]), {})
        both = {**record, "version": run.get("version"), "seed": run.get("seed", document["seed"])}
        yield {name: both.get(name) for name in COLUMNS}


def _levels(document: Mapping[str, Any], reasons: Sequence[str]) -> Iterator[dict[str, Any]]:
    times = {each["experiment"]: each["times"] or {} for each in document["experiments"]}
    for run in document["runs"]:
        exact, regret, submissions = run["exact"] or {}, run["regret"], run["submissions"]
        expected, because = exact.get("outcomes", {}), exact.get("reasons", {})
        about = times[run["experiment"]] if regret else {}
        low, high = run["interval"] or (None, None)
        yield {
            **{name: run[name] for name in ("experiment", "version", "scheduler", "level", "seed", "iterations")},
            "drawn": int(run["drawn"] is not None),
            "submissions": submissions,
            **run["outcomes"],
            "accuracy": run["accuracy"],
            "assigned_accuracy": run["assigned_accuracy"],
            "low": low,
            "high": high,
            "exact": exact.get("accuracy"),
            "fraction": exact.get("fraction"),
            **{
                f"exact_{name}": expected[name]["rate"] if exact else None
                for name in ("correct", "compatible", "incorrect")
            },
            "exact_unmatched": exact.get("unmatched"),
            "times": about.get("kind"),
            "machine": about.get("machine"),
            "regret": regret["seconds"] if regret else None,
            "ran": regret["ran"] / submissions if regret and submissions else None,
            "exact_regret": regret["exact"]["seconds"] if regret else None,
            "exact_ran": regret["exact"]["ran"] if regret else None,
            **{f"reason: {reason}": run["reasons"].get(reason, 0) for reason in reasons},
            **{f"exact: {reason}": because.get(reason, {"rate": 0.0})["rate"] if exact else None for reason in reasons},
        }
