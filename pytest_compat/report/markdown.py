"""The report as Markdown, and as annotations of GitHub Actions."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from pytest_compat.records import OUTCOMES
from pytest_compat.report.gradients import gradient_lines, level_rows
from pytest_compat.report.rows import further_tables
from pytest_compat.report.wording import (
    COMPARED,
    capitalised,
    compared_names,
    extent,
    flip_lines,
    holding,
    level_names,
    listed,
    moved,
    outside,
    p_value,
    published_cells,
    published_headers,
    published_line,
    rate,
    remarks,
    sources_of,
    timing_line,
    too_many_too_few,
)

MAX_LISTED = 20
"""Jobs that flipped, reasons and disagreements listed per level."""

Document = Mapping[str, Any]


def render_markdown(document: Document) -> str:
    """Return the report as GitHub-flavoured Markdown."""
    return "\n".join(_lines(document)) + "\n"


def workflow_commands(document: Document) -> list[str]:
    """Return one workflow command per reason to fail, and one per flag.

    Source: https://docs.github.com/actions/reference/workflow-commands-for-github-actions
    """
    found = [f"::error title=pytest-compat::{_escaped(problem)}" for problem in document["errors"]]
    flags = [(f"{run['experiment']}, level {run['level']}", flag) for run in document["runs"] for flag in run["flags"]]
    flags += [(f"{flag['experiment']}, all levels", flag) for flag in document["flags"]]
    return found + [
        f"::warning title=pytest-compat::{_escaped(f'{where}: ' + flag['message'])}" for where, flag in flags
    ]


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _lines(document: Document) -> Iterator[str]:
    passed = document["verdict"] == "passed"
    runs = document["runs"]
    yield f"## {'✅' if passed else '❌'} Matching accuracy: {document['verdict']}"
    yield ""
    for problem in document["errors"]:
        yield f"- {_cell(problem)}"
    if document["errors"]:
        yield ""
    held = holding(document["gates"])
    for line in held:
        yield f"- {_cell(line)}"
    if held:
        yield ""
    if document["comparison"]:
        yield from _comparison(document["comparison"])
    for (experiment, scheduler), group in groupby(runs, key=lambda run: (run["experiment"], run["scheduler"])):
        design = next(each for each in document["experiments"] if each["experiment"] == experiment)
        flags = [
            flag for flag in document["flags"] if (flag["experiment"], flag["scheduler"]) == (experiment, scheduler)
        ]
        yield from _experiment(experiment, scheduler, design, list(group), flags)
    for gradient in document.get("gradients", ()):
        yield from _gradient(gradient)
    if document["commands"]:
        lines = [shlex.join(command).replace("```", "") for command in document["commands"]]
        yield from ("Repeat with:", "", "```sh", *lines, "```")


def _gradient(gradient: Document) -> Iterator[str]:
    some = level_rows(gradient)
    yield f"### {_cell(gradient['experiment'])} on {_cell(gradient['way'])}, {gradient['scale']} scale"
    yield ""
    yield _cell(some.title)
    yield ""
    rows = [[_cell(cell) for cell in row] for row in some.rows]
    yield from _table([_cell(title) for title in some.header], rows, left=some.left)
    for told in gradient_lines(gradient):
        yield f"- {_cell(told)}"
    yield ""


def _experiment(
    experiment: str, scheduler: str, design: Document, runs: Sequence[Document], flags: Sequence[Document]
) -> Iterator[str]:
    yield f"### {_cell(experiment)} on {_cell(scheduler)}"
    yield ""
    yield f"{extent(design, runs)}, seed {runs[0]['seed']}, version `{design['version']}`"
    yield ""
    outcomes = [name for name in OUTCOMES if any(run["outcomes"][name] for run in runs)]
    sources = sources_of(runs)
    rows = []
    for run in runs:
        exact, interval = run["exact"], run["interval"]
        mark = " (outside)" if outside(run) else ""
        rows.append(
            [
                _cell(run["level"]),
                rate(run["accuracy"]),
                f"{rate(interval[0])} to {rate(interval[1])}{mark}" if interval else "-",
                f"{rate(exact['accuracy'])} = {exact['fraction']}" if exact else "-",
                *(str(run["outcomes"][name]) for name in outcomes),
                *published_cells(run["published"], sources),
            ]
        )
    header = ["level", "sampled", "95 % range", "exact", *outcomes, *published_headers(sources)]
    yield from _table(header, rows, left=1)
    if told := published_line(sources):
        yield _cell(told)
        yield ""
    for further in further_tables(design, runs):
        yield f"{_cell(capitalised(further.title))}:"
        yield ""
        rows = [[_cell(cell) for cell in row] for row in further.rows]
        yield from _table([_cell(title) for title in further.header], rows, left=further.left)
    if timing := timing_line(runs):
        yield f"Median time of a call: {_cell(timing)}"
        yield ""
    for run in runs:
        level = _cell(run["level"])
        notes = [f"flagged: {flag['message']}" for flag in run["flags"]]
        if run["missing"]:
            notes.append(f"cases that were not run: {listed(run['missing'], MAX_LISTED)}")
        for error in run["errors"][:MAX_LISTED]:
            of = f" (of {listed(error['jobs'], 3)})" if error["jobs"] else ""
            notes.append(f"{error['submissions']} x {error['reason']}{of}")
        if run["differing"]["total"]:
            some = [f"{each['job']} on {each['cluster']}" for each in run["disagreements"][:MAX_LISTED]]
            notes.append(f"{too_many_too_few(run)}, by the reference: {listed(some, MAX_LISTED)}")
        for note in notes:
            yield f"- {level}: {_cell(note)}"
        if notes:
            yield ""
    for flag in flags:
        yield f"- all levels: flagged: {_cell(flag['message'])}"
    if flags:
        yield ""
    if worth := design["worth"]:
        yield f"What each subsystem is worth ({worth['method']}):"
        yield ""
        rows = [
            [_cell(each["subsystem"]), *(f"{each[name]:.3f}" for name in ("shapley", "first", "last"))]
            for each in worth["subsystems"]
        ]
        yield from _table(["subsystem", "Shapley value", "added first", "added last"], rows, left=1)


def _comparison(found: Document) -> Iterator[str]:
    """Yield the lines of two compared runs: flips first, then the size of a change, then its p-value."""
    yield f"### Compared with {_cell(found['baseline']['path'])}"
    yield ""
    names = compared_names(found)
    notes = remarks(found)
    for name, level in zip(names, found["levels"], strict=True):
        notes += [f"{name}: {text}" for text, _ in flip_lines(level["flips"])[:MAX_LISTED]]
    for note in notes:
        yield f"- {_cell(note)}"
    if notes:
        yield ""
    rows = [
        [
            _cell(name), str(level["worse"]), str(level["better"]), rate(level["before"]), rate(level["after"]),
            moved(level["drop"]), str(level["submissions"]["lost"]), str(level["submissions"]["won"]),
            p_value(level["adjusted"]),
        ]
        for name, level in zip(names, found["levels"], strict=True)
    ]  # fmt: skip
    header = ["level", "flipped for the worse", "for the better", "before", "after", "change", "lost", "won", "p"]
    yield from _table(header, rows, left=1)
    yield COMPARED
    yield ""
    for what, keys in (("Only in the baseline", found["missing"]), ("Not in the baseline", found["new"])):
        if keys:
            yield f"{what}: {_cell(listed(level_names(keys), MAX_LISTED))}"
            yield ""


def _table(header: Sequence[str], rows: Sequence[Sequence[str]], *, left: int) -> Iterator[str]:
    yield f"| {' | '.join(header)} |"
    yield f"|{'|'.join('---' if number < left else '---:' for number in range(len(header)))}|"
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""


def _cell(text: str) -> str:
    """Return text that is no markup, on one line: names come from files and servers."""
    for mark in "\\`*_[]<>|":
        text = text.replace(mark, f"\\{mark}")
    return " ".join(text.split())
