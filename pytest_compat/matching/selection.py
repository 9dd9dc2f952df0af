"""Picking one of the candidates."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import TypeVar

T = TypeVar("T")


def choose(candidates: Sequence[T], key: str) -> T:
    """Pick one candidate, uniformly over keys and always the same one for the same key.

    The key is hashed to 64 bits which are scaled to the number of candidates, so that a draw depends on nothing but
    its key and the candidates: not on draws before it, on the process or on the version of Python. No candidate's
    chance differs from 1/n by more than 2^-64.

    Args:
        candidates: One or more names, in an order that is the same for every caller (sorted, usually).
        key: What the draw belongs to.

    Raises:
        IndexError: There are no candidates.
    """
    number = int.from_bytes(blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")
    return candidates[number * len(candidates) >> 64]
