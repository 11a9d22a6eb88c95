"""The loop: every account that needs somebody is taken from, once, whatever the node does meanwhile."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from eth_abi.abi import default_codec

from plimsoll.keeper import verbs
from plimsoll.keeper.fees import Fees
from plimsoll.keeper.pools import Inconsistent
from plimsoll.keeper.pricing import Patient
from plimsoll.keeper.sender import SendPolicy
from plimsoll.keeper.source import SourceError
from tests.unit.keeper.acting import fake_protocol
from tests.unit.keeper.acting.conftest import make_signer
from tests.unit.keeper.acting.fake_chain import GWEI
from tests.unit.keeper.acting.fake_protocol import ENGINE, WAD
from tests.unit.keeper.acting.world import ACTIONS, TAKE, World


def test_run__starts_waits_and_takes_once(world: World) -> None:
    world.run(80)
    world.check_all_taken_once()
    assert len(world.own_transactions()) == 2
    assert [line["kind"] for line in world.lines("sent")] == ["start", "take"]
    assert [line["kind"] for line in world.lines("mined")] == ["start", "take"]
    assert world.lines("not sent") == []


def test_run__trade_gets_worse_on_the_way__reverts_below_the_minimum(
    tmp_path: Path, made: list[World], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The batch holds the trade to what leaves the minimum profit: who moves the market first costs us gas only."""
    for extra, fails in ((-1, 0), (1, 1)):
        world = World(tmp_path / str(extra), model=Patient(3 * WAD // 100), take=replace(TAKE, haircut=0))
        made.append(world)
        while not any(line["kind"] == "take" for line in world.lines("sent")):
            world.run(1)
        profit = int(world.lines("sent")[-1]["profit"]) // WAD
        assert profit > 1_000
        lost = (profit - 5 + extra) * WAD // 103_000
        with monkeypatch.context() as patch:
            patch.setattr(fake_protocol, "SWAP_COST", fake_protocol.SWAP_COST + lost)
            world.chain.mine()
            assert len(world.protocol.fold().failed) == fails


def test_run__accepts_no_lower_bonus_than_it_needs(world: World) -> None:
    world.run(80)
    take = world.own_transactions()[1]
    (calls,) = default_codec.decode(["bytes[]"], take.data[4:])
    least = int.from_bytes(calls[0][100:132], "big", signed=True)
    assert 0 < least <= int(world.lines("sent")[1]["bonus"])


def test_run__takes_as_soon_as_it_pays(world: World) -> None:
    world.run(80)
    start, take = world.lines("mined")
    assert float(take["profit"]) >= 5
    bonus = int(world.lines("sent")[1]["bonus"])
    assert bonus < 6 * WAD // 1_000
    assert take["block"] - start["block"] > 2


def test_run__patient__waits_longer(tmp_path: Path, made: list[World]) -> None:
    world = World(tmp_path, model=Patient(3 * WAD // 100))
    made.append(world)
    world.run(80)
    world.check_all_taken_once()
    assert int(world.lines("sent")[1]["bonus"]) >= 3 * WAD // 100


def test_run__many_accounts__all_of_them_with_few_in_flight(tmp_path: Path, made: list[World]) -> None:
    world = World(tmp_path, 30, policy=SendPolicy(in_flight=4, per_day=10**20))
    made.append(world)
    world.run(120)
    world.check_all_taken_once()
    assert len(world.own_transactions()) == 2 + 30, "sixteen auctions start with one transaction"
    most = 0
    for block in world.chain.blocks:
        calls = [default_codec.decode(["bytes[]"], tx.data[4:])[0][0] for tx in block.txs]
        accounts = [call[68:100] for call in calls if call[:4] == verbs.TAKE.selector]
        assert len(set(accounts)) == len(accounts)
        most = max(most, len(accounts))
    assert most == 4


def test_run__somebody_starts_one_of_many_first__the_others_start_alone(tmp_path: Path, made: list[World]) -> None:
    """Who keeps getting in front of one start of sixteen does not stop the fifteen others twice."""
    world = World(tmp_path, 6)
    made.append(world)
    world.run(1)
    rival = make_signer(9)
    first = verbs.LIQUIDATE.encode([next(iter(world.protocol.accounts))])
    world.chain.put(rival.sign(nonce=0, to=ENGINE, data=first, gas=500_000, fees=Fees(900 * GWEI, 90 * GWEI)).raw)
    world.chain.mine(only=lambda tx: tx.sender == rival.address)
    world.bot.attempt()
    assert world.lines("cancelling")
    world.run(3)
    assert len(world.protocol.fold().auctions) == 6
    assert all("accounts" not in line for line in world.lines("sent")[1:])


def test_run__one_of_many_cannot_start__the_others_start_alone(tmp_path: Path, made: list[World]) -> None:
    """The books and the quote say that an account is below, and its start reverts all the same."""
    world = World(tmp_path, 5)
    made.append(world)
    odd = next(iter(world.protocol.accounts))
    quote = world.protocol.quote
    world.protocol.quote = lambda account, state, now: (  # type: ignore[method-assign]
        quote(account, state, now)._replace(equity=-1, requirement=1) if account == odd else quote(account, state, now)
    )
    world.protocol.accounts[odd].below_from = 10**9
    world.books.below = lambda: [*world.protocol.accounts]  # type: ignore[method-assign]
    world.run(2)
    started = set(world.protocol.fold().auctions)
    assert started == set(world.protocol.accounts) - {odd}
    assert world.protocol.fold().failed == []


def test_poll__same_block__does_nothing(world: World) -> None:
    world.chain.mine()
    assert world.bot.poll()
    assert not world.bot.poll()


def test_dry_run__decides_and_sends_nothing(tmp_path: Path, made: list[World]) -> None:
    world = World(tmp_path, dry_run=True)
    made.append(world)
    world.run(20)
    assert world.own_transactions() == []
    assert world.rig.journal.history() == []
    assert world.lines("would send")[0]["kind"] == "start"


def test_actions_off__nothing_done(tmp_path: Path, made: list[World]) -> None:
    world = World(tmp_path, actions=replace(ACTIONS, start="never"))
    made.append(world)
    world.run(20)
    assert world.own_transactions() == []


def test_competitor_takes_first__no_transaction_wasted(world: World) -> None:
    world.run(2)
    assert world.protocol.fold().auctions
    mine = None
    while mine is None:
        world.run(1)
        mine = next((tx for tx in world.chain.pool.values() if tx.data[:4] != b""), None)
    rival = make_signer(9)
    bid = rival.sign(nonce=0, to=ENGINE, data=mine.data, gas=500_000, fees=Fees(900 * GWEI, 90 * GWEI))
    world.chain.put(bid.raw)
    world.chain.mine(only=lambda tx: tx.sender == rival.address)
    world.bot.attempt()
    assert world.lines("cancelling")
    world.run(4)
    world.check_all_taken_once()
    assert world.protocol.fold().takes[0][1] == rival.address
    assert world.protocol.fold().failed == []


def test_competitor_in_the_same_block__reverts_and_goes_on(world: World) -> None:
    mine = None
    while mine is None or mine.nonce == 0:
        world.run(1)
        mine = next(iter(world.chain.pool.values()), None)
    rival = make_signer(9)
    bid = rival.sign(nonce=0, to=ENGINE, data=mine.data, gas=500_000, fees=Fees(900 * GWEI, 90 * GWEI))
    world.chain.put(bid.raw)
    block = world.chain._append(len(world.chain.blocks))
    block.txs = [tx for tx in world.chain.pool.values() if tx.sender == rival.address]
    block.txs += [tx for tx in world.chain.pool.values() if tx.sender != rival.address]
    world.chain.pool.clear()
    world.bot.attempt()
    assert [line["kind"] for line in world.lines("failed")] == ["take"]
    world.run(5)
    world.check_all_taken_once()
    assert len(world.own_transactions()) == 2


def test_node_lost__said_and_waited_for(world: World) -> None:
    world.run(1)
    world.rig.wire.down = True
    world.run(3)
    assert not world.bot.health()[0]
    assert "no answer" in world.bot.health()[1]["error"]
    assert world.metrics.value("rpc_faults_total", endpoint="fake") >= 9
    world.rig.wire.down = False
    world.run(80)
    world.check_all_taken_once()
    assert world.bot.health()[0]


def test_books_inconsistent__said_and_tried_again(world: World) -> None:
    world.books.fails = [Inconsistent("a log is missing")]
    world.run(1)
    assert "books cannot be kept" in world.bot.health()[1]["error"]
    world.run(80)
    world.check_all_taken_once()


def test_health__old_block__not_well(world: World) -> None:
    world.run(1)
    assert world.bot.health()[0]
    world.rig.clock.time += 121
    assert not world.bot.health()[0]


@pytest.mark.parametrize("depth", [1, 3, 8, 30])
@pytest.mark.parametrize("forget", [False, True])
def test_reorg__everything_taken_once(world: World, depth: int, forget: bool) -> None:
    world.run(40)
    assert len(world.own_transactions()) == 2
    world.chain.reorg(min(depth, 39), forget=forget)
    world.bot.attempt()
    world.run(90)
    world.check_all_taken_once()


@pytest.mark.parametrize("seed", range(12))
def test_storm__faults_reorgs_restarts_and_a_stingy_pool__nothing_missed_nothing_twice(
    tmp_path: Path, made: list[World], seed: int
) -> None:
    """Everything at once, replayable by its seed: each block some requests fail, some blocks leave our transactions
    out, some are taken back, the pool forgets, the process dies."""
    chance = random.Random(seed)
    world = World(tmp_path, 6, policy=SendPolicy(per_day=10**20))
    made.append(world)
    address = world.rig.signer.address
    faults = ["timeout", "lost", "refused", "429", "500", "garbage", "html", "empty", "busy"]
    for _ in range(160):
        world.rig.wire.faults = [chance.choice(faults) if chance.random() < 0.25 else "ok" for _ in range(30)]
        if chance.random() < 0.3:
            world.chain.mine(only=lambda tx: tx.sender != address)
        else:
            world.chain.mine()
        if chance.random() < 0.06:
            world.chain.reorg(chance.randint(1, 12), forget=chance.random() < 0.5)
        if chance.random() < 0.1:
            world.chain.forget_pool()
        if chance.random() < 0.1:
            world.restart()
        world.bot.attempt()
    world.rig.wire.faults = []
    world.run(120)
    world.check_all_taken_once()
    assert world.rig.sender.open == []
    assert world.rig.sender.foreign == 0
    nonces = [tx.nonce for tx in world.own_transactions()]
    assert nonces == list(range(len(nonces)))


def test_storm__node_answers_nothing_usable__nothing_sent(world: World) -> None:
    world.rig.wire.faults = ["garbage"] * 1_000
    world.run(3)
    assert world.chain.sends == []
    with pytest.raises(SourceError, match="no JSON"):
        world.bot.poll()


# In the cure window after an outage


def test_cure_window__the_lens_is_not_believed(world: World) -> None:
    """Prices are OK and the lens says that it is below: the auction's quote knows that the window is open."""
    world.books.curing = True
    (account,) = world.protocol.accounts
    quote = world.protocol.quote
    world.protocol.quote = lambda *asked: quote(*asked)._replace(equity=1, requirement=1)  # type: ignore[method-assign]
    health = world.protocol._health
    world.protocol._health = lambda *asked: health(*asked) | 1 << 6  # type: ignore[method-assign]
    world.run(10)
    assert world.own_transactions() == []
    assert world.books.suspects[0] == account
    world.protocol.quote = quote  # type: ignore[method-assign]
    world.run(10)
    assert [line["kind"] for line in world.lines("sent")][:1] == ["start"]


@pytest.mark.parametrize("certain", [True, False])
def test_cancel__only_at_certain_prices(world: World, certain: bool) -> None:
    """An auction of an account that owes ends at certain prices only: until then nobody asks for it."""
    world.run(4)
    assert world.protocol.state.auctions
    quote, asked = world.protocol.quote, []
    world.protocol.quote = lambda *of: quote(*of)._replace(equity=2, requirement=1, takeable=False)  # type: ignore[method-assign]
    world.books.sides = lambda account: SimpleNamespace(certain=certain)  # type: ignore[attr-defined]
    apply = world.protocol._apply

    def noted(state: Any, data: bytes, *rest: Any) -> Any:
        asked.append(data[:4])
        return apply(state, data, *rest)

    world.protocol._apply = noted  # type: ignore[method-assign]
    world.run(10)
    assert (verbs.CANCEL.selector in asked) is certain
