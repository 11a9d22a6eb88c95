"""The keeper's housekeeping on a real node: provisions, write-offs, penalties, clocks, checkpoints, sweeps."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from plimsoll.artifacts import home
from plimsoll.devnet import YIELD
from plimsoll.keeper import app
from plimsoll.keeper.bot import LONGEST_WAIT
from plimsoll.keeper.status import show
from plimsoll.protocol import MarginAccount
from tests.integration.keeper_world import (
    EAGER,
    PATIENT,
    KeeperWorld,
    check_left_nothing,
    crash,
    dollars_in_wallet,
    kinds,
    live,
    margin_accounts,
)

NO_TAKES = {"take = true": "take = false"}
CHECKPOINTS = {"checkpoint = false": "checkpoint = true"}
MEASURES = {"aim = false": "aim = true"}


def sent(world: KeeperWorld, number: int) -> list[str]:
    return [line["kind"] for line in world.lines(number, "sent")]


def provision(world: KeeperWorld, account: MarginAccount) -> int:
    pool = world.devnet.protocol.asset("USDC").pool
    return int(pool.provision_of(account.id))


def auction_of(world: KeeperWorld, account: MarginAccount) -> Any:
    address = world.devnet.manifest.address("auction")
    return world.chain.at("LiquidationAuction", address).auction_of(account.id)


def test_poke__the_provision_follows_the_price(world: KeeperWorld) -> None:
    """Nobody takes, the price falls on: what lenders have to expect is booked by the keeper, and once per change."""
    account = world.open_long(1, 10_000, 60_000)
    with world.keeper(**EAGER, **NO_TAKES) as keeper:
        crash(world, WETH="1860")
        live(world, [keeper], 3)
        assert kinds(world, "mined") == ["start"]
        assert provision(world, account) == 0
        crash(world, WETH="1500")
        live(world, [keeper], 3)
        assert kinds(world, "mined") == ["start", "poke"]
        booked = provision(world, account)
        health = world.devnet.protocol.health(account)
        assert booked == pytest.approx(-float(health.equity) * 1e6, rel=0.02)
        crash(world, WETH="1400")
        live(world, [keeper], 3)
        assert provision(world, account) > 1.2 * booked
        crash(world, WETH="1900")
        live(world, [keeper], 3)
        assert provision(world, account) == 0
        assert set(kinds(world, "mined")[2:]) <= {"poke", "raise"}
        assert world.lines(event="failed") == []
        assert world.lines(event="books differ from the chain") == []


def test_raise__an_old_auction_below_its_line__gets_todays_penalty(world: KeeperWorld) -> None:
    """Nobody takes until the tail is over, and the requirement is more beside the debt than it was: so is the bonus."""
    account = world.open_long(1, 10_000, 60_000)
    with world.keeper(**EAGER, **NO_TAKES) as keeper:
        crash(world, WETH="1760")
        live(world, [keeper], 3)
        before = auction_of(world, account)
        crash(world, WETH="1860")
        live(world, [keeper], 2)
        assert "raise" not in kinds(world, "mined")
        terms = keeper.books.state.terms(before.version)
        assert terms is not None
        world.chain.warp(before.started_at + terms["tail"] - world.chain.timestamp())
        crash(world, WETH="1860")
        live(world, [keeper], 4)
        assert kinds(world, "mined").count("raise") == 1
        after = auction_of(world, account)
        assert after.penalty > before.penalty
        assert (after.started_at, after.starter) == (before.started_at, before.starter)
        assert keeper.books.auctions()[account.id].penalty == after.penalty
        assert world.lines(event="failed") == []


def test_write_off__what_is_left_beside_dust__lenders_know(world: KeeperWorld) -> None:
    """An account whose collateral became worthless has nothing to take: its debt is written off, its dust collected.

    So fast that prices are in doubt: the keeper marks the asset until it counts all the same.
    """
    account = world.open_long(1, 30, 150)
    protocol = world.devnet.protocol
    with world.keeper(**EAGER, **NO_TAKES) as keeper:
        crash(world, WETH="1500")
        live(world, [keeper], 2)
        assert keeper.books.auctions()
        for price in (1_000, 600, 360, 216):
            crash(world, WETH=str(price))
            keeper.bot.attempt()
        for _ in range(40):
            if "write_off" in kinds(world, "mined"):
                break
            world.devnet.refresh()
            world.chain.warp(300)
            keeper.bot.attempt()
        assert "write_off" in kinds(world, "mined")
        live(world, [keeper], 4)
        assert protocol.health(account).debt == 0
        assert keeper.books.auctions() == {}
        assert provision(world, account) == 0
        assert world.lines(event="failed") == []


def test_sweep__what_takes_left_is_brought_home(world: KeeperWorld) -> None:
    """The parts of the collateral that were not sold, and whatever somebody sends: worth the gas, so withdrawn."""
    with world.keeper(**EAGER) as keeper:
        protocol = world.devnet.protocol
        sender = protocol.by(keeper.sender.address)
        own = MarginAccount(keeper.sender.address, 2)
        for symbol, amount in (("USDC", "900"), ("WETH", "0.5")):
            world.devnet.mint(symbol, sender.sender, amount)
            sender.approve_if_needed(symbol, amount)
            sender.deposit(own, symbol, amount)
        live(world, [keeper], 4)
        assert kinds(world, "mined") == ["sweep"]
        assert protocol.wallet(keeper.sender.address, "USDC").human == 900
        assert float(protocol.wallet(keeper.sender.address, "WETH").human) == 0.5
        dust = MarginAccount(keeper.sender.address, 3)
        world.devnet.mint("USDC", sender.sender, "0.000001")
        sender.approve_if_needed("USDC", "0.000001")
        sender.deposit(dust, "USDC", "0.000001")
        live(world, [keeper], 2)
        assert kinds(world, "mined") == ["sweep"], "not worth its gas"


def test_cancel__of_an_auction_of_somebody_else__in_its_turn(world: KeeperWorld) -> None:
    """Ending an auction pays nobody: its starter does it at once, everybody else some blocks later, if he has not."""
    account = world.open_long(1, 10_000, 60_000)
    protocol = world.devnet.protocol
    with world.keeper(**PATIENT) as keeper:
        crash(world, WETH="1865")
        stranger = protocol.by(world.chain.accounts()[8])
        stranger.liquidate(account)
        live(world, [keeper], 1)
        assert keeper.books.auctions()
        crash(world, WETH="2100")
        live(world, [keeper], 4)
        assert keeper.books.auctions() == {}
        assert kinds(world, "mined") == ["cancel"]
        check_left_nothing(world, keeper)


def test_checkpoints__taken_when_due(world: KeeperWorld) -> None:
    means = [each for each in world.devnet.manifest.contracts.values() if each.contract == "TwapOracle"]
    oracles = [world.chain.at("TwapOracle", each.address) for each in means]
    assert oracles
    with world.keeper(**EAGER, **CHECKPOINTS) as keeper:
        before = [oracle.next_checkpoint() for oracle in oracles]
        world.chain.warp(max(before) - world.chain.timestamp())
        live(world, [keeper], 10)
        assert kinds(world, "mined").count("checkpoint") == len(oracles)
        after = [oracle.next_checkpoint() for oracle in oracles]
        assert all(new > old for new, old in zip(after, before, strict=True))
        assert world.lines(event="failed") == []


def test_volatility__sampled_when_due__and_margins_aimed_once(world: KeeperWorld) -> None:
    """A crash is in the sample that follows it; the margin's target is moved by one poke, not by two."""
    protocol = world.devnet.protocol
    volatility = world.chain.at("VolatilityOracle", world.devnet.manifest.address("volatility"))
    weth = protocol.asset("WETH").key
    first = volatility.next_sample(weth)
    with world.keeper(**EAGER, **MEASURES) as keeper, world.keeper(11, **EAGER, **MEASURES) as other:
        live(world, [keeper, other], 4)
        if world.chain.timestamp() < first:
            assert "sample" not in [*sent(world, 10), *sent(world, 11)]
        calm, base = volatility.sigma(weth), protocol.risk_engine.margin_of(weth).target.floor
        world.chain.warp(max(first - world.chain.timestamp(), 0))
        crash(world, WETH="1700")
        live(world, [keeper, other], 16)
        assert volatility.sigma(weth) > 2 * calm
        assert protocol.risk_engine.margin_of(weth).target.floor > base
        assert protocol.risk_engine.dynamics_of(weth).due == volatility.due(weth)
        for number in (10, 11):
            assert set(sent(world, number)) <= {"sample", "aim", "mark"}
            assert world.lines(number, "failed") == []
        aims = [*sent(world, 10), *sent(world, 11)].count("aim")
        followed = [asset.key for asset in protocol.assets.values() if volatility.last(asset.key)[1]]
        assert 1 <= aims <= 2 * len(followed)


def test_shares_of_a_vault__redeemed_and_sold(world: KeeperWorld) -> None:
    """A short of ether against the lenders' own shares falls: the keeper redeems them and buys the ether back."""
    world.devnet = devnet = world.devnet.list_assets(home() / YIELD)
    protocol, trader = devnet.protocol, world.chain.accounts()[5]
    account, me = MarginAccount(trader, 0), protocol.by(trader)
    devnet.mint("pUSDC", trader, "30000")
    me.approve_if_needed("pUSDC", "30000")
    me.deposit(account, "pUSDC", "30000")
    me.withdraw(account, "WETH", "12", max_borrow="12")
    with world.keeper(**EAGER) as keeper:
        live(world, [keeper], 2)
        assert kinds(world, "sent") == []
        crash(world, WETH="2350")
        for _ in range(40):
            live(world, [keeper], 1)
            if "take" in kinds(world, "mined"):
                break
        assert kinds(world, "mined")[:2] == ["start", "take"]
        assert protocol.health(account).healthy
        assert protocol.balance(account, "pUSDC").human < 30_000
        assert dollars_in_wallet(world, keeper) > 0
        assert world.lines(event="failed") == []
        check_left_nothing(world, keeper)


def test_gate__who_is_not_admitted_looks_less_and_less_often__and_takes_once_he_is(world: KeeperWorld) -> None:
    """Starting an auction asks no gate; taking does. `keeper status` says whose leave a taker needs."""
    account = world.open_long(1, 10_000, 60_000)
    protocol, devnet = world.devnet.protocol, world.devnet
    gate = world.chain.deploy("MockGate", sender=devnet.maker)
    weth = protocol.asset("WETH")
    with world.keeper(**EAGER, **{'level = "info"': 'level = "debug"'}) as keeper:
        mine = margin_accounts(world, keeper)
        for each in mine:
            gate.refuse(each.id, weth.key, False, True, sender=devnet.maker)
        protocol.engine.set_gate(weth.token, gate, sender=devnet.maker)
        crash(world, WETH="1840")
        began = world.chain.block_number()
        live(world, [keeper], 40)
        blocks = world.chain.block_number() - began
        assert kinds(world, "mined")[:1] == ["start"]
        assert "take" not in kinds(world, "sent")
        tried = [line for line in world.lines(event="waits") if "engine: gate" in line["reason"]]
        assert 3 <= len(tried) <= 5 + blocks // LONGEST_WAIT
        shown = io.StringIO()
        explanation = keeper.books.explain(account.id)
        gates = app.gates_of(devnet.manifest, keeper.node, explanation)
        show(Console(file=shown, width=160), explanation, devnet.manifest, None, gates=gates)
        assert f"Only who is admitted by the gate {gate.address} of WETH can take from it." in shown.getvalue()
        for each in mine:
            gate.refuse(each.id, weth.key, False, False, sender=devnet.maker)
        live(world, [keeper], 6)
        assert "take" in kinds(world, "mined")
        assert world.lines(event="failed") == []


def test_price_in_doubt__marked_until_it_counts__then_liquidated_at_mid(world: KeeperWorld) -> None:
    """The feed says 1,700, the market 2,000: the account is valued in its favour until that has lasted for long."""
    account = world.open_long(1, 10_000, 58_000)
    protocol, devnet = world.devnet.protocol, world.devnet
    weth = int(devnet.manifest.assets["WETH"].key, 16)
    delay = protocol.risk_engine.wide_delay()
    with world.keeper(**EAGER) as keeper:
        live(world, [keeper], 2)
        began, settled_at = world.chain.timestamp(), 0
        for turn in range(60):
            devnet.refresh()
            devnet.set_price("WETH", 2000 + turn % 2)
            devnet.feeds["WETH"].set_answer(1_700 * 10**8, sender=devnet.maker)
            world.chain.warp(300)
            keeper.bot.attempt()
            settled = weth in keeper.bot._prices.settled
            if settled and not settled_at:
                settled_at = world.chain.timestamp()
            if not settled:
                assert "start" not in kinds(world, "sent")
                assert not keeper.books.value(account.id).liquidatable
            if "take" in kinds(world, "mined"):
                break
        assert settled_at >= began + delay
        marks = [line for line in world.lines(event="mined") if line["kind"] == "mark"]
        assert delay // 3_600 <= len(marks) <= 2 + (world.chain.timestamp() - began) // 1_800
        assert kinds(world, "mined")[:2] == ["start", "take"]
        assert keeper.books.prices[weth].status != 0
        assert world.lines(event="failed") == []
