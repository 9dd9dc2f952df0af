"""`python -m pytest_compat reasons`."""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import sys
from pathlib import Path

import pytest

from pytest_compat.commands import reasons
from pytest_compat.errors import CompatError

FAILED = "Flux\nlmp: /lib64/libc.so.6: version `GLIBC_2.34' not found (required by lmp)\ncurl: command not found\n"
SUCCESS = "LAMMPS (29 Sep 2021)\nTotal wall time: 0:00:07\n"
KILLED = "slurmstepd: error: Detected 1 oom-kill event(s) in StepId=1.0.\n"


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FORCE_COLOR", raising=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three logs and a file that is none."""
    results = tmp_path / "results"
    (results / "deep").mkdir(parents=True)
    (results / "a.log").write_text(FAILED, encoding="utf-8")
    (results / "deep" / "b.out.gz").write_bytes(gzip.compress(SUCCESS.encode()))
    (results / "deep" / "c.txt").write_text(KILLED, encoding="utf-8")
    (results / "notes.md").write_text("exec format error", encoding="utf-8")
    return results


def ran(*arguments: object) -> int:
    parser = argparse.ArgumentParser()
    reasons.add_arguments(parser)
    return reasons.run(parser.parse_args([str(argument) for argument in arguments]))


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    out, err = capsys.readouterr()
    assert err == ""
    return [line.rstrip() for line in out.splitlines()]


def refused(*arguments: object) -> str:
    with pytest.raises(CompatError) as error:
        ran(*arguments)
    return str(error.value)


def test_one_log_is_shown_with_the_line_that_decided(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ran(folder / "a.log") == 0
    assert lines(capsys) == [
        f"{folder / 'a.log'}: os abi issue",
        "  line 2: lmp: /lib64/libc.so.6: version `GLIBC_2.34' not found (required by lmp)",
        "  by the rule: symbol version",
        "  missing: GLIBC_2.34",
    ]


def test_what_did_not_decide_is_shown_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "x.log"
    log.write_text(KILLED + SUCCESS, encoding="utf-8")
    assert ran(log) == 0
    assert lines(capsys)[3:] == ["  what did not decide:", f"    line 1: {KILLED.strip()} (killed for memory)"]


def test_a_folder_is_a_table(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ran(folder) == 0
    shown = lines(capsys)
    assert shown[0].split() == ["file", "reason", "missing", "line"]
    assert [line.split()[0] for line in shown[1:4]] == [
        str(folder / "a.log"), str(folder / "deep" / "b.out.gz"), str(folder / "deep" / "c.txt"),
    ]  # fmt: skip
    assert shown[5:] == ["1 success, 1 os abi issue, 1 out of memory"]


def test_json_has_everything(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ran(folder / "a.log", "--json") == 0
    assert json.loads("\n".join(lines(capsys))) == [
        {
            "file": str(folder / "a.log"),
            "reason": "os abi issue",
            "line": FAILED.splitlines()[1],
            "number": 2,
            "missing": ["GLIBC_2.34"],
            "rule": "symbol version",
            "others": [],
            "columns": {},
        }
    ]


def test_csv_has_a_row_per_log(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ran(folder, "--csv", tmp_path / "new" / "table.csv") == 0
    with (tmp_path / "new" / "table.csv").open(newline="", encoding="utf-8") as table:
        rows = list(csv.DictReader(table))
    assert [row["reason"] for row in rows] == ["os abi issue", "success", "out of memory"]
    assert (rows[0]["number"], rows[0]["missing"], rows[0]["line"]) == ("2", "GLIBC_2.34", FAILED.splitlines()[1])


class TestTable:
    @pytest.fixture
    def table(self, tmp_path: Path) -> Path:
        pandas = pytest.importorskip("pandas")
        pytest.importorskip("pyarrow")
        path = tmp_path / "logs.parquet"
        outcome, mode = ["os abi issue", "success", "mpi error"], ["x", "y", None]
        frame = pandas.DataFrame(
            {"log": [FAILED, SUCCESS, KILLED], "outcome": outcome, "mode": mode, "file": [1, 2, 3]}
        )
        frame.to_parquet(path)
        return path

    def test_is_compared_with_what_it_records(self, table: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert ran(table) == 0
        assert lines(capsys)[-2:] == ["as recorded: 2 of 3", "  recorded 'mpi error', found 'out of memory': 1"]
        assert ran(table, "--fail-on-difference") == 1

    def test_has_its_columns_carried(self, table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert ran(table, "--csv", tmp_path / "t.csv") == 0
        with (tmp_path / "t.csv").open(newline="", encoding="utf-8") as written:
            rows = list(csv.DictReader(written))
        assert [(row["mode"], row["outcome"], row["recorded_file"]) for row in rows] == [
            ("x", "os abi issue", "1"), ("y", "success", "2"), ("", "mpi error", "3"),
        ]  # fmt: skip
        assert rows[2]["file"] == f"{table}[2]"

    def test_a_run_of_which_nothing_was_kept_is_unknown(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        pandas = pytest.importorskip("pandas")
        pytest.importorskip("pyarrow")
        pandas.DataFrame({"log": ["exec format error", None]}).to_parquet(tmp_path / "t.parquet")
        assert ran("--json", tmp_path / "t.parquet") == 0
        assert [row["reason"] for row in json.loads(capsys.readouterr().out)] == ["wrong architecture", "unknown"]

    def test_without_logs_is_refused(self, tmp_path: Path) -> None:
        pandas = pytest.importorskip("pandas")
        pytest.importorskip("pyarrow")
        pandas.DataFrame({"text": ["x"]}).to_parquet(tmp_path / "t.parquet")
        assert refused(tmp_path / "t.parquet").endswith("t.parquet: found the columns text, expected one called log")
        pandas.DataFrame({"log": [1, 2]}).to_parquet(tmp_path / "t.parquet")
        assert "t.parquet: log[0]: found " in refused(tmp_path / "t.parquet")
        (tmp_path / "t.parquet").write_bytes(b"PAR1 no more")
        assert "t.parquet: cannot be read" in refused(tmp_path / "t.parquet")

    def test_takes_an_extra_to_read(self, table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("pytest_compat.reasons.logs.find_spec", lambda name: None)
        assert "pip install 'pytest-compat[tables]'" in refused(table)


class TestPlot:
    @pytest.mark.parametrize(("name", "start"), [("p.svg", b"<?xml"), ("p.png", b"\x89PNG")])
    def test_is_the_same_each_time(
        self, folder: Path, tmp_path: Path, name: str, start: bytes, capsys: pytest.CaptureFixture[str]
    ) -> None:
        pytest.importorskip("matplotlib")
        assert ran(folder, "--plot", tmp_path / name) == 0
        first = (tmp_path / name).read_bytes()
        assert ran(folder, "--plot", tmp_path / name) == 0
        assert first.startswith(start)
        assert (tmp_path / name).read_bytes() == first

    def test_names_groups_and_reasons(self, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        pytest.importorskip("matplotlib")
        assert ran(folder, "--plot", tmp_path / "p.svg") == 0
        picture = (tmp_path / "p.svg").read_text(encoding="utf-8")
        assert all(f">{text}</text>" in picture for text in (folder, folder / "deep", "success", "os abi issue"))

    def test_takes_an_extra(self, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "matplotlib", None)
        assert (
            refused(folder, "--plot", tmp_path / "p.svg")
            == "a plot takes matplotlib; pip install 'pytest-compat[plot]'"
        )

    def test_of_a_column_that_is_not_there_is_refused(self, folder: Path, tmp_path: Path) -> None:
        said = refused(folder, "--plot", tmp_path / "p.svg", "--by", "mode")
        assert said.endswith("a.log: unknown column 'mode', did you mean 'folder'? (known: folder)")

    def test_of_another_kind_is_refused(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit):
            ran(folder, "--plot", "p.pdf")
        assert "found the suffix '.pdf', expected .svg or .png" in capsys.readouterr().err


def test_an_unknown_reason_fails_when_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "empty.log"
    log.touch()
    assert ran(log) == 0
    assert lines(capsys)[0].endswith("empty.log: unknown")
    assert ran(log, "--fail-on-unknown") == 1
    assert ran(log, "--fail-on-unknown", "--exit-status", "0") == 0


@pytest.mark.parametrize("status", ["256", "-1", "x", "9" * 5000])
def test_an_exit_status_that_is_none_is_refused(folder: Path, status: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        ran(folder, f"--exit-status={status}")
    assert "expected an exit status from 0 to 255" in capsys.readouterr().err


def test_rules_of_ones_own_decide(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rules = tmp_path / "own.yaml"
    rules.write_text(
        "causes: [{name: mine, reason: mpi error, stage: launch, texts: [Flux], means: mine}]", encoding="utf-8"
    )
    assert ran(folder / "a.log", "--rules", rules) == 0
    assert lines(capsys)[:3] == [f"{folder / 'a.log'}: mpi error", "  line 1: Flux", "  by the rule: mine"]


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    assert refused(tmp_path / "none.log").endswith("none.log: found no such file")
    assert "found no logs, expected *.log, *.out, *.err, *.txt" in refused(tmp_path)
    (tmp_path / "cut.log.gz").write_bytes(gzip.compress(FAILED.encode())[:-12])
    assert "cut.log.gz: cannot be read" in refused(tmp_path)


def test_what_cannot_be_written_is_named(folder: Path, tmp_path: Path) -> None:
    assert "cannot be written" in refused(folder, "--csv", folder / "a.log" / "t.csv")
