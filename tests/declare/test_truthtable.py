"""Ground truth as a table: scores as written, and scores from times."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from statistics import median

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from time_tables import write_rows, write_table

from pytest_compat.declare.catalog import load_experiment
from pytest_compat.declare.times import time_score
from pytest_compat.declare.truthtable import Entry, read_scores, read_times
from pytest_compat.errors import DeclarationError

TIMES = {"melt": {"mpi": [2.0, 9.0, 1.0], "serial": [4.0, 4.0, 5.0]}, "eam": {"mpi": ["no mpi"] * 3, "serial": [3.0]}}


def test_what_runs_has_its_median_and_what_cannot_run_scores_nothing(tmp_path: Path) -> None:
    table = read_times(write_table(tmp_path, TIMES))
    assert (table.kind, table.machine) == ("measured", "lab")
    assert table.entries == {
        "melt": {"lab-mpi": Entry(None, "", 2.0), "lab-serial": Entry(None, "", 4.0)},
        "eam": {"lab-mpi": Entry(Fraction(0), "no mpi"), "lab-serial": Entry(None, "", 3.0)},
    }


@given(st.floats(1e-9, 1e9), st.floats(1e-9, 1e9))
def test_a_score_is_the_best_time_over_this_one(one: float, other: float) -> None:
    best, seconds = sorted((one, other))
    score = time_score(best, seconds)
    assert score * 10**4 == int(score * 10**4) >= 1
    assert abs(score - Fraction(best) / Fraction(seconds)) <= Fraction(1, 10**4)
    assert (score == 1) is (best == seconds)


@given(
    st.dictionaries(
        st.sampled_from("abcdef"),
        st.lists(st.floats(1e-3, 1e6) | st.just("failed"), min_size=1, max_size=5),
        min_size=1,
    )
)
def test_times_are_medians(tmp_path_factory: pytest.TempPathFactory, runs: dict[str, list[float | str]]) -> None:
    entries = read_times(write_table(tmp_path_factory.mktemp("table"), {"melt": runs})).entries["melt"]
    medians = {
        variant: median(float("inf") if run == "failed" else float(run) for run in runs[variant]) for variant in runs
    }
    for variant, middle in medians.items():
        entry = entries[f"lab-{variant}"]
        if middle == float("inf"):
            assert entry == Entry(Fraction(0), "failed")
            continue
        assert entry == Entry(None, "", middle)


@pytest.mark.parametrize(
    ("runs", "score", "seconds"),
    [
        ([1.0, "late", 2.0], None, 2.0),
        ([1.0, 2.0, "late", "late"], Fraction(0), None),
        ([1.0, "late"], Fraction(0), None),
    ],
)
def test_a_run_that_fails_takes_longer_than_any_that_does_not(
    tmp_path: Path, runs: list[float | str], score: Fraction | None, seconds: float | None
) -> None:
    entry = read_times(write_table(tmp_path, {"melt": {"mpi": runs}})).entries["melt"]["lab-mpi"]
    assert entry == Entry(score, "" if seconds else "late", seconds)


@pytest.mark.parametrize(
    ("recorded", "reason"),
    [
        ("exit status 1: ERROR: no package (src/lammps.cpp:862)", "ERROR: no package"),
        ("exit status 16: Runtime (of MPI) aborts.", "Runtime (of MPI) aborts."),
        ("killed by SIGSEGV: no output", "killed by SIGSEGV: no output"),
        ("two\nlines", "two lines"),
        ("", "failed"),
        ("x" * 200, "x" * 79 + "\N{HORIZONTAL ELLIPSIS}"),
    ],
)
def test_a_reason_is_one_short_line_that_runs_share(tmp_path: Path, recorded: str, reason: str) -> None:
    found = read_times(write_table(tmp_path, {"melt": {"mpi": [recorded]}})).entries["melt"]["lab-mpi"]
    assert found.reason == reason


def test_a_measurement_that_is_not_complete_is_no_ground_truth(tmp_path: Path) -> None:
    path = write_table(tmp_path, TIMES, complete=False)
    with pytest.raises(DeclarationError, match=r"times.json: complete: found a measurement that is not complete"):
        read_times(path)


def test_a_variant_that_was_not_run_is_refused(tmp_path: Path) -> None:
    path = write_table(tmp_path, TIMES, variants={"mpi": {}, "serial": {}, "gpu": {}})
    with pytest.raises(DeclarationError, match=r"times.csv: found no run of melt/gpu, expected one or more"):
        read_times(path)


@pytest.mark.parametrize("time", ["-1", "0", "nan", "inf", "-0.0", "1e999", "", "fast"])
def test_a_time_that_is_none_is_refused_with_its_line(tmp_path: Path, time: str) -> None:
    path = write_table(tmp_path, {"melt": {"mpi": [7.25]}})
    write_rows(path, path.read_text().replace("7.25", time))
    with pytest.raises(DeclarationError) as caught:
        read_times(path)
    assert str(caught.value) == f"{path}: line 2: found seconds {time!r}, expected a number from 1e-09 to 1e+09"


EXPERIMENT = {
    "experiment": "lab",
    "clusters": {
        "tables": {"here/times.csv": {}, "there/times.csv": {}, "guess/times.csv": {}},
        "attributes": {"parallel": ["ranks"]},
    },
    "jobs": {"jobs": {"melt": {"requires": {"parallel": {"ranks": "2"}}}}},
}


def load(folder: Path, *truth: dict[str, object]) -> object:
    about = {"variants": {"mpi": {"ranks": "2"}}}
    for name in ("here", "there"):
        write_table(folder / name, {"melt": {"mpi": [1.0]}}, machine=name, **about)
    write_table(folder / "guess", {"melt": {"mpi": [1.0]}}, machine="guess", kind="modelled", **about)
    write_table(folder / "other", {"rhodo": {"mpi": [1.0]}}, machine="here", **about)
    write_table(folder / "elsewhere", {"melt": {"mpi": [1.0]}}, machine="elsewhere", **about)
    path = folder / "experiment.yaml"
    path.write_text(yaml.safe_dump({**EXPERIMENT, "truth": list(truth)}), encoding="utf-8")
    return load_experiment(path)


@pytest.mark.parametrize(
    ("second", "problem"),
    [
        ("there", "found measured times of there beside measured times of here"),
        ("guess", "found modelled times of guess beside measured times of here"),
    ],
)
def test_times_of_two_machines_or_kinds_are_no_one_ground_truth(tmp_path: Path, second: str, problem: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        load(tmp_path, {"times": "here/times.csv"}, {"times": f"{second}/times.csv"})
    assert caught.value.path == "truth[1].times"
    assert problem in caught.value.problem


def test_two_tables_of_one_machine_may_be(tmp_path: Path) -> None:
    load(tmp_path, {"times": "here/times.csv", "job": {"ranks": "2"}}, {"times": "here/times.csv"})


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ("other", "found a table of the jobs rhodo, expected one of them or more in this experiment; it has melt"),
        ("elsewhere", "found a table of the clusters elsewhere-mpi, expected one of them or more"),
    ],
)
def test_a_table_of_nothing_that_is_here_is_refused(tmp_path: Path, table: str, problem: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        load(tmp_path, {"times": f"{table}/times.csv"})
    assert caught.value.path == "truth[0]"
    assert problem in caught.value.problem


def test_scores_are_read_as_written(tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    path.write_text("cluster,one,two\nred,1,0.25\nblue,.333,0\ngreen,, \n\n")
    assert read_scores(path).entries == {
        "one": {
            "red": Entry(Fraction(1)),
            "blue": Entry(Fraction("0.333")),
        },
        "two": {"red": Entry(Fraction(1, 4)), "blue": Entry(Fraction(0))},
    }


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "found no scores"),
        ("cluster,one\n", "found no scores"),
        ("cluster\nred\n", "found no scores"),
        ("cluster,one,one\nred,1,1\n", "line 1: found a job in two columns"),
        ("cluster,one\nred,1\nred,1\n", "line 3: found the cluster 'red' again"),
        ("cluster,one\nred\n", "line 2: found 1 cells, expected 2"),
        *(
            (f"cluster,one\nred,{score}\n", f"line 2, one: found '{score}', expected a number from 0 to 1, of 15")
            for score in ("-1", "1.5", "nan", "x", "1/3", "1e-9", "1_0", "\uff11", "0.1234567890123456")
        ),
    ],
)
def test_what_is_no_table_of_scores_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "scores.csv"
    path.write_text(text)
    with pytest.raises(DeclarationError) as caught:
        read_scores(path)
    assert str(caught.value).startswith(f"{path}: {problem}")


def test_times_and_what_stands_beside_them_are_not_taken_from_two_tables(tmp_path: Path) -> None:
    path = write_table(tmp_path, TIMES)
    other = write_table(tmp_path / "other", {"melt": {"mpi": [1.0]}})
    path.with_suffix(".json").write_text(json.dumps(json.loads(other.with_suffix(".json").read_text())))
    with pytest.raises(DeclarationError, match="found rows that are not those"):
        read_times(path)
