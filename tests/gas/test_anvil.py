"""The node of the gas report: always the same chain, and never left running."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from plimsoll import artifacts
from plimsoll.errors import ChainError
from plimsoll.report import anvil as node
from plimsoll.report.anvil import GENESIS_TIME, SECONDS_PER_BLOCK, AnvilChain, anvil
from tests.support import reverts


def is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Process ids of the nodes started in the test."""
    ids: list[int] = []
    start: Callable[..., subprocess.Popen[bytes]] = subprocess.Popen

    def popen(*args: object, **kwargs: object) -> subprocess.Popen[bytes]:
        process = start(*args, **kwargs)
        ids.append(process.pid)
        return process

    monkeypatch.setattr(node.subprocess, "Popen", popen)
    return ids


def play(chain: AnvilChain) -> list[object]:
    admin, other = chain.accounts()[:2]
    token = chain.deploy("GasToken", sender=admin)
    receipts = [token.mint(admin, 10, sender=admin), token.transfer(other, 3, sender=admin)]
    assert receipts[1].events == [token.event("Transfer", sender=admin, receiver=other, value=3)]
    assert (token.balanceOf(other), chain.name_of(token.address)) == (3, "GasToken")
    return [token.address, *((each.gas_used, each.block_number, each.timestamp) for each in receipts)]


def test_anvil__twice__the_same_to_the_unit() -> None:
    runs = []
    for _ in range(2):
        with anvil() as chain:
            runs.append(play(chain))
    assert runs[0] == runs[1]
    assert runs[0][2][2] == GENESIS_TIME + 3 * SECONDS_PER_BLOCK


def test_anvil__failing_transaction__names_the_reason() -> None:
    with anvil() as chain:
        admin = chain.accounts()[0]
        router = chain.deploy("GasRouter", sender=admin)
        swapper = chain.deploy("UniswapV3Swapper", router, sender=admin)
        with reverts("swapper: zero amount"):
            swapper.swap(admin, router, 0, 0, admin, b"", sender=admin)
        with reverts("swapper: factory"):
            chain.deploy("UniswapV3Swapper", admin, sender=admin)


def test_anvil__snapshot__is_restored_as_often_as_one_likes() -> None:
    with anvil() as chain:
        admin, other = chain.accounts()[:2]
        token = chain.deploy("GasToken", sender=admin)
        before = chain.snapshot()
        for amount in (5, 7):
            token.mint(other, amount, sender=admin)
            assert token.balanceOf(other) == amount
            chain.revert(before)
            assert token.balanceOf(other) == 0


def test_anvil__warp__moves_the_clock_by_that() -> None:
    with anvil() as chain:
        before = chain.timestamp()
        chain.warp(12_345)
        assert chain.timestamp() == before + 12_345


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_anvil__error_inside__the_node_is_stopped(started: list[int], error: type[BaseException]) -> None:
    def fail() -> None:
        with anvil():
            assert is_running(started[0])
            raise error

    with pytest.raises(error):
        fail()
    assert not is_running(started[0])


def test_anvil__terminated__the_node_is_stopped(started: list[int]) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as left, anvil():
        signal.raise_signal(signal.SIGTERM)
    assert left.value.code == 128 + signal.SIGTERM
    assert not is_running(started[0])
    assert signal.getsignal(signal.SIGTERM) == before


def test_anvil__does_not_start__one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "anvil"
    program.write_text(f"#!{sys.executable}\nprint('error: no such hardfork')\nraise SystemExit(1)\n")
    program.chmod(0o755)
    monkeypatch.setattr(node, "_binary", lambda: program)
    with pytest.raises(ChainError, match=r"^anvil did not start: error: no such hardfork$"), anvil():
        pass


def test_anvil__not_installed__says_what_to_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "contracts").mkdir()
    monkeypatch.setenv("PLIMSOLL_HOME", str(tmp_path))
    with pytest.raises(artifacts.ArtifactError, match=r"^anvil is not installed: run `make setup`$"), anvil():
        pass
