"""An attacker with money, tokens, a swapper of his own and every function of the ABI.

Invariants 9 to 14, failures 5, 10, 17 and 19.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plimsoll.chain import ZERO_ADDRESS, Revert
from plimsoll.model import account_word
from tests.support import reverts
from tests.support.scenario import FOREVER, OK, World
from tests.unit.margin_engine.test_trade import exactly

SYMBOLS = ("USDC", "WETH", "WBTC", "USDT", "TAIL", "HOOK")


def numbers(world: World, account: int) -> dict[str, Any]:
    """Everything that an account has and is."""
    return {
        "word": world.engine.word_of(account),
        "health": world.health(account),
        **{symbol: world.balance(account, symbol) for symbol in SYMBOLS},
    }


def functions(contract: Any) -> set[str]:
    """Names of the functions that change something."""
    return {
        entry["name"]
        for entry in contract.abi
        if entry["type"] == "function" and entry["stateMutability"] not in ("view", "pure")
    }


# Every function against somebody else's account


def engine_calls(world: World, victim: int) -> dict[str, list[tuple[Any, ...]]]:
    """Arguments with which a stranger aims each function of the engine at an account."""
    usdc, weth, wbtc = world["USDC"].token, world["WETH"].token, world["WBTC"].token
    attacker, own = world.roles["attacker"], world.account("attacker")
    trade = (victim, weth, 1, 0, usdc, 0, world.swapper, b"", FOREVER)
    return {
        "deposit": [(victim, usdc, 10**6), (victim, weth, 10**15), (victim, wbtc, 1)],
        "withdraw": [(victim, weth, 1, attacker, 0), (victim, usdc, 1, attacker, 2**256 - 1)],
        "trade": [(*trade, False), (*trade, True)],
        "transfer": [(victim, victim + 1, weth, 1), (victim, own, weth, 1), (own, victim, usdc, 1)],
        "batch": [
            ([world.engine.deposit.encode(victim, usdc, 10**6)],),
            ([world.engine.withdraw.encode(victim, weth, 1, attacker, 0)],),
        ],
        "liquidate": [(victim,)],
        "take": [(victim, 10**18, own, -(10**18)), (victim, 10**18, victim + 1, -(10**18))],
        "cancel": [(victim,)],
        "write_off": [(victim,)],
        "poke": [(victim,)],
        "add_asset": [(usdc, world["USDC"].pool)],
        "set_risk_engine": [(world.risk_engine,)],
        "set_min_debt": [(0,)],
        "set_gate": [(usdc, world.swapper), (weth, ZERO_ADDRESS)],
        "set_cap": [(weth, 0), (weth, 1)],
        "lower_cap": [(weth, 1)],
        "pause": [()],
        "unpause": [()],
        "transfer_ownership": [(attacker,)],
        "accept_ownership": [()],
        "set_guardian": [(attacker,)],
    }


def registry_calls(world: World, victim: int) -> dict[str, list[tuple[Any, ...]]]:
    attacker, trader = world.roles["attacker"], world.roles["trader"]
    grant = (15, 2**39, 10_000, 2**100)
    return {
        "bind": [(attacker,)],
        "set_operator": [(victim, attacker, grant), (int(trader, 16), attacker, grant)],
        "set_operator_by_signature": [(trader, victim, attacker, grant, 0, 2**40, b"\x01" * 65)],
        "invalidate_nonces": [(0, 2**256 - 1)],
        "charge_loss": [(victim, world.roles["operator"], 10**18, 0)],
    }


def pool_calls(world: World, victim: int) -> dict[str, list[tuple[Any, ...]]]:
    attacker, lender, usdc = world.roles["attacker"], world.roles["lender"], world["USDC"].token
    return {
        "deposit": [(10**9, attacker), (10**9, lender)],
        "mint": [(10**12, attacker)],
        "withdraw": [(1, attacker, attacker), (1, attacker, lender)],
        "redeem": [(10**6, attacker, attacker), (10**6, attacker, lender)],
        "transfer": [(lender, 1)],
        "transferFrom": [(lender, attacker, 1)],
        "approve": [(lender, 1)],
        "permit": [(lender, attacker, 2**256 - 1, 2**40, 27, b"\x01" * 32, b"\x01" * 32)],
        "flashLoan": [(attacker, usdc, 1, b"")],
        "mint_fees": [()],
        "accrue": [()],
        "accrued_debt": [(victim,)],
        "borrow": [(victim, 1, attacker)],
        "repay": [(victim, 1), (victim, 2**112)],
        "move_debt": [(victim, victim + 1, 10**18, attacker, 10**18, 10**18)],
        "provision": [(victim, 1)],
        "write_off": [(victim,)],
        "set_caps": [(0, 0)],
        "lower_caps": [(0, 0)],
        "set_rates": [((9 * 10**17, 4 * 10**18, 0, 10**17, 10**19),)],
        "set_fees": [(0, 0)],
        "transfer_ownership": [(attacker,)],
        "accept_ownership": [()],
        "set_guardian": [(attacker,)],
    }


def risk_calls(world: World, victim: int) -> dict[str, list[tuple[Any, ...]]]:
    attacker = world.roles["attacker"]
    margin, prices = (10**15, 10**15, 10**6, 10**12, 10**12), (1, 0, 0, 0, 0)
    return {
        "list_asset": [(attacker, isolated, [world["USDC"].source], prices, margin) for isolated in (False, True)],
        "set_sources": [(1, [world["WETH"].source], prices)],
        "set_margin": [(1, margin)],
        "tighten_margin": [(1, margin)],
        "set_dynamics": [(1, (world["USDC"].source, 1, world["USDC"].source, 1, 0))],
        "silence": [(1, 0, 1)],
        "unsilence": [(1,)],
        "set_lister": [(attacker,)],
        "set_backing": [(world["TAIL"].key, 1, True), (world["TAIL"].key, 1, False)],
        "poke": [(1,), (2,)],
        "mark": [([1, 2],)],
        "transfer_ownership": [(attacker,)],
        "accept_ownership": [()],
        "set_guardian": [(attacker,)],
    }


@pytest.mark.parametrize("price", [2_000, 1_700, 1_600, 1_400])
@pytest.mark.parametrize("part", ["engine", "registry", "pool", "risk"])
def test_stranger__every_function_of_the_abi__harms_nobody(world: World, long: int, part: str, price: int) -> None:
    """Healthy stays healthy, and a number changes only where the stranger paid for it: his gifts to this account."""
    world.deposit(long, "USDC", 1)
    world.warp(86_400)
    world.set_price("WETH", price)
    contract, calls = {
        "engine": (world.engine, engine_calls(world, long)),
        "registry": (world.registry, registry_calls(world, long)),
        "pool": (world["USDC"].pool, pool_calls(world, long)),
        "risk": (world.risk_engine, risk_calls(world, long)),
    }[part]
    assert functions(contract) == calls.keys(), "a new function needs its line here"
    attacker = world.roles["attacker"]
    for symbol in ("USDC", "WETH", "WBTC"):
        for spender in (world.engine, world[symbol].pool):
            world.fund("attacker", symbol, 10_000, spender)
    world["USDC"].pool.deposit(10**9, attacker, sender=attacker)
    world.deposit(world.account("attacker"), "USDC", 10)
    settings, before = world.engine.settings(), numbers(world, long)
    below = before["health"].equity < before["health"].maintenance
    for name, variants in calls.items():
        for arguments in variants:
            with world.chain.isolate():
                try:
                    contract.method(name)(*arguments, sender=attacker)
                except Revert as error:
                    assert error.halt == ""
                after = numbers(world, long)
                gift = part == "engine" and name in ("deposit", "batch")
                if name == "liquidate" and below:
                    assert after["word"] & account_word.UNDER_AUCTION, "an auction starts, and moves nothing"
                    assert after | {"word": 0} == before | {"word": 0}
                else:
                    assert after == before or gift, f"{name}{arguments}"
                assert all(after[symbol] >= before[symbol] for symbol in SYMBOLS)
                assert account_word.held(after["word"]) == account_word.held(before["word"])
                assert after["health"].equity >= before["health"].equity
                if before["health"].equity >= before["health"].maintenance:
                    assert after["health"].equity >= after["health"].maintenance
                assert list(world.engine.settings()) == list(settings)
                assert world.engine.owner() == world.roles["owner"]


def test_stranger__gift_of_any_size__leaves_a_healthy_account_healthy(world: World, long: int) -> None:
    """A balance that grows needs more margin by its size term, but never more than it is worth."""
    world.set_price("WETH", 1_660)
    health = world.health(long)
    assert health.equity >= health.maintenance > health.equity * 9 // 10
    for amount in (1, 10**18, 10**20, 10**22, 10**24):
        with world.chain.isolate():
            world["WETH"].token.mint(world.roles["stranger"], amount, sender=world.roles["stranger"])
            world["WETH"].token.approve(world.engine, amount, sender=world.roles["stranger"])
            world.engine.deposit(long, world["WETH"].token, amount, sender=world.roles["stranger"])
            after = world.health(long)
            assert after.equity >= after.maintenance


def test_stranger__dust_in_front_of_a_full_withdrawal__blocks_nothing(world: World, account: int) -> None:
    """A unit more than expected would keep an isolated-tier account from changing its asset; 'everything' is none."""
    trader, stranger, token = world.roles["trader"], world.roles["stranger"], world["TAIL"].token
    world.deposit(account, "TAIL", 10)
    world.fund("stranger", "TAIL", 1, world.engine)
    world.engine.deposit(account, token, 1, sender=stranger)
    units = world.fund("trader", "USDC", 1, world.engine)
    deposit = world.engine.deposit.encode(account, world["USDC"].token, units)
    with reverts("engine: isolated"):
        world.engine.batch([world.engine.withdraw.encode(account, token, 10**19, trader, 0), deposit], sender=trader)
    world.engine.batch([world.engine.withdraw.encode(account, token, 2**256 - 1, trader, 0), deposit], sender=trader)


# An attacker's own accounts, his own swapper, any prices he likes to pay himself


@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(["deposit", "withdraw", "trade", "reduce", "transfer", "batch"]),
            st.integers(0, 1),
            st.sampled_from(SYMBOLS[:4]),
            st.sampled_from(SYMBOLS[:4]),
            st.integers(0, 3 * 10**6),
            st.integers(0, 3 * 10**6),
        ),
        min_size=1,
        max_size=14,
    ),
    price=st.sampled_from([2_000, 1_990, 1_700, 1_300]),
)
def test_self_dealing__two_accounts_and_a_swapper_that_pays_anything__extract_nothing(
    world: World, steps: list[tuple[str, int, str, str, int, int]], price: int
) -> None:
    """At prices that stand still no account with debt ever gets to owe more than it holds (failure 5).

    The attacker's swapper takes what is sold and delivers what he likes, down to nothing. Half-way the price falls;
    what he does after that leaves no account below zero that was not there, and one that was loses at most 1 % of what
    it sells: of seven sales of 30,000 dollars.
    """
    with world.chain.isolate():
        trader = world.roles["trader"]
        accounts = [world.account("trader", i) for i in range(2)]
        for symbol in SYMBOLS[:4]:
            world.fund("trader", symbol, 10**6, world.engine)
        world.deposit(accounts[0], "USDC", 10_000)
        worst = 0
        for i, (kind, place, sell, buy, cents, other_cents) in enumerate(steps):
            if i == len(steps) // 2:
                world.set_price("WETH", price)
                worst = min(0, *(world.health(account).equity for account in accounts))
            amount, delivered = (
                max(int(c * 10 ** world[s].decimals / world[s].price / 100), 1)
                for c, s in ((cents, sell), (other_cents, buy))
            )
            account, token = accounts[place], world[sell].token
            trade = world.engine.trade.encode(
                account,
                token,
                amount,
                0 if kind == "reduce" else 2**255,
                world[buy].token,
                0,
                world.swapper,
                exactly(delivered),
                FOREVER,
                kind == "reduce",
            )
            withdraw = world.engine.withdraw.encode(account, token, amount, trader, 2**255)
            data = {
                "deposit": world.engine.deposit.encode(account, token, amount),
                "withdraw": withdraw,
                "trade": trade,
                "reduce": trade,
                "transfer": world.engine.transfer.encode(account, accounts[1 - place], token, amount),
                "batch": world.engine.batch.encode([withdraw, trade]),
            }[kind]
            before = [world.health(each) for each in accounts]
            try:
                world.chain.raw_call(world.engine, data, sender=trader)
            except Revert as error:
                assert error.halt == ""
                continue
            for each, health in zip(accounts, before, strict=True):
                after = world.health(each)
                if kind in ("withdraw", "trade", "batch", "transfer") and each == account:
                    assert after.debt == 0 or after.equity_initial >= after.initial
                elif health.equity >= 0:
                    assert after.equity >= 0, "what was solvent stays so"
                    if kind == "reduce" and health.debt:
                        assert after.equity * health.maintenance >= health.equity * after.maintenance
            floor = worst - (7 * 300 * 10**18 if worst < 0 else 0)
            assert min(world.health(each).equity for each in accounts) >= floor


# Gas


@pytest.mark.parametrize("verb", ["borrow", "reduce"])
def test_gas_limit__never_changes_a_status_or_an_outcome(world: World, long: int, verb: str) -> None:
    """With any gas limit a call does what it does with plenty, or fails for want of gas (failure 17)."""
    trader, usdc = world.roles["trader"], world["USDC"].token
    if verb == "borrow":
        data = world.engine.withdraw.encode(long, usdc, 10**8, trader, 10**8)
    else:
        world.set_price("WETH", 1_600)
        data = world.engine.trade.encode(
            long, world["WETH"].token, 10**18, 0, usdc, 0, world.swapper, exactly(1_600 * 10**6), FOREVER, True
        )
    with world.chain.isolate():
        world.chain.raw_call(world.engine, data, sender=trader)
        expected = numbers(world, long)
    outcomes = set()
    for gas in [*range(60_000, 900_000, 20_000), 1_500_000]:
        with world.chain.isolate():
            try:
                world.chain.raw_call(world.engine, data, sender=trader, gas=gas)
            except Revert as error:
                outcome = error.reason or error.halt or "no reason"
                assert outcome in ("oracle: gas", "no reason") or outcome.startswith("OutOfGas"), outcome
                outcomes.add(outcome)
                continue
            assert numbers(world, long) == expected
            outcomes.add("")
    assert "" in outcomes
    assert "oracle: gas" in outcomes


# Permission by permission: what an operator can and cannot take


def test_operator__with_everything_but_withdraw_and_transfer__cannot_take_more_than_his_budget(
    world: World, long: int
) -> None:
    operator = world.roles["operator"]
    grant = (3, 2**39, 10_000, 500 * 10**18)
    world.registry.set_operator(long, operator, grant, sender=world.roles["trader"])
    start = world.health(long).equity
    for delivered in (0, 10**17, 2 * 10**17, 3 * 10**17, 4 * 10**17, 45 * 10**16, 49 * 10**16) * 3:
        call = world.engine.trade.encode(
            long,
            world["USDC"].token,
            10**9,
            10**9,
            world["WETH"].token,
            0,
            world.swapper,
            exactly(delivered),
            FOREVER,
            False,
        )
        try:
            world.chain.raw_call(world.engine, call, sender=operator)
        except Revert as error:
            assert error.reason in ("operators: loss budget", "engine: initial margin")
    lost = start - world.health(long).equity
    assert 400 * 10**18 < lost <= 500 * 10**18
    assert world.registry.operator_of(long, operator).loss_budget == 500 * 10**18 - lost


def test_operator__appoints_nobody__not_even_through_a_batch(world: World, long: int) -> None:
    operator, attacker = world.roles["operator"], world.roles["attacker"]
    grant = (15, 2**39, 10_000, 2**100)
    world.registry.set_operator(long, operator, grant, sender=world.roles["trader"])
    with reverts("operators: not the owner"):
        world.registry.set_operator(long, attacker, grant, sender=operator)
    with reverts(""):
        world.engine.batch([world.registry.set_operator.encode(long, attacker, grant)], sender=operator)


# The worst that a price does between two blocks is none of the engine's business, but nothing opens on it


def test_price_set_by_the_swapper__opens_on_the_price_that_holds_at_the_end(
    world: World, account: int, attacker: Any
) -> None:
    """One check, at the end of the call, at the prices of that moment (failure 10, at the engine's level).

    Raising a price during the swap and lowering it again buys nothing; that nobody can raise one is up to the sources.
    """
    sender, source = world.roles["attacker"], world["WETH"].source
    world["WETH"].token.mint(attacker, 10**20, sender=sender)
    world.deposit(account, "USDC", 1_000)
    push = [(source, source.set_price.encode(price * 10**18)) for price in (100_000, 2_000)]
    attacker.set_swap(push, 10**18, True, sender=sender)
    with reverts("engine: initial margin"):
        world.engine.trade(
            account,
            world["USDC"].token,
            5 * 10**9,
            4 * 10**9,
            world["WETH"].token,
            0,
            attacker,
            b"",
            FOREVER,
            False,
            sender=world.roles["trader"],
        )
    assert world.health(account).status == OK
