"""Auctions through the client: starting, taking with and without capital, ending, and what it refuses."""

from __future__ import annotations

from decimal import Decimal

import pytest

from plimsoll import errors
from plimsoll.devnet import Devnet
from plimsoll.errors import AmountError, PlimsollError
from plimsoll.protocol import MarginAccount, Protocol
from plimsoll.protocol.liquidation import Sale, brought, sales, share_of
from plimsoll.units import WAD, to_raw

CASH = {"USDC": "500000", "WETH": "100"}
FALL = "1690"


@pytest.fixture
def protocol(devnet: Devnet) -> Protocol:
    """Return a protocol whose pools of USDC and WETH are funded."""
    lender = devnet.chain.accounts()[1]
    for symbol, amount in CASH.items():
        devnet.mint(symbol, lender, amount)
        devnet.protocol.by(lender).approve_if_needed(symbol, amount, devnet.protocol.asset(symbol).pool)
        devnet.protocol.by(lender).lend(symbol, amount)
    return devnet.protocol


@pytest.fixture
def long(devnet: Devnet, protocol: Protocol) -> MarginAccount:
    """Return an account that has bought ETH for 88,000 USDC with 20,000 of its own."""
    owner = devnet.chain.accounts()[2]
    devnet.mint("USDC", owner, "20000")
    account, sender = MarginAccount(owner, 3), protocol.by(owner)
    sender.approve_if_needed("USDC", "20000")
    sender.deposit(account, "USDC", "20000")
    sender.trade(account, sell="USDC", amount="88000", max_borrow="68000", buy="WETH")
    return account


@pytest.fixture
def keeper(devnet: Devnet) -> str:
    """Return somebody with ether for gas and nothing else."""
    devnet.chain.fund(devnet.chain.accounts()[5], 10**18)
    return devnet.chain.accounts()[5]


def fall(devnet: Devnet, price: str = FALL) -> None:
    """Let the price of ETH fall, and every source follow."""
    devnet.set_price("WETH", price)
    for _ in range(3):
        devnet.settle()


def start(devnet: Devnet, account: MarginAccount, keeper: str, price: str = FALL) -> None:
    fall(devnet, price)
    devnet.protocol.by(keeper).liquidate(account)


def test_quote__healthy_account__no_auction(protocol: Protocol, long: MarginAccount) -> None:
    quote = protocol.quote(long)
    assert (quote.active, quote.takeable, quote.liquidatable) == (False, False, False)
    assert quote.equity == protocol.health(long).equity
    assert quote.target > quote.requirement == protocol.health(long).maintenance
    assert protocol.auction_of(long) is None


def test_liquidate__healthy_account__refused(protocol: Protocol, long: MarginAccount, keeper: str) -> None:
    with pytest.raises(errors.NotLiquidatable):
        protocol.by(keeper).liquidate(long)


def test_liquidate__below_the_line__auction_in_human_units(
    devnet: Devnet, protocol: Protocol, long: MarginAccount, keeper: str
) -> None:
    fall(devnet)
    assert protocol.quote(long).liquidatable
    protocol.by(keeper).liquidate(long)
    auction, quote = protocol.auction_of(long), protocol.quote(long)
    assert auction is not None
    assert (auction.starter, auction.taken) == (keeper, False)
    assert Decimal("0.1") < auction.penalty < Decimal("0.12")
    assert (quote.active, quote.takeable, quote.liquidatable) == (True, True, False)
    assert 0 < quote.bonus < auction.penalty
    assert 0 < quote.max_fraction < 1
    with pytest.raises(errors.AuctionRunning):
        protocol.by(keeper).liquidate(long)


def test_compact_healths__say_what_health_says(
    devnet: Devnet, protocol: Protocol, long: MarginAccount, keeper: str
) -> None:
    start(devnet, long, keeper)
    other = MarginAccount(keeper)
    seen, empty = protocol.compact_healths([long, other])
    health = protocol.health(long)
    assert (seen.ok, seen.under_auction, seen.below, seen.owes) == (True, True, True, True)
    assert (seen.equity, seen.maintenance) == (health.raw.equity, health.raw.maintenance)
    assert (empty.ok, empty.owes, empty.equity) == (True, False, 0)


def test_take__with_cash__position_moves(devnet: Devnet, protocol: Protocol, long: MarginAccount, keeper: str) -> None:
    start(devnet, long, keeper)
    desk, sender = MarginAccount(keeper, 1), protocol.by(keeper)
    devnet.mint("USDC", keeper, "30000")
    sender.approve_if_needed("USDC", "30001")
    sender.deposit(desk, "USDC", "1")
    with pytest.raises(errors.BadArgument) as caught:
        sender.take(long, desk, fraction="0.2")
    assert caught.value.reason == "engine: opposite balance"
    sender.withdraw_all(desk, "USDC")
    held, owed = protocol.balance(long, "WETH"), protocol.debt(long, "USDC")
    batch = sender.batch()
    batch.take(long, desk, fraction="0.2")
    batch.deposit(desk, "USDC", "30000")
    batch.send()
    received = protocol.balance(desk, "WETH")
    assert Decimal(1) < protocol.at_mid("WETH", received, "USDC").human / 13_600 < Decimal("1.1")
    assert protocol.balance(long, "WETH") == held - received
    assert abs(protocol.debt(long, "USDC").human - owed.human * Decimal("0.8")) < 1


@pytest.mark.parametrize("min_bonus", ["0.2", 1])
def test_take__bonus_below_the_minimum__refused(
    devnet: Devnet, protocol: Protocol, long: MarginAccount, keeper: str, min_bonus: str | int
) -> None:
    start(devnet, long, keeper)
    with pytest.raises(errors.BonusTooLow):
        protocol.by(keeper).take(long, MarginAccount(keeper), min_bonus=min_bonus)


def test_take__no_minimum__the_bonus_of_now(
    devnet: Devnet, protocol: Protocol, long: MarginAccount, keeper: str
) -> None:
    start(devnet, long, keeper)
    batch = protocol.by(keeper).batch()
    batch.take(long, MarginAccount(keeper))
    offered = protocol.quote(long).raw.bonus
    assert batch.calls == [protocol.engine.take.encode(long.id, WAD, MarginAccount(keeper).id, offered)]
    batch.take(long, MarginAccount(keeper), fraction="0.25", min_bonus="-0.01")
    assert batch.calls[1] == protocol.engine.take.encode(long.id, WAD // 4, MarginAccount(keeper).id, -WAD // 100)


def test_take__fraction_above_one__refused(protocol: Protocol, long: MarginAccount, keeper: str) -> None:
    with pytest.raises(AmountError) as caught:
        protocol.by(keeper).take(long, MarginAccount(keeper), fraction="1.1", min_bonus=0)
    assert str(caught.value) == "fraction 1.1 is above 1"


def test_take__no_auction__refused(protocol: Protocol, long: MarginAccount, keeper: str) -> None:
    with pytest.raises(errors.NoAuction):
        protocol.by(keeper).take(long, MarginAccount(keeper), min_bonus=0)


def test_cancel__after_a_cure__ends_it(devnet: Devnet, protocol: Protocol, long: MarginAccount, keeper: str) -> None:
    start(devnet, long, keeper)
    with pytest.raises(errors.AuctionRefused) as caught:
        protocol.by(keeper).cancel(long)
    assert caught.value.reason == "auction: below the line"
    owner = protocol.by(long.owner)
    with pytest.raises(errors.UnderAuction):
        owner.withdraw(long, "WETH", "0.1")
    devnet.mint("USDC", long.owner, "8000")
    owner.approve_if_needed("USDC", "8000")
    owner.deposit(long, "USDC", "8000")
    protocol.by(keeper).cancel(long)
    assert protocol.auction_of(long) is None
    assert protocol.health(long).healthy


def test_poke__expected_loss_is_booked(devnet: Devnet, protocol: Protocol, long: MarginAccount, keeper: str) -> None:
    with pytest.raises(errors.NoAuction):
        protocol.by(keeper).poke(long)
    start(devnet, long, keeper)
    assert not protocol.pool("USDC").provisions
    fall(devnet, "1500")
    protocol.by(keeper).poke(long)
    missing = -protocol.health(long).equity
    assert abs(protocol.pool("USDC").provisions.human - missing) < 50
    assert protocol.compact_healths([long])[0].provisioned
    with pytest.raises(errors.AuctionRefused) as caught:
        protocol.by(keeper).write_off(long)
    assert caught.value.reason == "auction: not dust"


@pytest.mark.parametrize("started_by_another", [True, False])
@pytest.mark.parametrize("fraction", [1, "0.1", "0.3"])
def test_capital_free_take__profit_and_nothing_left(
    devnet: Devnet,
    protocol: Protocol,
    long: MarginAccount,
    keeper: str,
    fraction: str | int,
    started_by_another: bool,
) -> None:
    starter = devnet.chain.accounts()[6]
    start(devnet, long, starter if started_by_another else keeper)
    quote, desk = protocol.quote(long), MarginAccount(keeper, 1)
    part = min(Decimal(fraction), quote.max_fraction)
    batch = protocol.by(keeper).capital_free_take(long, desk, fraction=fraction)
    batch.simulate()
    batch.send()
    assert protocol.engine.word_of(desk.id) == 0
    profit = protocol.wallet(keeper, "USDC").human
    kept = Decimal("0.8") if started_by_another else Decimal("0.9")  # a tenth each to another starter and the fund
    earned = quote.debt * part * quote.bonus * kept
    assert earned * Decimal("0.9") < profit < earned
    assert (protocol.lent(starter, "USDC").human > 0) is started_by_another
    assert not protocol.lent(keeper, "USDC")
    health = protocol.health(long)
    assert health.factor is not None
    assert health.factor > quote.equity / quote.requirement


def test_capital_free_take__everything_allowed__lands_on_the_target(
    devnet: Devnet, protocol: Protocol, long: MarginAccount, keeper: str
) -> None:
    start(devnet, long, keeper)
    protocol.by(keeper).capital_free_take(long, MarginAccount(keeper, 1)).send()
    after = protocol.quote(long)
    assert not after.takeable or after.max_fraction < Decimal("0.0001")
    assert abs(after.equity - after.target) < after.target / 100


def test_capital_free_take__bonus_too_small_to_pay__refused_as_a_whole(
    devnet: Devnet, protocol: Protocol, long: MarginAccount, keeper: str
) -> None:
    """Insolvent: at once there is no bonus, so that what the take brings does not pay its debt and the swap's fee."""
    start(devnet, long, keeper, "1500")
    before = protocol.engine.exposures(long.id)
    assert protocol.quote(long).bonus == 0
    with pytest.raises(errors.Reverted):
        protocol.by(keeper).capital_free_take(long, MarginAccount(keeper, 1)).send()
    assert protocol.engine.exposures(long.id)[0] == before[0]
    assert not protocol.wallet(keeper, "USDC")


def test_capital_free_take__nothing_to_take__refused(protocol: Protocol, long: MarginAccount, keeper: str) -> None:
    with pytest.raises(PlimsollError) as caught:
        protocol.by(keeper).capital_free_take(long, MarginAccount(keeper, 1))
    assert str(caught.value) == f"nothing can be taken from {long} now"


def test_capital_free_take__two_balances_two_debts(devnet: Devnet, protocol: Protocol, keeper: str) -> None:
    owner = devnet.chain.accounts()[3]
    account, sender = MarginAccount(owner, 1), protocol.by(owner)
    lender = devnet.chain.accounts()[1]
    devnet.mint("WBTC", lender, 5)
    protocol.by(lender).approve_if_needed("WBTC", 5, protocol.asset("WBTC").pool)
    protocol.by(lender).lend("WBTC", 5)
    devnet.mint("WETH", owner, 40)
    sender.approve_if_needed("WETH", 40)
    sender.deposit(account, "WETH", 40)
    sender.withdraw(account, "USDC", "30000", max_borrow="30000")
    sender.withdraw(account, "WBTC", "0.6", max_borrow="0.6")
    start(devnet, account, keeper, "1800")
    devnet.warp(500)
    devnet.refresh()
    desk = MarginAccount(keeper, 1)
    batch = protocol.by(keeper).capital_free_take(account, desk, fraction="0.5", slippage="0.01")
    assert len(batch) == 1 + 2 + 3
    batch.send()
    assert protocol.engine.word_of(desk.id) == 0
    assert protocol.wallet(keeper, "USDC").human > 0
    assert protocol.wallet(keeper, "WBTC").human > 0


@pytest.mark.parametrize("starter", [5, 6])
def test_brought__is_what_a_take_moves(
    devnet: Devnet, protocol: Protocol, long: MarginAccount, keeper: str, starter: int
) -> None:
    """The keeper is the sixth account: what is due to the starter is not, when he is the starter."""
    start(devnet, long, devnet.chain.accounts()[starter])
    fraction, desk = to_raw("0.2", 18), MarginAccount(keeper, 1)
    received, assumed = brought(protocol, long, desk, fraction, share_of(protocol.quote(long).raw, fraction))
    devnet.mint("WETH", keeper, 20)
    protocol.by(keeper).approve_if_needed("WETH", 20)
    protocol.by(keeper).deposit(desk, "WETH", 20)
    protocol.by(keeper).take(long, desk, fraction="0.2")
    (weth, sold), (usdc, owed) = received[0], assumed[0]
    came = protocol.balance(desk, weth).raw - 20 * 10**18
    assert 1 <= came - sold <= came // 10**8
    assert 0 <= owed - protocol.debt(desk, usdc).raw <= 4


def test_sales__one_debt__everything_is_sold_for_it(protocol: Protocol) -> None:
    usdc, weth, wbtc = (protocol.asset(symbol) for symbol in ("USDC", "WETH", "WBTC"))
    planned = sales(protocol, [(weth, 10**18), (wbtc, 10**8)], [(usdc, 10**9)], WAD // 100)
    assert planned == [Sale(weth, 10**18, usdc), Sale(wbtc, 10**8, usdc)]


def test_sales__two_debts__the_first_gets_what_it_needs(protocol: Protocol) -> None:
    usdc, weth, wbtc = (protocol.asset(symbol) for symbol in ("USDC", "WETH", "WBTC"))
    first, second = sales(protocol, [(wbtc, 10**8)], [(usdc, 10**10), (weth, 10**18)], WAD // 100)
    assert (first.buy, second.buy) == (usdc, weth)
    assert first.amount + second.amount == 10**8
    bought = protocol.at_mid("WBTC", wbtc.amount(first.amount), "USDC").human
    assert Decimal(10_000) / Decimal("0.99") <= bought < Decimal(10_000) / Decimal("0.98")


def test_sales__not_enough_for_the_first_debt__refused(protocol: Protocol) -> None:
    usdc, weth, wbtc = (protocol.asset(symbol) for symbol in ("USDC", "WETH", "WBTC"))
    with pytest.raises(PlimsollError) as caught:
        sales(protocol, [(wbtc, 10**6)], [(usdc, 10**10), (weth, 10**18)], WAD // 100)
    assert str(caught.value) == "what the take brings does not pay its debt in USDC"
