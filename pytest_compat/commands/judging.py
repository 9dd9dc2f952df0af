"""What the commands on stored reports have in common."""

from __future__ import annotations

import argparse
import io
import os
import sys
from pathlib import Path
from typing import Any

from pytest_compat.errors import DeclarationError, ReportError
from pytest_compat.judge.gate import Gate, parse_gate
from pytest_compat.report.outputs import FORMS, write_outputs
from pytest_compat.report.stored import Stored, read_baseline, read_stored

USAGE = 4
"""Exit status for a gate that is none, as pytest has it."""


class GateAction(argparse.Action):
    """Reads a gate while the command line is parsed, so that a wrong one ends the command before it begins."""

    def __call__(self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, *_: Any) -> None:
        """Add the gates of one option.

        Raises:
            SystemExit: One is none, with status USAGE.
        """
        try:
            gates = [parse_gate(text.strip()) for text in str(values).split(",")]
        except DeclarationError as error:
            parser.exit(USAGE, f"--{self.dest.replace('_', '-')}: {error}\n")
        setattr(namespace, self.dest, [*(getattr(namespace, self.dest) or ()), *gates])


def add_gates(parser: argparse.ArgumentParser, otherwise: str) -> None:
    """Declare the options that say how to judge; `otherwise` says what happens without gates."""
    parser.add_argument(
        "--gate",
        action=GateAction,
        metavar="[[EXPERIMENT:]LEVEL:]MEASURE>=LIMIT",
        help=f"judge by this gate; repeatable. Without: {otherwise}",
    )
    parser.add_argument(
        "--fail-under", action=GateAction, metavar="[EXPERIMENT:]LEVEL:RATE", help="the same for a rate of accuracy"
    )
    parser.add_argument("--allow-new", action="store_true", help="let levels pass that the baseline does not have")


def add_baseline(parser: argparse.ArgumentParser) -> None:
    """Declare the baseline."""
    parser.add_argument("--baseline", type=Path, metavar="FILE", help="compare with this earlier report")


def add_outputs(parser: argparse.ArgumentParser) -> None:
    """Declare the files to write."""
    helps = {
        "report": "write the JSON report",
        "html": "write the report as one HTML page",
        "markdown": "write the report as Markdown",
        "records": "write every submission as a table: .csv or .parquet",
        "figures": "write the figures of every level as a table: .csv or .parquet",
    }
    for form in FORMS:
        parser.add_argument(f"--{form}", type=Path, metavar="FILE", help=helps[form])


def asked_gates(arguments: argparse.Namespace) -> list[Gate] | None:
    """Return the gates of the command line; None without any."""
    gates = [*(arguments.gate or ()), *(arguments.fail_under or ())]
    return gates or None


def conclude(arguments: argparse.Namespace, stored: Stored, gates: list[Gate] | None) -> int:
    """Judge reports, show the verdict, write what was asked for, and return the exit status."""
    baseline = None
    if arguments.baseline is not None:
        baseline = (read_stored if arguments.command == "compare" else read_baseline)(arguments.baseline)
    verdict = stored.judge(gates, baseline=baseline, allow_new=arguments.allow_new)
    return show(arguments, stored.document(verdict))


def show(arguments: argparse.Namespace, document: dict[str, Any]) -> int:
    """Print a report, write it in every form asked for, and return the exit status of its verdict."""
    from pytest_compat.report.terminal import render_terminal

    paths = {form: path for form in FORMS if (path := getattr(arguments, form)) is not None}
    if len({path.resolve() for path in paths.values()}) < len(paths):
        raise ReportError(f"found one file for two of {', '.join(f'--{form}' for form in paths)}, expected one each")
    # Written first: whoever reads along may stop.
    failures = write_outputs(document, paths)
    for line in failures:
        print(line, file=sys.stderr)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    print(render_terminal(document, colour=sys.stdout.isatty() and "NO_COLOR" not in os.environ))
    return 1 if failures or document["verdict"] == "failed" else 0
