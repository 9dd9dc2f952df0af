"""`python -m pytest_compat merge`: the shards of one run put together and judged as one."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command line."""
    from pytest_compat.commands.judging import add_baseline, add_gates, add_outputs

    parser.add_argument("files", type=Path, nargs="+", metavar="FILE", help="reports of the shards, two or more")
    add_gates(parser, "by those that the shards were judged by")
    add_baseline(parser)
    add_outputs(parser)


def run(arguments: argparse.Namespace) -> int:
    """Merge reports: 0 when the whole passes, 1 when it does not.

    Raises:
        ReportError: They do not belong together; nothing is written then.
        RecordError: The baseline cannot be compared.
    """
    from pytest_compat.commands.judging import asked_gates, conclude
    from pytest_compat.report.stored import merge

    return conclude(arguments, merge(arguments.files), asked_gates(arguments))
