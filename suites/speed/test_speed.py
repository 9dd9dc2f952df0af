"""What a submission and a question to the matcher cost, each beside the plainest thing there is to compare it with."""

from itertools import count, cycle, islice, product
from pathlib import Path
from statistics import median
from time import perf_counter

import pytest

from pytest_compat.declare.pools import build_clusters
from pytest_compat.matching import Index
from pytest_compat.matching.versions import in_range
from pytest_compat.model import Cluster, Graph, Jobspec, Requirement, Resource, Task, Vertex
from pytest_compat.schedulers.rainbow import EmbeddedRainbow

pytest.importorskip("pytest_benchmark", reason="pytest-benchmark takes the time; install it")

pytestmark = pytest.mark.benchmark(max_time=0.5)

AXES = {
    "io.archspec": ("cpu.target", ["amd64", "arm64", "ppc64le", "riscv64"]),
    "os": ("os.full", ["ubuntu20.04", "ubuntu22.04", "rocky8", "rocky9", "alma8", "alma9", "rhel8", "rhel9"]),
    "mpi": ("mpi.version", ["3.4.3", "4.0", "4.0.3", "4.1", "4.1.2", "4.1.10", "5.0", "5.0.8", "2021.10.3", "2021.9"]),
    "hardware": ("hardware.gpu.model", ["none", *(f"model-{number}" for number in range(49))]),
}
VALUES = {48: (2, 4, 3, 2), 100: (2, 5, 5, 2), 1_000: (4, 5, 10, 5), 10_000: (4, 5, 10, 50)}
"""How many values of each axis it takes, for as many clusters."""

IDLE = "idle"


def axes(size):
    """Return (subsystem, field, values) of the pool with that many clusters."""
    return [
        (subsystem, field, values[:taken])
        for (subsystem, (field, values)), taken in zip(AXES.items(), VALUES[size], strict=True)
    ]


def clusters_of(size):
    """Return clusters that all have what any job asks for in nodes and cores, and differ in four subsystems."""
    subsystems = {subsystem: {field: values} for subsystem, field, values in axes(size)}
    shape = {"rack": 1, "node": 4, "socket": 1, "core": 2}
    return build_clusters({"pool": "speed", "shape": shape, "subsystems": subsystems}, Path())


def job(*requires):
    """Return a job for two nodes of two cores."""
    nodes = Resource("node", 2, True, requires, (Resource("core", 2),))
    return Jobspec("lammps", {"lammps": nodes}, (Task(("lmp", "-in", "in.reaxff.hns"), "lammps"),))


def picky_jobs(size):
    """Return up to 100 jobs that few clusters satisfy: four requirements each, one of them a range of versions."""
    exact = [axis for axis in axes(size) if axis[0] != "mpi"]
    return [
        job(
            *(
                Requirement(subsystem, field, match=value)
                for (subsystem, field, _), value in zip(exact, choice, strict=True)
            ),
            Requirement("mpi", "mpi.version", min="4.0", max="4.1"),
        )
        for choice in islice(product(*(values for _, _, values in exact)), 100)
    ]


def plain_candidates(clusters):
    """Return a function that finds the candidates of a job by comparing attributes, cluster after cluster."""
    offers = {
        cluster.name: {
            (subsystem, field): text
            for subsystem, graph in cluster.subsystems.items()
            for vertex in graph.vertices.values()
            for field, text in vertex.attributes
        }
        for cluster in clusters
    }

    def meets(offered, requirement):
        text = offered.get((requirement.subsystem, requirement.field), "")
        if requirement.match is not None:
            return text == requirement.match
        return in_range(text, requirement.min, requirement.max)

    def candidates(jobspec):
        (group,) = jobspec.groups.values()
        return tuple(
            sorted(name for name, offered in offers.items() if all(meets(offered, each) for each in group.requires))
        )

    return candidates


@pytest.fixture(scope="module", params=[48, 1_000], ids="{}-clusters".format)
def rainbow(request):
    """An embedded rainbow with that many clusters, and one that is never given a job."""
    idle = Cluster(IDLE, Graph({"0": Vertex("cluster")}))
    scheduler = EmbeddedRainbow()
    scheduler.size = request.param
    try:
        scheduler.open([*clusters_of(request.param), idle])
        yield scheduler
    finally:
        scheduler.close()


@pytest.fixture
def smallest_call(rainbow, benchmark):
    """The smallest call the server has; what is measured beside it goes into the group of its own size."""
    benchmark.group = f"submission, {rainbow.size} clusters"
    return lambda: rainbow.receive(IDLE)


def seconds(function, times=300):
    """Return how long each of some calls takes."""
    taken = []
    for _ in range(times):
        begin = perf_counter()
        function()
        taken.append(perf_counter() - begin)
    return taken


def compare(benchmark, function, other, name, times=300):
    """Measure a function, and note how many times as long as another it takes, of which some calls are timed."""
    before = seconds(other, times)
    benchmark(function)
    if benchmark.enabled:
        beside = median([*before, *seconds(other, times)])
        benchmark.extra_info[f"times {name}"] = round(benchmark.stats.stats.median / beside, 3)


def test_smallest_call(benchmark, smallest_call):
    assert benchmark(smallest_call) == []


def test_submission_that_all_contend_for(benchmark, rainbow, smallest_call):
    anything, keys = job(), map(str, count())
    assert len(rainbow.candidates(anything)) == rainbow.size
    compare(benchmark, lambda: rainbow.submit(anything, "job", next(keys)), smallest_call, "the smallest call")


def test_submission_that_few_contend_for(benchmark, rainbow, smallest_call):
    jobs, keys = cycle(picky_jobs(rainbow.size)), map(str, count())
    compare(benchmark, lambda: rainbow.submit(next(jobs), "job", next(keys)), smallest_call, "the smallest call")


@pytest.mark.benchmark(max_time=0.5, group="candidates of one job, 1000 clusters, in process")
def test_candidates_by_index(benchmark):
    clusters, jobs = clusters_of(1_000), picky_jobs(1_000)
    index, plain = Index(clusters), plain_candidates(clusters)
    assert all(index.candidates(each) == plain(each) != () for each in jobs)
    mine, others = cycle(jobs), cycle(jobs)
    compare(benchmark, lambda: index.candidates(next(mine)), lambda: plain(next(others)), "the plain loop")


@pytest.mark.benchmark(max_time=0.5, group="candidates of one job, 1000 clusters, in process")
def test_candidates_by_plain_loop(benchmark):
    plain, jobs = plain_candidates(clusters_of(1_000)), cycle(picky_jobs(1_000))
    benchmark(lambda: plain(next(jobs)))


@pytest.mark.benchmark(max_time=0.5, group="candidates of one job, in process, as clusters grow in number")
@pytest.mark.parametrize("size", [100, 1_000, 10_000])
def test_candidates_of_more_clusters(benchmark, size):
    index, jobs = Index(clusters_of(size)), cycle(picky_jobs(size))
    assert index.candidates(next(jobs))
    benchmark(lambda: index.candidates(next(jobs)))
