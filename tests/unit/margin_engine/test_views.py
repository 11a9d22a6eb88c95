"""MarginEngine's views: total on every account and token, equal to the pools and the risk engine."""

from __future__ import annotations

from plimsoll.chain import ZERO_ADDRESS
from plimsoll.model import exposure
from tests.support.scenario import DEAD, FOREVER, World


def test_views__empty_account__zeros(world: World, account: int) -> None:
    for empty in (account, 0, 1, 2**256 - 1):
        assert world.engine.word_of(empty) == 0
        assert world.engine.exposures(empty) == []
        assert tuple(world.health(empty)) == (0, 0, 0, 0, 0, 0)
        for symbol in ("USDC", "TAIL"):
            assert world.engine.balance_of(empty, world[symbol].token) == 0
            assert world.engine.debt_of(empty, world[symbol].token) == 0


def test_views__unknown_token__zeros(world: World, long: int) -> None:
    for token in (ZERO_ADDRESS, world.roles["stranger"], world["USDC"].pool.address):
        assert world.engine.balance_of(long, token) == world.engine.debt_of(long, token) == 0
        assert list(world.engine.asset_of(token)) == [0, ZERO_ADDRESS]
    for key in (0, 3, 1 << 63, 1 << 64, 2**256 - 1):
        assert world.engine.token_of(key) == ZERO_ADDRESS


def test_views__every_asset__reads_back(world: World) -> None:
    for asset in world.assets.values():
        assert list(world.engine.asset_of(asset.token)) == [asset.key, asset.pool.address]
        assert world.engine.token_of(asset.key) == asset.token.address


def test_exposures__balances_then_debts_from_the_lowest_key(world: World) -> None:
    account = world.open_position(collateral=("WETH", 10), sell="USDC", amount=5_000, buy="WBTC")
    world.borrow(account, "USDT", 1_000)
    world.warp(86_400)
    held = [(world[symbol].key, False, world.balance(account, symbol)) for symbol in ("WETH", "WBTC")]
    owed = [(world[symbol].key, True, -world.balance(account, symbol)) for symbol in ("USDC", "USDT")]
    assert owed[0][2] > 5_000 * 10**6
    assert [exposure.unpack(packed) for packed in world.engine.exposures(account)] == held + owed


def test_exposures__isolated__carry_their_whole_key(world: World) -> None:
    account = world.account("trader")
    world.deposit(account, "TAIL2", 10_000)
    world.borrow(account, "TAIL", 1_000)
    assert [exposure.unpack(packed) for packed in world.engine.exposures(account)] == [
        (1 << 64 | 2, False, 10_000 * 10**18),
        (1 << 64 | 1, True, 1_000 * 10**18),
    ]


def test_health__is_what_the_risk_engine_says(world: World, long: int) -> None:
    world.warp(3 * 86_400)
    assert tuple(world.engine.health(long)) == tuple(world.risk_engine.assess(world.engine.exposures(long), []))
    world.set_status("WETH", DEAD)
    assert world.health(long).status == DEAD


def test_debt_of__grows_with_time_and_equals_the_pool(world: World, long: int) -> None:
    debts = []
    for _ in range(3):
        world.chain.warp(86_400)
        debts.append(world.engine.debt_of(long, world["USDC"].token))
        assert debts[-1] == world["USDC"].pool.debt_of(long)
    assert 30_000 * 10**6 < debts[0] < debts[1] < debts[2]


def test_views__inside_a_verb__answer_nobody(world: World, account: int) -> None:
    """A swapper that asks the engine anything while its swap runs gets a revert, never a half-way number."""
    attacker = world.chain.deploy("AttackSwapper", sender=world.roles["attacker"])
    engine, usdc, weth = world.engine, world["USDC"].token, world["WETH"].token
    calls = [
        engine.word_of.encode(account),
        engine.exposures.encode(account),
        engine.health.encode(account),
        engine.balance_of.encode(account, usdc),
        engine.debt_of.encode(account, usdc),
        engine.asset_of.encode(usdc),
        engine.settings.encode(),
        engine.restrictions_of.encode(usdc),
    ]
    attacker.set_swap([(engine, call) for call in calls], 0, False, sender=world.roles["attacker"])
    world.deposit(account, "USDC", 10)
    engine.trade(account, usdc, 1, 0, weth, 0, attacker, b"", FOREVER, False, sender=world.roles["trader"])
    assert [attacker.succeeded(i) for i in range(len(calls))] == [False] * len(calls)
    assert [attacker.results(i) for i in range(len(calls))] == [b""] * len(calls)
