"""Is selection among candidates uniform? Exact tests of how often who was chosen.

Every count tested is a sum of independent draws that each succeed with 1/n, n being the candidates of the draw's job: a
Poisson-binomial law, binomial where all n are equal. Its tails are worked out by convolution, without approximation, so
that under uniform selection the p-value is at most a with a probability of at most a.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from pytest_compat.judge.law import binomial

if TYPE_CHECKING:
    import numpy

FAMILIES = 3
"""Clusters, positions, jobs: what a cell can be about. Each has a third of the false alarms."""

Trials = tuple[tuple[int, int], ...]
"""(candidates, draws) pairs, sorted, no number of candidates twice."""


@dataclass(frozen=True)
class SelectionTest:
    """What the least plausible count says about selection.

    Args:
        p: The p-value, 0 to 1, corrected for all cells of all families.
        message: The count in words: who was chosen how often, and how often that was to be expected.
        kind: The family: `cluster`, `position` or `job`.
        name: The cluster; the place (`first`, `2`, ..., `last`, `2 from the end`, ...); the job.
        observed: The count.
        draws: The draws it is out of.
        expected: The count to be expected of uniform selection.
    """

    p: float
    message: str
    kind: str
    name: str
    observed: int
    draws: int
    expected: float


@dataclass(frozen=True)
class _Cell:
    """A count, and the draws that could have added to it.

    Args:
        kind: As in SelectionTest.
        name: As in SelectionTest.
        subject: The beginning of the message, up to the count.
        observed: The count.
        trials: The draws.
    """

    kind: str
    name: str
    subject: str
    observed: int
    trials: Trials

    def result(self, p: float) -> SelectionTest:
        draws = sum(number for _, number in self.trials)
        expected = sum(number / candidates for candidates, number in self.trials)
        rounded = f"{float(f'{expected:.3g}'):g}"
        message = f"{self.subject} {self.observed} of {draws} times, expected {rounded}"
        return SelectionTest(p, message, self.kind, self.name, self.observed, draws, expected)


@dataclass(frozen=True)
class _Job:
    name: str
    candidates: Sequence[str]
    counts: Counter[str]

    @property
    def trials(self) -> tuple[int, int]:
        return len(self.candidates), self.counts.total()


def selection_test(
    candidates: Mapping[str, Sequence[str]], chosen: Mapping[str, Sequence[str]]
) -> SelectionTest | None:
    """Test whether each submission was given each of its job's candidates with the same probability, independently.

    Three families of counts: how often each cluster was chosen, over all jobs; how often the candidate at each place in
    order of name, counted from the first and from the last, over all jobs (a selector that prefers the first shows here
    even where the jobs' candidates differ); how often one job was given the same cluster (a selector that does not draw
    again shows here). The first two are tested for too many and for too few, the last for too many. The p-value is the
    smallest of all after Bonferroni's correction, within each family and for the three of them.

    Args:
        candidates: By job, the names of its candidates, sorted.
        chosen: By job, the cluster of each submission that was assigned one. Jobs with fewer than two candidates or
            without submissions say nothing and are left out.

    Returns:
        The least plausible count; None when there is nothing to test.

    Raises:
        ValueError: A candidate is named twice, or a job was given a cluster that is no candidate of it.
    """
    jobs = _jobs(candidates, chosen)
    if not jobs:
        return None
    found = [
        *_corrected(clusters := _cluster_cells(jobs), tails=2 * len(clusters), fewer=True),
        *_corrected(positions := _position_cells(jobs), tails=2 * len(positions), fewer=True),
        *_corrected(_job_cells(jobs), tails=sum(len(job.candidates) for job in jobs), fewer=False),
    ]
    p, cell = min(found, key=lambda each: each[0])
    return cell.result(min(p, 1.0))


def _jobs(candidates: Mapping[str, Sequence[str]], chosen: Mapping[str, Sequence[str]]) -> list[_Job]:
    jobs = []
    for name, clusters in sorted(chosen.items()):
        among = candidates.get(name, ())
        if len(set(among)) < len(among):
            raise ValueError(f"found a cluster twice among the candidates of {name}, expected each once")
        if strangers := set(clusters).difference(among):
            raise ValueError(f"{name} was given {min(strangers)}, which is no candidate of it")
        if len(among) > 1 and clusters:
            jobs.append(_Job(name, among, Counter(clusters)))
    return jobs


def _merged(pairs: Iterable[tuple[int, int]]) -> Trials:
    draws: Counter[int] = Counter()
    for candidates, number in pairs:
        draws[candidates] += number
    return tuple(sorted(draws.items()))


def _cluster_cells(jobs: Sequence[_Job]) -> list[_Cell]:
    trials: dict[str, list[tuple[int, int]]] = {}
    observed: Counter[str] = Counter()
    for job in jobs:
        observed.update(job.counts)
        for cluster in job.candidates:
            trials.setdefault(cluster, []).append(job.trials)
    return [
        _Cell("cluster", cluster, f"cluster {cluster} was chosen", observed[cluster], _merged(pairs))
        for cluster, pairs in sorted(trials.items())
    ]


def _position_cells(jobs: Sequence[_Job]) -> list[_Cell]:
    ends: dict[str, Counter[int]] = {"first": Counter(), "last": Counter()}
    for job in jobs:
        for place, cluster in enumerate(job.candidates):
            ends["first"][place] += job.counts[cluster]
            ends["last"][len(job.candidates) - 1 - place] += job.counts[cluster]
    trials = _merged(job.trials for job in jobs)
    if len(trials) == 1:
        del ends["last"]  # the same places, counted the other way
    cells = []
    for end, observed in ends.items():
        for place, count in sorted(observed.items()):
            name, subject = end, f"the {end} candidate"
            if place:
                name = f"{place + 1}" if end == "first" else f"{place + 1} from the end"
                subject = f"candidate {name}"
            subject += " in order of name was chosen"
            cells.append(_Cell("position", name, subject, count, tuple(each for each in trials if each[0] > place)))
    return cells


def _job_cells(jobs: Sequence[_Job]) -> list[_Cell]:
    """Return, of each job, the cell of the cluster it was given most often; its other cells are less telling."""
    cells = []
    for job in jobs:
        cluster = max(sorted(job.counts), key=job.counts.__getitem__)
        subject = f"job {job.name} was given cluster {cluster}"
        cells.append(_Cell("job", job.name, subject, job.counts[cluster], (job.trials,)))
    return cells


def _corrected(cells: Iterable[_Cell], *, tails: int, fewer: bool) -> list[tuple[float, _Cell]]:
    """Return the p-values of a family's cells, corrected but not capped.

    Args:
        cells: The cells.
        tails: How many tails the family could have been judged by, whatever was observed.
        fewer: Whether too few are told as well as too many.
    """
    alike: dict[Trials, list[_Cell]] = {}
    for cell in cells:
        alike.setdefault(cell.trials, []).append(cell)
    found = []
    one = cache(binomial)
    for trials, same in alike.items():
        law = _law(trials, max(cell.observed for cell in same), one)
        below, above = law.cumsum(), law[::-1].cumsum()[::-1]
        for cell in same:
            tail = float(above[cell.observed])
            if fewer:
                tail = min(tail, float(below[cell.observed]))
            found.append((tail * tails * FAMILIES, cell))
    return found


def _law(trials: Trials, most: int, one: Callable[[int, float], numpy.ndarray[Any, Any]]) -> numpy.ndarray[Any, Any]:
    """Return the probabilities of the counts 0, 1, ... `most`, and behind them that of all greater ones.

    Args:
        trials: The draws.
        most: 0 or more.
        one: The binomial law; many clusters have draws of the same jobs, and it need not be worked out again.
    """
    import numpy

    law = numpy.ones(1)
    for candidates, draws in trials:
        law = _cut(numpy.convolve(law, _cut(one(draws, 1 / candidates), most)), most)
    return law


def _cut(law: numpy.ndarray[Any, Any], most: int) -> numpy.ndarray[Any, Any]:
    """Put all that is more than `most` into one place. It stays there, as counts only grow, and costs nothing more."""
    import numpy

    if len(law) <= most + 2:
        return law
    return numpy.append(law[: most + 1], law[most + 1 :].sum())
