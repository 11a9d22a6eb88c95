"""Sender.submit and Sender.tend: whatever goes wrong, an action happens once, or not at all and is said so."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from plimsoll.keeper.fees import Fees
from plimsoll.keeper.journal import Exposure, Journal, JournalError, Kind, State
from plimsoll.keeper.node import Node
from plimsoll.keeper.rpc import RetryPolicy, Rpc, RpcUnavailable
from plimsoll.keeper.sender import NotSent, PrivatePolicy, SendPolicy
from tests.unit.keeper.acting.conftest import CHAIN_ID, FEES, Rig, make_node, make_signer
from tests.unit.keeper.acting.fake_chain import GWEI, FakeChain


def test_submit__is_mined_once(rig: Rig) -> None:
    intent = rig.submit()
    assert intent.state is State.SENT
    rig.step()
    assert intent.state is State.MINED
    assert rig.actions_mined() == 1
    assert rig.said() == ["mined"]


def test_submit__same_key_in_flight__refused(rig: Rig) -> None:
    rig.submit()
    with pytest.raises(NotSent, match="account:1 has a transaction in flight"):
        rig.submit()


def test_submit__several_keys__consecutive_nonces(rig: Rig) -> None:
    intents = [rig.submit(f"account:{i}") for i in range(4)]
    assert [intent.nonce for intent in intents] == [0, 1, 2, 3]
    rig.step()
    assert {intent.state for intent in intents} == {State.MINED}


def test_submit__failed_on_chain__says_so_and_frees_the_key(rig: Rig) -> None:
    rig.chain.fails = lambda tx: True
    rig.submit()
    rig.step()
    assert rig.said() == ["failed"]
    assert not rig.sender.is_busy("account:1")


def test_submit__above_the_actions_budget__leaves_nothing(rig: Rig) -> None:
    with pytest.raises(NotSent, match="the action is worth 1000"):
        rig.submit(budget=1_000)
    assert rig.journal.history() == []


def test_submit__above_the_days_cap__leaves_nothing(rig: Rig) -> None:
    worst = 200_000 * rig.sender.market.most
    rig.sender.policy = SendPolicy(per_day=2 * worst)
    rig.submit("a")
    rig.submit("b")
    with pytest.raises(NotSent, match="pass the day's cap"):
        rig.submit("c")
    rig.step()
    paid = rig.sender.spent_today()
    assert paid == 2 * 100_000 * 11 * GWEI
    rig.clock.time += 86_401
    assert rig.sender.spent_today() == 0


def test_submit__too_many_in_flight__refused(rig: Rig) -> None:
    rig.sender.policy = SendPolicy(in_flight=2)
    rig.submit("a")
    rig.submit("b")
    with pytest.raises(NotSent, match="2 transactions are in flight"):
        rig.submit("c")


def test_submit__base_fee_above_the_cap__refused(rig: Rig) -> None:
    rig.chain.base_fee = FEES.most + 1
    rig.step()
    with pytest.raises(NotSent, match="above the cap"):
        rig.submit()


def test_submit__before_the_first_block__refused(tmp_path: Path) -> None:
    with pytest.raises(NotSent, match="nothing was heard"):
        Rig(tmp_path).submit()


@pytest.mark.parametrize("refusal", ["insufficient funds for gas * price + value", "intrinsic gas too low"])
def test_submit__refused_for_good__frees_nonce_and_key(rig: Rig, refusal: str) -> None:
    rig.chain.refuses = refusal
    with pytest.raises(NotSent, match=refusal.split(" for")[0]):
        rig.submit()
    rig.chain.refuses = ""
    assert rig.submit().nonce == 0
    rig.step()
    assert rig.actions_mined() == 1


@pytest.mark.parametrize("refusal", ["txpool is full", "something nobody ever wrote", "nonce too high"])
def test_submit__refused_for_now__is_sent_again(rig: Rig, refusal: str) -> None:
    rig.chain.refuses = refusal
    intent = rig.submit()
    assert intent.state is State.SIGNED
    rig.chain.refuses = ""
    rig.step(2)
    rig.step()
    assert intent.state is State.MINED
    assert rig.actions_mined() == 1


@pytest.mark.parametrize("fault", ["timeout", "refused", "500", "429", "garbage", "html", "empty", "busy"])
def test_submit__no_usable_answer__is_sent_again(rig: Rig, fault: str) -> None:
    rig.wire.faults = [fault]
    intent = rig.submit()
    assert intent.attempts[0].exposure is Exposure.MAYBE
    rig.step(2)
    rig.step()
    assert intent.state is State.MINED
    assert rig.actions_mined() == 1


def test_submit__answer_lost__counts_as_sent(rig: Rig) -> None:
    rig.wire.faults = ["lost"]
    intent = rig.submit()
    assert intent.state is State.SIGNED
    with pytest.raises(NotSent):
        rig.submit()
    rig.step()
    assert intent.state is State.MINED
    assert rig.actions_mined() == 1


def test_submit__answer_lost_and_mined_before_the_second_try__not_taken_for_somebody_elses(rig: Rig) -> None:
    other = rig.chain.wire()
    rig.node.rpc = Rpc([rig.wire, other], rig.clock, policy=RetryPolicy(rounds=1), chain_id=CHAIN_ID)
    rig.chain.automine = True
    rig.wire.faults = ["ok", "lost"]
    intent = rig.submit()
    assert intent.is_exposed
    assert intent.attempts[0].error.startswith("already known") or intent.state is State.SENT
    rig.tend()
    assert intent.state is State.MINED
    assert rig.foreign == []
    assert rig.actions_mined() == 1


@pytest.mark.parametrize("refusal", ["insufficient funds", "transaction underpriced", "exceeds block gas limit"])
def test_submit__answer_lost_and_another_endpoint_refuses__may_be_out_there(rig: Rig, refusal: str) -> None:
    """The first endpoint took it; what the second one says of it is no reason to use the nonce again."""
    stale = FakeChain(refuses=refusal)
    rig.node.rpc = Rpc([rig.wire, stale.wire()], rig.clock, policy=RetryPolicy(rounds=1), chain_id=CHAIN_ID)
    rig.wire.faults = ["ok", "lost"]
    intent = rig.submit()
    assert intent.is_exposed
    assert rig.sender.next_nonce == 1
    rig.clock.time += 60
    rig.step()
    assert intent.state is State.MINED


def test_tend__resent_and_refused__still_out_there(rig: Rig) -> None:
    intent = rig.submit()
    rig.chain.refuses = "insufficient funds for gas"
    rig.wait(2)
    assert intent.attempts[0].exposure is Exposure.TAKEN
    rig.chain.refuses = ""
    rig.step()
    assert intent.state is State.MINED


def test_tend__node_has_it_already__counts_as_sent(rig: Rig) -> None:
    rig.wire.faults = ["lost"]
    intent = rig.submit()
    assert intent.state is State.SIGNED
    rig.wait(2)
    assert intent.state is State.SENT
    assert intent.attempts[0].exposure is Exposure.TAKEN


def test_tend__reorg__gas_is_not_paid_any_more(rig: Rig) -> None:
    rig.submit()
    rig.step()
    assert rig.sender.spent_today() > 0
    rig.chain.reorg(1, forget=True)
    rig.tend()
    assert rig.sender.spent_today() == 0


def test_tend__node_down__loses_nothing(rig: Rig) -> None:
    intent = rig.submit()
    rig.wire.down = True
    rig.chain.mine()
    with pytest.raises(RpcUnavailable):
        rig.tend()
    rig.wire.down = False
    rig.tend()
    assert intent.state is State.MINED


def test_tend__forgotten_by_the_node__is_sent_again(rig: Rig) -> None:
    intent = rig.submit()
    rig.chain.forget_pool()
    rig.wait(2)
    assert "resent" in rig.said()
    rig.step()
    assert intent.state is State.MINED
    assert rig.actions_mined() == 1


def test_tend__stuck__outbid_by_an_eighth_in_both_fields(rig: Rig) -> None:
    intent = rig.submit()
    rig.wait(3)
    first, second = intent.attempts
    assert second.kind is Kind.ACTION
    assert second.fees.most * 8 >= first.fees.most * 9
    assert second.fees.tip * 8 >= first.fees.tip * 9
    rig.step()
    assert intent.state is State.MINED
    assert rig.actions_mined() == 1


@pytest.mark.parametrize("market_most", [1, 40 * GWEI])
def test_tend__stuck_and_market_moved__offers_the_higher_of_the_two(rig: Rig, market_most: int) -> None:
    intent = rig.submit()
    rig.chain.base_fee = market_most
    rig.chain.mine(3, only=lambda tx: False)
    rig.tend()
    first, second = intent.attempts
    assert second.fees.covers(rig.sender.market)
    assert second.fees.most * 8 >= first.fees.most * 9


def test_tend__only_the_first_in_line_is_outbid(rig: Rig) -> None:
    first, second = rig.submit("a"), rig.submit("b")
    rig.wait(3)
    assert (len(first.attempts), len(second.attempts)) == (2, 1)


def test_tend__old_attempt_mined_after_outbidding__settles(rig: Rig) -> None:
    intent = rig.submit()
    old = rig.chain.pool.copy()
    rig.wait(3)
    assert len(intent.attempts) == 2
    rig.chain.pool = old
    rig.step()
    assert intent.state is State.MINED
    assert intent.mined is intent.attempts[0]
    assert rig.actions_mined() == 1


def test_tend__replacement_refused__offers_more_until_it_is_taken(rig: Rig) -> None:
    rig.chain.bump = 40
    intent = rig.submit()
    rig.wait(5)
    assert intent.newest.exposure is Exposure.TAKEN
    assert intent.newest.fees.most * 100 >= intent.attempts[0].fees.most * 140
    rig.step()
    assert rig.actions_mined() == 1


def test_tend__cap_reached__waits_and_says_so(rig: Rig) -> None:
    intent = rig.submit()
    rig.sender.fees = replace(FEES, most=intent.attempts[0].fees.most)
    rig.wait(4)
    assert "capped" in rig.said()
    assert len(intent.attempts) == 1
    rig.step()
    assert intent.state is State.MINED


def test_tend__budget_reached__waits(rig: Rig) -> None:
    intent = rig.submit(budget=200_000 * rig.sender.market.most)
    rig.wait(4)
    assert "capped" in rig.said()
    assert len(intent.attempts) == 1


def test_tend__of_no_use_any_more__cancelled(rig: Rig) -> None:
    intent = rig.submit()
    rig.useless = {"account:1"}
    rig.wait()
    assert intent.newest.kind is Kind.CANCEL
    rig.step()
    assert intent.state is State.CANCELLED
    assert rig.actions_mined() == 0
    assert rig.said() == ["cancelling", "cancelled"]


def test_tend__too_late__cancelled(rig: Rig) -> None:
    intent = rig.submit(lasts=2)
    rig.wait(2)
    assert not intent.is_cancelling
    rig.wait()
    rig.step()
    assert intent.state is State.CANCELLED


def test_tend__cancellation_too_slow__the_action_counts(rig: Rig) -> None:
    intent = rig.submit()
    old = rig.chain.pool.copy()
    rig.useless = {"account:1"}
    rig.wait()
    rig.chain.pool = old
    rig.step()
    assert intent.state is State.MINED


def test_tend__cancellation_stuck__outbid(rig: Rig) -> None:
    intent = rig.submit()
    rig.useless = {"account:1"}
    rig.wait(5)
    assert [attempt.kind for attempt in intent.attempts] == [Kind.ACTION, Kind.CANCEL, Kind.CANCEL]
    rig.step()
    assert intent.state is State.CANCELLED


def test_tend__mined_while_being_judged_useless__no_harm(rig: Rig) -> None:
    """The receipt is late, the simulation already sees the taken account: the cancellation comes too late."""
    intent = rig.submit()
    rig.chain.late_receipts = 2
    rig.useless = {"account:1"}
    rig.step()
    assert intent.is_open
    rig.step(2)
    assert intent.state is State.MINED
    assert rig.foreign == []
    assert rig.actions_mined() == 1


@pytest.mark.parametrize("depth", [1, 2, 7, 30])
@pytest.mark.parametrize("forget", [False, True])
def test_tend__reorg__sent_again_and_mined_once(rig: Rig, depth: int, forget: bool) -> None:
    intent = rig.submit()
    rig.step(depth)
    assert intent.state is State.MINED
    rig.chain.reorg(depth, forget=forget)
    rig.tend()
    assert intent.state is State.SENT
    assert "reorged" in rig.said()
    rig.step()
    assert intent.state is State.MINED
    assert rig.actions_mined() == 1
    assert rig.sender.spent_today() == 100_000 * 11 * GWEI


def test_tend__reorg_of_several__order_kept(rig: Rig) -> None:
    intents = [rig.submit(f"account:{i}") for i in range(3)]
    rig.step()
    rig.chain.reorg(1, forget=True)
    rig.tend()
    rig.step()
    assert [intent.state for intent in intents] == [State.MINED] * 3
    assert [tx.nonce for tx in rig.chain.mined(rig.signer.address)] == [0, 1, 2]


def test_tend__reorg_and_of_no_use__cancelled(rig: Rig) -> None:
    intent = rig.submit()
    rig.step()
    rig.useless = {"account:1"}
    rig.chain.reorg(1, forget=True)
    rig.tend()
    rig.step()
    assert intent.state is State.CANCELLED
    assert rig.actions_mined() == 0


def test_tend__reorg_moves_it_to_another_block__settled_there(rig: Rig) -> None:
    intent = rig.submit()
    rig.step()
    rig.chain.reorg(1, regrow=False)
    rig.chain.mine(2)
    rig.tend()
    assert intent.state is State.MINED
    assert intent.mined is not None
    assert intent.mined.receipt is not None
    assert intent.mined.receipt.block_hash == rig.chain.blocks[-2].hash
    assert rig.said() == ["mined", "mined"]


def test_tend__receipts_late__waits(rig: Rig) -> None:
    rig.chain.late_receipts = 2
    intent = rig.submit()
    rig.step(2)
    assert intent.state is State.SENT
    rig.step()
    assert intent.state is State.MINED
    assert rig.foreign == []


def test_tend__final__not_looked_at_again(rig: Rig) -> None:
    rig.sender.policy = SendPolicy(final=5)
    rig.submit()
    rig.step(7)
    rig.wire.requests.clear()
    rig.tend()
    asked = [each["method"] for each in rig.wire.requests[0]]
    assert "eth_getTransactionReceipt" not in asked


# Somebody else uses the key


def foreign_transaction(rig: Rig, nonce: int, most: int = 30 * GWEI, data: bytes = b"foreign") -> bytes:
    return make_signer().sign(nonce=nonce, to="0x" + "99" * 20, data=data, gas=50_000, fees=Fees(most, 2 * GWEI)).raw


def test_tend__foreign_transaction_mined__said_and_stepped_over(rig: Rig) -> None:
    rig.chain.put(foreign_transaction(rig, 0))
    rig.step()
    assert rig.sender.foreign == 1
    assert "not this keeper's" in rig.foreign[0]
    assert rig.submit().nonce == 1
    rig.step()
    assert rig.actions_mined() == 1


def test_tend__foreign_transaction_took_our_nonce__lost_after_patience_and_free_again(rig: Rig) -> None:
    intent = rig.submit()
    rig.chain.pool.clear()
    rig.chain.put(foreign_transaction(rig, 0, 200 * GWEI))
    rig.step(3)
    assert intent.is_open
    rig.step()
    assert intent.state is State.LOST
    assert rig.sender.foreign == 1
    again = rig.submit()
    assert again.nonce == 1
    rig.step()
    assert rig.actions_mined() == 1


def test_tend__lost_but_its_receipt_comes_after_all__mined(rig: Rig) -> None:
    rig.chain.late_receipts = 6
    intent = rig.submit()
    rig.step(5)
    assert intent.state is State.LOST
    rig.chain.late_receipts = 0
    rig.tend()
    assert intent.state is State.MINED


def test_submit__foreign_transaction_waiting_at_our_nonce__next_one_is_used(rig: Rig) -> None:
    rig.chain.put(foreign_transaction(rig, 0, 200 * GWEI))
    assert rig.submit().nonce == 1
    assert rig.said() == ["refused", "dropped"]
    rig.step()
    assert rig.actions_mined() == 1
    assert rig.sender.foreign == 1


def test_tend__foreign_transaction_reorged_out__gap_is_filled(rig: Rig) -> None:
    rig.chain.put(foreign_transaction(rig, 0))
    rig.step()
    rig.chain.reorg(1, forget=True)
    rig.tend()
    assert rig.submit().nonce == 0
    rig.step()
    assert rig.actions_mined() == 1


def test_tend__used_while_the_keeper_was_off__said(rig: Rig) -> None:
    rig.submit()
    rig.step()
    rig.chain.put(foreign_transaction(rig, 1))
    rig.chain.mine()
    rig.restart()
    rig.tend()
    assert rig.sender.foreign == 1


def test_first_start__key_was_used_before__not_said(tmp_path: Path) -> None:
    chain = FakeChain()
    chain.extra[make_signer().address] = 17
    rig = Rig(tmp_path, chain)
    rig.tend()
    assert rig.foreign == []
    assert rig.submit().nonce == 17


def test_first_start__unknown_transactions_waiting__holds_until_they_are_through(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.chain.put(foreign_transaction(rig, 0))
    rig.tend()
    with pytest.raises(NotSent, match="the journal does not know"):
        rig.submit()
    rig.step()
    assert rig.submit().nonce == 1


def test_first_start__unknown_transactions_never_go_through__gives_up_waiting(tmp_path: Path) -> None:
    rig = Rig(tmp_path, policy=SendPolicy(settle=3))
    rig.chain.put(foreign_transaction(rig, 0))
    rig.tend()
    rig.wait(3)
    assert rig.submit().nonce == 1


# Restarts


def test_restart__planned_and_never_signed__dropped(rig: Rig) -> None:
    rig.journal.plan(
        key="account:1", nonce=0, target="0x", data=b"", gas=1, budget=1, now=0, block=1, last_block=9, note={}
    )
    rig.restart()
    rig.tend()
    assert rig.said() == ["dropped"]
    assert rig.submit().nonce == 0


def test_restart__planned_below_a_sent_one__gap_is_filled_by_a_cancellation(rig: Rig) -> None:
    rig.journal.plan(
        key="account:1", nonce=0, target="0x", data=b"", gas=1, budget=1, now=0, block=1, last_block=900, note={}
    )
    rig.submit("account:2")
    rig.restart()
    rig.tend()
    rig.step()
    assert [tx.nonce for tx in rig.chain.mined(rig.signer.address)] == [0, 1]
    assert rig.actions_mined("account:2") == 1


def test_restart__sent__settled(rig: Rig) -> None:
    rig.submit()
    rig.chain.mine()
    rig.restart()
    rig.tend()
    assert rig.said() == ["mined"]
    assert not rig.sender.is_busy("account:1")


def test_restart__sent_and_forgotten__sent_again_at_once(rig: Rig) -> None:
    rig.submit()
    rig.chain.forget_pool()
    rig.restart()
    rig.tend()
    rig.step()
    assert rig.actions_mined() == 1


def test_restart__signed_but_of_no_use__cancelled_and_never_sent(rig: Rig) -> None:
    rig.wire.faults = ["timeout"]
    rig.submit()
    rig.useless = {"account:1"}
    rig.restart()
    rig.tend()
    rig.step()
    assert rig.actions_mined() == 0
    assert rig.said()[-1] == "cancelled"


def test_restart__key_still_in_flight__refused(rig: Rig) -> None:
    rig.submit()
    rig.restart()
    rig.tend()
    with pytest.raises(NotSent, match="in flight"):
        rig.submit()


# Private endpoint


def test_private__nothing_reaches_the_public_pool_until_it_may(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    relay = FakeChain()
    node = make_node(relay.wire(), rig.clock)
    rig.sender._private = PrivatePolicy(node, "private", public_after=4)
    rig.tend()
    intent = rig.submit()
    assert len(relay.sends) == 1
    rig.wait(3)
    assert rig.chain.sends == []
    rig.wait(3)
    assert rig.chain.sends != []
    rig.step()
    assert intent.state is State.MINED
    assert rig.actions_mined() == 1


def test_private__down__not_sent_in_public_instead(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    wire = FakeChain().wire()
    wire.down = True
    rig.sender._private = PrivatePolicy(Node(Rpc([wire], rig.clock, policy=RetryPolicy(rounds=1))), "raw")
    rig.tend()
    intent = rig.submit()
    assert intent.state is State.SIGNED
    rig.wait(3)
    assert rig.chain.sends == []


# The journal


def test_journal__held_by_another_process__refused(rig: Rig) -> None:
    with pytest.raises(JournalError, match="another keeper is using it"):
        Journal(rig.journal.path, chain_id=CHAIN_ID, genesis="0x", address=rig.signer.address)


@pytest.mark.parametrize(
    ("changed", "word"),
    [({"chain_id": 1}, "chain"), ({"genesis": "0xother"}, "genesis"), ({"address": "0xother"}, "address")],
)
def test_journal__of_another_chain_or_key__refused(rig: Rig, changed: dict[str, object], word: str) -> None:
    rig.journal.close()
    about = {"chain_id": CHAIN_ID, "genesis": rig.chain.blocks[0].hash, "address": rig.signer.address, **changed}
    with pytest.raises(JournalError, match=f"its {word} is"):
        Journal(rig.journal.path, **about)
    rig._open()


def test_journal__damaged__set_aside_and_unknown_transactions_waited_for(rig: Rig) -> None:
    rig.submit()
    rig.journal.close()
    for path in rig.folder.glob("journal.sqlite-*"):
        path.unlink()
    rig.journal.path.write_bytes(b"this is no database" * 1_000)
    rig._open()
    assert rig.journal.was_damaged == rig.folder / "journal.sqlite.damaged-1"
    rig.tend()
    with pytest.raises(NotSent, match="the journal does not know"):
        rig.submit()
    rig.step()
    assert rig.submit("account:2").nonce == 1
    rig.step()
    assert rig.actions_mined() == 1


def test_journal__every_step_is_on_disk(rig: Rig) -> None:
    """SQLite's FULL: a commit returns when the disk has it, so that a power cut loses no more than kill -9 does."""
    assert rig.journal._db.execute("PRAGMA synchronous").fetchone() == (2,)
    assert rig.journal._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert rig.journal.path.stat().st_mode & 0o077 == 0


def test_journal__closed_and_opened__the_same(rig: Rig) -> None:
    rig.submit("a")
    rig.step()
    rig.submit("b")
    before = rig.journal.history()
    rig.restart()
    assert rig.journal.history() == before
