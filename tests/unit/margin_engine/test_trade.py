"""MarginEngine.trade: one verb opens, adds, reduces, closes and flips; swappers get tokens, never power."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plimsoll.chain import ZERO_ADDRESS
from tests.support import reverts
from tests.support.scenario import DEAD, FOREVER, OK, STALE, WIDE, World
from tests.unit.margin_engine.conftest import Appoint


def trade(world: World, account: int, **changed: Any) -> Any:
    """Sell 1,000 USDC for WETH as the trader, with some arguments changed."""
    arguments: dict[str, Any] = {
        "sell": world["USDC"].token,
        "sell_amount": 10**9,
        "max_borrow": 0,
        "buy": world["WETH"].token,
        "min_buy": 0,
        "swapper": world.swapper,
        "data": b"",
        "deadline": FOREVER,
        "reduce_only": False,
    }
    sender = changed.pop("sender", world.roles["trader"])
    assert changed.keys() <= arguments.keys()
    return world.engine.trade(account, *(arguments | changed).values(), sender=sender)


def exactly(amount: int) -> bytes:
    """Data that makes the swapper deliver this."""
    return amount.to_bytes(32, "big")


# What it does


def test_trade__opens_a_long__logs_exactly_this(world: World, account: int) -> None:
    usdc, weth, engine, swapper = world["USDC"].token, world["WETH"].token, world.engine, world.swapper.address
    pool = world["USDC"].pool
    world.deposit(account, "USDC", 1_000)
    receipt = trade(world, account, sell_amount=4 * 10**9, max_borrow=3 * 10**9, min_buy=2 * 10**18)
    assert receipt.return_value == 2 * 10**18
    assert receipt.events == [
        pool.event("Borrowed", account=account, to=swapper, amount=3 * 10**9, shares=3 * 10**15),
        usdc.event("Transfer", sender=pool.address, receiver=swapper, value=3 * 10**9),
        usdc.event("Transfer", sender=engine.address, receiver=swapper, value=10**9),
        weth.event("Transfer", sender=swapper, receiver=engine.address, value=2 * 10**18),
        engine.event(
            "Traded",
            account=account,
            sell=usdc,
            buy=weth,
            sold=4 * 10**9,
            borrowed=3 * 10**9,
            bought=2 * 10**18,
            repaid=0,
            swapper=swapper,
            reduce_only=False,
        ),
    ]
    assert (world.balance(account, "USDC"), world.balance(account, "WETH")) == (-3 * 10**9, 2 * 10**18)
    assert engine.word_of(account) == world["WETH"].key | world["USDC"].key << 72
    assert (usdc.balanceOf(engine), weth.balanceOf(engine)) == (0, 2 * 10**18)


def test_trade__closes_a_long__logs_exactly_this(world: World, long: int) -> None:
    usdc, weth, engine, swapper = world["USDC"].token, world["WETH"].token, world.engine, world.swapper.address
    pool, shares = world["USDC"].pool, world["USDC"].pool.debt_shares_of(long)
    receipt = trade(world, long, sell=weth, buy=usdc, sell_amount=20 * 10**18)
    assert receipt.events == [
        weth.event("Transfer", sender=engine.address, receiver=swapper, value=20 * 10**18),
        usdc.event("Transfer", sender=swapper, receiver=pool.address, value=40 * 10**9),
        pool.event("Repaid", account=long, amount=30 * 10**9, shares=shares),
        usdc.event("Transfer", sender=pool.address, receiver=engine.address, value=10 * 10**9),
        engine.event(
            "Traded",
            account=long,
            sell=weth,
            buy=usdc,
            sold=20 * 10**18,
            borrowed=0,
            bought=40 * 10**9,
            repaid=30 * 10**9,
            swapper=swapper,
            reduce_only=False,
        ),
    ]
    assert engine.word_of(long) == world["USDC"].key
    assert world.balance(long, "USDC") == 10**10


def test_trade__adds_and_reduces(world: World, long: int) -> None:
    world.trade(long, "USDC", 2_000, "WETH", 2_000)
    assert (world.balance(long, "USDC"), world.balance(long, "WETH")) == (-32 * 10**9, 21 * 10**18)
    world.trade(long, "WETH", 11, "USDC")
    assert (world.balance(long, "USDC"), world.balance(long, "WETH")) == (-10 * 10**9, 10 * 10**18)


def test_trade__flips_a_long_into_a_short(world: World, long: int) -> None:
    receipt = world.trade(long, "WETH", 35, "USDC", 15)
    assert (world.balance(long, "USDC"), world.balance(long, "WETH")) == (40 * 10**9, -15 * 10**18)
    assert world.engine.word_of(long) == world["USDC"].key | world["WETH"].key << 72
    assert receipt.find("Traded")[0].args["repaid"] == 30 * 10**9


def test_trade__opens_and_closes_a_short(world: World, account: int) -> None:
    world.deposit(account, "USDC", 1_000)
    world.trade(account, "WETH", 2, "USDC", 2)
    assert (world.balance(account, "USDC"), world.balance(account, "WETH")) == (5 * 10**9, -2 * 10**18)
    world.trade(account, "USDC", 5_000, "WETH")
    assert (world.balance(account, "USDC"), world.balance(account, "WETH")) == (0, 5 * 10**17)


def test_trade__sells_what_it_already_owes(world: World, long: int) -> None:
    world.trade(long, "USDC", 1_000, "WBTC", 1_000)
    assert world.balance(long, "USDC") == -31 * 10**9


def test_trade__one_debt_for_another(world: World, long: int) -> None:
    world.trade(long, "USDT", 30_000, "USDC", 30_000)
    assert (world.balance(long, "USDC"), world.balance(long, "USDT")) == (0, -30 * 10**9)


@pytest.mark.parametrize("symbol", ["WETH", "WBTC", "USDT", "PTS", "TAIL", "HOOK"])
def test_trade__every_kind_of_token__there_and_back(world: World, account: int, symbol: str) -> None:
    world.deposit(account, "USDC", 600)
    world.trade(account, "USDC", 600, symbol)
    held = world.balance(account, symbol)
    assert held == world[symbol].token.balanceOf(world.engine)
    trade(world, account, sell=world[symbol].token, buy=world["USDC"].token, sell_amount=held)
    unit = world.raw("USDC", world[symbol].price / 10 ** world[symbol].decimals)
    assert 600 * 10**6 - unit - 2 <= world.balance(account, "USDC") <= 600 * 10**6
    assert world.engine.word_of(account) == world["USDC"].key


def test_trade__isolated_long(world: World, account: int) -> None:
    world.set_price("TAIL", 2)
    world.deposit(account, "USDC", 1_000)
    world.trade(account, "USDC", 3_000, "TAIL", 2_000)
    assert (world.balance(account, "USDC"), world.balance(account, "TAIL")) == (-2 * 10**9, 1_500 * 10**18)
    assert world.engine.word_of(account) == world["TAIL"].key | world["USDC"].key << 72
    with reverts("engine: isolated"):
        world.trade(account, "TAIL", 1_499, "USDT")
    world.trade(account, "TAIL", 1_500, "USDC")
    assert world.engine.word_of(account) == world["USDC"].key


def test_trade__from_one_isolated_asset_to_another(world: World, account: int) -> None:
    world.deposit(account, "TAIL", 100)
    with reverts("engine: isolated"):
        world.trade(account, "TAIL", 99, "TAIL2")
    world.trade(account, "TAIL", 100, "TAIL2")
    assert world.engine.word_of(account) == world["TAIL2"].key


# What the swapper delivers


@pytest.mark.parametrize(("delivered", "min_buy"), [(0, 0), (1, 0), (10**17, 10**17), (10**20, 0)])
def test_trade__what_arrives__is_what_counts(world: World, account: int, delivered: int, min_buy: int) -> None:
    world.deposit(account, "USDC", 1_000)
    vault = world["WETH"].token.balanceOf
    receipt = trade(world, account, min_buy=min_buy, data=exactly(delivered))
    assert receipt.return_value == world.balance(account, "WETH") == vault(world.engine) == delivered


def test_trade__min_buy__binds_to_the_unit(world: World, account: int) -> None:
    world.deposit(account, "USDC", 1_000)
    with reverts("engine: min_buy"):
        trade(world, account, min_buy=5 * 10**17 + 1)
    world.swapper.set_shortfall(1, sender=world.roles["deployer"])
    with reverts("engine: min_buy"):
        trade(world, account, min_buy=5 * 10**17)
    trade(world, account, min_buy=5 * 10**17 - 1)


@pytest.mark.parametrize("beyond", [-1, 0, 1])
def test_trade__around_the_debt__what_exceeds_it_is_balance(world: World, long: int, beyond: int) -> None:
    world.chain.warp(30 * 86_400)
    world.refresh()
    usdc = world["USDC"].token
    debt = world.engine.debt_of(long, usdc)
    trade(
        world,
        long,
        sell=world["WETH"].token,
        buy=usdc,
        sell_amount=10**19,
        data=exactly(debt + beyond),
        min_buy=debt - 1,
    )
    assert world.balance(long, "USDC") == beyond
    assert (world["USDC"].pool.debt_shares_of(long) == 0) == (beyond >= 0)


def test_trade__fee_on_the_bought_token__credits_what_arrived(world: World, account: int) -> None:
    token = world["FEE"].token
    token.set_fee(100, sender=world.roles["deployer"])
    world.deposit(account, "USDC", 100)
    with reverts("engine: min_buy"):
        trade(world, account, sell_amount=10**8, buy=token, min_buy=100 * 10**18)
    trade(world, account, sell_amount=10**8, buy=token, min_buy=99 * 10**18)
    assert world.balance(account, "FEE") == token.balanceOf(world.engine) == 99 * 10**18


def test_trade__swapper_delivers_to_the_wrong_place__counts_nothing(world: World, long: int, attacker: Any) -> None:
    """The swapper is told to pay the pool, because there is a debt; what it pays to the engine is nobody's."""
    usdc = world["USDC"].token
    usdc.mint(attacker, 10**10, sender=world.roles["attacker"])
    attacker.set_swap([(usdc, usdc.transfer.encode(world.engine, 10**10))], 0, True, sender=world.roles["attacker"])
    arguments = {"sell": world["WETH"].token, "buy": usdc, "sell_amount": 10**17, "swapper": attacker}
    with reverts("engine: min_buy"):
        trade(world, long, min_buy=1, **arguments)
    assert trade(world, long, **arguments).return_value == 0
    assert world.balance(long, "USDC") == -30 * 10**9


@pytest.mark.parametrize("who", ["nobody", "engine", "pool", "token", "registry"])
def test_trade__not_a_swapper__reverts(world: World, account: int, who: str) -> None:
    world.deposit(account, "USDC", 1_000)
    swappers = {
        "nobody": world.roles["stranger"],
        "engine": world.engine,
        "pool": world["WETH"].pool,
        "token": world["WETH"].token,
        "registry": world.registry,
    }
    with reverts("engine: swapper" if who == "nobody" else ""):
        trade(world, account, swapper=swappers[who])


# Limits that the caller gives


def test_trade__deadline__last_second_works_next_does_not(world: World, account: int) -> None:
    world.deposit(account, "USDC", 2_000)
    deadline = world.chain.timestamp() + 60
    world.chain.warp(60)
    trade(world, account, deadline=deadline)
    world.chain.warp(1)
    with reverts("engine: expired"):
        trade(world, account, deadline=deadline)
    with reverts("engine: expired"):
        trade(world, account, deadline=0)


def test_trade__max_borrow__is_a_limit_to_the_unit(world: World, account: int) -> None:
    world.deposit(account, "USDC", 1_000)
    with reverts("engine: insufficient balance"):
        trade(world, account, sell_amount=10**9 + 1)
    with reverts("engine: max_borrow"):
        trade(world, account, sell_amount=2 * 10**9, max_borrow=10**9 - 1)
    trade(world, account, sell_amount=2 * 10**9, max_borrow=10**9)


def test_trade__whole_balance__borrows_nothing(world: World, account: int) -> None:
    world.deposit(account, "USDC", 1_000)
    receipt = trade(world, account, max_borrow=2**256 - 1)
    assert receipt.find("Traded")[0].args["borrowed"] == 0
    assert world.engine.debt_of(account, world["USDC"].token) == 0


# Bad input


def test_trade__bad_input__reverts(world: World, account: int) -> None:
    world.deposit(account, "USDC", 1_000)
    usdc = world["USDC"].token
    for changed, reason in (
        ({"sell_amount": 0}, "engine: zero amount"),
        ({"buy": usdc}, "engine: same asset"),
        ({"sell": ZERO_ADDRESS}, "engine: unknown asset"),
        ({"buy": ZERO_ADDRESS}, "engine: unknown asset"),
        ({"buy": world["USDC"].pool}, "engine: unknown asset"),
        ({"swapper": ZERO_ADDRESS}, "engine: swapper"),
        ({"sell": world["WBTC"].token}, "engine: insufficient balance"),
        ({"sell_amount": 2**256 - 1}, "engine: insufficient balance"),
    ):
        with reverts(reason):
            trade(world, account, **changed)


def test_trade__data__1024_bytes_fit_and_one_more_does_not(world: World, account: int) -> None:
    world.deposit(account, "USDC", 1_000)
    trade(world, account, sell_amount=10**8, data=b"\x01" * 1024)
    with reverts(""):
        trade(world, account, sell_amount=10**8, data=b"\x01" * 1025)


# Margin, minimum debt, states


def test_trade__leverage__initial_margin_binds(world: World, account: int) -> None:
    """With 0.2 % lost to bid and ask and 6 % of both sides required, 1,000 dollars carry 1,061 / 0.122, 8.697 times."""
    world.deposit(account, "USDC", 1_000)
    with reverts("engine: initial margin"):
        world.trade(account, "USDC", 8_698, "WETH", 7_698)
    world.trade(account, "USDC", 8_696, "WETH", 7_696)
    health = world.health(account)
    assert health.equity_initial >= health.initial
    assert health.equity_initial < health.initial + 10**18


def test_trade__bad_price__initial_margin_binds(world: World, account: int) -> None:
    world.deposit(account, "USDC", 1_000)
    with reverts("engine: initial margin"):
        trade(world, account, sell_amount=4 * 10**9, max_borrow=3 * 10**9, data=exactly(1_694 * 10**15))
    trade(world, account, sell_amount=4 * 10**9, max_borrow=3 * 10**9, data=exactly(1_696 * 10**15))


def test_trade__below_initial_margin__even_an_improving_trade_must_be_reduce_only(world: World, long: int) -> None:
    world.set_price("WETH", 1_650)
    with reverts("engine: initial margin"):
        world.trade(long, "WETH", 1, "USDC")
    world.trade(long, "WETH", 1, "USDC", reduce_only=True)


def test_trade__below_initial_margin__closing_everything_needs_no_check(world: World, long: int) -> None:
    world.set_price("WETH", 1_501)
    world.trade(long, "WETH", 20, "USDC")
    assert world.balance(long, "USDC") == 20 * 10**6


def test_trade__min_debt__binds_when_the_debt_rose(world: World, account: int) -> None:
    world.deposit(account, "USDC", 1_000)
    with reverts("engine: min debt"):
        trade(world, account, sell_amount=11 * 10**8 - 1, max_borrow=10**9)
    trade(world, account, sell_amount=11 * 10**8, max_borrow=10**9)
    world.deposit(account, "USDC", 99)
    trade(world, account, sell=world["WETH"].token, buy=world["WBTC"].token, sell_amount=10**17)
    assert world.health(account).debt == 10**18


@pytest.mark.parametrize("status", [OK, WIDE, STALE, DEAD])
@pytest.mark.parametrize("paused", [False, True])
def test_trade__without_debt__works_in_every_state(world: World, account: int, status: int, paused: bool) -> None:
    world.deposit(account, "USDC", 1_000)
    for symbol in ("USDC", "WETH"):
        world.set_status(symbol, status)
    if paused:
        world.engine.pause(sender=world.roles["guardian"])
    trade(world, account)
    assert world.balance(account, "WETH") == 5 * 10**17


# Who may


def test_trade__every_wrong_caller__reverts(world: World, account: int, appoint: Appoint) -> None:
    world.deposit(account, "USDC", 2_000)
    appoint(account + 1, 15)
    for role in ("stranger", "lender", "owner", "guardian", "deployer", "attacker", "operator"):
        for reduce_only in (False, True):
            with reverts("operators: not allowed"):
                trade(world, account, reduce_only=reduce_only, sender=world.roles[role])


@pytest.mark.parametrize("permissions", range(16))
def test_trade__operator__needs_trade_and_to_borrow_also_borrow(
    world: World, account: int, appoint: Appoint, permissions: int
) -> None:
    world.deposit(account, "USDC", 2_000)
    operator = appoint(account, permissions)
    for sell_amount, max_borrow, needed in ((10**9, 0, 1), (2 * 10**9, 2 * 10**9, 3)):
        if permissions & needed == needed:
            trade(world, account, sell_amount=sell_amount, max_borrow=max_borrow, sender=operator)
        else:
            with reverts("operators: not allowed"):
                trade(world, account, sell_amount=sell_amount, max_borrow=max_borrow, sender=operator)


def test_trade__operator_without_borrow__cannot_even_name_a_limit(world: World, account: int, appoint: Appoint) -> None:
    world.deposit(account, "USDC", 2_000)
    operator = appoint(account, 1)
    with reverts("operators: not allowed"):
        trade(world, account, max_borrow=1, sender=operator)


# What an operator may lose


def test_trade__operator__loss_is_charged_to_the_scope_that_allowed_it(
    world: World, account: int, appoint: Appoint
) -> None:
    world.deposit(account, "USDC", 3_000)
    owner_scope = int(world.roles["trader"], 16)
    operator = appoint(owner_scope, 1, budget=10**20)
    receipt = trade(world, account, data=exactly(49 * 10**16), sender=operator)
    assert receipt.events[-1] == world.registry.event(
        "LossCharged", scope=owner_scope, operator=operator, loss=20 * 10**18, budget_left=80 * 10**18
    )
    appoint(account, 1, budget=10**19)
    trade(world, account, data=exactly(495 * 10**15), sender=operator)
    assert world.registry.operator_of(account, operator).loss_budget == 0
    assert world.registry.operator_of(owner_scope, operator).loss_budget == 80 * 10**18


def test_trade__operator__max_loss_binds_to_the_basis_point(world: World, account: int, appoint: Appoint) -> None:
    world.deposit(account, "USDC", 2_000)
    operator = appoint(account, 1, max_loss=50)
    with reverts("operators: max loss"):
        trade(world, account, data=exactly(4975 * 10**14 - 1), sender=operator)
    trade(world, account, data=exactly(4975 * 10**14), sender=operator)


def test_trade__operator__budget_binds_over_many_trades(world: World, account: int, appoint: Appoint) -> None:
    world.deposit(account, "USDC", 3_000)
    operator = appoint(account, 1, budget=15 * 10**18)
    trade(world, account, data=exactly(495 * 10**15), sender=operator)
    with reverts("operators: loss budget"):
        trade(world, account, data=exactly(4975 * 10**14 - 1), sender=operator)
    trade(world, account, data=exactly(4975 * 10**14), sender=operator)
    trade(world, account, sender=operator)


def test_trade__operator_in_a_batch__budget_binds_over_its_trades(world: World, account: int, appoint: Appoint) -> None:
    world.deposit(account, "USDC", 3_000)
    operator = appoint(account, 1, budget=15 * 10**18)
    call = world.engine.trade.encode(
        account,
        world["USDC"].token,
        10**9,
        0,
        world["WETH"].token,
        0,
        world.swapper,
        exactly(495 * 10**15),
        FOREVER,
        False,
    )
    with reverts("operators: loss budget"):
        world.engine.batch([call, call], sender=operator)
    world.engine.batch([call], sender=operator)


def test_trade__operator__a_gain_costs_nothing_and_earns_nothing(world: World, account: int, appoint: Appoint) -> None:
    world.deposit(account, "USDC", 2_000)
    operator = appoint(account, 1, max_loss=0, budget=0)
    trade(world, account, data=exactly(5 * 10**17), sender=operator)
    trade(world, account, data=exactly(6 * 10**17), sender=operator)
    assert world.registry.operator_of(account, operator).loss_budget == 0


def test_trade__operator__rounding_counts_against_him(world: World, account: int, appoint: Appoint) -> None:
    world.set_price("WETH", Fraction(2_000) + Fraction(1, 10**18))
    world.deposit(account, "USDC", 2_000)
    operator = appoint(account, 1, max_loss=0, budget=10)
    with reverts("operators: max loss"):
        trade(world, account, data=exactly(5 * 10**17 - 1), sender=operator)
    trade(world, account, data=exactly(5 * 10**17), sender=operator)


@pytest.mark.parametrize("symbol", ["USDC", "WETH"])
@pytest.mark.parametrize("status", [WIDE, STALE, DEAD])
def test_trade__operator__needs_both_prices_ok(
    world: World, account: int, appoint: Appoint, symbol: str, status: int
) -> None:
    world.deposit(account, "USDC", 2_000)
    operator = appoint(account, 15)
    world.set_status(symbol, status)
    for reduce_only in (False, True):
        with reverts("engine: price status"):
            trade(world, account, reduce_only=reduce_only, sender=operator)
    trade(world, account)


def test_trade__owner__loses_what_he_likes(world: World, account: int) -> None:
    world.deposit(account, "USDC", 1_000)
    trade(world, account, data=exactly(1))


@given(sell_amount=st.integers(1, 5 * 10**9), delivered=st.integers(0, 3 * 10**18), own=st.integers(0, 5 * 10**9))
def test_trade__any_amounts__tokens_are_conserved(
    world: World, account: int, sell_amount: int, delivered: int, own: int
) -> None:
    with world.chain.isolate():
        usdc, weth = world["USDC"].token, world["WETH"].token
        world.deposit(account, "WETH", 10)
        if own:
            world.deposit(account, "USDC", Fraction(own, 10**6))
        world.engine.set_min_debt(0, sender=world.roles["owner"])
        cash, vault = world["USDC"].pool.cash(), weth.balanceOf(world.engine)
        trade(world, account, sell_amount=sell_amount, max_borrow=2**255, data=exactly(delivered))
        assert world.balance(account, "USDC") == own - sell_amount
        assert cash - world["USDC"].pool.cash() == max(sell_amount - own, 0)
        assert weth.balanceOf(world.engine) - vault == world.balance(account, "WETH") - 10**19 == delivered
        assert usdc.balanceOf(world.engine) == max(own - sell_amount, 0)
