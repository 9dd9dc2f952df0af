"""The things everything else speaks of: clusters, jobspecs, requirements, levels.

All of them are frozen and know nothing of files, schedulers or pytest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from graphlib import CycleError, TopologicalSorter

from pytest_compat.errors import GraphError

MAX_DEPTH = 64
"""Levels a containment graph may nest: more than any machine has, less than recursion would mind."""


@dataclass(frozen=True, slots=True)
class Vertex:
    """A vertex of a graph.

    Args:
        type: What it is (`node`, `core`, `package`).
        size: How many of it this vertex stands for, 0 or more.
        attributes: Its metadata as sorted (field, text) pairs. Empty on containment vertices: only subsystem
            vertices carry metadata that a requirement can ask for.
    """

    type: str
    size: int = 1
    attributes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Graph:
    """Vertices by id and the `contains` edges between them, as (container, contained).

    In a subsystem graph the container may also be a vertex of the cluster's containment graph.
    """

    vertices: Mapping[str, Vertex]
    contains: tuple[tuple[str, str], ...] = ()

    @cached_property
    def tree(self) -> Tree:
        """This graph read as a forest.

        Raises:
            GraphError: It is empty, has a cycle, a vertex with two containers, or more than MAX_DEPTH levels.
        """
        if not self.vertices:
            raise GraphError("found a graph without vertices, expected at least one", path="graph.nodes")
        children: dict[str, list[str]] = {name: [] for name in self.vertices}
        parent: dict[str, str] = {}
        for container, contained in dict.fromkeys(self.contains):
            for end in (container, contained):
                if end not in children:
                    raise GraphError(
                        f"found an edge to {end!r}, expected the id of a vertex in graph.nodes", path="graph.edges"
                    )
            if contained in parent:
                both = f"{parent[contained]!r} and {container!r}"
                raise GraphError(
                    f"vertex {contained!r} is contained in {both}, expected one container at most",
                    path="graph.edges",
                )
            parent[contained] = container
            children[container].append(contained)
        order = bottom_up(children)
        depth: dict[str, int] = {}
        for name in reversed(order):
            depth[name] = depth[parent[name]] + 1 if name in parent else 1
            if depth[name] > MAX_DEPTH:
                raise GraphError(
                    f"vertex {name!r} lies {depth[name]} levels deep, expected {MAX_DEPTH} at most",
                    path="graph.edges",
                )
        return Tree(order, {name: tuple(below) for name, below in children.items()})


def bottom_up(children: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """Return vertex ids so that each comes after all it contains.

    Raises:
        GraphError: One contains itself, directly or not.
    """
    try:
        return tuple(TopologicalSorter(children).static_order())
    except CycleError as error:
        ring = " -> ".join(reversed(error.args[1]))
        raise GraphError(f"found a cycle ({ring}), expected none", path="graph.edges") from None


@dataclass(frozen=True, slots=True)
class Tree:
    """A containment graph as a forest: vertex ids with the contained first, and what each contains."""

    order: tuple[str, ...]
    children: Mapping[str, tuple[str, ...]]

    @property
    def roots(self) -> tuple[str, ...]:
        """The vertices that nothing contains."""
        below = {name for names in self.children.values() for name in names}
        return tuple(name for name in self.order if name not in below)


@dataclass(frozen=True)
class Cluster:
    """A named containment graph and the subsystem graphs that hang on it, by subsystem name."""

    name: str
    containment: Graph
    subsystems: Mapping[str, Graph] = field(default_factory=dict)

    def values(self, attribute: str) -> frozenset[str]:
        """Return every value that any vertex of any subsystem gives to the field `attribute`."""
        return frozenset(
            text
            for graph in self.subsystems.values()
            for vertex in graph.vertices.values()
            for name, text in vertex.attributes
            if name == attribute
        )


@dataclass(frozen=True, slots=True)
class Requirement:
    """One line of `requires`: the field of a subsystem, and the text or the range of versions it must have.

    Either `match` is given, or `min`, `max` or both (inclusive).
    """

    subsystem: str
    field: str
    match: str | None = None
    min: str | None = None
    max: str | None = None

    def __str__(self) -> str:
        if self.match is not None:
            return f"{self.subsystem}: {self.field} = {self.match}"
        low = f"{self.min} <= " if self.min is not None else ""
        high = f" <= {self.max}" if self.max is not None else ""
        return f"{self.subsystem}: {low}{self.field}{high}"


@dataclass(frozen=True, slots=True)
class Resource:
    """What is asked for of one vertex type, and of the vertices below it.

    Args:
        type: The vertex type.
        count: How many, 1 or more.
        slot: True when `count` speaks of disjoint vertices (`replicas`), False when it speaks of an amount that
            vertices contribute their size to (`count`).
        requires: What each of these vertices has to have hanging on it.
        within: What each of them has to hold below it (`with`).
    """

    type: str
    count: int = 1
    slot: bool = False
    requires: tuple[Requirement, ...] = ()
    within: tuple[Resource, ...] = ()

    def every(self) -> Iterator[Resource]:
        """Yield this resource and all below it."""
        yield self
        for child in self.within:
            yield from child.every()


@dataclass(frozen=True, slots=True)
class Task:
    """A command, and the resource group it runs in."""

    command: tuple[str, ...]
    group: str = ""
    name: str = ""


@dataclass(frozen=True)
class Jobspec:
    """A job's request.

    Args:
        name: What the job is called; not part of the request.
        groups: The named resource groups that tasks refer to, each with everything it requires (what a task or the
            top level of the jobspec requires is already on the group's slot). A cluster is a candidate when it
            satisfies every one of them.
        tasks: What is to be run.
        attributes: `attributes` of the jobspec, as given.
    """

    name: str
    groups: Mapping[str, Resource]
    tasks: tuple[Task, ...] = ()
    attributes: Mapping[str, object] = field(default_factory=dict)

    def requirements(self) -> Iterator[Requirement]:
        """Yield every requirement of every group."""
        for group in self.groups.values():
            for resource in group.every():
                yield from resource.requires

    @cached_property
    def subsystems(self) -> frozenset[str]:
        """The subsystems that this job requires anything of."""
        return frozenset(requirement.subsystem for requirement in self.requirements())


EACH, JOB_FIRST, CLUSTER_FIRST = "each", "job", "cluster"
"""Who submits at a level: every job, each time; a job drawn at random; or one of those that a drawn cluster suits."""


@dataclass(frozen=True, slots=True)
class Level:
    """A compatibility level: what of a job's requirements the scheduler is shown, and which jobs are submitted.

    Args:
        name: Its name, as in `--compat-level`.
        reveals: Subsystems (`os`), or single attributes as `subsystem:field` (`os:os.vendor`).
        jobs: Names of the jobs that take part; None for all.
        draw: EACH, JOB_FIRST or CLUSTER_FIRST.
    """

    name: str
    reveals: tuple[str, ...] = ()
    jobs: frozenset[str] | None = None
    draw: str = EACH

    def among(self, jobs: Iterable[Jobspec]) -> list[Jobspec]:
        """Return those jobs that take part, in their order."""
        return [job for job in jobs if self.jobs is None or job.name in self.jobs]

    def shows(self, requirement: Requirement) -> bool:
        """Tell whether the scheduler is shown this requirement."""
        return requirement.subsystem in self.reveals or f"{requirement.subsystem}:{requirement.field}" in self.reveals

    def show(self, jobspec: Jobspec) -> Jobspec:
        """Return the jobspec with the requirements this level shows, and no others."""
        return replace(jobspec, groups={name: self._show(group) for name, group in jobspec.groups.items()})

    def _show(self, resource: Resource) -> Resource:
        return replace(
            resource,
            requires=tuple(requirement for requirement in resource.requires if self.shows(requirement)),
            within=tuple(self._show(child) for child in resource.within),
        )
