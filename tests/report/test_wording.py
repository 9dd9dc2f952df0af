"""Words and figures that every form of the report has in common."""

from __future__ import annotations

from typing import Any

import pytest
from html_documents import lammps, published
from reason_documents import images, variants

from pytest_compat.report import wording


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1.00"),
        (0.19645, "0.20"),
        (0.0952, "0.10"),
        (0.0949, "0.09"),
        (0.034, "0.03"),
        (0.0004, "0.0004"),
        (4.4e-05, "4e-05"),
        (0.0, "0"),
    ],
)
def test_a_small_chance_keeps_its_first_digit(value: float, text: str) -> None:
    assert wording.chance(value) == text


@pytest.mark.parametrize(
    ("points", "p", "text"), [(2, 0.19645, "2/25 (p 0.20)"), (2.5, None, "2.5/25"), (25, 1.0, "25/25 (p 1.00)")]
)
def test_published_points_are_of_submissions_and_come_with_their_chance(
    points: float, p: float | None, text: str
) -> None:
    assert wording.published(published("them", points, 25, p)) == text


def test_sources_have_a_column_each_and_stand_below() -> None:
    figures = [published("b", 1, 4, None), published("a", 2, 4, 0.5), published("b", 3, 4, None)]
    sources = wording.sources_of([{"published": figures[:1]}, {"published": figures}])
    assert sources == ["b", "a"]
    assert wording.published_cells(figures, sources) == ["1/4 3/4", "2/4 (p 0.50)"]
    assert wording.published_cells([], sources) == ["-", "-"]
    assert wording.published_line(sources).startswith("published 1: b; published 2: a; p: how likely")
    assert wording.published_line(["a"]).startswith("published: a; p: ")
    assert wording.published_line([]) == ""


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        (0.0, "0 s"),
        (2.5e-06, "2.5 \N{MICRO SIGN}s"),
        (0.25, "250 ms"),
        (1.0, "1 s"),
        (61.25, "61.2 s"),
        (86400.4, "86400 s"),
    ],
)
def test_times_have_three_digits_and_a_unit(value: float | None, text: str) -> None:
    assert wording.seconds(value) == text


@pytest.mark.parametrize(("kind", "words"), [("measured", "times measured on"), ("modelled", "times modelled for")])
def test_times_are_said_to_be_measured_or_modelled(kind: str, words: str) -> None:
    [about] = variants(kind)["experiments"]
    assert wording.times_of(about) == f"{words} a [big] node"
    assert [title for title in wording.lost_headers(about) if kind in title] == [f"sampled ({kind})", f"exact ({kind})"]


def with_one_empty(runs: list[dict[str, Any]]) -> None:
    runs[1] |= {"drawn": {}, "iterations": 0}


def with_other_draws(runs: list[dict[str, Any]]) -> None:
    runs[1]["iterations"] = 30


@pytest.mark.parametrize(
    ("levels", "change", "words"),
    [
        (slice(0, 2), None, "3 jobs, 8 draws per level"),
        (slice(0, 2), with_other_draws, "3 jobs, 8-30 draws per level"),
        (slice(0, 2), with_one_empty, "3 jobs, 8 draws per level"),
        (slice(1, 2), None, "3 jobs, 8 draws per level"),
        (slice(2, 3), None, "3 jobs x 2"),
        (slice(0, 3), None, "3 jobs x 2 at 1 level, 8 draws at each of 2 levels"),
    ],
)
def test_jobs_are_submitted_so_often_or_drawn(levels: slice, change: Any, words: str) -> None:
    document = images()
    runs = document["runs"][levels]
    if change:
        change(runs)
    assert wording.extent(document["experiments"][0], runs) == f"5 clusters, {words}"


def test_levels_of_some_jobs_say_how_many() -> None:
    document = lammps()
    [about], runs = document["experiments"], document["runs"]
    assert wording.extent(about, runs) == "48 clusters, 18 jobs x 20"
    runs[0]["jobs"] = 4
    assert wording.extent(about, runs) == "48 clusters, 4-18 of 18 jobs x 20"
