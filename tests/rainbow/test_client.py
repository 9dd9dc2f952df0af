"""The PyPI client rainbow-scheduler and the embedded server understand one another."""

import subprocess
import sys

import pytest
from wire import jgf, machine, needs, nodes, on

from pytest_compat.rainbow.process import RainbowProcess
from pytest_compat.rainbow.proto import rainbow_pb2

jobspec_core = pytest.importorskip("jobspec.core", reason="the PyPI client needs jobspec")
rainbow_client = pytest.importorskip("rainbow.client", reason="rainbow-scheduler is the PyPI client")
rainbow_config = pytest.importorskip("rainbow.config", reason="rainbow-scheduler is the PyPI client")

SUCCESS = rainbow_pb2.RegisterResponse.REGISTER_SUCCESS


@pytest.fixture(scope="module")
def process():
    with RainbowProcess() as process:
        yield process


@pytest.fixture
def connect(process, tmp_path, request):
    """Return a function that registers a cluster from files and makes a client with its credentials."""
    name = request.node.name

    def connect(graph=None, **subsystems):
        path = tmp_path / "rainbow.yaml"
        config = rainbow_config.new_rainbow_config(process.address, name, process.secret)
        config.save_yaml(path)
        client = rainbow_client.RainbowClient(config_file=str(path))
        (tmp_path / "nodes.json").write_text(graph or machine())
        response = client.register(name, process.secret, str(tmp_path / "nodes.json"))
        assert response.status == SUCCESS
        for subsystem, text in subsystems.items():
            file = tmp_path / f"{subsystem}-subsystem.json"
            file.write_text(text)
            assert client.register_subsystem(name, subsystem, response.secret, str(file)).status == SUCCESS
        config.add_cluster(name, response.token)
        config.cfg["cluster"]["secret"] = response.secret
        config.save_yaml(path)
        return rainbow_client.RainbowClient(config_file=str(path))

    return connect


def lammps(*requires):
    return jobspec_core.Jobspec(
        {
            "version": 1,
            "resources": {"lammps": nodes(2, *requires, **{"with": [{"type": "core", "count": 2}]})},
            "tasks": [{"command": ["lmp", "-in", "in.reaxff.hns"], "resources": "lammps"}],
        }
    )


def test_a_cluster_receives_the_jobspec_whose_requirements_it_meets(connect, request):
    client = connect(os=on("n0 n1 n2 n3", **{"os.full": "rocky8"}))
    response = client.submit_jobspec(lammps(needs("os", "os.full", "rocky8")), name="fits")
    assert response.cluster == request.node.name
    assert response.status == rainbow_pb2.SubmitJobResponse.SUBMIT_SUCCESS
    (job,) = client.receive_jobs()
    assert (job["name"], job["cluster"]) == ("fits", request.node.name)
    assert job["command"] == ["lmp", "-in", "in.reaxff.hns"]


def test_a_jobspec_that_no_cluster_fits_is_not_assigned(connect):
    client = connect(os=on("n0 n1 n2 n3", **{"os.full": "rocky8"}))
    response = client.submit_jobspec(lammps(needs("os", "os.full", "plan9")))
    assert list(response.clusters) == []
    assert response.total_matches == 0
    assert response.total_mismatches == response.total_clusters > 0
    assert client.receive_jobs() == []


def test_a_cluster_receives_a_command(connect, request):
    graph = jgf({"c": "cluster", "r": "rack", "n": "node", "k": "core"}, "c r", "r n", "n k")
    client = connect(graph)
    response = client.submit_job(["hostname", "-f"])
    assert response.cluster == request.node.name
    (job,) = client.receive_jobs()
    assert job["command"] == ["hostname", "-f"]


def test_what_was_received_has_been_accepted(connect):
    client = connect()
    client.submit_jobspec(lammps(), name="once")
    assert [job["name"] for job in client.receive_jobs()] == ["once"]
    assert client.receive_jobs() == []


def test_a_cluster_receives_no_more_than_it_asks_for(connect):
    client = connect()
    for name in ("first", "second", "third"):
        client.submit_jobspec(lammps(), name=name)
    assert [job["name"] for job in client.receive_jobs(max_jobs=2)] == ["first", "second"]


def test_satisfy_only_assigns_nothing(connect, request):
    client = connect()
    response = client.submit_jobspec(lammps(), satisfy_only=True)
    assert list(response.clusters) == [request.node.name]
    assert client.receive_jobs() == []


@pytest.mark.parametrize("swap", [False, True], ids=["ours-first", "theirs-first"])
def test_both_stubs_live_in_one_process(swap):
    imports = ["from pytest_compat.rainbow.proto import rainbow_pb2 as a, memory_pb2 as b"]
    imports += ["from rainbow.protos import rainbow_pb2 as c, memory_pb2 as d"]
    uses = "for each in (a, c): each.RegisterRequest(name='x', nodes='y').SerializeToString()"
    more = "for each in (b, d): each.SatisfyRequest(payload='x').SerializeToString()"
    program = "\n".join([*(reversed(imports) if swap else imports), uses, more])
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
