# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
# pragma nonreentrancy on
"""
@title AllowListGate: a gate for those whom an attester vouches for
@license AGPL-3.0
@notice See IAllowListGate. One gate may serve any number of assets: it looks at the owner of an account alone.

        What stops it: nothing is paused here; an attester who signs nothing lets nobody in. What stays open: `allows` never reverts,
        and the engine asks it of nobody who wants to leave. The attester can let in and shut out, and can move nothing.
@dev A record is one word, from the low end: expiry 40 | generation 40 | nonce 128. Each naming of an attester begins a generation; records
     of a generation before `first` do not hold.
"""

from contracts.interfaces import IAllowListGate
from contracts.interfaces import IGate
from contracts.modules import account_word
from snekmate.auth import ownable
from snekmate.auth import ownable_2step
from snekmate.utils import eip712_domain_separator
from snekmate.utils import signature_checker

implements: IAllowListGate
implements: IGate

initializes: ownable
initializes: ownable_2step[ownable := ownable]
initializes: eip712_domain_separator

exports: (
    ownable_2step.owner,
    ownable_2step.pending_owner,
    ownable_2step.transfer_ownership,
    ownable_2step.accept_ownership,
)
exports: eip712_domain_separator.eip712Domain

MAX_VALIDITY: constant(uint256) = 2 * 365 * 86_400
MASK_40: constant(uint256) = 2**40 - 1

ATTESTATION_TYPEHASH: constant(bytes32) = keccak256(
    "Attestation(address subject,uint256 expiry,uint256 generation,uint256 nonce)"
)

attester: public(address)
generation: public(uint256)
first: uint256
records: HashMap[address, uint256]


@deploy
def __init__(owner: address, attester: address):
    """
    @param owner Names the attester; not the zero address.
    @param attester Vouches; not the zero address.
    @dev Errors: "gate: owner", "gate: attester".
    """
    assert owner != empty(address), "gate: owner"
    ownable.__init__()
    ownable_2step.__init__()
    ownable._transfer_ownership(owner)
    eip712_domain_separator.__init__("Plimsoll allow list", "1")
    self._set_attester(attester, False)


@external
def attest(subject: address, expiry: uint256, nonce: uint256, signature: Bytes[65]):
    assert subject != empty(address), "gate: subject"
    assert block.timestamp <= expiry, "gate: expired"
    assert expiry <= block.timestamp + MAX_VALIDITY, "gate: expiry"
    assert nonce == self.records[subject] >> 80, "gate: nonce"
    digest: bytes32 = eip712_domain_separator._hash_typed_data_v4(
        keccak256(abi_encode(ATTESTATION_TYPEHASH, subject, expiry, self.generation, nonce))
    )
    assert signature_checker._is_valid_signature_now(self.attester, digest, signature), "gate: signature"
    self.records[subject] = expiry | self.generation << 40 | (nonce + 1) << 80
    log IAllowListGate.Attested(subject=subject, expiry=expiry, nonce=nonce)


@external
def revoke(subject: address):
    assert msg.sender == self.attester or msg.sender == ownable.owner, "gate: attester only"
    nonce: uint256 = self.records[subject] >> 80
    self.records[subject] = (nonce + 1) << 80
    log IAllowListGate.Revoked(subject=subject, nonce=nonce)


@external
def set_attester(attester: address, disown: bool):
    ownable._check_owner()
    self._set_attester(attester, disown)


@view
@external
def allows(account: uint256, key: uint256, owed: bool) -> bool:
    """
    @notice Whether the account's owner holds an attestation now. Anyone.
    @param account Account id, owner << 96 | index.
    @param key Any asset.
    @param owed Whatever it is.
    """
    return block.timestamp <= self._expiry(self.records[account_word._owner(account)])


@view
@external
def record_of(subject: address) -> IAllowListGate.Record:
    record: uint256 = self.records[subject]
    return IAllowListGate.Record(expiry=self._expiry(record), nonce=record >> 80)


@view
@internal
def _expiry(record: uint256) -> uint256:
    """
    @return Last second at which a record holds; 0 when it was revoked or disowned.
    """
    if (record >> 40) & MASK_40 < self.first:
        return 0
    return record & MASK_40


@internal
def _set_attester(attester: address, disown: bool):
    assert attester != empty(address), "gate: attester"
    self.attester = attester
    self.generation += 1
    if disown:
        self.first = self.generation
    log IAllowListGate.AttesterSet(attester=attester, disowned=disown)
