"""`python -m pytest_compat generate buildspecs`: builds with a known truth, of any number."""

from __future__ import annotations

import argparse
from pathlib import Path

BUILDS, TRUTH = "builds.parquet", "truth.parquet"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command line."""
    kinds = parser.add_subparsers(dest="kind", required=True, metavar="KIND")
    help = "a table of builds, and the probability of success that each has in any environment"
    builds = kinds.add_parser("buildspecs", help=help, description=help)
    for name, default, what in (
        ("jobs", 25_000, "how many builds"),
        ("packages", 50, "how many packages they are of"),
        ("subsystems", 113, "how many packages those depend on"),
    ):
        builds.add_argument(f"--{name}", type=_count, default=default, metavar="N", help=f"{what} (%(default)s)")
    builds.add_argument("--seed", type=int, default=0, metavar="N", help="what everything is drawn with (%(default)s)")
    builds.add_argument(
        "--explored",
        action="store_true",
        help="draw dependencies evenly, as clusters of chosen software have them, and not as people try them",
    )
    builds.add_argument(
        "--output", type=Path, required=True, metavar="FOLDER", help=f"where {BUILDS} and {TRUTH} are written"
    )


def run(arguments: argparse.Namespace) -> int:
    """Generate: 0 when both files were written.

    Raises:
        CompatError: What Parquet takes is not installed.
    """
    from pytest_compat.builds.dataset import write_dataset
    from pytest_compat.builds.generate import generate_builds
    from pytest_compat.builds.parquet import require_parquet
    from pytest_compat.builds.truth import write_truth

    folder: Path = arguments.output
    require_parquet(folder / BUILDS)
    made = generate_builds(
        arguments.jobs, arguments.seed, arguments.packages, arguments.subsystems, explored=arguments.explored
    )
    write_dataset(made.frame, folder / BUILDS)
    write_truth(made.truth, folder / TRUTH)
    print(f"{len(made.frame)} builds of {made.frame['package'].nunique()} packages: {folder / BUILDS}")
    print(f"what adds to their log-odds of success, {len(made.truth.effects)} rows: {folder / TRUTH}")
    return 0


def _count(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or len(text) > 9 or int(text) < 1:
        raise argparse.ArgumentTypeError(f"found {text!r}, expected a whole number from 1 to 999999999")
    return int(text)
