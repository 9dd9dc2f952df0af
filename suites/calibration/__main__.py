"""`python -m suites.calibration`: error rates of the statistics, stated and found, as tables in Markdown."""

import argparse
from fractions import Fraction
from statistics import mean

from pytest_compat.judge.multiple import ALARM

from .simulate import GATED, SHUNNED, astray, coin, drop, eager, gate, levels, shunning, smallest, sticky, uniform

DROP = 0.01
"""Stated rate of a fall being found where nothing has changed."""


def share(values):
    """Return the share of what is true, as text."""
    found = list(values)
    return f"{sum(found) / len(found):.2%} of {len(found)}"


def row(*cells):
    """Print a row."""
    print(f"| {' | '.join(map(str, cells))} |", flush=True)


def table(*titles):
    """Print the head of a table."""
    print()
    row(*titles)
    print(f"|{'---|' * len(titles)}")


def flags(seeds):
    """Tabulate how many runs are flagged."""
    table("selection", "stated", "runs flagged")
    alike = smallest(uniform, range(seeds))
    for alpha in (0.05, 0.01, ALARM):
        row("uniform", f"at most {alpha:.2%}", share(p <= alpha for p in alike))
    for name, select in (
        ("the first candidate one time in ten, otherwise uniform", eager),
        ("drawn once per job, not per submission", sticky),
        *((f"never a cluster that is due {due} times", shunning(cluster)) for cluster, due in SHUNNED.items()),
    ):
        row(name, "", share(p <= ALARM for p in smallest(select, range(max(seeds // 10, 1)))))


def falls(seeds):
    """Tabulate how often accuracy is said to have fallen."""
    table("second run", "stated", "a fall at any level")
    row("another seed", f"at most {DROP:.2%}", share(drop(seed) <= DROP for seed in range(seeds)))
    few = range(max(seeds // 10, 1))
    row("any cluster at all one time in twenty", "", share(drop(seed, later=astray) <= DROP for seed in few))


def gates(seeds):
    """Tabulate what a sequential gate decides, and how soon."""
    table("scores", "limit", "stated", "passed", "failed", "open", "rounds, mean", "most")
    real = levels()[GATED]
    accuracy = real.accuracy
    delta = Fraction("0.02")
    limits = {
        accuracy - Fraction("0.1"): "",
        accuracy - delta: "",
        accuracy: "at most 1.00% failed",
        accuracy + delta: "at most 1.00% passed",
        accuracy + Fraction("0.1"): "",
    }
    for name, level in (("LAMMPS", real), ("0 or 1", coin(accuracy))):
        answers = [gate(level, list(limits), seed) for seed in range(seeds)]
        for (limit, stated), of in zip(limits.items(), zip(*answers, strict=True), strict=True):
            decisions, rounds = zip(*of, strict=True)
            shares = [f"{decisions.count(each) / seeds:.2%}" for each in ("pass", "fail", None)]
            offset = f"{float(limit - accuracy):+.2f}" if limit != accuracy else ""
            row(name, f"accuracy{offset}", stated, *shares, f"{mean(rounds):.0f}", max(rounds))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m suites.calibration", description=__doc__)
    parser.add_argument("--seeds", type=int, default=2000, metavar="N", help="simulated runs (default: %(default)s)")
    seeds = parser.parse_args().seeds
    if seeds < 1:
        parser.error(f"--seeds: found {seeds}, expected 1 or more")
    for part in (flags, falls, gates):
        part(seeds)
