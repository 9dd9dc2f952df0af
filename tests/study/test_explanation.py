"""Why not: requirements held against clusters, what is there instead, and what becomes of candidates."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings

from pytest_compat.declare.catalog import Experiment, find_experiment, load_experiment
from pytest_compat.declare.levels import Levels
from pytest_compat.declare.rules import Rule
from pytest_compat.matching import Index
from pytest_compat.model import Cluster, Graph, Jobspec, Level, Requirement, Resource, Vertex
from pytest_compat.strategies import VALUES, jobspecs, pools
from pytest_compat.study.explain import Answer, Explanation, Finding, explain, plain_explanation
from pytest_compat.study.reference import Study
from pytest_compat.study.shortfall import Shortfall

FIXTURES = Path(__file__).parents[2] / "fixtures" / "graphs"
OS = Requirement("os", "os.full", match="rocky9")
GPU = Requirement("gpu", "available", match="yes")

ODD = f"""
experiment: odd
clusters:
  clusters:
    half: {{jgf: {FIXTURES / "half-gpu"}}}
    old:
      shape: {{node: 4, core: 8}}
      subsystems: {{os: {{os.full: rocky9}}, spack: {{version: "0.9.1"}}, hardware: {{hardware.gpu.available: "yes"}}}}
    new:
      shape: {{node: 2, core: 2}}
      subsystems: {{os: {{os.full: rocky9}}, spack: {{version: "0.22.1"}}, hardware: {{hardware.gpu.available: "yes"}}}}
    dev: {{shape: {{node: 4, core: 4}}, subsystems: {{os: {{os.full: rocky8}}, spack: {{version: develop}}}}}}
jobs:
  resources: {{type: node, replicas: 3, with: [{{type: core, count: 2}}]}}
  jobs:
    gpus: {{requires: {{os: {{os.full: rocky9}}, hardware: {{hardware.gpu.available: "yes"}}}}}}
    ranged: {{requires: {{spack: {{version: {{min: "0.20", max: "0.23"}}}}}}}}
    bare: {{}}
    wide:
      resources: {{type: node, replicas: 4, with: [{{type: core, count: 8}}]}}
      requires: {{mpi: {{mpi.name: mpich}}, os: {{os.full: rocky8}}}}
absent: [mpi]
levels: [none, single, prefix, mine: ["spack:version", os]]
"""


def study_of(path: Path, text: str) -> Study:
    path.write_text(text, encoding="utf-8")
    load_experiment.cache_clear()
    return Study(load_experiment(path))


@pytest.fixture
def odd(tmp_path: Path) -> Study:
    return study_of(tmp_path / "odd.yaml", ODD)


@pytest.fixture(scope="module")
def lammps() -> Study:
    return Study(load_experiment(find_experiment("lammps", Path(__file__).parent)))


def ask(study: Study, job: str, level: str | None = None) -> Explanation:
    (asked,) = (each for each in study.experiment.jobs if each.name == job)
    return explain(study, asked, study.experiment.levels.resolve([level])[0] if level else None)


def answers(study: Study, job: str, level: str | None = None) -> dict[str, Answer]:
    return {answer.cluster: answer for answer in ask(study, job, level).answers}


def told(finding: Finding) -> tuple[bool, bool, tuple[str, ...]]:
    return finding.met, finding.some, finding.has


def drawn(clusters: tuple[Cluster, ...], *jobs: Jobspec) -> Experiment:
    rules = (Rule("1", frozenset()), Rule("0.5", frozenset({"gpu"})))
    return Experiment("drawn", Path("experiment.yaml"), clusters, jobs, Levels(tuple(VALUES)), rules, iterations=1)


def mixed(*nodes: dict[Requirement, str]) -> Cluster:
    """Build a cluster of one node for each mapping of what hangs on it."""
    subsystems: dict[str, Graph] = {}
    for requirement in dict.fromkeys(each for node in nodes for each in node):
        having = {str(place): node[requirement] for place, node in enumerate(nodes) if requirement in node}
        subsystems[requirement.subsystem] = Graph(
            {f"v{host}": Vertex("x", 1, ((requirement.field, text),)) for host, text in having.items()},
            tuple((host, f"v{host}") for host in having),
        )
    return Cluster("mixed", Graph({str(place): Vertex("node") for place in range(len(nodes))}), subsystems)


def nodes(count: int, *requires: Requirement, within: tuple[Resource, ...] = ()) -> Jobspec:
    return Jobspec("job", {"g": Resource("node", count, True, requires, within)})


def answer(cluster: Cluster, job: Jobspec) -> Answer:
    (found,) = explain(Study(drawn((cluster,), job)), job).answers
    return found


class TestFindings:
    def test_each_requirement_with_what_is_there(self, lammps: Study) -> None:
        found = answers(lammps, "mpich-ubuntu-20.04-amd64")["amd64-rocky8-mpich-gpu"]
        assert {each.requirement.subsystem: told(each) for each in found.findings} == {
            "io.archspec": (True, True, ("amd64",)),
            "os": (False, False, ("rocky8",)),
            "mpi": (True, True, ("mpich",)),
            "hardware": (False, False, ("yes",)),
        }
        assert (found.candidate, found.score, found.resources, found.near) == (False, 0, True, False)

    def test_a_level_hides_what_it_does_not_show(self, lammps: Study) -> None:
        found = answers(lammps, "mpich-ubuntu-20.04-amd64", "mpi")["amd64-rocky8-mpich-gpu"]
        assert [each.requirement.subsystem for each in found.findings] == ["mpi"]
        assert found.candidate
        assert found.score == 0

    @pytest.mark.parametrize(
        ("cluster", "has", "met"),
        [("dev", ("develop",), False), ("half", (), False), ("new", ("0.22.1",), True), ("old", ("0.9.1",), False)],
    )
    def test_of_a_range_the_versions_that_are_there(
        self, odd: Study, cluster: str, has: tuple[str, ...], met: bool
    ) -> None:
        (finding,) = answers(odd, "ranged")[cluster].findings
        assert told(finding) == (met, met, has)

    def test_versions_stand_in_their_order(self) -> None:
        version = Requirement("spack", "version", min="2")
        cluster = mixed({version: "1.10"}, {version: "develop"}, {version: "1.9"})
        assert answer(cluster, nodes(1, version)).findings[0].has == ("1.9", "1.10", "develop")

    def test_a_subsystem_of_no_cluster_is_not_there(self, odd: Study) -> None:
        assert {told(each.findings[0]) for each in answers(odd, "wide").values()} == {(False, False, ())}

    def test_a_job_that_requires_nothing_is_kept_out_by_resources_alone(self, odd: Study) -> None:
        found = answers(odd, "bare")
        assert {name for name, each in found.items() if not each.candidate} == {"new"}
        assert (found["new"].findings, found["new"].resources) == ((), False)

    def test_what_hangs_elsewhere_is_said_to(self) -> None:
        containment = Graph({"r": Vertex("rack"), "n": Vertex("node")}, (("r", "n"),))
        os = Graph({"o": Vertex("os", 1, (("os.full", "rocky9"),))}, (("r", "o"),))
        (finding,) = answer(Cluster("c", containment, {"os": os}), nodes(1, OS)).findings
        assert (told(finding), finding.elsewhere) == ((False, False, ()), ("rocky9",))


class TestCombination:
    def test_some_vertices_are_not_enough(self, odd: Study) -> None:
        half = answers(odd, "gpus")["half"]
        (os, gpu) = half.findings
        assert (told(os), told(gpu)) == ((True, True, ("rocky9",)), (False, True, ("no", "yes")))
        assert gpu.short == (Shortfall("node", 3, 2),)
        assert not half.combination  # one requirement that too few vertices meet says it all
        assert half.near

    def test_each_is_met_by_other_vertices(self) -> None:
        apart = answer(mixed({OS: "rocky9"}, {GPU: "yes"}), nodes(1, OS, GPU))
        assert (apart.candidate, apart.failing, apart.combination, apart.near) == (False, (), True, False)

    def test_what_is_not_there_at_all_is_no_combination(self) -> None:
        found = answer(mixed({OS: "rocky9"}, {GPU: "no"}), nodes(1, OS, GPU))
        assert not found.combination
        assert found.near

    def test_a_cluster_that_fails_one_and_a_combination_of_the_rest_is_no_near_miss(self) -> None:
        mpi = Requirement("mpi", "mpi.implementation", match="mpich")
        found = answer(mixed({OS: "rocky9"}, {GPU: "yes"}, {mpi: "openmpi"}), nodes(1, OS, GPU, mpi))
        assert [each.requirement for each in found.failing] == [mpi]
        assert not found.near


class TestResources:
    def test_what_falls_short_is_said_with_how_much_there_is(self, odd: Study) -> None:
        found = {name: each.short for name, each in answers(odd, "wide").items()}
        assert found == {
            "dev": (Shortfall("core", 8, 4, ((4, "node"),)),),
            "half": (Shortfall("core", 8, 2, ((4, "node"),)),),
            "new": (Shortfall("node", 4, 2),),
            "old": (),
        }
        assert str(found["dev"][0]) == "4 of 8 core in each of 4 node"
        assert str(found["new"][0]) == "2 of 4 node"

    def test_a_type_that_is_not_there_is_short_of_all(self) -> None:
        assert answer(mixed({}), nodes(1, within=(Resource("gpu", 2),))).short == (
            Shortfall("gpu", 2, 0, ((1, "node"),)),
        )

    def test_where_resources_fall_short_a_requirement_is_met_by_any_vertex(self, odd: Study) -> None:
        new = answers(odd, "gpus")["new"]
        assert [each.met for each in new.findings] == [True, True]
        assert (new.resources, new.combination, new.near) == (False, False, False)

    def test_requests_that_are_only_short_together_are_not_blamed_one_by_one(self) -> None:
        graph = Graph({"n": Vertex("node"), "a": Vertex("core"), "b": Vertex("core")}, (("n", "a"), ("n", "b")))
        found = answer(Cluster("c", graph), nodes(1, within=(Resource("core", 1), Resource("core", 2))))
        assert (found.resources, found.short) == (False, ())


class TestNearest:
    def test_near_misses_are_one_requirement_away_best_scores_first(self, lammps: Study) -> None:
        found = ask(lammps, "mpich-ubuntu-20.04-amd64").near_misses
        assert len(found) == 1 + 3 + 2 + 1
        assert {len(each.failing) for each in found} == {1}
        assert (found[0].cluster, found[0].score) == ("amd64-ubuntu20.04-mpich-gpu", Fraction(1, 2))
        assert [each.cluster for each in found[1:]] == sorted(each.cluster for each in found[1:])

    def test_the_nearest_have_the_resources_and_fail_least(self, odd: Study) -> None:
        assert [each.cluster for each in ask(odd, "wide").nearest] == ["old", "dev", "half", "new"]

    def test_at_most_five_count_as_nearest(self, lammps: Study) -> None:
        assert len(ask(lammps, "mpich-ubuntu-20.04-amd64").nearest) == 5


class TestCourse:
    def test_candidates_by_score_as_subsystems_are_added(self, lammps: Study) -> None:
        course = ask(lammps, "mpich-ubuntu-20.04-amd64").prefix
        assert [
            (step.level, step.candidates, step.correct, step.compatible, step.incorrect) for step in course.steps
        ] == [
            ("none", 48, 1, 1, 46),
            ("io.archspec", 24, 1, 1, 22),
            ("io.archspec+os", 6, 1, 1, 4),
            ("io.archspec+os+mpi", 2, 1, 1, 0),
            ("io.archspec+os+mpi+hardware", 1, 1, 0, 0),
        ]
        assert (course.lost_good, course.lost_bad) == (None, "io.archspec+os+mpi")

    def test_published_levels_stand_in_their_order(self, odd: Study) -> None:
        course = ask(odd, "gpus").published
        assert [step.level for step in course.steps][:3] == ["none", "os", "hardware"]
        assert course.steps[-1].level == "mine"
        assert course.lost_bad is None  # `mine` has one again that `hardware` had lost

    def test_a_job_can_lose_its_last_good_candidate(self, tmp_path: Path) -> None:
        study = study_of(
            tmp_path / "e.yaml",
            """
            experiment: strict
            clusters: {subsystems: {os: {os.full: [rocky8, rocky9]}, gpu: {available: ["no"]}}}
            jobs: {jobs: {one: {requires: {os: {os.full: rocky8}, gpu: {available: "yes"}}}}}
            truth: [{score: 0.5, unmet: [gpu]}]
            """,
        )
        course = ask(study, "one").prefix
        assert (course.lost_good, course.lost_bad) == ("os+gpu", "os")

    def test_a_job_that_never_had_a_good_one_lost_it_at_the_start(self, odd: Study) -> None:
        assert ask(odd, "wide").prefix.lost_good == "none"

    def test_levels_do_not_depend_on_the_one_that_is_looked_at(self, lammps: Study) -> None:
        job = "mpich-ubuntu-20.04-amd64"
        assert ask(lammps, job, "os").prefix == ask(lammps, job).prefix


def test_one_cluster_can_be_asked_about_alone(lammps: Study) -> None:
    job = lammps.experiment.jobs[0]
    alone = explain(lammps, job, cluster="arm64-rocky8-mpich-gpu").answers
    assert alone == tuple(each for each in explain(lammps, job).answers if each.cluster == "arm64-rocky8-mpich-gpu")
    assert len(alone) == 1


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(pools(), jobspecs())
def test_every_cluster_that_will_not_do_has_a_reason(clusters: tuple[Cluster, ...], job: Jobspec) -> None:
    found = explain(Study(drawn(clusters, job)), job)
    assert {each.cluster for each in found.answers if each.candidate} == set(Index(clusters).candidates(job))
    bare = set(Index(clusters).candidates(Level("none").show(job)))
    for each in found.answers:
        assert each.resources == (each.cluster in bare)
        assert each.candidate == (each.resources and not each.failing and not each.combination)
        assert not (each.resources and each.short)
        assert not (each.near and each.candidate)
        for short in (*each.short, *(short for finding in each.findings for short in finding.short)):
            assert 0 <= short.there < short.asked
        for finding in each.findings:
            assert finding.some or not finding.met
            if finding.requirement.match is not None and finding.some:
                assert finding.requirement.match in finding.has
            assert not set(finding.has) & set(finding.elsewhere)


def test_the_plain_form_says_the_same(odd: Study) -> None:
    plain: dict[str, Any] = plain_explanation(ask(odd, "gpus"))
    assert yaml.safe_load(yaml.safe_dump(plain)) == plain
    (half,) = (each for each in plain["clusters"] if each["cluster"] == "half")
    short = [{"type": "node", "asked": 3, "there": 2, "within": []}]
    assert half == {
        "cluster": "half",
        "candidate": False,
        "score": 0.0,
        "reason": "",
        "resources": True,
        "short": [],
        "requirements": [
            {
                **{"subsystem": "os", "field": "os.full", "match": "rocky9", "min": None, "max": None},
                **{"met": True, "some": True, "has": ["rocky9"], "elsewhere": [], "short": []},
            },
            {
                **{
                    "subsystem": "hardware",
                    "field": "hardware.gpu.available",
                    "match": "yes",
                    "min": None,
                    "max": None,
                },
                **{"met": False, "some": True, "has": ["no", "yes"], "elsewhere": [], "short": short},
            },
        ],
        "combination": False,
        "near": True,
    }
    assert (plain["level"], plain["near_misses"]) == (None, ["half"])
    assert plain["nearest"][0] == "half"
    assert plain["prefix"]["levels"][0] == {
        "level": "none",
        "candidates": 3,
        "correct": 1,
        "compatible": 0,
        "incorrect": 2,
    }
    assert plain["prefix"]["lost_good"] is None
