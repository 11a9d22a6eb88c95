"""MarginEngine.trade(reduce_only=True): how an account below initial margin still acts, and no way to drain one."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plimsoll.chain import Revert
from plimsoll.model import account_word
from tests.support import reverts
from tests.support.scenario import DEAD, FOREVER, OK, STALE, WIDE, World
from tests.unit.margin_engine.conftest import Appoint
from tests.unit.margin_engine.test_trade import exactly


def reduce(world: World, account: int, sell: str, amount: int, buy: str, bought: int, **changed: Any) -> Any:
    """Sell raw units for raw units, reduce-only."""
    return world.engine.trade(
        account,
        world[sell].token,
        amount,
        changed.get("max_borrow", 0),
        world[buy].token,
        0,
        changed.get("swapper", world.swapper),
        exactly(bought),
        FOREVER,
        True,
        sender=changed.get("sender", world.roles["trader"]),
    )


def ratio(world: World, account: int) -> Fraction:
    """Equity over maintenance requirement."""
    health = world.health(account)
    return Fraction(health.equity, health.maintenance)


# Equity of at least zero: equity over requirement must not fall.


@pytest.mark.parametrize("price", [2_000, 1_700, 1_600, 1_550, 1_501, 1_500])
def test_reduce_only__at_the_oracle_price__accepted_and_improves(world: World, long: int, price: int) -> None:
    world.set_price("WETH", price)
    before = ratio(world, long)
    receipt = reduce(world, long, "WETH", 10**18, "USDC", price * 10**6)
    assert receipt.find("Traded")[0].args["reduce_only"] is True
    assert ratio(world, long) > before or before == 0
    assert (world.balance(long, "WETH"), world.balance(long, "USDC")) == (19 * 10**18, (price - 30_000) * 10**6)


def boundary(world: World, account: int, sell: str, amount: int, buy: str, top: int) -> int:
    """The smallest purchase that is accepted, by bisection below one that is."""
    low, high = 0, top
    while high - low > 1:
        middle = (low + high) // 2
        with world.chain.isolate():
            try:
                reduce(world, account, sell, amount, buy, middle)
                high = middle
            except Revert as error:
                assert error.reason == "engine: reduce only"
                low = middle
    return high


@pytest.mark.parametrize("price", [1_700, 1_600, 1_520])
def test_reduce_only__loss__may_not_lower_the_ratio_by_a_unit(world: World, long: int, price: int) -> None:
    world.set_price("WETH", price)
    bought = boundary(world, long, "WETH", 10**18, "USDC", price * 10**6)
    before = ratio(world, long)
    with world.chain.isolate():
        reduce(world, long, "WETH", 10**18, "USDC", bought)
        assert ratio(world, long) >= before
    with reverts("engine: reduce only"):
        reduce(world, long, "WETH", 10**18, "USDC", bought - 1)
    equity = world.health(long).equity
    allowed = Fraction(equity, 10**18) * (price + price) / (20 * price + 30_000)
    assert abs(price - Fraction(bought, 10**6) - allowed) < Fraction(1, 10**1) * allowed + 1, "its share of the equity"


def test_reduce_only__zero_equity__may_lose_nothing(world: World, long: int) -> None:
    world.set_price("WETH", 1_500)
    assert world.health(long).equity == 0
    with reverts("engine: reduce only"):
        reduce(world, long, "WETH", 10**18, "USDC", 1_500 * 10**6 - 1)
    reduce(world, long, "WETH", 10**18, "USDC", 1_500 * 10**6)


def test_reduce_only__equity_may_not_turn_negative(world: World, long: int) -> None:
    world.set_price("WETH", 1_501)
    with reverts("engine: reduce only"):
        reduce(world, long, "WETH", 20 * 10**18, "USDC", 30_000 * 10**6 - 1)
    reduce(world, long, "WETH", 20 * 10**18, "USDC", 30_000 * 10**6)
    assert world.engine.word_of(long) == 0


def test_reduce_only__into_an_asset_not_owed__needs_a_lower_requirement(world: World, long: int) -> None:
    """A sale into another positive asset frees nothing here (both require 5 %), so it can only fail."""
    world.set_price("WETH", 1_600)
    with reverts("engine: reduce only"):
        reduce(world, long, "WETH", 10**18, "USDT", 1_601 * 10**6)
    with reverts("engine: reduce only"):
        reduce(world, long, "WETH", 10**18, "USDT", 1_599 * 10**6)


def test_reduce_only__into_what_requires_as_much__accepted(world: World, long: int) -> None:
    """An account that is as good as before is no riskier."""
    world.deposit(long, "USDT", 1_000)
    world.set_price("WETH", 1_650)
    before = world.health(long)
    reduce(world, long, "USDT", 10**9, "HOOK", 10**21)
    assert world.health(long) == before
    assert (world.balance(long, "USDT"), world.balance(long, "HOOK")) == (0, 10**21)


def test_reduce_only__short__buys_back(world: World, account: int) -> None:
    world.deposit(account, "USDC", 1_000)
    world.trade(account, "WETH", 3, "USDC", 3)
    world.set_price("WETH", 2_200)
    with reverts("engine: initial margin"):
        world.trade(account, "USDC", 2_200, "WETH")
    before = ratio(world, account)
    reduce(world, account, "USDC", 2_200 * 10**6, "WETH", 10**18)
    assert ratio(world, account) > before
    assert world.balance(account, "WETH") == -2 * 10**18


def test_reduce_only__flip__reverts(world: World, long: int) -> None:
    world.set_price("WETH", 1_700)
    with reverts("engine: insufficient balance"):
        reduce(world, long, "WETH", 20 * 10**18 + 1, "USDC", 10**12)


@pytest.mark.parametrize("max_borrow", [1, 2**256 - 1])
def test_reduce_only__any_borrowing__reverts(world: World, long: int, max_borrow: int) -> None:
    with reverts("engine: reduce only"):
        reduce(world, long, "WETH", 10**18, "USDC", 2_000 * 10**6, max_borrow=max_borrow)


def test_reduce_only__more_than_the_debt__leaves_the_rest_as_balance(world: World, long: int) -> None:
    world.set_price("WETH", 1_700)
    reduce(world, long, "WETH", 20 * 10**18, "USDC", 34_000 * 10**6)
    assert world.balance(long, "USDC") == 4_000 * 10**6


def test_reduce_only__healthy_account__is_held_to_the_same(world: World, long: int) -> None:
    with reverts("engine: reduce only"):
        reduce(world, long, "WETH", 10**18, "USDC", 1_500 * 10**6 - 10**4)
    reduce(world, long, "WETH", 10**18, "USDC", 1_500 * 10**6 + 10**4)


# Nothing owed: nobody's risk, so nothing is compared, and nothing can be borrowed either.


@pytest.mark.parametrize("paused", [False, True])
@pytest.mark.parametrize("status", [OK, WIDE, STALE, DEAD])
@pytest.mark.parametrize(("sold", "bought"), [(10**9, 0), (10**9, 10**18), (5 * 10**8, 10**17)])
def test_reduce_only__nothing_owed__is_not_compared(
    world: World, account: int, sold: int, bought: int, status: int, paused: bool
) -> None:
    world.deposit(account, "USDC", 1_000)
    for symbol in ("USDC", "WETH"):
        world.set_status(symbol, status)
    if paused:
        world.engine.pause(sender=world.roles["guardian"])
    reduce(world, account, "USDC", sold, "WETH", bought)
    assert (world.balance(account, "USDC"), world.balance(account, "WETH")) == (10**9 - sold, bought)


def test_reduce_only__nothing_owed__borrows_nothing(world: World, account: int) -> None:
    world.deposit(account, "USDC", 1_000)
    with reverts("engine: reduce only"):
        reduce(world, account, "USDC", 10**9, "WETH", 10**18, max_borrow=1)
    with reverts("engine: insufficient balance"):
        reduce(world, account, "USDC", 10**9 + 1, "WETH", 10**18)


def test_reduce_only__nothing_owed__needs_no_assessment(world: World, account: int) -> None:
    """For the length of a batch an account may hold a ninth asset, with which it cannot be assessed."""
    trader, usdt = world.roles["trader"], world["USDT"].token
    world.list_asset("C0", "MockERC20", 18, 1)
    for symbol in ("USDC", "WETH", "WBTC", "USDT", "PTS", "HOOK", "FEE", "FALSE"):
        world.deposit(account, symbol, 10)
    ninth = world.fund("trader", "C0", 10, world.engine)
    sale = (account, usdt, 10**7, 0, world["USDC"].token, 0, world.swapper, exactly(10**7), FOREVER, True)
    calls = [
        world.engine.deposit.encode(account, world["C0"].token, ninth),
        world.engine.trade.encode(*sale),
    ]
    world.engine.batch(calls, sender=trader)
    assert (world.balance(account, "USDT"), world.balance(account, "USDC")) == (0, 2 * 10**7)


def test_reduce_only__nothing_owed__operator_within_his_loss(world: World, account: int, appoint: Appoint) -> None:
    world.deposit(account, "USDC", 1_000)
    operator = appoint(account, 1, max_loss=10, budget=10**18)
    with reverts("operators: max loss"):
        reduce(world, account, "USDC", 10**9, "WETH", 4 * 10**17, sender=operator)
    reduce(world, account, "USDC", 10**9, "WETH", 5 * 10**17, sender=operator)


def test_reduce_only__last_debt_repaid__is_compared(world: World, long: int) -> None:
    world.set_price("WETH", 1_700)
    with reverts("engine: reduce only"):
        reduce(world, long, "WETH", 20 * 10**18, "USDC", 30_000 * 10**6 - 1)
    reduce(world, long, "WETH", 18 * 10**18, "USDC", 30_600 * 10**6)
    assert not account_word.at_risk(world.engine.word_of(long))
    reduce(world, long, "WETH", 10**18, "USDC", 1)


def test_reduce_only__debt_of_a_batch__is_compared(world: World, account: int) -> None:
    """A debt that the same batch raised before the trade counts, though the account is checked at the end anyway."""
    world.deposit(account, "WETH", 10)
    weth, usdc, trader = world["WETH"].token, world["USDC"].token, world.roles["trader"]
    borrow = world.engine.withdraw.encode(account, usdc, 10**9, trader, 10**9)
    arguments = (account, weth, 10**18, 0, usdc, 0, world.swapper, exactly(10**6), FOREVER, True)
    with reverts("engine: reduce only"):
        world.engine.batch([borrow, world.engine.trade.encode(*arguments)], sender=trader)
    world.engine.batch([world.engine.trade.encode(*arguments), borrow], sender=trader)


# Negative equity: a sale that repays, at a loss of at most 1 %.


@pytest.mark.parametrize("price", [1_400, 1_000, 10])
def test_reduce_only__negative_equity__one_percent_both_sides_of_the_boundary(
    world: World, long: int, price: int
) -> None:
    world.set_price("WETH", price)
    assert world.health(long).equity < 0
    bought = price * 10**6 * 99 // 100
    with reverts("engine: reduce only"):
        reduce(world, long, "WETH", 10**18, "USDC", bought - 1)
    reduce(world, long, "WETH", 10**18, "USDC", bought)


def test_reduce_only__negative_equity__one_percent_to_the_last_wei_of_a_dollar(world: World, account: int) -> None:
    """Two tokens whose raw unit is worth the smallest dollar value there is."""
    world.lend("FEE", 10_000)
    world.deposit(account, "WETH", 1)
    world.deposit(account, "HOOK", 1_000)
    world.borrow(account, "FEE", 2_000)
    world.set_price("WETH", 500)
    assert world.health(account).equity < 0
    with reverts("engine: reduce only"):
        reduce(world, account, "HOOK", 10**18, "FEE", 99 * 10**16 - 1)
    reduce(world, account, "HOOK", 10**18, "FEE", 99 * 10**16)


def test_reduce_only__negative_equity__only_repays(world: World, long: int) -> None:
    world.deposit(long, "WBTC", Fraction(1, 100))
    world.set_price("WETH", 1_300)
    assert world.health(long).equity < 0
    for sell, amount, buy, bought in (
        ("WETH", 10**18, "USDT", 1_300 * 10**6),
        ("WBTC", 10**6, "WETH", 10**17),
    ):
        with reverts("engine: reduce only"):
            reduce(world, long, sell, amount, buy, bought)
    reduce(world, long, "WBTC", 10**6, "USDC", 600 * 10**6)


def test_reduce_only__negative_equity__requirement_may_not_rise(world: World, long: int) -> None:
    """Far more than the debt comes back: a gift, but one that would leave the account with a larger requirement."""
    world.set_price("WETH", 1_000)
    with reverts("engine: reduce only"):
        reduce(world, long, "WETH", 1, "USDC", 90_000 * 10**6)


def test_reduce_only__negative_equity__many_sales__lose_one_percent_of_the_collateral_at_most(
    world: World, long: int
) -> None:
    world.set_price("WETH", 1_400)
    start = world.health(long).equity
    for _ in range(20):
        reduce(world, long, "WETH", 10**18, "USDC", 1_386 * 10**6)
    assert start - world.health(long).equity == 20 * 14 * 10**18
    with reverts("engine: insufficient balance"):
        reduce(world, long, "WETH", 1, "USDC", 10**6)


# States and callers


@pytest.mark.parametrize("paused", [False, True])
@pytest.mark.parametrize("status", [OK, WIDE, STALE])
@pytest.mark.parametrize("symbol", ["WETH", "USDC"])
def test_reduce_only__every_status_but_dead__accepted(
    world: World, long: int, symbol: str, status: int, paused: bool
) -> None:
    world.set_price("WETH", 1_700)
    world.set_status(symbol, status)
    if paused:
        world.engine.pause(sender=world.roles["guardian"])
    reduce(world, long, "WETH", 10**18, "USDC", 1_700 * 10**6)


@pytest.mark.parametrize("symbol", ["WETH", "USDC", "WBTC"])
def test_reduce_only__dead_asset_in_the_account__reverts(world: World, long: int, symbol: str) -> None:
    world.deposit(long, "WBTC", 1)
    world.set_price("WETH", 1_700)
    world.set_status(symbol, DEAD)
    with reverts("engine: price status"):
        reduce(world, long, "WETH", 10**18, "USDC", 1_700 * 10**6)


def test_reduce_only__into_a_dead_asset__reverts(world: World, long: int) -> None:
    """A DEAD positive requires nothing, so a sale into one would look like a reduction."""
    world.set_status("USDT", DEAD)
    with reverts("engine: price status"):
        reduce(world, long, "WETH", 10**18, "USDT", 2_000 * 10**6)


def test_reduce_only__operator__within_his_loss_and_at_ok_prices(world: World, long: int, appoint: Appoint) -> None:
    operator = appoint(long, 1, max_loss=10, budget=10**18)
    world.set_price("WETH", 1_700)
    with reverts("operators: max loss"):
        reduce(world, long, "WETH", 10**18, "USDC", 1_698 * 10**6, sender=operator)
    with reverts("operators: loss budget"):
        reduce(world, long, "WETH", 10**18, "USDC", 1_698_900_000, sender=operator)
    reduce(world, long, "WETH", 10**18, "USDC", 1_699 * 10**6, sender=operator)
    world.set_status("WETH", WIDE)
    with reverts("engine: price status"):
        reduce(world, long, "WETH", 10**18, "USDC", 1_700 * 10**6, sender=operator)
    reduce(world, long, "WETH", 10**18, "USDC", 1_700 * 10**6)


def test_reduce_only__leaves_less_than_min_debt__accepted(world: World, long: int) -> None:
    world.set_price("WETH", 1_700)
    world.deposit(long, "USDC", 29_000)
    reduce(world, long, "WETH", 10**18 // 2, "USDC", 950 * 10**6)
    assert world.balance(long, "USDC") == -50 * 10**6


# Attacks


def test_reduce_only__ninth_asset_hides_nothing(world: World) -> None:
    """Eight new assets of a lower index must not push what is sold out of the assessment.

    An account at 10,000 of equity is brought to eight held assets before a ninth, below them, joins it for the length
    of a batch. If only eight were assessed, the sale of the highest one for nothing would look like no loss at all.
    """
    account, trader = world.account("trader", 4), world.roles["trader"]
    low = [f"C{i}" for i in range(8)]
    for symbol in [*low, "TOP"]:
        world.list_asset(symbol, "MockERC20", 18, 1)
    for symbol in low[:7]:
        world.deposit(account, symbol, 5_000)
    world.deposit(account, "TOP", 5_000)
    world.borrow(account, "USDC", 30_000)
    health = world.health(account)
    assert health.equity == 10_000 * 10**18
    dust = world.fund("trader", low[7], 1, world.engine)
    batch = [
        world.engine.deposit.encode(account, world[low[7]].token, dust),
        world.engine.trade.encode(
            account,
            world["TOP"].token,
            world.balance(account, "TOP"),
            0,
            world["USDT"].token,
            0,
            world.swapper,
            exactly(0),
            FOREVER,
            True,
        ),
    ]
    with reverts("engine: too many assets"):
        world.engine.batch(batch, sender=trader)
    assert world.health(account) == health


def test_reduce_only__fifth_debt_hides_nothing(world: World) -> None:
    """The same for debts: while a batch has a fifth, the account cannot be assessed, whatever is repaid later."""
    account, trader = world.account("trader", 4), world.roles["trader"]
    for i in range(5):
        world.list_asset(f"C{i}", "MockERC20", 18, 1)
        world.lend(f"C{i}", 10_000)
    world.deposit(account, "WETH", 10)
    for i in range(4):
        world.borrow(account, f"C{i}", 1_000)
    fifth, weth = world["C4"].token, world["WETH"].token
    fifth.approve(world.engine, 2**256 - 1, sender=trader)
    sale = world.engine.trade.encode(account, weth, 10**17, 0, world["C0"].token, 0, world.swapper, b"", FOREVER, True)
    borrow = world.engine.withdraw.encode(account, fifth, 10**21, trader, 10**21)
    repay = world.engine.deposit.encode(account, fifth, 10**21)
    with reverts("engine: too many assets"):
        world.engine.batch([borrow, sale, repay], sender=trader)
    world.engine.batch([borrow, repay, sale], sender=trader)


def test_reduce_only__price_changed_by_the_swapper__counts_before_and_after(
    world: World, long: int, attacker: Any
) -> None:
    """Before and after are compared at one set of prices: a feed that is pushed during the swap pays for no loss.

    At 1,600 equity over requirement is 2,000 / 3,100. Four of twenty WETH given away while the price rises to 2,000
    leave exactly that, but at 2,000 the account had 10,000 / 3,500.
    """
    sender = world.roles["attacker"]
    world.set_price("WETH", 1_600)
    usdc, source = world["USDC"].token, world["WETH"].source
    usdc.mint(attacker, 10**12, sender=sender)
    push = (source, source.set_price.encode(2_000 * 10**18))
    attacker.set_swap([push], 0, True, sender=sender)
    with reverts("engine: reduce only"):
        reduce(world, long, "WETH", 4 * 10**18, "USDC", 0, swapper=attacker)
    assert world.balance(long, "WETH") == 20 * 10**18
    attacker.set_swap([push], 8_000 * 10**6, True, sender=sender)
    reduce(world, long, "WETH", 4 * 10**18, "USDC", 0, swapper=attacker)


def test_reduce_only__in_a_batch_with_a_withdrawal__needs_initial_margin_at_the_end(world: World, long: int) -> None:
    world.set_price("WETH", 1_650)
    trader, weth = world.roles["trader"], world["WETH"].token
    sale = world.engine.trade.encode(long, weth, 10**18, 0, world["USDC"].token, 0, world.swapper, b"", FOREVER, True)
    take = world.engine.withdraw.encode(long, weth, 1, trader, 0)
    for calls in ([sale, take], [take, sale], [take, *[sale] * 2]):
        with reverts("engine: initial margin"):
            world.engine.batch(calls, sender=trader)
    world.engine.batch([sale, sale], sender=trader)


def test_reduce_only__dust_rounding__earns_nothing(world: World, long: int) -> None:
    """A raw unit of WETH is worth less than a unit of USDC: selling it for nothing is refused all the same."""
    world.set_price("WETH", 1_600)
    start = world.health(long).equity
    for amount in (1, 10**3, 10**8, 10**9):
        with reverts("engine: reduce only"):
            reduce(world, long, "WETH", amount, "USDC", 0)
    assert world.health(long).equity == start


@given(
    price=st.integers(1_200, 2_100),
    amount=st.integers(1, 20 * 10**18),
    fairness=st.sampled_from([985, 990, 995, 999, 1_000, 1_001, 1_030]),
    buy=st.sampled_from(["USDC", "USDT", "WBTC"]),
)
def test_reduce_only__any_trade__never_lowers_the_ratio_nor_raises_the_requirement(
    world: World, long: int, price: int, amount: int, fairness: int, buy: str
) -> None:
    with world.chain.isolate():
        world.set_price("WETH", price)
        before, before_word = world.health(long), world.engine.word_of(long)
        worth = Fraction(amount * price, 10**18)
        bought = int(worth / world[buy].price * 10 ** world[buy].decimals) * fairness // 1_000
        given_up = -(-amount * price * 10**18 // 10**18)
        try:
            reduce(world, long, "WETH", amount, buy, bought)
        except Revert as error:
            assert error.reason == "engine: reduce only"
            assert (world.health(long), world.engine.word_of(long)) == (before, before_word)
            return
        after = world.health(long)
        assert after.maintenance <= before.maintenance
        assert account_word.owed(world.engine.word_of(long)) & ~account_word.owed(before_word) == 0
        if before.equity >= 0:
            assert after.equity * before.maintenance >= before.equity * after.maintenance
        else:
            assert buy == "USDC"
            assert before.equity - after.equity <= given_up // 100 + 2 * 10**12
