"""What is signed, hashed by hand with the hashes that the standards publish, and what the contracts make of it.

* EIP-712 (ethereum/EIPs, ``assets/eip-712/Example.js`` and ``Example.sol``): type hash, struct hash, domain separator
  and digest of the "Ether Mail" example, signed by the private key keccak("cow").
* ERC-2612, as OpenZeppelin, Solady and Uniswap v2 publish the hash of its Permit type, and that of the EIP-712 domain
  of four members.

The functions below hash without any library of ours or of a wallet; the first tests hold them to the published hashes,
the others hold the contracts and the messages that users sign to these functions.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from eth_keys.datatypes import PrivateKey
from eth_utils.crypto import keccak

from plimsoll.chain import RevmChain
from plimsoll.model.protection_orders import Kind
from plimsoll.protocol import operators, orders
from plimsoll.protocol.operators import Grant, Permission
from tests.support import reverts
from tests.support.scenario import World, deploy_world

DOMAIN_TYPE = "0x8b73c3c69bb8fe3d512ecc4cf759cc79239f7b179b0ffacaa9a75d522b39400f"
PERMIT_TYPE = "0x6e71edae12b1b97f4d1f60370fef10105fa2faae0126114a169c64845d6126c9"
COW = "0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826"
BOB = "0xbBbBBBBbbBBBbbbBbbBbbbbBBbBbbbbBbBbbBBbB"
MAIL_CONTRACT = "0xCcCCccccCCCCcCCCCCCcCcCccCcCCCcCcccccccC"
MAIL = "Mail(Person from,Person to,string contents)Person(string name,address wallet)"
PERSON = "Person(string name,address wallet)"


def word(value: int | str | bytes | bool) -> bytes:
    """Return a member as EIP-712 encodes it: numbers, addresses and hashes in 32 bytes."""
    if isinstance(value, bytes):
        return value
    return int(value, 16).to_bytes(32, "big") if isinstance(value, str) else int(value).to_bytes(32, "big")


def struct(kind: str, *members: int | str | bytes | bool) -> bytes:
    """Return the hash of a struct."""
    return keccak(keccak(text=kind) + b"".join(map(word, members)))


def domain(name: str, version: str, chain_id: int, contract: str) -> bytes:
    """Return a domain separator."""
    members = (keccak(text=name), keccak(text=version), chain_id, contract)
    return keccak(bytes.fromhex(DOMAIN_TYPE[2:]) + b"".join(map(word, members)))


def digest(separator: bytes, message: bytes) -> bytes:
    """Return what is signed."""
    return keccak(b"\x19\x01" + separator + message)


def person(name: str, wallet: str) -> bytes:
    return struct(PERSON, keccak(text=name), wallet)


def ether_mail() -> bytes:
    return struct(MAIL, person("Cow", COW), person("Bob", BOB), keccak(text="Hello, Bob!"))


# The standards


def test_eip712__ether_mail() -> None:
    assert keccak(text=MAIL).hex() == "a0cedeb2dc280ba39b857546d74f5549c3a1d7bdc2dd96bf881f76108e23dac2"
    assert ether_mail().hex() == "c52c0ee5d84264471806290a3f2c4cecfc5490626bf912d01f240d7a274b371e"
    separator = domain("Ether Mail", "1", 1, MAIL_CONTRACT)
    assert separator.hex() == "f2cee375fa42b42143804025fc449deafd50cc031ca257e0b194a650a912090f"
    assert digest(separator, ether_mail()).hex() == "be609aee343fb3c4b28e1df9e632fca64fcfaede20f02e86244efddf30957bd2"


def test_eip712__ether_mail__signed_by_cow() -> None:
    cow = PrivateKey(keccak(text="cow"))
    assert cow.public_key.to_checksum_address() == COW
    signature = cow.sign_msg_hash(digest(domain("Ether Mail", "1", 1, MAIL_CONTRACT), ether_mail()))
    assert signature.v + 27 == 28
    assert f"{signature.r:064x}" == "4355c47d63924e8a72e509b65029052eb6c299d53a04e167c5775fd466751c9d"
    assert f"{signature.s:064x}" == "07299936d304c153f6443dfa05f40ff007d72911b6f72307f996231605b91562"


def test_erc2612__type_hashes() -> None:
    four = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
    assert "0x" + keccak(text=four).hex() == DOMAIN_TYPE
    permit = "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"
    assert "0x" + keccak(text=permit).hex() == PERMIT_TYPE


# Ours


@pytest.fixture(scope="module")
def fresh_world() -> World:
    return deploy_world(RevmChain())


@pytest.fixture
def world(fresh_world: World) -> Iterator[World]:
    with fresh_world.chain.isolate():
        yield fresh_world


def signed(world: World, role: str, hashed: bytes) -> tuple[int, bytes, bytes]:
    """Return v, r and s of a role's signature of a digest."""
    signature = PrivateKey(bytes.fromhex(world.chain.key(world.roles[role])[2:])).sign_msg_hash(hashed)
    return signature.v + 27, signature.r.to_bytes(32, "big"), signature.s.to_bytes(32, "big")


def test_domains__of_every_contract_that_is_signed_for(world: World) -> None:
    """The members of ERC-5267 say what the separator is made of."""
    book = world.chain.deploy("ProtectionOrders", world.engine, sender=world.roles["deployer"])
    gate = world.chain.deploy("AllowListGate", *[world.roles["owner"]] * 2, sender=world.roles["deployer"])
    names = {
        world.registry: "Plimsoll operators",
        book: "Plimsoll orders",
        gate: "Plimsoll allow list",
        world["USDC"].pool: world["USDC"].pool.method("name")(),
    }
    for contract, name in names.items():
        members = contract.eip712Domain()
        assert tuple(members)[1:5] == (name, "1", world.chain.chain_id, contract.address)
    pool = world["USDC"].pool
    assert pool.DOMAIN_SEPARATOR() == domain(pool.method("name")(), "1", world.chain.chain_id, pool.address)


def test_permit__of_a_pools_shares__by_the_published_type(world: World) -> None:
    pool, owner, spender = world["USDC"].pool, world.roles["lender"], world.roles["trader"]
    deadline = world.chain.timestamp()
    message = keccak(
        bytes.fromhex(PERMIT_TYPE[2:]) + b"".join(map(word, (owner, spender, 77, pool.nonces(owner), deadline)))
    )
    v, r, s = signed(world, "lender", digest(pool.DOMAIN_SEPARATOR(), message))
    with reverts("erc20: invalid signature"):
        pool.permit(owner, spender, 78, deadline, v, r, s, sender=spender)
    pool.permit(owner, spender, 77, deadline, v, r, s, sender=spender)
    assert pool.allowance(owner, spender) == 77


def test_set_operator_by_signature__by_hand(world: World) -> None:
    owner, operator, now = world.roles["trader"], world.roles["keeper"], world.chain.timestamp()
    scope, nonce = world.account("trader"), 2**200 + 3
    grant = Grant(Permission.TRADE | Permission.BORROW, now + 1_000, 100, 10**21)
    kind = (
        "SetOperator(address owner,uint256 scope,address operator,uint256 permissions,uint256 expiry,"
        "uint256 maxLoss,uint256 lossBudget,uint256 nonce,uint256 deadline)"
    )
    name, chain_id, verifier = "Plimsoll operators", world.chain.chain_id, world.registry.address
    hashed = digest(
        domain(name, "1", chain_id, verifier),
        struct(kind, owner, scope, operator, *grant.as_tuple(), nonce, now),
    )
    v, r, s = signed(world, "trader", hashed)
    signature = r + s + bytes([v])
    message = operators.typed_data(
        name=name,
        version="1",
        chain_id=chain_id,
        verifier=verifier,
        owner=owner,
        scope=scope,
        operator=operator,
        grant=grant,
        nonce=nonce,
        deadline=now,
    )
    assert operators.sign(world.chain.key(owner), message) == signature
    arguments = (owner, scope, operator, grant.as_tuple(), nonce, now, signature)
    world.registry.set_operator_by_signature(*arguments, sender=world.roles["keeper"])
    assert tuple(world.registry.operator_of(scope, operator)) == grant.as_tuple()


def test_order_digests__by_hand(world: World) -> None:
    book = world.chain.deploy("ProtectionOrders", world.engine, sender=world.roles["deployer"])
    separator = domain("Plimsoll orders", "1", world.chain.chain_id, book.address)
    account = world.account("trader")
    tokens = [world[symbol].token.address for symbol in ("WETH", "USDC")]
    order = orders.Order(
        account, Kind.TRAIL_BELOW, tokens[0], 10**30, 500, *tokens, 10**18, 1, 10**15, 100, 10, True, 2**255, 3, 2**40
    )
    kind = (
        "Order(uint256 account,uint256 kind,address watched,uint256 trigger,uint256 trail,address sell,address buy,"
        "uint256 amount,uint256 minFill,uint256 minRate,uint256 maxSlippage,uint256 fee,bool repayOnly,uint256 group,"
        "uint256 epoch,uint256 deadline)"
    )
    hashed = digest(separator, struct(kind, *order.as_tuple()))
    assert book.order_digest(order.as_tuple()) == hashed == order.digest(orders.Domain.of(book))
    standing = orders.Deleverage(account, 11 * 10**17, 15 * 10**17, 100, 50, 7, 0, 2**40)
    kind = (
        "Deleverage(uint256 account,uint256 triggerRatio,uint256 targetRatio,uint256 maxCost,uint256 fee,"
        "uint256 group,uint256 epoch,uint256 deadline)"
    )
    hashed = digest(separator, struct(kind, *standing.as_tuple()))
    assert book.deleverage_digest(standing.as_tuple()) == hashed == standing.digest(orders.Domain.of(book))
