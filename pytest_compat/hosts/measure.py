"""Measurements: the runs of a plan, in an order that favours no cell."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from hashlib import sha256
from pathlib import Path

from pytest_compat.errors import DeclarationError, known
from pytest_compat.hosts.journal import Journal
from pytest_compat.hosts.plan import Cell, Plan
from pytest_compat.hosts.trial import Run, Trial, run_trial

OUTPUT = "output"
"""Folder of what runs wrote."""


def ordered(plan: Plan) -> list[Trial]:
    """Return all runs of a plan in the order in which they are made.

    Rounds of all cells, each cell once per round, warm-ups first; the order within a round is that of hashes of (seed,
    repeat, input, variant). A randomized complete block design (Fisher, *The Design of Experiments*, 1935, section 20):
    when the machine gets slower for a while, that is not on one variant alone, and whenever a measurement is stopped,
    all cells have been run equally often, give or take one.
    """
    rounds = range(1 - plan.warmups, plan.repeats + 1)
    pairs = (
        (cell, repeat) for repeat in rounds for cell in sorted(plan.cells, key=lambda each: _draw(plan, each, repeat))
    )
    return [Trial(cell, repeat, order) for order, (cell, repeat) in enumerate(pairs, 1)]


def _draw(plan: Plan, cell: Cell, repeat: int) -> bytes:
    return sha256(json.dumps([plan.seed, repeat, cell.input, cell.variant]).encode("utf-8", "surrogatepass")).digest()


def chosen(trials: Iterable[Trial], only: Sequence[str]) -> list[Trial]:
    """Return the runs whose cells match one of some INPUT/VARIANT globs; all of them without globs.

    Raises:
        DeclarationError: A glob matches no cell.
    """
    trials = list(trials)
    names = dict.fromkeys(trial.cell.name for trial in trials)
    for glob in only:
        if not any(fnmatchcase(name, glob) for name in names):
            raise DeclarationError(known("cell", glob, names), path="--only")
    return [trial for trial in trials if not only or any(fnmatchcase(trial.cell.name, glob) for glob in only)]


def measure(
    plan: Plan, trials: Iterable[Trial], journal: Journal, told: Callable[[Trial], None] = lambda _: None
) -> Iterator[Run]:
    """Make the runs that the journal does not have yet, and yield each when it is written down.

    Args:
        plan: The plan.
        trials: Which of its runs.
        journal: What has been measured so far; its folder takes the output of the runs.
        told: Called before each run.

    Raises:
        OSError: There is no room for a run.
        KeyboardInterrupt: Someone wants it to stop; what ran then is not written down, and leaves no process.
    """
    kept: Path = journal.path.parent / OUTPUT
    for trial in trials:
        if trial.key not in journal.runs:
            told(trial)
            run = run_trial(plan, trial, kept)
            journal.add(run)
            yield run
