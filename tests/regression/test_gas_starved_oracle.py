"""A caller brings just so much gas that the call to a price source fails, and the protocol reads that as an outage: of
every call 63/64 of the gas go on, and the rest is enough to finish with the wrong answer.

The attacker here tries every amount of gas with every verb that reads a price. Each either fails as a whole or does
what it does with plenty.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from plimsoll.chain import Revert
from tests.support import reverts
from tests.support.scenario import OK, WIDE, World
from tests.support.venues import follow
from tests.unit.liquidation.conftest import provision

WAD = 10**18
SPENT = 120_000
"""Gas that each of WETH's two sources takes, so that small differences of what is left decide."""
TWO = (2, 2 * WAD // 100, 0, 0, WAD // 100)
ENOUGH = 3_000_000


@pytest.fixture
def costly(world: World, long: int) -> World:
    """WETH with two sources that take as much gas as a deep search in a pool."""
    deployer, weth = world.roles["deployer"], world["WETH"]
    sources = [weth.source, world.chain.deploy("MockPriceSource", sender=deployer)]
    for source in sources:
        source.set_price(int(weth.price * WAD), sender=deployer)
    world.risk_engine.set_sources(weth.key, sources, TWO, sender=world.roles["owner"])
    say(world, sources, 2_000, OK)
    return world


def say(world: World, sources: list[Any], price: int, status: int) -> None:
    now = world.chain.timestamp()
    for source in sources:
        said = (price * WAD, price * WAD, now, 1, int(status == OK))
        source.set_spend(said, SPENT, sender=world.roles["deployer"])


def sources(world: World) -> list[Any]:
    return [world.chain.at("MockPriceSource", address) for address in world.risk_engine.sources_of(world["WETH"].key)]


def sweep(world: World, act: Callable[[int], object]) -> int:
    """Try an act with every amount of gas, each from the same state; return how often it went through."""
    done = 0
    for gas in range(60_000, 1_400_000, 11_003):
        with world.chain.isolate():
            try:
                act(gas)
                done += 1
            except Revert as error:
                assert error.halt or error.reason in ("oracle: gas", "margin: gas", ""), error
    return done


def test_start_of_an_auction__healthy_stays_healthy(costly: World, long: int) -> None:
    attacker = costly.roles["attacker"]
    for gas in range(60_000, 1_400_000, 11_003):
        with costly.chain.isolate():
            with pytest.raises(Revert) as caught:
                costly.engine.liquidate(long, sender=attacker, gas=gas)
            assert caught.value.halt or caught.value.reason in ("auction: healthy", "oracle: gas", "")


def test_mark__starts_no_clock(costly: World) -> None:
    attacker, key = costly.roles["attacker"], costly["WETH"].key

    def act(gas: int) -> None:
        costly.risk_engine.mark([key], sender=attacker, gas=gas)
        assert tuple(costly.risk_engine.not_ok_since(key)) == (0, 0, 0)

    assert sweep(costly, act)


def test_mark__stops_no_clock_and_makes_nothing_dead(costly: World) -> None:
    attacker, key = costly.roles["attacker"], costly["WETH"].key
    say(costly, sources(costly), 2_000, WIDE)
    costly.risk_engine.mark([key], sender=attacker)
    before = tuple(costly.risk_engine.not_ok_since(key))

    def act(gas: int) -> None:
        costly.risk_engine.mark([key], sender=attacker, gas=gas)
        assert tuple(costly.risk_engine.not_ok_since(key)) == before

    assert sweep(costly, act)


def test_borrowing__a_price_in_doubt_is_not_read_as_another(costly: World, long: int) -> None:
    """Doubt does not disappear with a source that is starved: one that answers and one that does not do not agree."""
    trader, usdc = costly.roles["trader"], costly["USDC"].token
    first, second = sources(costly)
    now, deployer = costly.chain.timestamp(), costly.roles["deployer"]
    second.set_spend((9_000 * WAD, 9_000 * WAD, now, 1, 1), SPENT, sender=deployer)
    assert first.read().price == 2_000 * WAD

    for gas in range(60_000, 1_400_000, 11_003):
        with costly.chain.isolate():
            with pytest.raises(Revert) as caught:
                costly.engine.withdraw(long, usdc, 10**6, trader, 10**6, sender=trader, gas=gas)
            assert caught.value.halt or caught.value.reason in ("engine: price status", "oracle: gas", "")


def test_provision__what_is_booked_is_what_it_is_with_plenty(costly: World, long: int) -> None:
    keeper, attacker = costly.roles["keeper"], costly.roles["attacker"]
    say(costly, sources(costly), 1_500, OK)
    costly.engine.liquidate(long, sender=keeper, gas=ENOUGH)
    booked = provision(costly, long)
    assert booked > 0

    def act(gas: int) -> None:
        costly.engine.poke(long, sender=attacker, gas=gas)
        assert provision(costly, long) == booked

    assert sweep(costly, act)


def test_quote__is_the_same_with_any_gas(costly: World, long: int) -> None:
    """The auction's view, which keepers read: whoever starves it learns nothing and moves nothing."""
    say(costly, sources(costly), 1_700, OK)
    costly.engine.liquidate(long, sender=costly.roles["keeper"], gas=ENOUGH)
    call = costly.auction.quote.encode(long)
    whole = costly.chain.simulate(costly.auction, call)
    seen = 0
    for gas in range(60_000, 1_400_000, 11_003):
        try:
            assert costly.chain.simulate(costly.auction, call, gas=gas) == whole
            seen += 1
        except Revert as error:
            assert error.halt or error.reason in ("oracle: gas", "")
    assert seen


def test_last_good_price__is_not_starved_away(costly: World, long: int) -> None:
    """WETH has no price; with its last good one the account is healthy. Starved, that question fails as a whole."""
    roles = costly.roles
    follow(costly, "WETH")
    for source in sources(costly):
        source.set_revert(sender=roles["deployer"])
    with reverts("auction: healthy"):
        costly.engine.liquidate(long, sender=roles["attacker"])
    for gas in range(60_000, 1_400_000, 11_003):
        with costly.chain.isolate():
            with pytest.raises(Revert) as caught:
                costly.engine.liquidate(long, sender=roles["attacker"], gas=gas)
            reasons = ("auction: healthy", "oracle: gas", "margin: gas", "")
            assert caught.value.halt or caught.value.reason in reasons
