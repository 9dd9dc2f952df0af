"""Where any of many texts stand in a block of bytes.

Four bytes of each text, rare ones, are looked for at every place at once with numpy; only where they stand is the text
itself compared (after Rabin and Karp 1987, with four bytes as their own fingerprint). Time hardly grows with the number
of texts, while `bytes.find` for each in turn, or one alternation of them all, takes ten times as long.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

WIDTH = 4
"""Bytes that a text has at least."""

_COMMON = frozenset(b" etaoinsrhldcum.0123456789")
_FACTOR, _SHIFT = 2654435761, 16
"""Multiplicative hashing of 32 bits to 16 (Knuth, TAOCP 3, 6.4)."""


class Finder:
    """Finds texts in blocks.

    Args:
        texts: What to look for, WIDTH bytes or more each.
    """

    def __init__(self, texts: Iterable[bytes]) -> None:
        import numpy

        self._texts: dict[int, list[tuple[int, bytes]]] = {}
        for text in texts:
            offset = max(range(len(text) - WIDTH + 1), key=lambda place: _rarity(text[place : place + WIDTH]))
            gram = int.from_bytes(text[offset : offset + WIDTH], "little")
            self._texts.setdefault(gram, []).append((offset, text))
        self._grams: Any = numpy.array(sorted(self._texts), dtype="<u4")
        self._table: Any = numpy.zeros(1 << (32 - _SHIFT), dtype=bool)
        self._table[(self._grams * numpy.uint32(_FACTOR)) >> _SHIFT] = True

    def find(self, block: bytes) -> Iterator[tuple[int, bytes]]:
        """Yield (place, text) for every text at every place, in no particular order."""
        import numpy

        for phase in range(min(WIDTH, max(0, len(block) - WIDTH + 1))):
            words: Any = numpy.frombuffer(block, dtype="<u4", offset=phase, count=(len(block) - phase) // WIDTH)
            near = numpy.flatnonzero(self._table[(words * numpy.uint32(_FACTOR)) >> _SHIFT])
            near = near[numpy.isin(words[near], self._grams)]
            for place, gram in zip((near * WIDTH + phase).tolist(), words[near].tolist(), strict=True):
                for offset, text in self._texts[gram]:
                    if place >= offset and block.startswith(text, place - offset):
                        yield place - offset, text


def _rarity(gram: bytes) -> int:
    return sum(byte not in _COMMON for byte in gram)
