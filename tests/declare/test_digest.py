"""The content version changes with what is measured, and with nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_compat.declare.catalog import Experiment, load_experiment
from pytest_compat.declare.digest import DIGITS, content_version

PARTS = {
    "head": "experiment: tiny",
    "clusters": """
clusters:
  clusters:
    red: {subsystems: {os: {os.name: rocky}, mpi: {mpi.name: mpich}}}
    blue: {subsystems: {os: {os.name: ubuntu}, mpi: {mpi.name: openmpi}}}
""",
    "jobs": """
jobs:
  jobs:
    first: {requires: {os: {os.name: rocky}, mpi: {mpi.name: mpich}}}
    second: {requires: {os: {os.name: ubuntu}}}
""",
    "truth": """
truth:
- {score: 1, unmet: []}
- {score: 0.5, unmet: [mpi]}
""",
    "rest": "",
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "experiment.yaml"


def load(path: Path, text: str) -> Experiment:
    path.write_text(text, encoding="utf-8")
    load_experiment.cache_clear()
    return load_experiment(path)


def version(path: Path, *edits: tuple[str, str], **parts: str) -> str:
    text = "\n".join({**PARTS, **parts}.values())
    for old, new in edits:
        assert old in text
        text = text.replace(old, new)
    return load(path, text).version


@pytest.mark.parametrize(
    "edit",
    [
        ("red: {subsystems: {os: {os.name: rocky}", "red: {subsystems: {os: {os.name: debian}"),
        ("red: {", "pink: {"),
        ("    blue: {subsystems: {os: {os.name: ubuntu}, mpi: {mpi.name: openmpi}}}\n", ""),
        ("second: {requires: {os: {os.name: ubuntu}}}", "second: {requires: {os: {os.name: rocky}}}"),
        ("second: {requires: {os: {os.name: ubuntu}}}", "second: {requires: {os: {os.name: ubuntu, os.version: '1'}}}"),
        ("second: {", "third: {"),
        ("second: {", "second: {command: [sleep], "),
        ("score: 0.5", "score: 0.25"),
        ("unmet: [mpi]", "unmet: [os]"),
        ("- {score: 0.5, unmet: [mpi]}\n", ""),
    ],
)
def test_changes_with_clusters_jobs_and_truth(path: Path, edit: tuple[str, str]) -> None:
    absent = "absent: ['os:os.version']" if "os.version" in edit[1] else ""
    assert version(path, edit, rest=absent) != version(path)


@pytest.mark.parametrize(
    "rest",
    [
        "description: what it is about",
        "iterations: 7",
        "levels: [os, none]",
        "order: [mpi, os]",
        "published: [{source: others, of: 10, points: {none: 3}}]",
        "# a comment",
    ],
)
def test_does_not_change_with_what_is_said_about_it(path: Path, rest: str) -> None:
    assert version(path, rest=rest) == version(path)


@pytest.mark.parametrize("part", ["clusters", "jobs"])
def test_does_not_change_with_the_order_of_clusters_and_jobs(path: Path, part: str) -> None:
    *head, first, second = PARTS[part].strip("\n").splitlines()
    assert version(path, **{part: "\n".join([*head, second, first])}) == version(path)


def test_does_not_change_with_the_order_of_parts_or_subsystems(path: Path) -> None:
    before = version(path)
    assert load(path, "\n".join(reversed(PARTS.values()))).version == before
    clusters = PARTS["clusters"].replace(
        "{os: {os.name: rocky}, mpi: {mpi.name: mpich}}", "{mpi: {mpi.name: mpich}, os: {os.name: rocky}}"
    )
    assert clusters != PARTS["clusters"]
    assert version(path, clusters=clusters) == before


def test_does_not_change_with_the_name_of_the_experiment_or_its_file(path: Path, tmp_path: Path) -> None:
    assert version(tmp_path / "other.yaml", ("tiny", "other")) == version(path)


def test_the_shipped_experiment_has_one(path: Path) -> None:
    shipped = load_experiment(Path(__file__).parents[2] / "suites" / "lammps" / "experiment.yaml")
    assert len(shipped.version) == DIGITS
    assert set(shipped.version) <= set("0123456789abcdef")


@given(st.data())
def test_the_order_of_what_is_digested_has_no_part_in_it(data: st.DataObject) -> None:
    shipped = load_experiment(Path(__file__).parents[2] / "suites" / "lammps" / "experiment.yaml")
    clusters, jobs = shipped.clusters[:6], shipped.jobs[:6]
    found = content_version(data.draw(st.permutations(clusters)), data.draw(st.permutations(jobs)), shipped.truth)
    assert found == content_version(clusters, jobs, shipped.truth)
