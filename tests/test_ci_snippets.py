"""The CI files that docs/gates.md shows are whole, and what they run holds."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

PAGE = (Path(__file__).parent.parent / "docs" / "gates.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
EXPERIMENT = """
experiment: matching
clusters: {clusters: {red: {subsystems: {os: {os.full: rocky9}}}, blue: {subsystems: {os: {os.full: ubuntu22.04}}}}}
jobs: {jobs: {simulate: {requires: {os: {os.full: rocky9}}}, analyse: {requires: {os: {os.full: ubuntu22.04}}}}}
levels: [none, os]
iterations: 10
"""
TEST = """
import pytest
@pytest.mark.compat("experiment.yaml")
def test_matching(compat_case, compat_cluster): compat_case.check()
"""


def snippet(name: str) -> dict[str, Any]:
    """The YAML file of the page whose first line names it."""
    (text,) = (text for kind, text in BLOCKS if kind == "yaml" and text.startswith(f"# {name}\n"))
    document = yaml.safe_load(text)
    assert isinstance(document, dict)
    return document


def github_steps() -> list[dict[str, Any]]:
    workflow = snippet(".github/workflows/matching.yml")
    assert workflow[True] == ["push", "pull_request"]  # YAML 1.1 reads `on` as true; GitHub does not
    steps = workflow["jobs"]["matching"]["steps"]
    assert isinstance(steps, list)
    return steps


def gitlab_job() -> dict[str, Any]:
    job = snippet(".gitlab-ci.yml")["matching accuracy"]
    assert isinstance(job, dict)
    return job


def commands(lines: list[str]) -> list[list[str]]:
    return [words for words in map(shlex.split, lines) if words[0] == "pytest"]


@pytest.fixture
def matching(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project as the page supposes one: tests in tests/matching, with a baseline."""
    folder = pytester.path / "tests" / "matching"
    folder.mkdir(parents=True)
    folder.joinpath("experiment.yaml").write_text(EXPERIMENT, encoding="utf-8")
    folder.joinpath("test_matching.py").write_text(TEST, encoding="utf-8")
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    made = pytester.runpytest_subprocess("tests/matching", "--compat-baseline=tests/matching/baseline.json")
    assert made.ret == 1
    made.stdout.fnmatch_lines(["*there was no baseline, so *baseline.json was written*"])
    return pytester


@pytest.mark.parametrize("broken", [False, True], ids=["whole", "edited"])
def test_the_workflow_for_github(matching: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, broken: bool) -> None:
    (command,) = commands([step["run"] for step in github_steps() if "run" in step])
    summary = matching.path / "summary.md"
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    if broken:
        path = matching.path / "tests" / "matching" / "experiment.yaml"
        path.write_text(path.read_text().replace("simulate: {requires: {os: {os.full: rocky9}}}", "simulate: {}"))
    result = matching.runpytest_subprocess(*command[1:])
    assert result.ret == int(broken)
    assert ("❌" if broken else "✅") in summary.read_text(encoding="utf-8")
    annotations = [line for line in result.outlines if line.startswith("::error title=pytest-compat::")]
    assert bool(annotations) is broken
    (upload,) = (step["with"]["path"] for step in github_steps() if "upload-artifact" in step.get("uses", ""))
    assert sorted(path.name for path in matching.path.glob(upload)) == ["report.html", "report.json"]


def test_the_job_for_gitlab(matching: pytest.Pytester) -> None:
    job = gitlab_job()
    (command,) = commands(job["script"])
    assert matching.runpytest_subprocess(*command[1:]).ret == 0
    artifacts = job["artifacts"]
    for name in [*artifacts["paths"], artifacts["reports"]["junit"]]:
        assert matching.path.joinpath(name).stat().st_size, name
    assert "compat_accuracy" in matching.path.joinpath("junit.xml").read_text(encoding="utf-8")


def test_the_commands_on_shards(matching: pytest.Pytester) -> None:
    shells = [text for kind, text in BLOCKS if kind == "sh" and "merge" in text]
    (lines,) = (text.splitlines() for text in shells)
    for line in lines:
        program, *arguments = shlex.split(line)
        if program == "pytest":
            assert matching.runpytest_subprocess(*arguments).ret == 0
        else:
            call = f"import sys; from pytest_compat.commands import main; sys.exit(main({arguments[2:]!r}))"
            assert matching.runpython_c(call).ret == 0
