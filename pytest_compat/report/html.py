"""The report as one HTML page that needs nothing else: no network, no fonts, no library."""

from __future__ import annotations

import base64
import hashlib
import math
import re
import shlex
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from pytest_compat.report import wording
from pytest_compat.report.html_gradient import gradient_views, plausible
from pytest_compat.report.html_view import compared, rules, sections

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

MAX_LISTED = 100
"""Rows of a list that can have thousands, such as disagreements; the JSON report has more."""

MAX_OPEN = 10
"""Rows of a list that are in sight; of more, the others are folded away."""

MAX_GATES = 8
"""Checks of gates in one table; of more, those that hold are folded away."""

MAX_FRACTION = 15
"""Characters of an exact accuracy that is shown as a fraction too; those of unlike jobs have hundreds."""


def render_html(document: Mapping[str, Any]) -> str:
    """Return a report as a page.

    The page is a function of the report alone. Whatever stands in the report is shown as text: names of jobs can hold
    HTML. Scripts other than the page's own are refused by its Content-Security-Policy.

    Args:
        document: The report, `pytest-compat/report/1`.

    Raises:
        ValueError: An idset in it is none.
    """
    script = _resource("page.js")
    submissions, levels = wording.submitted(document)
    gradients = document.get("gradients", ())
    page = (
        _environment()
        .get_template("page.html.j2")
        .render(
            document=document,
            sections=sections(document),
            gradients=gradient_views(document),
            experiments=list(dict.fromkeys(each["experiment"] for each in [*document["experiments"], *gradients])),
            compared=compared(document),
            rules=rules(document["gates"]),
            submissions=submissions,
            levels=levels,
            commands="\n".join(shlex.join(each) for each in document["commands"] if each),
            style=_resource("style.css"),
            script=script,
            script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        )
    )
    # YAML can name a job with half a surrogate pair, and no file can hold that.
    return page.encode("utf-8", "replace").decode("utf-8")


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("pytest_compat.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {"separators": (",", ":")}
    environment.globals.update(
        lost=wording.LOST,
        lost_headers=wording.lost_headers,
        max_fraction=MAX_FRACTION,
        max_gates=MAX_GATES,
        max_listed=MAX_LISTED,
        max_open=MAX_OPEN,
        published_p=wording.PUBLISHED_P,
        zip=zip,
    )
    environment.tests.update(outside=wording.outside, plausible=plausible)
    environment.filters.update(
        at=_at,
        breakable=_breakable,
        capitalised=wording.capitalised,
        gate_limit=wording.gate_limit,
        gate_value=wording.gate_value,
        listed=wording.listed,
        log_at=_log_at,
        log_span=_log_span,
        moved=wording.moved,
        p_value=wording.p_value,
        published=wording.published,
        ran=wording.ran,
        rate=wording.rate,
        seconds=wording.seconds,
        short=wording.short,
        signed=_signed,
        times=wording.times_of,
    )
    return environment


@cache
def _resource(name: str) -> Markup:
    from markupsafe import Markup

    return Markup((files("pytest_compat.report") / "templates" / name).read_text(encoding="utf-8"))  # noqa: S704


def _at(value: float, most: float = 1.0, least: float = 0.0) -> str:
    """Return where on an axis from `least` to `most` a value lies, as CSS."""
    share = (value - least) / (most - least) if most > least else 0.0
    return f"{100 * min(max(share, 0.0), 1.0):.2f}%"


def _log_at(value: float, axis: Sequence[float]) -> str:
    """Return where on a logarithmic axis a value lies, as CSS; what lies before it, at its beginning."""
    return _at(math.log10(max(value, axis[0])), math.log10(axis[-1]), math.log10(axis[0]))


def _log_span(first: float, last: float, axis: Sequence[float]) -> str:
    """Return how much of a logarithmic axis lies between two values, as CSS."""
    width = math.log10(axis[-1]) - math.log10(axis[0])
    return _at(math.log10(max(last, axis[0])) - math.log10(max(first, axis[0])), width)


def _breakable(name: str) -> Markup:
    """Return a name that may be broken into lines where its parts meet."""
    from markupsafe import Markup, escape

    return Markup(re.sub(r"([+./_:])", r"\1<wbr>", str(escape(name))))  # noqa: S704 - escaped


def _signed(value: float | None) -> str:
    return "-" if value is None else f"{value:+.4f}"
