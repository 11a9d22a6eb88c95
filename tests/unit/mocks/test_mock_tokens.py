"""The token doubles do what tests of the protocol rely on."""

from __future__ import annotations

import pytest

from plimsoll.chain import ZERO_ADDRESS, Contract, RevmChain
from tests.support import reverts

MAX = 2**256 - 1
KINDS = ["MockERC20", "MockERC20NoReturn", "MockERC20False", "MockERC20Fee", "MockERC20Hook"]


@pytest.fixture
def actors(chain: RevmChain) -> list[str]:
    """Holder, receiver and spender."""
    return chain.accounts()[:3]


def make(chain: RevmChain, kind: str) -> Contract:
    holder = chain.accounts()[0]
    token = chain.deploy(kind, "Token", "TKN", 6, sender=holder)
    token.mint(holder, 1_000, sender=holder)
    return token


@pytest.mark.parametrize("kind", KINDS)
def test_token__moves_and_keeps_books(chain: RevmChain, actors: list[str], kind: str) -> None:
    holder, receiver, spender = actors
    token = make(chain, kind)
    assert (token.method("name")(), token.symbol(), token.decimals()) == ("Token", "TKN", 6)
    sent = token.transfer(receiver, 300, sender=holder)
    assert sent.events == [token.event("Transfer", sender=holder, receiver=receiver, value=300)]
    approved = token.approve(spender, 250, sender=holder)
    assert approved.events == [token.event("Approval", owner=holder, spender=spender, value=250)]
    token.transferFrom(holder, receiver, 200, sender=spender)
    burned = token.burn(receiver, 100, sender=spender)
    assert burned.events == [token.event("Transfer", sender=receiver, receiver=ZERO_ADDRESS, value=100)]
    assert [token.balanceOf(each) for each in actors] == [500, 400, 0]
    assert (token.allowance(holder, spender), token.totalSupply()) == (50, 900)


@pytest.mark.parametrize("kind", KINDS)
def test_approve__without_end__never_reduced(chain: RevmChain, actors: list[str], kind: str) -> None:
    holder, receiver, spender = actors
    token = make(chain, kind)
    token.approve(spender, MAX, sender=holder)
    token.transferFrom(holder, receiver, 1_000, sender=spender)
    assert token.allowance(holder, spender) == MAX


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "MockERC20False"])
def test_transfer__more_than_there_is__reverts(chain: RevmChain, actors: list[str], kind: str) -> None:
    holder, receiver, spender = actors
    token = make(chain, kind)
    with reverts("erc20: balance"):
        token.transfer(receiver, 1_001, sender=holder)
    with reverts("erc20: balance"):
        token.burn(holder, 1_001, sender=holder)
    token.approve(spender, 10, sender=holder)
    with reverts("erc20: allowance"):
        token.transferFrom(holder, receiver, 11, sender=spender)
    token.approve(spender, 2_000, sender=holder)
    with reverts("erc20: balance"):
        token.transferFrom(holder, receiver, 1_001, sender=spender)


def test_no_return__returns_nothing(chain: RevmChain, actors: list[str]) -> None:
    token = make(chain, "MockERC20NoReturn")
    for receipt in (
        token.transfer(actors[1], 1, sender=actors[0]),
        token.approve(actors[1], 1, sender=actors[0]),
        token.transferFrom(actors[0], actors[1], 1, sender=actors[1]),
    ):
        assert receipt.return_data == b""


def test_false__returns_false_instead_of_reverting(chain: RevmChain, actors: list[str]) -> None:
    holder, receiver, spender = actors
    token = make(chain, "MockERC20False")
    assert token.transfer(receiver, 1_001, sender=holder).return_value is False
    assert token.transferFrom(holder, receiver, 1, sender=spender).return_value is False
    token.approve(spender, 2_000, sender=holder)
    assert token.transferFrom(holder, receiver, 1_001, sender=spender).return_value is False
    token.set_refusing(True, sender=spender)
    assert token.transfer(receiver, 1, sender=holder).return_value is False
    assert token.transferFrom(holder, receiver, 1, sender=spender).return_value is False
    assert (token.balanceOf(holder), token.allowance(holder, spender)) == (1_000, 2_000)
    token.set_refusing(False, sender=spender)
    assert token.transfer(receiver, 1, sender=holder).return_value is True


def test_fee__receiver_gets_less__rest_is_burned(chain: RevmChain, actors: list[str]) -> None:
    holder, receiver, spender = actors
    token = make(chain, "MockERC20Fee")
    token.set_fee(150, sender=spender)
    token.transfer(receiver, 200, sender=holder)
    assert [token.balanceOf(each) for each in (holder, receiver, ZERO_ADDRESS)] == [800, 197, 0]
    assert token.totalSupply() == 997
    with reverts("erc20: fee"):
        token.set_fee(10_001, sender=spender)


def test_hook__runs_after_the_balances_changed__not_inside_itself(chain: RevmChain, actors: list[str]) -> None:
    holder, receiver, spender = actors
    token, other = make(chain, "MockERC20Hook"), make(chain, "MockERC20")
    token.set_hook(token, token.balanceOf.encode(receiver), False, sender=spender)
    token.transfer(receiver, 40, sender=holder)
    assert (token.hook_calls(), token.hook_succeeded()) == (1, True)
    assert int.from_bytes(token.hook_result(), "big") == 40
    token.set_hook(token, token.transfer.encode(receiver, 0), False, sender=spender)
    token.transfer(receiver, 1, sender=holder)
    assert token.hook_calls() == 2
    token.set_hook(other, other.mint.encode(receiver, 9), False, sender=spender)
    token.transfer(receiver, 1, sender=holder)
    assert (token.hook_calls(), other.balanceOf(receiver)) == (3, 9)


def test_hook__that_reverts__takes_the_transfer_with_it_unless_tolerant(chain: RevmChain, actors: list[str]) -> None:
    holder, receiver, spender = actors
    token, other = make(chain, "MockERC20Hook"), make(chain, "MockERC20")
    bad = other.transfer.encode(receiver, 1)
    token.set_hook(other, bad, False, sender=spender)
    with reverts("erc20: balance"):
        token.transfer(receiver, 1, sender=holder)
    token.set_hook(other, bad, True, sender=spender)
    token.transfer(receiver, 1, sender=holder)
    assert (token.balanceOf(receiver), token.hook_succeeded()) == (1, False)
    assert b"erc20: balance" in token.hook_result()
