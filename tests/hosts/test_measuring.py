"""Measurements: the order of runs, what a run sees, and what comes of it."""

from __future__ import annotations

import gzip
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plans import make_plan, python

from pytest_compat.errors import DeclarationError, RecordError
from pytest_compat.hosts.journal import open_journal
from pytest_compat.hosts.machine import MISSING, describe_machine
from pytest_compat.hosts.measure import chosen, measure, ordered
from pytest_compat.hosts.plan import Plan
from pytest_compat.hosts.process import Ended
from pytest_compat.hosts.trial import Run, judge, run_environment, run_trial

NAMES: dict[str, Any] = {"inputs": {name: {} for name in "abc"}, "variants": {name: {} for name in "xyz"}}


def once(folder: Path, **changes: Any) -> Run:
    plan = make_plan(folder, **changes)
    return run_trial(plan, ordered(plan)[0], folder / "output")


def names(plan: Plan) -> list[tuple[str, int]]:
    return [(trial.cell.name, trial.repeat) for trial in ordered(plan)]


def test_each_round_has_each_cell_once_and_warm_ups_come_first(tmp_path: Path) -> None:
    trials = ordered(make_plan(tmp_path, **NAMES, repeats=3, warmups=2))
    assert [trial.order for trial in trials] == list(range(1, 46))
    rounds = [trials[start : start + 9] for start in range(0, 45, 9)]
    assert [{trial.repeat for trial in each} for each in rounds] == [{-1}, {0}, {1}, {2}, {3}]
    assert all(len({trial.cell.name for trial in each}) == 9 for each in rounds)


def test_the_order_is_that_of_the_seed(tmp_path: Path) -> None:
    first, again, other = (names(make_plan(tmp_path, **NAMES, repeats=3, seed=seed)) for seed in (1, 1, 2))
    assert first == again
    assert first != other
    assert Counter(first) == Counter(other)
    rounds = [[cell for cell, repeat in first if repeat == number] for number in (1, 2, 3)]
    assert len({tuple(each) for each in rounds}) == 3


def test_the_order_is_recorded_for_good(tmp_path: Path) -> None:
    found = [cell for cell, _ in names(make_plan(tmp_path, **NAMES))]
    assert found == ["a/y", "a/x", "b/y", "c/y", "b/x", "b/z", "c/z", "a/z", "c/x"]


def test_more_repeats_come_after_those_there_were(tmp_path: Path) -> None:
    few, more = (names(make_plan(tmp_path, **NAMES, repeats=repeats)) for repeats in (2, 4))
    assert more[: len(few)] == few


@given(st.data())
def test_a_choice_keeps_the_order(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    trials = ordered(make_plan(tmp_path_factory.mktemp("plan"), **NAMES, repeats=2))
    globs = data.draw(st.lists(st.sampled_from(["a/*", "*/x", "b/y", "[ab]/z", "*"]), min_size=1))
    found = chosen(trials, globs)
    assert [trial.order for trial in found] == sorted(trial.order for trial in found)
    assert ("c/y" in {trial.cell.name for trial in found}) == ("*" in globs)


def test_a_choice_of_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DeclarationError, match=r"--only: unknown cell 'a/w', did you mean 'a/"):
        chosen(ordered(make_plan(tmp_path, **NAMES)), ["a/x", "a/w"])


def test_a_run_begins_in_a_folder_of_its_own_with_its_files(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "melt.in").write_text("run 10")
    code = "import os; print(os.listdir(), open('melt.in').read(), os.getcwd() == os.environ['HOME']); open('new', 'w')"
    run = once(tmp_path, command=python(code), inputs={"one": {"files": ["data/melt.in"]}}, check="run 10 True")
    assert (run.outcome, run.reason) == ("ok", "")
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["melt.in"]


def test_a_run_sees_what_is_declared_and_inherited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OMP_NUM_THREADS", "LD_PRELOAD_OF_MINE", "MODULES"):
        monkeypatch.setenv(name, "mine")
    plan = make_plan(tmp_path, inherit=["MODULES", "NOT_SET"], env={"OMP_NUM_THREADS": "2"})
    assert run_environment(plan).keys() == {"PATH", "LANG", "MODULES"}
    code = "import os; print(os.environ['OMP_NUM_THREADS'], 'LD_PRELOAD_OF_MINE' in os.environ)"
    run = once(tmp_path, env={"OMP_NUM_THREADS": "2"}, command=python(code), check="^2 False$")
    assert run.outcome == "ok"


def test_the_output_is_kept(tmp_path: Path) -> None:
    run = once(tmp_path, command=python(r"import os; os.write(1, b'\xff\x00\n')"))
    assert gzip.decompress((tmp_path / "output" / "000001.txt.gz").read_bytes()) == b"\xff\x00\n"
    assert (run.outcome, run.output_bytes) == ("ok", 3)


def test_wall_time_is_the_time_unless_a_figure_is_declared(tmp_path: Path) -> None:
    run = once(tmp_path)
    assert run.seconds == run.wall


@pytest.mark.parametrize(
    ("unit", "seconds"), [("h", 9000.0), ("min", 150.0), ("s", 2.5), ("ms", 0.0025), ("us", 2.5e-6), ("ns", 2.5e-9)]
)
def test_the_last_figure_printed_is_the_time(tmp_path: Path, unit: str, seconds: float) -> None:
    code = r"print('Loop time of 9 on 1\nLoop time of 2.5 on 1')"
    run = once(tmp_path, command=python(code), figure={"pattern": r"^Loop time of (\S+)", "unit": unit})
    assert run.seconds == pytest.approx(seconds, rel=1e-12)


def test_what_cannot_be_started_is_a_result(tmp_path: Path) -> None:
    run = once(tmp_path, command=["no-such-executable"])
    assert (run.outcome, run.seconds, run.exit_status) == ("failed", None, None)
    assert run.reason == "cannot be started: [Errno 2] No such file or directory: 'no-such-executable'"


def test_who_takes_too_long_is_a_result(tmp_path: Path) -> None:
    run = once(tmp_path, command=python("import time; time.sleep(600)"), timeout=0.5)
    assert (run.outcome, run.seconds, run.reason) == ("timeout", None, "did not end in 0.5 s")


JUDGED = {"figure": {"pattern": r"Loop time of (\S+)"}, "check": "done", "reason": "ERROR.*"}


@pytest.mark.parametrize(
    ("status", "output", "reason"),
    [
        (3, b"ERROR: no gpu\nlast", "exit status 3: ERROR: no gpu"),
        (3, b"first\nlast\n-----\n\n", "exit status 3: last"),
        (3, b"", "exit status 3: no output"),
        (-11, b"", "killed by SIGSEGV: no output"),
        (-200, b"", "killed by signal 200: no output"),
        (0, b"Loop time of 1", "no 'done' in the output: Loop time of 1"),
        (0, b"\xff\x00 done", r"no 'Loop time of (\\S+)' in the output: " + "\N{REPLACEMENT CHARACTER}\0 done"),
        (0, b"done: Loop time of 0", "found the time '0', expected a number above 0"),
        (0, b"done: Loop time of -1", "found the time '-1', expected a number above 0"),
        (0, b"done: Loop time of nan", "found the time 'nan', expected a number above 0"),
        (0, b"done: Loop time of inf", "found the time 'inf', expected a number above 0"),
        (0, b"done: Loop time of ages", "found the time 'ages', expected a number above 0"),
    ],
)
def test_a_failed_run_says_why(tmp_path: Path, status: int, output: bytes, reason: str) -> None:
    assert judge(make_plan(tmp_path, **JUDGED), Ended(status, output=output)) == ("failed", None, reason)


@given(output=st.binary(), status=st.sampled_from([0, 1, -9]))
def test_whatever_is_written_is_judged(tmp_path_factory: pytest.TempPathFactory, output: bytes, status: int) -> None:
    plan = make_plan(tmp_path_factory.mktemp("plan"), **JUDGED)
    outcome, seconds, reason = judge(plan, Ended(status, output=output))
    assert (outcome == "ok") == (seconds is not None) == (reason == "")


def test_a_reason_is_one_short_line_that_can_be_printed(tmp_path: Path) -> None:
    run = once(tmp_path, command=python(r"print('\x1b[2J\ta\x00' + 'b' * 999); exit(1)"))
    assert run.reason.startswith("exit status 1: \N{REPLACEMENT CHARACTER}[2J a\N{REPLACEMENT CHARACTER}bb")
    assert len(run.reason) == 200


def test_only_what_the_journal_lacks_is_run(tmp_path: Path) -> None:
    (tmp_path / "log").touch()
    count = f"import sys; open({str(tmp_path / 'log')!r}, 'a').write(sys.argv[1])"
    plan = make_plan(tmp_path, command=python(count, "{n}"), inputs={n: {"parameters": {"n": n}} for n in "abcd"})
    trials = ordered(plan)
    with open_journal(tmp_path / "out", plan, "here") as journal:
        assert [run.key for run in measure(plan, trials[:2], journal)] == [trial.key for trial in trials[:2]]
    told: list[int] = []
    with open_journal(tmp_path / "out", plan, "here") as journal:
        runs = list(measure(plan, trials, journal, lambda trial: told.append(trial.order)))
    assert [run.order for run in runs] == told == [3, 4]
    assert (tmp_path / "log").read_text() == "".join(trial.cell.input for trial in trials)


def test_the_environment_names_versions_and_nothing_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.node", lambda: pytest.fail("asked for the name of the host"))
    versions = {
        "first": {"command": ["echo", "\n 1.0 \n2.0"]},
        "expected": {"command": ["echo", "a\nb 2"], "expect": "b [0-9]"},
        "silent": {"command": ["true"]},
        "absent": {"command": ["no-such-executable"]},
    }
    plan = make_plan(tmp_path, versions=versions)
    found = describe_machine(plan, run_environment(plan))
    assert found["versions"] == {"first": "1.0", "expected": "b 2", "silent": "exit status 0", "absent": MISSING}
    assert found.keys() == {
        "cpu", "architecture", "cores", "memory_mib", "os", "kernel", "load", "versions", "python", "pytest_compat",
        "date",
    }  # fmt: skip


@pytest.mark.parametrize(("command", "found"), [(["echo", "lmp 1"], "lmp 1"), (["no-such-executable"], MISSING)])
def test_another_version_than_expected_is_an_error(tmp_path: Path, command: list[str], found: str) -> None:
    plan = make_plan(tmp_path, versions={"lmp": {"command": command, "expect": "lmp 2"}})
    with pytest.raises(RecordError, match=f"version 'lmp': found '{found}', expected a line with 'lmp 2'"):
        describe_machine(plan, run_environment(plan))
