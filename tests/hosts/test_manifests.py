"""What the manifests of a rainbow and its clusters say."""

from __future__ import annotations

import argparse
import re
import shlex
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_schemas
import pytest
import yaml

from pytest_compat.commands import configured, rainbow, register
from pytest_compat.declare.pools import build_clusters
from pytest_compat.declare.reading import read_declaration
from pytest_compat.errors import DeclarationError
from pytest_compat.hosts.kubernetes import clusters as miniclusters
from pytest_compat.hosts.kubernetes.folder import render
from pytest_compat.hosts.kubernetes.server import SECRET, TOKEN
from pytest_compat.hosts.kubernetes.settings import Settings
from pytest_compat.model import Cluster
from pytest_compat.rainbow.process import SECRET_VARIABLE, TOKEN_VARIABLE

ROOT = Path(__file__).parents[2]
VALUES = {SECRET: "s", TOKEN: "t"}
PLAIN = Settings()
TLS = Settings(port=9443, namespace="flux", tls_secret="certs", ingress_host="rainbow.example.org")
MUTUAL = Settings(name="sky", port=9443, tls_secret="certs", client_tls_secret="own-certs", mutual_tls=True)
CLAIMS = Settings(token_secret="tokens", database_claim="kept", shared_claim="common", select_architecture=True)
ALL = pytest.mark.parametrize("settings", [PLAIN, TLS, MUTUAL, CLAIMS], ids=["plain", "tls", "mutual", "claims"])


def pool(name: str) -> tuple[Cluster, ...]:
    path = ROOT / "clusters" / f"{name}.yaml"
    return build_clusters(read_declaration(path, "clusters"), path.parent)


def listed(**clusters: Any) -> tuple[Cluster, ...]:
    return build_clusters({"clusters": clusters}, ROOT)


def rendered(settings: Settings, clusters: tuple[Cluster, ...] | None = None) -> dict[str, Any]:
    files = render(pool("spack-prototype") if clusters is None else clusters, settings, VALUES)
    return {path: yaml.safe_load(text) for path, text in files.items()}


def container(settings: Settings) -> dict[str, Any]:
    return rendered(settings)["rainbow/deployment.yaml"]["spec"]["template"]["spec"]["containers"][0]


def parsed(command: Any, words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return parser.parse_args(words)


def registering(minicluster: dict[str, Any]) -> argparse.Namespace:
    """The flags that a cluster registers with, as `register` itself reads them."""
    script = minicluster["spec"]["containers"][0]["commands"]["pre"]
    line = next(line for line in script.splitlines() if " register " in line)
    return parsed(register, shlex.split(line.partition(" register ")[2].removesuffix(" ||")))


@ALL
@pytest.mark.parametrize("version", ["1.27", "latest"])
def test_objects_of_kubernetes_fit_its_own_schemas(settings: Settings, version: str) -> None:
    validate = pytest.importorskip("kubernetes_validate")
    objects = {path: each for path, each in rendered(settings).items() if path.startswith("rainbow/")}
    assert sorted(each["kind"] for each in objects.values()) == ["Deployment", "Ingress", "Secret", "Service"]
    for each in objects.values():
        validate.validate(each, validate.latest_version() if version == "latest" else version, strict=True)


@ALL
def test_other_objects_fit_the_schemas_of_their_projects(settings: Settings) -> None:
    objects = rendered(settings)
    jsonschema.validate(objects["kind.yaml"], kubernetes_schemas.KIND)
    for name in ("blue", "pink"):
        jsonschema.validate(objects[f"clusters/{name}.yaml"], kubernetes_schemas.MINICLUSTER)


@ALL
def test_one_port_is_that_of_server_service_ingress_probes_and_clusters(settings: Settings) -> None:
    objects, port = rendered(settings), settings.port
    main = container(settings)
    _, options = rainbow.read_options(parsed(rainbow, main["args"]))
    assert options.host == f":{port}"
    assert main["ports"] == [{"name": "grpc", "containerPort": port}]
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert main[probe]["tcpSocket" if settings.tls_secret else "grpc"] == {"port": port}
    (exposed,) = objects["rainbow/service.yaml"]["spec"]["ports"]
    assert (exposed["port"], exposed["targetPort"]) == (port, "grpc")
    (rule,) = objects["rainbow/ingress.yaml"]["spec"]["rules"]
    assert rule["http"]["paths"][0]["backend"]["service"] == {"name": settings.name, "port": {"number": port}}
    for name in ("blue", "pink"):
        host = registering(objects[f"clusters/{name}.yaml"]).host
        assert host == f"{settings.name}.{settings.namespace}.svc.cluster.local:{port}"
    if port != PLAIN.port:
        assert str(PLAIN.port) not in str(objects)


@ALL
def test_certificates_are_those_of_server_ingress_and_clusters(settings: Settings) -> None:
    objects = rendered(settings)
    _, options = rainbow.read_options(parsed(rainbow, container(settings)["args"]))
    pod = objects["rainbow/deployment.yaml"]["spec"]["template"]["spec"]
    secrets = [volume["secret"]["secretName"] for volume in pod["volumes"] if "secret" in volume]
    mounts = [mount["mountPath"] for mount in container(settings)["volumeMounts"] if mount["name"] == "tls"]
    annotations = objects["rainbow/ingress.yaml"]["metadata"]["annotations"]
    tls = objects["rainbow/ingress.yaml"]["spec"].get("tls", [])
    clusters = [objects[f"clusters/{name}.yaml"]["spec"]["containers"][0] for name in ("blue", "pink")]
    if not settings.tls_secret:
        assert (options.cert, options.key, options.ca_cert, secrets, mounts, tls) == (None, None, None, [], [], [])
        assert annotations == {"nginx.ingress.kubernetes.io/backend-protocol": "GRPC"}
        assert not any("tls" in each["volumes"] for each in clusters)
        return
    assert secrets == ["certs"]
    assert {options.cert, options.key} == {Path(mounts[0], "tls.crt"), Path(mounts[0], "tls.key")}
    assert options.ca_cert == (Path(mounts[0], "ca.crt") if settings.mutual_tls else None)
    assert annotations["nginx.ingress.kubernetes.io/backend-protocol"] == "GRPCS"
    assert ("nginx.ingress.kubernetes.io/ssl-passthrough" in annotations) == settings.mutual_tls
    assert tls == [{"hosts": [settings.ingress_host], "secretName": "certs"}]
    for each in clusters:
        # Never the server's: its private key is in it.
        volume = each["volumes"]["tls"]
        assert volume["secretName"] == ("own-certs" if settings.mutual_tls else "certs-clients")


@pytest.mark.parametrize(("settings", "own"), [(TLS, False), (MUTUAL, True)], ids=["tls", "mutual"])
def test_clusters_register_over_tls_where_the_server_speaks_it(settings: Settings, own: bool) -> None:
    flags = registering(rendered(settings)["clusters/blue.yaml"])
    folder = Path("/etc/rainbow/tls")
    assert flags.ca_cert == folder / "ca.crt"
    assert (flags.cert, flags.key) == ((folder / "tls.crt", folder / "tls.key") if own else (None, None))


@ALL
def test_secrets_come_from_the_secret_and_never_as_arguments(settings: Settings) -> None:
    objects, main = rendered(settings), container(settings)
    secret = objects["rainbow/secret.yaml"]
    assert secret["stringData"] == VALUES == {SECRET_VARIABLE: "s", TOKEN_VARIABLE: "t"}
    name = secret["metadata"]["name"]
    assert [(each["name"], each["valueFrom"]["secretKeyRef"]) for each in main["env"]] == [
        (key, {"name": name, "key": key}) for key in VALUES
    ]
    assert not {"--secret", "--global-token"} & set(main["args"])
    for each in ("blue", "pink"):
        container_ = objects[f"clusters/{each}.yaml"]["spec"]["containers"][0]
        assert container_["secrets"] == {configured.SECRET: {"name": name, "key": SECRET}}
        assert registering(objects[f"clusters/{each}.yaml"]).secret is None


@ALL
def test_everything_is_in_one_namespace_and_found_by_one_label(settings: Settings) -> None:
    objects = rendered(settings)
    del objects["kind.yaml"]
    assert {each["metadata"]["namespace"] for each in objects.values()} == {settings.namespace}
    spec = objects["rainbow/deployment.yaml"]["spec"]
    labels = spec["template"]["metadata"]["labels"]
    assert labels == spec["selector"]["matchLabels"] == objects["rainbow/service.yaml"]["spec"]["selector"]


def test_one_server_at_a_time_keeps_its_database_where_it_is_told_to() -> None:
    for settings, volume in ((PLAIN, {"emptyDir": {}}), (CLAIMS, {"persistentVolumeClaim": {"claimName": "kept"}})):
        spec = rendered(settings)["rainbow/deployment.yaml"]["spec"]
        assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})
        assert spec["template"]["spec"]["volumes"] == [{"name": "database", **volume}]
        _, options = rainbow.read_options(parsed(rainbow, container(settings)["args"]))
        assert str(options.database).startswith(f"{container(settings)['volumeMounts'][0]['mountPath']}/")


def test_a_minicluster_has_the_nodes_and_cores_of_its_cluster() -> None:
    shapes = {
        "one": {},
        "wide": {"shape": {"rack": 2, "node": 3, "socket": 2, "core": 4}},
        "coreless": {"shape": {"node": 5}},
        "mixed": {"jgf": "fixtures/graphs/half-gpu"},
    }
    objects = rendered(PLAIN, listed(**shapes))
    found = {
        name: (spec["size"], spec["containers"][0].get("resources", {}).get("limits"))
        for name in shapes
        for spec in [objects[f"clusters/{name}.yaml"]["spec"]]
    }
    (mixed,) = listed(mixed=shapes["mixed"])
    nodes = sum(vertex.type == "node" for vertex in mixed.containment.vertices.values())
    cores = sum(vertex.type == "core" for vertex in mixed.containment.vertices.values())
    assert found == {
        "one": (1, None),
        "wide": (6, {"cpu": 8}),
        "coreless": (5, None),
        "mixed": (nodes, {"cpu": cores // nodes}),
    }


def test_pods_share_a_machine_unless_they_have_a_claim_to_share() -> None:
    for settings, place in ((PLAIN, {"hostPath": "/var/lib/rainbow/default/blue"}), (CLAIMS, {"claimName": "common"})):
        spec = rendered(settings)["clusters/blue.yaml"]["spec"]
        assert spec["containers"][0]["volumes"]["shared"] == {"path": "/shared", **place}
        assert spec["network"] == {"headlessName": "blue", "disableAffinity": settings is PLAIN}
        assert ("requests" in spec["containers"][0]["resources"]) == (settings is PLAIN)


def test_clusters_have_images_of_their_own_and_are_put_where_their_architecture_is() -> None:
    objects = rendered(Settings(cluster_image="registry.example/{cluster}@sha256:" + "0" * 64))
    images = {
        objects[f"clusters/{name}.yaml"]["spec"]["containers"][0]["image"].split("@")[0] for name in ("blue", "pink")
    }
    assert images == {"registry.example/blue", "registry.example/pink"}
    for name, arch in (("blue", "amd64"), ("pink", "arm64")):
        assert "pod" not in objects[f"clusters/{name}.yaml"]["spec"]
        assert rendered(CLAIMS)[f"clusters/{name}.yaml"]["spec"]["pod"] == {
            "nodeSelector": {"kubernetes.io/arch": arch}
        }


def test_an_architecture_that_is_asked_for_has_to_be_declared() -> None:
    for subsystems, found in (({}, "'nothing'"), ({"io.archspec": {"cpu.target": "zen3"}}, "'zen3'")):
        with pytest.raises(DeclarationError, match=rf"clusters\.red: found the architecture {found}, expected a cpu\."):
            rendered(CLAIMS, listed(red={"subsystems": subsystems}))


def test_names_that_kubernetes_does_not_take_are_converted_and_kept_for_rainbow() -> None:
    (name,) = (path for path in rendered(PLAIN, listed(**{"Rocky_9.3": {}})) if path.startswith("clusters/"))
    assert name == "clusters/rocky-9-3.yaml"
    minicluster = rendered(PLAIN, listed(**{"Rocky_9.3": {}}))[name]
    assert minicluster["metadata"]["name"] == minicluster["spec"]["network"]["headlessName"] == "rocky-9-3"
    assert minicluster["spec"]["containers"][0]["environment"] == {"CLUSTER_NAME": "Rocky_9.3"}
    assert registering(minicluster).cluster == "Rocky_9.3"


@pytest.mark.parametrize(
    ("names", "problem"),
    [
        (["9red"], "clusters.9red: found '9red', expected at most 58 lower-case letters, digits and '-', a letter"),
        (["red."], "clusters.red.: found 'red-', expected at most 58"),
        (["r" * 59], "expected at most 58 lower-case"),
        (["red.1", "red-1"], "clusters.red-1: found a name that in Kubernetes is 'red-1', as that of red.1; rename"),
        (["Rainbow"], "clusters.Rainbow: found a name that in Kubernetes is 'rainbow', as that of the server; rename"),
    ],
)
def test_names_that_cannot_be_converted_are_refused(names: list[str], problem: str) -> None:
    with pytest.raises(DeclarationError, match=re.escape(problem)):
        rendered(PLAIN, listed(**{name: {} for name in names}))


def test_every_name_of_a_large_pool_is_one_in_kubernetes() -> None:
    found = miniclusters.names(pool("lammps"), PLAIN)
    assert len(set(found.values())) == 48
    assert found["amd64-ubuntu20.04-mpich-cpu"] == "amd64-ubuntu20-04-mpich-cpu"


def test_the_same_is_rendered_for_the_same() -> None:
    assert render(pool("lammps"), CLAIMS, VALUES) == render(pool("lammps"), CLAIMS, dict(reversed(VALUES.items())))


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"port": 0}, "port: found 0, expected 1024 to 65535"),
        ({"port": 80}, "port: found 80, expected 1024 to 65535"),
        ({"port": 65536}, "port: found 65536, expected 1024"),
        ({"name": "Rainbow"}, "name: found 'Rainbow', expected at most 63 lower-case letters"),
        ({"name": ""}, "name: found '', expected"),
        ({"name": "a\n"}, "name: found 'a\\n', expected"),
        ({"namespace": "flux.system"}, "namespace: found 'flux.system', expected"),
        ({"tls_secret": "a_b"}, "tls_secret: found 'a_b', expected lower-case letters, digits and '-'"),
        ({"database_claim": "a" * 254}, "database_claim: found"),
        ({"ingress_host": "*.org"}, "ingress_host: found '*.org', expected"),
        ({"image": "an image"}, "image: found 'an image', expected the name of an image"),
        ({"cluster_image": "{clusters}"}, "cluster_image: found '{clusters}', expected the name of an image"),
        ({"mutual_tls": True}, "mutual_tls: found no tls_secret, without which it means nothing"),
        ({"client_tls_secret": "c"}, "client_tls_secret: found no tls_secret, without which"),
    ],
)
def test_settings_that_kubernetes_does_not_take_are_refused(given: dict[str, Any], problem: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        Settings(**given)
    assert str(caught.value).startswith(problem)
