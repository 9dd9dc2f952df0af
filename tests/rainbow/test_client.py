"""The PyPI client rainbow-scheduler and the embedded server understand one another."""

import json
import subprocess
import sys

import grpc
import pytest
import trustme
from wire import jgf, jobspec, machine, needs, nodes, on, prioritized

from pytest_compat.rainbow.process import RainbowProcess
from pytest_compat.rainbow.proto import rainbow_pb2

jobspec_core = pytest.importorskip("jobspec.core", reason="the PyPI client needs jobspec")
rainbow_client = pytest.importorskip("rainbow.client", reason="rainbow-scheduler is the PyPI client")
rainbow_config = pytest.importorskip("rainbow.config", reason="rainbow-scheduler is the PyPI client")

SUCCESS = rainbow_pb2.RegisterResponse.REGISTER_SUCCESS
UPDATED = rainbow_pb2.UpdateStateResponse.UPDATE_STATE_SUCCESS


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


def updated(client):
    """Return what updates the state of a client's cluster."""
    own = client.cfg._cfg["cluster"]
    return lambda state: client.update_state(own["name"], state, own["secret"])


def test_a_cluster_updates_its_state(connect, request):
    client = connect()
    assert updated(client)({"nodes_free": 4, "kind": "x86"}).status == UPDATED
    priorities = prioritized([{"filter": "nodes_free > 3 and kind == 'x86'"}, {"select": "first"}])
    options = {"priorities": priorities}
    response = client.submit_jobspec(lammps(), select_algo="constraint", select_options=options)
    assert response.cluster == request.node.name
    assert len(client.receive_jobs()) == 1


def test_a_cluster_updates_its_state_from_a_file(connect, request, tmp_path):
    client = connect()
    (tmp_path / "state.json").write_text('{"nodes_free": 4}')
    assert updated(client)(str(tmp_path / "state.json")).status == UPDATED
    options = {"priorities": prioritized([{"filter": "nodes_free == 4"}])}
    response = client.submit_jobspec(lammps(), select_algo="constraint", select_options=options)
    assert response.cluster == request.node.name


def test_a_constraint_that_leaves_no_cluster_raises(connect):
    client = connect()
    options = {"priorities": prioritized([{"filter": "nodes_free > 3"}])}
    with pytest.raises(grpc.RpcError, match="FAILED_PRECONDITION"):
        client.submit_jobspec(lammps(), select_algo="constraint", select_options=options)
    assert client.receive_jobs() == []


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture(scope="module")
def credentials(authority):
    """What a client needs to speak to the server behind TLS."""
    issued = authority.issue_cert("client")
    return grpc.ssl_channel_credentials(
        authority.cert_pem.bytes(), issued.private_key_pem.bytes(), issued.cert_chain_pems[0].bytes()
    )


@pytest.fixture(scope="module")
def behind_tls(authority, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    issued = authority.issue_cert("127.0.0.1")
    files = {"ca-cert": authority.cert_pem, "cert": issued.cert_chain_pems[0], "key": issued.private_key_pem}
    for name, pem in files.items():
        pem.write_to_path(folder / name)
    with RainbowProcess(*(f"--{name}={folder / name}" for name in files)) as process:
        yield process


def drives_everything(name, process, folder):
    """Have the client make each of its calls."""
    graph = jgf({"c": "cluster", "r": "rack", "n": "node", "k": "core"}, "c r", "r n", "n k")
    (folder / "nodes.json").write_text(graph)
    (folder / "os.json").write_text(on("n", vendor="rocky"))
    config = rainbow_config.new_rainbow_config(process.address, name, process.secret)
    config.save_yaml(folder / "rainbow.yaml")
    client = rainbow_client.RainbowClient(config_file=str(folder / "rainbow.yaml"))
    registered = client.register(name, process.secret, str(folder / "nodes.json"))
    secret = registered.secret
    assert client.register_subsystem(name, "os", secret, str(folder / "os.json")).status == SUCCESS
    assert client.update_state(name, {"free": 1}, secret).status == UPDATED
    client.cfg.add_cluster(name, registered.token)
    client.cfg._cfg["cluster"] = {"name": name, "secret": secret}
    spec = jobspec_core.Jobspec(jobspec(nodes(1, needs("os", "vendor", "rocky"))))
    options = {"priorities": prioritized([{"filter": "free == 1"}, {"select": "random"}])}
    for submitted in (
        client.submit_job(["true"]),
        client.submit_jobspec(spec),
        client.submit_jobspec(spec, select_algo="constraint", select_options=options),
    ):
        assert submitted.cluster == name
    assert len(client.receive_jobs()) == 3
    assert client.receive_jobs() == []


def test_it_drives_everything(process, tmp_path):
    drives_everything("everything", process, tmp_path)


def test_it_drives_everything_over_tls(behind_tls, credentials, monkeypatch, tmp_path):
    """It opens plain channels only, for which ones with TLS stand in."""
    monkeypatch.setattr(grpc, "insecure_channel", lambda address: grpc.secure_channel(address, credentials))
    drives_everything("cat", behind_tls, tmp_path)


def test_its_stubs_speak_over_tls(behind_tls, credentials):
    protos = pytest.importorskip("rainbow.protos.rainbow_pb2")
    stubs = pytest.importorskip("rainbow.protos.rainbow_pb2_grpc")
    with grpc.secure_channel(behind_tls.address, credentials) as channel:
        scheduler = stubs.RainbowSchedulerStub(channel)
        registered = scheduler.Register(
            protos.RegisterRequest(name="dog", secret=behind_tls.secret, nodes=machine()), timeout=10
        )
        contender = protos.SubmitJobRequest.Cluster(name="dog", token=registered.token)
        submitted = scheduler.SubmitJob(
            protos.SubmitJobRequest(name="job", clusters=[contender], jobspec=json.dumps(jobspec())), timeout=10
        )
        request = protos.ReceiveJobsRequest(cluster="dog", secret=registered.secret)
        assert list(scheduler.ReceiveJobs(request, timeout=10).jobs) == [submitted.jobid]
        request = protos.AcceptJobsRequest(cluster="dog", secret=registered.secret, jobids=[submitted.jobid])
        assert scheduler.AcceptJobs(request, timeout=10).status == protos.AcceptJobsResponse.RESULT_TYPE_SUCCESS


@pytest.mark.parametrize("swap", [False, True], ids=["ours-first", "theirs-first"])
def test_both_stubs_live_in_one_process(swap):
    imports = ["from pytest_compat.rainbow.proto import rainbow_pb2 as a, memory_pb2 as b"]
    imports += ["from rainbow.protos import rainbow_pb2 as c, memory_pb2 as d"]
    uses = "for each in (a, c): each.RegisterRequest(name='x', nodes='y').SerializeToString()"
    more = "for each in (b, d): each.SatisfyRequest(payload='x').SerializeToString()"
    program = "\n".join([*(reversed(imports) if swap else imports), uses, more])
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
