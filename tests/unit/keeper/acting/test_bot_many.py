"""A crash: 20,000 accounts, of which 5,000 cross in one block, through everything that acts."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import rlp
from eth_abi.abi import default_codec
from eth_utils.crypto import keccak

from plimsoll.keeper import bot, verbs
from plimsoll.keeper.fees import Fees
from plimsoll.keeper.keys import Signed, Signer
from plimsoll.keeper.sender import SendPolicy
from tests.unit.keeper.acting import fake_chain
from tests.unit.keeper.acting.fake_chain import CHAIN_ID, Tx
from tests.unit.keeper.acting.fake_protocol import WAD, Position
from tests.unit.keeper.acting.world import ACTIONS, TAKE, World

KNOWN, CROSSING = 20_000, 5_000
GAS = 24_000_000
"""Gas that may be under way together: 48 transactions of the 500,000 that the fake's estimate leads to."""
NEVER = 10**9


def started_in(tx: Tx) -> list[int]:
    """Return the accounts whose auctions a transaction starts."""
    if tx.data[:4] == verbs.LIQUIDATE.selector:
        return [int.from_bytes(tx.data[4:36], "big")]
    (calls,) = default_codec.decode(["bytes[]"], tx.data[4:])
    return [int.from_bytes(call[4:36], "big") for call in calls if call[:4] == verbs.LIQUIDATE.selector]


def unsigned(signer: Signer, *, nonce: int, to: str, data: bytes, gas: int, fees: Fees) -> Signed:
    """Stand in for Signer.sign: 5,000 signatures in pure Python take a minute, and are tested elsewhere."""
    target = bytes.fromhex(to[2:])
    raw = b"\x02" + rlp.encode([CHAIN_ID, nonce, fees.tip, fees.most, gas, target, 0, data, [], 0, 1, 1])
    return Signed(raw, f"0x{keccak(raw).hex()}")


def test_20_000_accounts_5_000_cross_in_one_block__all_started_and_taken_once_within_the_gas_of_a_block(
    tmp_path: Path, made: list[World], monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = SendPolicy(in_flight=64, gas_in_flight=GAS, per_day=10**22, final=2)
    world = World(tmp_path, 0, policy=policy, take=replace(TAKE, fractions=(WAD,)), own_accounts=64)
    made.append(world)
    address = world.rig.signer.address
    monkeypatch.setattr(Signer, "sign", unsigned)
    monkeypatch.setattr(fake_chain.Account, "recover_transaction", lambda raw: address)
    world.rig.journal._db.execute("PRAGMA synchronous = OFF")
    world.chain.balance = 10**24
    first = world.chain.head.number + 1
    for number in range(KNOWN):
        debt = (100_000 + number) * WAD
        below_from = first if number % (KNOWN // CROSSING) == 0 else NEVER
        world.protocol.accounts[(0xACC << 96) + number] = Position(debt * 103 // 100, debt, below_from)
    crossing = [account for account, position in world.protocol.accounts.items() if position.below_from == first]
    assert len(crossing) == CROSSING
    for _ in range(400):
        world.run(1)
        if len(world.protocol.state.taken) == CROSSING and not world.rig.sender.open:
            break

    state = world.protocol.state
    assert set(state.taken) == set(crossing), "nothing missed, nobody healthy touched"
    assert len(state.takes) == CROSSING, "nothing taken twice"
    assert state.failed == [], "nothing paid for what failed"
    starts = [account for tx in world.own_transactions() for account in started_in(tx)]
    assert Counter(starts) == Counter(crossing), "every auction started once"
    gas = [sum(tx.gas for tx in block.txs) for block in world.chain.blocks]
    assert 0.9 * GAS < max(gas) <= GAS, "blocks are used, and no more of them than allowed"
    whose = [account for tx in world.own_transactions() for account in started_in(tx)]
    first_block = whose[: GAS // 500_000 * 16]
    largest = sorted(crossing, reverse=True)[: len(first_block)]
    assert set(first_block) == set(largest), "those that owe most come first"


def test_many_auctions_that_never_pay__those_behind_them_have_their_turn(tmp_path: Path, made: list[World]) -> None:
    """Who owes much and cannot be taken from must not keep the keeper from looking at the rest."""
    dead, alive = bot.LOOKS_PER_BLOCK + 50, 20
    world = World(
        tmp_path,
        0,
        policy=SendPolicy(in_flight=32, per_day=10**22),
        own_accounts=32,
        actions=replace(ACTIONS, poke=False),
    )
    made.append(world)
    first = world.chain.head.number + 1
    for number in range(dead):
        world.protocol.accounts[(0xDEAD << 96) + number] = Position(10**6 * WAD // 2, 10**6 * WAD, first)
    small = [(0xACC << 96) + number for number in range(alive)]
    for account in small:
        world.protocol.accounts[account] = Position(10_300 * WAD, 10_000 * WAD, first)
    world.run(120)
    assert set(world.protocol.state.taken) == set(small)
