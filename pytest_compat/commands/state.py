"""`python -m pytest_compat state NAME=VALUE...`: tells a rainbow the state of the cluster of the config."""

from __future__ import annotations

import argparse
import json
from typing import Any

from pytest_compat.commands import configured
from pytest_compat.errors import CompatError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    configured.add_arguments(parser)
    parser.add_argument(
        "state", nargs="+", metavar="NAME=VALUE", help="numbers, true, false, or texts; added to those told before"
    )


def run(arguments: argparse.Namespace) -> int:
    """Tell the state: 0 when the server took it.

    Raises:
        CompatError: A word is no NAME=VALUE, or the server refused.
    """
    config = configured.config_of(arguments)
    cluster, secret = configured.own_cluster(config, arguments.config)
    state = dict(map(_pair, arguments.state))
    with configured.client_of(arguments, config) as client:
        client.state(cluster, secret, state)
    print(f"told the state of {cluster}: {', '.join(state)}")
    return 0


def _pair(word: str) -> tuple[str, Any]:
    name, equals, text = word.partition("=")
    if not name or not equals:
        raise CompatError(f"found {word!r}, expected NAME=VALUE")
    try:
        value = json.loads(text, parse_constant=lambda _: text)
    except ValueError:
        return name, text
    return name, value if isinstance(value, bool | int | float | str) else text
