"""The server: services on a port, until it is told to stop."""

from __future__ import annotations

import re
import ssl
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc

from pytest_compat.errors import CompatError, DeclarationError
from pytest_compat.rainbow import DEFAULT_SECRET
from pytest_compat.rainbow.database import Database
from pytest_compat.rainbow.proto import memory_pb2, memory_pb2_grpc, rainbow_pb2, rainbow_pb2_grpc
from pytest_compat.rainbow.proto.pool import POOL
from pytest_compat.rainbow.service import MemoryGraph, Scheduler
from pytest_compat.rainbow.store import Store

MAX_MESSAGE = 64 * 2**20
MESSAGE_LIMITS = (
    ("grpc.max_receive_message_length", MAX_MESSAGE),
    ("grpc.max_send_message_length", MAX_MESSAGE),
)
THREADS = 8
MAX_PORT = 65535

_ADDRESS = re.compile(r"(?P<name>[^\s:]*|\[[^\s\]]+\]):(?P<port>[0-9]{1,5})")


class PortInUse(CompatError):
    """The server cannot listen where it was told to."""


@dataclass(frozen=True)
class ServerOptions:
    """What a server is to be.

    Args:
        host: HOST:PORT to listen on; `:PORT` for every interface, port 0 for a free one.
        secret: The registration secret.
        token: One token for all clusters; None gives each its own.
        database: The file to keep everything in; None keeps it in memory.
        cleanup: Start with an empty database.
        selection: The selection algorithm for submissions that name none.
        cert: Certificate chain (PEM) to serve TLS with; None serves plain text.
        key: Its private key (PEM).
        ca_cert: Certificates (PEM) that clients have to be signed by; None asks them for none.
    """

    host: str = "127.0.0.1:0"
    secret: str = field(default=DEFAULT_SECRET, repr=False)
    token: str | None = field(default=None, repr=False)
    database: Path | None = None
    cleanup: bool = False
    selection: str = "random"
    cert: Path | None = None
    key: Path | None = None
    ca_cert: Path | None = None


MARGIN_SECONDS = 2.0
"""How much longer than its grace a server may take to stop."""


class Server:
    """A rainbow server that serves.

    Args:
        options: What it is to be.

    Raises:
        DeclarationError: An option is not what it has to be, or a file cannot be read.
        DatabaseError: The database cannot be opened or read.
        PortInUse: It cannot listen there.
    """

    def __init__(self, options: ServerOptions) -> None:
        from grpc_health.v1 import health, health_pb2, health_pb2_grpc

        name, port = _address(options.host)
        credentials = _credentials(options)
        self._pool = ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="rainbow")
        self._server = grpc.server(
            self._pool,
            # Without this, Linux lets a second server listen on the same port and deals calls out to both.
            options=(("grpc.so_reuseport", 0), *MESSAGE_LIMITS),
        )
        # First the port, then the database: whoever fails on the port leaves no file behind, and cleans none.
        bound = self._bind(f"{name or '[::]'}:{port}", credentials)
        database = Database(options.database, cleanup=options.cleanup) if options.database else None
        self.store = Store(options.secret, token=options.token, database=database)
        self.address = f"{name or 'localhost'}:{bound}"
        rainbow_pb2_grpc.add_RainbowSchedulerServicer_to_server(Scheduler(self.store, options.selection), self._server)
        memory_pb2_grpc.add_MemoryGraphServicer_to_server(MemoryGraph(self.store), self._server)
        self._health = health.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        services = [
            rainbow_pb2.DESCRIPTOR.services_by_name["RainbowScheduler"].full_name,
            memory_pb2.DESCRIPTOR.services_by_name["MemoryGraph"].full_name,
        ]
        self._reflect([*services, health.SERVICE_NAME], health_pb2)
        for service in ("", *services):
            self._health.set(service, health_pb2.HealthCheckResponse.SERVING)
        self._server.start()

    def _bind(self, address: str, credentials: grpc.ServerCredentials | None) -> int:
        try:
            if credentials is None:
                bound = self._server.add_insecure_port(address)
            else:
                bound = self._server.add_secure_port(address, credentials)
        except RuntimeError:
            bound = 0
        if not bound:
            raise PortInUse(
                f"cannot listen on {address}: the port is in use, or the address is not this machine's; "
                f"stop what listens there, or choose another (port 0 takes a free one)"
            )
        return bound

    def _reflect(self, services: list[str], health_pb2: Any) -> None:
        """Let clients such as grpcurl ask what there is."""
        from grpc_reflection.v1alpha import reflection, reflection_pb2

        for module in (health_pb2, reflection_pb2):
            POOL.AddSerializedFile(module.DESCRIPTOR.serialized_pb)
        reflection.enable_server_reflection([*services, reflection.SERVICE_NAME], self._server, pool=POOL)

    def stop(self, grace: float) -> None:
        """Take no more calls, let running ones finish, and close the database.

        Args:
            grace: Seconds after which running calls are cut off.
        """
        self._health.enter_graceful_shutdown()
        # Calls are cut off once the grace is over. A stop that was once seen not to end is no reason to stay.
        ended = self._server.stop(grace).wait(grace + MARGIN_SECONDS)
        self._pool.shutdown(wait=ended)
        self.store.close()


def _address(host: str) -> tuple[str, str]:
    found = _ADDRESS.fullmatch(host)
    if found is None or int(found["port"]) > MAX_PORT:
        raise DeclarationError(f"found {host!r}, expected HOST:PORT with a port from 0 to {MAX_PORT}", path="host")
    return found["name"], found["port"]


def _credentials(options: ServerOptions) -> grpc.ServerCredentials | None:
    if options.cert is None and options.key is None:
        if options.ca_cert is not None:
            raise DeclarationError("found no cert and key to go with it, expected all three", path="ca-cert")
        return None
    if options.cert is None or options.key is None:
        missing = "key" if options.key is None else "cert"
        raise DeclarationError("found none, expected one: TLS takes a cert and a key", path=missing)
    key, cert = _read(options.key, "key"), _read(options.cert, "cert")
    ca_cert = _read(options.ca_cert, "ca-cert") if options.ca_cert is not None else None
    # gRPC would say no more than that it cannot listen.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(options.cert, options.key, password="")
    except (ssl.SSLError, ValueError) as error:
        problem = f"found no certificate and its unencrypted private key, both as PEM: {error}"
        raise DeclarationError(problem, path="cert, key") from None
    try:
        if options.ca_cert is not None:
            context.load_verify_locations(options.ca_cert)
    except ssl.SSLError as error:
        raise DeclarationError(f"found no certificates as PEM: {error}", path="ca-cert") from None
    return grpc.ssl_server_credentials([(key, cert)], ca_cert, require_client_auth=ca_cert is not None)


def _read(path: Path, option: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DeclarationError(f"cannot be read: {error}", path=option) from None
