"""Half-way through a trade the proceeds are not in yet, and the account looks ruined.

Whoever may act at that moment (the swapper is the trader's own contract) can liquidate what is healthy, write off what
will be paid, count one arrival twice, or leave before the check is made. Here one lock holds the whole engine, a batch
leaves its checks pending, and nothing judges an account whose check is pending.
"""

from __future__ import annotations

from typing import Any

import pytest
from eth_abi.abi import encode

from tests.support import reverts
from tests.support.scenario import FOREVER, World
from tests.unit.liquidation.conftest import WAD

OWNERS = {"set_min_debt", "set_cap", "lower_cap"}
"""What owner and guardian set with a number."""


@pytest.fixture
def hostile(world: World) -> Any:
    """The attacker's contract: owner of a leveraged account, swapper, lender, with tokens of every kind."""
    sender = world.roles["attacker"]
    contract = world.chain.deploy("AttackSwapper", sender=sender)
    world.roles["contract"] = contract.address
    for symbol, amount in (("USDC", 1_000_000), ("WETH", 1_000), ("WBTC", 100)):
        asset = world[symbol]
        asset.token.mint(contract, world.raw(symbol, amount), sender=sender)
        for spender in (world.engine, asset.pool):
            contract.execute(asset.token, asset.token.approve.encode(spender, 2**256 - 1), sender=sender)
    engine, weth, usdc, wbtc = world.engine, world["WETH"].token, world["USDC"].token, world["WBTC"].token
    for call in (
        engine.deposit.encode(world.account("contract"), weth, 20 * 10**18),
        engine.withdraw.encode(world.account("contract"), usdc, 30_000 * 10**6, contract, 10**12),
        engine.deposit.encode(world.account("contract", 1), wbtc, 10 * 10**8),
    ):
        contract.execute(engine, call, sender=sender)
    return contract


def calls(world: World) -> dict[str, bytes]:
    """Every function of the engine, aimed at the account that trades, or at its owner's other one."""
    engine, account, other = world.engine, world.account("contract"), world.account("contract", 1)
    usdc, weth, contract = world["USDC"].token, world["WETH"].token, world.roles["contract"]
    trade = (account, weth, 1, 0, usdc, 0, world.swapper, b"", FOREVER)
    return {
        "deposit": engine.deposit.encode(account, usdc, 10**6),
        "withdraw": engine.withdraw.encode(account, weth, 1, contract, 0),
        "trade": engine.trade.encode(*trade, False),
        "transfer": engine.transfer.encode(other, account, world["WBTC"].token, 10**8),
        "batch": engine.batch.encode([engine.deposit.encode(account, usdc, 10**6)]),
        "liquidate": engine.liquidate.encode(account),
        "take": engine.take.encode(account, WAD, other, -WAD),
        "cancel": engine.cancel.encode(account),
        "write_off": engine.write_off.encode(account),
        "poke": engine.poke.encode(account),
        "word_of": engine.word_of.encode(account),
        "health": engine.health.encode(account),
        "exposures": engine.exposures.encode(account),
        "balance_of": engine.balance_of.encode(account, weth),
        "debt_of": engine.debt_of.encode(account, usdc),
    }


NESTED = bytes.fromhex("08c379a0") + encode(["string"], ["engine: nested batch"])
VERBS = (
    *("deposit", "withdraw", "trade", "transfer", "batch", "liquidate", "take", "cancel", "write_off", "poke"),
    *("word_of", "health", "exposures", "balance_of", "debt_of"),
)


def sell(world: World, amount: int = 5 * 10**18, **changed: Any) -> bytes:
    """The trade: WETH for USDC, which the account owes, through the hostile contract."""
    arguments = {
        "account": world.account("contract"),
        "sell": world["WETH"].token,
        "amount": amount,
        "max_borrow": 0,
        "buy": world["USDC"].token,
        "min_buy": 0,
        "swapper": world.roles["contract"],
        "data": b"",
        "deadline": FOREVER,
        "reduce_only": False,
    }
    return world.engine.trade.encode(*(arguments | changed).values())


@pytest.mark.parametrize("batched", [False, True])
@pytest.mark.parametrize("verb", VERBS)
def test_swapper__every_call_from_inside_the_trade__reverts_and_nothing_counts_twice(
    world: World, hostile: Any, verb: str, batched: bool
) -> None:
    sender, account = world.roles["attacker"], world.account("contract")
    hostile.set_swap([(world.engine, calls(world)[verb])], 10_000 * 10**6, False, sender=sender)
    outer = world.engine.batch.encode([sell(world)]) if batched else sell(world)
    hostile.execute(world.engine, outer, sender=sender)
    assert hostile.succeeded(0) is False, f"{verb} ran in the middle of a trade"
    locked = b"" if (verb, batched) != ("batch", True) else NESTED
    assert hostile.results(0) == locked, "the lock, not some other reason"
    assert (world.balance(account, "WETH"), world.balance(account, "USDC")) == (15 * 10**18, -20_000 * 10**6)
    assert world.engine.word_of(account) >> 160 == 0
    assert world["USDC"].pool.cash() <= world["USDC"].token.balanceOf(world["USDC"].pool)


def test_every_function_of_the_engine_is_tried(world: World, hostile: Any) -> None:
    """A new function needs its line above, unless it names no account: those are the owner's."""
    changing = {
        entry["name"]
        for entry in world.engine.abi
        if entry["type"] == "function"
        and entry["stateMutability"] not in ("view", "pure")
        and (entry["name"] == "batch" or any(each["type"] == "uint256" for each in entry["inputs"]))
    }
    assert changing - OWNERS <= set(VERBS)
    assert calls(world).keys() == set(VERBS)


@pytest.mark.parametrize("verb", ["liquidate", "cancel", "write_off", "poke"])
def test_between_the_calls_of_a_batch__an_account_that_waits_for_its_check__is_not_judged(
    world: World, hostile: Any, verb: str
) -> None:
    """A withdrawal that ruins the account comes first; it would be undone later in the batch."""
    account, engine = world.account("contract"), world.engine
    ruin = engine.withdraw.encode(account, world["WETH"].token, 10 * 10**18, hostile, 0)
    back = engine.deposit.encode(account, world["WETH"].token, 10 * 10**18)
    with reverts("engine: check pending"):
        hostile.execute(engine, engine.batch.encode([ruin, calls(world)[verb], back]), sender=world.roles["attacker"])
    hostile.execute(engine, engine.batch.encode([ruin, back]), sender=world.roles["attacker"])
    assert world.balance(account, "WETH") == 20 * 10**18


def test_between_the_calls_of_a_batch__taking_from_oneself__reverts(world: World, hostile: Any) -> None:
    account, other, engine = world.account("contract"), world.account("contract", 1), world.engine
    ruin = engine.withdraw.encode(account, world["WETH"].token, 10 * 10**18, hostile, 0)
    with reverts("engine: check pending"):
        hostile.execute(
            engine,
            engine.batch.encode([ruin, engine.take.encode(account, WAD, other, -WAD)]),
            sender=world.roles["attacker"],
        )


def test_swapper__lends_what_it_should_deliver__is_paid_once(world: World, hostile: Any) -> None:
    """The deposit raises the balance of the pool that the trade repays, but those tokens are the lender's."""
    sender, pool = world.roles["attacker"], world["USDC"].pool
    lend = pool.deposit.encode(10_000 * 10**6, hostile)
    hostile.set_swap([(pool, lend)], 0, True, sender=sender)
    with reverts("engine: min_buy"):
        hostile.execute(world.engine, sell(world, min_buy=1), sender=sender)
    hostile.execute(world.engine, sell(world, amount=10**18), sender=sender)
    assert world.balance(world.account("contract"), "USDC") == -30_000 * 10**6
    assert pool.previewRedeem(pool.balanceOf(hostile)) <= 10_000 * 10**6


def test_swapper__opens_a_batch_of_its_own__the_trade_is_checked_all_the_same(world: World, hostile: Any) -> None:
    """`owner()` takes no lock: a batch of it runs inside a trade, and must not end the outer one's check."""
    sender = world.roles["attacker"]
    inner = world.engine.batch.encode([world.engine.owner.encode()])
    hostile.set_swap([(world.engine, inner)], 0, True, sender=sender)
    with reverts("engine: initial margin"):
        hostile.execute(world.engine, sell(world), sender=sender)
    with reverts("engine: nested batch"):
        hostile.execute(world.engine, world.engine.batch.encode([sell(world)]), sender=sender)
