"""Stored reports: read, put together, and judged again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from pytest_compat.errors import DeclarationError, RecordError, ReportError
from pytest_compat.judge.compare import Baseline
from pytest_compat.judge.gate import Gate, parse_gate
from pytest_compat.judge.gather import Gatherer
from pytest_compat.judge.verdict import Verdict, reach_verdict
from pytest_compat.records import OUTCOMES, Disagreement, LevelKey
from pytest_compat.report.consistency import contradictions, recomputed
from pytest_compat.report.document import SCHEMA, Session, build_document, report_schema


@dataclass(frozen=True)
class Stored:
    """A report that was read, or several put together.

    Args:
        source: Where it stands, for people.
        session: What it says of its session.
        gatherer: Its records.
        gates: The gates it was judged by.
    """

    source: str
    session: Session
    gatherer: Gatherer
    gates: tuple[Gate, ...] = ()

    def judge(
        self,
        gates: Sequence[Gate] | None = None,
        *,
        baseline: Stored | None = None,
        allow_new: bool = False,
    ) -> Verdict:
        """Judge it again.

        Args:
            gates: By these; None for those it was judged by.
            baseline: An earlier run to compare with.
            allow_new: Whether a level that the baseline does not have passes.

        Raises:
            RecordError: The baseline cannot be compared.
        """
        return reach_verdict(
            self.gatherer.scores(),
            self.gates if gates is None else gates,
            dict.fromkeys([*self.session.complaints, *self.gatherer.lost()]),
            baseline=None if baseline is None else baseline.as_baseline(),
            allow_new=allow_new,
            gradients=self.gatherer.gradients,
        )

    def judge_alone(self) -> Verdict:
        """Judge it by those of its gates that need no baseline."""
        return self.judge([gate for gate in self.gates if not gate.against_baseline])

    def as_baseline(self) -> Baseline:
        """Return it as an earlier run to compare with."""
        return Baseline(self.source, self.session.created, tuple(self.gatherer.scores()), self.gatherer.gradients)

    def document(self, verdict: Verdict) -> dict[str, Any]:
        """Return the report of a verdict on it."""
        return build_document(verdict, self.gatherer.submissions(), self.session)


def read_document(path: Path) -> dict[str, Any]:
    """Read a JSON report and hold it to its schema.

    Raises:
        ReportError: It is missing, no JSON, no report, or one of another version.
    """
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match

    try:
        text = path.read_text(encoding="utf-8")
        document = json.loads(text, parse_constant=_no_number, object_pairs_hook=_unique)
    except FileNotFoundError:
        raise ReportError(f"{path}: found no such file, expected a report that --compat-report wrote") from None
    except (OSError, ValueError, RecursionError) as error:
        raise ReportError(
            f"{path}: cannot be read as a report, expected JSON that --compat-report wrote: {error}"
        ) from None
    schema = document.get("schema") if isinstance(document, dict) else None
    if schema != SCHEMA:
        raise ReportError(
            f"{path}: found the schema {schema!r}, expected {SCHEMA!r}; write it anew with --compat-report"
        )
    records = document.get("records")
    if isinstance(records, list):
        # Tens of thousands of them are alike; the schema, which is slow, is asked about those that are not.
        odd = [each for each in records if not _is_record(each)]
        document = {**document, "records": odd}
    misfit = best_match(Draft202012Validator(report_schema()).iter_errors(document))
    if misfit is not None:
        again = "; was it written by another version? write it anew" if misfit.validator == "required" else ""
        raise ReportError(f"{path}: {misfit.json_path.removeprefix('$.')}: {misfit.message[:200]}{again}")
    return {**document, "records": records}


def _is_record(each: Any) -> bool:
    """Tell whether this is a record, as the schema has it."""
    return (
        isinstance(each, dict)
        and all(type(each.get(name)) is str for name in ("experiment", "scheduler", "level", "job"))
        and each.get("outcome") in OUTCOMES
        and type(each.get("iteration")) is int
        and each["iteration"] >= 0
        and ("cluster" in each and (each["cluster"] is None or type(each["cluster"]) is str))
        and type(each.get("score")) in (int, float)
        and 0 <= each["score"] <= 1
        and type(each.get("reason", "")) is str
    )


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"found {next(name for name in names if names.count(name) > 1)!r} twice in one object")
    return found


def _no_number(text: str) -> float:
    raise ValueError(f"found {text}, which is no number in JSON")


def read_stored(path: Path) -> Stored:
    """Read a report to judge it again.

    Raises:
        ReportError: It is none, or contradicts itself.
    """
    return _stored(path, read_document(path))


def read_report(path: Path) -> dict[str, Any]:
    """Read a report to show it as it was judged.

    Raises:
        ReportError: It is none, or contradicts itself.
    """
    document = read_document(path)
    _stored(path, document)
    return document


def _stored(path: Path, document: dict[str, Any]) -> Stored:
    gatherer = Gatherer()
    try:
        for contradiction in contradictions(document):
            raise RecordError(contradiction)
        for record in _records(document):
            gatherer.add(record)
        gates = {gate["rule"]: parse_gate(gate["rule"]) for gate in document["gates"]}
    except (DeclarationError, RecordError, ValueError, LookupError, TypeError) as error:
        raise ReportError(f"{path}: contradicts itself: {error}") from None
    session = Session(
        ids=tuple(document["ids"]),
        seed=document["seed"],
        created=document["created"],
        environment=document["environment"],
        commands=tuple(map(tuple, document["commands"])),
        problems=tuple(document["session"]["problems"]),
        failed=tuple(document["session"]["failed"]),
        worth={each["experiment"]: each["worth"] for each in document["experiments"] if each["worth"]},
    )
    stored = Stored(str(path), session, gatherer, tuple(gates.values()))
    try:
        for contradiction in recomputed(document, stored.document(stored.judge_alone())):
            raise RecordError(contradiction)
    except (RecordError, TypeError, LookupError) as error:
        raise ReportError(f"{path}: contradicts itself: {error}") from None
    return stored


def read_baseline(path: Path) -> Stored:
    """Read a report to compare later ones with.

    Raises:
        ReportError: It is none, or of a session that failed.
    """
    stored = read_stored(path)
    verdict = stored.judge_alone()
    if not verdict.passed:
        raise ReportError(
            f"{path}: is of a session that failed, and no baseline ({verdict.problems[0]}); write it anew"
        )
    return stored


def _records(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the records that a report was made from, as they came from its cases."""
    designs = {each["experiment"]: each for each in document["experiments"]}
    submissions: dict[LevelKey, dict[str | None, list[dict[str, Any]]]] = {}
    for each in document["records"]:
        key = LevelKey(each["experiment"], each["scheduler"], each["level"])
        fields = {name: each[name] for name in ("job", "iteration", "cluster", "outcome", "score")}
        at = submissions.setdefault(key, {}).setdefault(each["cluster"], [])
        at.append({**fields, "reason": each.get("reason", "")})
    yield from ({"gradient": gradient} for gradient in document.get("gradients", ()))
    for run in document["runs"]:
        design = designs[run["experiment"]]
        key = LevelKey(run["experiment"], run["scheduler"], run["level"])
        found = submissions.pop(key, {})
        facts = _facts(run, design)
        if not run["missing"]:
            # All were recorded, whether by one case or by one per cluster.
            everything = [each for group in found.values() for each in group]
            yield {"key": facts["key"], "cluster": None, "submissions": everything, "facts": facts}
            continue
        recorded = [name for name in design["clusters"] if name not in set(run["missing"])]
        first = {"facts": facts, "unassigned": found.get(None, [])}
        for number, name in enumerate(recorded):
            more = {} if number else first
            yield {"key": facts["key"], "cluster": name, "submissions": found.get(name, []), **more}
    for key, found in submissions.items():
        names = {"experiment": key.experiment, "scheduler": key.scheduler, "level": key.level}
        for cluster, group in found.items():
            yield {"key": names, "cluster": cluster, "submissions": group}


def _facts(run: Mapping[str, Any], design: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts of a level in their plain form."""
    names = ("reveals", "seed", "iterations", "sequential", "unmet", "failures", "seconds", "timings", "drawn")
    return {
        **{name: run[name] for name in names},
        "key": {name: run[name] for name in ("experiment", "scheduler", "level")},
        "design": design,
        "published": [
            {
                **{name: each[name] for name in ("source", "points", "of")},
                "reasons": {reason: found["count"] for reason, found in each["reasons"].items()},
            }
            for each in run["published"]
        ],
        "candidates": [
            (job, run["candidate_sets"][job], run["unanswered"].get(job, ""))
            for job in design["jobs"]
            if job in run["candidate_sets"]
        ],
        "disagreements": [
            {own.name: each[own.name] for own in fields(Disagreement) if own.name in each}
            for each in run["disagreements"]
        ],
        "differing": run["differing"]["total"],
        "unstable": run["differing"]["unstable"],
        "many": run["differing"]["many"],
    }


def merge(reports: Iterable[Path]) -> Stored:
    """Put the shards of one run together.

    Args:
        reports: Two or more files, each with cases that the others do not have.

    Raises:
        ReportError: They do not belong together; with the names of those that do not, and why.
    """
    paths = list(reports)
    merged: Stored | None = None
    for path in paths:
        shard = read_stored(path)
        merged = shard if merged is None else _joined(merged, shard)
    if merged is None or len(paths) < 2:
        raise ReportError(
            f"found {len(paths)} {'report' if len(paths) == 1 else 'reports'} to merge, expected two or more"
        )
    return merged


def _joined(one: Stored, other: Stored) -> Stored:
    def refuse(why: str) -> ReportError:
        return ReportError(f"{one.source} and {other.source} cannot be merged: {why}")

    if both := set(one.session.ids) & set(other.session.ids):
        raise refuse(f"both have the records of session {min(both)}; merge each report once")
    if one.session.seed != other.session.seed:
        raise refuse(f"their seeds are {one.session.seed} and {other.session.seed}")
    versions = {key.experiment: version for key, version in one.gatherer.versions().items()}
    for key, version in other.gatherer.versions().items():
        before = versions.get(key.experiment, version)
        if before != version:
            raise refuse(f"the experiment {key.experiment} is of version {before} in one and {version} in the other")
    try:
        gatherer, new = one.gatherer.joined(other.gatherer)
    except RecordError as error:
        raise refuse(f"{error}; they are two measurements, not shards of one") from None
    if not new:
        raise refuse(f"{other.source} has no case that {one.source} does not have")
    problems = dict.fromkeys([*one.session.problems, *other.session.problems])
    failed = dict.fromkeys([*one.session.failed, *other.session.failed])
    session = Session(
        ids=(*one.session.ids, *other.session.ids),
        seed=one.session.seed,
        created=max(one.session.created, other.session.created),
        environment=one.session.environment,
        commands=(*one.session.commands, *other.session.commands),
        problems=tuple(problems),
        failed=tuple(sorted(failed)),
        worth={**one.session.worth, **other.session.worth},
    )
    gates = {gate.rule: gate for gate in (*one.gates, *other.gates)}
    return Stored(f"{one.source} + {other.source}", session, gatherer, tuple(gates.values()))
