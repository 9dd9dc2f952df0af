"""Tables of times: a CSV file with a row per run, and beside it a JSON file that says where they come from.

A table is measured or modelled, never both: each row has its kind, the JSON file says it once more together with the
digest of the rows, and whoever reads it refuses what does not agree.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from hashlib import sha256
from math import inf, isfinite
from pathlib import Path
from statistics import median
from typing import Any, Protocol

from pytest_compat.declare.reading import check
from pytest_compat.errors import DeclarationError, brief, known

SCHEMA = "pytest-compat/times/1"
MEASURED, MODELLED = "measured", "modelled"

OK, FAILED, TIMEOUT = "ok", "failed", "timeout"
"""Outcomes. Whoever did not end in time may have been about to; whoever failed would always."""

COLUMNS = (
    "machine", "input", "variant", "repeat", "seconds", "wall", "user", "system", "max_rss_kib", "exit_status",
    "outcome", "reason", "order", "kind",
)  # fmt: skip

DIGITS = 4
"""Decimals of a score; one above 0 is never rounded to it, and none but the best to 1."""

SHORTEST, LONGEST = 1e-9, 1e9
"""Seconds that a time can have: a clock's tick, and thirty years."""

MAX_BYTES = 2**28
"""Bound on each of the two files."""


class Timing(Protocol):
    """A run, wherever it comes from."""

    @property
    def input(self) -> str:
        """What was worked on."""

    @property
    def variant(self) -> str:
        """How it was run."""

    @property
    def seconds(self) -> float | None:
        """What it took; None when it did not succeed."""

    @property
    def reason(self) -> str:
        """Why it did not succeed."""


@dataclass(frozen=True)
class Row:
    """A row of a table.

    Args:
        input: Name of the input.
        variant: Name of the variant.
        repeat: Which of the runs of this input under this variant, from 1.
        seconds: The time that counts, finite and above 0; None unless the outcome is OK.
        outcome: OK, FAILED or TIMEOUT.
        reason: Why it is not OK.
        order: Its place among all runs.
    """

    input: str
    variant: str
    repeat: int
    seconds: float | None
    outcome: str
    reason: str
    order: int


@dataclass(frozen=True)
class Table:
    """Times that belong together.

    Args:
        path: The CSV file.
        kind: MEASURED or MODELLED.
        machine: Name of the machine they are of.
        rows: One or more.
        about: What the JSON file says: inputs and variants with their attributes, environments or the model.
    """

    path: Path
    kind: str
    machine: str
    rows: tuple[Row, ...]
    about: Mapping[str, Any]

    @property
    def variants(self) -> Mapping[str, Mapping[str, str]]:
        """What is recorded of each variant, by name and attribute."""
        found: Mapping[str, Mapping[str, str]] = self.about["variants"]
        return found

    def cluster(self, variant: str) -> str:
        """Return what a variant is called among those of several machines."""
        return f"{self.machine}-{variant}"


@dataclass(frozen=True)
class Summary:
    """The runs of one input under one variant.

    Args:
        input: Name of the input.
        variant: Name of the variant.
        runs: How many there are.
        ok: How many of them succeeded.
        median: Of their seconds, a run that did not succeed taking longer than any that did; None when that is half
            of the runs or more.
        least: The least of their seconds; None when none succeeded.
        spread: (largest - least) / median; None where that is.
        score: That of this median beside the least median of the input: from 0 (cannot run) to 1 (the best).
        reason: Why the last run that failed did; empty when none did.
    """

    input: str
    variant: str
    runs: int
    ok: int
    median: float | None
    least: float | None
    spread: float | None
    score: Fraction
    reason: str


def render(rows: Iterable[Mapping[str, object]]) -> str:
    """Return the CSV of some rows, given by column; what is no column is left out, as is what is None."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def digest(rows: str) -> str:
    """Return the SHA-256 of a CSV, as the JSON file beside it has it."""
    return sha256(rows.encode("utf-8")).hexdigest()


def read_table(path: Path) -> Table:
    """Read a table, with the JSON file of the same name beside it.

    A modelled table is one whose JSON file has the kind `modelled` and a `model` that says how its times come about.

    Raises:
        DeclarationError: One of the two is missing or no such file, they do not agree, or a row has a time that is no
            time.
    """
    beside = path.with_suffix(".json")
    text, described = _read(path), _read(beside)
    try:
        about = json.loads(described)
    except (ValueError, RecursionError) as error:
        raise DeclarationError(f"found no JSON: {error}", source=str(beside)) from None
    try:
        check(about, "times")
    except DeclarationError as error:
        raise error.within(str(beside)) from None
    if about["sha256"] != digest(text):
        raise DeclarationError(
            f"found rows that are not those {beside.name} was written for, expected both as they were written",
            source=str(path),
        )
    try:
        rows = tuple(_rows(text, about))
    except DeclarationError as error:
        raise error.within(str(path)) from None
    return Table(path, about["kind"], about["machine"], rows, about)


def _read(path: Path) -> str:
    try:
        if (size := path.stat().st_size) > MAX_BYTES:
            raise DeclarationError(f"found {size} bytes, expected {MAX_BYTES} at most", source=str(path))
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        raise DeclarationError("found no such file; a table is a CSV and a JSON file", source=str(path)) from None
    except (OSError, ValueError) as error:
        raise DeclarationError(f"cannot be read: {error}", source=str(path)) from None


def _rows(text: str, about: Mapping[str, Any]) -> Iterator[Row]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    seen: set[tuple[str, str, int]] = set()
    try:
        if (columns := tuple(next(reader, ()))) != COLUMNS:
            raise DeclarationError(f"found the columns {', '.join(columns)}, expected {', '.join(COLUMNS)}")
        for cells in reader:
            place = f"line {reader.line_num}"
            if len(cells) != len(COLUMNS):
                raise DeclarationError(f"found {len(cells)} cells, expected {len(COLUMNS)}", path=place)
            row = _row(dict(zip(COLUMNS, cells, strict=True)), about, place)
            if (key := (row.input, row.variant, row.repeat)) in seen:
                raise DeclarationError(f"found run {row.repeat} of {row.input}/{row.variant} again", path=place)
            seen.add(key)
            yield row
    except csv.Error as error:
        raise DeclarationError(f"found no CSV: {error}", path=f"line {reader.line_num}") from None
    if not seen:
        raise DeclarationError("found no rows, expected one per run")


def _row(cells: Mapping[str, str], about: Mapping[str, Any], place: str) -> Row:
    for column in ("kind", "machine"):
        if cells[column] != about[column]:
            raise DeclarationError(
                f"found {column} {brief(cells[column])}, expected {about[column]!r} as in all other rows", path=place
            )
    for column, names in (("input", about["inputs"]), ("variant", about["variants"])):
        if cells[column] not in names:
            raise DeclarationError(known(column, cells[column], names), path=place)
    if cells["outcome"] not in (OK, FAILED, TIMEOUT):
        raise DeclarationError(known("outcome", cells["outcome"], (OK, FAILED, TIMEOUT)), path=place)
    return Row(
        input=cells["input"],
        variant=cells["variant"],
        repeat=_count(cells["repeat"], "repeat", place),
        seconds=_seconds(cells["seconds"], cells["outcome"], place),
        outcome=cells["outcome"],
        reason=cells["reason"],
        order=_count(cells["order"], "order", place),
    )


def _count(text: str, column: str, place: str) -> int:
    if not (text.isascii() and text.isdecimal() and 0 < len(text) < 10 and int(text)):
        raise DeclarationError(f"found {column} {brief(text)}, expected a whole number, 1 or more", path=place)
    return int(text)


def _seconds(text: str, outcome: str, place: str) -> float | None:
    if outcome != OK:
        if text:
            raise DeclarationError(
                f"found seconds {brief(text)} of a run whose outcome is {outcome}, expected none", path=place
            )
        return None
    seconds = read_seconds(text)
    if seconds is None:
        raise DeclarationError(
            f"found seconds {brief(text)}, expected a number from {SHORTEST:g} to {LONGEST:g}", path=place
        )
    return seconds


def read_seconds(text: str) -> float | None:
    """Return a time as printed; None for what is no number, or none from SHORTEST to LONGEST."""
    try:
        seconds = 0.0 if "_" in text else float(text)  # Python reads 1_0 as 10, and nobody prints that
    except ValueError:
        return None
    return in_bounds(seconds)


def in_bounds(seconds: float) -> float | None:
    """Return a time that is one; None for what is none, or not from SHORTEST to LONGEST."""
    return seconds if SHORTEST <= seconds <= LONGEST else None


def summarize(runs: Iterable[Timing]) -> list[Summary]:
    """Return a summary of each input under each variant, the inputs in order of appearance, in each the best first."""
    cells: dict[str, dict[str, list[Timing]]] = {}
    for run in runs:
        cells.setdefault(run.input, {}).setdefault(run.variant, []).append(run)
    found = []
    for of_input in cells.values():
        middles = {variant: _middle(some) for variant, some in of_input.items()}
        best = min((middle for middle in middles.values() if middle is not None), default=inf)
        summaries = [_summary(some, middles[variant], best) for variant, some in of_input.items()]
        found += sorted(summaries, key=lambda each: (each.median or inf, each.variant))
    return found


def time_score(best: float, seconds: float) -> Fraction:
    """Return the score of a time: the best one over it to DIGITS decimals, above 0, and 1 for the best alone."""
    if seconds <= best:
        return Fraction(1)
    least = 10**-DIGITS
    return Fraction(str(min(max(round(best / seconds, DIGITS), least), round(1 - least, DIGITS))))


def _middle(runs: Iterable[Timing]) -> float | None:
    """Return the median time. Runs that fail are counted, or a variant that crashes when it is slow would look fast."""
    found = median(inf if run.seconds is None else run.seconds for run in runs)
    return found if isfinite(found) else None


def _summary(runs: Sequence[Timing], middle: float | None, best: float) -> Summary:
    times = [run.seconds for run in runs if run.seconds is not None]
    return Summary(
        input=runs[0].input,
        variant=runs[0].variant,
        runs=len(runs),
        ok=len(times),
        median=middle,
        least=min(times, default=None),
        spread=(max(times) - min(times)) / middle if middle else None,
        score=time_score(best, middle) if middle else Fraction(0),
        reason=next((run.reason for run in reversed(runs) if run.seconds is None), ""),
    )
