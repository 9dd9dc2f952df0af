"""What docs/run-jobs.md shows works as shown."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from pytest_compat.hosts.handover import Handover
from pytest_compat.hosts.runs import open_job

PAGE = Path(__file__).parents[2] / "docs" / "run-jobs.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found = [text for _, text in BLOCK.findall(PAGE.read_text(encoding="utf-8"))]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "job.yaml").write_text(found[0], encoding="utf-8")
    return found


def test_the_example_runs_as_shown_and_once(blocks: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    _, program, shown, *_ = blocks
    for _ in range(2):
        exec(compile(program, str(PAGE), "exec"), {})
        assert capfd.readouterr().out == shown
    job = open_job(Path("jobs/ior"))
    assert (job.folders[("report",)] / "output.txt").read_bytes() == b"it's done\n"


def test_the_receiver_takes_and_accepts(blocks: list[str]) -> None:
    names: dict[str, Any] = {}
    exec(compile(blocks[3], str(PAGE), "exec"), names)
    accepted: list[str] = []
    names["receive"]({"7": blocks[0]}, accepted.append)
    assert accepted == ["7"]
    assert open_job(Path("jobs/7")).workflow.name == "ior"
    with Handover(Path("jobs/handover.jsonl")) as handover:
        assert (handover.receipts, handover.owed) == ({"7": "jobs/7"}, [])
