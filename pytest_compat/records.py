"""What a run leaves behind: one record per submission, and one per level of what holds for all of them.

Records travel between processes and into files as plain dicts, lists, strings and numbers; `plain` and the
`from_plain` of each class turn them into that and back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

OUTCOMES = ("correct", "compatible", "incorrect", "missed", "rejected", "error")

MAX_DISAGREEMENTS = 1000
"""Disagreements kept per level: a scheduler that ignores requirements has as many as there are jobs times clusters."""


@dataclass(frozen=True, slots=True, order=True)
class Submission:
    """One submission of one job.

    Args:
        job: The job's name.
        iteration: 0 for its first submission at the level.
        cluster: The cluster it was assigned, None without one.
        outcome: One of OUTCOMES.
        score: 0 to 1; 0 unless the outcome is `correct` or `compatible`.
        reason: Why it is an error, empty otherwise.
    """

    job: str
    iteration: int
    cluster: str | None
    outcome: str
    score: float
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Candidates:
    """Among which clusters the scheduler would choose for a job, with the score of each.

    Args:
        job: The job's name.
        clusters: Names, sorted; None when the scheduler failed to say.
        scores: As many scores, 0 to 1, in the order of `clusters`.
        reason: Why it failed, empty otherwise.
    """

    job: str
    clusters: tuple[str, ...] | None
    scores: tuple[float, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True, order=True)
class Disagreement:
    """A cluster that the scheduler, at least once, did not call what the reference calls it.

    Args:
        job: The job's name.
        cluster: The cluster's name.
        said: True when the scheduler calls it a candidate, by its first answer.
        expected: True when the reference does.
        asked: Answers of the scheduler about this job: the first, and those that came with submissions.
        said_times: How many of them call the cluster a candidate.
    """

    job: str
    cluster: str
    said: bool
    expected: bool
    asked: int = 1
    said_times: int = 0

    @property
    def stable(self) -> bool:
        """True when every answer said the same."""
        return self.said_times in (0, self.asked)


@dataclass(frozen=True, slots=True, order=True)
class LevelKey:
    """What tells one measured level from another."""

    experiment: str
    scheduler: str
    level: str


@dataclass(frozen=True)
class LevelFacts:
    """What holds for a whole level, whichever submissions of it were recorded.

    Args:
        key: Which level.
        reveals: What the scheduler was shown.
        position: The level's place among those resolved for the run, for sorting.
        seed: Seed of the run.
        iterations: Submissions of each job.
        jobs: All job names.
        clusters: All cluster names.
        candidates: The candidates of every job.
        disagreements: Where the scheduler and the reference differ, sorted; MAX_DISAGREEMENTS at most, of every job
            as many as of any other as long as it has them.
        differing: How many there are, listed or not.
        unstable: How many of these the scheduler did not answer alike each time.
        failures: Clusters that could not receive their jobs, with the reason.
        seconds: Time spent, by phase (`match`, `submit`, `receive`).
        published: Figures of others for this level, as {source, accuracy}.
    """

    key: LevelKey
    reveals: tuple[str, ...]
    position: int
    seed: int
    iterations: int
    jobs: tuple[str, ...]
    clusters: tuple[str, ...]
    candidates: tuple[Candidates, ...]
    disagreements: tuple[Disagreement, ...] = ()
    differing: int = 0
    unstable: int = 0
    failures: Mapping[str, str] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    published: tuple[Mapping[str, Any], ...] = ()

    @classmethod
    def from_plain(cls, data: Mapping[str, Any]) -> LevelFacts:
        """Return the facts that `plain` was made from."""
        return cls(
            **{
                **data,
                "key": LevelKey(**data["key"]),
                "reveals": tuple(data["reveals"]),
                "jobs": tuple(data["jobs"]),
                "clusters": tuple(data["clusters"]),
                "candidates": tuple(
                    Candidates(
                        each["job"],
                        None if each["clusters"] is None else tuple(each["clusters"]),
                        tuple(each["scores"]),
                        each["reason"],
                    )
                    for each in data["candidates"]
                ),
                "disagreements": tuple(Disagreement(**each) for each in data["disagreements"]),
                "published": tuple(data["published"]),
            }
        )


@dataclass(frozen=True)
class LevelRun:
    """A level, run: what holds for all of it, and every submission."""

    facts: LevelFacts
    submissions: tuple[Submission, ...]

    @classmethod
    def from_plain(cls, data: Mapping[str, Any]) -> LevelRun:
        """Return the run that `plain` was made from."""
        return cls(LevelFacts.from_plain(data["facts"]), tuple(Submission(**each) for each in data["submissions"]))

    def at(self, cluster: str | None) -> tuple[Submission, ...]:
        """Return the submissions that a cluster was assigned; for None those without a cluster."""
        return tuple(each for each in self.submissions if each.cluster == cluster)


def plain(record: Any) -> dict[str, Any]:
    """Return a record as dicts, lists, strings and numbers."""
    return _listed(asdict(record))  # type: ignore[no-any-return]


def _listed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _listed(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_listed(each) for each in value]
    return value


def submissions_from_plain(data: Iterable[Mapping[str, Any]]) -> tuple[Submission, ...]:
    """Return the submissions that `plain` was made from."""
    return tuple(Submission(**each) for each in data)
