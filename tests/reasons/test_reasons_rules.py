"""Rules of one's own."""

from __future__ import annotations

from pathlib import Path

import pytest
from reasons_printed import PRINTED, SUCCESS

from pytest_compat.errors import DeclarationError
from pytest_compat.reasons import classify, load_rules

OWN = """
causes:
  - name: licence
    reason: missing executable
    stage: launch
    texts: ["no licence for"]
    pattern: 'no licence for (?P<missing>\\w+)'
    means: the licence server refused
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "own.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_stand_before_the_shipped_ones(tmp_path: Path) -> None:
    rules = load_rules(written(tmp_path, OWN))
    text = f"no licence for abc\n{PRINTED['os abi issue'][0]}\n"
    assert classify(text).reason == "os abi issue"
    found = classify(text, rules=rules)
    assert (found.reason, found.rule, found.missing) == ("missing executable", "licence", ("abc",))
    assert classify(PRINTED["mpi error"][0], rules=rules) == classify(PRINTED["mpi error"][0])


def test_may_make_a_line_noise(tmp_path: Path) -> None:
    rules = load_rules(written(tmp_path, "noise: [{texts: ['GLIBC_2.34']}]"))
    assert classify(PRINTED["os abi issue"][0], rules=rules).reason == "unknown"


def test_may_say_when_another_program_has_done_its_work(tmp_path: Path) -> None:
    rules = load_rules(
        written(tmp_path, "milestones: [{name: done, texts: ['# OSU done'], passed: [launch, start], finishes: true}]")
    )
    found = classify(f"{PRINTED['mpi error'][0]}\n# OSU done\n", rules=rules)
    assert (found.reason, found.line) == ("success", "# OSU done")


def test_may_name_the_exit_status(tmp_path: Path) -> None:
    rules = load_rules(written(tmp_path, "ends: [{texts: ['ended badly'], status: 137}]"))
    assert classify(f"{SUCCESS}it ended badly\n", rules=rules).reason == "out of memory"


def test_may_make_a_bystander_part_of_the_run(tmp_path: Path) -> None:
    line = "curl: /lib64/libc.so.6: version `GLIBC_2.34' not found (required by curl)"
    assert classify(line).reason == "unknown"
    assert classify(line, rules=load_rules(written(tmp_path, "programs: [curl]"))).reason == "os abi issue"
    ours = "ours: /lib64/libc.so.6: version `GLIBC_2.34' not found (required by ours)"
    assert classify(ours, rules=load_rules(written(tmp_path, "bystanders: [ours]"))).reason == "unknown"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (OWN.replace("missing executable", "bad luck"), "own.yaml: causes[0].reason: 'bad luck' is not one of"),
        (OWN.replace("(?P<missing>", "(?P<missing"), "own.yaml: causes[0].pattern: found"),
        (OWN.replace("texts:", "text:"), "own.yaml: causes[0]"),
        ("causes: [", "own.yaml: found no YAML"),
        ("- causes", "is not of type 'object'"),
        ("noise: [{texts: [abc]}]", "own.yaml: noise[0].texts[0]: 'abc' is too short"),
        ("commands: [{texts: [abcd], pattern: abcd}]", "own.yaml: commands[0].pattern: found 'abcd', expected a group"),
        ("ends: [{texts: [abcd], pattern: abcd}]", "own.yaml: ends[0].pattern: found 'abcd', expected a group"),
        ("ends: [{texts: [abcd], pattern: '(?P<when>abcd)'}]", "expected no group 'when'"),
    ],
)
def test_that_are_none_are_refused_with_their_place(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(DeclarationError) as refused:
        load_rules(written(tmp_path, text))
    assert said in str(refused.value)


def test_that_are_missing_are_named(tmp_path: Path) -> None:
    with pytest.raises(DeclarationError, match=r"none\.yaml: found no such file"):
        load_rules(tmp_path / "none.yaml")
