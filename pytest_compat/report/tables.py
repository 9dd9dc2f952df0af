"""The records as a table: one row per submission, as CSV or Parquet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pytest_compat.errors import ReportError
from pytest_compat.report.files import write_bytes

COLUMNS = (
    "experiment", "version", "scheduler", "level", "seed", "job", "iteration", "cluster", "outcome", "score", "reason",
)  # fmt: skip
"""`version` is that of the experiment; `cluster` and `reason` are empty (null) where there is none."""


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
    check_table(path)
    if path.suffix == ".csv":
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(_rows(document))
        write_bytes(text.getvalue().encode("utf-8"), path)
        return
    import pandas

    frame = pandas.DataFrame.from_records(list(_rows(document)), columns=list(COLUMNS))
    # What a few names repeat thousands of times is stored once.
    names = ("experiment", "version", "scheduler", "level", "job", "cluster", "outcome")
    content = io.BytesIO()
    frame.astype(dict.fromkeys(names, "category")).to_parquet(content, index=False)
    write_bytes(content.getvalue(), path)


def _rows(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    runs = {(run["experiment"], run["scheduler"], run["level"]): run for run in document["runs"]}
    for record in document["records"]:
        run = runs.get((record["experiment"], record["scheduler"], record["level"]), {})
        both = {**record, "version": run.get("version"), "seed": run.get("seed", document["seed"])}
        yield {name: both.get(name) for name in COLUMNS}
