"""The report for a terminal: the verdict, why, and one line per level."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from pytest_compat.judge.multiple import ALARM
from pytest_compat.judge.score import INTERVAL
from pytest_compat.records import MAX_DISAGREEMENTS, OUTCOMES
from pytest_compat.report.console import BAD, GOOD, QUIET, line, printed, table
from pytest_compat.report.gradients import gradient_lines, level_rows
from pytest_compat.report.rows import further_tables
from pytest_compat.report.wording import (
    ALWAYS_SHOWN,
    COMPARED,
    compared_names,
    explain_command,
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
    rules_that_hold,
    sources_of,
    submitted,
    timing_line,
    too_many_too_few,
)

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

MAX_LISTED = 10
"""Reasons listed per level, and disagreements per experiment; the JSON report has more."""

MAX_FLIPPED = 20
"""Jobs listed per level of a comparison."""

Document = Mapping[str, Any]


def render_terminal(document: Document, *, colour: bool = False) -> str:
    """Return the report as text, each line as long as it has to be.

    Args:
        document: The report.
        colour: Whether the terminal understands ANSI escapes.
    """
    return printed(_parts(document), colour=colour)


def _parts(document: Document) -> Iterator[RenderableType]:
    passed = document["verdict"] == "passed"
    runs, gates = document["runs"], document["gates"]
    submissions, levels = submitted(document)
    hold = f", {rules_that_hold(gates)}" if gates else ""
    at = "1 level" if levels == 1 else f"{levels} levels"
    yield line(f"{document['verdict'].upper()}: {submissions} submissions at {at}{hold}", GOOD if passed else BAD)
    for problem in document["errors"]:
        yield line(f"  {problem}", BAD)
    for held in holding(gates):
        yield line(f"  {held}")
    if document["comparison"]:
        yield line("")
        yield from _comparison(document["comparison"])
    for (experiment, scheduler), group in groupby(runs, key=lambda run: (run["experiment"], run["scheduler"])):
        design = next(each for each in document["experiments"] if each["experiment"] == experiment)
        found = list(group)
        yield line("")
        yield line(_title(experiment, scheduler, design, found))
        yield from _figures(found)
        for further in further_tables(design, found):
            yield line(further.title)
            yield table(further.header, [(row, "") for row in further.rows], left=further.left)
        if timing := timing_line(found):
            yield line(f"median time of a call: {timing}", QUIET)
        for run in found:
            yield from _details(run)
        for flag in document["flags"]:
            if (flag["experiment"], flag["scheduler"]) == (experiment, scheduler):
                yield _flag("all levels", flag)
        yield from _disagreements(experiment, found)
        yield from _worth(design)
    for gradient in document.get("gradients", ()):
        yield line("")
        some = level_rows(gradient)
        yield line(some.title)
        yield table(some.header, [(row, "") for row in some.rows], left=some.left)
        for told in gradient_lines(gradient):
            yield line(told, QUIET)


def _title(experiment: str, scheduler: str, design: Document, runs: Sequence[Document]) -> str:
    about = extent(design, runs)
    return f"{experiment} on {scheduler}: {about}, seed {runs[0]['seed']}, version {design['version']}"


def _figures(runs: Sequence[Document]) -> Iterator[RenderableType]:
    sources = sources_of(runs)
    outcomes = [name for name in OUTCOMES if name in ALWAYS_SHOWN or any(run["outcomes"][name] for run in runs)]
    header = ["level", "sampled", f"{INTERVAL:.0%} range", "exact", "fraction"]
    header += [*outcomes, "candidates", *published_headers(sources)]
    rows = [
        (_row(run, outcomes, sources), BAD if run["outcomes"]["error"] or not run["complete"] else "") for run in runs
    ]
    yield table(header, rows, left=1)
    if any(outside(run) for run in runs):
        yield line(f"* sampled outside its {INTERVAL:.0%} range, as one level in twenty is by chance", QUIET)
    if told := published_line(sources):
        yield line(told, QUIET)
    if absent := [name for name in OUTCOMES if name not in outcomes]:
        yield line(f"{', '.join(absent)}: none", QUIET)


def _row(run: Document, outcomes: Sequence[str], sources: Sequence[str]) -> list[str]:
    exact, sizes, interval = run["exact"], run["candidates"], run["interval"]
    ends = sorted({sizes["min"], sizes["max"]}) if sizes else []
    mark = "*" if outside(run) else ""
    return [
        run["level"],
        rate(run["accuracy"]),
        f"{rate(interval[0])}-{rate(interval[1])}{mark}" if interval else "-",
        rate(exact["accuracy"]) if exact else "-",
        exact["fraction"] if exact else "-",
        *(str(run["outcomes"][name]) for name in outcomes),
        "-".join(map(str, ends)) or "-",
        *published_cells(run["published"], sources),
    ]


def _details(run: Document) -> Iterator[RenderableType]:
    level = run["level"]
    if not run["complete"]:
        yield line(f"{level}: {run['submissions']} of {run['expected']} submissions recorded", BAD)
        if run["missing"]:
            yield line(f"  cases that were not run: {listed(run['missing'], MAX_LISTED)}", BAD)
    for flag in run["flags"]:
        yield _flag(level, flag)
    errors = run["errors"]
    for error in errors[:MAX_LISTED]:
        if error["submissions"]:
            some = f" (of {listed(error['jobs'], 3)})" if error["jobs"] else ""
            yield line(f"{level}: {error['submissions']} x {error['reason']}{some}", BAD)
        else:
            yield line(f"{level}: {error['reason']}", BAD)
    if len(errors) > MAX_LISTED:
        yield line(f"{level}: and {len(errors) - MAX_LISTED} more reasons", BAD)


def _flag(where: str, flag: Document) -> Text:
    return line(
        f"{where}: flagged: {flag['message']} (p = {p_value(flag['adjusted'])} over all tests; a scheduler that picks "
        f"uniformly is flagged in one run of {1 / ALARM:.0f})",
        BAD,
    )


def _disagreements(experiment: str, runs: Sequence[Document]) -> Iterator[RenderableType]:
    total = sum(run["differing"]["total"] for run in runs)
    if not total:
        return
    unstable = sum(run["differing"]["unstable"] for run in runs)
    yield line(
        f"where the scheduler disagrees with the reference (found: {total}, not stable over repeats: {unstable})", BAD
    )
    for run in runs:
        if run["differing"]["total"]:
            yield line(f"{run['level']}: {too_many_too_few(run)}", BAD)
    rows = [
        [
            run["level"],
            each["job"],
            each["cluster"],
            *("yes" if each[flag] else "no" for flag in ("said", "expected", "stable")),
            f"{each['said_times']} of {each['asked']}",
        ]
        # Those that are not stable first: the others show in every run.
        for stable in (False, True)
        for run in runs
        for each in run["disagreements"]
        if each["stable"] is stable
    ][:MAX_LISTED]
    header = ["level", "job", "cluster", "said", "expected", "stable", "said yes"]
    yield table(header, [(row, BAD) for row in rows], left=3)
    if total > len(rows):
        more = f"and {total - len(rows)} more, in the JSON report up to {MAX_DISAGREEMENTS} per level"
        yield line(more, BAD)
    yield line(f"why: {explain_command(experiment, *rows[0][:3])}", QUIET)


def _worth(design: Document) -> Iterator[RenderableType]:
    worth = design["worth"]
    if not worth:
        return
    values = ", ".join(f"{each['subsystem']} {each['shapley']:.3f}" for each in worth["subsystems"])
    yield line(f"what each subsystem is worth (Shapley, {worth['method']}): {values}")


def _comparison(found: Document) -> Iterator[RenderableType]:
    """Yield what two compared runs have to say: flips first, then the size of a change, then its p-value."""
    yield line(f"compared with {found['baseline']['path']}")
    for text in remarks(found):
        yield line(text, BAD)
    names = compared_names(found)
    for name, level in zip(names, found["levels"], strict=True):
        flips = flip_lines(level["flips"])
        for text, worse in flips[:MAX_FLIPPED]:
            yield line(f"{name}: {text}", BAD if worse else GOOD)
        if len(flips) > MAX_FLIPPED:
            yield line(f"{name}: and {len(flips) - MAX_FLIPPED} more jobs and scores, in the JSON report")
    rows = []
    for name, level in zip(names, found["levels"], strict=True):
        row = [
            name,
            str(level["worse"]),
            str(level["better"]),
            rate(level["before"]),
            rate(level["after"]),
            moved(level["drop"]),
            str(level["submissions"]["lost"]),
            str(level["submissions"]["won"]),
            p_value(level["adjusted"]),
        ]
        rows.append((row, BAD if level["worse"] or level["changed"] else ""))
    header = ["level", "flipped for the worse", "for the better", "before", "after", "change", "lost", "won", "p"]
    if rows:
        yield table(header, rows, left=1)
        yield line(COMPARED, QUIET)
    for what, keys in (("only in the baseline", found["missing"]), ("not in the baseline", found["new"])):
        if keys:
            yield line(f"{what}: {listed(level_names(keys), MAX_LISTED)}", BAD)
