"""Who submits at a level whose jobs are drawn."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from itertools import accumulate
from math import lcm

from pytest_compat.errors import DeclarationError
from pytest_compat.matching.selection import choose
from pytest_compat.model import CLUSTER_FIRST, EACH, Level


def drawn_jobs(level: Level, candidates: Mapping[str, frozenset[str]]) -> dict[str, Fraction] | None:
    """Return with which probability each job of a level is drawn; None where every job is submitted each time.

    A job without candidates is drawn again: where the job is drawn first, those that have candidates share alike. Where
    the cluster is drawn first, each that suits any job has the same chance, and each job that it suits the same part of
    it. Submitting a job and selecting uniformly among its candidates then comes to the same pairs, provided that
    all candidates of a job suit equally many.

    Args:
        level: The level.
        candidates: By job of the level, the clusters that suit it by what the level reveals.

    Returns:
        Probabilities that add up to 1; none where no cluster suits any job.

    Raises:
        DeclarationError: Clusters are drawn first, and two candidates of a job suit different numbers of jobs.
    """
    if level.draw == EACH:
        return None
    suited = {job: clusters for job, clusters in candidates.items() if clusters}
    if level.draw != CLUSTER_FIRST:
        return {job: Fraction(1, len(suited)) for job in sorted(suited)}
    suits: dict[str, int] = {}
    for clusters in suited.values():
        for cluster in clusters:
            suits[cluster] = suits.get(cluster, 0) + 1
    shares = {}
    for job, clusters in sorted(suited.items()):
        few, many = (pick(sorted(clusters), key=suits.__getitem__) for pick in (min, max))
        if suits[few] != suits[many]:
            raise DeclarationError(
                f"level {level.name} draws the cluster first, and of the candidates of {job!r} {few!r} suits "
                f"{suits[few]} jobs and {many!r} {suits[many]}; uniform selection stands for such a draw only where "
                f"all suit equally many, so draw the job first or reveal something else"
            )
        shares[job] = Fraction(len(clusters), len(suits) * suits[few])
    return shares


def draw(shares: Mapping[str, Fraction], key: str) -> str:
    """Draw a job, always the same one for the same key.

    Args:
        shares: Probabilities by job, as `drawn_jobs` returns them, one at least.
        key: What the draw belongs to.
    """
    unit = lcm(*(share.denominator for share in shares.values()))
    ends = dict(zip(accumulate(int(share * unit) for share in shares.values()), shares, strict=True))
    at = choose(range(unit), key)
    return next(job for end, job in ends.items() if at < end)
