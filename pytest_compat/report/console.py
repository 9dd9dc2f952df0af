"""Lines and tables of the report for a terminal."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from pytest_compat.errors import printable

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table
    from rich.text import Text

BAD, GOOD, QUIET = "red", "green", "dim"


def printed(parts: Iterable[RenderableType], *, colour: bool) -> str:
    """Return lines and tables as text, each line as long as it has to be.

    Args:
        parts: Lines and tables, from the top.
        colour: Whether the terminal understands ANSI escapes.
    """
    from rich.console import Console

    text = io.StringIO()
    console = Console(
        file=text,
        force_terminal=colour,
        color_system="standard" if colour else None,
        no_color=not colour,
        width=10_000,  # names are there to be copied: the terminal may wrap them, nobody cuts them
        highlight=False,
        _environ={},
    )
    for part in parts:
        console.print(part, soft_wrap=True)
    return "\n".join(each.rstrip() for each in text.getvalue().splitlines())


def line(text: str, style: str = "") -> Text:
    """Return a line of a style; what a terminal would obey is escaped."""
    from rich.text import Text

    return Text(printable(text), style)


def table(header: Sequence[str], rows: Iterable[tuple[Sequence[str], str]], *, left: int) -> Table:
    """Return a table whose first columns, so many, are aligned to the left and the others to the right.

    Args:
        header: Titles of the columns.
        rows: Cells, and the style of the row.
        left: How many columns.
    """
    from rich.table import Table

    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for number, name in enumerate(header):
        made.add_column(line(name), justify="left" if number < left else "right", no_wrap=True)
    for row, style in rows:
        made.add_row(*(line(cell) for cell in row), style=style)
    return made
