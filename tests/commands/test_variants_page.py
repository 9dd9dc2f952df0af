"""docs/variant-selection.md: its files are measured and run as shown, and its table is what its command prints."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pytest_compat.commands import main
from suites.variant_selection import noise

PAGE = (Path(__file__).parent.parent.parent / "docs" / "variant-selection.md").read_text(encoding="utf-8")


def test_variants_of_the_docs_are_measured_and_chosen_among(
    pytester: pytest.Pytester, capsys: pytest.CaptureFixture[str]
) -> None:
    for text in re.findall(r"^```(?:yaml|python)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL):
        (pytester.path / text.splitlines()[0].removeprefix("# ")).write_text(text, encoding="utf-8")
    assert main(["measure", "plan.yaml", "--machine", "lab-1"]) == 0
    assert "18 of 18 runs made" in capsys.readouterr().out
    result = pytester.runpytest_subprocess("--compat-scheduler=reference", "--compat-level=none,build,build+tuning")
    result.assert_outcomes(passed=9)
    result.stdout.fnmatch_lines(["*(times measured on lab-1)*"])


def test_the_docs_have_the_accuracies(capsys: pytest.CaptureFixture[str]) -> None:
    noise.main(draws=1, seed=0)
    found = re.findall(r"^\| (none|io\S+) \| ([\d.]+) \|", capsys.readouterr().out, re.MULTILINE)
    assert len(found) == 6
    assert found == re.findall(r"^\| (none|io\S+) \| ([\d.]+) \|", PAGE, re.MULTILINE)
