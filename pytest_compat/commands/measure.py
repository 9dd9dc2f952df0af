"""`python -m pytest_compat measure`: the times of a declared matrix of commands."""

from __future__ import annotations

import argparse
import json
import re
import shlex
import signal
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_compat.hosts.journal import Journal
    from pytest_compat.hosts.plan import Plan
    from pytest_compat.hosts.trial import Run, Trial

TABLE, ABOUT = "times.csv", "times.json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command line."""
    parser.add_argument("plan", type=Path, metavar="PLAN.yaml", help="what to run: inputs, variants, a command")
    parser.add_argument(
        "--machine", type=_name, required=True, metavar="NAME", help="what to call this machine in the table"
    )
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FOLDER",
        help=f"where {TABLE}, {ABOUT}, the journal and all output go; goes on with what is there (measured/NAME)",
    )
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="INPUT/VARIANT",
        help="run only what matches this glob; repeatable. The order of runs stays that of the whole plan",
    )
    parser.add_argument("--dry-run", action="store_true", help="print the commands and run nothing")


def run(arguments: argparse.Namespace) -> int:
    """Measure: 0 when all runs were made, whatever came of them, 1 when interrupted or when no run succeeded.

    Raises:
        DeclarationError: The plan is not what it has to be.
        RecordError: The folder holds another measurement or a table of one, or the executables are not those expected.
    """
    from pytest_compat.declare.times import OK
    from pytest_compat.hosts.journal import open_journal
    from pytest_compat.hosts.machine import describe_machine
    from pytest_compat.hosts.measure import chosen, ordered
    from pytest_compat.hosts.plan import load_plan
    from pytest_compat.hosts.table import check_replaceable, counted, describe, render_runs
    from pytest_compat.hosts.trial import run_environment
    from pytest_compat.report.files import write_text

    plan = load_plan(arguments.plan)
    trials = chosen(ordered(plan), arguments.only)
    if arguments.dry_run:
        _print_commands(plan, trials)
        return 0
    folder: Path = arguments.output or Path("measured", arguments.machine)
    with open_journal(folder, plan, arguments.machine) as journal:
        check_replaceable(folder / TABLE, render_runs(journal.runs.values(), arguments.machine))
        interrupted = False
        try:
            with _stoppable():
                left = [trial for trial in trials if trial.key not in journal.runs]
                if left:
                    journal.begin(describe_machine(plan, run_environment(plan)))
                    _measure(plan, left, journal)
        except KeyboardInterrupt:
            interrupted = True
        rows = render_runs(journal.runs.values(), arguments.machine)
        about = describe(plan, journal, arguments.machine, rows)
        write_text(rows, folder / TABLE)
        write_text(json.dumps(about, indent=1) + "\n", folder / ABOUT)
        runs = [journal.runs[trial.key] for trial in trials if trial.key in journal.runs]
    counting = counted(runs)
    _print_summary(counting)
    print(f"{len(runs)} of {len(trials)} runs made, warm-ups included: {folder / TABLE}")
    if interrupted:
        print("measure: interrupted; the same command goes on from here", file=sys.stderr)
        return 1
    if not any(each.outcome == OK for each in counting):
        print(
            "measure: no run succeeded; the last column says why, and the output of each run is kept", file=sys.stderr
        )
        return 1
    return 0


def _measure(plan: Plan, trials: Sequence[Trial], journal: Journal) -> None:
    """Make runs, with a bar on a terminal and nothing elsewhere."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from pytest_compat.hosts.measure import measure

    console = Console(stderr=True)
    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.description}", markup=False))
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=len(trials))

        def told(trial: Trial) -> None:
            which = f"run {trial.repeat}" if trial.repeat > 0 else "warm-up"
            progress.update(task, description=f"{trial.cell.name}, {which}")

        for _ in measure(plan, trials, journal, told):
            progress.advance(task)


@contextmanager
def _stoppable() -> Iterator[None]:
    """Let SIGTERM and SIGHUP do what Ctrl-C does: batch systems and closed terminals send those."""
    numbers = (signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(number, signal.default_int_handler) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def _print_commands(plan: Plan, trials: Iterable[Trial]) -> None:
    trials = list(trials)
    cells = {trial.cell.name for trial in trials}
    for cell in plan.cells:
        if cell.name in cells:
            env = [f"{name}={shlex.quote(value)}" for name, value in cell.env.items()]
            print(f"{cell.name}: {' '.join([*env, shlex.join(cell.command)])}")
    print(
        f"{len(cells)} cells, {len(trials)} runs: {plan.warmups} + {plan.repeats} of each, seed {plan.seed}, "
        f"{plan.timeout:g} s at most each"
    )


def _print_summary(runs: Iterable[Run]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from pytest_compat.declare.times import summarize

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("input", "variant", "ok", "median s", "least s", "spread", "score", "why not"):
        table.add_column(name, justify="left" if name in ("input", "variant", "why not") else "right")
    for each in summarize(runs):
        figures = [
            "" if value is None else format(value, form)
            for value, form in ((each.median, ".4g"), (each.least, ".4g"), (each.spread, ".1%"))
        ]
        words = [each.input, each.variant, f"{each.ok}/{each.runs}", *figures, f"{float(each.score):.3f}", each.reason]
        table.add_row(*map(Text, words))
    if table.row_count:
        Console(width=None if sys.stdout.isatty() else 160).print(table)


def _name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", text):
        raise argparse.ArgumentTypeError(f"found {text!r}, expected a name of letters, digits, '.', '_' and '-'")
    return text
