"""An attacker looks, and acts, half-way through: inside a swap of his own swapper, and inside a flash loan of all
there is.

What he reads there would be a price or a share that is not what it was before nor what it will be after; another
protocol, or this one, would lend on it.
"""

from __future__ import annotations

from contextlib import suppress
from fractions import Fraction
from typing import Any

import pytest

from plimsoll.artifacts import home
from plimsoll.chain import Contract, Revert
from plimsoll.devnet import YIELD, Devnet
from tests.attacks.conftest import Tell
from tests.support.attack import FOREVER, Stage, calls, set_stage

MILLION = 1_000_000
EVERYTHING = 2**256 - 1


@pytest.fixture
def stage(devnet: Devnet) -> Stage:
    """The devnet with its own pool's shares as collateral."""
    stage = set_stage(devnet.list_assets(home() / YIELD))
    stage.honest["pUSDC"] = Fraction(1)
    stage.vaults["pUSDC"] = stage.asset("USDC").pool
    return stage


@pytest.fixture
def thief(stage: Stage) -> Any:
    """The attacker's contract, swapper and flash borrower in one, with an account of its own."""
    thief = stage.chain.deploy("AttackSwapper", sender=stage.attacker)
    stage.addresses.append(thief.address)
    return thief


def views(stage: Stage) -> list[tuple[Contract, bytes]]:
    """Return what others would rely on: prices, what shares are worth, what can be had for them."""
    pool = stage.asset("USDC").pool
    share_source = stage.chain.at("VaultShareOracle", stage.risk_engine.sources_of(stage.asset("pUSDC").key)[0])
    return [
        (stage.risk_engine, stage.risk_engine.prices.encode([stage.asset("pUSDC").key])),
        (stage.risk_engine, stage.risk_engine.prices.encode([stage.asset("WETH").key])),
        (share_source, share_source.read.encode()),
        (pool, pool.convertToAssets.encode(10**12)),
        (pool, pool.previewRedeem.encode(10**12)),
        (pool, pool.totalAssets.encode()),
        (stage.engine, stage.engine.health.encode(stage.account(0, stage.victim))),
    ]


def seen(stage: Stage) -> list[bytes]:
    """Return what they say now, as far as the mock keeps an answer."""
    return [bytes(stage.chain.simulate(to, data))[:256] for to, data in views(stage)]


def test_look_half_way_through_a_swap(stage: Stage, thief: Any, tell: Tell) -> None:
    """Inside the swap of a trade that borrows: each answer is the one from before, or there is none."""
    stage.owe_the_most(stage.account(0, stage.victim), "WETH", "USDC", MILLION)
    stage.fund(WETH=1_000, USDC=MILLION)
    stage.asset("USDC").token.transfer(thief, stage.raw("USDC", MILLION), sender=stage.attacker)
    account = stage.account(1)
    stage.deposit(account, "WETH", 500)
    stage.asset("WETH").token.transfer(thief, stage.raw("WETH", 500), sender=stage.attacker)
    before = seen(stage)
    stage.start = stage.wealth()
    thief.set_swap(calls(*views(stage)), stage.raw("WETH", 250), False, sender=stage.attacker)
    usdc, weth = stage.asset("USDC").token, stage.asset("WETH").token
    sold = stage.raw("USDC", 500_000)
    stage.engine.trade(account, usdc, sold, sold, weth, 1, thief, b"", FOREVER, False, sender=stage.attacker)
    compare(thief, before)
    profit = stage.profit()
    tell("read half-way through a swap", budget=2 * MILLION, profit=profit, held_by="answers of before, or none")
    assert profit <= 0


def test_look_half_way_through_a_flash_loan(stage: Stage, thief: Any, tell: Tell) -> None:
    """While all dollars of the pool are out."""
    eye = stage.chain.deploy("AttackSwapper", sender=stage.attacker)
    stage.owe_the_most(stage.account(0, stage.victim), "WETH", "USDC", MILLION)
    stage.fund(USDC=MILLION)
    usdc, pool = stage.asset("USDC").token, stage.asset("USDC").pool
    usdc.transfer(thief, stage.raw("USDC", MILLION), sender=stage.attacker)
    before = seen(stage)
    eye.set_swap(calls(*views(stage)), 0, False, sender=stage.attacker)
    look = eye.swap.encode(usdc, usdc, 0, 0, eye, b"")
    thief.set_callback(calls((eye, look)), sender=stage.attacker)
    thief.execute(pool, pool.flashLoan.encode(thief, usdc, pool.cash(), b""), sender=stage.attacker)
    compare(eye, before)
    profit = stage.profit()
    tell(
        "read half-way through a flash loan",
        budget=MILLION,
        profit=profit,
        held_by="the ledger does not change while it runs",
    )
    assert profit <= 0


def compare(eye: Any, before: list[bytes]) -> None:
    """Each answer is that of before; where there was none, the lock was held."""
    answers = [(eye.succeeded(index), bytes(eye.results(index))) for index in range(len(before))]
    assert any(ok for ok, _ in answers)
    for (ok, answer), was in zip(answers, before, strict=True):
        assert answer == (was if ok else b""), (ok, answer)


@pytest.mark.parametrize("own", [0, 10 * MILLION])
@pytest.mark.parametrize("take", ["WETH", "USDC", "WBTC"])
@pytest.mark.parametrize("percent", [1, 20, 50, 89, 95])
def test_flash_loan_of_the_pool_whose_shares_are_collateral(
    stage: Stage, thief: Any, tell: Tell, take: str, own: int, percent: int
) -> None:
    """He borrows all dollars for a moment, lends them to the same pool, and borrows against the shares what he does
    not give back.
    """
    pool, usdc = stage.asset("USDC").pool, stage.asset("USDC").token
    cash = pool.cash()
    stage.fund(USDC=own + 100_000)
    usdc.transfer(thief, stage.raw("USDC", own + 100_000), sender=stage.attacker)
    account, all_of_it = stage.account(1, thief.address), cash + stage.raw("USDC", own)
    shares = pool.previewDeposit(all_of_it)
    wanted = stage.raw(take, Fraction(all_of_it * percent, 10**8) / stage.honest[take])
    lend = pool.deposit.encode(all_of_it, thief)
    borrow = stage.engine.withdraw.encode(account, stage.asset(take).token, wanted, thief, wanted)
    back = stage.engine.withdraw.encode(account, pool, EVERYTHING, thief, 0)
    redeem = pool.redeem.encode(shares, thief, thief)
    steps = [
        (usdc, usdc.approve.encode(pool, EVERYTHING)),
        (pool, lend),
        (pool, pool.approve.encode(stage.engine, EVERYTHING)),
        (stage.engine, stage.engine.deposit.encode(account, pool, shares)),
        (stage.engine, borrow),
        (stage.engine, back),
        (pool, redeem),
    ]
    kept = []
    for plan in (steps, steps[:-2], [*steps[:5]], [*steps[:4], steps[5], steps[4], steps[6]]):
        with stage.undone():
            thief.set_callback(calls(*plan), sender=stage.attacker)
            with suppress(Revert):
                thief.execute(pool, pool.flashLoan.encode(thief, usdc, cash, b""), sender=stage.attacker)
            kept.append(stage.profit())
    tell(
        "flash loan of the pool whose shares are collateral",
        budget=own + 100_000,
        profit=max(kept),
        held_by="principal is pulled after the checks",
    )
    assert max(kept) <= 0
