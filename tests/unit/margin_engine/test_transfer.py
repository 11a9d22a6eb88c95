"""MarginEngine.transfer: between two accounts of one owner; the source must stay good, the target only gets better."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plimsoll.chain import ZERO_ADDRESS
from plimsoll.model import account_word
from tests.support import reverts
from tests.support.scenario import DEAD, STALE, WIDE, World
from tests.unit.margin_engine.conftest import Appoint


@pytest.fixture
def source(world: World, account: int) -> int:
    """The trader's account 1 with 1,000 USDC and 1 WETH."""
    world.deposit(account, "USDC", 1_000)
    world.deposit(account, "WETH", 1)
    return account


def test_transfer__moves_the_ledger_and_no_token(world: World, source: int) -> None:
    usdc, target = world["USDC"].token, world.account("trader", 2)
    vault = usdc.balanceOf(world.engine)
    receipt = world.engine.transfer(source, target, usdc, 4 * 10**8, sender=world.roles["trader"])
    assert receipt.return_value == 0
    assert receipt.events == [
        world.engine.event("Transferred", source=source, target=target, token=usdc, amount=4 * 10**8, repaid=0)
    ]
    assert (world.balance(source, "USDC"), world.balance(target, "USDC")) == (6 * 10**8, 4 * 10**8)
    assert usdc.balanceOf(world.engine) == vault == 10**9
    assert world.engine.word_of(target) == world["USDC"].key


def test_transfer__all__leaves_no_bit(world: World, source: int) -> None:
    target = world.account("trader", 2**96 - 1)
    world.engine.transfer(source, target, world["USDC"].token, 10**9, sender=world.roles["trader"])
    assert world.engine.word_of(source) == world["WETH"].key
    assert world.engine.word_of(target) == world["USDC"].key


@pytest.mark.parametrize(("beyond", "left"), [(-1, -1), (0, 0), (1, 1)])
def test_transfer__target_owes_it__repays_first(world: World, long: int, source: int, beyond: int, left: int) -> None:
    world.deposit(source, "USDC", 40_000)
    trader, usdc, pool = world.roles["trader"], world["USDC"].token, world["USDC"].pool
    world.chain.warp(86_400)
    debt, cash, vault = world.engine.debt_of(long, usdc), pool.cash(), usdc.balanceOf(world.engine)
    receipt = world.engine.transfer(source, long, usdc, debt + beyond, sender=trader)
    assert receipt.return_value == debt + min(beyond, 0)
    assert world.balance(long, "USDC") == left
    assert pool.cash() - cash == debt + min(beyond, 0)
    assert usdc.balanceOf(world.engine) == vault - debt - min(beyond, 0)
    assert receipt.events[-1] == world.engine.event(
        "Transferred", source=source, target=long, token=usdc, amount=debt + beyond, repaid=debt + min(beyond, 0)
    )
    assert account_word.owes(world.engine.word_of(long), world["USDC"].key) == (beyond < 0)


def test_transfer__to_a_liquidatable_account__works(world: World, long: int, source: int) -> None:
    world.set_price("WETH", 1_000)
    world.engine.transfer(source, long, world["USDC"].token, 10**9, sender=world.roles["trader"])
    assert world.balance(long, "USDC") == -29_000 * 10**6


def test_transfer__to_a_liquidatable_account__whatever_is_left_of_the_debt(
    world: World, long: int, source: int
) -> None:
    world.set_price("WETH", 1_000)
    for repaid in range(1, 9):
        world.engine.transfer(source, long, world["USDC"].token, 1, sender=world.roles["trader"])
        assert world.balance(long, "USDC") == -30_000 * 10**6 + repaid


def test_transfer__from_an_account_with_debt__needs_initial_margin_there(world: World, long: int, source: int) -> None:
    trader, weth = world.roles["trader"], world["WETH"].token
    with reverts("engine: initial margin"):
        world.engine.transfer(long, source, weth, 5 * 10**18, sender=trader)
    world.engine.transfer(long, source, weth, 2 * 10**18, sender=trader)
    assert world.health(long).equity_initial >= world.health(long).initial


def test_transfer__there_and_back__changes_nothing(world: World, long: int, source: int) -> None:
    trader, weth = world.roles["trader"], world["WETH"].token
    before = [world.health(each) for each in (long, source)]
    world.engine.transfer(long, source, weth, 10**18, sender=trader)
    world.engine.transfer(source, long, weth, 10**18, sender=trader)
    assert [world.health(each) for each in (long, source)] == before


# Who and what


def test_transfer__every_wrong_caller__reverts(world: World, source: int, appoint: Appoint) -> None:
    target = world.account("trader", 2)
    appoint(target, 15)
    for role in ("stranger", "lender", "owner", "guardian", "deployer", "attacker", "operator"):
        with reverts("operators: not allowed"):
            world.engine.transfer(source, target, world["USDC"].token, 1, sender=world.roles[role])


@pytest.mark.parametrize("permissions", range(16))
def test_transfer__operator__needs_transfer_on_the_source(
    world: World, source: int, appoint: Appoint, permissions: int
) -> None:
    operator, target = appoint(source, permissions), world.account("trader", 2)
    if permissions & 8:
        world.engine.transfer(source, target, world["USDC"].token, 1, sender=operator)
        assert world.balance(target, "USDC") == 1
    else:
        with reverts("operators: not allowed"):
            world.engine.transfer(source, target, world["USDC"].token, 1, sender=operator)


def test_transfer__to_another_owner__reverts(world: World, source: int) -> None:
    for target in (
        world.account("attacker", 1),
        world.account("lender"),
        1,
        (int(world.roles["trader"], 16) ^ 1) << 96,
    ):
        with reverts("engine: not one owner"):
            world.engine.transfer(source, target, world["USDC"].token, 1, sender=world.roles["trader"])


def test_transfer__from_another_owner_to_oneself__reverts(world: World, source: int) -> None:
    attacker = world.roles["attacker"]
    with reverts("engine: not one owner"):
        world.engine.transfer(source, world.account("attacker"), world["USDC"].token, 1, sender=attacker)


def test_transfer__bad_input__reverts(world: World, source: int) -> None:
    trader, usdc, target = world.roles["trader"], world["USDC"].token, world.account("trader", 2)
    for arguments, reason in (
        ((source, target, usdc, 0), "engine: zero amount"),
        ((source, source, usdc, 1), "engine: same account"),
        ((source, target, ZERO_ADDRESS, 1), "engine: unknown asset"),
        ((source, target, world["USDC"].pool, 1), "engine: unknown asset"),
        ((source, target, usdc, 10**9 + 1), "engine: insufficient balance"),
        ((source, target, usdc, 2**256 - 1), "engine: insufficient balance"),
        ((source, target, world["WBTC"].token, 1), "engine: insufficient balance"),
        ((target, source, usdc, 1), "engine: insufficient balance"),
    ):
        with reverts(reason):
            world.engine.transfer(*arguments, sender=trader)


def test_transfer__of_a_debt__is_no_balance(world: World, long: int, source: int) -> None:
    with reverts("engine: insufficient balance"):
        world.engine.transfer(long, source, world["USDC"].token, 1, sender=world.roles["trader"])


def test_transfer__limits_of_the_target__hold(world: World, source: int) -> None:
    trader, target = world.roles["trader"], world.account("trader", 2)
    world.deposit(target, "TAIL", 1)
    with reverts("engine: isolated"):
        world.engine.transfer(source, target, world["USDC"].token, 1, sender=trader)
    full = world.account("trader", 3)
    for i in range(8):
        world.list_asset(f"C{i}", "MockERC20", 18, 1)
        world.deposit(full, f"C{i}", 1)
    with reverts("engine: too many assets"):
        world.engine.transfer(source, full, world["USDC"].token, 1, sender=trader)


@pytest.mark.parametrize("status", [WIDE, STALE, DEAD])
@pytest.mark.parametrize("paused", [False, True])
def test_transfer__source_without_debt__works_in_every_state(
    world: World, long: int, source: int, status: int, paused: bool
) -> None:
    for symbol in ("USDC", "WETH"):
        world.set_status(symbol, status)
    if paused:
        world.engine.pause(sender=world.roles["guardian"])
    world.engine.transfer(source, long, world["USDC"].token, 10**9, sender=world.roles["trader"])
    assert world.balance(long, "USDC") == -29_000 * 10**6


def test_transfer__token_with_a_fee_to_a_debt__reverts_and_nothing_is_lost(world: World) -> None:
    """Only here does a transfer move tokens: to the target's pool, which must receive them whole."""
    world.lend("FEE", 10_000)
    debtor = world.open_position(index=8, collateral=("WBTC", 1), sell="FEE", amount=1_000, buy="WETH")
    source = world.account("trader", 9)
    world.deposit(source, "FEE", 100)
    world["FEE"].token.set_fee(1, sender=world.roles["deployer"])
    with reverts("token: received differs"):
        world.engine.transfer(source, debtor, world["FEE"].token, 10**18, sender=world.roles["trader"])
    assert (world.balance(source, "FEE"), world.balance(debtor, "FEE")) == (100 * 10**18, -1_000 * 10**18)


@given(amount=st.integers(1, 50_000 * 10**6), own=st.integers(1, 50_000))
def test_transfer__any_amount__conserves(world: World, long: int, amount: int, own: int) -> None:
    with world.chain.isolate():
        source, usdc = world.account("trader", 5), world["USDC"].token
        world.deposit(source, "USDC", own)
        if amount > own * 10**6:
            with reverts("engine: insufficient balance"):
                world.engine.transfer(source, long, usdc, amount, sender=world.roles["trader"])
            return
        world.engine.transfer(source, long, usdc, amount, sender=world.roles["trader"])
        assert world.balance(source, "USDC") == own * 10**6 - amount
        assert world.balance(long, "USDC") == amount - 30_000 * 10**6
        assert usdc.balanceOf(world.engine) == world.balance(source, "USDC") + max(world.balance(long, "USDC"), 0)
