"""`python -m pytest_compat register FOLDER`: tells a rainbow of a cluster, and keeps what it answers in the config."""

from __future__ import annotations

import argparse
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from pytest_compat.commands import configured
from pytest_compat.errors import CompatError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    configured.add_arguments(parser)
    parser.add_argument("--secret", metavar="TEXT", help=f"the registration secret; better as ${configured.SECRET}")
    parser.add_argument("--cluster", metavar="NAME", help="what the cluster is called (as its graph has it)")
    parser.add_argument(
        "--submit-config",
        type=Path,
        metavar="FILE",
        help="add the cluster's token and the place of its graphs to this config too, for those who submit to it",
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="nodes.json and NAME-subsystem.json of the cluster")


def run(arguments: argparse.Namespace) -> int:
    """Register the cluster and all its subsystems, or nothing: 0 when it is registered.

    Raises:
        CompatError: A graph is none, or the server refused.
    """
    from filelock import FileLock

    from pytest_compat.declare.jgf import read_cluster, write_containment, write_subsystem
    from pytest_compat.hosts.extraction.assemble import read_folder
    from pytest_compat.rainbow.config import Config, read_config, write_config

    folder: Path = arguments.folder.resolve()
    cluster = read_cluster(folder, arguments.cluster) if arguments.cluster else read_folder(folder)
    config = configured.config_of(arguments, needed=False)
    if config.cluster not in ("", cluster.name):
        raise CompatError(
            f"{arguments.config} is the config of {config.cluster}, whose secret it has; register {cluster.name} with "
            f"a --config of its own, and collect tokens with --submit-config"
        )
    others: Path | None = arguments.submit_config
    if others is not None and others.resolve() == arguments.config.resolve():
        raise CompatError(f"found {others} for --config and --submit-config, expected two files")
    secret = configured.registration_secret(arguments.secret, config)
    with configured.client_of(arguments, config) as client:
        credentials = client.register(cluster.name, secret, write_containment(cluster))
        try:
            for subsystem in cluster.subsystems:
                client.subsystem(cluster.name, credentials.secret, subsystem, write_subsystem(cluster, subsystem))
            registered = replace(config, secret=secret).registered(
                cluster.name, credentials.secret, credentials.token, folder
            )
            write_config(registered, arguments.config)
            if others is not None:
                # Clusters may register at the same time, and each adds to what the others wrote.
                with FileLock(others.with_name(f".{others.name}.lock")):
                    known = read_config(others) if others.exists() else Config(host=config.host)
                    write_config(known.knowing(cluster.name, credentials.token, folder), others)
        except (CompatError, OSError):
            # A name without its graphs, or whose secret nobody has, could not even be registered again.
            with suppress(CompatError):
                client.delete(cluster.name, credentials.secret)
            raise
    subsystems = ", ".join(cluster.subsystems) or "none"
    print(f"registered {cluster.name} at {config.host}, with the subsystems {subsystems}: {arguments.config}")
    return 0
