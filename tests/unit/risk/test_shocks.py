"""Losses under shocks, against numbers worked out by hand and against the contracts after the price has moved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import pytest

from plimsoll.keeper.state import AccountState
from plimsoll.model import liquidation_auction
from plimsoll.model.price_oracle import OK, WIDE
from plimsoll.risk import World, read, shocks
from plimsoll.risk.accounts import viewed
from plimsoll.risk.shocks import Outcome, compute, moved
from plimsoll.risk.world import VAULT, Source
from tests.support import scenario
from tests.unit.risk.conftest import ACCOUNT, ETH, USD, WAD, asset, protocol_of, world_of

COST = Fraction(1, 200)
CLOSE = WAD // 10**9
"""A billionth of a dollar."""


def market(world: World, percent: int) -> Outcome:
    return compute(world, moved(world, "", "market", {USD: 100, ETH: percent}))


def dollars(value: Fraction) -> int:
    return round(value * WAD)


def bonus_when_taken(penalty: Fraction) -> tuple[int, Fraction]:
    """Return the first second at which time alone pays half a percent, and the bonus then: -10 % to all in 600 s."""
    for second in range(601):
        bonus = penalty * (Fraction(-1, 10) + Fraction(11, 10) * Fraction(second, 600))
        if bonus >= COST:
            return second, bonus
    raise AssertionError("nobody takes")


# By hand


def test_market__as_it_is__loses_nothing(long: World) -> None:
    outcome = market(long, 100)
    assert (outcome.equity, outcome.lost, outcome.liquidatable, outcome.pools) == (200 * WAD, 0, (), {})


def test_market__small_fall__takes_part(long: World) -> None:
    """At 90: equity 100, requirement 90 + 16 = 106, penalty 106 / 800; the target is 9/8 of the requirement."""
    outcome = market(long, 90)
    second, bonus = bonus_when_taken(Fraction(106, 800))
    per_whole = Fraction(9, 8) * 90 * (1 + bonus) * Fraction(800, 900) + Fraction(9, 8) * 16 - bonus * 800
    taken = 800 * (Fraction(9, 8) * 106 - 100) / per_whole
    assert second == 76
    assert outcome.slowest == second
    assert outcome.liquidatable == (ACCOUNT,)
    assert (outcome.insolvent, outcome.stuck, outcome.debt, outcome.pools) == (0, 0, 800 * WAD, {})
    assert outcome.assumed == pytest.approx(dollars(taken), abs=CLOSE)
    assert outcome.paid == pytest.approx(dollars(taken * bonus), abs=CLOSE)
    assert outcome.lost == pytest.approx(dollars(100 + taken * bonus), abs=CLOSE)


def test_market__deep_fall__reserve_first_then_lenders(long: World) -> None:
    """At 50: 500 of collateral pay for 500 / (1 + bonus) of 800 of debt; the reserve has 100."""
    outcome = market(long, 50)
    _, bonus = bonus_when_taken(Fraction(66, 800))
    bad = 800 - 500 / (1 + bonus)
    assert (outcome.insolvent, outcome.stuck) == (1, 0)
    assert outcome.lost == 200 * WAD
    assert outcome.bad_debt() == pytest.approx(dollars(bad), abs=CLOSE)
    assert outcome.reserve() == 100 * WAD
    assert outcome.lenders() == pytest.approx(dollars(bad - 100), abs=CLOSE)
    assert outcome.pools[USD].lenders == outcome.pools[USD].bad - 100 * WAD


def test_market__bonus_below_the_cost__stuck_and_short(long: World) -> None:
    """A taker who wants 19 % is never paid that by a penalty of 66 / 800: the account is short of 300 dollars."""
    shock = moved(long, "", "market", {USD: 100, ETH: 50})
    outcome = compute(long, shock, 19 * WAD // 100)
    assert (outcome.stuck, outcome.assumed, outcome.paid) == (1, 0, 0)
    assert outcome.bad_debt() == 300 * WAD


def test_market__rise__only_losers_count(long: World) -> None:
    short = world_of(
        {
            ACCOUNT: AccountState({ETH: 10 * WAD}, {USD: 800 * 10**24}),
            ACCOUNT + 1: AccountState({USD: 500 * WAD}, {ETH: 10**24}),
        }
    )
    outcome = market(short, 150)
    assert outcome.lost == 50 * WAD
    assert outcome.equity == 600 * WAD


def test_captured__one_of_two_sources__favours_the_account(long: World) -> None:
    world = long.with_asset(asset(ETH, "ETH", 100, 10, sources=2))
    for percent in shocks.CAPTURED:
        shock = shocks.captured(world, ETH, 0, percent)
        assert shock.seen[ETH].status == WIDE
        outcome = compute(world, shock)
        assert (outcome.lost, outcome.liquidatable) == (0, ())


def test_captured__only_source__owners_and_lenders_pay_takers(long: World) -> None:
    """At a false 70 everything is taken: 700 false dollars pay for 700 / (1 + bonus) of 800, and are worth 1,000."""
    shock = shocks.captured(long, ETH, 0, 70)
    assert (shock.seen[ETH].status, shock.worth[ETH], shock.note) == (OK, 100 * WAD, "ETH OK")
    outcome = compute(long, shock)
    _, bonus = bonus_when_taken(Fraction(86, 800))
    assumed = 700 / (1 + bonus)
    assert outcome.lost == 200 * WAD
    assert outcome.bad_debt() == pytest.approx(dollars(800 - assumed), abs=CLOSE)
    assert outcome.paid == pytest.approx(dollars(1_000 - assumed), abs=CLOSE)
    assert outcome.paid == pytest.approx(outcome.lost + outcome.bad_debt(), abs=CLOSE)


def test_captured__source_that_others_multiply__bends_them_too(long: World) -> None:
    derived = asset(ETH, "ETH", 100, 10)
    source = replace(derived.sources[0], kind="TwapOracle", parent="0xa00")
    shock = shocks.captured(long.with_asset(replace(derived, sources=(source,))), USD, 0, 130)
    assert (shock.seen[USD].mid, shock.seen[ETH].mid) == (13 * WAD // 10, 130 * WAD)


# Which shocks


def test_standard__names_every_move_depeg_and_source(long: World) -> None:
    names = [shock.name for shock in shocks.standard(long)]
    moves = [f"market {percent:+d} %" for percent in shocks.MOVES]
    sources = [f"{symbol} FeedOracle says {percent} %" for symbol in ("USD", "ETH") for percent in (130, 70)]
    assert names == ["as it is", *moves, "USD depegs to 90 %", *sources]


def test_standard__named_dollars__replace_the_guess(long: World) -> None:
    (fall,) = [shock for shock in shocks.standard(long, ["ETH"]) if shock.name == "market -50 %"]
    assert (fall.worth[USD], fall.worth[ETH]) == (WAD // 2, 100 * WAD)


def test_moved__vault_shares__follow_what_is_in_the_vault() -> None:
    share = replace(asset(ETH, "VAULT", 100, 10), key=4)
    share = replace(share, sources=(Source("0xc0", VAULT, "0xb00", share.sources[0].reading, 3),))
    world = world_of({}).with_asset(share)
    shock = moved(world, "", "market", {USD: 100, ETH: 80, 4: 100})
    assert shock.worth[4] == 80 * WAD


def test_curve__debt_below_the_line_grows_as_the_market_falls(long: World) -> None:
    found = dict(shocks.curve(long))
    assert list(found) == list(shocks.CURVE)
    assert (found[0], found[-10], found[-60]) == (0, 800 * WAD, 800 * WAD)


# Against the contracts


@pytest.fixture
def portfolio(deployed: scenario.World) -> Sequence[int]:
    return [
        deployed.open_position("trader", 0, collateral=("USDC", 10_000), sell="USDC", amount=40_000),
        deployed.open_position("trader", 1, collateral=("USDC", 10_000), sell="USDC", amount=25_000),
        deployed.open_position("attacker", 0, collateral=("WBTC", 1), sell="USDC", amount=50_000),
        deployed.open_position("operator", 0, collateral=("USDC", 30_000), sell="WETH", amount=15, buy="USDC"),
    ]


@pytest.mark.parametrize("percent", [50, 75, 80, 90, 125, 150])
def test_compute__same_accounts_and_values_as_the_contracts(
    deployed: scenario.World, portfolio: Sequence[int], percent: int
) -> None:
    protocol = protocol_of(deployed)
    world = read(protocol, viewed(protocol))
    key = deployed["WETH"].key
    shock = moved(world, "", "market", {each: percent if each == key else 100 for each in world.assets})
    outcome, seen = compute(world, shock), world.market(shock.seen)
    deployed.set_price("WETH", Fraction(2_000 * percent, 100))
    below = []
    for account in portfolio:
        values = deployed.risk_engine.assess_liquidation(deployed.engine.exposures(account))
        assert tuple(seen.sides(world.accounts[account])) == tuple(values)[:6]
        if (
            liquidation_auction.Values(*tuple(values)[:6]).equity
            < values.positive_requirement + values.debt_requirement
        ):
            below.append(account)
    assert sorted(outcome.liquidatable) == sorted(below)


@pytest.mark.parametrize(("percent", "reserve"), [(80, 0), (75, 2_000), (50, 2_000), (50, 50_000)])
def test_compute__same_loss_as_a_real_liquidation(deployed: scenario.World, percent: int, reserve: int) -> None:
    """The keeper takes at the second that the model names; interest and the fund's part of the bonus are the rest."""
    account = deployed.open_position("trader", 0, collateral=("USDC", 10_000), sell="USDC", amount=40_000)
    if reserve:
        deployed.lend("USDC", reserve, role="fund")
    protocol = protocol_of(deployed)
    world = read(protocol, viewed(protocol))
    weth, usdc = deployed["WETH"].key, deployed["USDC"].key
    shock = moved(world, "", "market", {each: percent if each == weth else 100 for each in world.assets})
    outcome = compute(world, shock)
    assert outcome.liquidatable == (account,)

    deployed.set_price("WETH", Fraction(2_000 * percent, 100))
    target = deployed.account("keeper", 0)
    deployed.deposit(target, "WBTC", 5)
    deployed.engine.liquidate(account, sender=deployed.roles["keeper"])
    deployed.warp(outcome.slowest)
    receipt = deployed.engine.take(account, WAD, target, -WAD, sender=deployed.roles["keeper"])

    written = receipt.find("WrittenOff")
    loss = sum(event.args["loss"] for event in written)
    covered = sum(event.args["covered"] for event in written)
    cent = 10**4
    assert (outcome.pools[usdc].bad if written else 0) == pytest.approx(loss, abs=cent)
    assert (outcome.pools[usdc].reserve if written else 0) == pytest.approx(covered, abs=cent)
    assert bool(written) == bool(outcome.bad_debt())
    left = max(deployed.health(account).equity, 0)
    assert outcome.equity - outcome.lost == pytest.approx(left, abs=WAD // 10)


def test_read__as_of_the_chain(deployed: scenario.World, portfolio: Sequence[int]) -> None:
    """Every account's health is the engine's own."""
    protocol = protocol_of(deployed)
    world = read(protocol, viewed(protocol))
    assert set(portfolio) <= set(world.accounts)
    for account in world.accounts:
        assert world.health(world.accounts[account]) == deployed.health(account)
        assert world.exposures(world.accounts[account]) == list(deployed.engine.exposures(account))
    assert world.now == deployed.chain.timestamp()


@pytest.mark.parametrize("status", [scenario.WIDE, scenario.STALE, scenario.DEAD])
@pytest.mark.parametrize("hours", [0, 3])
def test_market__asset_that_is_not_ok__as_the_contracts_see_it(
    deployed: scenario.World, portfolio: Sequence[int], status: int, hours: int
) -> None:
    """Before its delay has passed, and after: a settled asset counts at mid."""
    protocol, key = protocol_of(deployed), deployed["WETH"].key
    deployed.set_status("WETH", status)
    deployed.risk_engine.mark([key], sender=deployed.roles["keeper"])
    for _ in range(hours * 2):
        deployed.warp(1_800)
        deployed.set_status("WETH", status)
        deployed.risk_engine.mark([key], sender=deployed.roles["keeper"])
    world = read(protocol, viewed(protocol))
    assert world.assets[key].settled == (hours > 0)
    assert world.assets[key].price.status == status
    for account in portfolio:
        values = deployed.risk_engine.assess_liquidation(deployed.engine.exposures(account))
        assert tuple(world.market().sides(world.accounts[account])) == tuple(values)[:6]
    for shock in shocks.standard(world):
        compute(world, shock)
