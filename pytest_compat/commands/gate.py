"""`python -m pytest_compat gate`: a stored report, judged again."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command line."""
    from pytest_compat.commands.judging import add_baseline, add_gates, add_outputs

    parser.add_argument("file", type=Path, metavar="FILE", help="a report that --compat-report wrote")
    add_gates(parser, "by those it was judged by")
    add_baseline(parser)
    add_outputs(parser)


def run(arguments: argparse.Namespace) -> int:
    """Judge a report again: 0 when it passes, 1 when it does not.

    Raises:
        ReportError: There is none to read.
        RecordError: The baseline cannot be compared.
    """
    from pytest_compat.commands.judging import asked_gates, conclude
    from pytest_compat.report.stored import read_stored

    return conclude(arguments, read_stored(arguments.file), asked_gates(arguments))
