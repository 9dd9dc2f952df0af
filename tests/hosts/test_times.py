"""Tables of times: measured or modelled, and never both."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from plans import make_plan

from pytest_compat.errors import RecordError
from pytest_compat.hosts.journal import open_journal
from pytest_compat.hosts.table import COLUMNS, describe, read_table, render_rows, summarize
from pytest_compat.hosts.trial import Run

RUN = Run("one", "plain", 1, 2, "ok", 0.5, 0.6, 0.1, 0.1, 1000, 0, "", 3)
WARMUP = replace(RUN, repeat=0, order=1, seconds=9.0)
FAILED = replace(
    RUN, variant="gpu", order=3, outcome="failed", seconds=None, exit_status=None, reason='no "gpu", sorry'
)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A table of two runs."""
    plan = make_plan(tmp_path, variants={"plain": {"attributes": {"mpi": "no"}}, "gpu": {}})
    with open_journal(tmp_path, plan, "here") as journal:
        journal.environments.append({"cpu": "fast"})
        for run in (FAILED, RUN, WARMUP):
            journal.add(run)
        rows = render_rows(journal.runs.values(), "here")
        about = describe(plan, journal, "here", rows)
    (tmp_path / "times.csv").write_text(rows, encoding="utf-8")
    (tmp_path / "times.json").write_text(json.dumps(about), encoding="utf-8")
    return tmp_path / "times.csv"


def edit(table: Path, **changes: Any) -> None:
    beside = table.with_suffix(".json")
    beside.write_text(json.dumps({**json.loads(beside.read_text()), **changes}), encoding="utf-8")


def sign(table: Path) -> None:
    edit(table, sha256=sha256(table.read_bytes()).hexdigest())


def test_a_row_is_a_run_and_warm_ups_are_none(table: Path) -> None:
    first, second = csv.DictReader(table.read_text(encoding="utf-8").splitlines())
    assert first == {
        "machine": "here", "input": "one", "variant": "plain", "repeat": "1", "seconds": "0.5", "wall": "0.6",
        "user": "0.1", "system": "0.1", "max_rss_kib": "1000", "exit_status": "0", "outcome": "ok", "reason": "",
        "order": "2", "kind": "measured",
    }  # fmt: skip
    assert (second["seconds"], second["exit_status"], second["reason"]) == ("", "", 'no "gpu", sorry')


def test_a_table_is_read_with_what_it_says_of_itself(table: Path) -> None:
    found = read_table(table)
    assert (found.kind, found.machine, len(found.rows)) == ("measured", "here", 2)
    assert found.about["variants"] == {"plain": {"mpi": "no"}, "gpu": {}}
    assert found.about["environments"] == [{"cpu": "fast"}]
    assert (found.about["complete"], found.about["runs"]) == (True, {"planned": 2, "finished": 2})


def test_rows_that_were_changed_are_refused(table: Path) -> None:
    table.write_text(table.read_text().replace("0.5", "0.4"))
    with pytest.raises(RecordError, match=r"times.csv: its rows are not those that times.json was written for"):
        read_table(table)


@pytest.mark.parametrize(("column", "other"), [("kind", "modelled"), ("machine", "there")])
def test_one_row_of_another_kind_or_machine_is_refused(table: Path, column: str, other: str) -> None:
    first, rest = table.read_text().split("\n", 1)
    here = {"kind": "measured", "machine": "here"}[column]
    table.write_text(f"{first}\n{rest.replace(here, other, 1)}")
    sign(table)
    with pytest.raises(RecordError, match=f"line 2 has {column} '{other}', expected '{here}'"):
        read_table(table)


def test_a_measured_table_does_not_become_a_modelled_one(table: Path) -> None:
    edit(table, kind="modelled", model={"description": "scaled"})
    with pytest.raises(RecordError, match="line 2 has kind 'measured', expected 'modelled'"):
        read_table(table)


def test_a_modelled_table_says_how_its_times_come_about(table: Path) -> None:
    table.write_text(table.read_text().replace("measured", "modelled"))
    sign(table)
    edit(table, kind="modelled")
    with pytest.raises(RecordError, match=r"found kind 'modelled', expected .* or 'modelled' with a `model`"):
        read_table(table)
    edit(table, model={"description": "seconds of x86_64 times 1.3"})
    assert read_table(table).kind == "modelled"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"schema": "pytest-compat/times/0"}, "found schema 'pytest-compat/times/0', expected 'pytest-compat/times/1'"),
        ({"kind": "guessed"}, "found kind 'guessed'"),
        ({"kind": None}, "found kind None"),
        ({"environments": []}, "expected 'measured' with `environments`"),
    ],
)
def test_what_does_not_say_where_it_comes_from_is_refused(table: Path, change: dict[str, Any], problem: str) -> None:
    edit(table, **change)
    with pytest.raises(RecordError, match=problem):
        read_table(table)


@pytest.mark.parametrize("name", ["times.csv", "times.json"])
def test_half_a_table_is_none(table: Path, name: str) -> None:
    table.with_name(name).unlink()
    with pytest.raises(RecordError, match=rf"{name}: found no such file; a table is a CSV and a JSON file"):
        read_table(table)


@pytest.mark.parametrize("content", ["", "[]", "3", "{", "\0"])
def test_what_is_no_description_is_refused(table: Path, content: str) -> None:
    table.with_suffix(".json").write_text(content)
    with pytest.raises(RecordError):
        read_table(table)


def test_other_columns_are_refused(table: Path) -> None:
    table.write_text(table.read_text().replace("seconds", "minutes", 1))
    sign(table)
    with pytest.raises(RecordError, match=f"minutes.*expected {', '.join(COLUMNS)}"):
        read_table(table)


def test_a_summary_has_the_best_first_and_what_cannot_run_last() -> None:
    def runs(input: str, variant: str, *times: float | None) -> list[Run]:
        cell = replace(RUN, input=input, variant=variant)
        return [
            replace(cell, order=n, repeat=n, seconds=time)
            if time
            else replace(cell, order=n, repeat=n, seconds=None, outcome="timeout", reason=f"late {n}")
            for n, time in enumerate(times)  # the first is a warm-up
        ]

    found = summarize(
        [
            *runs("a", "slow", 9, 4, 5, 4),
            *runs("a", "none", 9, None, None),
            *runs("a", "fast", 9, 2, None, 3),
            *runs("b", "x", 9),
        ]
    )
    assert [(each.variant, each.ok, each.runs, each.median, each.least, each.reason) for each in found] == [
        ("fast", 2, 3, 2.5, 2, "late 2"),
        ("slow", 3, 3, 4, 4, ""),
        ("none", 0, 2, None, None, "late 2"),
    ]
    assert [each.score for each in found] == [1, 2.5 / 4, 0]
    assert [each.spread for each in found] == [0.4, 0.25, None]
