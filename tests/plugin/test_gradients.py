"""Experiments at scale in a session: run, reported, judged, failed, and taken up where they were cut short."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas
import pytest
from compat_project import EXPERIMENT as TINY
from compat_project import ODD_SCHEDULERS, Project
from compat_project import TEST as TINY_TEST
from jsonschema import Draft202012Validator

from pytest_compat.commands import main
from pytest_compat.report.document import report_schema

EXPERIMENT = """
experiment: steps
jobs: {requirements: jobs.parquet, ranges: ranges.csv}
clusters: {table: clusters.parquet}
order: [zlib, cmake]
scores: [meets]
"""

RANGES = "range_id,subsystem,min,max\n0,zlib,1.2,1.2.11\n1,cmake,3.20,\n2,zlib,,2\n3,zlib,5,6\n"

TEST = """
import pytest

@pytest.mark.compat_gradient("experiment.yaml")
def test_steps(compat_gradient):
    compat_gradient.check()
"""

WAYS = {"serial": (), "xdist": ("-n2",), "no-terminal": ("-p", "no:terminal"), "no-cache": ("-p", "no:cacheprovider")}


@pytest.fixture
def steps(project: Project) -> Project:
    """Four jobs on four clusters at three levels, in place of the project's own experiment."""
    (project.path / "test_tiny.py").unlink()
    project.write("experiment.yaml", EXPERIMENT)
    project.write("ranges.csv", RANGES)
    project.write("test_steps.py", TEST)
    requires = [[0, 1], [2], [], [3]]
    pandas.DataFrame({"job": list("abcd"), "package": list("ppqq"), "requires": requires}).to_parquet(
        project.path / "jobs.parquet"
    )
    pandas.DataFrame(
        {
            "cluster": ["one", "two", "three", "four"],
            "zlib": ["1.2.11", "1.2", "1.2.12", None],
            "cmake": ["3.19.9", "3.20", "develop", "3.20.0"],
        }
    ).to_parquet(project.path / "clusters.parquet")
    return project


def gradient(document: dict[str, Any]) -> dict[str, Any]:
    (found,) = document["gradients"]
    return dict(found)


def assert_steps(document: dict[str, Any], way: str, scale: str) -> None:
    """Compare a report with what can be worked out by hand."""
    Draft202012Validator(report_schema()).validate(document)
    found = gradient(document)
    assert (found["experiment"], found["way"], found["scale"], found["seed"]) == ("steps", way, scale, 0)
    assert (found["jobs"], found["clusters"], found["sources"]) == (4, 4, ["meets"])
    levels = {level["level"]: level for level in found["levels"]}
    assert list(levels) == ["0-none", "1-zlib", "2-cmake"]
    assert [level["matched"] for level in levels.values()] == [4, 3, 3]
    assert [level["candidates"] for level in levels.values()] == [4, 9 / 4, 2]
    assert [level["expected"]["meets"] for level in levels.values()] == [0.5, 2.5 / 4, 0.75]
    assert [level["regret"]["meets"] for level in levels.values()] == [0.25, 0.125, 0]
    assert levels["2-cmake"]["succeeded"] == 3
    assert levels["2-cmake"]["assigned"] == {"meets": 1}
    assert (found["best"], found["bound"]) == ("2-cmake", {"meets": 0.75})
    assert (found["names"], found["unmatched"]) == (list("abcd"), {"1-zlib": "3"})
    assert [(each["package"], each["jobs"], each["best"]) for each in found["packages"]] == [("p", 2, 1), ("q", 2, 0.5)]
    assert document["verdict"] == "passed"


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
@pytest.mark.parametrize("scale", ["small", "full"])
def test_a_run_by_the_reference_and_in_batches(steps: Project, scale: str, way: tuple[str, ...]) -> None:
    document = steps.report(f"--compat-scale={scale}", *way, apart=bool(way))
    assert_steps(document, "reference" if scale == "small" else "batch", scale)


def test_a_run_by_a_rainbow_over_grpc(steps: Project) -> None:
    document = steps.report(scheduler="rainbow", apart=False)
    assert_steps(document, "rainbow", "small")
    others = [gradient(steps.report(*options, apart=False)) for options in ((), ("--compat-scale=full",))]
    ways = [gradient(document), *others]
    assert [(way.pop("way"), way.pop("scale")) for way in ways] == [
        ("rainbow", "small"),
        ("reference", "small"),
        ("batch", "full"),
    ]
    assert ways[0] == ways[1] == ways[2]


def test_scale_and_engine_in_an_ini_file(steps: Project) -> None:
    steps.pytester.makeini("[pytest]\ncompat_scale = full\ncompat_engine = process")
    assert gradient(steps.report(apart=False))["way"] == "batch"
    assert gradient(steps.report("--compat-scale=small", apart=False))["way"] == "reference"


def test_the_seed_is_that_of_the_session(steps: Project) -> None:
    found = [gradient(steps.report("--compat-scale=full", f"--compat-seed={seed}", apart=False)) for seed in (7, 7, 8)]
    assert [each["seed"] for each in found] == [7, 7, 8]
    assert found[0] == found[1]
    assert {**found[0], "seed": 8}["levels"][0]["expected"] == found[2]["levels"][0]["expected"]


def test_the_terminal_shows_every_level(steps: Project) -> None:
    result = steps.run("--compat-scale=full", "--compat-report=report.json")
    result.stdout.fnmatch_lines(
        [
            "compat: scheduler reference, levels *, seed 0, scale full on process",
            "*= compatibility =*",
            "PASSED: 12 submissions at 3 levels",
            "steps on batch, full scale: 4 clusters, 4 jobs, 3 levels, seed 0, version *",
            "level *matched *candidates *expected by meets *where matched *succeeded *range *short of the best*",
            "0-none *1.0000 *4.0 *0.5000 *0.5000 * 0.2500*",
            "1-zlib *0.7500 *2.2 *0.6250 *0.8333 * 0.1250*",
            "2-cmake[*] *0.7500 *2.0 *0.7500 *1.0000 *3 *3-3 *0.0000*",
            "[*] the best trade-off: 0.7500 of all jobs are expected to succeed, 0.5000 with nothing shown; *0.7500",
        ]
    )


def test_markdown_shows_every_level(steps: Project) -> None:
    steps.run("--compat-markdown=report.md")
    text = (steps.path / "report.md").read_text()
    assert "### steps on reference, small scale" in text
    rows = [line.split(" | ") for line in text.splitlines() if line.startswith(("| 0-none", "| 1-zlib", "| 2-cmake"))]
    assert [row[1] for row in rows] == ["1.0000", "0.7500", "0.7500"]


def test_remarks_are_told(steps: Project) -> None:
    pandas.DataFrame({"job": ["a", "a"], "package": ["p", "p"], "requires": [[0], [0]]}).to_parquet(
        steps.path / "jobs.parquet"
    )
    result = steps.run("--compat-report=report.json")
    remark = "1 rows left out: a job of the same name stands before them"
    assert gradient(steps.read())["remarks"] == [remark]
    result.stdout.fnmatch_lines([remark])


PASSING = [
    "0-none:exact>=0.5",
    "1-zlib:exact>=0.625",
    "steps:2-cmake:exact>=0.75",
    "2-cmake:0.75",
    "2-cmake:assigned_accuracy>=1",
    "unmatched<=0.25",
    "0-none:unmatched<=0",
]
FAILING = {
    "0-none:exact>=0.5001": "0.5000 is below 0.5001",
    "*:exact>=0.7": "0.5000 is below 0.7",
    "2-cmake:0.76": "0.7500 is below 0.76",
    "1-zlib:unmatched<=0.2": "0.2500 is above 0.2",
    "3-perl:0": "the level was not run",
    "other:0-none:0": "the level was not run",
    "2-cmake:flags<=0": "there is no flags to judge at scale",
}


@pytest.mark.parametrize("way", [(), ("-n2",), ("-p", "no:terminal")], ids=["serial", "xdist", "no-terminal"])
def test_gates_that_hold_and_one_that_does_not(steps: Project, way: tuple[str, ...]) -> None:
    options = ("--compat-scale=full", *(f"--compat-gate={gate}" for gate in PASSING), *way)
    assert steps.run_apart(*options).ret == 0
    assert steps.run_apart(*options, "--compat-gate=1-zlib:exact>=0.7").ret == pytest.ExitCode.TESTS_FAILED


@pytest.mark.parametrize("gate", FAILING)
def test_a_gate_that_fails_says_why(steps: Project, gate: str) -> None:
    result = steps.run("--compat-scale=full", f"--compat-gate={gate}", "--compat-report=report.json")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["FAILED: *", f"*gate {gate}*: {FAILING[gate]}*"])
    document = steps.read()
    assert document["verdict"] == "failed"
    assert not all(each["passed"] for each in document["gates"])


@pytest.mark.parametrize("option", ["--compat-scale=medium", "--compat-scale=1", "--compat-scale=FULL"])
def test_a_scale_that_there_is_not(steps: Project, option: str) -> None:
    result = steps.run(option)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: --compat-scale: found '{option.partition('=')[2]}', expected small or full"])


@pytest.mark.parametrize("engine", ["spark", "localhost:8786", "DASK"])
def test_an_engine_that_there_is_not(steps: Project, engine: str) -> None:
    result = steps.run(f"--compat-engine={engine}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: --compat-engine: found '{engine}', expected process, dask, or an address *"])


@pytest.mark.skipif(find_spec("distributed") is None, reason="needs the extra dask")
def test_an_engine_that_nobody_answers_at(steps: Project) -> None:
    result = steps.run_apart("--compat-scale=full", "--compat-engine=nonsense://127.0.0.1:1")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*no Dask cluster answers at 'nonsense://127.0.0.1:1': *"])
    assert "Traceback" not in result.stdout.str()


@pytest.mark.parametrize(
    "marker",
    [
        "",
        "@pytest.mark.compat_gradient",
        "@pytest.mark.compat_gradient()",
        "@pytest.mark.compat_gradient(1)",
        "@pytest.mark.compat_gradient('experiment.yaml', 'other.yaml')",
        "@pytest.mark.compat_gradient('experiment.yaml', scale='full')",
    ],
)
def test_a_marker_without_one_path(steps: Project, marker: str) -> None:
    steps.write("test_steps.py", TEST.replace('@pytest.mark.compat_gradient("experiment.yaml")', marker))
    result = steps.run()
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*compat_gradient takes @pytest.mark.compat_gradient('gradient.yaml') and nothing*"])


def test_the_marker_passes_strictly_and_is_explained(steps: Project) -> None:
    assert steps.run("--strict-markers", "--strict-config", "-W", "error").ret == 0
    steps.run("--markers").stdout.fnmatch_lines(["@pytest.mark.compat_gradient(experiment): *"])


def test_an_experiment_that_is_not_there(steps: Project) -> None:
    (steps.path / "experiment.yaml").unlink()
    result = steps.run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*experiment.yaml: *"])
    assert "Traceback" not in result.stdout.str()


def test_a_scheduler_that_fails_on_the_way_is_a_clear_failure(steps: Project) -> None:
    steps.pytester.makeconftest(ODD_SCHEDULERS.replace('jobspec.name == "first"', 'jobspec.name == "c"'))
    result = steps.run("--compat-report=report.json", "--compat-gate=exact>=0", scheduler="tired")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["out of ink", "  1 compatibility case failed"])
    assert "Traceback" not in result.stdout.str()
    document = steps.read()
    assert (document["verdict"], document["gradients"]) == ("failed", [])


def test_one_that_fails_beside_one_that_passes_fails_the_session(steps: Project) -> None:
    steps.write("test_other.py", TEST.replace("experiment.yaml", "missing.yaml"))
    result = steps.run("--compat-report=report.json")
    result.assert_outcomes(passed=1, errors=1)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    document = steps.read()
    assert gradient(document)["experiment"] == "steps"
    assert document["verdict"] == "failed"


def test_a_test_that_fails_keeps_its_figures(steps: Project) -> None:
    steps.write(
        "test_steps.py", TEST.replace("compat_gradient.check()", "assert not compat_gradient.outcome.jobs.size")
    )
    document = steps.report(apart=False)
    assert document["verdict"] == "failed"
    assert len(gradient(document)["levels"]) == 3


def test_the_same_experiment_twice_is_recorded_once(steps: Project) -> None:
    steps.write("test_other.py", TEST)
    document = steps.report(apart=False)
    assert (document["verdict"], len(document["gradients"])) == ("passed", 1)


def test_a_stored_report_is_shown_and_judged_again(steps: Project, capsys: pytest.CaptureFixture[str]) -> None:
    document = steps.report("--compat-gate=2-cmake:0.75", apart=False)
    capsys.readouterr()
    path = steps.path / "report.json"
    assert steps.offline("report", path, f"--report={steps.path / 'again.json'}") == 0
    assert "steps on reference, small scale" in capsys.readouterr().out
    assert steps.read("again.json") == document
    assert steps.offline("gate", path) == 0
    for gate in PASSING:
        assert steps.offline("gate", path, f"--gate={gate}") == 0
    for gate in FAILING:
        assert steps.offline("gate", path, f"--gate={gate}") == 1


def test_reports_of_two_experiments_are_merged(steps: Project) -> None:
    steps.write("other.yaml", EXPERIMENT.replace("experiment: steps", "experiment: other"))
    steps.write("test_other.py", TEST.replace("experiment.yaml", "other.yaml"))
    whole = steps.report(apart=False)
    for name in ("steps", "other"):
        steps.run(f"test_{name}.py", f"--compat-report={name}.json")
    reports = [steps.path / f"{name}.json" for name in ("steps", "other")]
    assert steps.offline("merge", *reports, f"--report={steps.path / 'merged.json'}") == 0
    merged = steps.read("merged.json")
    Draft202012Validator(report_schema()).validate(merged)
    assert merged["gradients"] == whole["gradients"]
    assert [each["experiment"] for each in merged["gradients"]] == ["other", "steps"]


def test_reports_that_contradict_each_other_are_not_merged(steps: Project, capsys: pytest.CaptureFixture[str]) -> None:
    steps.run("--compat-report=one.json")
    steps.write("ranges.csv", RANGES.replace("1.2.11", "1.2.10"))
    steps.run("--compat-report=two.json")
    capsys.readouterr()
    assert steps.offline("merge", steps.path / "one.json", steps.path / "two.json") == 1
    assert "cannot be merged: " in capsys.readouterr().err


# Blocks of one job; writes down each that is run, and waits before the third for as long as a file says so.
CONFTEST = """
import time
from pathlib import Path

import pytest_compat.scale.run
import pytest_compat.scale.work
from pytest_compat.scale.engine import blocks
from pytest_compat.scale.work import one_block

def noted(problem, jobs, seed):
    if Path("wait").exists() and jobs[0] == 2:
        Path("waiting").touch()
        time.sleep(60)
    with open("ran.txt", "a") as file:
        print(jobs[0], file=file)
    return one_block(problem, jobs, seed)

pytest_compat.scale.run.blocks = lambda problem: blocks(problem, 1)
pytest_compat.scale.work.one_block = noted
"""


def until(seconds: float) -> Iterator[None]:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield
        time.sleep(0.05)
    pytest.fail(f"did not happen within {seconds} seconds")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=["interrupted", "killed"])
def test_a_run_that_was_cut_short_goes_on_where_it_was(steps: Project, number: signal.Signals) -> None:
    whole = steps.report("--compat-scale=full", apart=False)
    steps.pytester.makeconftest(CONFTEST)
    steps.write("wait", "")
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", "--compat-scale=full", "--compat-report=report.json"],
        cwd=steps.path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        # Shells start background jobs with this signal ignored, and everything below them inherits that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    for _ in until(30):
        if (steps.path / "waiting").exists():
            break
        assert process.poll() is None
    process.send_signal(number)
    process.communicate(timeout=30)
    assert process.returncode == (pytest.ExitCode.INTERRUPTED if number == signal.SIGINT else -number)
    assert (steps.path / "ran.txt").read_text().split() == ["0", "1"]
    (steps.path / "wait").unlink()
    document = steps.report("--compat-scale=full")
    assert (steps.path / "ran.txt").read_text().split() == ["0", "1", "2", "3"]
    assert gradient(document) == gradient(whole)
    assert document["verdict"] == "passed"
    steps.report("--compat-scale=full")
    assert (steps.path / "ran.txt").read_text().split()[4:] == ["0", "1", "2", "3"]


def test_without_a_cache_a_run_begins_anew(steps: Project) -> None:
    steps.pytester.makeconftest(CONFTEST)
    document = steps.report("--compat-scale=full", "-p", "no:cacheprovider")
    assert len(gradient(document)["levels"]) == 3
    assert not (steps.path / ".pytest_cache").exists()
    assert json.loads((steps.path / "report.json").read_text()) == document


def test_what_is_listed_is_not_run(steps: Project) -> None:
    steps.pytester.makeconftest(CONFTEST)
    result = steps.run_apart("--collect-only", "-q", "--compat-scale=full")
    result.stdout.fnmatch_lines(["test_steps.py::test_steps"])
    assert not Path(steps.path / "ran.txt").exists()


def test_a_marked_test_that_measures_nothing_is_refused(steps: Project) -> None:
    steps.write("test_steps.py", TEST.replace("(compat_gradient)", "()").replace("compat_gradient.check()", "pass"))
    result = steps.run()
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["compat_gradient: test_steps measures nothing: *"])


def test_a_gate_on_all_levels_passes_over_what_has_no_such_measure(steps: Project) -> None:
    steps.write("tiny.yaml", TINY)
    steps.write("test_tiny.py", TINY_TEST.replace("experiment.yaml", "tiny.yaml"))
    assert steps.run("--compat-gate=incorrect<=1").ret == 0
    assert steps.run("--compat-gate=steps:*:incorrect<=1").ret == pytest.ExitCode.TESTS_FAILED


def test_a_run_is_its_own_baseline(steps: Project) -> None:
    assert steps.run("--compat-report=before.json").ret == 0
    result = steps.run("--compat-baseline=before.json", "--compat-report=after.json")
    assert result.ret == 0
    (gate,) = steps.read("after.json")["gates"]
    assert (gate["rule"], gate["value"], gate["passed"]) == ("steps:*:drop<=0", 0, True)


def test_success_that_fell_since_the_baseline_fails_the_run(steps: Project) -> None:
    assert steps.run("--compat-report=before.json").ret == 0
    clusters = pandas.read_parquet(steps.path / "clusters.parquet")
    clusters.loc[clusters["cluster"] == "one", "zlib"] = "9.9"
    clusters.to_parquet(steps.path / "clusters.parquet")
    result = steps.run("--compat-baseline=before.json")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*version differ from the baseline, so make that anew*"])


TAMPERED = {
    "succeeded": lambda found: found["levels"][0].update(succeeded=found["jobs"] + 1),
    "expected": lambda found: found["levels"][0]["expected"].update(meets=0.99),
    "best": lambda found: found.update(best="nowhere"),
    "range": lambda found: found["levels"][0].update(range=[3, 1]),
    "seed": lambda found: found.update(seed=7),
    "level twice": lambda found: found["levels"].append(found["levels"][0]),
    "package twice": lambda found: found["packages"].append(found["packages"][0]),
    "names": lambda found: found["names"].pop(),
    "unmatched": lambda found: found["unmatched"].update({found["levels"][-1]["level"]: "0-99"}),
    "unmatched level": lambda found: found["unmatched"].update(nowhere="0"),
    "assigned": lambda found: found["levels"][0].update(assigned={}),
    "bound": lambda found: found.update(bound={}),
    "regret": lambda found: found["levels"][0].update(regret={}),
    "source": lambda found: found["levels"][0].update(expected={}),
    "levels": lambda found: found["levels"].clear(),
    "matched": lambda found: found["levels"][0].update(matched=0),
}


@pytest.mark.parametrize("edit", TAMPERED.values(), ids=TAMPERED.keys())
def test_a_gradient_that_was_edited_is_refused(
    steps: Project, edit: Callable[[dict[str, Any]], Any], capsys: pytest.CaptureFixture[str]
) -> None:
    steps.run("--compat-report=report.json")
    document = steps.read()
    edit(document["gradients"][0])
    (steps.path / "edited.json").write_text(json.dumps(document))
    assert main(["report", str(steps.path / "edited.json")]) == 1
    told = capsys.readouterr().err
    assert "edited.json: " in told
    assert "Traceback" not in told
