"""Diagnoses as text."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pytest_compat.reasons.rules import REASONS
from pytest_compat.reasons.table import Row, confusion

if TYPE_CHECKING:
    from rich.console import Console

WIDTH = 10_000
"""Columns a line may have: more than any line has, so that the terminal wraps it and a file has it whole."""


def print_json(rows: Sequence[Row]) -> None:
    """Print an array of rows as JSON to standard output."""
    _console().out(json.dumps([row.plain() for row in rows], indent=1, allow_nan=False))


def print_one(row: Row) -> None:
    """Print all that was found of one log to standard output."""
    console, found = _console(), row.diagnosis
    console.out(f"{row.log.file}: {found.reason}")
    console.out(f"  {_place(found.number)}{found.line}")
    console.out(f"  by the rule: {found.rule}")
    if found.missing:
        console.out(f"  missing: {', '.join(found.missing)}")
    if found.others:
        console.out("  what did not decide:")
    for other in found.others:
        console.out(f"    {_place(other.number)}{other.line} ({other.rule})")


def print_rows(rows: Sequence[Row]) -> None:
    """Print a table of logs, and how often each reason was found, to standard output."""
    from rich.table import Table
    from rich.text import Text

    console = _console()
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for name in ("file", "reason", "missing", "line"):
        table.add_column(name, no_wrap=True)
    for row in rows:
        found = row.diagnosis
        cells = (row.log.file, found.reason, " ".join(found.missing), f"{_place(found.number)}{found.line}")
        table.add_row(*map(Text, cells))
    console.print(table)
    console.out()
    counts = Counter(row.diagnosis.reason for row in rows)
    console.out(", ".join(f"{counts[reason]} {reason}" for reason in REASONS if counts[reason]))
    _print_comparison(console, rows)


def _print_comparison(console: Console, rows: Sequence[Row]) -> None:
    pairs = confusion(rows)
    if not pairs:
        return
    agreed = sum(count for (recorded, found), count in pairs.items() if recorded == found)
    console.out(f"as recorded: {agreed} of {sum(pairs.values())}")
    for (recorded, found), count in sorted(pairs.items()):
        if recorded != found:
            console.out(f"  recorded {recorded!r}, found {found!r}: {count}")


def _place(number: int) -> str:
    return f"line {number}: " if number else ""


def _console() -> Console:
    from rich.console import Console

    return Console(width=WIDTH, markup=False, highlight=False, emoji=False, soft_wrap=True)
