"""Deploying with `owner = "timelock"`: everything ends with it, and with nobody else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from plimsoll import artifacts
from plimsoll.chain import Chain
from plimsoll.config import Config
from plimsoll.deploy import deploy, plan
from plimsoll.devnet import Devnet
from plimsoll.governance import Governance, State, not_accepted, owned_roles
from plimsoll.manifest import Manifest
from tests.support import reverts
from tests.unit.governance.conftest import DELAY


def with_protocol(config: Config, **changes: Any) -> Config:
    return replace(config, protocol=replace(config.protocol, **changes))


def owners(chain: Chain, manifest: Manifest) -> dict[str, str]:
    """Return the owner of every contract that says it has one, whatever it is, but the timelock."""
    found = {}
    for role, deployed in manifest.contracts.items():
        names = {entry.get("name") for entry in artifacts.load(deployed.contract).abi}
        if "owner" in names and role != "timelock" and not role.startswith("uniswap."):
            found[role] = chain.at(deployed.contract, deployed.address).owner()
    return found


def test_deploy__timelock__offered_and_queued(offered: Devnet, offered_rule: Governance) -> None:
    timelock, manifest = offered_rule.timelock, offered.manifest
    assert (timelock.owner(), timelock.guardian()) == (offered.maker, offered.chain.accounts()[8])
    assert timelock.get_minimum_delay() == DELAY
    owned = owners(offered.chain, manifest)
    assert owned.pop("factory") == timelock.address
    assert set(owned.values()) == {offered.maker}
    assert set(manifest.to_accept) == set(owned)
    assert offered_rule.to_accept() == manifest.to_accept
    (operation,) = offered_rule.queue()
    assert operation.state is State.WAITING
    assert [call.target for call in operation.calls] == [manifest.address(role) for role in manifest.to_accept]
    assert offered_rule.acceptances() == [operation]


def test_deploy__timelock__accepts__and_nobody_else_is_owner(offered: Devnet, offered_rule: Governance) -> None:
    assert offered_rule.accept(offered.maker) == []
    assert set(owners(offered.chain, offered.manifest).values()) == {offered_rule.timelock.address}
    assert not_accepted(offered.chain, offered.manifest) == []
    assert {"risk_engine", "engine", "auction", "pool.USDC", "pool.WETH", "pool.WBTC"} <= set(
        owned_roles(offered.manifest)
    )
    assert offered_rule.queue() == []
    with reverts("roles: owner only"):
        offered.protocol.engine.unpause(sender=offered.maker)


def test_deploy__timelock__accepts_once(offered: Devnet, rule: Governance) -> None:
    assert rule.accept(offered.maker) == []
    assert [operation.state for operation in rule.operations()] == [State.DONE]


def test_deploy__timelock_of_another_admin__he_queues_and_anybody_executes(offered: Devnet) -> None:
    chain, admin = offered.chain, offered.chain.accounts()[9]
    manifest = deploy(chain, with_protocol(offered.config, admin=admin), offered.maker)
    rule = Governance(chain, manifest)
    assert rule.timelock.owner() == admin
    assert rule.queue() == []
    assert rule.accept(offered.maker) == manifest.to_accept
    assert rule.schedule_acceptance(admin) is not None
    assert rule.schedule_acceptance(admin) is None
    assert rule.accept(chain.accounts()[10]) == []
    assert set(owners(chain, manifest).values()) == {rule.timelock.address}


def test_deploy__timelock__again_does_nothing(offered: Devnet) -> None:
    whole = deploy(offered.chain, offered.config, offered.maker)
    assert deploy(offered.chain, offered.config, offered.maker, begun=whole) == whole
    assert len(Governance(offered.chain, whole).operations()) == 1


@pytest.mark.parametrize("stop", [1, 2, 25, 27, 28, 29])
def test_deploy__timelock__interrupted__goes_on(offered: Devnet, stop: int) -> None:
    reached: list[Manifest] = []

    def interrupt(number: int, total: int, title: str) -> None:
        if number == min(stop, total - 1):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        deploy(offered.chain, offered.config, offered.maker, progress=interrupt, reached=reached.append)
    whole = deploy(offered.chain, offered.config, offered.maker, begun=reached[-1])
    rule = Governance(offered.chain, whole)
    assert len(rule.operations()) == 1
    assert rule.accept(offered.maker) == []
    assert set(owners(offered.chain, whole).values()) == {rule.timelock.address}


def test_plan__timelock__first_and_last_steps(offered: Devnet) -> None:
    steps = plan(offered.config)
    assert steps[0] == "deploy Timelock"
    assert "offer ownership of engine to the timelock, which must accept it" in steps
    assert steps[-1] == "queue the timelock's acceptance of them, if its admin deploys"


def test_plan__deployer_owns__no_timelock(offered: Devnet) -> None:
    steps = plan(with_protocol(offered.config, owner="deployer", admin="deployer"))
    assert not any("imelock" in step for step in steps)
