"""Which resources of a cluster fall short of what a job asks for, and by how much."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from pytest_compat.matching import Index
from pytest_compat.model import Cluster, Jobspec, Resource


@dataclass(frozen=True, slots=True)
class Shortfall:
    """Too little of one type.

    Args:
        type: The vertex type.
        asked: How many are asked for, or how much in sum, in each of what they are asked for within.
        there: The most there is in each of these.
        within: What they are asked for within, outermost first, with the number of each.
    """

    type: str
    asked: int
    there: int
    within: tuple[tuple[int, str], ...] = ()

    def __str__(self) -> str:
        each = "".join(f" in each of {count} {type}" for count, type in reversed(self.within))
        return f"{self.there} of {self.asked} {self.type}{each}"


def shortfalls(cluster: Cluster, job: Jobspec) -> tuple[Shortfall, ...]:
    """Return what falls short by itself, each request seen apart from those beside it.

    Empty when every single one is satisfied, also where requests that compete for vertices are not satisfied together.

    Raises:
        JobspecError: The job asks for more than the reference matcher can decide.
    """
    index = Index([cluster])

    def holds(group: Resource) -> bool:
        return bool(index.candidates(Jobspec(job.name, {"": group})))

    found = (each for group in job.groups.values() for each in _short(group, holds, lambda inner: inner, ()))
    return tuple(dict.fromkeys(found))


def _short(
    resource: Resource,
    holds: Callable[[Resource], bool],
    wrap: Callable[[Resource], Resource],
    within: tuple[tuple[int, str], ...],
) -> Iterator[Shortfall]:
    """Yield what falls short in a resource.

    Args:
        resource: What is asked for.
        holds: Tells whether the cluster satisfies a group.
        wrap: Makes the group that asks for a resource where this one is asked for.
        within: What this one is asked for within.
    """
    apart = replace(resource, within=())
    if not holds(wrap(apart)):
        there, over = 0, resource.count
        while over - there > 1:
            middle = (there + over) // 2
            there, over = (middle, over) if holds(wrap(replace(apart, count=middle))) else (there, middle)
        yield Shortfall(resource.type, resource.count, there, within)
        return
    for child in resource.within:
        yield from _short(
            child,
            holds,
            lambda inner: wrap(replace(apart, within=(inner,))),
            (*within, (resource.count, resource.type)),
        )
