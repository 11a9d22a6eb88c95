from __future__ import annotations

import pytest

from plimsoll.chain import ZERO_ADDRESS, RevmChain
from plimsoll.model import margin_rate, risk_engine
from tests.support import reverts
from tests.support.counters import wind_on
from tests.support.risk import BPS, DOLLAR_6, ETHER_18, MARGIN, PERCENT, PRICES, Risk, reading


def test_list_asset__core__issues_single_bits(risk: Risk) -> None:
    keys = [risk.list_asset() for _ in range(3)]
    assert keys == [1, 2, 4] == [risk_engine.next_key(count, 0, False) for count in range(3)]
    assert risk.engine.asset_counts() == (3, 0)


def test_list_asset__isolated__issues_ids(risk: Risk) -> None:
    keys = [risk.list_asset(isolated=True) for _ in range(3)]
    assert (
        keys == [1 << 64 | 1, 1 << 64 | 2, 1 << 64 | 3] == [risk_engine.next_key(0, count, True) for count in range(3)]
    )
    assert risk.engine.asset_counts() == (0, 3)


def test_list_asset__tiers_are_counted_apart(risk: Risk) -> None:
    assert [risk.list_asset(isolated=isolated) for isolated in (False, True, False, True)] == [
        1,
        2**64 + 1,
        2,
        2**64 + 2,
    ]


@pytest.mark.parametrize("isolated", [False, True])
@pytest.mark.parametrize("decimals", [0, 6, 18])
def test_list_asset__events_and_registry(risk: Risk, decimals: int, isolated: bool) -> None:
    token, source = risk.token(decimals), risk.source()
    receipt = risk.engine.list_asset(token, isolated, [source], PRICES, MARGIN, sender=risk.owner)
    key = receipt.return_value
    event = risk.engine.event
    assert receipt.events == [
        event("AssetListed", key=key, token=token.address, decimals=decimals, isolated=isolated),
        event("SourcesSet", key=key, sources=[source.address], parameters=PRICES),
        event("MarginSet", key=key, parameters=MARGIN),
    ]
    assert (risk.engine.key_of(token), risk.engine.token_of(key)) == (key, token.address)


def test_list_asset__margin_in_force_at_once(risk: Risk) -> None:
    key = risk.list_asset()
    state = risk.engine.margin_of(key)
    assert not state.moving
    assert tuple(state)[:3] == MARGIN[:3]
    assert risk.engine.effective_rate(key, 0, risk.chain.timestamp()) == MARGIN.floor


@pytest.mark.parametrize("caller", ["guardian", "stranger", "deployer"])
def test_list_asset__not_owner__reverts(risk: Risk, caller: str) -> None:
    sender = risk.chain.accounts()[0] if caller == "deployer" else getattr(risk, caller)
    with reverts("roles: owner only"):
        risk.engine.list_asset(risk.token(), False, [risk.source()], PRICES, MARGIN, sender=sender)


def test_list_asset__zero_address__reverts(risk: Risk) -> None:
    with reverts("risk: zero address"):
        risk.engine.list_asset(ZERO_ADDRESS, False, [risk.source()], PRICES, MARGIN, sender=risk.owner)


@pytest.mark.parametrize("again_isolated", [False, True])
def test_list_asset__twice__reverts(risk: Risk, again_isolated: bool) -> None:
    token, source = risk.token(), risk.source()
    risk.engine.list_asset(token, False, [source], PRICES, MARGIN, sender=risk.owner)
    with reverts("risk: listed already"):
        risk.engine.list_asset(token, again_isolated, [source], PRICES, MARGIN, sender=risk.owner)


def test_list_asset__no_index_left__reverts(risk: Risk) -> None:
    source = risk.source()
    for index in range(64):
        receipt = risk.engine.list_asset(risk.token(), False, [source], PRICES, MARGIN, sender=risk.owner)
        assert receipt.return_value == 1 << index
    with reverts("risk: no index left"):
        risk.engine.list_asset(risk.token(), False, [source], PRICES, MARGIN, sender=risk.owner)
    with pytest.raises(ValueError, match="risk: no index left"):
        risk_engine.next_key(64, 0, False)
    assert risk.list_asset(isolated=True) == 2**64 + 1


def test_list_asset__no_id_left__reverts() -> None:
    risk = Risk.deploy(RevmChain())
    last = 2**64 - 1
    wind_on(risk.chain, risk.engine, lambda: risk.list_asset(isolated=True), last - 1)
    assert risk.list_asset(isolated=True) == 1 << 64 | last == risk_engine.next_key(0, last - 1, True)
    with reverts("risk: no index left"):
        risk.engine.list_asset(risk.token(), True, [risk.source()], PRICES, MARGIN, sender=risk.owner)
    with pytest.raises(ValueError, match="risk: no index left"):
        risk_engine.next_key(0, last, True)


@pytest.mark.parametrize("decimals", [19, 255])
def test_list_asset__decimals__reverts(risk: Risk, decimals: int) -> None:
    with reverts("risk: decimals"):
        risk.engine.list_asset(risk.token(decimals), False, [risk.source()], PRICES, MARGIN, sender=risk.owner)


def test_list_asset__token_without_code__reverts(risk: Risk) -> None:
    with reverts("risk: decimals"):
        risk.engine.list_asset(risk.stranger, False, [risk.source()], PRICES, MARGIN, sender=risk.owner)


def test_list_asset__token_without_decimals__reverts(risk: Risk) -> None:
    with reverts("risk: decimals"):
        risk.engine.list_asset(risk.source(), False, [risk.source()], PRICES, MARGIN, sender=risk.owner)


def test_list_asset__price_of_one_dollar_per_raw_unit__accepted(risk: Risk) -> None:
    assert risk.list_asset(10**36) == 1


def test_list_asset__price_scale__reverts(risk: Risk) -> None:
    with reverts("risk: price scale"):
        risk.list_asset(10**36 + 1)


def test_list_asset__price_scale_of_the_limited_number__reverts(risk: Risk) -> None:
    source = risk.source()
    source.set_reading((10**36, 10**36 + 1, risk.chain.timestamp(), 1, 1), sender=risk.owner)
    with reverts("risk: price scale"):
        risk.engine.list_asset(risk.token(), False, [source], PRICES, MARGIN, sender=risk.owner)


def test_list_asset__price_scale_of_a_later_source__reverts(risk: Risk) -> None:
    with reverts("risk: price scale"):
        risk.list_asset(DOLLAR_6, DOLLAR_6, 10**36 + 1)


@pytest.mark.parametrize("position", [0, 1, 2])
def test_list_asset__dead_source__reverts(risk: Risk, position: int) -> None:
    sources = [risk.source() for _ in range(3)]
    sources[position].set_revert(sender=risk.owner)
    with reverts("oracle: no answer"):
        risk.engine.list_asset(risk.token(), False, sources, PRICES, MARGIN, sender=risk.owner)


@pytest.mark.parametrize("prices", [(ETHER_18, ETHER_18 * 102 // 100), (ETHER_18, ETHER_18, ETHER_18 // 2)])
@pytest.mark.parametrize("isolated", [False, True])
def test_list_asset__sources_disagree__reverts(risk: Risk, prices: tuple[int, ...], isolated: bool) -> None:
    with reverts("risk: sources disagree"):
        risk.list_asset(*prices, isolated=isolated)
    assert risk.engine.asset_counts() == (0, 0)


@pytest.mark.parametrize("change", [{"fresh": 0}, {"trusted": 0}])
def test_list_asset__not_ok__reverts(risk: Risk, change: dict[str, int]) -> None:
    """Nothing is listed that could not be used at once: too few sources that are fresh and trusted."""
    sources = [risk.source() for _ in range(2)]
    sources[1].set_reading(reading(ETHER_18, risk.chain.timestamp(), **change), sender=risk.owner)
    parameters = PRICES._replace(min_sources=2)
    with reverts("risk: sources disagree"):
        risk.engine.list_asset(risk.token(), False, sources, parameters, MARGIN, sender=risk.owner)


def test_list_asset__a_failed_listing_uses_no_key(risk: Risk) -> None:
    with reverts("margin: floor"):
        risk.list_asset(margin=MARGIN._replace(floor=0))
    assert risk.engine.asset_counts() == (0, 0)
    assert risk.list_asset() == 1


def test_list_asset__margin_is_checked_against_its_own_floor(risk: Risk) -> None:
    most = (
        margin_rate.max_ramp_up(PERCENT, risk.initial_ratio, risk.notice)
        // margin_rate.RAMP_UNIT
        * margin_rate.RAMP_UNIT
    )
    with reverts("margin: notice"):
        risk.list_asset(margin=MARGIN._replace(floor=PERCENT, ramp_up=most + margin_rate.RAMP_UNIT))
    assert risk.list_asset(margin=MARGIN._replace(floor=PERCENT, ramp_up=most)) == 1


def test_list_asset__prices_are_checked(risk: Risk) -> None:
    with reverts("oracle: spread"):
        risk.list_asset(ETHER_18, parameters=PRICES._replace(min_spread=3 * PERCENT))
    with reverts("oracle: basis points"):
        risk.list_asset(ETHER_18, parameters=PRICES._replace(min_spread=BPS + 1))
