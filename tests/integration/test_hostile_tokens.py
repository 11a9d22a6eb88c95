"""Tokens that turn bad after they were listed, by a fee or a refusal: each shows its message, and nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from plimsoll import errors
from plimsoll.chain import RevmChain
from plimsoll.devnet import Devnet, start
from plimsoll.protocol import MarginAccount, Sender


@pytest.fixture(scope="module")
def world() -> Devnet:
    return start(RevmChain(), tokens={"WBTC": "MockERC20Fee", "WETH": "MockERC20False"})


@pytest.fixture
def devnet(world: Devnet) -> Iterator[Devnet]:
    with world.chain.isolate():
        yield world


@pytest.fixture
def trader(devnet: Devnet) -> Sender:
    """Return a trader with one WBTC, one WETH and 1,000 USDC in his account, and as much in his wallet, approved."""
    sender = devnet.protocol.by(devnet.chain.accounts()[2])
    for symbol, amount in (("WBTC", 1), ("WETH", 1), ("USDC", 1_000)):
        devnet.mint(symbol, sender.sender, 2 * amount)
        sender.approve_if_needed(symbol, 2 * amount)
        sender.approve_if_needed(symbol, 2 * amount, devnet.protocol.asset(symbol).pool)
        sender.deposit(MarginAccount(sender.sender), symbol, amount)
    turn_bad(devnet)
    return sender


def turn_bad(devnet: Devnet) -> None:
    fee = devnet.chain.at("MockERC20Fee", devnet.token("WBTC").address)
    fee.set_fee(100, sender=devnet.maker)
    refusing = devnet.chain.at("MockERC20False", devnet.token("WETH").address)
    refusing.set_refusing(True, sender=devnet.maker)


def everything(devnet: Devnet, owner: str) -> list[int]:
    """Return every number that must not change."""
    account = MarginAccount(owner)
    return [
        number
        for asset in devnet.protocol.assets.values()
        for number in (
            devnet.protocol.balance(account, asset).raw,
            devnet.protocol.wallet(owner, asset).raw,
            devnet.protocol.wallet(devnet.protocol.engine, asset).raw,
            asset.pool.cash(),
        )
    ]


@pytest.mark.parametrize(
    ("symbol", "reason"), [("WBTC", "token: received differs"), ("WETH", "token: transferFrom failed")]
)
def test_deposit_and_lend__refused(devnet: Devnet, trader: Sender, symbol: str, reason: str) -> None:
    before = everything(devnet, trader.sender)
    with pytest.raises(errors.TokenFailed) as deposit:
        trader.deposit(MarginAccount(trader.sender), symbol, 1)
    with pytest.raises(errors.TokenFailed) as lend:
        trader.lend(symbol, 1)
    assert deposit.value.reason == lend.value.reason == reason
    assert everything(devnet, trader.sender) == before


def test_withdraw__refusing_token__refused(devnet: Devnet, trader: Sender) -> None:
    before = everything(devnet, trader.sender)
    with pytest.raises(errors.TokenFailed) as caught:
        trader.withdraw_all(MarginAccount(trader.sender), "WETH")
    assert caught.value.reason == "token: transfer failed"
    assert everything(devnet, trader.sender) == before


def test_withdraw__token_with_fee__receiver_bears_it(devnet: Devnet, trader: Sender) -> None:
    """The way out stays open: what the token keeps is between it and the receiver."""
    trader.withdraw_all(MarginAccount(trader.sender), "WBTC")
    assert devnet.protocol.wallet(trader.sender, "WBTC").raw == 199_000_000
    assert devnet.token("WBTC").balanceOf(devnet.protocol.engine) == 0


def test_other_assets__untouched(devnet: Devnet, trader: Sender) -> None:
    trader.withdraw_all(MarginAccount(trader.sender), "USDC")
    assert devnet.protocol.wallet(trader.sender, "USDC").raw == 2_000 * 10**6


@pytest.mark.parametrize("symbol", ["WBTC", "WETH"])
def test_trade__selling_it__refused_and_nothing_lost(devnet: Devnet, trader: Sender, symbol: str) -> None:
    before = everything(devnet, trader.sender)
    with pytest.raises(errors.Reverted):
        trader.trade(MarginAccount(trader.sender), sell=symbol, amount=1, buy="USDC", slippage="0.5")
    assert everything(devnet, trader.sender) == before
