"""`python -m pytest_compat explain`: why a job goes to some clusters and not to others."""

from __future__ import annotations

import argparse
from pathlib import Path

from pytest_compat.declare.catalog import Experiment, find_experiment, load_experiment
from pytest_compat.errors import DeclarationError, known
from pytest_compat.model import Level
from pytest_compat.study.explain import explain, plain_explanation
from pytest_compat.study.reference import Study
from pytest_compat.study.show import print_explanation, print_plain


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument(
        "--experiment", required=True, metavar="NAME|PATH", help="an experiment of suites/, its folder or YAML file"
    )
    parser.add_argument("--job", required=True, metavar="NAME", help="one of its jobs")
    parser.add_argument("--cluster", metavar="NAME", help="one of its clusters, in detail (all of them)")
    parser.add_argument("--level", metavar="LEVEL", help="what the scheduler is shown (all the job needs)")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace) -> int:
    """Print what keeps a job from clusters.

    Raises:
        CompatError: The experiment, the job, the cluster or the level is unknown.
    """
    experiment = load_experiment(find_experiment(arguments.experiment, Path.cwd()))
    jobs = {job.name: job for job in experiment.jobs}
    clusters = [cluster.name for cluster in experiment.clusters]
    for what, name, names in (("job", arguments.job, jobs), ("cluster", arguments.cluster, clusters)):
        if name is not None and name not in names:
            raise DeclarationError(known(what, name, names), source=str(experiment.path))
    level = None if arguments.level is None else _level(experiment, arguments.level)
    found = explain(Study(experiment), jobs[arguments.job], level, arguments.cluster)
    if arguments.json:
        print_plain(plain_explanation(found))
    else:
        print_explanation(found)
    return 0


def _level(experiment: Experiment, name: str) -> Level:
    (level,) = experiment.levels.resolve([experiment.levels.canonical(name)])
    return level
