"""A plain matcher: it walks the graph vertex by vertex and tries everything, and shares nothing with the index."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from pytest_compat.model import Cluster, Jobspec, Requirement, Resource


def candidates(clusters: list[Cluster], jobspec: Jobspec) -> list[str]:
    return sorted(cluster.name for cluster in clusters if matches(cluster, jobspec))


def matches(cluster: Cluster, jobspec: Jobspec) -> bool:
    every = list(cluster.containment.vertices)
    return all(place(cluster, every, [group] * group.count) for group in jobspec.groups.values())


def suits(cluster: Cluster, vertex: str, resource: Resource) -> bool:
    return (
        cluster.containment.vertices[vertex].type == resource.type
        and all(any(meets(found, line) for found in hanging(cluster, vertex, line)) for line in resource.requires)
        and holds(cluster, vertex, resource.within)
    )


def holds(cluster: Cluster, vertex: str, within: tuple[Resource, ...]) -> bool:
    inside = list(below(cluster, vertex))
    for type in {child.type for child in within}:
        children = [child for child in within if child.type == type]
        slots = [child for child in children if child.slot for _ in range(child.count)]
        units = [child for child in children if not child.slot for _ in range(child.count)]
        if not place(cluster, inside, slots) or not share(cluster, inside, units):
            return False
    return True


def place(cluster: Cluster, vertices: list[str], slots: list[Resource]) -> bool:
    """Tell whether each slot can have a vertex of its own, none of them inside another."""
    fitting = [[vertex for vertex in vertices if suits(cluster, vertex, slot)] for slot in slots]

    @cache
    def rest(number: int, taken: frozenset[str]) -> bool:
        if number == len(slots):
            return True
        return any(
            rest(number + 1, taken | {vertex})
            for vertex in fitting[number]
            if all(disjoint(cluster, vertex, other) for other in taken)
        )

    return rest(0, frozenset())


def share(cluster: Cluster, vertices: list[str], units: list[Resource]) -> bool:
    """Tell whether each unit can have one of the units that a vertex stands for."""
    fitting = [[place for place, vertex in enumerate(vertices) if suits(cluster, vertex, unit)] for unit in units]

    @cache
    def rest(number: int, left: tuple[int, ...]) -> bool:
        if number == len(units):
            return True
        return any(
            rest(number + 1, (*left[:place], left[place] - 1, *left[place + 1 :]))
            for place in fitting[number]
            if left[place]
        )

    return rest(0, tuple(cluster.containment.vertices[vertex].size for vertex in vertices))


def below(cluster: Cluster, vertex: str) -> Iterator[str]:
    for container, contained in cluster.containment.contains:
        if container == vertex:
            yield contained
            yield from below(cluster, contained)


def disjoint(cluster: Cluster, one: str, other: str) -> bool:
    return one != other and one not in below(cluster, other) and other not in below(cluster, one)


def hanging(cluster: Cluster, vertex: str, line: Requirement) -> Iterator[dict[str, str]]:
    graph = cluster.subsystems.get(line.subsystem)
    if graph is not None and vertex not in graph.vertices:
        for container, contained in graph.contains:
            if container == vertex:
                yield dict(graph.vertices[contained].attributes)


def meets(attributes: dict[str, str], line: Requirement) -> bool:
    if line.field not in attributes:
        return False
    if line.match is not None:
        return attributes[line.field] == line.match
    return between(attributes[line.field], line.min, line.max)


def between(text: str, low: str | None, high: str | None) -> bool:
    bounds = [bound for bound in (low, high) if bound is not None]
    if not all(is_version(each) for each in [text, *bounds]):
        return False
    if prerelease(text) and not all(prerelease(bound) for bound in bounds):
        return False
    if low is not None and compare(text, low) < 0:
        return False
    if high is None:
        return True
    written = numbers(high)
    return compare(text, high) <= 0 or (not prerelease(high) and padded(text)[: len(written)] == written)


def is_version(text: str) -> bool:
    rest, plus, build = text.removeprefix("v").partition("+")
    core, dash, words = rest.partition("-")
    if (plus and not all(is_word(word) for word in build.split("."))) or (
        dash and not all(is_word(word) for word in words.split("."))
    ):
        return False
    parts = core.split(".")
    return len(parts) <= 3 and all(part.isascii() and part.isdigit() for part in parts)


def is_word(text: str) -> bool:
    return text.isascii() and text.replace("-", "0").isalnum()


def numbers(text: str) -> list[int]:
    return [int(part) for part in text.removeprefix("v").partition("+")[0].partition("-")[0].split(".")]


def padded(text: str) -> list[int]:
    return [*numbers(text), 0, 0][:3]


def prerelease(text: str) -> list[str]:
    words = text.partition("+")[0].partition("-")[2]
    return words.split(".") if words else []


def compare(one: str, other: str) -> int:
    """Return a number below, at or above 0, as https://semver.org orders the two."""
    if padded(one) != padded(other):
        return -1 if padded(one) < padded(other) else 1
    left, right = prerelease(one), prerelease(other)
    if not left or not right:
        return bool(right) - bool(left)
    for a, b in zip(left, right, strict=False):
        if a == b:
            continue
        if a.isdigit() and b.isdigit():
            if int(a) != int(b):
                return int(a) - int(b)
        elif a.isdigit() or b.isdigit():
            return -1 if a.isdigit() else 1
        else:
            return -1 if a < b else 1
    return len(left) - len(right)
