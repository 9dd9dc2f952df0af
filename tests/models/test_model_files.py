"""Models as files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pandas")
pytest.importorskip("sklearn")

from builds_made import frame, made, row

from pytest_compat.errors import DeclarationError
from pytest_compat.models import KINDS, load, read_builds, render, train

ROWS = [*made(count=60), row("few", 1, "success")]


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_read_is_what_was_written(kind: str, tmp_path: Path) -> None:
    builds, left_out = read_builds(frame([*ROWS, row("few", 2, "both")]))
    models = train(builds, kind, 5, left_out)
    file = tmp_path / "models.json"
    file.write_text(render(models), encoding="utf-8")
    assert load(file) == models
    assert render(load(file)) == render(models)


def set_schema(document: dict[str, Any]) -> None:
    document["schema"] = "pytest-compat/models/2"


def set_flat(document: dict[str, Any]) -> None:
    document["calibration"]["slope"] = 0


def set_why(document: dict[str, Any]) -> None:
    document["packages"]["solver"]["why"] = "as well"


def set_successes(document: dict[str, Any]) -> None:
    document["packages"]["few"]["successes"] = 2


def set_step(document: dict[str, Any]) -> None:
    document["packages"]["solver"]["tables"]["dependency:hdf5"]["steps"]["kitware"] = 1.0


def set_weight(document: dict[str, Any]) -> None:
    document["packages"]["solver"]["tables"]["dependency:hdf5"]["weights"]["1.8"] = "0.5"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (set_schema, "schema: found 'pytest-compat/models/2', expected 'pytest-compat/models/1'"),
        (set_flat, "calibration.slope: expected"),
        (set_why, "packages.solver: expected"),
        (set_successes, "packages.few.successes: found more successes than 1 builds"),
        (set_step, "packages.solver.tables.dependency:hdf5.steps: found 'kitware', expected a version"),
        (set_weight, "packages.solver.tables.dependency:hdf5.weights.1.8: expected"),
    ],
)
def test_a_file_that_is_no_file_of_models_is_refused(
    change: Callable[[dict[str, Any]], None], message: str, tmp_path: Path
) -> None:
    builds, _ = read_builds(frame(ROWS))
    document = json.loads(render(train(builds, "ordered")))
    change(document)
    file = tmp_path / "models.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(DeclarationError) as error:
        load(file)
    assert str(error.value).startswith(f"{file}: {message}")


@pytest.mark.parametrize("content", [b"", b"\x80\x04K\x01.", b'{"seed": NaN}', b"[" * 100_000])
def test_what_is_no_json_is_refused(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "models.json"
    file.write_bytes(content)
    with pytest.raises(DeclarationError, match="found no JSON"):
        load(file)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(DeclarationError, match="cannot be read: No such file"):
        load(tmp_path / "models.json")
