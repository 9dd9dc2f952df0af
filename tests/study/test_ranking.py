"""Images held against hosts: the rules, the order, and the runs that others made."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_compat.declare.compspecs import CompatSpec, read_specs
from pytest_compat.errors import LevelError
from pytest_compat.study.ranking import GLIBC, Ranking, plain_ranking, rank, reason

AGES = [("rocky", "8.9"), ("ubuntu", "20.04"), ("rocky", "9.3"), ("ubuntu", "22.04")]
"""Distributions, those with the older libraries first."""

SOURCED = "MPI fails to start unless Intel's environment is sourced"


def said(
    name: str, os: tuple[str, str] | None = None, *, arch: str = "", mpi: str = "", gpu: str = "", **more: str
) -> CompatSpec:
    given = {
        "io.archspec": {"cpu.target": arch},
        "os": dict(zip(("os.vendor", "os.version"), os or ("", ""), strict=True)),
        "mpi": {"mpi.implementation": mpi},
        "hardware": {"hardware.gpu.available": gpu},
    }
    for key, text in more.items():
        subsystem, _, field = key.partition("__")
        given.setdefault(subsystem, {})[field.replace("_", ".")] = text
    told = {subsystem: {name: text for name, text in fields.items() if text} for subsystem, fields in given.items()}
    return CompatSpec(name, "file.json", {subsystem: fields for subsystem, fields in told.items() if fields})


def compatible(ranking: Ranking) -> list[str]:
    return [each.spec.name for each in ranking.compatible]


def left_out(ranking: Ranking) -> dict[str, list[str | None]]:
    return {each.spec.name: [reason(one.requirement) for one in each.answer.failing] for each in ranking.left_out}


machines = st.builds(
    said,
    st.just("host"),
    st.sampled_from(AGES),
    arch=st.sampled_from(["amd64", "arm64"]),
    mpi=st.sampled_from(["mpich", "openmpi"]),
    gpu=st.sampled_from(["yes", "no"]),
)


@given(machines, st.lists(machines, min_size=1, max_size=6))
def test_the_rules_said_plainly(host: CompatSpec, drawn: list[CompatSpec]) -> None:
    images = [CompatSpec(f"i{place}", "", image.attributes) for place, image in enumerate(drawn)]

    def value(spec: CompatSpec, subsystem: str, field: str) -> str:
        return spec.attributes[subsystem][f"{subsystem}.{field}" if subsystem != "io.archspec" else field]

    def age(spec: CompatSpec) -> int:
        return AGES.index((value(spec, "os", "vendor"), value(spec, "os", "version")))

    expected: dict[str, list[str]] = {}
    places: dict[str, tuple[object, ...]] = {}
    for image in images:
        wrong = expected[image.name] = []
        if value(image, "io.archspec", "cpu.target") != value(host, "io.archspec", "cpu.target"):
            wrong.append("wrong architecture")
        if age(image) < age(host):
            wrong.append("os abi issue")
        if value(image, "hardware", "gpu.available") > value(host, "hardware", "gpu.available"):
            wrong.append("missing gpu")
        idle = value(image, "hardware", "gpu.available") < value(host, "hardware", "gpu.available")
        preferred = [("os", "vendor"), ("os", "version"), ("mpi", "implementation")]
        has = sum(value(image, *each) == value(host, *each) for each in preferred)
        places[image.name] = (len(wrong), idle and not wrong, -has, image.name)
    ranking = rank(host, images)
    found = {name: [] for name in compatible(ranking)} | left_out(ranking)
    assert found == expected
    assert list(found) == sorted(places, key=places.__getitem__)


class TestLibraries:
    ROCKY9 = said("host", ("rocky", "9.3"))

    @pytest.mark.parametrize(
        ("image", "fits"),
        [
            (said("i", ("almalinux", "9.1")), True),
            (said("i", ("rocky", "9")), True),
            (said("i", ("ubuntu", "20.04")), False),
            (said("i", ("ubuntu", "22.04.3")), True),
            (said("i", ("fedora", "39")), False),
            (said("i", ("fedora", "39"), os__os_glibc="2.38"), True),
            (said("i", ("rocky", "9.3"), os__os_glibc="2.33"), False),
            (said("i", os__os_glibc="2.34"), True),
            (said("i", os__os_glibc="2.4"), False),
            (said("i", arch="amd64"), False),
        ],
    )
    def test_of_an_image_are_not_older_than_the_hosts(self, image: CompatSpec, fits: bool) -> None:
        ranking = rank(self.ROCKY9, [image])
        assert left_out(ranking) == ({} if fits else {"i": ["os abi issue"]})

    def test_the_hosts_own_word_wins(self) -> None:
        host = said("host", ("rocky", "9.3"), os__os_glibc="2.31")
        assert compatible(rank(host, [said("old", ("ubuntu", "20.04"))])) == ["old"]

    def test_of_an_unknown_distribution_are_those_of_the_same(self) -> None:
        images = [said("same", ("fedora", "39")), said("next", ("fedora", "40")), said("other", ("ubuntu", "24.04"))]
        ranking = rank(said("host", ("fedora", "39")), images)
        assert compatible(ranking) == ["same"]
        assert left_out(ranking) == {"next": [None], "other": [None, None]}

    def test_of_older_distributions_are_older(self) -> None:
        older = [
            tuple(map(int, GLIBC[vendor, version].split(".")))
            for vendor, version in [("rocky", "8"), ("ubuntu", "20.04"), ("rocky", "9"), ("ubuntu", "22.04")]
        ]
        assert older == sorted(set(older))


class TestGPU:
    IMAGES = (said("with", gpu="yes"), said("without", gpu="no"), said("silent", arch="amd64"))

    def test_a_host_without_takes_no_image_that_needs_one(self) -> None:
        ranking = rank(said("host", gpu="no"), self.IMAGES)
        assert compatible(ranking) == ["silent", "without"]
        assert left_out(ranking) == {"with": ["missing gpu"]}

    def test_a_host_with_one_would_rather_use_it(self) -> None:
        ranking = rank(said("host", gpu="yes"), self.IMAGES)
        assert [(each.spec.name, float(each.answer.score), each.notes) for each in ranking.compatible] == [
            ("with", 1, ()),
            ("silent", 0.5, ("leaves the host's GPU idle",)),
            ("without", 0.5, ("leaves the host's GPU idle",)),
        ]

    def test_at_a_level_that_hides_it_nothing_idles(self) -> None:
        ranking = rank(said("host", arch="amd64", gpu="yes"), self.IMAGES, "io.archspec")
        assert [(each.spec.name, each.answer.score, each.notes) for each in ranking.compatible] == [("silent", 1, ())]

    def test_of_a_host_that_does_not_say_a_note_does(self) -> None:
        ranking = rank(said("host", mpi="mpich"), self.IMAGES)
        assert {each.spec.name: each.notes for each in ranking.compatible} == {
            "with": ("needs a GPU, and the host does not say whether it has one",),
            "without": (),
            "silent": (),
        }


class TestMPI:
    def test_the_same_implementation_comes_first_and_others_will_do(self) -> None:
        images = [said("a", mpi="openmpi"), said("b", mpi="mpich"), said("c", arch="amd64")]
        assert compatible(rank(said("host", mpi="mpich"), images)) == ["b", "a", "c"]

    def test_intels_needs_its_environment(self) -> None:
        (image,) = rank(said("host", mpi="mpich"), [said("i", mpi="intel-mpi")]).compatible
        assert image.notes == (SOURCED,)


class TestLevels:
    HOST = said("host", ("rocky", "9.3"), arch="amd64", mpi="mpich", gpu="no", fabric__kind="ib")
    IMAGE = said("i", ("rocky", "8.9"), arch="arm64", gpu="yes")

    @pytest.mark.parametrize(
        ("level", "name", "reasons"),
        [
            (None, None, ["wrong architecture", "os abi issue", "missing gpu", None]),
            ("hardware+os", "os+hardware", ["os abi issue", "missing gpu"]),
            ("os:os.glibc", "os:os.glibc", ["os abi issue"]),
            ("fabric", "fabric", [None]),
        ],
    )
    def test_hold_images_to_what_they_show(
        self, level: str | None, name: str | None, reasons: list[str | None]
    ) -> None:
        ranking = rank(self.HOST, [self.IMAGE], level)
        assert (ranking.level, left_out(ranking)) == (name, {"i": reasons})

    @pytest.mark.parametrize("level", ["none", "mpi", "os:os.vendor"])
    def test_that_ask_for_nothing_leave_nothing_out(self, level: str) -> None:
        assert compatible(rank(self.HOST, [self.IMAGE], level)) == ["i"]

    @pytest.mark.parametrize(
        ("level", "problem"),
        [("hardwar", "unknown level 'hardwar', did you mean 'hardware'"), ("single", "'single' stands for 5 levels")],
    )
    def test_that_are_none_are_errors(self, level: str, problem: str) -> None:
        with pytest.raises(LevelError, match=problem):
            rank(self.HOST, [self.IMAGE], level)


def test_what_describes_and_decides_nothing_is_not_asked() -> None:
    host = said("host", ("rocky", "9.3"), os__os_name="Rocky", os__os_release="9.3", mpi="mpich", mpi__mpi_version="4")
    assert [each.field for each in rank(host, [said("i", arch="amd64")]).asked] == ["os.glibc"]


def test_what_no_rule_speaks_of_has_to_be_equal() -> None:
    images = [said("same", fabric__kind="ib"), said("other", fabric__kind="roce"), said("silent", arch="amd64")]
    ranking = rank(said("host", fabric__kind="ib"), images)
    assert compatible(ranking) == ["same"]
    assert {each.spec.name: each.answer.failing[0].has for each in ranking.left_out} == {
        "other": ("roce",),
        "silent": (),
    }


def test_the_order_of_images_changes_nothing() -> None:
    images = [said(name, os, gpu=gpu) for name, (os, gpu) in zip("abcdefgh", zip(AGES * 2, ["yes", "no"] * 4))]  # noqa: B905
    host = said("host", ("ubuntu", "20.04"), gpu="no")
    assert plain_ranking(rank(host, images)) == plain_ranking(rank(host, images[::-1]))


def test_the_plain_form_says_why() -> None:
    ranking = rank(said("host", ("rocky", "9.3")), [said("old", ("rocky", "8.9")), said("new", ("rocky", "9.3"))])
    plain = json.loads(json.dumps(plain_ranking(ranking)))
    assert (plain["host"], plain["level"]) == ("host", None)
    assert [(each["image"], each["score"], len(each["preferred"])) for each in plain["compatible"]] == [("new", 1, 2)]
    (out,) = plain["left_out"]
    assert (out["image"], out["source"], out["near"]) == ("old", "file.json", True)
    assert out["failing"] == [
        {
            "subsystem": "os",
            "field": "os.glibc",
            "match": None,
            "min": "2.34",
            "max": None,
            "has": ["2.28"],
            "reason": "os abi issue",
        }
    ]


@pytest.fixture(scope="module")
def data() -> Path:
    folder = os.environ.get("COMPAT_DATA")
    if folder is None:
        pytest.skip("COMPAT_DATA does not name the folder of published data")
    return Path(folder, "image-selection")


@pytest.fixture(scope="module")
def rankings(data: Path) -> dict[str, Ranking]:
    images = read_specs([data / "images.json"])
    rows = json.loads((data / "hosts.json").read_text(encoding="utf-8"))
    found = {
        row["view"]: rank(said("host", (row["os_vendor"], row["os_version"]), arch=row["arch"], gpu="no"), images)
        for row in rows
    }
    assert (len(images), len(found)) == (18, 8)
    return found


@pytest.fixture(scope="module")
def runs(data: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((data / "outcomes_amd64.json").read_text(encoding="utf-8"))
    assert len(found) == 26
    return found


def test_every_run_came_out_as_said(rankings: dict[str, Ranking], runs: list[dict[str, Any]]) -> None:
    for run in runs:
        ranking = rankings[run["view"]]
        fits = {each.spec.name: each for each in ranking.compatible}
        if run["outcome"] in ("success", "mpi error"):
            assert run["image"] in fits
            needs = SOURCED in fits[run["image"]].notes
            assert needs == (run["outcome"] == "mpi error" or run["intel_env_sourced"])
        else:
            assert left_out(ranking)[run["image"]][0] == run["outcome"]


def test_of_hosts_never_run_the_rules_say_the_same(rankings: dict[str, Ranking], data: Path) -> None:
    images = {each["image"]: each for each in json.loads((data / "images.json").read_text(encoding="utf-8"))}
    for row in json.loads((data / "hosts.json").read_text(encoding="utf-8")):
        fits = set()
        for name, image in images.items():
            attributes = {key.rpartition("supercontainers.")[2]: text for key, text in image["attributes"].items()}
            age = AGES.index((attributes["os.vendor"], attributes["os.version"]))
            old = age < AGES.index((row["os_vendor"], row["os_version"]))
            if image["arch"] == row["arch"] and not old and attributes["hardware.gpu.available"] == "no":
                fits.add(name)
        assert set(compatible(rankings[row["view"]])) == fits


def test_versions_that_were_missing_are_later_than_the_images(
    runs: list[dict[str, Any]], rankings: dict[str, Ranking]
) -> None:
    for run in runs:
        missing = [each.removeprefix("GLIBC_") for each in run["missing_symbols"] if each.startswith("GLIBC_")]
        if missing:
            (out,) = [each for each in rankings[run["view"]].left_out if each.spec.name == run["image"]]
            (library,) = [each for each in out.answer.failing if each.requirement.field == "os.glibc"]
            asked, (there,) = library.requirement.min or "", library.has
            assert there < min(missing) <= max(missing) <= asked
