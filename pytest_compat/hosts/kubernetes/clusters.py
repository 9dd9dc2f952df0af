"""The manifests of clusters: a MiniCluster of the Flux Operator for each, and the machine that kind runs all on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pytest_compat.declare.pools import HOST
from pytest_compat.errors import DeclarationError, brief
from pytest_compat.hosts.extraction.processor import OCI
from pytest_compat.hosts.kubernetes.server import CERTIFICATES, SECRET, Manifest
from pytest_compat.hosts.kubernetes.settings import MAX_LABEL, Settings, check_label
from pytest_compat.model import Cluster

MAX_NAME = MAX_LABEL - len("-9999")
"""Characters of a cluster's name, with room behind it for the number of a pod."""

CLIENT_SECRET = "COMPAT_SCHEDULER_SECRET"  # noqa: S105, a name
"""Environment variable that `register` takes the registration secret from."""

SHARED = "/shared"
"""The folder that all pods of a cluster see."""

CONFIG = "rainbow-config.yaml"
"""The config of the registered cluster, in that folder."""

WAIT_SECONDS = 300
"""For the last pod to say what it is, and for a rainbow that is not there yet."""


def names(clusters: Iterable[Cluster], settings: Settings) -> dict[str, str]:
    """Return the names of clusters in Kubernetes, by their own: in lower case, with '-' for '.' and '_'.

    Raises:
        DeclarationError: Such a name is too long or begins with a digit, two clusters have the same, or one has that
            of the server.
    """
    taken = {settings.name: "the server"}
    found = {}
    for cluster in clusters:
        name = cluster.name.lower().translate(str.maketrans("._", "--"))
        path = f"clusters.{cluster.name}"
        check_label(name, path, most=MAX_NAME)
        if name in taken:
            raise DeclarationError(
                f"found a name that in Kubernetes is {name!r}, as that of {taken[name]}; rename one of the two",
                path=path,
            )
        taken[name], found[cluster.name] = cluster.name, name
    return found


def minicluster(cluster: Cluster, name: str, settings: Settings) -> Manifest:
    """Return the MiniCluster of a cluster: a pod per node, which before Flux starts are described and registered.

    Args:
        cluster: Its nodes and their cores are taken.
        name: What it is called in Kubernetes.
        settings: Everything else.

    Raises:
        DeclarationError: It has no nodes, or its architecture is asked for and not declared.
    """
    size, cores = _shape(cluster)
    selector = {"nodeSelector": {"kubernetes.io/arch": _architecture(cluster)}} if settings.select_architecture else {}
    return {
        "apiVersion": "flux-framework.org/v1alpha2",
        "kind": "MiniCluster",
        "metadata": {"name": name, "namespace": settings.namespace},
        "spec": {
            "size": size,
            "interactive": True,
            # Clusters in one namespace would share the default name, and find the pods of one only.
            "network": {"headlessName": name, "disableAffinity": not settings.shared_claim},
            **({"pod": selector} if selector else {}),
            "flux": {"container": {"image": settings.flux_view}},
            "containers": [
                {
                    "image": settings.image_of(name),
                    "environment": {"CLUSTER_NAME": cluster.name},
                    "secrets": {CLIENT_SECRET: {"name": settings.credentials, "key": SECRET}},
                    "volumes": _volumes(name, settings),
                    **({"resources": _resources(cores, settings)} if cores else {}),
                    "commands": {"pre": _before(cluster.name, name, size, settings)},
                }
            ],
        },
    }


def kind(settings: Settings) -> Manifest:
    """Return the config of a Kubernetes cluster of one node (kind), which an Ingress is reached through."""
    ports = [
        {"containerPort": port, "hostPort": port, "listenAddress": "127.0.0.1", "protocol": "TCP"} for port in (80, 443)
    ]
    return {
        "kind": "Cluster",
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "name": settings.name,
        "nodes": [{"role": "control-plane", "labels": {"ingress-ready": "true"}, "extraPortMappings": ports}],
    }


def _shape(cluster: Cluster) -> tuple[int, int]:
    """Return how many nodes a cluster has, and how many cores each: 0 where that is not said, or not the same."""
    vertices, tree = cluster.containment.vertices, cluster.containment.tree
    below: dict[str, int] = {}
    for id in tree.order:
        own = vertices[id].size if vertices[id].type == "core" else 0
        below[id] = own + sum(below[contained] for contained in tree.children[id])
    hosts = [id for id in tree.order if vertices[id].type == HOST]
    size = sum(vertices[id].size for id in hosts)
    if size == 0:
        raise DeclarationError(f"found no {HOST!r}, expected one or more", path=f"clusters.{cluster.name}")
    cores = {below[id] for id in hosts}
    return size, cores.pop() if len(cores) == 1 else 0


def _architecture(cluster: Cluster) -> str:
    """Return what Kubernetes, and images, call the architecture that a cluster declares."""
    declared = cluster.values("cpu.family") or cluster.values("cpu.target")
    found = {OCI.get(each, each) for each in declared}
    if len(found) == 1 and found <= set(OCI.values()):
        return found.pop()
    raise DeclarationError(
        f"found the architecture {brief(', '.join(sorted(found)) or 'nothing')}, expected a cpu.family or cpu.target "
        f"that is one of {', '.join(sorted({*OCI, *OCI.values()}))}",
        path=f"clusters.{cluster.name}",
    )


def _volumes(name: str, settings: Settings) -> dict[str, Any]:
    claim = settings.shared_claim
    place = {"claimName": claim} if claim else {"hostPath": f"/var/lib/rainbow/{settings.namespace}/{name}"}
    volumes: dict[str, Any] = {"shared": {"path": SHARED, **place}}
    if settings.tls_secret:
        volumes["tls"] = {"path": CERTIFICATES, "secretName": settings.client_certificates, "readOnly": True}
    return volumes


def _resources(cores: int, settings: Settings) -> dict[str, Any]:
    """Return the cores of a node as a limit, which `extract` reads and counts."""
    limits = {"limits": {"cpu": cores}}
    # Where all pods share a machine, it need not have the cores of all; elsewhere a pod is to get what it shows.
    return limits if settings.shared_claim else {**limits, "requests": {"cpu": "100m"}}


def _before(cluster: str, name: str, size: int, settings: Settings) -> str:
    """Return the shell commands of every pod before Flux starts.

    Node files are listed by the names of pods, so that one left over from a larger cluster is not taken for a node.
    A pod that is started again finds its cluster registered, which is no failure as long as its config is there.
    """
    program = "python3 -m pytest_compat"
    folder = f"{SHARED}/{name}"
    register = f"{program} register {folder}/graphs --cluster {cluster} --host {settings.address}"
    register += f" --config {folder}/{CONFIG} --patience {WAIT_SECONDS}"
    if settings.tls_secret:
        register += f" --ca-cert {CERTIFICATES}/ca.crt"
    if settings.mutual_tls:
        register += f" --cert {CERTIFICATES}/tls.crt --key {CERTIFICATES}/tls.key"
    return f"""\
mkdir -p {folder} || exit 1
{program} extract --node {folder}/node-$(hostname).json || exit 1
if [ "$(hostname)" = {name}-0 ]; then
  nodes=$(seq -f {folder}/node-{name}-%.0f.json 0 {size - 1})
  for node in $nodes; do
    timeout {WAIT_SECONDS} sh -c "until [ -f $node ]; do sleep 1; done" || exit 1
  done
  {program} extract --combine $nodes --output {folder}/graphs --cluster {cluster} || exit 1
  {register} ||
    [ -f {folder}/{CONFIG} ] || exit 1
fi
"""
