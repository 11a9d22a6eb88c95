"""MarginEngine.set_gate: who takes risk with an asset is asked about; who leaves, or pays, is not."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from plimsoll.chain import ZERO_ADDRESS, Revert
from tests.support import reverts
from tests.support.scenario import DEAD, World

GATE_GAS = 100_000


@pytest.fixture
def gate(world: World) -> Any:
    """A gate that lets everybody in."""
    return world.chain.deploy("MockGate", sender=world.roles["deployer"])


def guard(world: World, symbol: str, gate: Any) -> Any:
    return world.engine.set_gate(world[symbol].token, gate, sender=world.roles["owner"])


def refuse(world: World, gate: Any, account: int, symbol: str, *, owed: bool, refused: bool = True) -> None:
    gate.refuse(account, world[symbol].key, owed, refused, sender=world.roles["deployer"])


def test_set_gate__owner__event_and_view(world: World, gate: Any) -> None:
    token = world["WETH"].token
    assert list(world.engine.restrictions_of(token)) == [ZERO_ADDRESS, 0]
    receipt = guard(world, "WETH", gate)
    assert receipt.events == [world.engine.event("GateSet", token=token, gate=gate)]
    assert list(world.engine.restrictions_of(token)) == [gate.address, 0]
    receipt = guard(world, "WETH", ZERO_ADDRESS)
    assert receipt.events == [world.engine.event("GateSet", token=token, gate=ZERO_ADDRESS)]
    assert list(world.engine.restrictions_of(token)) == [ZERO_ADDRESS, 0]


def test_set_gate__keeps_the_cap_and_the_settings(world: World, gate: Any) -> None:
    token, owner, settings = world["WETH"].token, world.roles["owner"], list(world.engine.settings())
    world.engine.set_cap(token, 12_345, sender=owner)
    guard(world, "WETH", gate)
    assert list(world.engine.restrictions_of(token)) == [gate.address, 12_345]
    guard(world, "WETH", ZERO_ADDRESS)
    assert list(world.engine.restrictions_of(token)) == [ZERO_ADDRESS, 12_345]
    assert list(world.engine.settings()) == settings


def test_set_gate__every_wrong_caller__reverts(world: World, gate: Any) -> None:
    for role in ("guardian", "deployer", "trader", "stranger", "attacker"):
        for each in (gate, ZERO_ADDRESS):
            with reverts("roles: owner only"):
                world.engine.set_gate(world["WETH"].token, each, sender=world.roles[role])


def test_set_gate__unknown_token__reverts(world: World, gate: Any) -> None:
    with reverts("engine: unknown asset"):
        world.engine.set_gate(world.roles["stranger"], gate, sender=world.roles["owner"])


def test_set_gate__no_contract__reverts(world: World) -> None:
    with reverts("engine: gate"):
        guard(world, "WETH", world.roles["stranger"])


# Who is asked


def risks(world: World, account: int) -> list[bytes]:
    """Every kind of new risk, for an account that holds WETH and owes USDC."""
    engine, trader, weth, usdc = world.engine, world.roles["trader"], world["WETH"].token, world["USDC"].token
    return [
        engine.withdraw.encode(account, usdc, 10**6, trader, 10**6),
        engine.withdraw.encode(account, weth, 10**15, trader, 0),
        engine.trade.encode(account, usdc, 10**9, 10**9, weth, 0, world.swapper, b"", 2**40, False),
        engine.trade.encode(account, weth, 10**18, 0, usdc, 0, world.swapper, b"", 2**40, False),
        engine.transfer.encode(account, account + 7, weth, 10**15),
    ]


def send(world: World, call: bytes) -> Any:
    return world.chain.raw_call(world.engine, call, sender=world.roles["trader"])


@pytest.mark.parametrize(("symbol", "owed"), [("WETH", False), ("USDC", True)])
def test_gate__new_risk_of_who_is_not_let_in__reverts(
    world: World, long: int, gate: Any, symbol: str, owed: bool
) -> None:
    guard(world, symbol, gate)
    for call in risks(world, long):
        with world.chain.isolate():
            send(world, call)
    refuse(world, gate, long, symbol, owed=owed)
    for call in risks(world, long):
        with reverts("engine: gate"):
            send(world, call)
        with reverts("engine: gate"):
            world.engine.batch([call], sender=world.roles["trader"])
    guard(world, symbol, ZERO_ADDRESS)
    for call in risks(world, long):
        with world.chain.isolate():
            send(world, call)


@pytest.mark.parametrize(("symbol", "owed"), [("WETH", True), ("USDC", False), ("WBTC", False)])
def test_gate__is_told_the_side_and_the_account(world: World, long: int, gate: Any, symbol: str, owed: bool) -> None:
    """What is refused to another side, asset or account is refused to nobody here."""
    guard(world, symbol, gate)
    for other in ("WETH", "USDC", "WBTC"):
        refuse(world, gate, long + 1, other, owed=False)
        refuse(world, gate, long + 1, other, owed=True)
    refuse(world, gate, long, symbol, owed=owed)
    for call in risks(world, long):
        with world.chain.isolate():
            send(world, call)


def test_gate__shut__everybody_may_leave(world: World, long: int, gate: Any) -> None:
    """Deposits, repayments, reductions and withdrawals without debt pass no gate, paused and at dead prices too."""
    trader, weth, usdc = world.roles["trader"], world["WETH"].token, world["USDC"].token
    for symbol in ("WETH", "USDC"):
        guard(world, symbol, gate)
        refuse(world, gate, long, symbol, owed=False)
        refuse(world, gate, long, symbol, owed=True)
    world.deposit(long, "WETH", 1)
    world.deposit(long, "USDC", 1_000)
    world.trade(long, "WETH", 1, "USDC", reduce_only=True)
    world.fund("stranger", "USDC", 1_000, world.engine)
    world.engine.deposit(long, usdc, 10**9, sender=world.roles["stranger"])
    world.set_status("WETH", DEAD)
    world.engine.pause(sender=world.roles["guardian"])
    world.deposit(long, "USDC", 40_000)
    assert world.engine.debt_of(long, usdc) == 0
    world.engine.withdraw(long, weth, 2**256 - 1, trader, 0, sender=trader)
    world.engine.withdraw(long, usdc, 2**256 - 1, trader, 0, sender=trader)
    assert world.engine.word_of(long) == 0


def test_gate__without_debt__nobody_is_asked(world: World, account: int, gate: Any) -> None:
    guard(world, "WETH", gate)
    refuse(world, gate, account, "WETH", owed=False)
    world.deposit(account, "USDC", 4_000)
    world.trade(account, "USDC", 4_000, "WETH")
    world.engine.transfer(account, account + 1, world["WETH"].token, 10**18, sender=world.roles["trader"])
    with reverts("engine: gate"):
        world.borrow(account, "USDC", 100)


def test_gate__asset_brought_in_beside_a_debt__lets_nothing_more_be_borrowed(
    world: World, long: int, gate: Any
) -> None:
    """A deposit is never refused, so an asset can stand beside debts that were made before it; it backs no new one."""
    guard(world, "WBTC", gate)
    refuse(world, gate, long, "WBTC", owed=False)
    world.deposit(long, "WBTC", 1)
    with reverts("engine: gate"):
        world.borrow(long, "USDC", 100)


def test_gate__gone_by_the_end_of_a_batch__is_not_asked(world: World, long: int, gate: Any) -> None:
    """What is judged is what the account ends with."""
    trader = world.roles["trader"]
    world.deposit(long, "WBTC", 1)
    guard(world, "WBTC", gate)
    refuse(world, gate, long, "WBTC", owed=False)
    out = world.engine.withdraw.encode(long, world["WBTC"].token, 2**256 - 1, trader, 0)
    borrow = world.engine.withdraw.encode(long, world["USDC"].token, 10**8, trader, 10**8)
    with reverts("engine: gate"):
        world.engine.batch([borrow], sender=trader)
    world.engine.batch([borrow, out], sender=trader)


def test_gate__isolated_asset__is_asked_on_either_side(world: World, account: int, gate: Any) -> None:
    world.deposit(account, "TAIL2", 10_000)
    world.borrow(account, "TAIL", 100)
    for symbol, owed in (("TAIL2", False), ("TAIL", True)):
        with world.chain.isolate():
            guard(world, symbol, gate)
            world.borrow(account, "TAIL", 100)
            refuse(world, gate, account, symbol, owed=owed)
            with reverts("engine: gate"):
                world.borrow(account, "TAIL", 100)
            world.deposit(account, "TAIL", 100)


def test_gate__of_the_last_core_asset_there_can_be__is_asked(world: World, account: int, gate: Any) -> None:
    deployer, owner = world.roles["deployer"], world.roles["owner"]
    arguments = ([world["USDC"].source], world.price_parameters, world.margin)
    for _ in range(world.risk_engine.asset_counts()[0], 63):
        token = world.chain.deploy("MockERC20", "Unused", "UNUSED", 18, sender=deployer)
        world.risk_engine.list_asset(token, False, *arguments, sender=owner)
    assert world.list_asset("LAST", "MockERC20", 18, 1).key == 1 << 63
    world.deposit(account, "LAST", 1_000)
    guard(world, "LAST", gate)
    world.borrow(account, "USDC", 100)
    refuse(world, gate, account, "LAST", owed=False)
    with reverts("engine: gate"):
        world.borrow(account, "USDC", 100)


def test_gate__eight_held_and_four_owed__every_one_is_asked(world: World, account: int, gate: Any) -> None:
    """The last of eight, and the last of four, is looked at as the first is."""
    more = [f"MORE{index}" for index in range(5)]
    for symbol in more:
        world.list_asset(symbol, "MockERC20", 18, 1, False)
    world.lend(more[4], 1_000)
    held, debts = ("WETH", "PTS", "HOOK", "FALSE", *more[:4]), ("USDC", "WBTC", "USDT", more[4])
    for symbol in (*held, *debts):
        guard(world, symbol, gate)
    for symbol in held:
        world.deposit(account, symbol, 20)
    for symbol in debts:
        world.borrow(account, symbol, Fraction(1, 1_000) if symbol == "WBTC" else 200)
    for symbol, owed in [(symbol, False) for symbol in held] + [(symbol, True) for symbol in debts]:
        refuse(world, gate, account, symbol, owed=owed)
        with reverts("engine: gate"):
            world.borrow(account, "USDC", 1)
        refuse(world, gate, account, symbol, owed=owed, refused=False)
    world.borrow(account, "USDC", 1)


# Gates that misbehave


@pytest.mark.parametrize(
    ("manner", "answer"),
    [
        (0, b""),
        (0, b"\x01"),
        (0, b"\x00" * 31),
        (0, b"\x00" * 32),
        (0, (2).to_bytes(32, "big")),
        (0, b"\x01" + b"\x00" * 31),
        (0, b"\xff" * 32),
        (0, b"\xff" * 1_024),
        (1, (1).to_bytes(32, "big")),
        (1, b""),
        (2, b""),
    ],
)
def test_gate__answers_anything_but_true__lets_nobody_in(world: World, long: int, manner: int, answer: bytes) -> None:
    broken: Any = world.chain.deploy("ScriptedAnswers", sender=world.roles["deployer"])
    selector = world.chain.deploy("MockGate", sender=world.roles["deployer"]).allows.encode(0, 0, False)[:4]
    guard(world, "WETH", broken)
    broken.script(selector, 0, (1).to_bytes(32, "big"), sender=world.roles["deployer"])
    world.borrow(long, "USDC", 100)
    broken.script(selector, manner, answer, sender=world.roles["deployer"])
    with reverts("engine: gate"):
        world.borrow(long, "USDC", 100)
    world.trade(long, "WETH", 1, "USDC", reduce_only=True)
    guard(world, "WETH", ZERO_ADDRESS)
    world.borrow(long, "USDC", 100)


def test_gate__little_gas__chooses_no_answer(world: World, long: int, gate: Any) -> None:
    """A gate that gets all its gas lets the account in; with less it is never asked."""
    guard(world, "WETH", gate)
    gate.set_least_gas(GATE_GAS - 3_000, sender=world.roles["deployer"])
    usdc, trader = world["USDC"].token, world.roles["trader"]
    with world.chain.isolate():
        used = world.borrow(long, "USDC", 100).gas_used
    reasons = set()
    for gas in (*range(30_000, used + 300_000, 4_000), None):
        with world.chain.isolate():
            try:
                world.engine.withdraw(long, usdc, 10**8, trader, 10**8, sender=trader, gas=gas)
                reasons.add("done")
            except Revert as error:
                reasons.add(error.reason or error.halt)
    assert "engine: gate" not in reasons
    assert {"engine: gas", "done"} <= reasons


def test_gate__looks_at_the_engine__sees_nothing_half_done(world: World, long: int, gate: Any) -> None:
    """Inside a verb the engine answers nobody; at the end of a batch it answers with what the batch left."""
    guard(world, "WETH", gate)
    gate.set_probe(world.engine, world.engine.word_of.encode(long), sender=world.roles["deployer"])
    with reverts("engine: gate"):
        world.borrow(long, "USDC", 100)
    trader, usdc = world.roles["trader"], world["USDC"].token
    world.engine.batch([world.engine.withdraw.encode(long, usdc, 10**8, trader, 10**8)], sender=trader)


def test_gate__acts_on_the_engine__cannot(world: World, long: int, gate: Any) -> None:
    """A gate is called statically, so even where no lock is held, at the end of a batch, it changes nothing."""
    guard(world, "WETH", gate)
    engine, trader, usdc = world.engine, world.roles["trader"], world["USDC"].token
    borrow = engine.withdraw.encode(long, usdc, 10**8, trader, 10**8)
    for call in (engine.liquidate.encode(long), engine.batch.encode([engine.poke.encode(long)])):
        gate.set_probe(engine, call, sender=world.roles["deployer"])
        with reverts("engine: gate"):
            send(world, borrow)
        with reverts("engine: gate"):
            engine.batch([borrow], sender=trader)
