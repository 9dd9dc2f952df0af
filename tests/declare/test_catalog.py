"""Experiments are found, read and named, and what is wrong with one is said with file, place and remedy."""

from __future__ import annotations

import os
import re
import string
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_compat.declare.catalog import Experiment, load_experiment
from pytest_compat.declare.reading import load_yaml
from pytest_compat.errors import DeclarationError

EXPERIMENT = """
experiment: colours
clusters: {subsystems: {os: {os.full: [rocky8, rocky9]}, gpu: {available: ["yes", "no"]}}}
jobs: {jobs: {one: {requires: {os: {os.full: rocky8}, gpu: {available: "yes"}}}}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "suites" / "colours"
    path.mkdir(parents=True)
    return path


def load(folder: Path, text: str) -> Experiment:
    path = folder / "experiment.yaml"
    path.write_text(text, encoding="utf-8")
    load_experiment.cache_clear()
    return load_experiment(path)


def refused(folder: Path, text: str) -> DeclarationError:
    with pytest.raises(DeclarationError) as caught:
        load(folder, text)
    assert len(str(caught.value)) < 1500
    return caught.value


class TestReading:
    def test_an_experiment_may_be_written_out(self, folder: Path) -> None:
        found = load(folder, EXPERIMENT)
        assert [cluster.name for cluster in found.clusters] == ["rocky8-yes", "rocky8-no", "rocky9-yes", "rocky9-no"]
        assert [job.name for job in found.jobs] == ["one"]
        assert found.iterations == 20
        assert [level.name for level in found.levels.resolve(["all"])] == ["none", "os", "os+gpu"]

    @pytest.mark.parametrize(
        ("absent", "problem"), [("", "did you mean 'available'?"), ("absent: ['gpu:avilable']", "")]
    )
    def test_an_attribute_that_no_cluster_has_is_misspelt_or_meant(
        self, folder: Path, absent: str, problem: str
    ) -> None:
        text = EXPERIMENT.replace('{available: "yes"}', '{avilable: "yes"}') + absent
        if problem:
            with pytest.raises(DeclarationError, match=re.escape(problem)):
                load(folder, text)
        else:
            assert load(folder, text).jobs

    def test_levels_may_have_names(self, folder: Path) -> None:
        found = load(folder, f"{EXPERIMENT}levels: [none, {{system: [gpu, 'os:os.full']}}, {{nothing: []}}]")
        levels = found.levels.resolve(["all"])
        assert [level.name for level in levels] == ["none", "system", "nothing"]
        assert [level.reveals for level in levels] == [(), ("os:os.full", "gpu"), ()]

    def test_the_order_of_subsystems_may_be_declared(self, folder: Path) -> None:
        found = load(folder, f"{EXPERIMENT}order: [gpu, os]")
        assert [level.name for level in found.levels.resolve(["prefix"])] == ["gpu", "gpu+os"]

    def test_merge_keys_are_welcome(self, folder: Path) -> None:
        jobs = "jobs: {jobs: {one: &one {command: [x]}, two: {<<: *one}}}"
        found = load(folder, f"experiment: e\nclusters: {{clusters: {{red: {{}}}}}}\n{jobs}")
        assert [job.tasks[0].command for job in found.jobs] == [("x",), ("x",)]

    def test_subsystems_that_no_cluster_has_may_be_listed_as_absent(self, folder: Path) -> None:
        text = EXPERIMENT.replace("gpu: {available: [", "other: {available: [")
        assert load(folder, f"{text}absent: [gpu]").jobs

    def test_the_experiment_that_ships_is_one(self) -> None:
        path = Path(__file__).parents[2] / "suites" / "lammps" / "experiment.yaml"
        found = load_experiment(path)
        assert (len(found.clusters), len(found.jobs), len(found.levels.resolve(["all"]))) == (48, 18, 8)


class TestFinding:
    POOL = "{clusters: {near: {subsystems: {os: {os.full: rocky8}}}}}"

    def test_names_are_found_going_up(self, folder: Path, tmp_path: Path) -> None:
        (tmp_path / "clusters").mkdir()
        (tmp_path / "clusters" / "mine.yaml").write_text(self.POOL.replace("near", "far"))
        text = "experiment: e\nclusters: mine\njobs: {jobs: {one: {}}}"
        assert load(folder, text).clusters[0].name == "far"
        (folder / "clusters").mkdir()
        (folder / "clusters" / "mine.yaml").write_text(self.POOL)
        assert load(folder, text).clusters[0].name == "near"

    def test_what_ships_is_found_from_anywhere(self, folder: Path) -> None:
        found = load(folder, "experiment: mine\nclusters: lammps\njobs: lammps")
        assert (len(found.clusters), len(found.jobs)) == (48, 18)

    def test_a_path_is_relative_to_the_experiment(self, folder: Path) -> None:
        (folder.parent / "pool.yaml").write_text(self.POOL)
        assert load(folder, "experiment: e\nclusters: ../pool.yaml\njobs: {jobs: {one: {}}}").clusters[0].name == "near"

    def test_an_experiment_may_be_given_relative_to_the_working_folder(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        load(folder, EXPERIMENT)
        monkeypatch.chdir(folder)
        assert load_experiment(Path("experiment.yaml")).name == "colours"

    @pytest.mark.parametrize("name", ["lamps", "../lammps", "x" * 5000, "a\\0b", ""])
    def test_an_unknown_name_is_refused_with_the_known_ones(self, folder: Path, name: str) -> None:
        error = refused(folder, f'experiment: e\nclusters: "{name}"\njobs: lammps')
        assert error.path == "clusters"
        assert "unknown entry of clusters/" in error.problem
        assert "lammps" in error.problem

    @pytest.mark.parametrize("name", ["nowhere.yaml", "x" * 5000 + ".yaml", "a\\0b.yaml"])
    def test_a_missing_file_is_named(self, folder: Path, name: str) -> None:
        with pytest.raises(DeclarationError) as caught:
            load(folder, f'experiment: e\nclusters: "{name}"\njobs: lammps')
        assert caught.value.source.endswith(".yaml")
        assert "no such file" in caught.value.problem or "cannot be read" in caught.value.problem

    def test_a_missing_experiment_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(DeclarationError, match=r"experiment\.yaml: found no such file"):
            load_experiment(tmp_path / "experiment.yaml")

    def test_an_error_names_the_file_it_is_in(self, folder: Path) -> None:
        (folder / "pool.yaml").write_text("clusters: {red: {shape: {node: 0}}}")
        error = refused(folder, "experiment: e\nclusters: pool.yaml\njobs: lammps")
        assert (error.source, error.path) == (str(folder / "pool.yaml"), "clusters.red.shape.node")


class TestWhoTakesPart:
    LEVELS = """
levels:
- some: {reveals: [os], jobs: ["o*"], draw: job}
- others: [gpu]
"""
    TWO = EXPERIMENT.replace("jobs: {jobs: {", "jobs: {jobs: {two: {requires: {os: {os.full: rocky9}}}, ")

    def test_a_level_may_name_its_jobs_and_how_they_are_drawn(self, folder: Path) -> None:
        found = load(folder, self.TWO + self.LEVELS)
        some, others = found.levels.resolve(["all"])
        assert (some.name, some.reveals, some.jobs, some.draw) == ("some", ("os",), frozenset({"one"}), "job")
        assert (others.name, others.reveals, others.jobs, others.draw) == ("others", ("gpu",), None, "each")
        assert [job.name for job in some.among(found.jobs)] == ["one"]
        assert [job.name for job in others.among(found.jobs)] == ["two", "one"]

    def test_an_experiment_may_be_about_some_of_its_jobs(self, folder: Path) -> None:
        found = load(folder, self.TWO + "only: ['t*']")
        assert [job.name for job in found.jobs] == ["two"]
        assert found.levels.order == ("os", "gpu")  # what there is to reveal does not depend on who is asked

    def test_what_an_experiment_does_not_say_it_has_from_the_one_it_extends(self, folder: Path) -> None:
        base = load(folder, self.TWO + self.LEVELS + "iterations: 7")
        (folder / "other.yaml").write_text("extends: experiment.yaml\nexperiment: other\nlevels: [none]")
        found = load_experiment(folder / "other.yaml")
        assert (found.name, found.iterations, found.path.name) == ("other", 7, "other.yaml")
        assert [level.name for level in found.levels.resolve(["all"])] == ["none"]
        assert found.version == base.version

    @pytest.mark.parametrize(
        ("text", "problem"),
        [
            ("extends: nowhere.yaml", "nowhere.yaml: found no such file"),
            ("extends: other.yaml", "expected none in what others extend"),
            ("extends: experiment.yaml\nlevels: [moon]", "other.yaml: levels[0]: unknown level 'moon'"),
            ("extends: bare.yaml", "found no 'clusters', expected it here or in what this extends"),
            ("extends: 3", "extends: found 3, expected the path of an experiment"),
        ],
    )
    def test_what_cannot_be_extended_is_refused(self, folder: Path, text: str, problem: str) -> None:
        load(folder, EXPERIMENT)
        (folder / "bare.yaml").write_text("experiment: bare")
        (folder / "other.yaml").write_text(f"experiment: other\n{text}")
        with pytest.raises(DeclarationError) as caught:
            load_experiment(folder / "other.yaml")
        assert problem in str(caught.value)


class TestRefusals:
    def test_a_table_that_is_missing_is_named(self, folder: Path) -> None:
        error = refused(folder, f"{EXPERIMENT}truth: [{{scores: x.csv}}]")
        assert (error.source, error.problem) == (str(folder / "x.csv"), "found no such file")

    @pytest.mark.parametrize(
        ("text", "path", "problem"),
        [
            ("", "", "expected an experiment"),
            ("[]", "", "expected an experiment"),
            ("a: b: c", "", "found no YAML"),
            ("a: {", "", "found no YAML"),
            ("\x00", "", "found no YAML"),
            ('a: !!timestamp "x"', "", "found no YAML"),
            ("a: " + "[" * 100_000, "", "nested too deeply"),
            ("a: &a [*a]", "", "inside what it stands for"),
            ("experiment: a\nexperiment: b", "", "the key 'experiment' twice (line 2), expected unique names"),
            (f"{EXPERIMENT}iteration: 3", "", "unknown key 'iteration', did you mean 'iterations'?"),
            (EXPERIMENT.replace("colours", "a b"), "experiment", "expected a name of letters"),
            (EXPERIMENT.replace("experiment: colours", "description: x"), "", "found no 'experiment' among"),
            (f"{EXPERIMENT}iterations: -1", "iterations", "expected a whole number, 0 or more"),
            (f"{EXPERIMENT}iterations: 2.0", "iterations", "found 2.0, expected a whole number"),
            (f"{EXPERIMENT}iterations: yes", "iterations", "found True"),
            (f"{EXPERIMENT}order: [os]", "order", "found no 'gpu'"),
            (f"{EXPERIMENT}order: [os, gpus, gpu]", "order", "did you mean 'gpu'?"),
            (f"{EXPERIMENT}levels: []", "levels", "expected 1 or more entries"),
            (f"{EXPERIMENT}levels: [osx]", "levels[0]", "unknown level 'osx'"),
            (f"{EXPERIMENT}levels: [none, all]", "levels[1]", "found 'all'"),
            (f"{EXPERIMENT}levels: ['none, all']", "levels[0]", "found 'all'"),
            (f"{EXPERIMENT}levels: [{{single: [os]}}]", "levels[0]", "a name that is taken"),
            (f"{EXPERIMENT}levels: [{{os: [os]}}]", "levels[0]", "a name that is taken"),
            (f"{EXPERIMENT}levels: [{{a: [single]}}]", "levels[0]", "unknown level 'single'"),
            (f"{EXPERIMENT}levels: [{{a: ['os,gpu']}}]", "levels[0]", "unknown level 'os,gpu'"),
            (f"{EXPERIMENT}levels: [{{a: [os]}}, {{a: [gpu]}}]", "levels[1]", "a name that is taken"),
            (f"{EXPERIMENT}only: ['x*']", "only", "unknown job 'x*'"),
            (
                f"{EXPERIMENT}levels: [{{a: {{reveals: [os], jobs: [ones]}}}}]",
                "levels[0].a.jobs",
                "did you mean 'one'?",
            ),
            (f"{EXPERIMENT}levels: [{{a: {{reveals: [os], draw: dice}}}}]", "levels[0].a.draw", "each, job or cluster"),
            (f"{EXPERIMENT}levels: [{{a: {{jobs: [one]}}}}]", "levels[0].a", "'reveals'"),
            (f"{EXPERIMENT}truth: []", "truth", "expected 1 or more entries"),
            (f"{EXPERIMENT}truth: [{{score: 1, lacks: [mpi]}}]", "truth[0].lacks", "unknown subsystem 'mpi'"),
            (f"{EXPERIMENT}truth: [{{score: 1, lacks: []}}]", "truth[0].lacks", "expected 1 or more entries"),
            (f"{EXPERIMENT}truth: [{{score: 0, lacks: [os], unmet: [os]}}]", "truth[0]", "expected none here"),
            (f"{EXPERIMENT}truth: [{{score: 1, reason: slow}}]", "truth[0].score", "below 1, as there is a reason"),
            (f"{EXPERIMENT}truth: [{{score: 0, reason: ''}}]", "truth[0].reason", "found ''"),
            (f"{EXPERIMENT}truth: [{{reason: slow}}]", "truth[0]", "expected one of: score, scores, times"),
            (
                f"{EXPERIMENT}truth: [{{score: 1, scores: x.csv}}]",
                "truth[0]",
                "expected one of: score, scores, times",
            ),
            (f"{EXPERIMENT}published: [{{source: x, of: 0, points: {{}}}}]", "published[0].of", "1 or more"),
            (f"{EXPERIMENT}published: [{{source: x, of: 5, points: {{os: 6}}}}]", "published[0].points.os", "found 6"),
            (
                f"{EXPERIMENT}published: [{{source: x, of: 5, points: {{os: 1}}, reasons: {{os: {{slow: 1}}}}}}]",
                "published[0].reasons.os",
                "unknown reason 'slow'",
            ),
            (
                f"{EXPERIMENT}truth: [{{score: 0, reason: slow}}]\n"
                f"published: [{{source: x, of: 5, points: {{os: 1}}, reasons: {{os: {{slow: 6}}}}}}]",
                "published[0].reasons.os",
                "found 6 submissions, expected 5 at most",
            ),
            (f"{EXPERIMENT}truth: [{{score: 2}}]", "truth[0].score", "expected a number from 0 to 1"),
            (f"{EXPERIMENT}truth: [{{score: .nan}}]", "", "found .nan (line 5), expected a number that is finite"),
            (f"{EXPERIMENT}truth: [{{score: 1, unmet: [mpi]}}]", "truth[0].unmet", "unknown subsystem 'mpi'"),
            (f"{EXPERIMENT}truth: [{{score: 1, job: {{avilable: x}}}}]", "truth[0].job", "did you mean 'available'?"),
            (f"{EXPERIMENT}truth: [{{score: 1, cluster: {{x: y}}}}]", "truth[0].cluster", "unknown attribute 'x'"),
            (f"{EXPERIMENT}published: [{{source: x, of: 1, points: {{oss: 1}}}}]", "published[0].points", "'oss'"),
            (f"{EXPERIMENT}published: [{{source: x, of: .inf, points: {{}}}}]", "", "found .inf"),
            (
                EXPERIMENT.replace('"yes", "no"', "yes, no"),
                "clusters.subsystems.gpu.available[1]",
                "quote it to make it one",
            ),
            (
                EXPERIMENT.replace("rocky9", "9.5"),
                "clusters.subsystems.os.os.full[1]",
                "quote it to make it one",
            ),
            (EXPERIMENT.replace("rocky9", "2021-01-01"), "clusters.subsystems.os.os.full[1]", "expected a string"),
            (
                EXPERIMENT.replace("rocky9", "null"),
                "clusters.subsystems.os.os.full[1]",
                "found None, expected a string",
            ),
            (
                EXPERIMENT.replace('available: "yes"', "available: yes"),
                "jobs.jobs.one.requires.gpu.available",
                "quote it",
            ),
            (
                EXPERIMENT.replace("{available: [", "{1: ["),
                "",
                'found the key 1 (line 3), expected a string; quote it to make it one: "1"',
            ),
            (
                f"{EXPERIMENT}labels: {{no: x}}",
                "",
                "found the key False (line 5), expected a string; quote it to make it one",
            ),
            (
                EXPERIMENT.replace("[rocky8, rocky9]", "[]"),
                "clusters.subsystems.os.os.full",
                "expected 1 or more entries",
            ),
            (
                EXPERIMENT.replace("[rocky8, rocky9]", "[rocky8, rocky8]"),
                "clusters.subsystems.os.os.full",
                "expected each once",
            ),
            (EXPERIMENT.replace("rocky8}", "rocky8}, mpi: {x: y}"), "jobs", "unknown subsystem 'mpi'"),
            (EXPERIMENT.replace("gpu", "all"), "order", "a subsystem called 'all'"),
            (
                "experiment: e\njobs: lammps\nclusters: {clusters: {}}",
                "clusters.clusters",
                "expected 1 or more entries",
            ),
            ("experiment: e\njobs: lammps\nclusters: {}", "clusters", "expected one of: axes, listed"),
            ("experiment: e\njobs: {jobs: {}}\nclusters: lammps", "jobs.jobs", "expected 1 or more entries"),
            ("experiment: e\njobs: {jobs: {a: {}, a: {}}}\nclusters: lammps", "", "the key 'a' twice"),
            ("experiment: e\njobs: 7\nclusters: lammps", "jobs", "found 7"),
            (
                "experiment: e\njobs: lammps\nclusters: {shape: {node: 2.0}, clusters: {a: {}}}",
                "clusters.shape.node",
                "found 2.0",
            ),
        ],
    )
    def test_what_is_no_experiment_is_refused_where_it_is_wrong(
        self, folder: Path, text: str, path: str, problem: str
    ) -> None:
        error = refused(folder, text)
        assert error.source == str(folder / "experiment.yaml")
        assert error.path == path
        assert problem in error.problem

    def test_an_unreadable_file_is_refused(self, folder: Path) -> None:
        (folder / "experiment.yaml").write_bytes(b"\xff\xfe\xff")
        with pytest.raises(DeclarationError, match="cannot be read"):
            load_experiment(folder / "experiment.yaml")

    def test_a_folder_is_no_file(self, folder: Path) -> None:
        with pytest.raises(DeclarationError, match="cannot be read"):
            load_experiment(folder)

    @pytest.mark.parametrize("bomb", ["[%s]", "{<<: [%s]}"])
    def test_aliases_of_aliases_are_counted(self, folder: Path, bomb: str) -> None:
        lines = ["a0: &a0 {k: v}"]
        lines += [f"a{n}: &a{n} {bomb % ', '.join([f'*a{n - 1}'] * 10)}" for n in range(1, 20)]
        assert "more than 1000000 values" in refused(folder, "\n".join(lines)).problem

    @settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.integers(0, len(EXPERIMENT)), st.sampled_from([*"{}[]:,&*!|>-'\"%@`\t~1", "\n", "<<: *a", "? ", ""]))
    def test_no_slip_of_the_pen_raises_anything_else(self, folder: Path, place: int, slip: str) -> None:
        for text in (
            EXPERIMENT[:place] + slip + EXPERIMENT[place:],
            EXPERIMENT[:place] + slip + EXPERIMENT[place + 1 :],
        ):
            try:
                load(folder, text)
            except DeclarationError as error:
                assert error.source.startswith(os.fspath(folder))  # noqa: PT017, most slips do no harm


@given(st.text(alphabet=string.printable))
def test_yaml_from_anyone_is_yaml_or_refused(text: str) -> None:
    try:
        load_yaml(text)
    except DeclarationError as error:
        assert error.problem.startswith("found")  # noqa: PT017, some of it is YAML
