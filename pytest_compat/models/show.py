"""Models and judgements as text."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pytest_compat.errors import printable
from pytest_compat.models.evaluation import Evaluation
from pytest_compat.models.fit import KINDS
from pytest_compat.models.judgement import Judgement
from pytest_compat.models.prediction import MODEL, RATE, UNKNOWN, Prediction
from pytest_compat.models.training import Models

if TYPE_CHECKING:
    from rich.console import Console

WIDTH = 10_000
"""Columns a line may have: more than any line has, so that the terminal wraps it and a file has it whole."""

EVALUATION = "pytest-compat/model-evaluation/1"


def print_models(models: Models) -> None:
    """Print what was trained, what was not, and why, to standard output."""
    console = _console()
    fitted = [package for package in models.packages.values() if package.model is not None]
    builds = sum(package.builds for package in fitted)
    console.out(f"{len(fitted)} models ({models.kind}) of {builds} builds, prior {models.prior:g}, seed {models.seed}")
    print_remarks(models.left_out)
    for name, package in models.packages.items():
        if package.model is None:
            console.out(f"  {printable(name)}: base rate {models.base_rate(name):.3f}: {package.why}")
        elif package.constants:
            console.out(printable(f"  {name}: constant and dropped: {', '.join(package.constants)}"))


def print_remarks(remarks: Sequence[str]) -> None:
    """Print sentences, one per line, to standard output."""
    console = _console()
    for remark in remarks:
        console.out(f"  {printable(remark)}")


def print_prediction(found: Prediction, remarks: Sequence[str]) -> None:
    """Print how many probabilities rest on what, and all that was not known, to standard output."""
    basis = found.frame["basis"].value_counts()
    parts = ", ".join(f"{basis.get(name, 0)} by {name}" for name in (MODEL, RATE, UNKNOWN))
    _console().out(f"{len(found.frame)} probabilities: {parts}")
    print_remarks((*remarks, *found.remarks))


def print_evaluation(evaluation: Evaluation) -> None:
    """Print how good each thing judged is under each split, the reliability of models and what was not judged."""
    console = _console()
    for split, judgements in evaluation.judgements.items():
        console.out(f"{split}: {len(evaluation.packages[split])} packages")
        _print_table(
            ("", "builds", "Brier", "log loss", "AUC", "accuracy", "majority"),
            [(what, *_figures(found)) for what, found in judgements.items()],
        )
        for what, found in judgements.items():
            if what in KINDS:
                console.out(f"\nreliability of {what}")
                rows = [(f"{part.said:.3f}", f"{part.succeeded:.3f}", str(part.builds)) for part in found.curve]
                _print_table(("said", "succeeded", "builds"), rows)
        console.out("")
    print_remarks(evaluation.remarks)


def render_evaluation(evaluation: Evaluation) -> str:
    """Return an evaluation as JSON, which has the reliability curves too."""
    document: dict[str, Any] = {
        "schema": EVALUATION,
        "splits": {
            split: {
                "packages": list(evaluation.packages[split]),
                "judgements": {what: found.plain() for what, found in judgements.items()},
            }
            for split, judgements in evaluation.judgements.items()
        },
        "remarks": list(evaluation.remarks),
    }
    return json.dumps(document, indent=1, allow_nan=False) + "\n"


def _figures(found: Judgement) -> tuple[str, ...]:
    auc = "-" if found.auc is None else f"{found.auc:.3f}"
    rest = (f"{found.accuracy:.3f}", f"{found.majority:.3f}")
    return (str(found.builds), f"{found.brier:.4f}", f"{found.log_loss:.3f}", auc, *rest)


def _print_table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for index, name in enumerate(names):
        table.add_column(name, justify="right" if index or name else "left")
    for row in rows:
        table.add_row(*row)
    _console().print(table)


def _console() -> Console:
    from rich.console import Console

    return Console(width=WIDTH, highlight=False, markup=False, emoji=False)
