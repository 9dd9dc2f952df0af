"""A client of any rainbow, for people: clusters that register, users who submit, clusters that receive."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import grpc

from pytest_compat.errors import SchedulerError, SchedulerUnavailable
from pytest_compat.rainbow.proto import memory_pb2, memory_pb2_grpc, rainbow_pb2, rainbow_pb2_grpc
from pytest_compat.rainbow.server import MESSAGE_LIMITS

PATIENCE = 10.0
"""Seconds in which a server that is away may come back."""

CALL_SECONDS = 20.0
"""What one call may take."""

_BACKOFF = (
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.min_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 3000),
)


@dataclass(frozen=True)
class Credentials:
    """What registering a cluster gives: a token to submit to it with, and a secret to receive its jobs with."""

    token: str
    secret: str


@dataclass(frozen=True)
class Satisfied:
    """Which clusters could run a job.

    Args:
        clusters: Their names.
        total: How many clusters were looked at.
        mismatches: How many of them could not.
    """

    clusters: tuple[str, ...]
    total: int
    mismatches: int


@dataclass(frozen=True)
class Received:
    """A job that a cluster was given.

    Args:
        id: Its number, which accepting it takes.
        name: Its name.
        jobspec: The jobspec, as text.
    """

    id: int
    name: str
    jobspec: str


class RainbowClient:
    """A channel to a rainbow; a context manager that closes it.

    Args:
        host: HOST:PORT.
        patience: Seconds to wait for a server that is away; it is tried again and again, less and less often.
        credentials: Of a channel that speaks TLS; None for plain text.
    """

    def __init__(
        self, host: str, *, patience: float = PATIENCE, credentials: grpc.ChannelCredentials | None = None
    ) -> None:
        self._host = host
        options = [*MESSAGE_LIMITS, *_BACKOFF]
        self._channel = (
            grpc.insecure_channel(host, options=options)
            if credentials is None
            else grpc.secure_channel(host, credentials, options=options)
        )
        self._scheduler: Any = rainbow_pb2_grpc.RainbowSchedulerStub(self._channel)
        self._graph: Any = memory_pb2_grpc.MemoryGraphStub(self._channel)
        self._patience = patience

    def __enter__(self) -> RainbowClient:
        """Wait until the server answers.

        Raises:
            SchedulerUnavailable: It did not in time.
        """
        try:
            grpc.channel_ready_future(self._channel).result(timeout=self._patience)
        except grpc.FutureTimeoutError:
            self._channel.close()
            raise SchedulerUnavailable(
                f"no rainbow answers at {self._host}: tried for {self._patience:g} seconds; is it running, and is "
                f"this its host and port?"
            ) from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the channel."""
        self._channel.close()

    def register(self, name: str, secret: str, nodes: str) -> Credentials:
        """Register a cluster.

        Args:
            name: Its name.
            secret: The registration secret of the server.
            nodes: Its containment graph, JGF.

        Raises:
            SchedulerError: It is registered already, the secret is wrong, or the graph is none.
        """
        request = rainbow_pb2.RegisterRequest(name=name, secret=secret, nodes=nodes)
        response = self._call("Register", request)
        if response.status == rainbow_pb2.RegisterResponse.REGISTER_EXISTS:
            raise SchedulerError(f"{name} is registered already; delete it first, or register under another name")
        self._expect("Register", response, rainbow_pb2.RegisterResponse.REGISTER_SUCCESS, name)
        return Credentials(response.token, response.secret)

    def subsystem(self, cluster: str, secret: str, subsystem: str, nodes: str) -> None:
        """Register a subsystem graph of a cluster, with the cluster's secret."""
        request = rainbow_pb2.RegisterRequest(name=cluster, secret=secret, subsystem=subsystem, nodes=nodes)
        response = self._call("RegisterSubsystem", request)
        self._expect("RegisterSubsystem", response, rainbow_pb2.RegisterResponse.REGISTER_SUCCESS, subsystem)

    def state(self, cluster: str, secret: str, state: Mapping[str, Any]) -> None:
        """Tell the state of a cluster: numbers and texts by name, which are added to those told before."""
        request = rainbow_pb2.UpdateStateRequest(cluster=cluster, secret=secret, payload=json.dumps(dict(state)))
        response = self._call("UpdateState", request)
        self._expect("UpdateState", response, rainbow_pb2.UpdateStateResponse.UPDATE_STATE_SUCCESS, cluster)

    def delete(self, cluster: str, secret: str) -> None:
        """Delete a cluster and all that it has."""
        response = self._call("Delete", rainbow_pb2.DeleteRequest(name=cluster, secret=secret))
        self._expect("Delete", response, rainbow_pb2.DeleteResponse.DELETE_SUCCESS, cluster)

    def satisfy(self, jobspec: Mapping[str, Any]) -> Satisfied:
        """Ask which clusters could run a job."""
        request = memory_pb2.SatisfyRequest(payload=json.dumps(dict(jobspec)), matcher="match")
        response = self._call("Satisfy", request, graph=True)
        self._expect("Satisfy", response, memory_pb2.SatisfyResponse.RESULT_TYPE_SUCCESS, "the job")
        return Satisfied(tuple(sorted(response.clusters)), response.total_clusters, response.total_mismatches)

    def submit(
        self,
        name: str,
        jobspec: Mapping[str, Any],
        tokens: Mapping[str, str],
        algorithm: str = "random",
        options: Mapping[str, str] | None = None,
    ) -> str:
        """Submit a job to one of some clusters, and return which the server selected.

        Args:
            name: What the job is called.
            jobspec: The jobspec.
            tokens: By cluster, what to submit to it with.
            algorithm: How to select.
            options: Of the algorithm.
        """
        clusters = [rainbow_pb2.SubmitJobRequest.Cluster(name=each, token=token) for each, token in tokens.items()]
        request = rainbow_pb2.SubmitJobRequest(
            name=name,
            clusters=clusters,
            jobspec=json.dumps(dict(jobspec)),
            select_algorithm=algorithm,
            select_options=dict(options or {}),
        )
        response = self._call("SubmitJob", request)
        self._expect("SubmitJob", response, rainbow_pb2.SubmitJobResponse.SUBMIT_SUCCESS, name)
        return str(response.cluster)

    def receive(self, cluster: str, secret: str, most: int = 0) -> Sequence[Received]:
        """Return the jobs of a cluster, lowest numbers first; they stay there until they are accepted.

        Raises:
            SchedulerError: A job is none.
        """
        request = rainbow_pb2.ReceiveJobsRequest(cluster=cluster, secret=secret, maxJobs=most)
        response = self._call("ReceiveJobs", request)
        if response.status == rainbow_pb2.ReceiveJobsResponse.REQUEST_JOBS_NORESULTS:
            return []
        self._expect("ReceiveJobs", response, rainbow_pb2.ReceiveJobsResponse.REQUEST_JOBS_SUCCESS, cluster)
        return [_received(id, response.jobs[id]) for id in sorted(response.jobs)]

    def accept(self, cluster: str, secret: str, ids: Iterable[int]) -> None:
        """Accept jobs, which are not given again. Some that are gone already do no harm."""
        request = rainbow_pb2.AcceptJobsRequest(cluster=cluster, secret=secret, jobids=list(ids))
        response = self._call("AcceptJobs", request)
        if response.status != rainbow_pb2.AcceptJobsResponse.RESULT_TYPE_PARTIAL:
            self._expect("AcceptJobs", response, rainbow_pb2.AcceptJobsResponse.RESULT_TYPE_SUCCESS, cluster)

    def _call(self, method: str, request: Any, *, graph: bool = False) -> Any:
        """Call the server, once: what was sent may have been done, whatever became of the answer."""
        try:
            return getattr(self._graph if graph else self._scheduler, method)(request, timeout=CALL_SECONDS)
        except grpc.RpcError as error:
            problem = f"{method} at {self._host} failed: {error.code().name}: {(error.details() or '')[:300]}"
            kind = SchedulerUnavailable if error.code() == grpc.StatusCode.UNAVAILABLE else SchedulerError
            raise kind(problem) from None

    def _expect(self, method: str, response: Any, status: int, what: str) -> None:
        if response.status != status:
            kind = type(response).ResultType
            found = kind.Name(response.status) if response.status in kind.values() else response.status
            raise SchedulerError(f"{method} at {self._host} for {what}: found {found}, expected {kind.Name(status)}")


def _received(id: int, text: str) -> Received:
    try:
        job = json.loads(text)
        jobspec = job["jobspec"]
        return Received(id, str(job["name"]), jobspec if isinstance(jobspec, str) else json.dumps(jobspec))
    except (ValueError, KeyError, TypeError, RecursionError):
        raise SchedulerError(
            f"received job {id}, which is no JSON object with a name and a jobspec: {text[:80]!r}"
        ) from None
