"""Tables of times: measured or modelled, and never both."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from fractions import Fraction
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from plans import make_plan

from pytest_compat.declare.times import COLUMNS, MAX_BYTES, Row, read_table, summarize
from pytest_compat.errors import DeclarationError, RecordError
from pytest_compat.hosts.journal import open_journal
from pytest_compat.hosts.table import check_replaceable, counted, describe, render_runs
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
        rows = render_runs(journal.runs.values(), "here")
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
    assert (found.path, found.kind, found.machine) == (table, "measured", "here")
    assert found.rows == (
        Row("one", "plain", 1, 0.5, "ok", "", 2),
        Row("one", "gpu", 1, None, "failed", 'no "gpu", sorry', 3),
    )
    assert found.variants == {"plain": {"mpi": "no"}, "gpu": {}}
    assert found.about["environments"] == [{"cpu": "fast"}]
    assert (found.about["complete"], found.about["runs"]) == (True, {"planned": 2, "finished": 2})


def refused(table: Path) -> str:
    with pytest.raises(DeclarationError) as caught:
        read_table(table)
    return str(caught.value).removeprefix(f"{table.parent}/")


def test_rows_that_were_changed_are_refused(table: Path) -> None:
    table.write_text(table.read_text().replace("0.5", "0.4"))
    assert refused(table).startswith("times.csv: found rows that are not those times.json was written for, expected ")


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (
            "here,one,plain,1,0.5,,,,,0,ok,,2,modelled",
            "found kind 'modelled', expected 'measured' as in all other rows",
        ),
        ("there,one,plain,1,0.5,,,,,0,ok,,2,measured", "found machine 'there', expected 'here' as in all other rows"),
        (",one,plain,1,0.5,,,,,0,ok,,2,measured", "found machine '', expected 'here' as in all other rows"),
        ("here,two,plain,1,0.5,,,,,0,ok,,2,measured", "unknown input 'two' (known: one)"),
        ("here,one,fast,1,0.5,,,,,0,ok,,2,measured", "unknown variant 'fast' (known: plain, gpu)"),
        ("here,one,plain,1,0.5,,,,,0,?,,2,measured", "unknown outcome '?' (known: ok, failed, timeout)"),
        (
            "here,one,plain,1,0.5,,,,,1,failed,,2,measured",
            "found seconds '0.5' of a run whose outcome is failed, expected none",
        ),
        ("here,one,plain,1,,,,,,0,ok,,2,measured", "found seconds '', expected a number from 1e-09 to 1e+09"),
        ("here,one,plain,1,-3,,,,,0,ok,,2,measured", "found seconds '-3', expected a number from 1e-09 to 1e+09"),
        ("here,one,plain,1,nan,,,,,0,ok,,2,measured", "found seconds 'nan', expected a number from 1e-09 to 1e+09"),
        ("here,one,plain,0,0.5,,,,,0,ok,,2,measured", "found repeat '0', expected a whole number, 1 or more"),
        ("here,one,plain,1,0.5,,,,,0,ok,,-2,measured", "found order '-2', expected a whole number, 1 or more"),
        ("here,one,plain,\u00b2,0.5,,,,,0,ok,,2,measured", "found repeat '\u00b2', expected a whole number, 1 or more"),
        ("here,one,gpu,1,0.5,,,,,0,ok,,2,measured", "found run 1 of one/gpu again"),
        ("here,one,plain", "found 3 cells, expected 14"),
        ('here,"one"x,plain', "found no CSV: ',' expected after '\"'"),
    ],
)
def test_a_row_that_is_none_is_refused_with_its_line(table: Path, row: str, problem: str) -> None:
    head, _, gpu = table.read_text(encoding="utf-8").splitlines()
    table.write_text(f"{head}\n{gpu}\n{row}\n", encoding="utf-8")
    sign(table)
    assert refused(table) == f"times.csv: line 3: {problem}"


def test_a_measured_table_does_not_become_a_modelled_one(table: Path) -> None:
    edit(table, kind="modelled", model={"description": "scaled"})
    assert refused(table).startswith("times.json: environments: found [{'cpu': 'fast'}], expected no environments")
    about = json.loads(table.with_suffix(".json").read_text())
    del about["environments"]
    table.with_suffix(".json").write_text(json.dumps(about))
    assert refused(table).startswith("times.csv: line 2: found kind 'measured', expected 'modelled'")


def test_a_modelled_table_says_how_its_times_come_about(table: Path) -> None:
    table.write_text(table.read_text().replace("measured", "modelled"))
    about = json.loads(table.with_suffix(".json").read_text())
    del about["environments"]
    table.with_suffix(".json").write_text(json.dumps({**about, "kind": "modelled"}))
    sign(table)
    assert refused(table).startswith("times.json: found no 'model' among ")
    edit(table, model={"description": "seconds of x86_64 times 1.3"})
    assert read_table(table).kind == "modelled"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (
            {"schema": "pytest-compat/times/0"},
            "schema: found 'pytest-compat/times/0', expected 'pytest-compat/times/1'",
        ),
        ({"kind": "guessed"}, "kind: found 'guessed', expected measured or modelled"),
        ({"kind": None}, "kind: found None, expected measured or modelled"),
        ({"environments": []}, "environments: found [], expected 1 or more entries"),
        ({"model": {"description": "scaled"}}, "model: found {'description': 'scaled'}, expected no model of what is"),
        ({"machine": "a b"}, "machine: found 'a b', expected a name of letters"),
        ({"variants": {}}, "variants: found {}, expected 1 or more entries"),
        ({"variants": {"plain": {"ranks": 2}}}, "variants.plain.ranks: found 2, expected a string"),
        ({"sha256": "0"}, "sha256: found '0', expected 64 hexadecimal digits"),
        ({"complete": 1}, "complete: found 1, expected true or false"),
    ],
)
def test_what_does_not_say_where_it_comes_from_is_refused(table: Path, change: dict[str, Any], problem: str) -> None:
    edit(table, **change)
    assert refused(table).startswith(f"times.json: {problem}")


@pytest.mark.parametrize("name", ["times.csv", "times.json"])
def test_half_a_table_is_none(table: Path, name: str) -> None:
    table.with_name(name).unlink()
    assert refused(table) == f"{name}: found no such file; a table is a CSV and a JSON file"


@pytest.mark.parametrize("content", ["", "[]", "3", "{", "\0", "[" * 100_000])
def test_what_is_no_description_is_refused(table: Path, content: str) -> None:
    table.with_suffix(".json").write_text(content)
    assert refused(table).startswith("times.json: found ")


@pytest.mark.parametrize("name", ["times.csv", "times.json"])
def test_what_is_no_text_is_refused(table: Path, name: str) -> None:
    table.with_name(name).write_bytes(b"\xff")
    assert refused(table).startswith(f"{name}: cannot be read: ")


@pytest.mark.parametrize("name", ["times.csv", "times.json"])
def test_what_is_too_large_is_refused_unread(table: Path, name: str) -> None:
    with table.with_name(name).open("wb") as file:
        file.truncate(2**40)
    assert refused(table) == f"{name}: found {2**40} bytes, expected {MAX_BYTES} at most"


@pytest.mark.parametrize("rows", [0, 1])
def test_a_table_without_rows_is_none(table: Path, rows: int) -> None:
    table.write_text("".join(table.read_text().splitlines(keepends=True)[:rows]))
    sign(table)
    expected = f"found the columns , expected {', '.join(COLUMNS)}", "found no rows, expected one per run"
    assert refused(table) == f"times.csv: {expected[rows]}"


def test_other_columns_are_refused(table: Path) -> None:
    table.write_text(table.read_text().replace("seconds", "minutes", 1))
    sign(table)
    assert refused(table) == (
        f"times.csv: found the columns {', '.join(COLUMNS).replace('seconds', 'minutes')}, "
        f"expected {', '.join(COLUMNS)}"
    )


def test_a_table_is_replaced_by_one_that_has_all_its_rows(table: Path) -> None:
    check_replaceable(table, render_runs([RUN, FAILED, replace(RUN, repeat=2, order=4)], "here"))
    check_replaceable(table.with_name("none.csv"), "")


@pytest.mark.parametrize(
    ("runs", "line"), [([], 2), ([RUN], 3), ([RUN, replace(FAILED, wall=0.7)], 3), ([replace(RUN, seconds=0.4)], 2)]
)
def test_a_table_of_another_measurement_is_not_replaced(table: Path, runs: list[Run], line: int) -> None:
    with pytest.raises(RecordError, match=f"times.csv: line {line} is none of this measurement"):
        check_replaceable(table, render_runs(runs, "here"))


def test_what_cannot_be_read_is_not_replaced(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="cannot be read"):
        check_replaceable(tmp_path, "")


def test_a_summary_has_the_best_first_and_what_cannot_run_last() -> None:
    def runs(input: str, variant: str, *times: float | None) -> list[Run]:
        cell = replace(RUN, input=input, variant=variant)
        return [
            replace(cell, order=n, repeat=n, seconds=time)
            if time
            else replace(cell, order=n, repeat=n, seconds=None, outcome="timeout", reason=f"late {n}")
            for n, time in enumerate(times, 1)
        ]

    found = summarize(
        [
            *runs("a", "slow", 6, 5, 6),
            *runs("a", "none", None, None),
            *runs("a", "half", 1, None),
            *runs("a", "fast", 2, None, 3),
            *runs("b", "x", None),
        ]
    )
    assert [(each.variant, each.ok, each.runs, each.median, each.least, each.reason) for each in found] == [
        ("fast", 2, 3, 3, 2, "late 2"),
        ("slow", 3, 3, 6, 5, ""),
        ("half", 1, 2, None, 1, "late 2"),
        ("none", 0, 2, None, None, "late 2"),
        ("x", 0, 1, None, None, "late 1"),
    ]
    assert [each.score for each in found] == [1, Fraction("0.5"), 0, 0, 0]
    assert [each.spread for each in found] == [1 / 3, 1 / 6, None, None, None]


def test_what_counts_are_the_runs_after_the_warm_ups_in_order() -> None:
    later = replace(RUN, repeat=2, order=9)
    assert counted([later, WARMUP, RUN]) == [RUN, later]
