# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
# pragma nonreentrancy on
"""
@title Which assets an account holds and owes, in one word
@license AGPL-3.0
@notice Layout, from the low end:

            held 72 | owed 72 | modules 16 | flags 8 | free 88

        `held` and `owed` are fields. A field is empty (0), a set of core assets (bits 0..63, one each), or exactly one
        isolated-tier asset (bit 64 set, its id in bits 0..63). An asset key is a field with one asset in it, so the same
        number serves as mapping key, as bit and as id. `modules` is the set of position modules; `flags`:
        under auction (bit 160), and with a loss provisioned at a pool (bit 161).
@dev Pure. Every key that comes in must be one that the risk engine issued.
"""

FIELD: constant(uint256) = 2**72 - 1
FIELD_BITS: constant(uint256) = 72
CORE: constant(uint256) = 2**64 - 1
OWED_AND_MODULES: constant(uint256) = (2**88 - 1) << 72

UNDER_AUCTION: constant(uint256) = 1 << 160
PROVISIONED: constant(uint256) = 1 << 161

MAX_HELD: constant(uint256) = 8
MAX_OWED: constant(uint256) = 4


@pure
@internal
def _account(owner: address, index: uint256) -> uint256:
    return convert(owner, uint256) << 96 | index


@pure
@internal
def _owner(account: uint256) -> address:
    return convert(account >> 96, address)


@pure
@internal
def _held(word: uint256) -> uint256:
    return word & FIELD


@pure
@internal
def _owed(word: uint256) -> uint256:
    return (word >> FIELD_BITS) & FIELD


@pure
@internal
def _holds(word: uint256, key: uint256) -> bool:
    return self._has(word & FIELD, key)


@pure
@internal
def _owes(word: uint256, key: uint256) -> bool:
    return self._has((word >> FIELD_BITS) & FIELD, key)


@pure
@internal
def _at_risk(word: uint256) -> bool:
    """
    @notice Whether the account has anything that could cost a lender: a debt, or a position in a module.
    """
    return word & OWED_AND_MODULES != 0


@pure
@internal
def _hold(word: uint256, key: uint256) -> uint256:
    return (word & ~FIELD) | self._insert(word & FIELD, key)


@pure
@internal
def _owe(word: uint256, key: uint256) -> uint256:
    return (word & ~(FIELD << FIELD_BITS)) | self._insert((word >> FIELD_BITS) & FIELD, key) << FIELD_BITS


@pure
@internal
def _release(word: uint256, key: uint256) -> uint256:
    """
    @notice The word without a held asset. The asset must be held.
    """
    return word & ~key


@pure
@internal
def _clear(word: uint256, key: uint256) -> uint256:
    """
    @notice The word without an owed asset. The asset must be owed.
    """
    return word & ~(key << FIELD_BITS)


@pure
@internal
def _is(word: uint256, flag_: uint256) -> bool:
    return word & flag_ != 0


@pure
@internal
def _with(word: uint256, flags: uint256) -> uint256:
    return word | flags


@pure
@internal
def _without(word: uint256, flags: uint256) -> uint256:
    return word & ~flags


@pure
@internal
def _within_limits(word: uint256) -> bool:
    """
    @notice At most 8 held and 4 owed assets, and at most one of each beside an isolated-tier asset.
    """
    held: uint256 = word & FIELD
    owed: uint256 = (word >> FIELD_BITS) & FIELD
    if held > CORE or owed > CORE:
        return self._at_most(held, 1) and self._at_most(owed, 1)
    return self._at_most(held, MAX_HELD) and self._at_most(owed, MAX_OWED)


@pure
@internal
def _first(field: uint256) -> uint256:
    """
    @notice One asset key out of a field that is not empty: the lowest core asset, or the isolated one.
    """
    if field > CORE:
        return field
    return field & unsafe_sub(0, field)


@pure
@internal
def _has(field: uint256, key: uint256) -> bool:
    if (field | key) > CORE:
        return field == key
    return field & key != 0


@pure
@internal
def _insert(field: uint256, key: uint256) -> uint256:
    """
    @dev A field cannot show an isolated-tier asset beside anything else, so that rule holds at every moment.
    """
    if (field | key) > CORE:
        assert field == 0 or field == key, "engine: isolated"
    return field | key


@pure
@internal
def _at_most(field: uint256, count: uint256) -> bool:
    if field > CORE:
        return True
    rest: uint256 = field
    for i: uint256 in range(count, bound=8):
        if rest == 0:
            break
        rest &= unsafe_sub(rest, 1)
    return rest == 0
