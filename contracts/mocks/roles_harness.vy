# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
# pragma nonreentrancy on
"""
@title The roles module, deployable for tests
@license AGPL-3.0
"""

from contracts.modules import roles
from snekmate.auth import ownable

initializes: ownable
initializes: roles[ownable := ownable]

exports: (
    roles.owner,
    roles.pending_owner,
    roles.transfer_ownership,
    roles.accept_ownership,
    roles.guardian,
    roles.set_guardian,
)


@deploy
def __init__(owner: address, guardian: address):
    ownable.__init__()
    roles.__init__(owner, guardian)


@view
@external
def only_owner() -> bool:
    """
    @notice True for the owner, reverts for everybody else.
    """
    roles._only_owner()
    return True


@view
@external
def only_guardian() -> bool:
    """
    @notice True for the guardian and the owner, reverts for everybody else.
    """
    roles._only_guardian()
    return True
