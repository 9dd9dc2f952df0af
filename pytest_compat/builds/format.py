"""What a table of builds has to be, column by column."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from pytest_compat.errors import DeclarationError, brief

if TYPE_CHECKING:
    import pyarrow

SUCCESS, ROOT_FAILURE, OTHER_FAILURE, BOTH = "success", "root_failure", "other_failure", "both"
LABELS = (SUCCESS, ROOT_FAILURE, OTHER_FAILURE, BOTH)
"""What becomes of a build: it succeeds, its own package fails, a dependency or the machine fails, or it did both."""

TEXT, LIST, WHOLE = "text", "a list of texts", "a whole number or nothing"
COLUMNS = {
    "spec": TEXT, "package": TEXT, "version": TEXT, "compiler": TEXT, "compiler_version": TEXT, "label": TEXT,
    "error_cluster": WHOLE, "variants": TEXT, "dep_names": LIST, "dep_versions": LIST, "direct_deps": LIST,
}  # fmt: skip
"""Every column and what its cells are."""

OUTCOMES = ("label", "error_cluster")
"""Columns that say what became of a build; a table to predict from need not have them."""


def check_names(found: Iterable[str], labelled: bool) -> None:
    """Look for every column.

    Raises:
        DeclarationError: One is missing or there twice.
    """
    found = list(found)
    wanted = [name for name in COLUMNS if labelled or name not in OUTCOMES]
    if missing := [name for name in wanted if name not in found]:
        raise DeclarationError(
            f"found no column {', '.join(missing)} among {', '.join(found) or 'none at all'}; expected a table of "
            f"builds with {', '.join(wanted)}"
        )
    if twice := [name for name in wanted if found.count(name) > 1]:
        raise DeclarationError(f"found the column {twice[0]} {found.count(twice[0])} times, expected it once")


def check_table(table: pyarrow.Table, labelled: bool) -> pyarrow.Table:
    """Return a table with the types of the format.

    Args:
        table: Columns of builds, in any types that can be cast without loss.
        labelled: Whether it has to say what became of them.

    Raises:
        DeclarationError: A column is missing or of another type, a cell is empty, a label unknown, dependencies do not
            agree, or variants cannot be read; with the column and the row, from 0.
    """
    import pyarrow
    import pyarrow.compute as pc

    check_names(table.column_names, labelled)
    if table.num_rows == 0:
        raise DeclarationError("found no rows, expected one per build")
    types = {TEXT: pyarrow.string(), LIST: pyarrow.list_(pyarrow.string()), WHOLE: pyarrow.int32()}
    columns = {}
    for name in table.column_names:
        column = table[name]
        if not _castable(column.type, COLUMNS[name]):
            raise DeclarationError(f"found {column.type}, expected {COLUMNS[name]} in each row", path=name)
        if COLUMNS[name] != WHOLE and column.null_count:
            row = pc.index(pc.is_null(column), True).as_py()
            raise DeclarationError(f"found nothing, expected {COLUMNS[name]}", path=f"{name}[{row}]")
        try:
            columns[name] = column.cast(types[COLUMNS[name]])
        except pyarrow.ArrowInvalid as error:
            raise DeclarationError(f"expected {COLUMNS[name]} in each row: {error}", path=name) from None
    for name in ("spec", "package", "compiler"):
        _check_cells(columns[name], name, pc.equal(pc.utf8_length(columns[name]), 0), "a name")
    if "label" in columns:
        unknown = pc.invert(pc.is_in(columns["label"], pyarrow.array(LABELS)))
        _check_cells(columns["label"], "label", unknown, f"one of {', '.join(LABELS)}")
    _check_lists(columns)
    _check_variants(columns["variants"])
    return pyarrow.table(columns)


def _castable(found: pyarrow.DataType, kind: str) -> bool:
    from pyarrow import types

    if types.is_dictionary(found):
        found = found.value_type
    if kind == WHOLE:
        return bool(types.is_integer(found) or types.is_floating(found) or types.is_null(found))
    if kind == LIST:
        if not (types.is_list(found) or types.is_large_list(found) or types.is_fixed_size_list(found)):
            return False
        found = found.value_type
        if types.is_null(found):
            return True
    return bool(types.is_string(found) or types.is_large_string(found) or types.is_string_view(found))


def _check_cells(column: Any, name: str, wrong: Any, expected: str) -> None:
    import pyarrow.compute as pc

    row = pc.index(wrong, True).as_py()
    if row >= 0:
        raise DeclarationError(f"found {brief(column[row].as_py())}, expected {expected}", path=f"{name}[{row}]")


def _check_lists(columns: dict[str, Any]) -> None:
    lists = {name: columns[name].to_pylist() for name in ("dep_names", "dep_versions", "direct_deps")}
    for row, (names, versions, direct) in enumerate(zip(*lists.values(), strict=True)):
        for name, cell in zip(lists, (names, versions, direct), strict=True):
            if None in cell:
                raise DeclarationError("found nothing, expected text", path=f"{name}[{row}][{cell.index(None)}]")
        if len(names) != len(versions):
            raise DeclarationError(
                f"found {len(versions)} versions of {len(names)} dependencies, expected one of each",
                path=f"dep_versions[{row}]",
            )
        distinct = set(names)
        if len(distinct) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise DeclarationError(f"found {brief(twice)} twice, expected each once", path=f"dep_names[{row}]")
        if not distinct.issuperset(direct):
            foreign = next(name for name in direct if name not in distinct)
            raise DeclarationError(
                f"found {brief(foreign)}, expected names that are in dep_names", path=f"direct_deps[{row}]"
            )


def _check_variants(column: Any) -> None:
    read: dict[str, str | None] = {}
    for row, text in enumerate(column.to_pylist()):
        if text not in read:
            read[text] = variants_problem(text)
        if (problem := read[text]) is not None:
            raise DeclarationError(problem, path=f"variants[{row}]")


def variants_problem(text: str) -> str | None:
    """Return what is wrong with the variants of a build, None for nothing."""
    expected = "expected a JSON object of names to true, false, a number, text or a list of texts"
    try:
        variants = json.loads(text)
    except (ValueError, RecursionError):
        return f"found {brief(text)}, {expected}"
    if not isinstance(variants, dict):
        return f"found {brief(variants)}, {expected}"
    for name, value in variants.items():
        texts = isinstance(value, list) and all(isinstance(each, str) for each in value)
        if not (isinstance(value, bool | int | float | str) or texts):
            return f"found {brief(value)} for {brief(name)}, {expected}"
    return None
