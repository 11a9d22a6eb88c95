"""Signing helpers: messages as EIP-712 writes them, and orders that protect longs and shorts."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data

from plimsoll.model import protection_orders
from plimsoll.model.protection_orders import Kind
from plimsoll.protocol.orders import Deleverage, Domain, Order, Signed, fresh_group, stop_loss, take_profit

DOMAIN = Domain("Plimsoll orders", "1", 1, "0x" + "11" * 20)
KEY = "0x" + "42" * 32
WETH, USDC = "0x" + "aa" * 20, "0x" + "bb" * 20
COMMON: dict[str, Any] = {
    "sell": WETH,
    "buy": USDC,
    "amount": 10**18,
    "trigger": 10**21,
    "max_slippage": 100,
    "fee": 20,
    "deadline": 10**10,
}
STANDING = Deleverage(5, 2 * 10**18, 3 * 10**18, 100, 20, 1, 0, 10**10)


def test_typed_data__order__camel_case_in_the_contracts_order() -> None:
    message = stop_loss(7, **COMMON, group=3).typed_data(DOMAIN)
    encoded = ",".join(f"{each['type']} {each['name']}" for each in message["types"]["Order"])
    assert encoded == (
        "uint256 account,uint256 kind,address watched,uint256 trigger,uint256 trail,address sell,address buy,"
        "uint256 amount,uint256 minFill,uint256 minRate,uint256 maxSlippage,uint256 fee,bool repayOnly,uint256 group,"
        "uint256 epoch,uint256 deadline"
    )
    assert message["primaryType"] == "Order"
    assert message["domain"] == {
        "name": "Plimsoll orders",
        "version": "1",
        "chainId": 1,
        "verifyingContract": DOMAIN.verifier,
    }
    assert message["message"]["minFill"] == 0
    assert type(message["message"]["kind"]) is int


def test_typed_data__deleverage__camel_case_in_the_contracts_order() -> None:
    message = STANDING.typed_data(DOMAIN)
    encoded = ",".join(f"{each['type']} {each['name']}" for each in message["types"]["Deleverage"])
    assert encoded == (
        "uint256 account,uint256 triggerRatio,uint256 targetRatio,uint256 maxCost,uint256 fee,uint256 group,"
        "uint256 epoch,uint256 deadline"
    )


@pytest.mark.parametrize("order", [stop_loss(7, **COMMON, group=3), STANDING], ids=["order", "deleverage"])
def test_signed__recovers_to_the_signer(order: Order | Deleverage) -> None:
    signed = Signed.by(KEY, order, DOMAIN)
    assert signed.arguments() == (order.as_tuple(), signed.signature)
    recovered = Account.recover_message(
        encode_typed_data(full_message=order.typed_data(DOMAIN)), signature=signed.signature
    )
    assert recovered == Account.from_key(KEY).address
    assert len(order.as_tuple()) == len(fields(order))


def test_digest__of_another_domain__differs() -> None:
    order = stop_loss(7, **COMMON, group=3)
    digests = {
        order.digest(domain)
        for domain in (DOMAIN, Domain("Plimsoll orders", "1", 2, DOMAIN.verifier), Domain("x", "1", 1, DOMAIN.verifier))
    }
    assert len(digests) == 3
    assert all(len(digest) == 32 for digest in digests)


@pytest.mark.parametrize(
    ("make", "short", "trail", "kind"),
    [
        (stop_loss, False, 0, Kind.BELOW),
        (stop_loss, True, 0, Kind.ABOVE),
        (stop_loss, False, 50, Kind.TRAIL_BELOW),
        (stop_loss, True, 50, Kind.TRAIL_ABOVE),
        (take_profit, False, 0, Kind.ABOVE),
        (take_profit, True, 0, Kind.BELOW),
    ],
)
def test_orders__watch_what_the_position_is_in(make: Any, short: bool, trail: int, kind: Kind) -> None:
    changed = COMMON | ({"sell": USDC, "buy": WETH} if short else {}) | ({"trail": trail} if trail else {})
    order: Order = make(7, **changed, short=short)
    protection_orders.check(order)
    assert (order.kind, order.watched, order.repay_only) == (kind, WETH, short)
    assert make(7, **changed, short=short, watched=USDC).watched == USDC


def test_orders__without_a_group__are_independent() -> None:
    assert stop_loss(7, **COMMON).group != take_profit(7, **COMMON).group
    assert stop_loss(7, **COMMON, group=9).group == take_profit(7, **COMMON, group=9).group == 9
    assert 0 <= fresh_group() < 2**256
