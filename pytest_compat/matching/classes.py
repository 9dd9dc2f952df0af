"""Classes of vertices that cannot be told apart, and what the vertices of a class hold below them.

Answers are remembered in a `memo` that the caller keeps for as long as its classes live.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

from pytest_compat.errors import JobspecError
from pytest_compat.matching.versions import in_range
from pytest_compat.model import Requirement, Resource

MAX_SIBLINGS = 100
"""Different requests for one type side by side: what each can have is weighed against all others."""

MAX_WAYS = 20_000
"""Combinations looked at when slots that differ compete for vertices inside one another."""


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


def holds(cls: VertexClass, within: tuple[Resource, ...], memo: dict[object, object]) -> bool:
    """Tell whether a vertex of this class holds below it all that is asked for.

    Requests for the same type share no vertex; an amount may be split among them.
    """
    key = (id(cls), within)
    if key not in memo:
        memo[key] = all(_serves(cls, alike, memo) for alike in _alike(within))
    return bool(memo[key])


@lru_cache(maxsize=4096)
def _alike(within: tuple[Resource, ...]) -> list[tuple[Resource, ...]]:
    """Group requests by what they compete for; those that differ in count alone become one.

    Raises:
        JobspecError: Too many that differ compete for one type.
    """
    kinds: dict[tuple[str, bool], dict[Resource, int]] = {}
    for child in within:
        wanted = kinds.setdefault((child.type, child.slot), {})
        each = replace(child, count=1)
        wanted[each] = wanted.get(each, 0) + child.count
        if len(wanted) > MAX_SIBLINGS:
            raise JobspecError(
                f"found more than {MAX_SIBLINGS} different requests for {child.type!r} side by side; "
                f"ask for fewer, or in separate groups"
            )
    return [tuple(replace(each, count=count) for each, count in wanted.items()) for wanted in kinds.values()]


def _serves(cls: VertexClass, alike: tuple[Resource, ...], memo: dict[object, object]) -> bool:
    supply = _supply(cls, alike, memo)
    if sum(child.count for child in alike) > sum(supply.values()):
        return False
    if len(alike) == 1:
        return True
    if alike[0].slot and _nests(cls, alike[0].type, memo):
        return tuple(child.count for child in alike) in _ways(cls, alike, memo)
    return _flows([child.count for child in alike], supply)


def _supply(cls: VertexClass, alike: tuple[Resource, ...], memo: dict[object, object]) -> Mapping[int, int]:
    """Return how much there is below a vertex that suits requests of one type, by the bitset of those it suits.

    Of slots that lie inside one another only the innermost count: they are as many as can be disjoint.
    """
    type, slot = alike[0].type, alike[0].slot
    if type not in cls.totals:
        return {}
    key = (id(cls), alike, "supply")
    if key not in memo:
        found: Counter[int] = Counter()
        for child, count in cls.children:
            below = _supply(child, alike, memo)
            for suited, amount in below.items():
                found[suited] += count * amount
            suited = _suited(child, alike, memo)
            if suited and not (slot and below):
                found[suited] += count * (1 if slot else child.size)
        memo[key] = found
    supply = memo[key]
    assert isinstance(supply, Counter)
    return supply


def _suited(cls: VertexClass, alike: tuple[Resource, ...], memo: dict[object, object]) -> int:
    """Return the bitset of the requests that a vertex of this class suits."""
    if cls.type != alike[0].type:
        return 0
    return sum(1 << place for place, each in enumerate(alike) if _suits(cls, each, memo))


def _flows(wanted: list[int], supply: Mapping[int, int]) -> bool:
    """Tell whether every request can have what it wants of what suits it: a maximum flow, by shortest paths."""
    free = dict(supply)
    suiting = [[suited for suited in supply if suited >> request & 1] for request in range(len(wanted))]
    holding: dict[int, Counter[int]] = {suited: Counter() for suited in supply}
    for start, missing in enumerate(wanted):
        while missing:
            # From the request to what suits it, and on to those who hold of that and could take something else.
            taker: dict[int, int] = {}
            reached: dict[int, int | None] = {start: None}
            queue = [start]
            for request in queue:
                for suited in suiting[request]:
                    if suited not in taker:
                        taker[suited] = request
                        for holder, held in holding[suited].items():
                            if held and holder not in reached:
                                reached[holder] = suited
                                queue.append(holder)
            end = next((suited for suited in taker if free[suited]), None)
            if end is None:
                return False
            path = [end]
            while (before := reached[taker[path[-1]]]) is not None:
                path.append(before)
            amount = min(missing, free[end])
            for suited, other in pairwise(path):
                amount = min(amount, holding[other][taker[suited]])
            for suited in path:
                holding[suited][taker[suited]] += amount
            for suited, other in pairwise(path):
                holding[other][taker[suited]] -= amount
            free[end] -= amount
            missing -= amount
    return True


def _nests(cls: VertexClass, type: str, memo: dict[object, object]) -> bool:
    """Tell whether vertices of a type lie inside one another below a vertex."""
    key = (id(cls), type, "nests")
    if key not in memo:
        memo[key] = any(
            (child.type == type and type in child.totals) or _nests(child, type, memo) for child, _ in cls.children
        )
    return bool(memo[key])


def _ways(cls: VertexClass, alike: tuple[Resource, ...], memo: dict[object, object]) -> frozenset[tuple[int, ...]]:
    """Return the best ways to have slots below a vertex: how many of each request at once, up to what is asked.

    Where slots lie inside one another, taking the outer one for one request costs the others those inside. Deciding
    that is NP-hard, so what would take too many ways is refused.
    """
    key = (id(cls), alike, "ways")
    found = memo.get(key)
    if found is None:
        none = tuple(0 for _ in alike)
        ways = frozenset([none])
        for child, count in cls.children:
            suited = _suited(child, alike, memo)
            taken = {
                tuple(int(place == one) for place in range(len(alike)))
                for one in range(len(alike))
                if suited >> one & 1
            }
            each = _best(_ways(child, alike, memo) | taken)
            for _ in range(count if each != {none} else 0):
                if len(ways) * len(each) > MAX_WAYS:
                    raise JobspecError(
                        f"found {len(alike)} different slots of type {alike[0].type!r} side by side, and a cluster "
                        f"where such vertices lie inside one another: too many ways to try; ask for fewer"
                    )
                more = _best(
                    {
                        tuple(min(child.count, a + b) for child, a, b in zip(alike, way, other, strict=True))
                        for way in ways
                        for other in each
                    }
                )
                if more == ways:
                    break
                ways = more
        found = memo[key] = ways
    assert isinstance(found, frozenset)
    return found


def _best(ways: Iterable[tuple[int, ...]]) -> frozenset[tuple[int, ...]]:
    """Leave out every way that another one is at least as good as."""
    best: list[tuple[int, ...]] = []
    for way in sorted(ways, reverse=True):
        if not any(all(a <= b for a, b in zip(way, other, strict=True)) for other in best):
            best.append(way)
    return frozenset(best)


def _suits(cls: VertexClass, resource: Resource, memo: dict[object, object]) -> bool:
    return all(cls.meets(requirement) for requirement in resource.requires) and holds(cls, resource.within, memo)


def disjoint(cls: VertexClass, type: str, chosen: set[int], best: dict[int, int]) -> int:
    """Return how many vertices of the chosen classes, none inside another, there are in a vertex of this class."""
    if id(cls) not in best:
        below = 0
        if type in cls.totals:
            below = sum(count * disjoint(child, type, chosen, best) for child, count in cls.children)
        best[id(cls)] = max(below, 1 if id(cls) in chosen else 0)
    return best[id(cls)]
