# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
# pragma nonreentrancy on
"""
@title OperatorRegistry: who, besides the owner, may act on an account
@license AGPL-3.0
@notice An operator may do what his permission bits say until they expire, and by trades lose at most his loss budget, so
        that one who may only trade cannot bleed an account through a swapper of his own. See IOperatorRegistry.

        What stops it: nothing; it has no owner, no pause and holds no tokens. A grant ends at its expiry or by the owner's next one.
@dev A contract of its own because the engine asks it only when the caller is not the owner. A grant is one word:

         permissions 8 | expiry 40 | max loss 16 (basis points) | loss budget 128 (WAD dollars)

     An account id below 2**160 would need an owner below 2**64, so scopes of the two kinds do not meet.
"""

from contracts.interfaces import IOperatorRegistry
from contracts.modules import account_word
from snekmate.utils import eip712_domain_separator
from snekmate.utils import signature_checker

implements: IOperatorRegistry

initializes: eip712_domain_separator

exports: eip712_domain_separator.eip712Domain

ALL_PERMISSIONS: constant(uint256) = 15
MAX_EXPIRY: constant(uint256) = 2**40 - 1
MAX_LOSS: constant(uint256) = 10_000
MAX_BUDGET: constant(uint256) = 2**128 - 1
BASIS_POINTS: constant(uint256) = 10_000

SET_OPERATOR_TYPEHASH: constant(bytes32) = keccak256(
    "SetOperator(address owner,uint256 scope,address operator,uint256 permissions,uint256 expiry,uint256 maxLoss,uint256 lossBudget,uint256 nonce,uint256 deadline)"
)

DEPLOYER: immutable(address)

engine: public(address)
used_nonces: public(HashMap[address, HashMap[uint256, uint256]])
grants: HashMap[uint256, HashMap[address, uint256]]


@deploy
def __init__():
    DEPLOYER = msg.sender
    eip712_domain_separator.__init__("Plimsoll operators", "1")


@external
def bind(engine: address):
    assert msg.sender == DEPLOYER, "operators: deployer only"
    assert self.engine == empty(address), "operators: bound already"
    assert engine != empty(address), "operators: zero address"
    self.engine = engine
    log IOperatorRegistry.Bound(engine=engine)


@external
def set_operator(scope: uint256, operator: address, grant: IOperatorRegistry.Grant):
    self._set(msg.sender, scope, operator, grant)


@external
def set_operator_by_signature(
    owner: address,
    scope: uint256,
    operator: address,
    grant: IOperatorRegistry.Grant,
    nonce: uint256,
    deadline: uint256,
    signature: Bytes[65],
):
    assert owner != empty(address), "operators: zero address"
    assert block.timestamp <= deadline, "operators: expired"
    self._use_nonce(owner, nonce)
    digest: bytes32 = eip712_domain_separator._hash_typed_data_v4(
        keccak256(
            abi_encode(
                SET_OPERATOR_TYPEHASH,
                owner,
                scope,
                operator,
                grant.permissions,
                grant.expiry,
                grant.max_loss,
                grant.loss_budget,
                nonce,
                deadline,
            )
        )
    )
    assert signature_checker._is_valid_signature_now(owner, digest, signature), "operators: signature"
    self._set(owner, scope, operator, grant)


@external
def invalidate_nonces(word: uint256, mask: uint256):
    assert word <= max_value(uint256) >> 8, "operators: nonce word"
    self.used_nonces[msg.sender][word] |= mask
    log IOperatorRegistry.NoncesInvalidated(owner=msg.sender, word=word, mask=mask)


@external
def charge_loss(scope: uint256, operator: address, sold: uint256, bought: uint256):
    assert msg.sender == self.engine, "operators: engine only"
    if bought >= sold:
        return
    loss: uint256 = unsafe_sub(sold, bought)
    grant: uint256 = self.grants[scope][operator]
    assert loss * BASIS_POINTS <= sold * ((grant >> 48) & 65535), "operators: max loss"
    budget: uint256 = grant >> 64
    assert loss <= budget, "operators: loss budget"
    self.grants[scope][operator] = grant - (loss << 64)
    log IOperatorRegistry.LossCharged(
        scope=scope, operator=operator, loss=loss, budget_left=unsafe_sub(budget, loss)
    )


@view
@external
def authorise(account: uint256, operator: address, permissions: uint256) -> uint256:
    if self._allows(self.grants[account][operator], permissions):
        return account
    assert self._allows(self.grants[account >> 96][operator], permissions), "operators: not allowed"
    return account >> 96


@view
@external
def is_operator(account: uint256, operator: address) -> bool:
    return self._is_live(self.grants[account][operator]) or self._is_live(self.grants[account >> 96][operator])


@view
@external
def operator_of(scope: uint256, operator: address) -> IOperatorRegistry.Grant:
    grant: uint256 = self.grants[scope][operator]
    return IOperatorRegistry.Grant(
        permissions=grant & ALL_PERMISSIONS,
        expiry=(grant >> 8) & MAX_EXPIRY,
        max_loss=(grant >> 48) & 65535,
        loss_budget=grant >> 64,
    )


@internal
def _set(owner: address, scope: uint256, operator: address, grant: IOperatorRegistry.Grant):
    assert scope == convert(owner, uint256) or account_word._owner(scope) == owner, "operators: not the owner"
    assert operator != empty(address), "operators: zero address"
    assert grant.permissions <= ALL_PERMISSIONS, "operators: permissions"
    assert grant.expiry <= MAX_EXPIRY, "operators: expiry"
    assert grant.max_loss <= MAX_LOSS, "operators: max loss"
    assert grant.loss_budget <= MAX_BUDGET, "operators: loss budget"
    self.grants[scope][operator] = (
        grant.permissions | grant.expiry << 8 | grant.max_loss << 48 | grant.loss_budget << 64
    )
    log IOperatorRegistry.OperatorSet(scope=scope, operator=operator, grant=grant)


@internal
def _use_nonce(owner: address, nonce: uint256):
    bit: uint256 = 1 << (nonce & 255)
    used: uint256 = self.used_nonces[owner][nonce >> 8]
    assert used & bit == 0, "operators: nonce used"
    self.used_nonces[owner][nonce >> 8] = used | bit
    log IOperatorRegistry.NonceUsed(owner=owner, nonce=nonce)


@view
@internal
def _allows(grant: uint256, permissions: uint256) -> bool:
    return grant & ALL_PERMISSIONS & permissions == permissions and block.timestamp <= (grant >> 8) & MAX_EXPIRY


@view
@internal
def _is_live(grant: uint256) -> bool:
    return grant & ALL_PERMISSIONS != 0 and block.timestamp <= (grant >> 8) & MAX_EXPIRY
