"""Builds out of Spack's spec files and label tables."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from spack_specs import HASHES, compilers_as_nodes, listed, nodes

pytest.importorskip("pandas")
pytest.importorskip("pyarrow")

from pytest_compat.builds.dataset import read_dataset
from pytest_compat.builds.imports import import_builds
from pytest_compat.builds.labels import read_labels
from pytest_compat.builds.spack import read_spec
from pytest_compat.commands import main
from pytest_compat.errors import DeclarationError

FORMS = [listed, nodes, compilers_as_nodes]
SPEC = HASHES["zfp"]


def store(document: Any, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document) if path.suffix == ".json" else yaml.safe_dump(document))
    return path


def table(path: Path, *lines: str) -> Path:
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("suffix", [".json", ".yaml"])
def test_every_form_says_the_same(form: Callable[[], Any], suffix: str, tmp_path: Path) -> None:
    build = read_spec(store(form(), tmp_path / f"zfp{suffix}"))
    assert (build.spec, build.package, build.version) == (SPEC, "zfp", "0.5.2")
    assert build.compiler == ("gcc", "9.3.1")
    assert json.loads(build.variants) == {"build_type": "Release", "patches": ["8a9d"], "shared": True}
    assert build.dependencies == {"cmake": "3.20.10", "zlib": "1.2.11"}
    assert build.direct == ("cmake",)
    assert build.twice == ()


def test_a_package_without_a_compiler_says_so(tmp_path: Path) -> None:
    document = compilers_as_nodes()
    document["spec"]["nodes"][0]["dependencies"].pop()
    assert read_spec(store(document, tmp_path / "zfp.json")).compiler == ("none", "none")


def test_a_compiler_is_no_dependency_whoever_needs_it_and_however(tmp_path: Path) -> None:
    document = compilers_as_nodes()
    packages = document["spec"]["nodes"]
    (gcc,) = (each for each in packages if each["name"] == "gcc")
    plain = {"name": "gcc", "hash": gcc["hash"], "parameters": {"deptypes": ["build"], "virtuals": []}}
    packages.append({"name": "gcc-runtime", "version": gcc["version"], "hash": "runtime", "dependencies": [plain]})
    packages[0]["dependencies"].append(
        {"name": "gcc-runtime", "hash": "runtime", "parameters": {"deptypes": ["link"], "virtuals": []}}
    )
    before = read_spec(store(compilers_as_nodes(), tmp_path / "before.json"))
    build = read_spec(store(document, tmp_path / "after.json"))
    assert build.dependencies.keys() == before.dependencies.keys() | {"gcc-runtime"}
    assert build.compiler == before.compiler
    assert "gcc" not in build.direct


def test_a_compiler_that_a_later_spack_kept_beside_a_package_is_read(tmp_path: Path) -> None:
    document = nodes()
    del document["spec"]["nodes"][0]["compiler"]
    document["spec"]["nodes"][0]["annotations"] = {"original_specfile_format": 4, "compiler": "gcc@=8.3.1"}
    assert read_spec(store(document, tmp_path / "zfp.json")).compiler == ("gcc", "8.3.1")


def test_of_two_versions_of_a_dependency_the_linked_one_counts(tmp_path: Path) -> None:
    document = nodes()
    root, *_, zlib = document["spec"]["nodes"]
    document["spec"]["nodes"].append({**zlib, "version": "1.3", "hash": "newer"})
    root["dependencies"].append({"name": "zlib", "hash": "newer", "type": ["build"]})
    root["dependencies"].append({"name": "zlib", "hash": HASHES["zlib"], "type": ["link"]})
    build = read_spec(store(document, tmp_path / "zfp.json"))
    assert build.dependencies["zlib"] == "1.2.11"
    assert build.twice == ("zlib",)
    found = import_builds([tmp_path], [])
    assert found.remarks[0].startswith("1 builds have a dependency in several versions, such as zlib")


def test_specs_that_go_in_a_circle_are_read(tmp_path: Path) -> None:
    document = nodes()
    document["spec"]["nodes"][2]["dependencies"] = [{"name": "cmake", "hash": HASHES["cmake"], "type": ["build"]}]
    assert set(read_spec(store(document, tmp_path / "zfp.json")).dependencies) == {"cmake", "zlib"}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"version": 1.1}, r"spec\.nodes\[0\]\.version: found 1\.1, expected text; quote it"),
        ({"version": None}, r"spec\.nodes\[0\]\.version: found nothing, expected text"),
        ({"name": ""}, r"spec\.nodes\[0\]\.name: found an empty text"),
        ({"compiler": "gcc"}, r"spec\.nodes\[0\]\.compiler: found 'gcc', expected a name and a version"),
        ({"parameters": {"a": None}}, "parameters: found None for 'a', expected"),
        ({"dependencies": "cmake"}, r"spec\.nodes\[0\]\.dependencies: found 'cmake', expected dependencies"),
        ({"dependencies": [{"name": "perl", "hash": "x"}]}, "found a dependency perl/x and 0 packages of that name"),
        ({"dependencies": [{"name": "zlib", "type": 3}]}, r"dependencies\[0\]\.type: found 3, expected names"),
    ],
)
def test_what_is_no_spec_is_told_with_its_place(change: dict[str, Any], problem: str, tmp_path: Path) -> None:
    document = nodes()
    document["spec"]["nodes"][0].update(change)
    with pytest.raises(DeclarationError, match=problem):
        read_spec(store(document, tmp_path / "zfp.json"))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"spec": []}', '{"spec": {"nodes": []}}', '{"spec": [3]}', "{", "["])
def test_any_other_file_is_told(text: str, tmp_path: Path) -> None:
    for name in ("other.json", "other.yaml"):
        (tmp_path / name).write_text(text)
        with pytest.raises(DeclarationError, match=name):
            read_spec(tmp_path / name)


@pytest.mark.parametrize(
    "key", [SPEC, SPEC[:7], f"zfp/{SPEC}", "deep/zfp.spec.json", "zfp.spec.json", "zfp"], ids=lambda key: str(len(key))
)
@pytest.mark.parametrize("column", ["spec", "hash", "file"])
def test_labels_find_their_build(key: str, column: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store(nodes(), tmp_path / "specs" / "deep" / "zfp.spec.json")
    labels = table(tmp_path / "labels.csv", f"{column},label,error_cluster", f"{key},root_failure,7", "gone,success,")
    output = tmp_path / "builds.parquet"
    arguments = ["import", "buildspecs", str(tmp_path / "specs"), "--labels", str(labels), "--output", str(output)]
    assert main(arguments) == 0
    frame = read_dataset(output).frame
    assert frame[["spec", "label", "error_cluster"]].values.tolist() == [[SPEC, "root_failure", 7]]
    lines = capsys.readouterr().out.splitlines()
    assert lines == ["1 rows of label tables fit no build, such as 'gone'", f"1 builds: {output}"]


def test_builds_without_labels_and_files_that_repeat_a_spec_are_listed(tmp_path: Path) -> None:
    store(nodes(), tmp_path / "specs" / "a.json")
    store(listed(), tmp_path / "specs" / "b.yaml")
    other = nodes()
    other["spec"]["nodes"][0].update(hash="other", version="0.5.3")
    store(other, tmp_path / "specs" / "c.json")
    found = import_builds([tmp_path / "specs"], [table(tmp_path / "labels.csv", "hash,label", f"{SPEC},success")])
    assert found.frame["spec"].tolist() == [SPEC]
    assert [(each.count, each.why) for each in found.excluded] == [
        (1, "another file has that spec"),
        (1, "no label table has them"),
    ]


def test_without_label_tables_a_table_to_predict_from_is_written(tmp_path: Path) -> None:
    path = store(nodes(), tmp_path / "zfp.json")
    output = tmp_path / "builds.parquet"
    assert main(["import", "buildspecs", str(path), "--output", str(output)]) == 0
    assert read_dataset(output, labelled=False).frame["spec"].tolist() == [SPEC]


def test_a_spec_that_two_files_tell_differently_is_told(tmp_path: Path) -> None:
    store(nodes(), tmp_path / "a.json")
    other = nodes()
    other["spec"]["nodes"][0]["version"] = "0.5.3"
    store(other, tmp_path / "b.json")
    with pytest.raises(DeclarationError, match=r"b\.json: found the spec '.*', which is another build in .*a\.json"):
        import_builds([tmp_path], [])


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        (
            ["spec,label", "a,success", "a,root_failure"],
            "line 3: found root_failure of 'a', which is success in .*: line 2",
        ),
        (["spec,label", "a,sucess"], "line 2: unknown label 'sucess', did you mean 'success'"),
        (["spec,label", ",success"], "line 2: found no spec"),
        (["spec,label,error_cluster", "a,success,x"], "line 2: found the error_cluster 'x'"),
        (["spec,outcome", "a,success"], "found the columns spec, outcome, expected label and one of spec, hash, file"),
        ([], "found the columns none"),
    ],
)
def test_a_bad_label_table_is_told_with_its_line(lines: list[str], problem: str, tmp_path: Path) -> None:
    with pytest.raises(DeclarationError, match=problem):
        read_labels([table(tmp_path / "labels.csv", *lines)])


def test_a_label_that_fits_two_builds_is_told(tmp_path: Path) -> None:
    store(nodes(), tmp_path / "specs" / "one" / "zfp.json")
    other = nodes()
    other["spec"]["nodes"][0]["hash"] = "other"
    store(other, tmp_path / "specs" / "two" / "zfp.json")
    with pytest.raises(DeclarationError, match=r"found 'zfp\.json', which fits 2 builds"):
        import_builds([tmp_path / "specs"], [table(tmp_path / "labels.csv", "file,label", "zfp.json,success")])
