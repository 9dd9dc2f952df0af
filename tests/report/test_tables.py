"""The records as a table."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import html_documents
import pandas
import pytest

from pytest_compat.errors import ReportError
from pytest_compat.report.tables import COLUMNS, check_table, write_table


@pytest.fixture(scope="module")
def lammps() -> html_documents.Document:
    """A report with a submission that came to nothing, in several lines."""
    document = html_documents.lammps()
    document["records"][0] |= {"cluster": None, "outcome": "error", "score": 0.0, "reason": 'out of "ink",\nreally'}
    return document


def test_the_columns_are_known(lammps: html_documents.Document, tmp_path: Path) -> None:
    for suffix, read in ((".csv", pandas.read_csv), (".parquet", pandas.read_parquet)):
        path = tmp_path / f"records{suffix}"
        write_table(lammps, path)
        assert tuple(read(path).columns) == COLUMNS


def test_both_forms_hold_every_record(lammps: html_documents.Document, tmp_path: Path) -> None:
    write_table(lammps, tmp_path / "records.csv")
    write_table(lammps, tmp_path / "records.parquet")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "records.csv").read_text(), newline="")))
    frame = pandas.read_parquet(tmp_path / "records.parquet")
    assert len(rows) == len(frame) == len(lammps["records"])
    for row, other, record in zip(rows, frame.to_dict("records"), lammps["records"], strict=True):
        for name in ("experiment", "scheduler", "level", "job", "outcome"):
            assert row[name] == other[name] == record[name]
        assert int(row["iteration"]) == other["iteration"] == record["iteration"]
        assert float(row["score"]) == other["score"] == record["score"]
        assert row["cluster"] == (record["cluster"] or "")
        assert pandas.isna(other["cluster"]) == (record["cluster"] is None)
        assert row["reason"] == record.get("reason", "")
        assert row["seed"] == "0"
        assert row["version"] == html_documents.VERSION


def test_numbers_are_numbers(lammps: html_documents.Document, tmp_path: Path) -> None:
    write_table(lammps, tmp_path / "records.parquet")
    types = pandas.read_parquet(tmp_path / "records.parquet").dtypes
    assert types["score"].kind == "f"
    assert types["iteration"].kind == types["seed"].kind == "i"


def test_the_same_report_is_the_same_file(lammps: html_documents.Document, tmp_path: Path) -> None:
    for suffix in (".csv", ".parquet"):
        first, second = (tmp_path / f"{name}{suffix}" for name in "ab")
        write_table(lammps, first)
        write_table(lammps, second)
        assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_report_of_nothing_is_a_heading(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"records{suffix}"
    write_table(html_documents.document(), path)
    frame = pandas.read_csv(path) if suffix == ".csv" else pandas.read_parquet(path)
    assert (tuple(frame.columns), len(frame)) == (COLUMNS, 0)


@pytest.mark.parametrize("name", ["records", "records.txt", "records.csv.gz", "csv"])
def test_other_suffixes_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ReportError, match=r"expected \.csv or \.parquet"):
        write_table(html_documents.document(), tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_parquet_takes_packages_that_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_compat.report.tables.find_spec", lambda name: None)
    check_table(tmp_path / "records.csv")
    with pytest.raises(ReportError, match=r"pandas and pyarrow; pip install 'pytest-compat\[tables\]'"):
        check_table(tmp_path / "records.parquet")
