"""What people choose of the manifests; the one place for ports, certificates, names and images."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pytest_compat.errors import DeclarationError, brief

CLUSTER = "{cluster}"
"""What stands for the name of a cluster in the name of its image."""

PORTS = range(1024, 65536)
"""Ports for the server, which runs without root and so may not listen on the lower ones everywhere."""

MAX_LABEL = 63
"""Characters of a DNS label (RFC 1123)."""

_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_NAMES = re.compile(rf"{_LABEL}(\.{_LABEL})*")
_IMAGE = re.compile(r"[a-z0-9][a-z0-9._/:-]*(@sha256:[0-9a-f]{64})?", re.IGNORECASE)


@dataclass(frozen=True)
class Settings:
    """What all manifests are rendered from.

    Args:
        name: Of Deployment, Service and Ingress.
        namespace: What everything is in.
        port: Where the server listens, and everybody finds it.
        image: Of the server: Python with this package.
        cluster_image: Of clusters: the same, and what the cluster offers; `{cluster}` stands for its name.
        flux_view: What the Flux Operator takes Flux from; for the operating system of `cluster_image`.
        ingress_host: The name by which the Ingress is reached.
        ingress_class: The controller of the Ingress.
        token_secret: The Secret with registration secret and global token; empty for one called after `name`.
        tls_secret: The Secret with the server's certificate (tls.crt, tls.key); empty for plain text.
        client_tls_secret: The Secret with what clusters need to speak TLS: ca.crt, which signed the server's
            certificate, and with `mutual_tls` a tls.crt and tls.key of their own; empty for one called after
            `tls_secret`.
        mutual_tls: The server takes only clients whose certificate the ca.crt in `tls_secret` signed.
        database_claim: The volume claim that keeps the server's database; empty to lose it with the pod.
        shared_claim: The volume claim that the pods of clusters share, for many to write; empty for a folder of the
            machine, which does where all pods run on one.
        select_architecture: Put the pods of a cluster on machines of the architecture that the pool declares.
    """

    name: str = "rainbow"
    namespace: str = "default"
    port: int = 8080
    image: str = "pytest-compat:latest"
    cluster_image: str = f"pytest-compat-{CLUSTER}:latest"
    flux_view: str = "ghcr.io/converged-computing/flux-view-ubuntu:tag-noble"
    ingress_host: str = "localhost"
    ingress_class: str = "nginx"
    token_secret: str = ""
    tls_secret: str = ""
    client_tls_secret: str = ""
    mutual_tls: bool = False
    database_claim: str = ""
    shared_claim: str = ""
    select_architecture: bool = False

    def __post_init__(self) -> None:
        """Hold every field to what Kubernetes takes.

        Raises:
            DeclarationError: One is not what it has to be.
        """
        check_label(self.name, "name")
        check_label(self.namespace, "namespace")
        if self.port not in PORTS:
            raise DeclarationError(f"found {self.port}, expected {PORTS[0]} to {PORTS[-1]}", path="port")
        for field in ("token_secret", "tls_secret", "client_tls_secret", "database_claim", "shared_claim"):
            if text := getattr(self, field):
                _check_names(text, field)
        _check_names(self.ingress_host, "ingress_host")
        _check_names(self.ingress_class, "ingress_class")
        for field, text in (
            ("image", self.image),
            ("cluster_image", self.image_of("cluster")),
            ("flux_view", self.flux_view),
        ):
            if not _IMAGE.fullmatch(text):
                raise DeclarationError(f"found {brief(text)}, expected the name of an image", path=field)
        for field in ("client_tls_secret", "mutual_tls"):
            if getattr(self, field) and not self.tls_secret:
                raise DeclarationError("found no tls_secret, without which it means nothing", path=field)

    @property
    def credentials(self) -> str:
        """The Secret with registration secret and global token."""
        return self.token_secret or f"{self.name}-credentials"

    @property
    def client_certificates(self) -> str:
        """The Secret with what clusters need to speak TLS; empty for plain text."""
        return self.client_tls_secret or (self.tls_secret and f"{self.tls_secret}-clients")

    @property
    def address(self) -> str:
        """HOST:PORT of the server for everybody in the same Kubernetes cluster."""
        return f"{self.name}.{self.namespace}.svc.cluster.local:{self.port}"

    def image_of(self, cluster: str) -> str:
        """Return the image of a cluster, by its name in Kubernetes."""
        return self.cluster_image.replace(CLUSTER, cluster)


def check_label(text: str, path: str, *, most: int = MAX_LABEL) -> None:
    """Refuse what is no name of a Service: a DNS label that begins with a letter (RFC 1035).

    Raises:
        DeclarationError: It is none, or has more than `most` characters.
    """
    if len(text) > most or not re.fullmatch(_LABEL, text) or not text[0].isalpha():
        raise DeclarationError(
            f"found {brief(text)}, expected at most {most} lower-case letters, digits and '-', a letter first and no "
            f"'-' last",
            path=path,
        )


def _check_names(text: str, path: str) -> None:
    if len(text) > 253 or not _NAMES.fullmatch(text) or any(len(part) > MAX_LABEL for part in text.split(".")):
        raise DeclarationError(
            f"found {brief(text)}, expected lower-case letters, digits and '-' (DNS labels, with '.' between them)",
            path=path,
        )
