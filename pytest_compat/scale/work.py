"""Getting all blocks done: here or on a cluster of workers, going on where an interrupted run was."""

from __future__ import annotations

import logging
import os
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import fields
from hashlib import blake2b
from pathlib import Path
from time import time
from typing import Any, TypeAlias

from pytest_compat.scale.engine import Batch, Outcome, joined, run_block
from pytest_compat.scale.problem import Problem

log = logging.getLogger(__name__)

STALE = 3600
"""Seconds after which a file that is being written is nobody's any more."""

Executor: TypeAlias = Callable[[Problem, Sequence[Any], int], Iterable[tuple[int, Outcome]]]
"""Takes a problem, blocks of jobs and a seed, and yields the number of a block and what became of it, in any order."""

Told: TypeAlias = Callable[[int, int], None]
"""Takes how many jobs are done, and how many there are."""


def here(problem: Problem, blocks: Sequence[Any], seed: int) -> Iterator[tuple[int, Outcome]]:
    """Run blocks in this process, one after the other."""
    for number, jobs in enumerate(blocks):
        yield number, one_block(problem, jobs, seed)


def one_block(problem: Problem, jobs: Any, seed: int) -> Outcome:
    """Run a block in whatever process this is."""
    return run_block(problem, jobs, Batch(problem, jobs, seed), seed)


def run_all(
    problem: Problem,
    blocks: Sequence[Any],
    seed: int,
    executor: Executor = here,
    *,
    folder: Path | None = None,
    told: Told | None = None,
) -> Outcome:
    """Run all blocks and put them together.

    Args:
        problem: The experiment.
        blocks: Positions of jobs, ascending and without gaps, from the first job to the last.
        seed: What draws derive from.
        executor: What runs them.
        folder: Where to keep each block as soon as it is done, so that another run of the same problem does not run it
            again. Blocks are removed once all are there. None: nothing is kept.
        told: Called after each block.
    """
    store = _Store(folder, problem, seed) if folder is not None else None
    done: dict[int, Outcome] = {}
    for number, jobs in enumerate(blocks):
        if store is not None and (kept := store.read(jobs)) is not None:
            done[number] = kept
    total = len(problem.jobs)
    finished = sum(len(blocks[number]) for number in done)
    if told:
        told(finished, total)
    left = [number for number in range(len(blocks)) if number not in done]
    for place, outcome in executor(problem, [blocks[number] for number in left], seed):
        done[left[place]] = outcome
        if store is not None:
            store.write(outcome)
        finished += len(outcome.jobs)
        if told:
            told(finished, total)
    if store is not None:
        store.clear(blocks)
    return joined([done[number] for number in range(len(blocks))])


class _Store:
    """Blocks that are done, a file each. What cannot be read, or is no such block, is run again."""

    def __init__(self, folder: Path, problem: Problem, seed: int) -> None:
        self._folder = folder
        self._levels, self._sources = len(problem.levels), len(problem.scores)
        self._stem = f"{problem.name}-{_digest(problem)}-{seed}"

    def _path(self, jobs: Any) -> Path:
        return self._folder / f"{self._stem}-{jobs[0]}-{jobs[-1]}.npz"

    def read(self, jobs: Any) -> Outcome | None:
        import numpy

        try:
            # numpy.load leaves a file open that it opened itself and found damaged.
            with self._path(jobs).open("rb") as file, numpy.load(file, allow_pickle=False) as content:
                found = Outcome(**{each.name: content[each.name] for each in fields(Outcome)})
        except FileNotFoundError:
            return None
        except (OSError, TypeError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            log.debug("a block could not be read and is run again", exc_info=True)
            return None
        return found if self._fits(found, jobs) else None

    def _fits(self, found: Outcome, jobs: Any) -> bool:
        import numpy

        each = (self._levels, len(jobs))
        scored = (self._sources, *each)
        shapes = [(len(jobs),), each, each, each, scored, scored, (self._sources, len(jobs))]
        return [getattr(found, own.name).shape for own in fields(Outcome)] == shapes and numpy.array_equal(
            found.jobs, jobs
        )

    def write(self, outcome: Outcome) -> None:
        import numpy

        self._folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self._folder, suffix=".partial")
        try:
            with os.fdopen(handle, "wb") as file:
                numpy.savez(file, **{each.name: getattr(outcome, each.name) for each in fields(Outcome)})
            Path(name).replace(self._path(outcome.jobs))
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise

    def clear(self, blocks: Sequence[Any]) -> None:
        for jobs in blocks:
            self._path(jobs).unlink(missing_ok=True)
        with suppress(OSError):
            for left in self._folder.glob("*.partial"):  # by a run that was killed while it wrote
                if time() - left.stat().st_mtime > STALE:
                    left.unlink(missing_ok=True)
            self._folder.rmdir()


def _digest(problem: Problem) -> str:
    """Return what tells a problem from others, by all that its scores come from too."""
    found = blake2b(problem.version().encode(), digest_size=8)
    for name, scores in problem.scores.items():
        found.update(f"\0{name}\0".encode("utf-8", "surrogatepass") + scores.digest())
    return found.hexdigest()
