"""Worlds: ramps, initial rates, and what a change of margin does to the accounts there are."""

from __future__ import annotations

from dataclasses import replace

import pytest

from plimsoll.keeper.state import AccountState
from plimsoll.model import margin_rate
from plimsoll.model.margin_rate import Margin, Parameters
from plimsoll.risk import World, read
from plimsoll.risk.accounts import viewed
from plimsoll.risk.effect import effect, lines_of
from plimsoll.risk.world import arrival, arrived, initial_rate
from tests.support import scenario
from tests.unit.risk.conftest import ACCOUNT, ETH, NOW, USD, WAD, asset, protocol_of, world_of

UP = Parameters(12 * WAD // 100, 4 * WAD // 10, 0, 10**15, 10**16)


def test_arrival__first_second_at_the_target() -> None:
    """2 % at 0.1 % an hour, of which a ramp moves a base by half: 40 hours."""
    margin = Margin(10 * WAD // 100, 4 * WAD // 10, 0, NOW, True, UP)
    found = arrival(margin, NOW)
    assert found == NOW + 40 * 3_600
    assert margin_rate.in_force(margin, found) == UP[:3]
    assert margin_rate.in_force(margin, found - 1) != UP[:3]
    assert arrival(margin, found + 5) == found + 5
    assert margin_rate.in_force(arrived(margin), NOW) == UP[:3]


def test_arrival__standing__is_now() -> None:
    assert arrival(Margin(1, 2, 3, NOW, False, UP), NOW + 7) == NOW + 7


@pytest.mark.parametrize(("late", "rate"), [(0, 125), (43_200, 1_875), (86_400, 250), (10**6, 250)])
def test_initial_rate__sample_overdue__rises_to_twice(late: int, rate: int) -> None:
    facts = asset(ETH, "ETH", 100, 10)
    facts = replace(facts, dynamics=facts.dynamics._replace(due=NOW - late if late else margin_rate.NEVER))
    wanted = rate * WAD // (10_000 if rate > 1_000 else 1_000)
    assert initial_rate(facts, 125 * WAD // 100, NOW) == wanted


def test_effect__counts_who_falls_below_which_line() -> None:
    """At 80 % debt equity is 200: above 116 * 1.25 now, below 216 * 1.25 at 20 %, below 216 itself."""
    accounts = {
        ACCOUNT: AccountState({ETH: 10 * WAD}, {USD: 800 * 10**24}),
        ACCOUNT + 1: AccountState({ETH: 10 * WAD}, {USD: 750 * 10**24}),
        ACCOUNT + 2: AccountState({ETH: 10 * WAD}, {USD: 100 * 10**24}),
        ACCOUNT + 3: AccountState({USD: 10 * WAD}, {}),
    }
    world = world_of(accounts)
    facts = world.assets[ETH]
    found = effect(world, ETH, Parameters(20 * WAD // 100, 4 * WAD // 10, 0, 10**15, 10**16), facts.dynamics)
    assert found.concerned == 3
    assert (found.now.initial, found.now.maintenance) == (frozenset(), frozenset())
    assert found.before == found.now
    assert found.after.initial == {ACCOUNT, ACCOUNT + 1}
    assert found.after.maintenance == {ACCOUNT}
    assert found.arrives == NOW + 200 * 3_600


def test_effect__as_the_contracts_once_the_ramp_is_over(deployed: scenario.World) -> None:
    accounts = [
        deployed.open_position("trader", 0, collateral=("USDC", 10_000), amount=40_000),
        deployed.open_position("trader", 1, collateral=("USDC", 10_000), amount=20_000),
    ]
    protocol = protocol_of(deployed)
    world, key = read(protocol, viewed(protocol)), deployed["WETH"].key
    wanted = Parameters(25 * WAD // 100, 40 * WAD // 100, 10**6, 3 * 10**14, WAD // 10)
    expected = effect(world, key, wanted, world.assets[key].dynamics)
    deployed.risk_engine.set_margin(key, tuple(wanted), sender=deployed.roles["owner"])
    assert deployed.risk_engine.margin_of(key).moving
    assert expected.arrives is not None
    deployed.warp(expected.arrives - deployed.chain.timestamp())
    assert deployed.risk_engine.effective_rate(key, 0, deployed.chain.timestamp()) == wanted.floor
    below = {account for account in accounts if deployed.health(account).equity < deployed.health(account).maintenance}
    assert expected.after.maintenance == below == {accounts[0]}


def test_lines_of__debtors_only(long: World) -> None:
    assert lines_of(long).initial == frozenset()
    assert lines_of(world_of({ACCOUNT: AccountState({ETH: WAD}, {})})).maintenance == frozenset()


def test_read__restrictions_of_the_engine(deployed: scenario.World) -> None:
    weth, owner = deployed["WETH"], deployed.roles["owner"]
    deployed.open_position("trader", 0, collateral=("WETH", 10), amount=1_000)
    protocol = protocol_of(deployed)
    assert read(protocol, viewed(protocol)).collateral(weth.key).cap is None
    deployed.engine.set_cap(weth.token, 5 * WAD, sender=owner)
    deployed.engine.set_gate(weth.token, deployed.lens, sender=owner)
    found = read(protocol, viewed(protocol)).collateral(weth.key)
    assert found.held == found.vault == weth.token.balanceOf(deployed.engine)
    assert (found.cap, found.gate) == (5 * WAD, deployed.lens.address)


@pytest.mark.parametrize("backs", [True, False])
def test_health__isolated_asset__as_the_engine_says(deployed: scenario.World, backs: bool) -> None:
    account = deployed.open_position("trader", 0, collateral=("TAIL", 10_000), sell="USDC", amount=3_000, buy="TAIL")
    key, debt = deployed["TAIL"].key, deployed["USDC"].key
    deployed.risk_engine.set_backing(key, debt, backs, sender=deployed.roles["owner"])
    protocol = protocol_of(deployed)
    world = read(protocol, viewed(protocol))
    assert world.backing == (frozenset({(key, debt)}) if backs else frozenset())
    assert world.health(world.accounts[account]) == deployed.health(account)
    assert (account in lines_of(world).initial) == (not backs)
