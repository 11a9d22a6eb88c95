"""Sender against a node that lies about nonces, fees that run away, and caps that replacements must keep."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from plimsoll.keeper.fees import Fees
from plimsoll.keeper.journal import Kind, State
from plimsoll.keeper.sender import MOST_STRANGERS, NotSent, SendPolicy
from plimsoll.keeper.source import SourceError
from tests.unit.keeper.acting.conftest import FEES, Rig
from tests.unit.keeper.acting.fake_chain import ETHER, GWEI


class Liar:
    """Makes a node add to its counts of transactions, by tag."""

    def __init__(self, rig: Rig, **more: int) -> None:
        self.rig, self.more = rig, more
        self.honest = rig.chain._eth_getTransactionCount
        rig.chain._eth_getTransactionCount = self.count  # type: ignore[method-assign]

    def count(self, address: str, tag: str) -> str:
        return hex(max(int(self.honest(address, tag), 16) + self.more.get(tag, 0), 0))

    def stop(self) -> None:
        self.more = {}


@pytest.mark.parametrize("more", [1, 7, 10**6, 2**62])
def test_node_says_that_more_waits__nothing_sent_at_a_gap(rig: Rig, more: int) -> None:
    """A nonce too high would leave a gap behind which everything waits for ever."""
    liar = Liar(rig, pending=more)
    rig.step()
    with pytest.raises(NotSent, match="the journal does not know"):
        rig.submit()
    liar.stop()
    rig.step()
    assert rig.submit().nonce == 0
    rig.step()
    assert rig.actions_mined() == 1
    assert rig.foreign == []


def test_node_says_for_ever_that_more_waits__held_up_for_a_while_only(rig: Rig) -> None:
    rig.sender.policy = SendPolicy(settle=5)
    Liar(rig, pending=7)
    rig.step()
    with pytest.raises(NotSent, match="the journal does not know"):
        rig.submit()
    rig.step(5)
    assert rig.submit().nonce == 0
    rig.step()
    assert rig.actions_mined() == 1


@pytest.mark.parametrize("more", [MOST_STRANGERS + 1, 2**62])
def test_node_counts_far_too_many_mined__refused_and_nothing_lost(rig: Rig, more: int) -> None:
    intent = rig.submit()
    liar = Liar(rig, latest=more)
    rig.chain.mine(only=lambda tx: False)
    for _ in range(6):
        with pytest.raises(SourceError, match="the node counts"):
            rig.tend()
    assert intent.is_open
    liar.stop()
    rig.step()
    assert intent.state is State.MINED
    assert rig.actions_mined() == 1
    assert rig.foreign == []


@pytest.mark.parametrize("blocks", [1, 2])
def test_node_counts_one_too_many_mined_for_a_moment__not_given_up(rig: Rig, blocks: int) -> None:
    intent = rig.submit()
    liar = Liar(rig, latest=1)
    rig.wait(blocks)
    assert intent.is_open
    with pytest.raises(NotSent, match="has a transaction in flight"):
        rig.submit()
    liar.stop()
    rig.step()
    assert intent.state is State.MINED
    assert rig.actions_mined() == 1


def test_node_forgets_what_is_mined__never_sent_at_another_nonce(rig: Rig) -> None:
    """A node that is far behind: count and receipt are gone for a while, as after a reorg."""
    intent = rig.submit()
    rig.step()
    liar = Liar(rig, latest=-1, pending=-1)
    rig.chain.late_receipts = 10
    rig.wait(5)
    assert intent.state is State.SENT
    assert {tx.nonce for tx in rig.chain.sends} == {0}
    liar.stop()
    rig.chain.late_receipts = 0
    rig.step()
    assert intent.state is State.MINED
    assert rig.actions_mined() == 1
    assert rig.sender.spent_today() == 100_000 * 11 * GWEI, "paid once, whatever was said in between"


def fees_answered(rig: Rig, base_fee: int, tip: int) -> None:
    def answer(blocks: str, tag: str, percentiles: list[int]) -> Any:
        count = int(blocks, 16)
        return {"baseFeePerGas": [hex(base_fee)] * (count + 1), "reward": [[hex(tip)]] * count}

    rig.chain._eth_feeHistory = answer  # type: ignore[method-assign]


@pytest.mark.parametrize(("base_fee", "tip"), [(10**30, 0), (0, 10**30), (10**30, 10**30)])
def test_node_asks_for_any_fee__never_more_than_the_caps(rig: Rig, base_fee: int, tip: int) -> None:
    fees_answered(rig, base_fee, tip)
    rig.step()
    assert rig.sender.market.most <= FEES.most
    assert rig.sender.market.tip <= FEES.most_tip
    if base_fee:
        with pytest.raises(NotSent, match="above the cap"):
            rig.submit()


def test_stuck_for_ever__offers_stop_at_the_cap_the_budget_and_the_days_cap(rig: Rig) -> None:
    """Whoever keeps us out of blocks makes us outbid ourselves: up to here, and no further."""
    for number, (budget, per_day, most) in enumerate(
        [(ETHER, 10 * ETHER, FEES.most), (200_000 * 60 * GWEI, 10 * ETHER, 60 * GWEI), (ETHER, 10**16, 50 * GWEI)]
    ):
        rig.clock.time += 86_401
        rig.step()
        rig.sender.policy = SendPolicy(per_day=per_day)
        intent = rig.submit(f"account:{number}", budget=budget, lasts=120)
        rig.wait(100)
        offered = [attempt.fees.most for attempt in intent.attempts]
        assert len(offered) > 3
        assert offered == sorted(set(offered))
        assert max(offered) <= most
        assert "capped" in rig.said()
        assert intent.worst_cost <= min(budget, per_day)
        rig.step()
        assert rig.actions_mined(f"account:{number}") == 1


def test_stuck__several__together_within_the_days_cap(rig: Rig) -> None:
    worst = 200_000 * rig.sender.market.most
    rig.sender.policy = SendPolicy(per_day=3 * worst + worst // 4)
    intents = [rig.submit(f"account:{number}", lasts=200) for number in range(3)]
    for _ in range(60):
        rig.wait()
        assert sum(intent.worst_cost for intent in intents if intent.is_open) <= rig.sender.policy.per_day
    assert len(intents[0].attempts) > 1
    assert "capped" in rig.said()


def test_cancelling_for_ever__capped(rig: Rig) -> None:
    intent = rig.submit()
    rig.useless = {"account:1"}
    rig.wait(200)
    cancels = [attempt for attempt in intent.attempts if attempt.kind is Kind.CANCEL]
    assert max(attempt.fees.most for attempt in cancels) <= FEES.most
    assert "capped" in rig.said()
    rig.step()
    assert intent.state is State.CANCELLED


def test_gas_in_flight__no_more_than_a_blocks_share(rig: Rig) -> None:
    rig.sender.policy = SendPolicy(in_flight=100, gas_in_flight=700_000)
    for number in range(3):
        rig.submit(f"account:{number}")
    with pytest.raises(NotSent, match="600000 gas is in flight, 200000 more is too much for a block"):
        rig.submit("account:3")
    rig.step()
    assert rig.submit("account:3").nonce == 3


def test_gas_in_flight__a_single_large_one_is_not_held_up_for_ever(rig: Rig) -> None:
    rig.sender.policy = SendPolicy(gas_in_flight=100_000)
    rig.submit()
    rig.step()
    assert rig.actions_mined() == 1


def test_silent__looks_and_sends_nothing(rig: Rig) -> None:
    intent = rig.submit()
    rig.sender._silent = True
    rig.chain.forget_pool()
    rig.useless = {"account:1"}
    rig.wait(60)
    assert len(rig.chain.sends) == 1
    assert len(intent.attempts) == 1
    with pytest.raises(NotSent, match="sends nothing"):
        rig.submit("account:2")


def test_foreign_transactions_at_several_nonces__stepped_over_at_once(tmp_path: Path, rig: Rig) -> None:
    for nonce in range(3):
        raw = rig.signer.sign(nonce=nonce, to="0x" + "99" * 20, data=b"", gas=50_000, fees=Fees(200 * GWEI, 9 * GWEI))
        rig.chain.put(raw.raw)
    assert rig.submit().nonce == 3
    rig.step()
    assert rig.actions_mined() == 1
    assert rig.sender.foreign == 3


def test_replaced_many_times__counted_once(rig: Rig) -> None:
    """Four signatures of one action: one is mined, its gas is counted once, and its key is free after it."""
    intent = rig.submit(lasts=90)
    rig.wait(12)
    assert len(intent.attempts) >= 4
    rig.step()
    assert rig.actions_mined() == 1
    assert rig.said().count("mined") == 1
    mined = intent.mined
    assert mined is not None
    assert mined.receipt is not None
    assert rig.sender.spent_today() == mined.receipt.gas_used * mined.receipt.price
    rig.step(10)
    assert rig.said().count("mined") == 1
    assert replace(mined, receipt=None).kind is Kind.ACTION
