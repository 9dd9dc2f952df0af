"""The report in a terminal."""

from __future__ import annotations

import copy
import re

import html_documents
import pytest
from reason_documents import images, variants

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


def below(text: str, title: str) -> list[list[str]]:
    """Return the table below a line, as cells."""
    lines = text.splitlines()
    _, header, *rows = lines[lines.index(title) :]
    found = [re.split(r" {2,}", header.strip())]
    for row in rows:
        cells = re.split(r" {2,}", row.strip())
        if len(cells) < len(found[0]) or ":" in row:
            break
        found.append(cells)
    return found


def test_without_reasons_and_times_there_is_nothing_of_them(lammps: html_documents.Document) -> None:
    text = render_terminal(lammps)
    assert "how many submissions score 1, and why others score less" not in text
    assert "time beyond" not in text


def test_each_reason_has_its_sampled_and_its_exact_share_and_what_others_counted() -> None:
    header, *rows = below(render_terminal(images()), "how many submissions score 1, and why others score less")
    assert header == ["level", "count", "sampled", "exact", "fraction", "published 1", "published 2"]
    assert rows == [
        ["basic", "correct", "3", "0.3750", "0.5000", "1/2", "1/8 (p 0.07)", "5/10"],
        ["abi | issue", "3", "0.3750", "0.2500", "1/4", "-", "-"],
        ["missing gpu", "2", "0.2500", "0.2500", "1/4", "4/8 (p 0.0004)", "-"],
        ["platform", "correct", "2", "0.2500", "0.4167", "5/12", "-", "2/10 (p 0.25)"],
        ["abi | issue", "2", "0.2500", "0.3333", "1/3", "-", "-"],
        ["missing gpu", "3", "0.3750", "0.2500", "1/4", "-", "-"],
        ["os", "correct", "4", "0.6667", "0.6667", "2/3", "-", "-"],
        ["no reason given", "2", "0.3333", "0.3333", "-", "-", "-"],
    ]


def test_the_title_tells_jobs_that_submit_from_those_that_are_drawn() -> None:
    document = images()
    assert "images on rainbow: 5 clusters, 3 jobs x 2 at 1 level, 8 draws at each of 2 levels, seed 0" in (
        render_terminal(document)
    )
    document["runs"] = document["runs"][:2]
    assert "images on rainbow: 5 clusters, 3 jobs, 8 draws per level, seed 0" in render_terminal(document)


def test_published_figures_stand_below_their_source(lammps: html_documents.Document) -> None:
    lines = render_terminal(lammps).splitlines()
    (header,) = (line for line in lines if line.startswith("level "))
    assert header.split()[-4:] == ["published", "1", "published", "2"]
    (line,) = (line for line in lines if line.startswith("mpi "))
    first, second = lammps["runs"][3]["published"]
    assert f" {first['points']}/360 (p 0.20) " in line
    assert line.endswith(f" {second['points']}/360 (p 0.92)")
    assert any(line.startswith("published 1: rainbow-experiments, run 1; published 2: ") for line in lines)


@pytest.mark.parametrize(("kind", "where"), [("measured", "measured on"), ("modelled", "modelled for")])
def test_time_lost_says_by_which_times(kind: str, where: str) -> None:
    title = f"mean time beyond the best choice, of submissions that run (times {where} a [big] node)"
    assert below(render_terminal(variants(kind)), title) == [
        ["level", f"sampled ({kind})", "ran", f"exact ({kind})", "share that runs"],
        ["basic", "333 ms", "3/8", "250 ms", "0.5000"],
        ["platform", "-", "0/8", "-", "0.0000"],
    ]


def test_a_reason_is_passed_on_as_text() -> None:
    text = render_terminal(html_documents.renamed(images(), "\x1b[2J\n::error::[red]"))
    assert "\x1b" not in text
    assert "missing gpu\\x1b[2J" in text
    assert not [line for line in text.splitlines() if line.startswith("::")]
