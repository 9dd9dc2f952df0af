"""Sets of clusters as rows of 64-bit words, many at once."""

from __future__ import annotations

from typing import Any

WORD = 64
"""Clusters per word."""


def words(size: int) -> int:
    """Return how many words hold a set of so many clusters."""
    return -(-size // WORD)


def packed(mask: Any) -> Any:
    """Return booleans of shape (..., clusters) as words of shape (..., words)."""
    import numpy

    mask = numpy.asarray(mask, dtype=bool)
    padded = numpy.zeros((*mask.shape[:-1], words(mask.shape[-1]) * WORD), dtype=bool)
    padded[..., : mask.shape[-1]] = mask
    return numpy.packbits(padded, axis=-1, bitorder="little").view("<u8")


def unpacked(bits: Any, size: int) -> Any:
    """Return words of shape (..., words) as booleans of shape (..., size)."""
    import numpy

    octets = numpy.ascontiguousarray(bits).view(numpy.uint8)
    return numpy.unpackbits(octets, axis=-1, count=size, bitorder="little").view(bool)


def counted(bits: Any) -> Any:
    """Return how many clusters each set of shape (..., words) has."""
    import numpy

    return numpy.bitwise_count(bits).sum(axis=-1, dtype=numpy.int32)


def nth(bits: Any, which: Any) -> Any:
    """Return for each set its `which`-th cluster in order of place, from 0.

    Args:
        bits: Sets, of shape (rows, words).
        which: Whole numbers, one per row, each less than its set has clusters.
    """
    import numpy

    ends = numpy.bitwise_count(bits).cumsum(axis=1, dtype=numpy.int32)
    word = (ends <= which[:, None]).sum(axis=1)
    rows = numpy.arange(len(bits))
    before = numpy.where(word > 0, ends[rows, word - 1], 0)
    inside = unpacked(bits[rows, word][:, None], WORD).cumsum(axis=1, dtype=numpy.int32)
    return (word * WORD + (inside > (which - before)[:, None]).argmax(axis=1)).astype(numpy.int32)
