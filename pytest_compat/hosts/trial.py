"""One run of a cell: its folder, its environment, and what came of it."""

from __future__ import annotations

import gzip
import os
import re
import shutil
import signal
import tempfile
from dataclasses import dataclass
from pathlib import Path

from pytest_compat.declare.times import FAILED, OK, TIMEOUT, in_bounds
from pytest_compat.hosts.plan import Cell, Plan
from pytest_compat.hosts.process import Ended, run_command

LONGEST_REASON = 200


@dataclass(frozen=True)
class Trial:
    """A run that is to be.

    Args:
        cell: What is run.
        repeat: From 1; 0 and less for warm-ups.
        order: Its place among all runs of the plan, from 1.
    """

    cell: Cell
    repeat: int
    order: int

    @property
    def key(self) -> tuple[str, str, int]:
        """Input, variant and repeat."""
        return self.cell.input, self.cell.variant, self.repeat


@dataclass(frozen=True)
class Run:
    """A run that has been.

    Args:
        input: Name of the input.
        variant: Name of the variant.
        repeat: From 1; 0 and less for warm-ups.
        order: Its place among all runs of the plan, from 1.
        outcome: OK, FAILED or TIMEOUT.
        seconds: The time that counts; None unless it is OK.
        wall: Seconds from start to end.
        user: Seconds of CPU.
        system: Seconds of CPU in the kernel.
        max_rss_kib: KiB of its largest process.
        exit_status: Minus a signal's number when one ended it; None when it could not be started.
        reason: Why it is not OK, in a line; empty when it is.
        output_bytes: What it wrote.
    """

    input: str
    variant: str
    repeat: int
    order: int
    outcome: str
    seconds: float | None
    wall: float
    user: float
    system: float
    max_rss_kib: int
    exit_status: int | None
    reason: str
    output_bytes: int

    @property
    def key(self) -> tuple[str, str, int]:
        """Input, variant and repeat."""
        return self.input, self.variant, self.repeat


def run_environment(plan: Plan) -> dict[str, str]:
    """Return what every run sees of the environment of whoever measures.

    It is little, and the same for all: a thread count or a preloaded library of theirs would be in every time.
    """
    found = {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8"}
    return found | {name: os.environ[name] for name in plan.inherit if name in os.environ}


def run_trial(plan: Plan, trial: Trial, kept: Path) -> Run:
    """Run a cell once, in a folder of its own that is removed afterwards.

    Args:
        plan: The plan it is of.
        trial: Which cell, and when.
        kept: The folder its output is kept in, as ORDER.txt.gz.

    Raises:
        OSError: There is no room for the folder or the output.
        KeyboardInterrupt: Someone wants it to stop.
    """
    cell = trial.cell
    with tempfile.TemporaryDirectory(prefix="pytest-compat-", ignore_cleanup_errors=True) as folder:
        for name, path in plan.inputs[cell.input].files.items():
            shutil.copy(path, Path(folder, name))
        env = {**run_environment(plan), "HOME": folder, **cell.env}
        ended = run_command(cell.command, env, Path(folder), plan.timeout)
    kept.mkdir(parents=True, exist_ok=True)
    (kept / f"{trial.order:06d}.txt.gz").write_bytes(gzip.compress(ended.output, mtime=0))
    outcome, seconds, reason = judge(plan, ended)
    return Run(
        input=cell.input,
        variant=cell.variant,
        repeat=trial.repeat,
        order=trial.order,
        outcome=outcome,
        seconds=seconds,
        wall=round(ended.wall, 6),
        user=round(ended.user, 6),
        system=round(ended.system, 6),
        max_rss_kib=ended.max_rss,
        exit_status=ended.status,
        reason=_line(reason),
        output_bytes=ended.size,
    )


def judge(plan: Plan, ended: Ended) -> tuple[str, float | None, str]:
    """Return what came of a run: its outcome, the time that counts, and why it failed."""
    text = ended.output.decode("utf-8", "replace").replace("\r\n", "\n")
    if ended.timed_out:
        return TIMEOUT, None, f"did not end in {plan.timeout:g} s"
    if ended.status is None:
        return FAILED, None, ended.problem
    if ended.status != 0:
        how = _signal_name(-ended.status) if ended.status < 0 else f"exit status {ended.status}"
        return FAILED, None, ": ".join(filter(None, (how, _why(plan, text))))
    if plan.check is not None and not plan.check.search(text):
        return FAILED, None, f"no {plan.check.pattern!r} in the output: {_why(plan, text)}"
    if plan.figure is None:
        return OK, round(ended.wall, 6), ""
    found = plan.figure.pattern.findall(text)
    if not found:
        return FAILED, None, f"no {plan.figure.pattern.pattern!r} in the output: {_why(plan, text)}"
    try:
        printed = 0.0 if "_" in found[-1] else float(found[-1])
    except ValueError:
        printed = 0.0
    seconds = in_bounds(printed * plan.figure.seconds)
    if seconds is None:
        return FAILED, None, f"found the time {found[-1]!r}, expected a number above 0"
    return OK, seconds, ""


def _why(plan: Plan, text: str) -> str:
    found = plan.reason.search(text) if plan.reason is not None else None
    if found is not None:
        return found[0]
    lines = [line for line in text.splitlines() if any(map(str.isalnum, line))]  # launchers draw lines of dashes
    return lines[-1] if lines else "no output"


def _signal_name(number: int) -> str:
    try:
        return f"killed by {signal.Signals(number).name}"
    except ValueError:
        return f"killed by signal {number}"


def _line(text: str) -> str:
    printable = re.sub(r"[^\S ]", " ", text).strip()
    shown = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in printable)
    return shown if len(shown) <= LONGEST_REASON else shown[: LONGEST_REASON - 1] + "…"
