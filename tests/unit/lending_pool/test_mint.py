"""mint: assets for shares, rounded up."""

from __future__ import annotations

from plimsoll.chain import ZERO_ADDRESS
from tests.support import reverts
from tests.support.pool import MAX, PoolTwin
from tests.unit.lending_pool.conftest import accrued, moved


def test_mint__one_share__costs_a_whole_unit(twin: PoolTwin) -> None:
    assert twin.mint(1, twin.lender) == 1
    twin.check()


def test_mint__for_another__whole_receipt(busy: PoolTwin) -> None:
    shares, event = 10 * busy.unit * 10**6 + 1, accrued(busy)
    busy.fund_with(busy.lender, 11 * busy.unit)
    promised = busy.pool.previewMint(shares)
    receipt = busy.pool.mint(shares, busy.attacker, sender=busy.lender)
    assets = receipt.return_value
    assert assets == promised > 10 * busy.unit
    assert receipt.events == [
        event,
        moved(busy.pool, ZERO_ADDRESS, busy.attacker, shares),
        moved(busy.token, busy.lender, busy.pool, assets),
        busy.pool.event("Deposit", sender=busy.lender, owner=busy.attacker, assets=assets, shares=shares),
    ]


def test_mint__nothing__reverts(twin: PoolTwin) -> None:
    with reverts("pool: zero assets"):
        twin.mint(0, twin.lender)


def test_mint__to_nobody__reverts(twin: PoolTwin) -> None:
    twin.fund_with(twin.lender, 1)
    with reverts("erc20: mint to the zero address"):
        twin.pool.mint(10**6, ZERO_ADDRESS, sender=twin.lender)


def test_mint__the_cap_may_be_touched_but_not_passed(busy: PoolTwin) -> None:
    most = busy.pool.maxMint(busy.lender)
    more = busy.pool.convertToShares(busy.model.max_deposit(busy.now) + 1)
    with reverts("pool: supply cap"):
        busy.mint(more, busy.lender)
    busy.mint(most, busy.lender)
    busy.check()


def test_mint__absurd_amount__reverts(twin: PoolTwin) -> None:
    with reverts(""):
        twin.mint(MAX, twin.lender)
