"""The indexed matcher.

Identical vertices are compressed into classes: a homogeneous cluster has one class of nodes, however many it has.
Every (cluster, class) pair is a row of the table of its vertex type, and for each attribute the table keeps a bitset
of the rows that have it, so that a requirement is one intersection over all clusters. What a vertex has to hold below
it is worked out per class, once per set of clusters.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations, compress
from operator import attrgetter
from typing import Any
from weakref import WeakValueDictionary

from pytest_compat.matching.versions import in_range, parse_version, version_range
from pytest_compat.model import Cluster, Jobspec, Requirement, Resource

CACHED = 4096
"""Answers kept per question about what lies below a vertex, until a cluster comes or goes."""

Postings = dict[Any, int]
"""Bitsets of rows by what these rows have in common."""

_AS_BITS = bytes.maketrans(b"01", b"\0\1")


@dataclass(frozen=True, eq=False, slots=True, weakref_slot=True)
class VertexClass:
    """What vertices that cannot be told apart have in common.

    Args:
        type: Their type.
        size: Their size.
        offers: The attributes of each subsystem vertex that hangs on them, by subsystem.
        children: The classes directly below, with how many of each.
        totals: The summed size of everything below, by type.
    """

    type: str
    size: int
    offers: Mapping[str, tuple[Mapping[str, str], ...]]
    children: tuple[tuple[VertexClass, int], ...]
    totals: Mapping[str, int]

    def meets(self, requirement: Requirement) -> bool:
        """Tell whether one of the vertices that hang here meets the requirement."""
        for attributes in self.offers.get(requirement.subsystem, ()):
            text = attributes.get(requirement.field)
            if text is None:
                continue
            if requirement.match is not None:
                if text == requirement.match:
                    return True
            elif in_range(text, requirement.min, requirement.max):
                return True
        return False


class Index:
    """Clusters, ready to be asked which of them could take a job.

    The order in which clusters are added, and that of their vertices and edges, never changes an answer.
    """

    def __init__(self, clusters: Iterable[Cluster] = ()) -> None:
        self._interned: WeakValueDictionary[object, VertexClass] = WeakValueDictionary()
        self._tables: dict[str, _Table] = {}
        self._roots: dict[str, tuple[VertexClass, ...]] = {}
        self._pending: dict[str, Cluster] = {}
        for cluster in clusters:
            self.add(cluster)

    def __len__(self) -> int:
        return len(self._roots.keys() | self._pending.keys())

    def add(self, cluster: Cluster) -> None:
        """Add a cluster, or replace the one of that name.

        Raises:
            GraphError: Its containment graph is not a tree.
        """
        _ = cluster.containment.tree
        self._pending[cluster.name] = cluster

    def remove(self, name: str) -> None:
        """Forget a cluster; one that is not there is no error."""
        self._pending.pop(name, None)
        self._drop(name)

    def candidates(self, jobspec: Jobspec) -> tuple[str, ...]:
        """Return the names of the clusters that satisfy the jobspec, sorted.

        A jobspec whose tasks refer to no resource group asks for nothing: every cluster is a candidate.
        """
        self._settle()
        groups = list(jobspec.groups.values())
        if not groups:
            return tuple(sorted(self._roots))
        names = self._satisfying(groups[0])
        for group in groups[1:]:
            also = set(self._satisfying(group))
            names = [name for name in names if name in also]
        names.sort()
        return tuple(names)

    def _satisfying(self, group: Resource) -> list[str]:
        table = self._tables.get(group.type)
        if table is None:
            return []
        rows = table.eligible(group)
        # Where one row is all a cluster has of this type, its multiplicity decides ...
        names = table.clusters_of(rows & ~table.tangled & table.at_least(group.count))
        # ... where there are several, or vertices of the type inside one another, disjoint ones have to be counted.
        tangled = rows & table.tangled
        if tangled:
            best: dict[int, int] = {}
            chosen = {id(cls) for cls in table.classes_of(tangled)}
            for name in dict.fromkeys(table.clusters_of(tangled)):
                found = sum(_disjoint(root, group.type, chosen, best) for root in self._roots[name])
                if found >= group.count:
                    names.append(name)
        return names

    def _settle(self) -> None:
        """Take in the clusters that were added since the last question."""
        if not self._pending:
            return
        for cluster in self._pending.values():
            self._drop(cluster.name)
            self._insert(cluster)
        self._pending.clear()

    def _insert(self, cluster: Cluster) -> None:
        tree = cluster.containment.tree
        hanging: dict[str, dict[str, dict[tuple[tuple[str, str], ...], None]]] = {}
        for subsystem, graph in cluster.subsystems.items():
            for container, contained in graph.contains:
                # An id of the subsystem's own wins over one of the containment graph.
                if container not in graph.vertices and contained in graph.vertices:
                    offers = hanging.setdefault(container, {})
                    offers.setdefault(subsystem, {})[graph.vertices[contained].attributes] = None
        classes: dict[str, VertexClass] = {}
        for vertex in tree.order:
            classes[vertex] = self._intern(
                cluster.containment.vertices[vertex].type,
                cluster.containment.vertices[vertex].size,
                {subsystem: tuple(sorted(found)) for subsystem, found in hanging.get(vertex, {}).items()},
                Counter(classes[child] for child in tree.children[vertex]),
            )
        self._roots[cluster.name] = tuple(classes[root] for root in tree.roots)
        for cls, count in Counter(classes.values()).items():
            self._tables.setdefault(cls.type, _Table()).insert(cluster.name, cls, count)

    def _intern(
        self,
        type: str,
        size: int,
        offers: Mapping[str, tuple[tuple[tuple[str, str], ...], ...]],
        children: Mapping[VertexClass, int],
    ) -> VertexClass:
        key = (type, size, frozenset(offers.items()), frozenset(children.items()))
        cls = self._interned.get(key)
        if cls is None:
            totals: Counter[str] = Counter()
            for child, count in children.items():
                totals[child.type] += count * child.size
                for below, total in child.totals.items():
                    totals[below] += count * total
            cls = self._interned[key] = VertexClass(
                type,
                size,
                {subsystem: tuple(dict(found) for found in each) for subsystem, each in offers.items()},
                tuple(children.items()),
                totals,
            )
        return cls

    def _drop(self, name: str) -> None:
        if self._roots.pop(name, None) is None:
            return
        for table in self._tables.values():
            table.drop(name)


class _Table:
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
        for row in self._rows.pop(cluster, ()):
            bit = 1 << row
            self._alive &= ~bit
            self.tangled &= ~bit
            (count,) = (count for count, rows in self._counts.items() if rows & bit)
            for postings, key in self._postings(self._classes[row], count):
                postings[key] &= ~bit
                if not postings[key]:
                    del postings[key]
            self._free.append(row)
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
        verdicts = {cls: _holds(cls, within, memo) for cls in self.classes_of(self._alive)}
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


def _holds(cls: VertexClass, within: tuple[Resource, ...], memo: dict[object, object]) -> bool:
    """Tell whether a vertex of this class holds below it all that is asked for.

    Requests for the same type share no vertex. They can all be served when no set of them asks for more than there is
    of vertices that suit any of the set (Hall's theorem).
    """
    key = (id(cls), within)
    if key not in memo:
        memo[key] = all(
            sum(child.count for child in some) <= _supply(cls, some, memo)
            for alike in _alike(within)
            for size in range(1, len(alike) + 1)
            for some in combinations(alike, size)
        )
    return bool(memo[key])


def _alike(within: tuple[Resource, ...]) -> list[tuple[Resource, ...]]:
    kind = attrgetter("type", "slot")
    kinds = dict.fromkeys(map(kind, within))
    return [tuple(child for child in within if kind(child) == each) for each in kinds]


def _supply(cls: VertexClass, some: tuple[Resource, ...], memo: dict[object, object]) -> int:
    """Return how much there is below a vertex that suits at least one of some requests of one type."""
    type, slot = some[0].type, some[0].slot
    if type not in cls.totals:
        return 0
    key = (id(cls), some, "supply")
    found = memo.get(key)
    if found is None:
        found = 0
        for child, count in cls.children:
            below = _supply(child, some, memo)
            here = 0
            if child.type == type and any(_suits(child, each, memo) for each in some):
                here = 1 if slot else child.size
            found += count * (max(here, below) if slot else here + below)
        memo[key] = found
    assert isinstance(found, int)
    return found


def _suits(cls: VertexClass, resource: Resource, memo: dict[object, object]) -> bool:
    return all(cls.meets(requirement) for requirement in resource.requires) and _holds(cls, resource.within, memo)


def _disjoint(cls: VertexClass, type: str, chosen: set[int], best: dict[int, int]) -> int:
    """Return how many vertices of the chosen classes, none inside another, there are in a vertex of this class."""
    if id(cls) not in best:
        below = 0
        if type in cls.totals:
            below = sum(count * _disjoint(child, type, chosen, best) for child, count in cls.children)
        best[id(cls)] = max(below, 1 if id(cls) in chosen else 0)
    return best[id(cls)]
