"""Long-tail terms of the model: each errs on the side of the lenders and moves the right way."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from plimsoll.model import isolated_terms, margin_rate
from plimsoll.model.fixed_point import WAD

TICKS = st.integers(-887_072, 887_072)
LIQUIDITY = st.integers(0, 2**128 - 1)
PRICES = st.integers(0, 2**128 - 1)
RATIOS = st.integers(12 * 10**17, 3 * WAD)


@given(tick=TICKS, liquidity=LIQUIDITY, more=LIQUIDITY, quote=st.booleans(), price=PRICES, dearer=PRICES)
def test_depth__rises_with_liquidity_and_price(
    tick: int, liquidity: int, more: int, quote: bool, price: int, dearer: int
) -> None:
    depth = isolated_terms.depth(tick, liquidity, quote, price)
    assert depth <= isolated_terms.depth(tick, liquidity + more, quote, price)
    assert depth <= isolated_terms.depth(tick, liquidity, quote, min(price + dearer, 2**128 - 1))


@given(
    tick=st.integers(-200_000, 200_000),
    liquidity=st.integers(10**6, 2**110),
    quote=st.booleans(),
    price=st.integers(1, 2**128 - 1),
    part=st.integers(1, 10**6),
)
def test_least_liquidity__never_less_than_what_the_least_depth_takes(
    tick: int, liquidity: int, quote: bool, price: int, part: int
) -> None:
    """Depth is in proportion to liquidity; what was rounded down from the depth makes the answer larger."""
    depth = isolated_terms.depth(tick, liquidity, quote, price)
    assume(depth > 0)
    least = max(depth * part // 10**6, 1)
    wanted = isolated_terms.least_liquidity(liquidity, depth, least)
    assert wanted * depth >= liquidity * least
    assert wanted <= liquidity
    assert wanted <= isolated_terms.least_liquidity(liquidity, depth, min(least + 1, depth))


@given(least=st.integers(10**21, 10**27), more=st.integers(0, 10**27))
def test_size_slope__rounded_up_and_less_where_more_depth_is_demanded(least: int, more: int) -> None:
    slope = isolated_terms.size_slope(least)
    assert 0 <= slope * least - isolated_terms.IMPACT * WAD < least
    assert slope >= isolated_terms.size_slope(least + more)


@given(ratio=RATIOS, more=st.integers(0, WAD))
def test_margin_cap__leaves_an_account_something_to_borrow_for(ratio: int, more: int) -> None:
    cap = isolated_terms.margin_cap(ratio)
    assert cap * ratio < WAD * WAD
    assert isolated_terms.margin_cap(ratio + more) <= cap <= isolated_terms.MAX_CAP


@given(base=st.integers(10**15, 45 * 10**16), ratio=RATIOS, notice=st.integers(3_600, 30 * 86_400))
def test_fastest_rise__what_the_margin_rule_allows_in_its_units(base: int, ratio: int, notice: int) -> None:
    rise = isolated_terms.fastest_rise(base, ratio, notice)
    allowed = margin_rate.max_ramp_up(base, ratio, notice)
    assert rise % isolated_terms.RAMP_UNIT == 0
    assert rise <= allowed < rise + isolated_terms.RAMP_UNIT


@given(value=st.integers(0, 2**120), price=st.integers(1, 10**36), decimals=st.integers(0, 18))
def test_caps__whole_tokens_worth_no_more(value: int, price: int, decimals: int) -> None:
    unit = 10**decimals
    for cap, bound in zip(
        isolated_terms.caps(value, price, unit), (isolated_terms.SUPPLY_CAP, isolated_terms.BORROW_CAP), strict=True
    ):
        assert cap % unit == 0
        assert cap * price <= value * WAD
        assert cap <= bound
        assert cap // unit <= isolated_terms.CAP_TOKENS
