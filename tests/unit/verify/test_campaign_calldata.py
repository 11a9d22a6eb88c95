"""Calldata put together from words is what a coder makes."""

from __future__ import annotations

import pytest

from plimsoll.verify.campaign.calldata import batch_of, signed, with_actions, with_bytes, words_of
from plimsoll.verify.campaign.world import HELPERS, REMEMBERED, Fn, functions_of

HERE, THERE = "0x" + "11" * 20, "0x" + "22" * 20


@pytest.fixture(scope="module")
def functions() -> dict[str, Fn]:
    """Functions of the engine and of the campaign's own contracts."""
    return functions_of(("MarginEngine", "LendingPool", *HELPERS))


@pytest.mark.parametrize("actions", [[], [(HERE, b"")], [(HERE, b"abc"), (THERE, b"x" * 70)]])
def test_with_actions__any_number_of_calls(functions: dict[str, Fn], actions: list[tuple[str, bytes]]) -> None:
    swap, callback = functions["AttackSwapper.set_swap"], functions["AttackSwapper.set_callback"]
    assert with_actions(swap, actions, 5, 1) == swap.abi.encode((actions, 5, True))
    assert with_actions(callback, actions) == callback.abi.encode((actions,))


@pytest.mark.parametrize("calls", [[], [b"a"], [b"a" * 32, b"", b"c" * 33]])
def test_batch_of__any_number_of_calls(functions: dict[str, Fn], calls: list[bytes]) -> None:
    batch = functions["MarginEngine.batch"]
    assert batch_of(batch, calls) == batch.abi.encode((calls,))


@pytest.mark.parametrize("data", [b"", b"abc", b"x" * 64])
def test_with_bytes__at_its_place(functions: dict[str, Fn], data: bytes) -> None:
    loan = functions["LendingPool.flashLoan"]
    assert with_bytes(loan, (int(HERE, 16), int(THERE, 16), 7), data, 3) == loan.abi.encode((HERE, THERE, 7, data))


def test_words_of__and_a_signed_one() -> None:
    assert words_of(b"\0" * 31 + b"\1" + b"\xff" * 32) == [1, 2**256 - 1]
    assert (signed(2**256 - 5), signed(5)) == (-5, 5)


def test_fn__words_below_zero__are_twos_complements(functions: dict[str, Fn]) -> None:
    take = functions["MarginEngine.take"]
    assert take(1, 2, 3, -4) == take.abi.encode((1, 2, 3, -4))


def test_fn__what_it_remembers__is_what_it_made(functions: dict[str, Fn]) -> None:
    balance, transfer = functions["MockERC20.balanceOf"], functions["MockERC20.transfer"]
    for number in (*range(REMEMBERED + 2), 0, 1):
        assert balance(number) == balance.selector + number.to_bytes(32, "big")
    assert transfer.encode(HERE, 5) == transfer.encode(HERE, 5) == transfer.abi.encode((HERE, 5))
    assert transfer.encode(HERE, 6) != transfer.encode(HERE, 5)
