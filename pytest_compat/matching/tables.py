"""Tables of rows, one for each vertex type, and the bitsets that say which row has what."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import compress
from typing import Any

from pytest_compat.matching.classes import VertexClass, holds
from pytest_compat.matching.versions import parse_version, version_range
from pytest_compat.model import Requirement, Resource

CACHED = 4096
"""Answers kept per question about what lies below a vertex, until a cluster comes or goes."""

Postings = dict[Any, int]
"""Bitsets of rows by what these rows have in common."""

_AS_BITS = bytes.maketrans(b"01", b"\0\1")


class Table:
    """The rows of one vertex type: every class of it in every cluster, and who has which attribute."""

    def __init__(self) -> None:
        self._classes: list[VertexClass] = []
        self.tangled = 0
        self._alive = 0
        self._names: list[str] = []
        self._rows: dict[str, list[int]] = {}
        self._free: list[int] = []
        self._values: dict[tuple[str, str], Postings] = {}
        self._counts: Postings = {}
        self._totals: dict[str, Postings] = {}
        self._cache: dict[object, int] = {}

    def insert(self, cluster: str, cls: VertexClass, count: int) -> None:
        """Add the row of a cluster that has `count` vertices of this class."""
        if self._free:
            row = self._free.pop()
            self._classes[row], self._names[row] = cls, cluster
        else:
            row = len(self._classes)
            self._classes.append(cls)
            self._names.append(cluster)
        bit = 1 << row
        self._alive |= bit
        for postings, key in self._postings(cls, count):
            postings[key] = postings.get(key, 0) | bit
        rows = self._rows.setdefault(cluster, [])
        rows.append(row)
        if len(rows) > 1 or cls.type in cls.totals:
            for each in rows:
                self.tangled |= 1 << each
        self._cache.clear()

    def drop(self, cluster: str) -> None:
        """Forget the rows of a cluster."""
        rows = self._rows.pop(cluster, None)
        if rows is None:
            return
        for row in rows:
            bit = 1 << row
            self._alive &= ~bit
            self.tangled &= ~bit
            (count,) = (count for count, having in self._counts.items() if having & bit)
            for postings, key in self._postings(self._classes[row], count):
                postings[key] &= ~bit
                if not postings[key]:
                    del postings[key]
            self._free.append(row)
        self._values = {attribute: postings for attribute, postings in self._values.items() if postings}
        self._totals = {type: postings for type, postings in self._totals.items() if postings}
        self._cache.clear()

    def _postings(self, cls: VertexClass, count: int) -> Iterable[tuple[Postings, object]]:
        """Every bitset that has a bit for a row of this class, as (where it is kept, its key)."""
        yield self._counts, count
        for type, total in cls.totals.items():
            yield self._totals.setdefault(type, {}), total
        seen: set[tuple[str, str, str]] = set()
        for subsystem, each in cls.offers.items():
            for attributes in each:
                for field, text in attributes.items():
                    if (subsystem, field, text) not in seen:
                        seen.add((subsystem, field, text))
                        yield self._values.setdefault((subsystem, field), {}), text

    def clusters_of(self, rows: int) -> list[str]:
        """Return the cluster of each row in a bitset; a cluster with several rows comes several times."""
        return list(compress(self._names, _bits(rows)))

    def classes_of(self, rows: int) -> set[VertexClass]:
        """Return the classes of the rows in a bitset."""
        return set(compress(self._classes, _bits(rows)))

    def at_least(self, count: int) -> int:
        """Return the rows with that many vertices or more."""
        return self._remember(("count", count), lambda: _from(self._counts, count))

    def eligible(self, resource: Resource) -> int:
        """Return the rows whose vertices, each by itself, are what the resource asks for."""
        rows = self._alive
        for requirement in resource.requires:
            rows &= self._meeting(requirement)
            if not rows:
                return 0
        if resource.within:
            rows &= self._remember(resource.within, lambda: self._holding(resource.within))
        return rows

    def _meeting(self, requirement: Requirement) -> int:
        values = self._values.get((requirement.subsystem, requirement.field))
        if values is None:
            return 0
        if requirement.match is not None:
            return values.get(requirement.match, 0)
        return self._remember(requirement, lambda: _within(values, requirement))

    def _holding(self, within: tuple[Resource, ...]) -> int:
        if len({child.type for child in within}) == len(within) and not any(
            child.requires or child.within or child.slot for child in within
        ):
            rows = self._alive
            for child in within:
                rows &= _from(self._totals.get(child.type, {}), child.count)
            return rows
        memo: dict[object, object] = {}
        verdicts = {cls: holds(cls, within, memo) for cls in self.classes_of(self._alive)}
        return sum(1 << row for row in _ones(self._alive) if verdicts[self._classes[row]])

    def _remember(self, key: object, answer: Callable[[], int]) -> int:
        rows = self._cache.get(key)
        if rows is None:
            if len(self._cache) >= CACHED:
                self._cache.clear()
            rows = self._cache[key] = answer()
        return rows


def _within(values: Mapping[str, int], requirement: Requirement) -> int:
    span = version_range(requirement.min, requirement.max)
    if span is None:
        return 0
    rows = 0
    for text, having in values.items():
        version = parse_version(text)
        if version is not None and span.admits(version):
            rows |= having
    return rows


def _from(postings: Mapping[int, int], least: int) -> int:
    rows = 0
    for number, having in postings.items():
        if number >= least:
            rows |= having
    return rows


def _bits(rows: int) -> bytes:
    """Return a bitset as bytes of 0 and 1, lowest bit first."""
    return f"{rows:b}"[::-1].encode().translate(_AS_BITS)


def _ones(rows: int) -> list[int]:
    return [row for row, bit in enumerate(_bits(rows)) if bit]
