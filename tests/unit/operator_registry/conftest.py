"""A registry bound to an engine that is a plain sender, so that tests can charge losses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data

from plimsoll.chain import RevmChain
from plimsoll.model import account_word

Grant = tuple[int, int, int, int]


@dataclass(frozen=True)
class World:
    """The registry and its people."""

    chain: RevmChain
    registry: Any
    deployer: str
    engine: str
    owner: str
    operator: str
    stranger: str

    @property
    def account(self) -> int:
        """The owner's account 7."""
        return account_word.account(int(self.owner, 16), 7)

    @property
    def owner_scope(self) -> int:
        """All of the owner's accounts."""
        return int(self.owner, 16)

    def grant(
        self, permissions: int = 15, seconds: int = 1000, max_loss: int = 100, loss_budget: int = 10**21
    ) -> Grant:
        """A grant that ends `seconds` from now."""
        return (permissions, self.chain.timestamp() + seconds, max_loss, loss_budget)

    def typed_data(
        self,
        grant: Grant,
        *,
        owner: str | None = None,
        scope: int | None = None,
        operator: str | None = None,
        nonce: int = 0,
        deadline: int | None = None,
        chain_id: int | None = None,
        contract: str | None = None,
    ) -> dict[str, Any]:
        """The message an owner signs, as IOperatorRegistry writes it out."""
        fields = (
            "address owner,uint256 scope,address operator,uint256 permissions,uint256 expiry,"
            "uint256 maxLoss,uint256 lossBudget,uint256 nonce,uint256 deadline"
        )
        return {
            "types": {
                "EIP712Domain": [
                    {"name": "name", "type": "string"},
                    {"name": "version", "type": "string"},
                    {"name": "chainId", "type": "uint256"},
                    {"name": "verifyingContract", "type": "address"},
                ],
                "SetOperator": [dict(zip(("type", "name"), each.split(), strict=True)) for each in fields.split(",")],
            },
            "primaryType": "SetOperator",
            "domain": {
                "name": "Plimsoll operators",
                "version": "1",
                "chainId": self.chain.chain_id if chain_id is None else chain_id,
                "verifyingContract": contract or self.registry.address,
            },
            "message": {
                "owner": owner or self.owner,
                "scope": self.account if scope is None else scope,
                "operator": operator or self.operator,
                "permissions": grant[0],
                "expiry": grant[1],
                "maxLoss": grant[2],
                "lossBudget": grant[3],
                "nonce": nonce,
                "deadline": self.chain.timestamp() if deadline is None else deadline,
            },
        }

    def sign(self, message: dict[str, Any], signer: str | None = None) -> bytes:
        """The signature of a test account."""
        key = self.chain.key(signer or self.owner)
        return bytes(Account.sign_message(encode_typed_data(full_message=message), key).signature)


@pytest.fixture
def world(chain: RevmChain) -> World:
    deployer, engine, owner, operator, stranger = chain.accounts()[:5]
    registry = chain.deploy("OperatorRegistry", sender=deployer)
    registry.bind(engine, sender=deployer)
    return World(chain, registry, deployer, engine, owner, operator, stranger)


@pytest.fixture
def appoint(world: World) -> Callable[..., None]:
    """Give the operator a grant on the account, or in another scope."""

    def give(scope: int | None = None, **members: int) -> None:
        target = world.account if scope is None else scope
        world.registry.set_operator(target, world.operator, world.grant(**members), sender=world.owner)

    return give
