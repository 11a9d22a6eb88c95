"""Which Uniswap means want a checkpoint: `TwapOracle.next_checkpoint`, asked again only when it can have changed.

Readings of a mean stay cheap while its checkpoints are at most two windows apart; anyone may take one that is due.
"""

from __future__ import annotations

from collections.abc import Sequence

from plimsoll.chain import Revert
from plimsoll.keeper import verbs
from plimsoll.keeper.node import Call, Node


class CheckpointReader:
    """Knows when the next checkpoint of each oracle is due."""

    def __init__(self, node: Node, oracles: Sequence[str]) -> None:
        self._node = node
        self._next = dict.fromkeys(oracles, 0)

    def due(self, now: int) -> list[str]:
        """Return the oracles that take a checkpoint at this time (unix seconds); one that does not answer has none."""
        ask = [oracle for oracle, at in self._next.items() if at <= now]
        outputs = self._node.calls([Call(oracle, verbs.NEXT_CHECKPOINT.encode([])) for oracle in ask])
        due: list[str] = []
        for oracle, output in zip(ask, outputs, strict=True):
            if isinstance(output, Revert) or not output:
                continue
            self._next[oracle] = int(verbs.NEXT_CHECKPOINT.decode(output))
            if self._next[oracle] <= now:
                due.append(oracle)
        return due
