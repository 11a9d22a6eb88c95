"""The protocol on certain prices, a long account that a fall of WETH makes liquidatable, and keepers with accounts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from plimsoll.chain import RevmChain
from tests.support.scenario import AUCTION, TOKENS, World, deploy_world

WAD = 10**18
MORE_TOKENS = (
    ("PTS", "MockERC20", 0, 1, False),
    ("DAI", "MockERC20", 18, 1, False),
    ("TAIL2", "MockERC20", 18, 5, True),
)
LENT = {"USDC": 5_000_000, "WETH": 2_000, "WBTC": 100, "USDT": 1_000_000, "TAIL": 1_000_000, "DAI": 1_000_000}
TAU, TAIL = AUCTION[0], AUCTION[1]

Close = Callable[..., Any]


@pytest.fixture(scope="session")
def deployed(session_chain: RevmChain) -> World:
    world = deploy_world(session_chain, (*TOKENS, *MORE_TOKENS))
    for symbol, amount in LENT.items():
        world.lend(symbol, amount)
    return world


@pytest.fixture
def world(chain: RevmChain, deployed: World) -> World:
    return deployed.copy()


@pytest.fixture
def long(world: World) -> int:
    """The trader's account 0: 10,000 USDC of his own and 40,000 borrowed, in 25 WETH at 2,000."""
    return world.open_position(amount=50_000)


@pytest.fixture
def sick(world: World, long: int) -> int:
    """The same with WETH at 1,760: equity 4,000, requirement 4,200."""
    world.set_price("WETH", 1_760)
    return long


@pytest.fixture
def auctioned(world: World, sick: int) -> int:
    """The same, its auction started by a stranger."""
    world.engine.liquidate(sick, sender=world.roles["stranger"])
    return sick


@pytest.fixture
def insolvent(world: World, long: int) -> int:
    """The same with WETH at 1,500: 2,500 short; its auction started by a stranger, its loss provisioned."""
    world.set_price("WETH", 1_500)
    world.engine.liquidate(long, sender=world.roles["stranger"])
    return long


@pytest.fixture
def rich(world: World) -> int:
    """The keeper's account 1, with 50 WBTC, whose initial margin carries any debt here."""
    account = world.account("keeper", 1)
    world.deposit(account, "WBTC", 50)
    return account


@pytest.fixture
def close(world: World) -> Close:
    """Take in a batch with no capital: sell all WETH that comes, repay, withdraw the profit."""

    def run(account: int, fraction: int = WAD, *, role: str = "keeper", index: int = 0, min_bonus: int = -WAD) -> Any:
        engine, target, sender = world.engine, world.account(role, index), world.roles[role]
        held = engine.balance_of(account, world["WETH"].token)
        share = engine.take.call(account, fraction, _rich_probe(world, role), min_bonus, sender=sender)[1]
        calls = [engine.take.encode(account, fraction, target, min_bonus)]
        moved = held * share // WAD
        if moved:
            trade = (world["WETH"].token, moved, 0, world["USDC"].token, 0, world.swapper, b"", 2**40, False)
            calls.append(engine.trade.encode(target, *trade))
        calls.append(engine.withdraw.encode(target, world["USDC"].token, 2**256 - 1, sender, 0))
        return engine.batch(calls, sender=sender)

    return run


def _rich_probe(world: World, role: str) -> int:
    account = world.account(role, 2**64)
    if not world.engine.word_of(account):
        world.deposit(account, "WBTC", 50)
    return account


def provision(world: World, account: int, symbol: str = "USDC") -> int:
    """Return what a pool expects to lose on an account, raw units."""
    amount: int = world[symbol].pool.provision_of(account)
    return amount


def assert_no_auction(world: World, account: int) -> None:
    """Assert that nothing of an auction is left: no entry, no flag, no provision."""
    assert tuple(world.auction.auction_of(account)) == (0, "0x" + "0" * 40, 0, 0, False)
    assert world.engine.word_of(account) >> 160 == 0
    for asset in world.assets.values():
        assert asset.pool.provision_of(account) == 0
