"""A server and a client of it for every test."""

import grpc
import pytest
from wire import SECRET, Client

from pytest_compat.rainbow.server import MESSAGE_LIMITS, Server, ServerOptions


@pytest.fixture
def address():
    server = Server(ServerOptions(secret=SECRET))
    address = server.address
    yield address
    server.stop(1)


@pytest.fixture
def rainbow(address):
    with grpc.insecure_channel(address, options=MESSAGE_LIMITS) as channel:
        yield Client(channel)
