"""The indexed matcher.

Identical vertices are compressed into classes: a homogeneous cluster has one class of nodes, however many it has.
Every (cluster, class) pair is a row of the table of its vertex type, and for each attribute the table keeps a bitset
of the rows that have it, so that a requirement is one intersection over all clusters. What a vertex has to hold below
it is worked out per class, once per set of clusters.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from weakref import WeakValueDictionary

from pytest_compat.matching.classes import VertexClass, disjoint
from pytest_compat.matching.tables import Table
from pytest_compat.model import Cluster, Jobspec, Resource


class Index:
    """Clusters, ready to be asked which of them could take a job.

    The order in which clusters are added, and that of their vertices and edges, never changes an answer.
    """

    def __init__(self, clusters: Iterable[Cluster] = ()) -> None:
        self._interned: WeakValueDictionary[object, VertexClass] = WeakValueDictionary()
        self._tables: dict[str, Table] = {}
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

        Raises:
            JobspecError: It asks for more than MAX_SIBLINGS different resources of one type side by side, or for
                different slots in more ways than can be tried where vertices of that type lie inside one another.
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
                found = sum(disjoint(root, group.type, chosen, best) for root in self._roots[name])
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
            self._tables.setdefault(cls.type, Table()).insert(cluster.name, cls, count)

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
