"""The engine: what becomes of jobs at all levels, block by block.

A block of jobs goes through all levels at once, so that memory is bounded by blocks and the scores of a pair are worked
out once. Whoever answers (this process for all jobs of the block, or a scheduler one by one) names candidates
and picks one of them; all that follows from this is the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Protocol

from pytest_compat.scale.bits import counted, nth, packed, unpacked
from pytest_compat.scale.problem import Problem

BLOCK = 1024
"""Jobs per block."""


class Asked(Protocol):
    """Somebody who was given a block of jobs, and is asked about one level after the other."""

    def answer(self, level: int) -> tuple[Any, Any]:
        """Return the candidates of each job as bitsets, and the position of the one it was given, -1 for none."""


@dataclass(frozen=True)
class Outcome:
    """What became of some jobs.

    Args:
        jobs: Their positions.
        candidates: How many they had, of shape (levels, jobs).
        chosen: Position of the cluster that each was given, of the same shape; -1 for none.
        succeeded: Whether it succeeded there, of the same shape.
        expected: Mean probability of success among the candidates, of shape (sources of scores, levels, jobs); 0
            without candidates.
        obtained: Probability of success on the cluster it was given, of the same shape.
        best: The largest probability of success on any cluster, of shape (sources of scores, jobs).
    """

    jobs: Any
    candidates: Any
    chosen: Any
    succeeded: Any
    expected: Any
    obtained: Any
    best: Any


def run_block(problem: Problem, jobs: Any, asked: Asked, seed: int) -> Outcome:
    """Take some jobs through all levels.

    Args:
        problem: The experiment.
        jobs: Positions of the jobs.
        asked: Who answers.
        seed: What draws derive from.
    """
    import numpy

    scores = [each.block(jobs) for each in problem.scores.values()]
    shape = (len(problem.levels), len(jobs))
    candidates, chosen = numpy.zeros(shape, numpy.int32), numpy.full(shape, -1, numpy.int32)
    succeeded = numpy.zeros(shape, bool)
    expected, obtained = (numpy.zeros((len(scores), *shape)) for _ in range(2))
    before = None
    for level in range(shape[0]):
        bits, chosen[level] = asked.answer(level)
        if before is not None:
            candidates[level], expected[:, level] = candidates[level - 1], expected[:, level - 1]
        changed = numpy.flatnonzero((bits != before).any(axis=1)) if before is not None else numpy.arange(len(jobs))
        before = bits.copy()
        candidates[level, changed] = counted(bits[changed])
        mask = unpacked(bits[changed], len(problem.clusters))
        for number, each in enumerate(scores):
            total = numpy.where(mask, each[changed], 0).sum(axis=1, dtype=float)
            expected[number, level, changed] = total / numpy.maximum(candidates[level, changed], 1)
        given = numpy.flatnonzero(chosen[level] >= 0)
        for number, each in enumerate(scores):
            obtained[number, level, given] = each[given, chosen[level, given]]
        succeeded[level, given] = chances(draws(problem, level, jobs[given], seed)) < obtained[0, level, given]
    best = numpy.array([each.max(axis=1) for each in scores], dtype=float)
    return Outcome(jobs, candidates, chosen, succeeded, expected, obtained, best)


class Batch:
    """This process, for a whole block: one intersection per level and requirement, and the draws of `choose`.

    Args:
        problem: The experiment.
        jobs: Positions of the jobs, ascending.
        seed: What draws derive from.
    """

    def __init__(self, problem: Problem, jobs: Any, seed: int) -> None:
        import numpy

        self._problem, self._jobs, self._seed = problem, jobs, seed
        everywhere = packed(numpy.ones(len(problem.clusters), dtype=bool))
        self._alive = numpy.repeat(everywhere[None], len(jobs), axis=0)

    def match(self, level: int) -> Any:
        """Reveal what a level adds to the one before, and return the candidates as bitsets."""
        if level:
            step = self._problem.steps[level - 1]
            low, high = step.jobs.searchsorted([self._jobs[0], self._jobs[-1] + 1])
            rows = step.jobs[low:high] - self._jobs[0]
            self._alive[rows] &= step.masks[step.wants[low:high]]
        return self._alive

    def answer(self, level: int) -> tuple[Any, Any]:
        """Return candidates and choices."""
        import numpy

        bits = self.match(level)
        counts = counted(bits)
        chosen = numpy.full(len(self._jobs), -1, numpy.int32)
        matched = numpy.flatnonzero(counts)
        numbers = draws(self._problem, level, self._jobs[matched], self._seed)
        chosen[matched] = nth(bits[matched], scaled(numbers, counts[matched]))
        return bits, chosen


def key(problem: Problem, level: int, job: int, seed: int) -> str:
    """Return what the draw of a job at a level belongs to: the key that schedulers are given."""
    return f"{seed}/{problem.name}/{problem.levels[level]}/{problem.jobs[job]}/0"


def draws(problem: Problem, level: int, jobs: Any, seed: int) -> Any:
    """Return 64 random bits for each of some jobs: those that `matching.selection.choose` draws with."""
    import numpy

    begun = blake2b(f"{seed}/{problem.name}/{problem.levels[level]}/".encode("utf-8", "surrogatepass"), digest_size=8)
    digests = []
    for job in jobs.tolist():
        one = begun.copy()
        one.update(f"{problem.jobs[job]}/0".encode("utf-8", "surrogatepass"))
        digests.append(one.digest())
    return numpy.frombuffer(b"".join(digests), dtype=">u8").astype(numpy.uint64)


def scaled(numbers: Any, sizes: Any) -> Any:
    """Return floor(number * size / 2^64), as `choose` scales its draws, without leaving 64 bits."""
    import numpy

    sizes = sizes.astype(numpy.uint64)
    half = numpy.uint64(32)
    low = (numbers & numpy.uint64(0xFFFFFFFF)) * sizes
    return (((numbers >> half) * sizes + (low >> half)) >> half).astype(numpy.int64)


def chances(numbers: Any) -> Any:
    """Return uniform numbers from 0 to 1 that know nothing of which cluster the same draws chose.

    SplitMix64's finalizer (G. L. Steele, D. Lea, C. H. Flood, "Fast splittable pseudorandom number generators", 2014)
    after one step of its sequence.
    """
    import numpy

    with numpy.errstate(over="ignore"):
        mixed = numbers + numpy.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> numpy.uint64(30))) * numpy.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> numpy.uint64(27))) * numpy.uint64(0x94D049BB133111EB)
        mixed ^= mixed >> numpy.uint64(31)
    return (mixed >> numpy.uint64(11)) * 2.0**-53


def blocks(problem: Problem, size: int = BLOCK) -> list[Any]:
    """Return the positions of the jobs, cut into blocks."""
    import numpy

    positions = numpy.arange(len(problem.jobs))
    return [positions[start : start + size] for start in range(0, len(positions), size)]


def joined(outcomes: Sequence[Outcome]) -> Outcome:
    """Return what became of all jobs, from blocks in their order."""
    import numpy

    def along(name: str) -> Any:
        return numpy.concatenate([getattr(each, name) for each in outcomes], axis=-1)

    return Outcome(
        *(along(name) for name in ("jobs", "candidates", "chosen", "succeeded", "expected", "obtained", "best"))
    )
