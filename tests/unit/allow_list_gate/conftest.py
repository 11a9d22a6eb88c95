"""A gate and its people."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest

from plimsoll.chain import Receipt, RevmChain
from plimsoll.model import account_word
from plimsoll.protocol.attestations import AllowListGate, Attestation, SignedAttestation, sign

DAY = 86_400
YEARS = 2 * 365 * DAY


@dataclass(frozen=True)
class World:
    """The gate, its client, and who acts."""

    chain: RevmChain
    gate: Any
    client: AllowListGate
    owner: str
    attester: str
    successor: str
    subject: str
    stranger: str

    def attestation(self, seconds: int = DAY, **changes: Any) -> Attestation:
        """The subject's next attestation, for `seconds` from now."""
        return replace(self.client.attestation(self.subject, self.chain.timestamp() + seconds), **changes)

    def signed(self, seconds: int = DAY, by: str | None = None, **changes: Any) -> SignedAttestation:
        """The same, signed."""
        key = self.chain.key(by or self.attester)
        return sign(self.attestation(seconds, **changes), self.client.domain(), key)

    def bring(self, signed: SignedAttestation, **changed: Any) -> Receipt:
        """Bring it as a stranger, with some arguments changed."""
        told = signed.attestation
        arguments = {"subject": told.subject, "expiry": told.expiry, "nonce": told.nonce}
        arguments |= {"signature": signed.signature} | changed
        receipt: Receipt = self.gate.attest(*arguments.values(), sender=self.stranger)
        return receipt

    def allows(self, who: str | None = None, index: int = 0, key: int = 1, *, owed: bool = False) -> bool:
        """What the gate says of an account."""
        account = account_word.account(int(who or self.subject, 16), index)
        found: bool = self.gate.allows(account, key, owed)
        return found


@pytest.fixture
def world(chain: RevmChain) -> World:
    deployer, owner, attester, successor, subject, stranger = chain.accounts()[:6]
    gate = chain.deploy("AllowListGate", owner, attester, sender=deployer)
    return World(chain, gate, AllowListGate(chain, gate), owner, attester, successor, subject, stranger)
