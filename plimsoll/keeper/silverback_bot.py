"""The same keeper as a Silverback bot, for those who run a cluster:

    PLIMSOLL_KEEPER_CONFIG=config/keeper.toml silverback run plimsoll.keeper.silverback_bot:bot --network <choice>

Silverback says when there is a new block and collects metrics; the keeper reads the chain and sends through the
endpoints and the key of its own configuration, with its own journal, so that it behaves the same in both. Silverback is
no requirement of this project: `pip install silverback` (0.7.38 fits requirements.lock). One worker only: a keeper's
journal belongs to one process.

https://docs.apeworx.io/silverback
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from ape import chain
from silverback import SilverbackBot  # type: ignore[import-not-found,unused-ignore]

from plimsoll.artifacts import home
from plimsoll.keeper import app
from plimsoll.keeper import config as configuration
from plimsoll.keeper.clock import SystemClock

CONFIG = "PLIMSOLL_KEEPER_CONFIG"

bot = SilverbackBot()


class Worker:
    """A keeper in a thread of its own: Silverback runs handlers in any thread, a journal has one."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="keeper")
        self._open = ExitStack()
        self._keeper: app.Keeper | None = None

    def start(self) -> None:
        """Open the keeper that the configuration describes."""
        self._thread.submit(self._start).result()

    def poll(self) -> dict[str, Any]:
        """Do the newest block; return metrics for Silverback."""
        return self._thread.submit(self._poll).result()

    def stop(self) -> None:
        """Close everything."""
        self._thread.submit(self._open.close).result()
        self._thread.shutdown()

    def _start(self) -> None:
        config = configuration.load(Path(os.environ.get(CONFIG, home() / "config" / "keeper.toml")))
        opened = app.opened(config, app.load_manifest(config), clock=SystemClock())
        self._keeper = self._open.enter_context(opened)

    def _poll(self) -> dict[str, Any]:
        keeper = self._keeper
        assert keeper is not None, "start comes first"
        keeper.bot.attempt()
        _, health = keeper.bot.health()
        return {
            "block": health["block"],
            "pending": health["pending_transactions"],
            "below": len(keeper.books.below()),
            "auctions": len(keeper.books.auctions()),
        }


worker = Worker()


@bot.on_worker_startup()  # type: ignore[untyped-decorator,unused-ignore]
def open_keeper(state: Any) -> None:
    """Open the keeper before the first block."""
    worker.start()


@bot.on_(chain.blocks)  # type: ignore[untyped-decorator,unused-ignore]
def on_block(block: Any) -> dict[str, Any]:
    """Do the newest block; a block that came meanwhile is done with the next one."""
    return worker.poll()


@bot.on_worker_shutdown()  # type: ignore[untyped-decorator,unused-ignore]
def close_keeper(state: Any) -> None:
    """Close the journal and the index."""
    worker.stop()
