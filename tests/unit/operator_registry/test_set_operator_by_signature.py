"""OperatorRegistry.set_operator_by_signature: every argument signed, once, on one chain, for one registry."""

from __future__ import annotations

from typing import Any

import pytest
from eth_account.messages import encode_typed_data
from eth_utils.crypto import keccak

from plimsoll.chain import ZERO_ADDRESS, RevmChain
from plimsoll.model import account_word
from tests.support import reverts
from tests.unit.operator_registry.conftest import Grant, World


def submit(world: World, message: dict[str, Any], signature: bytes, **changed: Any) -> Any:
    """Bring a signed message, with some arguments changed, as a stranger."""
    said = message["message"]
    grant = (said["permissions"], said["expiry"], said["maxLoss"], said["lossBudget"])
    arguments = {
        "owner": said["owner"],
        "scope": said["scope"],
        "operator": said["operator"],
        "grant": grant,
        "nonce": said["nonce"],
        "deadline": said["deadline"],
        **changed,
    }
    return world.registry.set_operator_by_signature(*arguments.values(), signature, sender=world.stranger)


def test_set_operator_by_signature__owner_signed__stores_and_logs(world: World) -> None:
    message = world.typed_data(world.grant(permissions=3), nonce=513)
    receipt = submit(world, message, world.sign(message))
    assert tuple(world.registry.operator_of(world.account, world.operator)) == world.grant(permissions=3)
    assert world.registry.used_nonces(world.owner, 2) == 2
    assert receipt.events == [
        world.registry.event("NonceUsed", owner=world.owner, nonce=513),
        world.registry.event(
            "OperatorSet", scope=world.account, operator=world.operator, grant=world.grant(permissions=3)
        ),
    ]


def test_set_operator_by_signature__owner_scope__stores(world: World) -> None:
    message = world.typed_data(world.grant(), scope=world.owner_scope)
    submit(world, message, world.sign(message))
    assert tuple(world.registry.operator_of(world.owner_scope, world.operator)) == world.grant()


def test_set_operator_by_signature__twice__reverts(world: World) -> None:
    message = world.typed_data(world.grant())
    signature = world.sign(message)
    submit(world, message, signature)
    with reverts("operators: nonce used"):
        submit(world, message, signature)


def test_set_operator_by_signature__nonces__work_in_any_order(world: World) -> None:
    for nonce in (2**256 - 1, 0, 255, 256, 7):
        message = world.typed_data(world.grant(loss_budget=nonce % 1000), nonce=nonce)
        submit(world, message, world.sign(message))
        assert world.registry.operator_of(world.account, world.operator).loss_budget == nonce % 1000
        with reverts("operators: nonce used"):
            submit(world, message, world.sign(message))


def test_set_operator_by_signature__invalidated_nonce__reverts(world: World) -> None:
    message = world.typed_data(world.grant(), nonce=256 + 9)
    world.registry.invalidate_nonces(1, 1 << 9, sender=world.owner)
    with reverts("operators: nonce used"):
        submit(world, message, world.sign(message))


def test_set_operator_by_signature__deadline__last_second_works_next_does_not(world: World) -> None:
    deadline = world.chain.timestamp() + 10
    world.chain.warp(10)
    message = world.typed_data(world.grant(), deadline=deadline)
    submit(world, message, world.sign(message))
    late = world.typed_data(world.grant(), deadline=deadline, nonce=1)
    world.chain.warp(1)
    with reverts("operators: expired"):
        submit(world, late, world.sign(late))


@pytest.mark.parametrize(
    ("argument", "change"),
    [
        ("scope", lambda world, said: said["scope"] + 1),
        ("operator", lambda world, said: world.stranger),
        ("grant", lambda world, said: (7, said["expiry"], said["maxLoss"], said["lossBudget"])),
        ("grant", lambda world, said: (said["permissions"], said["expiry"] + 1, said["maxLoss"], said["lossBudget"])),
        ("grant", lambda world, said: (said["permissions"], said["expiry"], said["maxLoss"] + 1, said["lossBudget"])),
        ("grant", lambda world, said: (said["permissions"], said["expiry"], said["maxLoss"], said["lossBudget"] + 1)),
        ("nonce", lambda world, said: said["nonce"] + 1),
        ("deadline", lambda world, said: said["deadline"] + 1),
        ("owner", lambda world, said: world.stranger),
    ],
)
def test_set_operator_by_signature__any_argument_changed__reverts(world: World, argument: str, change: Any) -> None:
    message = world.typed_data(world.grant(permissions=1))
    with reverts("operators: signature"):
        submit(world, message, world.sign(message), **{argument: change(world, message["message"])})


def test_set_operator_by_signature__wrong_chain_id__reverts(world: World) -> None:
    message = world.typed_data(world.grant(), chain_id=1)
    with reverts("operators: signature"):
        submit(world, message, world.sign(message))


def test_set_operator_by_signature__another_registry__reverts(world: World) -> None:
    other = world.chain.deploy("OperatorRegistry", sender=world.deployer)
    message = world.typed_data(world.grant(), contract=other.address)
    with reverts("operators: signature"):
        submit(world, message, world.sign(message))


def test_set_operator_by_signature__every_wrong_signer__reverts(world: World) -> None:
    world.registry.set_operator(world.owner_scope, world.operator, world.grant(), sender=world.owner)
    message = world.typed_data(world.grant())
    for signer in (world.operator, world.stranger, world.engine, world.deployer):
        with reverts("operators: signature"):
            submit(world, message, world.sign(message, signer))


def test_set_operator_by_signature__own_signature_for_another_owners_scope__reverts(world: World) -> None:
    message = world.typed_data(world.grant(), owner=world.stranger)
    with reverts("operators: not the owner"):
        submit(world, message, world.sign(message, world.stranger))


@pytest.mark.parametrize(
    ("signature", "reason"),
    [
        (b"", "operators: signature"),
        (b"\x01" * 63, "operators: signature"),
        (b"\x00" * 64, "ecdsa: invalid signature"),
        (b"\x00" * 65, "ecdsa: invalid signature"),
        (b"\x80" * 64 + b"\x1b", "ecdsa: invalid signature `s` value"),
    ],
    ids=["empty", "63 bytes", "64 zeros", "65 zeros", "large s"],
)
def test_set_operator_by_signature__garbage__reverts(world: World, signature: bytes, reason: str) -> None:
    with reverts(reason):
        submit(world, world.typed_data(world.grant()), signature)


def test_set_operator_by_signature__compact_form__works_once(world: World) -> None:
    """ERC-2098 packs v into the top bit of s: the same signature, so the same nonce."""
    message = world.typed_data(world.grant())
    signature = world.sign(message)
    compact = signature[:32] + (int.from_bytes(signature[32:64], "big") | (signature[64] - 27) << 255).to_bytes(
        32, "big"
    )
    submit(world, message, compact)
    with reverts("operators: nonce used"):
        submit(world, message, signature)


def test_set_operator_by_signature__mirrored_signature__reverts(world: World) -> None:
    """The other signature of the same message, with s on the upper half of the curve's order, is refused outright."""
    message = world.typed_data(world.grant())
    signature = world.sign(message)
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    s = order - int.from_bytes(signature[32:64], "big")
    mirrored = signature[:32] + s.to_bytes(32, "big") + bytes([55 - signature[64]])
    with reverts("ecdsa: invalid signature `s` value"):
        submit(world, message, mirrored)


def test_set_operator_by_signature__zero_owner__reverts(world: World) -> None:
    """A failed recovery yields the zero address, which owns the accounts below 2**96: it never counts as a signer."""
    message = world.typed_data(world.grant(), owner=ZERO_ADDRESS, scope=5)
    with reverts("operators: zero address"):
        submit(world, message, b"\x00" * 65)


def test_set_operator_by_signature__revert__leaves_the_nonce(world: World) -> None:
    message = world.typed_data(world.grant(), nonce=3)
    with reverts("operators: signature"):
        submit(world, message, world.sign(message, world.stranger))
    assert world.registry.used_nonces(world.owner, 0) == 0


@pytest.mark.parametrize(
    ("grant", "reason"),
    [
        ((16, 1, 1, 1), "operators: permissions"),
        ((1, 2**40, 1, 1), "operators: expiry"),
        ((1, 1, 10_001, 1), "operators: max loss"),
        ((1, 1, 1, 2**128), "operators: loss budget"),
    ],
)
def test_set_operator_by_signature__out_of_bounds__reverts(world: World, grant: Grant, reason: str) -> None:
    message = world.typed_data(grant)
    with reverts(reason):
        submit(world, message, world.sign(message))


def test_set_operator_by_signature__signature_over_65_bytes__reverts_without_a_reason(world: World) -> None:
    message = world.typed_data(world.grant())
    arguments = (world.owner, world.account, world.operator, world.grant(), 0, world.chain.timestamp())
    data = bytearray(world.registry.set_operator_by_signature.encode(*arguments, world.sign(message)))
    length = data.rindex((65).to_bytes(32, "big"))
    data[length : length + 32] = (66).to_bytes(32, "big")
    with reverts(""):
        world.chain.raw_call(world.registry, bytes(data), sender=world.stranger)


# A wallet that is a contract signs by ERC-1271.


@pytest.fixture
def wallet(world: World) -> Any:
    return world.chain.deploy("MockWallet", sender=world.owner)


def digest(message: dict[str, Any]) -> bytes:
    signable = encode_typed_data(full_message=message)
    return keccak(b"\x19" + signable.version + signable.header + signable.body)


def of_wallet(world: World, wallet: Any, **members: Any) -> dict[str, Any]:
    return world.typed_data(
        world.grant(), owner=wallet.address, scope=account_word.account(int(wallet.address, 16), 0), **members
    )


def test_set_operator_by_signature__wallet_signed__stores(world: World, wallet: Any) -> None:
    message = of_wallet(world, wallet)
    wallet.sign(digest(message), True, sender=world.owner)
    submit(world, message, b"")
    scope = account_word.account(int(wallet.address, 16), 0)
    assert tuple(world.registry.operator_of(scope, world.operator)) == world.grant()


def test_set_operator_by_signature__wallet_did_not_sign__reverts(world: World, wallet: Any) -> None:
    message = of_wallet(world, wallet)
    with reverts("operators: signature"):
        submit(world, message, world.sign(message))
    wallet.sign(digest(of_wallet(world, wallet, nonce=1)), True, sender=world.owner)
    with reverts("operators: signature"):
        submit(world, message, world.sign(message))


def test_set_operator_by_signature__wallet_took_it_back_or_fails__reverts(world: World, wallet: Any) -> None:
    message = of_wallet(world, wallet)
    wallet.sign(digest(message), True, sender=world.owner)
    wallet.set_failing(True, sender=world.owner)
    with reverts("operators: signature"):
        submit(world, message, b"")
    wallet.set_failing(False, sender=world.owner)
    wallet.sign(digest(message), False, sender=world.owner)
    with reverts("operators: signature"):
        submit(world, message, b"")


def test_set_operator_by_signature__wallet_reads_the_registry_meanwhile__finds_it_locked(
    world: World, wallet: Any
) -> None:
    """A signer is asked when the nonce is used and the grant is not there yet: nothing half done can be read."""
    message, registry, account = of_wallet(world, wallet), world.registry, world.account
    wallet.sign(digest(message), True, sender=world.owner)
    questions = {
        "engine": registry.engine.encode(),
        "used_nonces": registry.used_nonces.encode(wallet, 0),
        "authorise": registry.authorise.encode(account, world.owner, 0),
        "is_operator": registry.is_operator.encode(account, world.operator),
        "operator_of": registry.operator_of.encode(account, world.operator),
    }
    views = {entry["name"] for entry in registry.abi if entry.get("stateMutability") == "view"}
    assert views == {*questions, "eip712Domain"}
    registry.set_operator(account, world.owner, world.grant(), sender=world.owner)
    for question in questions.values():
        world.chain.simulate(registry, question)
        wallet.set_question(registry, question, sender=world.owner)
        with reverts("operators: signature"):
            submit(world, message, b"")
    wallet.set_question(registry, registry.eip712Domain.encode(), sender=world.owner)
    submit(world, message, b"")


def test_set_operator_by_signature__contract_without_1271__reverts(chain: RevmChain, world: World) -> None:
    other = chain.deploy("MockERC20", "Not a wallet", "NO", 18, sender=world.owner)
    message = world.typed_data(
        world.grant(), owner=other.address, scope=account_word.account(int(other.address, 16), 0)
    )
    with reverts("operators: signature"):
        submit(world, message, world.sign(message))
