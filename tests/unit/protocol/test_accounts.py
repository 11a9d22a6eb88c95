"""Account ids, routes and grants: pure arithmetic."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plimsoll.errors import PlimsollError
from plimsoll.protocol import Grant, MarginAccount, Permission, encode_path, owner_scope

OWNER = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"


@given(owner=st.integers(0, 2**160 - 1), index=st.integers(0, 2**96 - 1))
def test_id__owner_and_index__round_trip(owner: int, index: int) -> None:
    account = MarginAccount(f"0x{owner:040x}", index)
    assert account.id == owner << 96 | index
    assert MarginAccount.from_id(account.id) == account


def test_owner__checksummed() -> None:
    assert MarginAccount(OWNER.lower()) == MarginAccount(OWNER)
    assert MarginAccount(OWNER.lower()).owner == OWNER
    assert owner_scope(OWNER) == int(OWNER, 16)


@pytest.mark.parametrize(
    ("owner", "index", "message"),
    [
        ("0x12", 0, "account owner '0x12' is no address"),
        (12, 0, "account owner 12 is no address"),
        (OWNER, -1, "account index -1 is not in [0, 2**96)"),
        (OWNER, 2**96, f"account index {2**96} is not in [0, 2**96)"),
        (OWNER, True, "account index True is not in [0, 2**96)"),
    ],
)
def test_account__refused(owner: Any, index: Any, message: str) -> None:
    with pytest.raises(PlimsollError) as caught:
        MarginAccount(owner, index)
    assert str(caught.value) == message


def test_from_id__too_large() -> None:
    with pytest.raises(PlimsollError):
        MarginAccount.from_id(2**256)


def test_encode_path__packed() -> None:
    a, b, c = (f"0x{byte * 20}" for byte in ("aa", "bb", "cc"))
    assert encode_path([a, b], [500]).hex() == "aa" * 20 + "0001f4" + "bb" * 20
    assert encode_path([a, b, c], [500, 3_000]).hex() == "aa" * 20 + "0001f4" + "bb" * 20 + "000bb8" + "cc" * 20


@pytest.mark.parametrize(
    ("tokens", "fees", "message"),
    [
        ([OWNER], [], "a route of 1 tokens needs 1 pool fees, got 0"),
        ([OWNER, OWNER], [1, 2], "a route of 2 tokens needs 1 pool fees, got 2"),
        ([OWNER, "WETH"], [500], "route: 'WETH' is no address"),
        ([OWNER, OWNER], [0], "route: pool fee 0 is not in (0, 16777215]"),
        ([OWNER, OWNER], [2**24], "route: pool fee 16777216 is not in (0, 16777215]"),
    ],
)
def test_encode_path__refused(tokens: list[str], fees: list[int], message: str) -> None:
    with pytest.raises(PlimsollError) as caught:
        encode_path(tokens, fees)
    assert str(caught.value) == message


def test_grant__human_units() -> None:
    grant = Grant.of(Permission.TRADE | Permission.BORROW, 123, max_loss_bps=50, loss_budget="1000.5")
    assert grant.as_tuple() == (3, 123, 50, 1_000_500_000_000_000_000_000)
