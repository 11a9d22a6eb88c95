# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
# pragma nonreentrancy on
"""
@title The price_oracle module over any listing, clock and answers, for tests
@license AGPL-3.0
@notice A listing's word comes in with each call, and so does what its sources answer; the addresses are those of three mock sources.
"""

from contracts.interfaces import IPriceSource
from contracts.modules import price_oracle

initializes: price_oracle

interface MockPriceSource:
    def set_reading(reading: IPriceSource.Reading): nonpayable
    def set_revert(): nonpayable

KEY: constant(uint256) = 1

sources: immutable(address[3])


@deploy
def __init__(wide_delay: uint256, first: address, second: address, third: address):
    price_oracle.__init__(wide_delay)
    sources = [first, second, third]


@external
def price(word: uint256, readings: IPriceSource.Reading[3], absent: bool[3]) -> (uint256, uint256, uint256, uint256):
    self._list(word, readings, absent)
    return price_oracle._price(KEY)


@external
def combine(
    word: uint256, readings: IPriceSource.Reading[3], absent: bool[3]
) -> (uint256, uint256, uint256, uint256, uint256):
    self._list(word, readings, absent)
    return price_oracle._combine(price_oracle._listings[KEY], price_oracle._further[KEY])


@external
def mark(word: uint256, readings: IPriceSource.Reading[3], absent: bool[3], clock: uint256) -> (bool, uint256):
    self._list(word, readings, absent)
    price_oracle._clocks[KEY] = clock
    changed: bool = price_oracle._mark(KEY)
    return changed, price_oracle._clocks[KEY]


@external
def is_settled(clock: uint256, status: uint256, last_good: uint256) -> bool:
    price_oracle._clocks[KEY] = clock
    return price_oracle._is_settled(KEY, status, last_good)


@external
def silence(
    word: uint256, next: uint256, index: uint256, duration: uint256, most: uint256
) -> (uint256, uint256, uint256):
    """
    @return Until when, the listing's word and from when on a source may be silenced again.
    """
    price_oracle._listings[KEY] = word
    price_oracle._next_silences[KEY] = next
    until: uint256 = price_oracle._silence(KEY, index, duration, most)
    return until, price_oracle._listings[KEY], price_oracle._next_silences[KEY]


@pure
@external
def median(numbers: uint256[3], grades: uint256[3], without: uint256) -> uint256:
    return price_oracle._median(numbers, grades, without)


@internal
def _list(word: uint256, readings: IPriceSource.Reading[3], absent: bool[3]):
    price_oracle._listings[KEY] = word | convert(sources[0], uint256)
    price_oracle._further[KEY] = [sources[1], sources[2]]
    for i: uint256 in range(3):
        if absent[i]:
            extcall MockPriceSource(sources[i]).set_revert()
        else:
            extcall MockPriceSource(sources[i]).set_reading(readings[i])
