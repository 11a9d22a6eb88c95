"""Signed orders as files: what is written is read, and what is wrong is named. See also the keeper's order book."""

from __future__ import annotations

from pathlib import Path

import pytest
from eth_account import Account
from hypothesis import given
from hypothesis import strategies as st

from plimsoll.errors import ConfigError
from plimsoll.model.protection_orders import Kind
from plimsoll.protocol import order_file
from plimsoll.protocol.order_file import OrderFile
from plimsoll.protocol.orders import Deleverage, Domain, Order, Signed

CONTRACT = "0x" + "11" * 20
DOMAIN = Domain.at(1, CONTRACT)
KEY = "0x" + "42" * 32
WETH, USDC = "0x" + "22" * 20, "0x" + "33" * 20
NUMBERS = st.integers(0, 2**256 - 1)


@st.composite
def orders(draw: st.DrawFn) -> Order:
    kind = draw(st.sampled_from(list(Kind)))
    return Order(
        account=draw(NUMBERS),
        kind=kind,
        watched=draw(st.sampled_from([WETH, USDC, CONTRACT])),
        trigger=draw(st.integers(1, 2**128 - 1)),
        trail=draw(st.integers(1, 9_999)) if kind >= Kind.TRAIL_BELOW else 0,
        sell=WETH,
        buy=USDC,
        amount=draw(st.integers(1, 2**256 - 1)),
        min_fill=draw(NUMBERS),
        min_rate=draw(st.integers(0, 2**128 - 1)),
        max_slippage=draw(st.integers(0, 2_000)),
        fee=draw(st.integers(0, 1_000)),
        repay_only=draw(st.booleans()),
        group=draw(NUMBERS),
        epoch=draw(NUMBERS),
        deadline=draw(NUMBERS),
    )


@st.composite
def standings(draw: st.DrawFn) -> Deleverage:
    cost = draw(st.integers(0, 2_000))
    trigger = draw(st.integers(1, 99 * 10**18))
    return Deleverage(
        account=draw(NUMBERS),
        trigger_ratio=trigger,
        target_ratio=draw(st.integers(trigger + 1, 100 * 10**18)),
        max_cost=cost,
        fee=draw(st.integers(0, min(cost, 1_000))),
        group=draw(NUMBERS),
        epoch=draw(NUMBERS),
        deadline=draw(NUMBERS),
    )


@given(order=st.one_of(orders(), standings()), signature=st.binary(max_size=65))
def test_parse__what_was_written(order: Order | Deleverage, signature: bytes) -> None:
    found = OrderFile(Signed(order, signature), 1, CONTRACT)
    assert order_file.parse(found.text()) == found


@given(text=st.text(max_size=200))
def test_parse__any_text__refused_in_one_line(text: str) -> None:
    with pytest.raises(ConfigError):
        order_file.parse(text)


def an_order() -> Order:
    return Order(1 << 96, Kind.BELOW, WETH, 5, 0, WETH, USDC, 10, 0, 0, 100, 20, False, 1, 0, 10**10)


def test_save_and_load__same(tmp_path: Path) -> None:
    found = OrderFile(Signed.by(KEY, an_order(), DOMAIN), 1, CONTRACT)
    path = tmp_path / "new folder" / "order.json"
    found.save(path)
    assert order_file.load(path) == found
    assert [each.name for each in path.parent.iterdir()] == ["order.json"]
    assert found.digest == f"0x{an_order().digest(DOMAIN).hex()}"


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('"kind": "order"', '"kind": "loan"', "kind: 'loan' is not one of order, deleverage"),
        ('"kind": "order"', '"kind": "deleverage"', "message.trigger_ratio: is missing"),
        (USDC, WETH, "message.buy: is what is sold"),
        (f'"{USDC}"', '"0x00"', "message.buy: '0x00' is no address"),
        (f'"{USDC}"', '"' + "0x" + "00" * 20 + '"', "message.buy: is the zero address"),
        ('"epoch": "0"', '"epoch": "٣"', "message.epoch: '٣' is no whole number"),
        ('"epoch": "0"', '"epoch": "0x1"', "message.epoch: '0x1' is no whole number"),
        ('"epoch": "0"', '"epoch": null', "message.epoch: None is no whole number"),
        ('"epoch": "0"', '"epoch": "0", "more": 1', "message.more: unknown field"),
    ],
)
def test_load__wrong_field__named_with_the_file(tmp_path: Path, old: str, new: str, reason: str) -> None:
    text = OrderFile(Signed.by(KEY, an_order(), DOMAIN), 1, CONTRACT).text()
    assert text.count(old) == 1
    path = tmp_path / "order.json"
    path.write_text(text.replace(old, new))
    with pytest.raises(ConfigError) as caught:
        order_file.load(path)
    assert str(caught.value) == f"{path}: {reason}"


def test_signer__of_both_forms_and_of_nobody() -> None:
    signed, owner = Signed.by(KEY, an_order(), DOMAIN), Account.from_key(KEY).address
    signature = signed.signature
    assert signed.signer(DOMAIN) == owner
    high = int.from_bytes(signature[32:64], "big") | (signature[64] - 27) << 255
    assert Signed(signed.order, signature[:32] + high.to_bytes(32, "big")).signer(DOMAIN) == owner
    assert signed.signer(Domain.at(2, CONTRACT)) != owner
    order_n = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    other_s = order_n - int.from_bytes(signature[32:64], "big")
    malleable = signature[:32] + other_s.to_bytes(32, "big") + bytes([55 - signature[64]])
    for none in (
        malleable,
        b"",
        b"\x00" * 65,
        b"\xff" * 65,
        signature[:64] + b"\x02",
        signature + b"\x00",
        b"\x01" * 40,
    ):
        assert Signed(signed.order, none).signer(DOMAIN) is None
