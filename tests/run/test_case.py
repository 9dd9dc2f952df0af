"""What a test sees of a case."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_compat.declare.catalog import Experiment
from pytest_compat.errors import SchedulerError
from pytest_compat.model import Jobspec
from pytest_compat.records import LevelRun
from pytest_compat.run.case import Case
from pytest_compat.run.level import LevelRunner
from pytest_compat.schedulers import Assignment
from pytest_compat.schedulers.reference import ReferenceScheduler


class Odd(ReferenceScheduler):
    """Fails to name the candidates of one job, to submit the other, and to tell one cluster anything."""

    def candidates(self, jobspec: Jobspec) -> list[str]:
        if jobspec.name == "first":
            raise SchedulerError("no comment")
        return super().candidates(jobspec)

    def submit(self, jobspec: Jobspec, name: str, key: str) -> Assignment:
        if jobspec.name == "second":
            raise SchedulerError("out of ink")
        return super().submit(jobspec, name, key)

    def receive(self, cluster: str) -> list[str]:
        if cluster == "ubuntu-mpich":
            raise SchedulerError("on fire")
        return super().receive(cluster)


def run(experiment: Experiment, scheduler: ReferenceScheduler) -> LevelRun:
    scheduler.open(experiment.clusters)
    runner = LevelRunner(experiment, scheduler, name="fake", seed=0)
    (level,) = experiment.levels.resolve(["os"])
    return runner.run(level)


def test_checking_a_case_without_errors_is_nothing(experiment: Experiment) -> None:
    found = run(experiment, ReferenceScheduler())
    for cluster in (None, *found.facts.design.clusters):
        case = Case.of(found, cluster)
        assert case.errors == []
        case.check()


@pytest.mark.parametrize(
    ("cluster", "errors"),
    [
        (None, ["out of ink", "candidates of first: no comment", "on fire"]),
        ("ubuntu-mpich", ["on fire"]),
        ("ubuntu-openmpi", []),
    ],
)
def test_checking_fails_with_each_reason_once(experiment: Experiment, cluster: str | None, errors: list[str]) -> None:
    case = Case.of(run(experiment, Odd()), cluster)
    assert case.errors == errors
    if errors:
        with pytest.raises(AssertionError) as caught:
            case.check()
        assert str(caught.value).splitlines() == errors


def test_a_budget_leaves_errors_to_its_gate(experiment: Experiment) -> None:
    case = Case.of(run(experiment, Odd()), None, budgeted=True)
    assert len(case.errors) == 3
    case.check()


def test_figures_count_the_reasons_of_ground_truth_and_not_those_of_errors(experiment: Experiment) -> None:
    found = run(experiment, ReferenceScheduler())
    reasons = ["missing gpu", "abi", "missing gpu", "", "out of ink", ""]
    outcomes = ["incorrect"] * 4 + ["error", "correct"]
    submissions = tuple(
        replace(each, reason=reason, outcome=outcome)
        for each, reason, outcome in zip(found.submissions, reasons, outcomes, strict=True)
    )
    properties = Case.of(replace(found, submissions=submissions), None).properties
    assert properties[-5:] == [
        ("compat_correct", 1),
        ("compat_error", 1),
        ("compat_incorrect", 4),
        ("compat_reason: abi", 1),
        ("compat_reason: missing gpu", 2),
    ]


def test_accuracy_is_of_the_submissions_of_the_case(experiment: Experiment) -> None:
    found = run(experiment, ReferenceScheduler())
    assert Case.of(found, None).accuracy == sum(each.score for each in found.submissions) / 6
    assert Case.of(replace(found, submissions=()), None).accuracy is None
    at = {cluster: Case.of(found, cluster).submissions for cluster in found.facts.design.clusters}
    assert sum(map(len, at.values())) == 6
