"""Every rule there is: importing this registers them, in the order of the ladder."""

from __future__ import annotations

from plimsoll.verify.campaign import (
    leaving,
    rules_adversary,
    rules_batches,
    rules_governance,
    rules_lenders,
    rules_liquidators,
    rules_owners,
    rules_traders,
    rules_world,
)
from plimsoll.verify.campaign.machine import RULES
from plimsoll.verify.campaign.world import DEPLOYED, state_changing

MODULES = (
    rules_world,
    rules_lenders,
    rules_traders,
    rules_batches,
    rules_owners,
    rules_liquidators,
    rules_adversary,
    rules_governance,
    leaving,
)


def covered() -> set[str]:
    """Return every function that some rule calls, "Contract.name"."""
    return {function for each in RULES.values() for function in each.functions}


def missing() -> list[str]:
    """Return every state-changing function of the protocol that no rule calls."""
    known = covered()
    return [key for contract in DEPLOYED for key in state_changing(contract) if key not in known]
