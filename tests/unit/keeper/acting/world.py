"""A keeper's whole loop on a fake protocol, on a fake chain."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any, cast

from plimsoll.keeper.books import Books
from plimsoll.keeper.bot import Bot, Contracts
from plimsoll.keeper.config import ActionConfig, GasConfig, TakeConfig
from plimsoll.keeper.log import Log
from plimsoll.keeper.metrics import Metrics
from plimsoll.keeper.pricing import Eager, PricingModel
from plimsoll.keeper.sender import SendPolicy
from plimsoll.keeper.strategy import Builder
from plimsoll.keeper.taker import Taker
from plimsoll.model import account_word
from tests.unit.keeper.acting.conftest import Rig
from tests.unit.keeper.acting.fake_chain import Tx
from tests.unit.keeper.acting.fake_protocol import (
    AUCTION,
    ENGINE,
    LENS,
    RISK,
    SWAPPER,
    WAD,
    FakeBooks,
    FakeProtocol,
    Position,
)

ACTIONS = ActionConfig(start="always", take=True, cancel=True, write_off=True, poke=True, mark=True)
TAKE = TakeConfig(fractions=(WAD, WAD // 2), surplus=(WAD // 100,), haircut=WAD // 1_000, blocks=10, use_wallet=False)
GAS = GasConfig(ether_asset="", ether_price=2_000 * WAD, profit_share=WAD, least_budget=100 * WAD, limit_margin=25)


class AnyRoute:
    def find(self, sell: str, buy: str) -> tuple[str, bytes] | None:
        return SWAPPER, b""


class World:
    """A keeper on a fake protocol, on a fake chain. `restart` is what happens after kill -9."""

    def __init__(
        self,
        folder: Path,
        accounts: int = 1,
        model: PricingModel | None = None,
        *,
        dry_run: bool = False,
        actions: ActionConfig = ACTIONS,
        policy: SendPolicy | None = None,
        take: TakeConfig = TAKE,
        own_accounts: int = 8,
        lens: str = LENS,
        means: tuple[str, ...] = (),
    ) -> None:
        self.take = take
        self.rig = Rig(folder, policy=policy or SendPolicy())
        self.chain = self.rig.chain
        self.protocol = FakeProtocol(self.chain)
        for number in range(accounts):
            first = self.chain.head.number + 1
            self.protocol.accounts[(0xACC << 96) + number] = Position(103_000 * WAD, 100_000 * WAD, first)
        self.books = FakeBooks(self.protocol)
        self.model, self.dry_run, self.actions = model or Eager(), dry_run, actions
        self.own_accounts, self.contracts = own_accounts, Contracts(ENGINE, AUCTION, RISK, lens, means)
        self.stream = io.StringIO()
        self.assemble()

    def assemble(self) -> None:
        self.rig.sender._silent = self.dry_run
        rig, books = self.rig, cast("Books", self.books)
        builder = Builder(ENGINE, rig.signer.address, AnyRoute(), self.take.haircut)
        taker = Taker(
            rig.node,
            books,
            builder,
            self.model,
            self.take,
            auction=AUCTION,
            minimum_profit=5 * WAD,
            symbol_of=lambda token: token[:6],
        )
        self.metrics = Metrics()
        self.bot = Bot(
            node=rig.node,
            books=books,
            sender=rig.sender,
            taker=taker,
            model=self.model,
            contracts=self.contracts,
            actions=self.actions,
            gas=GAS,
            accounts=[account_word.account(int(rig.signer.address, 16), i) for i in range(self.own_accounts)],
            ether_price=lambda: 2_000 * WAD,
            take_blocks=TAKE.blocks,
            dry_run=self.dry_run,
            clock=rig.clock,
            log=Log(self.stream, rig.clock, "debug"),
            metrics=self.metrics,
        )
        rig.sender._on_outcome = self.bot.on_outcome
        rig.sender._on_foreign = self.bot.on_foreign
        rig.node.rpc._on_fault = self.bot.on_fault

    def restart(self) -> None:
        self.rig.restart()
        self.assemble()

    def run(self, blocks: int) -> None:
        """Let blocks pass, each with a look of the keeper after it."""
        for _ in range(blocks):
            self.chain.mine()
            self.bot.attempt()

    def lines(self, event: str) -> list[dict[str, Any]]:
        found = map(json.loads, self.stream.getvalue().splitlines())
        return [line for line in found if line["event"] == event]

    def check_all_taken_once(self) -> None:
        """Nothing missed, nothing done twice."""
        state = self.protocol.fold()
        assert set(state.taken) == set(self.protocol.accounts)
        assert len(state.takes) == len(self.protocol.accounts)

    def own_transactions(self) -> list[Tx]:
        return self.chain.mined(self.rig.signer.address)
