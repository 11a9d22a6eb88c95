"""MarginLens.pools."""

from __future__ import annotations

from eth_abi.abi import encode
from hypothesis import given
from hypothesis import strategies as st

from plimsoll.chain import ZERO_ADDRESS, RevmChain
from plimsoll.chain.abi import checksum
from tests.support.pool import deploy_pool
from tests.support.scenario import CAP, DAY, RESERVE_FACTOR, WAD, World
from tests.unit.margin_lens.conftest import RETURN, Scripted

YEAR = 365 * DAY


def test_pools__lent_and_borrowed__equals_the_pool(world: World) -> None:
    for symbol in ("USDC", "WETH"):
        asset = world[symbol]
        (entry,) = world.lens.pools([asset.token])
        state = asset.pool.state()
        assert entry.ok
        assert (entry.token, entry.pool) == (asset.token.address, asset.pool.address)
        assert entry.total_assets == asset.pool.totalAssets() > 0
        assert entry.cash == asset.pool.cash() > 0
        assert entry.total_debt == asset.pool.total_debt() > 0
        assert (entry.utilisation, entry.borrow_rate) == (state.utilisation, state.borrow_rate)
        assert entry.rate_at_target == state.rate_at_target > 0
        assert entry.supply_cap == entry.borrow_cap == CAP * 10**asset.decimals
        assert (entry.unminted_fee, entry.provisions) == (state.unminted_fee, 0)
        assert entry.share_price == asset.pool.convertToAssets(10**24) > WAD


def test_pools__share_price__is_that_of_a_million_raw_shares(chain: RevmChain, scripted: Scripted) -> None:
    """In a pool that grew so much that one more share would show."""
    twin = deploy_pool(chain, decimals=6)
    twin.deposit(twin.unit, twin.lender)
    twin.borrow(1, twin.unit)
    for _ in range(4):
        twin.warp(YEAR)
        twin.accrue()
    scripted.script("asset_of", RETURN, encode(["uint256", "address"], [1, twin.pool.address]))
    (entry,) = scripted.lens.pools([twin.token])
    assert entry.ok
    assert entry.share_price == twin.pool.convertToAssets(10**24) < twin.pool.convertToAssets(10**24 + 1)


def test_pools__supply_rate__is_what_lenders_earn(world: World) -> None:
    """Over one day from an accrual, to a thousandth, which is what rounding leaves at so little debt."""
    asset = world["USDC"]
    asset.pool.accrue(sender=world.roles["keeper"])
    (before,) = world.lens.pools([asset.token])
    world.warp(DAY)
    (after,) = world.lens.pools([asset.token])
    earned = (after.total_assets - before.total_assets) * WAD * YEAR // (before.total_assets * DAY)
    assert 0 < before.supply_rate < before.borrow_rate
    assert abs(earned - before.supply_rate) * 1_000 <= before.supply_rate


def test_pools__supply_rate__is_the_borrowers_less_the_reserves(world: World) -> None:
    (entry,) = world.lens.pools([world["WETH"].token])
    expected = entry.borrow_rate * entry.total_debt // entry.total_assets * (WAD - RESERVE_FACTOR) // WAD
    assert entry.supply_rate == expected > 0


def test_pools__nobody_lends__is_ok_and_empty(world: World) -> None:
    asset = world["WBTC"]
    (entry,) = world.lens.pools([asset.token])
    assert entry.ok
    assert (entry.total_assets, entry.cash, entry.total_debt, entry.utilisation, entry.supply_rate) == (0,) * 5
    assert entry.share_price == WAD


def test_pools__donation__changes_nothing(world: World) -> None:
    asset = world["USDC"]
    before = world.lens.pools([asset.token])
    asset.token.mint(asset.pool, 10**12, sender=world.roles["attacker"])
    assert world.lens.pools([asset.token]) == before


def test_pools__token_without_pool__only_its_entry_is_not_ok(world: World) -> None:
    usdc = world["USDC"].token.address
    entries = world.lens.pools([ZERO_ADDRESS, usdc, world.roles["trader"], world.engine.address])
    assert [entry.ok for entry in entries] == [False, True, False, False]
    assert entries[0] == (False, ZERO_ADDRESS, ZERO_ADDRESS, *(0,) * 12)


@given(number=st.integers(0, 2**160 - 1))
def test_pools__any_address__is_not_ok(deployed_world: World, number: int) -> None:
    token = checksum(f"0x{number:040x}")
    assert deployed_world.lens.pools([token]) == [(False, token, ZERO_ADDRESS, *(0,) * 12)]
