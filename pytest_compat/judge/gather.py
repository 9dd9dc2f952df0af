"""Putting records together that arrived one case at a time: in any order, from any number of workers or files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from pytest_compat.errors import RecordError
from pytest_compat.judge.score import LevelScore, score_level
from pytest_compat.records import LevelFacts, LevelKey, LevelRun, Submission, submissions_from_plain


def case_record(
    run: LevelRun, cluster: str | None, *, with_facts: bool, gates: Sequence[str] = (), source: str = ""
) -> dict[str, Any]:
    """Return what a case leaves behind, in plain dicts and lists.

    Args:
        run: The level the case belongs to.
        cluster: The cluster the case is about; None for a case about the whole level.
        with_facts: Also what holds for the whole level, and the submissions that no cluster was assigned.
        gates: What the markers of the experiment ask for.
        source: The file it is declared in.
    """
    submissions = run.submissions if cluster is None else run.at(cluster)
    record: dict[str, Any] = {
        "key": asdict(run.facts.key),
        "cluster": cluster,
        "submissions": [asdict(each) for each in submissions],
        "gates": list(gates),
        "source": source,
    }
    if with_facts:
        record["facts"] = run.facts.plain()
        record["unassigned"] = [asdict(each) for each in run.at(None)]
    return record


@dataclass
class _Gathered:
    facts: LevelFacts | None = None
    submissions: dict[tuple[str, int], Submission] = field(default_factory=dict)
    clusters: set[str | None] = field(default_factory=set)
    """Whose cases were recorded; None for one about the whole level."""


class Gatherer:
    """Records by level, each submission once, however often it is told."""

    def __init__(self) -> None:
        self._levels: dict[LevelKey, _Gathered] = {}
        self._gates: dict[str, None] = {}
        self._sources: dict[str, str] = {}
        self._scores: list[LevelScore] | None = None
        self._gradients: dict[tuple[str, ...], dict[str, Any]] = {}

    def __bool__(self) -> bool:
        return bool(self._levels or self._gradients)

    def add(self, record: Mapping[str, Any]) -> None:
        """Take in the record of a case; one that measured nothing has its gates alone.

        Raises:
            RecordError: It contradicts one that came before.
        """
        self._gates.update(dict.fromkeys(record.get("gates", ())))
        if source := record.get("source"):
            self._sources[record["key"]["experiment"]] = source
        if gradient := record.get("gradient"):
            self._take_gradient(gradient)
        if "key" not in record:
            return
        key = LevelKey(**record["key"])
        part = _Gathered(LevelFacts.from_plain(record["facts"]) if "facts" in record else None, {}, {record["cluster"]})
        for each in submissions_from_plain([*record["submissions"], *record.get("unassigned", ())]):
            _keep(key, part, each)
        self._take(key, part)

    def _take_gradient(self, gradient: dict[str, Any]) -> None:
        key = tuple(gradient[name] for name in ("experiment", "scale", "way"))
        if self._gradients.setdefault(key, gradient) != gradient:
            raise RecordError(f"{' '.join(key)}: this experiment at scale was recorded with two results")

    @property
    def gradients(self) -> tuple[Mapping[str, Any], ...]:
        """The figures of every experiment at scale, in the order of their names."""
        return tuple(self._gradients[key] for key in sorted(self._gradients))

    def _take(self, key: LevelKey, part: _Gathered) -> None:
        self._scores = None
        level = self._levels.setdefault(key, _Gathered())
        if level.facts is not None and part.facts is not None and (why := _differing(level.facts, part.facts)):
            raise RecordError(f"{key.experiment}, level {key.level}: {why}")
        level.facts = level.facts or part.facts
        level.clusters |= part.clusters
        for each in part.submissions.values():
            _keep(key, level, each)

    def joined(self, other: Gatherer) -> tuple[Gatherer, bool]:
        """Return the records of both, and whether the other one has a case that this one has not.

        Raises:
            RecordError: They contradict each other.
        """
        both = Gatherer()
        for each in (self, other):
            for key, level in each._levels.items():
                both._take(key, level)
            for gradient in each._gradients.values():
                both._take_gradient(gradient)
        more = bool(other._gradients.keys() - self._gradients.keys())
        return both, more or any(self._lacks(key, level.clusters) for key, level in other._levels.items())

    def _lacks(self, key: LevelKey, clusters: set[str | None]) -> bool:
        mine = self._levels[key].clusters if key in self._levels else set()
        return None not in mine and bool(clusters - mine)

    def versions(self) -> dict[LevelKey, str]:
        """Return the version of the experiment of every level."""
        return {key: level.facts.design.version for key, level in self._levels.items() if level.facts is not None}

    def scores(self) -> list[LevelScore]:
        """Return the figures of every level, in the order of experiments and levels."""
        if self._scores is None:
            self._scores = self._score()
        return list(self._scores)

    def _score(self) -> list[LevelScore]:
        whole = [level for level in self._levels.values() if level.facts is not None]
        scores = []
        for level in whole:
            assert level.facts is not None
            missing = (
                [] if None in level.clusters else [c for c in level.facts.design.clusters if c not in level.clusters]
            )
            scores.append(score_level(level.facts, level.submissions.values(), missing=missing))
        return sorted(scores, key=lambda score: (score.key.experiment, score.key.scheduler, score.facts.place))

    @property
    def gates(self) -> tuple[str, ...]:
        """What the markers of the recorded cases ask for, each once."""
        return tuple(self._gates)

    @property
    def sources(self) -> Mapping[str, str]:
        """The files that the recorded experiments are declared in, by name."""
        return dict(self._sources)

    def lost(self) -> list[str]:
        """Return, as problems, the levels of which submissions arrived, and nothing that says what they mean."""
        keys = sorted(key for key, level in self._levels.items() if level.facts is None)
        return [f"{key.experiment}, level {key.level}: what holds for the level was lost with a worker" for key in keys]

    def submissions(self) -> list[tuple[LevelKey, Submission]]:
        """Return every submission, sorted."""
        return sorted(
            ((key, each) for key, level in self._levels.items() for each in level.submissions.values()),
            key=lambda pair: (pair[0], pair[1].job, pair[1].iteration),
        )


def _keep(key: LevelKey, level: _Gathered, each: Submission) -> None:
    before = level.submissions.setdefault((each.job, each.iteration), each)
    if before != each:
        raise RecordError(
            f"{key.experiment}, level {key.level}: submission {each.iteration} of {each.job} was recorded as "
            f"{before.outcome} on {before.cluster} and as {each.outcome} on {each.cluster}"
        )


def _differing(one: LevelFacts, other: LevelFacts) -> str:
    """Return in what two accounts of one level contradict each other, empty when they agree; times may differ."""
    for what, ours, theirs in (
        ("experiment version", one.design.version, other.design.version),
        ("seed", one.seed, other.seed),
        ("iterations", one.iterations, other.iterations),
        ("revealed subsystems", one.reveals, other.reveals),
        ("draw of jobs", one.drawn, other.drawn),
    ):
        if ours != theirs:
            return f"recorded with {what} {ours} and with {theirs}"
    if not one.design.same_as(other.design):
        return "recorded with two designs of one version"
    theirs_of = {each.job: each for each in other.candidates}
    for each in one.candidates:
        if theirs_of.get(each.job) != each:
            return f"the candidates of {each.job} were recorded in two ways"
    timeless = replace(other, design=one.design, seconds=one.seconds, timings=one.timings)
    return "" if one == timeless else "disagreements or failures were recorded in two ways"
