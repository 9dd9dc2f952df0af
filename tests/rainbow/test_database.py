"""A server with a file: a restart knows everything that was acknowledged, whatever ended the one before."""

import json
import os
import resource
import sqlite3
import stat
import subprocess
import sys
import time
from contextlib import closing

import grpc
import pytest
from loads import STRESS, check, connected, kill, killed_in_mid_load
from wire import (
    SECRET,
    Acceptance,
    Reception,
    Registration,
    Submission,
    Update,
    jobspec,
    machine,
    needs,
    nodes,
    on,
    refusal,
    serving,
)

from pytest_compat.rainbow.database import SCHEMA_VERSION, Database, DatabaseError
from pytest_compat.rainbow.process import RainbowProcess
from pytest_compat.rainbow.server import Server, ServerOptions


@pytest.fixture
def path(tmp_path):
    return tmp_path / "rainbow.db"


def fails_to_start(*flags):
    """Return what a server says that does not start."""
    command = [sys.executable, "-m", "pytest_compat", "rainbow", "--host", "127.0.0.1:0", *map(str, flags)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stdout) == (1, "")
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == 1
    return done.stderr


# Restarts


def test_a_restart_keeps_clusters_and_credentials(path):
    with serving(database=path) as before:
        before.add("cat", machine(nodes=2))
    with serving(database=path) as client:
        assert client.candidates(nodes(2)) == ["cat"]
        assert client.candidates(nodes(3)) == []
        assert client.register("cat").status == Registration.REGISTER_EXISTS
        client.tokens, client.secrets = before.tokens, before.secrets
        assert client.submit("cat").cluster == "cat"
        assert client.submit("cat", tokens={"cat": "wrong"}).status == Submission.SUBMIT_DENIED
        assert client.receive("cat").status == Reception.REQUEST_JOBS_SUCCESS
        assert client.receive("cat", secret="wrong").status == Reception.REQUEST_JOBS_DENIED


def test_a_restart_keeps_subsystems(path):
    with serving(database=path) as before:
        before.add("cat", os=on("n0", vendor="rocky"), mpi=on("n0", version="4.1"))
        before.delete_subsystem("mpi")
    with serving(database=path) as client:
        assert client.candidates(nodes(1, needs("os", "vendor", "rocky"))) == ["cat"]
        assert client.candidates(nodes(1, needs("mpi", "version", "4.1"))) == []
        assert client.register_subsystem("cat", "os", on("n0"), before.secrets["cat"]).status == (
            Registration.REGISTER_EXISTS
        )


def test_a_restart_keeps_state(path):
    with serving(database=path) as before:
        before.add("cat")
        before.update(a=1, b="☃\ud800", c=True, d=1.5)
        before.update(a=2)
    with serving(database=path) as client:
        client.tokens = before.tokens
        expression = "a == 2 and c == True and d == 1.5 and b != ''"
        assert client.choose("cat", priorities=[[{"filter": expression}]]).cluster == "cat"


def test_a_restart_keeps_jobs_as_they_were(path):
    with serving(database=path) as before:
        before.add("cat")
        spec = jobspec(attributes={"text": 'it\'s "☃"\n\0%\ud800'})
        ids = [before.submit("cat", name=f"it's ☃ {number}", spec=spec).jobid for number in range(3)]
        before.accept(ids[1])
        jobs = dict(before.receive("cat").jobs)
    with serving(database=path) as client:
        client.secrets = before.secrets
        assert dict(client.receive("cat").jobs) == jobs
        assert sorted(jobs) == [ids[0], ids[2]]
        assert client.accept(ids[0]).status == Acceptance.RESULT_TYPE_SUCCESS
        assert client.accept(ids[1]).status == Acceptance.RESULT_TYPE_PARTIAL


def test_an_id_is_never_given_twice(path):
    with serving(database=path) as before:
        before.add("cat")
        given = [before.submit("cat").jobid for _ in range(3)]
        before.accept(*given)
    for _ in range(2):
        with serving(database=path) as client:
            client.tokens, client.secrets = before.tokens, before.secrets
            given.append(client.submit("cat").jobid)
            client.accept(given[-1])
    assert given == [1, 2, 3, 4, 5]


def test_a_restart_does_not_bring_back_what_was_deleted(path):
    with serving(database=path) as before:
        before.add("cat", os=on("n0", vendor="rocky"))
        before.submit("cat")
        before.delete()
    check(path)
    with serving(database=path) as client:
        assert client.candidates(nodes()) == []
        client.add("cat")
        assert client.receive("cat").status == Reception.REQUEST_JOBS_NORESULTS
        assert client.candidates(nodes(1, needs("os", "vendor", "rocky"))) == []


def test_an_adopted_cluster_is_kept(path):
    with serving(database=path) as before:
        before.adopt("cat")
    with serving(database=path) as client:
        assert client.candidates(nodes()) == ["cat"]


def test_a_refused_registration_leaves_nothing_on_disk(path):
    with serving(database=path) as before:
        for refused in (before.register, before.adopt):
            with pytest.raises(grpc.RpcError, match="INVALID_ARGUMENT"):
                refused("cat", "{}")
    with serving(database=path) as client:
        assert client.register("cat").status == Registration.REGISTER_SUCCESS


def test_cleanup_starts_with_nothing(path):
    with serving(database=path) as before:
        before.add("cat")
        before.submit("cat")
    with serving(database=path, cleanup=True) as client:
        assert client.candidates(nodes()) == []
        client.add("cat")
        assert client.receive("cat").status == Reception.REQUEST_JOBS_NORESULTS
        assert client.submit("cat").jobid == 1
    check(path)


# The file


def test_without_a_file_there_is_none(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with RainbowProcess() as process, connected(process.address) as client:
        client.register("cat", secret=process.secret)
        client.submit("cat")
    assert list(tmp_path.iterdir()) == []


def test_only_its_owner_reads_the_file(path):
    mask = os.umask(0)
    try:
        with serving(database=path) as client:
            client.add("cat")
            files = list(path.parent.iterdir())
            assert len(files) > 1
            assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    finally:
        os.umask(mask)


def test_a_name_that_means_something_to_sqlite_is_only_a_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / ":memory:"
    with serving(database=path.relative_to(tmp_path)) as client:
        client.add("cat")
    with serving(database=path) as client:
        assert client.candidates(nodes()) == ["cat"]


def test_an_empty_file_is_an_empty_database(path):
    path.touch()
    with serving(database=path) as client:
        client.add("cat")
    check(path)


@pytest.mark.parametrize("flags", [[], ["--cleanup"]])
def test_a_second_server_on_a_file_is_refused_and_disturbs_nothing(path, flags):
    with serving(database=path) as client:
        assert f"cannot open the database {path}: database is locked" in fails_to_start("--db", path, *flags)
        client.add("cat")
    with serving(database=path) as client:
        assert client.candidates(nodes()) == ["cat"]
        assert "no other server using it" in fails_to_start("--db", path, *flags)  # though nothing was written


def test_a_second_server_in_one_process_leaves_the_first_its_locks(path):
    with serving(database=path):
        with pytest.raises(DatabaseError, match="database is locked"):
            Server(ServerOptions(database=path))
        assert "database is locked" in fails_to_start("--db", path)


def make(path, script):
    """Make a SQLite file."""
    with closing(sqlite3.connect(path)) as database:
        database.executescript(script)


def other_version(path):
    with serving(database=path) as client:
        client.add("cat")
    make(path, f"PRAGMA user_version = {SCHEMA_VERSION + 1}")


STRANGERS = {
    "text": (lambda path: path.write_text("Dear diary, today I learnt of --db.\n" * 100), "file is not a database"),
    "another program's": (lambda path: make(path, "CREATE TABLE diary (day TEXT)"), "another program made it"),
    "another program's of this version": (
        lambda path: make(path, f"CREATE TABLE clusters (name TEXT); PRAGMA user_version = {SCHEMA_VERSION}"),
        "another program made it",
    ),
    "another version": (other_version, f"it has version {SCHEMA_VERSION + 1}, expected {SCHEMA_VERSION}"),
    "a folder": (lambda path: path.mkdir(), "unable to open database file"),
}


@pytest.mark.parametrize("flags", [[], ["--cleanup"]])
@pytest.mark.parametrize(("make_it", "problem"), STRANGERS.values(), ids=STRANGERS)
def test_what_is_no_database_of_this_program_is_refused_and_left_alone(path, make_it, problem, flags):
    make_it(path)
    before = path.read_bytes() if path.is_file() else None
    assert f"cannot open the database {path}: {problem}" in fails_to_start("--db", path, *flags)
    assert (path.read_bytes() if path.is_file() else None) == before
    assert list(path.parent.iterdir()) == [path]


def test_a_missing_folder_is_an_error(tmp_path):
    assert "No such file or directory" in fails_to_start("--db", tmp_path / "missing" / "rainbow.db")
    assert list(tmp_path.iterdir()) == []


def test_a_database_with_a_broken_graph_is_an_error(path):
    with serving(database=path) as client:
        client.add("cat")
    make(path, "UPDATE clusters SET nodes = '{'")
    assert "found no JSON" in fails_to_start("--db", path)


@pytest.mark.parametrize("file", ["/dev/null", "/dev/full"])
def test_a_device_is_no_database(file):
    assert f"cannot open the database {file}" in fails_to_start("--db", file)


def test_a_port_in_use_leaves_no_file_and_cleans_none(path, tmp_path):
    with serving(database=path) as client:
        client.add("cat")
    with RainbowProcess() as process:
        fails_to_start("--db", path, "--cleanup", "--host", process.address)
        fails_to_start("--db", tmp_path / "new.db", "--host", process.address)
    assert not (tmp_path / "new.db").exists()
    with serving(database=path) as client:
        assert client.candidates(nodes()) == ["cat"]


# Disks that fail


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="there is no prlimit")
def test_a_full_disk_fails_calls_and_loses_nothing_that_was_acknowledged(path):
    with RainbowProcess("--db", str(path)) as process, connected(process.address) as client:
        client.register("cat", secret=process.secret)
        acknowledged = {client.submit("cat").jobid for _ in range(20)}
        limit = path.with_name(f"{path.name}-wal").stat().st_size + 100_000
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (limit, limit))
        details = None
        while details is None:
            try:
                acknowledged.add(client.submit("cat").jobid)
            except grpc.RpcError as error:
                code, details = error.code().name, error.details()
        assert code == "UNAVAILABLE"
        assert "cannot write the database" in details
        for call in (client.submit, client.delete, client.update, client.receive):
            assert refusal(call, "cat")[0].name == "UNAVAILABLE"
        assert refusal(client.register, "dog", secret=process.secret)[0].name == "UNAVAILABLE"
        assert client.candidates(nodes()) == ["cat"]  # what needs no disk is answered
    assert len(acknowledged) > 20
    with serving(database=path) as after:
        after.secrets = client.secrets
        assert acknowledged <= set(after.receive("cat").jobs)
    check(path)


def test_a_write_that_fails_is_the_last(path):
    database = Database(path)
    insert = "INSERT INTO clusters (name, token, secret, nodes) VALUES (?, '', '', '')"
    database.write((insert, ("cat",))).result(10)
    with pytest.raises(DatabaseError, match="UNIQUE constraint failed"):
        database.write((insert, ("dog",)), (insert, ("cat",))).result(10)
    with pytest.raises(DatabaseError, match="mend that and restart"):
        database.write((insert, ("emu",))).result(10)
    with pytest.raises(DatabaseError):
        database.settle()
    database.close()
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT name FROM clusters").fetchall() == [("cat",)]


def test_a_write_of_what_sqlite_cannot_hold_is_answered(path):
    database = Database(path)
    with pytest.raises(DatabaseError):
        database.write(("DELETE FROM jobs WHERE id = ?", (2**64,))).result(10)
    database.close()


def test_nothing_is_written_after_the_end(path):
    database = Database(path)
    database.close()
    with pytest.raises(DatabaseError, match="is closed"):
        database.write(("DELETE FROM jobs", ())).result(10)


# Servers that are killed


@pytest.mark.parametrize("round_", range(5 if STRESS else 2))
def test_a_server_killed_in_mid_load_loses_nothing_that_was_acknowledged(path, round_, capsys):
    started = time.monotonic()
    missing, twice, untold, before = killed_in_mid_load(path, submissions=10_000 if STRESS else 400)
    if STRESS:
        with capsys.disabled():
            print(
                f"\nround {round_}: killed after {before}; missing {missing}, duplicated {twice}, "
                f"held though not acknowledged {untold}; {time.monotonic() - started:.1f} s"
            )
    assert (missing, twice) == (0, 0)
    assert untold <= 4  # one for each client that waited for an answer


def test_a_server_killed_while_it_changes_has_nothing_half_done(path):
    """Every call of the log that was answered is there, and of the last one all or nothing."""
    with RainbowProcess("--db", str(path)) as process, connected(process.address) as before:
        for number in range(10):
            name = f"cluster-{number}"
            before.register(name, secret=process.secret)
            before.register_subsystem(name, "os", on("n0", vendor="rocky"))
            assert before.update(name, x=number).status == Update.UPDATE_STATE_SUCCESS
            before.submit(name)
        before.delete("cluster-3")
        before.delete_subsystem("os", "cluster-4")
        kill(process)
    check(path)
    left = [f"cluster-{number}" for number in range(10) if number != 3]
    with serving(database=path, secret=SECRET) as client:
        client.secrets, client.tokens = before.secrets, before.tokens
        assert client.candidates(nodes()) == left
        assert client.candidates(nodes(1, needs("os", "vendor", "rocky"))) == [n for n in left if n != "cluster-4"]
        for name in left:
            assert [json.loads(text)["cluster"] for text in client.receive(name).jobs.values()] == [name]
            assert client.choose(name, priorities=[[{"filter": f"x == {name[-1]}"}]]).cluster == name
