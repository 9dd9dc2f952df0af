"""A level is run once, by whoever asks first, in however many processes."""

from __future__ import annotations

import os
import signal
import time
from fractions import Fraction
from multiprocessing import get_context
from multiprocessing.queues import Queue
from pathlib import Path

import pytest

from pytest_compat.records import Candidates, Design, LevelFacts, LevelKey, LevelRun, Submission
from pytest_compat.run.once import Once

processes = get_context("spawn")


def result() -> LevelRun:
    design = Design("0123456789ab", ("os",), ("os",), ("x",), ("a",), {"x": {"a": Fraction(1)}})
    facts = LevelFacts(LevelKey("tiny", "fake", "os"), design, ("os",), 0, 1, (Candidates("x", ("a",)),))
    return LevelRun(facts, (Submission("x", 0, "a", "correct", 1.0),))


def ask(folder: Path, answers: Queue[tuple[int, bool]]) -> None:
    def compute() -> LevelRun:
        with (folder / "computed").open("a") as file:
            print(os.getpid(), file=file)
        time.sleep(0.3)
        return result()

    answers.put((os.getpid(), Once(folder).get("key", compute) == result()))


def die(folder: Path) -> None:
    def compute() -> LevelRun:
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError

    Once(folder).get("key", compute)


def test_several_processes_compute_once(tmp_path: Path) -> None:
    answers: Queue[tuple[int, bool]] = processes.Queue()
    asking = [processes.Process(target=ask, args=(tmp_path, answers)) for _ in range(3)]
    for process in asking:
        process.start()
    found = [answers.get(timeout=30) for _ in asking]
    for process in asking:
        process.join(timeout=30)
    assert all(same for _, same in found)
    assert len((tmp_path / "computed").read_text().split()) == 1


def test_a_process_killed_while_computing_leaves_it_to_the_next(tmp_path: Path) -> None:
    process = processes.Process(target=die, args=(tmp_path,))
    process.start()
    process.join(timeout=30)
    assert process.exitcode == -signal.SIGKILL
    assert Once(tmp_path).get("key", result) == result()


def test_what_was_half_written_is_computed_again(tmp_path: Path) -> None:
    Once(tmp_path).get("key", result)
    (written,) = tmp_path.glob("*.json")
    written.rename(written.with_suffix(".partial"))
    assert Once(tmp_path).get("key", result) == result()


@pytest.mark.parametrize("shared", [True, False])
def test_one_process_computes_once(tmp_path: Path, shared: bool) -> None:
    computed = []

    def compute() -> LevelRun:
        computed.append(1)
        return result()

    once = Once(tmp_path if shared else None)
    assert once.get("key", compute) is once.get("key", compute)
    assert len(computed) == 1


@pytest.mark.parametrize("shared", [True, False])
def test_a_failure_is_raised_and_not_kept(tmp_path: Path, shared: bool) -> None:
    def fail() -> LevelRun:
        raise ValueError("not now")

    once = Once(tmp_path if shared else None)
    with pytest.raises(ValueError, match="not now"):
        once.get("key", fail)
    assert once.get("key", result) == result()


def test_keys_are_apart(tmp_path: Path) -> None:
    once = Once(tmp_path)
    assert once.get("tiny/os", result) is not once.get("tiny/mpi", result)
