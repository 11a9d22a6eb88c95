from __future__ import annotations

from itertools import permutations

import pytest

from plimsoll.chain import RevmChain
from plimsoll.model import exposure, margin_rate, risk_engine
from plimsoll.model.price_oracle import DEAD, OK, STALE, WIDE, Parameters
from plimsoll.model.price_source import Reading
from plimsoll.model.risk_engine import Health
from tests.support import reverts
from tests.support.risk import DAY, DOLLAR_6, ETHER_18, HOUR, MARGIN, PERCENT, WAD, Risk, reading

NO_SPREAD = Parameters(min_sources=1, max_deviation=1 * PERCENT, min_spread=0, spread_growth=0, max_spread=0)
UNIT = 10**6
"""A whole token of 6 decimals."""


def has(key: int, amount: int) -> int:
    return exposure.pack(key, False, amount)


def owes(key: int, amount: int) -> int:
    return exposure.pack(key, True, amount)


def flat(rate: int) -> margin_rate.Parameters:
    """A margin that is the same for every worth."""
    ramp = margin_rate.RAMP_UNIT
    return margin_rate.Parameters(floor=rate, cap=rate, size_slope=margin_rate.MIN_SLOPE, ramp_up=ramp, ramp_down=ramp)


def test_assess__nothing(risk: Risk) -> None:
    assert risk.assess([]) == Health(0, 0, 0, 0, 0, OK)


def test_assess__leveraged_long(risk: Risk) -> None:
    """5 ether at 2,000, 8,000 dollars owed: 2,000 of equity against 5.01 % of 10,000 and 5.008 % of 8,000."""
    dollar, ether = risk.list_asset(DOLLAR_6), risk.list_asset(ETHER_18)
    health = risk.assess([has(ether, 5 * WAD), owes(dollar, 8_000 * UNIT)])
    maintenance = 10_000 * 5_010 * WAD // 10**5 + 8_000 * 5_008 * WAD // 10**5
    assert health == Health(
        equity=2_000 * WAD,
        equity_initial=2_000 * WAD - 10 * WAD - 8 * WAD,
        maintenance=maintenance,
        initial=maintenance * 3 // 2,
        debt=8_000 * WAD,
        status=OK,
    )


def test_assess__short_is_the_mirror_image(risk: Risk) -> None:
    dollar, ether = risk.list_asset(DOLLAR_6), risk.list_asset(ETHER_18)
    long = risk.assess([has(ether, 4 * WAD), owes(dollar, 8_000 * UNIT)])
    short = risk.assess([has(dollar, 8_000 * UNIT), owes(ether, 4 * WAD)])
    assert long == short


def test_assess__bad_debt__negative_equity(risk: Risk) -> None:
    dollar, ether = risk.list_asset(DOLLAR_6), risk.list_asset(ETHER_18)
    health = risk.assess([has(ether, WAD), owes(dollar, 3_000 * UNIT)])
    assert (health.equity, health.equity_initial) == (-1_000 * WAD, -1_000 * WAD - 5 * WAD)


def test_assess__order_does_not_matter(risk: Risk) -> None:
    keys = [risk.list_asset(price) for price in (DOLLAR_6 + 7, ETHER_18 + 11, 33_333, 7)]
    exposures = [has(keys[0], 3), owes(keys[1], 10**17 + 1), has(keys[2], 10**30 + 1), owes(keys[3], 12_345)]
    truth = risk.model_health(exposures)
    assert {risk.assess(list(order)) for order in permutations(exposures)} == {truth}


@pytest.mark.parametrize("amount", [1, 2, 10**18 - 1, 10**18, 10**18 + 1])
def test_assess__positives_down_debts_up(risk: Risk, amount: int) -> None:
    key = risk.list_asset(3, parameters=NO_SPREAD)
    assert risk.assess([has(key, amount)]).equity == 3 * amount // WAD
    debt = risk.assess([owes(key, amount)])
    assert debt.debt == -debt.equity == -debt.equity_initial == -(-3 * amount // WAD) > 0


def test_assess__requirements_up__asset_by_asset(risk: Risk) -> None:
    """Three balances worth one wei of a dollar each require one wei each, and two each initially."""
    keys = [risk.list_asset(1, parameters=NO_SPREAD) for _ in range(3)]
    health = risk.assess([has(keys[0], WAD), owes(keys[1], 1), owes(keys[2], WAD)])
    assert health == Health(equity=-1, equity_initial=-1, maintenance=3, initial=6, debt=2, status=OK)


@pytest.mark.parametrize("worth", [19, 20, 21, 40, 41])
def test_assess__requirement_of_a_few_wei(risk: Risk, worth: int) -> None:
    """5 % rounded up, then 1.5 times that rounded up."""
    key = risk.list_asset(1, parameters=NO_SPREAD, margin=flat(5 * PERCENT))
    health = risk.assess([has(key, worth * WAD)])
    assert health.maintenance == -(-worth // 20)
    assert health.initial == -(-health.maintenance * 3 // 2)


def test_assess__requirements__the_smallest_remainder_counts(chain: RevmChain) -> None:
    """147 wei require 20 and 1e-18 of a wei, which are 21; these require 41 and as little more initially."""
    risk = Risk.deploy(chain, initial_ratio=(41 * WAD + 1) // 21)
    key = risk.list_asset(1, parameters=NO_SPREAD, margin=flat((20 * WAD + 1) // 147))
    for balance in (has(key, 147 * WAD), owes(key, 147 * WAD)):
        health = risk.assess([balance])
        assert (health.maintenance, health.initial) == (21, 42)
        assert risk.assess_liquidation([balance]).requirement == 21


def test_assess__dead_debt__the_smallest_remainder_counts(chain: RevmChain) -> None:
    """A wei of debt requires one wei, and initially twice that and 1e-18 of it, which are 3."""
    risk = Risk.deploy(chain, initial_ratio=2 * WAD + 1)
    key = risk.list_asset()
    risk.answer(key, None)
    health = risk.assess([owes(key, 5)])
    assert (health.maintenance, health.initial, health.debt) == (1, 3, 1)


def test_assess__nothing_of_an_asset__nothing(risk: Risk) -> None:
    key = risk.list_asset()
    assert risk.assess([has(key, 0), owes(key, 0)]) == Health(0, 0, 0, 0, 0, OK)
    risk.answer(key, None)
    assert risk.assess([has(key, 0), owes(key, 0)]) == Health(0, 0, 0, 0, 0, DEAD)


def test_assess__bigger_positions_need_more_margin(risk: Risk) -> None:
    key = risk.list_asset(ETHER_18)
    small, large, huge = (risk.assess([has(key, dollars * WAD // 2_000)]) for dollars in (10**4, 10**6, 10**9))
    assert (small.maintenance, large.maintenance, huge.maintenance) == (501 * WAD, 60_000 * WAD, 2 * 10**8 * WAD)


def test_assess__uses_the_ramp(risk: Risk) -> None:
    key = risk.list_asset(ETHER_18)
    risk.set_margin(key, MARGIN._replace(floor=6 * PERCENT))
    exposures = [has(key, 5 * WAD)]
    seen = []
    for _ in range(30):
        health = risk.assess(exposures)
        assert health == risk.model_health(exposures)
        seen.append(health.maintenance)
        risk.chain.warp(HOUR)
    assert seen[0] == 501 * WAD
    assert seen[:26] == sorted(set(seen))
    assert seen[25:] == [601 * WAD] * 5


# Status


@pytest.mark.parametrize("debt", [False, True])
@pytest.mark.parametrize("status", [OK, WIDE, STALE, DEAD])
def test_assess__worst_status_wins(risk: Risk, status: int, debt: bool) -> None:
    keys = [risk.list_asset() for _ in range(3)]
    now = risk.chain.timestamp()
    answers = {
        OK: reading(ETHER_18, now),
        WIDE: reading(ETHER_18, now, trusted=0),
        STALE: reading(ETHER_18, now, fresh=0),
    }
    risk.answer(keys[1], answers.get(status))
    exposures = [has(keys[0], WAD), exposure.pack(keys[1], debt, WAD), has(keys[2], WAD)]
    assert risk.assess(exposures).status == status
    assert risk.assess(exposures) == risk.model_health(exposures)


@pytest.mark.parametrize("answer", [(1, 0), (0, 1), (0, 0)], ids=["wide", "stale and trusted", "stale"])
def test_assess__wide_and_stale__valued_as_always(risk: Risk, answer: tuple[int, int]) -> None:
    key = risk.list_asset()
    exposures = [owes(key, WAD)]
    before = risk.assess(exposures)
    risk.answer(key, reading(ETHER_18, risk.chain.timestamp(), fresh=answer[0], trusted=answer[1]))
    assert risk.assess(exposures)[:5] == before[:5]


def test_assess__dead_positive__worth_nothing_requires_nothing(risk: Risk) -> None:
    dead, alive = risk.list_asset(), risk.list_asset()
    risk.answer(dead, None)
    alone = risk.assess([owes(alive, WAD)])
    assert risk.assess([has(dead, 2**128 - 1), owes(alive, WAD)]) == alone._replace(status=DEAD)


def test_assess__dead_debt__worth_one_and_requires_one(risk: Risk) -> None:
    dead, alive = risk.list_asset(), risk.list_asset()
    risk.answer(dead, None)
    assert risk.assess([owes(dead, 2**128 - 1)]) == Health(-1, -1, 1, 2, 1, DEAD)
    alone = risk.assess([has(alive, WAD)])
    both = risk.assess([has(alive, WAD), owes(dead, 1)])
    assert both == Health(alone.equity - 1, alone.equity_initial - 1, alone.maintenance + 1, alone.initial + 2, 1, DEAD)


@pytest.mark.parametrize("key", [0, 2, 3, 5 << 64, 1 << 64, 1 << 64 | 1, 2**72 - 1])
def test_assess__unlisted__dead(risk: Risk, key: int) -> None:
    listed = risk.list_asset()
    assert risk.assess([has(key, 2**128 - 1)]) == Health(0, 0, 0, 0, 0, DEAD)
    assert risk.assess([has(listed, WAD), owes(key, WAD)]) == risk.model_health([has(listed, WAD), owes(key, WAD)])


def test_assess__free_bits_are_ignored(risk: Risk) -> None:
    key = risk.list_asset()
    garbage = (2**55 - 1) << 128
    assert risk.assess([owes(key, WAD) | garbage, has(key, 3) | garbage]) == risk.assess([owes(key, WAD), has(key, 3)])


def test_assess__all_ones(risk: Risk) -> None:
    assert risk.assess([2**256 - 1] * 12) == Health(-12, -12, 12, 24, 12, DEAD)


def test_assess__any_subset_of_assets_dead(risk: Risk) -> None:
    """Failure 19: no source's state can make an account impossible to assess."""
    keys = [risk.list_asset() for _ in range(4)]
    exposures = [has(keys[0], WAD), has(keys[1], WAD), owes(keys[2], WAD), owes(keys[3], WAD)]
    for dead in range(16):
        for index, key in enumerate(keys):
            risk.answer(key, None if dead >> index & 1 else reading(ETHER_18, risk.chain.timestamp()))
        health = risk.assess(exposures)
        assert health == risk.model_health(exposures)
        assert health.maintenance > 0


# Extremes


@pytest.mark.parametrize("ratio", [12 * 10**17, 3 * WAD])
@pytest.mark.parametrize("debt", [False, True])
def test_assess__largest_amounts_at_the_largest_price(chain: RevmChain, ratio: int, debt: bool) -> None:
    risk = Risk.deploy(chain, initial_ratio=ratio)
    cap = WAD // 3 if ratio == 3 * WAD else WAD // 2 - 1
    steepest = margin_rate.Parameters(cap, cap, margin_rate.MAX_SLOPE, margin_rate.RAMP_UNIT, margin_rate.RAMP_UNIT)
    widest = Parameters(1, 0, 25 * PERCENT, 0, 25 * PERCENT)
    keys = [risk.list_asset(parameters=widest, margin=steepest) for _ in range(12)]
    for key in keys:
        risk.answer(key, Reading(2**128 - 1, 2**128 - 1, risk.chain.timestamp(), 1, 1))
    exposures = [exposure.pack(key, debt, 2**128 - 1) for key in keys]
    health = risk.assess(exposures)
    assert health == risk.model_health(exposures)
    worth = (2**128 - 1) ** 2 // WAD + debt
    assert health.equity == 12 * worth * (-1 if debt else 1)
    assert health.maintenance == 12 * -(-worth * cap // WAD)


def test_assess__thirteen_exposures__reverts(risk: Risk) -> None:
    with reverts(""):
        risk.engine.assess([0] * 13, [])


def test_assess__too_little_gas__reverts(risk: Risk) -> None:
    key = risk.list_asset()
    with reverts("oracle: gas"):
        risk.chain.simulate(risk.engine, risk.engine.assess.encode([has(key, 1)], []), gas=200_000)


# Stress vectors of position modules


@pytest.mark.parametrize(
    ("stress", "present", "loss"),
    [
        ([], 0, 0),
        ([0], 0, 0),
        ([500 * WAD], 500 * WAD, 0),
        ([-500 * WAD], -500 * WAD, 0),
        ([0, -300 * WAD], 0, 300 * WAD),
        ([0, 300 * WAD], 0, 0),
        ([7, 5, -3, -9, 2], 7, 9),
        ([-7, *range(14, -1, -1)], -7, 0),
        ([1, *range(-1, -16, -1)], 1, 15),
        ([2**255 - 1, 2**255 - 1], 2**190, 0),
        ([-(2**255), -(2**255)], -(2**190), 2**190),
    ],
)
def test_assess__stress(risk: Risk, stress: list[int], present: int, loss: int) -> None:
    key = risk.list_asset()
    plain = risk.assess([has(key, WAD)])
    assert risk.assess([has(key, WAD)], stress) == Health(
        equity=plain.equity + present,
        equity_initial=plain.equity_initial + present,
        maintenance=plain.maintenance + loss,
        initial=plain.initial - (-loss * 3 // 2),
        debt=0,
        status=OK,
    )
    assert risk.assess([has(key, WAD)], stress) == risk.model_health([has(key, WAD)], stress)


# Arithmetic published elsewhere


def test_assess__brokers_margin_call(risk: Risk) -> None:
    """firstrade.com, Education, Margin tutorials, scenarios 1 and 2.

    20,000 of securities bought with 10,000 borrowed; at 30 % and a fall to 14,000 the equity is 4,000 against
    4,200: a call of 200. A broker asks no margin for the cash he lends, Plimsoll does (0.1 % here): taken apart below.
    """
    cash = risk.list_asset(DOLLAR_6, parameters=NO_SPREAD, margin=flat(margin_rate.MIN_FLOOR))
    stock = risk.list_asset(14_000 * WAD, parameters=NO_SPREAD, margin=flat(30 * PERCENT))
    loan = [owes(cash, 10_000 * UNIT)]
    health = risk.assess([has(stock, WAD), *loan])
    required = health.maintenance - risk.assess(loan).maintenance
    assert (health.equity, required, required - health.equity) == (4_000 * WAD, 4_200 * WAD, 200 * WAD)
    assert risk.assess(loan).maintenance == 10 * WAD


def test_assess__price_of_a_margin_call(chain: RevmChain) -> None:
    """investopedia.com, "Margin Trading": 200 shares at 50, 5,000 borrowed, 50 % initial and 30 % maintenance margin.

    The call comes below an account worth of 5,000 / (1 - 30 %) = 7,142.86, 35.71 per share; at 35 it is a call of 100.
    """
    risk = Risk.deploy(chain, initial_ratio=5 * WAD // 3 + 1)
    cash = risk.list_asset(DOLLAR_6, parameters=NO_SPREAD, margin=flat(margin_rate.MIN_FLOOR))
    stock = risk.list_asset(50 * WAD, parameters=NO_SPREAD, margin=flat(30 * PERCENT))
    loan, shares = [owes(cash, 5_000 * UNIT)], has(stock, 200 * WAD)
    apart = risk.assess(loan)

    def call(cents: int) -> int:
        risk.answer(stock, reading(cents * WAD // 100, risk.chain.timestamp()))
        health = risk.assess([shares, *loan])
        return health.maintenance - apart.maintenance - health.equity

    opened = risk.assess([shares, *loan])
    assert opened.equity == 5_000 * WAD
    assert opened.initial - apart.initial == pytest.approx(5_000 * WAD, abs=10**4)
    assert call(3_572) < 0 < call(3_571)
    assert call(3_500) == 100 * WAD


def test_assess__a_long_is_a_loan_of_at_most_one_minus_rho_m(risk: Risk) -> None:
    """The largest loan to value of a long is 1 - rho * m, were the loan itself free of margin."""
    cash = risk.list_asset(DOLLAR_6, parameters=NO_SPREAD, margin=flat(margin_rate.MIN_FLOOR))
    ether = risk.list_asset(ETHER_18, parameters=NO_SPREAD, margin=flat(10 * PERCENT))
    for debt, may in ((16_974, True), (16_975, False)):  # 20,000 * 0.85 / 1.0015 = 16,974.5
        health = risk.assess([has(ether, 10 * WAD), owes(cash, debt * UNIT)])
        assert (health.equity_initial >= health.initial) == may


# With dynamics


@pytest.mark.parametrize(
    ("late", "factor"),
    [(-DAY, 100), (0, 100), (1, 100), (HOUR * 6, 125), (DAY // 2, 150), (DAY, 200), (DAY + 1, 200), (400 * DAY, 200)],
)
def test_assess__missing_sample__raises_the_initial_requirement_only(risk: Risk, late: int, factor: int) -> None:
    key = risk.list_asset(DOLLAR_6, margin=MARGIN._replace(size_slope=margin_rate.MIN_SLOPE))
    risk.set_dynamics(key, PERCENT)
    due = risk.chain.timestamp() + 500 * DAY
    risk.measure(key, 0, due)
    risk.poke(key)
    exposures = [owes(key, 1_000 * UNIT)]
    risk.chain.set_timestamp(due - 2 * DAY)
    before = risk.assess(exposures)
    risk.chain.set_timestamp(due + late)
    after = risk.assess(exposures)
    assert after == risk.model_health(exposures)
    assert after._replace(initial=0) == before._replace(initial=0)
    assert after.initial == pytest.approx(before.initial * factor // 100, rel=10**-4)
    assert (after.initial > before.initial) == (late > 0)
    assert risk.engine.effective_rate(key, 0, due + late) == MARGIN.floor


@pytest.mark.parametrize(
    ("worth", "rate", "late", "raised"),
    [
        (10 * WAD, 99_999_999_999_977_143, 7, 100_008_101_851_828_994),  # the rate, times 7, is 1 more than days divide
        (69, 72_462_929_424_629_243, 1, 72_463_768_115_942_029),  # 69 wei at the rate it is raised to: 5 and 1e-18
    ],
)
def test_assess__missing_sample__the_smallest_remainder_counts(
    risk: Risk, worth: int, rate: int, late: int, raised: int
) -> None:
    size = -(-margin_rate.MIN_SLOPE * worth // WAD)
    margin = MARGIN._replace(floor=rate - size, size_slope=margin_rate.MIN_SLOPE)
    key = risk.list_asset(1, parameters=NO_SPREAD, margin=margin)
    risk.set_dynamics(key, PERCENT)
    due = risk.chain.timestamp() + DAY
    risk.measure(key, 0, due)
    risk.poke(key)
    risk.chain.set_timestamp(due + late)
    assert risk.engine.effective_rate(key, worth, due + late) == rate
    health = risk.assess([has(key, worth * WAD)])
    assert health.initial == -(-(worth * raised // WAD + (worth * raised % WAD > 0)) * 3 // 2)
    assert health == risk.model_health([has(key, worth * WAD)])


def test_assess__missing_sample__up_to_the_cap(risk: Risk) -> None:
    """At the cap there is nothing to raise: a whole position's worth is never asked for."""
    key = risk.list_asset(DOLLAR_6)
    risk.set_dynamics(key, PERCENT)
    risk.measure(key, 0, 1)
    exposures = {worth: [has(key, worth * UNIT)] for worth in (12 * 10**6, 10**9)}
    before = {worth: risk.assess(held) for worth, held in exposures.items()}
    risk.poke(key)
    for worth, held in exposures.items():
        assert risk.assess(held) == risk.model_health(held)
        assert risk.assess(held).initial == worth * WAD * 20 // 100 * 3 // 2
        assert risk.assess(held).maintenance == before[worth].maintenance
    assert before[10**9] == risk.assess(exposures[10**9])


@pytest.mark.parametrize("debt", [True, False])
@pytest.mark.parametrize("over", [0, 1])
def test_assess__size_limit__refuses_initial_margin_above_it(risk: Risk, debt: bool, over: int) -> None:
    """1 % per million: a limit of 2 % is 2 million dollars, whatever else the account has."""
    key, other = risk.list_asset(DOLLAR_6), risk.list_asset(DOLLAR_6)
    exposures = [exposure.pack(key, debt, 2 * 10**6 * UNIT + over), has(other, 10**12 * UNIT)]
    free = risk.assess(exposures)
    risk.set_dynamics(key, size_limit=2 * PERCENT)
    health = risk.assess(exposures)
    assert health == risk.model_health(exposures)
    assert health._replace(initial=0) == free._replace(initial=0)
    assert health.initial == free.initial if over == 0 else health.initial >= margin_rate.REFUSED
    assert (health.initial > health.equity_initial) == (over == 1)
    assert risk.assess_liquidation(exposures) == risk.model_values(exposures)


def test_assess__refused__no_list_of_exposures_affords_it(risk: Risk) -> None:
    """What is required exceeds what twelve balances and a position module can be worth together."""
    assert 11 * margin_rate.MAX_WORTH + risk_engine.MAX_STRESS < margin_rate.REFUSED
    assert 12 * margin_rate.REFUSED * 3 < 2**255


def test_assess__size_limit_and_ramp__the_slope_in_force_counts(risk: Risk) -> None:
    key = risk.list_asset(DOLLAR_6)
    risk.set_dynamics(key, size_limit=2 * PERCENT)
    exposures = [has(key, 1_900_000 * UNIT)]
    assert risk.assess(exposures).initial < margin_rate.REFUSED
    risk.set_margin(key, MARGIN._replace(size_slope=2 * 10**10))
    assert risk.assess(exposures).initial < margin_rate.REFUSED
    risk.chain.warp(60 * HOUR)
    assert risk.assess(exposures).initial >= margin_rate.REFUSED
    assert risk.assess(exposures) == risk.model_health(exposures)
