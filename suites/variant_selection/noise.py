"""`python -m suites.variant_selection.noise`: what the scatter of the measured times means, as tables in Markdown.

The runs of every variant under every input are drawn again, with replacement, as many as there are, and the experiment
is scored anew (the bootstrap: B. Efron, 1979). Medians of five are a coarse thing to draw from, so that the ranges are
a guide and no more.
"""

import argparse
from collections import Counter
from pathlib import Path

import numpy

from pytest_compat.declare.catalog import load_experiment
from pytest_compat.declare.times import read_table
from pytest_compat.matching import Index

HERE = Path(__file__).parent
EXPERIMENT = HERE / "experiment.yaml"
TABLE = HERE / "measured" / "vm-x86-2core" / "times.csv"


def medians(table, draws, seed):
    """Return medians of runs drawn again: by input and cluster, an array of `draws`; the measured one comes first.

    What does not run takes for ever.
    """
    random = numpy.random.default_rng(seed)
    runs = {}
    for row in table.rows:
        seconds = numpy.inf if row.seconds is None else row.seconds
        runs.setdefault(row.input, {}).setdefault(table.cluster(row.variant), []).append(seconds)
    return {
        input: {
            cluster: numpy.append(numpy.median(times), numpy.median(random.choice(times, (draws, len(times))), axis=1))
            for cluster, times in row.items()
        }
        for input, row in runs.items()
    }


def accuracies(experiment, times):
    """Yield every level with its exact accuracy by each draw."""
    index = Index(experiment.clusters)
    best = {input: numpy.minimum.reduce(list(row.values())) for input, row in times.items()}
    for level in experiment.levels.resolve(["all"]):
        total = 0
        for job in experiment.jobs:
            candidates = index.candidates(level.show(job))
            scores = [best[job.name] / times[job.name][each] for each in candidates if each in times[job.name]]
            total = total + sum(scores) / len(candidates)
        yield level.name, total / len(experiment.jobs)


def main(draws, seed):
    """Print both tables."""
    table = read_table(TABLE)
    times = medians(table, draws, seed)
    print("| level | accuracy | 95 % of draws |\n|---|---|---|")
    for name, found in accuracies(load_experiment(EXPERIMENT), times):
        low, high = numpy.quantile(found[1:], [0.025, 0.975])
        print(f"| {name} | {found[0]:.3f} | {low:.3f}-{high:.3f} |")
    print("\n| input | best variant | best again | others that are best in 5 % of draws or more |\n|---|---|---|---|")
    for input, row in times.items():
        names = [cluster.removeprefix(f"{table.machine}-") for cluster in row]
        best, *drawn = (names[place] for place in numpy.argmin(list(row.values()), axis=0))
        wins = Counter(drawn)
        others = [name for name, count in wins.most_common() if name != best and count >= draws / 20]
        print(f"| {input} | {best} | {wins[best] / draws:.0%} | {', '.join(others)} |")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m suites.variant_selection.noise", description=__doc__)
    parser.add_argument("--draws", type=int, default=2000, metavar="N", help="times to draw (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the draws (default: %(default)s)")
    arguments = parser.parse_args()
    if arguments.draws < 1:
        parser.error(f"--draws: found {arguments.draws}, expected 1 or more")
    main(arguments.draws, arguments.seed)
