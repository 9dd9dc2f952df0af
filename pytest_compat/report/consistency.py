"""Holding a stored report to itself: what it says twice has to agree, because anybody can edit a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from math import isclose
from typing import Any

from pytest_compat.idset import decode
from pytest_compat.judge.score import as_fraction
from pytest_compat.records import Design

Document = Mapping[str, Any]

DERIVED = (
    "jobs", "submissions", "expected", "complete", "outcomes", "score", "accuracy", "assigned_accuracy", "candidates",
    "clusters",
)  # fmt: skip
"""What a level says of itself that follows from its records by exact arithmetic."""


def contradictions(document: Document) -> Iterator[str]:
    """Yield what contradicts the design of the experiments, before anything is worked out from it."""
    designs = {each["experiment"]: each for each in document["experiments"]}
    if len(designs) < len(document["experiments"]):
        yield "an experiment stands in it twice"
    runs = {}
    for run in document["runs"]:
        key = _key(run)
        where = f"{run['experiment']}, level {run['level']}"
        design = designs.get(run["experiment"])
        if key in runs:
            yield f"{where} stands in it twice"
        runs[key] = run
        if design is None:
            yield f"{where}: there is no such experiment in it"
        elif run["version"] != design["version"]:
            yield f"{where}: the experiment stands in it in two versions"
        elif run["candidate_sets"].keys() != set(design["jobs"]):
            yield f"{where}: the jobs with candidates are not those of the experiment"
        elif unknown := set(run["missing"]) - set(design["clusters"]):
            yield f"{where}: unknown cluster {min(unknown)!r} is missing"
        differing = run["differing"]
        if run["seed"] != document["seed"]:
            yield f"{where}: its seed is not that of the report"
        if max(differing["many"] + differing["few"], differing["unstable"], differing["listed"]) > differing["total"]:
            yield f"{where}: the disagreements do not add up"
    for design in designs.values():
        places = [place for scored in design["truth"].values() for place in [",".join(scored.values())]]
        if design["truth"].keys() - set(design["jobs"]):
            yield f"{design['experiment']}: there is a ground truth for jobs that it does not have"
        if any(len(decoded := _places(each, design)) > len(set(decoded)) for each in places):
            yield f"{design['experiment']}: a cluster has two scores for one job"
    if document["verdict"] == "passed" and (
        document["errors"] or not all(gate["passed"] for gate in document["gates"])
    ):
        yield "it passed, and names reasons why it did not"
    yield from _broken(document, designs, runs)


def _places(text: str, design: Document) -> list[int]:
    return [place for part in text.split(",") if part for place in decode(part, len(design["clusters"]))]


def _key(each: Document) -> tuple[str, str, str]:
    return each["experiment"], each["scheduler"], each["level"]


def _broken(document: Document, designs: Mapping[str, Document], runs: Mapping[Any, Document]) -> Iterator[str]:
    """Yield the records that no run of these experiments can have made."""
    known = {name: Design.from_plain(design) for name, design in designs.items()}
    lost = any("was lost with a worker" in problem for problem in document["session"]["problems"])
    seen: set[tuple[Any, ...]] = set()
    for record in document["records"]:
        key = _key(record)
        before = len(seen)
        seen.add((*key, record["job"], record["iteration"]))
        where = f"{key[0]}, level {key[2]}: submission {record['iteration']} of {record['job']}"
        run, design = runs.get(key), known.get(key[0])
        if len(seen) == before:
            yield f"{where} stands in it twice"
        if run is None or design is None:
            if not lost:
                yield f"{where} belongs to no level in it"
            continue
        cluster, outcome, score = record["cluster"], record["outcome"], as_fraction(record["score"])
        truth = design.truth.get(record["job"])
        if truth is None or record["iteration"] >= run["iterations"]:
            yield f"{where} was never asked for"
        elif cluster is not None and cluster not in design.places:
            yield f"{where} was assigned to {cluster!r}, an unknown cluster"
        elif outcome == "error":
            if score:
                yield f"{where} is an error that scores"
        elif record.get("reason"):
            yield f"{where} is no error and has a reason"
        elif (score, outcome) != _due(truth, cluster):
            yield f"{where} is {outcome} with a score of {record['score']:g}, against the ground truth in it"


def _due(truth: Mapping[str, Fraction], cluster: str | None) -> tuple[Fraction, str]:
    """Return the score and the outcome of an assignment."""
    if cluster is None:
        return Fraction(0), "missed" if truth else "rejected"
    score = truth.get(cluster, Fraction(0))
    return score, "correct" if score == 1 else "compatible" if score else "incorrect"


def recomputed(document: Document, again: Document) -> Iterator[str]:
    """Yield the figures of a report that its own records do not come to.

    Args:
        document: As it was stored.
        again: The report of the same records, judged by the gates of the stored one that need no baseline.
    """
    if document["verdict"] == "passed" and again["verdict"] == "failed":
        yield f"it passed, and its records do not: {again['errors'][0]}"
    told = {(gate["rule"], gate["experiment"], gate["level"]): gate for gate in document["gates"]}
    for gate in again["gates"]:
        before = told.get((gate["rule"], gate["experiment"], gate["level"]))
        if before is None or any(before[name] != gate[name] for name in ("measure", "value", "limit", "passed")):
            yield f"gate {gate['rule']} at {gate['level']} is not what its records come to"
    if [flag["kind"] for flag in document["flags"]] != [flag["kind"] for flag in again["flags"]]:
        yield "its flags are not what its records come to"
    levels = {_key(run): run for run in again["runs"]}
    for run in document["runs"]:
        other = levels[_key(run)]
        exact, exact_again = (each["exact"] and each["exact"]["fraction"] for each in (run, other))
        differing = [name for name in DERIVED if run[name] != other[name]]
        if exact != exact_again or (run["exact"] and run["exact"]["accuracy"] != other["exact"]["accuracy"]):
            differing.append("exact")
        if [flag["kind"] for flag in run["flags"]] != [flag["kind"] for flag in other["flags"]]:
            differing.append("flags")
        if not _close(run["interval"], other["interval"]):
            differing.append("interval")
        if run["errors"] != other["errors"]:
            differing.append("errors")
        if differing:
            yield f"{run['experiment']}, level {run['level']}: {', '.join(differing)} are not what its records come to"
        if run["differing"]["listed"] != len(run["disagreements"]) or run["differing"]["total"] < len(
            run["disagreements"]
        ):
            yield f"{run['experiment']}, level {run['level']}: lists more disagreements than it says there are"


def _close(one: Sequence[float] | None, other: Sequence[float] | None) -> bool:
    """Tell whether two ranges are one; the last digits depend on the version of numpy."""
    if one is None or other is None:
        return one is other
    return all(isclose(ours, theirs, abs_tol=1e-9) for ours, theirs in zip(one, other, strict=True))
