"""What a client does to a rainbow when its speed is measured, apart so that processes of their own can do it."""

import json
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from time import sleep, time

import grpc

from pytest_compat.declare.jgf import write_containment, write_subsystem
from pytest_compat.declare.jobspec import render_jobspec
from pytest_compat.declare.pools import build_cluster, build_clusters
from pytest_compat.model import Cluster, Graph, Jobspec, Requirement, Resource, Task, Vertex
from pytest_compat.rainbow.proto import memory_pb2, memory_pb2_grpc, rainbow_pb2, rainbow_pb2_grpc
from pytest_compat.rainbow.server import MESSAGE_LIMITS

IDLE = "idle"
"""A cluster that is never given a job, so that asking for its jobs is the smallest call there is."""

PACKAGES = 50
CALLS = ("ping", "satisfy-0", "satisfy-4", "satisfy-50", "submission")
WARM_UP = 20
START_SECONDS = 3.0
"""After which all clients of a measurement have started and warmed up."""


def clusters_of(size):
    """Return clusters with four subsystems, of which the last has a version of each package; eight share an OS."""
    (bare,) = build_clusters({"shape": {"rack": 1, "node": 4, "socket": 1, "core": 2}, "clusters": {"x": {}}}, None)
    clusters = [
        build_cluster(
            f"c{number}",
            bare.containment,
            {
                "io.archspec": {"cpu.target": "amd64"},
                "os": {"os.full": f"os{number // 8}"},
                "mpi": {"mpi.version": "4.1.2"},
                "packages": {f"p{package}": f"1.{(number * 7 + package) % 10}.0" for package in range(PACKAGES)},
            },
        )
        for number in range(size)
    ]
    return [*clusters, Cluster(IDLE, Graph({"0": Vertex("cluster")}))]


def jobspec(requirements, number):
    """Return a job with that many requirements, which the eight clusters that share an OS satisfy, or all with none."""
    asked = [
        Requirement("os", "os.full", match=f"os{number}"),
        Requirement("io.archspec", "cpu.target", match="amd64"),
        Requirement("mpi", "mpi.version", min="4.0", max="4.1"),
        *(Requirement("packages", f"p{package}", min="1.0", max="1.9") for package in range(PACKAGES)),
    ][:requirements]
    node = Resource("node", 2, True, tuple(asked), (Resource("core", 2),))
    return Jobspec("job", {"job": node}, (Task(("true",), "job"),))


def register(address, secret, clusters):
    """Register clusters and return (name, token) pairs, and the secret of the idle one."""
    with grpc.insecure_channel(address, options=MESSAGE_LIMITS) as channel:
        stub = rainbow_pb2_grpc.RainbowSchedulerStub(channel)
        tokens = {}
        for cluster in clusters:
            answer = stub.Register(
                rainbow_pb2.RegisterRequest(name=cluster.name, secret=secret, nodes=write_containment(cluster))
            )
            tokens[cluster.name] = answer.token
            for subsystem in cluster.subsystems:
                graph = write_subsystem(cluster, subsystem)
                stub.RegisterSubsystem(
                    rainbow_pb2.RegisterRequest(
                        name=cluster.name, secret=answer.secret, subsystem=subsystem, nodes=graph
                    )
                )
        return tokens, answer.secret


def run(address, call, times, tokens, idle, begin=0.0):
    """Make a call a number of times, each with another job, from a time on; return when the last was answered."""
    with grpc.insecure_channel(address, options=MESSAGE_LIMITS) as channel:
        scheduler = rainbow_pb2_grpc.RainbowSchedulerStub(channel)
        graph = memory_pb2_grpc.MemoryGraphStub(channel)
        kinds = max((len(tokens) - 1) // 8, 1)
        wanted = {"satisfy-0": 0, "satisfy-50": 50}.get(call, 4)
        texts = [json.dumps(render_jobspec(replace(jobspec(wanted, n % kinds), name=f"job{n}"))) for n in range(64)]
        cluster = {n: rainbow_pb2.SubmitJobRequest.Cluster(name=n, token=token) for n, token in tokens.items()}

        def once(number):
            if call == "ping":
                scheduler.ReceiveJobs(rainbow_pb2.ReceiveJobsRequest(cluster=IDLE, secret=idle))
                return
            text = texts[number % len(texts)]
            able = graph.Satisfy(memory_pb2.SatisfyRequest(payload=text)).clusters
            if call == "submission":
                request = rainbow_pb2.SubmitJobRequest(name="job", jobspec=text, clusters=[cluster[n] for n in able])
                scheduler.SubmitJob(request)

        for number in range(WARM_UP):
            once(number)
        sleep(max(begin - time(), 0))
        for number in range(times):
            once(number)
        return time()


def rate(clients, address, call, times, tokens, idle):
    """Return calls a second that some clients, each a process, make together."""
    begin = time() + START_SECONDS
    with ProcessPoolExecutor(clients, get_context("spawn")) as pool:
        jobs = [pool.submit(run, address, call, times, tokens, idle, begin) for _ in range(clients)]
        return clients * times / (max(job.result() for job in jobs) - begin)
