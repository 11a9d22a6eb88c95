"""The owner hands over in two steps, and cannot give it up."""

from __future__ import annotations

from plimsoll.chain import ZERO_ADDRESS
from tests.support import reverts
from tests.unit.vault_share_oracle.conftest import MAX, Oracle


def test_ownership__two_steps(oracle: Oracle, stranger: str) -> None:
    contract, owner = oracle.contract, oracle.owner
    assert (contract.owner(), contract.pending_owner()) == (owner, ZERO_ADDRESS)
    receipt = contract.transfer_ownership(stranger, sender=owner)
    assert receipt.events == [contract.event("OwnershipTransferStarted", previous_owner=owner, new_owner=stranger)]
    with reverts("shares: owner only"):
        contract.set_anchor(0, MAX, sender=stranger)
    receipt = contract.accept_ownership(sender=stranger)
    assert receipt.events == [contract.event("OwnershipTransferred", previous_owner=owner, new_owner=stranger)]
    with reverts("shares: owner only"):
        contract.set_anchor(0, MAX, sender=owner)
    contract.set_anchor(0, MAX, sender=stranger)


def test_ownership__not_the_owner__reverts(oracle: Oracle, stranger: str) -> None:
    with reverts("ownable: caller is not the owner"):
        oracle.contract.transfer_ownership(stranger, sender=stranger)
    oracle.contract.transfer_ownership(stranger, sender=oracle.owner)
    with reverts("ownable_2step: caller is not the new owner"):
        oracle.contract.accept_ownership(sender=oracle.owner)


def test_ownership__nothing_gives_it_up(oracle: Oracle) -> None:
    names = {entry["name"] for entry in oracle.contract.abi if entry["type"] == "function"}
    assert names == {
        *("read", "rate", "settings", "set_anchor"),
        *("owner", "pending_owner", "transfer_ownership", "accept_ownership"),
    }
