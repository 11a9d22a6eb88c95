"""MarginEngine.deposit: repays first, the rest is balance; anyone may help, nobody may meddle."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plimsoll.chain import ZERO_ADDRESS
from plimsoll.model import account_word
from tests.support import reverts
from tests.support.scenario import DEAD, STALE, WIDE, World
from tests.unit.margin_engine.conftest import Appoint

EVERY_TOKEN = ("USDC", "WETH", "WBTC", "USDT", "PTS", "TAIL", "HOOK", "FEE", "FALSE")


def balances(world: World, symbol: str) -> tuple[int, int, int]:
    """What trader, engine and pool have of a token."""
    token = world[symbol].token
    return (
        token.balanceOf(world.roles["trader"]),
        token.balanceOf(world.engine),
        token.balanceOf(world[symbol].pool),
    )


@pytest.mark.parametrize("symbol", EVERY_TOKEN)
def test_deposit__first_balance__credits_and_takes_the_tokens(world: World, account: int, symbol: str) -> None:
    trader, asset = world.roles["trader"], world[symbol]
    units = world.fund("trader", symbol, 1_000, world.engine)
    before = balances(world, symbol)
    receipt = world.engine.deposit(account, asset.token, units, sender=trader)
    assert receipt.return_value == 0
    assert world.engine.balance_of(account, asset.token) == units
    assert world.engine.word_of(account) == asset.key
    assert balances(world, symbol) == (before[0] - units, before[1] + units, before[2])
    deposited = world.engine.event(
        "Deposited", account=account, token=asset.token, sender=trader, amount=units, repaid=0
    )
    assert receipt.find("Deposited") == [deposited]
    assert [event.name for event in receipt.events if event.contract == world.engine.address] == ["Deposited"]


def test_deposit__plain_token__logs_exactly_this(world: World, account: int) -> None:
    trader, usdc = world.roles["trader"], world["USDC"].token
    world.fund("trader", "USDC", 5, world.engine)
    receipt = world.engine.deposit(account, usdc, 5, sender=trader)
    assert receipt.events == [
        usdc.event("Transfer", sender=trader, receiver=world.engine.address, value=5),
        world.engine.event("Deposited", account=account, token=usdc, sender=trader, amount=5, repaid=0),
    ]


def test_deposit__again__adds(world: World, account: int) -> None:
    world.deposit(account, "USDC", 7)
    world.deposit(account, "USDC", 5)
    world.deposit(account, "WETH", 1)
    assert world.balance(account, "USDC") == 12 * 10**6
    assert world.engine.word_of(account) == world["USDC"].key | world["WETH"].key


@pytest.mark.parametrize("symbol", ["USDC", "USDT"])
def test_deposit__owed__repays_in_the_pool_and_nothing_reaches_the_vault(world: World, symbol: str) -> None:
    account = world.open_position(collateral=("WBTC", 1), sell=symbol, amount=30_000)
    pool, token, trader = world[symbol].pool, world[symbol].token, world.roles["trader"]
    world.fund("trader", symbol, 10_000, world.engine)
    cash, before = pool.cash(), balances(world, symbol)
    receipt = world.engine.deposit(account, token, 10**10, sender=trader)
    assert receipt.return_value == 10**10
    assert world.balance(account, symbol) == -2 * 10**10
    assert (pool.cash() - cash, world.engine.balance_of(account, token)) == (10**10, 0)
    assert balances(world, symbol) == (before[0] - 10**10, before[1], before[2] + 10**10)


def test_deposit__owed__logs_exactly_this(world: World, long: int) -> None:
    trader, usdc, pool = world.roles["trader"], world["USDC"].token, world["USDC"].pool
    world.fund("trader", "USDC", 40_000, world.engine)
    shares = pool.debt_shares_of(long)
    receipt = world.engine.deposit(long, usdc, 40_000 * 10**6, sender=trader)
    assert receipt.events == [
        usdc.event("Transfer", sender=trader, receiver=pool.address, value=40_000 * 10**6),
        pool.event("Repaid", account=long, amount=30_000 * 10**6, shares=shares),
        usdc.event("Transfer", sender=pool.address, receiver=world.engine.address, value=10_000 * 10**6),
        world.engine.event(
            "Deposited", account=long, token=usdc, sender=trader, amount=40_000 * 10**6, repaid=30_000 * 10**6
        ),
    ]


def test_deposit__one_unit_of_a_debt__repays_it(world: World, long: int) -> None:
    usdc = world["USDC"].token
    world.fund("trader", "USDC", 1, world.engine)
    assert world.engine.deposit(long, usdc, 1, sender=world.roles["trader"]).return_value == 1
    assert (world.engine.debt_of(long, usdc), world.engine.balance_of(long, usdc)) == (30_000 * 10**6 - 1, 0)


@pytest.mark.parametrize(("beyond", "left"), [(-1, -1), (0, 0), (1, 1)])
def test_deposit__around_the_debt__clears_it_exactly_there(world: World, long: int, beyond: int, left: int) -> None:
    world.chain.warp(86_400)
    usdc, key = world["USDC"].token, world["USDC"].key
    debt = world.engine.debt_of(long, usdc)
    assert debt > 30_000 * 10**6
    world.fund("trader", "USDC", 40_000, world.engine)
    repaid = world.engine.deposit(long, usdc, debt + beyond, sender=world.roles["trader"]).return_value
    assert repaid == debt + min(beyond, 0)
    assert world.balance(long, "USDC") == left
    word = world.engine.word_of(long)
    assert account_word.owes(word, key) == (beyond < 0)
    assert account_word.holds(word, key) == (beyond > 0)
    assert (world["USDC"].pool.debt_shares_of(long) == 0) == (beyond >= 0)


# Who may


def test_deposit__stranger__may_repay(world: World, long: int) -> None:
    world.fund("stranger", "USDC", 100, world.engine)
    stranger, usdc = world.roles["stranger"], world["USDC"].token
    assert world.engine.deposit(long, usdc, 10**8, sender=stranger).return_value == 10**8
    assert world.balance(long, "USDC") == -29_900 * 10**6


def test_deposit__stranger_beyond_the_debt__is_cut_to_it(world: World, long: int) -> None:
    units = world.fund("stranger", "USDC", 50_000, world.engine)
    stranger, usdc = world.roles["stranger"], world["USDC"].token
    receipt = world.engine.deposit(long, usdc, units, sender=stranger)
    assert receipt.return_value == 30_000 * 10**6
    assert usdc.balanceOf(stranger) == 20_000 * 10**6
    assert world.engine.word_of(long) == world["WETH"].key
    assert receipt.events[-1] == world.engine.event(
        "Deposited", account=long, token=usdc, sender=stranger, amount=30_000 * 10**6, repaid=30_000 * 10**6
    )


def test_deposit__stranger__may_add_to_a_balance(world: World, long: int) -> None:
    world.fund("stranger", "WETH", 1, world.engine)
    world.engine.deposit(long, world["WETH"].token, 10**18, sender=world.roles["stranger"])
    assert world.balance(long, "WETH") == 21 * 10**18


def test_deposit__stranger__adds_no_asset(world: World, long: int, account: int) -> None:
    for target in (long, account):
        for symbol in ("WBTC", "USDT", "TAIL"):
            world.fund("stranger", symbol, 1, world.engine)
            with reverts("engine: not allowed"):
                world.engine.deposit(target, world[symbol].token, 1, sender=world.roles["stranger"])


def test_deposit__owner_of_another_account__is_a_stranger(world: World, account: int) -> None:
    for role in ("lender", "owner", "guardian", "deployer", "attacker"):
        world.fund(role, "USDC", 1, world.engine)
        with reverts("engine: not allowed"):
            world.engine.deposit(account, world["USDC"].token, 1, sender=world.roles[role])


@pytest.mark.parametrize("permissions", [1, 2, 4, 8])
def test_deposit__operator_with_any_permission__may_add_an_asset(
    world: World, account: int, appoint: Appoint, permissions: int
) -> None:
    operator = appoint(account, permissions)
    world.fund("operator", "WBTC", 1, world.engine)
    world.engine.deposit(account, world["WBTC"].token, 10, sender=operator)
    assert world.balance(account, "WBTC") == 10
    with reverts("engine: not allowed"):
        world.engine.deposit(account + 1, world["WBTC"].token, 10, sender=operator)


def test_deposit__former_operator__is_a_stranger(world: World, account: int, appoint: Appoint) -> None:
    operator = appoint(account, 15, expiry=world.chain.timestamp())
    world.fund("operator", "WBTC", 1, world.engine)
    world.chain.warp(1)
    with reverts("engine: not allowed"):
        world.engine.deposit(account, world["WBTC"].token, 10, sender=operator)
    appoint(account, 0)
    with reverts("engine: not allowed"):
        world.engine.deposit(account, world["WBTC"].token, 10, sender=operator)


@pytest.mark.parametrize("index", [0, 1, 2**96 - 1])
def test_deposit__account_of_nobody__reverts(world: World, index: int) -> None:
    """Account numbers below 2**96 have the zero address as owner: nobody could ever withdraw."""
    world.fund("stranger", "USDC", 1, world.engine)
    with reverts("engine: not allowed"):
        world.engine.deposit(index, world["USDC"].token, 1, sender=world.roles["stranger"])


# When


@pytest.mark.parametrize("status", [WIDE, STALE, DEAD])
def test_deposit__paused_and_any_status__works(world: World, long: int, status: int) -> None:
    for symbol in ("USDC", "WETH", "WBTC"):
        world.set_status(symbol, status)
    world.engine.pause(sender=world.roles["guardian"])
    for symbol, amount in (("WETH", 1), ("USDC", 1_000), ("WBTC", 1)):
        world.deposit(long, symbol, amount)
    assert world.balance(long, "USDC") == -29_000 * 10**6
    assert world.balance(long, "WBTC") == 10**8


def test_deposit__far_below_maintenance__works(world: World, long: int) -> None:
    world.set_price("WETH", 900)
    assert world.health(long).equity < 0
    world.deposit(long, "USDC", 1_000)
    world.deposit(long, "WBTC", 1)
    assert world.balance(long, "USDC") == -29_000 * 10**6


def test_deposit__far_below_maintenance__whatever_is_left_of_the_debt(world: World, long: int) -> None:
    world.set_price("WETH", 900)
    for repaid in range(1, 9):
        world.deposit(long, "USDC", Fraction(1, 10**6))
        assert world.balance(long, "USDC") == -30_000 * 10**6 + repaid


# Limits


def test_deposit__ninth_asset__reverts(world: World, account: int) -> None:
    for i in range(9):
        world.list_asset(f"C{i}", "MockERC20", 18, 1)
    for i in range(8):
        world.deposit(account, f"C{i}", 1)
    for ninth in ("C8", "USDC"):
        with reverts("engine: too many assets"):
            world.deposit(account, ninth, 1)
    world.deposit(account, "C7", 1)


def test_deposit__isolated_beside_core__reverts_both_ways(world: World) -> None:
    first, second = world.account("trader", 1), world.account("trader", 2)
    world.deposit(first, "TAIL", 1)
    world.deposit(second, "USDC", 1)
    for account, symbol in ((first, "USDC"), (first, "TAIL2"), (second, "TAIL")):
        with reverts("engine: isolated"):
            world.deposit(account, symbol, 1)


def test_deposit__isolated_beside_two_debts__reverts(world: World) -> None:
    """Beside an isolated asset stands at most one debt: a rule that the end of the call has to see, not the bitmap."""
    account, trader = world.account("trader"), world.roles["trader"]
    world.deposit(account, "USDC", 10_000)
    world.borrow(account, "WETH", 1)
    world.borrow(account, "WBTC", Fraction(1, 50))
    calls = [
        world.engine.withdraw.encode(account, world["USDC"].token, 10**10, trader, 0),
        world.engine.deposit.encode(account, world["TAIL"].token, world.fund("trader", "TAIL", 10**4, world.engine)),
    ]
    with reverts("engine: too many assets"):
        world.engine.batch(calls, sender=trader)
    world.fund("trader", "WBTC", 1, world.engine)
    calls.append(world.engine.deposit.encode(account, world["WBTC"].token, 2 * 10**6))
    world.engine.batch(calls, sender=trader)
    assert (world.balance(account, "TAIL"), world.balance(account, "WETH")) == (10**22, -(10**18))


def test_deposit__vault_limit__reverts_at_2_112(world: World, account: int) -> None:
    trader, token = world.roles["trader"], world["WBTC"].token
    token.mint(trader, 2**113, sender=trader)
    token.approve(world.engine, 2**256 - 1, sender=trader)
    with reverts("vault: balance limit"):
        world.engine.deposit(account, token, 2**112, sender=trader)
    world.engine.deposit(account, token, 2**112 - 1, sender=trader)
    with reverts("vault: balance limit"):
        world.engine.deposit(account, token, 1, sender=trader)
    world.engine.deposit(account + 1, token, 2**112 - 1, sender=trader)


# Bad input


def test_deposit__zero_amount__reverts(world: World, account: int) -> None:
    with reverts("engine: zero amount"):
        world.engine.deposit(account, world["USDC"].token, 0, sender=world.roles["trader"])


def test_deposit__unknown_asset__reverts(world: World, account: int) -> None:
    for token in (ZERO_ADDRESS, world.roles["stranger"], world.engine.address, world["USDC"].pool.address):
        with reverts("engine: unknown asset"):
            world.engine.deposit(account, token, 1, sender=world.roles["trader"])


def test_deposit__without_approval__the_tokens_own_reason(world: World, account: int) -> None:
    trader, token = world.roles["trader"], world["WETH"].token
    token.mint(trader, 1, sender=trader)
    token.approve(world.engine, 0, sender=trader)
    with reverts("erc20: allowance"):
        world.engine.deposit(account, token, 1, sender=trader)


@pytest.mark.parametrize("owed", [False, True])
def test_deposit__fee_on_transfer__reverts_and_nothing_is_lost(world: World, owed: bool) -> None:
    world.lend("FEE", 10_000)
    account = world.account("trader", 3)
    if owed:
        account = world.open_position(collateral=("WBTC", 1), sell="FEE", amount=1_000, buy="WETH")
    units = world.fund("trader", "FEE", 100, world.engine)
    token, trader = world["FEE"].token, world.roles["trader"]
    token.set_fee(1, sender=trader)
    before = (world.balance(account, "FEE"), token.balanceOf(trader))
    with reverts("token: received differs"):
        world.engine.deposit(account, token, units, sender=trader)
    assert (world.balance(account, "FEE"), token.balanceOf(trader)) == before


@pytest.mark.parametrize("owed", [False, True])
def test_deposit__token_says_false__reverts_and_nothing_is_lost(world: World, owed: bool) -> None:
    world.lend("FALSE", 10_000)
    account = world.account("trader", 3)
    if owed:
        account = world.open_position(collateral=("WBTC", 1), sell="FALSE", amount=1_000, buy="WETH")
    units = world.fund("trader", "FALSE", 100, world.engine)
    token, trader = world["FALSE"].token, world.roles["trader"]
    token.set_refusing(True, sender=trader)
    before = (world.balance(account, "FALSE"), token.balanceOf(trader))
    with reverts("token: transferFrom failed"):
        world.engine.deposit(account, token, units, sender=trader)
    assert (world.balance(account, "FALSE"), token.balanceOf(trader)) == before


def test_deposit__donation__is_nobodys(world: World, account: int) -> None:
    """Tokens sent to the engine outside a verb change no balance and no health."""
    world.deposit(account, "USDC", 10)
    usdc = world["USDC"].token
    before = (world.health(account), world.balance(account, "USDC"))
    usdc.mint(world.engine, 10**12, sender=world.roles["stranger"])
    assert (world.health(account), world.balance(account, "USDC")) == before
    world.deposit(account, "USDC", 1)
    assert world.balance(account, "USDC") == 11 * 10**6


@given(amounts=st.lists(st.integers(1, 20_000 * 10**6), min_size=1, max_size=4), seconds=st.integers(0, 10**7))
def test_deposit__any_amounts__debt_falls_or_balance_rises_by_exactly_that(
    world: World, long: int, amounts: list[int], seconds: int
) -> None:
    with world.chain.isolate():
        world.chain.warp(seconds)
        usdc, trader = world["USDC"].token, world.roles["trader"]
        world.fund("trader", "USDC", 100_000, world.engine)
        for amount in amounts:
            before = world.balance(long, "USDC")
            repaid = world.engine.deposit(long, usdc, amount, sender=trader).return_value
            after = world.balance(long, "USDC")
            assert repaid == min(amount, max(-before, 0))
            assert before + amount - 1 <= after <= before + amount
            assert after == before + amount or after < 0, "only what is still owed may round up"
