"""Tables of builds: what is read, and how all that is wrong is told."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

pandas = pytest.importorskip("pandas")
pytest.importorskip("pyarrow")

from build_tables import ROW, rows, store  # noqa: E402

from pytest_compat.builds.dataset import read_dataset, write_dataset  # noqa: E402
from pytest_compat.errors import DeclarationError  # noqa: E402


def failure(columns: dict[str, Any], path: Path, **how: bool) -> str:
    with pytest.raises(DeclarationError) as caught:
        read_dataset(store(columns, path), **how)
    assert str(caught.value).startswith(f"{path}: ")
    return str(caught.value).removeprefix(f"{path}: ")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "builds.parquet"


def test_a_table_is_read_with_its_dependencies_sorted(path: Path) -> None:
    found = read_dataset(store(rows({}, {"spec": "a2", "error_cluster": 3, "label": "root_failure"}), path))
    assert found.frame["spec"].tolist() == ["a1", "a2"]
    assert [list(each) for each in found.frame["dep_names"]] == [["cmake", "zlib"]] * 2
    assert [list(each) for each in found.frame["dep_versions"]] == [["develop", "1.2.11"]] * 2
    assert found.frame["error_cluster"].tolist() == [pandas.NA, 3]
    assert found.excluded == ()


def test_what_is_written_is_read_and_written_again_byte_by_byte(path: Path) -> None:
    frame = read_dataset(store(rows({}, {"spec": "a2", "dep_names": [], "dep_versions": [], "direct_deps": []}), path))
    first, second = path.with_name("first.parquet"), path.with_name("second.parquet")
    write_dataset(frame.frame, first)
    again = read_dataset(first)
    pandas.testing.assert_frame_equal(again.frame, frame.frame)
    write_dataset(again.frame, second)
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("name", ROW)
def test_a_column_that_is_missing_is_named(name: str, path: Path) -> None:
    columns = rows({})
    del columns[name]
    assert failure(columns, path).startswith(f"found no column {name} among ")


@pytest.mark.parametrize("name", ROW)
def test_a_column_of_another_type_is_named(name: str, path: Path) -> None:
    wrong = ["text"] if name in ("error_cluster", "dep_names", "dep_versions", "direct_deps") else [1.5]
    problem = failure({**rows({}), name: wrong}, path)
    assert problem.startswith(f"{name}: found {'string' if wrong == ['text'] else 'double'}, expected ")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"label": "failed"}, "label[1]: found 'failed', expected one of success, root_failure, other_failure, both"),
        ({"package": ""}, "package[1]: found '', expected a name"),
        ({"package": None}, "package[1]: found nothing, expected text"),
        ({"dep_versions": ["1.2.11"]}, "dep_versions[1]: found 1 versions of 2 dependencies, expected one of each"),
        ({"dep_versions": ["1.2.11", None]}, "dep_versions[1][1]: found nothing, expected text"),
        ({"dep_names": ["zlib", "zlib"]}, "dep_names[1]: found 'zlib' twice, expected each once"),
        ({"direct_deps": ["hdf5"]}, "direct_deps[1]: found 'hdf5', expected names that are in dep_names"),
        ({"variants": "{'shared'}"}, "variants[1]: found \"{'shared'}\", expected a JSON object of names to "),
        ({"variants": "[]"}, "variants[1]: found [], expected a JSON object of names to "),
        ({"variants": '{"a": null}'}, "variants[1]: found None for 'a', expected a JSON object of names to "),
        ({"error_cluster": 2**40}, "error_cluster: expected a whole number or nothing in each row: "),
        ({"spec": "a1", "version": "0.5.3"}, "spec: found 'a1' in rows 0 and 1 with different builds, expected one "),
    ],
)
def test_a_bad_cell_is_told_with_its_column_and_row(change: dict[str, Any], problem: str, path: Path) -> None:
    assert failure(rows({}, {"spec": "a2", **change}), path).startswith(problem)


def test_what_is_no_table_of_builds_is_told(path: Path) -> None:
    with pytest.raises(DeclarationError, match="found no such file"):
        read_dataset(path)
    path.write_text("spec,label\n")
    with pytest.raises(DeclarationError, match="found no Parquet file that can be read"):
        read_dataset(path)
    assert failure(rows(), path) == "found no rows, expected one per build"


def test_a_file_cut_short_is_told(path: Path) -> None:
    store(rows({}), path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DeclarationError, match="found no Parquet file that can be read"):
        read_dataset(path)


def test_specs_that_stand_there_with_two_labels_are_left_out_and_listed(path: Path) -> None:
    table = rows({}, {"spec": "a2"}, {"label": "root_failure"}, {"spec": "a3"}, {"spec": "a3"})
    found = read_dataset(store(table, path))
    assert found.frame["spec"].tolist() == ["a2", "a3"]
    assert [(each.count, each.why) for each in found.excluded] == [
        (2, "they stand in the table more than once, with different labels"),
        (1, "they repeat an earlier row"),
    ]


@pytest.mark.parametrize("change", [{"version": "1.0 beta"}, {"compiler_version": ""}, {"dep_versions": ["1", "?"]}])
def test_a_version_that_cannot_be_read_is_left_out_and_listed(change: dict[str, Any], path: Path) -> None:
    found = read_dataset(store(rows({"spec": "a0"}, {"spec": "a1", **change}, {"spec": "a2"}), path))
    assert found.frame["spec"].tolist() == ["a0", "a2"]
    assert found.frame.index.tolist() == [0, 1]
    ((what, count),) = [(each.what, each.count) for each in found.excluded]
    assert f"({next(iter(change))}[1])" in what
    assert count == 1


def test_a_table_of_which_nothing_is_left_is_refused(path: Path) -> None:
    assert failure(rows({"version": "?"}), path).startswith("found no builds to go by: 1 rows left out")


def test_equal_builds_with_opposite_labels_are_kept_and_told(path: Path) -> None:
    found = read_dataset(store(rows({}, {"spec": "a2", "label": "root_failure"}), path))
    assert len(found.frame) == 2
    assert found.remarks == (
        "2 rows in 1 sets have equal builds under different specs and are both success and root_failure: kept, though "
        "nothing in the table tells them apart",
    )


def test_to_predict_from_a_table_needs_no_labels_and_keeps_every_row(path: Path) -> None:
    columns = {**rows({}, {}, {"version": "?"}), "note": ["", "", ""]}
    del columns["label"], columns["error_cluster"]
    found = read_dataset(store(columns, path), labelled=False)
    assert found.frame["version"].tolist() == ["0.5.2", "0.5.2", "?"]
    assert found.excluded == ()
    assert [each.split(":")[0] for each in found.remarks] == [
        "columns that are none of a table of builds are not read",
        "1 rows have a version that cannot be read, such as '?' (version[2])",
    ]


def test_outcomes_are_not_there_where_they_are_not_wanted(path: Path) -> None:
    found = read_dataset(store(rows({}), path), labelled=False)
    assert not {"label", "error_cluster"} & set(found.frame.columns)


def test_a_table_that_is_none_is_not_written(path: Path) -> None:
    path.write_bytes(b"before")
    with pytest.raises(DeclarationError, match=r"label\[0\]: found 'failed'"):
        write_dataset(pandas.DataFrame(rows({"label": "failed"})), path)
    assert path.read_bytes() == b"before"
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_the_published_builds_are_read_whole() -> None:
    folder = os.environ.get("COMPAT_DATA")
    if folder is None:
        pytest.skip("COMPAT_DATA does not name the folder of published data")
    found = read_dataset(Path(folder, "buildspecs", "specs.parquet"))
    assert found.excluded == ()
    assert found.frame["label"].value_counts().to_dict() == {
        "success": 16498,
        "other_failure": 5239,
        "root_failure": 2122,
        "both": 304,
    }
