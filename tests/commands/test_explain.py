"""`python -m pytest_compat explain`."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_compat.commands import main

PAGE = Path(__file__).parents[2] / "docs" / "metadata.md"
JOB = "mpich-ubuntu-20.04-amd64"


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.setenv("COLUMNS", "40")  # no name is cut or wrapped in a narrow window


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    assert main(["explain", "--experiment", "lammps", *arguments]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return [line.rstrip() for line in out.splitlines()]


def test_of_all_clusters_what_keeps_them_out(capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(capsys, "--job", JOB)
    assert lines[0] == f"lammps, {JOB}, by all it needs: 1 of 48 clusters would do (amd64-ubuntu20.04-mpich-cpu)"
    assert [line.split()[-1] for line in lines[3:8]] == ["24", "12", "16", "24", "48"]
    assert "near misses, one requirement away: 7" in lines
    near = lines[lines.index("near misses, one requirement away: 7") + 2]
    assert near.split(maxsplit=2) == [
        "amd64-ubuntu20.04-mpich-gpu",
        "0.5",
        "hardware: hardware.gpu.available = no (there: yes)",
    ]
    assert lines[-1] == "candidates that score 0: none from io.archspec+os+mpi on"


def test_of_one_cluster_each_requirement(capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(capsys, "--job", JOB, "--cluster", "amd64-rocky8-mpich-gpu")
    assert lines[0].endswith("by all it needs: amd64-rocky8-mpich-gpu is no candidate, and scores 0")
    assert [line.split()[-2:] for line in lines[3:7]] == [
        ["yes", "amd64"],
        ["no", "rocky8"],
        ["yes", "mpich"],
        ["no", "yes"],
    ]
    assert lines[7].split() == ["resources", "yes"]


def test_at_a_level_what_it_shows(capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(capsys, "--job", JOB, "--level", "mpi+os")
    assert lines[0].startswith(f"lammps, {JOB}, at level os+mpi: 4 of 48 clusters would do (amd64-")
    assert sum("=" in line for line in lines[:6]) == 2


def test_more_near_misses_than_are_listed_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(capsys, "--job", JOB, "--level", "os")
    assert "near misses, one requirement away: 36" in lines
    assert "and 26 more" in lines
    assert lines[0].endswith(" and 2 more)")


def test_json_has_every_cluster(capsys: pytest.CaptureFixture[str]) -> None:
    document = json.loads("\n".join(printed(capsys, "--job", JOB, "--level", "os", "--json")))
    assert (document["experiment"], document["job"], document["level"]) == ("lammps", JOB, "os")
    assert len(document["clusters"]) == 48
    assert sum(each["candidate"] for each in document["clusters"]) == 12


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--job", "mpich-ubuntu-20.04-amd46"], f"unknown job 'mpich-ubuntu-20.04-amd46', did you mean {JOB!r}?"),
        (["--job", JOB, "--cluster", "red"], "unknown cluster 'red' (known: "),
        (["--job", JOB, "--cluster", "amd64-rocky8-mpich"], "did you mean 'amd64-rocky8-mpich-"),
        (["--job", JOB, "--level", "mpii"], "unknown level 'mpii', did you mean 'mpi'?"),
        (["--job", JOB, "--level", "single"], "'single' stands for 4 levels, expected one"),
        (["--job", JOB, "--experiment", "lamps"], "unknown experiment 'lamps', did you mean 'lammps'?"),
    ],
)
def test_what_is_unknown_is_an_error(capsys: pytest.CaptureFixture[str], arguments: list[str], problem: str) -> None:
    assert main(["explain", "--experiment", "lammps", *arguments]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("explain: ")
    assert problem in err


def test_a_job_that_requires_nothing(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "bare.yaml"
    path.write_text(
        "{experiment: bare, clusters: {clusters: {red: {}}}, jobs: {jobs: {any: {}, two: {resources: {type: node, "
        "replicas: 2}}}}}",
        encoding="utf-8",
    )
    assert printed(capsys, "--job", "any", "--experiment", str(path))[0].endswith("red is a candidate, and scores 1")
    lines = printed(capsys, "--job", "two", "--experiment", str(path))
    assert lines[3].split(maxsplit=2) == ["resources", "no", "1 of 2 node"]
    assert lines[-2:] == [
        "candidates that score above 0: none at any level",
        "candidates that score 0: none at any level",
    ]


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_it_ends_quietly_where_nobody_reads_on(form: list[str]) -> None:
    command = [sys.executable, "-m", "pytest_compat", "explain", "--experiment", "lammps", "--job", JOB, *form]
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as closed:
        run = subprocess.run(command, stdout=closed, stderr=subprocess.PIPE, check=False)
    assert run.stderr == b""
    assert run.returncode == 1


SHOWN = re.findall(
    r"```sh\npython -m pytest_compat (.*?)\n```\n\n```text\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL
)


@pytest.mark.parametrize(("command", "output"), SHOWN, ids=[command.split()[0] for command, _ in SHOWN])
def test_the_docs_show_what_is_printed(capsys: pytest.CaptureFixture[str], command: str, output: str) -> None:
    assert main(shlex.split(command.replace("\\\n", " "))) == 0
    assert [line.rstrip() for line in capsys.readouterr().out.splitlines()] == output.splitlines()


def test_the_docs_show_both_commands() -> None:
    assert {command.split()[0] for command, _ in SHOWN} == {"worth", "explain"}
