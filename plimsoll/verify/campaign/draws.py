"""Numbers for a run: drawn in bulk from a seed, or the ones of a run that is replayed.

A number is a plain 32-bit integer; what a rule makes of it is `below`, `pick`, `chance` and so on, in which 0 always
stands for the simplest choice, so that a failing run is simplified by lowering numbers.
"""

from __future__ import annotations

import random
from array import array
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

_BULK = 4_096


class Draws:
    """See the module. `at` is how many numbers have been used."""

    __slots__ = ("_rng", "at", "numbers")

    def __init__(self, seed: int | None = None, numbers: Sequence[int] = ()) -> None:
        self._rng = None if seed is None else random.Random(seed)
        self.numbers: list[int] = list(numbers)
        self.at = 0

    def number(self) -> int:
        """Return the next number; 0 where a replay has no more."""
        at = self.at
        self.at = at + 1
        try:
            return self.numbers[at]
        except IndexError:
            if self._rng is None:
                return 0
            self.numbers.extend(array("I", self._rng.randbytes(4 * _BULK)))
            return self.numbers[at]

    def below(self, limit: int) -> int:
        """Return a number from 0 to `limit` - 1."""
        return self.number() % limit

    def pick(self, choices: Sequence[T]) -> T:
        """Return one of several, the first being the simplest."""
        return choices[self.number() % len(choices)]

    def chance(self, percent: int) -> bool:
        """Return True in so many of a hundred cases; False is the simplest."""
        return self.number() % 100 >= 100 - percent

    def between(self, low: int, high: int) -> int:
        """Return a number from `low` to `high`, both included; large ranges are covered by magnitude first."""
        width = high - low
        if width <= 0xFFFF_FFFF:
            return low + self.number() % (width + 1)
        bits = self.number() % (width.bit_length() + 1)
        wide = 0
        for _ in range(0, bits, 32):
            wide = wide << 32 | self.number()
        return low + min(wide & (1 << bits) - 1, width)

    def part(self, whole: int) -> int:
        """Return some of `whole`, at least 1: one of the corners (all, 1, half, one less, one more) or any part."""
        kind = self.number() % 8
        if kind == 0 or whole <= 1:
            return whole or 1
        if kind == 1:
            return 1
        if kind == 2:
            return whole // 2 or 1
        if kind == 3:
            return whole - 1
        if kind == 4:
            return whole + 1
        return whole * (self.number() % 9_999 + 1) // 10_000 or 1
