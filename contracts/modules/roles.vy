# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
# pragma nonreentrancy on
"""
@title Owner and guardian
@license AGPL-3.0
@notice The owner changes parameters and hands over in two steps (snekmate's `ownable_2step`); the guardian may only
        tighten. Ownership cannot be renounced: a protocol whose caps nobody can lower is not safer.
@dev `ownable` is used, not initialised, because snekmate's `erc20` shares it. The importer writes

         initializes: ownable
         initializes: roles[ownable := ownable]
         exports: roles.__interface__   (or name by name)

     and in its constructor `ownable.__init__()`, then `roles.__init__(owner, guardian)`.
"""

from contracts.interfaces import IRoles
from snekmate.auth import ownable
from snekmate.auth import ownable_2step

implements: IRoles
uses: ownable
initializes: ownable_2step[ownable := ownable]

exports: (
    ownable_2step.owner,
    ownable_2step.pending_owner,
    ownable_2step.transfer_ownership,
    ownable_2step.accept_ownership,
)

guardian: public(address)


@deploy
def __init__(owner: address, guardian: address):
    assert owner != empty(address), "roles: zero address"
    ownable_2step.__init__()
    ownable._transfer_ownership(owner)
    self._set_guardian(guardian)


@external
def set_guardian(guardian: address):
    """
    @notice Appoint the guardian. Owner only.
    @param guardian Not the zero address.
    @dev Errors: "roles: owner only", "roles: zero address".
    """
    self._only_owner()
    self._set_guardian(guardian)


@view
@internal
def _only_owner():
    assert msg.sender == ownable.owner, "roles: owner only"


@view
@internal
def _only_guardian():
    assert msg.sender == self.guardian or msg.sender == ownable.owner, "roles: guardian only"


@internal
def _set_guardian(guardian: address):
    assert guardian != empty(address), "roles: zero address"
    self.guardian = guardian
    log IRoles.GuardianSet(guardian=guardian)
