"""Counts, rate and time left of the levels that run, in one line. Imports rich where it is used."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from pytest_compat.run.progress import Standing

BAR = 20
"""Width of the bar, in columns."""


class Meter:
    """Counts, rate and time left, in one line.

    Args:
        stream: What the line is for: decides on colors and characters.
        color: False for a line without colors.
    """

    def __init__(self, stream: TextIO, *, color: bool) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
        from rich.table import Column

        self.since: float | None = None
        """When the level that runs longest was first seen; None while none runs."""
        self._console = Console(
            file=stream, force_terminal=True, color_system="auto" if color else None, highlight=False
        )
        self._progress = Progress(
            # Where there is little room, names and the bar make way for the numbers.
            TextColumn("{task.description}", markup=False, table_column=Column(overflow="ellipsis")),
            BarColumn(BAR),
            MofNCompleteColumn(table_column=Column(no_wrap=True)),
            TextColumn("{task.fields[pace]}", markup=False),
            console=self._console,
            auto_refresh=False,
        )
        self._seen: dict[tuple[str, str], float] = {}
        self._shown: list[tuple[str, str, str]] = []

    def take(self, standings: list[Standing], now: float) -> None:
        """Take in how far the levels are; a rate begins anew when others run.

        Args:
            standings: Of the levels that run.
            now: Seconds.
        """
        levels = {(each.experiment, each.level) for each in standings}
        self._seen = {level: self._seen.get(level, now) for level in levels}
        self.since = min(self._seen.values(), default=None)
        shown = [(each.experiment, each.level, each.phase) for each in standings]
        if shown != self._shown:
            self._shown = shown
            for task in self._progress.tasks:
                self._progress.remove_task(task.id)
            if standings:
                self._progress.add_task(_description(standings), total=None, pace="")
        if not standings:
            return
        (task,) = self._progress.tasks
        totals = [each.total for each in standings]
        total = None if None in totals else sum(each or 0 for each in totals)
        self._progress.update(task.id, total=total, completed=sum(each.done for each in standings))
        self._progress.update(task.id, pace=_pace(task.speed, task.time_remaining))

    def render(self, width: int) -> str:
        """Return the line, less wide than a terminal of so many columns."""
        with self._console.capture() as captured:
            self._console.print(self._progress.get_renderable(), width=max(1, width - 1))
        return captured.get().partition("\n")[0]


def _description(standings: list[Standing]) -> str:
    if len(standings) > 1:
        return f"{len(standings)} levels"
    (one,) = standings
    return f"{one.experiment}, level {one.level}" + (", candidates" if one.phase == "match" else "")


def _pace(speed: float | None, left: float | None) -> str:
    if not speed:
        return ""
    rate = f"{speed:,.0f}/s" if speed >= 10 else f"{speed:.1f}/s"
    return rate if left is None else f"{rate}, {timedelta(seconds=int(left))} left"
