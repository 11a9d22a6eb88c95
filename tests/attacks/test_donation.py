"""An attacker sends a vault tokens to make its shares dear, or takes them out to make them cheap, and borrows or
liquidates on that.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from plimsoll.artifacts import home
from plimsoll.devnet import YIELD, Devnet
from tests.attacks.conftest import Tell
from tests.support.attack import Stage, set_stage

MILLION = 1_000_000


@pytest.fixture
def lent(devnet: Devnet) -> Stage:
    """Shares of the protocol's own USDC pool as collateral."""
    stage = set_stage(devnet.list_assets(home() / YIELD))
    stage.honest["pUSDC"] = Fraction(1)
    stage.vaults["pUSDC"] = stage.asset("USDC").pool
    return stage


@pytest.fixture
def outside(devnet: Devnet, tmp_path: Path) -> Stage:
    """Shares of a vault that somebody else wrote, without virtual shares: what is sent to it is its holders'."""
    usdc = devnet.token("USDC")
    vault = devnet.chain.deploy("MockVault", usdc, sender=devnet.maker)
    usdc.mint(devnet.maker, 10**12, sender=devnet.maker)
    usdc.approve(vault, 10**12, sender=devnet.maker)
    vault.deposit(10**12, devnet.maker, sender=devnet.maker)
    text = (home() / YIELD).read_text().replace('shares_of = "USDC"', f'token = "{vault.address}"')
    text = text.replace("pUSDC", "yUSDC").replace("decimals = 12", "decimals = 6")
    path = tmp_path / "vault.toml"
    path.write_text(text)
    stage = set_stage(devnet.list_assets(path))
    stage.honest["yUSDC"] = Fraction(1)
    stage.vaults["yUSDC"] = vault
    return stage


def hold(stage: Stage, symbol: str, dollars: int) -> int:
    """Return an account of the attacker with so many dollars in shares, and leave him as much again to give away."""
    vault, usdc = stage.vaults[symbol], stage.asset("USDC")
    stage.fund(USDC=dollars * 2)
    usdc.token.approve(vault, 2**256 - 1, sender=stage.attacker)
    vault.deposit(stage.raw("USDC", dollars), stage.attacker, sender=stage.attacker)
    shares = vault.balanceOf(stage.attacker)
    vault.approve(stage.engine, 2**256 - 1, sender=stage.attacker)
    account = stage.account(1)
    stage.engine.deposit(account, vault, shares, sender=stage.attacker)
    stage.start = stage.wealth()
    return account


@pytest.mark.parametrize("days", [0, 365])
@pytest.mark.parametrize("percent", [1, 20, 100])
@pytest.mark.parametrize("kind", ["lent", "outside"])
def test_donate_and_borrow(request: pytest.FixtureRequest, tell: Tell, kind: str, percent: int, days: int) -> None:
    """He holds ten million in shares, sends the vault a part of that, and borrows dollars, ether and bitcoin to the
    last.
    """
    stage: Stage = request.getfixturevalue(kind)
    symbol = next(iter(stage.vaults))
    account = hold(stage, symbol, 10 * MILLION)
    stage.devnet.warp(days * 86_400)
    stage.devnet.settle()
    usdc = stage.asset("USDC").token
    before = Fraction(stage.price(symbol).mid)
    usdc.transfer(stage.vaults[symbol], stage.raw("USDC", 10 * MILLION * percent // 100), sender=stage.attacker)
    assert stage.price(symbol).mid <= before * Fraction(125, 100) ** (days // 365) * Fraction(1_001, 1_000)
    assert kind == "outside" or stage.price(symbol).mid == before
    stage.leave(account)
    profit = stage.profit()
    tell(
        "donate to a vault whose shares he holds, borrow",
        budget=20 * MILLION,
        profit=profit,
        held_by="only what shares pay, below a line, counts",
    )
    assert profit <= 0


@pytest.mark.parametrize("kind", ["lent", "outside"])
def test_donate_before_and_after_a_stranger_lends(request: pytest.FixtureRequest, tell: Tell, kind: str) -> None:
    """He makes a share dear so that the victim's deposit rounds to none, and takes it out with his own."""
    stage: Stage = request.getfixturevalue(kind)
    symbol = next(iter(stage.vaults))
    account = hold(stage, symbol, MILLION)
    vault, usdc = stage.vaults[symbol], stage.asset("USDC").token
    usdc.transfer(vault, stage.raw("USDC", MILLION), sender=stage.attacker)
    stage.fund(stage.victim, USDC=100_000)
    usdc.approve(vault, 2**256 - 1, sender=stage.victim)
    vault.deposit(stage.raw("USDC", 100_000), stage.victim, sender=stage.victim)
    assert vault.previewRedeem(vault.balanceOf(stage.victim)) >= stage.raw("USDC", 100_000) - 2
    stage.leave(account)
    profit = stage.profit()
    tell(
        "donate before somebody lends",
        budget=2 * MILLION,
        profit=profit,
        held_by="virtual shares; tokens that are not in the ledger do not count",
    )
    assert profit <= 0
