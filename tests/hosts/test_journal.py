"""The journal: what it remembers, and what it refuses to go on with."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from plans import make_plan

from pytest_compat.errors import RecordError
from pytest_compat.hosts.journal import NAME, open_journal
from pytest_compat.hosts.machine import IDENTITY
from pytest_compat.hosts.trial import Run

RUN = Run("one", "plain", 1, 1, "ok", 0.5, 0.6, 0.1, 0.1, 1000, 0, "", 3)
HERE: dict[str, Any] = {key: key for key in IDENTITY}


def write(folder: Path, *runs: Run, machine: str = "here", environment: dict[str, Any] = HERE, **plan: Any) -> None:
    with open_journal(folder, make_plan(folder, **plan), machine) as journal:
        journal.begin(environment)
        for run in runs:
            journal.add(run)


def read(folder: Path, **plan: Any) -> list[Run]:
    with open_journal(folder, make_plan(folder, **plan), "here") as journal:
        return list(journal.runs.values())


def test_runs_are_read_back_as_they_were(tmp_path: Path) -> None:
    failed = replace(RUN, repeat=2, outcome="failed", seconds=None, exit_status=None, reason="é\n\ud800")
    write(tmp_path, RUN, failed)
    write(tmp_path, replace(RUN, repeat=3))
    assert read(tmp_path) == [RUN, failed, replace(RUN, repeat=3)]


def test_a_journal_cut_short_anywhere_is_that_of_the_runs_before(tmp_path: Path) -> None:
    write(tmp_path, RUN, replace(RUN, repeat=2))
    content = (tmp_path / NAME).read_bytes()
    ends = [place + 1 for place, byte in enumerate(content) if byte == ord("\n")]
    for length in range(len(content) + 1):
        (tmp_path / NAME).write_bytes(content[:length])
        assert len(read(tmp_path)) == sum(end <= length for end in ends[2:]), length
        kept = (tmp_path / NAME).read_bytes()
        assert kept == content[: max([end for end in ends if end <= length], default=ends[0])]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"machine": "there"}, "belongs to another machine: found machine 'there', expected 'here'"),
        ({"plan": "other"}, "belongs to another plan: found plan 'other', expected 'demo'"),
        ({"check": "done"}, "belongs to an earlier state of this plan"),
    ],
)
def test_what_belongs_to_something_else_is_refused_and_left_alone(
    tmp_path: Path, change: dict[str, Any], problem: str
) -> None:
    write(tmp_path, RUN, **change)
    content = (tmp_path / NAME).read_bytes()
    with pytest.raises(RecordError, match=problem):
        read(tmp_path)
    assert (tmp_path / NAME).read_bytes() == content


def test_more_repeats_may_be_asked_for(tmp_path: Path) -> None:
    write(tmp_path, RUN)
    assert read(tmp_path, repeats=7) == [RUN]


@pytest.mark.parametrize("key", IDENTITY)
def test_another_environment_is_refused(tmp_path: Path, key: str) -> None:
    write(tmp_path, RUN)
    with pytest.raises(RecordError, match=f"{key} was '{key}' and is 'other'; .* measure into another folder"):
        write(tmp_path, environment={**HERE, key: "other"})


def test_load_and_date_may_differ(tmp_path: Path) -> None:
    write(tmp_path, RUN, environment={**HERE, "load": 0})
    write(tmp_path, environment={**HERE, "load": 9})
    lines = [json.loads(line) for line in (tmp_path / NAME).read_text().splitlines()]
    assert [line["environment"]["load"] for line in lines if "environment" in line] == [0, 9]


@pytest.mark.parametrize(
    "line", ["", "no JSON", "[]", "3", "{}", '{"run": {}}', '{"run": 3}', '{"run": {"input": "one"}}', "\xff"]
)
def test_what_is_no_journal_is_refused_with_the_line(tmp_path: Path, line: str) -> None:
    write(tmp_path, RUN)
    content = (tmp_path / NAME).read_bytes()
    (tmp_path / NAME).write_bytes(content + line.encode("latin-1") + b"\n")
    with pytest.raises(RecordError, match="line 4 is none of a journal"):
        read(tmp_path)


def test_two_cannot_measure_into_one_folder(tmp_path: Path) -> None:
    plan = make_plan(tmp_path)
    with (
        open_journal(tmp_path, plan, "here"),
        pytest.raises(RecordError, match="another process measures into it"),
        open_journal(tmp_path, plan, "here"),
    ):
        pass


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    plan = make_plan(tmp_path)
    with (
        pytest.raises(RecordError, match=r"plan.yaml: cannot be written"),
        open_journal(tmp_path / "plan.yaml", plan, "here"),
    ):
        pass
