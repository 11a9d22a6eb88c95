"""MarginEngine.take: assume a part of every debt, receive a part of every positive balance; no token moves."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from plimsoll.model import account_word
from tests.support import reverts
from tests.support.scenario import DEAD, OK, STALE, WIDE, World
from tests.unit.liquidation.conftest import TAU, WAD, Close, assert_no_auction, provision

HALF = WAD // 2


def test_take__moves_the_ledger_and_no_token(world: World, auctioned: int, rich: int) -> None:
    usdc, weth = world["USDC"], world["WETH"]
    quote = world.auction.quote(auctioned)
    tokens = [asset.token.balanceOf(each) for asset in (usdc, weth) for each in (world.engine, asset.pool)]
    receipt = world.engine.take(auctioned, WAD, rich, -WAD, sender=world.roles["keeper"])
    fraction, share = receipt.return_value
    assert (fraction, share) == (quote.max_fraction, quote.share)
    shares = 40_000 * 10**12
    moved = -(-shares * fraction // WAD)
    starter_rate = quote.bonus // 10
    amount = -(-moved // 10**6)
    for_starter = -(-amount * starter_rate // WAD)
    assert quote.bonus * quote.debt <= quote.equity * WAD, "the fund is paid while equity pays"
    assert world.balance(auctioned, "WETH") == 25 * WAD - 25 * WAD * share // WAD
    assert world.balance(rich, "WETH") == 25 * WAD * share // WAD
    assert world.balance(rich, "USDC") == -(amount + 2 * for_starter)
    assert world.balance(auctioned, "USDC") == (moved - shares) // 10**6
    assert [asset.token.balanceOf(each) for asset in (usdc, weth) for each in (world.engine, asset.pool)] == tokens
    starter = world.roles["stranger"]
    minted = usdc.pool.balanceOf(starter)
    zero = "0x" + "0" * 40
    assert receipt.events == [
        usdc.pool.event("Transfer", sender=zero, receiver=starter, value=minted),
        usdc.pool.event(
            "DebtMoved",
            source=auctioned,
            target=rich,
            amount=amount,
            shares=moved,
            extra_shares=2 * for_starter * 10**6,
            starter_assets=for_starter,
            starter_shares=minted,
            fund_assets=for_starter,
        ),
        world.engine.event(
            "Taken",
            account=auctioned,
            target=rich,
            caller=world.roles["keeper"],
            fraction=fraction,
            share=share,
            bonus=quote.bonus,
            excluded=0,
        ),
    ]
    assert usdc.pool.convertToAssets(minted) in (for_starter - 1, for_starter)
    assert usdc.pool.state().unminted_fee == for_starter


def test_take__by_the_starter_himself__he_owes_himself_nothing(world: World, sick: int, rich: int) -> None:
    world.engine.liquidate(sick, sender=world.roles["keeper"])
    world.engine.take(sick, WAD, rich, -WAD, sender=world.roles["keeper"])
    assert world["USDC"].pool.balanceOf(world.roles["keeper"]) == 0
    assert world["USDC"].pool.state().unminted_fee > 0


def test_take__the_maximum__lands_on_the_target_within_the_size_term(world: World, auctioned: int, rich: int) -> None:
    before = world.auction.quote(auctioned)
    world.engine.take(auctioned, WAD, rich, -WAD, sender=world.roles["keeper"])
    after = world.auction.quote(auctioned)
    size_term = 10**6 * (before.debt + 50_000 * WAD) // WAD * (before.debt + 50_000 * WAD) // WAD
    assert -(10**13) <= after.equity - after.target <= size_term + 10**13
    assert not after.takeable


def test_take__with_no_capital__in_one_batch(world: World, auctioned: int, close: Close) -> None:
    world.warp(TAU)
    keeper = world.roles["keeper"]
    assert world["USDC"].token.balanceOf(keeper) == 0
    quote = world.auction.quote(auctioned)
    close(auctioned)
    profit = world["USDC"].token.balanceOf(keeper)
    assumed = Fraction(quote.debt * quote.max_fraction, WAD**2)
    paid = assumed * quote.bonus / WAD
    rates = 1 if quote.bonus * quote.debt > quote.equity * WAD else 2
    assert abs(profit - paid * (10 - rates) / 10 * 10**6) <= 3
    assert world.engine.word_of(world.account("keeper")) == 0


def test_take__everything__ends_the_auction(world: World, auctioned: int, close: Close) -> None:
    world.set_price("WETH", 1_650)
    close(auctioned)
    assert world.engine.exposures(auctioned) == []
    assert world.engine.word_of(auctioned) == 0
    assert_no_auction(world, auctioned)


def test_take__after_a_while__interest_is_booked_before_anything_else(world: World, auctioned: int, rich: int) -> None:
    world.warp(60)
    world.set_price("WETH", 1_650)
    receipt = world.engine.take(auctioned, WAD, rich, -WAD, sender=world.roles["keeper"])
    assert [event.name for event in receipt.events] == ["Accrued", "Ended", "Transfer", "DebtMoved", "Taken"]


def test_take__insolvent__writes_off_the_rest_at_once(world: World, insolvent: int, rich: int) -> None:
    world.chain.warp(2 * TAU)
    world.refresh()
    pool = world["USDC"].pool
    debt = pool.debt_of(insolvent)
    quote = world.auction.quote(insolvent)
    receipt = world.engine.take(insolvent, WAD, rich, -WAD, sender=world.roles["keeper"])
    fraction, share = receipt.return_value
    assert share == WAD
    assert fraction == -(-37_500 * WAD * WAD // (quote.debt + quote.debt * quote.bonus // WAD))
    written = receipt.find("WrittenOff", pool)
    assert len(written) == 1
    assert written[0].args["loss"] == pytest.approx(debt - debt * fraction // WAD, abs=2)
    assert_no_auction(world, insolvent)
    assert world.engine.word_of(insolvent) == 0


def test_take__insolvent__he_is_paid_at_most_the_bonus(world: World, insolvent: int, rich: int) -> None:
    world.chain.warp(30 * 86_400)
    world.refresh()
    before = world.auction.quote(insolvent)
    world.engine.take(insolvent, WAD, rich, -WAD, sender=world.roles["keeper"])
    assumed = -world.balance(rich, "USDC") * 10**12
    received = world.balance(rich, "WETH") * 1_500
    assert received <= assumed * (WAD + before.bonus) // WAD


def test_take__provisioned_but_solvent_again__leaves_no_provision(world: World, long: int, rich: int) -> None:
    """What was expected to be lost is not, though nobody poked: the whole debt goes to the taker."""
    world.set_price("WETH", 1_599)
    world.engine.liquidate(long, sender=world.roles["keeper"])
    assert provision(world, long) > 0
    world.set_price("WETH", 1_601)
    fraction, _ = world.engine.take(long, WAD, rich, -WAD, sender=world.roles["keeper"]).return_value
    assert fraction == WAD
    assert world.balance(long, "USDC") == 0
    assert world["USDC"].pool.state().provisions == 0
    assert_no_auction(world, long)


def test_take__provisioned_and_partial__books_what_is_left(world: World, insolvent: int, rich: int) -> None:
    world.chain.warp(TAU // 2)
    world.refresh()
    world.engine.take(insolvent, HALF, rich, -WAD, sender=world.roles["keeper"])
    equity = world.health(insolvent).equity
    assert equity < 0
    assert 0 <= provision(world, insolvent) * 10**12 + equity <= 2 * 10**12


def test_take__uncertain_price__keeps_what_was_provisioned(world: World, insolvent: int, rich: int) -> None:
    expected = provision(world, insolvent)
    world.set_status("WETH", WIDE)
    world.engine.poke(insolvent, sender=world.roles["lender"])
    assert provision(world, insolvent) == expected
    pool, lender = world["USDC"].pool, world.roles["lender"]
    assert pool.convertToAssets(pool.totalSupply()) <= pool.totalAssets() - expected
    assert pool.maxWithdraw(lender) <= pool.totalAssets() - expected


# Fractions


@pytest.mark.parametrize("fraction", [WAD // 300, WAD // 30, WAD // 20 + 1])
def test_take__less_than_the_maximum__is_what_was_asked(world: World, auctioned: int, rich: int, fraction: int) -> None:
    got, share = world.engine.take(auctioned, fraction, rich, -WAD, sender=world.roles["keeper"]).return_value
    assert got == fraction
    assert share <= fraction


def test_take__zero__reverts(world: World, auctioned: int, rich: int) -> None:
    with reverts("auction: zero fraction"):
        world.engine.take(auctioned, 0, rich, -WAD, sender=world.roles["keeper"])


def test_take__remainder_below_the_minimum_debt__reverts(world: World, auctioned: int, rich: int) -> None:
    world.set_price("WETH", 1_600)
    with reverts("auction: remainder"):
        world.engine.take(auctioned, WAD - WAD // 1_000, rich, -WAD, sender=world.roles["keeper"])


def test_take__small_account__asking_for_less_than_all_does_not_get_the_owners_rest(world: World, rich: int) -> None:
    world.risk_engine.set_margin(
        world["WETH"].key, (4 * WAD // 10, 4 * WAD // 10, 10**6, 10**12, WAD // 10), sender=world.roles["owner"]
    )
    account = world.account("trader", 5)
    world.deposit(account, "USDC", 30)
    world.trade(account, "USDC", 140, "WETH", 110)
    world.chain.warp(4_000 * 86_400)
    world.refresh()
    debt = Fraction(world.engine.debt_of(account, world["USDC"].token), 10**6)
    held = Fraction(world.engine.balance_of(account, world["WETH"].token), WAD)
    world.set_price("WETH", debt * Fraction(114, 100) / held)
    world.engine.liquidate(account, sender=world.roles["trader"])
    quote = world.auction.quote(account)
    asked = WAD - WAD // 10**6
    fraction, share = world.engine.take(account, asked, rich, -WAD, sender=world.roles["keeper"]).return_value
    assert quote.takeable
    received = held * world["WETH"].price * share / WAD
    assert received <= debt * fraction * (WAD + quote.bonus) / WAD**2 + Fraction(1, 10**5)


# Terms


def test_take__min_bonus__is_honoured(world: World, auctioned: int, rich: int) -> None:
    bonus = world.auction.quote(auctioned).bonus
    with reverts("auction: bonus"):
        world.engine.take(auctioned, HALF, rich, bonus + 1, sender=world.roles["keeper"])
    world.engine.take(auctioned, HALF, rich, bonus, sender=world.roles["keeper"])


def test_take__no_auction__reverts(world: World, sick: int, long: int, rich: int) -> None:
    for account in (sick, 0, world.account("stranger")):
        with reverts("auction: none"):
            world.engine.take(account, HALF, rich, -WAD, sender=world.roles["keeper"])


def test_take__healthy_again__reverts(world: World, auctioned: int, rich: int) -> None:
    world.set_price("WETH", 1_800)
    with reverts("auction: healthy"):
        world.engine.take(auctioned, HALF, rich, -WAD, sender=world.roles["keeper"])


def test_take__nothing_positive_with_a_price__reverts(world: World, auctioned: int, rich: int) -> None:
    world.set_status("WETH", DEAD)
    with reverts("auction: nothing to take"):
        world.engine.take(auctioned, HALF, rich, -WAD, sender=world.roles["keeper"])


def test_take__after_the_target__goes_on_below_the_line_again(world: World, auctioned: int, rich: int) -> None:
    world.engine.take(auctioned, WAD, rich, -WAD, sender=world.roles["keeper"])
    with reverts("auction: healthy"):
        world.engine.take(auctioned, WAD, rich, -WAD, sender=world.roles["keeper"])
    world.set_price("WETH", 1_755)
    quote = world.auction.quote(auctioned)
    assert quote.requirement <= quote.equity < quote.target
    with reverts("auction: healthy"):
        world.engine.take(auctioned, WAD, rich, -WAD, sender=world.roles["keeper"])
    world.set_price("WETH", 1_690)
    world.engine.take(auctioned, WAD, rich, -WAD, sender=world.roles["keeper"])


def test_take__in_one_batch__several_reach_the_target(world: World, auctioned: int, rich: int) -> None:
    keeper = world.roles["keeper"]
    part = world.auction.quote(auctioned).max_fraction // 2
    takes = [world.engine.take.encode(auctioned, fraction, rich, -WAD) for fraction in (part, WAD)]
    world.engine.batch(takes, sender=keeper)
    quote = world.auction.quote(auctioned)
    assert quote.equity > quote.requirement
    assert quote.target - quote.equity <= quote.debt // 10**6


@pytest.mark.parametrize(("missing", "reached"), [(0, True), (5 * 10**11, True), (5 * 10**12, False)])
def test_take__in_one_batch__almost_at_the_target__has_reached_it(
    world: World, auctioned: int, rich: int, missing: int, reached: bool
) -> None:
    """A millionth of the debts, which is what roundings may leave, nobody has to take; a little more he may."""
    keeper, most = world.roles["keeper"], world.auction.quote(auctioned).max_fraction
    takes = [world.engine.take.encode(auctioned, fraction, rich, -WAD) for fraction in (most - missing, WAD)]
    if reached:
        with reverts("auction: healthy"):
            world.engine.batch(takes, sender=keeper)
        takes.pop()
    world.engine.batch(takes, sender=keeper)
    quote = world.auction.quote(auctioned)
    assert quote.requirement < quote.equity
    assert abs(quote.target - quote.equity) <= quote.debt // 10**6


# Who and where to


def test_take__every_wrong_caller__reverts(world: World, auctioned: int, rich: int) -> None:
    for role in ("stranger", "trader", "owner", "guardian", "deployer", "attacker", "operator", "fund"):
        with reverts("operators: not allowed"):
            world.engine.take(auctioned, HALF, rich, -WAD, sender=world.roles[role])


@pytest.mark.parametrize("permissions", range(16))
def test_take__operator__needs_borrow_and_takes_at_no_loss(
    world: World, auctioned: int, rich: int, permissions: int
) -> None:
    operator, keeper = world.roles["operator"], world.roles["keeper"]
    world.registry.set_operator(rich, operator, (permissions, 2**39, 10_000, 2**100), sender=keeper)
    if not permissions & 2:
        with reverts("operators: not allowed"):
            world.engine.take(auctioned, HALF, rich, 0, sender=operator)
        return
    world.set_price("WETH", 1_767)
    assert world.auction.quote(auctioned).bonus < 0
    with reverts("engine: operator bonus"):
        world.engine.take(auctioned, HALF, rich, -1, sender=operator)
    with reverts("auction: bonus"):
        world.engine.take(auctioned, HALF, rich, 0, sender=operator)
    world.warp(TAU)
    world.engine.take(auctioned, HALF, rich, 0, sender=operator)


def test_take__to_itself__reverts(world: World, auctioned: int) -> None:
    with reverts("engine: same account"):
        world.engine.take(auctioned, HALF, auctioned, -WAD, sender=world.roles["trader"])


def test_take__to_an_account_under_auction__reverts(world: World, auctioned: int) -> None:
    other = world.account("keeper", 7)
    world.deposit(other, "USDT", 2_000)
    world.set_price("WETH", 2_000)
    world.trade(other, "USDT", 12_000, "WETH", 10_000)
    world.set_price("WETH", 1_700)
    world.engine.liquidate(other, sender=world.roles["trader"])
    with reverts("engine: under auction"):
        world.engine.take(auctioned, HALF, other, -WAD, sender=world.roles["keeper"])


@pytest.mark.parametrize("symbol", ["USDC", "WETH"])
def test_take__opposite_balance__reverts(world: World, auctioned: int, rich: int, symbol: str) -> None:
    world.borrow(rich, "USDT", 1_000)
    if symbol == "USDC":
        world.deposit(rich, "USDC", 1)
    else:
        world.borrow(rich, "WETH", 1)
    with reverts("engine: opposite balance"):
        world.engine.take(auctioned, HALF, rich, -WAD, sender=world.roles["keeper"])


def test_take__beside_the_same_side__adds_up(world: World, auctioned: int, rich: int) -> None:
    world.borrow(rich, "USDC", 1_000)
    world.deposit(rich, "WETH", 1)
    debt = world.balance(rich, "USDC")
    world.engine.take(auctioned, WAD // 100, rich, -WAD, sender=world.roles["keeper"])
    assert world.balance(rich, "USDC") < debt
    assert world.balance(rich, "WETH") > WAD


def test_take__without_margin__reverts(world: World, auctioned: int) -> None:
    with reverts("engine: initial margin"):
        world.engine.take(auctioned, WAD // 10, world.account("keeper", 3), -WAD, sender=world.roles["keeper"])


def test_take__a_debt_below_the_minimum__reverts(world: World, auctioned: int, rich: int) -> None:
    with reverts("engine: min debt"):
        world.engine.take(auctioned, WAD // 10_000, rich, -WAD, sender=world.roles["keeper"])


def test_take__isolated_account_of_the_taker__reverts(world: World, auctioned: int) -> None:
    account = world.account("keeper", 4)
    world.deposit(account, "TAIL", 100_000)
    with reverts("engine: isolated"):
        world.engine.take(auctioned, HALF, account, -WAD, sender=world.roles["keeper"])


def test_take__too_many_assets__reverts(world: World, auctioned: int, rich: int) -> None:
    for symbol in ("USDT", "DAI", "PTS"):
        world.deposit(rich, symbol, 10)
    for index in range(4):
        world.list_asset(f"X{index}", "MockERC20", 18, 1)
        world.deposit(rich, f"X{index}", 10)
    with reverts("engine: too many assets"):
        world.engine.take(auctioned, WAD // 10, rich, -WAD, sender=world.roles["keeper"])


def test_take__check_pending__reverts(world: World, auctioned: int, rich: int) -> None:
    """An account that has just been taken to cannot be taken from."""
    calls = [
        world.engine.take.encode(auctioned, WAD // 10, rich, -WAD),
        world.engine.take.encode(rich, WAD // 10, world.account("keeper", 9), -WAD),
    ]
    with reverts("engine: check pending"):
        world.engine.batch(calls, sender=world.roles["keeper"])


@pytest.mark.parametrize("status", [WIDE, STALE, DEAD])
def test_take__taker_who_ends_without_debt__at_any_price_and_paused(world: World, auctioned: int, status: int) -> None:
    """Of a portfolio with one bad asset the rest can be taken; the taker repays with tokens of his own."""
    world.engine.pause(sender=world.roles["guardian"])
    account, keeper, usdc = world.account("keeper", 3), world.roles["keeper"], world["USDC"].token
    world.fund("keeper", "USDC", 50_000, world.engine)
    world.set_price("WETH", 1_500)
    world.set_status("WETH", status)
    calls = [
        world.engine.take.encode(auctioned, WAD, account, -WAD),
        world.engine.deposit.encode(account, usdc, 50_000 * 10**6),
    ]
    if status == DEAD:
        with reverts("auction: nothing to take"):
            world.engine.batch(calls, sender=keeper)
        return
    world.engine.batch(calls, sender=keeper)
    assert world.balance(account, "WETH") == 25 * WAD


def test_take__taker_who_keeps_debt__needs_certain_prices_and_no_pause(world: World, auctioned: int, rich: int) -> None:
    world.set_price("WETH", 1_500)
    world.set_status("WETH", WIDE)
    with reverts("engine: price status"):
        world.engine.take(auctioned, HALF, rich, -WAD, sender=world.roles["keeper"])
    world.set_status("WETH", OK)
    world.engine.pause(sender=world.roles["guardian"])
    with reverts("engine: paused"):
        world.engine.take(auctioned, HALF, rich, -WAD, sender=world.roles["keeper"])


# Portfolios


def test_take__one_dead_asset__stays_and_the_rest_moves(world: World, rich: int) -> None:
    account = world.account("trader", 2)
    world.deposit(account, "PTS", 9_000)
    world.deposit(account, "WETH", 10)
    world.borrow(account, "USDC", 18_000)
    world.set_price("WETH", 1_700)
    world.set_status("PTS", DEAD)
    world.engine.liquidate(account, sender=world.roles["stranger"])
    key = world["PTS"].key
    index = [packed >> 184 for packed in world.engine.exposures(account)].index(key)
    receipt = world.engine.take(account, HALF, rich, -WAD, sender=world.roles["keeper"])
    assert receipt.find("Taken", world.engine)[0].args["excluded"] == 1 << index
    assert world.engine.balance_of(account, world["PTS"].token) == 9_000
    assert world.balance(rich, "WETH") > 0
    assert not account_word.holds(world.engine.word_of(rich), key)


def test_take__short_and_two_debts__moves_both(world: World, rich: int) -> None:
    account = world.account("trader", 2)
    world.deposit(account, "DAI", 10_000)
    world.open(account, "WETH", 10, "DAI")
    world.open(account, "USDT", 10_000, "DAI")
    world.set_price("WETH", 2_700)
    world.engine.liquidate(account, sender=world.roles["stranger"])
    owed = {symbol: -world.balance(account, symbol) for symbol in ("WETH", "USDT")}
    fraction, _ = world.engine.take(account, WAD // 4, rich, -WAD, sender=world.roles["keeper"]).return_value
    for symbol, debt in owed.items():
        moved = debt + world.balance(account, symbol)
        assert 0 <= moved - debt * fraction // WAD <= 2
        assert -world.balance(rich, symbol) >= moved


def test_take__isolated_account__to_a_fresh_one(world: World) -> None:
    account, target = world.account("trader", 2), world.account("keeper", 5)
    world.deposit(account, "TAIL", 10_000)
    world.borrow(account, "USDC", 20_000)
    world.set_price("TAIL", Fraction(21, 10))
    world.engine.liquidate(account, sender=world.roles["stranger"])
    world.fund("keeper", "USDC", 30_000, world.engine)
    owed = world.engine.debt_of(account, world["USDC"].token)
    fraction = world.auction.quote(account).max_fraction
    calls = [
        world.engine.take.encode(account, WAD, target, -WAD),
        world.engine.deposit.encode(target, world["USDC"].token, owed * fraction // WAD // 2),
    ]
    world.engine.batch(calls, sender=world.roles["keeper"])
    assert world.engine.balance_of(target, world["TAIL"].token) > 0
    assert world.engine.debt_of(target, world["USDC"].token) > 0


# While an auction runs


def test_under_auction__withdraw_trade_transfer_of_the_owner__revert(world: World, auctioned: int) -> None:
    trader, weth, usdc = world.roles["trader"], world["WETH"].token, world["USDC"].token
    engine: Any = world.engine
    for call in (
        lambda: engine.withdraw(auctioned, weth, 1, trader, 0, sender=trader),
        lambda: engine.withdraw(auctioned, usdc, 1, trader, 1, sender=trader),
        lambda: engine.trade(auctioned, weth, 1, 0, usdc, 0, world.swapper, b"", 2**40, False, sender=trader),
        lambda: engine.transfer(auctioned, auctioned + 1, weth, 1, sender=trader),
    ):
        with reverts("engine: under auction"):
            call()


def test_under_auction__deposit_repay_and_reduce__work(world: World, auctioned: int) -> None:
    trader = world.roles["trader"]
    world.deposit(auctioned, "WETH", 1)
    world.deposit(auctioned, "USDC", 100)
    world.fund("stranger", "USDC", 100, world.engine)
    world.engine.deposit(auctioned, world["USDC"].token, 10**8, sender=world.roles["stranger"])
    world.trade(auctioned, "WETH", 1, "USDC", reduce_only=True)
    source = world.account("trader", 8)
    world.deposit(source, "USDC", 100)
    world.engine.transfer(source, auctioned, world["USDC"].token, 10**8, sender=trader)
    assert world.auction.auction_of(auctioned).started_at != 0


@pytest.mark.parametrize("how", ["deposit", "transfer", "trade"])
def test_under_auction__repaying_one_of_two_provisioned_debts__leaves_no_provision_behind(
    world: World, how: str
) -> None:
    account = world.account("trader", 3)
    world.deposit(account, "WETH", 5)
    world.open(account, "USDC", 30_000, "WETH")
    world.open(account, "USDT", 1_000, "WETH")
    world.set_price("WETH", 1_500)
    world.engine.liquidate(account, sender=world.roles["keeper"])
    assert provision(world, account, "USDT") > 0
    if how == "deposit":
        world.deposit(account, "USDT", 1_001)
    elif how == "transfer":
        world.deposit(account + 1, "USDT", 1_001)
        amount = 1_001 * 10**6
        world.engine.transfer(account + 1, account, world["USDT"].token, amount, sender=world.roles["trader"])
    else:
        world.trade(account, "WETH", 1, "USDT", reduce_only=True)
    assert world.balance(account, "USDT") >= 0
    assert provision(world, account, "USDT") == 0
    world.set_price("WETH", 3_000)
    world.engine.cancel(account, sender=world.roles["trader"])
    assert_no_auction(world, account)


# Two accounts of one owner


@pytest.mark.parametrize("price", [1_768, 1_760, 1_700, 1_650, 1_610])
@pytest.mark.parametrize("elapsed", [0, TAU // 2, TAU])
def test_self_liquidation__of_a_solvent_account__earns_nothing(
    world: World, long: int, price: int, elapsed: int
) -> None:
    """His two accounts together have no more than before; only time beyond his own equity could change that."""
    other, trader = world.account("trader", 1), world.roles["trader"]
    world.deposit(other, "WBTC", 10)
    world.set_price("WETH", price)
    world.engine.liquidate(long, sender=trader)
    world.chain.warp(elapsed)
    world.refresh()
    before = world.health(long).equity + world.health(other).equity
    quote = world.auction.quote(long)
    if quote.bonus * quote.debt > quote.equity * WAD:
        assert elapsed, "at the start depth never goes beyond equity"
        return
    world.engine.take(long, WAD, other, -WAD, sender=trader)
    shares = world["USDC"].pool.convertToAssets(world["USDC"].pool.balanceOf(trader)) * 10**12
    assert world.health(long).equity + world.health(other).equity + shares <= before
