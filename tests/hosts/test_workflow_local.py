"""Running a job on this machine: order, cores, failures, limits, and what a kill leaves."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_compat.errors import JobspecError, RecordError
from pytest_compat.hosts.keeper import keep, write_task
from pytest_compat.hosts.local import run_local
from pytest_compat.hosts.runs import JobFolder, open_job, prepare
from pytest_compat.hosts.states import DONE, FAILED, LOST, RUNNING, SKIPPED, TIMEOUT, TaskState, read_state, write_state

NOTE = "import os, sys; fd = os.open('log', os.O_WRONLY | os.O_APPEND | os.O_CREAT); os.write(fd, sys.argv[1].encode())"
"""Writes its argument at the end of a file that all tasks of a job share."""


def task(name: str, *after: str, code: str = NOTE, cores: int = 1, **more: Any) -> dict[str, Any]:
    command = [sys.executable, "-c", code, f"{name} "]
    return {"name": name, "command": command, "resources": f"c{cores}", "depends_on": list(after), **more}


def text(*tasks: object, **more: Any) -> str:
    resources = {f"c{cores}": {"type": "core", "count": cores} for cores in range(1, 9)}
    return json.dumps({"version": 1, "resources": {**resources, "all": {"type": "node"}}, "tasks": tasks, **more})


def log(job: JobFolder) -> list[str]:
    path = job.path / "work" / "log"
    return path.read_text(encoding="utf-8").split() if path.exists() else []


def states(job: JobFolder) -> dict[str, str]:
    return {"/".join(state.path): state.state for state in job.states()}


def test_tasks_run_once_in_the_order_they_have_to_be_in(tmp_path: Path) -> None:
    job = prepare(tmp_path / "job", text(task("c", "b"), task("b", "a"), task("a")))
    assert run_local(job)
    assert log(job) == ["a", "b", "c"]
    assert states(job) == {"a": DONE, "b": DONE, "c": DONE}
    assert run_local(open_job(tmp_path / "job"))
    assert log(job) == ["a", "b", "c"]


def test_output_status_and_what_it_took_are_kept(tmp_path: Path) -> None:
    job = prepare(tmp_path, text(task("a", code="import sys; print('out'); sys.exit(3)")))
    assert not run_local(job)
    folder = job.folders[("a",)]
    assert (folder / "output.txt").read_bytes() == b"out\n"
    state = read_state(folder)
    assert state is not None
    assert (state.state, state.status, state.reason) == (FAILED, 3, "exit status 3")
    assert 0 < state.begun <= state.ended
    assert min(state.wall, state.user, state.max_rss_kib) > 0
    assert {path.name for path in folder.iterdir()} >= {"state.json", "output.txt", "task.json"}
    assert not list(tmp_path.rglob("*.partial"))


def test_what_depends_on_a_failure_is_skipped_and_the_rest_goes_on(tmp_path: Path) -> None:
    inner = [{"name": "g", "resources": "c1", "depends_on": ["b"], "tasks": [task("x")]}]
    job = prepare(tmp_path, text(task("a", code="exit(1)"), task("b", "a"), task("c", "b"), task("d"), groups=inner))
    assert not run_local(job)
    assert states(job) == {"a": FAILED, "b": SKIPPED, "c": SKIPPED, "d": DONE, "g": SKIPPED, "g/x": SKIPPED}
    assert log(job) == ["d"]
    assert read_state(job.folders[("b",)]) == TaskState(("b",), SKIPPED, reason="a did not succeed")


def test_what_waits_for_a_group_waits_for_all_of_it(tmp_path: Path) -> None:
    groups = [
        {"name": "g", "resources": "c2", "tasks": [task("y", "x"), task("x")], "groups": []},
        {"name": "h", "resources": "c1", "depends_on": ["g"], "tasks": [task("z", code="exit(1)")]},
    ]
    job = prepare(tmp_path, text(task("e", "h"), task("d", "g"), groups=groups))
    assert not run_local(job, cores=2)
    assert log(job) == ["x", "y", "d"]
    assert states(job) == {"g": DONE, "g/x": DONE, "g/y": DONE, "h": FAILED, "h/z": FAILED, "e": SKIPPED, "d": DONE}


def test_a_task_that_takes_too_long_is_stopped(tmp_path: Path) -> None:
    slow = task("a", code="import time; time.sleep(600)", attributes={"duration": 0.5})
    job = prepare(tmp_path, text(slow, task("b", "a")))
    assert not run_local(job)
    assert states(job) == {"a": TIMEOUT, "b": SKIPPED}


def test_a_task_that_cannot_be_started_has_failed(tmp_path: Path) -> None:
    job = prepare(tmp_path, text({"name": "a", "command": ["no-such-program"], "resources": "c1"}))
    assert not run_local(job)
    (state,) = job.states()
    assert (state.state, state.status, state.reason.startswith("cannot be started: ")) == (FAILED, None, True)


def test_environment_and_folder_are_those_of_the_attributes(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    attributes = {"cwd": str(tmp_path / "there"), "environment": {"A": "$x"}}
    job = prepare(
        tmp_path / "job", text(task("a", code="import os; print(os.getcwd(), os.environ['A'])", attributes=attributes))
    )
    assert run_local(job)
    assert (job.folders[("a",)] / "output.txt").read_text() == f"{tmp_path / 'there'} $x\n"


BUSY = """
import fcntl, os, sys, time
with open('count', 'a+') as file:
    def add(number):
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(str(number) + ' ')
        file.flush()
        fcntl.flock(file, fcntl.LOCK_UN)
    add(CORES)
    time.sleep(0.05)
    add(-CORES)
"""
"""Writes down the cores it has while it has them."""


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sizes=st.lists(st.integers(1, 4), min_size=1, max_size=7), cores=st.integers(4, 5))
def test_no_more_cores_are_taken_than_there_are(
    sizes: list[int], cores: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    tasks = [task(str(number), code=BUSY.replace("CORES", str(size)), cores=size) for number, size in enumerate(sizes)]
    job = prepare(tmp_path_factory.mktemp("job"), text(*tasks))
    assert run_local(job, cores)
    taken = 0
    for change in map(int, (job.path / "work" / "count").read_text().split()):
        taken += change
        assert 0 <= taken <= cores
    assert taken == 0


def test_whole_nodes_take_all_cores_of_what_they_are_in(tmp_path: Path) -> None:
    whole = [task(name, code=BUSY.replace("CORES", "1"), resources="all") for name in "abc"]
    groups = [{"name": "g", "resources": "c2", "tasks": whole}]
    job = prepare(tmp_path, text(groups=groups))
    assert run_local(job, cores=3)
    assert (tmp_path / "work" / "count").read_text().split() == ["1", "-1"] * 3


@pytest.mark.parametrize(
    ("document", "path", "problem"),
    [
        (text(task("b"), task("a", cores=5)), "a", "found 5 cores, expected the 4 that this machine has at most"),
        (
            text(groups=[{"name": "g", "resources": "c2", "tasks": [task("x", cores=3)]}]),
            "g/x",
            "found 3 cores, expected the 2 that group 'g' has at most",
        ),
    ],
)
def test_what_asks_for_too_much_is_refused_before_anything_begins(
    tmp_path: Path, document: str, path: str, problem: str
) -> None:
    job = prepare(tmp_path, document)
    with pytest.raises(JobspecError) as caught:
        run_local(job, cores=4)
    assert (caught.value.path, caught.value.problem) == (path, problem)
    assert job.states() == []


class TestFolders:
    def test_a_folder_has_one_job(self, tmp_path: Path) -> None:
        prepare(tmp_path, text(task("a")))
        prepare(tmp_path, text(task("a")))
        with pytest.raises(RecordError, match="found another job there"):
            prepare(tmp_path, text(task("b")))

    def test_a_folder_without_a_job_is_told(self, tmp_path: Path) -> None:
        with pytest.raises(RecordError, match=r"found no job\.json"):
            open_job(tmp_path)

    @pytest.mark.parametrize("content", ["", "[]", "{}", '{"schema": "other"}'])
    def test_what_is_no_job_is_told(self, tmp_path: Path, content: str) -> None:
        (tmp_path / "job.json").write_text(content)
        with pytest.raises(RecordError, match=r"job\.json: found"):
            open_job(tmp_path)

    @pytest.mark.parametrize("content", ["", "[]", "{}", '{"path": 3}'])
    def test_what_is_no_state_is_told(self, tmp_path: Path, content: str) -> None:
        (tmp_path / "state.json").write_text(content)
        with pytest.raises(RecordError, match="found no state of a task"):
            read_state(tmp_path)

    def test_two_cannot_run_one_job(self, tmp_path: Path) -> None:
        job = prepare(tmp_path, text(task("a")))
        with job.alone(), pytest.raises(RecordError, match="another process runs this job"):
            run_local(job)

    def test_names_of_tasks_are_not_names_of_files(self, tmp_path: Path) -> None:
        job = prepare(tmp_path / "job", text(task("../../é b"), task("..")))
        assert run_local(job)
        assert [path.name for path in sorted((tmp_path / "job" / "tasks").iterdir())] == ["0000-.._..___b", "0001-.."]


class TestKeepers:
    def write(self, folder: Path) -> None:
        write_task(folder, ("a",), [sys.executable, "-c", NOTE, "a "], {}, folder, None)

    def test_what_ended_is_not_run_again(self, tmp_path: Path) -> None:
        self.write(tmp_path)
        write_state(tmp_path, TaskState(("a",), FAILED, 1))
        keep(tmp_path)
        assert not (tmp_path / "log").exists()

    def test_what_has_lost_its_keeper_is_lost_and_not_run_again(self, tmp_path: Path) -> None:
        job = prepare(tmp_path, text(task("a"), task("b", "a"), task("c")))
        write_state(job.folders[("a",)], TaskState(("a",), RUNNING, begun=1.0, keeper=2**22 - 1))
        assert not run_local(job)
        assert states(job) == {"a": LOST, "b": SKIPPED, "c": DONE}
        assert log(job) == ["c"]


def receiver(folder: Path) -> subprocess.Popen[bytes]:
    """A process that runs the job of a folder."""
    code = "import sys; from pathlib import Path; from pytest_compat.hosts import local, runs; "
    code += "local.run_local(runs.open_job(Path(sys.argv[1])), 4)"
    return subprocess.Popen([sys.executable, "-c", code, str(folder)], start_new_session=True)


def test_a_job_whose_runner_is_killed_again_and_again_runs_every_task_once_in_order(tmp_path: Path) -> None:
    slow = NOTE + "; import time; time.sleep(0.1)"
    names = [str(number) for number in range(12)]
    tasks = [task(name, *([names[place - 2]] if place > 1 else []), code=slow) for place, name in enumerate(names)]
    job = prepare(tmp_path, text(*tasks))
    for number in range(6):
        running = receiver(tmp_path)
        time.sleep(0.15 + 0.11 * number)
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()
    assert run_local(job, 4)
    found = log(job)
    assert sorted(found, key=int) == names
    assert [name for name in found if int(name) % 2] == names[1::2]
    assert [name for name in found if not int(name) % 2] == names[::2]


def test_ctrl_c_stops_what_runs_and_it_begins_anew(tmp_path: Path) -> None:
    code = NOTE + "; import os, time; time.sleep(0 if os.path.exists('quick') else 600)"
    job = prepare(tmp_path, text(task("a", code=code)))
    running = receiver(tmp_path)
    while not log(job):
        time.sleep(0.05)
    os.kill(running.pid, signal.SIGINT)
    assert running.wait() != 0
    assert job.states() == []
    (tmp_path / "work" / "quick").touch()
    assert run_local(job)
    assert log(job) == ["a", "a"]
