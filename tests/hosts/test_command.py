"""One command: what it may do, and what is left of it."""

from __future__ import annotations

import fcntl
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from pytest_compat.hosts import process
from pytest_compat.hosts.process import MAX_OUTPUT, Ended, run_command

HOLD = "import fcntl, sys, time; f = open('held', 'w'); fcntl.flock(f, fcntl.LOCK_EX); print('held', flush=True); "
"""Begins a process that can be seen to be alive: it holds a lock as long as it is."""


def run(folder: Path, code: str, timeout: float = 60.0) -> Ended:
    return run_command([sys.executable, "-c", code], {"PATH": os.defpath}, folder, timeout)


def gone(folder: Path) -> bool:
    """Whether whoever held the lock has gone, or goes now."""
    with (folder / "held").open() as file:
        for _ in range(100):
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(0.1)
            else:
                return True
    return False


def test_output_and_errors_are_kept_in_the_order_written(tmp_path: Path) -> None:
    ended = run(tmp_path, "import os; os.write(1, b'a'); os.write(2, b'b'); os.write(1, b'c')")
    assert (ended.status, ended.output, ended.size, ended.timed_out) == (0, b"abc", 3, False)


def test_what_it_took_is_measured(tmp_path: Path) -> None:
    ended = run(tmp_path, "x = bytearray(50_000_000); sum(range(10**6))")
    assert min(ended.user, ended.wall) > 0
    assert 50_000_000 / 1024 < ended.max_rss < 5_000_000


def test_children_that_were_waited_for_count(tmp_path: Path) -> None:
    burn = "import time; t = time.process_time() + 0.3\nwhile time.process_time() < t: pass"
    ended = run(tmp_path, f"import subprocess, sys; subprocess.run([sys.executable, '-c', {burn!r}])")
    assert ended.user + ended.system >= 0.3


@pytest.mark.parametrize("status", [0, 1, 255])
def test_the_exit_status_is_kept(tmp_path: Path, status: int) -> None:
    assert run(tmp_path, f"import os; os._exit({status})").status == status


def test_a_signal_is_a_negative_status(tmp_path: Path) -> None:
    assert run(tmp_path, "import os; os.kill(os.getpid(), 9)").status == -signal.SIGKILL


def test_it_sees_its_environment_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "1")
    assert b"SECRET" not in run(tmp_path, "import os; print(dict(os.environ))").output


def test_there_is_no_input_to_wait_for(tmp_path: Path) -> None:
    assert run(tmp_path, "import sys; print(repr(sys.stdin.read()))").output == b"''\n"


@pytest.mark.parametrize("command", ["no-such-executable", "./folder", "./text"])
def test_what_cannot_be_started_is_told(tmp_path: Path, command: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "text").write_text("no program")
    ended = run_command([command], {"PATH": os.defpath}, tmp_path, 60)
    assert ended.status is None
    assert ended.problem.startswith("cannot be started: ")


def test_no_shell_has_a_part_in_it(tmp_path: Path) -> None:
    tricky = ["$(touch pwned)", "; touch pwned", "`touch pwned`", "a\nb", "*", "'", '"', ""]
    command = [sys.executable, "-c", "import sys; print(sys.argv[1:])", *tricky]
    assert run_command(command, {"PATH": os.defpath}, tmp_path, 60).output.decode() == f"{tricky}\n"
    assert list(tmp_path.iterdir()) == []


def test_huge_output_is_kept_at_both_ends(tmp_path: Path) -> None:
    ended = run(tmp_path, "import sys; sys.stdout.write('first' + 'x' * 5_000_000 + 'last')")
    assert ended.size == 5_000_009
    assert ended.output.startswith(b"firstx")
    assert ended.output.endswith(b"xlast")
    left_out = 5_000_009 - MAX_OUTPUT
    assert f"\n... {left_out} bytes left out ...\n".encode() in ended.output
    assert len(ended.output) < MAX_OUTPUT + 100


def test_output_of_just_the_size_kept_is_whole(tmp_path: Path) -> None:
    ended = run(tmp_path, f"import sys; sys.stdout.write('x' * {MAX_OUTPUT})")
    assert ended.output == b"x" * MAX_OUTPUT


def test_who_takes_too_long_is_stopped_with_all_it_started(tmp_path: Path) -> None:
    hold = HOLD + "time.sleep(600)"
    ended = run(tmp_path, f"import subprocess, sys; subprocess.run([sys.executable, '-c', {hold!r}])", timeout=5)
    assert ended.timed_out
    assert ended.status == -signal.SIGTERM
    assert b"held" in ended.output
    assert gone(tmp_path)


def test_who_ignores_sigterm_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "GRACE_SECONDS", 0.1)
    ended = run(tmp_path, f"import signal; signal.signal(15, signal.SIG_IGN); {HOLD} time.sleep(600)", timeout=5)
    assert ended.timed_out
    assert ended.status == -signal.SIGKILL
    assert gone(tmp_path)


def test_what_a_command_leaves_behind_is_killed(tmp_path: Path) -> None:
    leave = HOLD + "time.sleep(600)"
    code = (
        f"import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', {leave!r}], stdout=-1); p.stdout.read(4)"
    )
    ended = run(tmp_path, code)
    assert (ended.status, ended.timed_out) == (0, False)
    assert gone(tmp_path)


def test_a_daemon_that_keeps_the_output_open_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "DRAIN_SECONDS", 0.1)
    stay = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
    code = (
        f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {stay!r}], start_new_session=True); "
        "time.sleep(2)"
    )
    ended = run(tmp_path, code)
    assert ended.status == 0
    os.kill(int(ended.output), signal.SIGKILL)
