"""States that chance alone hardly reaches are led up to by a rule."""

from __future__ import annotations

import pytest

from plimsoll.verify.campaign.backend import RevmBackend
from plimsoll.verify.campaign.draws import Draws
from plimsoll.verify.campaign.invariants import full
from plimsoll.verify.campaign.leaving import everybody_leaves
from plimsoll.verify.campaign.machine import OK, RULES, UNDER_AUCTION, Finding, Machine
from plimsoll.verify.campaign.rules_adversary import captured, list_something, move_one_source
from plimsoll.verify.campaign.rules_lenders import collect, request, stake
from plimsoll.verify.campaign.rules_liquidators import (
    end_auction,
    excess_of,
    fitting_taker,
    give_up,
    ruin,
    say,
    start_auction,
    to_the_line,
)
from plimsoll.verify.campaign.rules_owners import execute_order, let_orders_act, order_comes_due
from plimsoll.verify.campaign.rules_traders import owe_many, put, swap, take_out
from plimsoll.verify.campaign.rules_world import answer, live, market, nudge, prices_recover
from plimsoll.verify.campaign.world import DAY, MASK_256, Asset, World, word_of

MONTH = 30 * DAY
MILLION = 10**8
"""Cents."""


@pytest.fixture
def m(world: World, backend: RevmBackend) -> Machine:
    """A machine whose pools are lent to."""
    machine = Machine(world, backend, Draws(1))
    for asset in machine.assets:
        if not asset.lent:
            lend(machine, asset)
    return machine


def lend(m: Machine, asset: Asset) -> None:
    """Lend a million dollars."""
    lender = m.roles["lender"]
    data = m.fn("LendingPool.deposit")(m.units(asset, MILLION), word_of(lender))
    m.call("", "LendingPool.deposit", lender, data, {""}, to=asset.pool)
    m.holders[asset.key].add(lender)


def position(m: Machine, account: int, held: str = "GOLD", owed: str = "DAI", cents: int = 10**6) -> None:
    """Open a position of two times what was deposited."""
    buy, sell, owner = m.world.asset(held), m.world.asset(owed), m.owner_of(account)
    units = m.units(buy, cents)
    assert put(m, account, buy, units, owner)
    amount = m.worth(buy, units, sell)
    assert swap(m, account, sell, amount, MASK_256, buy, units, units, False, owner)


def count(m: Machine, function: str, outcome: str = "") -> int:
    """How often a function ended so."""
    return sum(number for (_, name, end), number in m.stats.flows.items() if (name, end) == (function, outcome))


def tried(m: Machine, rule: str, function: str, times: int = 60) -> int:
    """Run a rule with changing numbers; return how often a function succeeded."""
    for seed in range(times):
        RULES[rule].run(m, Draws(seed))
    return count(m, function)


@pytest.mark.parametrize(("held", "owed"), [("GOLD", "DAI"), ("WETH", "DAI"), ("USDC", "GOLD")])
@pytest.mark.parametrize("beyond", [-1, -100, -2_000])
def test_to_the_line__an_account__is_just_below_it(m: Machine, held: str, owed: str, beyond: int) -> None:
    account = m.accounts[0]
    position(m, account, held, owed)
    assert excess_of(m, account) > 0
    assert to_the_line(m, account, beyond)
    assert excess_of(m, account) < 0
    start_auction(m, account, m.roles["keeper"])
    assert m.word(account) & UNDER_AUCTION


def test_to_the_line__one_price_is_not_enough__the_next_moves_too(m: Machine) -> None:
    account, owner = m.accounts[0], m.owner_of(m.accounts[0])
    position(m, account)
    for symbol in ("HOOK", "UNIT"):
        asset = m.world.asset(symbol)
        assert put(m, account, asset, m.units(asset, 9 * 10**5), owner)
    assert to_the_line(m, account, -10)
    assert excess_of(m, account) < 0


def test_to_the_line__nothing_to_move__says_so(m: Machine) -> None:
    assert not to_the_line(m, m.accounts[0], -100)
    position(m, m.accounts[0], "WETH", "USDC")
    assert not to_the_line(m, m.accounts[0], -100)


def test_ruin__writes_off_what_nobody_takes(m: Machine) -> None:
    for seed in range(60):
        ruin(m, Draws(seed))
        everybody_leaves(m, Draws(None))
        for asset in m.assets[3:]:
            if asset.feed:
                say(m, asset, asset.price)
            if not asset.lent and m.pool(asset).cash == 0:
                lend(m, asset)
    assert count(m, "MarginEngine.write_off") > 3
    assert count(m, "MarginEngine.cancel") > 0


def test_owe_many__four_debts__and_a_fifth_is_refused(m: Machine) -> None:
    for seed in range(4):
        owe_many(m, Draws(seed))
    assert max(len(m.holding(account).owed) for account in m.accounts) == 4
    assert count(m, "MarginEngine.withdraw", "engine: too many assets") > 0


def test_fitting_taker__opposite_balances__are_avoided(m: Machine) -> None:
    account, others = m.accounts[0], m.accounts[6:9]
    position(m, account)
    for other in others[:2]:
        assert put(m, other, m.world.asset("DAI"), 10**20, m.owner_of(other))
    assert {fitting_taker(m, Draws(seed), account) for seed in range(9)} == {others[2]}


def test_collect__what_a_liquidation_left__is_lent(m: Machine) -> None:
    account, gold = m.accounts[0], m.world.asset("GOLD")
    position(m, account, cents=2 * 10**4)
    assert to_the_line(m, account, -100)
    start_auction(m, account, m.roles["keeper"])
    say(m, gold, 0)
    give_up(m, account)
    assert m.collectable == {gold.key}
    collect(m, Draws(None, [99]))
    assert count(m, "ReserveFund.collect") == 1
    assert m.collectable == set()


def test_withdraw_stake__asked_for_and_ripe__is_paid(m: Machine) -> None:
    for seed in range(40):
        stake(m, Draws(seed))
        request(m, Draws(seed))
    assert m.requests
    assert tried(m, "withdraw_stake", "ReserveFund.withdraw") > 0
    assert count(m, "ReserveFund.withdraw", "fund: not ripe") > 0


def test_order_comes_due__is_executed(m: Machine) -> None:
    for seed in range(60):
        order_comes_due(m, Draws(seed))
    assert count(m, "ProtectionOrders.execute") > 3
    assert count(m, "ProtectionOrders.execute", "orders: not triggered") > 0


def test_deleverage_comes_due__is_executed(m: Machine) -> None:
    for account in {each.account for each in m.world.signed if each.kind == "deleverage"}:
        position(m, account)
    assert tried(m, "deleverage_comes_due", "ProtectionOrders.deleverage", 30) > 0


def test_filled_in__is_the_orders_own_encoding(m: Machine) -> None:
    signed = next(each for each in m.world.signed if each.kind == "order")
    let_orders_act(m, signed)
    m.trace = []
    execute_order(m, signed, 12_345, 1_000)
    gold, dai = m.world.asset("GOLD"), m.world.asset("DAI")
    bought = m.worth(gold, 12_345, dai).to_bytes(32, "big")
    arguments = (signed.arguments, signed.signature, 12_345, m.at["rates"], bought, m.roles["keeper"])
    assert m.trace[0][3] == m.fn("ProtectionOrders.execute").abi.encode(arguments).hex()


def test_list_something__anybody_lists_a_token__which_is_used_and_left(m: Machine) -> None:
    before = len(m.assets)
    list_something(m, Draws(None, [99]))
    assert len(m.assets) == before + 1
    meme, owner = m.assets[-1], m.owner_of(m.accounts[0])
    assert meme.isolated
    assert m.by_key[meme.key] is meme
    live(m, DAY)
    assert m.status(meme.key) == OK
    assert put(m, m.accounts[0], meme, m.units(meme, 10**6), owner)
    usdc = m.assets[0]
    backing = m.fn("RiskEngine.set_backing")(meme.key, usdc.key, 1)
    m.call("risk_engine", "RiskEngine.set_backing", m.roles["owner"], backing, {""})
    assert take_out(m, m.accounts[0], usdc, m.units(usdc, 10**5), MASK_256, owner)
    full(m)
    list_something(m, Draws(None, [99]))
    assert count(m, "IsolatedFactory.list_asset", "factory: listed already") == 1
    everybody_leaves(m, Draws(None))
    assert len(m.world.assets) == before


@pytest.mark.parametrize("seconds", [DAY, MONTH])
def test_live__markets_that_were_pushed__are_OK_when_it_is_over(m: Machine, seconds: int) -> None:
    weth, usdc = m.assets[1], m.assets[0]
    market(m, weth, usdc, 5_000 * weth.unit)
    m.warp(300)
    m.moved_prices()
    answer(m, weth)
    assert m.status(weth.key) != OK
    live(m, seconds)
    assert m.are_ok(asset.key for asset in m.assets)


def test_nudge__keeps_a_market_fresh(m: Machine) -> None:
    for _ in range(6):
        live(m, 3_600)
    assert m.are_ok(asset.key for asset in m.assets[:3])
    reading = m.view("", "TwapOracle.read", to=m.assets[1].sources[1])
    nudge(m, m.assets[1])
    m.warp(1)
    assert m.view("", "TwapOracle.read", to=m.assets[1].sources[1])[2] > reading[2]


def test_prices_recover__from_anything__every_price_is_OK(m: Machine) -> None:
    for seed in range(40):
        for rule in ("outage", "price_moves", "move_one_source"):
            RULES[rule].run(m, Draws(seed))
    assert not m.are_ok(asset.key for asset in m.assets)
    prices_recover(m, Draws(None, [99]))
    assert m.are_ok(asset.key for asset in m.assets)


def test_captured__a_source_that_moved__neither_lets_borrow_nor_take(m: Machine) -> None:
    for seed in range(20):
        prices_recover(m, Draws(None, [99]))
        move_one_source(m, Draws(seed))
    assert m.stats.features["a captured source"] > 0


def test_captured__prices_that_follow_one_source__are_found(m: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    weth = m.assets[1]
    told = m.view("", "FeedOracle.read", to=weth.sources[0])[0]
    honest = m.view

    def view(role: str, key: str, *words: int, to: str = "") -> list[int]:
        if key == "RiskEngine.prices":
            return [32, 1, told * 2, told * 2, told * 2, 0]
        return honest(role, key, *words, to=to)

    monkeypatch.setattr(m, "view", view)
    with pytest.raises(Finding, match="invariant 16"):
        captured(m, weth)


def test_end_auction__above_the_line__ends_it(m: Machine) -> None:
    account, gold = m.accounts[0], m.world.asset("GOLD")
    position(m, account)
    assert to_the_line(m, account, -100)
    start_auction(m, account, m.roles["keeper"])
    say(m, gold, gold.price)
    end_auction(m, account)
    assert not m.word(account) & UNDER_AUCTION
