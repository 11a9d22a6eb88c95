"""The same flows over tokens of 0, 6, 8 and 18 decimals, with one that returns nothing as quote and one as base."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

import pytest

from plimsoll import errors
from plimsoll.chain import RevmChain
from plimsoll.config import Config, MarketConfig, TwapConfig
from plimsoll.devnet import Devnet, default_config, start
from plimsoll.protocol import MarginAccount, Sender, Status
from plimsoll.reconcile import accounts_empty, own_addresses, pools_add_up, tokens_add_up, vault_adds_up

NO_RETURN = {"USDC": "MockERC20NoReturn", "WBTC": "MockERC20NoReturn"}
DOLLARS = 20_000


def config_with_points() -> Config:
    """Return the devnet's configuration with a token of no decimals, worth half a dollar, for its fourth asset."""
    config = default_config()
    weth = config.asset("WETH")
    feed, twap = weth.sources
    assert isinstance(twap, TwapConfig)
    points = replace(
        weth,
        symbol="PTS",
        name="Points",
        decimals=0,
        pool=replace(weth.pool, symbol="pPTS", supply_cap=10**9, borrow_cap=10**9),
        sources=(replace(feed, low=10**16, high=10**18), replace(twap, fee=3_000, min_liquidity=10**9)),
    )
    return replace(
        config,
        assets=(*config.assets, points),
        markets=(*config.markets, MarketConfig("PTS", "USDC", 3_000, 100_000_000)),
        prices={**config.prices, "PTS": 5 * 10**17},
    )


@pytest.fixture(scope="module")
def world() -> Devnet:
    return start(RevmChain(), config_with_points(), tokens=NO_RETURN)


@pytest.fixture
def devnet(world: Devnet) -> Iterator[Devnet]:
    with world.chain.isolate():
        yield world


@pytest.fixture
def lender(devnet: Devnet) -> Sender:
    """Return a lender who has funded every pool with 100,000 dollars."""
    sender = devnet.protocol.by(devnet.chain.accounts()[1])
    for symbol in devnet.protocol.assets:
        amount = worth(devnet, symbol, 100_000)
        devnet.mint(symbol, sender.sender, amount)
        sender.approve_if_needed(symbol, amount, devnet.protocol.asset(symbol).pool)
        sender.lend(symbol, amount)
    return sender


def worth(devnet: Devnet, symbol: str, dollars: int) -> Decimal:
    """Return how much of an asset is worth some dollars, in whole raw units."""
    amount = dollars / devnet.price(symbol)
    return amount.quantize(Decimal(1).scaleb(-devnet.protocol.asset(symbol).decimals))


def funded(devnet: Devnet, symbol: str) -> tuple[Sender, MarginAccount]:
    sender = devnet.protocol.by(devnet.chain.accounts()[2])
    account = MarginAccount(sender.sender)
    amount = worth(devnet, symbol, DOLLARS)
    devnet.mint(symbol, sender.sender, amount)
    sender.approve_if_needed(symbol, amount)
    sender.deposit(account, symbol, amount)
    return sender, account


def is_balanced(devnet: Devnet, account: MarginAccount) -> bool:
    people = {each: each for each in devnet.chain.accounts()}
    people["fund"] = devnet.protocol.asset("USDC").pool.fund()
    checks = [
        *tokens_add_up(devnet.protocol, people | own_addresses(devnet.protocol)),
        *vault_adds_up(devnet.protocol, [account]),
        *pools_add_up(devnet.protocol, [account]),
    ]
    return all(check.holds for check in checks)


def test_world__decimals_and_statuses(devnet: Devnet) -> None:
    assert {asset.symbol: asset.decimals for asset in devnet.protocol.assets.values()} == {
        "USDC": 6,
        "WETH": 18,
        "WBTC": 8,
        "PTS": 0,
    }
    assert [price.status for price in devnet.protocol.prices()] == [Status.OK] * 4
    assert devnet.manifest.contracts["token.USDC"].contract == "MockERC20NoReturn"


@pytest.mark.parametrize("base", ["WETH", "WBTC", "PTS"])
def test_long__any_token__opened_and_closed(devnet: Devnet, lender: Sender, base: str) -> None:
    protocol = devnet.protocol
    trader, account = funded(devnet, "USDC")
    trader.trade(account, sell="USDC", amount=3 * DOLLARS, max_borrow=2 * DOLLARS, buy=base)
    fair = worth(devnet, base, 3 * DOLLARS)
    assert fair * Decimal("0.994") < protocol.balance(account, base).human < fair
    assert protocol.debt(account, "USDC").human == 2 * DOLLARS
    assert protocol.health(account).status is Status.OK
    assert is_balanced(devnet, account)
    devnet.warp(86_400)
    devnet.settle()
    batch = trader.batch().trade(account, sell=base, amount=protocol.balance(account, base), buy="USDC")
    batch.withdraw_all(account, "USDC").send()
    assert DOLLARS * Decimal("0.97") < protocol.wallet(account.owner, "USDC").human < DOLLARS
    assert accounts_empty(protocol, [account])[0].holds
    assert is_balanced(devnet, account)


@pytest.mark.parametrize("base", ["WETH", "WBTC", "PTS"])
def test_short__any_token__opened_and_closed(devnet: Devnet, lender: Sender, base: str) -> None:
    protocol = devnet.protocol
    trader, account = funded(devnet, "USDC")
    size = worth(devnet, base, DOLLARS)
    trader.trade(account, sell=base, amount=size, max_borrow=size, buy="USDC")
    assert protocol.debt(account, base).human == size
    assert is_balanced(devnet, account)
    devnet.warp(86_400)
    devnet.settle()
    debt = protocol.debt(account, base)
    batch = trader.batch().trade(account, sell="USDC", amount=DOLLARS + 400, buy=base, min_buy=debt, slippage="0.02")
    batch.withdraw_all(account, base).withdraw_all(account, "USDC").send()
    assert accounts_empty(protocol, [account])[0].holds
    assert is_balanced(devnet, account)


@pytest.mark.parametrize("symbol", ["USDC", "WETH", "WBTC", "PTS"])
def test_collateral__any_token__borrow_repay_and_leave(devnet: Devnet, lender: Sender, symbol: str) -> None:
    protocol = devnet.protocol
    trader, account = funded(devnet, symbol)
    borrowed = "WETH" if symbol != "WETH" else "USDC"
    amount = worth(devnet, borrowed, DOLLARS // 4)
    trader.withdraw(account, borrowed, amount, max_borrow=amount)
    assert protocol.wallet(account.owner, borrowed).human == amount
    devnet.warp(7 * 86_400)
    devnet.settle()
    devnet.mint(borrowed, account.owner, amount)
    trader.approve_if_needed(borrowed, 2 * amount)
    trader.deposit(account, borrowed, 2 * amount)
    trader.batch().withdraw_all(account, borrowed).withdraw_all(account, symbol).send()
    assert protocol.wallet(account.owner, symbol).human == worth(devnet, symbol, DOLLARS)
    assert is_balanced(devnet, account)


@pytest.mark.parametrize("symbol", ["USDC", "WETH", "WBTC", "PTS"])
def test_smallest_unit__round_trip(devnet: Devnet, symbol: str) -> None:
    protocol = devnet.protocol
    trader = protocol.by(devnet.chain.accounts()[4])
    account = MarginAccount(trader.sender)
    unit = protocol.asset(symbol).amount(1)
    devnet.mint(symbol, trader.sender, unit.human)
    trader.approve_if_needed(symbol, unit)
    trader.deposit(account, symbol, unit)
    assert protocol.balance(account, symbol) == unit
    trader.withdraw_all(account, symbol)
    assert protocol.wallet(trader.sender, symbol) == unit


def test_points__half_of_one__refused(devnet: Devnet) -> None:
    with pytest.raises(errors.AmountError) as caught:
        devnet.protocol.raw("PTS", "0.5")
    assert str(caught.value) == "PTS: 0.5 has more than 0 decimals"
