"""The report in a terminal."""

from __future__ import annotations

import copy
import re

import html_documents
import pytest

from pytest_compat.report.terminal import render_terminal


@pytest.fixture(scope="module")
def lammps() -> html_documents.Document:
    return html_documents.lammps()


def test_the_verdict_comes_first(lammps: html_documents.Document) -> None:
    lines = [line for line in render_terminal(lammps).splitlines() if line]
    assert re.fullmatch(r"PASSED: 2880 submissions at 8 levels.*", lines[0])


@pytest.mark.parametrize("colour", [True, False])
def test_colour_is_all_that_colour_adds(lammps: html_documents.Document, colour: bool) -> None:
    text = render_terminal(lammps, colour=colour)
    assert ("\x1b[" in text) == colour
    assert re.sub(r"\x1b\[[0-9;]*m", "", text) == render_terminal(lammps)


def test_every_level_has_a_line_with_its_figures(lammps: html_documents.Document) -> None:
    text = render_terminal(lammps)
    for run in lammps["runs"]:
        (line,) = (line for line in text.splitlines() if line.split(" ")[0] == run["level"])
        assert f"{run['accuracy']:.4f}" in line
        assert run["exact"]["fraction"] in line


def test_the_same_report_is_the_same_text(lammps: html_documents.Document) -> None:
    assert render_terminal(lammps) == render_terminal(copy.deepcopy(lammps))


def test_a_report_of_nothing_is_a_verdict() -> None:
    assert render_terminal(html_documents.document()).strip() == "PASSED: 0 submissions at 0 levels"


def test_each_problem_is_told(lammps: html_documents.Document) -> None:
    problems = ["worker gw0 died", "gate os:1: 0.1 is below 1"]
    text = render_terminal(lammps | {"verdict": "failed", "errors": problems})
    assert text.strip().startswith("FAILED: ")
    for problem in problems:
        assert f"  {problem}" in text.splitlines()


def test_names_are_not_cut_and_are_no_markup(lammps: html_documents.Document) -> None:
    document = copy.deepcopy(lammps)
    name = "[red]" + "x" * 300 + "[/red]"
    document["runs"][0]["level"] = name
    assert name in render_terminal(document)


def test_terminal_escapes_of_a_server_are_not_passed_on(lammps: html_documents.Document) -> None:
    document = copy.deepcopy(lammps)
    document["runs"][0]["errors"] = [{"reason": "\x1b[2J\x1b]0;gotcha\x07", "submissions": 1, "jobs": []}]
    assert "\x1b" not in render_terminal(document)


def test_a_reason_of_several_lines_begins_no_line_of_its_own(lammps: html_documents.Document) -> None:
    document = copy.deepcopy(lammps)
    document["runs"][0]["errors"] = [{"reason": "out of ink\n::error::injected", "submissions": 1, "jobs": []}]
    assert not [line for line in render_terminal(document).splitlines() if line.startswith("::")]


def test_reasons_are_listed_up_to_a_number(lammps: html_documents.Document) -> None:
    document = copy.deepcopy(lammps)
    document["runs"][0]["errors"] = [
        {"reason": f"reason {number:02}", "submissions": 1, "jobs": ["a-job"]} for number in range(12)
    ]
    text = render_terminal(document)
    assert "reason 09" in text
    assert "reason 10" not in text
    assert "and 2 more reasons" in text


def test_cases_that_were_not_run_are_named(lammps: html_documents.Document) -> None:
    document = copy.deepcopy(lammps)
    document["runs"][0] |= {"complete": False, "submissions": 300, "missing": ["far-away"]}
    text = render_terminal(document)
    assert "none: 300 of 360 submissions recorded" in text
    assert "far-away" in text


@pytest.mark.parametrize("value", [0.0, 0.5])
def test_a_sample_outside_its_range_is_marked(lammps: html_documents.Document, value: float) -> None:
    document = copy.deepcopy(lammps)
    document["runs"][0] |= {"accuracy": value, "interval": [0.4, 0.6]}
    assert ("0.4000-0.6000*" in render_terminal(document)) == (value == 0)
