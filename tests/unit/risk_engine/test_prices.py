from __future__ import annotations

from collections.abc import Callable
from itertools import permutations, product

import pytest

from plimsoll.chain import Revert
from plimsoll.model.price_oracle import DEAD, OK, STALE, WIDE
from plimsoll.model.price_source import Reading
from tests.support.risk import BPS, ETHER_18, HOUR, PRICES, WAD, Answer, Risk, reading

NO_SPREAD = PRICES._replace(min_spread=0, spread_growth=0, max_spread=0)
READ = b"\x57\xde\x26\xa4"  # read()

ABSENT, OUTDATED, UNTRUSTED, TRUSTED = "absent", "outdated", "untrusted", "trusted"


def answer(kind: str, price: int, now: int) -> Answer:
    if kind == ABSENT:
        return None
    return reading(price, now, fresh=int(kind != OUTDATED), trusted=int(kind == TRUSTED))


def status_by_the_table(kinds: tuple[str, ...], min_sources: int) -> int:
    """The table of statuses (docs/formulas.md) for sources that agree."""
    if set(kinds) == {ABSENT}:
        return DEAD
    if not {TRUSTED, UNTRUSTED} & set(kinds):
        return STALE
    if ABSENT in kinds or kinds.count(TRUSTED) < min_sources:
        return WIDE
    return OK


CELLS = [
    (kinds, min_sources)
    for count in (1, 2, 3)
    for kinds in product((ABSENT, OUTDATED, UNTRUSTED, TRUSTED), repeat=count)
    for min_sources in range(1, count + 1)
]


def test_prices__every_status_cell(risk: Risk) -> None:
    now = risk.chain.timestamp()
    keys = {
        (count, least): risk.list_asset(*[ETHER_18] * count, parameters=PRICES._replace(min_sources=least))
        for count in (1, 2, 3)
        for least in range(1, count + 1)
    }
    seen = set()
    for kinds, min_sources in CELLS:
        key = keys[len(kinds), min_sources]
        risk.answer(key, *[answer(kind, ETHER_18, now) for kind in kinds])
        price = risk.price(key)
        assert price.status == status_by_the_table(kinds, min_sources), (kinds, min_sources)
        spread = ETHER_18 * 10 // 10_000
        expected = (0, 0, 0) if price.status == DEAD else (ETHER_18 - spread, ETHER_18, ETHER_18 + spread)
        assert price[:3] == expected, kinds
        assert price == risk.model_price(key)
        seen.add((len(kinds), price.status))
    assert seen == {(count, status) for count in (1, 2, 3) for status in (OK, WIDE, STALE, DEAD)}


@pytest.mark.parametrize(
    ("numbers", "mid"),
    [([100], 100), ([100, 103], 101), ([103, 100], 101), ([102, 100, 101], 101), ([101, 102, 100], 101)],
)
def test_prices__mid_is_the_median_of_two_the_mean_rounded_down(risk: Risk, numbers: list[int], mid: int) -> None:
    key = risk.list_asset(*[100] * len(numbers), parameters=NO_SPREAD)
    risk.answer(key, *(reading(number, risk.chain.timestamp()) for number in numbers))
    assert risk.price(key)[:3] == (min(numbers), mid, max(numbers))


def test_prices__untrusted_widen_but_do_not_move_mid(risk: Risk) -> None:
    now = risk.chain.timestamp()
    key = risk.list_asset(1_000, 1_000, 1_000, parameters=NO_SPREAD)
    risk.answer(key, reading(1_000, now), reading(1_004, now, trusted=0), reading(995, now, trusted=0))
    assert risk.price(key) == (995, 1_000, 1_004, OK)
    risk.answer(key, reading(1_000, now, trusted=0), reading(1_004, now, trusted=0), reading(995, now, fresh=0))
    assert risk.price(key) == (1_000, 1_002, 1_004, WIDE)


@pytest.mark.parametrize(
    ("first", "other", "status"),
    [
        (10_000, 10_100, OK),
        (10_000, 10_101, WIDE),
        (10_000, 9_901, OK),
        (10_000, 9_900, WIDE),
        (19_900, 20_100, OK),
        (19_899, 20_100, WIDE),
        (10_000, 1, WIDE),
    ],
)
def test_prices__deviation(risk: Risk, first: int, other: int, status: int) -> None:
    """1 % of mid, which is half way: 100 of 10,050 and 200 of 20,000 agree, 101 of 10,050 and 201 of 19,999 do not."""
    key = risk.list_asset(first, first, parameters=NO_SPREAD)
    now = risk.chain.timestamp()
    risk.answer(key, reading(first, now), reading(other, now))
    assert risk.price(key).status == status


def test_prices__no_deviation_allowed__equal_is_ok(risk: Risk) -> None:
    key = risk.list_asset(1_000, 1_000, parameters=NO_SPREAD._replace(max_deviation=0))
    assert risk.price(key).status == OK
    risk.answer(key, reading(1_000, risk.chain.timestamp()), reading(1_001, risk.chain.timestamp()))
    assert risk.price(key).status == WIDE


def test_prices__an_untrusted_source_can_disagree(risk: Risk) -> None:
    now = risk.chain.timestamp()
    key = risk.list_asset(1_000, 1_000, 1_000, parameters=NO_SPREAD._replace(min_sources=2))
    risk.answer(key, reading(1_000, now), reading(1_000, now), reading(900, now, trusted=0))
    assert risk.price(key) == (900, 1_000, 1_000, WIDE)


def test_prices__stale__freshest_last_answer_by_its_limited_number(risk: Risk) -> None:
    now = risk.chain.timestamp()
    key = risk.list_asset(1_000, 1_000, 1_000, parameters=NO_SPREAD)
    old = reading(900, now, age=300, fresh=0)
    newer = reading(800, now, clamped=850, age=200, fresh=0)
    same_age = reading(700, now, age=200, fresh=0)
    risk.answer(key, old, newer, same_age)
    assert risk.price(key) == (800, 850, 850, STALE)
    risk.answer(key, old, same_age, newer)
    assert risk.price(key) == (700, 700, 700, STALE)
    risk.answer(key, None, old, None)
    assert risk.price(key) == (900, 900, 900, STALE)


def test_prices__stale_source_counts_for_nothing_beside_a_fresh_one(risk: Risk) -> None:
    now = risk.chain.timestamp()
    key = risk.list_asset(1_000, 1_000, parameters=NO_SPREAD)
    risk.answer(key, reading(1_000, now, age=50), reading(2_000, now, fresh=0))
    assert risk.price(key) == (1_000, 1_000, 1_000, OK)


@pytest.mark.parametrize(
    ("age", "spread_bps"), [(0, 10), (HOUR, 15), (2 * HOUR, 20), (38 * HOUR, 200), (39 * HOUR, 200), (10**9, 200)]
)
@pytest.mark.parametrize("fresh", [0, 1])
def test_prices__spread_grows_with_age_to_its_cap(risk: Risk, age: int, spread_bps: int, fresh: int) -> None:
    key = risk.list_asset(ETHER_18)
    risk.answer(key, reading(ETHER_18, risk.chain.timestamp(), age=age, fresh=fresh))
    spread = ETHER_18 * spread_bps // 10_000
    assert risk.price(key)[:3] == (ETHER_18 - spread, ETHER_18, ETHER_18 + spread)


def test_prices__spread_of_the_freshest_valid_source(risk: Risk) -> None:
    now = risk.chain.timestamp()
    key = risk.list_asset(ETHER_18, ETHER_18, ETHER_18)
    risk.answer(
        key,
        reading(ETHER_18, now, age=4 * HOUR),
        reading(ETHER_18, now, age=2 * HOUR, trusted=0),
        reading(ETHER_18, now, age=HOUR, fresh=0),
    )
    assert risk.price(key).bid == ETHER_18 * 9_980 // 10_000


def test_prices__bid_rounds_down_and_ask_up(risk: Risk) -> None:
    key = risk.list_asset(1_234_567)
    risk.answer(key, reading(1_234_567, risk.chain.timestamp(), age=1))
    # spread = 10 bp + 5 bp / 3600 = 36,005 / 36,000,000
    assert risk.price(key) == (1_233_332, 1_234_567, 1_235_802, OK)
    assert 1_234_567 * 35_963_995 % 36_000_000 != 0


def test_prices__ask__the_smallest_remainder_counts(risk: Risk) -> None:
    """10 bp and 7 seconds' growth of 1 bp an hour: 36,007 / 36,000,000; their product is 1 more than that divides."""
    parameters = PRICES._replace(spread_growth=BPS)
    key = risk.list_asset(14_693_143, parameters=parameters)
    risk.answer(key, reading(14_693_143, risk.chain.timestamp(), age=7))
    assert 14_693_143 * 36_007 == 14_696 * 36_000_000 + 1
    assert risk.price(key) == (14_693_143 - 14_697, 14_693_143, 14_693_143 + 14_697, OK)


def test_prices__of_one_raw_unit_never_zero(risk: Risk) -> None:
    key = risk.list_asset(1)
    assert risk.price(key) == (1, 1, 2, OK)


def test_prices__at_the_limit_never_beyond(risk: Risk) -> None:
    key = risk.list_asset(ETHER_18)
    risk.answer(key, reading(2**128 - 1, risk.chain.timestamp()))
    price = risk.price(key)
    assert (price.mid, price.ask, price.status) == (2**128 - 1, 2**128 - 1, OK)
    assert price.bid < price.mid


# Which number of a source counts


@pytest.mark.parametrize("others", [0, 1, 2])
@pytest.mark.parametrize(
    ("raw", "limited", "status"),
    [
        (10_000, 10_000, OK),
        (9_900, 10_000, OK),
        (9_899, 10_000, WIDE),
        (10_100, 10_000, OK),
        (10_101, 10_000, WIDE),
        (1, 10_000, WIDE),
        (2**128 - 1, 10_000, WIDE),
        (10_000, 2**128 - 1, WIDE),
    ],
)
def test_prices__alone__its_two_numbers_may_disagree(
    risk: Risk, raw: int, limited: int, status: int, others: int
) -> None:
    """1 % of the limited number, which is mid; a stale source beside it is as good as none."""
    now = risk.chain.timestamp()
    key = risk.list_asset(*[1_000] * (others + 1), parameters=NO_SPREAD)
    alone, outdated = reading(raw, now, clamped=limited), reading(10_000, now, fresh=0)
    for position in range(others + 1):
        answers = [outdated] * (others + 1)
        answers[position] = alone
        risk.answer(key, *answers)
        assert risk.price(key) == (min(raw, limited), limited, max(raw, limited), status)
        assert risk.price(key) == risk.model_price(key)


def test_prices__alone__no_deviation_allowed(risk: Risk) -> None:
    key = risk.list_asset(1_000, parameters=NO_SPREAD._replace(max_deviation=0))
    assert risk.price(key).status == OK
    risk.answer(key, reading(999, risk.chain.timestamp(), clamped=1_000))
    assert risk.price(key) == (999, 1_000, 1_000, WIDE)


@pytest.mark.parametrize(("fresh", "trusted", "status"), [(1, 0, WIDE), (0, 1, STALE), (0, 0, STALE)])
@pytest.mark.parametrize("raw", [995, 700, 1_300])
def test_prices__alone__disagreement_makes_no_status_better(
    risk: Risk, fresh: int, trusted: int, status: int, raw: int
) -> None:
    key = risk.list_asset(1_000, parameters=NO_SPREAD)
    risk.answer(key, reading(raw, risk.chain.timestamp(), clamped=1_000, fresh=fresh, trusted=trusted))
    assert risk.price(key) == (min(raw, 1_000), 1_000, max(raw, 1_000), status)


def test_prices__alone__a_market_that_falls_faster_than_its_limit__no_borrowing(risk: Risk) -> None:
    """The limited number lags 30 % behind: whoever deposits at it may borrow nothing against it."""
    key = risk.list_asset(ETHER_18)
    risk.answer(key, reading(ETHER_18 * 7 // 10, risk.chain.timestamp(), clamped=ETHER_18))
    price = risk.price(key)
    assert price.status == WIDE
    assert price.bid < ETHER_18 * 7 // 10
    assert price.ask > ETHER_18


@pytest.mark.parametrize(
    ("other", "counts"), [(1_000, 1_010), (1_500, 1_010), (1_505, 1_010), (1_506, 2_000), (2_500, 2_000)]
)
def test_prices__two__the_number_nearer_to_the_other(risk: Risk, other: int, counts: int) -> None:
    """At 1,505 both are as near, and the limited one counts."""
    now = risk.chain.timestamp()
    key = risk.list_asset(1_000, 1_000, parameters=NO_SPREAD)
    for answers in permutations_of_two(reading(2_000, now, clamped=1_010), reading(other, now)):
        risk.answer(key, *answers)
        assert risk.price(key)[:3] == (min(counts, other), (counts + other) // 2, max(counts, other))


def permutations_of_two(first: Reading, second: Reading) -> list[tuple[Reading, Reading]]:
    return [(first, second), (second, first)]


def test_prices__three__nearer_to_the_median_of_the_trusted_others(risk: Risk) -> None:
    now = risk.chain.timestamp()
    key = risk.list_asset(1_000, 1_000, 1_000, parameters=NO_SPREAD)
    moved = reading(2_000, now, clamped=1_010)
    # two trusted others: their mean 1,506 is nearer to 2,000
    risk.answer(key, moved, reading(1_012, now), reading(2_000, now))
    assert risk.price(key).ask == 2_000
    assert risk.price(key).mid == 2_000
    # an untrusted other does not enter while there is a trusted one
    risk.answer(key, moved, reading(1_012, now), reading(2_000, now, trusted=0))
    assert risk.price(key)[:3] == (1_010, 1_011, 2_000)
    # no trusted other: the valid ones
    risk.answer(key, moved, reading(1_900, now, trusted=0), reading(1_000, now, fresh=0))
    assert risk.price(key)[:3] == (1_900, 2_000, 2_000)
    # a stale other is none
    risk.answer(key, moved, reading(2_000, now, fresh=0), reading(2_000, now, fresh=0))
    assert risk.price(key) == (1_010, 1_010, 2_000, WIDE)


def test_prices__a_moved_source_cannot_steer_which_number_of_another_counts(risk: Risk) -> None:
    now = risk.chain.timestamp()
    key = risk.list_asset(1_000, 1_000, 1_000, parameters=NO_SPREAD)
    falling, feed = reading(750, now, clamped=980), reading(700, now)
    for moved in (reading(1_000, now), reading(10**30, now, clamped=1_010), reading(1, now, clamped=990)):
        risk.answer(key, falling, moved, feed)
        assert risk.price(key).mid == 750
        assert risk.price(key).bid == 700


@pytest.mark.parametrize("factor", [WAD // 10**6, WAD // 2, 13 * WAD // 10, 10 * WAD, 10**12 * WAD])
def test_prices__one_moved_source_does_not_move_the_others(risk: Risk, factor: int) -> None:
    """Invariant 16 and failure 2: it may only widen, and beyond the deviation the asset is WIDE."""
    now = risk.chain.timestamp()
    key = risk.list_asset(ETHER_18, ETHER_18, ETHER_18, parameters=PRICES._replace(min_sources=2))
    honest = risk.price(key)
    for position in range(3):
        answers = [reading(ETHER_18, now) for _ in range(3)]
        answers[position] = reading(max(ETHER_18 * factor // WAD, 1), now)
        risk.answer(key, *answers)
        price = risk.price(key)
        assert price.mid == honest.mid
        assert price.status == WIDE
        assert price.bid <= honest.bid
        assert price.ask >= honest.ask


# Sources that all outran their limits


@pytest.mark.parametrize("factor", [700, 1_300])
@pytest.mark.parametrize("count", [2, 3])
def test_prices__all_outran_their_limits__not_ok_and_their_own_numbers_widen(
    risk: Risk, count: int, factor: int
) -> None:
    """Their limited numbers agree with each other, and are far from what every one of them says."""
    now = risk.chain.timestamp()
    key = risk.list_asset(*[1_000] * count, parameters=NO_SPREAD._replace(min_sources=2))
    risk.answer(key, *[reading(factor, now, clamped=1_000)] * count)
    assert risk.price(key) == (min(factor, 1_000), 1_000, max(factor, 1_000), WIDE) == risk.model_price(key)


@pytest.mark.parametrize("order", [*permutations(range(3))])
def test_prices__most_outran_their_limits__not_ok(risk: Risk, order: tuple[int, ...]) -> None:
    now = risk.chain.timestamp()
    key = risk.list_asset(1_000, 1_000, 1_000, parameters=NO_SPREAD._replace(min_sources=2))
    answers = [reading(700, now, clamped=1_000), reading(720, now, clamped=1_000), reading(1_000, now)]
    risk.answer(key, *(answers[i] for i in order))
    assert risk.price(key) == (700, 1_000, 1_000, WIDE) == risk.model_price(key)


def test_prices__one_of_three_outran_its_limit__ok_without_it(risk: Risk) -> None:
    """Whoever moves one market makes nobody's asset doubtful while two others say what they said."""
    now = risk.chain.timestamp()
    key = risk.list_asset(*[1_000] * 3, parameters=NO_SPREAD._replace(min_sources=2))
    for position in range(3):
        answers = [reading(1_000, now)] * 3
        answers[position] = reading(10**30, now, clamped=1_001)
        risk.answer(key, *answers)
        assert risk.price(key) == (1_000, 1_000, 1_001, OK) == risk.model_price(key)


@pytest.mark.parametrize("raw", [1, 700, 10**30])
def test_prices__one_of_two_outran_its_limit__not_ok_and_its_own_number_widens_nothing(risk: Risk, raw: int) -> None:
    """A market that runs away from a feed stops new risk at once; what liquidation counts hardly moves."""
    now = risk.chain.timestamp()
    key = risk.list_asset(1_000, 1_000, parameters=NO_SPREAD._replace(min_sources=2))
    for answers in permutations_of_two(reading(raw, now, clamped=1_002), reading(1_000, now)):
        risk.answer(key, *answers)
        assert risk.price(key) == (1_000, 1_001, 1_002, WIDE) == risk.model_price(key)


def test_prices__one_of_two_trusted_outran_its_limit__an_untrusted_one_confirms_nothing(risk: Risk) -> None:
    now = risk.chain.timestamp()
    key = risk.list_asset(1_000, 1_000, 1_000, parameters=NO_SPREAD._replace(min_sources=2))
    risk.answer(key, reading(700, now, clamped=1_000), reading(1_000, now), reading(1_000, now, trusted=0))
    assert risk.price(key) == (1_000, 1_000, 1_000, WIDE) == risk.model_price(key)


def test_prices__untrusted_ones_that_outran_their_limits__ok_without_them(risk: Risk) -> None:
    now = risk.chain.timestamp()
    key = risk.list_asset(1_000, 1_000, 1_000, parameters=NO_SPREAD._replace(min_sources=1))
    risk.answer(key, *[reading(700, now, clamped=1_000, trusted=0)] * 2, reading(1_000, now))
    assert risk.price(key) == (1_000, 1_000, 1_000, OK) == risk.model_price(key)


@pytest.mark.parametrize(("raw", "status"), [(989, WIDE), (990, OK), (1_010, OK), (1_011, WIDE)])
def test_prices__all_outran_their_limits__by_more_than_the_deviation(risk: Risk, raw: int, status: int) -> None:
    now = risk.chain.timestamp()
    key = risk.list_asset(1_000, 1_000, parameters=NO_SPREAD._replace(min_sources=2))
    risk.answer(key, *[reading(raw, now, clamped=1_000)] * 2)
    assert risk.price(key).status == status == risk.model_price(key).status


# Sources that misbehave


GARBAGE: dict[str, Callable[[int], Reading]] = {
    "price 0": lambda now: Reading(0, ETHER_18, now, 1, 1),
    "all zero": lambda _: Reading(0, 0, 0, 0, 0),
    "price too large": lambda now: Reading(2**128, ETHER_18, now, 1, 1),
    "price of all ones": lambda now: Reading(2**256 - 1, ETHER_18, now, 1, 1),
    "limited number 0": lambda now: Reading(ETHER_18, 0, now, 1, 1),
    "limited number too large": lambda now: Reading(ETHER_18, 2**128, now, 1, 1),
    "from the future": lambda now: Reading(ETHER_18, ETHER_18, now + 1, 1, 1),
    "from the far future": lambda _: Reading(ETHER_18, ETHER_18, 2**256 - 1, 1, 1),
    "fresh is 2": lambda now: Reading(ETHER_18, ETHER_18, now, 2, 1),
    "trusted is all ones": lambda now: Reading(ETHER_18, ETHER_18, now, 1, 2**256 - 1),
    "stale and trusted is 2": lambda now: Reading(ETHER_18, ETHER_18, now, 0, 2),
}


@pytest.mark.parametrize("name", GARBAGE)
def test_prices__garbage__absent(risk: Risk, name: str) -> None:
    now = risk.chain.timestamp()
    alone, beside = risk.list_asset(ETHER_18), risk.list_asset(ETHER_18, ETHER_18)
    risk.answer(alone, GARBAGE[name](now))
    assert risk.price(alone) == (0, 0, 0, DEAD) == risk.model_price(alone)
    for answers in [(GARBAGE[name](now), reading(ETHER_18, now)), (reading(ETHER_18, now), GARBAGE[name](now))]:
        risk.answer(beside, *answers)
        assert risk.price(beside)[1:] == (ETHER_18, ETHER_18 * 10_010 // 10_000, WIDE)
        assert risk.price(beside) == risk.model_price(beside)


GOOD = b"".join(word.to_bytes(32, "big") for word in (ETHER_18, ETHER_18, 1_700_000_000, 1, 1))


@pytest.mark.parametrize(
    ("manner", "data", "status"),
    [
        (0, GOOD, OK),
        (0, GOOD + b"\x01" * 32, OK),
        (0, b"", WIDE),
        (0, GOOD[:-1], WIDE),
        (0, GOOD[:32], WIDE),
        (0, b"\xff" * 160, WIDE),
        (1, GOOD, WIDE),
        (1, b"", WIDE),
        (2, GOOD, WIDE),
    ],
    ids=[
        "whole",
        "longer",
        "empty",
        "a byte short",
        "one word",
        "all ones",
        "reverts with it",
        "reverts",
        "burns all gas",
    ],
)
@pytest.mark.parametrize("position", [0, 1, 2])
def test_prices__any_bytes(risk: Risk, manner: int, data: bytes, status: int, position: int) -> None:
    odd = risk.chain.deploy("ScriptedAnswers", sender=risk.owner)
    odd.script(READ, 0, GOOD, sender=risk.owner)
    sources = [risk.source(), risk.source()]
    sources.insert(position, odd)
    key = risk.list_asset()
    risk.engine.set_sources(key, sources, PRICES._replace(min_sources=2), sender=risk.owner)
    odd.script(READ, manner, data, sender=risk.owner)
    assert risk.price(key) == (ETHER_18 * 9_990 // 10_000, ETHER_18, ETHER_18 * 10_010 // 10_000, status)


def test_prices__destroyed_or_burning_sources__dead(risk: Risk) -> None:
    key = risk.list_asset(ETHER_18, ETHER_18, ETHER_18)
    for source in risk.sources[key]:
        source.set_burn(sender=risk.owner)
    assert risk.price(key) == (0, 0, 0, DEAD)


def test_prices__source_within_its_gas_counts_and_beyond_it_does_not(risk: Risk) -> None:
    key = risk.list_asset(ETHER_18)
    now = risk.chain.timestamp()
    for spend, status in ((150_000, OK), (190_000, OK), (200_000, DEAD), (400_000, DEAD)):
        risk.sources[key][0].set_spend(reading(ETHER_18, now), spend, sender=risk.owner)
        assert risk.price(key).status == status, spend


@pytest.mark.parametrize("key", [0, 2, 3, 5 << 70, 1 << 64, 1 << 64 | 1, 2**256 - 1])
def test_prices__unlisted__dead(risk: Risk, key: int) -> None:
    assert risk.list_asset() == 1
    assert risk.price(key) == (0, 0, 0, DEAD)


def test_prices__many_keys_in_order(risk: Risk) -> None:
    keys = [risk.list_asset(WAD * (index + 1)) for index in range(15)]
    asked = [*reversed(keys), 0]
    assert [price.mid for price in risk.engine.prices(asked)] == [*(WAD * index for index in range(15, 0, -1)), 0]
    assert risk.engine.prices([]) == []


# Failure 17: a caller's gas limit never changes a status


@pytest.mark.parametrize("spend", [0, 60_000, 150_000])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_prices__gas_starved__same_answer_or_revert(risk: Risk, count: int, spend: int) -> None:
    key = risk.list_asset(*[ETHER_18] * count)
    for source in risk.sources[key]:
        source.set_spend(reading(ETHER_18, risk.chain.timestamp()), spend, sender=risk.owner)
    data = risk.engine.prices.encode([key])
    truth = risk.chain.simulate(risk.engine, data)
    outcomes = set()
    limits = [*range(22_000, 260_000, 1_000), *range(200_000, 900_000, 7_919)]
    for gas in limits:
        try:
            seen = risk.chain.simulate(risk.engine, data, gas=gas)
        except Revert as error:
            outcomes.add(error.reason or error.halt)
            continue
        assert seen == truth, gas
        outcomes.add("answer")
    assert {"answer", "oracle: gas"} <= outcomes


def test_prices__gas_starved__assess_and_prices_agree(risk: Risk) -> None:
    key = risk.list_asset(ETHER_18, ETHER_18)
    risk.sources[key][1].set_spend(reading(ETHER_18, risk.chain.timestamp()), 120_000, sender=risk.owner)
    data = risk.engine.assess.encode([key << 184 | WAD], [])
    truth = risk.chain.simulate(risk.engine, data)
    answered = 0
    for gas in range(150_000, 500_000, 1_009):
        try:
            seen = risk.chain.simulate(risk.engine, data, gas=gas)
        except Revert as error:
            assert error.reason == "oracle: gas" or error.halt
            continue
        assert seen == truth
        answered += 1
    assert answered


def test_prices__frozen_feed__spread_grows_then_no_borrowing(risk: Risk) -> None:
    """Failure 8: the feed keeps its last price while the truth falls; each hour costs spread, and its limit ends OK."""
    key = risk.list_asset(ETHER_18)
    start = risk.chain.timestamp()
    bids = []
    for hour in range(48):
        risk.answer(key, Reading(ETHER_18, ETHER_18, start, int(hour <= 24), 1))
        price = risk.price(key)
        bids.append(price.bid)
        assert price.status == (OK if hour <= 24 else STALE)
        risk.chain.warp(HOUR)
    assert bids[:39] == sorted(set(bids), reverse=True)
    assert bids[-1] == ETHER_18 * 98 // 100
