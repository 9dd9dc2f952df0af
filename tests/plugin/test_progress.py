"""Long levels show how far they are on a terminal, in one line that leaves no trace; nowhere else is anything shown."""

from __future__ import annotations

import io
import os
import re
import signal
import subprocess
from pathlib import Path

import pyte
import pytest
from compat_project import EXPERIMENT, Project
from hypothesis import given
from hypothesis import strategies as st
from terminal_session import Session

from pytest_compat.plugin.meter import Meter
from pytest_compat.plugin.progress import Line
from pytest_compat.run.progress import Standing

SLOW = """
import os, signal, time
from pathlib import Path
from pytest_compat.schedulers.reference import ReferenceScheduler

class Slow(ReferenceScheduler):
    def submit(self, job, name, key):
        time.sleep(0.02)
        if name == os.environ.get("KILLED_AT") and not Path("killed").exists():
            Path("killed").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().submit(job, name, key)

def pytest_compat_schedulers():
    return {"slow": Slow}
"""

# What workers print past pytest goes to the terminal by itself, at any time.
TEST = """
import os
import pytest

@pytest.mark.compat("experiment.yaml")
def test_slow(compat_case, compat_cluster, capsys):
    if "PYTEST_XDIST_WORKER" not in os.environ:
        with capsys.disabled():
            print("<said>", end="")
    assert compat_cluster != "rocky-mpich", "this one fails"
"""

LINE = re.compile(r"tiny, level os [━╸╺ ]{20} +(\d+)/120 [\d.]+/s, 0:00:\d\d left")

LOOKS = """
import threading, sys
from pathlib import Path

seen = set()

def look():
    seen.update(thread.name for thread in threading.enumerate() if thread.name == "compat-progress")
    seen.update(name for name in ("rich", "pytest_compat.run.progress") if name in sys.modules)

def pytest_runtest_logfinish():
    look()

def pytest_sessionfinish(session):
    look()
    if session.config.pluginmanager.hasplugin("compat-progress"):
        seen.add("registered")
    worker = getattr(session.config, "workerinput", {})
    if "compat_progress" in worker:
        seen.add("told")
    Path(f"looks-{worker.get('workerid', 'main')}").write_text(" ".join(sorted(seen)))
"""


def looks(project: Project, process: str = "main") -> set[str]:
    """Return what there was in a process of the session."""
    return set((project.path / f"looks-{process}").read_text().split())


@pytest.fixture
def slow(project: Project) -> Project:
    project.write("experiment.yaml", EXPERIMENT.replace("iterations: 5", "iterations: 40"))
    project.write("test_tiny.py", TEST)
    project.pytester.makeconftest(SLOW)
    (project.path / "tmp").mkdir()
    return project


def left(project: Project) -> list[Path]:
    return list((project.path / "tmp").glob("pytest-compat-*"))


ON = ("--compat-scheduler=slow", "--compat-level=os", "--tb=line")


def assert_no_trace(shown: Session) -> None:
    assert shown.lines == shown.lines_of_others
    assert not [line for line in shown.lines if re.search("[━╸╺]|0:00:", line)]


@pytest.mark.parametrize("way", [(), ("-v",), ("-n2",), ("-x",)], ids=["serial", "verbose", "xdist", "first"])
def test_a_long_level_shows_count_rate_and_time_left_and_leaves_no_trace(slow: Project, way: tuple[str, ...]) -> None:
    shown = Session(slow.path, *ON, *way)
    whole = [match for match in map(LINE.search, shown.bars) if match]
    counts = [int(match[1]) for match in whole]
    assert len(counts) >= 2
    assert counts == sorted(counts)
    assert shown.most_bars == 1
    assert left(slow) == []
    assert any("1 failed" in line for line in shown.lines)
    assert_no_trace(shown)
    assert shown.status == 1


def test_levels_that_run_at_the_same_time_share_the_line(slow: Project) -> None:
    for name in ("one", "two"):
        experiment = (slow.path / "experiment.yaml").read_text().replace("tiny", name)
        slow.write(f"{name}.yaml", experiment)
        slow.write(f"test_{name}.py", TEST.replace("experiment.yaml", f"{name}.yaml"))
    (slow.path / "test_tiny.py").unlink()
    shown = Session(slow.path, *ON, "-n2", "--dist=loadfile")
    assert any(re.search(r"2 levels [━╸╺ ]{20} +\d+/240 [\d.]+/s, 0:00:\d\d left", line) for line in shown.bars)
    assert shown.most_bars == 1


def test_short_levels_show_nothing(slow: Project) -> None:
    shown = Session(slow.path, "--compat-scheduler=reference")
    assert shown.bars == []
    assert left(slow) == []


def test_a_fixture_that_fails_takes_the_line_away(slow: Project) -> None:
    fixture = "import pytest\n@pytest.fixture\ndef broken(compat_case): raise ValueError('broken')\n"
    slow.write("test_tiny.py", fixture + TEST.replace("(compat_case", "(broken, compat_case"))
    shown = Session(slow.path, *ON)
    assert shown.bars
    assert any("4 errors" in line for line in shown.lines)
    assert_no_trace(shown)


@pytest.mark.parametrize("way", [(), ("-n2",)], ids=["serial", "xdist"])
def test_an_interrupt_takes_the_line_away(slow: Project, way: tuple[str, ...]) -> None:
    def interrupt(process: subprocess.Popen[bytes]) -> None:
        os.killpg(process.pid, signal.SIGINT)

    shown = Session(slow.path, *ON, *way, at_bar=interrupt)
    assert shown.bars
    assert_no_trace(shown)
    assert any("KeyboardInterrupt" in line for line in shown.lines)
    assert shown.status == pytest.ExitCode.INTERRUPTED
    assert left(slow) == []


def test_a_killed_worker_leaves_no_line(slow: Project) -> None:
    shown = Session(slow.path, *ON, "-n2", environment={"KILLED_AT": "os/third/30"})
    assert (slow.path / "killed").exists()
    assert shown.bars
    assert shown.most_bars == 1
    assert not [line for line in shown.bars if "levels" in line]
    assert any(line.startswith("replacing crashed worker") for line in shown.lines)
    assert_no_trace(shown)


@pytest.mark.parametrize(
    ("way", "environment"),
    [
        (("-s",), {}),
        (("--capture=tee-sys",), {}),
        (("--setup-show",), {}),
        (("-qq",), {}),
        (("--collect-only",), {}),
        (("-p", "no:terminal"), {}),
        (("-o", "log_cli=true"), {}),
        (("--log-cli-level=info",), {}),
        ((), {"TERM": "dumb"}),
        ((), {"CI": "true"}),
    ],
    ids=str,
)
def test_nothing_is_shown_where_it_would_be_in_the_way(
    slow: Project, way: tuple[str, ...], environment: dict[str, str]
) -> None:
    slow.pytester.makeconftest(LOOKS)
    options = ("--compat-scheduler=reference", "--compat-iterations=1", "--compat-level=os")
    Session(slow.path, *options, *way, environment=environment)
    assert looks(slow) <= {"pytest_compat.run.progress"}
    Session(slow.path, *options)
    assert looks(slow) >= {"registered", "compat-progress"}


@pytest.mark.parametrize("way", [(), ("-n2",)], ids=["serial", "xdist"])
def test_without_a_terminal_nothing_is_told(slow: Project, way: tuple[str, ...]) -> None:
    slow.pytester.makeconftest(LOOKS + SLOW)
    result = slow.pytester.runpytest_subprocess(*ON, *way)
    assert "\x1b" not in result.stdout.str()
    assert "━" not in result.stdout.str()
    assert {path.name for path in slow.path.glob("looks-*")} == {
        "looks-main",
        *(["looks-gw0", "looks-gw1"] if way else []),
    }
    for path in slow.path.glob("looks-*"):
        assert looks(slow, path.name.removeprefix("looks-")) <= {"pytest_compat.run.progress"}


@pytest.mark.parametrize("way", [(), ("-n2",)], ids=["serial", "xdist"])
def test_a_session_without_levels_costs_next_to_nothing(slow: Project, way: tuple[str, ...]) -> None:
    slow.pytester.makeconftest(LOOKS)
    slow.write("test_tiny.py", "def test_plain(): pass")
    shown = Session(slow.path, *way)
    assert shown.status == 0
    assert left(slow) == []
    assert looks(slow) == ({"registered", "compat-progress", "pytest_compat.run.progress"} if way else {"registered"})


# Lines of pytest's, then what it goes on with.
written = st.text(st.sampled_from("ab \n"), max_size=120)


@given(before=written, after=written, columns=st.integers(3, 30), rows=st.integers(2, 6), draws=st.integers(1, 3))
def test_what_is_written_later_stands_where_it_would_have_stood(
    before: str, after: str, columns: int, rows: int, draws: int
) -> None:
    def shown(with_line: bool) -> list[str]:
        screen = pyte.HistoryScreen(columns, rows, history=1000)
        stream = pyte.ByteStream(screen)
        reading, writing = os.pipe()
        line = Line(writing, "utf-8")

        def drawn() -> None:
            os.write(writing, b"\0")  # a pipe without anything in it would be waited for
            stream.feed(os.read(reading, 65536).replace(b"\0", b""))

        stream.feed(before.replace("\n", "\r\n").encode())
        if with_line:
            for _ in range(draws):
                line.draw("#" * (columns - 1), len(before.rpartition("\n")[2]), columns)
                drawn()
            line.clear()
            line.clear()
            drawn()
        stream.feed(after.replace("\n", "\r\n").encode())
        line.close()
        os.close(reading)
        history = ["".join(row[at].data for at in range(columns)) for row in screen.history.top]
        return "\n".join(row.rstrip() for row in [*history, *screen.display]).rstrip().split("\n")

    assert shown(with_line=True) == shown(with_line=False)


def test_nothing_is_drawn_where_the_cursor_could_not_be_put_back() -> None:
    reading, writing = os.pipe()
    line = Line(writing, "utf-8")
    for edge in (80, 160):
        line.draw("text", edge, 80)
        line.clear()
    line.close()
    assert os.read(reading, 10) == b""
    os.close(reading)


def standing(done: int, total: int | None, level: str = "os", phase: str = "submit") -> Standing:
    return Standing("tiny", level, phase, done, total)


def meter(encoding: str = "utf-8") -> Meter:
    return Meter(io.TextIOWrapper(io.BytesIO(), encoding=encoding), color=False)


@pytest.mark.parametrize("width", [10, 20, 40, 60, 80, 200])
@pytest.mark.parametrize("name", ["os", "io.archspec+os+mpi+hardware", "[bold]odd[/x]"])
def test_the_line_is_less_wide_than_the_terminal(width: int, name: str) -> None:
    lines = meter()
    lines.take([standing(1, 7, name)], 0.0)
    line = lines.render(width)
    assert len(line) < width
    assert "1/7" in line
    assert name in line or width < 80


def test_asking_for_candidates_is_said_to_be_that() -> None:
    lines = meter()
    lines.take([standing(1, 3, phase="match")], 0.0)
    assert lines.render(100).startswith("tiny, level os, candidates ")


def test_a_total_that_nobody_knows_is_a_question_mark() -> None:
    lines = meter()
    lines.take([standing(5, None), standing(2, 10, "mpi")], 0.0)
    assert "2 levels" in lines.render(100)
    assert "7/?" in lines.render(100)


def test_a_level_is_as_old_as_it_was_seen_and_the_next_one_is_young() -> None:
    lines = meter()
    ages = []
    for now, running in enumerate([["a"], ["a"], ["a", "b"], ["b"], ["b", "c"], [], ["c"]]):
        lines.take([standing(now, 10, level) for level in running], float(now))
        ages.append(lines.since)
    assert ages == [0.0, 0.0, 0.0, 2.0, 2.0, None, 6.0]


def test_a_terminal_of_another_encoding_gets_characters_that_it_knows() -> None:
    lines = meter("ascii")
    lines.take([standing(5, 10)], 0.0)
    assert lines.render(100).isascii()
