"""Diagnoses of many logs as a table: one row per log."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any

from pytest_compat.errors import DeclarationError, known
from pytest_compat.reasons.diagnosis import Diagnosis
from pytest_compat.reasons.logs import Log
from pytest_compat.reasons.rules import REASONS

COLUMNS = ("file", "reason", "number", "line", "missing", "rule")
"""Columns that every table has, before those that were carried into it."""

RECORDED = "outcome"
"""The column of a table of logs that says what others found."""


@dataclass(frozen=True)
class Row:
    """A log and why its run ended as it did."""

    log: Log
    diagnosis: Diagnosis

    @property
    def recorded(self) -> str | None:
        """What others found, as the table says that the log came from; None where it does not say."""
        value = self.log.columns.get(RECORDED)
        return value if isinstance(value, str) else None

    @property
    def differs(self) -> bool:
        """Whether others found something else."""
        return self.recorded not in (None, self.diagnosis.reason)

    def plain(self) -> dict[str, Any]:
        """Return the row as JSON has it; columns that came with the log are in `columns`."""
        columns = {name: _plain(value) for name, value in self.log.columns.items()}
        return {"file": self.log.file, **asdict(self.diagnosis), "columns": columns}


def to_csv(rows: Sequence[Row]) -> str:
    """Return the rows as CSV.

    A column that came with the logs and is called like one of COLUMNS gets `recorded_` before its name.
    """
    carried = list(dict.fromkeys(name for row in rows for name in row.log.columns))
    names = {name: f"recorded_{name}" if name in COLUMNS else name for name in carried}
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*COLUMNS, *names.values()])
    for row in rows:
        found = row.diagnosis
        own = [row.log.file, found.reason, found.number, found.line, " ".join(found.missing), found.rule]
        writer.writerow([*own, *(_cell(row.log.columns.get(name)) for name in carried)])
    return text.getvalue()


def groups(rows: Iterable[Row], by: str) -> dict[str, Counter[str]]:
    """Count reasons per group.

    Args:
        rows: The rows.
        by: A column that came with the logs, or `folder`.

    Returns:
        For each group, in the order of their names, how many logs have each reason; reasons in the order of REASONS.

    Raises:
        DeclarationError: A log has no such column.
    """
    counts: dict[str, Counter[str]] = {}
    for row in rows:
        if by != "folder" and by not in row.log.columns:
            raise DeclarationError(known("column", by, ("folder", *row.log.columns)), source=row.log.file)
        name = row.log.folder if by == "folder" else _cell(row.log.columns[by]) or "none"
        counts.setdefault(name, Counter())[row.diagnosis.reason] += 1
    return {
        name: Counter({reason: counts[name][reason] for reason in REASONS if counts[name][reason]})
        for name in sorted(counts)
    }


def confusion(rows: Iterable[Row]) -> Mapping[tuple[str, str], int]:
    """Count pairs of (what others found, the reason found here), of rows that say both."""
    return Counter((row.recorded, row.diagnosis.reason) for row in rows if row.recorded is not None)


def _cell(value: Any) -> str:
    """Return a value as a cell has it; what is absent (None, NaN) is empty."""
    plain = _plain(value)
    return "" if plain is None else " ".join(map(str, plain)) if isinstance(plain, list) else str(plain)


def _plain(value: Any) -> Any:
    """Return what JSON can say: numpy's values as Python's own, no number as none, and all else as text."""
    value = value.tolist() if hasattr(value, "tolist") else value
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, float) and not isfinite(value):
        return None
    return value if isinstance(value, str | int | float | None) else str(value)
