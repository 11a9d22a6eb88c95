"""Whole lives of accounts through the client, on contracts that the deploy function deployed."""

from __future__ import annotations

from decimal import Decimal

import pytest

from plimsoll import errors
from plimsoll.chain import Event
from plimsoll.devnet import Devnet
from plimsoll.protocol import Grant, MarginAccount, Permission, Sender, Status
from plimsoll.reconcile import (
    Check,
    accounts_empty,
    claims_add_up,
    own_addresses,
    pools_add_up,
    tokens_add_up,
    vault_adds_up,
)

WEEK = 7 * 86_400


@pytest.fixture
def lender(devnet: Devnet) -> Sender:
    """Return a lender who has funded every pool with 200,000 dollars."""
    sender = devnet.protocol.by(devnet.chain.accounts()[1])
    for symbol, amount in (("USDC", "200000"), ("WETH", "100"), ("WBTC", "3")):
        devnet.mint(symbol, sender.sender, amount)
        sender.approve_if_needed(symbol, amount, devnet.protocol.asset(symbol).pool)
        sender.lend(symbol, amount)
    return sender


def funded(devnet: Devnet, number: int, index: int = 0, **amounts: str) -> tuple[Sender, MarginAccount]:
    """Return a trader with an account into which he has deposited."""
    sender = devnet.protocol.by(devnet.chain.accounts()[number])
    account = MarginAccount(sender.sender, index)
    for symbol, amount in amounts.items():
        devnet.mint(symbol, sender.sender, amount)
        sender.approve_if_needed(symbol, amount)
        sender.deposit(account, symbol, amount)
    return sender, account


def books(devnet: Devnet, *accounts: MarginAccount) -> list[Check]:
    """Return the checks that hold at any time."""
    people = {account: account for account in devnet.chain.accounts()}
    people["fund"] = devnet.protocol.asset("USDC").pool.fund()
    return [
        *tokens_add_up(devnet.protocol, people | own_addresses(devnet.protocol)),
        *vault_adds_up(devnet.protocol, accounts),
        *pools_add_up(devnet.protocol, accounts),
    ]


def off(checks: list[Check]) -> list[Check]:
    return [check for check in checks if not check.holds]


def test_long__opened_and_closed(devnet: Devnet, lender: Sender) -> None:
    protocol = devnet.protocol
    trader, account = funded(devnet, 2, 1, USDC="20000")
    receipt = trader.trade(account, sell="USDC", amount="100000", max_borrow="80000", buy="WETH")
    traded = receipt.find("Traded", protocol.engine)[0].args
    assert (traded["sold"], traded["borrowed"], traded["repaid"]) == (100_000 * 10**6, 80_000 * 10**6, 0)
    assert protocol.debt(account, "USDC").human == Decimal(80_000)
    assert not protocol.balance(account, "USDC")
    assert Decimal("49.8") < protocol.balance(account, "WETH").human < Decimal(50)
    assert Decimal("4.9") < (protocol.health(account).leverage or 0) < Decimal("5.2")
    assert off(books(devnet, account)) == []

    devnet.set_price("WETH", "2200")
    devnet.settle()
    batch = trader.batch().trade(account, sell="WETH", amount=protocol.balance(account, "WETH"), buy="USDC")
    batch.withdraw_all(account, "USDC").send()
    profit = protocol.wallet(account.owner, "USDC").human - 20_000
    assert Decimal(9_000) < profit < Decimal(10_000)
    assert off([*books(devnet, account), *accounts_empty(protocol, [account])]) == []


def test_short__opened_and_closed_in_a_cross_account(devnet: Devnet, lender: Sender) -> None:
    protocol = devnet.protocol
    trader, account = funded(devnet, 3, WBTC="0.5", USDC="10000")
    trader.trade(account, sell="WETH", amount="20", max_borrow="20", buy="USDC")
    assert protocol.debt(account, "WETH").human == Decimal(20)
    assert Decimal(49_800) < protocol.balance(account, "USDC").human < Decimal(50_000)

    devnet.set_price("WETH", "1800")
    devnet.settle()
    debt = protocol.debt(account, "WETH")
    batch = trader.batch().trade(account, sell="USDC", amount="36200", buy="WETH", min_buy=debt)
    for symbol in ("WETH", "USDC", "WBTC"):
        batch.withdraw_all(account, symbol)
    batch.send()
    worth = protocol.wallet(account.owner, "USDC").human + protocol.wallet(account.owner, "WETH").human * 1_800
    assert Decimal(13_800) < worth < Decimal(14_000)
    assert protocol.wallet(account.owner, "WBTC").human == Decimal("0.5")
    assert off([*books(devnet, account), *accounts_empty(protocol, [account])]) == []


def test_flip__long_to_short_in_one_trade(devnet: Devnet, lender: Sender) -> None:
    trader, account = funded(devnet, 2, USDC="20000")
    trader.trade(account, sell="USDC", amount="40000", max_borrow="20000", buy="WETH")
    held = devnet.protocol.balance(account, "WETH").human
    trader.trade(account, sell="WETH", amount=held + 10, max_borrow=10, buy="USDC")
    assert devnet.protocol.debt(account, "WETH").human == Decimal(10)
    assert not devnet.protocol.debt(account, "USDC")
    assert devnet.protocol.balance(account, "USDC").human > Decimal(39_000)
    assert off(books(devnet, account)) == []


def test_long__without_own_quote__collateral_is_another_asset(devnet: Devnet, lender: Sender) -> None:
    trader, account = funded(devnet, 2, WBTC="0.5")
    trader.trade(account, sell="USDC", amount="60000", max_borrow="60000", buy="WETH")
    signs = {row.asset.symbol: row.is_debt for row in devnet.protocol.positions(account)}
    assert signs == {"WETH": False, "WBTC": False, "USDC": True}
    assert off(books(devnet, account)) == []


def test_too_much_leverage__refused_and_nothing_lost(devnet: Devnet, lender: Sender) -> None:
    trader, account = funded(devnet, 2, USDC="10000")
    with pytest.raises(errors.InitialMargin):
        trader.trade(account, sell="USDC", amount="110000", max_borrow="100000", buy="WETH")
    assert devnet.protocol.balance(account, "USDC").human == Decimal(10_000)
    assert devnet.protocol.pool("USDC").total_debt.raw == 0
    assert off(books(devnet, account)) == []


def test_isolated__one_account_lost__the_other_untouched(devnet: Devnet, lender: Sender) -> None:
    trader, risky = funded(devnet, 2, 1, USDC="10000")
    _, safe = funded(devnet, 2, 0, USDC="5000")
    trader.trade(risky, sell="USDC", amount="50000", max_borrow="40000", buy="WETH")
    devnet.set_price("WETH", "1500")
    devnet.settle()
    assert devnet.protocol.health(risky).equity < 0
    trader.withdraw_all(safe, "USDC")
    assert devnet.protocol.wallet(safe.owner, "USDC").human == Decimal(5_000)


def test_below_initial_margin__only_reducing(devnet: Devnet, lender: Sender) -> None:
    protocol = devnet.protocol
    trader, account = funded(devnet, 2, USDC="10000")
    trader.trade(account, sell="USDC", amount="50000", max_borrow="40000", buy="WETH")
    devnet.set_price("WETH", "1810")
    devnet.settle()
    health = protocol.health(account)
    assert health.equity < health.initial
    with pytest.raises(errors.InitialMargin):
        trader.trade(account, sell="WETH", amount=1, buy="USDC")
    with pytest.raises(errors.ReduceOnly):
        trader.trade(account, sell="USDC", amount=1, max_borrow=1, buy="WETH", reduce_only=True)
    trader.trade(account, sell="WETH", amount=5, buy="USDC", reduce_only=True)
    after = protocol.health(account)
    assert (after.factor or 0) > (health.factor or 0)
    assert after.debt < health.debt


def test_price_not_ok__deposit_repay_reduce_and_free_withdrawal_work(devnet: Devnet, lender: Sender) -> None:
    protocol = devnet.protocol
    trader, account = funded(devnet, 2, USDC="20000")
    _, free = funded(devnet, 2, 5, WETH="1", USDC="100")
    trader.trade(account, sell="USDC", amount="60000", max_borrow="40000", buy="WETH")
    devnet.set_price("WETH", "2100")
    assert protocol.price("WETH").status is Status.WIDE
    with pytest.raises(errors.PriceStatus):
        trader.trade(account, sell="USDC", amount=100, max_borrow=100, buy="WETH", slippage="0.05")
    with pytest.raises(errors.PriceStatus):
        trader.withdraw(account, "WETH", 1)
    trader.trade(account, sell="WETH", amount=1, buy="USDC", reduce_only=True, slippage="0.05")
    trader.withdraw_all(free, "WETH")
    devnet.mint("USDC", account.owner, 500)
    trader.approve_if_needed("USDC", 500)
    before = protocol.debt(account, "USDC")
    trader.deposit(account, "USDC", 500)
    assert protocol.debt(account, "USDC").human == before.human - 500


def test_paused__only_new_risk_stops(devnet: Devnet, lender: Sender) -> None:
    trader, account = funded(devnet, 2, USDC="20000")
    trader.trade(account, sell="USDC", amount="40000", max_borrow="20000", buy="WETH")
    devnet.protocol.engine.pause(sender=devnet.maker)
    with pytest.raises(errors.Paused):
        trader.trade(account, sell="USDC", amount=100, max_borrow=100, buy="WETH")
    trader.trade(account, sell="WETH", amount=5, buy="USDC", reduce_only=True)
    lender.unlend("WETH", 1)
    lender.unlend("USDC", 1_000)


def test_transfer__repays_the_other_accounts_debt(devnet: Devnet, lender: Sender) -> None:
    trader, rich = funded(devnet, 2, 0, USDC="30000")
    _, poor = funded(devnet, 2, 1, WETH="10")
    trader.withdraw(poor, "USDC", "10000", max_borrow="10000")
    trader.transfer(rich, poor, "USDC", "12000")
    assert not devnet.protocol.debt(poor, "USDC")
    assert devnet.protocol.balance(poor, "USDC").human == Decimal(2_000)
    assert devnet.protocol.balance(rich, "USDC").human == Decimal(18_000)
    assert off(books(devnet, rich, poor)) == []


def test_batch__checked_once_at_the_end(devnet: Devnet, lender: Sender) -> None:
    """The first call alone would leave the account without margin; the second brings it."""
    trader, account = funded(devnet, 2, WETH="1")
    devnet.mint("USDC", account.owner, "20000")
    trader.approve_if_needed("USDC", "20000")
    batch = trader.batch().trade(account, sell="USDC", amount="50000", max_borrow="50000", buy="WETH")
    with pytest.raises(errors.InitialMargin):
        batch.send()
    batch.deposit(account, "USDC", "20000").send()
    assert Decimal(29_999) < devnet.protocol.debt(account, "USDC").human <= Decimal(30_000)
    assert off(books(devnet, account)) == []


def test_operator__by_signature__trades_within_his_budget(devnet: Devnet, lender: Sender) -> None:
    protocol, chain = devnet.protocol, devnet.chain
    owner, account = funded(devnet, 2, USDC="20000")
    operator, relayer = (protocol.by(chain.accounts()[number]) for number in (10, 11))
    grant = Grant.of(
        Permission.TRADE | Permission.BORROW, chain.timestamp() + WEEK, max_loss_bps=100, loss_budget="100"
    )
    with pytest.raises(errors.NotAllowed):
        operator.trade(account, sell="USDC", amount="1000", buy="WETH")

    signed = protocol.sign_operator(chain.key(account.owner), account.owner, account, operator.sender, grant)
    receipt = relayer.submit_operator(signed)
    assert [event.name for event in receipt.events] == ["NonceUsed", "OperatorSet"]
    assert protocol.operator(account, operator.sender) == grant.as_tuple()
    with pytest.raises(errors.BadSignature) as caught:
        relayer.submit_operator(signed)
    assert caught.value.reason == "operators: nonce used"

    operator.trade(account, sell="USDC", amount="30000", max_borrow="10000", buy="WETH")
    assert protocol.debt(account, "USDC").human == Decimal(10_000)
    left = Decimal(protocol.operator(account, operator.sender).loss_budget).scaleb(-18)
    assert Decimal(50) < left < Decimal(100)
    with pytest.raises(errors.NotAllowed):
        operator.withdraw(account, "WETH", 1)
    with pytest.raises(errors.LossLimit) as limit:
        operator.trade(account, sell="WETH", amount=14, buy="WBTC")
    assert limit.value.reason == "operators: loss budget"

    owner.set_operator(account, operator.sender, Grant(Permission.NONE, 0))
    with pytest.raises(errors.NotAllowed):
        operator.trade(account, sell="WETH", amount=1, buy="USDC")


def test_operator__signature_of_another__refused(devnet: Devnet) -> None:
    protocol, chain = devnet.protocol, devnet.chain
    owner, thief = chain.accounts()[2], chain.accounts()[10]
    grant = Grant.of(Permission.WITHDRAW, chain.timestamp() + WEEK)
    signed = protocol.sign_operator(chain.key(thief), owner, owner, thief, grant)
    with pytest.raises(errors.BadSignature) as caught:
        protocol.by(thief).submit_operator(signed)
    assert caught.value.reason == "operators: signature"


def test_operator__signature_invalidated_or_expired__refused(devnet: Devnet) -> None:
    protocol, chain = devnet.protocol, devnet.chain
    owner, operator = chain.accounts()[2], chain.accounts()[10]
    grant = Grant.of(Permission.TRADE, chain.timestamp() + WEEK)
    first = protocol.sign_operator(chain.key(owner), owner, owner, operator, grant, nonce=2**200 + 7)
    protocol.by(owner).invalidate_nonce(2**200 + 7)
    with pytest.raises(errors.BadSignature):
        protocol.by(operator).submit_operator(first)
    second = protocol.sign_operator(chain.key(owner), owner, owner, operator, grant)
    devnet.warp(601)
    with pytest.raises(errors.Expired):
        protocol.by(operator).submit_operator(second)


def test_operator__of_all_accounts(devnet: Devnet) -> None:
    owner, account = funded(devnet, 2, 77, USDC="1000")
    operator = devnet.protocol.by(devnet.chain.accounts()[10])
    owner.set_operator(account.owner, operator.sender, Grant.of(Permission.WITHDRAW, devnet.chain.timestamp() + WEEK))
    operator.withdraw_all(account, "USDC")
    assert devnet.protocol.wallet(operator.sender, "USDC").human == Decimal(1_000)


def test_interest__lender_and_reserve_earn_what_borrowers_pay(devnet: Devnet, lender: Sender) -> None:
    protocol = devnet.protocol
    trader, account = funded(devnet, 2, WBTC="5")
    trader.withdraw(account, "USDC", "180000", max_borrow="180000")
    for _ in range(8):
        devnet.warp(WEEK)
        devnet.settle()
    debt = protocol.debt(account, "USDC")
    devnet.mint("USDC", account.owner, "10000")
    trader.approve_if_needed("USDC", "200000")
    receipt = trader.deposit(account, "USDC", "190000")
    paid = debt.human - 180_000
    assert receipt.return_value == debt.raw
    assert Decimal(1_000) < paid < Decimal(1_200)
    state = protocol.pool("USDC")
    assert state.total_debt.raw == 0
    assert state.unminted_fee.human == pytest.approx(paid / 10, rel=Decimal("1e-6"))
    earned = protocol.lent(lender.sender, "USDC").human - 200_000
    assert earned == pytest.approx(paid * 9 / 10, rel=Decimal("1e-6"))
    fund = protocol.asset("USDC").pool.fund()
    assert off(claims_add_up(protocol, [lender.sender, fund], {"USDC": 12, "WETH": 1, "WBTC": 1})) == []


def test_story_of_a_stranger__cannot_open_in_anothers_account(devnet: Devnet, lender: Sender) -> None:
    _, account = funded(devnet, 2, USDC="1000")
    stranger, _ = funded(devnet, 9, WETH="1")
    devnet.mint("WETH", stranger.sender, 1)
    stranger.approve_if_needed("WETH", 1)
    with pytest.raises(errors.NotAllowed):
        stranger.deposit(account, "WETH", 1)
    devnet.mint("USDC", stranger.sender, 5)
    stranger.approve_if_needed("USDC", 5)
    receipt = stranger.deposit(account, "USDC", 5)
    assert receipt.find("Deposited") == [
        Event(
            devnet.protocol.engine.address,
            "Deposited",
            {
                "account": account.id,
                "token": devnet.token("USDC").address,
                "sender": stranger.sender,
                "amount": 5_000_000,
                "repaid": 0,
            },
        )
    ]
