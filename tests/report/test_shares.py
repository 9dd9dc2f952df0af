"""The shares of success and of each reason."""

from __future__ import annotations

import copy
import math

import html_documents
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reason_documents import images, partly_explained, variants

from pytest_compat.report.shares import NO_REASON, reasons_of, shares_of

Document = html_documents.Document


def levels(document: Document) -> dict[str, dict[str, tuple[int, float | None, float | None]]]:
    """Return count, sampled and exact share by level and name."""
    [about] = document["experiments"]
    return {
        run["level"]: {each.name: (each.count, each.sampled, each.exact) for each in shares}
        for run, shares in shares_of(about, document["runs"])
    }


def test_without_reasons_there_are_no_shares() -> None:
    document = html_documents.lammps()
    assert shares_of(document["experiments"][0], document["runs"]) == []
    assert shares_of(document["experiments"][0], []) == []


def test_reasons_are_those_found_or_expected_the_most_probable_first() -> None:
    runs = images()["runs"]
    assert reasons_of(runs) == ["abi | issue", "missing gpu"]  # others counted no "mpi error", and nobody expects any
    assert reasons_of(runs[2:]) == []
    runs[2]["reasons"] = {"out of memory": 1}
    runs[2]["published"] = [html_documents.published("them", 1, 9, None, mpi_error=(2, None))]
    assert reasons_of(runs) == ["abi | issue", "missing gpu", "mpi error", "out of memory"]


def test_a_share_is_of_the_submissions_of_its_level() -> None:
    assert levels(images()) == {
        "basic": {
            "correct": (3, 3 / 8, 0.5), "abi | issue": (3, 3 / 8, 0.25), "missing gpu": (2, 0.25, 0.25),
            NO_REASON: (0, 0.0, 0.0),
        },
        "platform": {
            "correct": (2, 0.25, 5 / 12), "abi | issue": (2, 0.25, 1 / 3), "missing gpu": (3, 3 / 8, 0.25),
            NO_REASON: (0, 0.0, 0.0),
        },
        "os": {
            "correct": (4, 2 / 3, 2 / 3), "abi | issue": (0, 0.0, 0.0), "missing gpu": (0, 0.0, 0.0),
            NO_REASON: (2, 1 / 3, 1 / 3),
        },
    }  # fmt: skip


@pytest.mark.parametrize("document", [images(), variants(), partly_explained()], ids=["images", "variants", "partly"])
def test_shares_and_what_was_given_no_cluster_add_up(document: Document) -> None:
    for run, shares in shares_of(document["experiments"][0], document["runs"]):
        lost = sum(run["outcomes"][name] for name in ("missed", "rejected", "error"))
        assert sum(each.count for each in shares) + lost == run["submissions"]
        assert math.isclose(sum(each.exact or 0.0 for each in shares) + run["exact"]["unmatched"], 1)


def test_compatible_is_told_apart_as_long_as_no_reason_is_about_it() -> None:
    assert levels(variants())["basic"]["compatible"] == (2, 0.25, 0.25)
    found = levels(partly_explained())["basic"]
    assert "compatible" not in found
    assert found["slow"] == (1, 1 / 8, 0.25)
    assert found[NO_REASON] == (1, 1 / 8, 0.0)


def test_what_scores_above_0_comes_before_what_scores_0() -> None:
    document = partly_explained()
    document["runs"][0]["exact"]["reasons"]["slow"]["rate"] = 1e-9
    for _, shares in shares_of(document["experiments"][0], document["runs"]):
        assert [(each.name, each.runs) for each in shares][:3] == [
            ("correct", True),
            ("slow", True),
            ("abi | issue", False),
        ]


def test_points_are_of_success_only_where_each_submission_scores_0_or_1() -> None:
    for document, fraction, published in ((images(), "1/2", [1, 5]), (variants(), "1/4", [])):
        (_, (correct, *_)), *_ = shares_of(document["experiments"][0], document["runs"])
        assert correct.name == "correct"
        assert correct.fraction == fraction
        assert [each["points"] for each in correct.published] == published


def test_what_others_counted_stands_beside_its_reason() -> None:
    document = images()
    (_, shares), *_ = shares_of(document["experiments"][0], document["runs"])
    [gpu] = [each for each in shares if each.name == "missing gpu"]
    assert list(gpu.published) == [{"source": "us, twice", "of": 8, "points": 4, "p": 0.0004}]


def test_without_candidates_or_submissions_there_are_no_such_shares() -> None:
    document = images()
    document["runs"][1] |= {"exact": None}
    document["runs"][2] |= {"submissions": 0, "outcomes": dict.fromkeys(document["runs"][2]["outcomes"], 0)}
    found = levels(document)
    assert {exact for _, _, exact in found["platform"].values()} == {None}
    assert {sampled for _, sampled, _ in found["os"].values()} == {None}


@given(st.lists(st.sampled_from(["basic", "platform", "os"]), unique=True))
def test_every_level_has_the_same_shares_in_the_same_order(names: list[str]) -> None:
    document = images()
    runs = [copy.deepcopy(run) for name in names for run in document["runs"] if run["level"] == name]
    found = shares_of(document["experiments"][0], runs)
    assert [run["level"] for run, _ in found] == (names if {"basic", "platform"} & {*names} else [])
    assert len({tuple(each.name for each in shares) for _, shares in found}) <= 1
