"""What auditors found in one margin exchange written in Vyper: ten findings, each a story of its own.

1. Margin was credited twice on its way out. 2. Margin that was added did not help. 3. Interest never reached the
lenders. 4. A full stop-loss always reverted. 5. A partial close raised the leverage. 6. Liquidation was stuck while the
market was under the oracle. 7. A feed's answer of zero was accepted. 8. Leverage came in whole numbers. 9. Defensive
mode refused top-ups. 10. Views reverted on a large bad debt.
"""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plimsoll.chain import ZERO_ADDRESS, Revert, RevmChain
from tests.support import reverts
from tests.support.risk import MARGIN, PRICES, Risk
from tests.support.scenario import DEAD, FOREVER, OK, STALE, WIDE, World
from tests.unit.liquidation.conftest import TAU, WAD, Close

YEAR = 365 * 86_400


def exactly(amount: int) -> bytes:
    """Data that makes the swapper deliver this."""
    return amount.to_bytes(32, "big")


def ratio(world: World, account: int) -> Fraction:
    """Positive value over equity: the leverage."""
    health = world.health(account)
    return Fraction(health.equity + health.debt, health.equity)


# 1


@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["withdraw", "transfer", "back"]), st.integers(1, 600)), min_size=1, max_size=8
    )
)
def test_1_margin__removed_in_any_way__is_there_once(world: World, steps: list[tuple[str, int]]) -> None:
    """Out to the wallet, over to another account and back: what the owner has never sums to more than he brought."""
    engine, usdc, trader = world.engine, world["USDC"].token, world.roles["trader"]
    accounts = [world.account("trader", index) for index in (8, 9)]
    with world.chain.isolate():
        world.deposit(accounts[0], "USDC", 1_000)
        wallet = usdc.balanceOf(trader)
        for kind, dollars in steps:
            amount = dollars * 10**6
            try:
                if kind == "withdraw":
                    engine.withdraw(accounts[0], usdc, amount, trader, 0, sender=trader)
                elif kind == "transfer":
                    engine.transfer(*accounts, usdc, amount, sender=trader)
                else:
                    engine.transfer(*reversed(accounts), usdc, amount, sender=trader)
            except Revert as refused:
                assert refused.reason == "engine: insufficient balance"
            inside = sum(engine.balance_of(account, usdc) for account in accounts)
            assert inside + usdc.balanceOf(trader) - wallet == 1_000 * 10**6
            assert inside <= usdc.balanceOf(engine)


# 2


@pytest.mark.parametrize("symbol", ["USDC", "WETH", "DAI", "WBTC"])
def test_2_margin__added_in_any_asset__counts_by_its_whole_worth(world: World, sick: int, symbol: str) -> None:
    """A thousand dollars more make the account healthy that lacked two hundred."""
    before = world.health(sick)
    assert before.equity < before.maintenance
    world.deposit(sick, symbol, Fraction(1_000) / world[symbol].price)
    after = world.health(sick)
    assert abs(after.equity - before.equity - 1_000 * WAD) <= 10**15
    assert after.equity >= after.maintenance
    with reverts("auction: healthy"):
        world.engine.liquidate(sick, sender=world.roles["keeper"])


# 3


@pytest.mark.parametrize("way", ["repay", "trade", "liquidation"])
def test_3_interest__whoever_pays_it__reaches_lenders_and_the_reserve(world: World, long: int, way: str) -> None:
    usdc, pool, lender = world["USDC"], world["USDC"].pool, world.roles["lender"]
    shares, owed = pool.balanceOf(lender), pool.debt_of(long)
    before, fee = pool.previewRedeem(shares), pool.state().unminted_fee
    world.warp(YEAR)
    interest = pool.debt_of(long) - owed
    assert interest > 10**6
    if way == "repay":
        world.deposit(long, "USDC", 50_000)
    elif way == "trade":
        world.trade(long, "WETH", 24, "USDC")
    else:
        world.set_price("WETH", 1_700)
        world.engine.liquidate(long, sender=world.roles["keeper"])
        target = world.account("keeper", 1)
        units = world.fund("keeper", "USDC", 100_000, world.engine)
        take = world.engine.take.encode(long, WAD, target, -WAD)
        world.engine.batch([take, world.engine.deposit.encode(target, usdc.token, units)], sender=world.roles["keeper"])
    earned, reserved = pool.previewRedeem(shares) - before, pool.state().unminted_fee - fee
    assert abs(interest * 9 // 10 - earned) <= interest // 10**4
    assert reserved >= interest // 10 - 1
    assert pool.cash() <= usdc.token.balanceOf(pool)
    pool.withdraw(earned, lender, lender, sender=lender)


# 4


@pytest.mark.parametrize("price", [2_000, 1_800, 1_760, 1_650, 1_601])
@pytest.mark.parametrize("loss_bps", [0, 5])
def test_4_stop_loss__of_everything__goes_through(world: World, long: int, price: int, loss_bps: int) -> None:
    """The whole balance is sold, the whole debt repaid, the rest is the owner's, at any health above zero."""
    world.set_price("WETH", price)
    held = world.balance(long, "WETH")
    proceeds = 25 * price * 10**6 * (10_000 - loss_bps) // 10_000
    if proceeds < 40_000 * 10**6:
        with reverts("engine: reduce only"):
            _reduce(world, long, held, proceeds)
        return
    _reduce(world, long, held, proceeds)
    assert world.balance(long, "USDC") == proceeds - 40_000 * 10**6
    assert world.balance(long, "WETH") == 0
    trader = world.roles["trader"]
    if world.balance(long, "USDC"):
        world.engine.withdraw(long, world["USDC"].token, 2**256 - 1, trader, 0, sender=trader)


def _reduce(world: World, account: int, sold: int, bought: int) -> None:
    trade = (account, world["WETH"].token, sold, 0, world["USDC"].token, 0, world.swapper, exactly(bought))
    world.engine.trade(*trade, FOREVER, True, sender=world.roles["trader"])


# 5


@pytest.mark.parametrize("price", [2_000, 1_760, 1_650])
@pytest.mark.parametrize("part", [1, 5, 12, 24])
def test_5_partial_close__never_raises_leverage(world: World, long: int, part: int, price: int) -> None:
    """At the oracle's price it falls; at a worse one the sale goes through only as long as it does not rise."""
    world.set_price("WETH", price)
    before = ratio(world, long)
    refused = []
    for percent in (100, 99, 97, 95, 92, 90, 70, 0):
        with world.chain.isolate():
            try:
                _reduce(world, long, part * 10**18, part * price * 10**6 * percent // 100)
            except Revert as error:
                assert error.reason == "engine: reduce only"
                refused.append(percent)
            else:
                assert ratio(world, long) <= before + Fraction(1, 10**9)
    assert 100 not in refused
    assert {70, 0} <= set(refused)


# 6


@pytest.mark.parametrize("percent", [99, 97, 95, 92])
def test_6_market_under_the_oracle__liquidation_waits_for_its_price_and_goes_on(
    world: World, sick: int, close: Close, percent: int
) -> None:
    """Keepers have no capital and sell at the market; the bonus rises until that pays."""
    weth, usdc = world["WETH"], world["USDC"]
    world.engine.liquidate(sick, sender=world.roles["stranger"])
    for _ in range(25):
        rate = WAD * 1_760 * percent // 100 * 10**6 // 10**18
        world.swapper.set_rate(weth.token, usdc.token, rate, sender=world.roles["deployer"])
        try:
            close(sick)
            break
        except Revert as refused:
            assert refused.reason in ("engine: initial margin", "engine: insufficient balance", "engine: min debt")
        world.chain.warp(TAU // 20)
        world.refresh()
    else:
        raise AssertionError("nobody could take it")
    assert usdc.token.balanceOf(world.roles["keeper"]) > 0
    assert world.health(sick).equity >= 0


# 7


@pytest.mark.parametrize("answer", [0, -1, -(10**20)])
def test_7_feed__an_answer_of_zero_or_less__is_no_price(chain: RevmChain, answer: int) -> None:
    owner = chain.accounts()[0]
    feed = chain.deploy("MockFeed", "ETH / USD", 8, 2_000 * 10**8, sender=owner)
    oracle = chain.deploy("FeedOracle", feed, 18, 10**8, 10**13, 3_600, ZERO_ADDRESS, 0, sender=owner)
    risk = Risk.deploy(chain)
    key = risk.engine.list_asset(risk.token(), False, [oracle], PRICES, MARGIN, sender=risk.owner).return_value
    assert risk.engine.prices([key])[0].status == OK
    feed.set_answer(answer, sender=owner)
    assert tuple(oracle.read()) == (0, 0, 0, 0, 0)
    assert tuple(risk.engine.prices([key])[0]) == (0, 0, 0, DEAD)
    owed = risk.engine.assess([key << 184 | 1 << 183 | 10**18], [])
    assert owed.status == DEAD
    assert min(owed.debt, owed.initial) >= 1


# 8


@pytest.mark.parametrize("own", [1_000, Fraction(12_345, 10), 9_999])
def test_8_leverage__is_any_number_up_to_the_margin(world: World, own: Fraction) -> None:
    """Not two, three or five times, but to the unit what initial margin allows: 1 / 6 % of both sides, 8.8 times."""
    account = world.account("trader", 5)
    world.deposit(account, "USDC", own)
    low, high = 0, int(own * 10**6) * 20
    while high - low > 1:
        middle = (low + high) // 2
        with world.chain.isolate():
            try:
                world.trade(account, "USDC", own + Fraction(middle, 10**6), "WETH", Fraction(middle, 10**6))
                low = middle
            except Revert as refused:
                assert refused.reason == "engine: initial margin"
                high = middle
    exact = own * 10**6 * (1 - Fraction(6, 100)) / Fraction(12, 100)
    assert abs(low - exact) <= exact / 10**4
    for part in (Fraction(1, 7), Fraction(2, 3), Fraction(99, 100)):
        with world.chain.isolate():
            borrowed = Fraction(int(low * part), 10**6)
            world.trade(account, "USDC", own + borrowed, "WETH", borrowed)
            assert abs(ratio(world, account) - (1 + borrowed / own)) < Fraction(1, 10**6)


# 9


@pytest.mark.parametrize("status", [OK, WIDE, STALE, DEAD])
@pytest.mark.parametrize("paused", [False, True])
def test_9_defensive_mode__takes_nobody_his_top_up(world: World, sick: int, paused: bool, status: int) -> None:
    if paused:
        world.engine.pause(sender=world.roles["guardian"])
    for symbol in ("WETH", "USDC"):
        world.set_status(symbol, status)
    owed = world.engine.debt_of(sick, world["USDC"].token)
    world.deposit(sick, "USDC", 100)
    world.deposit(sick, "WETH", 1)
    assert world.engine.debt_of(sick, world["USDC"].token) == owed - 100 * 10**6
    assert world.balance(sick, "WETH") == 26 * 10**18
    if status != DEAD:
        world.trade(sick, "WETH", 1, "USDC", reduce_only=True)


# 10


@pytest.mark.parametrize("years", [0, 5])
def test_10_views__of_a_large_bad_debt__answer(world: World, long: int, years: int) -> None:
    """Everything that screens and keepers read, while the pool is owed far more than anything will pay."""
    world.warp(years * YEAR)
    world.set_price("WETH", Fraction(1, 10**9))
    world.engine.liquidate(long, sender=world.roles["keeper"])
    health = world.health(long)
    assert health.equity < -(39_000 * WAD)
    quote = world.auction.quote(long)
    assert quote.active
    assert world.lens.liquidation_quote(long)[0] is True
    assert world.lens.health([long])[0].ok is True
    assert world.lens.positions(long)[0] is True
    assert world.lens.health_batch([long])[0] != 0
    pool, lender = world["USDC"].pool, world.roles["lender"]
    assert pool.state().provisions > 0
    assert pool.maxRedeem(lender) > 0
    assert pool.maxWithdraw(lender) == min(pool.cash(), pool.previewRedeem(pool.balanceOf(lender)))
    assert pool.convertToAssets(pool.balanceOf(lender)) < pool.totalAssets()
    world.engine.write_off(long, sender=world.roles["keeper"])
    assert pool.state().provisions == 0
