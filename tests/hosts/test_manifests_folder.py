"""`python -m pytest_compat manifests`, and the folder that it writes."""

from __future__ import annotations

import argparse
import os
import re
import shlex
import stat
from pathlib import Path

import pytest
import yaml

from pytest_compat.commands import main, manifests
from pytest_compat.hosts.kubernetes import folder as folders

ROOT = Path(__file__).parents[2]
POOL = ROOT / "clusters" / "spack-prototype.yaml"
KEYS = ("RAINBOW_SECRET", "RAINBOW_GLOBAL_TOKEN")


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "k8s"


def write(output: Path, *flags: str, pool: Path = POOL) -> int:
    return main(["manifests", str(pool), "--output", str(output), *flags])


def contents(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def values(output: Path) -> tuple[str, ...]:
    data = yaml.safe_load((output / "rainbow" / "secret.yaml").read_text())["stringData"]
    return tuple(data[key] for key in KEYS)


def problem(capsys: pytest.CaptureFixture[str]) -> str:
    out, err = capsys.readouterr()
    assert out == ""
    return err


def test_the_example_is_what_the_command_writes(output: Path) -> None:
    assert write(output) == 0
    assert contents(output) == contents(ROOT / "fixtures" / "kubernetes")


def test_the_page_has_every_flag_and_its_commands_are_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (ROOT / "docs" / "kubernetes.md").read_text()
    parser = argparse.ArgumentParser()
    manifests.add_arguments(parser)
    flags = set(re.findall(r"--[a-z][a-z-]+", parser.format_usage())) - {"--help"}
    assert flags - {"--output"} == set(
        re.findall(r"--[a-z][a-z-]+", page.split("## Settings")[1].split("Exit status")[0])
    )
    commands = re.findall(r"^python -m pytest_compat (manifests .*)$", page, re.MULTILINE)
    assert len(commands) == 3
    monkeypatch.chdir(tmp_path)
    (tmp_path / "clusters").symlink_to(ROOT / "clusters")
    assert [main(shlex.split(command)) for command in commands] == [0, 0, 0]


def test_what_was_written_is_said_and_that_placeholders_are_to_be_filled_in(
    output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert write(output) == 0
    assert capsys.readouterr() == (
        f"7 manifests for a rainbow and 2 clusters: {output}\n",
        f"manifests: {output}/rainbow/secret.yaml has placeholders: fill it in, or give --generate-secrets\n",
    )
    assert write(output, "--generate-secrets") == 0
    assert capsys.readouterr().err == ""


def test_the_secret_is_for_its_owner_alone(output: Path) -> None:
    for _ in range(2):  # made, and replaced
        assert write(output, "--generate-secrets") == 0
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in output.rglob("*.yaml")}
        assert {name for name, mode in modes.items() if not mode & 0o077} == {"secret.yaml"}


def test_secrets_that_are_there_are_kept_whatever_else_changes(output: Path) -> None:
    assert write(output, "--generate-secrets") == 0
    drawn = values(output)
    assert len(set(drawn)) == 2
    assert all(len(each) == 43 for each in drawn)
    assert write(output, "--port", "9090", "--token-secret", "tokens") == 0
    assert values(output) == drawn
    secret = yaml.safe_load((output / "rainbow" / "secret.yaml").read_text())
    assert secret["metadata"]["name"] == "tokens"


def test_only_placeholders_are_drawn_anew(output: Path) -> None:
    assert write(output) == 0
    path = output / "rainbow" / "secret.yaml"
    path.write_text(path.read_text().replace("RAINBOW_SECRET: replace-me", "RAINBOW_SECRET: my own"))
    assert write(output, "--generate-secrets") == 0
    secret, token = values(output)
    assert (secret, len(token)) == ("my own", 43)


def test_a_flag_reaches_every_manifest_of_a_folder_that_was_there(output: Path) -> None:
    assert write(output) == 0
    before = contents(output)
    assert write(output, "--port", "9090", "--tls-secret", "certs") == 0
    after = contents(output)
    assert {path for path in before if before[path] != after[path]} == {
        "rainbow/deployment.yaml",
        "rainbow/ingress.yaml",
        "rainbow/service.yaml",
        "clusters/blue.yaml",
        "clusters/pink.yaml",
    }
    assert "8080" not in "".join(after.values())
    assert write(output) == 0
    assert contents(output) == before


@pytest.mark.parametrize("there", ["notes.txt", "clusters/green.yaml", "rainbow/deployment.yaml.bak"])
def test_a_folder_with_other_files_is_left_as_it_is(
    output: Path, there: str, capsys: pytest.CaptureFixture[str]
) -> None:
    other = output / there
    other.parent.mkdir(parents=True)
    other.write_text("mine")
    assert write(output) == 1
    assert problem(capsys).startswith(f"manifests: {output}: found {there}, expected nothing that is not written here;")
    assert contents(output) == {there: "mine"}


def test_what_is_no_folder_and_the_working_directory_are_refused(
    output: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    output.write_text("a file")
    assert write(output) == 1
    assert problem(capsys) == f"manifests: {output}: found a file, expected a folder or nothing\n"
    assert write(output / "below") == 1
    assert problem(capsys).startswith(f"manifests: {output}/below: cannot be written, and is as it was: ")
    output.unlink()
    output.mkdir()
    monkeypatch.chdir(output)
    assert write(output) == 1
    assert problem(capsys).startswith(f"manifests: {output}: found the working directory, expected another")
    assert list(output.parent.iterdir()) == [output]


@pytest.mark.parametrize("failing", [1, 4, 7])
@pytest.mark.parametrize("before", [True, False], ids=["replacing", "new"])
def test_a_disk_that_is_full_leaves_what_was_there(
    output: Path, before: bool, failing: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if before:
        assert write(output) == 0
        capsys.readouterr()
    was = contents(output)
    calls = iter(range(1, 100))
    real = os.fsync

    def full(handle: int) -> None:
        if next(calls) == failing:
            raise OSError(28, "No space left on device")
        real(handle)

    monkeypatch.setattr(folders.os, "fsync", full)
    assert write(output, "--port", "9090") == 1
    assert "No space left on device" in problem(capsys)
    assert contents(output) == was
    assert [path.name for path in output.parent.iterdir()] == (["k8s"] if before else [])


def test_a_folder_that_cannot_take_its_place_gives_it_back(
    output: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert write(output) == 0
    capsys.readouterr()
    was, real = contents(output), Path.rename

    def rename(path: Path, target: Path) -> Path:
        if path.name == "fresh":
            raise PermissionError(13, "Permission denied")
        return real(path, target)

    monkeypatch.setattr(Path, "rename", rename)
    assert write(output, "--port", "9090") == 1
    assert "Permission denied" in problem(capsys)
    assert contents(output) == was


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (["--port", "99999"], "manifests: --port: found 99999, expected 1024 to 65535\n"),
        (["--token-secret", "A B"], "manifests: --token-secret: found 'A B', expected lower-case letters"),
        (["--mutual-tls"], "manifests: --mutual-tls: found no tls_secret, without which it means nothing\n"),
        (["--name", "blue"], "spack-prototype.yaml: clusters.blue: found a name that in Kubernetes is 'blue', as that"),
    ],
)
def test_flags_that_are_wrong_are_told_and_write_nothing(
    output: Path, flags: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert write(output, *flags) == 1
    assert expected in problem(capsys)
    assert not output.exists()


def test_a_port_that_is_no_number_is_a_wrong_command_line(output: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        write(output, "--port", "http")
    assert "argument --port: invalid int value: 'http'" in problem(capsys)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, "found no such file"),
        ("pool: p\n", "expected one of"),
        ("pool: p\nclusters: {red: {shape: {core: 2}}}\n", "clusters.red.shape: found core, expected a 'node'"),
        ("pool: p\nclusters: {red: {jgf: away}}\n", "found no such file"),
    ],
)
def test_a_pool_that_is_none_is_told_and_writes_nothing(
    output: Path, text: str | None, expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    pool = output.parent / "pool.yaml"
    if text is not None:
        pool.write_text(text)
    assert write(output, pool=pool) == 1
    assert expected in problem(capsys)
    assert not output.exists()


@pytest.mark.parametrize("text", ["[]", "stringData: {RAINBOW_SECRET: 12345, RAINBOW_GLOBAL_TOKEN: t}", "kind: Secret"])
def test_a_secret_that_is_none_is_not_replaced_and_not_shown(
    output: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = output / "rainbow" / "secret.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    assert write(output) == 1
    told = problem(capsys)
    assert told.startswith(f"manifests: {path}: ")
    assert "12345" not in told
    assert path.read_text() == text
