"""The accounts nearest their line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from random import Random

import pytest

from plimsoll.keeper.state import AccountState
from plimsoll.risk import World, lines
from tests.unit.risk.conftest import ACCOUNT, ETH, USD, WAD, asset, world_of


def portfolio(seed: int, count: int) -> Mapping[int, AccountState]:
    """Return longs and shorts of all sizes and leverages, some below their line."""
    random = Random(seed)
    found = {}
    for number in range(count):
        size = random.randrange(1, 1_000)
        if number % 2:
            row = AccountState({ETH: size * WAD}, {USD: size * random.randrange(10, 95) * 10**24})
        else:
            row = AccountState({USD: size * 100 * WAD}, {ETH: size * random.randrange(10, 95) * 10**22})
        found[ACCOUNT + number] = row
    return found


def test_look__long__crosses_where_equity_meets_the_requirement(long: World) -> None:
    """10 P - 800 = 10 P * 0.1 + 800 * 0.02, so P = 816 / 9 = 90.67, 9.33 % below 100."""
    near = lines.look(long.market(), ACCOUNT, long.accounts[ACCOUNT])
    leg = near.nearest
    assert leg is not None
    assert (leg.key, leg.is_debt) == (ETH, False)
    assert leg.line_price is not None
    assert leg.line_price == pytest.approx(816 * WAD // 9, abs=10)
    assert near.distance == pytest.approx(1 - 816 / 900, abs=1e-9)
    below = long.market({**long.prices(), ETH: long.assets[ETH].price._replace(mid=leg.line_price)})
    above = long.market({**long.prices(), ETH: long.assets[ETH].price._replace(mid=leg.line_price + 1)})
    assert below.value(long.accounts[ACCOUNT]).liquidatable
    assert not above.value(long.accounts[ACCOUNT]).liquidatable


def test_look__below_its_line__distance_0() -> None:
    world = world_of({ACCOUNT: AccountState({ETH: 10 * WAD}, {USD: 950 * 10**24})})
    near = lines.look(world.market(), ACCOUNT, world.accounts[ACCOUNT])
    assert near.value.liquidatable
    assert near.distance == 0


def test_look__no_price_takes_it_there__none() -> None:
    """Dollars held against dust of ether: only the dollar's fall counts, and what is owed beyond any price does not."""
    world = world_of({ACCOUNT: AccountState({USD: 100 * WAD}, {USD + 1: 1})})
    near = lines.look(world.market(), ACCOUNT, world.accounts[ACCOUNT])
    assert near.nearest is not None
    assert near.nearest.key == USD


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("count", [0, 1, 5, 200])
def test_nearest__pruned__same_as_looking_at_all(seed: int, count: int) -> None:
    world = world_of(dict(portfolio(seed, 60)))
    market, debtors = world.market(), world.debtors()
    found = lines.nearest(market, debtors, count)
    every = [lines.look(market, account, row) for account, row in debtors.items()]
    every.sort(key=lambda near: (float("inf") if near.distance is None else near.distance, near.account))
    assert found == every[:count]


def test_nearest__looks_at_few(long: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world = world_of(dict(portfolio(1, 400)))
    looked = []
    original = lines.look

    def counted(*arguments: object) -> lines.Near:
        looked.append(arguments)
        return original(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(lines, "look", counted)
    safe = {account: row for account, row in world.debtors().items() if not world.market().value(row).liquidatable}
    lines.nearest(world.market(), safe, 5)
    assert len(looked) < len(safe) // 3


@pytest.mark.parametrize("seed", range(6))
def test_bound__never_above_the_distance(seed: int) -> None:
    """Also of accounts whose line a rise of what they owe reaches first."""
    accounts = dict(portfolio(seed, 60))
    random = Random(seed)
    for number in range(60):
        owed = random.randrange(100, 900)
        accounts[ACCOUNT + 1_000 + number] = AccountState(
            {USD: owed * random.randrange(30, 90) * WAD, ETH: owed * WAD * 6 // 10}, {USD + 3: owed * 10**24}
        )
    third = replace(asset(ETH, "BTC", 100, 30), key=USD + 3)
    world = world_of(accounts).with_asset(third)
    market = world.market()
    reached = 0
    for account, row in world.debtors().items():
        near = lines.look(market, account, row)
        least = lines.bound(market, row)
        assert near.distance is None or least <= near.distance
        reached += near.distance is not None and 0 < near.distance < 2.2 * least
    assert reached > 10
