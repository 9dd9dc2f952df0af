"""A session that is stopped from outside says so and leaves no server behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from compat_project import Project

# Writes down every server that is started, then waits in the second level's cases for the signal.
CONFTEST = """
import os, time
from pathlib import Path
import pytest
from pytest_compat.rainbow.process import RainbowProcess

start = RainbowProcess.start

def noted(self):
    start(self)
    with open("servers.txt", "a") as file:
        print(self.pid, file=file, flush=True)

RainbowProcess.start = noted

@pytest.fixture
def wait(compat_case):
    if compat_case.level == "os":
        Path(f"waiting-{os.getpid()}").touch()
        time.sleep(60)
"""


@pytest.fixture
def waiting(project: Project) -> Project:
    project.pytester.makeconftest(CONFTEST)
    test = (project.path / "test_tiny.py").read_text()
    project.write("test_tiny.py", test.replace("(compat_case,", "(wait, compat_case,"))
    return project


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def until(seconds: float) -> Iterator[None]:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield
        time.sleep(0.05)
    pytest.fail(f"did not happen within {seconds} seconds")


BINARY = """#!/bin/sh
echo $$ >> {servers}
exec {python} {script} "$@"
"""


def start(project: Project, *options: str) -> subprocess.Popen[str]:
    """Start pytest in a process group of its own and return it once tests wait for a signal."""
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", "--compat-report=report.json", *options],
        cwd=project.path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        # Shells start background jobs with this signal ignored, and everything below them inherits that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    for _ in until(30):
        if any(project.path.glob("waiting-*")):
            return process
        assert process.poll() is None, process.stdout and process.stdout.read()
    return process


def servers(project: Project) -> list[int]:
    return [int(line) for line in (project.path / "servers.txt").read_text().split()]


def assert_gone(pids: list[int]) -> None:
    assert pids
    for _ in until(15):
        if not any(map(alive, pids)):
            return


needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks processes up in /proc")


@needs_proc
@pytest.mark.parametrize("group", [True, False], ids=["terminal", "process"])
@pytest.mark.parametrize("way", [(), ("-n2",)], ids=["serial", "xdist"])
def test_interrupt(waiting: Project, way: tuple[str, ...], group: bool) -> None:
    process = start(waiting, *way)
    os.killpg(process.pid, signal.SIGINT) if group else process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=40)
    assert process.returncode == pytest.ExitCode.INTERRUPTED
    assert "the session was cut short: KeyboardInterrupt" in output
    assert "INTERNALERROR" not in output
    document = json.loads((waiting.path / "report.json").read_text())
    assert document["verdict"] == "failed"
    assert any("cut short" in error for error in document["errors"])
    assert {record["level"] for record in document["records"]} >= {"none"}
    assert_gone(servers(waiting))


@needs_proc
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=["int", "term", "kill"])
def test_a_server_of_a_binary_goes_with_the_session_and_its_folder_too(
    waiting: Project, number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = waiting.path / "tmp"
    folders.mkdir()
    monkeypatch.setenv("TMPDIR", str(folders))
    script = Path(__file__).with_name("odd_rainbow.py")
    lines = BINARY.format(servers=waiting.path / "servers.txt", python=sys.executable, script=script)
    waiting.write("rainbow", lines).chmod(0o755)
    process = start(waiting, "--compat-rainbow-binary=rainbow")
    assert list(folders.glob("pytest-compat-*"))
    process.send_signal(number)
    process.communicate(timeout=40)
    assert_gone(servers(waiting))
    for _ in until(10):
        if not list(folders.glob("pytest-compat-*")):
            break


@needs_proc
@pytest.mark.parametrize(
    ("number", "way"),
    [(signal.SIGKILL, ()), (signal.SIGTERM, ()), (signal.SIGKILL, ("-n2",))],
    ids=["kill-serial", "terminate-serial", "kill-xdist"],
)
def test_a_killed_session_leaves_no_server(waiting: Project, number: signal.Signals, way: tuple[str, ...]) -> None:
    process = start(waiting, *way)
    process.send_signal(number)
    process.communicate(timeout=40)
    assert_gone(servers(waiting))
    assert not (waiting.path / "report.json").exists()
