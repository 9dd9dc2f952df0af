"""The two gRPC services, over a Store."""

from __future__ import annotations

import secrets
from functools import lru_cache
from typing import Any, NoReturn

import grpc

from pytest_compat.declare.jobspec import parse_jobspec
from pytest_compat.errors import DeclarationError
from pytest_compat.matching import choose
from pytest_compat.model import Jobspec
from pytest_compat.rainbow.proto import memory_pb2, memory_pb2_grpc, rainbow_pb2, rainbow_pb2_grpc
from pytest_compat.rainbow.store import Denied, Exists, Store, check_name

SEED = "seed"
"""Selection option of `random`: a text that the draw is derived from, instead of chance."""


MAX_DETAILS = 1000
"""Characters of an error that are sent: it travels in a header, and clients refuse long ones."""


@lru_cache(maxsize=1024)  # clients submit the same text again and again
def _jobspec(text: str, place: str) -> Jobspec:
    """Read a jobspec from the field of a request that is called `place`."""
    try:
        return parse_jobspec(text)
    except DeclarationError as error:
        raise error.within(place) from None


class Scheduler(rainbow_pb2_grpc.RainbowSchedulerServicer):  # type: ignore[misc]
    """`convergedcomputing.org.grpc.v1.RainbowScheduler`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def Register(
        self, request: rainbow_pb2.RegisterRequest, context: grpc.ServicerContext
    ) -> rainbow_pb2.RegisterResponse:
        """Add a cluster; it gets a token for those who submit to it and a secret of its own."""
        reply = rainbow_pb2.RegisterResponse
        try:
            registered = self._store.register(request.name, request.secret, request.nodes)
        except Denied:
            return reply(request_id=_request_id(), status=reply.REGISTER_DENIED)
        except Exists:
            return reply(request_id=_request_id(), status=reply.REGISTER_EXISTS)
        except DeclarationError as error:
            _invalid(context, error)
        return reply(
            request_id=_request_id(),
            token=registered.token,
            secret=registered.secret,
            status=reply.REGISTER_SUCCESS,
        )

    def RegisterSubsystem(
        self, request: rainbow_pb2.RegisterRequest, context: grpc.ServicerContext
    ) -> rainbow_pb2.RegisterResponse:
        """Hang a subsystem on a cluster, with the cluster's own secret."""
        reply = rainbow_pb2.RegisterResponse
        try:
            self._store.register_subsystem(request.name, request.secret, request.subsystem, request.nodes)
        except Denied:
            return reply(request_id=_request_id(), status=reply.REGISTER_DENIED)
        except Exists:
            return reply(request_id=_request_id(), status=reply.REGISTER_EXISTS)
        except DeclarationError as error:
            _invalid(context, error)
        return reply(request_id=_request_id(), status=reply.REGISTER_SUCCESS)

    def SubmitJob(
        self, request: rainbow_pb2.SubmitJobRequest, context: grpc.ServicerContext
    ) -> rainbow_pb2.SubmitJobResponse:
        """Assign a job to one of the clusters given, or with `satisfy_only` say which contend."""
        reply = rainbow_pb2.SubmitJobResponse
        if request.select_algorithm == "constraint":
            context.abort(grpc.StatusCode.UNIMPLEMENTED, "select_algorithm: 'constraint' is not implemented")
        if request.select_algorithm not in ("", "random"):
            _reject(context, f"select_algorithm: found {request.select_algorithm[:80]!r}, expected 'random'")
        if not request.clusters:
            _reject(context, "clusters: found none, expected one or more to choose among")
        try:
            clusters = list(request.clusters)
            names = self._store.admit([cluster.name for cluster in clusters], [cluster.token for cluster in clusters])
            jobspec = _jobspec(request.jobspec, "jobspec")
            if request.satisfy_only:
                return reply(request_id=_request_id(), clusters=names, status=reply.SUBMIT_SUCCESS)
            check_name(request.name, "name")
            chosen = choose(names, request.select_options.get(SEED, "") or secrets.token_hex(16))
            commands = [list(task.command) for task in jobspec.tasks]
            jobid = self._store.assign(chosen, request.name, request.jobspec, commands)
        except Denied:
            return reply(request_id=_request_id(), status=reply.SUBMIT_DENIED)
        except DeclarationError as error:
            _invalid(context, error)
        return reply(request_id=_request_id(), jobid=jobid, cluster=chosen, status=reply.SUBMIT_SUCCESS)

    def ReceiveJobs(
        self, request: rainbow_pb2.ReceiveJobsRequest, context: grpc.ServicerContext
    ) -> rainbow_pb2.ReceiveJobsResponse:
        """Give a cluster the jobs that wait for it; they wait on until it accepts them."""
        reply = rainbow_pb2.ReceiveJobsResponse
        try:
            jobs = self._store.waiting(request.cluster, request.secret, request.maxJobs)
        except Denied:
            return reply(request_id=_request_id(), status=reply.REQUEST_JOBS_DENIED)
        status = reply.REQUEST_JOBS_SUCCESS if jobs else reply.REQUEST_JOBS_NORESULTS
        return reply(request_id=_request_id(), jobs=jobs, status=status)

    def AcceptJobs(
        self, request: rainbow_pb2.AcceptJobsRequest, context: grpc.ServicerContext
    ) -> rainbow_pb2.AcceptJobsResponse:
        """Let the jobs go that a cluster has accepted."""
        reply = rainbow_pb2.AcceptJobsResponse
        if not request.jobids:
            _reject(context, "jobids: found none, expected one or more")
        try:
            whole = self._store.accept(request.cluster, request.secret, request.jobids)
        except Denied:
            context.abort(grpc.StatusCode.PERMISSION_DENIED, "cluster, secret: not a registered cluster's")
        return reply(status=reply.RESULT_TYPE_SUCCESS if whole else reply.RESULT_TYPE_PARTIAL)

    def Delete(self, request: Any, context: grpc.ServicerContext) -> NoReturn:
        """Not implemented."""
        _unimplemented(context, "Delete")

    def DeleteSubsystem(self, request: Any, context: grpc.ServicerContext) -> NoReturn:
        """Not implemented."""
        _unimplemented(context, "DeleteSubsystem")

    def UpdateState(self, request: Any, context: grpc.ServicerContext) -> NoReturn:
        """Not implemented."""
        _unimplemented(context, "UpdateState")


class MemoryGraph(memory_pb2_grpc.MemoryGraphServicer):  # type: ignore[misc]
    """`service.MemoryGraph`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def Satisfy(self, request: memory_pb2.SatisfyRequest, context: grpc.ServicerContext) -> memory_pb2.SatisfyResponse:
        """Say which clusters could take a job."""
        reply = memory_pb2.SatisfyResponse
        if request.matcher not in ("", "match"):
            _reject(context, f"matcher: found {request.matcher[:80]!r}, expected 'match'")
        try:
            names, total = self._store.candidates(_jobspec(request.payload, "payload"))
        except DeclarationError as error:
            _invalid(context, error.within("payload"))
        return reply(
            clusters=names,
            status=reply.RESULT_TYPE_SUCCESS,
            total_clusters=total,
            total_matches=len(names),
            total_mismatches=total - len(names),
        )

    def Register(self, request: Any, context: grpc.ServicerContext) -> NoReturn:
        """Not implemented."""
        _unimplemented(context, "MemoryGraph.Register")


def _request_id() -> str:
    return secrets.token_hex(8)


def _invalid(context: grpc.ServicerContext, error: DeclarationError) -> NoReturn:
    _reject(context, str(error))


def _reject(context: grpc.ServicerContext, problem: str) -> NoReturn:
    # JSON can name half a character, which gRPC cannot send.
    sent = problem[:MAX_DETAILS].encode(errors="backslashreplace").decode()
    context.abort(grpc.StatusCode.INVALID_ARGUMENT, sent)
    raise AssertionError("abort returned")


def _unimplemented(context: grpc.ServicerContext, method: str) -> NoReturn:
    context.abort(grpc.StatusCode.UNIMPLEMENTED, f"{method} is not implemented by this server")
    raise AssertionError("abort returned")
