"""Who, besides the owner, may act on an account: twin of ``contracts/OperatorRegistry.vy``.

Addresses are integers. A scope is an account, or an owner's address, which covers all of his accounts. Times are UNIX
seconds, losses WAD dollars, `max_loss` basis points. Where the contract reverts, `ValueError` carries its reason.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from plimsoll.model import account_word

TRADE = 1
BORROW = 2
WITHDRAW = 4
TRANSFER = 8
ALL_PERMISSIONS = 15
MAX_EXPIRY = 2**40 - 1
MAX_LOSS = 10_000
MAX_BUDGET = 2**128 - 1
BASIS_POINTS = 10_000


@dataclass(frozen=True, slots=True)
class Grant:
    """What an operator may do, until when (inclusive), and what his trades may lose."""

    permissions: int = 0
    expiry: int = 0
    max_loss: int = 0
    loss_budget: int = 0


@dataclass(slots=True)
class OperatorRegistry:
    """All grants, by scope and operator."""

    grants: dict[tuple[int, int], Grant] = field(default_factory=dict)

    def set_operator(self, owner: int, scope: int, operator: int, grant: Grant) -> None:
        """Replace a grant; ValueError if `owner` does not own the scope or a member is out of bounds."""
        _require(scope == owner or account_word.owner(scope) == owner, "operators: not the owner")
        _require(operator != 0, "operators: zero address")
        _require(0 <= grant.permissions <= ALL_PERMISSIONS, "operators: permissions")
        _require(0 <= grant.expiry <= MAX_EXPIRY, "operators: expiry")
        _require(0 <= grant.max_loss <= MAX_LOSS, "operators: max loss")
        _require(0 <= grant.loss_budget <= MAX_BUDGET, "operators: loss budget")
        self.grants[scope, operator] = grant

    def operator_of(self, scope: int, operator: int) -> Grant:
        """Return a grant as stored, expired or not."""
        return self.grants.get((scope, operator), Grant())

    def authorise(self, account: int, operator: int, permissions: int, now: int) -> int:
        """Return the scope that allows all of `permissions`: the account, else its owner; ValueError if none does."""
        if _allows(self.operator_of(account, operator), permissions, now):
            return account
        owner = account_word.owner(account)
        _require(_allows(self.operator_of(owner, operator), permissions, now), "operators: not allowed")
        return owner

    def is_operator(self, account: int, operator: int, now: int) -> bool:
        """Return whether the operator holds any permission on the account."""
        return any(
            grant.permissions != 0 and now <= grant.expiry
            for grant in (self.operator_of(account, operator), self.operator_of(account_word.owner(account), operator))
        )

    def charge_loss(self, scope: int, operator: int, sold: int, bought: int) -> None:
        """Use up the budget by what a trade lost; ValueError if that is beyond the trade's or the budget's limit."""
        if bought >= sold:
            return
        loss = sold - bought
        grant = self.operator_of(scope, operator)
        _require(loss * BASIS_POINTS <= sold * grant.max_loss, "operators: max loss")
        _require(loss <= grant.loss_budget, "operators: loss budget")
        self.grants[scope, operator] = replace(grant, loss_budget=grant.loss_budget - loss)


def _allows(grant: Grant, permissions: int, now: int) -> bool:
    return grant.permissions & permissions == permissions and now <= grant.expiry


def _require(condition: bool, reason: str) -> None:
    if not condition:
        raise ValueError(reason)
