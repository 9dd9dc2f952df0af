"""A rainbow whose every method can be made to misbehave, and clusters for it."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest

from pytest_compat.declare.pools import build_clusters
from pytest_compat.rainbow.proto import memory_pb2_grpc, rainbow_pb2_grpc
from pytest_compat.rainbow.service import MemoryGraph, Scheduler
from pytest_compat.rainbow.store import Store

SECRET = "open-sesame"


class Faulty:
    """Does what a servicer does, except for methods that `answers` has another function for."""

    def __init__(self, servicer):
        self.servicer = servicer
        self.answers = {}
        self.asked = []

    def __getattr__(self, method):
        def answer(request, context):
            self.asked.append(method)
            return self.answers.get(method, getattr(self.servicer, method))(request, context)

        return answer


class FaultyRainbow:
    """A rainbow server in this process."""

    def __init__(self):
        store = Store(SECRET)
        self.secret = SECRET
        self.scheduler, self.graph = Faulty(Scheduler(store)), Faulty(MemoryGraph(store))
        self.server = grpc.server(ThreadPoolExecutor(4))
        rainbow_pb2_grpc.add_RainbowSchedulerServicer_to_server(self.scheduler, self.server)
        memory_pb2_grpc.add_MemoryGraphServicer_to_server(self.graph, self.server)
        self.address = f"127.0.0.1:{self.server.add_insecure_port('127.0.0.1:0')}"
        self.server.start()

    def says(self, method, response):
        """Answer every further call of a method with one response."""
        self._of(method).answers[method] = lambda request, context: response

    def fails(self, method, code, details="no luck"):
        """End every further call of a method with a status code."""
        self._of(method).answers[method] = lambda request, context: context.abort(code, details)

    def hangs(self, method, event):
        """Keep every further call of a method waiting until an event is set."""
        self._of(method).answers[method] = lambda request, context: event.wait(30)

    def _of(self, method):
        return self.graph if method == "Satisfy" else self.scheduler

    @property
    def asked(self):
        """The methods called so far, by service."""
        return self.scheduler.asked + self.graph.asked

    def stop(self):
        """Go, and drop whoever is being served."""
        self.server.stop(None).wait()


@pytest.fixture
def faulty():
    server = FaultyRainbow()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def clusters():
    """Six clusters of two nodes: two operating systems, three MPIs."""
    return build_clusters(
        {
            "pool": "small",
            "shape": {"node": 2, "core": 2},
            "subsystems": {
                "os": {"vendor": ["rocky", "ubuntu"]},
                "mpi": {"implementation": ["mpich", "openmpi", "intel"]},
            },
        },
        Path(),
    )
