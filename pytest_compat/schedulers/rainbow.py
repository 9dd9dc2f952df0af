"""Rainbow under test, spoken to over gRPC: one that runs elsewhere, or one started for the run."""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Protocol

import grpc

from pytest_compat.declare.jgf import write_containment, write_subsystem
from pytest_compat.declare.jobspec import render_jobspec
from pytest_compat.errors import SchedulerError, SchedulerUnavailable
from pytest_compat.model import Cluster, Jobspec
from pytest_compat.rainbow.process import RainbowProcess
from pytest_compat.rainbow.proto import memory_pb2, memory_pb2_grpc, rainbow_pb2, rainbow_pb2_grpc
from pytest_compat.rainbow.server import MESSAGE_LIMITS
from pytest_compat.schedulers.protocol import CALL_SECONDS, Assignment
from pytest_compat.schedulers.tls import Tls

log = logging.getLogger(__name__)

CONNECT_SECONDS = 5.0

MOST_UNANSWERED = 3
"""Calls without an answer in time after which a server is given up, though it answers others."""

_GONE = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}
_SILENT = {*_GONE, grpc.StatusCode.DEADLINE_EXCEEDED}

_LONGEST = 300
"""Characters of a server's own words that a message quotes."""

_LEAST_SECRET = 4
"""Characters from which on a secret is taken out of messages; a shorter one is no secret, and part of many words."""


class _Unanswered(SchedulerError):
    """One call had no answer in time, from a server that answers others."""


_REMEDIES = {
    "REGISTER_DENIED": "; give its registration secret, with --compat-scheduler-secret or as $COMPAT_SCHEDULER_SECRET"
}


class RainbowScheduler:
    """A rainbow at an address.

    Args:
        address: HOST:PORT.
        secret: Its registration secret.
        token: What to submit with to every cluster; None for the token that each one's registration returned.
        tls: Certificates to speak TLS with; None for plain text.
        timeout: Seconds that one call may take.
        prefix: What cluster names begin with on the server, so that two runs on one server do not meet; by default
            drawn for this object.
    """

    def __init__(
        self,
        address: str,
        *,
        secret: str,
        token: str | None = None,
        tls: Tls | None = None,
        timeout: float = CALL_SECONDS,
        prefix: str | None = None,
    ) -> None:
        self.address = address
        self._secret = secret
        self._token = token
        self._tls = tls
        self._timeout = timeout
        self._prefix = f"compat-{secrets.token_hex(4)}-" if prefix is None else prefix
        self._channel: grpc.Channel | None = None
        self._scheduler: Any = None
        self._graph: Any = None
        self._secrets: dict[str, str] = {}
        self._contenders: dict[str, bytes] = {}
        self._hidden = {secret, token or ""}
        self._unanswered: dict[str, str] = {}
        self._silences = 0
        self._lost: str | None = None

    def connect(self) -> None:
        """Open a channel and wait until the server answers a call.

        Raises:
            SchedulerUnavailable: It did not within CONNECT_SECONDS.
            DeclarationError: A certificate cannot be read.
        """
        if self._tls is None:
            self._channel = grpc.insecure_channel(self.address, options=MESSAGE_LIMITS)
        else:
            self._channel = grpc.secure_channel(self.address, self._tls.credentials(), options=MESSAGE_LIMITS)
        self._scheduler = rainbow_pb2_grpc.RainbowSchedulerStub(self._channel)
        self._graph = memory_pb2_grpc.MemoryGraphStub(self._channel)
        with suppress(grpc.FutureTimeoutError):
            grpc.channel_ready_future(self._channel).result(timeout=CONNECT_SECONDS)
        problem = self._silence()
        if problem:
            self._disconnect()
            raise SchedulerUnavailable(
                f"no rainbow answers at {self.address}: tried to connect with gRPC "
                f"({'TLS' if self._tls else 'plain text'}) for {CONNECT_SECONDS:g} seconds ({problem}); is the server "
                f"running, is this its host and port, and does it speak {'TLS' if self._tls else 'plain text'}?"
            )

    def _silence(self) -> str:
        """Ask for something small and return why there was no answer, empty when there was one, whatever it said."""
        # As a cluster, for it has nothing to do with what was asked before, and changes nothing.
        cluster, secret = next(iter(self._secrets.items()), ("nobody", ""))
        request = rainbow_pb2.ReceiveJobsRequest(cluster=self._prefix + cluster, secret=secret, maxJobs=1)
        try:
            self._scheduler.ReceiveJobs(request, timeout=CONNECT_SECONDS)
        except grpc.RpcError as error:
            if error.code() in _SILENT:
                return self._hide(f"{error.code().name}: {error.details()}")
        return ""

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
            name,
        )
        self._expect("Register", response, rainbow_pb2.RegisterResponse.REGISTER_SUCCESS, name)
        self._hidden |= {response.secret, response.token}
        self._secrets[cluster.name] = response.secret
        contender = rainbow_pb2.SubmitJobRequest.Cluster(name=name, token=self._token or response.token)
        self._contenders[name] = rainbow_pb2.SubmitJobRequest(clusters=[contender]).SerializeToString()
        for subsystem in cluster.subsystems:
            request = rainbow_pb2.RegisterRequest(
                name=name,
                secret=response.secret,
                subsystem=subsystem,
                nodes=write_subsystem(cluster, subsystem),
            )
            what = f"{name}/{subsystem}"
            answer = self._call("RegisterSubsystem", request, what)
            self._expect("RegisterSubsystem", answer, rainbow_pb2.RegisterResponse.REGISTER_SUCCESS, what)

    def candidates(self, jobspec: Jobspec) -> list[str]:
        """Ask which clusters satisfy the jobspec, and whether they all contend (SubmitJob, `satisfy_only`)."""
        with self._asking(jobspec) as text:
            able = self._satisfy(text, jobspec.name)
            if not able:
                return []
            response = self._submit(text, able, jobspec.name, jobspec.name, "", satisfy_only=True)
            contenders = self._names(response.clusters)
            left_out = sorted({self._short(name) for name in able}.difference(contenders))
            if left_out:
                raise SchedulerError(
                    f"SubmitJob (satisfy_only) left out {_few(left_out)}, expected all clusters that Satisfy named"
                )
            return contenders

    def submit(self, jobspec: Jobspec, name: str, key: str) -> Assignment:
        """Satisfy, then SubmitJob; the embedded rainbow draws by the option `seed`, others ignore it."""
        with self._asking(jobspec) as text:
            able = self._satisfy(text, jobspec.name)
            if not able:
                return Assignment(None, ())
            response = self._submit(text, able, jobspec.name, name, key, satisfy_only=False)
            (cluster,) = self._names([response.cluster])
            return Assignment(cluster, [self._short(each) for each in able])

    @contextmanager
    def _asking(self, jobspec: Jobspec) -> Iterator[str]:
        """Give the text of a jobspec, and never ask again about one that had no answer: each time costs a deadline."""
        text = json.dumps(render_jobspec(jobspec))
        if text in self._unanswered:
            raise SchedulerError(f"not asked again: {self._unanswered[text]}")
        try:
            yield text
        except _Unanswered as error:
            self._unanswered[text] = str(error)
            raise

    def receive(self, cluster: str) -> list[str]:
        """ReceiveJobs with the cluster's own secret, then AcceptJobs."""
        name, secret = self._prefix + cluster, self._secrets[cluster]
        request = rainbow_pb2.ReceiveJobsRequest(cluster=name, secret=secret, maxJobs=0)
        response = self._call("ReceiveJobs", request, name)
        if response.status == rainbow_pb2.ReceiveJobsResponse.REQUEST_JOBS_NORESULTS:
            return []
        self._expect("ReceiveJobs", response, rainbow_pb2.ReceiveJobsResponse.REQUEST_JOBS_SUCCESS, name)
        acceptance = rainbow_pb2.AcceptJobsRequest(cluster=name, secret=secret, jobids=sorted(response.jobs))
        accepted = self._call("AcceptJobs", acceptance, name)
        self._expect("AcceptJobs", accepted, rainbow_pb2.AcceptJobsResponse.RESULT_TYPE_SUCCESS, name)
        return [self._job_name(response.jobs[id], name) for id in sorted(response.jobs)]

    def close(self) -> None:
        """Delete what was registered, where the server can, and close the channel."""
        self._delete()
        self._disconnect()

    def _delete(self) -> None:
        """Delete the clusters with their own secrets; what the server cannot do is no reason to fail."""
        if self._channel is None or self._lost is not None:
            return
        left, problem = 0, ""
        for cluster, secret in self._secrets.items():
            name = self._prefix + cluster
            try:
                response = self._scheduler.Delete(
                    rainbow_pb2.DeleteRequest(name=name, secret=secret), timeout=self._timeout
                )
                self._expect("Delete", response, rainbow_pb2.DeleteResponse.DELETE_SUCCESS, name)
            except grpc.RpcError as error:
                if error.code() == grpc.StatusCode.UNIMPLEMENTED:
                    return
                left, problem = left + 1, problem or self._failed("Delete", name, error)
                if error.code() in _SILENT:
                    break
            except SchedulerError as error:
                left, problem = left + 1, problem or str(error)
        if left:
            log.warning("clusters called %s... stay registered at %s: %s", self._prefix, self.address, problem)

    def _disconnect(self) -> None:
        if self._channel is not None:
            self._channel.close()
            self._channel = None

    def _satisfy(self, text: str, job: str) -> dict[str, bytes]:
        """Return the contenders among the clusters of this run, each as it is sent to SubmitJob, by name."""
        request = memory_pb2.SatisfyRequest(payload=text, matcher="match")
        response = self._call("Satisfy", request, f"job {job}", graph=True)
        self._expect("Satisfy", response, memory_pb2.SatisfyResponse.RESULT_TYPE_SUCCESS, f"job {job}")
        able = {name: self._contenders[name] for name in response.clusters if name in self._contenders}
        if len(able) < len(response.clusters):
            for name in response.clusters:
                if name not in self._contenders and name.startswith(self._prefix):
                    raise SchedulerError(self._hide(f"Satisfy named {name!r}, a cluster that was not registered"))
        return able

    def _submit(self, text: str, able: dict[str, bytes], job: str, name: str, key: str, *, satisfy_only: bool) -> Any:
        request = rainbow_pb2.SubmitJobRequest(
            name=name,
            jobspec=text,
            select_algorithm="random",
            select_options={"seed": key} if key else {},
            satisfy_only=satisfy_only,
        )
        request.MergeFromString(b"".join(able.values()))  # many times faster than a message per cluster
        response = self._call("SubmitJob", request, f"job {job}")
        self._expect("SubmitJob", response, rainbow_pb2.SubmitJobResponse.SUBMIT_SUCCESS, f"job {job}")
        return response

    def _names(self, names: Iterable[str]) -> list[str]:
        """Return the clusters' own names for what the server calls them."""
        found = []
        for name in names:
            if name not in self._contenders:
                raise SchedulerError(self._hide(f"SubmitJob named {name!r}, a cluster that was not registered"))
            found.append(self._short(name))
        return found

    def _short(self, name: str) -> str:
        return name.removeprefix(self._prefix)

    def _job_name(self, text: str, cluster: str) -> str:
        try:
            return str(json.loads(text)["name"])
        except (ValueError, KeyError, TypeError, RecursionError):
            raise SchedulerError(
                self._hide(f"ReceiveJobs gave {cluster} a job that is no JSON object with a name: {text[:80]!r}")
            ) from None

    def _call(self, method: str, request: Any, what: str, *, graph: bool = False) -> Any:
        """Call the server.

        Args:
            method: The method's name.
            request: Its argument.
            what: The job or cluster it is about, for messages.
            graph: True for the service MemoryGraph.

        Raises:
            SchedulerUnavailable: The server is gone, or hangs too often.
            SchedulerError: This call failed.
        """
        if self._lost is not None:
            raise SchedulerUnavailable(self._lost)
        stub = self._graph if graph else self._scheduler
        try:
            return getattr(stub, method)(request, timeout=self._timeout)
        except grpc.RpcError as error:
            problem = self._failed(method, what, error)
            if error.code() == grpc.StatusCode.DEADLINE_EXCEEDED:
                self._silences += 1
                if self._silences < MOST_UNANSWERED and self._secrets and not self._silence():
                    raise _Unanswered(problem) from None
            if error.code() in _SILENT:
                self._lost = problem + self._hide(self._last_words())
                raise SchedulerUnavailable(self._lost) from None
            raise SchedulerError(problem) from None

    def _failed(self, method: str, what: str, error: grpc.RpcError) -> str:
        code = error.code()
        said = f"no answer within {self._timeout:g} seconds" if code == grpc.StatusCode.DEADLINE_EXCEEDED else ""
        return self._hide(
            f"{method} at {self.address} for {what} failed: {code.name}: {said or (error.details() or '')[:_LONGEST]}"
        )

    def _last_words(self) -> str:
        """Return what is known of the end of a server that is gone, to be added to a message."""
        return ""

    def _hide(self, text: str) -> str:
        """Return a message without the secrets and tokens that the server may have repeated in it."""
        for secret in sorted(self._hidden, key=len, reverse=True):
            if len(secret) >= _LEAST_SECRET:
                text = text.replace(secret, "***")
        return text

    def _expect(self, method: str, response: Any, status: int, what: str) -> None:
        if response.status != status:
            kind = type(response).ResultType
            found = kind.Name(response.status) if response.status in kind.values() else response.status
            remedy = _REMEDIES.get(str(found), "")
            raise SchedulerError(
                f"{method} at {self.address} for {what}: found {found}, expected {kind.Name(status)}{remedy}"
            )


def _few(names: list[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more


class ServerProcess(Protocol):
    """A server that this run starts.

    Args:
        address: HOST:PORT, once it is started.
        secret: Its registration secret.
    """

    address: str
    secret: str

    def start(self) -> None:
        """Start it and wait until it serves, or raise SchedulerUnavailable."""

    def stop(self) -> None:
        """Stop it; harmless when it does not run."""


class OwnRainbow(RainbowScheduler):
    """A rainbow of this run's own, which goes when the run does.

    Args:
        process: The server.
        timeout: Seconds that one call may take.
    """

    def __init__(self, process: ServerProcess, *, timeout: float = CALL_SECONDS) -> None:
        self._process = process
        super().__init__("", secret=process.secret, timeout=timeout, prefix="")

    def open(self, clusters: Iterable[Cluster]) -> None:
        """Start the server and register the clusters."""
        self._process.start()
        self.address = self._process.address
        super().open(clusters)

    def close(self) -> None:
        """Stop the server; what it was told goes with it."""
        self._disconnect()
        self._process.stop()


class EmbeddedRainbow(OwnRainbow):
    """An embedded rainbow server, started as a process of its own.

    Args:
        timeout: Seconds that one call may take.
    """

    def __init__(self, *, timeout: float = CALL_SECONDS) -> None:
        super().__init__(RainbowProcess(), timeout=timeout)
