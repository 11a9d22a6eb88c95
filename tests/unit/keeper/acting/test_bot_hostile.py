"""The loop against whoever would have it lose money or stand still: rivals, poisoned accounts, full disks."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from plimsoll.keeper import upkeep, verbs
from plimsoll.keeper.bot import FIRST_TRUST
from plimsoll.keeper.dispatch import FORGOTTEN, PUT_OFF, TURNS, Turns
from plimsoll.keeper.fees import Fees
from plimsoll.keeper.journal import JournalError
from plimsoll.keeper.sender import SendPolicy
from plimsoll.model.price_oracle import STALE, Price
from tests.unit.keeper.acting.conftest import make_signer
from tests.unit.keeper.acting.fake_chain import GWEI, Refused
from tests.unit.keeper.acting.fake_protocol import AUCTION, ENGINE, LENS, TOKENS, USDC, WAD, WETH
from tests.unit.keeper.acting.world import ACTIONS, TAKE, World

# Rivals


def test_competitor_front_runs_every_take__nothing_missed_and_little_paid(tmp_path: Path, made: list[World]) -> None:
    """Whoever copies each of our takes and is mined before it, block after block, costs us the gas of what fails."""
    world = World(tmp_path, 12, policy=SendPolicy(in_flight=4))
    made.append(world)
    rival, nonce = make_signer(9), 0
    for _ in range(150):
        for tx in sorted(world.chain.pool.values(), key=lambda each: each.nonce):
            if tx.sender != rival.address and len(tx.data) > 4 and tx.data != b"":
                bid = rival.sign(nonce=nonce, to=ENGINE, data=tx.data, gas=500_000, fees=Fees(900 * GWEI, 90 * GWEI))
                world.chain.put(bid.raw)
                nonce += 1
        block = world.chain._append(len(world.chain.blocks))
        waiting = sorted(world.chain.pool.values(), key=lambda tx: (tx.sender != rival.address, tx.nonce))
        block.txs = waiting
        world.chain.pool.clear()
        world.bot.attempt()
    state = world.protocol.state
    assert set(state.taken) == set(world.protocol.accounts)
    assert len(state.takes) == len(world.protocol.accounts)
    assert {who for _, who in state.takes} == {rival.address}
    failed = [tx for tx in state.failed if tx.sender == world.rig.signer.address]
    starts = 1
    assert len(failed) <= len(world.protocol.accounts) * 2 + starts
    assert world.rig.sender.open == []
    assert world.rig.sender.spent_today() < world.rig.sender.policy.per_day


# Nodes


def broken(world: World, account: int, to: str) -> None:
    """Let the node fail over every quote of one account."""
    call = world.chain.call

    def answers(fields: dict[str, str]) -> str:
        if fields["to"].lower() == to.lower() and int(fields["data"][10:74], 16) == account:
            raise Refused("execution aborted (timeout = 5s)")
        return call(fields)

    world.chain.call = answers


def test_node_fails_over_one_account__the_others_are_taken(tmp_path: Path, made: list[World]) -> None:
    world = World(tmp_path, 5)
    made.append(world)
    poisoned, *others = world.protocol.accounts
    broken(world, poisoned, AUCTION)
    world.run(80)
    assert set(world.protocol.state.taken) == set(others)
    assert world.metrics.value("calls_unanswered_total") > 0
    assert "timeout" in world.lines("calls without an answer")[0]["last"]
    assert world.bot.health()[0]


def test_node_cannot_simulate_what_is_under_way__not_cancelled(world: World) -> None:
    while not any(line["kind"] == "take" for line in world.lines("sent")):
        world.run(1)
    call = world.chain.call
    world.chain.call = lambda fields: answer_views(call, fields)
    world.chain.mine(only=lambda tx: tx.sender != world.rig.signer.address)
    world.bot.attempt()
    assert world.lines("cancelling") == []
    world.chain.call = call
    world.run(5)
    world.check_all_taken_once()


def answer_views(call: Any, fields: dict[str, str]) -> str:
    if fields["to"].lower() == ENGINE.lower():
        raise Refused("state is not available")
    return str(call(fields))


@pytest.mark.parametrize("lens", [LENS, ""])
def test_verified__by_the_lens_or_by_quotes__the_same(tmp_path: Path, made: list[World], lens: str) -> None:
    world = World(tmp_path, 20, lens=lens)
    made.append(world)
    healthy = list(world.protocol.accounts)[:3]
    for account in healthy:
        world.protocol.accounts[account].below_from = 10**9
    world.protocol.unreadable = set(list(world.protocol.accounts)[5:8])
    world.books.below = lambda: [*world.protocol.accounts]  # type: ignore[method-assign]
    world.chain.mine()
    world.rig.wire.requests.clear()
    world.bot.attempt()
    asked = [each for batch in world.rig.wire.requests for each in (batch if isinstance(batch, list) else [batch])]
    calls = [each["params"][0] for each in asked if each["method"] == "eth_call"]
    assert sum(call["to"].lower() == LENS.lower() for call in calls) == (1 if lens else 0)
    assert sum(call["to"].lower() == AUCTION.lower() for call in calls) == (3 if lens else 20)
    world.run(2)
    assert set(world.protocol.state.auctions) == set(world.protocol.accounts) - set(healthy)
    assert set(world.books.suspects) >= set(healthy), "what does not fit is verified in full"


def test_a_start_that_always_fails__put_off_and_said(world: World) -> None:
    """Estimates fail for ever: the account is tried again, but not with every block."""
    world.chain._eth_estimateGas = lambda call, tag: (_ for _ in ()).throw(Refused("execution reverted", 3))  # type: ignore[attr-defined]
    world.run(4 * PUT_OFF)
    assert len(world.lines("would fail")) == 4
    assert world.own_transactions() == []


# Books


def test_audit__every_block__also_where_blocks_come_faster_than_looks(world: World) -> None:
    world.run(10)
    assert world.books.audits == 9, "after the next block's work: there was no look between blocks"
    world.bot.attempt()
    assert world.books.audits == 10, "between blocks"
    world.bot.attempt()
    assert world.books.audits == 10, "once per block"


def test_audit__differs__built_again_and_less_and_less_often(world: World) -> None:
    world.books.different = {"account 0x1": ["word 0x1, on chain 0x2"]}
    world.run(5)
    assert world.books.rebuilds == 1
    assert world.lines("books differ from the chain")[0]["different"] == world.books.different
    world.run(2 * FIRST_TRUST)
    assert world.books.rebuilds == 2
    world.run(2 * FIRST_TRUST)
    assert world.books.rebuilds == 2
    world.run(80)
    world.check_all_taken_once()
    assert world.metrics.value("audits_failed_total") > 5
    assert world.metrics.value("rebuilds_total") == world.books.rebuilds


# Money


def test_reorg__gas_counted_once(world: World) -> None:
    world.run(20)
    assert len(world.lines("mined")) == 2
    world.chain.reorg(18, forget=True)
    world.run(60)
    world.check_all_taken_once()
    assert len(world.lines("mined")) > 2, "some of it was mined twice, on two branches"
    paid: dict[int, int] = {}
    said = [*world.lines("mined"), *world.lines("failed"), *world.lines("cancelled")]
    for line in said:
        paid[line["nonce"]] = max(paid.get(line["nonce"], 0), int(line["paid_wei"]))
    counted = world.metrics.value("gas_paid_ether_total")
    assert counted == pytest.approx(sum(paid.values()) / 1e18, rel=1e-9)
    assert counted < sum(int(line["paid_wei"]) for line in said) / 1e18


def test_dry_run__what_was_sent_before_is_left_alone(world: World) -> None:
    """A dry run of a keeper that has transactions under way neither outbids nor cancels nor repeats them."""
    world.run(1)
    assert world.chain.pool
    world.dry_run = True
    world.restart()
    world.chain.forget_pool()
    sent = len(world.chain.sends)
    world.run(20)
    assert len(world.chain.sends) == sent
    assert [intent.note["kind"] for intent in world.rig.sender.open] == ["start"]


def test_wallet__buys_nothing_whose_price_is_in_doubt(tmp_path: Path, made: list[World]) -> None:
    """What is kept is valued by the oracle, and an old price is what somebody else wants us to buy at."""
    world = World(tmp_path, take=replace(TAKE, use_wallet=True))
    made.append(world)
    taker = world.bot._taker
    taker.wallet_holds = lambda token: 10**30
    world.run(2)
    (account,) = world.books.auctions()
    quote = taker.quotes([account])[account]
    offer = taker.offer_of(account, quote)
    assert offer is not None
    target = taker._target(account, quote, offer, world.chain.head.time)
    assert taker._can_pay(target)
    assert taker._prices() == {TOKENS[USDC]: WAD, TOKENS[WETH]: WAD}
    world.books.prices[WETH] = Price(WAD - 9, WAD, WAD + 9, STALE)
    assert not taker._can_pay(target)
    assert taker._prices() == {TOKENS[USDC]: WAD, TOKENS[WETH]: WAD - 9}


def test_journal_cannot_be_written__nothing_sent_and_said(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk: what cannot be noted is not sent, and goes on when it can."""

    class FullDisk:
        in_transaction = False

        def execute(self, text: str, *rest: Any) -> Any:
            if text.startswith("BEGIN"):
                raise sqlite3.OperationalError("database or disk is full")
            return database.execute(text, *rest)

    world.run(1)
    world.restart()
    database = world.rig.journal._db
    world.chain.forget_pool()
    sent = len(world.chain.sends)
    monkeypatch.setattr(world.rig.journal, "_db", FullDisk())
    world.run(3)
    assert len(world.chain.sends) <= sent + 1, "what was noted before may be handed over again, nothing new"
    assert "disk is full" in world.bot.health()[1]["error"]
    with pytest.raises(JournalError, match="disk is full"):
        world.rig.journal.set_seen(1)
    monkeypatch.setattr(world.rig.journal, "_db", database)
    world.run(80)
    world.check_all_taken_once()
    assert world.bot.health()[0]


# Whose turn


def test_turns__the_first_at_once_and_the_others_spread() -> None:
    keepers = [Turns(f"0x{number:040x}") for number in range(40)]
    assert all(turns.is_mine("poke 1", 100, first=True) for turns in keepers)
    keepers = [Turns(f"0x{number:040x}") for number in range(40)]
    waits = {next(block for block in range(200) if turns.is_mine("poke 1", block)) for turns in keepers}
    assert waits == set(range(1, TURNS + 1))


def test_turns__what_was_not_asked_for_long__waits_anew() -> None:
    turns = Turns("0x" + "11" * 20)
    block = next(block for block in range(100, 200) if turns.is_mine("marks", block))
    assert turns.is_mine("marks", block + FORGOTTEN)
    assert not turns.is_mine("marks", block + 2 * FORGOTTEN + 1)


# Clocks and checkpoints

MEAN = "0x" + "77" * 20


def test_checkpoints__taken_when_due_and_asked_about_no_more_often(tmp_path: Path, made: list[World]) -> None:
    world = World(tmp_path, 0, actions=replace(ACTIONS, checkpoint=True), means=(MEAN,))
    made.append(world)
    call, asked = world.chain.call, []
    due = [world.chain.head.time + 300]

    def answers(fields: dict[str, str]) -> str:
        if fields["to"].lower() != MEAN:
            return call(fields)
        if fields["data"][2:10] == verbs.NEXT_CHECKPOINT.selector.hex():
            asked.append(world.chain.head.number)
            return f"0x{due[0]:064x}"
        if world.chain.head.time < due[0]:
            raise Refused("execution reverted: twap: too early", 3)
        return "0x"

    world.chain.call = answers
    world.run(20)
    assert len(asked) == 1
    assert world.own_transactions() == []
    while not world.own_transactions():
        world.run(1)
        assert world.chain.head.time < due[0] + 12 * (TURNS + 3)
        if world.chain.pool:
            due[0] += 1_800
    world.run(10)
    (taken,) = world.own_transactions()
    assert (taken.to, taken.data) == (MEAN, verbs.CHECKPOINT.selector)


def test_checkpoints__not_configured__never(tmp_path: Path, made: list[World]) -> None:
    world = World(tmp_path, 0, means=(MEAN,))
    made.append(world)
    world.run(30)
    assert world.own_transactions() == []


@pytest.mark.parametrize(("owed", "marks"), [(100_000 * WAD, True), (100 * WAD, False)])
def test_marks__while_the_penalties_can_pay_for_them(tmp_path: Path, made: list[World], owed: int, marks: bool) -> None:
    world = World(tmp_path, 1)
    made.append(world)
    (position,) = world.protocol.accounts.values()
    position.owed, position.held, position.below_from = owed, 2 * owed, 10**9
    world.books.state.engine.min_debt = WAD
    world.bot._reader.read = lambda keys, now: upkeep.Prices({WETH: (1, 1, 1, STALE)}, now, due=[WETH])  # type: ignore[method-assign]
    world.run(TURNS + 3)
    sent = world.own_transactions()
    assert bool(sent) is marks
    assert all(tx.data == verbs.MARK.encode([[WETH]]) for tx in sent)
