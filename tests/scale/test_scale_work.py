"""Runs that were cut short go on where they were, and take up nothing that is not theirs."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy
import pytest
from problems_made import GivenScores, assert_same, make

from pytest_compat.scale.engine import Outcome, blocks
from pytest_compat.scale.problem import Problem
from pytest_compat.scale.work import here, run_all

JOBS, SIZE = 40, 5
BLOCKS = JOBS // SIZE


class Counting:
    """Runs blocks here, counts them, and dies before one of them."""

    def __init__(self, dies_after: int = JOBS, error: type[BaseException] = RuntimeError) -> None:
        self.run, self._dies_after, self._error = 0, dies_after, error

    def __call__(self, problem: Problem, blocks: Sequence[Any], seed: int) -> Iterator[tuple[int, Outcome]]:
        for place, outcome in here(problem, blocks, seed):
            if self.run == self._dies_after:
                raise self._error("died")
            self.run += 1
            yield place, outcome


@pytest.fixture(scope="module")
def problem() -> Problem:
    return make(5, JOBS, 70, 4).problem


@pytest.fixture(scope="module")
def whole(problem: Problem) -> Outcome:
    return run_all(problem, blocks(problem, SIZE), 0)


def cut_short(problem: Problem, folder: Path, after: int = 3, seed: int = 0) -> list[Path]:
    """Run a problem until its executor dies, and return what was kept."""
    with pytest.raises(RuntimeError, match="died"):
        run_all(problem, blocks(problem, SIZE), seed, Counting(after), folder=folder)
    return sorted(folder.iterdir())


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("after", [0, 1, 3, BLOCKS - 1])
def test_what_was_done_is_not_done_again(
    problem: Problem, whole: Outcome, tmp_path: Path, after: int, error: type[BaseException]
) -> None:
    folder = tmp_path / "new" / "kept"
    with pytest.raises(error):
        run_all(problem, blocks(problem, SIZE), 0, Counting(after, error), folder=folder)
    second = Counting()
    assert_same(run_all(problem, blocks(problem, SIZE), 0, second, folder=folder), whole)
    assert second.run == BLOCKS - after
    assert not folder.exists()


def test_it_may_die_again_and_again(problem: Problem, whole: Outcome, tmp_path: Path) -> None:
    for done in range(3):
        assert len(cut_short(problem, tmp_path / "kept", after=1)) == done + 1
    last = Counting()
    assert_same(run_all(problem, blocks(problem, SIZE), 0, last, folder=tmp_path / "kept"), whole)
    assert last.run == BLOCKS - 3


def test_blocks_may_come_in_any_order(problem: Problem, whole: Outcome, tmp_path: Path) -> None:
    def backwards(problem: Problem, blocks: Sequence[Any], seed: int) -> Iterator[tuple[int, Outcome]]:
        yield from reversed(list(here(problem, blocks, seed)))

    assert_same(run_all(problem, blocks(problem, SIZE), 0, backwards), whole)
    cut_short(problem, tmp_path / "kept", after=2)
    assert_same(run_all(problem, blocks(problem, SIZE), 0, backwards, folder=tmp_path / "kept"), whole)


def no_outcome(**arrays: Any) -> bytes:
    stream = io.BytesIO()
    numpy.savez(stream, **arrays)
    return stream.getvalue()


def one_array(_: bytes) -> bytes:
    stream = io.BytesIO()
    numpy.save(stream, numpy.arange(3))
    return stream.getvalue()


def of_other_shape(content: bytes) -> bytes:
    found = dict(numpy.load(io.BytesIO(content)))
    return no_outcome(**{**found, "candidates": found["candidates"][:-1]})


def of_other_jobs(content: bytes) -> bytes:
    found = dict(numpy.load(io.BytesIO(content)))
    return no_outcome(**{**found, "jobs": found["jobs"] + SIZE})


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "text": lambda _: b"what is this",
    "cut": lambda content: content[: len(content) // 2],
    "no end": lambda content: content[:-1],
    "other bits": lambda content: content.replace(b"\x01\x00\x00\x00", b"\x02\x00\x00\x00"),
    "other arrays": lambda _: no_outcome(x=numpy.arange(3)),
    "pickled": lambda _: no_outcome(jobs=numpy.array([{"an": "object"}], dtype=object)),
    "one array": one_array,
    "other shape": of_other_shape,
    "other jobs": of_other_jobs,
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_a_file_that_is_no_block_is_run_again(
    problem: Problem, whole: Outcome, tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    kept = cut_short(problem, tmp_path)
    content = kept[1].read_bytes()
    kept[1].write_bytes(damage(content))
    assert kept[1].read_bytes() != content
    second = Counting()
    assert_same(run_all(problem, blocks(problem, SIZE), 0, second, folder=tmp_path), whole)
    assert second.run == BLOCKS - 2


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_may_not_be_read_is_run_again(problem: Problem, whole: Outcome, tmp_path: Path) -> None:
    cut_short(problem, tmp_path)[0].chmod(0)
    assert_same(run_all(problem, blocks(problem, SIZE), 0, folder=tmp_path), whole)


def with_scores(problem: Problem, **scores: Any) -> Problem:
    return replace(problem, scores={**problem.scores, **scores})


OTHERS: dict[str, Callable[[Problem], Problem]] = {
    "name": lambda problem: replace(problem, name="other"),
    "jobs": lambda problem: replace(problem, jobs=(*problem.jobs[:-1], "another")),
    "clusters": lambda problem: replace(problem, clusters=(*problem.clusters[:-1], "another")),
    "order": lambda problem: replace(problem, steps=problem.steps[::-1]),
    "fewer steps": lambda problem: replace(problem, steps=problem.steps[:-1]),
    "one source": lambda problem: replace(problem, scores={"a": problem.scores["a"]}),
    "other scores": lambda problem: with_scores(problem, a=GivenScores(numpy.full((JOBS, 70), 0.25))),
    "sources in another order": lambda problem: replace(problem, scores=dict(reversed(problem.scores.items()))),
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS.keys())
def test_another_problem_takes_nothing_up(
    problem: Problem, tmp_path: Path, other: Callable[[Problem], Problem]
) -> None:
    kept = cut_short(problem, tmp_path)
    counting, changed = Counting(), other(problem)
    found = run_all(changed, blocks(changed, SIZE), 0, counting, folder=tmp_path)
    assert counting.run == BLOCKS
    assert_same(found, run_all(changed, blocks(changed, SIZE), 0))
    assert sorted(tmp_path.iterdir()) == kept  # they wait for their own


def test_another_seed_takes_nothing_up(problem: Problem, whole: Outcome, tmp_path: Path) -> None:
    cut_short(problem, tmp_path, seed=1)
    counting = Counting()
    assert_same(run_all(problem, blocks(problem, SIZE), 0, counting, folder=tmp_path), whole)
    assert counting.run == BLOCKS


def test_sources_that_are_called_like_files_are_kept_too(problem: Problem, tmp_path: Path) -> None:
    named = replace(problem, scores={"models/bayes.json": problem.scores["a"], "../ordered": problem.scores["b"]})
    cut_short(named, tmp_path / "kept")
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]
    second = Counting()
    run_all(named, blocks(named, SIZE), 0, second, folder=tmp_path / "kept")
    assert second.run == BLOCKS - 3


def test_files_of_others_stay(problem: Problem, tmp_path: Path) -> None:
    (tmp_path / "README").write_text("mine")
    cut_short(problem, tmp_path)
    run_all(problem, blocks(problem, SIZE), 0, folder=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["README"]


def test_nothing_is_kept_unless_asked_for(problem: Problem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RuntimeError, match="died"):
        run_all(problem, blocks(problem, SIZE), 0, Counting(3))
    assert not list(tmp_path.iterdir())


def test_progress_begins_where_the_run_was(problem: Problem, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    cut_short(problem, tmp_path)
    run_all(problem, blocks(problem, SIZE), 0, folder=tmp_path, told=lambda done, total: told.append((done, total)))
    assert told == [(done, JOBS) for done in range(3 * SIZE, JOBS + 1, SIZE)]


def test_blocks_of_other_scores_are_not_taken_up(tmp_path: Path) -> None:
    """Whichever job's scores are others: data and models change between a run and the next."""
    problem = make(3, 40, 12, 4).problem
    (name, scores), *_ = problem.scores.items()
    assert isinstance(scores, GivenScores)
    other = scores.chances.copy()
    other[-1] /= 2
    changed = replace(problem, scores={name: GivenScores(other)})

    with pytest.raises(RuntimeError):
        run_all(problem, blocks(problem, 10), 0, Counting(2), folder=tmp_path)
    told: list[int] = []
    run_all(changed, blocks(changed, 10), 0, folder=tmp_path, told=lambda done, _: told.append(done))
    assert told[0] == 0
