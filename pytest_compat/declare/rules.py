"""Rules of ground truth, as declared: what a cluster scores for a job, and why it falls short."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_compat.declare.truthtable import TruthTable, read_scores, read_times
from pytest_compat.errors import DeclarationError, known
from pytest_compat.model import Cluster, Jobspec

RESOURCES = "resources"
COMBINATION = "combination"
"""What is unmet when each subsystem alone is met, by other vertices than the rest."""


@dataclass(frozen=True)
class Rule:
    """A rule of ground truth: when everything it says holds, it decides.

    Args:
        score: 0 to 1, as written; None when a table has it.
        unmet: The subsystems that have to be unmet, these and no others; None when that does not matter.
        lacks: Subsystems that have to be unmet, whatever else is.
        job: What the job has to require, by attribute.
        cluster: What the cluster has to have, by attribute.
        reason: Why the score is less than 1; empty when nothing is said.
        table: Scores by job and cluster; the rule does not hold for pairs that it does not have.
    """

    score: str | None = None
    unmet: frozenset[str] | None = None
    lacks: frozenset[str] = frozenset()
    job: Mapping[str, str] = field(default_factory=dict)
    cluster: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""
    table: TruthTable | None = None

    def reasons(self) -> Iterator[str]:
        """Yield the reasons that it can give."""
        if self.reason:
            yield self.reason
        if self.table is not None:
            yield from (entry.reason for row in self.table.entries.values() for entry in row.values() if entry.reason)


def build_rules(
    document: Mapping[str, Any], clusters: Collection[Cluster], jobs: Collection[Jobspec], folder: Path
) -> tuple[Rule, ...]:
    """Return the rules of an experiment.

    Args:
        document: The experiment, which fits its schema.
        clusters: Its clusters.
        jobs: Its jobs.
        folder: What the paths in it are relative to.

    Raises:
        DeclarationError: A rule speaks of what no job requires or no cluster has, a table is none, speaks of no job or
            of no cluster, or has other times than one before: of another machine, or modelled where that is measured.
    """
    requirements = [requirement for job in jobs for requirement in job.requirements()]
    subsystems = sorted({each.subsystem for each in requirements} | {RESOURCES, COMBINATION})
    fields = {
        "job": dict.fromkeys(each.field for each in requirements),
        "cluster": dict.fromkeys(name for names in attributes(clusters).values() for name in names),
    }
    rules: list[Rule] = []
    for number, rule in enumerate(document.get("truth", [{"score": 1, "unmet": []}])):
        place = f"truth[{number}]"
        for key in ("unmet", "lacks"):
            for subsystem in rule.get(key, ()):
                if subsystem not in subsystems:
                    raise DeclarationError(known("subsystem", subsystem, subsystems), path=f"{place}.{key}")
        for key, names in fields.items():
            for name in rule.get(key, ()):
                if name not in names and not document.get("absent"):
                    raise DeclarationError(known("attribute", name, names), path=f"{place}.{key}")
        table = _table(rule, folder, place)
        if table is not None:
            _check_table(table, rules, clusters, jobs, place)
        rules.append(
            Rule(
                score=str(rule["score"]) if "score" in rule else None,
                unmet=frozenset(rule["unmet"]) if "unmet" in rule else None,
                lacks=frozenset(rule.get("lacks", ())),
                job=rule.get("job", {}),
                cluster=rule.get("cluster", {}),
                reason=rule.get("reason", ""),
                table=table,
            )
        )
    return tuple(rules)


def _table(rule: Mapping[str, Any], folder: Path, place: str) -> TruthTable | None:
    for key, read in (("scores", read_scores), ("times", read_times)):
        if key in rule:
            try:
                return read(folder / rule[key])
            except DeclarationError as error:
                raise error.within(f"{place}.{key}") from None
    return None


def _check_table(
    table: TruthTable, before: Iterable[Rule], clusters: Iterable[Cluster], jobs: Iterable[Jobspec], place: str
) -> None:
    """Refuse a table that speaks of nothing here, and times beside others that they cannot be compared with."""
    columns = {name for row in table.entries.values() for name in row}
    for what, found, expected in (
        ("job", table.entries, {job.name for job in jobs}),
        ("cluster", columns, {cluster.name for cluster in clusters}),
    ):
        if expected.isdisjoint(found):
            raise DeclarationError(
                f"found a table of the {what}s {', '.join(sorted(found)[:5])}, expected one of them or more in this "
                f"experiment; it has {', '.join(sorted(expected)[:5])}",
                path=place,
            )
    for other in (rule.table for rule in before if rule.table is not None):
        if table.machine and other.machine and (table.kind, table.machine) != (other.kind, other.machine):
            raise DeclarationError(
                f"found {table.kind} times of {table.machine} beside {other.kind} times of {other.machine}, expected "
                "times of one kind and one machine: make two experiments of it",
                path=f"{place}.times",
            )


def attributes(clusters: Iterable[Cluster]) -> dict[str, dict[str, None]]:
    """Return the names of all attributes that clusters have, by subsystem, in the order in which they come."""
    there: dict[str, dict[str, None]] = {}
    for cluster in clusters:
        for subsystem, graph in cluster.subsystems.items():
            there.setdefault(subsystem, {}).update(
                dict.fromkeys(name for vertex in graph.vertices.values() for name, _ in vertex.attributes)
            )
    return there
