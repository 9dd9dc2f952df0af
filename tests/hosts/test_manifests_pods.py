"""The commands of pods, run on this machine: each node described, one cluster registered."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import trustme
import yaml

from pytest_compat.commands import main
from pytest_compat.declare.pools import build_clusters
from pytest_compat.hosts.kubernetes.folder import render
from pytest_compat.hosts.kubernetes.server import SECRET, TOKEN
from pytest_compat.hosts.kubernetes.settings import Settings
from pytest_compat.rainbow.config import read_config
from pytest_compat.rainbow.process import RainbowProcess

AS_POD = """\
import os, platform, sys
from pytest_compat.commands import main
platform.node = lambda: os.environ["POD"]
assert sys.argv[1:3] == ["-m", "pytest_compat"]
sys.exit(main(sys.argv[3:]))
"""
"""What stands for python3 in pods: the command that is asked for, under the host name of the pod."""


class Pods:
    """The pods of a MiniCluster called blue, with two nodes.

    Args:
        folder: Stands for the volume that they share.
        server: The rainbow, elsewhere than the manifests say.
        settings: What the manifests are rendered from.
        certificates: Stands for the folder of certificates.
    """

    def __init__(self, folder: Path, server: RainbowProcess, settings: Settings, certificates: Path) -> None:
        clusters = build_clusters({"shape": {"node": 2}, "clusters": {"blue": {}}}, folder)
        files = render(clusters, settings, {SECRET: "s", TOKEN: "t"})
        (container,) = yaml.safe_load(files["clusters/blue.yaml"])["spec"]["containers"]
        script: str = container["commands"]["pre"]
        self.config = folder / "blue" / "rainbow-config.yaml"
        self.client = ["--config", str(self.config), "--host", server.address]
        self._tools = folder / "bin"
        self._tools.mkdir()
        (self._tools / "pod.py").write_text(AS_POD)
        python = f'exec {sys.executable} {self._tools / "pod.py"} "$@"'
        for name, body in (("python3", python), ("hostname", 'echo "$POD"')):
            (self._tools / name).write_text(f"#!/bin/sh\n{body}\n")
            (self._tools / name).chmod(0o755)
        self._script = (
            script.replace("/shared", str(folder))
            .replace("/etc/rainbow/tls", str(certificates))
            .replace(settings.address, server.address)
            .replace("--patience 300", "--patience 10")
        )

    def start(self, number: int, secret: str) -> subprocess.Popen[bytes]:
        path = f"{self._tools}{os.pathsep}{os.environ['PATH']}"
        given = {"PATH": path, "POD": f"blue-{number}", "COMPAT_SCHEDULER_SECRET": secret}
        return subprocess.Popen(["/bin/sh", "-c", self._script], env={**os.environ, **given})

    def run(self, number: int, secret: str) -> int:
        return self.start(number, secret).wait(60)


def submitted(pods: Pods, nodes: int, *flags: str) -> int:
    return main(["submit", *pods.client, *flags, "--nodes", str(nodes), "--", "true"])


def test_pods_describe_their_nodes_and_the_first_registers_them_all(tmp_path: Path) -> None:
    with RainbowProcess() as server:
        pods = Pods(tmp_path, server, Settings(), tmp_path)
        first = pods.start(0, server.secret)  # which waits for the other
        assert pods.run(1, server.secret) == 0
        assert first.wait(60) == 0
        assert read_config(pods.config).cluster == "blue"
        assert (submitted(pods, 2), submitted(pods, 3)) == (0, 1)


def test_a_pod_that_starts_again_keeps_the_config_of_its_cluster(tmp_path: Path) -> None:
    with RainbowProcess() as server:
        pods = Pods(tmp_path, server, Settings(), tmp_path)
        (tmp_path / "blue").mkdir()
        (tmp_path / "blue" / "node-blue-2.json").write_text("of a larger cluster, earlier")
        assert pods.run(1, server.secret) == 0
        assert pods.run(0, "wrong") == 1
        assert not pods.config.exists()
        assert pods.run(0, server.secret) == 0
        config = pods.config.read_text()
        assert pods.run(0, server.secret) == 0
        assert pods.config.read_text() == config
        assert submitted(pods, 2) == 0


def test_pods_register_over_mutual_tls(tmp_path: Path) -> None:
    authority = trustme.CA()
    folder = tmp_path / "certificates"
    folder.mkdir()
    pair = authority.issue_cert("127.0.0.1")
    authority.cert_pem.write_to_path(folder / "ca.crt")
    pair.private_key_pem.write_to_path(folder / "tls.key")
    pair.cert_chain_pems[0].write_to_path(folder / "tls.crt")
    files = {flag: str(folder / name) for flag, name in (("--cert", "tls.crt"), ("--key", "tls.key"))}
    files["--ca-cert"] = str(folder / "ca.crt")
    flags = [word for pair in files.items() for word in pair]
    with RainbowProcess(*flags) as server:
        pods = Pods(tmp_path, server, Settings(tls_secret="certs", mutual_tls=True), folder)
        assert pods.run(1, server.secret) == 0
        assert pods.run(0, server.secret) == 0
        assert submitted(pods, 2, *flags) == 0
