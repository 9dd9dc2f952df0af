"""Ground truth as rules, of which the first that holds gives the score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from pytest_compat.declare.rules import COMBINATION, RESOURCES, Rule
from pytest_compat.declare.times import time_score
from pytest_compat.matching import Index
from pytest_compat.model import Cluster, Jobspec, Level


@dataclass(frozen=True, slots=True)
class Judgement:
    """What ground truth says of a job on a cluster.

    Args:
        score: 0 to 1.
        reason: Why it is less than 1; empty when nothing is said.
        seconds: What the job takes there; None when it cannot run or nothing is known.
    """

    score: Fraction
    reason: str = ""
    seconds: float | None = None


def _timed(judgement: Judgement, best: float) -> Judgement:
    """Score a time beside the best among the clusters that can be chosen."""
    assert judgement.seconds is not None
    found = time_score(best, judgement.seconds)
    return replace(judgement, score=found, reason=judgement.reason if found < 1 else "")


class GroundTruth:
    """Scores of (job, cluster) pairs, decided by all of the job's needs.

    Args:
        clusters: The clusters that can be asked about.
        rules: Tried in order; a pair that none holds for scores 0.
    """

    def __init__(self, clusters: Sequence[Cluster], rules: Sequence[Rule]) -> None:
        self._clusters = {cluster.name: cluster for cluster in clusters}
        self._rules = rules
        self._index = Index(clusters)

    def scores(self, job: Jobspec) -> dict[str, Fraction]:
        """Return the score of every cluster for a job, 0 to 1, by cluster name.

        Args:
            job: The job with all its requirements, as declared.
        """
        return {name: judgement.score for name, judgement in self.judgements(job).items()}

    def judgements(self, job: Jobspec) -> dict[str, Judgement]:
        """Return what is said of every cluster for a job, by cluster name.

        Args:
            job: The job with all its requirements, as declared.
        """
        unmet = self._unmet(job)
        wanted = {(each.field, each.match) for each in job.requirements()}
        rules = [rule for rule in self._rules if wanted >= set(rule.job.items())]
        found = {name: self._judge(rules, job.name, unmet[name], cluster) for name, cluster in self._clusters.items()}
        best = min((each.seconds for each in found.values() if each.seconds is not None), default=0.0)
        return {name: each if each.seconds is None else _timed(each, best) for name, each in found.items()}

    @staticmethod
    def _judge(rules: Sequence[Rule], job: str, unmet: frozenset[str], cluster: Cluster) -> Judgement:
        for rule in rules:
            if (rule.unmet is not None and rule.unmet != unmet) or not rule.lacks <= unmet:
                continue
            if not all(value in cluster.values(attribute) for attribute, value in rule.cluster.items()):
                continue
            if rule.score is not None:
                return Judgement(Fraction(rule.score), rule.reason)
            assert rule.table is not None
            entry = rule.table.entries.get(job, {}).get(cluster.name)
            if entry is not None:
                short = entry.score is None or entry.score < 1
                reason = entry.reason or (rule.reason if short else "")
                return Judgement(entry.score or Fraction(0), reason, entry.seconds)
        return Judgement(Fraction(0))

    def _unmet(self, job: Jobspec) -> dict[str, frozenset[str]]:
        """Return, by cluster, the subsystems whose requirements alone leave it out."""
        subsystems = sorted(job.subsystems)
        alone = {subsystem: self._candidates(job, subsystem) for subsystem in subsystems}
        bare = self._candidates(job)
        together = self._candidates(job, *subsystems)
        found = {}
        for name in self._clusters:
            if name not in bare:
                # Without the resources nothing can be said of what hangs on them.
                found[name] = frozenset({RESOURCES})
                continue
            unmet = frozenset(subsystem for subsystem in subsystems if name not in alone[subsystem])
            found[name] = unmet or (frozenset() if name in together else frozenset({COMBINATION}))
        return found

    def _candidates(self, job: Jobspec, *subsystems: str) -> frozenset[str]:
        return frozenset(self._index.candidates(Level("", subsystems).show(job)))
