"""The order of versions as packages write them."""

from __future__ import annotations

import random

import pytest

from pytest_compat.models.order import version_key

ORDER = [
    "0.9", "1.0rc1", "1.0", "1.1.1", "1.1.1b", "1.1.1l", "1.2", "1.9.0", "1.10", "1.10.0", "1.10.1", "2.10.0b",
    "3.0.00", "2021.9.0", "stable", "trunk", "head", "master", "main", "develop",
]  # fmt: skip


def test_versions_come_in_the_order_of_spack() -> None:
    mixed = ORDER.copy()
    random.Random(1).shuffle(mixed)
    assert sorted(mixed, key=lambda text: version_key(text) or pytest.fail(text)) == ORDER


def test_a_leading_v_and_the_separator_make_no_difference() -> None:
    assert version_key("v1.2-3") == version_key("1.2.3") == version_key("1.2_3")


@pytest.mark.parametrize("text", ["", "kitware", "?", "1..2", "1.2 3", "-1", "9" * 300, "¹.²", "git.0123abc=develop"])
def test_what_is_no_version_has_no_place(text: str) -> None:
    assert version_key(text) is None
