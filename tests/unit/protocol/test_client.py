"""The client on a devnet: human units in and out, defaults, and what it refuses before it sends anything."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from plimsoll import errors
from plimsoll.devnet import Devnet
from plimsoll.errors import AmountError, PlimsollError
from plimsoll.protocol import MarginAccount, Protocol, Restrictions, Status, encode_path
from plimsoll.protocol.client import sent_of
from plimsoll.units import Amount


@pytest.fixture
def trader(devnet: Devnet) -> str:
    """Return a trader with tokens, the engine approved."""
    owner = devnet.chain.accounts()[2]
    for symbol, amount in (("USDC", "10000"), ("WETH", "10"), ("WBTC", "1")):
        devnet.mint(symbol, owner, amount)
        devnet.protocol.by(owner).approve_if_needed(symbol, amount)
    return owner


@pytest.fixture
def lender(devnet: Devnet) -> str:
    """Return a lender who has funded two pools."""
    owner = devnet.chain.accounts()[1]
    for symbol, amount in (("USDC", "100000"), ("WETH", "50")):
        devnet.mint(symbol, owner, amount)
        devnet.protocol.by(owner).approve_if_needed(symbol, amount, devnet.protocol.asset(symbol).pool)
        devnet.protocol.by(owner).lend(symbol, amount)
    return owner


def test_asset__by_symbol_and_address(devnet: Devnet) -> None:
    protocol = devnet.protocol
    weth = protocol.asset("WETH")
    assert protocol.asset(weth.token.address) is weth
    assert protocol.asset(weth) is weth
    with pytest.raises(PlimsollError) as caught:
        protocol.asset("DOGE")
    assert str(caught.value) == "no asset 'DOGE': listed are USDC, WETH, WBTC"


@pytest.mark.parametrize(
    ("amount", "message"),
    [
        ("0.0000001", "USDC: 0.0000001 has more than 6 decimals"),
        (1.5, "USDC: 1.5 is no amount: write a whole number, a Decimal or text such as '10.5'"),
        (Amount(1, 18, "WETH"), "0.000000 WETH is no amount of USDC"),
    ],
)
def test_raw__refused(devnet: Devnet, amount: Any, message: str) -> None:
    with pytest.raises(AmountError) as caught:
        devnet.protocol.raw("USDC", amount)
    assert str(caught.value) == message


def test_deposit__balance_in_both_units(devnet: Devnet, trader: str) -> None:
    account = MarginAccount(trader, 3)
    devnet.protocol.by(trader).deposit(account, "WETH", "2.5")
    balance = devnet.protocol.balance(account, "WETH")
    assert balance.human == Decimal("2.5")
    assert balance.raw == 2_500_000_000_000_000_000
    assert not devnet.protocol.debt(account, "WETH")
    assert devnet.protocol.wallet(trader, "WETH").human == Decimal("7.5")


def test_deposit__not_approved__token_fails(devnet: Devnet) -> None:
    owner = devnet.chain.accounts()[5]
    devnet.mint("USDC", owner, 1)
    with pytest.raises(errors.TokenFailed) as caught:
        devnet.protocol.by(owner).deposit(MarginAccount(owner), "USDC", 1)
    assert caught.value.reason == "erc20: allowance"


def test_approve_if_needed__exactly_once(devnet: Devnet) -> None:
    owner = devnet.chain.accounts()[5]
    sender = devnet.protocol.by(owner)
    assert sender.approve_if_needed("USDC", "10") is not None
    assert devnet.token("USDC").allowance(owner, devnet.protocol.engine) == 10_000_000
    assert sender.approve_if_needed("USDC", "10") is None
    assert sender.approve_if_needed("USDC", "9.999999") is None
    assert sender.approve_if_needed("USDC", "10.000001") is not None


def test_withdraw__to_the_sender_unless_named(devnet: Devnet, trader: str) -> None:
    account, sender = MarginAccount(trader), devnet.protocol.by(trader)
    stranger = devnet.chain.accounts()[9]
    sender.deposit(account, "USDC", "100")
    sender.withdraw(account, "USDC", "40")
    sender.withdraw(account, "USDC", "25", to=stranger)
    sender.withdraw_all(account, "USDC")
    assert devnet.protocol.wallet(trader, "USDC").human == Decimal(9_975)
    assert devnet.protocol.wallet(stranger, "USDC").human == Decimal(25)


@pytest.mark.parametrize(
    ("act", "kind", "reason"),
    [
        (lambda s, a: s.withdraw(a, "USDC", "100.000001"), errors.InsufficientBalance, "engine: insufficient balance"),
        (lambda s, a: s.withdraw(a, "WETH", 1, max_borrow="0.5"), errors.MaxBorrow, "engine: max_borrow"),
        (lambda s, a: s.withdraw(a, "WETH", 1, max_borrow=1), errors.InitialMargin, "engine: initial margin"),
        (lambda s, a: s.withdraw(a, "WETH", "0.001", max_borrow=1), errors.MinDebt, "engine: min debt"),
        (lambda s, a: s.withdraw(a, "WETH", 51, max_borrow=51), errors.PoolCash, "pool: cash"),
        (lambda s, a: s.withdraw(a, "WBTC", 1, max_borrow=1), errors.PoolCash, "pool: cash"),
        (lambda s, a: s.withdraw(a, "USDC", 0), errors.BadArgument, "engine: zero amount"),
        (lambda s, a: s.trade(a, sell="USDC", amount=1, buy="WETH", deadline=1), errors.Expired, "engine: expired"),
        (lambda s, a: s.trade(a, sell="USDC", amount=1, buy="WETH", min_buy=1), errors.MinBuy, "swapper: min buy"),
        (lambda s, a: s.transfer(a, a, "USDC", 1), errors.BadArgument, "engine: same account"),
    ],
)
def test_verbs__refused__exception_carries_the_reason(
    devnet: Devnet, trader: str, lender: str, act: Any, kind: type[errors.Reverted], reason: str
) -> None:
    account, sender = MarginAccount(trader), devnet.protocol.by(trader)
    sender.deposit(account, "USDC", "100")
    before = devnet.protocol.engine.exposures(account.id)
    with pytest.raises(kind) as caught:
        act(sender, account)
    assert caught.value.reason == reason
    assert devnet.protocol.engine.exposures(account.id) == before


def test_verbs__anothers_account__not_allowed(devnet: Devnet, trader: str) -> None:
    account = MarginAccount(trader)
    devnet.protocol.by(trader).deposit(account, "USDC", "100")
    stranger = devnet.protocol.by(devnet.chain.accounts()[9])
    with pytest.raises(errors.NotAllowed):
        stranger.withdraw(account, "USDC", 1)
    with pytest.raises(errors.NotAllowed):
        stranger.trade(account, sell="USDC", amount=1, buy="WETH")


def test_trade__default_minimum__oracle_less_slippage(devnet: Devnet, trader: str) -> None:
    account, sender = MarginAccount(trader), devnet.protocol.by(trader)
    sender.deposit(account, "USDC", "1000")
    fair = devnet.protocol.at_mid("USDC", "1000", "WETH")
    with pytest.raises(errors.MinBuy):
        sender.trade(account, sell="USDC", amount="1000", buy="WETH", slippage=0)
    sender.trade(account, sell="USDC", amount="1000", buy="WETH", slippage="0.002")
    bought = devnet.protocol.balance(account, "WETH")
    assert fair.human * Decimal("0.998") <= bought.human < fair.human


@pytest.mark.parametrize("slippage", ["1", "-0.1", 2])
def test_trade__slippage_out_of_bounds(devnet: Devnet, trader: str, slippage: Any) -> None:
    with pytest.raises(AmountError) as caught:
        devnet.protocol.by(trader).trade(MarginAccount(trader), sell="USDC", amount=1, buy="WETH", slippage=slippage)
    assert str(caught.value) == f"slippage {slippage} is not in [0, 1)"


def test_trade__data_too_long__refused_before_sending(devnet: Devnet, trader: str) -> None:
    with pytest.raises(PlimsollError) as caught:
        devnet.protocol.by(trader).trade(MarginAccount(trader), sell="USDC", amount=1, buy="WETH", data=b"\0" * 1_025)
    assert str(caught.value) == "the swapper's data has 1025 bytes; the engine takes 1024"


def test_route__one_and_two_pools(devnet: Devnet) -> None:
    usdc, weth, wbtc = (devnet.token(symbol).address for symbol in ("USDC", "WETH", "WBTC"))
    assert devnet.protocol.route("USDC", "WETH") == encode_path([usdc, weth], [500])
    assert devnet.protocol.route("WETH", "WBTC") == encode_path([weth, usdc, wbtc], [500, 3_000])


def test_route__no_market(devnet: Devnet) -> None:
    fewer = replace(devnet.manifest, markets=devnet.manifest.markets[:1])
    with pytest.raises(PlimsollError) as caught:
        Protocol(devnet.chain, fewer).route("WETH", "WBTC")
    assert str(caught.value) == "no market connects WETH and WBTC: give the swapper's data yourself"


def test_trade__two_hops(devnet: Devnet, trader: str) -> None:
    account, sender = MarginAccount(trader), devnet.protocol.by(trader)
    sender.deposit(account, "WETH", 3)
    sender.trade(account, sell="WETH", amount=3, buy="WBTC")
    assert Decimal("0.0995") < devnet.protocol.balance(account, "WBTC").human < Decimal("0.1")


def test_health__leverage_and_factor(devnet: Devnet, trader: str, lender: str) -> None:
    account, sender = MarginAccount(trader), devnet.protocol.by(trader)
    empty = devnet.protocol.health(account)
    assert empty.leverage is None
    assert empty.factor is None
    sender.deposit(account, "USDC", "1000")
    assert devnet.protocol.health(account).leverage == 1
    sender.trade(account, sell="USDC", amount="3000", buy="WETH", max_borrow="2000")
    health = devnet.protocol.health(account)
    assert health.healthy
    assert health.status is Status.OK
    assert Decimal("2.99") < (health.leverage or 0) < Decimal("3.02")
    assert health.gross == health.equity + health.debt
    assert health.factor == pytest.approx(health.equity / health.maintenance)
    assert health.raw == devnet.protocol.engine.health(account.id)
    assert devnet.protocol.healths([account, MarginAccount(trader, 9)])[0] == health


def test_positions__signed_balances(devnet: Devnet, trader: str, lender: str) -> None:
    account, sender = MarginAccount(trader), devnet.protocol.by(trader)
    sender.deposit(account, "USDC", "1000")
    sender.trade(account, sell="USDC", amount="3000", buy="WETH", max_borrow="2000")
    rows = {row.asset.symbol: row for row in devnet.protocol.positions(account)}
    assert {symbol: row.is_debt for symbol, row in rows.items()} == {"WETH": False, "USDC": True}
    assert rows["USDC"].amount == devnet.protocol.debt(account, "USDC")
    assert rows["WETH"].amount == devnet.protocol.balance(account, "WETH")
    assert rows["WETH"].value == pytest.approx(rows["WETH"].amount.human * rows["WETH"].price.mid)
    assert Decimal("0.08") <= rows["WETH"].maintenance_rate < Decimal("0.081")


def test_pool__utilisation_and_rates(devnet: Devnet, trader: str, lender: str) -> None:
    account, sender = MarginAccount(trader), devnet.protocol.by(trader)
    sender.deposit(account, "WBTC", "1")
    sender.withdraw(account, "USDC", "25000", max_borrow="25000")
    pool = devnet.protocol.pool("USDC")
    assert pool.utilisation == Decimal("0.25")
    assert pool.total_debt.human == Decimal(25_000)
    assert pool.cash.human == Decimal(75_000)
    assert Decimal(0) < pool.supply_rate < pool.borrow_rate
    assert pool.supply_rate == pytest.approx(pool.borrow_rate * pool.utilisation * Decimal("0.9"), rel=Decimal("1e-9"))


def test_lend__unlend__same_amount(devnet: Devnet, lender: str) -> None:
    sender = devnet.protocol.by(lender)
    assert devnet.protocol.lent(lender, "USDC").human == Decimal(100_000)
    sender.unlend("USDC", "1000")
    assert devnet.protocol.wallet(lender, "USDC").human == Decimal(1_000)
    sender.unlend_all("USDC")
    assert devnet.protocol.wallet(lender, "USDC").human == Decimal(100_000)


def test_min_debt__dollars(devnet: Devnet) -> None:
    assert devnet.protocol.min_debt() == Decimal(100)


def test_restrictions__cap_and_gate(devnet: Devnet, trader: str) -> None:
    protocol, owner = devnet.protocol, devnet.maker
    engine, weth = protocol.engine, protocol.asset("WETH")
    protocol.by(trader).deposit(MarginAccount(trader), weth, 3)
    assert protocol.restrictions("WETH") == Restrictions(held=weth.amount(3 * 10**18), cap=None, gate=None)
    assert not protocol.restrictions("WETH").over
    engine.set_cap(weth.token, 3 * 10**18, sender=owner)
    assert not protocol.restrictions(weth).over
    engine.lower_cap(weth.token, 3 * 10**18 - 1, sender=owner)
    engine.set_gate(weth.token, weth.pool, sender=owner)
    restrictions = protocol.restrictions(weth)
    assert restrictions == Restrictions(weth.amount(3 * 10**18), weth.amount(3 * 10**18 - 1), weth.pool.address)
    assert restrictions.over


def test_batch__empty__refused(devnet: Devnet, trader: str) -> None:
    with pytest.raises(PlimsollError) as caught:
        devnet.protocol.by(trader).batch().send()
    assert str(caught.value) == "the batch is empty"


def test_batch__seventeen_calls__refused(devnet: Devnet, trader: str) -> None:
    batch = devnet.protocol.by(trader).batch()
    for _ in range(16):
        batch.deposit(MarginAccount(trader), "USDC", 1)
    with pytest.raises(PlimsollError) as caught:
        batch.deposit(MarginAccount(trader), "USDC", 1)
    assert str(caught.value) == "a batch takes 16 calls at most"
    batch.send()
    assert devnet.protocol.balance(MarginAccount(trader), "USDC").human == Decimal(16)


def test_batch__simulate__changes_nothing(devnet: Devnet, trader: str) -> None:
    account = MarginAccount(trader)
    batch = devnet.protocol.by(trader).batch().deposit(account, "USDC", 5).withdraw(account, "USDC", 6)
    with pytest.raises(errors.InsufficientBalance):
        batch.simulate()
    devnet.protocol.by(trader).batch().deposit(account, "USDC", 5).simulate()
    assert not devnet.protocol.balance(account, "USDC")


def test_reasonless__undecodable__named(devnet: Devnet, trader: str) -> None:
    sender = devnet.protocol.by(trader)
    usdc, weth = devnet.token("USDC"), devnet.token("WETH")
    arguments = (MarginAccount(trader).id, usdc, 1, 0, weth, 0, devnet.protocol.swapper, b"\0" * 2_000, 2**40, False)
    with pytest.raises(errors.Undecodable) as caught:
        sender._do("trade", *arguments)
    assert caught.value.reason == ""


def test_reasonless__lock_held__named(devnet: Devnet, trader: str) -> None:
    account, sender = MarginAccount(trader), devnet.protocol.by(trader)
    sender.deposit(account, "USDC", 10)
    swapper = devnet.chain.deploy("AttackSwapper", sender=trader)
    again = devnet.protocol.engine.deposit.encode(account.id, devnet.token("USDC"), 1)
    swapper.set_swap([(devnet.protocol.engine, again)], 0, True, sender=trader)
    with pytest.raises(errors.LockHeld):
        sender.trade(account, sell="USDC", amount=1, buy="WETH", swapper=swapper.address, data=b"")


def test_sent_of__largest_and_longest() -> None:
    assert sent_of(("0x", 5, True, 2**256 - 1)).largest == 5
    assert sent_of((1, b"abc", b"a")).longest == 3
