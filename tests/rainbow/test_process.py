"""The server as a process: it starts on a free port, says why it cannot, and goes when it should."""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import grpc
import pytest
from wire import Client, Registration

from pytest_compat.errors import SchedulerUnavailable
from pytest_compat.rainbow import process as processes
from pytest_compat.rainbow.process import RainbowProcess
from pytest_compat.rainbow.server import PortInUse, Server, ServerOptions


def alive(pid):
    """Tell whether a process runs; one that has ended and was not yet waited for does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with suppress(OSError):  # where there is no /proc
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return True


def ends(pid, seconds=10.0):
    """Wait for the end of a process and tell whether it came."""
    until = time.monotonic() + seconds
    while alive(pid):
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


def run(*arguments):
    """Run a server that is not expected to stay."""
    command = [sys.executable, "-m", "pytest_compat", "rainbow", *arguments]
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30)


def test_serves_on_a_free_loopback_port():
    with RainbowProcess() as first, RainbowProcess() as second:
        assert first.address != second.address
        for each in (first, second):
            assert each.address.startswith("127.0.0.1:")
            with grpc.insecure_channel(each.address) as channel:
                assert Client(channel).register(secret=each.secret).status == Registration.REGISTER_SUCCESS


def test_each_has_a_registration_secret_of_its_own():
    assert RainbowProcess().secret != RainbowProcess().secret


def test_stop_ends_it():
    process = RainbowProcess()
    process.start()
    pid = process.pid
    assert alive(pid)
    process.stop()
    assert not alive(pid)
    assert process.pid is None


def test_stopping_what_is_not_running_is_harmless():
    process = RainbowProcess()
    process.stop()
    process.start()
    process.stop()
    process.stop()


def test_stop_ends_one_that_has_died():
    with RainbowProcess() as process:
        os.kill(process.pid, signal.SIGKILL)


def test_stop_kills_one_that_does_not_listen(monkeypatch):
    monkeypatch.setattr(processes, "STOP_SECONDS", 0.2)
    process = RainbowProcess()
    process.start()
    pid = process.pid
    os.kill(pid, signal.SIGSTOP)
    process.stop()
    assert not alive(pid)


def test_stops_when_the_one_who_started_it_is_killed():
    program = (
        "import time\n"
        "from pytest_compat.rainbow.process import RainbowProcess\n"
        "process = RainbowProcess()\n"
        "process.start()\n"
        "print(process.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as parent:
        pid = int(parent.stdout.readline())
        assert alive(pid)
        parent.kill()
    assert ends(pid)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_one_in_the_foreground(number):
    command = [sys.executable, "-m", "pytest_compat", "rainbow", "--host", "127.0.0.1:0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        server.stdout.readline()
        server.send_signal(number)
        assert server.wait(timeout=10) == 0
        assert server.stderr.read() == ""


def test_the_secret_is_not_on_the_command_line():
    with RainbowProcess() as process:
        line = subprocess.run(
            ["ps", "-ww", "-o", "args=", "-p", str(process.pid)], capture_output=True, text=True, check=True
        ).stdout
        assert "pytest_compat rainbow" in line
        assert process.secret not in line


def test_a_port_in_use_is_an_error():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        host = f"127.0.0.1:{listener.getsockname()[1]}"
        done = run("--host", host)
    assert done.returncode == 1
    assert done.stdout == ""
    assert f"cannot listen on {host}: the port is in use" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_where_another_rainbow_listens_is_in_use():
    with RainbowProcess() as process:
        done = run("--host", process.address)
        assert done.returncode == 1
        assert f"cannot listen on {process.address}: the port is in use" in done.stderr


def test_a_server_in_this_process_raises_when_the_port_is_in_use():
    with RainbowProcess() as process, pytest.raises(PortInUse, match="port 0 takes a free one"):
        Server(ServerOptions(host=process.address))


@pytest.mark.parametrize("host", ["", "nonsense", "127.0.0.1:", "127.0.0.1:http", "127.0.0.1:70000", "127.0.0.1:-1"])
def test_what_is_no_address_is_an_error(host):
    done = run("--host", host)
    assert done.returncode in (1, 2)
    assert "Traceback" not in done.stderr
    assert "HOST:PORT" in done.stderr


def test_one_that_cannot_start_says_why():
    with RainbowProcess() as running:
        process = RainbowProcess(host=running.address)
        with pytest.raises(SchedulerUnavailable, match="cannot listen on") as raised:
            process.start()
    assert running.address in str(raised.value)
    assert process.pid is None


def stand_in(tmp_path, monkeypatch, *lines):
    """Have a shell script started in place of the server."""
    script = tmp_path / "python"
    script.write_text("\n".join(["#!/bin/sh", *lines, ""]))
    script.chmod(0o755)
    monkeypatch.setattr(processes.sys, "executable", str(script))


def test_one_that_says_nothing_is_given_up(monkeypatch, tmp_path):
    stand_in(tmp_path, monkeypatch, "exec sleep 60")
    monkeypatch.setattr(processes, "START_SECONDS", 0.2)
    monkeypatch.setattr(processes, "STOP_SECONDS", 0.1)
    with pytest.raises(SchedulerUnavailable, match=r"did not start: nothing within 0\.2 seconds"):
        RainbowProcess().start()


@pytest.mark.parametrize("line", ["welcome", "5", "{}", "[]", ""])
def test_one_that_says_something_else_is_given_up(monkeypatch, tmp_path, line):
    stand_in(tmp_path, monkeypatch, f"echo '{line}'")
    with pytest.raises(SchedulerUnavailable, match="did not start"):
        RainbowProcess().start()


def test_what_one_says_on_standard_error_is_in_the_error(monkeypatch, tmp_path):
    stand_in(tmp_path, monkeypatch, "echo no more memory >&2", "exit 3")
    with pytest.raises(SchedulerUnavailable, match="did not start: no more memory"):
        RainbowProcess().start()


def test_one_whose_python_is_gone_is_an_error(monkeypatch, tmp_path):
    monkeypatch.setattr(processes.sys, "executable", str(tmp_path / "python"))
    with pytest.raises(SchedulerUnavailable, match="did not start"):
        RainbowProcess().start()
