"""Tables of builds: one row per spec, what it was built with and what became of it.

A table is a Parquet file with the columns of `format.COLUMNS`; docs/buildspecs.md describes each. Whatever is
wrong with one is told with its column and row. Rows are left out for two reasons only, versions that cannot be read and
specs that stand there more than once, and both are listed in `Dataset.excluded`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_compat.builds.format import COLUMNS, OUTCOMES, ROOT_FAILURE, SUCCESS, check_names, check_table
from pytest_compat.builds.parquet import column_names, read_table, require_parquet, write_table
from pytest_compat.errors import DeclarationError, brief

if TYPE_CHECKING:
    import pandas

_VERSION = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+=/-]*")
"""What Spack writes as a version: releases, branches (`develop`), and `git.<commit>=<version>`."""


@dataclass(frozen=True, slots=True)
class Excluded:
    """Something of a table that is left out.

    Args:
        what: What is left out, with an example.
        why: Why.
        count: How many rows.
    """

    what: str
    why: str
    count: int

    def __str__(self) -> str:
        return f"{self.count} rows left out: {self.what}: {self.why}"


@dataclass(frozen=True)
class Dataset:
    """A table of builds.

    Args:
        frame: One row per build in the order of the file, numbered from 0, with the columns of COLUMNS; without those
            of OUTCOMES when the table was read to predict from. Cells of list columns are arrays of texts; names of
            dependencies are sorted, with their versions in the same order.
        excluded: Everything that was left out.
        remarks: What is odd about what was kept, as sentences.
    """

    frame: pandas.DataFrame
    excluded: tuple[Excluded, ...] = ()
    remarks: tuple[str, ...] = ()


def read_dataset(path: Path, *, labelled: bool = True) -> Dataset:
    """Read a table of builds.

    Args:
        path: A Parquet file.
        labelled: Whether the outcomes are wanted. Without them no row is ever left out, so that row k of the frame is
            row k of the file.

    Raises:
        DeclarationError: It is no Parquet file or no such table; with the column, the row (from 0), what was found
            and what was expected.
    """
    try:
        return _read(path, labelled)
    except DeclarationError as error:
        raise error.within(str(path)) from None


def write_dataset(frame: pandas.DataFrame, path: Path) -> None:
    """Write a table of builds, with labels or without, compressed with zstd, whole or not at all.

    The bytes depend on the frame and on the release of pyarrow alone.

    Raises:
        DeclarationError: The frame is no such table.
        OSError: It cannot be written.
    """
    require_parquet(path)
    import pyarrow

    try:
        columns = [name for name in COLUMNS if name in frame.columns]
        table = pyarrow.Table.from_pandas(frame[columns], preserve_index=False)
        table = check_table(table, labelled="label" in columns)
    except pyarrow.ArrowException as error:
        raise DeclarationError(f"found no table of builds: {error}", source=str(path)) from None
    except DeclarationError as error:
        raise error.within(str(path)) from None
    write_table(table.replace_schema_metadata(), path)


def _read(path: Path, labelled: bool) -> Dataset:
    found = column_names(path)
    check_names(found, labelled)
    table = read_table(path, [name for name in COLUMNS if name in found and (labelled or name not in OUTCOMES)])
    foreign = [name for name in found if name not in COLUMNS]
    remarks = [f"columns that are none of a table of builds are not read: {', '.join(foreign)}"] if foreign else []
    table = check_table(table, labelled)
    frame = _sorted_dependencies(table.to_pandas())
    if "error_cluster" in frame.columns:
        frame["error_cluster"] = frame["error_cluster"].astype("Int32")
    unreadable = _unreadable(frame)
    if not labelled:
        if unreadable:
            remarks.append(
                f"{len(unreadable)} rows have a version that cannot be read, such as {_first(unreadable)}: kept, and "
                "like any version that no model has seen"
            )
        return Dataset(frame, (), tuple(remarks))
    excluded = []
    if unreadable:
        excluded.append(
            Excluded(f"builds with versions such as {_first(unreadable)}", "no version Spack writes", len(unreadable))
        )
        frame = frame.drop(index=list(unreadable))
    frame, repeated = _distinct(frame)
    excluded += repeated
    if frame.empty:
        raise DeclarationError(f"found no builds to go by: {'; '.join(map(str, excluded))}")
    remarks += _look_alikes(frame)
    return Dataset(frame.reset_index(drop=True), tuple(excluded), tuple(remarks))


def _sorted_dependencies(frame: pandas.DataFrame) -> pandas.DataFrame:
    """Sort each row's dependencies by name: the order in which they were met says nothing of a build."""
    orders = [names.argsort() for names in frame["dep_names"]]
    for column in ("dep_names", "dep_versions"):
        frame[column] = [cell[order] for cell, order in zip(frame[column], orders, strict=True)]
    return frame


def _unreadable(frame: pandas.DataFrame) -> dict[int, str]:
    """Return the rows with a version that is none, and where it stands."""
    found = {}
    readable: dict[str, bool] = {}
    columns = (frame[name] for name in ("version", "compiler_version", "dep_versions"))
    for row, (version, compiler, dependencies) in enumerate(zip(*columns, strict=True)):
        for name, text in _placed(row, version, compiler, dependencies):
            if text not in readable:
                readable[text] = _VERSION.fullmatch(text) is not None
            if not readable[text]:
                found[row] = f"{brief(text)} ({name})"
                break
    return found


def _placed(row: int, version: str, compiler: str, dependencies: Iterable[str]) -> Iterator[tuple[str, str]]:
    yield f"version[{row}]", version
    yield f"compiler_version[{row}]", compiler
    for text in dependencies:
        yield f"dep_versions[{row}]", text


def _first(found: dict[int, str]) -> str:
    return next(iter(found.values()))


def _distinct(frame: pandas.DataFrame) -> tuple[pandas.DataFrame, list[Excluded]]:
    """Leave out specs that stand in a table more than once: all of one with several labels, else all but the first.

    Raises:
        DeclarationError: Rows of one spec differ in what was built.
    """
    again = frame[frame["spec"].duplicated(keep=False)]
    if again.empty:
        return frame, []
    contradicted, repeated = [], []
    for spec, rows in again.groupby("spec", sort=False):
        if len(set(_features(rows))) > 1:
            where = " and ".join(map(str, rows.index[:2]))
            raise DeclarationError(
                f"found {brief(spec)} in rows {where} with different builds, expected one build per spec", path="spec"
            )
        if rows["label"].nunique() > 1:
            contradicted += rows.index.tolist()
        else:
            repeated += rows.index[1:].tolist()
    excluded = [
        Excluded(f"specs such as {brief(frame['spec'][rows[0]])} (row {rows[0]})", why, len(rows))
        for rows, why in (
            (contradicted, "they stand in the table more than once, with different labels"),
            (repeated, "they repeat an earlier row"),
        )
        if rows
    ]
    return frame.drop(index=contradicted + repeated), excluded


def _look_alikes(frame: pandas.DataFrame) -> list[str]:
    """Tell of different specs that agree in all this table has of a build, and yet succeeded and failed."""
    judged = frame[frame["label"].isin([SUCCESS, ROOT_FAILURE])]
    labels: dict[tuple[Any, ...], list[str]] = {}
    for features, label in zip(_features(judged), judged["label"], strict=True):
        labels.setdefault(features, []).append(label)
    opposite = [some for some in labels.values() if len(set(some)) > 1]
    if not opposite:
        return []
    return [
        f"{sum(map(len, opposite))} rows in {len(opposite)} sets have equal builds under different specs and are both "
        "success and root_failure: kept, though nothing in the table tells them apart"
    ]


def _features(frame: pandas.DataFrame) -> Iterator[tuple[Any, ...]]:
    for *plain, names, versions in zip(
        *(frame[name] for name in ("package", "version", "compiler", "compiler_version", "variants")),
        frame["dep_names"], frame["dep_versions"], strict=True,
    ):  # fmt: skip
        yield (*plain, tuple(names), tuple(versions))
