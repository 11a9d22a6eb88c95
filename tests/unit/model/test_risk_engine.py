"""Assessments of the model: more to have never hurts, more to owe never helps, and no split of an account pays."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from plimsoll.model import cure, exposure, margin_rate, risk_engine
from plimsoll.model.margin_rate import Parameters
from plimsoll.model.price_oracle import DEAD, OK, WIDE, Clock, Price
from plimsoll.model.risk_engine import MAX_STRESS

WAD = 10**18
NOW = 1_700_000_000
DELAY = 3_600
KEYS = (1, 2, 4)
MARGINS = {
    key: margin_rate.list_asset(Parameters(floor, 4 * WAD // 10, slope, 10**12, 10**12), NOW)
    for key, floor, slope in ((1, WAD // 100, 10**6), (2, WAD // 20, 10**9), (4, WAD // 10, 10**13))
}
amounts = st.one_of(st.integers(0, 10**6), st.integers(0, 10**24))


@st.composite
def prices(draw: st.DrawFn, status: int | None = None) -> dict[int, Price]:
    found = {}
    for key in KEYS:
        mid = draw(st.integers(1, 10**30))
        bid, ask = mid * draw(st.integers(8_000, 10_000)) // 10_000, mid * draw(st.integers(10_000, 12_500)) // 10_000
        found[key] = Price(
            max(bid, 1), mid, max(ask, mid), draw(st.sampled_from([OK, WIDE])) if status is None else status
        )
    return found


def packed(held: dict[int, int], owed: dict[int, int]) -> list[int]:
    return [
        exposure.pack(key, debt, amount) for debt, side in ((False, held), (True, owed)) for key, amount in side.items()
    ]


def assess(held: dict[int, int], owed: dict[int, int], said: dict[int, Price]) -> risk_engine.Health:
    return risk_engine.assess(packed(held, owed), [], said, MARGINS, 15 * 10**17, NOW)


sides = st.dictionaries(st.sampled_from(KEYS), amounts, max_size=3)


@given(held=sides, owed=sides, said=prices())
def test_assess__initial_is_no_easier_than_maintenance(
    held: dict[int, int], owed: dict[int, int], said: dict[int, Price]
) -> None:
    health = assess(held, owed, said)
    assert health.equity_initial <= health.equity
    assert health.initial >= health.maintenance
    assert health.debt >= 0


@given(held=sides, owed=sides, said=prices(), key=st.sampled_from(KEYS), more=amounts)
def test_assess__more_of_an_asset__never_less_free_equity(
    held: dict[int, int], owed: dict[int, int], said: dict[int, Price], key: int, more: int
) -> None:
    """At maintenance, up to a unit for what rounds: the marginal rate stays below 1."""
    before = assess(held, owed, said)
    after = assess({**held, key: held.get(key, 0) + more}, owed, said)
    assert after.equity - after.maintenance >= before.equity - before.maintenance - 2


@given(held=sides, owed=sides, said=prices(), key=st.sampled_from(KEYS), more=amounts)
def test_assess__more_debt__never_more_free_equity(
    held: dict[int, int], owed: dict[int, int], said: dict[int, Price], key: int, more: int
) -> None:
    before = assess(held, owed, said)
    after = assess(held, {**owed, key: owed.get(key, 0) + more}, said)
    assert after.equity - after.maintenance <= before.equity - before.maintenance
    assert after.equity_initial - after.initial <= before.equity_initial - before.initial
    assert after.debt >= before.debt


@given(first=sides, second=sides, owed=sides, more=sides, said=prices())
def test_assess__two_accounts_as_one__are_worth_no_less(
    first: dict[int, int], second: dict[int, int], owed: dict[int, int], more: dict[int, int], said: dict[int, Price]
) -> None:
    """Splitting an account makes no equity: each part rounds against itself."""

    def both(one: dict[int, int], other: dict[int, int]) -> dict[int, int]:
        return {key: one.get(key, 0) + other.get(key, 0) for key in {*one, *other}}

    parts = [assess(first, owed, said), assess(second, more, said)]
    whole = assess(both(first, second), both(owed, more), said)
    assert sum(part.equity for part in parts) <= whole.equity
    assert sum(part.equity_initial for part in parts) <= whole.equity_initial
    assert sum(part.debt for part in parts) >= whole.debt


@given(held=sides, owed=sides, said=prices(WIDE), good=st.dictionaries(st.sampled_from(KEYS), st.integers(1, 10**30)))
def test_assess_liquidation__what_is_not_certain__favours_the_account(
    held: dict[int, int], owed: dict[int, int], said: dict[int, Price], good: dict[int, int]
) -> None:
    """Not settled is better than settled, and inside the cure window no worse than that."""
    exposures = packed(held, owed)
    last = {key: cure.LastGood(price, NOW - 10**6) for key, price in good.items()}
    running = {key: Clock(NOW - DELAY, NOW, 0) for key in KEYS}
    settled, doubtful, curing = (
        risk_engine.assess_liquidation(exposures, said, clocks, MARGINS, DELAY, NOW, last, curing)
        for clocks, curing in ((running, False), ({}, False), ({}, True))
    )
    assert settled.certain
    assert not curing.certain
    assert settled.equity <= doubtful.equity <= curing.equity
    assert settled.positive <= doubtful.positive <= curing.positive
    assert settled.debt >= doubtful.debt >= curing.debt


@given(held=sides, owed=sides, said=prices(OK), gone=st.sampled_from(KEYS))
def test_assess_liquidation__without_a_price__is_left_where_it_is(
    held: dict[int, int], owed: dict[int, int], said: dict[int, Price], gone: int
) -> None:
    exposures = packed(held, owed)
    found = risk_engine.assess_liquidation(exposures, {**said, gone: Price(0, 0, 0, DEAD)}, {}, MARGINS, DELAY, NOW)
    keys = [exposure.unpack(each)[0] for each in exposures]
    assert found.excluded == sum(1 << at for at, key in enumerate(keys) if key == gone)
    assert found.certain == (gone not in keys)


@given(stress=st.lists(st.integers(-(2**200), 2**200), max_size=5))
def test_worst_loss__bounded_and_never_a_gain(stress: list[int]) -> None:
    present, loss = risk_engine.worst_loss(stress)
    assert -MAX_STRESS <= present <= MAX_STRESS
    assert 0 <= loss <= MAX_STRESS
    if stress:
        assert loss == risk_engine.worst_loss([stress[0], *sorted(stress[1:])])[1]
