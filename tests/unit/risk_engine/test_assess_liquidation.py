from __future__ import annotations

from itertools import permutations, product

import pytest

from plimsoll.chain import RevmChain
from plimsoll.model import exposure, margin_rate
from plimsoll.model.liquidation_auction import Values
from plimsoll.model.price_oracle import DEAD, MAX_MARK_GAP, OK, STALE, WIDE, Parameters
from plimsoll.model.price_source import Reading
from tests.support import reverts
from tests.support.risk import DOLLAR_6, ETHER_18, HOUR, PERCENT, WAD, WIDE_DELAY, Risk, reading

TENTH = Parameters(min_sources=1, max_deviation=1 * PERCENT, min_spread=10**17, spread_growth=0, max_spread=10**17)
"""A half spread of a tenth, so that bid, mid and ask of 2,000 are 1,800, 2,000 and 2,200."""
BID, MID, ASK = ETHER_18 * 9 // 10, ETHER_18, ETHER_18 * 11 // 10
NOT_OK = [WIDE, STALE, DEAD]


def has(key: int, amount: int) -> int:
    return exposure.pack(key, False, amount)


def owes(key: int, amount: int) -> int:
    return exposure.pack(key, True, amount)


def flat(rate: int) -> margin_rate.Parameters:
    """A margin that is the same for every worth, but for a millionth of a millionth per dollar."""
    ramp = margin_rate.RAMP_UNIT
    return margin_rate.Parameters(floor=rate, cap=rate, size_slope=margin_rate.MIN_SLOPE, ramp_up=ramp, ramp_down=ramp)


def asset(risk: Risk) -> int:
    return risk.list_asset(ETHER_18, parameters=TENTH, margin=flat(5 * PERCENT))


def become(risk: Risk, key: int, status: int) -> None:
    now = risk.chain.timestamp()
    fine = reading(ETHER_18, now, fresh=int(status != STALE), trusted=int(status == OK))
    risk.answer(key, None if status == DEAD else fine)
    assert risk.price(key).status == status


def keep_marking(risk: Risk, *keys: int, seconds: int = WIDE_DELAY) -> None:
    """Mark now, then each hour for `seconds`, the last time not after them."""
    risk.mark(*keys)
    for _ in range(seconds // HOUR):
        risk.chain.warp(HOUR)
        risk.mark(*keys)
    risk.chain.warp(seconds % HOUR)


def expected(status: int, settled: bool, debt: bool) -> Values:
    """One balance of one ether, by the table in the contract's documentation."""
    worth, certain, excluded = MID, True, 0
    if status != OK and not settled:
        worth, certain, excluded = (BID if debt else ASK), False, 0
        if status == DEAD:
            worth, excluded = 0, 1
    elif status == DEAD:
        worth = int(debt)
    required = -(-worth * 5 // 100)
    sides = (0, worth, 0, required) if debt else (worth, 0, required, 0)
    return Values(*sides, certain, excluded)


@pytest.mark.parametrize(("status", "settled", "debt"), [*product([OK, *NOT_OK], [False, True], [False, True])])
def test_assess_liquidation__every_cell(risk: Risk, status: int, settled: bool, debt: bool) -> None:
    key = asset(risk)
    become(risk, key, status)
    keep_marking(risk, key, seconds=WIDE_DELAY if settled else WIDE_DELAY - 1)
    exposures = [exposure.pack(key, debt, WAD)]
    assert risk.assess_liquidation(exposures) == expected(status, settled, debt)
    assert risk.assess_liquidation(exposures) == risk.model_values(exposures)


@pytest.mark.parametrize(("status", "debt"), [*product(NOT_OK, [False, True])])
def test_assess_liquidation__the_delay_to_the_second(risk: Risk, status: int, debt: bool) -> None:
    key = asset(risk)
    become(risk, key, status)
    keep_marking(risk, key, seconds=WIDE_DELAY - 1)
    exposures = [exposure.pack(key, debt, WAD)]
    assert not risk.assess_liquidation(exposures).certain
    risk.chain.warp(1)
    assert risk.assess_liquidation(exposures) == expected(status, True, debt)


@pytest.mark.parametrize(("status", "debt"), [*product(NOT_OK, [False, True])])
def test_assess_liquidation__never_marked__never_settled(risk: Risk, status: int, debt: bool) -> None:
    key = asset(risk)
    become(risk, key, status)
    risk.chain.warp(100 * WIDE_DELAY)
    assert risk.assess_liquidation([exposure.pack(key, debt, WAD)]) == expected(status, False, debt)


@pytest.mark.parametrize(("status", "debt"), [*product(NOT_OK, [False, True])])
def test_assess_liquidation__nobody_marks_any_more__not_settled(risk: Risk, status: int, debt: bool) -> None:
    key = asset(risk)
    become(risk, key, status)
    keep_marking(risk, key)
    exposures = [exposure.pack(key, debt, WAD)]
    risk.chain.warp(MAX_MARK_GAP)
    assert risk.assess_liquidation(exposures) == expected(status, True, debt)
    risk.chain.warp(1)
    assert risk.assess_liquidation(exposures) == expected(status, False, debt)
    risk.mark(key)
    assert risk.assess_liquidation(exposures) == expected(status, False, debt) == risk.model_values(exposures)


@pytest.mark.parametrize("status", NOT_OK)
def test_assess_liquidation__found_ok_once__starts_again(risk: Risk, status: int) -> None:
    key = asset(risk)
    become(risk, key, status)
    keep_marking(risk, key)
    become(risk, key, OK)
    risk.mark(key)
    become(risk, key, status)
    keep_marking(risk, key, seconds=WIDE_DELAY - 1)
    assert risk.assess_liquidation([has(key, WAD)]) == expected(status, False, False)
    risk.chain.warp(1)
    assert risk.assess_liquidation([has(key, WAD)]) == expected(status, True, False)


def test_assess_liquidation__ok_now__at_mid_whatever_the_clock_says(risk: Risk) -> None:
    key = asset(risk)
    become(risk, key, WIDE)
    keep_marking(risk, key, seconds=HOUR)
    become(risk, key, OK)
    assert risk.assess_liquidation([has(key, WAD)]) == expected(OK, False, False)


@pytest.mark.parametrize("first", [WIDE, STALE])
@pytest.mark.parametrize("debt", [False, True])
def test_assess_liquidation__dead_after_it_was_settled__has_its_own_delay(risk: Risk, first: int, debt: bool) -> None:
    """However long it was WIDE: losing its price for a moment makes a positive not worthless, nor a debt free."""
    key = asset(risk)
    become(risk, key, first)
    keep_marking(risk, key, seconds=5 * WIDE_DELAY)
    exposures = [exposure.pack(key, debt, WAD)]
    assert risk.assess_liquidation(exposures) == expected(first, True, debt)
    become(risk, key, DEAD)
    assert risk.assess_liquidation(exposures) == expected(DEAD, False, debt)
    keep_marking(risk, key, seconds=WIDE_DELAY - 1)
    assert risk.assess_liquidation(exposures) == expected(DEAD, False, debt) == risk.model_values(exposures)
    risk.chain.warp(1)
    assert risk.assess_liquidation(exposures) == expected(DEAD, True, debt) == risk.model_values(exposures)
    become(risk, key, first)
    assert risk.assess_liquidation(exposures) == expected(first, True, debt)


def test_assess_liquidation__new_sources__a_new_delay(risk: Risk) -> None:
    key = asset(risk)
    become(risk, key, WIDE)
    keep_marking(risk, key)
    risk.set_sources(key, ETHER_18)
    become(risk, key, WIDE)
    assert risk.assess_liquidation([has(key, WAD)]) == expected(WIDE, False, False)
    keep_marking(risk, key)
    assert risk.assess_liquidation([has(key, WAD)]) == expected(WIDE, True, False)


# What counts in whose favour


@pytest.mark.parametrize("factor", [1, 500, 985, 995, 1_005, 1_015, 2_000, 10**15])
@pytest.mark.parametrize("position", [0, 1, 2])
@pytest.mark.parametrize("debt", [False, True])
def test_assess_liquidation__one_captured_source__no_take_below_the_honest_price(
    risk: Risk, factor: int, position: int, debt: bool
) -> None:
    """Invariant 16: until `wide_delay` a positive counts at least its honest worth, a debt at most, whatever one says.

    `factor` in thousandths; within the 1 % that sources may disagree it is OK, and mid moved by half of it at most.
    """
    count = max(2, position + 1)
    key = risk.list_asset(*[ETHER_18] * count, parameters=TENTH._replace(min_sources=2))
    honest = risk.assess_liquidation([exposure.pack(key, debt, WAD)])
    answers = [reading(ETHER_18, risk.chain.timestamp()) for _ in range(count)]
    answers[position] = reading(ETHER_18 * factor // 1_000, risk.chain.timestamp())
    risk.answer(key, *answers)
    keep_marking(risk, key, seconds=WIDE_DELAY - 1)
    values = risk.assess_liquidation([exposure.pack(key, debt, WAD)])
    agrees = abs(factor - 1_000) == 5
    assert values.certain == agrees
    slack = honest.positive // 400 if agrees else 0
    assert values.positive >= honest.positive - slack
    assert values.debt <= honest.debt + honest.debt // 400 * agrees
    if not agrees:
        assert values.equity - values.requirement >= honest.equity - honest.requirement


@pytest.mark.parametrize(("raw", "limited"), [(700, 1_000), (1_300, 1_000)])
def test_assess_liquidation__a_lone_source_that_outruns_its_limit(risk: Risk, raw: int, limited: int) -> None:
    """Before the delay the number that favours the account, then the limited one."""
    key = risk.list_asset(1_000 * WAD, parameters=TENTH._replace(min_spread=0, max_spread=0))
    risk.answer(key, reading(raw * WAD, risk.chain.timestamp(), clamped=limited * WAD))
    before = risk.assess_liquidation([has(key, WAD), owes(key, WAD)])
    favourable = (max(raw, limited) * WAD, min(raw, limited) * WAD, False)
    assert (before.positive, before.debt, before.certain) == favourable
    keep_marking(risk, key)
    after = risk.assess_liquidation([has(key, WAD), owes(key, WAD)])
    assert (after.positive, after.debt, after.certain) == (limited * WAD, limited * WAD, True)


@pytest.mark.parametrize("dollars", [10**3, 10**6, 10**7, 10**9])
@pytest.mark.parametrize("debt", [False, True])
@pytest.mark.parametrize("status", [WIDE, STALE])
def test_assess_liquidation__doubt_never_lowers_equity_less_requirement(
    risk: Risk, dollars: int, debt: bool, status: int
) -> None:
    """The requirement of a positive at ask is larger too, on every part of a size-dependent rate, but by less."""
    steep = margin_rate.Parameters(49 * 10**16, 49 * 10**16, 10**10, 10**11, 10**11)
    sloped = margin_rate.Parameters(5 * PERCENT, 49 * PERCENT, 10**10, 10**11, 10**11)
    for margin in (steep, sloped):
        key = risk.list_asset(ETHER_18, parameters=TENTH, margin=margin)
        exposures = [exposure.pack(key, debt, dollars * WAD // 2_000)]
        sure = risk.assess_liquidation(exposures)
        become(risk, key, status)
        doubtful = risk.assess_liquidation(exposures)
        assert doubtful.equity - doubtful.requirement > sure.equity - sure.requirement


def test_assess_liquidation__both_sides_of_one_account(risk: Risk) -> None:
    """One OK, one WIDE, one settled, one DEAD on each side: each in its own way."""
    keys = [asset(risk) for _ in range(8)]
    for key, status in zip(keys, [OK, WIDE, WIDE, DEAD] * 2, strict=True):
        become(risk, key, status)
    keep_marking(risk, keys[2], keys[6])
    exposures = [*(has(key, WAD) for key in keys[:4]), *(owes(key, WAD) for key in keys[4:])]
    values = risk.assess_liquidation(exposures)
    assert values.positive == MID + ASK + MID
    assert values.debt == MID + BID + MID
    assert (values.positive_requirement, values.debt_requirement) == (310 * WAD, 290 * WAD)
    assert (values.certain, values.excluded) == (False, 0b1000_1000)
    assert values == risk.model_values(exposures)


def test_assess_liquidation__all_settled__certain(risk: Risk) -> None:
    keys = [asset(risk) for _ in range(4)]
    for key, status in zip(keys, [OK, WIDE, STALE, DEAD], strict=True):
        become(risk, key, status)
    keep_marking(risk, *keys)
    values = risk.assess_liquidation([has(key, WAD) for key in keys])
    assert (values.positive, values.certain, values.excluded) == (3 * MID, True, 0)


def test_assess_liquidation__excluded_bits_follow_the_order(risk: Risk) -> None:
    keys = [asset(risk) for _ in range(4)]
    for key in keys[:2]:
        become(risk, key, DEAD)
    base = [has(keys[0], 3), owes(keys[1], 5), has(keys[2], 7), owes(keys[3], 11)]
    for order in permutations(base):
        values = risk.assess_liquidation(list(order))
        assert values.excluded == sum(1 << index for index, packed in enumerate(order) if packed in base[:2])
        assert values == risk.model_values(list(order))


def test_assess_liquidation__ok__as_assess(risk: Risk) -> None:
    dollar, ether = risk.list_asset(DOLLAR_6), risk.list_asset(ETHER_18)
    exposures = [has(ether, 5 * WAD + 1), owes(dollar, 8_000 * 10**6 + 1)]
    values, health = risk.assess_liquidation(exposures), risk.assess(exposures)
    assert (values.equity, values.requirement, values.debt) == (health.equity, health.maintenance, health.debt)
    assert (values.certain, values.excluded) == (True, 0)


# Edges


def test_assess_liquidation__nothing(risk: Risk) -> None:
    assert risk.assess_liquidation([]) == Values(0, 0, 0, 0, True, 0)


@pytest.mark.parametrize(("status", "debt", "settled"), [*product([OK, *NOT_OK], [False, True], [False, True])])
def test_assess_liquidation__amount_0__worth_and_requires_nothing(
    risk: Risk, status: int, debt: bool, settled: bool
) -> None:
    key = asset(risk)
    become(risk, key, status)
    keep_marking(risk, key, seconds=WIDE_DELAY if settled else 0)
    values = risk.assess_liquidation([exposure.pack(key, debt, 0)])
    uncertain = status != OK and not settled
    assert values == Values(0, 0, 0, 0, not uncertain, int(uncertain and status == DEAD))


@pytest.mark.parametrize("amount", [1, WAD, 2**128 - 1])
def test_assess_liquidation__settled_dead_debt__one_wei_whatever_the_amount(risk: Risk, amount: int) -> None:
    key = asset(risk)
    become(risk, key, DEAD)
    keep_marking(risk, key)
    assert risk.assess_liquidation([owes(key, amount)]) == Values(0, 1, 0, 1, True, 0)
    assert risk.assess_liquidation([has(key, amount)]) == Values(0, 0, 0, 0, True, 0)


@pytest.mark.parametrize("key", [0, 2, 3, 5 << 64, 1 << 64, 1 << 64 | 1, 2**72 - 1])
def test_assess_liquidation__unlisted__excluded_for_ever(risk: Risk, key: int) -> None:
    asset(risk)
    risk.chain.warp(10 * WIDE_DELAY)
    assert risk.assess_liquidation([has(key, 2**128 - 1), owes(key, 1)]) == Values(0, 0, 0, 0, False, 3)


def test_assess_liquidation__duplicates__add_up(risk: Risk) -> None:
    key = asset(risk)
    once, twice = (risk.assess_liquidation([has(key, WAD)] * times) for times in (1, 2))
    assert twice == Values(2 * once.positive, 0, 2 * once.positive_requirement, 0, True, 0)


def test_assess_liquidation__all_ones(risk: Risk) -> None:
    assert risk.assess_liquidation([2**256 - 1] * 12) == Values(0, 0, 0, 0, False, 2**12 - 1)


@pytest.mark.parametrize("debt", [False, True])
@pytest.mark.parametrize("trusted", [0, 1])
def test_assess_liquidation__largest_amounts_at_the_largest_price(chain: RevmChain, debt: bool, trusted: int) -> None:
    """No total overflows, at mid or at the favourable side."""
    risk = Risk.deploy(chain)
    cap = WAD // 2 - 1
    steepest = margin_rate.Parameters(cap, cap, margin_rate.MAX_SLOPE, margin_rate.RAMP_UNIT, margin_rate.RAMP_UNIT)
    widest = Parameters(1, 0, 0, 0, 25 * PERCENT)
    keys = [risk.list_asset(parameters=widest, margin=steepest) for _ in range(12)]
    for key in keys:
        risk.answer(key, Reading(2**128 - 1, 2**128 - 1, risk.chain.timestamp(), 1, trusted))
    exposures = [exposure.pack(key, debt, 2**128 - 1) for key in keys]
    values = risk.assess_liquidation(exposures)
    assert values == risk.model_values(exposures)
    worth = (2**128 - 1) ** 2 // WAD + debt
    assert (values.debt if debt else values.positive) == 12 * worth
    assert values.requirement == 12 * -(-worth * cap // WAD)
    assert values.certain == bool(trusted)


def test_assess_liquidation__thirteen_exposures__reverts(risk: Risk) -> None:
    with reverts(""):
        risk.engine.assess_liquidation([0] * 13)


def test_assess_liquidation__too_little_gas__reverts(risk: Risk) -> None:
    key = asset(risk)
    with reverts("oracle: gas"):
        risk.chain.simulate(risk.engine, risk.engine.assess_liquidation.encode([has(key, 1)]), gas=200_000)
