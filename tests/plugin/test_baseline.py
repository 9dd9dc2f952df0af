"""`--compat-baseline`, and `compare` on the same reports."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from compat_project import CHECK_TEST, EXPERIMENT, ODD_SCHEDULERS, Project

AGAINST = "--compat-baseline=baseline.json"
UPDATE = (AGAINST, "--compat-baseline-update")
WAYS = {"serial": (), "xdist": ("-n2",)}


@pytest.fixture(autouse=True)
def odd(project: Project) -> Project:
    """The project, with schedulers that misbehave, and a ground truth that knows right and wrong only."""
    project.pytester.makeconftest(ODD_SCHEDULERS)
    project.write("test_tiny.py", CHECK_TEST)
    project.write("experiment.yaml", EXPERIMENT.replace("- {score: 0.5, unmet: [mpi]}\n", ""))
    return project


def baseline(project: Project, *options: str) -> Path:
    """Write a baseline."""
    assert project.run(*UPDATE, *options).ret == 0
    return project.path / "baseline.json"


def compare(project: Project, *options: str) -> tuple[int, dict[str, Any]]:
    """Compare the last report with the baseline offline; return the exit status and the report of that."""
    path = project.path / "offline.json"
    status = project.offline(
        "compare", project.path / "baseline.json", project.path / "report.json", f"--report={path}", *options
    )
    return status, project.read("offline.json")


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
def test_a_missing_baseline_fails_and_is_written_for_the_next_run(project: Project, way: tuple[str, ...]) -> None:
    first = project.run(AGAINST, *way)
    assert first.ret == pytest.ExitCode.TESTS_FAILED
    first.stdout.fnmatch_lines(["FAILED: *", "*there was no baseline, so *baseline.json was written: *"])
    assert project.read("baseline.json")["verdict"] == "passed"
    second = project.run(AGAINST, *way)
    assert second.ret == 0
    second.stdout.fnmatch_lines(["PASSED: *", "compared with *baseline.json"])


def test_a_baseline_asked_for_is_written_and_passes(project: Project) -> None:
    result = project.run(*UPDATE)
    assert result.ret == 0
    result.stdout.fnmatch_lines([f"baseline: {project.path / 'baseline.json'}"])
    assert project.run(AGAINST).ret == 0


def test_a_baseline_is_what_the_ini_file_says(project: Project) -> None:
    project.pytester.makeini("[pytest]\ncompat_baseline = baseline.json\ncompat_baseline_update = true")
    assert project.run().ret == 0
    project.pytester.makeini("[pytest]\ncompat_baseline = baseline.json")
    assert project.run().ret == 0
    assert project.run(scheduler="lossy").ret == pytest.ExitCode.TESTS_FAILED


@pytest.mark.parametrize("options", [(AGAINST,), UPDATE], ids=["missing", "update"])
@pytest.mark.parametrize("why", ["scheduler", "gate", "case"])
def test_a_failing_session_is_no_baseline(project: Project, options: tuple[str, ...], why: str) -> None:
    if why == "case":
        project.write("test_tiny.py", CHECK_TEST.replace("compat_case.check()", "raise ValueError"))
    more = ["--compat-gate=exact>=1"] if why == "gate" else []
    result = project.run(*options, *more, scheduler="tired" if why == "scheduler" else "reference")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*baseline*json*this session is not fit to become one"])
    assert not (project.path / "baseline.json").exists()


def test_a_session_whose_report_cannot_be_written_is_no_baseline(project: Project) -> None:
    project.write("file", "")
    result = project.run(AGAINST, "--compat-report=file/report.json")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert not (project.path / "baseline.json").exists()


def test_a_failing_session_leaves_a_baseline_as_it_was(project: Project) -> None:
    before = baseline(project).read_text()
    result = project.run(*UPDATE, scheduler="tired")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*baseline.json was left as it is: this session is not fit to become one"])
    assert (project.path / "baseline.json").read_text() == before


def test_updating_takes_a_baseline_to_update(project: Project) -> None:
    result = project.run("--compat-baseline-update")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --compat-baseline-update: found no --compat-baseline *"])


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
@pytest.mark.parametrize(
    "content", ["", "{", "[]", "3", '{"schema": "pytest-compat/report/2"}', '{"schema": "pytest-compat/report/1"}']
)
def test_a_baseline_that_is_no_report_is_a_usage_error(project: Project, content: str, way: tuple[str, ...]) -> None:
    path = project.write("baseline.json", content)
    result = project.run(AGAINST, *way)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --compat-baseline: *baseline.json*"])
    assert path.read_text() == content


def test_a_baseline_that_is_no_report_can_be_written_anew(project: Project) -> None:
    project.write("baseline.json", "{")
    assert project.run(*UPDATE).ret == 0
    assert project.run(AGAINST).ret == 0


@pytest.mark.parametrize("place", ["records", "runs"])
def test_a_baseline_that_contradicts_itself_is_a_usage_error(project: Project, place: str) -> None:
    path = baseline(project)
    document = json.loads(path.read_text())
    if place == "records":
        document["records"].append({**document["records"][0], "cluster": None, "outcome": "missed", "score": 0})
    else:
        document["runs"][0]["candidate_sets"]["first"] = "0-4"
    path.write_text(json.dumps(document))
    result = project.run(AGAINST)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --compat-baseline: *contradicts itself: *"])


def test_a_level_that_only_the_baseline_has_fails(project: Project) -> None:
    baseline(project)
    result = project.run(AGAINST, "--compat-level=none,os", "--compat-report=report.json")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*gate [*]:flipped<=0 at tiny:os+mpi: the level was not run, and the baseline has it"])
    status, document = compare(project)
    assert status == 1
    assert document["errors"] == project.read()["errors"]
    assert [key["level"] for key in document["comparison"]["missing"]] == ["os+mpi"]


def test_a_level_that_the_baseline_has_not_fails_unless_allowed(project: Project) -> None:
    baseline(project, "--compat-level=none")
    result = project.run(AGAINST, "--compat-level=none,os", "--compat-report=report.json")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*gate [*]:drop<=chance at tiny:os: the baseline does not have this level; *"])
    status, document = compare(project)
    assert (status, [key["level"] for key in document["comparison"]["new"]]) == (1, ["os"])
    assert compare(project, "--allow-new")[0] == 0
    assert project.run(AGAINST, "--compat-level=none,os", "--compat-allow-new").ret == 0


def test_an_edited_experiment_fails_and_says_so(project: Project) -> None:
    before = json.loads(baseline(project).read_text())["experiments"][0]["version"]
    path = project.path / "experiment.yaml"
    path.write_text(
        path.read_text().replace(
            "second: {requires: {os: {os.name: ubuntu}", "second: {requires: {os: {os.name: rocky}"
        )
    )
    result = project.run(AGAINST, "--compat-report=report.json")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    now = project.read()["experiments"][0]["version"]
    assert now != before
    result.stdout.fnmatch_lines(
        [f"*the experiment was edited (version {before} before, {now} now), so make the baseline anew (*update)*"]
    )
    status, document = compare(project)
    assert (status, document["errors"]) == (1, project.read()["errors"])


def test_an_edited_description_is_the_same_experiment(project: Project) -> None:
    baseline(project)
    path = project.path / "experiment.yaml"
    path.write_text(path.read_text() + "description: now with words\n")
    assert project.run(AGAINST).ret == 0


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
def test_a_lost_requirement_flips_decisions_that_are_named(project: Project, way: tuple[str, ...]) -> None:
    baseline(project)
    result = project.run(AGAINST, "--compat-report=report.json", *way, scheduler="lossy")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    flips = [("first", "rocky-openmpi"), ("second", "ubuntu-mpich"), ("third", "rocky-mpich")]
    result.stdout.fnmatch_lines(
        [
            "*gate [*]:flipped<=0 at tiny:os+mpi: 3 flipped for the worse: *rocky-openmpi*first*",
            "compared with *baseline.json",
            *(f"os+mpi: {job} *{cluster}" for job, cluster in flips),
        ]
    )
    for document in (project.read(), compare(project)[1]):
        none, os, both = document["comparison"]["levels"]
        assert [(level["worse"], level["better"], level["flips"]) for level in (none, os)] == [(0, 0, [])] * 2
        assert (both["worse"], both["better"]) == (3, 0)
        assert [(each["job"], each["cluster"], each["now"], each["worse"]) for each in both["flips"]] == [
            (job, cluster, True, True) for job, cluster in flips
        ]
        assert document["verdict"] == "failed"
    assert compare(project)[0] == 1


def test_comparing_alone_finds_what_two_clean_runs_differ_in(project: Project) -> None:
    baseline(project)
    assert project.run("--compat-report=report.json", scheduler="first").ret == 0
    status, document = compare(project)
    assert status == 1
    assert {flip["cluster"] for level in document["comparison"]["levels"] for flip in level["flips"] if flip["worse"]}
    assert all("flipped<=0" in error or "drop<=chance" in error for error in document["errors"])
    assert compare(project, "--gate=flipped<=9", "--gate=drop<=1")[0] == 0


def test_a_run_compared_with_itself_has_not_changed(project: Project) -> None:
    baseline(project)
    assert project.run("--compat-report=report.json").ret == 0
    status, document = compare(project)
    assert status == 0
    levels = document["comparison"]["levels"]
    assert [(each["drop"], each["flips"], each["p"], each["submissions"]) for each in levels] == [
        (0, [], 1, {"lost": 0, "won": 0})
    ] * 3


def test_a_baseline_without_its_own_gates_asks_for_flips_and_drops(project: Project) -> None:
    baseline(project)
    document = project.report(AGAINST, "--compat-gate=os:0.1", apart=False)
    assert [each["rule"] for each in document["gates"]] == ["os:0.1", *["*:flipped<=0"] * 3, *["*:drop<=chance"] * 3]
    document = project.report(AGAINST, "--compat-gate=os:flipped<=0", apart=False)
    others = [f"tiny:{level}:{gate}" for level in ("none", "os+mpi") for gate in ("flipped<=0", "drop<=chance")]
    assert [each["rule"] for each in document["gates"]] == ["os:flipped<=0", *others]
    (project.path / "all.json").write_text(json.dumps(document))
    assert project.offline("gate", project.path / "all.json", f"--baseline={project.path / 'baseline.json'}") == 0


def test_exact_figures_are_compared_where_nothing_is_sampled(project: Project) -> None:
    baseline(project, "--compat-iterations=0")
    assert project.run(AGAINST, "--compat-iterations=0").ret == 0
    document = project.report(AGAINST, "--compat-iterations=0", scheduler="lossy", apart=False)
    assert document["verdict"] == "failed"
    assert [level["drop"] for level in document["comparison"]["levels"]] == [0, 0, 0.5]


@pytest.mark.parametrize("scheduler", ["biased", "idle"])
def test_accuracy_that_falls_by_more_than_a_limit_fails(project: Project, scheduler: str) -> None:
    baseline(project)
    options = (AGAINST, "--compat-gate=os+mpi:drop<=0.3")
    document = project.report(*options, scheduler=scheduler, apart=False)
    gate = document["gates"][0]
    assert gate["passed"] == (scheduler == "biased")
    assert gate["value"] == pytest.approx(0 if scheduler == "biased" else 1 / 3)


def test_a_baseline_that_cannot_be_written_fails(project: Project) -> None:
    project.write("file", "")
    result = project.run("--compat-baseline=file/baseline.json", "--compat-baseline-update")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*the baseline could not be written: *"])


def test_a_report_is_not_written_over_the_baseline_it_is_compared_with(project: Project) -> None:
    before = baseline(project).read_text()
    result = project.run(AGAINST, "--compat-report=baseline.json", scheduler="lossy")
    assert result.ret in (pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.USAGE_ERROR)
    assert (project.path / "baseline.json").read_text() == before


def test_a_baseline_with_a_gate_that_is_none_is_a_usage_error(project: Project) -> None:
    path = baseline(project, "--compat-gate=os:0.1")
    path.write_text(path.read_text().replace('"rule": "os:0.1"', '"rule": "os:1.5"'))
    result = project.run(AGAINST)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --compat-baseline: *baseline.json: *"])


def test_collecting_alone_writes_no_baseline(project: Project) -> None:
    for options in ((AGAINST,), UPDATE):
        assert project.run("--collect-only", *options).ret == 0
        assert not (project.path / "baseline.json").exists()


def test_stopping_early_writes_no_baseline(project: Project) -> None:
    project.write("test_tiny.py", CHECK_TEST.replace("compat_case.check()", "raise KeyboardInterrupt"))
    assert project.run_apart(*UPDATE).ret == pytest.ExitCode.INTERRUPTED
    assert not (project.path / "baseline.json").exists()


@pytest.mark.parametrize("select", ["rocky", "none"])
def test_a_run_in_part_is_held_against_all_of_the_baseline(project: Project, select: str) -> None:
    baseline(project)
    assert project.run(AGAINST, "-k", select).ret == pytest.ExitCode.TESTS_FAILED


def test_a_run_in_part_is_a_baseline_of_no_whole_run(project: Project) -> None:
    path = project.path / "baseline.json"
    for more in ((), ("--compat-baseline-update",)):
        result = project.run(AGAINST, "-k", "rocky", *more)
        assert result.ret == pytest.ExitCode.TESTS_FAILED
        result.stdout.fnmatch_lines(["*this session is not fit to become one*"])
        assert not path.exists()
    assert project.run("-k", "rocky", "--compat-report=baseline.json").ret == 0
    result = project.run(AGAINST)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*the baseline is incomplete: it has * submissions"])


def test_shards_are_compared_with_a_baseline_once_they_are_merged(project: Project) -> None:
    path = baseline(project)
    for name in ("rocky", "ubuntu"):
        project.run("-k", name, f"--compat-report={name}.json", scheduler="first")
    shards = (project.path / "rocky.json", project.path / "ubuntu.json")
    assert project.offline("merge", *shards) == 0
    assert project.offline("merge", *shards, f"--baseline={path}") == 1
