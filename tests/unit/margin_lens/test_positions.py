"""MarginLens.positions."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.support.scenario import WAD, World


def value(amount: int, mid: int, is_debt: bool) -> int:
    """Return WAD dollars, of a balance rounded down, of a debt up."""
    return -(-amount * mid // WAD) if is_debt else amount * mid // WAD


def test_positions__balances_and_debts__equal_the_direct_views(world: World) -> None:
    account = world.account("trader", 2)
    ok, rows = world.lens.positions(account)
    assert ok
    by_token = {asset.token.address: asset for asset in world.assets.values()}
    assert {by_token[row.token].symbol: row.is_debt for row in rows} == {
        "USDC": False,
        "WBTC": False,
        "USDT": False,
        "WETH": True,
    }
    for row in rows:
        asset = by_token[row.token]
        assert row.ok
        assert row.key == asset.key
        assert row.price == world.risk_engine.prices([asset.key])[0]
        direct = world.engine.debt_of if row.is_debt else world.engine.balance_of
        assert row.amount == direct(account, asset.token)
        assert row.value == value(row.amount, row.price.mid, row.is_debt)
        assert (
            row.maintenance_rate == world.risk_engine.effective_rate(asset.key, row.value, world.chain.timestamp()) > 0
        )


def test_positions__every_account__rows_add_up_to_its_health(world: World) -> None:
    for account in (world.account("trader", 1), world.account("trader", 2), world.account("keeper")):
        rows = world.lens.positions(account)[1]
        health = world.engine.health(account)
        assert sum(-row.value if row.is_debt else row.value for row in rows) == health.equity
        assert sum(row.value for row in rows if row.is_debt) == health.debt


def test_positions__isolated_asset__has_its_key(world: World) -> None:
    ok, (row,) = world.lens.positions(world.account("keeper"))
    assert ok
    assert (row.token, row.key, row.amount) == (world["TAIL"].token.address, 1 << 64 | 1, 1_000 * WAD)


def test_positions__dead_price__row_is_ok_and_says_so(world: World) -> None:
    world["WETH"].source.set_revert(sender=world.roles["deployer"])
    for row in world.lens.positions(world.account("trader", 2))[1]:
        assert row.ok
        if row.token == world["WETH"].token.address:
            assert (row.price, row.value) == ((0, 0, 0, 3), 1)
        else:
            assert row.price.status == 0


def test_positions__any_gas__rows_are_right_or_not_ok(world: World) -> None:
    """Gas that runs short takes rows away from the end, and changes none."""
    account = world.account("trader", 1)
    _, full = world.lens.positions(account)
    bare = [(False, row.token, row.key, row.is_debt, row.amount, (0, 0, 0, 0), 0, 0) for row in full]
    seen = set()
    for gas in range(2_000_000, 2_300_000, 5_000):
        ok, rows = world.lens.positions(account, gas=gas)
        answered = sum(row.ok for row in rows)
        assert rows == (full[:answered] + bare[answered:] if ok else [])
        seen.add((ok, answered))
    assert seen == {(False, 0), (True, 0), (True, 1), (True, 2)}


@given(account=st.integers(0, 2**256 - 1))
def test_positions__unknown_account__is_ok_and_empty(deployed_world: World, account: int) -> None:
    assert deployed_world.lens.positions(account) == (True, [])
