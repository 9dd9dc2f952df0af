"""Handing over exactly once, wherever the receiver is killed."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_compat.errors import RecordError
from pytest_compat.hosts import handover as module
from pytest_compat.hosts.handover import Handover


class Killed(BaseException):
    """The receiver is no more; nothing of it may go on."""


class Killer:
    """Kills at the nth step that is made."""

    def __init__(self, steps: int) -> None:
        self.steps = steps

    def __call__(self) -> None:
        self.steps -= 1
        if self.steps < 0:
            raise Killed


class Rainbow:
    """Gives the same jobs until they are accepted."""

    def __init__(self, jobs: int) -> None:
        self.waiting = {str(number): f"text {number}" for number in range(jobs)}


class Cluster:
    """Runs what it is given, and can tell what it was given."""

    def __init__(self) -> None:
        self.ran: list[str] = []

    def give(self, job: str, again: bool, step: Callable[[], None]) -> str:
        step()
        if not again or job not in self.ran:
            self.ran.append(job)
        step()
        return f"id-{job}"


def receive(rainbow: Rainbow, cluster: Cluster, path: Path, step: Callable[[], None]) -> None:
    """What a receiver does."""
    with Handover(path) as handover:
        for job, text in list(rainbow.waiting.items()):
            step()
            receipt = handover.once(job, text, lambda again, job=job: cluster.give(job, again, step))  # type: ignore[misc]
            assert receipt == f"id-{job}"
            step()
            del rainbow.waiting[job]
            step()
            handover.accept(job)


def torn(monkeypatch: pytest.MonkeyPatch, step: Callable[[], None], cut: int) -> None:
    """Have a kill come before, in or after any write of the journal."""
    write = module.Handover._write

    def writes(self: Handover, entry: dict[str, str]) -> None:
        step()
        before = self._file.tell()
        write(self, entry)
        try:
            step()
        except Killed:
            end = self._file.tell()
            self._file.truncate(min(end, before + cut))
            raise
        step()

    monkeypatch.setattr(module.Handover, "_write", writes)


@pytest.mark.parametrize("cut", [0, 1, 20])
def test_killed_at_any_step_every_job_is_run_once_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cut: int
) -> None:
    for steps in count():
        rainbow, cluster, path, killer = Rainbow(3), Cluster(), tmp_path / f"{steps}.jsonl", Killer(steps)
        with monkeypatch.context() as patch:
            torn(patch, killer, cut)
            try:
                receive(rainbow, cluster, path, killer)
                killed = False
            except Killed:
                killed = True
        receive(rainbow, cluster, path, lambda: None)
        assert cluster.ran == ["0", "1", "2"], steps
        assert rainbow.waiting == {}
        with Handover(path) as handover:
            assert set(handover.owed) <= {"0", "1", "2"}
        if not killed:
            break
    assert steps > 30


@settings(deadline=None, max_examples=60)
@given(kills=st.lists(st.tuples(st.integers(0, 25), st.sampled_from([0, 7, 1000])), max_size=10))
def test_killed_again_and_again_every_job_is_run_once_in_order(
    kills: list[tuple[int, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    rainbow, cluster, path = Rainbow(5), Cluster(), tmp_path_factory.mktemp("handover") / "journal"
    for steps, cut in kills:
        killer = Killer(steps)
        with pytest.MonkeyPatch.context() as patch:
            torn(patch, killer, cut)
            try:
                receive(rainbow, cluster, path, killer)
            except Killed:
                continue
    receive(rainbow, cluster, path, lambda: None)
    assert cluster.ran == ["0", "1", "2", "3", "4"]
    assert rainbow.waiting == {}


def refuse(_: bool) -> str:
    raise OSError("away")


def test_a_job_that_was_not_taken_is_handed_over_later(tmp_path: Path) -> None:
    told = []
    with Handover(tmp_path / "j") as handover:
        with pytest.raises(OSError, match="away"):
            handover.once("1", "text", refuse)
        assert handover.receipts == {}
        handover.once("1", "text", lambda again: told.append(again) or "id")
    assert told == [True]


def test_what_was_handed_over_is_not_handed_over_again(tmp_path: Path) -> None:
    for give in (lambda _: "id", refuse):
        with Handover(tmp_path / "j") as handover:
            assert handover.once("1", "text", give) == "id"
            assert handover.once("1", "text", refuse) == "id"


def test_what_was_handed_over_is_owed_until_it_is_accepted(tmp_path: Path) -> None:
    with Handover(tmp_path / "j") as handover:
        handover.once("2", "b", lambda _: "id-2")
        handover.once("1", "a", lambda _: "id-1")
    with Handover(tmp_path / "j") as handover:
        assert handover.owed == ["2", "1"]
        handover.accept("2")
        handover.accept("2")
    with Handover(tmp_path / "j") as handover:
        assert handover.owed == ["1"]
        assert handover.receipts == {"2": "id-2", "1": "id-1"}


def test_another_job_of_the_same_name_is_refused(tmp_path: Path) -> None:
    with Handover(tmp_path / "j") as handover:
        handover.once("1", "a", lambda _: "id")
        with pytest.raises(RecordError, match="another job was called '1'"):
            handover.once("1", "b", lambda _: "id")


def test_what_was_not_handed_over_cannot_be_accepted(tmp_path: Path) -> None:
    with Handover(tmp_path / "j") as handover, pytest.raises(RecordError, match="was not handed over"):
        handover.accept("1")


def test_two_cannot_hand_over_with_one_journal(tmp_path: Path) -> None:
    with Handover(tmp_path / "j"), pytest.raises(RecordError, match="another process hands over with it"):
        Handover(tmp_path / "j")


@pytest.mark.parametrize("line", ["", "x", "[]", "{}", '{"done": "1"}'])
def test_what_is_no_journal_is_refused_with_the_line(tmp_path: Path, line: str) -> None:
    with Handover(tmp_path / "j") as handover:
        handover.once("1", "a", lambda _: "id")
    with (tmp_path / "j").open("a", encoding="utf-8") as file:
        file.write(f"{line}\n")
    for _ in range(2):  # refused, and let go of
        with pytest.raises(RecordError, match="line 4 is none of a handover"):
            Handover(tmp_path / "j")


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RecordError, match="cannot be written"):
        Handover(tmp_path / "file" / "j")
