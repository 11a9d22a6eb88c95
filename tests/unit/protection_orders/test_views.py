"""Views: digests as EIP-712 has them, states as `execute` would find them, and no order that makes one revert."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plimsoll.model import protection_orders
from plimsoll.model.protection_orders import Kind
from tests.support.scenario import DEAD
from tests.unit.protection_orders.conftest import WAD, Desk

numbers = st.one_of(st.integers(0, 10), st.integers(0, 2**256 - 1), st.sampled_from([2**128 - 1, 2**128, 2**255]))
addresses = st.integers(0, 2**160 - 1).map(lambda number: f"0x{number:040x}")


def test_digests__are_what_a_wallet_signs(desk: Desk) -> None:
    assert desk.orders.order_digest(desk.order().as_tuple()) == desk.order().digest(desk.domain)
    assert desk.orders.deleverage_digest(desk.standing().as_tuple()) == desk.standing().digest(desk.domain)


def test_state_of__not_triggered(desk: Desk) -> None:
    state = desk.state(desk.order())
    assert tuple(state) == (desk.order().digest(desk.domain), True, False, 0, 0, 20 * WAD)


def test_state_of__repay_only__nothing_owed__nothing_to_sell(desk: Desk) -> None:
    assert desk.state(desk.order(repay_only=True, buy=desk.token("WBTC").address)).most == 0


def test_state_of__repay_only__what_repays_the_debt(desk: Desk) -> None:
    order = desk.buy_back()
    most = protection_orders.most_for_debt(10 * WAD, desk.mid("USDC"), desk.mid("WETH"), 100, 20)
    assert desk.state(order).most == most < 30_000 * 10**6


def test_state_of__repay_only__slippage_and_fee_are_rounded_one_after_the_other(desk: Desk) -> None:
    """What repays 4 raw units at a slippage of 20 % is 5, for which, at a fee of 10 %, 6 have to be sold."""
    desk.world.deposit(desk.short, "WETH", 10 - Fraction(2, 10**9))
    assert desk.state(desk.buy_back(max_slippage=2_000, fee=1_000)).most == 6


def test_state_of__triggered__as_soon_as_the_mid_is_there(desk: Desk) -> None:
    order = desk.order()
    for price, triggered in ((1_801, False), (1_800, True), (1_801, False)):
        desk.world.set_price("WETH", price)
        assert desk.state(order).triggered is triggered


def test_state_of__watches_what_is_bought(desk: Desk) -> None:
    order = desk.order(watched=desk.token("USDC").address, trigger=desk.mid("USDC", Fraction(9, 10)))
    for price, triggered in ((1, False), (Fraction(9, 10), True)):
        desk.world.set_price("USDC", price)
        assert desk.state(order).triggered is triggered


def test_state_of__no_price__nothing_to_sell(desk: Desk) -> None:
    desk.world.set_status("WETH", DEAD)
    state = desk.state(desk.order(kind=Kind.ABOVE, trigger=1))
    assert (state.open, state.triggered, state.most) == (True, False, 0)


@pytest.mark.parametrize("kind", [Kind.TRAIL_BELOW, Kind.TRAIL_ABOVE])
def test_state_of__trailing__best_before_any_poke_is_the_start(desk: Desk, kind: Kind) -> None:
    order = desk.order(kind=kind, trigger=desk.mid("WETH", 1_500), trail=100)
    assert desk.state(order).best == order.trigger


def test_is_due__no_debt__is_not(desk: Desk) -> None:
    account = desk.world.account("trader", 9)
    assert desk.orders.is_due(desk.standing(account=account).as_tuple()) == (True, False)
    desk.world.deposit(account, "WETH", 1)
    assert desk.orders.is_due(desk.standing(account=account).as_tuple()) == (True, False)


@given(
    account=numbers,
    kind=numbers,
    watched=addresses,
    trigger=numbers,
    trail=numbers,
    amount=numbers,
    slippage=numbers,
    fee=numbers,
    repay_only=st.booleans(),
    data=st.data(),
)
def test_state_of__anything__does_not_revert(
    opened: Desk,
    account: int,
    kind: int,
    watched: str,
    trigger: int,
    trail: int,
    amount: int,
    slippage: int,
    fee: int,
    repay_only: bool,
    data: st.DataObject,
) -> None:
    tokens = st.sampled_from([asset.token.address for asset in opened.world.assets.values()])
    opened.orders.state_of(
        (
            data.draw(st.sampled_from([account, opened.long, opened.short])),
            data.draw(st.sampled_from([kind, 0, 1, 2, 3])),
            data.draw(st.one_of(st.just(watched), tokens)),
            trigger,
            data.draw(st.sampled_from([trail, 0, 1, 9_999])),
            data.draw(st.one_of(st.just(watched), tokens)),
            data.draw(st.one_of(st.just(watched), tokens)),
            amount,
            amount,
            data.draw(numbers),
            min(slippage, data.draw(st.sampled_from([0, 2_000, 2**256 - 1]))),
            min(fee, data.draw(st.sampled_from([0, 1_000, 2**256 - 1]))),
            repay_only,
            data.draw(numbers),
            data.draw(st.sampled_from([0, 1])),
            data.draw(numbers),
        )
    )


@given(st.lists(numbers, min_size=7, max_size=7), st.booleans())
def test_is_due__anything__does_not_revert(opened: Desk, members: list[int], known: bool) -> None:
    account = opened.long if known else members[0] << 96 & 2**256 - 1
    opened.orders.is_due((account, *members))


@pytest.mark.parametrize("digest", [b"\x00" * 32, b"\xff" * 32])
def test_getters__of_nothing__are_zero(desk: Desk, digest: bytes) -> None:
    orders, stranger = desk.orders, desk.role("stranger")
    assert (orders.sold_of(digest), orders.best_of(digest), orders.is_finished(digest)) == (0, 0, False)
    assert (orders.is_cancelled(stranger, digest), orders.epoch_of(stranger)) == (False, 0)
    assert orders.group_of(stranger, 0) == b"\x00" * 32
