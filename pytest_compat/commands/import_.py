"""`python -m pytest_compat import buildspecs`: tables of builds out of others' files."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command line."""
    kinds = parser.add_subparsers(dest="kind", required=True, metavar="KIND")
    help = "specs of Spack and tables of labels, as a table of builds"
    builds = kinds.add_parser("buildspecs", help=help, description=help)
    builds.add_argument(
        "specs", type=Path, nargs="+", metavar="SPEC", help="a spec file (.json, .yaml) or a folder of such"
    )
    builds.add_argument(
        "--labels",
        type=Path,
        action="append",
        default=[],
        metavar="LABELS.csv",
        help="what became of builds: columns spec, hash or file, and label, and error_cluster where there is one; "
        "repeatable. Without it the table has no labels",
    )
    builds.add_argument("--output", type=Path, required=True, metavar="BUILDS.parquet", help="the table to write")


def run(arguments: argparse.Namespace) -> int:
    """Import: 0 when the table was written.

    Raises:
        CompatError: A file is not what it has to be.
    """
    from pytest_compat.builds.dataset import write_dataset
    from pytest_compat.builds.imports import import_builds
    from pytest_compat.builds.parquet import require_parquet

    require_parquet(arguments.output)
    found = import_builds(arguments.specs, arguments.labels)
    write_dataset(found.frame, arguments.output)
    for line in (*found.excluded, *found.remarks):
        print(line)
    print(f"{len(found.frame)} builds: {arguments.output}")
    return 0
