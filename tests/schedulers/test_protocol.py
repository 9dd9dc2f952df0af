"""The schedulers that come with the plugin keep the protocol, and agree with one another."""

import pytest

from pytest_compat.declare.pools import build_cluster
from pytest_compat.errors import DeclarationError
from pytest_compat.model import Graph, Jobspec, Requirement, Resource, Task, Vertex
from pytest_compat.schedulers import Assignment, SchedulerOptions, create_scheduler
from pytest_compat.schedulers.rainbow import EmbeddedRainbow, RainbowScheduler
from pytest_compat.schedulers.reference import ReferenceScheduler


def job(count=1, **needs):
    requires = tuple(Requirement(subsystem, field, match=text) for subsystem, (field, text) in needs.items())
    return Jobspec("job", {"job": Resource("node", count, True, requires)}, (Task(("true",), "job"),))


ROCKY = job(os=("vendor", "rocky"))
JOBS = [job(), job(2), job(3), ROCKY, job(2, os=("vendor", "ubuntu"), mpi=("implementation", "mpich"))]


@pytest.fixture(params=["rainbow", "reference"])
def scheduler(request, clusters):
    scheduler = create_scheduler(SchedulerOptions(request.param))
    try:
        scheduler.open(clusters)
        yield scheduler
    finally:
        scheduler.close()


def test_candidates_are_sorted_names(scheduler, clusters):
    assert scheduler.candidates(ROCKY) == sorted(each.name for each in clusters if "rocky" in each.values("vendor"))


def test_asking_for_candidates_assigns_nothing(scheduler, clusters):
    scheduler.candidates(job())
    assert [scheduler.receive(cluster.name) for cluster in clusters] == [[]] * len(clusters)


def test_a_job_goes_to_a_candidate(scheduler):
    assert scheduler.submit(ROCKY, "job", "key").cluster in scheduler.candidates(ROCKY)


def test_a_submission_says_what_it_was_chosen_among(scheduler):
    assert sorted(scheduler.submit(ROCKY, "job", "key").candidates) == scheduler.candidates(ROCKY)


def test_a_job_without_candidates_goes_nowhere(scheduler):
    assert scheduler.submit(job(99), "job", "key") == Assignment(None, ())


def test_the_key_decides(scheduler):
    keys = [str(number) for number in range(40)]
    first = [scheduler.submit(job(), f"job-{key}", key).cluster for key in keys]
    assert first == list(reversed([scheduler.submit(job(), f"again-{key}", key).cluster for key in reversed(keys)]))
    assert set(first) == set(scheduler.candidates(job()))


def test_a_cluster_receives_each_job_once_in_the_order_submitted(scheduler):
    names = [f"job-{number}" for number in range(12)]
    assigned = [scheduler.submit(ROCKY, name, name).cluster for name in names]
    for cluster in scheduler.candidates(ROCKY):
        mine = [name for name, given in zip(names, assigned, strict=True) if given == cluster]
        assert scheduler.receive(cluster) == mine
        assert scheduler.receive(cluster) == []


def test_names_may_be_any_text(scheduler):
    name = 'it\'s "ü" ☃ {} %s'
    assert scheduler.receive(scheduler.submit(job(), name, "key").cluster) == [name]


def test_rainbow_and_reference_agree(clusters):
    reference, rainbow = ReferenceScheduler(), EmbeddedRainbow()
    try:
        for scheduler in (reference, rainbow):
            scheduler.open(clusters)
        for number, each in enumerate(JOBS):
            assert rainbow.candidates(each) == reference.candidates(each)
            for key in map(str, range(10)):
                name = f"{number}-{key}"
                assert rainbow.submit(each, name, key).cluster == reference.submit(each, name, key).cluster
        for cluster in clusters:
            assert rainbow.receive(cluster.name) == reference.receive(cluster.name)
    finally:
        rainbow.close()


def test_many_clusters_contend(clusters):
    nodes = Graph({"n": Vertex("node")})
    rainbow = EmbeddedRainbow()
    try:
        rainbow.open(build_cluster(f"cluster-{number:03}", nodes, {}) for number in range(300))
        assert len(rainbow.candidates(job())) == 300
    finally:
        rainbow.close()


@pytest.mark.parametrize(
    "name", ["rainbow", "reference", "localhost:50051", "127.0.0.1:1", "[::1]:50051", "host.x:65535"]
)
def test_known_schedulers(name):
    SchedulerOptions(name).check()


@pytest.mark.parametrize("name", ["rainbows", "", "localhost", ":50051", "localhost:", "localhost:x", "a b:1", "::1:5"])
def test_unknown_schedulers_are_refused_with_what_is_known(name):
    with pytest.raises(
        DeclarationError, match=r"unknown scheduler .*rainbow, rainbow-binary, reference\); an address is HOST:PORT"
    ):
        SchedulerOptions(name).check()


@pytest.mark.parametrize("port", ["0", "65536", "99999"])
def test_ports_out_of_range_are_refused(port):
    with pytest.raises(DeclarationError, match=f"found port {port} in 'localhost:{port}', expected 1 to 65535"):
        SchedulerOptions(f"localhost:{port}").check()


def test_an_address_is_a_rainbow_elsewhere():
    scheduler = create_scheduler(SchedulerOptions("localhost:50051"))
    assert type(scheduler) is RainbowScheduler
    assert scheduler.address == "localhost:50051"


def test_a_third_party_brings_its_own():
    mine = ReferenceScheduler()
    assert create_scheduler(SchedulerOptions("mine", others={"mine": lambda: mine})) is mine


def test_secret_and_token_are_not_shown():
    assert "hush" not in repr(SchedulerOptions("localhost:1", secret="hush", token="hush-hush"))
