"""Random numbers that are the same on any machine and with any release of numpy.

Streams of numpy's `Generator` may change between releases (NEP 19); what a bit generator puts out may not. So draws are
made from the 64-bit numbers of Philox (Salmon et al. 2011), a stream for each name.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

_WIDTH = 53
"""Bits of a number that a float holds exactly."""


class Draws:
    """A stream of random numbers.

    Args:
        seed: Any integer.
        name: What the stream is for; streams of different seeds or names are independent.
    """

    def __init__(self, seed: int, *name: str) -> None:
        from numpy.random import Philox

        key = blake2b("\0".join((str(seed), *name)).encode("utf-8", "surrogatepass"), digest_size=16).digest()
        self._bits: Any = Philox(key=int.from_bytes(key, "little"))

    def units(self, *shape: int) -> Any:
        """Return floats of that shape, uniform in [0, 1), multiples of 2^-53."""
        from math import prod

        return (self._bits.random_raw(prod(shape)) >> (64 - _WIDTH)).reshape(shape) * 2.0**-_WIDTH

    def below(self, limit: int, *shape: int) -> Any:
        """Return integers of that shape, uniform in [0, limit)."""
        return (self.units(*shape) * limit).astype("int64")

    def flips(self, chance: float, *shape: int) -> Any:
        """Return booleans of that shape, each true with that chance."""
        return self.units(*shape) < chance

    def bells(self, *shape: int) -> Any:
        """Return floats of that shape, nearly normal with mean 0 and variance 1, within [-6, 6].

        They are sums of twelve uniform numbers, multiples of 2^-20, so that no logarithm has to come out alike on two
        machines.
        """
        from numpy import floor

        return floor(self.units(*shape, 12) * 2**20).sum(axis=-1) * 2.0**-20 - 6.0

    def weighted(self, weights: Any, *shape: int) -> Any:
        """Return integers of that shape, k with a chance in proportion to `weights[k]`.

        Args:
            weights: One integer from 0 for each, one of them above 0.
            shape: The shape of what is returned.
        """
        return pick(weights, self.units(*shape))


def pick(weights: Any, units: Any) -> Any:
    """Return for each number of [0, 1) the one of several integers that it falls to, as `Draws.weighted` does."""
    from numpy import cumsum, searchsorted

    ends = cumsum(weights, dtype="int64")
    return searchsorted(ends, (units * ends[-1]).astype("int64"), side="right")
