"""A report that is written, read and judged again is the same report."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from judge_examples import SCORES, design, drawn_level, level, reasoned, submission

from pytest_compat.errors import ReportError
from pytest_compat.judge.gate import parse_gate
from pytest_compat.judge.gather import Gatherer, case_record
from pytest_compat.records import Candidates, Disagreement, LevelRun, Times
from pytest_compat.report.document import Session, report_schema
from pytest_compat.report.files import write_document
from pytest_compat.report.stored import Stored, merge, read_document, read_stored

GATES = (
    "os:0.5",
    "errors<=1",
    "*:disagreements<=3",
    "none:missed<=0.25",
    "exact>=0.5",
    "flags<=0",
    "mpi:0",
    "drop<=0.1",
)
VALIDATOR = jsonschema.Draft202012Validator(report_schema())

PUBLISHED = {"source": "others", "points": 3.5, "of": 12, "reasons": {"os abi issue": 2}}
TIMES = {job: {"a": 1.5, "b": 3.0} for job in "vwxyz"}
"""Seconds that come to what clusters score."""

FILES = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
"""One file may be written over and over."""


def stored(*runs: LevelRun, gates: tuple[str, ...] = GATES, cases: int | None = None, **session: Any) -> Stored:
    """Return the report of levels, with a case per cluster, of which only so many were run."""
    gatherer = Gatherer()
    for run in runs:
        for number, cluster in enumerate(run.facts.design.clusters[:cases]):
            gatherer.add(case_record(run, cluster, with_facts=number == 0))
    return Stored("here", Session(("one",), **session), gatherer, tuple(map(parse_gate, gates)))


def written(made: Stored, path: Path, **judge: Any) -> dict[str, Any]:
    document = made.document(made.judge(**judge))
    VALIDATOR.validate(document)
    write_document(document, path)
    assert json.loads(path.read_text()) == document
    return document


@st.composite
def levels(draw: st.DrawFn, name: str = "os", experiment: str = "tiny") -> LevelRun:
    jobs = draw(st.lists(st.sampled_from("vwxyz"), unique=True, min_size=1, max_size=4))
    rounds = draw(st.integers(0, 6))
    clusters = st.sampled_from([*SCORES, None])
    assigned = {job: draw(st.lists(clusters, min_size=rounds, max_size=rounds)) for job in jobs}
    named = st.one_of(st.none(), st.sets(st.sampled_from(sorted(SCORES))).map(lambda found: tuple(sorted(found))))
    candidates = tuple(
        Candidates(job, found, "" if found is not None else "asleep") for job in jobs for found in [draw(named)]
    )
    disagreements = draw(
        st.lists(
            st.builds(
                Disagreement,
                st.sampled_from(jobs),
                st.sampled_from(sorted(SCORES)),
                st.booleans(),
                st.booleans(),
                asked=st.just(4),
                said_times=st.integers(0, 4),
            ),
            max_size=3,
        )
    )
    run = level(
        name,
        assigned,
        experiment=experiment,
        candidates=candidates,
        disagreements=tuple(sorted(disagreements)),
        differing=draw(st.integers(len(disagreements), 2000)),
        unstable=draw(st.integers(0, len(disagreements))),
        failures=draw(st.dictionaries(st.sampled_from(sorted(SCORES)), st.text(min_size=1, max_size=5), max_size=2)),
        seconds={"match": draw(st.floats(0, 10))},
        timings={"match": {"count": len(jobs), "median": 0.5, "p99": 1.0}},
        published=tuple(draw(st.lists(st.just(PUBLISHED), max_size=1))),
        design=replace(
            design(jobs),
            times=draw(st.sampled_from([None, Times("measured", "lab", {job: TIMES[job] for job in jobs})])),
        ),
        sequential=draw(st.booleans()) and rounds > 0,
        seed=3,
    )
    broken = draw(st.integers(0, len(run.submissions)))
    if draw(st.booleans()):
        run = reasoned(run)
    made = (
        submission(each.job, each.iteration, each.cluster, outcome="error", score=0.0, reason=draw(st.text(min_size=1)))
        for each in run.submissions[:broken]
    )
    return LevelRun(run.facts, (*made, *run.submissions[broken:]))


@st.composite
def drawn_levels(draw: st.DrawFn) -> LevelRun:
    jobs = draw(st.lists(st.sampled_from("vwxyz"), unique=True, min_size=1, max_size=4))
    parts = [draw(st.integers(0, 3)) for _ in jobs]
    chances = {job: Fraction(part, sum(parts)) for job, part in zip(jobs, parts, strict=True) if part}
    who = st.tuples(st.sampled_from(sorted(chances or "x")), st.sampled_from([*SCORES, None]))
    assigned = draw(st.lists(who, max_size=8 if chances else 0))
    run = drawn_level(chances, assigned, jobs=jobs, seed=3, published=({**PUBLISHED, "of": 7},))
    return reasoned(run) if draw(st.booleans()) else run


@settings(FILES, max_examples=60)
@given(
    first=st.one_of(levels(), drawn_levels()),
    second=levels("none", experiment="other"),  # another experiment, as its design is another
    cases=st.sampled_from([None, None, 1, 2]),
    problems=st.lists(st.text(max_size=5), max_size=2),
    failed=st.lists(st.text(max_size=5), max_size=2),
)
def test_a_report_read_again_is_the_same(
    tmp_path: Path, first: LevelRun, second: LevelRun, cases: int | None, problems: list[str], failed: list[str]
) -> None:
    made = stored(first, second, cases=cases, seed=3, problems=tuple(problems), failed=tuple(failed))
    document = written(made, tmp_path / "report.json")
    again = read_stored(tmp_path / "report.json")
    assert again.document(again.judge()) == document


@settings(FILES, max_examples=25)
@given(run=st.one_of(levels(), drawn_levels()))
def test_a_report_is_its_own_baseline(tmp_path: Path, run: LevelRun) -> None:
    made = stored(run, gates=(), seed=3)
    written(made, tmp_path / "report.json")
    again = read_stored(tmp_path / "report.json")
    document = written(again, tmp_path / "again.json", baseline=made)
    (found,) = document["comparison"]["levels"]
    known = all(each.clusters is not None for each in run.facts.candidates)
    assert (found["flips"], not found["changed"], found["drop"] or 0) == ([], known, 0)
    assert found["submissions"] == {"lost": 0, "won": 0}


@settings(FILES, max_examples=25)
@given(run=st.one_of(levels(), drawn_levels()), cut=st.integers(1, 2))
def test_shards_are_the_run_they_were_cut_from(tmp_path: Path, run: LevelRun, cut: int) -> None:
    document = written(stored(run, seed=3), tmp_path / "whole.json")
    clusters = run.facts.design.clusters
    for number, part in enumerate((clusters[:cut], clusters[cut:])):
        gatherer = Gatherer()
        for place, cluster in enumerate(part):
            gatherer.add(case_record(run, cluster, with_facts=place == 0))
        shard = Stored("shard", Session((f"shard {number}",), seed=3), gatherer, tuple(map(parse_gate, GATES)))
        written(shard, tmp_path / f"{number}.json")
    whole = merge([tmp_path / "0.json", tmp_path / "1.json"])
    merged = whole.document(whole.judge())
    for part in ("verdict", "errors", "gates", "experiments", "runs", "records"):
        assert merged[part] == document[part]


def test_a_level_of_one_case_is_whole_again(tmp_path: Path) -> None:
    gatherer = Gatherer()
    gatherer.add(case_record(level(), None, with_facts=True))
    document = written(Stored("here", Session(("one",)), gatherer), tmp_path / "report.json")
    again = read_stored(tmp_path / "report.json")
    assert again.document(again.judge()) == document
    assert document["runs"][0]["complete"]


def test_gates_against_a_baseline_are_kept(tmp_path: Path) -> None:
    written(stored(level(), gates=("drop<=chance", "os:flipped<=2")), tmp_path / "report.json")
    assert [gate.rule for gate in read_stored(tmp_path / "report.json").gates] == ["drop<=chance", "os:flipped<=2"]


EDITS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "no such schema": lambda document: document.update(schema="pytest-compat/report/2"),
    "no schema": lambda document: document.pop("schema"),
    "no records": lambda document: document.pop("records"),
    "an idset beyond": lambda document: document["runs"][0]["candidate_sets"].update(x="0-3"),
    "no idset": lambda document: document["runs"][0]["candidate_sets"].update(x="2-1"),
    "another version": lambda document: document["runs"][0].update(version="ffffffffffff"),
    "no experiment": lambda document: document["experiments"].clear(),
    "a gate that is none": lambda document: document["gates"][0].update(rule="os:1.5"),
    "an outcome that is none": lambda document: document["records"][0].update(outcome="lucky"),
    "a score beyond 1": lambda document: document["records"][0].update(score=1.5),
    "a truth beyond the clusters": lambda document: document["experiments"][0]["truth"]["x"].update({"1": "7"}),
    "a level twice": lambda document: document["runs"].append({**document["runs"][0], "iterations": 9}),
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
def test_what_is_no_report_is_refused(tmp_path: Path, edit: Callable[[dict[str, Any]], Any]) -> None:
    path = tmp_path / "report.json"
    document = written(stored(level()), path)
    edit(document)
    path.write_text(json.dumps(document))
    with pytest.raises(ReportError, match=r"report\.json: "):
        read_stored(path)


def test_a_submission_that_was_recorded_twice_and_differently_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    document = written(stored(level()), path)
    document["records"].append({**document["records"][0], "outcome": "incorrect", "score": 0.0})
    path.write_text(json.dumps(document))
    with pytest.raises(ReportError, match="contradicts itself"):
        read_stored(path)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"NaN", b'{"schema": NaN}', b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_json_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "report.json"
    path.write_bytes(content)
    with pytest.raises(ReportError, match=r"report\.json: "):
        read_document(path)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="cannot be read as a report"):
        read_document(tmp_path)
