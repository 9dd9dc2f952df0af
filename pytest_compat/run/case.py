"""What a test sees of one case."""

from __future__ import annotations

from collections import Counter
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
        budgeted: True when a gate says how many errors the level may have.
    """

    facts: LevelFacts
    cluster: str | None
    submissions: Sequence[Submission]
    budgeted: bool = False

    def __repr__(self) -> str:
        where = f" on {self.cluster}" if self.cluster is not None else ""
        return f"<Case {self.facts.key.experiment} at {self.level}{where}: {len(self.submissions)} submissions>"

    @classmethod
    def of(cls, run: LevelRun, cluster: str | None, *, budgeted: bool = False) -> Case:
        """Return the case of a cluster in a level that was run, or for None that of the whole level."""
        return cls(run.facts, cluster, run.submissions if cluster is None else run.at(cluster), budgeted)

    def check(self) -> None:
        """Fail if anything went wrong; where a gate has a budget for errors, leave it to the gate.

        Raises:
            AssertionError: With what went wrong, each reason once.
        """
        __tracebackhide__ = True
        if self.errors and not self.budgeted:
            raise AssertionError("\n".join(self.errors))

    @property
    def level(self) -> str:
        """Name of the level."""
        return self.facts.key.level

    @property
    def properties(self) -> list[tuple[str, object]]:
        """The figures of this case as named values, as JUnit has them."""
        named: list[tuple[str, object]] = [
            ("compat_experiment", self.facts.key.experiment),
            ("compat_scheduler", self.facts.key.scheduler),
            ("compat_level", self.level),
            ("compat_submissions", len(self.submissions)),
        ]
        if self.cluster is not None:
            named.append(("compat_cluster", self.cluster))
        if self.accuracy is not None:
            named.append(("compat_accuracy", f"{self.accuracy:.4f}"))
        outcomes = Counter(each.outcome for each in self.submissions)
        named += [(f"compat_{outcome}", count) for outcome, count in sorted(outcomes.items())]
        # The reasons of errors are messages, and those of ground truth are few: figures are of these.
        reasons = Counter(each.reason for each in self.submissions if each.reason and each.outcome != "error")
        return named + [(f"compat_reason: {reason}", count) for reason, count in sorted(reasons.items())]

    @cached_property
    def errors(self) -> list[str]:
        """What went wrong, each reason once; empty when the scheduler did what it said."""
        reasons: Mapping[str, None] = dict.fromkeys(each.reason for each in self.submissions if each.outcome == "error")
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
