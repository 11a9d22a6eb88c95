"""assess_liquidation while prices cannot be relied on: after the sequencer's outage, and without an asset's price."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any

import pytest

from plimsoll.chain import Revert, RevmChain
from plimsoll.model import cure, exposure, margin_rate
from plimsoll.model.cure import DOWN, MAX_OUTAGE, UP
from plimsoll.model.liquidation_auction import Values
from plimsoll.model.price_oracle import DEAD, OK, STALE, WIDE, Parameters
from tests.support import reverts
from tests.support.risk import DAY, ETHER_18, HOUR, PERCENT, WAD, WIDE_DELAY, Risk, reading

WINDOW = HOUR
FLAT = Parameters(min_sources=1, max_deviation=PERCENT, min_spread=0, spread_growth=0, max_spread=0)
FIVE = margin_rate.Parameters(
    floor=5 * PERCENT, cap=5 * PERCENT, size_slope=margin_rate.MIN_SLOPE, ramp_up=10**13, ramp_down=24 * 10**13
)


@dataclass
class Layer2:
    """A risk engine on a chain whose sequencer a test stops and starts."""

    risk: Risk
    feed: Any

    def sequencer(self, status: int, ago: int = 0) -> None:
        """Let the feed say this since `ago` seconds, and the model know it."""
        since = self.risk.chain.timestamp() - ago
        self.feed.set_round(status, since, since, sender=self.risk.owner)
        self.risk.curing = cure.is_open(status, since, WINDOW, self.risk.chain.timestamp())

    def asset(self, price: int = ETHER_18) -> int:
        return self.risk.list_asset(price, parameters=FLAT, margin=FIVE)

    def now_at(self, key: int, price: int, status: int = OK) -> None:
        now = self.risk.chain.timestamp()
        said = reading(price, now, fresh=int(status != STALE), trusted=int(status == OK))
        self.risk.answer(key, None if status == DEAD else said)


@pytest.fixture
def layer2(chain: RevmChain) -> Layer2:
    feed: Any = chain.deploy("MockFeed", "sequencer", 0, UP, sender=chain.accounts()[0])
    layer2 = Layer2(Risk.deploy(chain, sequencer=feed.address, cure_window=WINDOW), feed)
    layer2.sequencer(UP, 30 * DAY)
    return layer2


def has(key: int, amount: int = WAD) -> int:
    return exposure.pack(key, False, amount)


def owes(key: int, amount: int = WAD) -> int:
    return exposure.pack(key, True, amount)


def check(risk: Risk, *exposures: int) -> Values:
    """Return what the contract says, which is what the model says."""
    values = risk.assess_liquidation(exposures)
    assert values == risk.model_values(exposures)
    return values


# The sequencer


@pytest.mark.parametrize(
    ("status", "ago", "curing"),
    [
        (DOWN, 0, True),
        (DOWN, MAX_OUTAGE - 1, True),
        (DOWN, MAX_OUTAGE, False),
        (UP, 0, True),
        (UP, WINDOW - 1, True),
        (UP, WINDOW, False),
    ],
)
def test_window__open_while_down_and_for_a_while_after(layer2: Layer2, status: int, ago: int, curing: bool) -> None:
    risk, key = layer2.risk, layer2.asset()
    risk.sampled(key, ETHER_18, risk.chain.timestamp())
    layer2.now_at(key, ETHER_18 * 9 // 10)
    layer2.sequencer(status, ago)
    values = check(risk, has(key))
    assert (values.certain, values.positive) == (not curing, ETHER_18 if curing else ETHER_18 * 9 // 10)


@pytest.mark.parametrize("how", ["broken", "nonsense", "to come", "no time", "without code"])
def test_window__a_feed_that_fails__counts_as_up(layer2: Layer2, how: str) -> None:
    """Whatever becomes of the feed, it stops no liquidation."""
    risk, key = layer2.risk, layer2.asset()
    risk.sampled(key, ETHER_18, risk.chain.timestamp())
    layer2.now_at(key, ETHER_18 // 2)
    layer2.sequencer(DOWN)
    now = risk.chain.timestamp()
    if how == "broken":
        layer2.feed.set_broken(True, sender=risk.owner)
    else:
        rounds = {"nonsense": (2, now), "to come": (DOWN, now + 1), "no time": (DOWN, 0), "without code": (-1, now)}
        answer, since = rounds[how]
        layer2.feed.set_round(answer, since, since, sender=risk.owner)
    risk.curing = False
    assert check(risk, has(key)).certain


PRICES = [1, 500, 799, 800, 801, 1_000, 1_200, 1_250, 1_251, 3_000, 10**9]


@pytest.mark.parametrize(("at", "debt"), [*product(PRICES, [False, True])])
def test_window__last_good_price__counts_within_a_quarter(layer2: Layer2, at: int, debt: bool) -> None:
    risk, key = layer2.risk, layer2.asset()
    good, mid = ETHER_18, ETHER_18 * at // 1_000
    risk.sampled(key, good, risk.chain.timestamp())
    layer2.now_at(key, mid)
    layer2.sequencer(UP)
    values = check(risk, exposure.pack(key, debt, WAD))
    if debt:
        assert values.debt == min(mid, max(good, -(-mid * 4 // 5)))
    else:
        assert values.positive == max(mid, min(good, mid * 5 // 4))
    assert values.requirement == -(-(values.debt + values.positive) * 5 // 100)


@pytest.mark.parametrize("status", [WIDE, STALE])
@pytest.mark.parametrize("debt", [False, True])
def test_window__closed__the_last_good_price_moves_no_other(layer2: Layer2, status: int, debt: bool) -> None:
    risk = layer2.risk
    tenth = FLAT._replace(min_spread=10 * PERCENT, max_spread=10 * PERCENT)
    key = risk.list_asset(ETHER_18, parameters=tenth, margin=FIVE)
    risk.sampled(key, ETHER_18, risk.chain.timestamp())
    mid = ETHER_18 * (13 if debt else 7) // 10
    layer2.now_at(key, mid, status)
    values = check(risk, exposure.pack(key, debt, WAD))
    assert (values.positive, values.debt) == ((0, mid * 9 // 10) if debt else (mid * 11 // 10, 0))


@pytest.mark.parametrize("status", [OK, WIDE, STALE])
@pytest.mark.parametrize("debt", [False, True])
def test_window__no_last_good_price__the_favourable_one(layer2: Layer2, status: int, debt: bool) -> None:
    risk = layer2.risk
    tenth = FLAT._replace(min_spread=10 * PERCENT, max_spread=10 * PERCENT)
    key = risk.list_asset(ETHER_18, parameters=tenth, margin=FIVE)
    layer2.now_at(key, ETHER_18, status)
    layer2.sequencer(UP)
    values = check(risk, exposure.pack(key, debt, WAD))
    assert (values.positive, values.debt) == ((0, ETHER_18 * 9 // 10) if debt else (ETHER_18 * 11 // 10, 0))
    assert not values.certain


@pytest.mark.parametrize("status", [WIDE, STALE, DEAD])
def test_window__nothing_counts_as_settled(layer2: Layer2, status: int) -> None:
    """The outage itself must not be what settles an asset: nobody could mark it OK."""
    risk, key = layer2.risk, layer2.asset()
    layer2.now_at(key, ETHER_18, status)
    for _ in range(4):
        risk.mark(key)
        risk.chain.warp(HOUR)
    risk.mark(key)
    assert check(risk, has(key)).certain
    layer2.sequencer(UP)
    values = check(risk, has(key))
    assert (values.certain, values.excluded) == (False, int(status == DEAD))


def test_window__without_a_sequencer__never(risk: Risk) -> None:
    key = risk.list_asset(ETHER_18, parameters=FLAT, margin=FIVE)
    risk.sampled(key, 2 * ETHER_18, risk.chain.timestamp())
    assert check(risk, has(key)) == Values(ETHER_18, 0, ETHER_18 // 20, 0, True, 0)


@pytest.mark.parametrize("fall", [0, 6, 7, 15, 20, 24, 25, 50, 99])
def test_window__healthy_at_the_last_good_price__out_of_reach__deep_insolvency_never(layer2: Layer2, fall: int) -> None:
    """A long at initial margin, through an outage in which its asset fell by so many per cent."""
    risk, ether, dollar = layer2.risk, layer2.asset(), layer2.asset(WAD)
    for key, price in ((ether, ETHER_18), (dollar, WAD)):
        risk.sampled(key, price, risk.chain.timestamp())
    exposures = [has(ether, 10 * WAD), owes(dollar, 17_000 * WAD)]
    health = risk.assess(exposures)
    assert health.equity_initial >= health.initial
    layer2.sequencer(DOWN)
    risk.chain.warp(6 * HOUR)
    layer2.now_at(ether, ETHER_18 * (100 - fall) // 100)
    layer2.now_at(dollar, WAD)
    layer2.sequencer(UP)
    values = check(risk, *exposures)
    assert (values.equity >= values.requirement) == (fall < 25), "a quarter above 75 % of the price does not save it"
    risk.chain.warp(WINDOW)
    risk.curing = False
    values = check(risk, *exposures)
    assert values.certain
    assert (values.equity >= values.requirement) == (fall <= 6)


def test_window__captured_feed__grants_a_quarter_and_no_more_than_the_last_sample(layer2: Layer2) -> None:
    """It says 'just restarted' for ever: while prices are OK samples go on, and with them the last good price."""
    risk, key = layer2.risk, layer2.asset()
    sampled = ETHER_18
    for _ in range(5):
        risk.sampled(key, sampled, risk.chain.timestamp())
        risk.chain.warp(HOUR)
        layer2.now_at(key, sampled * 9 // 10)
        layer2.sequencer(UP)
        assert check(risk, has(key)).positive == sampled
        sampled = sampled * 9 // 10
    layer2.now_at(key, sampled // 2)
    assert check(risk, has(key)).positive == sampled // 2 * 5 // 4


def test_window__gas_starved__never_counts_as_up(layer2: Layer2) -> None:
    """Failure 17: nobody closes the window by what gas he brings."""
    risk, key = layer2.risk, layer2.asset()
    layer2.sequencer(DOWN)
    call = risk.engine.assess_liquidation.encode([has(key)])
    whole, answered = risk.chain.simulate(risk.engine, call), 0
    for gas in range(30_000, 460_000, 7_001):
        try:
            assert risk.chain.simulate(risk.engine, call, gas=gas) == whole
            answered += 1
        except Revert as error:
            assert error.halt or error.reason in ("oracle: gas", "margin: gas")
    assert answered


# A positive without a price


def dead(layer2: Layer2, seen: int = 0) -> tuple[Risk, int, int, int]:
    """Two assets held and one owed, of which the first has lost its price, last sampled `seen` seconds ago."""
    risk, gone, ether, dollar = layer2.risk, layer2.asset(), layer2.asset(), layer2.asset(WAD)
    risk.sampled(gone, ETHER_18, risk.chain.timestamp())
    risk.chain.warp(seen)
    for key, price in ((ether, ETHER_18), (dollar, WAD)):
        layer2.now_at(key, price)
    layer2.now_at(gone, ETHER_18, DEAD)
    return risk, gone, ether, dollar


@pytest.mark.parametrize(
    ("seen", "judged"), [(0, False), (WIDE_DELAY, False), (WIDE_DELAY + 1, True), (10 * DAY, True)]
)
def test_dead__healthy_with_it__not_judged_for_the_delay(layer2: Layer2, seen: int, judged: bool) -> None:
    risk, gone, ether, dollar = dead(layer2, seen)
    values = check(risk, has(gone, 10 * WAD), has(ether), owes(dollar, 5_000 * WAD))
    assert (values.certain, values.excluded) == (False, 1)
    assert (values.debt, values.positive) == ((5_000 * WAD, 2_000 * WAD) if judged else (0, 0))


@pytest.mark.parametrize(("held", "judged"), [(1_763_158, False), (1_763_157, True)])
def test_dead__below_its_line_even_with_it__judged_without_it(layer2: Layer2, held: int, judged: bool) -> None:
    """5,000 owed requires 250, 2,000 held 100: 3,350 are missing, and of each ether's 2,000 dollars 1,900 count."""
    risk, gone, ether, dollar = dead(layer2)
    values = check(risk, has(gone, held * WAD // 10**6), has(ether), owes(dollar, 5_000 * WAD))
    assert values.debt == (5_000 * WAD if judged else 0)


@pytest.mark.parametrize(("more", "judged"), [(0, False), (1, True)])
def test_dead__exactly_on_its_line_with_it__not_judged(layer2: Layer2, more: int, judged: bool) -> None:
    """420 dollars of it were held, of which 399 count: as many as 380 owed and their requirement of 19."""
    risk, gone, _, dollar = dead(layer2)
    values = check(risk, has(gone, 21 * WAD // 100), owes(dollar, 380 * WAD + more))
    assert values.debt == (380 * WAD + 1 if judged else 0)


def test_dead__in_the_window__not_judged_however_old_the_last_good_price(layer2: Layer2) -> None:
    """Nobody could sample while the sequencer was down."""
    risk, gone, ether, dollar = dead(layer2, 6 * HOUR)
    exposures = [has(gone, 10 * WAD), has(ether), owes(dollar, 5_000 * WAD)]
    layer2.sequencer(UP)
    assert check(risk, *exposures) == Values(0, 0, 0, 0, False, 1)
    risk.chain.warp(WINDOW)
    risk.curing = False
    assert check(risk, *exposures).debt == 5_000 * WAD


def test_dead__settled__judged_and_worth_nothing(layer2: Layer2) -> None:
    risk, gone, ether, dollar = dead(layer2)
    risk.mark(gone)
    for _ in range(2):
        risk.chain.warp(HOUR)
        risk.mark(gone)
    values = check(risk, has(gone, 10 * WAD), has(ether), owes(dollar, 5_000 * WAD))
    assert (values.certain, values.excluded, values.debt) == (True, 0, 5_000 * WAD)


def test_dead__no_last_good_price__judged_without_it(layer2: Layer2) -> None:
    risk, gone, ether, dollar = layer2.risk, layer2.asset(), layer2.asset(), layer2.asset(WAD)
    layer2.now_at(gone, ETHER_18, DEAD)
    assert check(risk, has(gone, 10 * WAD), has(ether), owes(dollar, 5_000 * WAD)).debt == 5_000 * WAD


def test_dead__a_debt_without_a_price__keeps_nothing(layer2: Layer2) -> None:
    risk, gone, ether, dollar = dead(layer2)
    values = check(risk, owes(gone, 10 * WAD), has(ether), owes(dollar, 5_000 * WAD))
    assert (values.debt, values.excluded) == (5_000 * WAD, 1)


def test_dead__healthy_without_it__judged_as_ever(layer2: Layer2) -> None:
    """Nothing is owed that the rest does not cover; with it all the more: nobody could take from it either way."""
    risk, gone, ether, dollar = dead(layer2)
    values = check(risk, has(gone), has(ether), owes(dollar, 100 * WAD))
    assert values == Values(0, 0, 0, 0, False, 1)


# A sample between two marks


@pytest.mark.parametrize("status", [WIDE, STALE, DEAD])
def test_sample_between_marks__settled_no_earlier_than_the_delay_after_it(risk: Risk, status: int) -> None:
    """Marks an hour apart found it in doubt each time; that it was OK in between somebody sampled."""
    key = risk.list_asset(ETHER_18, parameters=FLAT, margin=FIVE)
    doubt = reading(ETHER_18, risk.chain.timestamp(), fresh=int(status != STALE), trusted=0)
    risk.answer(key, None if status == DEAD else doubt)
    for _ in range(3):
        risk.mark(key)
        risk.chain.warp(HOUR)
    assert check(risk, has(key)).certain
    sampled = risk.chain.timestamp() - HOUR // 2
    risk.sampled(key, ETHER_18, sampled)
    assert not check(risk, has(key)).certain
    risk.mark(key)
    risk.chain.warp(HOUR)
    risk.mark(key)
    risk.chain.warp(HOUR // 2 - 1)
    assert not check(risk, has(key)).certain
    risk.chain.warp(1)
    assert check(risk, has(key)).certain


@pytest.mark.parametrize("how", ["reverts", "burns", "short", "nonsense", "to come"])
def test_last_good__a_source_that_fails__as_if_there_were_none(risk: Risk, how: str) -> None:
    key = risk.list_asset(ETHER_18, parameters=FLAT, margin=FIVE)
    now = risk.chain.timestamp()
    source = risk.sampled(key, ETHER_18, now)
    words = {"short": b"\x01" * 32, "nonsense": b"\xff" * 64, "to come": b"\x00" * 31 + b"\x01" + b"\xff" * 32}
    manner = {"reverts": 1, "burns": 2}.get(how, 0)
    source.script(risk.selector("last(uint256)"), manner, words.get(how, b""), sender=risk.owner)
    risk.last_good.clear()
    risk.answer(key, None)
    dollar = risk.list_asset(WAD, parameters=FLAT, margin=FIVE)
    assert check(risk, has(key, 10 * WAD), owes(dollar)).debt == WAD


def test_last_good__too_little_gas__reverts(risk: Risk) -> None:
    key = risk.list_asset(ETHER_18, parameters=FLAT, margin=FIVE)
    risk.sampled(key, ETHER_18, risk.chain.timestamp())
    risk.answer(key, reading(ETHER_18, risk.chain.timestamp(), trusted=0))
    call = risk.engine.assess_liquidation.encode([has(key)])
    with reverts("oracle: gas"):
        risk.chain.simulate(risk.engine, call, gas=200_000)
