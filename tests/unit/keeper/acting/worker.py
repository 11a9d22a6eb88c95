"""A keeper's sending half in a process of its own that kills itself with SIGKILL at a named point.

    python -m tests.unit.keeper.acting.worker <url> <folder> <point>

It does what a bot does with one block: tend, then act on account:1 if that is still needed and not under way.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from plimsoll.keeper.journal import Journal
from plimsoll.keeper.node import Call, Node
from plimsoll.keeper.rpc import RetryPolicy, Rpc
from plimsoll.keeper.sender import Sender
from plimsoll.keeper.transport import open_transport
from tests.unit.keeper.acting.conftest import ENGINE, FEES, make_signer
from tests.unit.keeper.acting.fake_chain import CHAIN_ID, FakeClock

KEY = "account:1"

POINTS: dict[str, tuple[Any, str, bool]] = {
    "before plan": (Journal, "plan", False),
    "after plan": (Journal, "plan", True),
    "before sign": (Journal, "sign", False),
    "after sign": (Journal, "sign", True),
    "before send": (Node, "send_raw", False),
    "after send": (Node, "send_raw", True),
    "before note": (Journal, "handed_over", False),
    "after note": (Journal, "handed_over", True),
    "before settle": (Journal, "settle", False),
    "after settle": (Journal, "settle", True),
    "before reopen": (Journal, "reopen", False),
    "after reopen": (Journal, "reopen", True),
}
"""Class, method, and whether it dies before or after it."""


def die_at(point: str) -> None:
    """Let this process die at a point."""
    owner, name, after = POINTS[point]
    method: Callable[..., Any] = getattr(owner, name)

    def dying(*args: Any, **kwargs: Any) -> Any:
        if after:
            method(*args, **kwargs)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(owner, name, dying)


def one_block(node: Node, sender: Sender) -> None:
    """Do what a bot does with one block."""
    from plimsoll.keeper.sender import Action

    block = node.head().number
    needed = node.call(Call(ENGINE, KEY.encode())) != b""
    sender.tend(block, lambda intents: set() if needed else {intent.id for intent in intents})
    if needed and not sender.is_busy(KEY):
        sender.submit(Action(KEY, ENGINE, KEY.encode(), 200_000, 10**18, block + 50))


def open_sender(url: str, folder: Path) -> tuple[Node, Journal, Sender]:
    """Return a sender over HTTP."""
    clock = FakeClock()
    node = Node(Rpc([open_transport(url, clock)], clock, policy=RetryPolicy(rounds=2), chain_id=CHAIN_ID))
    signer = make_signer()
    header = node.get_block(0)
    assert header is not None
    journal = Journal(folder / "journal.sqlite", chain_id=CHAIN_ID, genesis=header.hash.hex(), address=signer.address)
    return node, journal, Sender(node, journal, signer, clock, fees=FEES)


if __name__ == "__main__":
    opened = open_sender(sys.argv[1], Path(sys.argv[2]))
    die_at(sys.argv[3])
    one_block(opened[0], opened[2])
