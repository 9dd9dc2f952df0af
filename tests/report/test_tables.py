"""The records as a table."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import html_documents
import pandas
import pytest
from reason_documents import images, variants

from pytest_compat.errors import ReportError
from pytest_compat.report.tables import COLUMNS, LEVEL_COLUMNS, check_table, write_levels, write_table


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
    for write, columns in ((write_table, COLUMNS), (write_levels, LEVEL_COLUMNS)):
        write(html_documents.document(), path)
        frame = pandas.read_csv(path) if suffix == ".csv" else pandas.read_parquet(path)
        assert (tuple(frame.columns), len(frame)) == (columns, 0)


def test_records_carry_why_they_score_less(tmp_path: Path) -> None:
    document = images()
    write_table(document, tmp_path / "records.csv")
    write_table(document, tmp_path / "records.parquet")
    expected = [each.get("reason") for each in document["records"]]
    rows = list(csv.DictReader(io.StringIO((tmp_path / "records.csv").read_text(), newline="")))
    assert [row["reason"] or None for row in rows] == expected
    stored = pandas.read_parquet(tmp_path / "records.parquet")["reason"]
    assert [None if pandas.isna(reason) else reason for reason in stored] == expected
    assert {*expected} == {None, "missing gpu", "abi | issue"}


def test_levels_have_a_row_each_and_reasons_two_columns(tmp_path: Path) -> None:
    write_levels(images(), tmp_path / "levels.csv")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "levels.csv").read_text(), newline="")))
    reasons = ["reason: abi | issue", "exact: abi | issue", "reason: missing gpu", "exact: missing gpu"]
    assert [*rows[0]] == [*LEVEL_COLUMNS, *reasons]
    assert [[row["level"], *(row[name] for name in reasons)] for row in rows] == [
        ["basic", "3", "0.25", "2", "0.25"],
        ["platform", "2", str(1 / 3), "3", "0.25"],
        ["os", "0", "0.0", "0", "0.0"],
    ]
    platform = rows[1]
    assert (platform["drawn"], platform["iterations"], platform["missed"], platform["fraction"]) == (
        "1", "8", "1", "5/12",
    )  # fmt: skip
    assert [row["drawn"] for row in rows] == ["1", "1", "0"]
    assert {row[name] for row in rows for name in ("times", "machine", "regret", "exact_regret")} == {""}


def test_time_lost_stands_beside_whether_it_is_measured(tmp_path: Path) -> None:
    write_levels(variants("modelled"), tmp_path / "levels.parquet")
    frame = pandas.read_parquet(tmp_path / "levels.parquet")
    assert frame["times"].tolist() == ["modelled", "modelled"]
    assert frame["machine"].tolist() == ["a [big] node", "a [big] node"]
    basic, platform = frame[["regret", "ran", "exact_regret", "exact_ran"]].to_numpy().tolist()
    assert basic == [1 / 3, 3 / 8, 0.25, 0.5]
    assert pandas.isna(platform).tolist() == [True, False, True, False]


def test_both_forms_hold_every_level(lammps: html_documents.Document, tmp_path: Path) -> None:
    document = {**lammps, "runs": [*lammps["runs"], lammps["runs"][0] | {"level": "odd", "exact": None}]}
    for suffix, read in ((".csv", pandas.read_csv), (".parquet", pandas.read_parquet)):
        path = tmp_path / f"levels{suffix}"
        write_levels(document, path)
        frame = read(path)
        assert tuple(frame.columns) == LEVEL_COLUMNS
        assert frame["level"].tolist() == [run["level"] for run in document["runs"]]
        assert frame["exact"].tolist()[:-1] == [run["exact"]["accuracy"] for run in lammps["runs"]]
        assert pandas.isna(frame["exact"].tolist()[-1])


@pytest.mark.parametrize("name", ["records", "records.txt", "records.csv.gz", "csv"])
def test_other_suffixes_are_refused(tmp_path: Path, name: str) -> None:
    for write in (write_table, write_levels):
        with pytest.raises(ReportError, match=r"expected \.csv or \.parquet"):
            write(html_documents.document(), tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_parquet_takes_packages_that_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_compat.report.tables.find_spec", lambda name: None)
    check_table(tmp_path / "records.csv")
    with pytest.raises(ReportError, match=r"pandas and pyarrow; pip install 'pytest-compat\[tables\]'"):
        check_table(tmp_path / "records.parquet")
