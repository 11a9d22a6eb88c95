"""Attestations: an attester vouches for an owner of accounts by an EIP-712 signature that anybody may bring.

    gate = AllowListGate(chain, address)
    signed = sign(gate.attestation(subject, expiry), gate.domain(), attester_key)
    gate.attest(signed, sender=anybody)

The message is that of `contracts/adapters/gates/AllowListGate.vy`; its domain is read from there (ERC-5267).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from eth_account import Account as Signer
from eth_account.messages import encode_typed_data

from plimsoll.chain import Chain, Contract, Receipt
from plimsoll.protocol.client import named_reverts
from plimsoll.protocol.operators import DOMAIN_TYPE
from plimsoll.protocol.orders import Domain


@dataclass(frozen=True, slots=True)
class Attestation:
    """That `subject` is allowed until `expiry`, unix time; good for one use, in this generation at this nonce."""

    subject: str
    expiry: int
    generation: int
    nonce: int

    def typed_data(self, domain: Domain) -> dict[str, Any]:
        """Return the EIP-712 message, for any wallet to sign."""
        fields = ("subject", "expiry", "generation", "nonce")
        return {
            "types": {
                "EIP712Domain": DOMAIN_TYPE,
                "Attestation": [
                    {"name": name, "type": "address" if name == "subject" else "uint256"} for name in fields
                ],
            },
            "primaryType": "Attestation",
            "domain": domain.as_dict(),
            "message": {name: getattr(self, name) for name in fields},
        }


@dataclass(frozen=True, slots=True)
class SignedAttestation:
    """An attestation that the attester signed."""

    attestation: Attestation
    signature: bytes


def sign(attestation: Attestation, domain: Domain, key: str) -> SignedAttestation:
    """Sign with a private key."""
    signable = encode_typed_data(full_message=attestation.typed_data(domain))
    return SignedAttestation(attestation, bytes(Signer.sign_message(signable, key).signature))


class AllowListGate:
    """A gate that is deployed."""

    def __init__(self, chain: Chain, address: Contract | str) -> None:
        self.chain = chain
        self.contract: Any = chain.at("AllowListGate", address)

    def domain(self) -> Domain:
        """Return the gate's EIP-712 domain."""
        return Domain.of(self.contract)

    def attestation(self, subject: str, expiry: int) -> Attestation:
        """Return the attestation that could be brought next, for the attester to sign."""
        return Attestation(subject, expiry, self.contract.generation(), self.contract.record_of(subject).nonce)

    def expiry(self, subject: str) -> int:
        """Return until when a subject is allowed; 0 when he is not."""
        expiry = int(self.contract.record_of(subject).expiry)
        return expiry if self.chain.timestamp() <= expiry else 0

    def attest(self, signed: SignedAttestation, sender: str) -> Receipt:
        """Bring a signed attestation."""
        told = signed.attestation
        with named_reverts():
            receipt: Receipt = self.contract.attest(
                told.subject, told.expiry, told.nonce, signed.signature, sender=sender
            )
        return receipt

    def revoke(self, subject: str, sender: str) -> Receipt:
        """End a subject's attestation, as the attester or the gate's owner."""
        with named_reverts():
            receipt: Receipt = self.contract.revoke(subject, sender=sender)
        return receipt
