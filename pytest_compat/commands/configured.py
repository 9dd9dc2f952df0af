"""What the commands that speak to a rainbow have in common: the config file, and how to reach the server."""

from __future__ import annotations

import argparse
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_compat.errors import CompatError, DeclarationError

if TYPE_CHECKING:
    from pytest_compat.rainbow.client import RainbowClient
    from pytest_compat.rainbow.config import Config

CONFIG = "rainbow-config.yaml"
SECRET = "COMPAT_SCHEDULER_SECRET"  # noqa: S105, a name
SECRETS = (SECRET, "COMPAT_SCHEDULER_TOKEN", "RAINBOW_SECRET", "RAINBOW_GLOBAL_TOKEN")
"""Variables that commands may be given, and that are none of what they start."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument(
        "--config",
        type=Path,
        default=Path(CONFIG),
        metavar="FILE",
        help="the config file of rainbow's clients (%(default)s)",
    )
    parser.add_argument("--host", metavar="HOST:PORT", help="where rainbow is (what the config says)")
    parser.add_argument(
        "--ca-cert", type=Path, metavar="FILE", help="speak TLS, and trust what these authorities signed"
    )
    parser.add_argument("--cert", type=Path, metavar="FILE", help="speak mutual TLS: the certificate to show")
    parser.add_argument("--key", type=Path, metavar="FILE", help="the private key of --cert")
    parser.add_argument(
        "--patience",
        type=_seconds,
        default=10.0,
        metavar="SECONDS",
        help="wait so long for a server that is away (%(default)g)",
    )


def config_of(arguments: argparse.Namespace, *, needed: bool = True) -> Config:
    """Return the config, with the host of the command line.

    Raises:
        DeclarationError: It is missing and needed, or is not what it has to be.
    """
    from pytest_compat.rainbow.config import Config, read_config

    path: Path = arguments.config
    if not path.exists() and needed:
        raise DeclarationError("found no such file; `register` writes it, or give --config", source=str(path))
    config = read_config(path) if path.exists() else Config()
    return config if arguments.host is None else replace(config, host=arguments.host)


def client_of(arguments: argparse.Namespace, config: Config) -> RainbowClient:
    """Return a client, to be used as a context manager.

    Raises:
        DeclarationError: A certificate is none.
    """
    from pytest_compat.rainbow.client import RainbowClient
    from pytest_compat.schedulers.tls import Tls

    tls = Tls(arguments.ca_cert, arguments.cert, arguments.key)
    tls.check()
    credentials = None if tls == Tls() else tls.credentials()
    return RainbowClient(config.host, patience=arguments.patience, credentials=credentials)


def registration_secret(given: str | None, config: Config) -> str:
    """Return the secret that registering takes: as given, from the environment, or from the config."""
    secret = given or os.environ.get(SECRET) or config.secret
    if not secret:
        raise CompatError(
            f"found no registration secret, expected --secret, ${SECRET} or scheduler.secret in the config"
        )
    return secret


def own_cluster(config: Config, source: Path) -> tuple[str, str]:
    """Return name and secret of the cluster that the config is of.

    Raises:
        DeclarationError: It is of none.
    """
    if not config.cluster or not config.cluster_secret:
        raise DeclarationError(
            "found no cluster with a name and a secret, expected that of this machine; `register` writes it",
            source=str(source),
            path="cluster",
        )
    return config.cluster, config.cluster_secret


def positive(text: str) -> int:
    """Read a whole number of 1 or more from the command line."""
    if not (text.isascii() and text.isdecimal()) or int(text) < 1:
        raise argparse.ArgumentTypeError(f"found {text!r}, expected a whole number, 1 or more")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= 86_400:
        raise argparse.ArgumentTypeError(f"found {text!r}, expected seconds, 86400 at most")
    return seconds
