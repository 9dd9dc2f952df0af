"""`python -m pytest_compat report`: a stored report, shown and written in other forms."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command line."""
    from pytest_compat.commands.judging import add_outputs

    parser.add_argument("file", type=Path, metavar="FILE", help="a report that --compat-report wrote")
    add_outputs(parser)


def run(arguments: argparse.Namespace) -> int:
    """Show a report as it was judged, and write it in every form asked for.

    Raises:
        ReportError: There is none to read, or it contradicts itself.
    """
    from pytest_compat.commands.judging import show
    from pytest_compat.report.stored import read_report

    return show(arguments, read_report(arguments.file))
