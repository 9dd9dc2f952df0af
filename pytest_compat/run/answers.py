"""What a scheduler says, submission by submission, and where it contradicts itself or the reference."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field

from pytest_compat.records import Disagreement


@dataclass(frozen=True, slots=True)
class Said:
    """What the scheduler said of one submission.

    Args:
        job: The job's name.
        iteration: 0 for its first submission at the level.
        cluster: Whom it was assigned.
        failed: Why nothing came of it, empty otherwise.
        odd: What is odd about the candidates it was chosen among, empty when nothing is.
    """

    job: str
    iteration: int
    cluster: str | None
    failed: str = ""
    odd: str = ""


@dataclass
class Answers:
    """What the scheduler said of a job's candidates, each time."""

    first: frozenset[str] | None = None
    times: Counter[frozenset[str]] = field(default_factory=Counter)

    def add(self, clusters: Collection[str]) -> str:
        """Take in an answer and return how it differs from the first, empty when it does not."""
        answer = frozenset(clusters)
        self.times[answer] += 1
        if self.first is None:
            self.first = answer
        changed = sorted(answer ^ self.first)
        if not changed:
            return ""
        how = "is a candidate now" if changed[0] in answer else "is no candidate any more"
        more = f", and {len(changed) - 1} other clusters changed" if len(changed) > 1 else ""
        return f"answered differently than at first: {changed[0]} {how}{more}"

    def disagreements(self, job: str, expected: frozenset[str]) -> list[Disagreement]:
        """Return the clusters that not all answers call what the reference calls them, sorted."""
        asked = self.times.total()
        said = Counter(dict.fromkeys(expected, 0))
        for answer, times in self.times.items():
            said.update(dict.fromkeys(answer, times))
        return [
            Disagreement(job, cluster, cluster in (self.first or ()), cluster in expected, asked, times)
            for cluster, times in sorted(said.items())
            if times != (asked if cluster in expected else 0)
        ]


def evenly(differing: list[Disagreement], most: int) -> tuple[Disagreement, ...]:
    """Return so many disagreements, sorted, of every job as many as of any other as long as it has them."""
    seen: Counter[str] = Counter()
    ranked = []
    for each in differing:
        ranked.append((seen[each.job], each))
        seen[each.job] += 1
    return tuple(sorted(each for _, each in sorted(ranked)[:most]))
