"""Reads a deployment's `World` from any chain, through the contracts' views.

Assets are those that the risk engine lists and the engine accepted, also when the manifest does not know them. A symbol
that only a token claims for itself is cut to letters and digits and carries the asset's number, so that nobody lists
"USDC" and looks like it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from plimsoll.chain import ZERO_ADDRESS, Chain, Contract, Revert
from plimsoll.keeper import verbs
from plimsoll.keeper.state import AccountState
from plimsoll.model import cure, margin_rate, market_depth, price_oracle, risk_engine, volatility
from plimsoll.model.cure import LastGood
from plimsoll.model.liquidation_auction import Parameters as AuctionParameters
from plimsoll.model.margin_rate import Dynamics, Margin
from plimsoll.model.price_oracle import Clock, Price, Silence
from plimsoll.model.price_source import Reading
from plimsoll.protocol import Protocol
from plimsoll.risk.world import UNKNOWN_KIND, VAULT, AssetFacts, Depth, Outage, Pool, Source, Volatility, World
from plimsoll.uniswap import POOL

KINDS = ("TwapOracle", VAULT, "FeedOracle")
KEYS_PER_CALL = 16
WORD = 32
REACH = 198
"""Ticks of 2 %, by which a market is moved where no depth is measured for the asset."""
_NOT_A_SYMBOL = re.compile(r"[^A-Za-z0-9.\-]")

Progress = Callable[[int, int, str], None]


def read(
    protocol: Protocol,
    accounts: Mapping[int, AccountState],
    progress: Progress = lambda number, total, title: None,
) -> World:
    """Return the world of a deployment with these accounts."""
    chain = protocol.chain
    reader = _Reader(protocol)
    keys = reader.keys()
    assets: dict[int, AssetFacts] = {}
    prices: list[Any] = []
    for first in range(0, len(keys), KEYS_PER_CALL):
        prices += reader.risk_engine.prices(keys[first : first + KEYS_PER_CALL])
    for number, (key, price) in enumerate(zip(keys, prices, strict=True)):
        progress(number, len(keys), reader.symbol(key))
        assets[key] = reader.asset(key, Price(*price))
    progress(len(keys), len(keys), "")
    settings = protocol.engine.settings()
    return World(
        chain=chain.name,
        chain_id=chain.chain_id,
        block=chain.block_number(),
        now=chain.timestamp(),
        initial_ratio=reader.initial_ratio,
        notice=reader.risk_engine.notice(),
        wide_delay=reader.wide_delay,
        min_debt=settings[1],
        paused=settings[2],
        auction=AuctionParameters(*protocol.auction.parameters()),
        assets=assets,
        accounts=dict(sorted(accounts.items())),
        backing=reader.backing(accounts),
        outage=reader.outage(),
    )


class _Reader:
    def __init__(self, protocol: Protocol) -> None:
        self.chain: Chain = protocol.chain
        self.protocol = protocol
        self.risk_engine: Any = self.chain.at("RiskEngine", protocol.engine.settings()[0])
        self.initial_ratio: int = self.risk_engine.initial_ratio()
        self.wide_delay: int = self.risk_engine.wide_delay()
        self.now = self.chain.timestamp()
        self._kinds = {each.address: each.contract for each in protocol.manifest.contracts.values()}
        self._symbols = {int(asset.key, 16): symbol for symbol, asset in protocol.manifest.assets.items()}

    def keys(self) -> list[int]:
        """Return the keys of the assets that the engine has."""
        core, isolated = self.risk_engine.asset_counts()
        listed = [1 << i for i in range(core)] + [risk_engine.ISOLATED | i for i in range(1, isolated + 1)]
        return [key for key in listed if self._pool(key) != ZERO_ADDRESS]

    def symbol(self, key: int) -> str:
        """Return what to call an asset."""
        if key in self._symbols:
            return self._symbols[key]
        return token_symbol(self.chain, self.risk_engine.token_of(key), f"{key:#x}")

    def asset(self, key: int, price: Price) -> AssetFacts:
        """Read everything about one asset."""
        token = self.risk_engine.token_of(key)
        clock = Clock(*self.risk_engine.not_ok_since(key))
        margin, dynamics = margin_of(self.risk_engine, key), dynamics_of(self.risk_engine, key)
        raw = self.risk_engine.dynamics_of(key)
        contract: Any = self.chain.at("MockERC20", token)
        gate, cap = self.protocol.engine.restrictions_of(token)
        last_good, measured = cure.NOT_KNOWN, None
        if raw.volatility != ZERO_ADDRESS:
            measured = self._volatility(raw.volatility, key)
            last_good = self._last_good(raw.volatility, key)
        settled = price.status != price_oracle.OK and price_oracle.is_settled(
            clock, price.status, self.wide_delay, self.now, last_good.time
        )
        return AssetFacts(
            key=key,
            symbol=self.symbol(key),
            token=token,
            decimals=contract.decimals(),
            price=price,
            parameters=price_oracle.Parameters(*self.risk_engine.price_parameters_of(key)),
            sources=tuple(self._source(address) for address in self.risk_engine.sources_of(key)),
            margin=margin,
            dynamics=dynamics,
            pool=self._pool_state(self._pool(key)),
            clock=clock,
            silence=self._silence(key),
            settled=settled,
            volatility=measured,
            depth=self._depth(key, raw.depth),
            vault=contract.balanceOf(self.protocol.engine),
            cap=cap or None,
            gate=None if gate == ZERO_ADDRESS else gate,
            last_good=last_good,
        )

    def backing(self, accounts: Mapping[int, AccountState]) -> frozenset[tuple[int, int]]:
        """Return which isolated-tier assets count for debts in which assets, of the pairs that any account has."""
        pairs = {
            (held, owed)
            for row in accounts.values()
            for held in row.held
            for owed in row.owed
            if held >= risk_engine.ISOLATED
        }
        return frozenset(pair for pair in sorted(pairs) if self.risk_engine.backs(*pair))

    def outage(self) -> Outage | None:
        """Return the outage that liquidation counts; None too where the sequencer's feed fails or says nonsense."""
        feed, window = self.risk_engine.sequencer_feed(), self.risk_engine.cure_window()
        if feed == ZERO_ADDRESS:
            return None
        try:
            answer = self.chain.simulate(feed, verbs.LATEST_ROUND_DATA.encode([]))
        except Revert:
            return None
        status, since = (int.from_bytes(answer[at : at + WORD], "big") for at in (WORD, 2 * WORD))
        if len(answer) < 3 * WORD or not cure.is_open(status, since, window, self.now):
            return None
        if status == cure.UP:
            return Outage(False, since, since + window)
        return Outage(True, since, min(self.now + window, since + cure.MAX_OUTAGE))

    def _last_good(self, address: str, key: int) -> LastGood:
        try:
            price, time = self.chain.at("VolatilityOracle", address).last(key)
        except (Revert, ValueError):
            return cure.NOT_KNOWN
        return cure.last_good(price, time, self.now)

    def _pool(self, key: int) -> str:
        pool: str = self.protocol.engine.asset_of(self.risk_engine.token_of(key))[1]
        return pool

    def _source(self, address: str) -> Source:
        kind = self._kind(address)
        parent = None
        if kind == "TwapOracle":
            parent = self.chain.at(kind, address).settings().quote_source
        elif kind == VAULT:
            parent = self.chain.at(kind, address).settings().source
        reading = read_source(self.chain, address)
        return Source(address, kind, parent, reading, price_oracle.grade(reading, self.now))

    def _kind(self, address: str) -> str:
        """Return what a source is: as the manifest says, else by what its settings look like."""
        if address in self._kinds:
            return self._kinds[address]
        for kind in KINDS:
            try:
                settings = self.chain.at(kind, address).settings()
            except (Revert, ValueError):
                continue
            if kind != "FeedOracle" or self.chain.is_contract(settings[0]):
                return kind
        return UNKNOWN_KIND

    def _silence(self, key: int) -> Silence:
        bits, until, after = self.risk_engine.silence_of(key)
        if not bits:
            return price_oracle.NO_SILENCE
        return Silence(bits.bit_length() - 1, until, after)

    def _volatility(self, address: str, key: int) -> Volatility | None:
        oracle = self.chain.at("VolatilityOracle", address)
        try:
            state = oracle.state_of(key)
            return Volatility(
                fast=volatility.sigma(state.fast, 0),
                slow=volatility.sigma(0, state.slow),
                sigma=oracle.sigma(key),
                sampled=state.time,
                next_sample=oracle.next_sample(key),
                due=oracle.due(key),
            )
        except Revert:
            return None

    def _depth(self, key: int, followed: str) -> Depth | None:
        role = f"depth.{self._symbols.get(key, '')}"
        known = self.protocol.manifest.contracts.get(role)
        address = followed if followed != ZERO_ADDRESS else known.address if known else None
        if address is None:
            return self._steady(key)
        source = self.chain.at("UniswapV3Depth", address)
        try:
            reach = source.settings().reach
        except (Revert, ValueError):
            reach = 0
        try:
            return Depth(address, reach, source.depth())
        except Revert as error:
            return Depth(address, reach, None, str(error))

    def _steady(self, key: int) -> Depth | None:
        """Return what the mean liquidity of an asset's first market says of its depth; None without a market."""
        for address in self.risk_engine.sources_of(key):
            if self._kind(address) == "TwapOracle":
                return steady_depth(self.chain, address)
        return None

    def _pool_state(self, address: str) -> Pool:
        pool: Any = self.chain.at("LendingPool", address)
        state = pool.state()
        shares = pool.balanceOf(pool.fund())
        return Pool(
            address=address,
            assets=state.total_assets,
            cash=state.cash,
            debt=state.total_debt,
            debt_shares=pool.ledger().debt_shares,
            provisions=state.provisions,
            fund=state.unminted_fee + (pool.convertToAssets(shares) if shares else 0),
            supply_cap=state.supply_cap,
            borrow_cap=state.borrow_cap,
            borrow_rate=state.borrow_rate,
        )


def read_source(chain: Chain, address: str) -> Reading | None:
    """Return what a price source says; None where it reverts."""
    try:
        return Reading(*chain.at("FeedOracle", address).read())
    except (Revert, ValueError):
        return None


def steady_depth(chain: Chain, oracle: str) -> Depth:
    """Return the depth of a TwapOracle's market at the mean liquidity of its window: nobody raises that in a block."""
    twap: Any = chain.at("TwapOracle", oracle)
    settings = twap.settings()
    base_is_token0 = chain.at(POOL, settings.pool).token0() == settings.base_token
    try:
        mean = twap.mean()
    except Revert as error:
        return Depth(oracle, REACH, None, str(error))
    quote = read_source(chain, settings.quote_source)
    if quote is None:
        return Depth(oracle, REACH, None, "depth: quote source")
    book = market_depth.Book(mean.tick, mean.liquidity, {})
    try:
        measured = market_depth.measure(book, mean.tick, mean.liquidity, REACH, quote, base_is_token0)
    except ValueError as error:
        return Depth(oracle, REACH, None, str(error))
    return Depth(oracle, REACH, measured.steady, "at its mean liquidity")


def margin_of(engine: Contract | Any, key: int) -> Margin:
    """Return an asset's margin state as the model takes it."""
    raw = engine.margin_of(key)
    return Margin(raw.base, raw.cap, raw.size_slope, raw.since, raw.moving, margin_rate.Parameters(*raw.target))


def dynamics_of(engine: Contract | Any, key: int) -> Dynamics:
    """Return what an asset's margin follows as the model takes it."""
    raw = engine.dynamics_of(key)
    return Dynamics(raw.multiple, raw.impact, raw.size_limit, raw.floor, raw.size_slope, raw.due)


def token_symbol(chain: Chain, token: str, number: str) -> str:
    """Return what a token that nobody vouches for calls itself, with a number behind it that it did not choose."""
    try:
        said = str(chain.at("MockERC20", token).symbol())
    except (Revert, ValueError):
        said = ""
    return f"{_NOT_A_SYMBOL.sub('', said)[:12] or token[:8]}#{number.removeprefix('0x')[-4:].lstrip('0') or '0'}"
