"""The server as operators know it: TLS, health, reflection, and an end that finishes what runs."""

import subprocess
import sys
import threading
import time

import grpc
import pytest
import trustme
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from wire import SECRET, Client, Registration, jobspec, nodes

from pytest_compat.errors import DeclarationError
from pytest_compat.rainbow.proto import memory_pb2, rainbow_pb2
from pytest_compat.rainbow.server import Server, ServerOptions

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
SERVICES = ["convergedcomputing.org.grpc.v1.RainbowScheduler", "service.MemoryGraph"]


@pytest.fixture
def server():
    server = Server(ServerOptions(secret=SECRET))
    yield server
    server.stop(1)


@pytest.fixture
def channel(server):
    with grpc.insecure_channel(server.address) as channel:
        yield channel


# TLS


class Authority:
    """A certificate authority, and files with what it issues.

    Args:
        folder: Where to put them.
    """

    def __init__(self, folder):
        folder.mkdir()
        self.folder, self.ca = folder, trustme.CA()
        self.ca_cert = folder / "ca.pem"
        self.ca.cert_pem.write_to_path(self.ca_cert)

    def issue(self, name):
        """Return the files of a certificate for `localhost` and of its key."""
        issued = self.ca.issue_cert("localhost", "127.0.0.1")
        cert, key = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        issued.cert_chain_pems[0].write_to_path(cert)
        issued.private_key_pem.write_to_path(key)
        return cert, key


@pytest.fixture(scope="module")
def ours(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("tls") / "ours")


@pytest.fixture(scope="module")
def theirs(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("tls") / "theirs")


@pytest.fixture
def serve():
    """Return a function that starts a server and returns its address."""
    servers = []

    def serve(**options):
        servers.append(Server(ServerOptions(secret=SECRET, **options)))
        return servers[-1].address

    yield serve
    for server in servers:
        server.stop(1)


def registers(address, credentials):
    """Tell whether a client with these credentials registers a cluster; `UNAVAILABLE` is that it does not."""
    with grpc.secure_channel(address, credentials) if credentials else grpc.insecure_channel(address) as channel:
        try:
            return Client(channel).register().status == Registration.REGISTER_SUCCESS
        except grpc.RpcError as error:
            if error.code() is not grpc.StatusCode.UNAVAILABLE:
                raise
            return False


def trusting(authority, issued=None):
    """Return a client's credentials: whom it trusts, and what it shows."""
    chain, key = (path.read_bytes() for path in issued) if issued else (None, None)
    return grpc.ssl_channel_credentials(authority.ca_cert.read_bytes(), key, chain)


def test_tls(serve, ours, theirs):
    cert, key = ours.issue("server")
    address = serve(cert=cert, key=key)
    assert registers(address, trusting(ours))
    assert not registers(address, trusting(theirs))
    assert not registers(address, None)


def test_mutual_tls(serve, ours, theirs):
    cert, key = ours.issue("server")
    address = serve(cert=cert, key=key, ca_cert=ours.ca_cert)
    assert not registers(address, trusting(ours))
    assert not registers(address, trusting(ours, theirs.issue("stranger")))
    assert not registers(address, None)
    assert registers(address, trusting(ours, ours.issue("client")))


def test_clients_may_be_signed_by_another_authority(serve, ours, theirs):
    cert, key = ours.issue("server")
    address = serve(cert=cert, key=key, ca_cert=theirs.ca_cert)
    assert registers(address, trusting(ours, theirs.issue("client")))
    assert not registers(address, trusting(ours, ours.issue("stranger")))


def test_a_client_with_tls_cannot_speak_to_a_server_without(serve, ours):
    assert not registers(serve(), trusting(ours))


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"cert": "cert"}, "key: found none"),
        ({"key": "key"}, "cert: found none"),
        ({"ca_cert": "ca"}, "ca-cert: found no cert and key"),
        ({"cert": "missing", "key": "key"}, "cert: cannot be read"),
        ({"cert": "cert", "key": "missing"}, "key: cannot be read"),
        ({"cert": "cert", "key": "key", "ca_cert": "missing"}, "ca-cert: cannot be read"),
        ({"cert": "text", "key": "key"}, "cert, key: found no certificate and its"),
        ({"cert": "cert", "key": "text"}, "cert, key: found no certificate and its"),
        ({"cert": "cert", "key": "other"}, "cert, key: found no certificate and its"),
        ({"cert": "cert", "key": "locked"}, "cert, key: found no certificate and its"),
        ({"cert": "cert", "key": "key", "ca_cert": "text"}, "ca-cert: found no certificates as PEM"),
        ({"cert": "folder", "key": "key"}, "cert: cannot be read"),
    ],
)
def test_what_tls_cannot_be_made_of(ours, tmp_path, given, path):
    cert, key = ours.issue("server")
    files = {"cert": cert, "key": key, "other": ours.issue("other")[1], "ca": ours.ca_cert, "folder": tmp_path}
    files |= {"missing": tmp_path / "missing", "text": tmp_path / "text", "locked": tmp_path / "locked"}
    files["text"].write_text("no PEM")
    files["locked"].write_bytes(locked(key))
    with pytest.raises(DeclarationError) as raised:
        Server(ServerOptions(**{option: files[file] for option, file in given.items()}))
    assert str(raised.value).startswith(path)


def locked(key):
    """Return a private key under a passphrase."""
    from cryptography.hazmat.primitives import serialization

    return serialization.load_pem_private_key(key.read_bytes(), None).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"passphrase"),
    )


# Health


@pytest.mark.parametrize("service", ["", *SERVICES])
def test_a_running_server_is_serving(channel, service):
    request = health_pb2.HealthCheckRequest(service=service)
    assert health_pb2_grpc.HealthStub(channel).Check(request, timeout=5).status == SERVING


def test_health_of_an_unknown_service(channel):
    with pytest.raises(grpc.RpcError, match="NOT_FOUND"):
        health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service="x"), timeout=5)


@pytest.mark.parametrize("service", ["", *SERVICES])
def test_a_server_that_stops_says_so_to_those_who_watch(server, channel, service):
    watched = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(service=service), timeout=20)
    assert next(watched).status == SERVING
    stopping = threading.Thread(target=server.stop, args=(1,))
    stopping.start()
    assert next(watched).status == NOT_SERVING
    stopping.join(10)
    assert not stopping.is_alive()


# Reflection


def ask(channel, **request):
    """Return the one answer of the reflection service to a request."""
    requests = iter([reflection_pb2.ServerReflectionRequest(**request)])
    (answer,) = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo(requests, timeout=5)
    return answer


def test_reflection_lists_the_services(channel):
    listed = {each.name for each in ask(channel, list_services="").list_services_response.service}
    assert listed == {*SERVICES, "grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"}


@pytest.mark.parametrize(
    ("symbol", "module"),
    [
        (SERVICES[0], rainbow_pb2),
        (SERVICES[1], memory_pb2),
        ("convergedcomputing.org.grpc.v1.DeleteRequest", rainbow_pb2),
        ("grpc.health.v1.Health", health_pb2),
    ],
)
def test_reflection_describes_a_symbol(channel, symbol, module):
    answer = ask(channel, file_containing_symbol=symbol).file_descriptor_response
    files = [FileDescriptorProto.FromString(text) for text in answer.file_descriptor_proto]
    assert files[0].name == module.DESCRIPTOR.name
    assert files[0].package == module.DESCRIPTOR.package
    assert [each.name for each in files[0].message_type] == list(module.DESCRIPTOR.message_types_by_name)


def test_reflection_of_an_unknown_symbol(channel):
    assert ask(channel, file_containing_symbol="x.Y").error_response.error_code == grpc.StatusCode.NOT_FOUND.value[0]


def test_a_client_can_be_made_of_nothing_but_reflection(server):
    """In a process of its own, whose default pool has never heard of these messages."""
    program = f"""
import grpc
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

with grpc.insecure_channel({server.address!r}) as channel:
    pool = DescriptorPool(ProtoReflectionDescriptorDatabase(channel))
    method = pool.FindServiceByName({SERVICES[1]!r}).FindMethodByName("Satisfy")
    request, reply = GetMessageClass(method.input_type), GetMessageClass(method.output_type)
    call = channel.unary_unary("/service.MemoryGraph/Satisfy", request.SerializeToString, reply.FromString)
    print(call(request(payload={str(jobspec())!r}), timeout=5).total_clusters)
"""
    with grpc.insecure_channel(server.address) as channel:
        Client(channel).add()
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout.strip()) == (0, "1"), done.stderr


# The end


def test_a_call_that_runs_is_finished(server, channel, monkeypatch):
    client = Client(channel)
    client.add("cat")
    started, candidates = threading.Event(), server.store.candidates

    def slowly(spec):
        started.set()
        time.sleep(0.5)
        return candidates(spec)

    monkeypatch.setattr(server.store, "candidates", slowly)
    answers = []
    calling = threading.Thread(target=lambda: answers.append(client.candidates(nodes())))
    calling.start()
    assert started.wait(5)
    server.stop(10)
    calling.join(5)
    assert answers == [["cat"]]


def test_a_stopped_server_answers_no_more(server, channel):
    server.stop(1)
    with pytest.raises(grpc.RpcError, match="UNAVAILABLE"):
        Client(channel).satisfy()


def test_stopping_twice_is_harmless(server):
    server.stop(1)
    server.stop(1)


def test_a_port_is_free_once_the_server_has_stopped(server):
    server.stop(1)
    Server(ServerOptions(host=server.address)).stop(1)


def test_secrets_are_not_in_the_text_of_options():
    assert "open-sesame" not in repr(ServerOptions(secret="open-sesame", token="open-sesame"))
