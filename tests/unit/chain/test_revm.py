"""RevmChain: transactions, blocks, snapshots, reverts."""

from __future__ import annotations

import random

import pytest
from eth_account import Account

from plimsoll.chain import Contract, Revert, RevmChain
from plimsoll.chain.base import created_address, revert_reason
from tests.support import reverts

STRANGER = "0x" + "ab" * 20


def test_accounts__have_keys_and_ether(revm: RevmChain) -> None:
    accounts = revm.accounts()
    assert len(set(accounts)) == 24
    assert {Account.from_key(revm.key(account)).address for account in accounts} == set(accounts)
    assert {revm.balance(account) for account in accounts} == {10_000 * 10**18}
    assert accounts[0] == "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
    with pytest.raises(KeyError):
        revm.key(STRANGER)


def test_transient_storage__cleared_between_transactions(sampler: Contract, alice: str) -> None:
    assert sampler.see_twice(sender=alice).return_value == 2
    assert sampler.see(sender=alice).return_value == 1
    assert sampler.see.call(sender=alice) == 1


def test_deploy__constructor_reverts__reason(small_home: object, revm: RevmChain, alice: str) -> None:
    with reverts("sampler: margin"):
        revm.deploy("Sampler", 0, sender=alice)


def test_deploy__nonce_decides_the_address(small_home: object, revm: RevmChain, alice: str) -> None:
    before = revm.snapshot()
    first = revm.deploy("Sampler", 7, sender=alice)
    assert revm.deploy("Sampler", 7, sender=alice) != first
    revm.revert(before)
    assert not revm.is_contract(first)
    assert revm.deploy("Sampler", 7, sender=alice) == first


@pytest.mark.parametrize("sent", [0, 1, 127, 128, 129, 255, 256, 300])
def test_next_address__after_any_number_of_deployments(
    small_home: object, revm: RevmChain, alice: str, sent: int
) -> None:
    expected = [revm.next_address(alice, ahead=sent), revm.next_address(alice, ahead=sent + 1)]
    for _ in range(sent):
        revm.deploy("Sampler", 7, sender=alice).pay(sender=alice)
    assert revm.next_address(alice) == expected[0]
    assert [revm.deploy("Sampler", 7, sender=alice).address for _ in range(2)] == expected


def test_created_address__known_pairs() -> None:
    """The first contracts of the well-known first test account, and a nonce of two bytes."""
    sender = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
    assert created_address(sender, 0) == "0x5FbDB2315678afecb367f032d93F642f64180aa3"
    assert created_address(sender, 1) == "0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512"
    assert created_address(sender, 300) == "0x9338CA7d556248055f5751d85cDA7aD6eF254433"


def test_deploy__with_value(small_home: object, revm: RevmChain, alice: str) -> None:
    assert revm.balance(revm.deploy("Sampler", 7, sender=alice, value=9)) == 9


def test_revert__with_reason(sampler: Contract, alice: str) -> None:
    with pytest.raises(Revert) as caught:
        sampler.refuse(sender=alice)
    assert caught.value.reason == "sampler: refused"
    assert caught.value.data[:4].hex() == "08c379a0"
    assert 21_000 < caught.value.gas_used < 30_000


@pytest.mark.parametrize("function", ["refuse_silently", "overflow"])
def test_revert__without_data(sampler: Contract, alice: str, function: str) -> None:
    with pytest.raises(Revert) as caught:
        sampler.method(function)(sender=alice)
    assert (caught.value.reason, caught.value.data, caught.value.halt) == ("", b"", "")


def test_revert__unknown_selector(revm: RevmChain, sampler: Contract, alice: str) -> None:
    with reverts(""):
        revm.raw_call(sampler, b"\x01\x02\x03\x04", alice)


def test_revert__out_of_gas__names_the_halt(sampler: Contract, alice: str) -> None:
    with pytest.raises(Revert) as caught:
        sampler.see(sender=alice, gas=21_200)
    assert caught.value.reason == ""
    assert "OutOfGas" in caught.value.halt


def test_revert__in_a_view(sampler: Contract) -> None:
    with reverts(""):
        sampler.ask.call(STRANGER)


def test_revert__leaves_no_trace(sampler: Contract, alice: str) -> None:
    sampler.sample([], (0, 0, alice), sender=alice)
    with reverts("sampler: refused"):
        sampler.refuse(sender=alice)
    assert sampler.count() == 1


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", ""),
        (bytes.fromhex("4e487b71") + (0x11).to_bytes(32, "big"), "panic 0x11: arithmetic overflow"),
        (bytes.fromhex("4e487b71") + (0x99).to_bytes(32, "big"), "panic 0x99: unknown"),
        (b"\x01\x02", "0x0102"),
        (bytes.fromhex("08c379a0"), "0x08c379a0"),
    ],
)
def test_revert_reason__of_return_data(data: bytes, reason: str) -> None:
    assert revert_reason(data) == reason


def test_value__sent_and_received(revm: RevmChain, sampler: Contract, alice: str) -> None:
    assert sampler.pay(sender=alice, value=5).return_value == 5
    assert (revm.balance(sampler), revm.balance(alice)) == (5, 10_000 * 10**18 - 5)


def test_value__to_a_function_that_takes_none__reverts(sampler: Contract, alice: str) -> None:
    with reverts(""):
        sampler.see(sender=alice, value=1)


def test_fund__also_contracts_that_refuse_payments(revm: RevmChain, sampler: Contract) -> None:
    revm.fund(sampler, 3)
    revm.fund(STRANGER, 4)
    assert (revm.balance(sampler), revm.balance(STRANGER)) == (3, 4)


def test_fund__undone_by_a_snapshot(revm: RevmChain) -> None:
    with revm.isolate():
        revm.fund(STRANGER, 4)
    assert revm.balance(STRANGER) == 0


def test_clock__moves_only_when_told(revm: RevmChain, sampler: Contract, alice: str) -> None:
    start, number, chain_id = sampler.clock()
    assert (start, number, chain_id) == (1_700_000_000, 1, 31_337)
    assert (revm.timestamp(), revm.block_number(), revm.chain_id) == (start, number, chain_id)
    receipt = sampler.see(sender=alice)
    assert (receipt.timestamp, receipt.block_number) == (start, number)
    revm.warp(3_600)
    assert sampler.clock()[:2] == (start + 3_600, number + 1)
    revm.mine(10, seconds=120)
    assert sampler.clock()[:2] == (start + 3_720, number + 11)
    revm.set_timestamp(start + 4_000)
    assert sampler.clock()[:2] == (start + 4_000, number + 12)
    with pytest.raises(ValueError, match="time goes forward"):
        revm.warp(-1)


def test_two_chains__same_history__same_everything(small_home: object) -> None:
    def story() -> tuple[object, ...]:
        chain = RevmChain()
        sampler = chain.deploy("Sampler", 7, sender=chain.accounts()[0])
        receipt = sampler.sample([1], (0, 0, sampler), sender=chain.accounts()[1])
        return sampler.address, receipt.gas_used, receipt.events, chain.timestamp()

    assert story() == story()


def test_code__is_what_the_evm_hashes(revm: RevmChain, sampler: Contract, alice: str) -> None:
    assert revm.code(sampler)[-32:] == (7).to_bytes(32, "big")  # the immutable ends the code
    assert (revm.code(alice), revm.is_contract(alice)) == (b"", False)
    assert revm.is_contract(sampler)


def test_snapshot__restores_state_and_clock__and_stays_valid(revm: RevmChain, sampler: Contract, alice: str) -> None:
    before, clock = revm.snapshot(), sampler.clock()
    for _ in range(3):
        sampler.sample([], (0, 0, alice), sender=alice)
        revm.warp(60)
        assert sampler.count() == 1
        revm.revert(before)
        assert (sampler.count(), sampler.clock()) == (0, clock)


def test_snapshot__taken_after_a_restored_one__invalid(revm: RevmChain) -> None:
    older = revm.snapshot()
    newer = revm.snapshot()
    revm.revert(older)
    with pytest.raises(ValueError, match=f"snapshot {newer} was never taken, or an older one was restored"):
        revm.revert(newer)
    revm.revert(older)


def test_snapshot__more_than_the_call_depth__calls_still_work(revm: RevmChain, sampler: Contract, alice: str) -> None:
    first = revm.snapshot()
    for _ in range(1_100):
        revm.snapshot()
        sampler.see(sender=alice)
    sampler.sample([], (0, 0, alice), sender=alice)
    revm.revert(first)
    assert sampler.count() == 0


def test_snapshot__random_history__equals_a_model(revm: RevmChain, alice: str, bob: str) -> None:
    """Whatever the order of transfers, refusals, simulations, snapshots and restores, balances are as in a dict."""
    token = revm.deploy("MockERC20", "Token", "T", 0, sender=alice)
    token.mint(alice, 10**6, sender=alice)
    model = {alice: 10**6, bob: 0}
    taken: list[tuple[int, dict[str, int]]] = []
    draw = random.Random(7)
    for _ in range(3_000):
        action = draw.choice(["send", "send", "simulate", "snapshot", "restore"])
        source, target = draw.sample([alice, bob], 2)
        amount = draw.randrange(10**5)
        if action == "send" and amount <= model[source]:
            token.transfer(target, amount, sender=source)
            model[source] -= amount
            model[target] += amount
        elif action == "send":
            with reverts("erc20: balance"):
                token.transfer(target, amount, sender=source)
        elif action == "simulate":
            token.transfer.call(target, model[source], sender=source)
        elif action == "snapshot":
            taken.append((revm.snapshot(), dict(model)))
        elif taken:
            del taken[draw.randrange(len(taken)) + 1 :]
            revm.revert(taken[-1][0])
            model = dict(taken[-1][1])
        assert {holder: token.balanceOf(holder) for holder in model} == model
