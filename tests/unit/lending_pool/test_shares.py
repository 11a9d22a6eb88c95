"""The shares as a token: ERC-20 and ERC-2612 (snekmate's), permission by allowance or signature."""

from __future__ import annotations

from typing import Any

import pytest
from eth_account import Account

from plimsoll.chain import ZERO_ADDRESS
from tests.support import reverts
from tests.support.pool import PoolTwin
from tests.unit.lending_pool.conftest import moved


def sign(twin: PoolTwin, signer: str, **changes: Any) -> tuple[int, bytes, bytes]:
    """Sign a permit of the lender for the attacker, 77 shares, nonce 0, valid for an hour."""
    message = {
        "owner": twin.lender,
        "spender": twin.attacker,
        "value": 77,
        "nonce": 0,
        "deadline": twin.now + 3_600,
    } | changes
    signed = Account.sign_typed_data(
        twin.chain.key(signer),
        domain_data={
            "name": "Plimsoll Token",
            "version": "1",
            "chainId": twin.chain.chain_id,
            "verifyingContract": twin.pool.address,
        },
        message_types={
            "Permit": [
                {"name": "owner", "type": "address"},
                {"name": "spender", "type": "address"},
                {"name": "value", "type": "uint256"},
                {"name": "nonce", "type": "uint256"},
                {"name": "deadline", "type": "uint256"},
            ]
        },
        message_data=message,
    )
    return signed.v, signed.r.to_bytes(32, "big"), signed.s.to_bytes(32, "big")


def test_transfer__moves_shares_and_no_assets(busy: PoolTwin) -> None:
    before = tuple(busy.pool.state())
    receipt = busy.pool.transfer(busy.attacker, 5, sender=busy.lender)
    assert receipt.events == [moved(busy.pool, busy.lender, busy.attacker, 5)]
    assert busy.pool.balanceOf(busy.attacker) == 5
    assert tuple(busy.pool.state()) == before


@pytest.mark.parametrize(("amount", "reason"), [(1, "erc20: insufficient allowance")])
def test_transfer_from__not_allowed__reverts(busy: PoolTwin, amount: int, reason: str) -> None:
    with reverts(reason):
        busy.pool.transferFrom(busy.lender, busy.attacker, amount, sender=busy.attacker)


def test_transfer__more_than_held_or_to_nobody__reverts(busy: PoolTwin) -> None:
    with reverts("erc20: transfer amount exceeds balance"):
        busy.pool.transfer(busy.lender, 1, sender=busy.attacker)
    with reverts("erc20: transfer to the zero address"):
        busy.pool.transfer(ZERO_ADDRESS, 1, sender=busy.lender)


def test_permit__allows_once(busy: PoolTwin) -> None:
    deadline, signature = busy.now + 3_600, sign(busy, busy.lender)
    arguments = (busy.lender, busy.attacker, 77, deadline, *signature)
    busy.pool.permit(*arguments, sender=busy.trader)
    assert (busy.pool.allowance(busy.lender, busy.attacker), busy.pool.nonces(busy.lender)) == (77, 1)
    busy.pool.transferFrom(busy.lender, busy.attacker, 77, sender=busy.attacker)
    with reverts("erc20: invalid signature"):
        busy.pool.permit(*arguments, sender=busy.trader)


def test_permit__expired__reverts(busy: PoolTwin) -> None:
    deadline, signature = busy.now + 3_600, sign(busy, busy.lender)
    busy.warp(3_601)
    with reverts("erc20: expired deadline"):
        busy.pool.permit(busy.lender, busy.attacker, 77, deadline, *signature, sender=busy.trader)


@pytest.mark.parametrize("change", [{"value": 78}, {"nonce": 1}, {"deadline": 1}])
def test_permit__something_else_signed__reverts(busy: PoolTwin, change: dict[str, int]) -> None:
    signature = sign(busy, busy.lender, **change)
    with reverts("erc20: invalid signature"):
        busy.pool.permit(busy.lender, busy.attacker, 77, busy.now + 3_600, *signature, sender=busy.trader)


def test_permit__somebody_else_signed__reverts(busy: PoolTwin) -> None:
    signature = sign(busy, busy.attacker)
    with reverts("erc20: invalid signature"):
        busy.pool.permit(busy.lender, busy.attacker, 77, busy.now + 3_600, *signature, sender=busy.trader)


def test_domain__is_the_pools(busy: PoolTwin) -> None:
    _, name, version, chain_id, contract, _, _ = busy.pool.eip712Domain()
    assert (name, version, chain_id, contract) == ("Plimsoll Token", "1", busy.chain.chain_id, busy.pool.address)
    assert len(busy.pool.DOMAIN_SEPARATOR()) == 32
