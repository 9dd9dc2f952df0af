"""`python -m pytest_compat compare`: two stored reports, the earlier one first."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command line."""
    from pytest_compat.commands.judging import add_gates, add_outputs

    parser.add_argument("baseline", type=Path, metavar="BEFORE", help="the earlier report")
    parser.add_argument("file", type=Path, metavar="AFTER", help="the later report")
    add_gates(parser, "flipped<=0 and drop<=chance, at every level")
    add_outputs(parser)


def run(arguments: argparse.Namespace) -> int:
    """Compare two reports: 0 when nothing got worse, 1 when something did or levels are missing.

    Gates of the later run that need no baseline are not judged again; its errors are.

    Raises:
        ReportError: There is nothing to read.
        RecordError: The two cannot be compared.
    """
    from pytest_compat.commands.judging import asked_gates, conclude
    from pytest_compat.report.stored import read_stored

    after = read_stored(arguments.file)
    own = [gate for gate in after.gates if gate.against_baseline]
    return conclude(arguments, replace(after, gates=tuple(own)), asked_gates(arguments))
