"""The 270 published logs of LAMMPS in containers, and what could have stood in them."""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Any

import pytest
from reasons_printed import HARMLESS

from pytest_compat.reasons import classify

pandas = pytest.importorskip("pandas")
pytest.importorskip("pyarrow")

ARM = {
    "x86_64-linux-gnu": "aarch64-linux-gnu",
    "-x86_64/": "-aarch64/",
    "ld-linux-x86-64.so.2": "ld-linux-aarch64.so.1",
    "/lib64/": "/usr/lib64/",
}
LATER = {
    "GLIBC_2.3": "GLIBC_2.4",
    "GLIBCXX_3.4.30": "GLIBCXX_3.4.33",
    "libcuda.so.1": "libcuda.so.2",
    "(1525)": "(1904)",
}


@pytest.fixture(scope="module")
def runs() -> list[dict[str, Any]]:
    folder = os.environ.get("COMPAT_DATA")
    if folder is None:
        pytest.skip("COMPAT_DATA does not name the folder of published data")
    data = Path(folder, "image-selection")
    logs = pandas.read_parquet(data / "logs_amd64.parquet")
    known = pandas.read_parquet(data / "runs.parquet").drop(columns="outcome")
    found: list[dict[str, Any]] = logs.merge(known, on=["cohort", "mode", "iter"]).to_dict("records")
    assert len(found) == 270
    return found


def test_every_log_has_its_recorded_outcome_and_its_missing_versions(runs: list[dict[str, Any]]) -> None:
    for run in runs:
        found = classify(run["log"])
        assert (found.reason, found.missing) == (run["outcome"], tuple(sorted(run["missing_symbols"])))
        assert run["log"].split("\n")[found.number - 1] == found.line


@pytest.mark.parametrize("changes", [ARM, LATER, ARM | LATER], ids=["arm64", "later versions", "both"])
def test_another_system_would_have_had_the_same_outcome(runs: list[dict[str, Any]], changes: dict[str, str]) -> None:
    for run in runs:
        log = run["log"]
        for old, new in changes.items():
            log = log.replace(old, new)
        assert classify(log).reason == run["outcome"]


def test_harmless_lines_anywhere_change_no_outcome(runs: list[dict[str, Any]]) -> None:
    draw = random.Random(0)
    for run in runs:
        lines = run["log"].split("\n")
        for line in HARMLESS:
            lines.insert(draw.randint(0, len(lines)), line)
        assert classify("\n".join(lines)).reason == run["outcome"]


def test_what_ended_other_runs_does_not_make_a_success_a_failure(runs: list[dict[str, Any]]) -> None:
    draw = random.Random(0)
    deciding = sorted({classify(run["log"]).line for run in runs if run["outcome"] != "success"})
    for run in runs:
        if run["outcome"] == "success":
            lines = run["log"].split("\n")
            for line in deciding:
                lines.insert(draw.randint(0, len(lines)), line)
            assert classify("\n".join(lines)).reason == "success"


def test_a_failure_without_its_last_lines_is_still_known(runs: list[dict[str, Any]]) -> None:
    for run in runs:
        if run["outcome"] != "success":
            found = classify(run["log"])
            upto = "\n".join(run["log"].split("\n")[: found.number])
            assert classify(upto).reason == run["outcome"]
