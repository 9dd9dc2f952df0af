"""Plans: what they declare, and what is wrong with those that are none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plans import make_plan, write_plan

import pytest_compat
from pytest_compat.errors import DeclarationError
from pytest_compat.hosts.plan import load_plan
from pytest_compat.hosts.template import fill, fill_command

SUITES = Path(pytest_compat.__file__).parent.parent / "suites"


def commands(folder: Path, **changes: Any) -> dict[str, tuple[str, ...]]:
    return {cell.name: cell.command for cell in make_plan(folder, **changes).cells}


def test_every_input_is_run_under_every_variant(tmp_path: Path) -> None:
    found = commands(
        tmp_path,
        command=["run", "{what}", "{how}"],
        inputs={"one": {"parameters": {"what": "1"}}, "two": {"parameters": {"what": "2"}}},
        variants={"fast": {"parameters": {"how": "-f"}}, "slow": {"parameters": {"how": "-s"}}},
    )
    assert found == {
        "one/fast": ("run", "1", "-f"),
        "one/slow": ("run", "1", "-s"),
        "two/fast": ("run", "2", "-f"),
        "two/slow": ("run", "2", "-s"),
    }


def test_variants_with_commands_of_their_own_are_a_plan(tmp_path: Path) -> None:
    path = tmp_path / "two.yaml"
    path.write_text("plan: two\nvariants: {quick: {command: ['true']}, nap: {command: [sleep, '0.1']}}\n")
    cells = {cell.name: cell.command for cell in load_plan(path).cells}
    assert cells == {"default/quick": ("true",), "default/nap": ("sleep", "0.1")}
    path.write_text("plan: two\nvariants: {quick: {command: ['true']}, nap: {}}\n")
    with pytest.raises(DeclarationError, match=r"variants\.nap: found no command, here or for the whole plan"):
        load_plan(path)


def test_a_list_is_arguments_of_its_own_or_none(tmp_path: Path) -> None:
    found = commands(
        tmp_path,
        command=["run", "{options}"],
        parameters={"options": []},
        variants={"bare": {}, "full": {"parameters": {"options": ["-a", "b c"]}}},
    )
    assert found == {"one/bare": ("run",), "one/full": ("run", "-a", "b c")}


def test_axes_are_combined_but_for_what_is_excluded(tmp_path: Path) -> None:
    plan = make_plan(
        tmp_path,
        variants={"other": {}},
        axes={
            "ranks": {"serial": {}, "mpi2": {"command": ["mpirun", "run"], "attributes": {"ranks": "2"}}},
            "style": {"plain": {"attributes": {"style": "plain"}}, "opt": {"env": {"STYLE": "opt"}}, "gpu": {}},
        },
        exclude=[{"ranks": "mpi2", "style": ["opt", "gpu"]}],
    )
    assert list(plan.variants) == ["other", "serial-plain", "serial-opt", "serial-gpu", "mpi2-plain"]
    assert plan.variants["mpi2-plain"] == {"ranks": "2", "style": "plain"}
    assert plan.cells[-1].command == ("mpirun", "run")
    assert plan.cells[2].env == {"STYLE": "opt"}


def test_variables_have_placeholders_too_and_variants_have_the_last_word(tmp_path: Path) -> None:
    plan = make_plan(
        tmp_path,
        parameters={"threads": "1"},
        env={"THREADS": "{threads}", "BIND": "no"},
        variants={"one": {}, "two": {"parameters": {"threads": "2"}, "env": {"BIND": "yes"}}},
    )
    assert [cell.env for cell in plan.cells] == [{"THREADS": "1", "BIND": "no"}, {"THREADS": "2", "BIND": "yes"}]


def test_the_digest_changes_with_what_is_run_and_not_with_how_often(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("1")
    base: dict[str, Any] = {"inputs": {"one": {"files": ["data"]}}}
    digest = make_plan(tmp_path, **base).digest
    assert make_plan(tmp_path, **base, repeats=9, description="more").digest == digest
    assert make_plan(tmp_path, **base, timeout=61).digest != digest
    assert make_plan(tmp_path, **base, check="done").digest != digest
    (tmp_path / "data").write_text("2")
    assert make_plan(tmp_path, **base).digest != digest


AXIS = {"style": {"plain": {}, "opt": {}}}


@pytest.mark.parametrize(
    ("changes", "path", "problem"),
    [
        ({"command": "run it"}, "command", "found 'run it', expected a list of arguments, the executable first"),
        ({"command": []}, "command", "found [], expected 1 or more entries"),
        ({"command": ["a\0b"]}, "command[0]", "expected a string"),
        ({"command": ["{}"]}, "command[0]", "found '{' by itself in '{}'"),
        ({"command": ["a}"]}, "command[0]", "found '}' by itself"),
        ({"command": ["{a.b}"]}, "command[0]", "found '{' by itself"),
        ({"command": ["{a!r}"]}, "command[0]", "found '{' by itself"),
        ({"command": ["run", "{script}"]}, "command[1]", "unknown parameter 'script'"),
        ({"command": ["x{a}"], "parameters": {"a": ["1"]}}, "command[0]", "stands for a list, inside 'x{a}'"),
        ({"command": ["{a}"], "parameters": {"a": []}}, "command", "found no executable for one/plain"),
        ({"command": ["{a}"], "parameters": {"a": ""}}, "command", "found no executable for one/plain"),
        ({"parameters": {"scirpt": "x"}}, "parameters", "'scirpt', which no command and no variable uses"),
        ({"inputs": {"one": {"parameters": {"x": "1"}}}}, "inputs.one.parameters", "which no command"),
        ({"inputs": {"one": {"files": ["nowhere"]}}}, "inputs.one.files[0]", "found no file 'nowhere'"),
        ({"inputs": {"one": {"files": ["a\0"]}}}, "inputs.one.files[0]", "found no file"),
        ({"inputs": {"one": {"files": ["plan.yaml", "./plan.yaml"]}}}, "inputs.one.files[1]", "two files called"),
        ({"inputs": {"a/b": {}}}, "inputs", "found 'a/b', expected a name"),
        ({"inputs": {}}, "inputs", "found {}, expected 1 or more entries"),
        ({"variants": None}, "", "found neither `variants` nor `axes`"),
        ({"variants": {"a": {"comand": ["x"]}}}, "variants.a", "unknown key 'comand', did you mean 'command'?"),
        ({"env": {"A": 1}}, "env.A", "found 1, expected a string; quote it"),
        ({"env": {"A=B": "1"}}, "env", "expected the name of an environment variable"),
        ({"env": {"A": "{b}"}}, "env.A", "unknown parameter 'b'"),
        ({"repeats": 0}, "repeats", "found 0, expected a whole number from 1"),
        ({"warmups": 1.0}, "warmups", "found 1.0, expected a whole number from 0"),
        ({"timeout": 0}, "timeout", "found 0, expected a number of seconds above 0"),
        ({"check": "("}, "check", "found '(', expected a regular expression: missing )"),
        ({"figure": {"pattern": "x"}}, "figure.pattern", "found 0 groups in 'x', expected one"),
        ({"figure": {"pattern": "(x)", "unit": "days"}}, "figure.unit", "expected one of h, min, s, ms, us, ns"),
        ({"versions": {"a": {"command": ["a"], "expect": "["}}}, "versions.a.expect", "expected a regular expression"),
        ({"exclude": [{"style": "opt"}]}, "exclude[0]", "unknown axis 'style' (known: none)"),
        ({"axes": AXIS, "exclude": [{"stile": "opt"}]}, "exclude[0]", "unknown axis 'stile', did you mean 'style'?"),
        ({"axes": AXIS, "exclude": [{"style": "pt"}]}, "exclude[0].style", "unknown value 'pt', did you mean 'opt'?"),
        (
            {"variants": None, "axes": AXIS, "exclude": [{"style": ["opt", "plain"]}]},
            "exclude",
            "found no combination left",
        ),
        ({"axes": {"a": {"plain": {}}}}, "axes", "found two variants called 'plain'"),
        (
            {"axes": {"a": {"b": {"command": ["x"]}}, "c": {"d": {"command": ["y"]}}}},
            "axes.c.d",
            "found a command here and in axes.a.b",
        ),
        (
            {"axes": {"a": {"b": {"env": {"X": "1"}}}, "c": {"d": {"env": {"X": "2"}}}}},
            "axes.c.d.env",
            "found 'X' here and in axes.a.b",
        ),
        (
            {"inputs": {"one": {"parameters": {"x": "1"}}}, "variants": {"v": {"parameters": {"x": "2"}}}},
            "variants.v.parameters",
            "found 'x' here and in inputs.one",
        ),
        (
            {"inputs": {str(n): {} for n in range(200)}, "repeats": 10000},
            "repeats",
            "found 2000000 runs, expected 1000000 at most",
        ),
        ({"axes": {str(n): {"a": {}, "b": {}} for n in range(20)}}, "axes", "found axes of 1048576 combinations"),
    ],
)
def test_what_is_no_plan_is_refused(tmp_path: Path, changes: dict[str, Any], path: str, problem: str) -> None:
    file = write_plan(tmp_path, **changes)
    with pytest.raises(DeclarationError) as caught:
        load_plan(file)
    assert (caught.value.source, caught.value.path) == (str(file), path)
    assert problem in caught.value.problem


@given(st.lists(st.text(st.characters(exclude_characters="\0"))))
def test_doubled_braces_are_braces_and_nothing_else_is_touched(arguments: list[str]) -> None:
    template = [argument.replace("{", "{{").replace("}", "}}") for argument in arguments]
    assert fill_command(template, {}, "command") == tuple(arguments)


@given(st.text(), st.text())
def test_what_stands_for_a_placeholder_is_not_looked_at_again(before: str, value: str) -> None:
    template = before.replace("{", "{{").replace("}", "}}") + "{a}"
    assert fill(template, {"a": value}, "command") == before + value


def test_the_plan_that_ships_is_one_if_what_it_names_is_installed() -> None:
    path = SUITES / "variant_selection" / "plan.yaml"
    try:
        plan = load_plan(path)
    except DeclarationError as error:
        assert "found no file '/usr/share/lammps/" in error.problem  # noqa: PT017, all else was checked before
        pytest.skip("LAMMPS is not installed")
    assert {len(plan.cells), len(plan.inputs) * len(plan.variants)} == {120}
    assert all(attributes["lammps.version"] for attributes in plan.variants.values())
