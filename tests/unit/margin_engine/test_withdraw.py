"""MarginEngine.withdraw: from the balance, then from new debt up to `max_borrow`, never below initial margin."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plimsoll.chain import ZERO_ADDRESS, Revert
from plimsoll.model import account_word
from tests.support import reverts
from tests.support.scenario import DEAD, STALE, WIDE, World
from tests.unit.margin_engine.conftest import Appoint

EVERY_TOKEN = ("USDC", "WETH", "WBTC", "USDT", "PTS", "TAIL", "HOOK", "FEE", "FALSE")


@pytest.mark.parametrize("symbol", EVERY_TOKEN)
@pytest.mark.parametrize("rest", [0, 1])
def test_withdraw__from_the_balance__pays_exactly(world: World, account: int, symbol: str, rest: int) -> None:
    token, to, trader = world[symbol].token, world.roles["stranger"], world.roles["trader"]
    world.deposit(account, symbol, 1_000)
    amount = world.raw(symbol, 1_000) - rest
    vault, before = token.balanceOf(world.engine), token.balanceOf(to)
    receipt = world.engine.withdraw(account, token, amount, to, 0, sender=trader)
    assert receipt.return_value == 0
    assert world.engine.balance_of(account, token) == rest
    assert world.engine.word_of(account) == (world[symbol].key if rest else 0)
    assert (token.balanceOf(to) - before, vault - token.balanceOf(world.engine)) == (amount, amount)


def test_withdraw__from_the_balance__logs_exactly_this(world: World, account: int) -> None:
    usdc, to, trader = world["USDC"].token, world.roles["stranger"], world.roles["trader"]
    world.deposit(account, "USDC", 1)
    receipt = world.engine.withdraw(account, usdc, 10**6, to, 5, sender=trader)
    assert receipt.events == [
        usdc.event("Transfer", sender=world.engine.address, receiver=to, value=10**6),
        world.engine.event("Withdrawn", account=account, token=usdc, to=to, amount=10**6, borrowed=0),
    ]


def test_withdraw__beyond_the_balance__borrows_the_rest(world: World, account: int) -> None:
    usdc, pool, to, trader = world["USDC"].token, world["USDC"].pool, world.roles["stranger"], world.roles["trader"]
    world.deposit(account, "WETH", 1)
    world.deposit(account, "USDC", 100)
    cash = pool.cash()
    receipt = world.engine.withdraw(account, usdc, 300 * 10**6, to, 200 * 10**6, sender=trader)
    assert receipt.return_value == 200 * 10**6
    assert world.balance(account, "USDC") == -200 * 10**6
    assert (cash - pool.cash(), usdc.balanceOf(world.engine), usdc.balanceOf(to)) == (200 * 10**6, 0, 300 * 10**6)
    assert world.engine.word_of(account) == world["WETH"].key | world["USDC"].key << 72
    assert receipt.events == [
        pool.event("Borrowed", account=account, to=to, amount=200 * 10**6, shares=200 * 10**12),
        usdc.event("Transfer", sender=pool.address, receiver=to, value=200 * 10**6),
        usdc.event("Transfer", sender=world.engine.address, receiver=to, value=100 * 10**6),
        world.engine.event("Withdrawn", account=account, token=usdc, to=to, amount=300 * 10**6, borrowed=200 * 10**6),
    ]


def test_withdraw__while_owing_it__borrows_all(world: World, long: int) -> None:
    world.borrow(long, "USDC", 1_000)
    assert world.balance(long, "USDC") == -31_000 * 10**6


def test_withdraw__all_of_it_borrowed__the_vault_pays_nothing(world: World, long: int) -> None:
    usdc, pool, to, trader = world["USDC"].token, world["USDC"].pool, world.roles["stranger"], world.roles["trader"]
    receipt = world.engine.withdraw(long, usdc, 10**9, to, 10**9, sender=trader)
    assert receipt.find("Transfer", usdc) == [usdc.event("Transfer", sender=pool.address, receiver=to, value=10**9)]


def test_withdraw__max_borrow__is_a_limit_to_the_unit(world: World, account: int) -> None:
    usdc, trader = world["USDC"].token, world.roles["trader"]
    world.deposit(account, "WETH", 1)
    world.deposit(account, "USDC", 100)
    with reverts("engine: insufficient balance"):
        world.engine.withdraw(account, usdc, 10**8 + 1, trader, 0, sender=trader)
    with reverts("engine: max_borrow"):
        world.engine.withdraw(account, usdc, 10**9, trader, 9 * 10**8 - 1, sender=trader)
    assert world.engine.withdraw(account, usdc, 10**9, trader, 9 * 10**8, sender=trader).return_value == 9 * 10**8


def test_withdraw__empty_account__has_nothing(world: World, account: int) -> None:
    usdc, trader = world["USDC"].token, world.roles["trader"]
    with reverts("engine: insufficient balance"):
        world.engine.withdraw(account, usdc, 1, trader, 0, sender=trader)
    with reverts("engine: initial margin"):
        world.engine.withdraw(account, usdc, 200 * 10**6, trader, 2**256 - 1, sender=trader)


# Everything


@pytest.mark.parametrize("max_borrow", [0, 1, 2**256 - 1])
def test_withdraw__largest_number__pays_the_whole_balance_and_borrows_nothing(
    world: World, account: int, max_borrow: int
) -> None:
    trader, usdc, to = world.roles["trader"], world["USDC"].token, world.roles["stranger"]
    world.deposit(account, "USDC", 7)
    receipt = world.engine.withdraw(account, usdc, 2**256 - 1, to, max_borrow, sender=trader)
    assert (receipt.return_value, usdc.balanceOf(to), world.engine.word_of(account)) == (0, 7 * 10**6, 0)
    assert receipt.events[-1] == world.engine.event(
        "Withdrawn", account=account, token=usdc, to=to, amount=7 * 10**6, borrowed=0
    )


def test_withdraw__everything_of_nothing__reverts(world: World, long: int) -> None:
    trader = world.roles["trader"]
    for symbol in ("USDC", "WBTC"):
        for max_borrow in (0, 10**9):
            with reverts("engine: insufficient balance"):
                world.engine.withdraw(long, world[symbol].token, 2**256 - 1, trader, max_borrow, sender=trader)


def test_withdraw__everything_under_a_debt__needs_margin(world: World, long: int) -> None:
    trader = world.roles["trader"]
    with reverts("engine: initial margin"):
        world.engine.withdraw(long, world["WETH"].token, 2**256 - 1, trader, 0, sender=trader)


# Initial margin


def most(world: World, account: int, symbol: str, *, borrow: bool) -> int:
    """The largest amount worth less than 100,000 dollars that a withdrawal simulates with, by bisection."""
    trader, token = world.roles["trader"], world[symbol].token
    low, high = 0, world.raw(symbol, 10**5 / world[symbol].price)
    while high - low > 1:
        middle = (low + high) // 2
        try:
            world.engine.withdraw.call(account, token, middle, trader, middle if borrow else 0, sender=trader)
            low = middle
        except Revert as error:
            assert error.reason in ("engine: initial margin", "engine: insufficient balance")
            high = middle
    return low


@pytest.mark.parametrize("symbol", ["USDC", "WBTC", "WETH"])
def test_withdraw__initial_margin__binds_to_the_unit(world: World, account: int, symbol: str) -> None:
    trader, token = world.roles["trader"], world[symbol].token
    world.deposit(account, "WETH", 10)
    amount = most(world, account, symbol, borrow=True)
    with reverts("engine: initial margin"):
        world.engine.withdraw(account, token, amount + 1, trader, amount + 1, sender=trader)
    world.engine.withdraw(account, token, amount, trader, amount, sender=trader)
    if symbol == "WETH":
        assert (amount, world.engine.word_of(account)) == (10 * 10**18, 0)
        return
    health = world.health(account)
    unit = -(-world[symbol].price * 10**18 // 10 ** world[symbol].decimals)
    assert health.equity_initial >= health.initial
    assert health.equity_initial - 2 * unit < health.initial, "one unit more would have been too much"


def test_withdraw__initial_margin__binds_to_the_wei_of_a_dollar(world: World, account: int) -> None:
    """Who has exactly his initial margin may take risk, like what is worth nothing off an account with debt."""
    trader, source, hook = world.roles["trader"], world["WETH"].source, world["HOOK"].token
    world.set_price("HOOK", Fraction(1, 2))
    world.deposit(account, "HOOK", Fraction(1, 10**18))
    world.deposit(account, "WETH", 1)
    world.borrow(account, "USDC", 1_000)
    low, high = 1_000 * 10**18, 2_000 * 10**18
    while high - low > 1:
        middle = (low + high) // 2
        source.set_price(middle, sender=trader)
        health = world.health(account)
        low, high = (low, middle) if health.equity_initial >= health.initial else (middle, high)
    source.set_price(low, sender=trader)
    with reverts("engine: initial margin"):
        world.engine.withdraw(account, hook, 1, trader, 0, sender=trader)
    source.set_price(high, sender=trader)
    world.engine.withdraw(account, hook, 1, trader, 0, sender=trader)
    health = world.health(account)
    assert health.equity_initial == health.initial > 0


def test_withdraw__collateral_under_debt__initial_margin_binds_to_the_unit(world: World, long: int) -> None:
    trader, weth = world.roles["trader"], world["WETH"].token
    amount = most(world, long, "WETH", borrow=False)
    with reverts("engine: initial margin"):
        world.engine.withdraw(long, weth, amount + 1, trader, 0, sender=trader)
    world.engine.withdraw(long, weth, amount, trader, 0, sender=trader)
    assert world.health(long).equity_initial >= world.health(long).initial


def test_withdraw__bid_and_ask_count__not_mid(world: World, account: int) -> None:
    """1 WETH is worth 2,000 at mid and 1,998 at bid; the debt's ask is 0.1 % above mid. Initial rate 1.2 * 5 %."""
    world.deposit(account, "WETH", 1)
    at_mid = (2_000 - 2_000 * Fraction(6, 100)) / Fraction(106, 100)
    at_bid_and_ask = (1_998 - 2_000 * Fraction(6, 100)) / (Fraction(1_001, 1_000) + Fraction(6, 100))
    amount = most(world, account, "USDC", borrow=True)
    assert abs(amount - at_bid_and_ask * 10**6) < 100, "the size term of 2,000 dollars is far below 100 units"
    assert amount < at_mid * 10**6


def test_withdraw__below_initial_above_maintenance__nothing_leaves(world: World, long: int) -> None:
    trader = world.roles["trader"]
    world.deposit(long, "WBTC", Fraction(1, 10**6))
    world.set_price("WETH", 1_680)
    health = world.health(long)
    assert health.equity >= health.maintenance
    assert health.equity_initial < health.initial
    for symbol in ("WETH", "WBTC"):
        with reverts("engine: initial margin"):
            world.engine.withdraw(long, world[symbol].token, 1, trader, 0, sender=trader)
    with reverts("engine: initial margin"):
        world.engine.withdraw(long, world["USDC"].token, 1, trader, 1, sender=trader)


# Minimum debt


def test_withdraw__min_debt__binds_to_the_unit(world: World, account: int) -> None:
    trader, usdc = world.roles["trader"], world["USDC"].token
    world.deposit(account, "WETH", 1)
    with reverts("engine: min debt"):
        world.engine.withdraw(account, usdc, 10**8 - 1, trader, 10**8, sender=trader)
    world.engine.withdraw(account, usdc, 10**8, trader, 10**8, sender=trader)
    assert world.health(account).debt == 100 * 10**18


def test_withdraw__min_debt__counts_all_debts_together(world: World, account: int) -> None:
    trader = world.roles["trader"]
    world.deposit(account, "WETH", 1)
    world.borrow(account, "USDC", 150)
    world.engine.withdraw(account, world["USDT"].token, 1, trader, 1, sender=trader)
    assert world.balance(account, "USDT") == -1


def test_withdraw__debt_under_min_debt_that_did_not_rise__is_no_obstacle(world: World, account: int) -> None:
    trader, weth = world.roles["trader"], world["WETH"].token
    world.deposit(account, "WETH", 1)
    world.borrow(account, "USDC", 150)
    world.deposit(account, "USDC", 100)
    world.engine.withdraw(account, weth, 10**17, trader, 0, sender=trader)
    with reverts("engine: min debt"):
        world.engine.withdraw(account, world["USDC"].token, 49 * 10**6, trader, 49 * 10**6, sender=trader)
    world.borrow(account, "USDC", 50)


# Who may


def test_withdraw__every_wrong_caller__reverts(world: World, account: int, appoint: Appoint) -> None:
    world.deposit(account, "USDC", 10)
    usdc = world["USDC"].token
    for role in ("stranger", "lender", "owner", "guardian", "deployer", "attacker", "operator"):
        for max_borrow in (0, 1):
            with reverts("operators: not allowed"):
                world.engine.withdraw(account, usdc, 1, world.roles[role], max_borrow, sender=world.roles[role])
    appoint(account + 1, 15)
    with reverts("operators: not allowed"):
        world.engine.withdraw(account, usdc, 1, world.roles["operator"], 0, sender=world.roles["operator"])


@pytest.mark.parametrize("permissions", range(16))
def test_withdraw__operator__needs_withdraw_and_to_borrow_also_borrow(
    world: World, account: int, appoint: Appoint, permissions: int
) -> None:
    world.deposit(account, "WETH", 1)
    operator = appoint(account, permissions)
    for max_borrow, needed in ((0, 4), (10**9, 6)):
        for symbol, amount in (("WETH", 1), ("USDC", 10**9)):
            if symbol == "USDC" and not max_borrow:
                continue
            if permissions & needed == needed:
                world.engine.withdraw(account, world[symbol].token, amount, operator, max_borrow, sender=operator)
            else:
                with reverts("operators: not allowed"):
                    world.engine.withdraw(account, world[symbol].token, amount, operator, max_borrow, sender=operator)


def test_withdraw__operator_of_all_accounts__until_expiry(world: World, account: int, appoint: Appoint) -> None:
    world.deposit(account, "WETH", 1)
    operator = appoint(int(world.roles["trader"], 16), 4, expiry=world.chain.timestamp() + 10)
    weth = world["WETH"].token
    world.chain.warp(10)
    world.engine.withdraw(account, weth, 1, operator, 0, sender=operator)
    world.chain.warp(1)
    with reverts("operators: not allowed"):
        world.engine.withdraw(account, weth, 1, operator, 0, sender=operator)


# When


@pytest.mark.parametrize("status", [WIDE, STALE, DEAD])
@pytest.mark.parametrize("paused", [False, True])
def test_withdraw__without_debt__works_in_every_state(world: World, account: int, status: int, paused: bool) -> None:
    world.deposit(account, "WETH", 2)
    world.set_status("WETH", status)
    if paused:
        world.engine.pause(sender=world.roles["guardian"])
    trader = world.roles["trader"]
    world.engine.withdraw(account, world["WETH"].token, 10**18, trader, 0, sender=trader)
    world.engine.withdraw(account, world["WETH"].token, 10**18, trader, 10**18, sender=trader)
    assert world.engine.word_of(account) == 0


def test_withdraw__after_full_repayment__is_without_debt(world: World, long: int) -> None:
    trader = world.roles["trader"]
    world.engine.pause(sender=world.roles["guardian"])
    world.set_status("WETH", DEAD)
    world.deposit(long, "USDC", 30_000)
    world.engine.withdraw(long, world["WETH"].token, 20 * 10**18, trader, 0, sender=trader)


# The pool's own limits


def test_withdraw__pool_without_cash__reverts(world: World, account: int) -> None:
    trader, asset = world.roles["trader"], world["TAIL"]
    world.deposit(account, "WETH", 10_000)
    amount = asset.pool.cash() + 1
    with reverts("pool: cash"):
        world.engine.withdraw(account, asset.token, amount, trader, amount, sender=trader)
    world.engine.withdraw(account, asset.token, amount - 1, trader, amount, sender=trader)
    assert asset.pool.cash() == 0


def test_withdraw__borrow_cap__may_be_touched_not_passed(world: World, account: int) -> None:
    trader, asset = world.roles["trader"], world["USDC"]
    asset.pool.set_caps(10**15, 1_000 * 10**6, sender=world.roles["owner"])
    world.deposit(account, "WETH", 10)
    with reverts("pool: borrow cap"):
        world.engine.withdraw(account, asset.token, 10**9 + 1, trader, 10**10, sender=trader)
    world.engine.withdraw(account, asset.token, 10**9, trader, 10**10, sender=trader)


# Limits of the account


def test_withdraw__fifth_debt__reverts(world: World, account: int) -> None:
    trader = world.roles["trader"]
    for i in range(5):
        world.list_asset(f"C{i}", "MockERC20", 18, 1)
        world.lend(f"C{i}", 1_000)
    world.deposit(account, "WETH", 10)
    for i in range(4):
        world.borrow(account, f"C{i}", 200)
    with reverts("engine: too many assets"):
        world.borrow(account, "C4", 200)
    world.fund("trader", "C1", 1_000, world.engine)
    debt = world.engine.debt_of(account, world["C1"].token)
    world.engine.batch(
        [
            world.engine.withdraw.encode(account, world["C4"].token, 10**20, trader, 10**20),
            world.engine.deposit.encode(account, world["C1"].token, debt),
        ],
        sender=trader,
    )
    assert account_word.owed(world.engine.word_of(account)).bit_count() == 4


def test_withdraw__isolated_debt__beside_one_held_and_no_other_debt(world: World) -> None:
    account, trader = world.account("trader", 5), world.roles["trader"]
    world.deposit(account, "USDC", 10_000)
    world.borrow(account, "TAIL", 1_000)
    assert world.engine.word_of(account) == world["USDC"].key | world["TAIL"].key << 72
    with reverts("engine: isolated"):
        world.borrow(account, "WETH", 1)
    with reverts("engine: too many assets"):
        world.deposit(account, "WETH", 1)
    other = world.account("trader", 6)
    world.deposit(other, "USDC", 10_000)
    world.deposit(other, "WETH", 1)
    with reverts("engine: too many assets"):
        world.engine.withdraw(other, world["TAIL"].token, 10**20, trader, 10**20, sender=trader)


# Bad input


def test_withdraw__zero_amount__reverts(world: World, account: int) -> None:
    with reverts("engine: zero amount"):
        world.engine.withdraw(account, world["USDC"].token, 0, world.roles["trader"], 0, sender=world.roles["trader"])


def test_withdraw__to_nobody_or_the_vault_itself__reverts(world: World, account: int) -> None:
    world.deposit(account, "USDC", 1)
    for to in (ZERO_ADDRESS, world.engine.address):
        for amount in (1, 2**256 - 1):
            with reverts("engine: recipient"):
                world.engine.withdraw(account, world["USDC"].token, amount, to, 0, sender=world.roles["trader"])


def test_withdraw__unknown_asset__reverts(world: World, account: int) -> None:
    trader = world.roles["trader"]
    for token in (ZERO_ADDRESS, trader, world["USDC"].pool.address):
        with reverts("engine: unknown asset"):
            world.engine.withdraw(account, token, 1, trader, 1, sender=trader)


def test_withdraw__absurd_amount__reverts(world: World, account: int) -> None:
    trader, usdc = world.roles["trader"], world["USDC"].token
    world.deposit(account, "USDC", 10)
    with reverts("pool: cash"):
        world.engine.withdraw(account, usdc, 2**256 - 2, trader, 2**256 - 1, sender=trader)
    with reverts("engine: max_borrow"):
        world.engine.withdraw(account, usdc, 2**256 - 2, trader, 2**256 - 3 - 10**7, sender=trader)


def test_withdraw__token_says_false__reverts_and_nothing_is_lost(world: World, account: int) -> None:
    trader, token = world.roles["trader"], world["FALSE"].token
    world.deposit(account, "FALSE", 10)
    token.set_refusing(True, sender=trader)
    with reverts("token: transfer failed"):
        world.engine.withdraw(account, token, 1, trader, 0, sender=trader)
    assert world.balance(account, "FALSE") == token.balanceOf(world.engine) == 10**7


@given(deposited=st.integers(1, 10**10), amount=st.integers(1, 10**11), max_borrow=st.integers(0, 10**11))
def test_withdraw__any_amount__splits_between_balance_and_debt(
    world: World, account: int, deposited: int, amount: int, max_borrow: int
) -> None:
    with world.chain.isolate():
        trader, usdc = world.roles["trader"], world["USDC"].token
        world.deposit(account, "WBTC", 10)
        world.engine.set_min_debt(0, sender=world.roles["owner"])
        usdc.mint(trader, deposited, sender=trader)
        usdc.approve(world.engine, deposited, sender=trader)
        world.engine.deposit(account, usdc, deposited, sender=trader)
        missing = max(amount - deposited, 0)
        if missing > max_borrow:
            with reverts("engine: max_borrow" if max_borrow else "engine: insufficient balance"):
                world.engine.withdraw(account, usdc, amount, trader, max_borrow, sender=trader)
            return
        assert world.engine.withdraw(account, usdc, amount, trader, max_borrow, sender=trader).return_value == missing
        assert world.balance(account, "USDC") == deposited - amount
        assert usdc.balanceOf(trader) == amount
