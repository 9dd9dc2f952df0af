"""Rainbow under test, spoken to over gRPC: one that runs elsewhere, or an embedded one started for the run."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable
from typing import Any

import grpc

from pytest_compat.declare.jgf import write_containment, write_subsystem
from pytest_compat.declare.jobspec import render_jobspec
from pytest_compat.errors import SchedulerError, SchedulerUnavailable
from pytest_compat.model import Cluster, Jobspec
from pytest_compat.rainbow.process import RainbowProcess
from pytest_compat.rainbow.proto import memory_pb2, memory_pb2_grpc, rainbow_pb2, rainbow_pb2_grpc
from pytest_compat.rainbow.server import MESSAGE_LIMITS

CONNECT_SECONDS = 5.0
CALL_SECONDS = 20.0
"""Deadline of one call: many times what a slow rainbow needs for a thousand clusters."""

_GONE = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED}


class RainbowScheduler:
    """A rainbow at an address.

    Args:
        address: HOST:PORT.
        secret: Its registration secret.
        prefix: What cluster names begin with on the server, so that two runs on one server do not meet; by default
            drawn for this object.
    """

    def __init__(self, address: str, *, secret: str, prefix: str | None = None) -> None:
        self.address = address
        self._secret = secret
        self._prefix = f"compat-{secrets.token_hex(4)}-" if prefix is None else prefix
        self._channel: grpc.Channel | None = None
        self._scheduler: Any = None
        self._graph: Any = None
        self._secrets: dict[str, str] = {}
        self._contenders: dict[str, bytes] = {}
        self._lost: str | None = None

    def connect(self) -> None:
        """Open a channel and wait until the server answers.

        Raises:
            SchedulerUnavailable: It did not within CONNECT_SECONDS.
        """
        self._channel = grpc.insecure_channel(self.address, options=MESSAGE_LIMITS)
        try:
            grpc.channel_ready_future(self._channel).result(timeout=CONNECT_SECONDS)
        except grpc.FutureTimeoutError:
            self.close()
            raise SchedulerUnavailable(
                f"no rainbow answers at {self.address}: tried to connect with gRPC (plain text) for "
                f"{CONNECT_SECONDS:g} seconds; is the server running, and is this its host and port?"
            ) from None
        self._scheduler = rainbow_pb2_grpc.RainbowSchedulerStub(self._channel)
        self._graph = memory_pb2_grpc.MemoryGraphStub(self._channel)

    def open(self, clusters: Iterable[Cluster]) -> None:
        """Connect and register the clusters."""
        self.connect()
        for cluster in clusters:
            self._register(cluster)

    def _register(self, cluster: Cluster) -> None:
        name = self._prefix + cluster.name
        response = self._call(
            "Register",
            rainbow_pb2.RegisterRequest(name=name, secret=self._secret, nodes=write_containment(cluster)),
        )
        self._expect("Register", response, rainbow_pb2.RegisterResponse.REGISTER_SUCCESS, name)
        self._secrets[cluster.name] = response.secret
        contender = rainbow_pb2.SubmitJobRequest.Cluster(name=name, token=response.token)
        self._contenders[name] = rainbow_pb2.SubmitJobRequest(clusters=[contender]).SerializeToString()
        for subsystem in cluster.subsystems:
            answer = self._call(
                "RegisterSubsystem",
                rainbow_pb2.RegisterRequest(
                    name=name,
                    secret=response.secret,
                    subsystem=subsystem,
                    nodes=write_subsystem(cluster, subsystem),
                ),
            )
            self._expect(
                "RegisterSubsystem", answer, rainbow_pb2.RegisterResponse.REGISTER_SUCCESS, f"{name}/{subsystem}"
            )

    def candidates(self, jobspec: Jobspec) -> list[str]:
        """Ask which clusters satisfy the jobspec, and which of them contend (SubmitJob, `satisfy_only`)."""
        text = json.dumps(render_jobspec(jobspec))
        able = self._satisfy(text)
        if not able:
            return []
        response = self._submit(text, able, jobspec.name, "", satisfy_only=True)
        return self._names(response.clusters)

    def submit(self, jobspec: Jobspec, name: str, key: str) -> str | None:
        """Satisfy, then SubmitJob; the embedded rainbow draws by the option `seed`, others ignore it."""
        text = json.dumps(render_jobspec(jobspec))
        able = self._satisfy(text)
        if not able:
            return None
        response = self._submit(text, able, name, key, satisfy_only=False)
        (cluster,) = self._names([response.cluster])
        return cluster

    def receive(self, cluster: str) -> list[str]:
        """ReceiveJobs with the cluster's own secret, then AcceptJobs."""
        name, secret = self._prefix + cluster, self._secrets[cluster]
        response = self._call("ReceiveJobs", rainbow_pb2.ReceiveJobsRequest(cluster=name, secret=secret, maxJobs=0))
        if response.status == rainbow_pb2.ReceiveJobsResponse.REQUEST_JOBS_NORESULTS:
            return []
        self._expect("ReceiveJobs", response, rainbow_pb2.ReceiveJobsResponse.REQUEST_JOBS_SUCCESS, name)
        accepted = self._call(
            "AcceptJobs", rainbow_pb2.AcceptJobsRequest(cluster=name, secret=secret, jobids=sorted(response.jobs))
        )
        self._expect("AcceptJobs", accepted, rainbow_pb2.AcceptJobsResponse.RESULT_TYPE_SUCCESS, name)
        return [self._job_name(response.jobs[id]) for id in sorted(response.jobs)]

    def close(self) -> None:
        """Close the channel."""
        if self._channel is not None:
            self._channel.close()
            self._channel = None

    def _satisfy(self, text: str) -> list[bytes]:
        """Return the contenders among the clusters of this run, each as it is sent to SubmitJob."""
        request = memory_pb2.SatisfyRequest(payload=text, matcher="match")
        response = self._call("Satisfy", request, graph=True)
        self._expect("Satisfy", response, memory_pb2.SatisfyResponse.RESULT_TYPE_SUCCESS, "")
        able = list(map(self._contenders.get, response.clusters))
        if None in able:
            for name in response.clusters:
                if name not in self._contenders and name.startswith(self._prefix):
                    raise SchedulerError(f"Satisfy named {name!r}, a cluster that was not registered")
        return [contender for contender in able if contender is not None]

    def _submit(self, text: str, able: list[bytes], name: str, key: str, *, satisfy_only: bool) -> Any:
        request = rainbow_pb2.SubmitJobRequest(
            name=name,
            jobspec=text,
            select_algorithm="random",
            select_options={"seed": key} if key else {},
            satisfy_only=satisfy_only,
        )
        request.MergeFromString(b"".join(able))  # many times faster than a message per cluster
        response = self._call("SubmitJob", request)
        self._expect("SubmitJob", response, rainbow_pb2.SubmitJobResponse.SUBMIT_SUCCESS, name)
        return response

    def _names(self, names: Iterable[str]) -> list[str]:
        """Return the clusters' own names for what the server calls them."""
        found = []
        for name in names:
            if name not in self._contenders:
                raise SchedulerError(f"SubmitJob named {name!r}, a cluster that was not registered")
            found.append(name.removeprefix(self._prefix))
        return found

    @staticmethod
    def _job_name(text: str) -> str:
        try:
            return str(json.loads(text)["name"])
        except (ValueError, KeyError, TypeError):
            raise SchedulerError(f"ReceiveJobs gave a job that is no JSON object with a name: {text[:80]!r}") from None

    def _call(self, method: str, request: Any, *, graph: bool = False) -> Any:
        if self._lost is not None:
            raise SchedulerUnavailable(self._lost)
        stub = self._graph if graph else self._scheduler
        try:
            return getattr(stub, method)(request, timeout=CALL_SECONDS)
        except grpc.RpcError as error:
            code = error.code()
            problem = f"{method} at {self.address} failed: {code.name}: {error.details()}"
            if code in _GONE:
                self._lost = problem
                raise SchedulerUnavailable(problem) from None
            raise SchedulerError(problem) from None

    def _expect(self, method: str, response: Any, status: int, what: str) -> None:
        if response.status != status:
            kind = type(response).ResultType
            about = f" for {what}" if what else ""
            found = kind.Name(response.status) if response.status in kind.values() else response.status
            raise SchedulerError(f"{method} at {self.address}{about}: found {found}, expected {kind.Name(status)}")


class EmbeddedRainbow(RainbowScheduler):
    """An embedded rainbow server, started as a process of its own for this run alone."""

    def __init__(self) -> None:
        self._process = RainbowProcess()
        super().__init__("", secret=self._process.secret, prefix="")

    def open(self, clusters: Iterable[Cluster]) -> None:
        """Start the server and register the clusters."""
        self._process.start()
        self.address = self._process.address
        super().open(clusters)

    def close(self) -> None:
        """Stop the server."""
        super().close()
        self._process.stop()
