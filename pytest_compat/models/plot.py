"""Reliability curves as a picture."""

from __future__ import annotations

import io

from pytest_compat.errors import DeclarationError
from pytest_compat.models.evaluation import Evaluation

COLOURS = ("#999999", "#D55E00", "#0072B2", "#009E73")
"""Colours that people with any colour vision tell apart (Okabe and Ito 2008)."""


def draw(evaluation: Evaluation, form: str) -> bytes:
    """Draw, for each split, the part that succeeded against the probability that was given.

    Args:
        evaluation: What was judged.
        form: `svg` or `png`.

    Returns:
        The picture; the same for the same evaluation.

    Raises:
        DeclarationError: matplotlib is not installed.
    """
    try:
        from matplotlib import rc_context
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise DeclarationError("a plot takes matplotlib; pip install 'pytest-compat[plot]'") from None
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "pytest-compat"}):
        figure = Figure(figsize=(9, 4.6), layout="constrained")
        FigureCanvasAgg(figure)
        panes = figure.subplots(1, len(evaluation.judgements), sharey=True, squeeze=False)[0]
        for axes, (split, judgements) in zip(panes, evaluation.judgements.items(), strict=True):
            axes.plot([0, 1], [0, 1], color="black", linewidth=0.8, linestyle=":")
            for colour, (what, found) in zip(COLOURS, judgements.items(), strict=True):
                said = [each.said for each in found.curve]
                axes.plot(said, [each.succeeded for each in found.curve], color=colour, marker="o", label=what)
            axes.set(title=split, xlabel="probability given", xlim=(0, 1), ylim=(0, 1))
            axes.legend(frameon=False)
        panes[0].set_ylabel("part that succeeded")
        stream = io.BytesIO()
        figure.savefig(stream, format=form, metadata={"Date": None} if form == "svg" else None)
    return stream.getvalue()
