"""The server: services on a port, until it is told to stop."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

import grpc

from pytest_compat.errors import CompatError, DeclarationError
from pytest_compat.rainbow.proto import memory_pb2_grpc, rainbow_pb2_grpc
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


def serve(host: str, secret: str) -> tuple[grpc.Server, str]:
    """Start a rainbow server.

    Args:
        host: HOST:PORT to listen on; `:PORT` for every interface, port 0 for a free one.
        secret: The registration secret.

    Returns:
        The running server and the HOST:PORT it listens on.

    Raises:
        DeclarationError: That is no HOST:PORT.
        PortInUse: It cannot listen there.
    """
    found = _ADDRESS.fullmatch(host)
    if found is None or int(found["port"]) > MAX_PORT:
        raise DeclarationError(f"found {host!r}, expected HOST:PORT with a port from 0 to {MAX_PORT}", path="host")
    store = Store(secret)
    server = grpc.server(
        ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="rainbow"),
        # Without this, Linux lets a second server listen on the same port and deals calls out to both.
        options=(("grpc.so_reuseport", 0), *MESSAGE_LIMITS),
    )
    rainbow_pb2_grpc.add_RainbowSchedulerServicer_to_server(Scheduler(store), server)
    memory_pb2_grpc.add_MemoryGraphServicer_to_server(MemoryGraph(store), server)
    name = found["name"]
    try:
        bound = server.add_insecure_port(f"{name or '[::]'}:{found['port']}")
    except RuntimeError:
        bound = 0
    if not bound:
        raise PortInUse(
            f"cannot listen on {host}: the port is in use, or the address is not this machine's; "
            f"stop what listens there, or choose another (port 0 takes a free one)"
        )
    server.start()
    return server, f"{name or 'localhost'}:{bound}"
