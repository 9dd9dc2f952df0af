"""Holding a stored report to itself: what it says twice has to agree, because anybody can edit a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from pytest_compat.judge.score import as_fraction

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
        elif list(run["candidate_sets"]) != design["jobs"]:
            yield f"{where}: the jobs with candidates are not those of the experiment"
        elif unknown := set(run["missing"]) - set(design["clusters"]):
            yield f"{where}: unknown cluster {min(unknown)!r} is missing"
    if document["verdict"] == "passed" and (
        document["errors"] or not all(gate["passed"] for gate in document["gates"])
    ):
        yield "it passed, and names reasons why it did not"
    yield from _broken(document, designs, runs)


def _key(each: Document) -> tuple[str, str, str]:
    return each["experiment"], each["scheduler"], each["level"]


def _broken(document: Document, designs: Mapping[str, Document], runs: Mapping[Any, Document]) -> Iterator[str]:
    """Yield the records that no run of these experiments can have made."""
    from pytest_compat.records import Design

    known = {name: Design.from_plain(design) for name, design in designs.items()}
    lost = any("was lost with a worker" in problem for problem in document["session"]["problems"])
    for record in document["records"]:
        key = _key(record)
        where = f"{key[0]}, level {key[2]}: submission {record['iteration']} of {record['job']}"
        run, design = runs.get(key), known.get(key[0])
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
        again: The report of the same records.
    """
    levels = {_key(run): run for run in again["runs"]}
    for run in document["runs"]:
        other = levels[_key(run)]
        exact, exact_again = (each["exact"] and each["exact"]["fraction"] for each in (run, other))
        differing = [name for name in DERIVED if run[name] != other[name]]
        if exact != exact_again:
            differing.append("exact")
        if differing:
            yield f"{run['experiment']}, level {run['level']}: {', '.join(differing)} are not what its records come to"
        if run["differing"]["listed"] != len(run["disagreements"]) or run["differing"]["total"] < len(
            run["disagreements"]
        ):
            yield f"{run['experiment']}, level {run['level']}: lists more disagreements than it says there are"
