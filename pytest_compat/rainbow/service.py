"""The two gRPC services, over a Store."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, wraps
from time import perf_counter
from typing import Any

import grpc

from pytest_compat.declare.jobspec import parse_jobspec
from pytest_compat.errors import CompatError, DeclarationError, brief, known
from pytest_compat.matching import choose
from pytest_compat.model import Jobspec
from pytest_compat.rainbow.database import DatabaseError
from pytest_compat.rainbow.proto import memory_pb2, memory_pb2_grpc, rainbow_pb2, rainbow_pb2_grpc
from pytest_compat.rainbow.selection import read_priorities, select
from pytest_compat.rainbow.store import MAX_TEXT, Denied, Exists, Full, Missing, Refused, Registered, Store, check_name

log = logging.getLogger("pytest_compat.rainbow")

SEED = "seed"
"""Selection option: a text that draws are derived from, instead of chance."""

PRIORITIES = "priorities"
"""Option of selection by constraint."""

SELECTIONS = ("random", "constraint")
MATCHERS = ("match",)

SECRET_METADATA = "rainbow-secret"  # noqa: S105, a name
"""Key of the call metadata in which MemoryGraph.Register wants the registration secret."""

MAX_DETAILS = 1000
"""Characters of an error that are sent: it travels in a header, and clients refuse long ones."""


class NoneLeft(Refused):
    """Selection by constraint left no cluster."""


_CODES: Mapping[type[CompatError], grpc.StatusCode] = {
    DeclarationError: grpc.StatusCode.INVALID_ARGUMENT,
    Denied: grpc.StatusCode.PERMISSION_DENIED,
    Missing: grpc.StatusCode.NOT_FOUND,
    Exists: grpc.StatusCode.ALREADY_EXISTS,
    Full: grpc.StatusCode.RESOURCE_EXHAUSTED,
    NoneLeft: grpc.StatusCode.FAILED_PRECONDITION,
    DatabaseError: grpc.StatusCode.UNAVAILABLE,
}


def _answers(reply: Any, **statuses: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Make a call of a method: what it raises becomes a status of its reply, or else a gRPC code with the reason.

    Args:
        reply: The class of the reply.
        statuses: Names of statuses by the name of the exception that they answer; clients rely on these.
    """
    by_name = {name: reply.ResultType.Value(status) for name, status in statuses.items()}
    identified = "request_id" in reply.DESCRIPTOR.fields_by_name

    def decorate(method: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(method)
        def answered(self: object, request: Any, context: grpc.ServicerContext) -> Any:
            started = perf_counter()
            code, problem, place, response = grpc.StatusCode.OK, "", "", None
            try:
                response = method(self, request, context)
            except CompatError as error:
                problem, place = str(error), _place(error)
                if (status := by_name.get(type(error).__name__)) is not None:
                    response = reply(status=status)
                else:
                    code = next(code for kind, code in _CODES.items() if isinstance(error, kind))
            except Exception:
                log.exception("%s failed", method.__name__)
                code, problem = grpc.StatusCode.INTERNAL, "the server failed; its log says why"
            if log.isEnabledFor(logging.INFO):
                _tell(method.__name__, request, response, code, place, perf_counter() - started)
            if response is None:
                # JSON can name half a character, which gRPC cannot send.
                context.abort(code, problem[:MAX_DETAILS].encode(errors="backslashreplace").decode())
            if identified:
                response.request_id = secrets.token_hex(8)
            return response

        return answered

    return decorate


def _place(error: CompatError) -> str:
    """Return what a log may say of an error: of one in what a client sent not what was found, but only where."""
    if isinstance(error, DeclarationError):
        return ": ".join(part for part in (error.source, error.path) if part)
    return str(error)


def _tell(method: str, request: Any, response: Any, code: grpc.StatusCode, problem: str, seconds: float) -> None:
    """Log one line of a call: never its secrets, tokens, graphs or jobspecs."""
    event: dict[str, object] = {"call": method}
    for key in ("cluster", "name", "subsystem", "subsytem"):
        if value := getattr(request, key, ""):
            event[key] = value[:MAX_DETAILS]
    if getattr(response, "cluster", ""):
        event["assigned"] = response.cluster
    event["status"] = code.name if response is None else type(response).ResultType.Name(response.status)
    if problem:
        event["problem"] = problem[:MAX_DETAILS]
    event["ms"] = round(seconds * 1000, 3)
    log.info("%s", event, extra={"event": event})


_remembered = lru_cache(maxsize=1024)(parse_jobspec)
"""Clients submit the same text again and again."""

MAX_REMEMBERED = 2**14
"""Characters of a jobspec that is remembered."""


def _jobspec(text: str, place: str) -> Jobspec:
    """Read a jobspec from the field of a request that is called `place`."""
    if len(text) > MAX_TEXT:
        raise DeclarationError(f"found {len(text)} characters, expected {MAX_TEXT} at most", path=place)
    try:
        return _remembered(text) if len(text) <= MAX_REMEMBERED else parse_jobspec(text)
    except DeclarationError as error:
        raise error.within(place) from None


class Scheduler(rainbow_pb2_grpc.RainbowSchedulerServicer):  # type: ignore[misc]
    """`convergedcomputing.org.grpc.v1.RainbowScheduler`.

    Args:
        store: What the server knows.
        selection: The algorithm for submissions that name none.
    """

    def __init__(self, store: Store, selection: str = "random") -> None:
        self._store = store
        self._selection = selection

    @_answers(rainbow_pb2.RegisterResponse, Denied="REGISTER_DENIED", Exists="REGISTER_EXISTS")
    def Register(self, request: rainbow_pb2.RegisterRequest, _: object) -> rainbow_pb2.RegisterResponse:
        """Add a cluster; it gets a token for those who submit to it and a secret of its own."""
        token, secret = self._store.register(request.name, request.secret, request.nodes)
        return rainbow_pb2.RegisterResponse(
            token=token, secret=secret, status=rainbow_pb2.RegisterResponse.REGISTER_SUCCESS
        )

    @_answers(rainbow_pb2.RegisterResponse, Denied="REGISTER_DENIED", Exists="REGISTER_EXISTS")
    def RegisterSubsystem(self, request: rainbow_pb2.RegisterRequest, _: object) -> rainbow_pb2.RegisterResponse:
        """Hang a subsystem on a cluster, with the cluster's own secret."""
        self._store.register_subsystem(request.name, request.secret, request.subsystem, request.nodes)
        return rainbow_pb2.RegisterResponse(status=rainbow_pb2.RegisterResponse.REGISTER_SUCCESS)

    @_answers(rainbow_pb2.DeleteResponse, Denied="DELETE_DENIED", Missing="DELETE_NO_EXISTS")
    def Delete(self, request: rainbow_pb2.DeleteRequest, _: object) -> rainbow_pb2.DeleteResponse:
        """Forget a cluster with everything that is its own; the name is free again."""
        self._store.delete(request.name, request.secret)
        return rainbow_pb2.DeleteResponse(status=rainbow_pb2.DeleteResponse.DELETE_SUCCESS)

    @_answers(rainbow_pb2.DeleteResponse, Denied="DELETE_DENIED", Missing="DELETE_NO_EXISTS")
    def DeleteSubsystem(self, request: rainbow_pb2.DeleteRequest, _: object) -> rainbow_pb2.DeleteResponse:
        """Take a subsystem off a cluster; its attributes match no more."""
        self._store.delete_subsystem(request.name, request.secret, request.subsytem)
        return rainbow_pb2.DeleteResponse(status=rainbow_pb2.DeleteResponse.DELETE_SUCCESS)

    @_answers(rainbow_pb2.UpdateStateResponse)
    def UpdateState(self, request: rainbow_pb2.UpdateStateRequest, _: object) -> rainbow_pb2.UpdateStateResponse:
        """Merge variables into the state of a cluster."""
        self._store.update_state(request.cluster, request.secret, request.payload)
        return rainbow_pb2.UpdateStateResponse(status=rainbow_pb2.UpdateStateResponse.UPDATE_STATE_SUCCESS)

    @_answers(rainbow_pb2.SubmitJobResponse, Denied="SUBMIT_DENIED")
    def SubmitJob(self, request: rainbow_pb2.SubmitJobRequest, _: object) -> rainbow_pb2.SubmitJobResponse:
        """Assign a job to one of the clusters given, or with `satisfy_only` say which contend."""
        reply = rainbow_pb2.SubmitJobResponse
        algorithm = request.select_algorithm or self._selection
        if algorithm not in SELECTIONS:
            raise DeclarationError(known("selection", algorithm, SELECTIONS), path="select_algorithm")
        clusters = list(request.clusters)
        if not clusters:
            raise DeclarationError("found none, expected one or more to choose among", path="clusters")
        admitted = self._store.admit([cluster.name for cluster in clusters], [cluster.token for cluster in clusters])
        jobspec = _jobspec(request.jobspec, "jobspec")
        if request.satisfy_only:
            return reply(clusters=admitted, status=reply.SUBMIT_SUCCESS)
        check_name(request.name, "name")
        chosen = self._select(algorithm, admitted, jobspec, request.select_options)
        jobid = self._store.assign(
            admitted[chosen], request.name, request.jobspec, [task.command for task in jobspec.tasks]
        )
        return reply(jobid=jobid, cluster=chosen, status=reply.SUBMIT_SUCCESS)

    def _select(
        self, algorithm: str, admitted: Mapping[str, Registered], jobspec: Jobspec, options: Mapping[str, str]
    ) -> str:
        draw = _Draw(options.get(SEED, ""))
        if algorithm == "random":
            return draw(list(admitted))
        if PRIORITIES not in options:
            raise DeclarationError("found nothing, expected YAML", path=f"select_options.{PRIORITIES}")
        parameters = jobspec.attributes.get("parameter") or {}
        if not isinstance(parameters, dict):
            raise DeclarationError(
                f"found {brief(parameters)}, expected an object of variables", path="jobspec: attributes.parameter"
            )
        states = {name: registered.state for name, registered in admitted.items()}
        try:
            chosen = select(read_priorities(options[PRIORITIES]), states, parameters, draw)
        except DeclarationError as error:
            raise error.within(f"select_options.{PRIORITIES}") from None
        if chosen is None:
            raise NoneLeft(f"select_options.{PRIORITIES}: none of them leaves one of the {len(states)} clusters")
        return chosen

    @_answers(rainbow_pb2.ReceiveJobsResponse, Denied="REQUEST_JOBS_DENIED")
    def ReceiveJobs(self, request: rainbow_pb2.ReceiveJobsRequest, _: object) -> rainbow_pb2.ReceiveJobsResponse:
        """Give a cluster the jobs that wait for it; they wait on until it accepts them."""
        reply = rainbow_pb2.ReceiveJobsResponse
        jobs = self._store.waiting(request.cluster, request.secret, request.maxJobs)
        return reply(jobs=jobs, status=reply.REQUEST_JOBS_SUCCESS if jobs else reply.REQUEST_JOBS_NORESULTS)

    @_answers(rainbow_pb2.AcceptJobsResponse)
    def AcceptJobs(self, request: rainbow_pb2.AcceptJobsRequest, _: object) -> rainbow_pb2.AcceptJobsResponse:
        """Let the jobs go that a cluster has accepted."""
        reply = rainbow_pb2.AcceptJobsResponse
        if not request.jobids:
            raise DeclarationError("found none, expected one or more", path="jobids")
        whole = self._store.accept(request.cluster, request.secret, list(request.jobids))
        return reply(status=reply.RESULT_TYPE_SUCCESS if whole else reply.RESULT_TYPE_PARTIAL)


class MemoryGraph(memory_pb2_grpc.MemoryGraphServicer):  # type: ignore[misc]
    """`service.MemoryGraph`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @_answers(memory_pb2.SatisfyResponse)
    def Satisfy(self, request: memory_pb2.SatisfyRequest, _: object) -> memory_pb2.SatisfyResponse:
        """Say which clusters could take a job."""
        reply = memory_pb2.SatisfyResponse
        if request.matcher not in ("", *MATCHERS):
            raise DeclarationError(known("matcher", request.matcher, MATCHERS), path="matcher")
        jobspec = _jobspec(request.payload, "payload")
        try:
            names, total = self._store.candidates(jobspec)
        except DeclarationError as error:
            raise error.within("payload") from None
        return reply(
            clusters=names,
            status=reply.RESULT_TYPE_SUCCESS,
            total_clusters=total,
            total_matches=len(names),
            total_mismatches=total - len(names),
        )

    @_answers(memory_pb2.Response)
    def Register(self, request: memory_pb2.RegisterRequest, context: grpc.ServicerContext) -> memory_pb2.Response:
        """Add a graph for whoever sends the registration secret along; nobody gets credentials for it."""
        metadata = dict(context.invocation_metadata())
        try:
            self._store.adopt(request.name, str(metadata.get(SECRET_METADATA, "")), request.subsystem, request.payload)
        except Denied:
            raise Denied(f"metadata {SECRET_METADATA}: found no registration secret") from None
        return memory_pb2.Response(status=memory_pb2.Response.RESULT_TYPE_SUCCESS)


class _Draw:
    """Picks one of several names; from a seed always the same ones in the same order, without one by chance."""

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._drawn = 0

    def __call__(self, names: Sequence[str]) -> str:
        key = self._seed or secrets.token_hex(16)
        # The first draw is the one that the reference scheduler makes.
        chosen = choose(names, f"{key}#{self._drawn}" if self._drawn else key)
        self._drawn += 1
        return chosen
