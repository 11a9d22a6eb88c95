# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
# pragma nonreentrancy on
"""
@title The restrictions module over two assets, for tests
@license AGPL-3.0
@notice Who deploys it owns it and guards it. Its tokens are numbers: nothing is ever called.
"""

from contracts.modules import collateral_vault as vault
from contracts.modules import engine_parameters as parameters
from contracts.modules import restrictions
from contracts.modules import roles
from snekmate.auth import ownable

initializes: ownable
initializes: roles[ownable := ownable]
initializes: vault
initializes: parameters[roles := roles, vault := vault]
initializes: restrictions[roles := roles, vault := vault, parameters := parameters]

exports: (
    restrictions.set_gate,
    restrictions.set_cap,
    restrictions.lower_cap,
    restrictions.restrictions_of,
)


@deploy
def __init__(core: address, isolated: address):
    """
    @param core A token of the core tier.
    @param isolated One of the isolated tier.
    """
    ownable.__init__()
    roles.__init__(msg.sender, msg.sender)
    parameters.__init__(self, self, 0)
    vault._add_asset(core, 1, self)
    vault._add_asset(isolated, 1 << 64 | 1, self)


@external
def cap_kept(token: address, cap: uint256) -> uint256:
    """
    @return The cap as it is kept.
    """
    restrictions._set_cap(token, cap)
    return restrictions._cap(restrictions.words[vault._asset(token)[0]])
