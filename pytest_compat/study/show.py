"""What a study found, as text: tables without frames, in which no name is ever cut or wrapped."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from pytest_compat.errors import printable
from pytest_compat.study.course import Course
from pytest_compat.study.explain import Answer, Explanation, Finding
from pytest_compat.study.worth import CONFIDENCE, Best, Worth

if TYPE_CHECKING:
    from rich.console import Console

MAX_LISTED = 10
"""Clusters in a table; JSON has all."""

WIDTH = 10_000
"""Columns a line may have: more than any line has, so that the terminal wraps it and a file has it whole."""


def print_plain(document: Mapping[str, Any]) -> None:
    """Print JSON to standard output; like the tables it ends quietly where nobody reads on."""
    open_console().out(json.dumps(document, indent=1))


def print_worth(experiment: str, worth: Worth, target: Fraction | None = None) -> None:
    """Print what each subsystem is worth to standard output.

    Args:
        experiment: Its name.
        worth: What was found.
        target: The accuracy to reach; None when none is asked for.
    """
    console = open_console()
    console.print(f"{experiment}: {_rate(worth.none)} with nothing revealed, {_rate(worth.full)} with everything")
    console.print()
    sampled = worth.permutations is not None
    header = [
        "subsystem",
        "Shapley value",
        *([f"{CONFIDENCE:.0%} interval"] if sampled else []),
        "added first",
        "added last",
    ]
    ranked = sorted(worth.shares, key=lambda share: -share.shapley)
    rows = [
        [
            share.subsystem,
            f"{float(share.shapley):+.4f}",
            *(["{:+.4f} to {:+.4f}".format(*share.interval)] if share.interval else []),
            f"{float(share.first):+.4f}",
            f"{float(share.last):+.4f}",
        ]
        for share in ranked
    ]
    print_table(console, header, rows, left=1)
    if sampled:
        console.print(f"sampled: {worth.permutations} orders in pairs, each with its reverse")
    console.print()
    found = (
        "the best set of each size" if worth.exhaustive else "what adds most, one by one (not all sets were compared)"
    )
    console.print(found)
    best = [[str(len(each.subsystems)), _rate(each.accuracy), _joined(each)] for each in worth.best]
    print_table(console, ["size", "accuracy", "subsystems"], best, left=3)
    if target is not None:
        console.print()
        console.print(_reached(worth, target))


def _reached(worth: Worth, target: Fraction) -> str:
    smallest = worth.smallest(target)
    if smallest is None:
        return f"{float(target):g} is reached by no set" + ("" if worth.exhaustive else " that was looked at")
    word = "the smallest set that reaches" if worth.exhaustive else "a set, perhaps not the smallest, that reaches"
    return f"{word} {float(target):g}: {_joined(smallest)} ({_rate(smallest.accuracy)})"


def _joined(best: Best) -> str:
    return "+".join(best.subsystems) or "none"


def print_explanation(explanation: Explanation) -> None:
    """Print why a job goes to some clusters and not to others to standard output: in detail when it is about one."""
    console = open_console()
    shown = f"at level {explanation.level}" if explanation.level is not None else "by all it needs"
    job = f"{explanation.experiment}, {explanation.job}, {shown}"
    if len(explanation.answers) == 1:
        _print_answer(console, job, explanation.answers[0])
    else:
        _print_overview(console, job, explanation)
    courses = (("the experiment's levels", explanation.published), ("subsystem by subsystem", explanation.prefix))
    for title, course in courses:
        console.print()
        _print_course(console, title, course)


def _print_answer(console: Console, job: str, answer: Answer) -> None:
    word = "a candidate" if answer.candidate else "no candidate"
    why = f" ({answer.reason})" if answer.reason else ""
    console.print(f"{job}: {answer.cluster} is {word}, and scores {float(answer.score):g}{why}")
    console.print()
    rows = [
        [str(finding.requirement), "yes" if finding.met else "no", ", ".join(finding.has) or "nothing", _why(finding)]
        for finding in answer.findings
    ]
    short = "; ".join(map(str, answer.short)) or ("" if answer.resources else "not all at once")
    rows.append(["resources", "yes" if answer.resources else "no", "", short])
    print_table(console, ["asked", "met", "there", ""], rows, left=4)
    if answer.combination:
        console.print("combination: some vertices meet each requirement, but not enough meet all that is asked of them")


def _why(finding: Finding) -> str:
    if finding.some and not finding.met:
        return "; ".join(map(str, finding.short)) or "not enough vertices"
    return f"{', '.join(finding.elsewhere)} on other vertices" if finding.elsewhere else ""


def _print_overview(console: Console, job: str, explanation: Explanation) -> None:
    answers = explanation.answers
    candidates = [answer.cluster for answer in answers if answer.candidate]
    console.print(f"{job}: {_counted(candidates, answers)} would do{_listed(candidates)}")
    console.print()
    findings = zip(*(answer.findings for answer in answers), strict=True)
    rows = [[str(column[0].requirement), str(sum(each.met for each in column))] for column in findings]
    rows.append(["resources", str(sum(answer.resources for answer in answers))])
    print_table(console, ["asked", "clusters that meet it"], rows, left=1)
    near = explanation.near_misses
    others = near or explanation.nearest
    if others:
        console.print()
        console.print(f"near misses, one requirement away: {len(near)}" if near else "no near misses; the nearest")
        listed = [
            [answer.cluster, f"{float(answer.score):g}", "; ".join(failures(answer))] for answer in others[:MAX_LISTED]
        ]
        print_table(console, ["cluster", "score", "what keeps it out"], listed, left=3)
        if len(others) > MAX_LISTED:
            console.print(f"and {len(others) - MAX_LISTED} more")


def failures(answer: Answer) -> Iterable[str]:
    """Yield what keeps a job out of a cluster, in words."""
    if not answer.resources:
        yield from map(str, answer.short or ("not all resources at once",))
    for finding in answer.failing:
        yield f"{finding.requirement} (there: {_why(finding) or ', '.join(finding.has) or 'nothing'})"
    if answer.combination and not answer.failing:
        yield "combination: not enough vertices that have all of it"


def _print_course(console: Console, title: str, course: Course) -> None:
    rows = [
        [step.level, *map(str, (step.candidates, step.correct, step.compatible, step.incorrect))]
        for step in course.steps
    ]
    print_table(console, [title, "candidates", "score 1", "partial", "score 0"], rows, left=1)
    first = course.steps[0].level
    for kind, lost in (("above 0", course.lost_good), ("0", course.lost_bad)):
        end = f"none from {lost} on" if lost is not None else "some still at the last level"
        console.print(f"candidates that score {kind}: {'none at any level' if lost == first else end}")


def _counted(names: Sequence[str], answers: Sequence[Answer]) -> str:
    return f"{len(names)} of {len(answers)} clusters"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - MAX_LISTED} more" if len(names) > MAX_LISTED else ""
    return f" ({', '.join(names[:MAX_LISTED])}{more})" if names else ""


def print_table(console: Console, header: Sequence[str], rows: Iterable[Sequence[str]], *, left: int) -> None:
    """Print a table whose first columns, so many, are aligned to the left and the others to the right."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for place, name in enumerate(header):
        table.add_column(name, justify="left" if place < left else "right", no_wrap=True)
    for row in rows:
        table.add_row(*map(printable, row))
    console.print(table)


def open_console() -> Console:
    """Return standard output, with lines as long as they have to be."""
    from rich.console import Console

    return Console(width=WIDTH, markup=False, highlight=False, emoji=False, soft_wrap=True)


def _rate(value: Fraction) -> str:
    return f"{float(value):.4f}"
