"""Putting records together that arrived one case at a time, in any order, from any number of workers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pytest_compat.errors import RecordError
from pytest_compat.judge.score import LevelScore, score_level
from pytest_compat.records import LevelFacts, LevelKey, LevelRun, Submission, plain, submissions_from_plain


def case_record(run: LevelRun, cluster: str | None, *, with_facts: bool) -> dict[str, Any]:
    """Return what a case leaves behind, in plain dicts and lists.

    Args:
        run: The level the case belongs to.
        cluster: The cluster the case is about; None for a case about the whole level.
        with_facts: Also what holds for the whole level, and the submissions that no cluster was assigned.
    """
    submissions = run.submissions if cluster is None else run.at(cluster)
    record: dict[str, Any] = {
        "key": plain(run.facts.key),
        "cluster": cluster,
        "submissions": [plain(each) for each in submissions],
    }
    if with_facts:
        record["facts"] = plain(run.facts)
        record["unassigned"] = [plain(each) for each in run.at(None)]
    return record


@dataclass
class _Gathered:
    facts: LevelFacts | None = None
    submissions: dict[tuple[str, int], Submission] = field(default_factory=dict)
    clusters: set[str | None] = field(default_factory=set)


class Gatherer:
    """Records by level, each submission once, however often it is told."""

    def __init__(self) -> None:
        self._levels: dict[LevelKey, _Gathered] = {}

    def __bool__(self) -> bool:
        return bool(self._levels)

    def add(self, record: Mapping[str, Any]) -> None:
        """Take in the record of a case.

        Raises:
            RecordError: It contradicts one that came before.
        """
        key = LevelKey(**record["key"])
        level = self._levels.setdefault(key, _Gathered())
        if "facts" in record and level.facts is None:
            level.facts = LevelFacts.from_plain(record["facts"])
        level.clusters.add(record["cluster"])
        for each in submissions_from_plain([*record["submissions"], *record.get("unassigned", ())]):
            before = level.submissions.setdefault((each.job, each.iteration), each)
            if before != each:
                raise RecordError(
                    f"{key.experiment}, level {key.level}: submission {each.iteration} of {each.job} was recorded as "
                    f"{before.outcome} on {before.cluster} and as {each.outcome} on {each.cluster}"
                )

    def scores(self) -> list[LevelScore]:
        """Return the figures of every level, in the order of experiments and levels."""
        whole = [level for level in self._levels.values() if level.facts is not None]
        scores = []
        for level in whole:
            assert level.facts is not None
            missing = [] if None in level.clusters else [c for c in level.facts.clusters if c not in level.clusters]
            scores.append(score_level(level.facts, level.submissions.values(), missing=missing))
        return sorted(scores, key=lambda score: (score.key.experiment, score.key.scheduler, score.facts.position))

    def without_facts(self) -> list[LevelKey]:
        """Return the levels of which submissions arrived, and nothing that says what they mean."""
        return sorted(key for key, level in self._levels.items() if level.facts is None)

    def submissions(self) -> list[tuple[LevelKey, Submission]]:
        """Return every submission, sorted."""
        return sorted(
            ((key, each) for key, level in self._levels.items() for each in level.submissions.values()),
            key=lambda pair: (pair[0], pair[1].job, pair[1].iteration),
        )
