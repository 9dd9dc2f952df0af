"""`python -m pytest_compat select`."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from pytest_compat.commands import main

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "select.md"
HOSTS, IMAGES = ROOT / "fixtures" / "compspecs" / "hosts", ROOT / "fixtures" / "compspecs" / "images"
SPECS = [str(path) for path in sorted(IMAGES.iterdir())]


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.setenv("COLUMNS", "40")  # no name is cut or wrapped in a narrow window


def select(capsys: pytest.CaptureFixture[str], host: str, *arguments: str, code: int = 0) -> list[str]:
    assert main(["select", "--host", str(HOSTS / host), *arguments]) == code
    out, err = capsys.readouterr()
    assert err == ""
    return [line.rstrip() for line in out.splitlines()]


def test_the_compatible_come_first_and_the_others_with_why(capsys: pytest.CaptureFixture[str]) -> None:
    lines = select(capsys, "rocky9.json", *SPECS)
    assert lines[0] == "rocky9, by all it says: 3 of 6 images are compatible"
    first, then = (
        next(place for place, line in enumerate(lines) if line.startswith(each)) for each in ("comp", "left")
    )
    assert [line.split()[0] for line in lines[first + 1 : then - 1]] == [
        "rocky9-intel-mpi",
        "ubuntu22.04-amd64",
        "debian12-mpich",
    ]
    assert [line.split(maxsplit=1) for line in lines[then + 1 :]] == [
        ["rocky9-openmpi-gpu", "missing gpu, hardware: hardware.gpu.available = no (there: yes)"],
        ["rocky8-openmpi", "os abi issue, os: 2.34 <= os.glibc (there: 2.28)"],
        ["ubuntu22.04-arm64", "wrong architecture, io.archspec: cpu.target = amd64 (there: arm64)"],
    ]


def test_what_is_asked_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    lines = select(capsys, "rocky9.json", *SPECS, "--level", "os")
    assert lines[0] == "rocky9, at level os: 5 of 6 images are compatible"
    assert lines[2:8] == [
        "asked                 images that meet it",
        "os: 2.34 <= os.glibc  5",
        "",
        "preferred              images that have it",
        "os: os.vendor = rocky  3",
        "os: os.version = 9.3   2",
    ]


def test_with_nothing_left_out_nothing_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    lines = select(capsys, "rocky9-gpu.yaml", *SPECS, "--level", "none")
    assert lines[0] == "rocky9-gpu, at level none: 6 of 6 images are compatible"
    assert not any(line.startswith(("asked", "preferred", "left out")) for line in lines)


def test_with_no_image_compatible_it_exits_1(capsys: pytest.CaptureFixture[str]) -> None:
    lines = select(capsys, "rocky9.json", str(IMAGES / "rocky8-openmpi.json"), code=1)
    assert lines[0] == "rocky9, by all it says: 0 of 1 images are compatible"
    assert not any(line.startswith("compatible") for line in lines)


@pytest.mark.parametrize(("specs", "code"), [(SPECS, 0), ([str(IMAGES / "rocky8-openmpi.json")], 1)])
def test_json_has_all_of_it(capsys: pytest.CaptureFixture[str], specs: list[str], code: int) -> None:
    document = json.loads("\n".join(select(capsys, "rocky9.json", "--json", *specs, code=code)))
    assert (document["host"], document["level"]) == ("rocky9", None)
    assert bool(document["compatible"]) == (code == 0)
    assert {each["source"] for each in (*document["compatible"], *document["left_out"])} == set(specs)


def test_others_words_are_no_escapes(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "odd.json"
    path.write_text(json.dumps({"name": "[bold]\x1b[2J", "arch": "amd64"}), encoding="utf-8")
    lines = select(capsys, "rocky9.json", str(path), "--level", "io.archspec")
    assert lines[-1].split()[0] == "[bold]\\x1b[2J"


@pytest.mark.parametrize(
    ("host", "level", "problem"),
    [
        ("none.json", "os", f"{HOSTS / 'none.json'}: found no such file"),
        ("rocky9.json", "oss", "unknown level 'oss', did you mean 'os'?"),
    ],
)
def test_what_is_wrong_is_told(capsys: pytest.CaptureFixture[str], host: str, level: str, problem: str) -> None:
    assert main(["select", "--host", str(HOSTS / host), "--level", level, *SPECS]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"select: {problem}")


SHOWN = re.findall(
    r"```sh\npython -m pytest_compat (select .*?)\n```\n\n```text\n(.*?)```",
    PAGE.read_text(encoding="utf-8"),
    re.DOTALL,
)


def test_the_docs_show_what_is_printed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    ((command, output),) = SHOWN
    *words, glob = shlex.split(command)
    assert main([*words, *(str(path) for path in sorted(Path().glob(glob)))]) == 0
    assert [line.rstrip() for line in capsys.readouterr().out.splitlines()] == output.splitlines()
