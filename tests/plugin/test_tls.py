"""A rainbow that speaks TLS: certificates that are taken, and the ones that are not, before any test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest
import trustme
from compat_project import Project
from odd_rainbow import OddRainbow

from pytest_compat.rainbow.proto import memory_pb2_grpc, rainbow_pb2_grpc


class Authority:
    """A certificate authority, and files of what it signs."""

    def __init__(self, folder: Path) -> None:
        self._ca = trustme.CA()
        self._folder = folder
        self.ca_cert = folder / "ca.pem"
        self._ca.cert_pem.write_to_path(str(self.ca_cert))

    def sign(self, name: str) -> tuple[Path, Path]:
        """Return the files of a new certificate and its key."""
        signed = self._ca.issue_cert(name, "127.0.0.1")
        cert, key = self._folder / f"{name}.pem", self._folder / f"{name}.key"
        for blob in signed.cert_chain_pems:
            blob.write_to_path(str(cert), append=True)
        signed.private_key_pem.write_to_path(str(key))
        return cert, key


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority that the server does not know, and that the server is not known by."""
    return Authority(tmp_path_factory.mktemp("stranger"))


@pytest.fixture(scope="module")
def serve(authority: Authority) -> Iterator[Callable[[bool], str]]:
    """Return a function that starts a server, one that asks clients for certificates if told so."""
    servers = []

    def serve(mutual: bool) -> str:
        cert, key = authority.sign(f"server-{len(servers)}.test")
        rainbow = OddRainbow("open-sesame", [])
        server = grpc.server(ThreadPoolExecutor(4))
        servers.append(server)
        rainbow_pb2_grpc.add_RainbowSchedulerServicer_to_server(rainbow, server)
        memory_pb2_grpc.add_MemoryGraphServicer_to_server(rainbow, server)
        known = authority.ca_cert.read_bytes() if mutual else None
        pair = [(key.read_bytes(), cert.read_bytes())]
        port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials(pair, known, mutual))
        server.start()
        return f"127.0.0.1:{port}"

    yield serve
    for server in servers:
        server.stop(None).wait()


def run(project: Project, address: str, **files: Path) -> pytest.RunResult:
    options = [f"--compat-scheduler-{name.replace('_', '-')}={path}" for name, path in files.items()]
    secret = "--compat-scheduler-secret=open-sesame"
    return project.run_apart(*options, secret, "--compat-level=none", scheduler=address)


def assert_no_answer(result: pytest.RunResult, why: str) -> None:
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: --compat-scheduler: no rainbow answers at *{why}*"])


def test_a_server_that_is_trusted(project: Project, authority: Authority, serve: Callable[[bool], str]) -> None:
    run(project, serve(False), ca_cert=authority.ca_cert).assert_outcomes(passed=4)


def test_mutual(project: Project, authority: Authority, serve: Callable[[bool], str]) -> None:
    cert, key = authority.sign("client.test")
    run(project, serve(True), ca_cert=authority.ca_cert, cert=cert, key=key).assert_outcomes(passed=4)


def test_files_in_an_ini_file(project: Project, authority: Authority, serve: Callable[[bool], str]) -> None:
    cert, key = authority.sign("ini.test")
    project.pytester.makeini(
        f"[pytest]\ncompat_scheduler_ca_cert = {authority.ca_cert}\n"
        f"compat_scheduler_cert = {cert}\ncompat_scheduler_key = {key}"
    )
    run(project, serve(True)).assert_outcomes(passed=4)


def test_workers_speak_tls_too(project: Project, authority: Authority, serve: Callable[[bool], str]) -> None:
    options = (f"--compat-scheduler-ca-cert={authority.ca_cert}", "--compat-scheduler-secret=open-sesame", "-n2")
    project.run_apart(*options, scheduler=serve(False)).assert_outcomes(passed=12)


def test_plain_text_to_a_server_that_speaks_tls(project: Project, serve: Callable[[bool], str]) -> None:
    assert_no_answer(run(project, serve(False)), "does it speak plain text[?]")


def test_tls_to_a_server_that_speaks_plain_text(project: Project, authority: Authority) -> None:
    rainbow = grpc.server(ThreadPoolExecutor(1))
    port = rainbow.add_insecure_port("127.0.0.1:0")
    rainbow.start()
    assert_no_answer(run(project, f"127.0.0.1:{port}", ca_cert=authority.ca_cert), "does it speak TLS[?]")
    rainbow.stop(None).wait()


def test_a_server_that_is_not_trusted(project: Project, stranger: Authority, serve: Callable[[bool], str]) -> None:
    assert_no_answer(run(project, serve(False), ca_cert=stranger.ca_cert), "CERTIFICATE_VERIFY_FAILED")


def test_no_certificate_for_a_server_that_asks_for_one(
    project: Project, authority: Authority, serve: Callable[[bool], str]
) -> None:
    assert_no_answer(run(project, serve(True), ca_cert=authority.ca_cert), "UNAVAILABLE")


def test_a_certificate_that_the_server_does_not_trust(
    project: Project, authority: Authority, stranger: Authority, serve: Callable[[bool], str]
) -> None:
    cert, key = stranger.sign("client.test")
    result = run(project, serve(True), ca_cert=authority.ca_cert, cert=cert, key=key)
    assert_no_answer(result, "UNAVAILABLE")


def usage_error(project: Project, **files: Path) -> str:
    """Run with files that are wrong and return what is said of them."""
    options = [f"--compat-scheduler-{name.replace('_', '-')}={path}" for name, path in files.items()]
    result = project.run(*options, scheduler="localhost:1")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    (line,) = [line for line in result.errlines if line.startswith("ERROR: ")]
    return line


def test_a_certificate_without_its_key_and_the_reverse(project: Project, authority: Authority) -> None:
    cert, key = authority.sign("lone.test")
    assert "--compat-scheduler-cert: found no scheduler-key, expected both" in usage_error(project, cert=cert)
    assert "--compat-scheduler-key: found no scheduler-cert, expected both" in usage_error(project, key=key)


@pytest.mark.parametrize("name", ["ca_cert", "cert", "key"])
def test_a_file_that_is_not_there(project: Project, authority: Authority, name: str) -> None:
    cert, key = authority.sign(f"absent-{name}.test".replace("_", "-"))
    files = {"ca_cert": authority.ca_cert, "cert": cert, "key": key, name: project.path / "absent.pem"}
    flag = f"--compat-scheduler-{name.replace('_', '-')}"
    assert f"{flag}: cannot read {project.path / 'absent.pem'}: No such file" in usage_error(project, **files)


def test_files_that_are_something_else(project: Project, authority: Authority) -> None:
    cert, key = authority.sign("mixed.test")
    _, other_key = authority.sign("other.test")
    text = project.write("text.pem", "no certificate")
    assert "--compat-scheduler-ca-cert: found no certificate in" in usage_error(project, ca_cert=text)
    for files in ({"cert": text, "key": key}, {"cert": cert, "key": text}, {"cert": cert, "key": other_key}):
        assert "--compat-scheduler-cert: found in" in usage_error(project, **files)
