"""`python -m pytest_compat worth`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_compat.commands import main

MANY = """
experiment: many
clusters: {{clusters: {{red: {{subsystems: {{{attributes}}}}}, blue: {{subsystems: {{s0: {{f0: b}}}}}}}}}}
jobs: {{jobs: {{one: {{requires: {{{attributes}}}}}}}}}
"""


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FORCE_COLOR", raising=False)


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    assert main(["worth", *arguments]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return [line.rstrip() for line in out.splitlines()]


def test_subsystems_are_listed_by_what_they_are_worth(capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(capsys, "--experiment", "lammps")
    assert lines[0] == "lammps: 0.0266 with nothing revealed, 1.0000 with everything"
    assert [line.split() for line in lines[3:7]] == [
        ["os", "+0.3432", "+0.0799", "+0.7500"],
        ["mpi", "+0.2907", "+0.0532", "+0.6667"],
        ["io.archspec", "+0.2016", "+0.0266", "+0.5000"],
        ["hardware", "+0.1379", "+0.0150", "+0.3611"],
    ]
    assert not any("reach" in line for line in lines)


@pytest.mark.parametrize(
    ("target", "line"),
    [
        ("0", "the smallest set that reaches 0: none (0.0266)"),
        ("0.6", "the smallest set that reaches 0.6: io.archspec+os+mpi (0.6389)"),
        ("1", "the smallest set that reaches 1: io.archspec+os+mpi+hardware (1.0000)"),
    ],
)
def test_the_smallest_set_that_reaches_a_target(capsys: pytest.CaptureFixture[str], target: str, line: str) -> None:
    assert printed(capsys, "--experiment", "lammps", "--target", target)[-1] == line


def test_json_has_what_the_report_has(capsys: pytest.CaptureFixture[str]) -> None:
    document = json.loads("\n".join(printed(capsys, "--experiment", "lammps", "--target", "0.1", "--json")))
    assert document["experiment"] == "lammps"
    assert (document["worth"]["method"], document["worth"]["exhaustive"]) == ("exact", True)
    assert document["worth"]["full"] == 1.0
    assert (document["target"], document["smallest"]) == (0.1, ["os"])


def test_sampled_values_come_with_their_interval_and_depend_on_the_seed(capsys: pytest.CaptureFixture[str]) -> None:
    first, again, other = (
        printed(capsys, "--experiment", "lammps", "--permutations", "10", "--seed", seed) for seed in ("1", "1", "2")
    )
    assert first == again
    assert first != other
    assert "95% interval" in first[2]
    assert "sampled: 10 orders in pairs, each with its reverse" in first


def test_many_subsystems_are_sampled_and_compared_one_by_one(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    attributes = ", ".join(f"s{number}: {{f{number}: a}}" for number in range(13))
    path = tmp_path / "many.yaml"
    path.write_text(MANY.format(attributes=attributes), encoding="utf-8")
    lines = printed(capsys, "--experiment", str(path), "--target", "1")
    assert "sampled: 400 orders in pairs, each with its reverse" in lines
    assert "what adds most, one by one (not all sets were compared)" in lines
    assert lines[-1] == "a set, perhaps not the smallest, that reaches 1: s0 (1.0000)"


def test_a_target_that_no_set_reaches_is_said_to_be_out_of_reach(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "strict.yaml"
    path.write_text(MANY.format(attributes="s0: {f0: a}") + "truth: [{score: 0.5, unmet: []}]", encoding="utf-8")
    assert printed(capsys, "--experiment", str(path), "--target", "0.51")[-1] == "0.51 is reached by no set"
    assert json.loads("\n".join(printed(capsys, "--experiment", str(path), "--target", "0.51", "--json")))[
        "smallest"
    ] is None  # fmt: skip


@pytest.mark.parametrize("target", ["nan", "inf", "-0.1", "1.01", "much", ""])
def test_a_target_is_a_number_from_0_to_1(capsys: pytest.CaptureFixture[str], target: str) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["worth", "--experiment", "lammps", f"--target={target}"])
    assert caught.value.code == 2
    assert f"found {target!r}, expected a number from 0 to 1" in capsys.readouterr().err


@pytest.mark.parametrize("number", ["0", "2", "7", "-4", "4.0", "four", "9" * 5000])
def test_orders_are_an_even_number(capsys: pytest.CaptureFixture[str], number: str) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["worth", "--experiment", "lammps", f"--permutations={number}"])
    assert caught.value.code == 2
    assert "expected an even number from 4" in capsys.readouterr().err


def test_an_unknown_experiment_is_an_error_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["worth", "--experiment", "lamps"]) == 1
    assert capsys.readouterr().err.startswith("worth: unknown experiment 'lamps', did you mean 'lammps'? (known: ")
