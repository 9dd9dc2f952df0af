"""The figures of a level: sampled, exact, and the range in which the one has to lie around the other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from math import fsum
from typing import Any

from pytest_compat.judge.law import Law, law_of_draws, law_of_sum
from pytest_compat.records import OUTCOMES, Candidates, LevelFacts, LevelKey, Submission

INTERVAL = 0.95
"""Probability of the interval that is printed."""

PLAUSIBLE = 0.999
"""Probability of the range outside which a sampled value is not to be believed."""


@dataclass(frozen=True)
class Exact:
    """The expectation under uniform selection among the scheduler's candidates.

    Args:
        accuracy: Mean over jobs of the mean score of their candidates, weighted where jobs are drawn; a job without any
            scores 0.
        unmatched: Share of the jobs without candidates.
        outcomes: Probability of `correct`, `compatible` and `incorrect`; with `unmatched` they add up to 1.
        reasons: Probability of each reason to score less than 1 that ground truth gives, the most probable first.
    """

    accuracy: Fraction
    unmatched: Fraction
    outcomes: Mapping[str, Fraction] = field(default_factory=dict)
    reasons: Mapping[str, Fraction] = field(default_factory=dict)


@dataclass(frozen=True)
class Regret:
    """Time lost by not having chosen best, over submissions that run where they were sent.

    Args:
        seconds: Mean over the recorded ones; None when none runs.
        ran: How many of them run.
        exact: The expectation of `seconds` under uniform selection; None when nothing runs or candidates are unknown.
        exact_ran: The expected share that runs.
    """

    seconds: float | None
    ran: int
    exact: float | None
    exact_ran: Fraction | None


@dataclass(frozen=True)
class PublishedReason:
    """How often others found a reason, and how likely a count at least that far off is, two-sided."""

    count: int
    p: float | None


@dataclass(frozen=True)
class PublishedFigure:
    """What others measured at a level, beside what exact arithmetic says.

    Args:
        source: Where it stands.
        points: Points reached.
        of: Submissions.
        p: How likely a sum at least that far off is, two-sided, by the exact law of so many submissions; None when
            candidates are unknown, or the submissions no multiple of the jobs that each submit.
        reasons: Counts by reason.
    """

    source: str
    points: float
    of: int
    p: float | None
    reasons: Mapping[str, PublishedReason] = field(default_factory=dict)


@dataclass(frozen=True)
class Error:
    """A reason for errors.

    Args:
        submissions: How many it concerns.
        jobs: The jobs it concerns, sorted; none when it concerns a cluster.
    """

    submissions: int
    jobs: tuple[str, ...] = ()


@dataclass(frozen=True)
class LevelScore:
    """Everything there is to say in numbers about one level.

    Args:
        facts: What holds for the whole level.
        recorded: Every submission that was, sorted by job and iteration.
        submissions: How many were recorded.
        expected: How many there are at this level.
        outcomes: Submissions by outcome, every one of OUTCOMES.
        score: Summed score of the recorded submissions.
        accuracy: score / submissions; None without submissions.
        assigned_accuracy: The same over submissions that were given a cluster; None without any.
        exact: The expectation; None when the scheduler failed to name a job's candidates.
        interval: Accuracies between which a complete sample lies with probability INTERVAL, by its exact law; None
            when the level is incomplete or its law unknown, as it is where the scores decided how many were drawn.
        plausible: The same with probability PLAUSIBLE.
        p_value: How likely a complete sample is at least as far out as this one, two-sided; None like `interval`, and
            where errors took the place of draws.
        clusters: By cluster, how many submissions it was assigned and their summed score.
        missing: Cases that should have been recorded and were not, by cluster.
        errors: What errors there were, by reason; those of most submissions first.
        reasons: Recorded submissions by the reason that ground truth gives for a score of less than 1.
        regret: Time lost; None where scores come from no times.
        published: Figures of others.
    """

    facts: LevelFacts
    recorded: tuple[Submission, ...]
    submissions: int
    expected: int
    outcomes: Mapping[str, int]
    score: Fraction
    accuracy: Fraction | None
    assigned_accuracy: Fraction | None
    exact: Exact | None
    interval: tuple[Fraction, Fraction] | None
    plausible: tuple[Fraction, Fraction] | None
    p_value: float | None
    clusters: Mapping[str, tuple[int, Fraction]]
    missing: tuple[str, ...] = ()
    errors: Mapping[str, Error] = field(default_factory=dict)
    reasons: Mapping[str, int] = field(default_factory=dict)
    regret: Regret | None = None
    published: tuple[PublishedFigure, ...] = ()

    @property
    def key(self) -> LevelKey:
        """Which level this is."""
        return self.facts.key

    @property
    def complete(self) -> bool:
        """True when every submission of the level was recorded."""
        return self.submissions == self.expected

    @property
    def failed(self) -> int:
        """How much went wrong: errors, questions without an answer, and clusters that could not receive."""
        unanswered = sum(each.clusters is None for each in self.facts.candidates)
        return self.outcomes["error"] + unanswered + len(self.facts.failures)

    @property
    def judged(self) -> Fraction | None:
        """The accuracy that gates look at: the sampled one, or the exact one when nothing was to be sampled."""
        if self.expected == 0:
            return self.exact.accuracy if self.exact else None
        return self.accuracy


def score_level(facts: LevelFacts, submissions: Iterable[Submission], *, missing: Sequence[str] = ()) -> LevelScore:
    """Work out the figures of a level from its records.

    Args:
        facts: What holds for the whole level.
        submissions: The recorded ones, each once.
        missing: Clusters whose cases were not recorded.
    """
    recorded = tuple(sorted(submissions, key=lambda each: (each.job, each.iteration)))
    expected = facts.expected
    counts = Counter(each.outcome for each in recorded)
    score = sum((as_fraction(each.score) for each in recorded), Fraction(0))
    assigned = [each for each in recorded if each.cluster is not None]
    clusters: dict[str, tuple[int, Fraction]] = {}
    for each in sorted(assigned):
        assert each.cluster is not None
        number, total = clusters.get(each.cluster, (0, Fraction(0)))
        clusters[each.cluster] = (number + 1, total + as_fraction(each.score))
    known = all(each.clusters is not None for each in facts.candidates)
    complete = known and len(recorded) == expected > 0 and not facts.sequential
    law = _law(facts, facts.iterations, facts.design.scores) if complete else None
    spans = {level: law.span(level) for level in (INTERVAL, PLAUSIBLE)} if law else {}
    shares = {level: (low / expected, high / expected) for level, (low, high) in spans.items()}
    return LevelScore(
        facts=facts,
        recorded=recorded,
        submissions=len(recorded),
        expected=expected,
        outcomes={outcome: counts[outcome] for outcome in OUTCOMES},
        score=score,
        accuracy=score / len(recorded) if recorded else None,
        assigned_accuracy=score / len(assigned) if assigned else None,
        exact=_exact(facts) if known else None,
        interval=shares.get(INTERVAL),
        plausible=shares.get(PLAUSIBLE),
        p_value=law.p_value(score) if law and not counts["error"] else None,
        clusters=clusters,
        missing=tuple(missing),
        errors=_errors(facts, recorded),
        reasons=_reasons(recorded),
        regret=_regret(facts, recorded, known=known),
        published=tuple(_published(facts, figures, known=known) for figures in facts.published),
    )


def _law(facts: LevelFacts, draws: int, scores: Callable[[Candidates], Sequence[Fraction]]) -> Law:
    """Return the law of a level's summed score, or of whatever else its candidates have."""
    if facts.drawn is None:
        return law_of_sum(map(scores, facts.candidates), draws)
    return law_of_draws(((facts.weight(each.job), scores(each)) for each in facts.candidates), draws)


def _published(facts: LevelFacts, figures: Mapping[str, Any], *, known: bool) -> PublishedFigure:
    draws, beyond = divmod(figures["of"], len(facts.candidates) if facts.drawn is None else 1)
    usable = known and not beyond and facts.drawn != {}

    def because(reason: str) -> Callable[[Candidates], list[Fraction]]:
        return lambda each: [Fraction(found == reason) for found in facts.design.falling_short(each)]

    return PublishedFigure(
        figures["source"],
        figures["points"],
        figures["of"],
        _law(facts, draws, facts.design.scores).p_value(as_fraction(figures["points"])) if usable else None,
        {
            reason: PublishedReason(
                count, _law(facts, draws, because(reason)).p_value(Fraction(count)) if usable else None
            )
            for reason, count in figures["reasons"].items()
        },
    )


def _reasons(recorded: Iterable[Submission]) -> dict[str, int]:
    counts = Counter(each.reason for each in recorded if each.reason and each.outcome != "error")
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _regret(facts: LevelFacts, recorded: Iterable[Submission], *, known: bool) -> Regret | None:
    times = facts.design.times
    if times is None:
        return None
    sampled = [
        lost
        for each in recorded
        if each.outcome != "error" and (lost := times.regret(each.job, each.cluster)) is not None
    ]
    due: list[float] = []
    runs = Fraction(0)
    for each in facts.candidates if known else ():
        clusters = each.clusters or ()
        losses = [seconds for name in clusters if (seconds := times.regret(each.job, name)) is not None]
        if losses:
            weight = facts.weight(each.job) / len(clusters)
            runs += weight * len(losses)
            due.append(float(weight) * fsum(losses))
    return Regret(
        seconds=fsum(sampled) / len(sampled) if sampled else None,
        ran=len(sampled),
        exact=fsum(due) / float(runs) if runs else None,
        exact_ran=runs if known else None,
    )


@lru_cache(maxsize=4096)
def as_fraction(score: float) -> Fraction:
    """Return the score that was declared: 0.1 is 1/10, not the double nearest to it."""
    return Fraction(repr(score))


def _exact(facts: LevelFacts) -> Exact:
    outcomes = dict.fromkeys(("correct", "compatible", "incorrect"), Fraction(0))
    reasons: dict[str, Fraction] = {}
    accuracy = unmatched = Fraction(0)
    # Counted first and weighted then: there are many more candidates than there are kinds of them.
    for each in facts.candidates:
        weight = facts.weight(each.job)
        if not each.clusters:
            unmatched += weight
            continue
        accuracy += weight * mean_score(facts, each)
        share = weight / len(each.clusters)
        for score, count in Counter(facts.design.scores(each)).items():
            outcomes["correct" if score == 1 else "compatible" if score else "incorrect"] += share * count
        for reason, count in Counter(facts.design.falling_short(each)).items():
            if reason:
                reasons[reason] = reasons.get(reason, Fraction(0)) + share * count
    if facts.drawn == {}:
        unmatched = Fraction(1)  # nothing can be drawn, as nothing matches
    ranked = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
    return Exact(accuracy, unmatched, outcomes, dict(ranked))


def mean_score(facts: LevelFacts, candidates: Candidates) -> Fraction:
    """Return the mean score of a job's candidates; 0 without any."""
    scores = facts.design.scores(candidates)
    return sum(scores, Fraction(0)) / len(scores) if scores else Fraction(0)


def _errors(facts: LevelFacts, recorded: Iterable[Submission]) -> dict[str, Error]:
    jobs: dict[str, list[str]] = {}
    for each in recorded:
        if each.outcome == "error":
            jobs.setdefault(each.reason, []).append(each.job)
    errors = {reason: Error(len(found), tuple(sorted(set(found)))) for reason, found in jobs.items()}
    for asked in facts.candidates:
        if asked.clusters is None:
            errors[f"candidates of {asked.job}: {asked.reason}"] = Error(0, (asked.job,))
    for cluster, reason in facts.failures.items():
        errors[f"{cluster} could not receive: {reason}"] = Error(0)
    return dict(sorted(errors.items(), key=lambda item: -item[1].submissions))
