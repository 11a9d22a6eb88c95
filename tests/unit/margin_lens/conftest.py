"""A lens over the real protocol, and one over an engine that says whatever a test wants."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from plimsoll.chain import RevmChain
from tests.support.scenario import DAY, PRICE_PARAMETERS, World, deploy_world

RETURN, FAIL, BURN = range(3)
QUOTE = (True, False, 3, 4, -5, -6, 7, 8, 9)

SELECTORS = {
    name: keccak(text=f"{name}({types})")[:4]
    for name, types in {
        "word_of": "uint256",
        "health": "uint256",
        "exposures": "uint256",
        "asset_of": "address",
        "token_of": "uint256",
        "settings": "",
        "operators": "",
        "operator_of": "uint256,address",
        "key_of": "address",
        "prices": "uint256[]",
        "assess": "uint256[],int256[]",
        "effective_rate": "uint256,uint256,uint256",
        "state": "",
        "convertToAssets": "uint256",
        "auction": "",
        "quote": "uint256",
    }.items()
}
"""What the lens asks, by name."""


class Scripted:
    """Engine, risk engine, pool and registry in one contract that answers as told, and the lens over it."""

    def __init__(self, chain: RevmChain) -> None:
        self.sender = chain.accounts()[0]
        self.good: dict[str, bytes] = {}
        self.contract = chain.deploy("ScriptedAnswers", sender=self.sender)
        self.lens: Any = chain.deploy("MarginLens", self.contract, sender=self.sender)
        self.say("settings", ["address", "uint256", "bool"], [self.contract.address, 0, False])
        self.say("operators", ["address"], [self.contract.address])
        self.say("asset_of", ["uint256", "address"], [1, self.contract.address])
        self.say("token_of", ["uint256"], [int(self.contract.address, 16)])
        self.say("key_of", ["uint256"], [1])
        self.say("word_of", ["uint256"], [5])
        self.say("health", ["int256", "int256", "uint256", "uint256", "uint256", "uint256"], [-7, -8, 3, 4, 9, 1])
        self.say("exposures", ["uint256[]"], [[1 << 184 | 10, 2 << 184 | 1 << 183 | 20]])
        self.say("prices", ["(uint256,uint256,uint256,uint256)[]"], [[(9, 10, 11, 2)]])
        self.say("assess", ["int256", "int256", "uint256", "uint256", "uint256", "uint256"], [-100, 0, 0, 0, 0, 0])
        self.say("effective_rate", ["uint256"], [10**17])
        self.say("operator_of", ["uint256"] * 4, [3, 2**40 - 1, 100, 10**18])
        self.say(
            "state",
            ["uint256"] * 12,
            [10**6, 4 * 10**5, 6 * 10**5, 7, 8, 9, 10**17, 4 * 10**16, 6 * 10**17, 10**17, 11, 12],
        )
        self.say("convertToAssets", ["uint256"], [10**18])
        self.say("auction", ["address"], [self.contract.address])
        self.say("quote", ["bool", "bool", *["uint256"] * 2, *["int256"] * 2, *["uint256"] * 3], list(QUOTE))

    def say(self, name: str, types: Sequence[str], values: Sequence[Any]) -> None:
        self.good[name] = encode(types, values)
        self.script(name, RETURN, self.good[name])

    def script(self, name: str, manner: int, answer: bytes = b"") -> None:
        self.contract.script(SELECTORS[name], manner, answer, sender=self.sender)


@pytest.fixture(scope="module")
def deployed_script(session_chain: RevmChain) -> Scripted:
    return Scripted(session_chain)


@pytest.fixture
def scripted(chain: RevmChain, deployed_script: Scripted) -> Scripted:
    """The scripted engine with one good answer to everything."""
    return deployed_script


@pytest.fixture(scope="module")
def deployed_world(session_chain: RevmChain) -> Iterator[World]:
    """Two accounts with debts, one that lends nothing and owes nothing, and thirty days of interest."""
    with session_chain.isolate():
        world = deploy_world(session_chain)
        world.lend("USDC", 1_000_000)
        world.lend("WETH", 500)
        long, cross = world.account("trader", 1), world.account("trader", 2)
        world.deposit(long, "WETH", 10)
        world.open(long, "USDC", 20_000, "WETH")
        world.deposit(cross, "WBTC", 1)
        world.deposit(cross, "USDT", 5_000)
        world.open(cross, "WETH", 5, "USDC")
        world.deposit(world.account("keeper"), "TAIL", 1_000)
        world.warp(30 * DAY)
        yield world


@pytest.fixture
def world(chain: RevmChain, deployed_world: World) -> World:
    """The world of `deployed_world`, as it was built."""
    return deployed_world


def burning_world(chain: RevmChain) -> tuple[World, int]:
    """A world, and the largest account: twelve assets, each with three sources that burn all the gas they get."""
    symbols = [f"T{number}" for number in range(12)]
    world = deploy_world(chain, tuple((symbol, "MockERC20", 18, 1_000, False) for symbol in symbols))
    account, deployer = world.account("trader"), world.roles["deployer"]
    for symbol in symbols[:8]:
        world.deposit(account, symbol, 10)
    for symbol in symbols[8:]:
        world.lend(symbol, 10)
        world.borrow(account, symbol, 1)
    for symbol in symbols:
        others = [chain.deploy("MockPriceSource", sender=deployer) for _ in range(2)]
        sources = [world[symbol].source, *others]
        for source in others:
            source.set_price(1_000 * 10**18, sender=deployer)
        world.risk_engine.set_sources(world[symbol].key, sources, PRICE_PARAMETERS, sender=world.roles["owner"])
        for source in sources:
            source.set_burn(sender=deployer)
    return world, account
