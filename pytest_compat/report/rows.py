"""Tables that the terminal and Markdown have in common: why submissions fall short, and how much time that costs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_compat.report.shares import CORRECT, Share, shares_of
from pytest_compat.report.wording import (
    LOST,
    REASONS_TITLE,
    lost_headers,
    published_cells,
    published_headers,
    ran,
    rate,
    seconds,
    sources_of,
    times_of,
)

Document = Mapping[str, Any]


@dataclass(frozen=True)
class Rows:
    """A table in words.

    Args:
        title: What it is about, a line.
        header: Titles of the columns.
        rows: As many cells each.
        left: How many columns are of words, from the left; the others are of numbers.
    """

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    left: int


def further_tables(about: Document, runs: Sequence[Document]) -> Iterator[Rows]:
    """Yield success and each reason by level where there are reasons, and the time lost where there are times.

    Args:
        about: The experiment.
        runs: Its levels on one scheduler.
    """
    if found := shares_of(about, runs):
        sources = sources_of(runs)
        rows = [
            _reason(run["level"] if place == 0 else "", share, sources)
            for run, shares in found
            for place, share in enumerate(each for each in shares if each.kind == CORRECT or not each.nothing)
        ]
        header = ["level", "", "count", "sampled", "exact", "fraction", *published_headers(sources)]
        yield Rows(REASONS_TITLE, header, rows, 2)
    if lost := [run for run in runs if run["regret"]]:
        header = ["level", *lost_headers(about)]
        yield Rows(f"{LOST} ({times_of(about)})", header, [_regret(run) for run in lost], 1)


def _reason(level: str, share: Share, sources: Sequence[str]) -> list[str]:
    return [
        level,
        share.name,
        str(share.count),
        rate(share.sampled),
        rate(share.exact),
        share.fraction or "-",
        *published_cells(share.published, sources),
    ]


def _regret(run: Document) -> list[str]:
    regret = run["regret"]
    return [
        run["level"],
        seconds(regret["seconds"]),
        ran(run),
        seconds(regret["exact"]["seconds"]),
        rate(regret["exact"]["ran"]),
    ]
