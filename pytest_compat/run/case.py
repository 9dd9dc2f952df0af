"""What a test sees of one case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from pytest_compat.records import LevelFacts, LevelRun, Submission


@dataclass(frozen=True, repr=False)
class Case:
    """One level of an experiment, or what one cluster was assigned at it.

    Args:
        facts: What holds for the whole level: its candidates, disagreements and failures.
        cluster: The cluster this case is about; None for a case about the whole level.
        submissions: What that cluster was assigned, or every submission of the level.
    """

    facts: LevelFacts
    cluster: str | None
    submissions: Sequence[Submission]

    def __repr__(self) -> str:
        where = f" on {self.cluster}" if self.cluster is not None else ""
        return f"<Case {self.facts.key.experiment} at {self.level}{where}: {len(self.submissions)} submissions>"

    @classmethod
    def of(cls, run: LevelRun, cluster: str | None) -> Case:
        """Return the case of a cluster in a level that was run, or for None that of the whole level."""
        return cls(run.facts, cluster, run.submissions if cluster is None else run.at(cluster))

    @property
    def level(self) -> str:
        """Name of the level."""
        return self.facts.key.level

    @cached_property
    def errors(self) -> list[str]:
        """What went wrong, each reason once; empty when the scheduler did what it said."""
        reasons: Mapping[str, None] = dict.fromkeys(each.reason for each in self.submissions if each.reason)
        failures = self.facts.failures
        if self.cluster is None:
            candidates = [f"candidates of {each.job}: {each.reason}" for each in self.facts.candidates if each.reason]
            return [*reasons, *candidates, *failures.values()]
        return [*reasons, *([failures[self.cluster]] if self.cluster in failures else [])]

    @property
    def accuracy(self) -> float | None:
        """Mean score of the submissions, 0 to 1; None when there are none."""
        scores = [each.score for each in self.submissions]
        return sum(scores) / len(scores) if scores else None
