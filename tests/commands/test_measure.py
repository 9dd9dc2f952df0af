"""`python -m pytest_compat measure`."""

from __future__ import annotations

import csv
import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from pytest_compat.commands import main
from pytest_compat.declare.times import read_table

PASS = [sys.executable, "-c", "pass"]
FAIL = [sys.executable, "-c", "exit('no such package')"]
NOTE = "import os, sys; f = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND | os.O_CREAT); os.write(f, b'x'); "
"""Leaves a byte for every time it was run."""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FORCE_COLOR", raising=False)


def plan(**changes: Any) -> None:
    document = {
        "plan": "demo",
        "command": PASS,
        "repeats": 2,
        "warmups": 1,
        "inputs": {"one": {}, "two": {}},
        "variants": {"plain": {}, "gpu": {"command": FAIL}},
        **changes,
    }
    Path("plan.yaml").write_text(json.dumps(document), encoding="utf-8")


def measure(*arguments: str) -> int:
    return main(["measure", "plan.yaml", "--machine", "here", *arguments])


def start(*arguments: str, **options: Any) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "pytest_compat", "measure", "plan.yaml", "--machine", "here", *arguments]
    return subprocess.Popen(command, **options)


def rows() -> list[dict[str, str]]:
    with Path("measured/here/times.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def wait_for(path: str, size: int) -> None:
    deadline = time.monotonic() + 60
    while not Path(path).exists() or Path(path).stat().st_size < size:
        assert time.monotonic() < deadline, f"{path} does not come to {size} bytes"
        time.sleep(0.02)


def test_a_table_comes_of_a_plan(capsys: pytest.CaptureFixture[str]) -> None:
    plan()
    assert measure() == 0
    out, err = capsys.readouterr()
    assert err == ""
    words = [line.split() for line in out.splitlines()]
    assert ["one", "gpu", "0/2", "0.000", "exit", "status", "1:", "no", "such", "package"] in words
    assert [line[:3] for line in words if line[:1] == ["two"]] == [["two", "plain", "2/2"], ["two", "gpu", "0/2"]]
    assert out.splitlines()[-1] == "12 of 12 runs made, warm-ups included: measured/here/times.csv"
    table = read_table(Path("measured/here/times.csv"))
    assert [row.order for row in table.rows] == list(range(5, 13))
    assert table.about["complete"]
    assert len(list(Path("measured/here/output").iterdir())) == 12


def test_what_is_there_is_not_run_again(capsys: pytest.CaptureFixture[str]) -> None:
    plan(variants={"plain": {"command": [sys.executable, "-c", NOTE, str(Path("log").absolute())]}})
    assert measure() == measure("--output", "measured/here") == 0
    assert Path("log").stat().st_size == 6
    assert "6 of 6 runs made" in capsys.readouterr().out


def test_some_cells_first_and_the_others_later() -> None:
    plan()
    assert measure("--only", "one/plain", "--only", "*/gpu") == 0
    assert {(row["input"], row["variant"]) for row in rows()} == {("one", "plain"), ("one", "gpu"), ("two", "gpu")}
    assert not read_table(Path("measured/here/times.csv")).about["complete"]
    assert measure() == 0
    assert [int(row["order"]) for row in rows()] == list(range(5, 13))


def test_nothing_that_succeeds_is_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    plan()
    assert measure("--only", "*/gpu") == 1
    assert capsys.readouterr().err.startswith("measure: no run succeeded; ")
    assert len(rows()) == 4


def test_a_dry_run_prints_commands_that_a_shell_would_take_and_runs_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    plan(command=["touch", "a b", "$(x)"], env={"N": "1 2"}, variants={"plain": {}})
    assert measure("--dry-run", "--only", "two/*") == 0
    assert capsys.readouterr().out.splitlines() == [
        "two/plain: N='1 2' touch 'a b' '$(x)'",
        "1 cells, 3 runs: 1 + 2 of each, seed 0, 300 s at most each",
    ]
    assert list(Path().iterdir()) == [Path("plan.yaml")]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--only", "one/fast"], "measure: --only: unknown cell 'one/fast', did you mean 'one/"),
        (["--output", "plan.yaml"], "measure: plan.yaml: cannot be written: "),
    ],
)
def test_errors_say_what_to_do(capsys: pytest.CaptureFixture[str], arguments: list[str], message: str) -> None:
    plan()
    assert measure(*arguments) == 1
    assert capsys.readouterr().err.startswith(message)


def test_a_bad_plan_is_an_error_with_file_and_path(capsys: pytest.CaptureFixture[str]) -> None:
    plan(repeats="many")
    assert measure() == 1
    assert capsys.readouterr().err.startswith("measure: plan.yaml: repeats: found 'many', expected a whole number")
    assert list(Path().iterdir()) == [Path("plan.yaml")]


def test_a_plan_that_changed_is_not_gone_on_with(capsys: pytest.CaptureFixture[str]) -> None:
    plan()
    assert measure() == 0
    before = rows()
    plan(timeout=7)
    assert measure() == 1
    assert "measured/here/journal.jsonl belongs to an earlier state of this plan" in capsys.readouterr().err
    assert rows() == before


def test_a_table_measured_elsewhere_is_not_written_over(capsys: pytest.CaptureFixture[str]) -> None:
    plan()
    assert measure() == 0
    before = [Path("measured/here", name).read_bytes() for name in ("times.csv", "times.json")]
    Path("measured/here/journal.jsonl").unlink()  # as when the table was passed on without it
    assert measure() == 1
    assert "measured/here/times.csv: line 2 is none of this measurement" in capsys.readouterr().err
    assert [Path("measured/here", name).read_bytes() for name in ("times.csv", "times.json")] == before


def test_two_lines_of_commands_are_a_plan() -> None:
    plan(inputs={"all": {}}, variants={"true": {"command": ["true"]}, "sleep": {"command": ["sleep", "0.1"]}})
    assert measure() == 0
    assert [row["outcome"] for row in rows()] == ["ok"] * 4


@pytest.mark.parametrize("name", ["", "a/b", "../x", "a b", "-"])
def test_a_machine_has_a_plain_name(capsys: pytest.CaptureFixture[str], name: str) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["measure", "plan.yaml", f"--machine={name}"])
    assert caught.value.code == 2
    assert f"found {name!r}, expected a name of letters" in capsys.readouterr().err


def slow_plan() -> str:
    """Write a plan of eight runs of which the fourth, when it is first made, does not end."""
    log = str(Path("log").absolute())
    stay = "open(sys.argv[2], 'w').write(str(os.getpid())); os.write(f, b'x'); import time; time.sleep(600)"
    code = f"{NOTE}\nif os.fstat(f).st_size == 4: {stay}"
    plan(
        warmups=0,
        repeats=4,
        variants={"plain": {"command": [sys.executable, "-c", code, log, str(Path("pid").absolute())]}},
    )
    return log


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_who_is_asked_to_stop_leaves_a_table_and_no_process_and_goes_on_later(number: signal.Signals) -> None:
    log = slow_plan()
    process = start(stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    wait_for(log, 5)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)  # which ends when nobody has the pipes any more
    assert process.returncode == 1
    assert err == b"measure: interrupted; the same command goes on from here\n"
    assert b"3 of 8 runs made" in out
    assert [int(row["order"]) for row in rows()] == [1, 2, 3]
    assert measure() == 0
    assert [int(row["order"]) for row in rows()] == list(range(1, 9))
    assert Path(log).stat().st_size == 10


def test_who_is_killed_goes_on_where_it_was() -> None:
    log = slow_plan()
    process = start(stdout=subprocess.DEVNULL)
    wait_for(log, 5)
    process.kill()
    process.wait()
    os.kill(int(Path("pid").read_text()), signal.SIGKILL)  # nobody else can any more
    assert measure() == 0
    runs = rows()
    assert [int(row["order"]) for row in runs] == list(range(1, 9))
    assert {row["outcome"] for row in runs} == {"ok"}
    assert Path(log).stat().st_size == 10
    assert len(json.loads(Path("measured/here/times.json").read_text())["environments"]) == 2


def test_a_terminal_shows_how_far_it_is() -> None:
    log = slow_plan()
    control, terminal = pty.openpty()
    process = start(stdout=subprocess.DEVNULL, stderr=terminal, env={**os.environ, "TERM": "xterm", "COLUMNS": "100"})
    os.close(terminal)
    wait_for(log, 5)
    shown = b""
    while b"3/8" not in shown or b"/plain, run 2" not in shown:
        shown += os.read(control, 4096)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 1
    os.close(control)


def test_the_plan_of_the_docs_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    page = (Path(__file__).parent.parent.parent / "docs" / "measure.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```yaml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    Path("plan.yaml").write_text(block, encoding="utf-8")
    assert measure() == 0
    assert {(row["variant"], row["outcome"]) for row in rows()} == {
        ("fast", "ok"),
        ("small", "ok"),
        ("parallel", "failed"),
    }
    assert "cannot be started: [Errno 2] No such file or directory: 'no-such-gzip'" in capsys.readouterr().out
