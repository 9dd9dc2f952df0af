"""What became of the submissions of a level, and why: the shares of success and of each reason to fall short of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_compat.idset import decode

Document = Mapping[str, Any]

CORRECT, COMPATIBLE, REASON, UNEXPLAINED = "correct", "compatible", "reason", "unexplained"

NO_REASON = "no reason given"
"""What the rows of UNEXPLAINED are called."""

ROUNDING = 1e-9
"""Below this, what is left of 1 once all shares are taken away is a rounding error."""


@dataclass(frozen=True, kw_only=True)
class Share:
    """How often something became of a submission at a level.

    Args:
        kind: CORRECT, COMPATIBLE, REASON or UNEXPLAINED.
        name: The outcome or the reason.
        count: Submissions recorded.
        sampled: Their share, 0 to 1; None without submissions.
        exact: The share that uniform selection comes to; None when candidates are unknown.
        fraction: The same as a fraction; empty where the report has none.
        published: What others found, as {source, points, of, p}.
        runs: True when what it is about scores above 0.
    """

    kind: str
    name: str
    count: int
    sampled: float | None
    exact: float | None
    fraction: str = ""
    published: Sequence[Document] = ()
    runs: bool = False

    @property
    def nothing(self) -> bool:
        """True when nobody found or expects any."""
        found = self.count or any(each["points"] for each in self.published)
        return not found and (self.exact or 0.0) < ROUNDING


def reasons_of(runs: Sequence[Document]) -> list[str]:
    """Return every reason that was found or is expected at any of the levels, the most probable first."""
    found: defaultdict[str, float] = defaultdict(float)
    for run in runs:
        for reason in run["reasons"]:
            found[reason] += 0.0
        for reason, expected in run["exact"]["reasons"].items() if run["exact"] else ():
            found[reason] += expected["rate"]
        for figure in run["published"]:
            for reason, each in figure["reasons"].items():
                if each["count"]:
                    found[reason] += 0.0
    return sorted(found, key=lambda reason: (-found[reason], reason))


def shares_of(about: Document, runs: Sequence[Document]) -> list[tuple[Document, list[Share]]]:
    """Return the shares at each level, in one order at all of them; none when there is no reason at any.

    Those that score above 0 come first, and each kind by how probable it is. The shares of a level and of submissions
    that were given no cluster, or were errors, add up to 1. `compatible` has a share of its own as long as no reason is
    about a score between 0 and 1; otherwise such submissions are among those of their reason, and those without one are
    UNEXPLAINED.

    Args:
        about: The experiment.
        runs: Its levels.

    Raises:
        ValueError: An idset of the experiment is none.
    """
    reasons = reasons_of(runs)
    if not reasons:
        return []
    partial, between = _partial(about)
    ranked = sorted(reasons, key=lambda reason: reason not in between)
    rows = [_shares(run, ranked, partial=partial, between=between) for run in runs]
    kept = [
        number
        for number, column in enumerate(zip(*rows, strict=True))
        if column[0].kind == CORRECT or not all(each.nothing for each in column)
    ]
    return [(run, [row[number] for number in kept]) for run, row in zip(runs, rows, strict=True)]


def _partial(about: Document) -> tuple[bool, set[str]]:
    """Tell whether anything scores between 0 and 1, and return the reasons that are about any of that."""
    size = len(about["clusters"])
    between = {
        job: {place for score, places in scored.items() if 0 < float(score) < 1 for place in decode(places, size)}
        for job, scored in about["truth"].items()
    }
    reasons = {
        reason
        for job, found in about["reasons"].items()
        for reason, places in found.items()
        if not between.get(job, set()).isdisjoint(decode(places, size))
    }
    return any(between.values()), reasons


def _shares(run: Document, reasons: Sequence[str], *, partial: bool, between: Collection[str]) -> list[Share]:
    outcomes, exact, submissions = run["outcomes"], run["exact"], run["submissions"]
    expected = exact["outcomes"] if exact else {}
    none = {"rate": None, "fraction": ""}

    def share(kind: str, name: str, count: int, rate: float | None, **parts: Any) -> Share:
        sampled = count / submissions if submissions else None
        return Share(kind=kind, name=name, count=count, sampled=sampled, exact=rate, **parts)

    because = exact["reasons"] if exact else {}
    short = ("compatible", "incorrect") if between else ("incorrect",)
    left = sum(outcomes[name] for name in short) - sum(run["reasons"].values())
    rest = (
        sum(expected[name]["rate"] for name in short) - sum(each["rate"] for each in because.values())
        if exact
        else None
    )
    return [
        share(
            CORRECT,
            "correct",
            outcomes["correct"],
            expected.get("correct", none)["rate"],
            fraction=expected.get("correct", none)["fraction"],
            # Points are submissions where each scores 0 or 1.
            published=() if partial else run["published"],
            runs=True,
        ),
        share(
            COMPATIBLE,
            "compatible",
            0 if between else outcomes["compatible"],
            0.0 if between else expected.get("compatible", none)["rate"],
            fraction="0" if between else expected.get("compatible", none)["fraction"],
            runs=True,
        ),
        *(
            share(
                REASON,
                reason,
                run["reasons"].get(reason, 0),
                because.get(reason, {"rate": 0.0})["rate"] if exact else None,
                fraction=because.get(reason, {"fraction": "0"})["fraction"] if exact else "",
                published=[
                    {"source": each["source"], "of": each["of"], "points": found["count"], "p": found["p"]}
                    for each in run["published"]
                    if (found := each["reasons"].get(reason))
                ],
                runs=reason in between,
            )
            for reason in reasons
        ),
        share(UNEXPLAINED, NO_REASON, max(left, 0), None if rest is None else rest if rest > ROUNDING else 0.0),
    ]
