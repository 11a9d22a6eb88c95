"""Into a vault and out of it: whole amounts, in any vault, and nothing left behind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from eth_utils.crypto import keccak

from plimsoll.chain import ZERO_ADDRESS, Contract, Receipt, RevmChain
from tests.support import reverts
from tests.support.pool import deploy_pool

WHOLE = 10**12
VAULTS = ("MockERC4626", "MockVault", "LendingPool")
RETURN, FAIL = range(2)


@dataclass(frozen=True)
class Desk:
    """A swapper, a vault of a token, a trader who has both, and whoever receives."""

    chain: RevmChain
    swapper: Contract
    vault: Contract
    token: Contract
    trader: str
    receiver: str

    def swap(self, sell: Contract, buy: Contract, amount: int, min_buy: int = 0, **changed: Any) -> Receipt:
        """Push the input to the swapper, then call it, as the engine does."""
        sell.transfer(self.swapper, amount, sender=self.trader)
        to, data = changed.get("to", self.receiver), changed.get("data", b"")
        receipt: Receipt = self.swapper.swap(sell, buy, amount, min_buy, to, data, sender=self.trader)
        return receipt

    def left(self) -> tuple[int, int, int]:
        """Return what the swapper holds and what the vault may still take from it."""
        swapper = self.swapper
        return (
            self.token.balanceOf(swapper),
            self.vault.balanceOf(swapper),
            self.token.allowance(swapper, self.vault),
        )


def open_desk(chain: RevmChain, vault: str, token: str = "MockERC20") -> Desk:
    trader, receiver = chain.accounts()[3:5]
    if vault == "LendingPool":
        twin = deploy_pool(chain, decimals=6, token=token)
        asset, contract = twin.token, twin.pool
    else:
        asset = chain.deploy(token, "Token", "TKN", 6, sender=trader)
        contract = chain.deploy(vault, asset, *([6] if vault == "MockERC4626" else []), sender=trader)
    asset.mint(trader, 10 * WHOLE, sender=trader)
    asset.approve(contract, WHOLE, sender=trader)
    contract.deposit(WHOLE, trader, sender=trader)
    return Desk(chain, chain.deploy("VaultSwapper", sender=trader), contract, asset, trader, receiver)


def scripted_vault(desk: Desk) -> Contract:
    """Deploy what answers as told: whoever asks has seven of it, and whatever it is asked to move makes seven."""
    scripted = desk.chain.deploy("ScriptedAnswers", sender=desk.trader)
    for name in ("balanceOf(address)", "redeem(uint256,address,address)", "deposit(uint256,address)"):
        scripted.script(selector(name), RETURN, word(7), sender=desk.trader)
    return scripted


def selector(signature: str) -> bytes:
    return keccak(text=signature)[:4]


def word(value: int | str) -> bytes:
    return (value if isinstance(value, int) else int(value, 16)).to_bytes(32)


@pytest.fixture(params=VAULTS)
def desk(request: pytest.FixtureRequest, chain: RevmChain) -> Desk:
    return open_desk(chain, request.param)


@pytest.fixture
def hostile(chain: RevmChain) -> Desk:
    """A desk at the vault that can be bent."""
    return open_desk(chain, "MockVault")


def test_swap__into_the_vault_and_out_again(desk: Desk) -> None:
    shares = desk.vault.previewDeposit(WHOLE)
    desk.swap(desk.token, desk.vault, WHOLE, shares)
    assert desk.vault.balanceOf(desk.receiver) == shares
    held = desk.vault.balanceOf(desk.trader)
    assets = desk.vault.previewRedeem(held)
    desk.swap(desk.vault, desk.token, held, assets)
    assert desk.token.balanceOf(desk.receiver) == assets
    assert desk.left() == (0, 0, 0)


def test_swap__token_that_returns_nothing(chain: RevmChain) -> None:
    desk = open_desk(chain, "LendingPool", "MockERC20NoReturn")
    for _ in range(2):
        desk.swap(desk.token, desk.vault, WHOLE)
    assert desk.vault.balanceOf(desk.receiver) == 2 * desk.vault.previewDeposit(WHOLE)
    assert desk.left() == (0, 0, 0)


def test_swap__one_below_the_minimum__reverts(desk: Desk) -> None:
    shares = desk.vault.previewDeposit(WHOLE)
    with reverts("swapper: min buy"):
        desk.swap(desk.token, desk.vault, WHOLE, shares + 1)
    held = desk.vault.balanceOf(desk.trader)
    with reverts("swapper: min buy"):
        desk.swap(desk.vault, desk.token, held, desk.vault.previewRedeem(held) + 1)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"to": ZERO_ADDRESS}, "swapper: recipient"),
        ({"data": b"\x01"}, "swapper: data"),
    ],
)
def test_swap__bad_argument__reverts(desk: Desk, changed: dict[str, Any], reason: str) -> None:
    with reverts(reason):
        desk.swap(desk.token, desk.vault, WHOLE, **changed)


def test_swap__to_itself_or_nothing__reverts(desk: Desk) -> None:
    with reverts("swapper: recipient"):
        desk.swap(desk.token, desk.vault, WHOLE, to=desk.swapper.address)
    with reverts("swapper: zero amount"):
        desk.swap(desk.token, desk.vault, 0)


def test_swap__not_a_vault_of_it__reverts(desk: Desk) -> None:
    other = desk.chain.deploy("MockERC20", "Other", "OTH", 6, sender=desk.trader)
    other.mint(desk.trader, WHOLE, sender=desk.trader)
    for sell, buy in ((other, desk.vault), (desk.token, other), (desk.token, desk.token)):
        with reverts("swapper: no vault"):
            desk.swap(sell, buy, 10)
    with reverts("swapper: no vault"):
        desk.swap(desk.vault, other, 10)


def test_swap__more_than_it_was_given__reverts(hostile: Desk) -> None:
    hostile.token.transfer(hostile.swapper, 9, sender=hostile.trader)
    with reverts("erc20: balance"):
        hostile.swapper.swap(hostile.token, hostile.vault, 10, 0, hostile.receiver, b"", sender=hostile.trader)


def test_swap__vault_without_cash__reverts(chain: RevmChain) -> None:
    twin = deploy_pool(chain, decimals=6)
    twin.deposit(WHOLE, twin.lender)
    twin.borrow(1, WHOLE - 10)
    swapper = chain.deploy("VaultSwapper", sender=twin.trader)
    twin.pool.transfer(swapper, 10**9, sender=twin.lender)
    with reverts("pool: cash"):
        swapper.swap(twin.pool, twin.token, 10**9, 0, twin.lender, b"", sender=twin.lender)


def test_swap__vault_that_takes_less_or_burns_less__reverts(hostile: Desk) -> None:
    hostile.vault.set_greed(9_000, sender=hostile.trader)
    with reverts("swapper: partial fill"):
        hostile.swap(hostile.token, hostile.vault, WHOLE)
    with reverts("swapper: partial fill"):
        hostile.swap(hostile.vault, hostile.token, WHOLE // 2)


def test_swap__the_largest_allowance__is_taken_back(chain: RevmChain) -> None:
    """Tokens do not reduce it when they are spent."""
    largest = 2**256 - 1
    trader, receiver = chain.accounts()[3:5]
    token = chain.deploy("MockERC20", "Token", "TKN", 6, sender=trader)
    vault = chain.deploy("MockVault", token, sender=trader)
    desk = Desk(chain, chain.deploy("VaultSwapper", sender=trader), vault, token, trader, receiver)
    token.mint(trader, largest, sender=trader)
    desk.swap(token, vault, largest, largest)
    assert vault.balanceOf(receiver) == largest
    assert desk.left() == (0, 0, 0)


@pytest.mark.parametrize("into", [False, True])
def test_swap__entered_again_by_a_token__is_refused(chain: RevmChain, into: bool) -> None:
    """Were it not locked, what lies in the swapper could be swapped at that moment."""
    desk = open_desk(chain, "MockVault", "MockERC20Hook")
    sell, buy = (desk.token, desk.vault) if into else (desk.vault, desk.token)
    sell.transfer(desk.swapper, 10, sender=desk.trader)
    desk.token.mint(desk.swapper, 5, sender=desk.trader)
    again = desk.swapper.swap.encode(desk.token, desk.vault, 5, 5, desk.trader, b"")
    desk.token.set_hook(desk.swapper, again, True, sender=desk.trader)
    desk.swapper.swap(sell, buy, 10, 10, desk.receiver, b"", sender=desk.trader)
    assert desk.token.hook_calls() == 1
    assert (desk.token.hook_succeeded(), desk.token.hook_result()) == (False, b"")
    assert desk.left() == (5, 0, 0)


@pytest.mark.parametrize("says", ["in a revert", "in 20 bytes", "nothing"])
def test_swap__no_good_answer_whose_vault_it_is__reverts(desk: Desk, says: str) -> None:
    scripted = scripted_vault(desk)
    token = desk.token.address
    answers = {"in a revert": (FAIL, word(token)), "in 20 bytes": (RETURN, word(token)[12:]), "nothing": (RETURN, b"")}
    scripted.script(selector("asset()"), *answers[says], sender=desk.trader)
    for sell, buy in ((scripted, desk.token), (desk.token, scripted)):
        with reverts("swapper: no vault"):
            desk.swapper.swap(sell, buy, 7, 0, desk.receiver, b"", sender=desk.trader)


@pytest.mark.parametrize("dirt", [0, 1, 2**96 - 1])
def test_swap__vault_that_moves_nothing__reverts(desk: Desk, dirt: int) -> None:
    """A vault of the token, whatever its answer has above the address."""
    scripted = scripted_vault(desk)
    asset = dirt << 160 | int(desk.token.address, 16)
    scripted.script(selector("asset()"), RETURN, asset.to_bytes(32), sender=desk.trader)
    for sell, buy in ((scripted, desk.token), (desk.token, scripted)):
        with reverts("swapper: partial fill"):
            desk.swapper.swap(sell, buy, 7, 0, desk.receiver, b"", sender=desk.trader)
