"""Numbers that look for trouble: powers of two and of ten and their neighbours, both ends of a range, any magnitude."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T")

_TENS = [10**k for k in range(79)]


class Draws:
    """A stream of numbers from one seed; `fixed` are the contract's constructor arguments, `now` is its time."""

    def __init__(self, seed: str, now: int, fixed: tuple[int, ...] = ()) -> None:
        random = Random(seed)
        self.bits = random.getrandbits
        self._uniform = random.random
        self.now = now
        self.fixed = fixed

    def chance(self, one_in: int) -> bool:
        """Return true once in so many times."""
        return self._uniform() * one_in < 1

    def pick(self, values: Sequence[T]) -> T:
        """Return one of several values."""
        return values[int(self._uniform() * len(values))]

    def upto(self, most: int) -> int:
        """Return a number from 0 to `most`."""
        how = self.bits(4)
        size = most.bit_length()
        if how < 6:
            value = self.bits(1 + int(self._uniform() * size))
        elif how < 9:
            value = self.bits(size + 1)
        elif how < 12:
            value = (1 << int(self._uniform() * (size + 1))) + self.bits(2) - 1
        elif how < 14:
            value = _TENS[int(self._uniform() * (1 + size * 0.301))] * self.pick((1, 1, 2, 5, 9)) + self.bits(2) - 1
        elif how == 14:
            return min(self.bits(1), most)
        else:
            return max(most - self.bits(1), 0)
        return value if value <= most else value % (most + 1)

    def within(self, least: int, most: int) -> int:
        """Return a number from `least` to `most`."""
        if self.bits(2) == 0:
            value = self.upto(most) if most > 0 else least
            if least <= value:
                return min(value, most)
        distance = self.upto(most - least)
        return least + distance if self.bits(1) else most - distance

    def signed(self, most: int) -> int:
        """Return a number from -most to most."""
        value = self.upto(most)
        return value if self.bits(1) else -value

    def near(self, value: int, least: int, most: int) -> int:
        """Return a number about `value`, more often than not its neighbour, within bounds."""
        if self.bits(1):
            value += self.bits(2) - 2
        else:
            value += self.signed(max(value // 8, 2))
        return max(least, min(value, most))
