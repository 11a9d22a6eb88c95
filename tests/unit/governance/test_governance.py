"""The queue in words, and what its people do with it."""

from __future__ import annotations

import pytest

from plimsoll.devnet import Devnet
from plimsoll.errors import NotAllowed, PlimsollError, TimelockRefused
from plimsoll.governance import Call, Governance, State, batch_id, call_id, moment
from tests.unit.governance.conftest import DELAY

WAD = 10**18
SALT = b"\0" * 31 + b"\5"


def test_describe__struct__key_and_wad_in_words(offered: Devnet, rule: Governance) -> None:
    margin = (8 * WAD // 100, 45 * WAD // 100, 10**9, 7 * 10**14, WAD // 100)
    call = rule.call("risk_engine", "set_margin", offered.protocol.asset("WETH").key, margin)
    assert rule.describe(call) == (
        "RiskEngine.set_margin(key=0x2 (WETH), parameters=(floor=0.08e18, cap=0.45e18, size_slope=1000000000, "
        "ramp_up=0.0007e18, ramp_down=0.01e18))"
    )


def test_describe__several_of_a_kind__named_by_role(rule: Governance) -> None:
    assert rule.describe(rule.call("pool.WETH", "set_fees", WAD // 10, 0)) == (
        "LendingPool pool.WETH.set_fees(reserve_factor=0.1e18, flash_fee=0)"
    )


def test_describe__addresses__named_by_role(offered: Devnet, rule: Governance) -> None:
    risk_engine = offered.manifest.address("risk_engine")
    assert rule.describe(rule.call("engine", "set_risk_engine", risk_engine)) == (
        f"MarginEngine.set_risk_engine(risk_engine={risk_engine} (risk_engine))"
    )
    sources = [offered.manifest.address("source.WETH.0")]
    said = rule.describe(rule.call("risk_engine", "set_sources", 2, sources, (1, 0, 0, 0, 0)))
    assert f"sources=[{sources[0]} (source.WETH.0)]" in said


def test_describe__unknown_contract_or_function__raw(offered: Devnet, rule: Governance) -> None:
    stranger = offered.chain.accounts()[5]
    assert rule.describe(Call(stranger, b"\1\2", 7)) == f"{stranger}: 0x0102, with 7 wei"
    assert rule.describe(Call(offered.manifest.address("engine"), b"\1\2\3\4")) == "MarginEngine: 0x01020304"
    assert rule.describe(Call(offered.manifest.address("engine"), b"")) == "MarginEngine: 0x"


def test_describe__arguments_that_do_not_decode__raw(offered: Devnet, rule: Governance) -> None:
    payload = offered.protocol.engine.set_min_debt.encode(5)[:-1]
    assert rule.describe(Call(offered.manifest.address("engine"), payload)) == f"MarginEngine: 0x{payload.hex()}"


def test_schedule__one__executed_by_anybody(offered: Devnet, rule: Governance) -> None:
    call = rule.call("engine", "set_min_debt", 50 * WAD)
    operation = rule.schedule([call], offered.maker)
    assert operation.id == call_id(call)
    assert not operation.is_batch
    assert (operation.state, operation.delay) == (State.WAITING, DELAY)
    assert operation.ready_at == offered.chain.timestamp() + DELAY
    assert rule.queue() == [operation]
    with pytest.raises(TimelockRefused):
        rule.execute(operation, offered.maker)
    offered.chain.warp(DELAY)
    assert rule.find(operation.name).state is State.READY
    rule.execute(operation, offered.chain.accounts()[5])
    assert offered.protocol.engine.settings()[1] == 50 * WAD
    assert rule.find(operation.name[:10]).state is State.DONE
    assert rule.queue() == []


def test_schedule__batch__together(offered: Devnet, rule: Governance) -> None:
    calls = [rule.call("engine", "set_min_debt", 50 * WAD), rule.call("pool.WETH", "set_fees", 0, 0)]
    operation = rule.schedule(calls, offered.maker, delay=DELAY + 9)
    assert operation.id == batch_id(calls)
    assert operation.is_batch
    assert operation.delay == DELAY + 9
    offered.chain.warp(DELAY + 9)
    rule.execute(operation, offered.maker)
    assert offered.protocol.asset("WETH").pool.fees() == (0, 0)


def test_schedule__the_same_again__another_id(offered: Devnet, rule: Governance) -> None:
    call = rule.call("engine", "set_min_debt", 50 * WAD)
    first, second = (rule.schedule([call], offered.maker) for _ in range(2))
    assert first.id != second.id
    assert first.calls == second.calls
    offered.chain.warp(DELAY)
    for operation in rule.queue():
        rule.execute(operation, offered.maker)
    assert rule.schedule([call], offered.maker).id not in (first.id, second.id)


def test_operations__scheduled_by_hand__a_batch_of_one_with_a_salt(offered: Devnet, rule: Governance) -> None:
    call = rule.call("engine", "set_min_debt", 0)
    columns = ([call.target], [0], [call.payload])
    rule.timelock.schedule_batch(*columns, bytes(32), SALT, DELAY, sender=offered.maker)
    (operation,) = rule.queue()
    assert (operation.salt, operation.is_batch, operation.calls) == (SALT, True, (call,))
    offered.chain.warp(DELAY)
    rule.execute(operation, offered.maker)
    assert offered.protocol.engine.settings()[1] == 0


def test_queue__earliest_first(offered: Devnet, rule: Governance) -> None:
    late = rule.schedule([rule.call("engine", "unpause")], offered.maker, delay=DELAY + 5)
    early = rule.schedule([rule.call("engine", "set_min_debt", WAD)], offered.maker)
    assert rule.queue() == [early, late]


def test_cancel__by_the_guardian__and_scheduled_anew(offered: Devnet, rule: Governance) -> None:
    call = rule.call("engine", "unpause")
    operation = rule.schedule([call], offered.maker)
    rule.cancel(operation, offered.chain.accounts()[8])
    assert rule.find(operation.name).state is State.CANCELLED
    assert rule.queue() == []
    again = rule.schedule([call], offered.maker)
    assert again.calls == (call,)
    assert rule.queue() == [again]


def test_cancel__by_a_stranger__refused(offered: Devnet, rule: Governance) -> None:
    operation = rule.schedule([rule.call("engine", "unpause")], offered.maker)
    with pytest.raises(NotAllowed):
        rule.cancel(operation, offered.chain.accounts()[5])


def test_schedule__by_a_stranger__refused(offered: Devnet, rule: Governance) -> None:
    with pytest.raises(NotAllowed):
        rule.schedule([rule.call("engine", "unpause")], offered.chain.accounts()[5])


def test_schedule__nothing__refused(offered: Devnet, rule: Governance) -> None:
    with pytest.raises(PlimsollError) as caught:
        rule.schedule([], offered.maker)
    assert str(caught.value) == "an operation has 1 to 255 calls, not 0"


def test_schedule__after_another__waits_for_it(offered: Devnet, rule: Governance) -> None:
    first = rule.schedule([rule.call("engine", "set_min_debt", WAD)], offered.maker)
    second = rule.schedule([rule.call("engine", "set_min_debt", 2 * WAD)], offered.maker, predecessor=first.id)
    offered.chain.warp(DELAY)
    with pytest.raises(TimelockRefused):
        rule.execute(second, offered.maker)
    rule.execute(first, offered.maker)
    rule.execute(second, offered.maker)
    assert offered.protocol.engine.settings()[1] == 2 * WAD


@pytest.mark.parametrize(
    ("role", "function", "arguments", "expected"),
    [
        ("motor", "unpause", (), "no contract 'motor': there are timelock, risk_engine, "),
        ("engine", "fly", (), "engine.fly: MarginEngine has no function fly"),
        ("engine", "set_min_debt", (-1,), "engine.set_min_debt: set_min_debt(uint256): argument 0 is no uint256: -1"),
        ("engine", "batch", ([bytes(1_000)] * 2,), "engine.batch: 2244 bytes; the timelock takes 1024"),
    ],
)
def test_call__cannot_be_made__says_why(
    rule: Governance, role: str, function: str, arguments: tuple[object, ...], expected: str
) -> None:
    with pytest.raises(PlimsollError) as caught:
        rule.call(role, function, *arguments)
    assert str(caught.value).startswith(expected)


@pytest.mark.parametrize("name", ["", "0x", "0x1234567890", "zz"])
def test_find__no_such_operation(rule: Governance, name: str) -> None:
    with pytest.raises(PlimsollError) as caught:
        rule.find(name)
    assert str(caught.value) == f"no operation {name!r} was ever scheduled: see `ape run governance queue`"


def test_governance__no_timelock__says_so(devnet: Devnet) -> None:
    with pytest.raises(PlimsollError) as caught:
        Governance(devnet.chain, devnet.manifest)
    assert str(caught.value) == 'the deployment has no timelock: its owner was not "timelock"'


def test_moment__utc() -> None:
    assert moment(1_700_000_000) == "2023-11-14 22:13:20 UTC"
