"""A rainbow under test, well-behaved or not: every call ends, in an answer or in an error that says what happened."""

import os
import signal
import socket
import threading
import time
from pathlib import Path

import grpc
import pytest

from pytest_compat.errors import SchedulerError, SchedulerUnavailable
from pytest_compat.model import Jobspec, Requirement, Resource, Task
from pytest_compat.rainbow.process import RainbowProcess
from pytest_compat.rainbow.proto import memory_pb2, rainbow_pb2
from pytest_compat.schedulers import Assignment
from pytest_compat.schedulers import rainbow as rainbows
from pytest_compat.schedulers.binary import BinaryProcess
from pytest_compat.schedulers.rainbow import EmbeddedRainbow, RainbowScheduler

Registration = rainbow_pb2.RegisterResponse
Submission = rainbow_pb2.SubmitJobResponse
Reception = rainbow_pb2.ReceiveJobsResponse
Acceptance = rainbow_pb2.AcceptJobsResponse
Satisfaction = memory_pb2.SatisfyResponse


def job(*requires):
    nodes = Resource("node", 1, True, requires)
    return Jobspec("job", {"job": nodes}, (Task(("true",), "job"),))


ROCKY = job(Requirement("os", "vendor", match="rocky"))
NOWHERE = job(Requirement("os", "vendor", match="plan9"))


@pytest.fixture
def connect(faulty):
    """Return a function that makes a scheduler of the faulty rainbow, and closes it in the end."""
    made = []

    def connect(**more):
        made.append(RainbowScheduler(faulty.address, **{"secret": faulty.secret, **more}))
        return made[-1]

    yield connect
    for scheduler in made:
        scheduler.close()


@pytest.fixture
def scheduler(connect, clusters):
    """A scheduler with six clusters registered."""
    scheduler = connect()
    scheduler.open(clusters)
    return scheduler


@pytest.fixture
def impatient(monkeypatch):
    """Ways to connect that are given up within a fraction of a second."""
    monkeypatch.setattr(rainbows, "CONNECT_SECONDS", 0.3)


@pytest.fixture
def released():
    """An event that calls can hang on, set in the end."""
    event = threading.Event()
    yield event
    event.set()


def test_two_runs_on_one_server_do_not_meet(connect, clusters):
    one, other = connect(), connect()
    one.open(clusters[:3])
    other.open(clusters)
    assert len(one.candidates(ROCKY)) == 3
    assert len(other.candidates(ROCKY)) == 3
    assigned = one.submit(ROCKY, "mine", "key").cluster
    assert other.receive(assigned) == []
    assert one.receive(assigned) == ["mine"]


def test_clusters_of_others_are_left_out(connect, clusters, faulty):
    connect(prefix="others-").open(clusters)
    mine = connect()
    mine.open(clusters[:1])
    assert mine.candidates(job()) == [clusters[0].name]
    assert mine.submit(job(), "job", "key").cluster == clusters[0].name


def test_registering_the_same_names_again_is_an_error(connect, clusters):
    connect(prefix="").open(clusters)
    with pytest.raises(SchedulerError, match="found REGISTER_EXISTS, expected REGISTER_SUCCESS"):
        connect(prefix="").open(clusters)


def test_a_wrong_registration_secret_is_an_error_that_does_not_tell_it(connect, clusters):
    with pytest.raises(SchedulerError, match="found REGISTER_DENIED") as raised:
        connect(secret="my-secret").open(clusters)
    assert "my-secret" not in str(raised.value)


@pytest.mark.parametrize("status", [Registration.REGISTER_UNSPECIFIED, Registration.REGISTER_ERROR, 77])
@pytest.mark.parametrize("method", ["Register", "RegisterSubsystem"])
def test_a_registration_that_fails_is_an_error(connect, clusters, faulty, method, status):
    faulty.says(method, Registration(status=status))
    with pytest.raises(SchedulerError, match=f"{method} at {faulty.address} for .*, expected REGISTER_SUCCESS"):
        connect().open(clusters)


@pytest.mark.parametrize("status", [Satisfaction.RESULT_TYPE_UNSPECIFIED, Satisfaction.RESULT_TYPE_ERROR, 77])
def test_a_satisfy_that_fails_is_an_error(scheduler, faulty, status):
    faulty.says("Satisfy", Satisfaction(status=status))
    for call in (lambda: scheduler.candidates(ROCKY), lambda: scheduler.submit(ROCKY, "job", "key")):
        with pytest.raises(SchedulerError, match="expected RESULT_TYPE_SUCCESS"):
            call()


def test_a_satisfy_that_names_a_stranger_is_an_error(connect, clusters, faulty):
    scheduler = connect(prefix="run-")
    scheduler.open(clusters)
    names = [f"run-{clusters[0].name}", "run-stranger"]
    faulty.says("Satisfy", Satisfaction(status=Satisfaction.RESULT_TYPE_SUCCESS, clusters=names))
    with pytest.raises(SchedulerError, match="Satisfy named 'run-stranger', a cluster that was not registered"):
        scheduler.submit(ROCKY, "job", "key")
    assert "SubmitJob" not in faulty.asked


@pytest.mark.parametrize("status", [Submission.SUBMIT_UNSPECIFIED, Submission.SUBMIT_ERROR, Submission.SUBMIT_DENIED])
def test_a_submission_that_fails_is_an_error(scheduler, faulty, status):
    faulty.says("SubmitJob", Submission(status=status))
    for call in (lambda: scheduler.candidates(ROCKY), lambda: scheduler.submit(ROCKY, "job", "key")):
        with pytest.raises(
            SchedulerError, match=f"found {Submission.ResultType.Name(status)}, expected SUBMIT_SUCCESS"
        ):
            call()


@pytest.mark.parametrize("name", ["", "stranger"])
def test_a_job_assigned_to_a_stranger_is_an_error(scheduler, faulty, name):
    faulty.says("SubmitJob", Submission(status=Submission.SUBMIT_SUCCESS, cluster=name))
    with pytest.raises(SchedulerError, match=f"SubmitJob named '{name}', a cluster that was not registered"):
        scheduler.submit(ROCKY, "job", "key")


def test_a_stranger_among_the_contenders_is_an_error(scheduler, faulty):
    faulty.says("SubmitJob", Submission(status=Submission.SUBMIT_SUCCESS, clusters=["stranger"]))
    with pytest.raises(SchedulerError, match="SubmitJob named 'stranger'"):
        scheduler.candidates(ROCKY)


def test_contenders_that_are_fewer_than_satisfy_named_are_an_error(scheduler, clusters, faulty):
    name = next(iter(scheduler._contenders))
    faulty.says("SubmitJob", Submission(status=Submission.SUBMIT_SUCCESS, clusters=[name]))
    with pytest.raises(SchedulerError, match=r"left out .* and 2 more, expected all clusters that Satisfy named"):
        scheduler.candidates(job())


def test_a_job_that_no_cluster_satisfies_is_not_submitted(scheduler, faulty):
    assert scheduler.submit(NOWHERE, "job", "key") == Assignment(None, ())
    assert scheduler.candidates(NOWHERE) == []
    assert "SubmitJob" not in faulty.asked


@pytest.mark.parametrize("text", ["", "{", "[]", "5", "null", "{}", '"name"'])
def test_a_received_job_without_a_name_is_an_error(scheduler, faulty, clusters, text):
    faulty.says("ReceiveJobs", Reception(status=Reception.REQUEST_JOBS_SUCCESS, jobs={1: text}))
    faulty.says("AcceptJobs", Acceptance(status=Acceptance.RESULT_TYPE_SUCCESS))
    with pytest.raises(SchedulerError, match="no JSON object with a name"):
        scheduler.receive(clusters[0].name)


@pytest.mark.parametrize("status", [Reception.REQUEST_JOBS_ERROR, Reception.REQUEST_JOBS_DENIED])
def test_a_reception_that_fails_is_an_error(scheduler, faulty, clusters, status):
    faulty.says("ReceiveJobs", Reception(status=status))
    with pytest.raises(SchedulerError, match=f"ReceiveJobs .*: found {Reception.ResultType.Name(status)}"):
        scheduler.receive(clusters[0].name)


@pytest.mark.parametrize("status", [Acceptance.RESULT_TYPE_PARTIAL, Acceptance.RESULT_TYPE_ERROR])
def test_jobs_that_are_not_all_accepted_are_an_error(scheduler, faulty, status):
    assigned = scheduler.submit(ROCKY, "job", "key").cluster
    faulty.says("AcceptJobs", Acceptance(status=status))
    with pytest.raises(SchedulerError, match=f"AcceptJobs .*: found {Acceptance.ResultType.Name(status)}"):
        scheduler.receive(assigned)


@pytest.mark.parametrize("code", [grpc.StatusCode.UNKNOWN, grpc.StatusCode.INTERNAL, grpc.StatusCode.UNIMPLEMENTED])
def test_a_call_that_fails_leaves_the_next_one_to_be_tried(scheduler, faulty, code):
    faulty.fails("SubmitJob", code, "constraint failed")
    with pytest.raises(SchedulerError, match=f"SubmitJob at .* failed: {code.name}: constraint failed") as raised:
        scheduler.submit(ROCKY, "job", "key")
    assert not isinstance(raised.value, SchedulerUnavailable)
    del faulty.scheduler.answers["SubmitJob"]
    assert scheduler.submit(ROCKY, "job", "key").cluster


def test_a_handler_that_crashes_is_an_error(scheduler, faulty):
    faulty.graph.answers["Satisfy"] = lambda request, context: 1 / 0
    with pytest.raises(SchedulerError, match=r"Satisfy at .* failed: UNKNOWN"):
        scheduler.submit(ROCKY, "job", "key")


def test_an_answer_that_cannot_be_sent_is_an_error(scheduler, faulty):
    faulty.says("Satisfy", None)
    with pytest.raises(SchedulerError, match=r"Satisfy at .* failed"):
        scheduler.submit(ROCKY, "job", "key")


@pytest.fixture
def hurried(connect, clusters, impatient):
    """A scheduler with six clusters registered whose calls have a fraction of a second."""
    scheduler = connect(timeout=0.3)
    scheduler.open(clusters)
    return scheduler


@pytest.mark.parametrize("method", ["Satisfy", "SubmitJob"])
def test_a_call_that_hangs_is_an_error_that_says_for_which_job(hurried, faulty, released, method):
    faulty.hangs(method, released)
    with pytest.raises(
        SchedulerError,
        match=rf"{method} at .* for job job failed: DEADLINE_EXCEEDED: no answer within 0\.3 seconds",
    ) as raised:
        hurried.submit(ROCKY, "job", "key")
    assert not isinstance(raised.value, SchedulerUnavailable)


def test_what_had_no_answer_is_not_asked_again(hurried, faulty, released):
    faulty.hangs("Satisfy", released)
    with pytest.raises(SchedulerError):
        hurried.submit(ROCKY, "job", "key")
    asked = len(faulty.asked)
    for call in (lambda: hurried.candidates(ROCKY), lambda: hurried.submit(ROCKY, "again", "key")):
        with pytest.raises(SchedulerError, match=r"not asked again: Satisfy at .* DEADLINE_EXCEEDED"):
            call()
    assert len(faulty.asked) == asked
    del faulty.graph.answers["Satisfy"]
    assert hurried.submit(NOWHERE, "other", "key") == Assignment(None, ())


def test_a_server_that_hangs_too_often_is_given_up(hurried, faulty, released):
    faulty.hangs("Satisfy", released)
    for number in range(1, rainbows.MOST_UNANSWERED):
        with pytest.raises(SchedulerError) as raised:
            hurried.candidates(job(Requirement("os", "vendor", match=str(number))))
        assert not isinstance(raised.value, SchedulerUnavailable)
    with pytest.raises(SchedulerUnavailable, match="DEADLINE_EXCEEDED"):
        hurried.candidates(ROCKY)


def test_a_server_that_answers_nothing_costs_one_deadline(hurried, faulty, released, clusters):
    for method in ("Satisfy", "ReceiveJobs"):
        faulty.hangs(method, released)
    begin = time.monotonic()
    for _ in range(100):
        with pytest.raises(SchedulerUnavailable, match=r"Satisfy at .* DEADLINE_EXCEEDED"):
            hurried.submit(ROCKY, "job", "key")
    assert time.monotonic() - begin < 3


def test_registration_that_hangs_ends_the_run(impatient, connect, clusters, faulty, released):
    faulty.hangs("Register", released)
    with pytest.raises(SchedulerUnavailable, match=r"Register at .* for .* failed: DEADLINE_EXCEEDED"):
        connect().open(clusters)


def test_what_is_lost_is_not_asked_again(scheduler, faulty, clusters):
    faulty.fails("Satisfy", grpc.StatusCode.UNAVAILABLE, "going down")
    with pytest.raises(SchedulerUnavailable, match="UNAVAILABLE: going down"):
        scheduler.submit(ROCKY, "job", "key")
    asked = len(faulty.asked)
    for call in (
        lambda: scheduler.candidates(ROCKY),
        lambda: scheduler.submit(ROCKY, "job", "key"),
        lambda: scheduler.receive(clusters[0].name),
    ):
        with pytest.raises(SchedulerUnavailable, match=r"Satisfy at .* failed: UNAVAILABLE: going down"):
            call()
    assert len(faulty.asked) == asked


def test_a_server_that_goes_is_unavailable(scheduler, faulty):
    faulty.stop()
    begin = time.monotonic()
    with pytest.raises(SchedulerUnavailable, match="UNAVAILABLE"):
        scheduler.submit(ROCKY, "job", "key")
    assert time.monotonic() - begin < 10


def test_a_server_that_goes_during_a_call_is_unavailable(scheduler, faulty, released):
    faulty.hangs("SubmitJob", released)
    threading.Timer(0.2, faulty.server.stop, [None]).start()
    with pytest.raises(SchedulerUnavailable, match="SubmitJob"):
        scheduler.submit(ROCKY, "job", "key")


def test_where_nothing_listens_the_address_and_what_was_tried_are_named(impatient):
    with pytest.raises(SchedulerUnavailable, match=r"no rainbow answers at localhost:1: tried to connect with gRPC"):
        RainbowScheduler("localhost:1", secret="x").open([])


def test_what_does_not_speak_grpc_is_unavailable(impatient):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(SchedulerUnavailable, match=f"no rainbow answers at {address}"):
            RainbowScheduler(address, secret="x").open([])


def test_closing_is_harmless_at_any_time(scheduler, faulty):
    RainbowScheduler("localhost:1", secret="x").close()
    scheduler.close()
    scheduler.close()


def test_a_token_is_used_for_every_cluster_in_place_of_their_own(connect, clusters, faulty):
    sent = []

    def submit(request, context):
        sent.extend(cluster.token for cluster in request.clusters)
        return Submission(status=Submission.SUBMIT_SUCCESS, cluster=request.clusters[0].name)

    faulty.scheduler.answers["SubmitJob"] = submit
    scheduler = connect(token="one-for-all")
    scheduler.open(clusters)
    scheduler.submit(ROCKY, "job", "key")
    assert sent == ["one-for-all"] * 3


class TestDelete:
    @pytest.fixture
    def deleted(self, faulty):
        """The requests to delete clusters so far, each of which is answered well."""
        deleted = []

        def delete(request, context):
            deleted.append((request.name, request.secret))
            return rainbow_pb2.DeleteResponse(status=rainbow_pb2.DeleteResponse.DELETE_SUCCESS)

        faulty.scheduler.answers["Delete"] = delete
        return deleted

    def test_close_deletes_every_cluster_with_its_own_secret(self, connect, clusters, deleted):
        scheduler = connect(prefix="run-")
        scheduler.open(clusters)
        scheduler.close()
        assert [name for name, _ in deleted] == [f"run-{cluster.name}" for cluster in clusters]
        assert [secret for _, secret in deleted] == list(scheduler._secrets.values())

    def test_clusters_of_a_registration_that_failed_half_way_are_deleted(self, connect, clusters, faulty, deleted):
        faulty.says("RegisterSubsystem", Registration(status=Registration.REGISTER_ERROR))
        scheduler = connect(prefix="run-")
        with pytest.raises(SchedulerError):
            scheduler.open(clusters)
        scheduler.close()
        assert [name for name, _ in deleted] == [f"run-{clusters[0].name}"]

    def test_a_server_that_cannot_delete_is_not_asked_twice_and_not_blamed(self, scheduler, faulty, caplog):
        faulty.fails("Delete", grpc.StatusCode.UNIMPLEMENTED)
        scheduler.close()
        assert faulty.asked.count("Delete") == 1
        assert not caplog.records

    @pytest.mark.parametrize("status", [rainbow_pb2.DeleteResponse.DELETE_DENIED, 77])
    def test_clusters_that_stay_are_one_warning(self, scheduler, faulty, caplog, status):
        faulty.says("Delete", rainbow_pb2.DeleteResponse(status=status))
        scheduler.close()
        assert faulty.asked.count("Delete") == 6
        (record,) = caplog.records
        assert "stay registered at" in record.message
        assert "expected DELETE_SUCCESS" in record.message

    def test_deleting_ends_with_a_server_that_hangs(self, hurried, faulty, released, caplog):
        faulty.hangs("Delete", released)
        hurried.close()
        assert faulty.asked.count("Delete") == 1
        assert "DEADLINE_EXCEEDED" in caplog.text

    def test_a_server_that_is_lost_is_not_asked(self, scheduler, faulty, caplog):
        faulty.fails("Satisfy", grpc.StatusCode.UNAVAILABLE)
        with pytest.raises(SchedulerUnavailable):
            scheduler.candidates(ROCKY)
        scheduler.close()
        assert "Delete" not in faulty.asked
        assert not caplog.records


class TestSecrets:
    @pytest.mark.parametrize("method", ["Register", "Satisfy", "SubmitJob", "ReceiveJobs", "Delete"])
    def test_what_a_server_repeats_is_not_passed_on(self, connect, clusters, faulty, caplog, method):
        scheduler = connect(token="one-for-all")
        told = f"{faulty.secret}, one-for-all"
        if method != "Register":
            scheduler.open(clusters)
            told += ", ".join(scheduler._secrets.values())
        faulty.fails(method, grpc.StatusCode.INTERNAL, f"no luck with {told}")
        calls = {
            "Register": lambda: scheduler.open(clusters),
            "ReceiveJobs": lambda: scheduler.receive(clusters[0].name),
            "Delete": scheduler.close,
        }
        message = ""
        try:
            calls.get(method, lambda: scheduler.candidates(job()))()
        except SchedulerError as error:
            message = str(error)
        assert "no luck with ***" in message + caplog.text
        for secret in (faulty.secret, "one-for-all", *scheduler._secrets.values()):
            assert secret not in message + caplog.text + repr(scheduler)


class TestEmbedded:
    @pytest.fixture
    def embedded(self):
        scheduler = EmbeddedRainbow()
        yield scheduler
        scheduler.close()

    def test_assigns_jobs_that_their_clusters_receive(self, embedded, clusters):
        embedded.open(clusters)
        assigned = {
            f"job-{number}": embedded.submit(ROCKY, f"job-{number}", str(number)).cluster for number in range(20)
        }
        received = {name: cluster.name for cluster in clusters for name in embedded.receive(cluster.name)}
        assert received == assigned
        assert set(assigned.values()) == set(embedded.candidates(ROCKY))

    def test_close_ends_the_process(self, embedded, clusters):
        embedded.open(clusters)
        pid = embedded._process.pid
        embedded.close()
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)

    def test_a_process_that_is_killed_is_unavailable(self, embedded, clusters):
        embedded.open(clusters)
        os.kill(embedded._process.pid, signal.SIGKILL)
        with pytest.raises(SchedulerUnavailable, match=f"at {embedded.address} for job job failed: UNAVAILABLE"):
            embedded.submit(ROCKY, "job", "key")

    def test_a_process_that_stands_still_is_unavailable(self, impatient, embedded, clusters, monkeypatch):
        embedded.open(clusters)
        embedded._timeout = 0.3
        monkeypatch.setattr("pytest_compat.rainbow.process.STOP_SECONDS", 0.2)
        os.kill(embedded._process.pid, signal.SIGSTOP)
        with pytest.raises(SchedulerUnavailable, match="DEADLINE_EXCEEDED"):
            embedded.submit(ROCKY, "job", "key")

    def test_a_process_that_cannot_start_leaves_nothing_to_close(self, embedded, clusters, monkeypatch, tmp_path):
        monkeypatch.setattr("pytest_compat.rainbow.process.sys.executable", str(tmp_path / "python"))
        with pytest.raises(SchedulerUnavailable, match="the embedded rainbow did not start"):
            embedded.open(clusters)


def test_secrets_are_words_that_no_command_line_takes_for_an_option(tmp_path: Path) -> None:
    """One of 64 that begin with a dash would keep a server from starting, now and then."""
    made = [RainbowProcess().secret, BinaryProcess(tmp_path).secret]
    assert all(secret.isalnum() and len(secret) == 32 for secret in made)
