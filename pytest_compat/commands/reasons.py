"""`python -m pytest_compat reasons`: why runs failed, from their output."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument(
        "logs",
        type=Path,
        nargs="+",
        metavar="LOG",
        help="output of a run; a folder of such (*.log, *.out, *.err, *.txt, or these with .gz); "
        "a .parquet table with a column log",
    )
    parser.add_argument("--rules", type=Path, metavar="FILE", help="rules of one's own, put before the shipped ones")
    parser.add_argument(
        "--exit-status", type=_status, metavar="N", help="the exit status of every run, where logs do not give it"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write a table, one row per log")
    parser.add_argument(
        "--plot", type=_picture, metavar="FILE", help="draw how often each reason was found: .svg or .png"
    )
    parser.add_argument(
        "--by", default="folder", metavar="COLUMN|folder", help="what a bar of the plot stands for (%(default)s)"
    )
    parser.add_argument("--fail-on-unknown", action="store_true", help="exit status 1 when a reason is unknown")
    parser.add_argument(
        "--fail-on-difference", action="store_true", help="exit status 1 when a reason is not the recorded outcome"
    )


def run(arguments: argparse.Namespace) -> int:
    """Say why runs failed: 0 when every log was read, unless asked to fail on what was found.

    Raises:
        CompatError: A log or the rules cannot be read, or what was asked for cannot be written.
    """
    from pytest_compat.errors import ReportError
    from pytest_compat.reasons import classify, load_rules
    from pytest_compat.reasons.logs import find_logs
    from pytest_compat.reasons.plot import draw
    from pytest_compat.reasons.show import print_json, print_one, print_rows
    from pytest_compat.reasons.table import Row, groups, to_csv
    from pytest_compat.report.files import write_bytes

    rules = load_rules(arguments.rules)
    rows = [
        Row(log, classify(log.chunks(), rules=rules, status=arguments.exit_status)) for log in find_logs(arguments.logs)
    ]
    outputs = {}
    if arguments.csv is not None:
        outputs[arguments.csv] = to_csv(rows).encode("utf-8")
    if arguments.plot is not None:
        outputs[arguments.plot] = draw(groups(rows, arguments.by), arguments.plot.suffix.removeprefix("."))
    for path, content in outputs.items():
        try:
            write_bytes(content, path)
        except OSError as error:
            raise ReportError(f"{path}: cannot be written: {error}") from None
    if arguments.json:
        print_json(rows)
    elif len(rows) == 1:
        print_one(rows[0])
    else:
        print_rows(rows)
    unknown = arguments.fail_on_unknown and any(row.diagnosis.reason == "unknown" for row in rows)
    differs = arguments.fail_on_difference and any(row.differs for row in rows)
    return int(unknown or differs)


def _status(text: str) -> int:
    if not text.isdecimal() or int(text[:4]) > 255:
        raise argparse.ArgumentTypeError(f"found {text!r}, expected an exit status from 0 to 255")
    return int(text)


def _picture(text: str) -> Path:
    path = Path(text)
    if path.suffix not in (".svg", ".png"):
        raise argparse.ArgumentTypeError(f"found the suffix {path.suffix!r}, expected .svg or .png")
    return path
