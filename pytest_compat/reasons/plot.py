"""How often each reason was found, as stacked bars."""

from __future__ import annotations

import io
from collections.abc import Mapping

from pytest_compat.errors import DeclarationError
from pytest_compat.reasons.rules import REASONS

COLOURS = dict(
    zip(
        REASONS,
        ("#009E73", "#000000", "#D55E00", "#CC79A7", "#0072B2", "#E69F00", "#56B4E9", "#F0E442", "#999999"),
        strict=True,
    )
)
"""Colours that people with any colour vision tell apart (Okabe and Ito 2008)."""

FORMATS = ("svg", "png")
MAX_GROUPS = 200
"""Bars that a picture can have."""


def draw(counts: Mapping[str, Mapping[str, int]], form: str) -> bytes:
    """Draw one bar per group, from the top down, with a part for each reason.

    Args:
        counts: For each group how many logs have each reason.
        form: One of FORMATS.

    Returns:
        The picture; the same for the same counts.

    Raises:
        DeclarationError: matplotlib is not installed, or there are more groups than a picture can have.
    """
    try:
        from matplotlib import rc_context
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
        from matplotlib.ticker import MaxNLocator
    except ImportError:
        raise DeclarationError("a plot takes matplotlib; pip install 'pytest-compat[plot]'") from None
    if len(counts) > MAX_GROUPS:
        raise DeclarationError(f"found {len(counts)} groups, expected {MAX_GROUPS} at most; choose others with --by")
    names = list(counts)
    # Text stays text, and ids are the same each time; `$` in a name is no formula.
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "pytest-compat", "text.parse_math": False}):
        figure = Figure(figsize=(8, 1.6 + 0.4 * len(names)), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots()
        left = [0] * len(names)
        for reason in REASONS:
            sizes = [counts[name].get(reason, 0) for name in names]
            if not any(sizes):
                continue
            bars = axes.barh(
                range(len(names)), sizes, left=left, color=COLOURS[reason], edgecolor="white", label=reason
            )
            dark = reason in ("wrong architecture", "missing gpu", "os abi issue", "success")
            axes.bar_label(
                bars,
                [str(size) if size else "" for size in sizes],
                label_type="center",
                color="white" if dark else "black",
            )
            left = [before + size for before, size in zip(left, sizes, strict=True)]
        axes.set_yticks(range(len(names)), names)
        axes.invert_yaxis()
        axes.set_xlabel("runs")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.spines[["top", "right"]].set_visible(False)
        figure.legend(loc="outside upper center", ncols=4, frameon=False)
        picture = io.BytesIO()
        figure.savefig(picture, format=form, dpi=150, metadata={"Date": None} if form == "svg" else {"Software": None})
    return picture.getvalue()
