"""Ground truth as rules, of which the first that holds gives the score."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from pytest_compat.declare.catalog import Rule
from pytest_compat.matching import Index
from pytest_compat.model import Cluster, Jobspec, Level

RESOURCES = "resources"
COMBINATION = "combination"
"""What is unmet when each subsystem alone is met, by other vertices than the rest."""


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
        unmet = self._unmet(job)
        wanted = {(each.field, each.match) for each in job.requirements()}
        rules = [rule for rule in self._rules if wanted >= set((rule.job or {}).items())]
        return {name: self._score(rules, unmet[name], cluster) for name, cluster in self._clusters.items()}

    @staticmethod
    def _score(rules: Sequence[Rule], unmet: frozenset[str], cluster: Cluster) -> Fraction:
        for rule in rules:
            if rule.unmet is not None and rule.unmet != unmet:
                continue
            if all(value in cluster.values(attribute) for attribute, value in (rule.cluster or {}).items()):
                return Fraction(rule.score)
        return Fraction(0)

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
