"""Files are whole, or as they were before."""

from __future__ import annotations

import json
from pathlib import Path

import html_documents
import pytest

from pytest_compat.report.files import clear_document, write_document, write_text


def test_a_number_that_json_does_not_know_is_no_report(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text("before")
    with pytest.raises(ValueError, match="JSON"):
        write_document(html_documents.document(seed=float("nan")), path)
    assert path.read_text() == "before"


def test_folders_are_made(tmp_path: Path) -> None:
    write_text("ä\n", tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").read_bytes() == b"\xc3\xa4\n"


def test_a_failure_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Path, target: Path) -> None:
        raise OSError("no space left on device")

    path = tmp_path / "report.json"
    path.write_text("before")
    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="no space left"):
        write_text("after", path)
    assert [each.name for each in tmp_path.iterdir()] == ["report.json"]
    assert path.read_text() == "before"


@pytest.mark.parametrize(
    ("content", "cleared"),
    [
        (json.dumps({"schema": "pytest-compat/report/1"}), True),
        (json.dumps({"schema": "another"}), False),
        ("[]", False),
        ("3", False),
        ("{", False),
        ("", False),
    ],
)
def test_nothing_but_a_report_is_cleared(tmp_path: Path, content: str, cleared: bool) -> None:
    path = tmp_path / "report.json"
    path.write_text(content)
    clear_document(path)
    assert path.exists() != cleared


def test_clearing_what_is_not_there_is_nothing(tmp_path: Path) -> None:
    clear_document(tmp_path / "nowhere.json")
    clear_document(tmp_path)
    assert tmp_path.exists()
