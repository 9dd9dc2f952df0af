"""The order of the versions that packages have, as Spack orders them.

Numbers and words are compared part by part (`1.9` < `1.10`, `1.1.1` < `1.1.1l`), pre-releases come before their
release, and branches come after every release (https://spack.readthedocs.io, "Version comparison").
"""

from __future__ import annotations

import re
from functools import lru_cache

Key = tuple[tuple[int, int, str], ...]

BRANCHES = ("stable", "trunk", "head", "master", "main", "develop")
"""Branches that come after every release, in their order."""

_PRE = ("alpha", "beta", "pre", "rc")
_END = (0, 0, "")
_PARTS = re.compile(r"[0-9]+|[a-z]+")
_VERSION = re.compile(r"v?[0-9]{1,18}(?:[._+-]?(?:[0-9]{1,18}|[A-Za-z]+))*")


@lru_cache(maxsize=65536)
def version_key(text: str) -> Key | None:
    """Return the sort key of a version; None when it is no version that has a place in the order (`kitware`, `?`)."""
    if text in BRANCHES:
        return ((3, BRANCHES.index(text), ""),)
    if len(text) > 200 or _VERSION.fullmatch(text) is None:
        return None
    return (*(_part(part) for part in _PARTS.findall(text.lower().removeprefix("v"))), _END)


def _part(text: str) -> tuple[int, int, str]:
    if text.isdecimal():
        return (2, int(text), "")
    return (-1, _PRE.index(text), "") if text in _PRE else (1, 0, text)
