"""Sets of positions as short text, `0-3,7`: how Flux writes the ids of nodes.

Source: Flux RFC 22, Idset String Representation (https://flux-framework.readthedocs.io/projects/flux-rfc).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_RANGE = re.compile(r"(0|[1-9][0-9]{0,8})(?:-([1-9][0-9]{0,8}))?")


def encode(positions: Iterable[int]) -> str:
    """Return distinct positions, 0 or more, as an idset; none of them is the empty text."""
    ranges: list[list[int]] = []
    for position in sorted(positions):
        if ranges and position == ranges[-1][1] + 1:
            ranges[-1][1] = position
        else:
            ranges.append([position, position])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in ranges)


def decode(text: str, size: int) -> list[int]:
    """Return the positions of an idset, sorted.

    Args:
        text: What `encode` returns.
        size: The positions there are: all lie below it.

    Raises:
        ValueError: It is no idset, not sorted, or reaches beyond `size`.
    """
    positions: list[int] = []
    for part in text.split(",") if text else ():
        found = _RANGE.fullmatch(part)
        if found is None:
            raise ValueError(f"found {part[:40]!r}, expected a position or a range of positions, such as 4 or 0-3")
        first = int(found[1])
        last = int(found[2] or first)
        if last < first or last >= size or (positions and first <= positions[-1]):
            raise ValueError(f"found {part!r}, expected rising positions below {size}")
        positions.extend(range(first, last + 1))
    return positions
