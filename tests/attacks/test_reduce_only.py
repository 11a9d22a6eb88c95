"""An owner whose account is lost sells what is left of it to himself, below its worth, and lets the lenders bear the
debt.

Reduce-only trades stay open to him, whatever the price's status, and any swapper is allowed. What holds him is that a
sale is judged at mid.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from plimsoll.chain import Revert
from tests.attacks.conftest import Tell
from tests.attacks.test_lone_mean import room
from tests.support.attack import BLOCK, FOREVER, Stage

MILLION = 1_000_000
WINDOW = 1_800
PARTS = 40
"""Sales into which he cuts it."""


@pytest.fixture
def accomplice(stage: Stage) -> Any:
    """A swapper of his that keeps what it is sent and delivers what it is told, from its own purse."""
    accomplice = stage.chain.deploy("AttackSwapper", sender=stage.attacker)
    stage.addresses.append(accomplice.address)
    return accomplice


def sink(stage: Stage, accomplice: Any, fall: Fraction) -> int:
    """Return his account, a million of WETH against all the dollars that it lent, after the price fell."""
    account = stage.account(1)
    stage.owe_the_most(account, "WETH", "USDC", MILLION)
    stage.move("WETH", stage.honest["WETH"] * fall)
    stage.asset("USDC").token.mint(accomplice, stage.raw("USDC", 2 * MILLION), sender=stage.devnet.maker)
    stage.start = stage.wealth()
    return account


def bleed(stage: Stage, accomplice: Any, account: int) -> Fraction:
    """Sell everything in parts, each for the least that the engine accepts; return what he won."""
    weth, usdc = stage.asset("WETH").token, stage.asset("USDC").token
    part = stage.engine.balance_of(account, weth) // PARTS
    for _ in range(PARTS):
        low, high = 0, stage.raw("USDC", 2 * stage.honest["WETH"] * part / 10**18)

        def accepted(paid: int, act: bool = False) -> bool:
            accomplice.set_swap([], paid, True, sender=stage.attacker)
            arguments = (account, weth, part, 0, usdc, 0, accomplice, b"", FOREVER, True)
            try:
                if act:
                    stage.engine.trade(*arguments, sender=stage.attacker)
                else:
                    stage.engine.trade.call(*arguments, sender=stage.attacker)
            except Revert:
                return False
            return True

        while high - low > 1 + high // 10**5:
            middle = (low + high) // 2
            low, high = (low, middle) if accepted(middle) else (middle, high)
        if not accepted(high, act=True):
            break
    return stage.profit()


@pytest.mark.parametrize(
    "fall", [Fraction(95, 100), Fraction(90, 100), Fraction(87, 100), Fraction(80, 100), Fraction(50, 100)]
)
@pytest.mark.parametrize("auctioned", [False, True])
def test_sell_to_himself(stage: Stage, accomplice: Any, tell: Tell, fall: Fraction, auctioned: bool) -> None:
    """While he has equity, nothing. Once he has none a sale may lose 1 %: bounded by that part of what is left of the
    account.
    """
    account = sink(stage, accomplice, fall)
    value = stage.dollars("WETH", stage.engine.balance_of(account, stage.asset("WETH").token))
    solvent = stage.equity(account) >= 0
    if auctioned and stage.liquidates(account):
        stage.engine.liquidate(account, sender=stage.keeper)
    profit = bleed(stage, accomplice, account)
    kind = "with equity" if solvent else "without equity"
    held_by = "equity over requirement may not fall" if solvent else "bounded: 1 % of what is left"
    tell(f"sell to himself, reduce-only, {kind}", budget=0, profit=profit, held_by=held_by)
    assert profit <= (0 if solvent else value / 100)


@pytest.mark.parametrize("fall", [Fraction(92, 100), Fraction(90, 100), Fraction(87, 100), Fraction(80, 100)])
@pytest.mark.parametrize("ticks", [150, 900, 1_450])
def test_sell_to_himself_at_a_pushed_mid(stage: Stage, accomplice: Any, tell: Tell, ticks: int, fall: Fraction) -> None:
    """He also holds the mean low for a window: mid is what a sale is judged at, whatever the status. Bounded by how
    far it is off.

    Keepers have all that time to take the account, which is below its line at the honest price that the other source
    still says.
    """
    account = sink(stage, accomplice, fall)
    value = stage.dollars("WETH", stage.engine.balance_of(account, stage.asset("WETH").token))
    stage.devnet.warp(2 * WINDOW + BLOCK)
    stage.devnet.refresh()
    stage.fund(WETH=10**6, USDC=10**9)
    stage.push("WETH", room(-ticks))
    stage.blocks(WINDOW // BLOCK)
    off = stage.off("WETH")
    assert stage.liquidates(account)
    bleed(stage, accomplice, account)
    stage.undo("WETH")
    profit = stage.profit()
    tell(
        "sell to himself, reduce-only, at a pushed mid",
        budget=10 * MILLION,
        profit=profit,
        held_by="bounded: 1 % and how far mid is off, 3.5 % here",
    )
    assert profit <= value * (Fraction(1, 100) + max(1 - off, Fraction(0)))
