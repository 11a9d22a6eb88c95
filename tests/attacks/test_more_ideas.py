"""What else somebody would try who is paid for it. Each is one idea, played on the devnet."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from plimsoll import config as configuration
from plimsoll.artifacts import home
from plimsoll.chain import Contract, Revert, RevmChain
from plimsoll.devnet import CONFIG, start
from tests.attacks.conftest import Tell
from tests.attacks.test_lone_mean import room
from tests.support import reverts
from tests.support.attack import BLOCK, FOREVER, Stage, calls, set_stage
from tests.support.scenario import OK

WAD = 10**18
MILLION = 1_000_000
HOUR = 3_600
WINDOW = 1_800
EVERYTHING = 2**256 - 1


@pytest.fixture
def accomplice(stage: Stage) -> Any:
    """A contract of his: swapper, flash borrower, owner of accounts."""
    accomplice = stage.chain.deploy("AttackSwapper", sender=stage.attacker)
    stage.addresses.append(accomplice.address)
    return accomplice


def sick(stage: Stage, dollars: int = MILLION) -> int:
    """Return a victim's account, long, that a fall of the price took below its line; the auction has begun."""
    victim = stage.account(0, stage.victim)
    stage.owe_the_most(victim, "WETH", "USDC", dollars)
    stage.move("WETH", stage.honest["WETH"] * Fraction(95, 100))
    stage.engine.liquidate(victim, sender=stage.keeper)
    return victim


# The order of a batch


@pytest.mark.parametrize("first", ["withdraw", "trade", "transfer"])
def test_batch__takes_out_first_and_makes_good_never(stage: Stage, accomplice: Any, tell: Tell, first: str) -> None:
    """He puts the withdrawal before the deposit that would cover it, in every order, over two accounts that cover
    each other once.
    """
    stage.fund(WETH=500)
    one, two = stage.account(1), stage.account(2)
    stage.deposit(one, "WETH", 500)
    engine, usdc, weth = stage.engine, stage.asset("USDC").token, stage.asset("WETH").token
    most = stage.most(one, "USDC")
    half = stage.raw("WETH", 250)
    accomplice.set_swap([], 0, True, sender=stage.attacker)
    steal = {
        "withdraw": engine.withdraw.encode(one, usdc, most, stage.attacker, most),
        "trade": engine.trade.encode(
            one, usdc, most, most, stage.asset("WBTC").token, 0, accomplice, b"", FOREVER, False
        ),
        "transfer": engine.withdraw.encode(two, usdc, most, stage.attacker, most),
    }[first]
    move, back = engine.transfer.encode(one, two, weth, half), engine.transfer.encode(two, one, weth, half)
    again = engine.withdraw.encode(two, usdc, most // 2 + 10**6, stage.attacker, most)
    out = engine.withdraw.encode(one, weth, half, stage.attacker, 0)
    profits = [Fraction(0)]
    for batch in (
        [steal, move, again],
        [move, steal, again],
        [move, again, back, steal],
        [move, again, steal, back],
        [steal, out],
        [out, steal],
        [move, steal, back, out],
        [engine.withdraw.encode(two, usdc, most, stage.attacker, most), steal, move],
    ):
        with stage.undone():
            with suppress(Revert):
                engine.batch(batch, sender=stage.attacker)
            profits.append(stage.profit())
    tell(
        "order of a batch over two accounts",
        budget=MILLION,
        profit=max(profits),
        held_by="every touched account is checked at the end",
    )
    assert max(profits) <= 0


def test_batch__take_trade_and_withdraw_at_the_instant_prices_change(stage: Stage, accomplice: Any, tell: Tell) -> None:
    """In one batch he moves the pool inside the swap, takes, trades and withdraws: what a take pays is what it pays
    without that.
    """
    victim = sick(stage)
    stage.fund(WBTC=100, USDC=50 * MILLION)
    account = stage.account(1)
    stage.deposit(account, "WBTC", 100)
    engine, usdc, weth = stage.engine, stage.asset("USDC").token, stage.asset("WETH").token
    take = engine.take.encode(victim, WAD, account, -WAD)
    with stage.undone():
        engine.batch([take], sender=stage.attacker)
        plain = stage.profit()
    usdc.transfer(accomplice, stage.raw("USDC", 50 * MILLION), sender=stage.attacker)
    router, pool = stage.devnet.uniswap.router, stage.pool("WETH")
    swap = router.exactInputSingle.encode(
        {
            "tokenIn": usdc,
            "tokenOut": weth,
            "fee": pool.fee,
            "recipient": accomplice,
            "deadline": FOREVER,
            "amountIn": stage.raw("USDC", 40 * MILLION),
            "amountOutMinimum": 0,
            "sqrtPriceLimitX96": 0,
        }
    )
    pushes = calls((usdc, usdc.approve.encode(router, EVERYTHING)), (router, swap))
    accomplice.set_swap(pushes, stage.raw("WETH", 30), True, sender=stage.attacker)
    sell = engine.trade.encode(account, stage.asset("WBTC").token, 10**8, 0, weth, 1, accomplice, b"", FOREVER, False)
    before = tuple(stage.price("WETH"))
    with stage.undone():
        engine.batch([sell, take], sender=stage.attacker)
        assert tuple(stage.price("WETH")) == before
        bought = weth.transfer.encode(stage.attacker, weth.balanceOf(accomplice))
        accomplice.execute(weth, bought, sender=stage.attacker)
        stage.undo("WETH")
        profit = stage.profit() - plain
    tell(
        "push the pool inside the batch that takes, against the take alone",
        budget=60 * MILLION,
        profit=profit,
        held_by="a mean is blind to its own second",
    )
    assert profit <= 0


# Clocks


@pytest.mark.parametrize("honest", ["nobody", "a mark", "a sample"])
def test_settle__marks_only_when_it_is_wide(stage: Stage, tell: Tell, honest: str) -> None:
    """He makes the asset WIDE for a block each hour and marks it then, so that after two hours it counts as settled:
    at mid, which he pushes.

    Once anybody marks or samples it in between, his clock starts anew. With nobody: bounded, by how far mid is off.
    """
    victim = stage.account(0, stage.victim)
    stage.owe_the_most(victim, "WETH", "USDC", MILLION)
    stage.move("WETH", stage.honest["WETH"] * Fraction(985, 1_000))
    stage.fund(WETH=10**7, USDC=10**10, WBTC=100)
    account, key = stage.account(1), stage.asset("WETH").key
    stage.deposit(account, "WBTC", 100)
    source = stage.chain.at("VolatilityOracle", stage.devnet.manifest.address("volatility"))
    found_ok = False
    for _ in range(4):
        stage.push("WETH", Fraction(1, 2))
        stage.blocks(15)
        assert stage.status("WETH") != OK
        stage.risk_engine.mark([key], sender=stage.attacker)
        stage.undo("WETH")
        for _ in range(5):
            stage.devnet.warp(HOUR // 5 - 4 * BLOCK)
            stage.devnet.refresh()
            stage.devnet.checkpoint()
            if stage.status("WETH") == OK:
                found_ok = True
                if honest == "a mark":
                    stage.risk_engine.mark([key], sender=stage.keeper)
                if honest == "a sample" and source.next_sample(key) <= stage.chain.timestamp():
                    source.sample(key, sender=stage.keeper)
    assert found_ok
    debt = stage.dollars("USDC", stage.engine.debt_of(victim, stage.asset("USDC").token))
    stage.push("WETH", room(-1_450))
    profits, worst = [stage.profit()], Fraction(1)
    for _ in range(30):
        stage.blocks(5)
        if stage.liquidates(victim):
            stage.engine.liquidate(victim, sender=stage.attacker)
        worst = min(worst, stage.off("WETH"))
        with stage.undone():
            with suppress(Revert):
                stage.engine.take(victim, WAD, account, -WAD, sender=stage.attacker)
            stage.undo("WETH")
            profits.append(stage.profit())
    started = stage.engine.word_of(victim) >> 160 != 0
    alone = honest == "nobody"
    held_by = (
        "bounded: the penalty, and how far mid is off"
        if alone
        else "an OK mark or sample between starts the clock anew"
    )
    tell(f"mark pushed moments only; between: {honest}", budget=100 * MILLION, profit=max(profits), held_by=held_by)
    assert started == alone
    assert max(profits) <= ((Fraction(20, 100) + 1 - worst) * debt if alone else 0)


# Starting early


@pytest.mark.parametrize("cancelled", [True, False])
def test_start_early__before_the_victim_falls(stage: Stage, tell: Tell, cancelled: bool) -> None:
    """He holds the mean 2 % low for a moment, so that an auction of a healthy account begins, and its clock; the
    price falls later.

    Anybody cancels the auction of an account that is above its line, and its owner cannot act before. Without that
    the bonus is at its largest at once: bounded by the penalty.
    """
    victim = stage.account(0, stage.victim)
    stage.owe_the_most(victim, "WETH", "USDC", MILLION)
    stage.move("WETH", stage.honest["WETH"] * Fraction(974, 1_000))
    stage.fund(WETH=10**6, USDC=10**9, WBTC=100)
    account = stage.account(1)
    stage.deposit(account, "WBTC", 100)
    stage.push("WETH", Fraction(98, 100))
    while not stage.liquidates(victim):
        stage.blocks(5)
    stage.engine.liquidate(victim, sender=stage.attacker)
    stage.undo("WETH")
    for _ in range(3):
        stage.devnet.settle()
    if cancelled:
        stage.engine.cancel(victim, sender=stage.keeper)
    stage.move("WETH", stage.honest["WETH"] * Fraction(98, 100))
    stage.start = stage.wealth()
    debt = stage.dollars("USDC", stage.engine.debt_of(victim, stage.asset("USDC").token))
    if cancelled:
        stage.engine.liquidate(victim, sender=stage.attacker)
    penalty = Fraction(stage.devnet.protocol.auction.auction_of(victim).penalty, WAD)
    stage.engine.take(victim, WAD, account, -WAD, sender=stage.attacker)
    profit = stage.profit()
    bound = (
        "bounded: what depth alone pays at once" if cancelled else "bounded: the penalty; anybody may cancel meanwhile"
    )
    attack = f"start an auction before the victim falls, {'cancelled' if cancelled else 'nobody cancels'}"
    tell(attack, budget=MILLION, profit=profit, held_by=bound)
    assert profit <= penalty * debt / (5 if cancelled else 1)


# Taking from himself


@pytest.mark.parametrize("fall", [Fraction(95, 100), Fraction(90, 100), Fraction(87, 100), Fraction(80, 100)])
@pytest.mark.parametrize("blocks", [0, 5, 25, 50, 100])
def test_take_from_himself(stage: Stage, tell: Tell, blocks: int, fall: Fraction) -> None:
    """Both accounts are his: the bonus, the starter's part and what is written off would be the lenders' loss.

    While the account has equity the bonus is his own money. One that is under water pays by time what nobody took
    earlier: bounded by the penalty, and by who comes first.
    """
    stage.fund(WETH=500, WBTC=100)
    account, other = stage.account(1), stage.account(2)
    stage.deposit(account, "WETH", 500)
    stage.borrow(account, "USDC", Fraction(stage.most(account, "USDC"), 10**6))
    stage.deposit(other, "WBTC", 100)
    stage.move("WETH", stage.honest["WETH"] * fall)
    stage.start = stage.wealth()
    equity = stage.equity(account)
    debt = stage.dollars("USDC", stage.engine.debt_of(account, stage.asset("USDC").token))
    if stage.liquidates(account):
        stage.engine.liquidate(account, sender=stage.attacker)
    stage.devnet.warp(blocks * BLOCK)
    stage.devnet.refresh()
    with suppress(Revert):
        stage.engine.take(account, WAD, other, -WAD, sender=stage.attacker)
    profit = stage.profit()
    held_by = "bounded: the penalty; others take earlier, for less"
    tell("take from himself, and nobody before him", budget=7 * MILLION, profit=profit, held_by=held_by)
    assert profit <= max(debt * Fraction(12, 100) - max(equity, Fraction(0)), Fraction(0))


# Dust


@pytest.mark.parametrize("symbol", ["USDC", "WETH", "WBTC"])
def test_dust_in_a_victims_account(stage: Stage, tell: Tell, symbol: str) -> None:
    """He fills a victim's account with specks, so that it has too many assets, owes too little, or cannot be closed."""
    victim = stage.account(0, stage.victim)
    stage.owe_the_most(victim, "WETH", "USDC", MILLION)
    stage.fund(USDC=10, WETH=1, WBTC=1)
    word = stage.engine.word_of(victim)
    token = stage.asset(symbol).token
    for amount in (1, 2, 10**4):
        if symbol == "WBTC":
            with reverts("engine: not allowed"):
                stage.engine.deposit(victim, token, amount, sender=stage.attacker)
        else:
            stage.engine.deposit(victim, token, amount, sender=stage.attacker)
    assert stage.engine.word_of(victim) == word
    stage.fund(stage.victim, USDC=MILLION)
    usdc = stage.asset("USDC").token
    stage.engine.deposit(victim, usdc, stage.engine.debt_of(victim, usdc), sender=stage.victim)
    stage.engine.withdraw(victim, stage.asset("WETH").token, EVERYTHING, stage.victim, 0, sender=stage.victim)
    assert stage.engine.word_of(victim) == 0
    profit = stage.profit()
    tell("dust in a victim's account", budget=4_000, profit=profit, held_by="a first balance needs the owner")
    assert profit <= 0


@pytest.mark.parametrize("symbol", ["USDC", "WETH", "WBTC"])
def test_rounding__a_hundred_specks(stage: Stage, tell: Tell, symbol: str) -> None:
    """He lends, redeems, borrows and repays single units, a hundred times: each rounding is against him."""
    stage.fund(USDC=10_000, WETH=10, WBTC=1)
    asset, account = stage.asset(symbol), stage.account(1)
    other = "WETH" if symbol != "WETH" else "USDC"
    stage.deposit(account, other, 5 if other == "WETH" else 5_000)
    stage.borrow(account, symbol, Fraction(200) / stage.honest[symbol])
    before = stage.wealth()
    for step in range(1, 101):
        shares = asset.pool.previewDeposit(step)
        asset.pool.deposit(step, stage.attacker, sender=stage.attacker)
        asset.pool.redeem(shares, stage.attacker, stage.attacker, sender=stage.attacker)
        stage.engine.withdraw(account, asset.token, step, stage.attacker, step, sender=stage.attacker)
        stage.engine.deposit(account, asset.token, step, sender=stage.attacker)
    profit = stage.wealth() - before
    tell("a hundred roundings", budget=20_000, profit=profit, held_by="every rounding is against who acts")
    assert profit <= 0


# The sequencer


@pytest.mark.parametrize("fall", [Fraction(90, 100), Fraction(80, 100), Fraction(70, 100)])
def test_sequencer__opens_in_the_cure_window(tell: Tell, fall: Fraction) -> None:
    """The price fell while the sequencer was down; after it he borrows on the last good price, and stretches the
    window for his sunk account.
    """
    chain = RevmChain()
    feed: Contract = chain.deploy("MockFeed", "sequencer", 0, 0, sender=chain.accounts()[0])
    settings = configuration.parse((home() / CONFIG).read_text())
    protocol = replace(settings.protocol, sequencer=feed.address, cure_window=HOUR)
    chain.warp(2 * HOUR)
    stage = set_stage(start(chain, replace(settings, protocol=protocol)))
    maker = stage.devnet.maker
    sunk = stage.account(1)
    stage.owe_the_most(sunk, "WETH", "USDC", MILLION)
    feed.set_answer(1, sender=maker)
    stage.move("WETH", stage.honest["WETH"] * fall)
    stage.fund(WETH=500)
    account = stage.account(2)
    stage.deposit(account, "WETH", 500)
    with stage.undone():
        honest = stage.leave(account, ("USDC", "WBTC", "WETH"))
    feed.set_answer(0, sender=maker)
    assert stage.leave(account, ("USDC", "WBTC", "WETH")) == honest
    deep = fall < Fraction(75, 100)
    assert stage.liquidates(sunk) == deep
    stage.devnet.warp(HOUR)
    stage.devnet.refresh()
    assert stage.liquidates(sunk) == (stage.equity(sunk) < 80_000)
    profit = stage.profit()
    tell(
        "borrow in the cure window after an outage",
        budget=MILLION,
        profit=profit,
        held_by="only liquidations see the last good price",
    )
    assert profit <= 0
