"""`python -m pytest_compat ...`, one module per subcommand, each a thin call into a wing."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from keyword import iskeyword
from typing import Any

from pytest_compat import __version__
from pytest_compat.errors import CompatError

COMMANDS = {
    "compare": "compare two stored reports, the earlier one first",
    "delete": "take a cluster off a rainbow",
    "explain": "say why a job goes to some clusters and not to others",
    "extract": "describe this host, or several, as the graphs of a cluster",
    "gate": "judge a stored report again",
    "generate": "make data to measure with",
    "import": "read data that others have",
    "manifests": "render a rainbow and the clusters of a pool for Kubernetes",
    "measure": "run a declared matrix of commands, and write a table of their times",
    "merge": "put the reports of the shards of one run together",
    "models": "train, judge and use models of how likely builds succeed",
    "rainbow": "serve an embedded rainbow in the foreground",
    "reasons": "say why runs failed, from their output",
    "receive": "take the jobs of a cluster, and run them or hand them to Flux",
    "register": "tell a rainbow of a cluster",
    "report": "show a stored report, and write it in other forms",
    "select": "rank container images for a host, and say why the others are left out",
    "state": "tell a rainbow the state of a cluster",
    "submit": "send a job to one of the clusters that could run it",
    "subsystem": "add a subsystem to a cluster that is registered",
    "worth": "say what each subsystem of an experiment is worth",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run a subcommand and return its exit status: 1 for an error that is told, 2 for a wrong command line."""
    parser = argparse.ArgumentParser(prog="python -m pytest_compat", description="Tools of pytest-compat.")
    parser.add_argument("--version", action="version", version=f"pytest-compat {__version__}")
    # What gRPC writes to standard error by itself is no line of anyone's log. It looks here when it is imported.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    given = list(sys.argv[1:] if argv is None else argv)
    for name, help in COMMANDS.items():
        command = commands.add_parser(name, help=help, description=help)
        if given[:1] == [name]:  # only the one that is run is imported
            _module(name).add_arguments(command)
    arguments = parser.parse_args(given)
    if sys.stdout is None:  # closed by whoever started this
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
    try:
        code: int = _module(arguments.command).run(arguments)
        sys.stdout.flush()
    except CompatError as error:
        print(f"{arguments.command}: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # Whoever read has seen enough; what is left in the buffer has nowhere to go.
        _drop_output()
        return 1
    except OSError as error:
        print(f"{arguments.command}: {error}", file=sys.stderr)
        _drop_output()
        return 1
    return code


def _module(name: str) -> Any:
    """Import the module of a subcommand; one that is called like a keyword has an underscore behind its name."""
    return import_module(f"pytest_compat.commands.{name}{'_' if iskeyword(name) else ''}")


def _drop_output() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
