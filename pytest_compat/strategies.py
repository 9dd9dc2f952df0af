"""Hypothesis strategies for clusters and jobspecs, to hold a matcher to the reference by property tests.

    from hypothesis import given
    from pytest_compat.matching import Index
    from pytest_compat.strategies import clusters, jobspecs

    @given(clusters(), jobspecs())
    def test_my_matcher(cluster, jobspec):
        assert my_matcher(cluster, jobspec) == bool(Index([cluster]).candidates(jobspec))

Everything is drawn from a few names and values, so that matches and mismatches are both frequent, and nothing is larger
than a person can read. Hypothesis is not among the dependencies of pytest-compat: install it beside.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from pytest_compat.model import Cluster, Graph, Jobspec, Requirement, Resource, Task, Vertex

VERSIONS = (
    *("1.2.3", "v1.2", "01.2.3", "1.9", "1.10", "1", "2021", "2021.10.3", "1.2.3+build.7", "v1.9.0"),
    *("1.2.3-rc1", "1.2.3-rc.2", "1.10.0-alpha", "1.2.3.4", "2020a", "develop"),
)
"""Versions with and without a place in the order."""

VALUES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "os": {"os.full": ("rocky8", "rocky9"), "version": VERSIONS},
    "mpi": {"mpi.implementation": ("mpich", "openmpi"), "version": VERSIONS},
    "gpu": {"available": ("yes", "no")},
}
"""Values by subsystem and field."""

_ORDERED = VERSIONS[:10]

_BELOW = {
    "cluster": ("rack", "node", "node"),
    "rack": ("node", "node", "node", "rack"),
    "node": ("core", "core", "core", "core", "socket", "gpu", "node"),
    "socket": ("core", "core", "gpu"),
    "core": ("core",),
    "gpu": ("core",),
}
_MANY, _FEW, _RARE = (1, 0, 2), (0, 1, 0, 2), (0, 0, 0, 0, 1)
_SIZES = (1, 1, 1, 1, 2, 4, 0)


@st.composite
def containments(draw: DrawFn, *, max_vertices: int = 12) -> Graph:
    """Draw the containment graph of a cluster.

    It is a forest of one root or more, whose vertices need not be alike: a rack may lie in a rack, and a vertex may
    stand for many or for none.

    Args:
        draw: Given by Hypothesis.
        max_vertices: How many vertices it has at most.
    """
    vertices: dict[str, Vertex] = {}
    contains: list[tuple[str, str]] = []

    def grow(container: str | None, types: Sequence[str]) -> None:
        type = draw(st.sampled_from(types))
        for _ in range(draw(st.sampled_from((1, 1, 2, 3)))):
            if len(vertices) < max_vertices:
                id = str(len(vertices))
                vertices[id] = Vertex(type, draw(st.sampled_from(_SIZES)))
                if container is not None:
                    contains.append((container, id))

    for _ in range(draw(st.sampled_from((1, 1, 1, 2)))):
        grow(None, ("cluster", "cluster", "cluster", "rack", "node"))
    growing = deque(vertices)
    while growing and len(vertices) < max_vertices:
        id = growing.popleft()
        before = len(vertices)
        for _ in range(draw(st.sampled_from((1, 1, 2, 0)))):
            grow(id, _BELOW[vertices[id].type])
        growing.extend(list(vertices)[before:])
    return Graph(vertices, tuple(contains))


@st.composite
def subsystems(draw: DrawFn, subsystem: str, containment: Graph) -> Graph:
    """Draw a subsystem graph that hangs on a containment graph: on its nodes mostly, and on any vertex at times.

    Args:
        draw: Given by Hypothesis.
        subsystem: One of VALUES.
        containment: What it hangs on.
    """
    root = f"{subsystem}0"
    vertices = {root: Vertex(subsystem)}
    contains = []
    nodes = [id for id, vertex in containment.vertices.items() if vertex.type == "node"]
    for number in range(1, 1 + draw(st.sampled_from((2, 3, 1)))):
        id = f"{subsystem}{number}"
        fields = [field for field in sorted(VALUES[subsystem]) if draw(st.sampled_from((True, True, True, False)))]
        attributes = tuple((field, draw(_values(subsystem, field))) for field in fields)
        vertices[id] = Vertex(subsystem, 1, attributes)
        contains += [(host, id) for host in draw(_hosts(nodes, list(containment.vertices)))]
        if draw(st.booleans()):
            contains.append((root, id))
    return Graph(vertices, tuple(contains))


def _values(subsystem: str, field: str) -> SearchStrategy[str]:
    values = VALUES[subsystem][field]
    return st.sampled_from((*_ORDERED, *_ORDERED, *VERSIONS) if values is VERSIONS else values * 2)


def _hosts(nodes: Sequence[str], every: Sequence[str]) -> SearchStrategy[list[str]]:
    some = st.lists(st.sampled_from(nodes or every), unique=True, min_size=1, max_size=4)
    anywhere = st.lists(st.sampled_from(every), unique=True, max_size=4)
    return st.one_of(st.just(list(nodes)), st.just(list(nodes)), st.just(list(every)), some, anywhere)


@st.composite
def clusters(draw: DrawFn, *, name: str = "cluster", max_vertices: int = 12) -> Cluster:
    """Draw a cluster with any of the subsystems of VALUES.

    Args:
        draw: Given by Hypothesis.
        name: What it is called.
        max_vertices: How many containment vertices it has at most.
    """
    containment = draw(containments(max_vertices=max_vertices))
    names = [each for each in VALUES if draw(st.sampled_from((True,) * 7 + (False,)))]
    return Cluster(name, containment, {each: draw(subsystems(each, containment)) for each in names})


@st.composite
def pools(draw: DrawFn, *, max_size: int = 4) -> tuple[Cluster, ...]:
    """Draw clusters with names of their own, some of them alike but for the name.

    Args:
        draw: Given by Hypothesis.
        max_size: How many clusters there are at most.
    """
    drawn = draw(st.lists(clusters(), min_size=1, max_size=max_size))
    if draw(st.booleans()):
        drawn.append(drawn[0])
    return tuple(Cluster(f"cluster-{number}", each.containment, each.subsystems) for number, each in enumerate(drawn))


@st.composite
def requirements(draw: DrawFn) -> Requirement:
    """Draw a requirement: a value, or a range of versions that may be open on one side, empty or no range at all."""
    subsystem = draw(st.sampled_from(sorted(VALUES)))
    field = draw(st.sampled_from(sorted(VALUES[subsystem])))
    values = _values(subsystem, field)
    verbs = draw(st.sampled_from(("min", "min", "max", "max", "both", "match") if field == "version" else ("match",)))
    return Requirement(
        subsystem,
        field,
        match=draw(values) if verbs == "match" else None,
        min=draw(values) if verbs in ("min", "both") else None,
        max=draw(values) if verbs in ("max", "both") else None,
    )


@st.composite
def resources(
    draw: DrawFn, *, types: Sequence[str] = ("node", "cluster", "node", "node", "rack"), depth: int = 3
) -> Resource:
    """Draw a resource, by `count` or by `replicas`, with what it requires and what it holds.

    Args:
        draw: Given by Hypothesis.
        types: Its vertex type is one of these.
        depth: How deep `with` nests at most.
    """
    type = draw(st.sampled_from(types))
    inner = _BELOW[type]
    if draw(st.booleans()):
        inner = (draw(st.sampled_from(inner)),)  # siblings of one type, which have to share what there is
    return Resource(
        type,
        draw(st.sampled_from((1, 1, 1, 1, 1, 2, 3))),
        draw(st.booleans()),
        tuple(draw(requirements()) for _ in range(draw(st.sampled_from(_MANY if type == "node" else _RARE)))),
        tuple(
            draw(resources(types=inner, depth=depth - 1))
            for _ in range(draw(st.sampled_from(_FEW if depth > 1 else (0,))))
        ),
    )


@st.composite
def jobspecs(draw: DrawFn, *, name: str = "job", max_groups: int = 2) -> Jobspec:
    """Draw a jobspec whose tasks refer to each of its resource groups.

    Args:
        draw: Given by Hypothesis.
        name: What it is called.
        max_groups: How many resource groups it has at most.
    """
    count = draw(st.sampled_from((1, 1, 1, *range(1, max_groups + 1))))
    groups = {f"group{number}": draw(_slots()) for number in range(count)}
    return Jobspec(name, groups, tuple(Task(("true",), group) for group in groups))


def _slots() -> SearchStrategy[Resource]:
    return resources().map(
        lambda drawn: Resource(drawn.type, drawn.count, slot=True, requires=drawn.requires, within=drawn.within)
    )
