"""`python -m pytest_compat manifests CLUSTERS.yaml`: a rainbow and the clusters of a pool, for Kubernetes."""

from __future__ import annotations

import argparse
import sys
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_compat.errors import CompatError, DeclarationError
from pytest_compat.hosts.kubernetes.settings import Settings

if TYPE_CHECKING:
    from pytest_compat.model import Cluster

HELP = {
    "name": "what the server is called",
    "namespace": "where everything is",
    "port": "where the server listens",
    "image": "the server: Python with this package",
    "cluster_image": "the clusters: the same, and what they offer; {cluster} stands for the name of each",
    "flux_view": "what the Flux Operator takes Flux from",
    "ingress_host": "the name by which the Ingress is reached",
    "ingress_class": "the controller of the Ingress",
    "token_secret": "the Secret with registration secret and global token (NAME-credentials)",
    "tls_secret": "speak TLS, with the certificate in this Secret: tls.crt, tls.key",
    "client_tls_secret": "the Secret with the ca.crt that clusters trust (that of --tls-secret, with -clients behind)",
    "mutual_tls": "take only clients with a certificate signed by the ca.crt in --tls-secret; theirs are the tls.crt "
    "and tls.key in --client-tls-secret",
    "database_claim": "keep the database in this volume claim (lost with the pod)",
    "shared_claim": "give the pods of clusters this volume claim, which many can write to (a folder of the machine, "
    "which has to be one)",
    "select_architecture": "put the pods of a cluster on machines of the architecture that the pool declares",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags: one for each of the settings."""
    for field in fields(Settings):
        flag, default = f"--{field.name.replace('_', '-')}", field.default
        if isinstance(default, bool):
            parser.add_argument(flag, action="store_true", help=HELP[field.name])
        else:
            shown = f"{HELP[field.name]} (%(default)s)" if default else HELP[field.name]
            kind = int if isinstance(default, int) else str
            parser.add_argument(flag, type=kind, default=default, metavar=_metavar(field.name), help=shown)
    parser.add_argument(
        "--generate-secrets", action="store_true", help="draw secrets where the Secret has placeholders or is not there"
    )
    parser.add_argument("--output", type=Path, required=True, metavar="FOLDER", help="where the manifests are written")
    parser.add_argument("pool", type=Path, metavar="CLUSTERS.yaml", help="a pool of clusters, as experiments use it")


def run(arguments: argparse.Namespace) -> int:
    """Render the manifests: 0 when all are written.

    Raises:
        DeclarationError: The pool is none, a flag is not what Kubernetes takes, or the folder has other files.
        CompatError: The folder cannot be written.
    """
    from pytest_compat.hosts.kubernetes.folder import PLACEHOLDER, SECRET_FILE, render, secret_values, write

    folder: Path = arguments.output
    try:
        settings = Settings(**{field.name: getattr(arguments, field.name) for field in fields(Settings)})
    except DeclarationError as error:
        raise type(error)(error.problem, path=f"--{error.path.replace('_', '-')}") from None
    clusters = _clusters(arguments.pool)
    values = secret_values(folder, generate=arguments.generate_secrets)
    try:
        files = render(clusters, settings, values)
    except DeclarationError as error:
        raise error.within(str(arguments.pool)) from None
    try:
        write(files, folder)
    except OSError as error:
        raise CompatError(f"{folder}: cannot be written, and is as it was: {error}") from None
    print(f"{len(files)} manifests for a rainbow and {len(clusters)} clusters: {folder}")
    if PLACEHOLDER in values.values():
        print(
            f"manifests: {folder / SECRET_FILE} has placeholders: fill it in, or give --generate-secrets",
            file=sys.stderr,
        )
    return 0


def _clusters(path: Path) -> tuple[Cluster, ...]:
    from pytest_compat.declare.pools import build_clusters
    from pytest_compat.declare.reading import read_declaration

    try:
        return build_clusters(read_declaration(path, "clusters"), path.parent)
    except DeclarationError as error:
        raise error.within(str(path)) from None


def _metavar(name: str) -> str:
    *_, last = name.split("_")
    return {"port": "PORT", "image": "IMAGE", "view": "IMAGE", "host": "HOST"}.get(last, "NAME")
