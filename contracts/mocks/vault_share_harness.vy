# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
# pragma nonreentrancy on
"""
@title The vault_share module, deployable for tests
@license AGPL-3.0
"""

from contracts.modules import vault_share


@pure
@external
def line(anchor: uint256, since: uint256, yearly_cap: uint256, now: uint256) -> uint256:
    return vault_share._line(anchor, since, yearly_cap, now)


@pure
@external
def price(price: uint256, assets: uint256, sample: uint256) -> uint256:
    return vault_share._price(price, assets, sample)


@pure
@external
def is_fair(
    sample: uint256,
    redeemed: uint256,
    converted: uint256,
    minted_for: uint256,
    deposited_for: uint256,
    withdrawn_for: uint256,
    shares: uint256,
) -> bool:
    return vault_share._is_fair(
        sample, redeemed, converted, minted_for, deposited_for, withdrawn_for, shares
    )
