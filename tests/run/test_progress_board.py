"""What processes tell of their levels arrives whole, and nothing that happens to the folder reaches the run."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from pytest_compat.run import progress
from pytest_compat.run.progress import ProgressBoard, Standing


class Clock:
    """Time that passes only when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    monkeypatch.setattr(progress, "INTERVAL", 0.75)
    clock = Clock()
    monkeypatch.setattr(progress, "perf_counter", clock)
    return clock


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "board"


def test_the_first_call_is_told_and_then_one_an_interval(folder: Path, clock: Clock) -> None:
    board = ProgressBoard(folder)
    seen = []
    with board.level("tiny", "os") as told:
        for done in range(1, 10):
            told("submit", done, 9)
            seen.append(board.read()[0].done)
            clock.now += 0.25
    assert seen == [1, 1, 1, 4, 4, 4, 7, 7, 7]


@pytest.mark.parametrize("total", [9, None])
def test_what_is_told_is_read(folder: Path, total: int | None) -> None:
    board = ProgressBoard(folder)
    with board.level("tiny", "os") as told:
        told("match", 3, total)
        assert ProgressBoard(folder).read() == [Standing("tiny", "os", "match", 3, total)]


def test_processes_do_not_get_in_each_others_way(folder: Path) -> None:
    first, second = ProgressBoard(folder, "gw0"), ProgressBoard(folder, "gw1")
    with second.level("tiny", "os") as told_second, first.level("tiny", "mpi") as told_first:
        told_second("submit", 1, 2)
        told_first("submit", 3, 4)
        read = [(each.level, each.done) for each in ProgressBoard(folder).read()]
        assert read == [("mpi", 3), ("os", 1)]


def test_a_level_that_ended_is_read_no_more_however_it_ended(folder: Path) -> None:
    board = ProgressBoard(folder)

    def run() -> None:
        with board.level("tiny", "os") as told:
            told("submit", 1, 2)
            assert board.read()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run()
    assert board.read() == []


def test_the_level_of_a_dead_process_can_be_cleared_by_another(folder: Path) -> None:
    dead = ProgressBoard(folder, "gw0").level("tiny", "os")
    dead.__enter__()("submit", 1, 2)
    board = ProgressBoard(folder)
    board.clear("gw1")
    assert board.read()
    board.clear("gw0")
    assert board.read() == []


def test_no_level_no_folder(folder: Path) -> None:
    board = ProgressBoard(folder)
    assert board.read() == []
    with board.level("tiny", "os"):
        pass
    board.clear("gw0")
    board.remove()
    assert not folder.exists()


def test_the_folder_is_the_users_own_and_goes_with_all_in_it(folder: Path) -> None:
    board = ProgressBoard(folder)
    with board.level("tiny", "os") as told:
        told("submit", 1, 2)
        assert folder.stat().st_mode & 0o777 == 0o700
        board.remove()
        assert not folder.exists()


@pytest.mark.parametrize("content", [b"", b'{"experiment": "ti', b"\xff", b"nul"])
def test_a_file_that_was_cut_short_is_passed_over(folder: Path, content: bytes) -> None:
    with ProgressBoard(folder, "gw0").level("tiny", "os") as told:
        told("submit", 1, 2)
        (folder / "gw1.json").write_bytes(content)
        assert [each.level for each in ProgressBoard(folder).read()] == ["os"]


def test_a_full_disk_ends_the_telling_and_not_the_run(
    folder: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tried = []

    def full(*_: object, **__: object) -> None:
        tried.append(clock.now)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with caplog.at_level(logging.DEBUG), ProgressBoard(folder).level("tiny", "os") as told:
        for done in range(5):
            told("submit", done, 5)
            clock.now += 1
    assert len(tried) == 1
    assert "no more progress is told" in caplog.text


def test_a_folder_that_cannot_be_made_ends_the_telling_and_not_the_run(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    board = ProgressBoard(file / "board")
    with board.level("tiny", "os") as told:
        told("submit", 1, 2)
    assert board.read() == []
