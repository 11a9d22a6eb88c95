"""ApeChain on py-evm and on anvil behaves as RevmChain does, gas aside."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ape
import pytest

from plimsoll.chain import Contract, Receipt, Revert, RevmChain
from plimsoll.chain.ape_chain import ApeChain
from plimsoll.errors import ChainError
from tests.support import reverts

STRANGER = "0xABaBaBaBABabABabAbAbABAbABabababaBaBABaB"


@pytest.fixture(scope="module", params=["ethereum:local:test", "ethereum:local:foundry"])
def network(request: pytest.FixtureRequest) -> Iterator[ApeChain]:
    with ApeChain.connect(request.param) as chain:
        yield chain


@pytest.fixture
def local(network: ApeChain) -> Iterator[ApeChain]:
    with network.isolate():
        yield network


@pytest.fixture
def remote(local: ApeChain, small_home: Path) -> Contract:
    return local.deploy("Sampler", 7, sender=local.accounts()[0])


def outcome(receipt: Receipt) -> tuple[Any, ...]:
    return receipt.return_value, receipt.events


def test_accounts__the_same_keys_as_in_process(local: ApeChain) -> None:
    inside = RevmChain()
    assert local.accounts() == inside.accounts()
    assert [local.key(each) for each in local.accounts()] == [inside.key(each) for each in inside.accounts()]
    assert all(local.balance(account) > 9_000 * 10**18 for account in local.accounts())


def test_code__the_same_as_in_process(local: ApeChain, remote: Contract, sampler: Contract) -> None:
    assert local.code(remote) == sampler.chain.code(sampler)


def test_deploy__same_gas_as_in_process(remote: Contract, sampler: Contract) -> None:
    """A deployment touches only new slots, so nothing can be warm by accident."""
    assert remote.deployment is not None
    assert sampler.deployment is not None
    assert remote.deployment.gas_used == sampler.deployment.gas_used


def test_transaction__same_result_and_events_as_in_process(local: ApeChain, revm: RevmChain, small_home: Path) -> None:
    def story(chain: ApeChain | RevmChain) -> list[tuple[Any, ...]]:
        creator, other = chain.accounts()[5:7]
        contract = chain.deploy("Sampler", 7, sender=creator)
        point = {"x": 1, "y": -2, "owner": contract}
        receipts = [
            contract.sample([1, 2], point, sender=other),
            contract.sample([], point, sender=creator),
            contract.pay(sender=other, value=3),
            contract.see_twice(sender=creator),
            contract.see(sender=creator),
        ]
        return [outcome(receipt) for receipt in receipts]

    assert story(local) == story(revm)


def test_next_address__counts_what_was_sent(local: ApeChain, remote: Contract, small_home: Path) -> None:
    sender = local.accounts()[0]
    expected = local.next_address(sender, ahead=1)
    remote.see(sender=sender)
    assert local.next_address(sender) == expected
    assert local.deploy("Sampler", 7, sender=sender).address == expected


def test_transaction__gas__in_process_is_cheaper_by_warm_slots_only(local: ApeChain, revm: RevmChain) -> None:
    """A transfer between two holders: two cold balances (2 · 2,000 more), and two originals that a journal of one
    never-ending transaction knows as changed already (2 · 2,800 more)."""
    used = []
    for chain in (local, revm):
        alice, bob = chain.accounts()[:2]
        token = chain.deploy("MockERC20", "Token", "T", 6, sender=alice)
        for holder in (alice, bob):
            token.mint(holder, 10**9, sender=alice)
        used.append(token.transfer(bob, 1, sender=alice).gas_used)
    assert used[0] - used[1] == 2 * 2_000 + 2 * 2_800


def test_view__values_and_sender(remote: Contract, local: ApeChain) -> None:
    assert remote.points(5, -6)[0] == (5, -6, remote.address)
    assert remote.caller(sender=local.accounts()[3]) == local.accounts()[3]


def test_view__sender_without_ether(remote: Contract, local: ApeChain) -> None:
    clock = remote.clock()
    assert remote.caller(sender=STRANGER) == STRANGER
    assert (local.balance(STRANGER), remote.clock()) == (0, clock)


def test_view__sees_the_block_of_the_next_transaction(remote: Contract, local: ApeChain) -> None:
    time, number, chain_id = remote.clock()
    assert (time, number, chain_id) == (local.timestamp(), local.block_number(), local.chain_id)
    receipt = remote.see(sender=local.accounts()[0])
    assert (receipt.timestamp, receipt.block_number) == (time, number)
    assert remote.clock()[:2] == (time + 1, number + 1)


def test_revert__with_reason__before_anything_is_sent(remote: Contract, local: ApeChain) -> None:
    block = local.block_number()
    with reverts("sampler: refused"):
        remote.refuse(sender=local.accounts()[0])
    assert local.block_number() == block


@pytest.mark.parametrize("function", ["refuse_silently", "overflow"])
def test_revert__without_data(remote: Contract, local: ApeChain, function: str) -> None:
    with reverts(""):
        remote.method(function)(sender=local.accounts()[0])


def test_revert__in_a_constructor(local: ApeChain, small_home: Path) -> None:
    with reverts("sampler: margin"):
        local.deploy("Sampler", 0, sender=local.accounts()[0])


def test_revert__in_a_view(remote: Contract) -> None:
    with reverts(""):
        remote.ask.call(STRANGER)


def test_revert__out_of_gas__names_the_halt(remote: Contract, local: ApeChain) -> None:
    with pytest.raises(Revert) as caught:
        remote.see(sender=local.accounts()[0], gas=21_500)
    assert caught.value.reason == ""
    assert "gas" in caught.value.halt.lower()


def test_transient_storage__cleared_between_transactions(remote: Contract, local: ApeChain) -> None:
    assert remote.see_twice(sender=local.accounts()[0]).return_value == 2
    assert remote.see(sender=local.accounts()[0]).return_value == 1


@pytest.mark.parametrize("seconds", [1, 2, 3_600, 30 * 86_400])
def test_warp__advances_what_views_see(remote: Contract, local: ApeChain, seconds: int) -> None:
    before = remote.clock()
    local.warp(seconds)
    after = remote.clock()
    assert after[0] - before[0] == seconds
    assert after[1] > before[1]


def test_warp__backwards__error(local: ApeChain) -> None:
    with pytest.raises(ValueError, match="time goes forward"):
        local.warp(-1)


def test_snapshot__restores_state_and_clock__and_stays_valid(remote: Contract, local: ApeChain) -> None:
    before, clock = local.snapshot(), remote.clock()
    for _ in range(2):
        remote.sample([], (0, 0, STRANGER), sender=local.accounts()[0])
        local.warp(1_000)
        assert remote.count() == 1
        local.revert(before)
        assert (remote.count(), remote.clock()) == (0, clock)
    newer = local.snapshot()
    local.revert(before)
    with pytest.raises(ValueError, match=f"snapshot {newer} was never taken"):
        local.revert(newer)


def test_fund__also_contracts_that_refuse_payments(remote: Contract, local: ApeChain) -> None:
    local.fund(remote, 3)
    local.fund(STRANGER, 4)
    assert (local.balance(remote), local.balance(STRANGER)) == (3, 4)
    assert local.is_contract(remote)
    assert not local.is_contract(STRANGER)


def test_sender__that_cannot_sign__error_names_those_who_can(remote: Contract, local: ApeChain) -> None:
    with pytest.raises(ChainError, match=rf"^{STRANGER} cannot send on {local.name}; accounts that can: 0xf39F"):
        remote.see(sender=STRANGER)


def test_uniswap__factory_and_pool(local: ApeChain) -> None:
    alice = local.accounts()[0]
    factory = local.deploy("@uniswap/v3-core:UniswapV3Factory", sender=alice)
    tokens = [local.deploy("MockERC20", name, name, 18, sender=alice) for name in "AB"]
    pool = local.at("@uniswap/v3-core:UniswapV3Pool", factory.createPool(*tokens, 3000, sender=alice).return_value)
    pool.initialize(2**96, sender=alice)
    assert pool.slot0().sqrtPriceX96 == 2**96
    with reverts("AI"):
        pool.initialize(2**96, sender=alice)


def test_connect__nothing_there__one_line() -> None:
    with pytest.raises(ChainError) as caught, ApeChain.connect("ethereum:local:http://127.0.0.1:1"):
        pass
    assert str(caught.value).startswith("cannot connect to ethereum:local:http://127.0.0.1:1: ")
    assert "\n" not in str(caught.value)


def test_connect__unknown_network__one_line() -> None:
    with pytest.raises(ChainError, match=r"^cannot connect to ethereum:nowhere:node: No network in 'ethereum' named"):
        ApeChain.connect("ethereum:nowhere:node").__enter__()


def test_chain__without_a_connection__error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(ape.networks), "active_provider", None)
    with pytest.raises(ChainError, match=r"^not connected"):
        ApeChain()


def test_signers__unknown_alias__error(local: ApeChain) -> None:
    with pytest.raises(ChainError, match=r"^ape knows no account called nobody"):
        ApeChain(["nobody"])
