"""An attacker with most of a token that is hardly traded, or with a token of his own: he borrows dollars on it and
leaves it behind.

Mango Markets, 2022, and everybody who listed his own token since. What his tokens would bring him in the market is
what they are worth to him: he sells what he does not need at the end, and would have sold them all without the
attack.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from plimsoll import config as configuration
from plimsoll.artifacts import home
from plimsoll.chain import Contract, Revert, RevmChain
from plimsoll.devnet import CONFIG, Devnet, start
from plimsoll.uniswap import Pool
from tests.attacks.conftest import Tell
from tests.attacks.test_lone_mean import room
from tests.support.attack import Stage, set_stage
from tests.support.isolated import Bazaar, deploy_bazaar

MILLION = 1_000_000
DEPTH = 5 * MILLION
PRICE = 3
BAG = 100 * MILLION
"""Tokens: sixty times what the market could take."""
CAP = 80_000
"""Tokens that may back debts: a twentieth of the market's depth."""
HOUR = 3_600
WINDOW = 1_800
ROOM = 1_500
"""Ticks: as far as the limited mean moves in three windows."""
LISTING = f"""
THIN = {PRICE}

[assets.THIN]
name = "Thin"
decimals = 18
isolated = false

[assets.THIN.pool]
name = "Plimsoll THIN"
symbol = "pTHIN"
supply_cap = 0
borrow_cap = 0
reserve_factor = 0.1
flash_fee = 0

[assets.THIN.pool.rates]
target = 0.9
steepness = 4
speed = 50
min_rate = 0.001
max_rate = 2
start = 0.04

[[assets.THIN.sources]]
kind = "twap"
quote = "USDC"
fee = 3000
window = {WINDOW}
max_age = 7200
max_ticks_per_hour = 1000
min_liquidity = 1_000_000_000_000

[assets.THIN.depth]
reach = 198

[assets.THIN.prices]
min_sources = 1
max_deviation = 0.02
min_spread = 0.01
spread_growth = 0.005
max_spread = 0.1

[assets.THIN.margin]
floor = 0.25
cap = 0.45
size_slope_per_million = 0.4
ramp_up = 0.0024
ramp_down = 0.01

[assets.THIN.dynamics]
deviations = 3
horizon = 14400
interval = 3600
fast_half_life = 86400
slow_half_life = 1_209_600
patience = 1_209_600
max_sigma = 20
start_sigma = 0.8
size_limit = 0.2
impact = 0.04

[[markets]]
base = "THIN"
quote = "USDC"
fee = 3000
depth = {DEPTH}
"""


@pytest.fixture(scope="module")
def thin_devnet() -> Devnet:
    """A devnet with such a token listed as core by a careless owner: one source, but a depth."""
    return start(RevmChain(), configuration.parse((home() / CONFIG).read_text() + LISTING))


@pytest.fixture
def thin(thin_devnet: Devnet) -> Iterator[Stage]:
    """What he has in tokens counts nothing but what he sells it for."""
    with thin_devnet.chain.isolate():
        stage = set_stage(thin_devnet)
        stage.honest["THIN"] = Fraction(0)
        yield stage


def market(stage: Stage) -> Pool:
    return stage.pool("THIN")


def sell_all(stage: Stage) -> Fraction:
    """Sell every token in his wallet and return what he then has, dollars."""
    thin, usdc = stage.asset("THIN").token, stage.asset("USDC").token
    held = thin.balanceOf(stage.attacker)
    if held:
        stage.devnet.uniswap.swap([thin, usdc], [3_000], held, stage.attacker)
    return stage.wealth()


def push(stage: Stage, ticks: int) -> None:
    """Move the token's price by so many ticks with his own dollars."""
    pool, thin = market(stage), stage.asset("THIN").token
    stage.devnet.uniswap.move_price(pool, thin, pool.price_of(thin) * room(ticks), stage.attacker)


def play(stage: Stage, accounts: int, tokens: int, ticks: int) -> Fraction:
    """Split so many tokens over accounts, hold the price up for a window, borrow in all of them, sell the rest;
    return the profit.
    """
    stage.fund(THIN=BAG, USDC=100 * DEPTH)
    with stage.undone():
        without = sell_all(stage)
    for index in range(accounts):
        stage.deposit(stage.account(index), "THIN", Fraction(tokens, accounts))
    stage.devnet.warp(3 * WINDOW + 12 - WINDOW)
    stage.devnet.refresh()
    if ticks:
        push(stage, ticks)
        stage.devnet.warp(WINDOW)
        stage.devnet.refresh()
    for index in range(accounts):
        most = stage.most(stage.account(index), "USDC")
        if most:
            stage.borrow(stage.account(index), "USDC", Fraction(most, 10**6))
    return sell_all(stage) - without


def lends(tokens: int, ticks: int) -> Fraction:
    """Return at most what so many tokens lend at a price that is so many ticks too high: what their floor leaves."""
    return tokens * PRICE * (1 if ticks == 0 else room(ticks)) * (1 - Fraction(125, 100) * Fraction(25, 100))


@pytest.mark.parametrize("ticks", [0, 500, ROOM])
@pytest.mark.parametrize("tokens", [10_000, 30_000, 100_000, 160_000, 170_000, BAG])
def test_core__one_account(thin: Stage, tell: Tell, tokens: int, ticks: int) -> None:
    """A balance whose size term is above its limit lends nothing at all: half a million dollars here. Bounded by what
    that lends.
    """
    key = thin.asset("THIN").key
    limit = Fraction(thin.risk_engine.dynamics_of(key).size_limit, thin.risk_engine.margin_of(key).size_slope)
    profit = play(thin, 1, tokens, ticks)
    tell(
        "core-listed thin token, one account",
        budget=100 * DEPTH,
        profit=profit,
        held_by="bounded: the size term and its limit",
    )
    assert profit <= lends(min(tokens, int(limit / PRICE)), 0)
    if tokens * PRICE > limit:
        assert profit <= 0


@pytest.mark.parametrize("ticks", [0, 500, ROOM])
@pytest.mark.parametrize("tokens", [CAP // 2, CAP, CAP + 1, MILLION])
@pytest.mark.parametrize("accounts", [1, 8])
def test_core__capped(thin: Stage, tell: Tell, accounts: int, tokens: int, ticks: int) -> None:
    """However he splits it: what backs debts is never more than the cap. Bounded by what that lends."""
    thin.engine.set_cap(thin.asset("THIN").token, thin.raw("THIN", CAP), sender=thin.devnet.maker)
    profit = play(thin, accounts, tokens, ticks)
    tell(
        "core-listed thin token, many accounts, with a cap",
        budget=100 * DEPTH,
        profit=profit,
        held_by="bounded: the cap, 240,000 dollars here",
    )
    assert profit <= (lends(tokens, ticks) if tokens <= CAP else 0)


def test_core__cap__tokens_that_leave_for_the_check(thin: Stage, tell: Tell) -> None:
    """One account borrowed on a full cap. He takes another account's tokens out of the vault in the batch that
    borrows on more.
    """
    token, usdc = thin.asset("THIN").token, thin.asset("USDC").token
    thin.engine.set_cap(token, thin.raw("THIN", CAP), sender=thin.devnet.maker)
    accomplice: Any = thin.chain.deploy("AttackSwapper", sender=thin.attacker)
    thin.addresses.append(accomplice.address)
    thin.fund(THIN=10 * CAP, USDC=MILLION)
    with thin.undone():
        without = sell_all(thin)
    full, more, spare = (thin.account(index) for index in range(3))
    thin.deposit(full, "THIN", CAP)
    thin.borrow(full, "USDC", Fraction(thin.most(full, "USDC"), 10**6))
    thin.deposit(more, "THIN", CAP)
    thin.deposit(spare, "THIN", CAP)
    engine, raw = thin.engine, thin.raw("THIN", CAP)
    borrow = engine.withdraw.encode(more, usdc, 10_000 * 10**6, thin.attacker, 10_000 * 10**6)
    out = engine.withdraw.encode(spare, token, raw, thin.attacker, 0)
    back = engine.deposit.encode(spare, token, raw)
    sale = engine.trade.encode(spare, token, raw, 0, usdc, 0, accomplice, b"", 2**40, False)
    keep = engine.trade.encode(full, token, 10**18, 0, usdc, 0, accomplice, b"", 2**40, True)
    accomplice.set_swap([], 0, True, sender=thin.attacker)
    for batch in (
        [borrow, out],
        [out, borrow],
        [out, borrow, back],
        [sale, borrow],
        [borrow, sale],
        [keep, sale, borrow],
    ):
        with pytest.raises(Revert, match=r"engine: (supply cap|reduce only)"):
            engine.batch(batch, sender=thin.attacker)
    profit = sell_all(thin) - without
    tell(
        "core-listed thin token, taken out for the check of its cap",
        budget=10 * CAP * PRICE,
        profit=profit,
        held_by="bounded: the cap",
    )
    assert profit <= lends(CAP, 0)


def test_core__many_accounts__without_a_cap(thin: Stage, tell: Tell) -> None:
    """The size term knows one account only: without a cap he multiplies what one lends by their number. Why such a
    token has a cap.
    """
    profit = play(thin, 8, 8 * 100_000, 0)
    tell(
        "core-listed thin token, 8 accounts, no cap",
        budget=100 * DEPTH,
        profit=profit,
        held_by="bounded per account only: such a token needs a cap",
    )
    assert profit <= 8 * lends(100_000, 0)


@pytest.fixture(scope="module")
def deployed_bazaar() -> Bazaar:
    return deploy_bazaar(RevmChain())


@pytest.fixture
def bazaar(deployed_bazaar: Bazaar) -> Iterator[Bazaar]:
    """A protocol with a factory of isolated listings; lenders brought twenty million dollars and 5,000 ether."""
    with deployed_bazaar.chain.isolate():
        bazaar = replace(deployed_bazaar, world=deployed_bazaar.world.copy())
        bazaar.world.lend("USDC", 20 * MILLION)
        bazaar.world.lend("WETH", 5_000)
        yield bazaar


def listed_by_himself(bazaar: Bazaar) -> Contract:
    """Return a token that he made and of which he has a fortune, its market all his, listed by himself."""
    token, pool = bazaar.with_market(price=PRICE, depth=DEPTH)
    bazaar.list(token, bazaar.attacker)
    token.mint(bazaar.attacker, 10**9 * 10**18, sender=bazaar.attacker)
    token.approve(bazaar.world.engine, 2**256 - 1, sender=bazaar.attacker)
    assert pool.price_of(token) > 0
    return token


@pytest.mark.parametrize("tokens", [1, 1_000, 100_000, MILLION, 10**9])
@pytest.mark.parametrize("symbol", ["USDC", "WETH"])
def test_isolated__listed_by_himself__backs_nothing(bazaar: Bazaar, tell: Tell, symbol: str, tokens: int) -> None:
    """Nobody has said whose debts his token may back, so it backs none: not for a dollar, nor through a trade of the
    borrowed.
    """
    world, token = bazaar.world, listed_by_himself(bazaar)
    account = world.account("attacker")
    world.engine.deposit(account, token, tokens * 10**18, sender=bazaar.attacker)
    asset = world[symbol]
    for dollars in (1, 100, 1_000, MILLION):
        raw = int(Fraction(dollars) / asset.price * 10**asset.decimals)
        for call in (
            world.engine.withdraw.encode(account, asset.token, raw, bazaar.attacker, raw),
            world.engine.trade.encode(account, asset.token, raw, raw, token, 1, world.swapper, b"", 2**40, False),
        ):
            with pytest.raises(Revert):
                bazaar.chain.simulate(world.engine, call, bazaar.attacker)
    won = asset.token.balanceOf(bazaar.attacker)
    tell("isolated, listed by himself", budget=DEPTH, profit=won, held_by="backs nobody's debt")
    assert won == 0


@pytest.mark.parametrize("ticks", [-3_000, 0, 3_000])
def test_isolated__backing_allowed__bounded_by_what_the_owner_allowed(bazaar: Bazaar, tell: Tell, ticks: int) -> None:
    """The owner let it back dollars, with a cap. He moves the mean by all the room there is and borrows what he can."""
    world, token = bazaar.world, listed_by_himself(bazaar)
    listing = bazaar.listing(token)
    world.risk_engine.set_backing(listing.key, world["USDC"].key, True, sender=bazaar.owner)
    pool = bazaar.uniswap.pool(token, world["USDC"].token, 3_000)
    bazaar.world.warp(3 * HOUR - HOUR + 12)
    bazaar.uniswap.move_price(pool, token, pool.price_of(token) * (room(ticks) if ticks else 1), bazaar.maker)
    bazaar.world.warp(HOUR)
    bazaar.wiggle(pool, token)
    bazaar.world.warp(1)
    profits = []
    for tokens in (100, 1_000, 10_000, 30_000, 100_000):
        for dollars in (Fraction(tokens * PRICE * share, 100) for share in range(20, 120, 5)):
            with bazaar.chain.isolate():
                account = world.account("attacker")
                world.engine.deposit(account, token, tokens * 10**18, sender=bazaar.attacker)
                raw = int(dollars * 10**6)
                try:
                    world.engine.withdraw(
                        account, world["USDC"].token, raw, bazaar.attacker, raw, sender=bazaar.attacker
                    )
                except Revert:
                    continue
                profits.append(dollars - tokens * PRICE)
    tell(
        "isolated, its backing allowed, mean pushed by its room",
        budget=100 * DEPTH,
        profit=max(profits),
        held_by="initial margin above the limit's room",
    )
    assert max(profits) <= 0
