"""`python -m pytest_compat rainbow`: flags, environment, config file, log and end."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import closing, contextmanager

import grpc
import pytest

from pytest_compat.commands import main
from pytest_compat.rainbow import DEFAULT_SECRET
from pytest_compat.rainbow.proto import memory_pb2, memory_pb2_grpc, rainbow_pb2, rainbow_pb2_grpc

GRAPH = json.dumps({"graph": {"nodes": {"n": {"metadata": {"type": "node", "marker": "graph-marker"}}}}})
SUBSYSTEM = json.dumps(
    {
        "graph": {
            "nodes": {"s": {"metadata": {"type": "x", "marker": "graph-marker"}}},
            "edges": [{"source": "n", "target": "s", "relation": "contains"}],
        }
    }
)
JOBSPEC = json.dumps(
    {
        "version": 1,
        "resources": {"g": {"type": "node"}},
        "tasks": [{"command": ["jobspec-marker"], "resources": "g"}],
    }
)
SUCCESS = rainbow_pb2.RegisterResponse.REGISTER_SUCCESS
DENIED = rainbow_pb2.RegisterResponse.REGISTER_DENIED


def command(*arguments):
    return [sys.executable, "-m", "pytest_compat", *map(str, arguments)]


def environment(**variables):
    """Return this environment without a word for a server in it, and with some variables."""
    mine = {name: value for name, value in os.environ.items() if not name.startswith(("RAINBOW_", "GRPC_"))}
    return mine | variables


def run(*arguments, **variables):
    """Run a command that ends by itself."""
    return subprocess.run(
        command(*arguments),
        env=environment(**variables),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
    )


class Serving:
    """A server in the foreground."""

    def __init__(self, process, log):
        self.process = process
        self.log = log
        self.said = json.loads(process.stdout.readline())
        self.address = self.said["address"]
        self.channel = grpc.insecure_channel(self.address)
        self.scheduler = rainbow_pb2_grpc.RainbowSchedulerStub(self.channel)
        self.graph = memory_pb2_grpc.MemoryGraphStub(self.channel)

    def register(self, secret=DEFAULT_SECRET, name="cat", nodes=GRAPH):
        request = rainbow_pb2.RegisterRequest(name=name, secret=secret, nodes=nodes)
        return self.scheduler.Register(request, timeout=10)

    def submit(self, token, name="cat", **more):
        contender = rainbow_pb2.SubmitJobRequest.Cluster(name=name, token=token)
        more = {"name": "job", "jobspec": JOBSPEC, **more}
        return self.scheduler.SubmitJob(rainbow_pb2.SubmitJobRequest(clusters=[contender], **more), timeout=10)

    def end(self):
        """Stop it, and return its exit status and what it has logged."""
        self.channel.close()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=20)
        self.log.seek(0)
        return self.process.returncode, self.log.read()


@contextmanager
def serving(*flags, **variables):
    # A pipe that nobody reads would be full after some hundred calls, and the server would wait for a reader.
    with tempfile.TemporaryFile("w+", encoding="utf-8") as log:
        process = subprocess.Popen(
            command("rainbow", "--host", "127.0.0.1:0", *flags),
            env=environment(**variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        try:
            yield Serving(process, log)
        finally:
            process.kill()
            process.communicate()


def fails(call, *arguments, **more):
    """Return the code that a call ends with."""
    with pytest.raises(grpc.RpcError) as raised:
        call(*arguments, **more)
    return raised.value.code().name


# The command line


def test_help_names_the_commands():
    done = run("--help")
    assert done.returncode == 0
    assert "rainbow" in done.stdout


def test_help_names_the_flags():
    done = run("rainbow", "--help")
    assert done.returncode == 0
    flags = "host name db cleanup secret global-token select-algorithm match-algorithm graph-database config cert key"
    for flag in [*flags.split(), "ca-cert", "loglevel", "logformat"]:
        assert f"--{flag}" in done.stdout


def test_the_version(capsys):
    with pytest.raises(SystemExit) as raised:
        main(["--version"])
    assert raised.value.code == 0
    assert capsys.readouterr().out.startswith("pytest-compat ")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["rainbows"],
        ["rainbow", "--nonsense"],
        ["rainbow", "--select-algorithm", "fair"],
        ["rainbow", "--match-algorithm", "best"],
        ["rainbow", "--graph-database", "neo4j"],
        ["rainbow", "--loglevel", "loud"],
        ["rainbow", "--logformat", "xml"],
        ["rainbow", "--db"],
    ],
)
def test_a_wrong_command_line_ends_with_2(arguments, capsys):
    with pytest.raises(SystemExit) as raised:
        main(arguments)
    assert raised.value.code == 2
    assert "usage: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--secret", ""], "rainbow: --secret: found nothing, expected a secret"),
        (["--cleanup"], "rainbow: --cleanup: found no --db to clean up"),
        (["--cert", "x"], "rainbow: key: found none"),
        (["--ca-cert", "x"], "rainbow: ca-cert: found no cert and key"),
        (["--host", "nonsense"], "rainbow: host: found 'nonsense', expected HOST:PORT"),
    ],
)
def test_a_server_that_cannot_be_ends_with_1_and_one_line(flags, said):
    done = run("rainbow", "--host", "127.0.0.1:0", *flags)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(said)
    assert len(done.stderr.splitlines()) == 1


def test_the_flags_of_the_go_server_are_accepted(tmp_path):
    flags = ["--name", "mine", "--db", tmp_path / "db", "--cleanup", "--global-token", "one-for-all", "--secret", "s"]
    flags += ["--select-algorithm", "random", "--match-algorithm", "match", "--graph-database", "memory"]
    with serving(*flags, "--loglevel", "warning") as server:
        assert server.said["name"] == "mine"
        assert server.register("s").token == "one-for-all"
        assert server.submit("one-for-all").cluster == "cat"
        assert server.end() == (0, "")


def test_it_listens_where_it_says():
    with serving() as server:
        assert set(server.said) == {"name", "address"}
        assert server.said["name"] == "rainbow"
        assert server.register().status == SUCCESS


# Flags, environment, config


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "rainbow.yaml"
    path.write_text(
        "scheduler:\n"
        "  name: from-config\n"
        "  secret: from-config\n"
        "  algorithms: {selection: {name: constraint, options: {}}, match: {name: match}}\n"
        "cluster: {name: cat, secret: x}\n"
        "graphdatabase: {name: memory, host: 127.0.0.1:50051, options: {}}\n"
        "clusters: []\n"
    )
    return path


def accepted(server):
    """Return the registration secret that a server goes by."""
    secrets = [DEFAULT_SECRET, "from-config", "from-environment", "from-flag"]
    (secret,) = [secret for secret in secrets if server.register(secret, f"cluster-{secret}").status == SUCCESS]
    return secret


def test_the_default_secret_is_that_of_the_go_server():
    with serving() as server:
        assert accepted(server) == "chocolate-cookies"


def test_a_config_file_is_read(config):
    with serving("--config", config) as server:
        assert server.said["name"] == "from-config"
        assert accepted(server) == "from-config"
        token = server.register("from-config").token
        assert fails(server.submit, token) == "INVALID_ARGUMENT"  # constraint, without priorities


def test_the_environment_wins_over_the_config(config):
    with serving("--config", config, RAINBOW_SECRET="from-environment", RAINBOW_GLOBAL_TOKEN="all") as server:
        assert accepted(server) == "from-environment"
        assert server.register("from-environment").token == "all"


def test_flags_win_over_everything(config):
    flags = ["--secret", "from-flag", "--global-token", "flag", "--name", "from-flag", "--select-algorithm", "random"]
    with serving("--config", config, *flags, RAINBOW_SECRET="from-environment", RAINBOW_GLOBAL_TOKEN="all") as server:
        assert server.said["name"] == "from-flag"
        assert accepted(server) == "from-flag"
        assert server.register("from-flag").token == "flag"
        assert server.submit("flag").cluster == "cat"


def test_empty_variables_are_none():
    with serving(RAINBOW_SECRET="", RAINBOW_GLOBAL_TOKEN="") as server:
        assert accepted(server) == DEFAULT_SECRET
        assert server.register().token


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "found no YAML"),
        ("", "found nothing, expected an object"),
        ("[]", "found [], expected an object"),
        ("{}", "scheduler: found nothing, expected an object"),
        ("scheduler: x", "scheduler: found 'x', expected an object"),
        ("scheduler: {secret: 1234567}", "scheduler.secret: found no string; quote it"),
        ("scheduler: {name: [x]}", "scheduler.name: found no string; quote it"),
        ("scheduler: {algorithms: [x]}", "scheduler.algorithms: found ['x'], expected an object"),
        ("scheduler: {algorithms: {selection: x}}", "scheduler.algorithms.selection: found 'x', expected an object"),
        (
            "scheduler: {algorithms: {selection: {name: rondom}}}",
            "scheduler.algorithms.selection.name: unknown selection algorithm 'rondom', did you mean 'random'?",
        ),
        ("scheduler: {algorithms: {match: {name: best}}}", "scheduler.algorithms.match.name: unknown match algorithm"),
    ],
)
def test_a_bad_config_is_an_error_that_says_where(tmp_path, text, said):
    path = tmp_path / "rainbow.yaml"
    path.write_text(text)
    done = run("rainbow", "--host", "127.0.0.1:0", "--config", path)
    assert done.returncode == 1
    assert done.stderr.startswith(f"rainbow: {path}: {said}")
    assert "1234567" not in done.stderr
    assert "Traceback" not in done.stderr


def test_a_missing_config_is_an_error(tmp_path):
    done = run("rainbow", "--config", tmp_path / "missing.yaml")
    assert done.returncode == 1
    assert "missing.yaml: found no such file" in done.stderr


# The end


def test_a_running_call_is_finished_when_it_is_told_to_stop(tmp_path):
    path = tmp_path / "rainbow.db"
    acknowledged = []
    with serving("--db", path) as server:
        token = server.register().token

        def submit():
            while True:
                try:
                    acknowledged.append(server.submit(token).jobid)
                except grpc.RpcError as error:
                    codes.append(error.code().name)
                    return

        codes, threads = [], [threading.Thread(target=submit) for _ in range(4)]
        for thread in threads:
            thread.start()
        time.sleep(0.3)
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=20) == 0
        for thread in threads:
            thread.join()
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        held = [id for (id,) in database.execute("SELECT id FROM jobs ORDER BY id")]
    assert held == sorted(acknowledged)  # each call was answered or never begun
    assert set(codes) <= {"UNAVAILABLE", "CANCELLED"}


def test_nothing_but_the_database_is_left(tmp_path):
    with serving("--db", tmp_path / "rainbow.db") as server:
        server.register()
        assert server.end()[0] == 0
    assert [path.name for path in tmp_path.iterdir()] == ["rainbow.db"]


# The log


def everything(server):
    """Make a call of each kind, good and bad, and return what must not be in a log."""
    registered = server.register()
    token, secret = registered.token, registered.secret
    own = {"name": "cat", "secret": secret}
    server.scheduler.RegisterSubsystem(rainbow_pb2.RegisterRequest(subsystem="os", nodes=SUBSYSTEM, **own))
    state = '{"free": 1, "text": "state-marker"}'
    server.scheduler.UpdateState(rainbow_pb2.UpdateStateRequest(cluster="cat", secret=secret, payload=state))
    server.graph.Satisfy(memory_pb2.SatisfyRequest(payload=JOBSPEC))
    jobid = server.submit(token).jobid
    server.submit("token-marker")
    server.scheduler.ReceiveJobs(rainbow_pb2.ReceiveJobsRequest(cluster="cat", secret=secret))
    server.scheduler.ReceiveJobs(rainbow_pb2.ReceiveJobsRequest(cluster="cat", secret="secret-marker"))
    server.scheduler.AcceptJobs(rainbow_pb2.AcceptJobsRequest(cluster="cat", secret=secret, jobids=[jobid]))
    bad = JOBSPEC.replace('["jobspec-marker"]', '[["jobspec-marker"]]')
    fails(server.graph.Satisfy, memory_pb2.SatisfyRequest(payload=bad))
    fails(server.submit, token, jobspec="{jobspec-marker")
    fails(server.register, name="dog", nodes=GRAPH.replace('"node"', '["graph-marker"]'))
    fails(server.register, name="dog", nodes='"graph-marker"')
    options = {"priorities": "[{steps: [{filter: option-marker ** 2}]}]"}
    fails(server.submit, token, select_algorithm="constraint", select_options=options)
    payload = '{"x": ["state-marker"]}'
    request = rainbow_pb2.UpdateStateRequest(cluster="cat", secret=secret, payload=payload)
    fails(server.scheduler.UpdateState, request)
    request = memory_pb2.RegisterRequest(name="dog", payload=GRAPH)
    fails(server.graph.Register, request, metadata=(("rainbow-secret", "secret-marker"),))
    server.scheduler.DeleteSubsystem(rainbow_pb2.DeleteRequest(subsytem="os", **own))
    server.scheduler.Delete(rainbow_pb2.DeleteRequest(**own))
    return [token, secret, DEFAULT_SECRET, "-marker"]


CALLS = 18


@pytest.mark.parametrize("format", ["text", "json"])
@pytest.mark.parametrize("level", ["debug", "info", "warning", "error"])
def test_the_log_has_a_line_per_call_and_no_secret_token_graph_or_jobspec(level, format):
    with serving("--loglevel", level, "--logformat", format) as server:
        hidden = everything(server)
        code, log = server.end()
    assert code == 0
    assert len(log.splitlines()) == (CALLS if level in ("debug", "info") else 0)
    assert not [text for text in hidden if text in log]
    assert "Traceback" not in log


def test_a_line_says_who_called_what_and_how_it_ended():
    with serving() as server:
        everything(server)
        lines = server.end()[1].splitlines()
    assert 'call="Register" name="cat" status="REGISTER_SUCCESS" ms=' in lines[0]
    assert 'call="RegisterSubsystem" name="cat" subsystem="os" status="REGISTER_SUCCESS"' in lines[1]
    assert 'call="SubmitJob" name="job" assigned="cat" status="SUBMIT_SUCCESS"' in lines[4]
    assert 'call="Satisfy" status="INVALID_ARGUMENT" problem="payload: tasks[0].command[0]"' in lines[9]


def test_a_json_log_is_one_object_per_line():
    with serving("--logformat", "json") as server:
        everything(server)
        lines = [json.loads(line) for line in server.end()[1].splitlines()]
    assert {line["level"] for line in lines} == {"INFO"}
    assert all(isinstance(line["ms"], float) and line["time"] for line in lines)
    assert lines[0]["call"] == "Register"
    assert (lines[9]["status"], lines[9]["problem"]) == ("INVALID_ARGUMENT", "payload: tasks[0].command[0]")


@pytest.mark.parametrize("format", ["text", "json"])
@pytest.mark.parametrize("forged", ["x\n2020-01-01 INFO forged", "x\r\nforged", "x\x1b[2Jforged", "x\u2028forged"])
def test_a_name_cannot_forge_a_line(format, forged):
    subsystem = {
        "nodes": {"s": {"metadata": {"type": "x", f"{forged}.version": forged}}},
        "edges": [{"source": "n", "target": "s", "relation": "contains"}],
    }
    with serving("--logformat", format) as server:
        fails(server.register, name=forged)
        server.submit("x", name=forged)
        own = {"name": "cat", "secret": server.register().secret, "nodes": json.dumps({"graph": subsystem})}
        server.scheduler.RegisterSubsystem(rainbow_pb2.RegisterRequest(subsystem="os", **own))
        _, log = server.end()
    assert len(log.splitlines()) == 5  # a line per call, and a warning of the version
    assert all(line.isprintable() for line in log.splitlines())
