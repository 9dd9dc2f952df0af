"""Every form of the report that is a file, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pytest_compat.errors import ReportError
from pytest_compat.report.files import write_document, write_text

Document = Mapping[str, Any]


def _html(document: Document, path: Path) -> None:
    from pytest_compat.report.html import render_html

    write_text(render_html(document), path)


def _markdown(document: Document, path: Path) -> None:
    from pytest_compat.report.markdown import render_markdown

    write_text(render_markdown(document), path)


def _records(document: Document, path: Path) -> None:
    from pytest_compat.report.tables import write_table

    write_table(document, path)


def _figures(document: Document, path: Path) -> None:
    from pytest_compat.report.tables import write_levels

    write_levels(document, path)


FORMS: Mapping[str, Callable[[Document, Path], None]] = {
    "report": write_document,
    "html": _html,
    "markdown": _markdown,
    "records": _records,
    "figures": _figures,
}


def write_outputs(document: Document, paths: Mapping[str, Path]) -> list[str]:
    """Write a report in every form asked for.

    Args:
        document: The report.
        paths: Where to, by form.

    Returns:
        What could not be written and why, a line each; what could be was.
    """
    failed = []
    for form, path in paths.items():
        try:
            FORMS[form](document, path)
        except (OSError, ValueError, ReportError) as error:
            failed.append(f"the {form} could not be written: {error}")
    return failed
