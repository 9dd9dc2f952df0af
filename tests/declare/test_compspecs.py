"""Compatibility specs, OCI annotations and plain attributes: all the forms, and what is wrong with others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_compat.declare.compspecs import SHORT, CompatSpec, read_host, read_specs
from pytest_compat.errors import DeclarationError

ARCH, IMPLEMENTATION = "io.archspec.cpu.target", "org.supercontainers.mpi.implementation"
MPICH = {"io.archspec": {"cpu.target": "amd64"}, "mpi": {"mpi.implementation": "mpich"}}
FLAT = {ARCH: "amd64", IMPLEMENTATION: "mpich"}


def write(folder: Path, document: Any, name: str = "spec.json") -> Path:
    path = folder / name
    path.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
    return path


def spec(*compatibilities: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"kind": "CompatibilitySpec", "compatibilities": list(compatibilities), **more}


def problem(path: Path) -> str:
    with pytest.raises(DeclarationError) as caught:
        read_specs([path])
    assert caught.value.source == str(path)
    return str(caught.value).removeprefix(f"{path}: ")


@pytest.mark.parametrize("key", ["attributes", "annotations"])
@pytest.mark.parametrize(
    ("schema", "field"),
    [
        ("org.supercontainers.mpi", "implementation"),
        ("org.supercontainers", "mpi.implementation"),
        ("lammps", IMPLEMENTATION),
        ("org.supercontainers.mpi", IMPLEMENTATION),
    ],
)
def test_attributes_are_sorted_by_schema_and_name(tmp_path: Path, key: str, schema: str, field: str) -> None:
    document = spec({"name": "io.archspec", key: {"cpu.target": "amd64"}}, {"name": schema, key: {field: "mpich"}})
    (found,) = read_specs([write(tmp_path, document)])
    assert found.attributes == MPICH


def test_an_unknown_schema_is_a_subsystem_of_its_own(tmp_path: Path) -> None:
    document = spec({"name": "com.example", "attributes": {"fabric.kind": "ib", "com.example.site": "north"}})
    (found,) = read_specs([write(tmp_path, document)])
    assert found.attributes == {"com.example": {"fabric.kind": "ib", "site": "north"}}


def test_the_subsystem_of_an_unknown_dotted_name_is_all_but_its_last_part(tmp_path: Path) -> None:
    (found,) = read_specs([write(tmp_path, {"com.example.fabric": "ib"})])
    assert found.attributes == {"com.example": {"fabric": "ib"}}


@pytest.mark.parametrize(
    ("document", "name"),
    [
        (FLAT, "spec"),
        ({**FLAT, "name": "mine"}, "mine"),
        ({"attributes": FLAT, "name": "mine"}, "mine"),
        ({"annotations": FLAT}, "spec"),
        ({"annotations": {**FLAT, "org.opencontainers.image.ref.name": "mine"}}, "mine"),
        ({"kind": "CompatibilitySpec", "attributes": FLAT, "metadata": {"name": "mine"}}, "mine"),
        ([{"image": "mine", "arch": "amd64", "attributes": FLAT}], "mine"),
        ([{"name": "mine", "attributes": FLAT}], "mine"),
        ({"arch": "x86_64", "mpi": "MPICH"}, "spec"),
        ({"manifests": [{"annotations": {**FLAT, "org.opencontainers.image.ref.name": "mine"}}]}, "mine"),
        ({"manifests": [{"annotations": FLAT}]}, "spec[0]"),
    ],
)
def test_every_form_says_the_same(tmp_path: Path, document: Any, name: str) -> None:
    (found,) = read_specs([write(tmp_path, document)])
    assert (found.name, found.attributes) == (name, MPICH)
    (same,) = read_specs([write(tmp_path, document, "spec.yaml")])  # JSON such as this is YAML
    assert (same.name, same.attributes) == (name, MPICH)


def test_an_index_has_an_image_for_each_manifest_and_shares_its_annotations(tmp_path: Path) -> None:
    manifests = [
        {"platform": {"architecture": "amd64"}},
        {"platform": {"architecture": "arm64"}, "annotations": {IMPLEMENTATION: "openmpi"}},
        {"platform": {"architecture": "arm64"}, "annotations": {ARCH: "neoverse"}},
        {"platform": {"architecture": "unknown"}, "annotations": {"org.opencontainers.image.title": "signature"}},
    ]
    found = read_specs([write(tmp_path, {"annotations": {IMPLEMENTATION: "mpich"}, "manifests": manifests})])
    assert [(each.name, each.attributes["io.archspec"], each.attributes["mpi"]) for each in found] == [
        ("spec[0]", {"cpu.target": "amd64"}, {"mpi.implementation": "mpich"}),
        ("spec[1]", {"cpu.target": "arm64"}, {"mpi.implementation": "openmpi"}),
        ("spec[2]", {"cpu.target": "neoverse"}, {"mpi.implementation": "mpich"}),
    ]


def test_short_names_are_those_of_attributes(tmp_path: Path) -> None:
    values = {"arch": "amd64", "os_vendor": "rocky", "os_version": "9", "glibc": "2.34", "mpi": "mpich", "gpu": "no"}
    assert values.keys() == SHORT.keys()
    short = read_host(write(tmp_path, values))
    assert short.attributes == read_host(write(tmp_path, {SHORT[key]: values[key] for key in values})).attributes


@pytest.mark.parametrize(
    ("name", "said", "read"),
    [
        ("arch", "aarch64", "arm64"),
        ("os_vendor", "Ubuntu", "ubuntu"),
        ("gpu", "True", "yes"),
        ("gpu", "false", "no"),
        ("glibc", "2.34-100.el9", "2.34"),
        ("glibc", "ldd (GNU libc) 2.28", "2.28"),
        ("os_version", "9.3 (Blue Onyx)", "9.3 (Blue Onyx)"),
    ],
)
def test_what_is_spelt_otherwise_is_the_same(tmp_path: Path, name: str, said: str, read: str) -> None:
    (fields,) = read_host(write(tmp_path, {name: said})).attributes.values()
    assert list(fields.values()) == [read]


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ("{", "found no JSON: "),
        ("[]", "found an empty list, expected objects with `image` and `attributes`"),
        ("3", "found 3, expected an object: a CompatibilitySpec, OCI annotations or attributes"),
        ("null", "found nothing, expected an object"),
        ({}, "found no attributes, expected at least one, such as io.archspec.cpu.target"),
        ({"kind": "Pod"}, "kind: found 'Pod', expected 'CompatibilitySpec'"),
        ({"kind": ["Pod"]}, "kind: found ['Pod'], expected"),
        (spec(), "compatibilities: found no attributes, expected at least one"),
        (spec({"attributes": {"a": "b"}}), "compatibilities[0].name: found nothing, expected the name of a schema"),
        (spec(3), "compatibilities[0]: found 3, expected an object"),  # type: ignore[arg-type]
        (spec({"name": "x", "attributes": []}), "compatibilities[0].attributes: found [], expected an object"),
        (spec({"name": "x", "attributes": {"a": 4}}), "compatibilities[0].attributes.a: found 4, expected a string"),
        (
            spec({"name": "io.archspec", "attributes": {"cpu.target": "a"}}, attributes={ARCH: "b"}),
            f"compatibilities[0].attributes.cpu.target: found '{ARCH}' a second time, 'a' after 'b', expected one",
        ),
        (spec({"name": "x", "attributes": {"a": "b"}}, metadata=3), "metadata: found 3, expected an object"),
        (spec({"name": "x", "attributes": {"a": "b"}}, metadata={"name": 3}), "metadata.name: found 3, expected a nam"),
        ({"kind": "CompatibilitySpec", "compatibilities": {}}, "compatibilities: found {}, expected a list"),
        ({"annotations": {"org.opencontainers.image.title": "x"}}, "annotations: found no attributes"),
        ({"annotations": None}, "annotations: found nothing, expected an object of attributes"),
        ({"annotations": {ARCH: None}}, f"annotations.{ARCH}: found nothing, expected a string"),
        ({"annotations": {"": "x"}}, "annotations: found the key '', expected a string"),
        ({"manifests": []}, "manifests: found no manifest with attributes, expected at least one"),
        ({"manifests": [{"platform": {"architecture": 3}}]}, "manifests[0].platform.architecture: found 3, expected"),
        ([{"attributes": FLAT}], "[0].image: found nothing, expected the name of an image"),
        ([{"image": "a"}], "[0].attributes: found nothing, expected an object of attributes"),
        ([{"image": "a", "attributes": FLAT}, {"image": "a", "attributes": FLAT}], "found a second one called 'a'"),
        ({"archh": "amd64"}, "archh: unknown attribute 'archh', did you mean 'arch'? (known: arch, "),
        ({"arch": "amd64", ARCH: "arm64"}, f"{ARCH}: found '{ARCH}' a second time"),
        ({"org.supercontainers.": "x"}, "org.supercontainers.: unknown attribute"),
        ({"gpu": "two"}, "gpu: found 'two', expected 'yes' or 'no'"),
        ({"glibc": "musl"}, "glibc: found 'musl', expected a version such as '2.34'"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, document: Any, said: str) -> None:
    assert problem(write(tmp_path, document)).startswith(said)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("arch: [", "found no YAML: "),
        ("gpu: yes", 'gpu: found True, expected a string (in YAML, quote it: "yes")'),
        ("os_version: 22.04", 'os_version: found 22.04, expected a string (in YAML, quote it: "22.04")'),
        ("attributes: {1: a}", "attributes: found the key 1, expected a string"),
    ],
)
def test_what_is_wrong_in_yaml_is_told_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    assert problem(write(tmp_path, text, "spec.yaml")).startswith(said)


KEYS = ["kind", "name", "metadata", "compatibilities", "attributes", "annotations", "manifests", "platform", *SHORT]
VALUES = st.sampled_from(["CompatibilitySpec", "amd64", "yes", "", *FLAT]) | st.none() | st.booleans() | st.integers()
DOCUMENTS = st.recursive(
    VALUES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS) | st.sampled_from([*FLAT, ""]), inner)
    ),
    max_leaves=12,
)


@given(DOCUMENTS)
def test_any_document_is_read_or_told_what_is_wrong(tmp_path_factory: pytest.TempPathFactory, document: Any) -> None:
    path = write(tmp_path_factory.getbasetemp(), document, "drawn.json")
    found: tuple[CompatSpec, ...] = ()
    told = ""
    try:
        found = read_specs([path])
    except DeclarationError as error:
        told = str(error)
    assert bool(found) != told.startswith(f"{path}: ")
    assert all(fields and "" not in fields for spec in found for fields in spec.attributes.values())


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert problem(tmp_path / "none.json") == "found no such file"


def test_two_files_must_not_have_one_name(tmp_path: Path) -> None:
    first, second = (write(tmp_path, {**FLAT, "name": "same"}, f"{name}.json") for name in "ab")
    with pytest.raises(DeclarationError) as caught:
        read_specs([first, second])
    assert str(caught.value).startswith(f"{second}: found a second one called 'same' (the first: {first})")


def test_a_file_has_one_host(tmp_path: Path) -> None:
    path = write(tmp_path, [{"name": name, "attributes": FLAT} for name in "ab"])
    with pytest.raises(DeclarationError, match="found 2 hosts, expected one in a file"):
        read_host(path)
