"""Just enough of the protocol on a `FakeChain` for the loop: accounts fall below their line, auctions start, one take
ends each. What is mined is what counts: the state is a fold over the blocks, so that a reorg undoes it.

Every account holds WETH and owes USDC. A take brings what the bonus says, less 0.3 % for the trade.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from eth_abi.abi import default_codec

from plimsoll.chain.abi import EventAbi, checksum, type_string
from plimsoll.keeper import pricing, verbs
from plimsoll.keeper.source import Header
from plimsoll.keeper.state import AccountState, Auction
from plimsoll.keeper.valuation import Value
from plimsoll.model import exposure
from plimsoll.model.price_oracle import Price
from tests.unit.keeper.acting.fake_chain import Block, FakeChain, Refused, Tx

WAD = 10**18
USDC, WETH = 1, 2
TOKENS = {USDC: checksum("0x" + "a1" * 20), WETH: checksum("0x" + "a2" * 20)}
PRICES = {USDC: WAD, WETH: WAD}
"""Both worth a dollar per 1e18 units: what counts here are amounts."""
ENGINE, AUCTION, RISK, LENS = (checksum("0x" + byte * 20) for byte in ("e1", "e2", "e3", "e4"))
SWAPPER = checksum("0x" + "5a" * 20)
SWAP_COST = 3 * WAD // 1_000

TERMS = {
    "tau": 600,
    "tail": 3_600,
    "kappa": 0,
    "start_level": -WAD // 10,
    "target_share": WAD,
    "starter_share": WAD // 10,
    "fund_share": 0,
    "least_penalty": WAD // 100,
    "most_penalty": WAD // 5,
}
PENALTY = 5 * WAD // 100


@dataclass
class Position:
    """An account: value held and owed, and the block from which on it is below its line."""

    held: int
    owed: int
    below_from: int


@dataclass
class Fold:
    """What the blocks made of it: auctions by account, and takes as (account, sender)."""

    auctions: dict[int, Auction] = field(default_factory=dict)
    taken: dict[int, str] = field(default_factory=dict)
    failed: list[Tx] = field(default_factory=list)
    takes: list[tuple[int, str]] = field(default_factory=list)

    def copy(self) -> Fold:
        return Fold(dict(self.auctions), dict(self.taken), list(self.failed), list(self.takes))


@dataclass
class FakeProtocol:
    chain: FakeChain
    accounts: dict[int, Position] = field(default_factory=dict)
    unreadable: set[int] = field(default_factory=set)
    """Accounts that the lens has no answer for."""

    def __post_init__(self) -> None:
        self._folds: dict[tuple[int, ...], Fold] = {}
        self._now_at: tuple[Any, Fold] = (None, Fold())
        self.chain.call = self._call
        self.chain.fails = lambda tx: tx in self.state.failed
        self.chain._eth_estimateGas = self._estimate  # type: ignore[attr-defined]
        self.chain._eth_simulateV1 = self._simulate  # type: ignore[attr-defined]

    @property
    def state(self) -> Fold:
        """What the blocks made of it, for reading: each block on top of the one before it, once."""
        head = self.chain.head.hash, len(self.chain.head.txs)
        if self._now_at[0] == head:
            return self._now_at[1]
        path, state = (0, 0), Fold()
        for block in self.chain.blocks:
            path = (hash((path, block.hash)), len(block.txs))
            if path not in self._folds:
                state = state.copy()
                for tx in block.txs:
                    try:
                        self._apply(state, tx.data, tx.sender, block.number, block.time)
                    except Refused:
                        state.failed.append(tx)
                self._folds[path] = state
            state = self._folds[path]
        self._now_at = head, state
        return state

    def fold(self) -> Fold:
        """Return a copy of what the blocks made of it."""
        return self.state.copy()

    def quote(self, account: int, state: Fold, now: int) -> verbs.Quote:
        position, auction = self.accounts[account], state.auctions.get(account)
        gone = account in state.taken
        debt = 0 if gone else position.owed
        equity = 0 if gone else position.held - position.owed
        bonus = self.bonus(account, state, now) if auction else 0
        share = min(position.owed * (WAD + bonus) // position.held, WAD)
        is_open = auction is not None and not gone
        below = self._is_below(account, self.chain.head.number) and not gone
        requirement = max(equity, 0) + WAD if below else max(equity - WAD, 0)
        fraction, share = (WAD, share) if is_open else (0, 0)
        return verbs.Quote(is_open, is_open, fraction, share, bonus, equity, requirement, requirement, debt)

    def bonus(self, account: int, state: Fold, now: int) -> int:
        auction = state.auctions[account]
        offer = pricing.Offer(
            account, auction.started_at, 0, WAD, 1, 0, PENALTY, TERMS["tau"], TERMS["start_level"], 0, 0
        )
        return pricing.bonus_by_time(offer, now)

    def _is_below(self, account: int, block: int) -> bool:
        return block >= self.accounts[account].below_from

    def _apply(self, state: Fold, data: bytes, sender: str, block: int, time: int) -> list[Any]:
        """Apply a call of the engine; Refused when it reverts. Returns logs."""
        selector, body = data[:4], data[4:]
        if selector == verbs.LIQUIDATE.selector:
            account = int.from_bytes(body[:32], "big")
            if account in state.taken or account in state.auctions or not self._is_below(account, block):
                raise Refused("execution reverted: auction: healthy", 3)
            state.auctions[account] = Auction(time, sender, PENALTY, 1)
            return []
        if selector != verbs.BATCH.selector:
            return []
        (calls,) = default_codec.decode(["bytes[]"], body)
        if calls[0][:4] == verbs.LIQUIDATE.selector:
            started = Fold(dict(state.auctions), dict(state.taken))
            for call in calls:
                self._apply(started, call, sender, block, time)
            state.auctions = started.auctions
            return []
        take = [int.from_bytes(calls[0][4 + 32 * i : 36 + 32 * i], "big") for i in range(3)]
        min_bonus = int.from_bytes(calls[0][100:132], "big", signed=True)
        account, fraction, to_account = take
        if account in state.taken or account not in state.auctions:
            raise Refused("execution reverted: auction: none", 3)
        if self.bonus(account, state, time) < min_bonus:
            raise Refused("execution reverted: auction: bonus", 3)
        return self._trade(state, account, fraction, to_account, calls, sender, time)

    def _trade(
        self, state: Fold, account: int, fraction: int, to: int, calls: list[bytes], sender: str, time: int
    ) -> list[Any]:
        quote = self.quote(account, state, time)
        received = self.accounts[account].held * quote.share // WAD * fraction // WAD
        debt = self.accounts[account].owed * fraction // WAD
        sell_amount, min_buy = (int.from_bytes(calls[1][4 + 32 * i : 36 + 32 * i], "big") for i in (2, 5))
        bought = sell_amount * (WAD - SWAP_COST) // WAD
        if sell_amount > received or bought < min_buy or bought < debt:
            raise Refused("execution reverted: engine: min_buy", 3)
        state.taken[account] = sender
        state.takes.append((account, sender))
        state.auctions.pop(account)
        return [
            log(verbs.TRADED, (to, TOKENS[WETH], TOKENS[USDC], sell_amount, 0, bought, debt, SWAPPER, False)),
            log(verbs.WITHDRAWN, (to, TOKENS[USDC], sender, bought - debt, 0)),
            log(verbs.WITHDRAWN, (to, TOKENS[WETH], sender, received - sell_amount, 0)),
        ]

    # What a node answers

    def _now(self) -> int:
        return self.chain.head.time

    def _call(self, call: dict[str, str]) -> str:
        data, to = bytes.fromhex(call["data"][2:]), checksum(call["to"])
        if to == RISK and data[:4] != verbs.PRICES.selector:
            return "0x" + bytes(32).hex()
        if to == RISK:
            rows = [(PRICES[key], PRICES[key], PRICES[key], 0) for key in (USDC, WETH)]
            return "0x" + default_codec.encode(["(uint256,uint256,uint256,uint256)[]"], [rows]).hex()
        if to == LENS:
            (accounts,) = default_codec.decode(["uint256[]"], data[4:])
            words = [self._health(account, self.state) for account in accounts]
            return "0x" + default_codec.encode(["uint256[]"], [words]).hex()
        if to == AUCTION:
            quote = self.quote(int.from_bytes(data[4:36], "big"), self.state, self._now())
            kinds = "(bool,bool,uint256,uint256,int256,int256,uint256,uint256,uint256)"
            return "0x" + default_codec.encode([kinds], [tuple(quote)]).hex()
        self._apply(self.fold(), data, checksum(call["from"]), self.chain.head.number, self._now())
        return "0x"

    def _health(self, account: int, state: Fold) -> int:
        """Return a word as MarginLens.health_batch does; 0 for an account that it cannot read."""
        if account in self.unreadable:
            return 0
        quote = self.quote(account, state, self._now())
        flags = 1 << 2 | quote.active << 3 | (quote.debt != 0) << 5 | (quote.equity < quote.requirement) << 6
        return flags | (quote.equity & 2**124 - 1) << 8 | quote.requirement << 132

    def _estimate(self, call: dict[str, str], tag: str) -> str:
        self._call(call)
        return hex(400_000)

    def _simulate(self, wanted: dict[str, Any], tag: str) -> Any:
        state, results = self.fold(), []
        for call in wanted["blockStateCalls"][0]["calls"]:
            data = bytes.fromhex(call["input"][2:])
            try:
                logs = self._apply(state, data, checksum(call["from"]), self.chain.head.number + 1, self._now())
                results.append({"status": "0x1", "gasUsed": hex(400_000), "logs": logs, "returnData": "0x"})
            except Refused as error:
                results.append({"status": "0x0", "gasUsed": "0x0", "logs": [], "error": {"message": str(error)}})
        return [{"calls": results}]


def log(kind: EventAbi, values: tuple[Any, ...]) -> dict[str, Any]:
    """Encode an event of the engine as a node gives it."""
    topics, plain = ["0x" + kind.topic.hex()], []
    for item, value in zip(kind.inputs, values, strict=True):
        if item["indexed"]:
            topics.append("0x" + default_codec.encode([type_string(item)], [value]).hex())
        else:
            plain.append((type_string(item), value))
    data = default_codec.encode([each for each, _ in plain], [value for _, value in plain])
    return {"address": ENGINE, "topics": topics, "data": "0x" + data.hex()}


class FakeBooks:
    """Books that are always right: they read the fold."""

    def __init__(self, protocol: FakeProtocol) -> None:
        self.protocol = protocol
        self.prices = {key: Price(price, price, price, 0) for key, price in PRICES.items()}
        self.state = SimpleNamespace(
            keys=[USDC, WETH],
            token=TOKENS.__getitem__,
            terms=lambda version: TERMS,
            engine=SimpleNamespace(auction_version=1, min_debt=100 * WAD),
            exposures=self._exposures,
            debtors=lambda: iter(protocol.accounts),
            account=self.account,
        )
        self.different: dict[str, list[str]] = {}
        """What an audit finds."""
        self.audits = self.rebuilds = 0
        self.suspects: list[int] = []
        self.fails: list[Exception] = []
        """What the next `sync`s raise."""

    def sync(self) -> Any:
        if self.fails:
            raise self.fails.pop(0)
        return SimpleNamespace(unwound=0, rebuilt=False, complete=True)

    curing = False

    def reprice(self, prices: Any, now: int, settled: Any, grants: Any) -> Any:
        return SimpleNamespace(crossed=[], recovered=[], examined=0)

    def auctions(self) -> dict[int, Auction]:
        return self.protocol.state.auctions

    def below(self) -> list[int]:
        state, block = self.protocol.state, self.protocol.chain.head.number
        fallen = [each for each in self.protocol.accounts if self.protocol._is_below(each, block)]
        return [each for each in fallen if each not in state.taken]

    def account(self, account: int) -> AccountState:
        position = self.protocol.accounts.get(account)
        if position is None or account in self.protocol.state.taken:
            return AccountState()
        return AccountState({WETH: position.held}, {USDC: position.owed}, self.auctions().get(account))

    def value(self, account: int) -> Value:
        position = self.protocol.accounts[account]
        return Value(position.held - position.owed, position.held, position.owed)

    def is_over(self, account: int) -> bool:
        return account not in self.below()

    def debtors(self) -> int:
        return len(self.protocol.accounts)

    def audit(self, count: int) -> dict[str, list[str]]:
        self.audits += 1
        return self.different

    def rebuild(self) -> None:
        self.rebuilds += 1

    def suspect(self, account: int) -> None:
        self.suspects.append(account)

    def rest(self) -> bool:
        return False

    def market(self, now: int) -> Any:
        return SimpleNamespace(positions=lambda row: [], debt=lambda row: sum(row.owed.values()))

    def _exposures(self, account: int, now: int) -> list[int]:
        position = self.protocol.accounts[account]
        return [exposure.pack(WETH, False, position.held), exposure.pack(USDC, True, position.owed)]


def header_of(block: Block) -> Header:
    return Header(block.number, bytes.fromhex(block.hash[2:]), bytes.fromhex(block.parent[2:]), block.time)
