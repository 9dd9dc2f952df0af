"""The order of versions: semantic versions (https://semver.org) with missing parts filled in.

`1.10` is 1.10.0, a leading `v` and leading zeros are read, build metadata is ignored. What is no such version
(`develop`, `1.2.3.4`, `2020a`) is in no range.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from math import inf

from pytest_compat.model import Graph

Key = tuple[float, float, float, int, tuple[tuple[int, int, str], ...]]

_VERSION = re.compile(
    r"v?(?P<numbers>[0-9]{1,20}(?:\.[0-9]{1,20}){0,2})"
    r"(?:-(?P<pre>[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?"
    r"(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?"
)


@dataclass(frozen=True, slots=True)
class Version:
    """A version that has a place in the order.

    Args:
        numbers: The one to three numbers that were written.
        pre: The identifiers of the pre-release, empty for a release; numbers come before words.
    """

    numbers: tuple[int, ...]
    pre: tuple[tuple[int, int, str], ...] = ()

    @property
    def low(self) -> Key:
        """Sort key of the first version this text covers: missing parts are 0."""
        return self._key(0)

    @property
    def high(self) -> Key:
        """Sort key of the last version this text covers: missing parts are as large as can be.

        A pre-release covers itself alone.
        """
        return self._key(0 if self.pre else inf)

    def _key(self, missing: float) -> Key:
        major, minor, patch = (*self.numbers, missing, missing)[:3]
        return (major, minor, patch, 0 if self.pre else 1, self.pre)


@lru_cache(maxsize=65536)
def parse_version(text: str) -> Version | None:
    """Read a version; None when the text is no version that could be in a range."""
    found = _VERSION.fullmatch(text)
    if found is None:
        return None
    pre = found["pre"]
    return Version(
        tuple(int(number) for number in found["numbers"].split(".")),
        tuple(_identifier(part) for part in pre.split(".")) if pre else (),
    )


def _identifier(text: str) -> tuple[int, int, str]:
    return (0, int(text), "") if text.isdecimal() and len(text) <= 20 else (1, 0, text)


def in_range(text: str, low: str | None, high: str | None) -> bool:
    """Tell whether a version lies between two bounds, both inclusive; None leaves that side open.

    A bound with missing parts covers all it abbreviates (2021.10.3 is at most 2021). A pre-release is in a range only
    if every bound given is itself a pre-release. Texts that are no versions are in no range, and no range has them as
    a bound.
    """
    span = version_range(low, high)
    version = parse_version(text)
    return span is not None and version is not None and span.admits(version)


@dataclass(frozen=True, slots=True)
class VersionRange:
    """Everything from `low` to `high`, pre-releases only where `pre` says so."""

    low: Key | None
    high: Key | None
    pre: bool

    def admits(self, version: Version) -> bool:
        """Tell whether the version lies in this range."""
        key = version.low
        return (
            (self.pre or not version.pre)
            and (self.low is None or self.low <= key)
            and (self.high is None or key <= self.high)
        )


def version_range(low: str | None, high: str | None) -> VersionRange | None:
    """Read two bounds; None when one that is given is no version, so that nothing is in the range."""
    bounds = [parse_version(text) if text is not None else None for text in (low, high)]
    if any(text is not None and bound is None for text, bound in zip((low, high), bounds, strict=True)):
        return None
    first, last = bounds
    return VersionRange(
        first.low if first else None,
        last.high if last else None,
        all(bound.pre for bound in bounds if bound),
    )


def unordered_versions(graph: Graph) -> list[tuple[str, str]]:
    """Return the (field, text) pairs of a subsystem that are called versions and have no place in the order."""
    return sorted(
        {
            (field, text)
            for vertex in graph.vertices.values()
            for field, text in vertex.attributes
            if (field == "version" or field.endswith(".version")) and parse_version(text) is None
        }
    )
