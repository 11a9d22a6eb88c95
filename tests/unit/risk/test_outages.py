"""Accounts that nobody may liquidate though they are below their line: the cure window, and collateral without a price.

What the desk says is what the risk engine answers, and what the engine does.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import pytest
from eth_utils.crypto import keccak

from plimsoll.chain import Revert, RevmChain
from plimsoll.keeper.state import AccountState
from plimsoll.model import cure
from plimsoll.model.cure import LastGood
from plimsoll.model.price_oracle import NO_PRICE
from plimsoll.risk import Desk, World, lines, look, page, plain, read, shocks, tables
from plimsoll.risk.accounts import viewed
from plimsoll.risk.effect import lines_of
from plimsoll.risk.world import Outage
from tests.support import scenario
from tests.support.scenario import DEAD, OK, STALE, WIDE, WIDE_DELAY, deploy_world
from tests.support.venues import follow, say_sequencer
from tests.unit.risk.conftest import ACCOUNT, ETH, NOW, USD, WAD, protocol_of, world_of

CURE_WINDOW = 3_600
LATEST = keccak(text="latestRoundData()")[:4]


@dataclass
class Place:
    """A world with a sequencer whose WETH and WBTC have last good prices; `deep` and `safe` are long WETH."""

    world: scenario.World
    feed: Any
    deep: int
    safe: int

    def say(self, status: int, since: int) -> None:
        say_sequencer(self.feed, status, since, self.world.roles["deployer"])

    def restart(self) -> None:
        self.say(cure.UP, self.world.chain.timestamp())

    def read(self) -> World:
        protocol = protocol_of(self.world)
        return read(protocol, viewed(protocol))

    def starts(self, account: int) -> bool:
        """Return whether the engine would start an auction now."""
        engine, stranger = self.world.engine, self.world.roles["stranger"]
        try:
            self.world.chain.simulate(engine, engine.liquidate.encode(account), stranger)
        except Revert as refusal:
            assert refusal.reason == "auction: healthy"
            return False
        return True

    def check(self) -> None:
        """Assert that every account is what the contract says, and that the desk knows who may be liquidated."""
        found = self.read()
        market, exempt = found.market(), lines.exempt(found)
        after = found.after_outage().market()
        for account, row in found.debtors().items():
            said = self.world.risk_engine.assess_liquidation(self.world.engine.exposures(account))
            sides = market.sides(row)
            assert sides._asdict() == {name: getattr(said, name) for name in sides._fields}
            liquidatable = after.value(row).liquidatable and account not in exempt.kept
            assert liquidatable is self.starts(account)
            assert account not in exempt.unjudged or not self.starts(account)


@pytest.fixture(scope="module")
def built() -> Place:
    chain = RevmChain()
    feed = chain.deploy("ScriptedAnswers", sender=chain.accounts()[0])
    world = deploy_world(chain, sequencer=(feed, CURE_WINDOW))
    place = Place(world, feed, 0, 0)
    place.say(cure.UP, 1)
    follow(world, "WETH", "WBTC")
    for symbol, amount in (("USDC", 1_000_000), ("WETH", 500), ("WBTC", 20)):
        world.lend(symbol, amount)
    place.deep = world.open_position("trader", 0, amount=40_000)
    place.safe = world.open_position("trader", 1, amount=12_000)
    world.open(place.safe, "WBTC", Fraction(1, 50), "WETH")
    return place


@pytest.fixture
def place(built: Place) -> Iterator[Place]:
    with built.world.chain.isolate():
        yield replace(built, world=built.world.copy())


def row_of(desk: Desk, account: int) -> tuple[str, ...]:
    """Return an account's row among those nearest their line."""
    at = [near.account for near in desk.near].index(account)
    return tables.near(desk).rows[at]


# The sequencer


def test_read__restarted__open_to_the_second(place: Place) -> None:
    now = place.world.chain.timestamp()
    place.restart()
    assert place.read().outage == Outage(False, now, now + CURE_WINDOW)
    place.world.chain.warp(CURE_WINDOW - 1)
    assert place.read().outage == Outage(False, now, now + CURE_WINDOW)
    place.world.chain.warp(1)
    assert place.read().outage is None


def test_read__down__ends_with_a_restart_or_when_its_feed_is_not_believed(place: Place) -> None:
    now = place.world.chain.timestamp()
    place.say(cure.DOWN, now)
    assert place.read().outage == Outage(True, now, now + CURE_WINDOW)
    place.world.chain.warp(cure.MAX_OUTAGE - 60)
    assert place.read().outage == Outage(True, now, now + cure.MAX_OUTAGE)
    place.world.chain.warp(60)
    assert place.read().outage is None


@pytest.mark.parametrize(
    ("manner", "words"),
    [(0, (0, 2, NOW)), (0, (0, 1, 0)), (0, (0, 1, 2**40)), (0, (0, 1)), (0, ()), (1, (0, 1, NOW)), (2, ())],
)
def test_read__feed_fails_or_says_nonsense__no_outage(place: Place, manner: int, words: tuple[int, ...]) -> None:
    answer = b"".join(word.to_bytes(32, "big") for word in words)
    place.feed.script(LATEST, manner, answer, sender=place.world.roles["deployer"])
    assert place.read().outage is None
    place.world.set_price("WETH", 1_500)
    place.check()


def test_read__no_sequencer__no_outage(deployed: scenario.World) -> None:
    protocol = protocol_of(deployed)
    assert read(protocol, viewed(protocol)).outage is None


@pytest.mark.parametrize("outage", [None, cure.UP, cure.DOWN])
@pytest.mark.parametrize("status", [OK, WIDE, STALE, DEAD])
@pytest.mark.parametrize("price", [2_000, 1_500, 900])
def test_market__every_outage_and_status__as_the_contract(
    place: Place, outage: int | None, status: int, price: int
) -> None:
    place.world.set_price("WETH", price)
    place.world.set_status("WETH", status)
    if outage is not None:
        place.say(outage, place.world.chain.timestamp())
    place.check()


@pytest.mark.parametrize("outage", [None, cure.DOWN])
@pytest.mark.parametrize("status", [WIDE, DEAD])
def test_market__settled__as_the_contract(place: Place, outage: int | None, status: int) -> None:
    weth, stranger = place.world["WETH"].key, place.world.roles["stranger"]
    place.world.set_price("WETH", 1_500)
    place.world.set_status("WETH", status)
    for _ in range(5):
        place.world.risk_engine.mark([weth], sender=stranger)
        place.world.chain.warp(WIDE_DELAY // 4)
    if outage is not None:
        place.say(outage, place.world.chain.timestamp())
    assert place.read().assets[weth].settled
    place.check()


def test_desk__cure_window__below_and_not_before_it_ends(place: Place) -> None:
    place.world.set_price("WETH", 1_500)
    place.restart()
    place.world.chain.warp(600)
    desk = look(place.read())
    assert desk.exempt == lines.Exempt(frozenset(), frozenset({place.deep}))
    assert row_of(desk, place.deep)[-1] == "below, not before 50 min"
    assert row_of(desk, place.safe)[-1].startswith("-")
    said = "the sequencer has been back for 10 min, the cure window ends in 50 min: 1 accounts below their line,"
    assert f"{said} kept until then" in tables.headline(desk)
    found = json.loads(plain.as_json(desk))
    near = next(each for each in found["nearest"] if each["account"] == hex(place.deep))
    ends = place.world.chain.timestamp() + CURE_WINDOW - 600
    assert (near["liquidatable"], near["not_liquidatable_before"], near["judged"]) == (False, ends, True)
    assert found["outage"] == {"sequencer_is_down": False, "since": ends - CURE_WINDOW, "cure_window_ends": ends}
    assert found["kept_by_cure_window"] == [hex(place.deep)]
    place.world.chain.warp(CURE_WINDOW - 601)
    assert not place.starts(place.deep)
    place.world.chain.warp(1)
    assert place.world.chain.timestamp() == ends
    assert place.starts(place.deep)
    desk = look(place.read())
    assert desk.exempt.kept == frozenset()
    assert row_of(desk, place.deep)[-1] == "below"


def test_desk__sequencer_down__not_before_at_the_earliest(place: Place) -> None:
    place.world.set_price("WETH", 1_500)
    place.say(cure.DOWN, place.world.chain.timestamp() - 60)
    desk = look(place.read())
    assert row_of(desk, place.deep)[-1] == "below, not before 1 h 0 min"
    said = "the sequencer has been down for 1 min, the cure window ends in 1 h 0 min at the earliest: 1 accounts"
    assert any(line.startswith(said) for line in tables.headline(desk))


def test_desk__below_even_a_quarter_higher__not_kept(place: Place) -> None:
    place.world.set_price("WETH", 900)
    place.restart()
    desk = look(place.read())
    assert place.starts(place.deep)
    assert place.deep not in desk.exempt.kept
    assert row_of(desk, place.deep)[-1] == "below"


def test_desk__lines_and_losses__as_if_the_window_were_over(place: Place) -> None:
    place.world.set_price("WETH", 1_500)
    without = look(place.read())
    place.restart()
    with_window = look(place.read())
    assert place.deep in without.outcomes[0].liquidatable
    assert with_window.outcomes == without.outcomes
    assert with_window.near == without.near
    assert lines_of(with_window.world) == lines_of(without.world)


# Without a price


def test_desk__collateral_without_a_price__not_judged_until_its_delay_is_over(place: Place) -> None:
    weth = place.world["WETH"].key
    good = place.read().assets[weth].last_good
    assert good.price == place.read().assets[weth].price.mid
    place.world.set_status("WETH", DEAD)
    place.world.risk_engine.mark([weth], sender=place.world.roles["stranger"])
    desk = look(place.read())
    assert desk.exempt == lines.Exempt(frozenset({place.deep, place.safe}), frozenset())
    owed = desk.world.market().debt(desk.world.accounts[place.deep])
    assert owed == 30_000 * WAD
    row = row_of(desk, place.deep)
    assert row[1:5] == ("-", "-", "-", "$30,000")
    assert row[-1] == "not judged"
    assert '<td class="bad">not judged</td>' in page.render(desk)
    assert any(
        line.startswith("2 accounts not judged for want of a price, who owe $") for line in tables.headline(desk)
    )
    found = json.loads(plain.as_json(desk))
    assert found["not_judged"] == [hex(place.deep), hex(place.safe)]
    near = next(each for each in found["nearest"] if each["account"] == hex(place.deep))
    assert (near["judged"], near["equity"], near["liquidatable"]) == (False, None, False)
    assert found["shocks"][0]["not_judged"] == 2
    assert tables.losses(desk).rows[0][2] == "0 (2 not judged)"
    place.world.chain.warp(good.time + WIDE_DELAY - place.world.chain.timestamp())
    assert lines.exempt(place.read()).unjudged == {place.deep, place.safe}
    place.check()
    place.world.chain.warp(1)
    assert lines.exempt(place.read()).unjudged == frozenset()
    assert place.starts(place.deep)
    place.check()


def test_compute__shock_that_takes_a_price__nobody_is_liquidated(long: World) -> None:
    """A collateral whose last good price covers the requirement: 10 * 100 - 100 against 800 + 16."""
    shock = shocks.Shock("lost", "captured", {**long.prices(), ETH: NO_PRICE}, {USD: WAD, ETH: 100 * WAD})
    known = long.with_asset(replace(long.assets[ETH], last_good=LastGood(100 * WAD, NOW - long.wide_delay)))
    outcome = shocks.compute(known, shock)
    assert (outcome.liquidatable, outcome.unjudged, outcome.bad_debt()) == ((), 1, 0)
    late = long.with_asset(replace(long.assets[ETH], last_good=LastGood(100 * WAD, NOW - long.wide_delay - 1)))
    outcome = shocks.compute(late, shock)
    assert (outcome.liquidatable, outcome.unjudged) == ((ACCOUNT,), 0)
    low = long.with_asset(replace(long.assets[ETH], last_good=LastGood(90 * WAD, NOW)))
    outcome = shocks.compute(low, shock)
    assert (outcome.liquidatable, outcome.unjudged) == ((ACCOUNT,), 0)


def test_headline__debt_of_who_is_not_judged__is_counted() -> None:
    world = world_of({ACCOUNT: AccountState({ETH: 10 * WAD}, {USD: 800 * 10**24})})
    facts = replace(world.assets[ETH], price=NO_PRICE, last_good=LastGood(100 * WAD, NOW))
    said = tables.headline(look(world.with_asset(facts)))
    assert said[1] == "1 accounts, 1 with debt, who owe $800.00"
    assert said[3] == "1 accounts not judged for want of a price, who owe $800.00"
