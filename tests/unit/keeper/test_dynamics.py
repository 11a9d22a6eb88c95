"""Which samples and pokes a keeper sees as due, against what they would change on the chain."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any, cast

import pytest
from eth_utils.crypto import keccak

from plimsoll.chain import Revert
from plimsoll.keeper.dynamics import FORESIGHT, LOOK_EVERY, DynamicsReader
from plimsoll.keeper.node import Node
from plimsoll.model.margin_rate import AIM_PAUSE
from tests.support.scenario import World, deploy_world
from tests.support.venues import FOLLOWED, follow
from tests.unit.keeper.chains import RecordingChain
from tests.unit.keeper.orders.conftest import RevmNode

WAD = 10**18
INTERVAL, PATIENCE = FOLLOWED[0], FOLLOWED[4]


class Place:
    """A world whose WETH margin follows its volatility and a depth that tests script; WBTC's follows one alone."""

    def __init__(self) -> None:
        self.chain = RecordingChain()
        self.world: World = deploy_world(self.chain)
        self.volatility = follow(self.world, "WETH", "WBTC")
        self.depth: Any = self.chain.deploy("ScriptedAnswers", sender=self.owner)
        self.say_depth(10**7 * WAD)
        parameters = (self.volatility, WAD // 5, self.depth, WAD // 10, 0)
        self.world.risk_engine.set_dynamics(self.key, parameters, sender=self.owner)

    @property
    def owner(self) -> str:
        return self.world.roles["owner"]

    @property
    def key(self) -> int:
        return self.world["WETH"].key

    @property
    def keys(self) -> list[int]:
        return [asset.key for asset in self.world.assets.values()]

    def say_depth(self, dollars: int) -> None:
        self.depth.script(keccak(text="depth()")[:4], 0, dollars.to_bytes(32, "big"), sender=self.owner)

    def reader(self, *, samples: bool = True, pokes: bool = True) -> DynamicsReader:
        node = cast("Node", RevmNode(self.chain))
        return DynamicsReader(node, self.world.risk_engine.address, samples=samples, pokes=pokes)

    def sample(self, key: int | None = None) -> None:
        self.volatility.sample(key or self.key, sender=self.world.roles["stranger"])

    def aimed(self, key: int) -> tuple[Any, ...]:
        return tuple(self.world.risk_engine.margin_of(key).target)

    def poke_aims(self, key: int) -> bool:
        """Return whether a poke would change what a margin is aimed at."""
        before = self.aimed(key)
        with self.chain.isolate():
            self.world.risk_engine.poke(key, sender=self.world.roles["stranger"])
            return self.aimed(key) != before


@pytest.fixture(scope="module")
def built() -> Place:
    return Place()


@pytest.fixture
def place(built: Place) -> Iterator[Place]:
    with built.chain.isolate():
        world, built.world = built.world, built.world.copy()
        yield built
        built.world = world


def test_due__a_sample_when_its_oracle_takes_one(place: Place) -> None:
    reader, other = place.reader(pokes=False), place.world["WBTC"].key
    oracle = place.volatility.address
    assert reader.due(place.keys, place.chain.timestamp()).samples == []
    place.world.warp(INTERVAL)
    assert reader.due(place.keys, place.chain.timestamp()).samples == [(place.key, oracle), (other, oracle)]
    place.sample()
    assert reader.due(place.keys, place.chain.timestamp()).samples == [(other, oracle)]
    assert reader.due(place.keys, place.chain.timestamp()).pokes == []


def test_due__a_poke_where_one_moves_the_target(place: Place) -> None:
    reader = place.reader(samples=False)
    place.world.warp(AIM_PAUSE)
    assert reader.due(place.keys, place.chain.timestamp()).pokes == []
    place.say_depth(10**5 * WAD)
    place.world.warp(LOOK_EVERY)
    assert reader.due(place.keys, place.chain.timestamp()).pokes == [place.key]
    assert place.poke_aims(place.key)
    place.world.risk_engine.poke(place.key, sender=place.world.roles["stranger"])
    assert reader.due(place.keys, place.chain.timestamp()).pokes == []


def test_due__a_poke_before_initial_margin_rises_for_want_of_a_sample(place: Place) -> None:
    """A sample was taken and moved no target: only a poke tells the risk engine."""
    reader = place.reader(samples=False)
    for _ in range(5):
        place.world.warp(INTERVAL)
        place.sample()
    place.world.risk_engine.poke(place.key, sender=place.world.roles["stranger"])
    place.world.warp(INTERVAL)
    place.sample()
    due = place.world.risk_engine.dynamics_of(place.key).due
    assert due < place.volatility.due(place.key)
    assert place.chain.timestamp() < due - FORESIGHT
    assert place.key not in reader.due(place.keys, place.chain.timestamp()).pokes
    place.world.warp(due - FORESIGHT - place.chain.timestamp())
    assert not place.poke_aims(place.key)
    assert place.key in reader.due(place.keys, place.chain.timestamp()).pokes


def test_due__whatever_was_said__the_poke_it_wants_is_one_that_aims(place: Place) -> None:
    random, aims = Random(5), 0
    for _ in range(40):
        place.world.set_price("WETH", random.randrange(1_500, 2_500))
        place.say_depth(10 ** random.randrange(22, 27))
        place.world.warp(random.choice([600, INTERVAL, 2 * INTERVAL]))
        if place.volatility.next_sample(place.key) <= place.chain.timestamp() and random.randrange(2):
            place.sample()
        now, due = place.chain.timestamp(), place.world.risk_engine.dynamics_of(place.key).due
        wanted = place.key in place.reader(samples=False).due(place.keys, now).pokes
        aims += wanted
        if now + FORESIGHT < due or place.volatility.due(place.key) <= due:
            assert wanted is place.poke_aims(place.key)
        if wanted and random.randrange(2):
            place.world.risk_engine.poke(place.key, sender=place.world.roles["stranger"])
    assert aims > 5


def test_due__sources_that_fail__nothing(place: Place) -> None:
    place.world.warp(INTERVAL)
    place.depth.script(keccak(text="depth()")[:4], 1, b"", sender=place.owner)
    node = RevmNode(place.chain)
    whole = node.calls
    node.calls = lambda calls: [  # type: ignore[method-assign]
        Revert("gone") if call.to == place.volatility.address else answer
        for call, answer in zip(calls, whole(calls), strict=True)
    ]
    reader = DynamicsReader(cast("Node", node), place.world.risk_engine.address, samples=True, pokes=True)
    found = reader.due(place.keys, place.chain.timestamp())
    assert (found.samples, found.pokes) == ([], [])


def test_due__nothing_wanted__nothing_asked(place: Place) -> None:
    place.world.warp(INTERVAL)
    node = RevmNode(place.chain)
    node.calls = lambda calls: pytest.fail("asked")  # type: ignore[method-assign,assignment,return-value]
    reader = DynamicsReader(cast("Node", node), place.world.risk_engine.address, samples=False, pokes=False)
    assert reader.due(place.keys, place.chain.timestamp()).samples == []


def test_due__asked_about_no_more_often_than_needed(place: Place) -> None:
    node, asked = RevmNode(place.chain), [0]
    whole = node.calls

    def counted(calls: Any) -> Any:
        asked[0] += len(calls)
        return whole(calls)

    node.calls = counted  # type: ignore[method-assign]
    reader = DynamicsReader(cast("Node", node), place.world.risk_engine.address, samples=True, pokes=True)
    reader.due(place.keys, place.chain.timestamp())
    before = asked[0]
    assert before > 0
    place.chain.warp(LOOK_EVERY - 1)
    reader.due(place.keys, place.chain.timestamp())
    assert asked[0] == before
    place.chain.warp(1)
    reader.due(place.keys, place.chain.timestamp())
    assert asked[0] > before
