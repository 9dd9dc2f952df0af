"""`--compat-iterations=auto`: submit until every gate on accuracy is decided."""

from __future__ import annotations

from typing import Any

import pytest
from compat_project import CHECK_TEST, Project

WAYS = {"serial": (), "xdist": ("-n2",), "without-terminal": ("-p", "no:terminal")}


@pytest.fixture(autouse=True)
def checked(project: Project) -> None:
    project.write("test_tiny.py", CHECK_TEST)


def runs(document: dict[str, Any]) -> dict[str, tuple[bool, int]]:
    """Return by level whether its sampling was sequential, and how many rounds there were."""
    return {run["level"]: (run["sequential"], run["iterations"]) for run in document["runs"]}


def test_a_clear_level_stops_early(project: Project) -> None:
    document = project.report("--compat-iterations=auto", "--compat-gate=os:0.1", apart=False)
    assert document["verdict"] == "passed"
    sequential, rounds = runs(document)["os"]
    assert sequential
    assert 1 <= rounds < 100
    (gate,) = document["gates"]
    assert (gate["passed"], gate["note"]) == (True, f"decided after {rounds} rounds")


def test_a_level_that_misses_its_gate_by_far_fails_early(project: Project) -> None:
    document = project.report("--compat-iterations=auto", "--compat-gate=none:0.9", apart=False)
    assert document["verdict"] == "failed"
    assert runs(document)["none"][1] < 100
    (gate,) = document["gates"]
    assert "is below 0.9, decided after " in gate["reason"]


def test_a_close_level_goes_on_longer_than_a_clear_one(project: Project) -> None:
    options = ("--compat-iterations=auto", "--compat-level=none")
    clear, close = (
        runs(project.report(*options, f"--compat-gate=none:{limit}", apart=False))["none"][1]
        for limit in ("0.1", "0.33")
    )
    assert clear < close < 1000


def test_a_level_that_is_not_decided_at_the_cap_fails(project: Project) -> None:
    document = project.report("--compat-iterations=auto:7", "--compat-gate=none:0.37", apart=False)
    assert document["verdict"] == "failed"
    assert runs(document)["none"] == (True, 7)
    (gate,) = document["gates"]
    assert not gate["passed"]
    assert gate["reason"].startswith("not decided after 7 rounds: ")


@pytest.mark.parametrize("gate", ["os:exact>=0.5", "errors<=0", "incorrect<=1"])
def test_levels_without_a_gate_on_accuracy_are_as_declared(project: Project, gate: str) -> None:
    document = project.report("--compat-iterations=auto", f"--compat-gate={gate}", apart=False)
    assert runs(document) == {"none": (False, 5), "os": (False, 5), "os+mpi": (False, 5)}
    document = project.report("--compat-iterations=auto", "--compat-fail-under=os:0.1", apart=False)
    assert [runs(document)[level] for level in ("none", "os+mpi")] == [(False, 5)] * 2


def test_a_gate_of_a_marker_is_decided_too(project: Project) -> None:
    project.write("test_tiny.py", CHECK_TEST.replace('.yaml"', '.yaml", gates=["os:0.1"]'))
    document = project.report("--compat-iterations=auto", apart=False)
    assert {level for level, (sequential, _) in runs(document).items() if sequential} == {"os"}
    assert document["verdict"] == "passed"


def test_every_gate_of_a_level_is_decided(project: Project) -> None:
    gates = ("--compat-gate=none:0.1", "--compat-gate=none:0.3", "--compat-gate=accuracy>=0.2")
    document = project.report("--compat-iterations=auto", *gates, apart=False)
    assert document["verdict"] == "passed"
    assert all(each["note"].startswith("decided after ") for each in document["gates"])


def test_a_sequential_level_has_no_range_and_no_flags(project: Project) -> None:
    document = project.report("--compat-iterations=auto", "--compat-gate=os:0.1", apart=False)
    os = next(run for run in document["runs"] if run["level"] == "os")
    assert (os["interval"], os["exact"]["range"], os["flags"]) == (None, None, [])
    assert set(os["tests"].values()) == {None}


@pytest.mark.parametrize("gate", ["os:0.1", "none:0.9", "none:0.37"])
def test_the_same_in_every_way(project: Project, gate: str) -> None:
    found = []
    for name, way in WAYS.items():
        options = ("--compat-iterations=auto:40", f"--compat-gate={gate}", f"--compat-report={name}.json", *way)
        found.append((int(project.run(*options).ret), project.read(f"{name}.json")))
    path = project.path / "offline.json"
    found.append((project.offline("gate", project.path / "serial.json", f"--report={path}"), project.read(path.name)))
    status, document = found[0]
    assert status in (0, 1)
    for other, report in found[1:]:
        assert other == status
        for part in ("records", "gates", "verdict", "errors"):
            assert report[part] == document[part]


def test_another_gate_offline_is_judged_by_what_was_drawn(project: Project) -> None:
    project.run("--compat-iterations=auto", "--compat-gate=os:0.1", "--compat-report=report.json")
    path = project.path / "report.json"
    assert project.offline("gate", path, "--gate=os:0.05") == 0
    assert project.offline("gate", path, "--gate=os:0.74", f"--report={project.path / 'again.json'}") == 1
    (gate,) = project.read("again.json")["gates"]
    assert gate["reason"].startswith("not decided after ")


@pytest.mark.parametrize(
    "text", ["auto:0", "auto:-1", "auto:x", "auto:", "auto:1.5", "autos", "AUTO", "auto:5:5", "5:auto"]
)
def test_what_is_no_number_of_iterations_is_a_usage_error(project: Project, text: str) -> None:
    result = project.run(f"--compat-iterations={text}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --compat-iterations: found *, expected a whole number, *"])


def test_an_ini_file_can_ask_for_it(project: Project) -> None:
    project.pytester.makeini("[pytest]\ncompat_iterations = auto:9\ncompat_gate = none:0.37")
    assert runs(project.report("-n2", apart=False))["none"] == (True, 9)


def test_shards_of_a_sequential_run_are_put_together(project: Project) -> None:
    options = ("--compat-iterations=auto", "--compat-gate=os:0.1", "--compat-level=os")
    for name in ("rocky", "ubuntu"):
        project.run(*options, "-k", name, f"--compat-report={name}.json")
    whole = project.report(*options, apart=False)
    merged = project.path / "merged.json"
    assert (
        project.offline("merge", project.path / "rocky.json", project.path / "ubuntu.json", f"--report={merged}") == 0
    )
    assert project.read("merged.json")["gates"] == whole["gates"]
