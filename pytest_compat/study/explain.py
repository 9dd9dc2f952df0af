"""Why a job did not go to a cluster: which requirement keeps it away, and what the cluster has there instead.

Every judgement is the reference matcher's: of the jobspec with one requirement, with none, with one left out, or with
smaller counts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Any

from pytest_compat.matching import parse_version
from pytest_compat.model import Cluster, Jobspec, Level, Requirement, Resource
from pytest_compat.study.course import Course, course
from pytest_compat.study.reference import Study
from pytest_compat.study.shortfall import Shortfall, shortfalls
from pytest_compat.truth import Judgement

NEAREST = 5
"""Clusters that count as the nearest ones."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A requirement, held against a cluster.

    Args:
        requirement: Which one.
        met: True when, of all requirements, this one alone would not keep the job away. Where the resources fall short
            even without requirements: the same as `some`.
        some: True when there is a vertex that meets it, of every type that has to.
        has: The values that vertices of the type asked have in its field, sorted; versions in their order.
        elsewhere: Further values of that field in the cluster, which do not hang where the job asks for them.
        short: Where some vertices meet it but not enough: of what there are too few. Empty when that cannot be said
            of one type by itself.
    """

    requirement: Requirement
    met: bool
    some: bool
    has: tuple[str, ...]
    elsewhere: tuple[str, ...] = ()
    short: tuple[Shortfall, ...] = ()


@dataclass(frozen=True)
class Answer:
    """A cluster's answer to a job.

    Args:
        cluster: Its name.
        candidate: True when it would do.
        score: By ground truth, 0 to 1, whatever the level shows.
        reason: Why it is less than 1, where ground truth says so; empty otherwise.
        resources: True when the resources suffice, whatever hangs on them.
        short: Where they do not: what falls short by itself. Empty when it is only together that requests do.
        findings: Every requirement that was looked at, in the order of the job.
        combination: True when each requirement is met by some vertices and the resources suffice, and yet there are
            not enough vertices that have all of what is asked of them.
        near: True when it would be a candidate without the one requirement that it does not meet.
    """

    cluster: str
    candidate: bool
    score: Fraction
    reason: str
    resources: bool
    short: tuple[Shortfall, ...]
    findings: tuple[Finding, ...]
    combination: bool
    near: bool

    @property
    def failing(self) -> tuple[Finding, ...]:
        """The requirements it does not meet."""
        return tuple(finding for finding in self.findings if not finding.met)


@dataclass(frozen=True)
class Explanation:
    """Why a job goes to some clusters and not to others.

    Args:
        experiment: Its name.
        job: Its name.
        level: The level at which requirements are looked at; None for all the job needs.
        answers: One per cluster that was asked about, by name.
        published: The job at the levels that the experiment publishes.
        prefix: The job as subsystems are added in the declared order.
    """

    experiment: str
    job: str
    level: str | None
    answers: tuple[Answer, ...]
    published: Course
    prefix: Course

    @cached_property
    def near_misses(self) -> tuple[Answer, ...]:
        """The clusters that one requirement alone keeps out, those that score most first."""
        return tuple(sorted((each for each in self.answers if each.near), key=lambda each: (-each.score, each.cluster)))

    @cached_property
    def nearest(self) -> tuple[Answer, ...]:
        """The clusters closest to being candidates, NEAREST at most: resources first, then fewest failing."""
        others = [answer for answer in self.answers if not answer.candidate]
        return tuple(sorted(others, key=lambda each: (not each.resources, len(each.failing), each.cluster))[:NEAREST])


def explain(study: Study, job: Jobspec, level: Level | None = None, cluster: str | None = None) -> Explanation:
    """Hold a job against clusters.

    Args:
        study: The experiment.
        job: One of its jobs.
        level: Look only at requirements this level shows; None for all.
        cluster: Ask only about the cluster of this name; None for all.

    Raises:
        JobspecError: The job asks for more than the reference matcher can decide.
    """
    asked = level.show(job) if level else job
    judge = _Judge(study, asked)
    clusters = sorted(study.experiment.clusters, key=lambda each: each.name)
    judgements = study.judgements(job)
    levels = study.experiment.levels
    return Explanation(
        study.experiment.name,
        job.name,
        level.name if level else None,
        tuple(
            judge.answer(each, judgements[each.name]) for each in clusters if cluster is None or each.name == cluster
        ),
        course(study, job, [each for each in levels.resolve(["all"]) if each.among([job])]),
        course(study, job, levels.resolve(["none", "prefix"])),
    )


class _Judge:
    """All clusters, held against the requirements of a job one by one: a few questions to the matcher, for all."""

    def __init__(self, study: Study, job: Jobspec) -> None:
        self._study = study
        self._job = job
        self._requirements = tuple(dict.fromkeys(job.requirements()))
        self._bare = _keep(job, lambda _: False)
        self._candidates = self._meeting(job)
        self._fitting = self._meeting(self._bare)
        self._alone = {each: _keep(job, each.__eq__) for each in self._requirements}
        self._enough = {each: self._meeting(alone) for each, alone in self._alone.items()}
        self._some = {each: self._meeting(_anywhere(job, each)) for each in self._requirements}
        self._without = {each: self._meeting(_keep(job, each.__ne__)) for each in self._requirements}
        self._values = {each: self._there(each) for each in self._requirements}

    def answer(self, cluster: Cluster, judgement: Judgement) -> Answer:
        """Return the answer of one cluster."""
        name = cluster.name
        fits = name in self._fitting
        findings = tuple(self._finding(cluster, each, fits) for each in self._requirements)
        failing = [finding.requirement for finding in findings if not finding.met]
        candidate = name in self._candidates
        return Answer(
            name,
            candidate,
            judgement.score,
            judgement.reason,
            fits,
            () if fits else shortfalls(cluster, self._bare),
            findings,
            combination=not candidate and fits and all(finding.met for finding in findings),
            near=fits and len(failing) == 1 and name in self._without[failing[0]],
        )

    def _finding(self, cluster: Cluster, requirement: Requirement, fits: bool) -> Finding:
        name = cluster.name
        some = name in self._some[requirement]
        met = name in self._enough[requirement] if fits else some
        has = self._values[requirement].get(name, [])
        return Finding(
            requirement,
            met,
            some,
            tuple(has),
            () if met else tuple(text for text in _values(cluster, requirement) if text not in has),
            shortfalls(cluster, self._alone[requirement]) if some and not met else (),
        )

    def _there(self, requirement: Requirement) -> dict[str, list[str]]:
        """Return, by cluster, the values in a requirement's field on vertices of the types it is asked of."""
        texts = {text for cluster in self._study.experiment.clusters for text in _values(cluster, requirement)}
        found: dict[str, list[str]] = {}
        for text in sorted(texts, key=_order):
            having = Requirement(requirement.subsystem, requirement.field, match=text)
            groups = _anywhere(self._job, requirement, having).groups
            for name in {name for group in groups.items() for name in self._meeting(Jobspec("", dict([group])))}:
                found.setdefault(name, []).append(text)
        return found

    def _meeting(self, job: Jobspec) -> frozenset[str]:
        return frozenset(self._study.index.candidates(job))


def _keep(job: Jobspec, wanted: Callable[[Requirement], object]) -> Jobspec:
    """Return the jobspec with some of its requirements."""

    def kept(resource: Resource) -> Resource:
        return replace(
            resource,
            requires=tuple(each for each in resource.requires if wanted(each)),
            within=tuple(kept(child) for child in resource.within),
        )

    return replace(job, groups={name: kept(group) for name, group in job.groups.items()})


def _anywhere(job: Jobspec, requirement: Requirement, instead: Requirement | None = None) -> Jobspec:
    """Return a jobspec that asks for one vertex of each type which has to meet a requirement (or `instead`)."""
    types = dict.fromkeys(
        resource.type for group in job.groups.values() for resource in group.every() if requirement in resource.requires
    )
    groups: Mapping[str, Resource] = {type: Resource(type, 1, True, (instead or requirement,)) for type in types}
    return Jobspec(job.name, groups)


def _values(cluster: Cluster, requirement: Requirement) -> list[str]:
    """Return every value in a requirement's field in the cluster, sorted; versions in their order."""
    graph = cluster.subsystems.get(requirement.subsystem)
    vertices = graph.vertices.values() if graph else ()
    texts = {text for vertex in vertices for field, text in vertex.attributes if field == requirement.field}
    return sorted(texts, key=_order)


def _order(text: str) -> tuple[bool, object, str]:
    version = parse_version(text)
    return (version is None, version.low if version else (), text)


def plain_explanation(explanation: Explanation) -> dict[str, Any]:
    """Return it as dicts, lists, texts and numbers."""
    return {
        "experiment": explanation.experiment,
        "job": explanation.job,
        "level": explanation.level,
        "clusters": [_plain_answer(answer) for answer in explanation.answers],
        "near_misses": [answer.cluster for answer in explanation.near_misses],
        "nearest": [answer.cluster for answer in explanation.nearest],
        "published": _plain_course(explanation.published),
        "prefix": _plain_course(explanation.prefix),
    }


def _plain_answer(answer: Answer) -> dict[str, Any]:
    return {
        "cluster": answer.cluster,
        "candidate": answer.candidate,
        "score": float(answer.score),
        "reason": answer.reason,
        "resources": answer.resources,
        "short": [_plain_shortfall(each) for each in answer.short],
        "requirements": [
            {
                **asdict(finding.requirement),
                "met": finding.met,
                "some": finding.some,
                "has": list(finding.has),
                "elsewhere": list(finding.elsewhere),
                "short": [_plain_shortfall(each) for each in finding.short],
            }
            for finding in answer.findings
        ],
        "combination": answer.combination,
        "near": answer.near,
    }


def _plain_shortfall(short: Shortfall) -> dict[str, Any]:
    within = [{"count": count, "type": type} for count, type in short.within]
    return {"type": short.type, "asked": short.asked, "there": short.there, "within": within}


def _plain_course(course: Course) -> dict[str, Any]:
    steps = [{**asdict(step), "candidates": step.candidates} for step in course.steps]
    return {"levels": steps, "lost_good": course.lost_good, "lost_bad": course.lost_bad}
