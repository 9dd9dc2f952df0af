"""A Spack job the whole way: submission, the cluster that receives it, what is run there and in which order."""

import json
import os
import shutil
from pathlib import Path

import pytest

from pytest_compat.declare.catalog import load_experiment
from pytest_compat.declare.jgf import write_containment, write_subsystem
from pytest_compat.declare.jobspec import load
from pytest_compat.hosts import flux
from pytest_compat.hosts.handover import Handover
from pytest_compat.hosts.local import run_local
from pytest_compat.hosts.runs import open_job, prepare
from pytest_compat.rainbow.client import RainbowClient

HERE = Path(__file__).parent


@pytest.mark.compat("experiment.yaml")
def test_matching(compat_case, compat_cluster):
    """What this cluster received is what the scheduler said it was assigned."""
    compat_case.check()


@pytest.fixture(scope="module")
def clusters(compat_rainbow):
    """The clusters of the experiment at a rainbow of their own: a client, and what each cluster was told."""
    with RainbowClient(compat_rainbow.address) as client:
        credentials = {}
        for cluster in load_experiment(HERE / "experiment.yaml").clusters:
            known = client.register(cluster.name, compat_rainbow.secret, write_containment(cluster))
            for subsystem in cluster.subsystems:
                client.subsystem(cluster.name, known.secret, subsystem, write_subsystem(cluster, subsystem))
            credentials[cluster.name] = known
        yield client, credentials


@pytest.fixture
def runner(record_property):
    """Flux where an instance answers, else this machine; every case says which."""
    name = "flux" if flux.available() else "local"
    record_property("prototype_runner", name)
    return name


@pytest.fixture
def log(tmp_path, monkeypatch, record_property):
    """A file in which stand-ins say what they were asked, where Spack and ior are not installed."""
    real = shutil.which("spack") is not None and shutil.which("ior") is not None
    record_property("prototype_spack", "real" if real else "stand-ins")
    if not real:
        monkeypatch.setenv("PATH", f"{HERE / 'stand-ins'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PROTOTYPE_LOG", str(tmp_path / "log"))
    (tmp_path / "log").touch()
    return tmp_path / "log"


@pytest.mark.parametrize(
    ("name", "able", "asked"),
    [
        ("hostname", {"blue", "pink"}, []),
        ("ior", {"blue"}, ["spack install ior", "spack load ior", "ior -b 10m -O summaryFormat=json"]),
        ("mpich", {"pink"}, []),
    ],
)
def test_from_submission_to_results(clusters, runner, log, tmp_path, name, able, asked):
    """As many clusters match as can, one of them receives the job, and its tasks are run once and in order."""
    client, credentials = clusters
    document = load((HERE / "jobs" / f"{name}.yaml").read_text(encoding="utf-8"))
    found = client.satisfy(document)
    assert (set(found.clusters), found.mismatches, found.total) == (able, 2 - len(able), 2)
    tokens = {cluster: credentials[cluster].token for cluster in found.clusters}
    selected = client.submit(name, document, tokens)
    assert selected in able

    received = {cluster: client.receive(cluster, known.secret) for cluster, known in credentials.items()}
    assert {cluster: [job.name for job in jobs] for cluster, jobs in received.items()} == {
        cluster: [name] if cluster == selected else [] for cluster in credentials
    }
    (job,) = received[selected]
    with Handover(tmp_path / "handover.jsonl") as handover:
        place = handover.once(str(job.id), job.jobspec, lambda _: str(prepare(tmp_path / "job", job.jobspec).path))
        client.accept(selected, credentials[selected].secret, [job.id])
        handover.accept(str(job.id))
    assert not client.receive(selected, credentials[selected].secret)

    folder = open_job(Path(place))
    if runner == "flux":
        flux.submit(folder, f"{selected}/{job.id}")
        assert flux.wait(folder)
    else:
        assert run_local(folder, 1)
    assert {state.state for state in folder.states()} == {"done"}
    if asked and "stand-ins" in os.environ["PATH"]:
        assert log.read_text(encoding="utf-8").splitlines() == asked


def test_what_nobody_can_run_is_given_to_nobody(clusters):
    """Each cluster has a part of what it takes."""
    client, credentials = clusters
    found = client.satisfy(load((HERE / "jobs" / "nowhere.yaml").read_text(encoding="utf-8")))
    assert (found.clusters, found.mismatches, found.total) == ((), 2, 2)
    assert not any(client.receive(cluster, known.secret) for cluster, known in credentials.items())


def test_the_jobs_are_what_the_experiment_speaks_of():
    """A jobspec that is run asks for what a job of the experiment asks for."""
    asked = {
        (line["name"], line["field"])
        for path in sorted((HERE / "jobs").glob("*.yaml"))
        for group in load(path.read_text(encoding="utf-8"))["resources"].values()
        for line in group.get("requires", [])
    }
    jobs = load_experiment(HERE / "experiment.yaml").jobs
    assert asked <= {(each.subsystem, each.field) for job in jobs for each in job.requirements()}, json.dumps(
        sorted(asked)
    )
