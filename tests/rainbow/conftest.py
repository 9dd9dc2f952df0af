"""A server and a client of it for every test."""

import grpc
import pytest
from wire import SECRET, Client

from pytest_compat.rainbow.server import MESSAGE_LIMITS, serve


@pytest.fixture
def address():
    server, address = serve("127.0.0.1:0", SECRET)
    yield address
    server.stop(1).wait()


@pytest.fixture
def rainbow(address):
    with grpc.insecure_channel(address, options=MESSAGE_LIMITS) as channel:
        yield Client(channel)
