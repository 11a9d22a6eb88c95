"""kill -9 at every step of sending: the next process finishes it, and the action happens once."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from plimsoll.artifacts import home
from plimsoll.keeper.journal import State
from tests.unit.keeper.acting.conftest import make_signer
from tests.unit.keeper.acting.fake_chain import FakeChain, served
from tests.unit.keeper.acting.worker import KEY, POINTS, one_block, open_sender


def run_until_killed(url: str, folder: Path, point: str) -> None:
    """Run a keeper for one block in a process of its own; it must die at the point."""
    command = [sys.executable, "-m", "tests.unit.keeper.acting.worker", url, str(folder), point]
    done = subprocess.run(command, cwd=home(), capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr


def actions(chain: FakeChain) -> int:
    return sum(tx.data == KEY.encode() for tx in chain.mined(make_signer().address))


def needing_chain() -> FakeChain:
    """Return a chain that says that the account needs the action, until it is mined."""
    chain = FakeChain()
    chain.call = lambda fields: "0x" if actions(chain) else "0x01"
    return chain


def finish(chain: FakeChain, url: str, folder: Path) -> None:
    """Start again and again, with blocks in between, as a supervised keeper would."""
    for _ in range(4):
        node, journal, sender = open_sender(url, folder)
        one_block(node, sender)
        journal.close()
        chain.mine()
    node, journal, sender = open_sender(url, folder)
    one_block(node, sender)
    assert sender.open == []
    assert sender.foreign == 0
    states = {intent.state for intent in journal.history()}
    assert states <= {State.MINED, State.DROPPED, State.CANCELLED}
    journal.close()


@pytest.mark.parametrize("forgets", [False, True], ids=["pool kept", "pool forgotten"])
@pytest.mark.parametrize("point", [point for point in POINTS if point.split()[1] not in ("settle", "reopen")])
def test_killed_while_sending__finished_once(tmp_path: Path, point: str, forgets: bool) -> None:
    chain = needing_chain()
    with served(chain) as url:
        run_until_killed(url, tmp_path, point)
        if forgets:
            chain.forget_pool()
        finish(chain, url, tmp_path)
    assert actions(chain) == 1


@pytest.mark.parametrize("point", ["after send", "before note", "after sign"])
def test_killed_and_mined_while_dead__not_done_again(tmp_path: Path, point: str) -> None:
    chain = needing_chain()
    with served(chain) as url:
        run_until_killed(url, tmp_path, point)
        chain.mine()
        finish(chain, url, tmp_path)
    assert actions(chain) == 1


@pytest.mark.parametrize("point", ["before settle", "after settle"])
def test_killed_while_settling__finished_once(tmp_path: Path, point: str) -> None:
    chain = needing_chain()
    with served(chain) as url:
        node, journal, sender = open_sender(url, tmp_path)
        one_block(node, sender)
        journal.close()
        chain.mine()
        run_until_killed(url, tmp_path, point)
        finish(chain, url, tmp_path)
    assert actions(chain) == 1


@pytest.mark.parametrize("point", ["before reopen", "after reopen", "before send"])
def test_killed_while_a_reorg_is_repaired__finished_once(tmp_path: Path, point: str) -> None:
    chain = needing_chain()
    with served(chain) as url:
        for _ in range(2):
            node, journal, sender = open_sender(url, tmp_path)
            one_block(node, sender)
            journal.close()
            chain.mine()
        chain.reorg(2, forget=True)
        run_until_killed(url, tmp_path, point)
        finish(chain, url, tmp_path)
    assert actions(chain) == 1
