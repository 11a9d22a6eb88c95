"""AllowListGate.attest: every argument signed, once, for one gate on one chain, until its expiry."""

from __future__ import annotations

from dataclasses import replace

import pytest
from eth_account.messages import encode_typed_data
from eth_utils.crypto import keccak

from plimsoll.chain import ZERO_ADDRESS
from plimsoll.protocol.attestations import AllowListGate, sign
from tests.support import reverts
from tests.unit.allow_list_gate.conftest import DAY, YEARS, World


def test_attest__brought_by_anybody(world: World) -> None:
    assert not world.allows()
    signed = world.signed()
    receipt = world.bring(signed)
    expiry = world.chain.timestamp() + DAY
    assert receipt.events == [world.gate.event("Attested", subject=world.subject, expiry=expiry, nonce=0)]
    assert world.gate.record_of(world.subject) == (expiry, 1)
    assert world.client.expiry(world.subject) == expiry
    assert world.allows()
    assert not world.allows(world.stranger)


def test_attest__holds_through_its_last_second(world: World) -> None:
    world.bring(world.signed(100))
    world.chain.warp(100)
    assert world.allows()
    world.chain.warp(1)
    assert not world.allows()
    assert world.client.expiry(world.subject) == 0


@pytest.mark.parametrize("seconds", [0, YEARS])
def test_attest__expiry__bounds(world: World, seconds: int) -> None:
    world.bring(world.signed(seconds))
    assert world.allows()


def test_attest__expired__reverts(world: World) -> None:
    signed = world.signed(10)
    world.chain.warp(11)
    with reverts("gate: expired"):
        world.bring(signed)


def test_attest__too_long__reverts(world: World) -> None:
    with reverts("gate: expiry"):
        world.bring(world.signed(YEARS + 1))


def test_attest__no_subject__reverts(world: World) -> None:
    with reverts("gate: subject"):
        world.bring(world.signed(subject=ZERO_ADDRESS))


def test_attest__twice__reverts(world: World) -> None:
    signed = world.signed()
    world.bring(signed)
    with reverts("gate: nonce"):
        world.bring(signed)


def test_attest__signed_for_a_later_nonce__reverts(world: World) -> None:
    with reverts("gate: nonce"):
        world.bring(world.signed(nonce=1))


def test_attest__renewed(world: World) -> None:
    world.bring(world.signed())
    world.bring(world.signed(2 * DAY))
    assert world.gate.record_of(world.subject) == (world.chain.timestamp() + 2 * DAY, 2)


def test_attest__renewed_for_less(world: World) -> None:
    world.bring(world.signed())
    world.bring(world.signed(5))
    world.chain.warp(6)
    assert not world.allows()


@pytest.mark.parametrize("who", ["owner", "successor", "subject", "stranger"])
def test_attest__not_signed_by_the_attester__reverts(world: World, who: str) -> None:
    with reverts("gate: signature"):
        world.bring(world.signed(by=getattr(world, who)))


def test_attest__other_expiry_than_signed__reverts(world: World) -> None:
    signed = world.signed()
    with reverts("gate: signature"):
        world.bring(signed, expiry=signed.attestation.expiry + 1)


def test_attest__other_subject_than_signed__reverts(world: World) -> None:
    with reverts("gate: signature"):
        world.bring(world.signed(), subject=world.stranger)


def test_attest__other_nonce_than_signed__reverts(world: World) -> None:
    signed = world.signed()
    world.bring(signed)
    with reverts("gate: signature"):
        world.bring(signed, nonce=1)


@pytest.mark.parametrize("domain", [{"chain_id": 1}, {"verifier": "0x" + "11" * 20}, {"name": "x"}, {"version": "2"}])
def test_attest__signed_for_another_domain__reverts(world: World, domain: dict[str, object]) -> None:
    key = world.chain.key(world.attester)
    signed = sign(world.attestation(), replace(world.client.domain(), **domain), key)  # type: ignore[arg-type]
    with reverts("gate: signature"):
        world.bring(signed)


def test_attest__signed_for_another_gate_of_the_attester__reverts(world: World) -> None:
    other = world.chain.deploy("AllowListGate", world.owner, world.attester, sender=world.owner)
    signed = sign(world.attestation(), AllowListGate(world.chain, other).domain(), world.chain.key(world.attester))
    with reverts("gate: signature"):
        world.bring(signed)


def test_attest__no_signature_at_all__reverts(world: World) -> None:
    with reverts("gate: signature"):
        world.bring(world.signed(), signature=b"")


def test_attest__by_a_contract_that_vouches(world: World) -> None:
    wallet = world.chain.deploy("MockWallet", sender=world.attester)
    world.gate.set_attester(wallet, False, sender=world.owner)
    told = world.attestation()
    signable = encode_typed_data(full_message=told.typed_data(world.client.domain()))
    with reverts("gate: signature"):
        world.bring(world.signed())
    wallet.sign(keccak(b"\x19" + signable.version + signable.header + signable.body), True, sender=world.attester)
    world.bring(world.signed())
    assert world.allows()


def test_attest__a_contract_that_reads_the_gate_meanwhile__finds_it_locked(world: World) -> None:
    wallet = world.chain.deploy("MockWallet", sender=world.attester)
    world.gate.set_attester(wallet, False, sender=world.owner)
    told = world.attestation()
    signable = encode_typed_data(full_message=told.typed_data(world.client.domain()))
    wallet.sign(keccak(b"\x19" + signable.version + signable.header + signable.body), True, sender=world.attester)
    for question in (world.gate.allows.encode(0, 1, False), world.gate.record_of.encode(wallet)):
        world.chain.simulate(world.gate, question)
        wallet.set_question(world.gate, question, sender=world.attester)
        with reverts("gate: signature"):
            world.bring(world.signed())
    wallet.set_question(world.gate, world.gate.eip712Domain.encode(), sender=world.attester)
    world.bring(world.signed())
    assert world.allows()
