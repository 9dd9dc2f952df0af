"""Running a level through schedulers that behave and schedulers that do not."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from pytest_compat.declare.catalog import Experiment
from pytest_compat.errors import SchedulerError, SchedulerUnavailable
from pytest_compat.model import Cluster, Jobspec
from pytest_compat.records import LevelRun
from pytest_compat.run.level import LevelRunner
from pytest_compat.run.world import RunOptions, Worlds
from pytest_compat.schedulers import Scheduler, SchedulerOptions
from pytest_compat.schedulers.reference import ReferenceScheduler


def run(
    experiment: Experiment, scheduler: Scheduler, level: str = "os", *, seed: int = 0, iterations: int = 3
) -> LevelRun:
    scheduler.open(experiment.clusters)
    runner = LevelRunner(experiment, scheduler, name="fake", seed=seed, iterations=iterations)
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

    def submit(self, jobspec: Jobspec, name: str, key: str) -> str | None:
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


def test_candidates_come_sorted_and_once_with_their_scores(experiment: Experiment) -> None:
    class Untidy(ReferenceScheduler):
        def candidates(self, jobspec: Jobspec) -> list[str]:
            return list(reversed(super().candidates(jobspec))) * 2

    first, _ = run(experiment, Untidy()).facts.candidates
    assert first.clusters == ("rocky-mpich", "rocky-openmpi")
    assert first.scores == (1.0, 0.5)


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

        def submit(self, jobspec: Jobspec, name: str, key: str) -> str | None:
            cluster = super().submit(jobspec, name, key)
            self._live("submit")
            return cluster

        def receive(self, cluster: str) -> list[str]:
            jobs = super().receive(cluster)
            self._live("receive")
            return jobs

    scheduler = Mortal()
    scheduler.open(experiment.clusters)
    runner = LevelRunner(experiment, scheduler, name="fake", seed=0, iterations=3)
    first, second = (runner.run(level) for level in experiment.levels.resolve(["os", "none"]))
    assert scheduler.calls[-1][0] == dies_in
    assert len([call for call in scheduler.calls if call[0] == dies_in]) == 1
    assert {each.outcome for each in (*first.submissions, *second.submissions)} == {"error"}
    assert {each.reason for each in second.submissions} == {"rest in peace"}
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
    runner = LevelRunner(experiment, scheduler, name="fake", seed=0, iterations=2)
    for level in experiment.levels.resolve(["os", "none"]):
        assert {each.outcome for each in runner.run(level).submissions} == {"error"}


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
    assert Worlds(RunOptions(options, iterations=0)).level(experiment, level).facts.iterations == 0
