"""Running a level through schedulers that behave and schedulers that do not."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

import pytest

from pytest_compat.declare.catalog import Experiment
from pytest_compat.errors import SchedulerError, SchedulerUnavailable
from pytest_compat.model import Cluster, Jobspec
from pytest_compat.records import Disagreement, LevelRun
from pytest_compat.run import level as levels
from pytest_compat.run.level import LevelRunner
from pytest_compat.run.rounds import Sampling
from pytest_compat.run.world import RunOptions, Worlds
from pytest_compat.schedulers import Assignment, Scheduler, SchedulerOptions
from pytest_compat.schedulers.reference import ReferenceScheduler


def run(
    experiment: Experiment, scheduler: Scheduler, level: str = "os", *, seed: int = 0, iterations: int = 3
) -> LevelRun:
    scheduler.open(experiment.clusters)
    runner = LevelRunner(experiment, scheduler, name="fake", seed=seed, sampling=Sampling(iterations))
    (resolved,) = experiment.levels.resolve([level])
    return runner.run(resolved)


class Recording(ReferenceScheduler):
    """Writes down what it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[str, ...]] = []
        self.shown: set[str] = set()

    def candidates(self, jobspec: Jobspec) -> list[str]:
        self.calls.append(("candidates", jobspec.name))
        return super().candidates(jobspec)

    def submit(self, jobspec: Jobspec, name: str, key: str) -> Assignment:
        self.calls.append(("submit", name, key))
        self.shown |= jobspec.subsystems
        return super().submit(jobspec, name, key)

    def receive(self, cluster: str) -> list[str]:
        self.calls.append(("receive", cluster))
        return super().receive(cluster)


def test_every_submission_has_a_name_and_a_key_of_its_own(experiment: Experiment) -> None:
    scheduler = Recording()
    run(experiment, scheduler)
    submitted = [call[1:] for call in scheduler.calls if call[0] == "submit"]
    assert len(submitted) == 6
    assert len({name for name, _ in submitted}) == len({key for _, key in submitted}) == 6


def test_keys_name_seed_experiment_level_job_and_iteration(experiment: Experiment) -> None:
    scheduler = Recording()
    run(experiment, scheduler, seed=9)
    assert ("submit", "os/second/2", "9/tiny/os/second/2") in scheduler.calls


@pytest.mark.parametrize(("level", "shown"), [("none", set()), ("mpi", {"mpi"}), ("os+mpi", {"os", "mpi"})])
def test_a_scheduler_sees_what_its_level_reveals(experiment: Experiment, level: str, shown: set[str]) -> None:
    scheduler = Recording()
    run(experiment, scheduler, level)
    assert scheduler.shown == shown


def test_candidates_are_asked_once_per_job_and_every_cluster_receives_once(experiment: Experiment) -> None:
    scheduler = Recording()
    run(experiment, scheduler)
    assert [call[1] for call in scheduler.calls if call[0] == "candidates"] == ["first", "second"]
    assert [call[1] for call in scheduler.calls if call[0] == "receive"] == [each.name for each in experiment.clusters]


def test_without_iterations_nothing_is_submitted(experiment: Experiment) -> None:
    scheduler = Recording()
    found = run(experiment, scheduler, iterations=0)
    assert found.submissions == ()
    assert not [call for call in scheduler.calls if call[0] == "submit"]


def test_candidates_come_sorted_and_once_and_the_design_knows_their_scores(experiment: Experiment) -> None:
    class Untidy(ReferenceScheduler):
        def candidates(self, jobspec: Jobspec) -> list[str]:
            return list(reversed(super().candidates(jobspec))) * 2

    facts = run(experiment, Untidy()).facts
    first, _ = facts.candidates
    assert first.clusters == ("rocky-mpich", "rocky-openmpi")
    assert facts.design.scores(first) == (1, Fraction(1, 2))


def test_failing_to_name_candidates_does_not_stop_the_submissions(experiment: Experiment) -> None:
    class Shy(ReferenceScheduler):
        def candidates(self, jobspec: Jobspec) -> list[str]:
            raise SchedulerError("no comment")

    found = run(experiment, Shy())
    assert [each.reason for each in found.facts.candidates] == ["no comment", "no comment"]
    assert {each.outcome for each in found.submissions} <= {"correct", "compatible", "incorrect"}


@pytest.mark.parametrize("dies_in", ["candidates", "submit", "receive"])
def test_a_scheduler_that_is_gone_is_left_alone_at_every_later_level(experiment: Experiment, dies_in: str) -> None:
    class Mortal(Recording):
        def _live(self, call: str) -> None:
            if call == dies_in:
                raise SchedulerUnavailable("rest in peace")

        def candidates(self, jobspec: Jobspec) -> list[str]:
            super().candidates(jobspec)
            self._live("candidates")
            return []

        def submit(self, jobspec: Jobspec, name: str, key: str) -> Assignment:
            assignment = super().submit(jobspec, name, key)
            self._live("submit")
            return assignment

        def receive(self, cluster: str) -> list[str]:
            jobs = super().receive(cluster)
            self._live("receive")
            return jobs

    scheduler = Mortal()
    scheduler.open(experiment.clusters)
    runner = LevelRunner(experiment, scheduler, name="fake", seed=0, sampling=Sampling(3))
    first, second = (runner.run(level) for level in experiment.levels.resolve(["os", "none"]))
    assert scheduler.calls[-1][0] == dies_in
    assert len([call for call in scheduler.calls if call[0] == dies_in]) == 1
    assert {each.outcome for each in (*first.submissions, *second.submissions)} == {"error"}
    assert {each.reason for each in second.submissions} == {"not tried, the scheduler was lost: rest in peace"}
    assert [each.clusters for each in second.facts.candidates] == [None, None]


def test_a_job_that_comes_late_is_an_error_where_it_was_submitted_and_none_where_it_arrives(
    experiment: Experiment,
) -> None:
    class Late(ReferenceScheduler):
        kept: dict[str, list[str]]

        def open(self, clusters: Iterable[Cluster]) -> None:
            self.kept = {}
            super().open(clusters)

        def receive(self, cluster: str) -> list[str]:
            before, self.kept[cluster] = self.kept.get(cluster, []), super().receive(cluster)
            return before

    scheduler = Late()
    scheduler.open(experiment.clusters)
    runner = LevelRunner(experiment, scheduler, name="fake", seed=0, sampling=Sampling(2))
    for level in experiment.levels.resolve(["os", "none"]):
        assert {each.outcome for each in runner.run(level).submissions} == {"error"}


class Telling(ReferenceScheduler):
    """Says of `first`, time after time, what it is told to; to none of which it assigns anything of its own accord."""

    def __init__(self, *answers: list[str] | None) -> None:
        super().__init__()
        self.answers = list(answers)

    def candidates(self, jobspec: Jobspec) -> list[str]:
        if jobspec.name != "first":
            return super().candidates(jobspec)
        answer = self.answers.pop(0)
        if answer is None:
            raise SchedulerError("no comment")
        return answer

    def submit(self, jobspec: Jobspec, name: str, key: str) -> Assignment:
        if jobspec.name != "first":
            return super().submit(jobspec, name, key)
        return Assignment(None, self.answers.pop(0))


ROCKY = ["rocky-mpich", "rocky-openmpi"]


def outcomes(found: LevelRun) -> list[tuple[str, str]]:
    return [(each.outcome, each.reason) for each in found.submissions if each.job == "first"]


def test_an_answer_that_differs_from_the_first_is_an_error(experiment: Experiment) -> None:
    found = run(experiment, Telling(ROCKY, ["rocky-mpich"], list(reversed(ROCKY)), [*ROCKY, "ubuntu-mpich"]))
    less, same, more = outcomes(found)
    assert less == ("error", "answered differently than at first: rocky-openmpi is no candidate any more")
    assert same == ("missed", "")
    assert more == ("error", "answered differently than at first: ubuntu-mpich is a candidate now")


def test_an_error_about_many_clusters_names_one_and_counts_the_others(experiment: Experiment) -> None:
    found = run(experiment, Telling(ROCKY, ["ubuntu-mpich"]), iterations=1)
    assert outcomes(found) == [
        (
            "error",
            "answered differently than at first: rocky-mpich is no candidate any more, and 2 other clusters changed",
        )
    ]


def test_clusters_that_come_and_go_are_listed_also_where_most_answers_are_right(experiment: Experiment) -> None:
    facts = run(experiment, Telling(ROCKY, ROCKY, ["rocky-mpich"], [*ROCKY, "ubuntu-mpich"])).facts
    assert facts.disagreements == (
        Disagreement("first", "rocky-openmpi", said=True, expected=True, asked=4, said_times=3),
        Disagreement("first", "ubuntu-mpich", said=False, expected=False, asked=4, said_times=1),
    )
    assert [each.stable for each in facts.disagreements] == [False, False]
    assert (facts.differing, facts.unstable) == (2, 2)


def test_a_scheduler_that_is_wrong_each_time_is_stable(experiment: Experiment) -> None:
    wrong = ["rocky-mpich", "ubuntu-mpich"]
    found = run(experiment, Telling(wrong, wrong, wrong), iterations=2)
    assert found.facts.disagreements == (
        Disagreement("first", "rocky-openmpi", said=False, expected=True, asked=3, said_times=0),
        Disagreement("first", "ubuntu-mpich", said=True, expected=False, asked=3, said_times=3),
    )
    assert all(each.stable for each in found.facts.disagreements)
    assert outcomes(found) == [("missed", ""), ("missed", "")]


def test_where_the_first_answer_failed_the_second_is_the_first(experiment: Experiment) -> None:
    found = run(experiment, Telling(None, ROCKY, ["rocky-mpich"]), iterations=2)
    assert [outcome for outcome, _ in outcomes(found)] == ["missed", "error"]
    (flipped,) = found.facts.disagreements
    assert (flipped.asked, flipped.said_times, flipped.said) == (2, 1, True)


def test_a_scheduler_that_does_not_tell_its_candidates_is_asked_once(experiment: Experiment) -> None:
    class Silent(ReferenceScheduler):
        def candidates(self, jobspec: Jobspec) -> list[str]:
            return ["ubuntu-mpich"]

        def submit(self, jobspec: Jobspec, name: str, key: str) -> Assignment:
            return Assignment(super().submit(jobspec, name, key).cluster)

    found = run(experiment, Silent())
    assert not [each for each in found.submissions if each.reason]
    assert {each.asked for each in found.facts.disagreements} == {1}


def test_a_cluster_that_is_none_of_its_own_candidates_is_an_error(experiment: Experiment) -> None:
    class Absent(ReferenceScheduler):
        def submit(self, jobspec: Jobspec, name: str, key: str) -> Assignment:
            given = super().submit(jobspec, name, key).cluster
            others = [each for each in super().candidates(jobspec) if each != given]
            return Assignment(given, others)

    found = run(experiment, Absent(), iterations=1)
    assert all(each.reason.endswith("which it did not call a candidate") for each in found.submissions)


def test_disagreements_are_kept_up_to_a_number_and_of_every_job(
    experiment: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Hopeful(ReferenceScheduler):
        def candidates(self, jobspec: Jobspec) -> list[str]:
            return [each.name for each in experiment.clusters]

        def submit(self, jobspec: Jobspec, name: str, key: str) -> Assignment:
            return Assignment(None)

    monkeypatch.setattr(levels, "MAX_DISAGREEMENTS", 3)
    facts = run(experiment, Hopeful(), "os+mpi").facts
    assert [each.job for each in facts.disagreements] == ["first", "first", "second"]
    assert (facts.differing, facts.unstable) == (6, 0)


def test_worlds_start_another_server_where_one_level_was_the_end_of_it(
    experiment: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[Mortal] = []
    closed = []

    class Mortal(ReferenceScheduler):
        def open(self, clusters: Iterable[Cluster]) -> None:
            started.append(self)
            super().open(clusters)

        def candidates(self, jobspec: Jobspec) -> list[str]:
            if "mpi" in jobspec.subsystems:
                raise SchedulerUnavailable("rest in peace")
            return super().candidates(jobspec)

        def close(self) -> None:
            closed.append(self)

    monkeypatch.setattr("pytest_compat.run.world.create_scheduler", lambda options: Mortal())
    worlds = Worlds(RunOptions(SchedulerOptions("rainbow")))
    runs = [worlds.level(experiment, level) for level in experiment.levels.resolve(["os", "os+mpi", "none"])]
    assert [{each.outcome for each in run.submissions} == {"error"} for run in runs] == [False, True, False]
    assert len(started) == 2
    assert closed == started[:1]
    worlds.close()
    assert closed == started


def test_worlds_ask_a_scheduler_that_does_not_open_once(experiment: Experiment) -> None:
    opened = []

    class Closed(ReferenceScheduler):
        def open(self, clusters: Iterable[Cluster]) -> None:
            opened.append(self)
            raise SchedulerError("closed")

    worlds = Worlds(RunOptions(SchedulerOptions("mine", others={"mine": Closed})))
    for level in experiment.levels.resolve(["os", "none"]):
        with pytest.raises(SchedulerError, match="closed"):
            worlds.level(experiment, level)
    assert len(opened) == 1


def test_worlds_close_every_scheduler_they_made(experiment: Experiment) -> None:
    closed = []

    class Closing(ReferenceScheduler):
        def close(self) -> None:
            closed.append(self)

    worlds = Worlds(RunOptions(SchedulerOptions("mine", others={"mine": Closing})))
    (level,) = experiment.levels.resolve(["os"])
    assert worlds.level(experiment, level) is worlds.level(experiment, level)
    assert closed == []
    worlds.close()
    assert len(closed) == 1


def test_iterations_of_the_experiment_unless_told_otherwise(experiment: Experiment) -> None:
    (level,) = experiment.levels.resolve(["os"])
    options = SchedulerOptions("reference")
    assert Worlds(RunOptions(options)).level(experiment, level).facts.iterations == 3
    assert Worlds(RunOptions(options, sampling=Sampling(0))).level(experiment, level).facts.iterations == 0


def test_every_call_that_succeeds_is_timed(experiment: Experiment) -> None:
    class Tired(ReferenceScheduler):
        def submit(self, jobspec: Jobspec, name: str, key: str) -> Assignment:
            if jobspec.name == "second":
                raise SchedulerError("out of ink")
            return super().submit(jobspec, name, key)

    found = run(experiment, Tired())
    assert {phase: len(each) for phase, each in found.durations.items()} == {"match": 2, "submit": 3}
    assert {phase: each["count"] for phase, each in found.facts.timings.items()} == {"match": 2, "submit": 3}
    for each in found.facts.timings.values():
        assert 0 <= each["median"] <= each["p99"]


def test_the_design_is_what_is_measured(experiment: Experiment) -> None:
    design = run(experiment, ReferenceScheduler()).facts.design
    assert design.version == experiment.version
    assert (design.order, design.levels) == (("os", "mpi"), ("none", "os", "os+mpi"))
    assert design.jobs == ("first", "second")
    assert design.truth == {
        "first": {"rocky-mpich": 1, "rocky-openmpi": Fraction(1, 2)},
        "second": {"ubuntu-mpich": Fraction(1, 2), "ubuntu-openmpi": 1},
    }
