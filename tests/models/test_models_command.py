"""`python -m pytest_compat models`."""

from __future__ import annotations

import argparse
import json
import xml.etree.ElementTree
from pathlib import Path

import pytest

pandas = pytest.importorskip("pandas")
pytest.importorskip("sklearn")
pytest.importorskip("pyarrow")

from builds_made import frame, made, row  # noqa: E402

from pytest_compat.builds.dataset import write_dataset  # noqa: E402
from pytest_compat.commands import models  # noqa: E402
from pytest_compat.errors import DeclarationError  # noqa: E402


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FORCE_COLOR", raising=False)


def ran(*arguments: object) -> int:
    parser = argparse.ArgumentParser()
    models.add_arguments(parser)
    return models.run(parser.parse_args([str(argument) for argument in arguments]))


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "specs.parquet"
    write_dataset(frame([*made(count=120), row("few", 1, "success"), row("few", 2, "both")]), path)
    return path


def test_models_are_trained_and_used(table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stored, output = tmp_path / "models.json", tmp_path / "p.parquet"
    assert ran("train", table, "--output", stored, "--kind", "bayes") == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[:2] == [
        "1 models (bayes) of 120 builds, prior 1, seed 0",
        "  1 rows left out: their label is both, which trains nothing",
    ]
    assert printed[2].endswith(": all 1 builds succeeded")
    assert printed[3].startswith("  solver: constant and dropped: compiler, compiler_version, ")
    bare = tmp_path / "bare.parquet"
    write_dataset(pandas.read_parquet(table).drop(columns=["label", "error_cluster"]), bare)
    assert ran("predict", stored, bare, "--output", output) == 0
    assert capsys.readouterr().out.splitlines() == [
        "122 probabilities: 120 by model, 2 by base rate, 0 by unknown package",
        "  few: 2 specs: its base rate stands for it (all 1 builds succeeded)",
    ]
    found = pandas.read_parquet(output)
    assert found.columns.tolist() == ["spec", "package", "probability", "basis", "unseen"]
    assert found["spec"].tolist() == pandas.read_parquet(bare)["spec"].tolist()
    assert found["probability"].between(0, 1).all()


def test_models_are_judged(table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output, plot = tmp_path / "found.json", tmp_path / "curves.svg"
    assert ran("evaluate", table, "--output", output, "--plot", plot, "--folds", 3) == 0
    printed = capsys.readouterr().out
    document = json.loads(output.read_text(encoding="utf-8"))
    assert list(document["splits"]) == ["random", "near-duplicates apart"]
    brier = document["splits"]["random"]["judgements"]["ordered"]["brier"]
    assert f"{brier:.4f}" in printed
    assert "1 rows left out: their label is both, which trains nothing" in document["remarks"]
    assert "reliability of ordered" in printed
    xml.etree.ElementTree.parse(plot)
    first = plot.read_bytes()
    ran("evaluate", table, "--plot", plot, "--folds", 3)
    assert plot.read_bytes() == first


def test_stored_models_are_judged_on_another_table(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stored, other = tmp_path / "models.json", tmp_path / "other.parquet"
    ran("train", table, "--output", stored)
    write_dataset(frame(made(count=50, seed=8)), other)
    capsys.readouterr()
    assert ran("evaluate", other, "--models", stored) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "given: 1 packages"
    assert [line.split()[0] for line in printed[2:4]] == ["base", "ordered"]


def test_a_table_without_a_column_is_refused(table: Path, tmp_path: Path) -> None:
    stored, bad = tmp_path / "models.json", tmp_path / "bad.parquet"
    ran("train", table, "--output", stored)
    pandas.read_parquet(table).drop(columns="compiler").to_parquet(bad)
    with pytest.raises(DeclarationError, match="found no column compiler"):
        ran("predict", stored, bad, "--output", tmp_path / "p.parquet")
    assert not (tmp_path / "p.parquet").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "x", "--output", "m", "--seed", "-1"], "expected a whole number from 0"),
        (["evaluate", "x", "--folds", "1"], "expected a whole number from 2 to 100"),
        (["evaluate", "x", "--plot", "x.pdf"], "expected .svg or .png"),
        (["predict", "m", "x", "--output", "p.csv"], "expected .parquet"),
    ],
)
def test_a_wrong_command_line_is_told(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        ran(*arguments)
    assert message in capsys.readouterr().err
