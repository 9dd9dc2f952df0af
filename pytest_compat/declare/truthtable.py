"""Ground truth as a table: scores by job and cluster, as written or from times."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from pytest_compat.declare.reading import read_text
from pytest_compat.declare.times import FAILED, read_table, summarize
from pytest_compat.errors import LONGEST, DeclarationError, brief


@dataclass(frozen=True)
class Entry:
    """What a cluster scores for a job.

    Args:
        score: 0 to 1; None where it follows from the times of all clusters that can be chosen.
        reason: Why it cannot run there; empty when it can or nothing is known.
        seconds: What it takes there; None when it cannot run or nothing is known.
    """

    score: Fraction | None
    reason: str = ""
    seconds: float | None = None


@dataclass(frozen=True)
class TruthTable:
    """Scores of some pairs.

    Args:
        entries: By job and cluster.
        kind: Where they come from: `scores` as written, `measured` or `modelled` times.
        machine: What the times are of; empty for scores.
    """

    entries: Mapping[str, Mapping[str, Entry]]
    kind: str = "scores"
    machine: str = ""


def read_scores(path: Path) -> TruthTable:
    """Read a CSV of scores: a row per cluster with its name first, a column per job.

    Raises:
        DeclarationError: It is missing, empty, ragged, names a job or a cluster twice, or has a score that is none.
    """
    source = str(path)
    try:
        rows = list(csv.reader(read_text(path).splitlines(), strict=True))
    except csv.Error as error:
        raise DeclarationError(f"found no CSV: {error}", source=source) from None
    if len(rows) < 2 or len(rows[0]) < 2:
        raise DeclarationError("found no scores, expected a column per job and a row per cluster", source=source)
    jobs = rows[0][1:]
    entries: dict[str, dict[str, Entry]] = {job: {} for job in jobs}
    if len(entries) < len(jobs):
        raise DeclarationError("found a job in two columns", source=source, path="line 1")
    seen: set[str] = set()
    for number, row in enumerate(rows[1:], 2):
        if not row:
            continue  # spreadsheets leave empty lines behind
        place = f"line {number}"
        if len(row) != len(rows[0]):
            raise DeclarationError(f"found {len(row)} cells, expected {len(rows[0])}", source=source, path=place)
        if row[0] in seen:
            raise DeclarationError(f"found the cluster {row[0]!r} again", source=source, path=place)
        seen.add(row[0])
        for job, text in zip(jobs, row[1:], strict=True):
            if not text.strip():
                continue
            entries[job][row[0]] = Entry(_score(text, source, f"{place}, {job}"))
    return TruthTable(entries)


def _score(text: str, source: str, place: str) -> Fraction:
    # Records write scores as the shortest decimals that mean them; more digits than a float has would change there.
    if not _SCORE.fullmatch(text.strip()):
        raise DeclarationError(
            f"found {brief(text)}, expected a number from 0 to 1, of 15 decimals at most", source=source, path=place
        )
    return Fraction(text.strip())


def read_times(path: Path) -> TruthTable:
    """Read a table of times: inputs are jobs, variants clusters, called MACHINE-VARIANT.

    What cannot run scores 0, with the reason recorded. The others score the best time of those clusters that can be
    chosen over their own, which an experiment says.

    Raises:
        DeclarationError: It is no table, or one whose measurement is not complete.
    """
    table = read_table(path)
    if not table.about["complete"]:
        raise DeclarationError(
            "found a measurement that is not complete, expected all its runs; the command that began it goes on",
            source=str(path.with_suffix(".json")),
            path="complete",
        )
    entries: dict[str, dict[str, Entry]] = {input: {} for input in table.about["inputs"]}
    for each in summarize(table.rows):
        reason = _shortened(each.reason) if each.median is None else ""
        score = Fraction(0) if each.median is None else None
        entries[each.input][table.cluster(each.variant)] = Entry(score, reason, each.median)
    for input, row in entries.items():
        for variant in table.variants:
            if table.cluster(variant) not in row:
                raise DeclarationError(f"found no run of {input}/{variant}, expected one or more", source=str(path))
    return TruthTable(entries, table.kind, table.machine)


def _shortened(reason: str) -> str:
    """Return a reason without what differs between runs that fail alike, as places in their source do."""
    said = _AROUND.sub("", " ".join(reason.split())) or FAILED
    return said if len(said) <= LONGEST else f"{said[: LONGEST - 1]}\N{HORIZONTAL ELLIPSIS}"


_SCORE = re.compile(r"0?\.[0-9]{1,15}|1\.0{1,15}|[01]", re.ASCII)
_AROUND = re.compile(r"^exit status \d+: | \(\S+:\d+\)$")
