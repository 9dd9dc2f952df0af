"""The heat map of the page: which clusters would do for which jobs, contend for them, and were assigned."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from pytest_compat.idset import decode

Run = Mapping[str, Any]
Assignments = Mapping[tuple[str, str, str], Counter[tuple[str, str, bool]]]
"""By experiment, scheduler and level: how many submissions of a job were assigned a cluster, and were errors or not."""

EXPECTED, UNSTABLE = 1, 2
"""Bits that tell the script of the page about a disagreement: the reference calls the cluster a candidate; the
scheduler did not always give the same answer."""


@dataclass(frozen=True, kw_only=True)
class Tally:
    """How many, by what they score."""

    full: int
    """Of score 1."""
    partial: int
    none: int
    """Of score 0."""


@dataclass(frozen=True, kw_only=True)
class HeatRow:
    """A level of the heat map in numbers."""

    run: Run
    candidates: Tally
    """Pairs of job and cluster in which the scheduler calls the cluster a candidate."""
    overlooked: int
    """Pairs that score above 0, of jobs of which the candidates are known, where it does not."""
    differing: int
    """Pairs about which the scheduler and the reference disagree."""
    assigned: Tally
    """Submissions without errors by the score of the cluster they were assigned."""
    failed: int
    """Submissions that were assigned a cluster and were errors; they score 0."""


def count_assignments(records: Iterable[Mapping[str, Any]]) -> Assignments:
    """Count what was assigned in the records of a report."""
    found: defaultdict[tuple[str, str, str], Counter[tuple[str, str, bool]]] = defaultdict(Counter)
    for each in records:
        if each["cluster"] is not None:
            found[each["experiment"], each["scheduler"], each["level"]][
                each["job"], each["cluster"], each["outcome"] == "error"
            ] += 1
    return found


def heat_map(
    about: Mapping[str, Any], runs: Sequence[Run], assignments: Assignments
) -> tuple[Mapping[str, Any], list[HeatRow]]:
    """Return the heat map's data, for the script of the page, and its levels in numbers.

    In the data, `sets` are the distinct sets of candidates, as idsets, because most jobs share theirs with others;
    `views` have per run and job the number of its set, None where it is not known, and what was assigned: position,
    count, position, count. Errors are among what was assigned, and again by themselves. Disagreements are triples of
    job, position and the bits EXPECTED and UNSTABLE. `absent` are the jobs that take no part in the level. `reasons`
    have per job and reason the positions of the clusters that score less than 1 for it, as idsets.

    Args:
        about: The experiment.
        runs: Its levels.
        assignments: What was assigned, at these levels and others.

    Raises:
        ValueError: An idset is none.
    """
    jobs, clusters = about["jobs"], about["clusters"]
    truth = [about["truth"].get(job, {}) for job in jobs]
    scores = [dict(_scores(each, len(clusters))) for each in truth]
    sets: dict[str, int] = {}
    views, rows = [], []
    for run in runs:
        idsets = [run["candidate_sets"].get(job) for job in jobs]
        key = run["experiment"], run["scheduler"], run["level"]
        counted = assignments.get(key, Counter())
        errors = _by_position(_pairs(counted, failed=True), jobs, clusters)
        fine = _by_position(_pairs(counted, failed=False), jobs, clusters)
        assigned = [Counter(good) + Counter(bad) for good, bad in zip(fine, errors, strict=True)]
        views.append(
            {
                "absent": [number for number, job in enumerate(jobs) if job not in run["candidate_sets"]],
                "candidates": [None if each is None else sets.setdefault(each, len(sets)) for each in idsets],
                "assigned": [_flat(each) for each in assigned],
                "errors": [_flat(each) for each in errors],
                "disagreements": _disagreements(run, jobs, clusters),
            }
        )
        rows.append(_row(run, scores, idsets, fine, errors, len(clusters)))
    reasons = [about["reasons"].get(job, {}) for job in jobs]
    data = {"jobs": jobs, "clusters": clusters, "truth": truth, "reasons": reasons, "sets": list(sets), "views": views}
    return data, rows


def _scores(truth: Mapping[str, str], size: int) -> Iterator[tuple[int, float]]:
    """Yield the positions of clusters that score above 0, and their scores."""
    for score, idset in truth.items():
        if float(score) > 0:
            yield from ((place, float(score)) for place in decode(idset, size))


def _pairs(counted: Counter[tuple[str, str, bool]], *, failed: bool) -> dict[tuple[str, str], int]:
    return {(job, cluster): count for (job, cluster, error), count in counted.items() if error is failed}


def _flat(counts: Mapping[int, int]) -> list[int]:
    return list(chain.from_iterable(sorted(counts.items())))


def _disagreements(run: Run, jobs: Sequence[str], clusters: Sequence[str]) -> list[tuple[int, int, int]]:
    rows = {job: number for number, job in enumerate(jobs)}
    columns = {cluster: place for place, cluster in enumerate(clusters)}
    return [
        (
            rows[each["job"]],
            columns[each["cluster"]],
            EXPECTED * each["expected"] | UNSTABLE * (not each["stable"]),
        )
        for each in run["disagreements"]
        if each["job"] in rows and each["cluster"] in columns
    ]


def _by_position(
    counted: Mapping[tuple[str, str], int], jobs: Sequence[str], clusters: Sequence[str]
) -> list[dict[int, int]]:
    """Return for each job how often the cluster at a position was assigned."""
    rows = {job: number for number, job in enumerate(jobs)}
    columns = {cluster: place for place, cluster in enumerate(clusters)}
    found: list[dict[int, int]] = [{} for _ in jobs]
    for (job, cluster), count in counted.items():
        # A scheduler can name a cluster that the experiment does not have; that is an error, and told as one.
        if job in rows and cluster in columns:
            found[rows[job]][columns[cluster]] = count
    return found


def _row(
    run: Run,
    scores: Sequence[Mapping[int, float]],
    idsets: Sequence[str | None],
    fine: Sequence[Mapping[int, int]],
    errors: Sequence[Mapping[int, int]],
    size: int,
) -> HeatRow:
    pairs: Counter[float] = Counter()
    submissions: Counter[float] = Counter()
    overlooked = 0
    for score, idset, counts in zip(scores, idsets, fine, strict=True):
        if idset is not None:
            places = decode(idset, size)
            pairs.update(score.get(place, 0.0) for place in places)
            overlooked += len(score.keys() - set(places))
        for place, count in counts.items():
            submissions[score.get(place, 0.0)] += count
    return HeatRow(
        run=run,
        candidates=_tally(pairs),
        overlooked=overlooked,
        differing=run["differing"]["total"],
        assigned=_tally(submissions),
        failed=sum(chain.from_iterable(each.values() for each in errors)),
    )


def _tally(counts: Mapping[float, int]) -> Tally:
    return Tally(
        full=sum(count for score, count in counts.items() if score >= 1),
        partial=sum(count for score, count in counts.items() if 0 < score < 1),
        none=sum(count for score, count in counts.items() if score <= 0),
    )
