"""Two runs compared, level by level: which decisions flipped, how much accuracy that cost, and whether it is chance."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from pytest_compat.errors import RecordError
from pytest_compat.judge.multiple import holm
from pytest_compat.judge.paired import paired_test
from pytest_compat.judge.score import LevelScore, as_fraction, mean_score
from pytest_compat.records import LevelFacts, LevelKey

CHANCE = 0.01
"""Probability that a run in which nothing got worse is found to have dropped, over all of its levels."""


@dataclass(frozen=True)
class Baseline:
    """An earlier run to compare with.

    Args:
        source: Where it stands.
        created: When it was written.
        levels: Its figures.
        gradients: Those of its experiments at scale.
    """

    source: str
    created: str
    levels: tuple[LevelScore, ...]
    gradients: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, order=True)
class Flip:
    """A cluster that was a candidate of a job in one run and not in the other.

    Args:
        job: The job's name.
        cluster: The cluster's name.
        now: True when it is a candidate now and was none before.
        score: What it scores for the job, by the ground truth of the earlier run.
        worse: True when one was lost that scores, and not less than the candidates did on average, or one was gained
            that does not score, or less than they did.
    """

    job: str
    cluster: str
    now: bool
    score: Fraction
    worse: bool


@dataclass(frozen=True)
class LevelComparison:
    """A level of two runs.

    Args:
        key: Which level, of the later run.
        flips: Every candidate gained or lost, sorted, those for the worse first.
        before: Accuracy of the earlier run, over the submissions that both have where both have any, otherwise exact;
            None when there is none.
        after: That of the later run, over the same.
        lost: Submissions that score less than they did.
        won: Submissions that score more.
        p: How likely a drop at least as large is if nothing got worse; of submissions where both runs have them, of
            jobs otherwise. None where nothing can be paired.
        adjusted: The same, adjusted for all levels.
        changed: Why the two are not to be compared (the experiment was edited, the earlier run is incomplete); empty
            when they are.
        differs: In what the two runs differ that bears on how they compare: seed, iterations, scheduler.
        sampled: True when submissions were compared, False when exact figures were, which owe nothing to chance: where
            nothing was sampled, or as much as it took to decide a gate.
    """

    key: LevelKey
    flips: tuple[Flip, ...]
    before: Fraction | None
    after: Fraction | None
    lost: int
    won: int
    p: float | None
    adjusted: float | None = None
    changed: str = ""
    differs: str = ""
    sampled: bool = True

    @property
    def worse(self) -> int:
        """How many decisions flipped for the worse."""
        return sum(flip.worse for flip in self.flips)

    @property
    def drop(self) -> Fraction | None:
        """By how much accuracy fell; below 0 when it rose."""
        return None if self.before is None or self.after is None else self.before - self.after


@dataclass(frozen=True)
class Comparison:
    """Two runs compared.

    Args:
        source: Where the earlier one stands.
        created: When it was written.
        levels: The levels that both have, in the order of the later run.
        missing: Levels that only the earlier run has.
        new: Levels that only the later run has.
    """

    source: str
    created: str
    levels: tuple[LevelComparison, ...]
    missing: tuple[LevelKey, ...] = ()
    new: tuple[LevelKey, ...] = ()


def compare(baseline: Baseline, after: Sequence[LevelScore]) -> Comparison:
    """Compare a run with an earlier one.

    Levels are paired by experiment and name, and by scheduler where a run measured several.

    Raises:
        RecordError: A level cannot be paired: several schedulers were measured, and none of them in both runs.
    """
    before = baseline.levels
    pairs = {level.key: _counterpart(level.key, [each.key for each in before]) for level in after}
    known = {level.key: level for level in before}
    both = [(known[old], level) for level in after if (old := pairs[level.key]) is not None]
    levels = [_compare(old, new) for old, new in both]
    tested = {level.key: level.p for level in levels if level.p is not None}
    adjusted = dict(zip(tested, holm(list(tested.values())), strict=True))
    return Comparison(
        baseline.source,
        baseline.created,
        tuple(replace(level, adjusted=adjusted.get(level.key)) for level in levels),
        missing=tuple(level.key for level in before if level.key not in pairs.values()),
        new=tuple(level.key for level in after if pairs[level.key] is None),
    )


def _counterpart(key: LevelKey, others: Sequence[LevelKey]) -> LevelKey | None:
    same = [other for other in others if (other.experiment, other.level) == (key.experiment, key.level)]
    if key in same:
        return key
    if len(same) > 1:
        names = ", ".join(sorted(other.scheduler for other in same))
        raise RecordError(
            f"{key.experiment}, level {key.level}: measured with {key.scheduler} here and with {names} there; compare "
            f"runs of one scheduler each"
        )
    return same[0] if same else None


def _compare(before: LevelScore, after: LevelScore) -> LevelComparison:
    old, new = before.facts, after.facts
    changed = ""
    if old.design.version != new.design.version:
        changed = (
            f"the experiment was edited (version {old.design.version} before, {new.design.version} now), so make "
            f"the baseline anew (--compat-baseline-update); flips go by the ground truth before"
        )
    elif old.reveals != new.reveals:
        changed = f"the level revealed {'+'.join(old.reveals)} before and {'+'.join(new.reveals)} now"
    elif (old.drawn, [each.job for each in old.candidates]) != (new.drawn, [each.job for each in new.candidates]):
        changed = "the level had other jobs before, or drew them otherwise"
    elif not before.complete:
        changed = f"the baseline is incomplete: it has {before.submissions} of {before.expected} submissions"
    elif not old.design.same_as(new.design):
        changed = "the baseline has another design of the same version"
    elif lacking := sorted({each.job for each in (*old.candidates, *new.candidates) if each.clusters is None}):
        changed = f"the candidates of {len(lacking)} jobs are not known, {lacking[0]} the first of them"
    sampled = before.expected > 0 and after.expected > 0 and not (old.sequential or new.sequential)
    if old.drawn is not None and old.seed != new.seed:
        sampled = False  # other jobs were drawn: no submission of the one has its counterpart in the other
    pairs = list(_by_submission(before, after)) if sampled else []
    differences = [now - then for then, now in pairs] if sampled else list(_by_job(before, after))
    return LevelComparison(
        key=after.key,
        flips=tuple(sorted(_flips(before, after), key=lambda flip: (not flip.worse, flip))),
        before=_mean(then for then, _ in pairs) if sampled else _exact(before),
        after=_mean(now for _, now in pairs) if sampled else _exact(after),
        lost=sum(each < 0 for each in differences) if sampled else 0,
        won=sum(each > 0 for each in differences) if sampled else 0,
        p=paired_test(differences, alternative="less") if differences else None,
        changed=changed,
        differs=_differs(old, new),
        sampled=sampled,
    )


def _differs(old: LevelFacts, new: LevelFacts) -> str:
    found = [
        f"{what} {then} before, {now} now"
        for what, then, now in (
            ("scheduler", old.key.scheduler, new.key.scheduler),
            ("seed", old.seed, new.seed),
            ("iterations", old.iterations, new.iterations),
        )
        if then != now
    ]
    return "; ".join(found)


def _mean(scores: Iterable[Fraction]) -> Fraction | None:
    known = list(scores)
    return sum(known, Fraction(0)) / len(known) if known else None


def _exact(level: LevelScore) -> Fraction | None:
    return level.exact.accuracy if level.exact else None


def _flips(before: LevelScore, after: LevelScore) -> Iterator[Flip]:
    design = before.facts.design
    candidates = {each.job: each.clusters for each in after.facts.candidates}
    there = after.facts.design.places
    for each in before.facts.candidates:
        now = candidates.get(each.job)
        if each.clusters is None or now is None:
            continue
        scores = design.truth.get(each.job, {})
        mean = mean_score(before.facts, each)
        for cluster in set(each.clusters) ^ set(now):
            if cluster in design.places and cluster in there:
                score, gained = scores.get(cluster, Fraction(0)), cluster in now
                worse = (score == 0 or score < mean) if gained else (score > 0 and score >= mean)
                yield Flip(each.job, cluster, gained, score, worse)


def _by_submission(before: LevelScore, after: LevelScore) -> Iterator[tuple[Fraction, Fraction]]:
    """Yield what each submission that both runs have scored before, and what it scores now."""
    scores = {(each.job, each.iteration): each.score for each in before.recorded}
    for each in after.recorded:
        old = scores.get((each.job, each.iteration))
        if old is not None:
            yield as_fraction(old), as_fraction(each.score)


def _by_job(before: LevelScore, after: LevelScore) -> Iterator[Fraction]:
    """Yield by how much the mean score of each job's candidates is more than it was."""
    means = {each.job: mean_score(before.facts, each) for each in before.facts.candidates}
    for each in after.facts.candidates:
        if each.job in means:
            yield mean_score(after.facts, each) - means[each.job]
