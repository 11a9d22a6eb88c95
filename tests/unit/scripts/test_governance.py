"""`ape run governance` as its user meets it: what it prints, its one line when something is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from plimsoll import manifest
from plimsoll.chain import Chain
from plimsoll.commands import sender_of
from plimsoll.devnet import Devnet
from plimsoll.governance import Governance, moment
from scripts import deploy
from scripts import governance as command
from tests.unit.governance.conftest import DELAY, deployed, offered, offered_rule, rule

__all__ = ["deployed", "offered", "offered_rule", "rule"]

WAD = 10**18
ADMIN, STRANGER, GUARDIAN = "0", "5", "8"


@dataclass(frozen=True)
class Desk:
    """The command over a chain in this process."""

    devnet: Devnet
    rule: Governance
    path: Path

    def run(self, name: str, *arguments: str) -> Result:
        """Invoke a subcommand; `arguments` may name an account."""
        common = ["--network", "revm", "--manifest", str(self.path)]
        return CliRunner(mix_stderr=False).invoke(command.cli, [name, *common, *arguments])

    def said(self, name: str, *arguments: str) -> str:
        """Return what a subcommand that works prints."""
        result = self.run(name, *arguments)
        assert result.exit_code == 0, result.stderr
        return result.stdout

    def refused(self, name: str, *arguments: str) -> str:
        """Return the one line of a subcommand that fails."""
        result = self.run(name, *arguments)
        assert result.exit_code == 1, result.output
        (line,) = result.stderr.splitlines()
        return line.removeprefix("Error: ")

    def schedule(self) -> str:
        """Queue a change of the minimum debt; return its id."""
        call = self.rule.call("engine", "set_min_debt", 50 * WAD)
        return self.rule.schedule([call], self.devnet.maker).name


def desk_of(devnet: Devnet, rule: Governance, path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    @contextmanager
    def connected(network: str, account: str | None) -> Iterator[tuple[Chain, str]]:
        yield devnet.chain, sender_of(devnet.chain, account)

    @contextmanager
    def watching(network: str) -> Iterator[Chain]:
        yield devnet.chain

    monkeypatch.setattr(command, "connected", connected)
    monkeypatch.setattr(command, "watching", watching)
    devnet.manifest.save(path)
    return Desk(devnet, rule, path)


@pytest.fixture
def desk(offered: Devnet, rule: Governance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return desk_of(offered, rule, tmp_path / "manifest.json", monkeypatch)


@pytest.fixture
def new_desk(offered: Devnet, offered_rule: Governance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """Over a deployment whose timelock has accepted nothing yet."""
    return desk_of(offered, offered_rule, tmp_path / "manifest.json", monkeypatch)


def test_queue__calls_in_words(desk: Desk) -> None:
    name = desk.schedule()
    due = moment(desk.devnet.chain.timestamp() + DELAY)
    assert desk.said("queue") == f"{name}  due {due}\n  MarginEngine.set_min_debt(min_debt=50e18)\n"
    desk.devnet.warp(DELAY)
    assert desk.said("queue").startswith(f"{name}  due since {due}\n")


def test_queue__empty(desk: Desk) -> None:
    assert desk.said("queue") == "Nothing is queued.\n"
    assert "  done\n" in desk.said("queue", "--all")


def test_show__everything_needed_to_execute_it_elsewhere(desk: Desk) -> None:
    name = desk.schedule()
    engine = desk.devnet.protocol.engine
    said = desk.said("show", name[:12])
    assert f"  delay {DELAY} s, a single call\n" in said
    assert f"  {engine.address} value 0 data 0x{engine.set_min_debt.encode(50 * WAD).hex()}\n" in said


def test_schedule__in_words(desk: Desk) -> None:
    said = desk.said("schedule", "engine", "set_min_debt", "50e18")
    assert said.endswith("\n  MarginEngine.set_min_debt(min_debt=50e18)\n")
    (operation,) = desk.rule.queue()
    assert said.startswith(f"{operation.name}  due {moment(operation.ready_at)}\n")
    later = str(DELAY + 7)
    desk.said("schedule", "--delay", later, "risk_engine", "set_sources", "2", '["source.WETH.0"]', "[1, 0, 0, 0, 0]")
    assert "sources=[" in desk.said("queue")
    assert desk.rule.queue()[1].delay == DELAY + 7


def test_schedule__struct_by_name__role_by_name(desk: Desk) -> None:
    margin = '{"floor": 0.1e18, "cap": 0.4e18, "size_slope": 1000000, "ramp_up": 1e12, "ramp_down": 1e12}'
    desk.said("schedule", "risk_engine", "set_margin", "1", margin)
    desk.said("schedule", "engine", "set_guardian", "timelock")
    first, second = desk.rule.queue()
    assert "floor=0.1e18, cap=0.4e18" in desk.rule.lines(first)[0]
    assert desk.rule.lines(second)[0].endswith("(timelock))")


def test_schedule__dry_run__data_for_whoever_sends_it(desk: Desk) -> None:
    said = desk.said("schedule", "--dry-run", "engine", "set_min_debt", "50e18")
    assert desk.rule.queue() == []
    owner, target = desk.devnet.maker, desk.rule.timelock.address
    payload = said.split(f"{owner} sends to {target}: 0x")[1].strip()
    desk.devnet.chain.raw_call(target, bytes.fromhex(payload), owner)
    (operation,) = desk.rule.queue()
    assert said.startswith(f"Would schedule {operation.name}:\n  MarginEngine.set_min_debt(min_debt=50e18)\n")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("engine", "set_min_debt", "0.5"), "0.5 is no whole number: write 0.08e18 for 0.08 in WAD"),
        (("engine", "set_min_debt"), "engine.set_min_debt: MarginEngine.set_min_debt(uint256): got 0 arguments"),
        (("engine", "set_min_debt", "much"), "engine.set_min_debt: set_min_debt(uint256): argument 0 is no uint256: "),
        (("engine", "fly"), "engine.fly: MarginEngine has no function fly"),
        (("motor", "start"), "no contract 'motor': there are timelock, "),
        (("engine", "unpause", "--account", STRANGER), "access_control: account is missing role - "),
        (("--delay", "5", "engine", "unpause"), "timelock_controller: insufficient delay"),
    ],
)
def test_schedule__wrong__one_line(desk: Desk, arguments: tuple[str, ...], expected: str) -> None:
    assert desk.refused("schedule", *arguments).startswith(expected)


def test_execute__due__by_anybody(desk: Desk) -> None:
    name = desk.schedule()
    desk.devnet.warp(DELAY)
    said = desk.said("execute", "--account", STRANGER, name)
    assert said.startswith(f"Executed {name}, ")
    assert said.endswith("gas:\n  MarginEngine.set_min_debt(min_debt=50e18)\n")
    assert desk.devnet.protocol.engine.settings()[1] == 50 * WAD
    assert desk.refused("execute", name) == f"{name} was done already"


def test_execute__too_early__says_when(desk: Desk) -> None:
    name = desk.schedule()
    due = moment(desk.devnet.chain.timestamp() + DELAY)
    assert desk.refused("execute", name) == f"{name} is not due before {due}"


def test_execute__call_fails__one_line(desk: Desk) -> None:
    call = desk.rule.call("engine", "set_min_debt", 100_001 * WAD)
    name = desk.rule.schedule([call], desk.devnet.maker).name
    desk.devnet.warp(DELAY)
    assert desk.refused("execute", name) == "engine: min debt bound"


@pytest.mark.parametrize("account", [ADMIN, GUARDIAN])
def test_cancel__by_owner_or_guardian(desk: Desk, account: str) -> None:
    name = desk.schedule()
    assert desk.said("cancel", "--account", account, name).startswith(f"Cancelled {name}:\n")
    assert desk.said("queue") == "Nothing is queued.\n"
    assert desk.refused("cancel", name) == f"{name} was cancelled already"


def test_cancel__by_a_stranger__one_line(desk: Desk) -> None:
    line = desk.refused("cancel", "--account", STRANGER, desk.schedule())
    assert line == "access_control: account is missing role - the sender may not do this"


@pytest.mark.parametrize("name", ["show", "execute", "cancel"])
def test_commands__unknown_operation__one_line(desk: Desk, name: str) -> None:
    expected = "no operation '0xdead' was ever scheduled: see `ape run governance queue`"
    assert desk.refused(name, "0xdead") == expected


def test_accept__local__queued_waited_for_and_executed(new_desk: Desk) -> None:
    assert manifest.load(new_desk.path).to_accept != []
    assert new_desk.said("accept") == "The timelock owns everything.\n"
    assert manifest.load(new_desk.path).to_accept == []
    assert new_desk.devnet.protocol.engine.owner() == new_desk.rule.timelock.address


def test_accept__live__waits(new_desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    chain: Any = new_desk.devnet.chain
    monkeypatch.setattr(type(chain), "is_local", property(lambda self: False))
    monkeypatch.setattr(command, "connected", lambda network, account: _yielding(chain, new_desk.devnet.maker))
    said = new_desk.said("accept")
    assert said.startswith("Still to be accepted by the timelock: risk_engine, ")
    assert "  RiskEngine.accept_ownership()\n" in said
    chain.warp(DELAY)
    assert new_desk.said("accept") == "The timelock owns everything.\n"


def test_accept__live__cancelled_and_not_the_admin__says_who_has_to(
    new_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    new_desk.rule.cancel(new_desk.rule.queue()[0], new_desk.devnet.maker)
    said = new_desk.said("accept", "--account", STRANGER)
    assert said.endswith(f"Nothing is queued: {new_desk.devnet.maker} has to run this command.\n")


def test_deploy__says_what_the_timelock_has_to_accept(new_desk: Desk) -> None:
    whole = new_desk.devnet.manifest
    said = deploy.acceptance(new_desk.devnet.config, whole)
    assert said.startswith(f"The timelock {whole.address('timelock')} has to accept risk_engine, engine, auction, ")
    assert said.endswith(": ape run governance accept, now and when it is due.")


def test_deploy__says_what_another_owner_has_to_accept(new_desk: Desk) -> None:
    config = new_desk.devnet.config
    person = new_desk.devnet.chain.accounts()[7]
    owned = replace(config, protocol=replace(config.protocol, owner=person))
    said = deploy.acceptance(owned, new_desk.devnet.manifest)
    assert said.startswith(f"{person} has to call accept_ownership on risk_engine, engine, auction, ")


def test_commands__no_timelock__one_line(desk: Desk) -> None:
    whole = desk.devnet.manifest
    others = {role: deployed for role, deployed in whole.contracts.items() if role != "timelock"}
    replace(whole, contracts=others).save(desk.path)
    assert desk.refused("queue") == 'the deployment has no timelock: its owner was not "timelock"'


@contextmanager
def _yielding(chain: Chain, sender: str) -> Iterator[tuple[Chain, str]]:
    yield chain, sender
