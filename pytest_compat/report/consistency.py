"""Holding a stored report to itself: what it says twice has to agree, because anybody can edit a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from math import isclose
from typing import Any

from pytest_compat.declare.times import time_score
from pytest_compat.idset import decode
from pytest_compat.judge.score import as_fraction
from pytest_compat.records import Design
from pytest_compat.report.gradient_consistency import gradient_contradictions

Document = Mapping[str, Any]

DERIVED = (
    "jobs", "submissions", "expected", "complete", "outcomes", "score", "accuracy", "assigned_accuracy", "candidates",
    "clusters", "reasons",
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
        elif not run["candidate_sets"].keys() <= set(design["jobs"]):
            yield f"{where}: there are candidates for jobs that the experiment does not have"
        elif run["drawn"] and not (run["drawn"].keys() <= run["candidate_sets"].keys() and _whole(run["drawn"])):
            yield f"{where}: the chances of its jobs to be drawn do not add up"
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
        if any(job not in design["truth"] for job in design["reasons"]) or any(
            set(_places(",".join(found.values()), design)) & set(_places(design["truth"][job].get("1", ""), design))
            for job, found in design["reasons"].items()
            if job in design["truth"]
        ):
            yield f"{design['experiment']}: there is a reason where nothing falls short"
        if design["times"] and (odd := _untimely(Design.from_plain(design))):
            yield f"{design['experiment']}: the scores of {odd} are not what its times come to"
        if any(len(decoded := _places(each, design)) > len(set(decoded)) for each in places):
            yield f"{design['experiment']}: a cluster has two scores for one job"
    if document["verdict"] == "passed" and (
        document["errors"] or not all(gate["passed"] for gate in document["gates"])
    ):
        yield "it passed, and names reasons why it did not"
    for gradient in document.get("gradients", ()):
        yield from gradient_contradictions(gradient, document["seed"])
    yield from _broken(document, designs, runs)


def _untimely(design: Design) -> str:
    """Return a job whose scores do not follow from its times; empty when there is none."""
    for job, row in design.times.seconds.items() if design.times else ():
        best = min(row.values())
        scores = design.truth.get(job, {})
        if job not in design.jobs or any(
            scores.get(cluster) != time_score(best, seconds) for cluster, seconds in row.items()
        ):
            return job
    return ""


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
        run, design = runs.get(key), known.get(key[0])
        before = len(seen)
        one_of_all = run is not None and run["drawn"] is not None
        seen.add((*key, "" if one_of_all else record["job"], record["iteration"]))
        where = f"{key[0]}, level {key[2]}: submission {record['iteration']} of {record['job']}"
        if len(seen) == before:
            yield f"{where} stands in it twice"
        if run is None or design is None:
            if not lost:
                yield f"{where} belongs to no level in it"
            continue
        cluster, outcome, score = record["cluster"], record["outcome"], as_fraction(record["score"])
        truth = design.truth.get(record["job"])
        if (
            truth is None
            or record["iteration"] >= run["iterations"]
            or record["job"] not in run["candidate_sets" if run["drawn"] is None else "drawn"]
        ):
            yield f"{where} was never asked for"
        elif cluster is not None and cluster not in design.places:
            yield f"{where} was assigned to {cluster!r}, an unknown cluster"
        elif outcome == "error":
            if score:
                yield f"{where} is an error that scores"
        elif (outcome, score, record.get("reason", "")) != design.outcome(record["job"], cluster):
            why = f" for {record['reason']!r}" if record.get("reason") else ""
            yield f"{where} is {outcome} with a score of {record['score']:g}{why}, against the ground truth in it"


def _whole(shares: Mapping[str, str]) -> bool:
    return sum(map(Fraction, shares.values())) == 1


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
        if exact != exact_again or not _alike(run["exact"], other["exact"]):
            differing.append("exact")
        if [flag["kind"] for flag in run["flags"]] != [flag["kind"] for flag in other["flags"]]:
            differing.append("flags")
        differing += [name for name in ("interval", "published", "regret") if not _alike(run[name], other[name])]
        if run["errors"] != other["errors"]:
            differing.append("errors")
        if differing:
            yield f"{run['experiment']}, level {run['level']}: {', '.join(differing)} are not what its records come to"
        if run["differing"]["listed"] != len(run["disagreements"]) or run["differing"]["total"] < len(
            run["disagreements"]
        ):
            yield f"{run['experiment']}, level {run['level']}: lists more disagreements than it says there are"


def _alike(one: Any, other: Any) -> bool:
    """Tell whether two values are one; the last digits depend on the version of numpy."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_alike(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_alike, one, other))
    if isinstance(one, float) and isinstance(other, float):
        return isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)
    return bool(one == other)
