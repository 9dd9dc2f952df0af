"""`python -m pytest_compat worth`: what each subsystem of an experiment is worth."""

from __future__ import annotations

import argparse
from fractions import Fraction
from pathlib import Path

from pytest_compat.declare.catalog import find_experiment, load_experiment
from pytest_compat.study.reference import Study
from pytest_compat.study.show import print_plain, print_worth
from pytest_compat.study.worth import DEFAULT_PERMUTATIONS, MAX_EXACT, plain_worth, worth


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument(
        "--experiment", required=True, metavar="NAME|PATH", help="an experiment of suites/, its folder or YAML file"
    )
    parser.add_argument("--target", type=_rate, metavar="RATE", help="find the smallest set with this accuracy, 0 to 1")
    parser.add_argument(
        "--permutations",
        type=_permutations,
        metavar="N",
        help=f"sample Shapley values over so many orders (exact up to {MAX_EXACT} subsystems, "
        f"{DEFAULT_PERMUTATIONS} orders beyond)",
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="orders derive from it (%(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace) -> int:
    """Print what each subsystem is worth.

    Raises:
        CompatError: The experiment is unknown or not what it has to be.
    """
    experiment = load_experiment(find_experiment(arguments.experiment, Path.cwd()))
    study, target = Study(experiment), arguments.target
    found = worth(study.accuracy, experiment.levels.order, seed=arguments.seed, permutations=arguments.permutations)
    if arguments.json:
        smallest = None if target is None else found.smallest(target)
        document = {
            "experiment": experiment.name,
            "worth": plain_worth(found),
            "target": None if target is None else float(target),
            "smallest": None if smallest is None else list(smallest.subsystems),
        }
        print_plain(document)
    else:
        print_worth(experiment.name, found, target)
    return 0


def _rate(text: str) -> Fraction:
    try:
        rate = float(text)
    except ValueError:
        rate = -1.0
    if not 0 <= rate <= 1:  # nor is what is no number
        raise argparse.ArgumentTypeError(f"found {text!r}, expected a number from 0 to 1, such as 0.9")
    return Fraction(repr(rate))  # 0.1 is 1/10, not the double nearest to it


def _permutations(text: str) -> int:
    if not text.isdecimal() or len(text) > 9 or int(text) < 4 or int(text) % 2:
        raise argparse.ArgumentTypeError(f"found {text!r}, expected an even number from 4: they are drawn in pairs")
    return int(text)
