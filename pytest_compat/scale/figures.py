"""The figures of a gradient: what revealing one subsystem after the other does to matching and to success."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pytest_compat.idset import encode
from pytest_compat.scale.engine import Outcome
from pytest_compat.scale.problem import Problem

PLAUSIBLE = 0.999
"""Probability of the range in which the successes of a level have to lie."""


@dataclass(frozen=True)
class LevelFigures:
    """One level.

    Args:
        level: Its name.
        matched: Jobs that have candidates.
        candidates: Mean number of candidates over all jobs.
        expected: Expected share of all jobs that succeed, by source of scores; a job without candidates does not.
        assigned: The same over the jobs that have candidates; None where none has any.
        succeeded: Jobs that succeeded where they were sent.
        range: The least and the most that is plausible of `succeeded`, by its exact law.
        p: How likely a number at least as far out is, two-sided.
        regret: By how much the best cluster of each job is expected to do better, mean over all jobs, by source.
    """

    level: str
    matched: int
    candidates: float
    expected: Mapping[str, float]
    assigned: Mapping[str, float] | None
    succeeded: int
    range: tuple[int, int]
    p: float
    regret: Mapping[str, float]


@dataclass(frozen=True)
class PackageFigures:
    """The jobs of one package.

    Args:
        package: Its name.
        jobs: How many there are.
        expected: Expected success over its jobs with nothing revealed, at the best level of all jobs, and at the last,
            by the first source of scores.
        matched: Share of its jobs that have candidates, at the same levels.
        best_level: The level that is best for it.
        best: Its expected success there.
    """

    package: str
    jobs: int
    expected: tuple[float, float, float]
    matched: tuple[float, float, float]
    best_level: str
    best: float


@dataclass(frozen=True)
class Gradient:
    """An experiment at scale, run.

    Args:
        experiment: Its name.
        version: Digest of jobs, clusters and requirements.
        seed: What draws derive from.
        way: Who answered: `batch` for this process, or the name of a scheduler.
        jobs: How many.
        clusters: How many.
        sources: What says how likely success is; draws go by the first.
        levels: One per level.
        best: The level of the best trade-off, where most jobs are expected to succeed, by the first source; the first
            of several.
        names: Of the jobs.
        unmatched: By level, the places among `names` of the jobs that have no candidates from there on, as an idset.
        packages: One per package, by name.
        bound: What choosing the best cluster for every job would come to, by source.
        scale: How much of the experiment it is.
        remarks: What was left out of its data, and what is odd about it, as sentences.
    """

    experiment: str
    version: str
    seed: int
    way: str
    jobs: int
    clusters: int
    sources: tuple[str, ...]
    levels: tuple[LevelFigures, ...]
    best: str
    names: tuple[str, ...]
    unmatched: Mapping[str, str]
    packages: tuple[PackageFigures, ...]
    bound: Mapping[str, float]
    scale: str
    remarks: tuple[str, ...] = ()

    def plain(self) -> dict[str, Any]:
        """Return it as dicts, lists, texts and numbers."""
        return _listed(asdict(self))  # type: ignore[no-any-return]


def figures(
    problem: Problem, outcome: Outcome, *, seed: int, way: str, scale: str, remarks: tuple[str, ...] = ()
) -> Gradient:
    """Work out the figures of a run.

    Args:
        problem: The experiment.
        outcome: What became of all its jobs.
        seed: What draws derived from.
        way: Who answered.
        scale: How much of the experiment it is.
        remarks: What is to be told of its data.
    """
    import numpy

    sources = tuple(problem.scores)
    levels = tuple(_level(problem, outcome, sources, number) for number in range(len(problem.levels)))
    overall = outcome.expected[0].mean(axis=1)
    best = int(overall.argmax())
    gone = unmatched_from(outcome)
    return Gradient(
        experiment=problem.name,
        version=problem.version(),
        seed=seed,
        way=way,
        jobs=len(problem.jobs),
        clusters=len(problem.clusters),
        sources=sources,
        levels=levels,
        best=problem.levels[best],
        names=problem.jobs,
        unmatched={
            name: encode(numpy.flatnonzero(gone == number).tolist())
            for number, name in enumerate(problem.levels)
            if (gone == number).any()
        },
        packages=_packages(problem, outcome, best),
        bound={name: float(outcome.best[number].mean()) for number, name in enumerate(sources)},
        scale=scale,
        remarks=remarks,
    )


def _listed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _listed(each) for key, each in value.items()}
    return [_listed(each) for each in value] if isinstance(value, list | tuple) else value


def unmatched_from(outcome: Outcome) -> Any:
    """Return for each job the number of the level from which on it has no candidates, -1 where it keeps some."""
    import numpy

    none = outcome.candidates == 0
    return numpy.where(none.any(axis=0), none.argmax(axis=0), -1)


def _level(problem: Problem, outcome: Outcome, sources: tuple[str, ...], number: int) -> LevelFigures:
    matched = outcome.candidates[number] > 0
    count = int(matched.sum())
    succeeded = int(outcome.succeeded[number].sum())
    law = poisson_binomial(outcome.expected[0, number])
    low, high = _span(law)
    by_source = {name: outcome.expected[place, number] for place, name in enumerate(sources)}
    return LevelFigures(
        level=problem.levels[number],
        matched=count,
        candidates=float(outcome.candidates[number].mean()),
        expected={name: float(each.mean()) for name, each in by_source.items()},
        assigned={name: float(each[matched].mean()) for name, each in by_source.items()} if count else None,
        succeeded=succeeded,
        range=(low, high),
        p=min(1.0, 2 * min(float(law[: succeeded + 1].sum()), float(law[succeeded:].sum()))),
        regret={
            name: float((outcome.best[place] - outcome.expected[place, number]).mean())
            for place, name in enumerate(sources)
        },
    )


def _packages(problem: Problem, outcome: Outcome, best: int) -> tuple[PackageFigures, ...]:
    import numpy

    names, which = numpy.unique(numpy.array(problem.packages, dtype=object).astype(str), return_inverse=True)
    found = []
    for place, name in enumerate(names.tolist()):
        mine = which == place
        expected = outcome.expected[0][:, mine].mean(axis=1)
        matched = (outcome.candidates[:, mine] > 0).mean(axis=1)
        own = int(expected.argmax())
        at = (0, best, len(expected) - 1)
        found.append(
            PackageFigures(
                name,
                int(mine.sum()),
                tuple(float(expected[each]) for each in at),  # type: ignore[arg-type]
                tuple(float(matched[each]) for each in at),  # type: ignore[arg-type]
                problem.levels[own],
                float(expected[own]),
            )
        )
    return tuple(found)


def poisson_binomial(chances: Any) -> Any:
    """Return the law of how many of some independent events happen: the probabilities of 0, 1, ...

    The laws of halves are convolved, level by level and many at once, by FFT; its rounding errors (1e-16 of the whole)
    are far below any tail that is asked for.

    Args:
        chances: Probability of each event.
    """
    import numpy

    chances = numpy.asarray(chances, dtype=float)
    chances = chances[chances > 0]
    laws = numpy.stack([1 - chances, chances], axis=1) if len(chances) else numpy.ones((1, 1))
    while len(laws) > 1:
        if len(laws) % 2:
            none = numpy.zeros((1, laws.shape[1]))
            none[0, 0] = 1
            laws = numpy.concatenate([laws, none])
        size = 2 * laws.shape[1] - 1
        length = 1 << (size - 1).bit_length()
        spectra = numpy.fft.rfft(laws, length, axis=1)
        laws = numpy.clip(numpy.fft.irfft(spectra[::2] * spectra[1::2], length, axis=1)[:, :size], 0, None)
    law = laws[0, : len(chances) + 1]
    return law / law.sum()


def _span(law: Any) -> tuple[int, int]:
    tail = (1 - PLAUSIBLE) / 2
    low = int((law.cumsum() > tail).argmax())
    return low, len(law) - 1 - int((law[::-1].cumsum() > tail).argmax())
