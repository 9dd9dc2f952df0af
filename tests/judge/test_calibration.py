"""Simulated runs of the LAMMPS experiment: error rates as stated, and selectors told that are not uniform.

`python -m suites.calibration` does the same at length; docs/statistics.md has its tables.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from pytest_compat.judge.multiple import ALARM
from suites.calibration import __main__ as tables
from suites.calibration import simulate

SHUNS = [simulate.shunning(cluster) for cluster in list(simulate.SHUNNED)[:2]]


def rows(text: str) -> list[list[str]]:
    """Return the cells of the Markdown tables in a text."""
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]


def test_uniform_selection_is_flagged_no_more_often_than_stated() -> None:
    found = simulate.smallest(simulate.uniform, range(100))
    assert sum(p <= 0.05 for p in found) <= 10  # 11 or more have a probability of 1 % at the rate stated
    assert not any(p <= ALARM for p in found)
    assert len(set(found)) > 10


@pytest.mark.parametrize("select", [simulate.eager, simulate.sticky, *SHUNS], ids=["eager", "sticky", "shy", "shyer"])
def test_selection_that_is_not_uniform_is_flagged(select: Callable[..., Any]) -> None:
    assert all(p <= ALARM for p in simulate.smallest(select, range(10)))


def test_no_fall_is_found_between_runs_of_one_scheduler() -> None:
    assert sum(simulate.drop(seed) <= tables.DROP for seed in range(50)) <= 3  # 4 have a probability of 0.2 %


def test_a_fall_is_found_when_one_submission_in_twenty_goes_astray() -> None:
    assert sum(simulate.drop(seed, later=simulate.astray) <= tables.DROP for seed in range(10)) >= 9


def test_gates_are_decided_as_the_accuracy_lies() -> None:
    level = simulate.levels()[simulate.GATED]
    assert level.accuracy == Fraction(23, 36)
    limits = [level.accuracy + offset for offset in (Fraction("-0.1"), Fraction("0.1"))]
    for seed in range(10):
        (low, soon), (high, late) = simulate.gate(level, limits, seed)
        assert (low, high) == ("pass", "fail")
        assert max(soon, late) < 60


def test_the_docs_have_the_tables(capsys: pytest.CaptureFixture[str]) -> None:
    tables.flags(1)
    tables.falls(1)
    tables.gates(1)
    printed = rows(capsys.readouterr().out)
    page = (Path(__file__).parents[2] / "docs" / "statistics.md").read_text(encoding="utf-8")
    shown = rows(page.partition("<!-- calibration -->")[2].partition("<!-- end of calibration -->")[0])
    assert len(printed) > 20
    assert [(len(cells), cells[:2]) for cells in shown] == [(len(cells), cells[:2]) for cells in printed]
