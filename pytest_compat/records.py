"""What a run leaves behind: one record per submission, and one per level of what holds for all of them.

Records travel between processes and into files as plain dicts, lists, strings and numbers; `plain` and the
`from_plain` of each class turn them into that and back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from fractions import Fraction
from functools import cached_property
from typing import Any

from pytest_compat.idset import decode, encode

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
        reason: Why it is an error; otherwise why it scores less than 1, by the ground truth, if that says so.
    """

    job: str
    iteration: int
    cluster: str | None
    outcome: str
    score: float
    reason: str = ""


@dataclass(frozen=True)
class Times:
    """What jobs take on clusters.

    Args:
        kind: Where the times come from: `measured` or `modelled`.
        machine: What they are of.
        seconds: By job and cluster; without those where it cannot run.
    """

    kind: str
    machine: str
    seconds: Mapping[str, Mapping[str, float]]

    def regret(self, job: str, cluster: str | None) -> float | None:
        """Return the seconds a job takes there beyond its best time; None where it cannot run."""
        row = self.seconds.get(job, {})
        return row[cluster] - min(row.values()) if cluster is not None and cluster in row else None


@dataclass(frozen=True)
class Design:
    """What is measured, the same at every level of an experiment.

    Args:
        version: Digest of all that decides what the experiment measures; another one is another experiment.
        order: The subsystems, in the order in which levels add them.
        levels: Names of the levels it publishes, in order.
        jobs: All job names, sorted: in which order they are declared has no part in any result.
        clusters: All cluster names, sorted likewise.
        truth: By job, what each cluster scores, above 0 to 1; those that score 0 are left out.
        description: What it is about, in a line.
        reasons: By job, why a cluster scores less than 1, where the ground truth says so.
        times: What the scores come from, where that is times.
    """

    version: str
    order: tuple[str, ...]
    levels: tuple[str, ...]
    jobs: tuple[str, ...]
    clusters: tuple[str, ...]
    truth: Mapping[str, Mapping[str, Fraction]]
    description: str = ""
    reasons: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    times: Times | None = None

    def scores(self, candidates: Candidates) -> tuple[Fraction, ...]:
        """Return what each of a job's candidates scores; none when the scheduler failed to name them."""
        truth = self.truth.get(candidates.job, {})
        return tuple(truth.get(cluster, Fraction(0)) for cluster in candidates.clusters or ())

    def falling_short(self, candidates: Candidates) -> tuple[str, ...]:
        """Return why each of a job's candidates scores less than 1; empty where it does not or nothing is said."""
        reasons = self.reasons.get(candidates.job, {})
        return tuple(reasons.get(cluster, "") for cluster in candidates.clusters or ())

    def outcome(self, job: str, cluster: str | None) -> tuple[str, Fraction, str]:
        """Return the outcome of an assignment that is no error, what it scores, and why it scores less than 1."""
        scores = self.truth.get(job, {})
        if cluster is None:
            return "missed" if scores else "rejected", Fraction(0), ""
        score = scores.get(cluster, Fraction(0))
        outcome = "correct" if score == 1 else "compatible" if score else "incorrect"
        return outcome, score, self.reasons.get(job, {}).get(cluster, "")

    def same_as(self, other: Design) -> bool:
        """Tell whether two designs measure the same; what they publish, and in which order, has no part in it."""
        return (self.version, self.jobs, self.clusters, self.truth, self.reasons, self.times) == (
            other.version, other.jobs, other.clusters, other.truth, other.reasons, other.times,
        )  # fmt: skip

    @cached_property
    def places(self) -> Mapping[str, int]:
        """The place of every cluster among `clusters`."""
        return {name: place for place, name in enumerate(self.clusters)}

    def idset(self, clusters: Iterable[str]) -> str:
        """Return clusters as an idset of their places."""
        return encode(self.places[name] for name in clusters)

    def plain(self) -> dict[str, Any]:
        """Return the design as dicts, lists, strings and numbers; clusters of a score as an idset of their places."""
        truth: dict[str, dict[str, str]] = {}
        for job in self.jobs:
            scored: dict[Fraction, list[str]] = {}
            for cluster, score in self.truth.get(job, {}).items():
                scored.setdefault(score, []).append(cluster)
            truth[job] = {_text(score): self.idset(scored[score]) for score in sorted(scored, reverse=True)}
        reasons: dict[str, dict[str, str]] = {}
        for job in sorted(self.reasons):
            falling: dict[str, list[str]] = {}
            for cluster, reason in self.reasons[job].items():
                falling.setdefault(reason, []).append(cluster)
            reasons[job] = {reason: self.idset(falling[reason]) for reason in sorted(falling)}
        return {
            "version": self.version,
            "description": self.description,
            "order": list(self.order),
            "levels": list(self.levels),
            "jobs": list(self.jobs),
            "clusters": list(self.clusters),
            "truth": truth,
            "reasons": reasons,
            "times": None if self.times is None else _listed(asdict(self.times)),
        }

    @classmethod
    def from_plain(cls, data: Mapping[str, Any]) -> Design:
        """Return the design that `plain` was made from; further keys are ignored.

        Raises:
            ValueError: An idset in it is none.
        """
        clusters = tuple(data["clusters"])
        truth = {
            job: {
                clusters[at]: Fraction(score)
                for score, places in scored.items()
                for at in decode(places, len(clusters))
            }
            for job, scored in data["truth"].items()
        }
        reasons = {
            job: {clusters[at]: reason for reason, places in found.items() for at in decode(places, len(clusters))}
            for job, found in data.get("reasons", {}).items()
        }
        times = data.get("times")
        return cls(
            version=data["version"],
            order=tuple(data["order"]),
            levels=tuple(data["levels"]),
            jobs=tuple(data["jobs"]),
            clusters=clusters,
            truth=truth,
            description=data.get("description", ""),
            reasons=reasons,
            times=None if times is None else Times(times["kind"], times["machine"], times["seconds"]),
        )


@dataclass(frozen=True, slots=True)
class Candidates:
    """Among which clusters the scheduler would choose for a job.

    Args:
        job: The job's name.
        clusters: Names, sorted; None when the scheduler failed to say.
        reason: Why it failed, empty otherwise.
    """

    job: str
    clusters: tuple[str, ...] | None
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
        design: What is measured, the same at every level.
        reveals: What the scheduler was shown.
        seed: Seed of the run.
        iterations: Submissions of each job; of all jobs together where they are drawn.
        drawn: With which probability each job of the level is drawn; None where every job is submitted each time.
        sequential: True when their number was decided while submitting.
        candidates: The candidates of every job of the level.
        disagreements: Where the scheduler and the reference differ, sorted; MAX_DISAGREEMENTS at most, of every job
            as many as of any other as long as it has them.
        differing: How many there are, listed or not.
        unstable: How many of these the scheduler did not answer alike each time.
        many: How many of these the scheduler calls a candidate and the reference does not.
        unmet: By what the level reveals, how many of those many clusters do not meet it.
        failures: Clusters that could not receive their jobs, with the reason.
        seconds: Time spent, by phase (`match`, `submit`, `receive`).
        timings: Seconds per call, by phase (`match`, `submit`): how many calls (`count`), their `median` and `p99`.
        published: Figures of others for this level, as {source, points, of, reasons}.
    """

    key: LevelKey
    design: Design
    reveals: tuple[str, ...]
    seed: int
    iterations: int
    candidates: tuple[Candidates, ...]
    drawn: Mapping[str, Fraction] | None = None
    sequential: bool = False
    disagreements: tuple[Disagreement, ...] = ()
    differing: int = 0
    unstable: int = 0
    many: int = 0
    unmet: Mapping[str, int] = field(default_factory=dict)
    failures: Mapping[str, str] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    timings: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    published: tuple[Mapping[str, Any], ...] = ()

    @property
    def expected(self) -> int:
        """How many submissions the level has."""
        return self.iterations * (len(self.candidates) if self.drawn is None else 1)

    def weight(self, job: str) -> Fraction:
        """Return which share of the submissions is to be expected of a job."""
        return Fraction(1, len(self.candidates)) if self.drawn is None else self.drawn.get(job, Fraction(0))

    @property
    def place(self) -> tuple[int, int, tuple[int, ...], str]:
        """Sort key: published levels first and in their order, then those that reveal less."""
        design = self.design
        listed = design.levels.index(self.key.level) if self.key.level in design.levels else len(design.levels)
        order = tuple(design.order.index(name) if name in design.order else len(design.order) for name in self.reveals)
        return listed, len(self.reveals), order, self.key.level

    def plain(self) -> dict[str, Any]:
        """Return the facts as dicts, lists, strings and numbers; candidates as an idset of the clusters' places."""
        data = {each.name: getattr(self, each.name) for each in fields(self)}
        return _listed(  # type: ignore[no-any-return]
            {
                **data,
                "key": asdict(self.key),
                "design": self.design.plain(),
                "drawn": None if self.drawn is None else {job: str(share) for job, share in self.drawn.items()},
                "candidates": [
                    (each.job, None if each.clusters is None else self.design.idset(each.clusters), each.reason)
                    for each in self.candidates
                ],
                "disagreements": [asdict(each) for each in self.disagreements],
            }
        )

    @classmethod
    def from_plain(cls, data: Mapping[str, Any]) -> LevelFacts:
        """Return the facts that `plain` was made from.

        Raises:
            ValueError: An idset in it is none.
        """
        design = Design.from_plain(data["design"])
        names = design.clusters
        return cls(
            **{
                **data,
                "key": LevelKey(**data["key"]),
                "design": design,
                "reveals": tuple(data["reveals"]),
                "drawn": (
                    None
                    if data.get("drawn") is None
                    else {job: Fraction(share) for job, share in data["drawn"].items()}
                ),
                "candidates": tuple(
                    Candidates(
                        job, None if places is None else tuple(names[at] for at in decode(places, len(names))), reason
                    )
                    for job, places, reason in data["candidates"]
                ),
                "disagreements": tuple(Disagreement(**each) for each in data["disagreements"]),
                "published": tuple(data["published"]),
            }
        )


@dataclass(frozen=True)
class LevelRun:
    """A level, run: what holds for all of it, and every submission.

    Args:
        facts: What holds for all of it.
        submissions: Every submission.
        durations: Seconds of each call, by phase (`match`, `submit`), in the process that made them; not part of the
            plain form.
    """

    facts: LevelFacts
    submissions: tuple[Submission, ...]
    durations: Mapping[str, Sequence[float]] = field(default_factory=dict, compare=False, repr=False)

    def plain(self) -> dict[str, Any]:
        """Return the run as dicts, lists, strings and numbers."""
        return {"facts": self.facts.plain(), "submissions": [asdict(each) for each in self.submissions]}

    @classmethod
    def from_plain(cls, data: Mapping[str, Any]) -> LevelRun:
        """Return the run that `plain` was made from."""
        return cls(LevelFacts.from_plain(data["facts"]), submissions_from_plain(data["submissions"]))

    def at(self, cluster: str | None) -> tuple[Submission, ...]:
        """Return the submissions that a cluster was assigned; for None those without a cluster."""
        return tuple(each for each in self.submissions if each.cluster == cluster)


def _listed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _listed(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_listed(each) for each in value]
    return value


def _text(score: Fraction) -> str:
    """Return a score as the shortest decimal that means it."""
    return repr(float(score)).removesuffix(".0")


def submissions_from_plain(data: Iterable[Mapping[str, Any]]) -> tuple[Submission, ...]:
    """Return the submissions that `asdict` was made from."""
    return tuple(Submission(**each) for each in data)
