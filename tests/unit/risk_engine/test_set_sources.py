from __future__ import annotations

import pytest

from plimsoll.chain import ZERO_ADDRESS
from plimsoll.model import price_oracle
from tests.support import reverts
from tests.support.risk import BPS, ETHER_18, HOUR, PERCENT, PRICES, Risk, reading


def test_set_sources__replaces_sources_and_parameters(risk: Risk) -> None:
    key = risk.list_asset(ETHER_18, ETHER_18, ETHER_18)
    new = risk.source(ETHER_18 * 2)
    parameters = PRICES._replace(min_spread=0, max_deviation=2 * PERCENT)
    receipt = risk.engine.set_sources(key, [new], parameters, sender=risk.owner)
    assert receipt.events == [risk.engine.event("SourcesSet", key=key, sources=[new.address], parameters=parameters)]
    assert risk.engine.sources_of(key) == [new.address]
    assert tuple(risk.engine.price_parameters_of(key)) == parameters
    assert risk.price(key) == (ETHER_18 * 2, ETHER_18 * 2, ETHER_18 * 2, price_oracle.OK)


def test_set_sources__order_is_kept(risk: Risk) -> None:
    key = risk.list_asset()
    sources = [risk.source() for _ in range(3)]
    risk.engine.set_sources(key, sources, PRICES, sender=risk.owner)
    assert risk.engine.sources_of(key) == [source.address for source in sources]


def test_set_sources__other_assets_unchanged(risk: Risk) -> None:
    first, second = risk.list_asset(), risk.list_asset(isolated=True)
    before = risk.price(first), risk.engine.sources_of(first)
    risk.engine.set_sources(second, [risk.source(1), risk.source(2)], PRICES, sender=risk.owner)
    assert (risk.price(first), risk.engine.sources_of(first)) == before


@pytest.mark.parametrize("caller", ["guardian", "stranger"])
def test_set_sources__not_owner__reverts(risk: Risk, caller: str) -> None:
    key = risk.list_asset()
    with reverts("roles: owner only"):
        risk.engine.set_sources(key, [risk.source()], PRICES, sender=getattr(risk, caller))


@pytest.mark.parametrize("key", [0, 2, 3, 1 << 64 | 1, 2**256 - 1])
def test_set_sources__unknown_asset__reverts(risk: Risk, key: int) -> None:
    assert risk.list_asset() == 1
    with reverts("risk: unknown asset"):
        risk.engine.set_sources(key, [risk.source()], PRICES, sender=risk.owner)


@pytest.mark.parametrize(
    ("count", "min_sources"), [(0, 0), (0, 1), (1, 0), (1, 2), (2, 3), (3, 0), (3, 4), (3, 2**256 - 1)]
)
def test_set_sources__min_sources__reverts(risk: Risk, count: int, min_sources: int) -> None:
    key = risk.list_asset()
    with reverts("oracle: min sources"):
        sources = [risk.source() for _ in range(count)]
        risk.engine.set_sources(key, sources, PRICES._replace(min_sources=min_sources), sender=risk.owner)


@pytest.mark.parametrize(("count", "min_sources"), [(1, 1), (2, 1), (2, 2), (3, 1), (3, 2), (3, 3)])
def test_set_sources__min_sources__accepted(risk: Risk, count: int, min_sources: int) -> None:
    key = risk.list_asset()
    sources = [risk.source() for _ in range(count)]
    risk.engine.set_sources(key, sources, PRICES._replace(min_sources=min_sources), sender=risk.owner)
    assert risk.engine.price_parameters_of(key).min_sources == min_sources


MOST = price_oracle.Parameters(
    min_sources=1,
    max_deviation=20 * PERCENT,
    min_spread=25 * PERCENT,
    spread_growth=25 * PERCENT,
    max_spread=25 * PERCENT,
)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"max_deviation": 20 * PERCENT + 1}, "oracle: deviation"),
        ({"max_deviation": 2**256 - 1}, "oracle: deviation"),
        ({"max_spread": 25 * PERCENT + 1}, "oracle: spread"),
        ({"min_spread": 25 * PERCENT + BPS, "max_spread": 25 * PERCENT + BPS}, "oracle: spread"),
        ({"max_spread": 2**256 - 1}, "oracle: spread"),
        ({"max_spread": 25 * PERCENT - 1}, "oracle: spread"),
        ({"spread_growth": 25 * PERCENT + 1}, "oracle: spread growth"),
        ({"max_deviation": 1}, "oracle: basis points"),
        ({"min_spread": BPS - 1}, "oracle: basis points"),
        ({"max_spread": 25 * PERCENT - 1, "min_spread": 0}, "oracle: basis points"),
        ({"spread_growth": BPS + 1}, "oracle: basis points"),
    ],
)
def test_set_sources__bounds__reverts(risk: Risk, change: dict[str, int], reason: str) -> None:
    key = risk.list_asset()
    parameters = MOST._replace(**change)
    with reverts(reason):
        risk.engine.set_sources(key, [risk.source()], parameters, sender=risk.owner)
    with pytest.raises(ValueError, match=reason):
        price_oracle.check([reading(ETHER_18, 0)], parameters, 0)


@pytest.mark.parametrize("parameters", [MOST, price_oracle.Parameters(1, 0, 0, 0, 0)])
def test_set_sources__at_the_bounds(risk: Risk, parameters: price_oracle.Parameters) -> None:
    key = risk.list_asset()
    risk.engine.set_sources(key, [risk.source()], parameters, sender=risk.owner)
    price_oracle.check([reading(ETHER_18, 0)], parameters, 0)
    assert tuple(risk.engine.price_parameters_of(key)) == parameters


@pytest.mark.parametrize(("first", "second"), [(0, 1), (0, 2), (1, 2)])
def test_set_sources__same_source_twice__reverts(risk: Risk, first: int, second: int) -> None:
    key = risk.list_asset()
    sources = [risk.source() for _ in range(3)]
    sources[second] = sources[first]
    with reverts("oracle: same source"):
        risk.engine.set_sources(key, sources, PRICES, sender=risk.owner)


@pytest.mark.parametrize("nobody", [ZERO_ADDRESS, "0x" + "42" * 20])
def test_set_sources__no_code__reverts(risk: Risk, nobody: str) -> None:
    key = risk.list_asset()
    with reverts("oracle: no answer"):
        risk.engine.set_sources(key, [nobody], PRICES, sender=risk.owner)


def test_set_sources__stale_source__accepted(risk: Risk) -> None:
    key, source = risk.list_asset(), risk.source()
    source.set_reading(reading(ETHER_18, risk.chain.timestamp(), age=HOUR, fresh=0), sender=risk.owner)
    risk.engine.set_sources(key, [source], PRICES, sender=risk.owner)
    assert risk.price(key).status == price_oracle.STALE


def test_set_sources__price_scale__reverts(risk: Risk) -> None:
    key = risk.list_asset()
    with reverts("risk: price scale"):
        risk.engine.set_sources(key, [risk.source(10**36 + 1)], PRICES, sender=risk.owner)


def test_set_sources__too_little_gas__reverts(risk: Risk) -> None:
    key, source = risk.list_asset(), risk.source()
    with reverts("oracle: gas"):
        risk.engine.set_sources(key, [source], PRICES, sender=risk.owner, gas=220_000)
