"""`python -m pytest_compat subsystem NAME FILE.json`: adds a subsystem to the cluster of the config."""

from __future__ import annotations

import argparse
from pathlib import Path

from pytest_compat.commands import configured


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    configured.add_arguments(parser)
    parser.add_argument("subsystem", metavar="NAME", help="what the subsystem is called, such as io.archspec")
    parser.add_argument("graph", type=Path, metavar="FILE.json", help="its graph, JGF")


def run(arguments: argparse.Namespace) -> int:
    """Register the subsystem: 0 when the server took it.

    Raises:
        CompatError: The graph is none, or the server refused.
    """
    from pytest_compat.declare.reading import read_text

    config = configured.config_of(arguments)
    cluster, secret = configured.own_cluster(config, arguments.config)
    text = read_text(arguments.graph)
    with configured.client_of(arguments, config) as client:
        client.subsystem(cluster, secret, arguments.subsystem, text)
    print(f"registered {arguments.subsystem} of {cluster}")
    return 0
