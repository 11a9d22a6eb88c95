# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
# pragma nonreentrancy on
"""
@title A price source that says what it is told, or fails as it is told
@license AGPL-3.0
@notice For devnets and tests. Anyone may set it. A plain price costs one storage word to read. What it says only changes when it is set:
        a reading stays as fresh as it was declared, and only its age grows.
"""

from contracts.interfaces import IPriceSource

implements: IPriceSource

# plain word: price 128 | updated_at 64 | plain 1
PRICE: constant(uint256) = 2**128 - 1
TIME: constant(uint256) = 2**64 - 1
PLAIN: constant(uint256) = 1 << 192

ANSWER: constant(uint256) = 0
REVERT: constant(uint256) = 1
BURN: constant(uint256) = 2
SPEND: constant(uint256) = 3

_word: uint256
_reading: IPriceSource.Reading
_behaviour: uint256
_spend: uint256


@external
def set_price(price: uint256):
    """
    @notice Answer this price from now on, updated now, fresh and trusted.
    @param price Dollars (WAD) per raw unit, scaled by 1e18; from 1 to 2**128 - 1.
    """
    assert price != 0 and price <= PRICE, "mock: price"
    self._word = price | block.timestamp << 128 | PLAIN


@external
def set_reading(reading: IPriceSource.Reading):
    """
    @notice Answer exactly these five words from now on, sensible or not.
    """
    self._word = 0
    self._behaviour = ANSWER
    self._reading = reading


@external
def set_revert():
    """
    @notice Revert from now on.
    """
    self._word = 0
    self._behaviour = REVERT


@external
def set_burn():
    """
    @notice Use up all gas from now on.
    """
    self._word = 0
    self._behaviour = BURN


@external
def set_spend(reading: IPriceSource.Reading, spend: uint256):
    """
    @notice Answer, after having spent about so much gas.
    """
    self._word = 0
    self._behaviour = SPEND
    self._reading = reading
    self._spend = spend


@view
@external
@reentrant
def read() -> IPriceSource.Reading:
    """
    @notice What it was told to say. No lock: it calls nobody, and its gas is that of the one-word stub that others are measured with.
    @dev Errors: "mock: told to revert"; an INVALID opcode, which takes all gas, when told to burn it.
    """
    word: uint256 = self._word
    if word != 0:
        price: uint256 = word & PRICE
        return IPriceSource.Reading(
            price=price, clamped=price, updated_at=(word >> 128) & TIME, fresh=1, trusted=1
        )
    behaviour: uint256 = self._behaviour
    assert behaviour != REVERT, "mock: told to revert"
    assert behaviour != BURN, UNREACHABLE
    if behaviour == SPEND:
        left: uint256 = msg.gas - self._spend
        for i: uint256 in range(1_000_000):
            if msg.gas <= left:
                break
    return self._reading
