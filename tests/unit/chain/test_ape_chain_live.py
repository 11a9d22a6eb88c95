"""ApeChain on a network that ape takes for a live one: an account from a key file, estimated gas, real fees.

The network is anvil under Sepolia's chain id, started here and stopped at the end.
"""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ape
import pytest
from ape_accounts import import_account_from_private_key

from plimsoll.chain import Contract, RevmChain
from plimsoll.chain.ape_chain import ApeChain
from plimsoll.errors import ChainError
from tests.support import reverts

SEPOLIA = 11_155_111
PASSPHRASE = "a passphrase"  # of a key file that lives as long as the test


@pytest.fixture(scope="module")
def node() -> Iterator[str]:
    """The URL of an anvil that mines on demand, with a base fee."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = ["anvil", "--port", str(port), "--chain-id", str(SEPOLIA), "--silent"]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        _wait_for(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def _wait_for(port: int) -> None:
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("anvil did not start")


@pytest.fixture(scope="module")
def deployer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """An account that anvil has funded, in a key file of its own, allowed to sign without asking."""
    inside = RevmChain()
    alias = f"plimsoll-test-{tmp_path_factory.getbasetemp().name}-{time.monotonic_ns()}"
    account = import_account_from_private_key(alias, PASSPHRASE, inside.key(inside.accounts()[2]))
    account.set_autosign(True, PASSPHRASE)
    yield account
    account.keyfile_path.unlink()


@pytest.fixture(scope="module")
def pauper(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """An account without ether."""
    alias = f"plimsoll-pauper-{tmp_path_factory.getbasetemp().name}-{time.monotonic_ns()}"
    account = import_account_from_private_key(alias, PASSPHRASE, "0x" + "5a" * 32)
    account.set_autosign(True, PASSPHRASE)
    yield account
    account.keyfile_path.unlink()


@pytest.fixture(scope="module")
def live(node: str, deployer: Any, pauper: Any) -> Iterator[ApeChain]:
    with ApeChain.connect(f"ethereum:sepolia:{node}", [deployer, pauper]) as chain:
        yield chain


@pytest.fixture
def remote(live: ApeChain, small_home: Path, deployer: Any) -> Contract:
    return live.deploy("Sampler", 7, sender=deployer.address)


def test_live__knows_what_it_is(live: ApeChain, deployer: Any, pauper: Any) -> None:
    assert not live.is_local
    assert live.chain_id == SEPOLIA
    assert live.accounts() == [deployer.address, pauper.address]
    with pytest.raises(KeyError):
        live.key(deployer.address)


def test_live__transaction__events_value_and_fee(live: ApeChain, remote: Contract, deployer: Any) -> None:
    before = live.balance(deployer.address)
    receipt = remote.sample([1, 2], (0, 0, remote), sender=deployer.address)
    assert receipt.return_value == 13
    assert [event.name for event in receipt.events] == ["Sampled"]
    assert receipt.tx_hash is not None
    assert len(receipt.tx_hash) == 66
    assert (live.block_number(), live.timestamp()) == (receipt.block_number, receipt.timestamp)
    assert live.balance(deployer.address) < before
    assert remote.count() == 1


def test_live__revert__before_anything_is_sent(live: ApeChain, remote: Contract, deployer: Any) -> None:
    block = live.block_number()
    with reverts("sampler: refused"):
        remote.refuse(sender=deployer.address)
    assert live.block_number() == block


def test_live__sender_without_ether__says_what_is_missing(live: ApeChain, remote: Contract, pauper: Any) -> None:
    with pytest.raises(ChainError, match=rf"^{pauper.address} holds 0\.000000 ether, this needs up to 0\.0\d+ on"):
        remote.see(sender=pauper.address)


def test_live__local_chain_only__error(live: ApeChain) -> None:
    for act in (lambda: live.warp(1), lambda: live.fund(live.accounts()[0], 1), live.snapshot):
        with pytest.raises(ChainError, match=r"works on local chains only, not on ethereum:sepolia:"):
            act()


def test_live__alias__loads_the_account(live: ApeChain, deployer: Any) -> None:
    assert ApeChain([deployer.alias]).accounts() == [deployer.address]


def test_live__account_that_asks_and_is_refused__not_sent(
    live: ApeChain, remote: Contract, deployer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("click.confirm", lambda *_, **__: False)
    block = live.block_number()
    asking = ape.accounts.load(deployer.alias)
    asking.set_autosign(False)
    try:
        with pytest.raises(ChainError, match=r"was not signed$"):
            ApeChain([asking]).raw_call(remote, remote.see.encode(), asking.address)
    finally:
        asking.set_autosign(True, PASSPHRASE)
    assert live.block_number() == block
