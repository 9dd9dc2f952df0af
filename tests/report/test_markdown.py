"""The report as Markdown, and what GitHub Actions is told."""

from __future__ import annotations

import copy

import html_documents
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reason_documents import images, variants

from pytest_compat.report.markdown import render_markdown, workflow_commands


@pytest.fixture(scope="module")
def lammps() -> html_documents.Document:
    return html_documents.lammps()


def tables(text: str) -> list[list[str]]:
    """Return the lines of every table."""
    found: list[list[str]] = [[]]
    for line in text.splitlines():
        if line.startswith("|"):
            found[-1].append(line)
        elif found[-1]:
            found.append([])
    return [table for table in found if table]


def cells(row: str) -> int:
    """Return how many cells a row has, as GitHub counts them."""
    return row.replace("\\|", "").count("|") - 1


def test_the_verdict_is_the_heading(lammps: html_documents.Document) -> None:
    assert render_markdown(lammps).splitlines()[0] == "## ✅ Matching accuracy: passed"
    assert render_markdown(lammps | {"verdict": "failed"}).splitlines()[0] == "## ❌ Matching accuracy: failed"


def test_every_level_is_a_row(lammps: html_documents.Document) -> None:
    (table, *_) = tables(render_markdown(lammps))
    assert len(table) == 2 + len(lammps["runs"])
    for row, run in zip(table[2:], lammps["runs"], strict=True):
        assert row.startswith(f"| {run['level']} | {run['accuracy']:.4f} |")


@pytest.mark.parametrize("hostile", ["a|b", html_documents.HOSTILE, "two\nlines", "`code`", "\\|", "[x](y)", "*b*_i_"])
def test_every_row_has_as_many_cells_as_its_heading(lammps: html_documents.Document, hostile: str) -> None:
    document = copy.deepcopy(lammps) | {"errors": [hostile], "verdict": "failed"}
    document["runs"][0]["level"] = hostile
    where = {"experiment": "lammps", "level": hostile, "measure": "accuracy", "rule": f"{hostile}:1", "sign": ">="}
    document["gates"] = [where | {"value": 0.5, "limit": 1.0, "passed": False, "reason": hostile, "note": ""}]
    text = render_markdown(document)
    for table in tables(text):
        assert {cells(row) for row in table} == {cells(table[0])}


def test_markup_of_a_server_is_text(lammps: html_documents.Document) -> None:
    document = copy.deepcopy(lammps)
    document["runs"][0]["errors"] = [{"reason": html_documents.HOSTILE, "submissions": 1, "jobs": []}]
    text = render_markdown(document | {"errors": [html_documents.HOSTILE]}).replace("\\<", "")
    assert "<script" not in text
    assert "<img" not in text


def test_the_command_is_a_block_that_ends(lammps: html_documents.Document) -> None:
    text = render_markdown(lammps | {"commands": [["pytest", "```", "-k", "os"]]})
    assert text.count("```") == 2


def test_a_report_of_nothing_is_a_heading() -> None:
    assert render_markdown(html_documents.document(commands=[])).strip() == "## ✅ Matching accuracy: passed"


def test_a_report_that_passed_tells_nothing(lammps: html_documents.Document) -> None:
    assert workflow_commands(lammps) == []


@given(st.lists(st.text(max_size=30), max_size=3))
def test_each_problem_is_one_command_of_one_line(problems: list[str]) -> None:
    found = workflow_commands(html_documents.document(errors=problems))
    assert len(found) == len(problems)
    for line, problem in zip(found, problems, strict=True):
        prefix = "::error title=pytest-compat::"
        assert line.startswith(prefix)
        assert "\n" not in line
        assert "\r" not in line
        said = line.removeprefix(prefix)
        assert said.replace("%0A", "\n").replace("%0D", "\r").replace("%25", "%") == problem


def test_each_reason_is_a_row_below_its_level() -> None:
    text = render_markdown(images())
    _, because = tables(text)
    assert "How many submissions score 1, and why others score less:" in text.splitlines()
    assert because[0] == "| level |  | count | sampled | exact | fraction | published 1 | published 2 |"
    assert because[2:5] == [
        "| basic | correct | 3 | 0.3750 | 0.5000 | 1/2 | 1/8 (p 0.07) | 5/10 |",
        "|  | abi \\| issue | 3 | 0.3750 | 0.2500 | 1/4 | - | - |",
        "|  | missing gpu | 2 | 0.2500 | 0.2500 | 1/4 | 4/8 (p 0.0004) | - |",
    ]
    for table in tables(text):
        assert {cells(row) for row in table} == {cells(table[0])}


def test_without_reasons_there_is_no_table_of_them(lammps: html_documents.Document) -> None:
    assert len(tables(render_markdown(lammps))) == 2  # accuracy, and the worth of subsystems


@pytest.mark.parametrize(("kind", "where"), [("measured", "measured on"), ("modelled", "modelled for")])
def test_time_lost_says_by_which_times(kind: str, where: str) -> None:
    text = render_markdown(variants(kind))
    title = f"Mean time beyond the best choice, of submissions that run (times {where} a \\[big\\] node):"
    assert title in text.splitlines()
    assert tables(text)[2] == [
        f"| level | sampled ({kind}) | ran | exact ({kind}) | share that runs |",
        "|---|---:|---:|---:|---:|",
        "| basic | 333 ms | 3/8 | 250 ms | 0.5000 |",
        "| platform | - | 0/8 | - | 0.0000 |",
    ]
