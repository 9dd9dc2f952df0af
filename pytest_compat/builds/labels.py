"""Label tables: CSV files that say what became of builds.

The first row names the columns: one of `spec`, `hash` and `file` says which build, `label` what became of it, and
`error_cluster`, which need not be there, the number of the class of its error. Other columns are not read.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pytest_compat.builds.format import LABELS
from pytest_compat.declare.reading import read_text
from pytest_compat.errors import DeclarationError, brief, known

KEYS = ("spec", "hash", "file")
"""Columns that say which build a row is about, the first that is there counts."""


@dataclass(frozen=True)
class Label:
    """What became of a build.

    Args:
        label: One of LABELS.
        error_cluster: Number of the class of its error, None where there is none.
        place: The file and the line that say so.
    """

    label: str
    error_cluster: int | None
    place: str


def read_labels(paths: Sequence[Path]) -> dict[str, Label]:
    """Read label tables.

    Returns:
        Labels by spec, hash or file, as written.

    Raises:
        DeclarationError: A table is none, a label unknown, or two rows say different things of a build.
    """
    found: dict[str, Label] = {}
    for path in paths:
        for key, label in _rows(path):
            before = found.setdefault(key, label)
            if (before.label, before.error_cluster) != (label.label, label.error_cluster):
                raise DeclarationError(
                    f"found {label.label} of {brief(key)}, which is {before.label} in {before.place}; expected one "
                    "label (both, where a build succeeded and failed)",
                    source=label.place,
                )
    return found


def _rows(path: Path) -> Iterable[tuple[str, Label]]:
    reader = csv.DictReader(read_text(path).removeprefix("\ufeff").splitlines())
    columns = list(reader.fieldnames or ())
    key = next((name for name in KEYS if name in columns), None)
    if key is None or "label" not in columns:
        raise DeclarationError(
            f"found the columns {', '.join(columns) or 'none'}, expected label and one of {', '.join(KEYS)}",
            source=str(path),
        )
    for row in reader:
        place = f"{path}: line {reader.line_num}"
        if not row[key]:
            raise DeclarationError(f"found no {key}", source=place)
        label, number = row["label"] or "", row.get("error_cluster") or ""
        if label not in LABELS:
            raise DeclarationError(known("label", label, LABELS), source=place)
        if number and not (number.isascii() and number.isdecimal() and len(number) < 10):
            raise DeclarationError(f"found the error_cluster {brief(number)}, expected a whole number", source=place)
        yield row[key], Label(label, int(number) if number else None, place)


def assign(labels: Mapping[str, Label], names: Sequence[Iterable[str]]) -> tuple[list[Label | None], list[str]]:
    """Find the label of each of several builds.

    Args:
        labels: Labels as `read_labels` returns them.
        names: For each build all that it may be called.

    Returns:
        The label of each build, None where no table has one, and the names in tables that no build has.

    Raises:
        DeclarationError: A name in a table fits several builds, or a build has several names with different labels.
    """
    owners: dict[str, list[int]] = {}
    for number, some in enumerate(names):
        for name in dict.fromkeys(some):
            owners.setdefault(name, []).append(number)
    found: list[Label | None] = [None] * len(names)
    for name, label in labels.items():
        numbers = owners.get(name, [])
        if len(numbers) > 1:
            raise DeclarationError(
                f"found {brief(name)}, which fits {len(numbers)} builds; expected their hashes or paths",
                source=label.place,
            )
        for number in numbers:
            before = found[number]
            if before is not None and (before.label, before.error_cluster) != (label.label, label.error_cluster):
                raise DeclarationError(
                    f"found {label.label} of {brief(name)}, which by another name is {before.label} in {before.place}",
                    source=label.place,
                )
            found[number] = label
    return found, [name for name in labels if name not in owners]
