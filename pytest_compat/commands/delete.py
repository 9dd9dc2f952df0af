"""`python -m pytest_compat delete`: takes the cluster of the config off a rainbow."""

from __future__ import annotations

import argparse

from pytest_compat.commands import configured


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    configured.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Delete the cluster, there and in the config: 0 when it is gone.

    Raises:
        CompatError: The config has no cluster, or the server refused.
    """
    from pytest_compat.rainbow.config import write_config

    config = configured.config_of(arguments)
    cluster, secret = configured.own_cluster(config, arguments.config)
    with configured.client_of(arguments, config) as client:
        client.delete(cluster, secret)
    write_config(config.deleted(cluster), arguments.config)
    print(f"deleted {cluster}")
    return 0
