"""What price sources that do not exist yet would say: the model's readings of what their venues say now.

`Venues` is one asset of a file beside a deployment. Where a constructor would refuse, a method raises the PlimsollError
or the model's ValueError that says why.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from plimsoll.chain import ZERO_ADDRESS
from plimsoll.config import AssetConfig, FeedConfig, SourceConfig, TwapConfig, VaultConfig, sample_of
from plimsoll.errors import PlimsollError
from plimsoll.model import feed, market_depth, tick_math, twap, vault_share
from plimsoll.model.price_source import Reading
from plimsoll.protocol import Protocol
from plimsoll.risk.read import REACH
from plimsoll.risk.world import Source, World
from plimsoll.uniswap import FACTORY, POOL
from plimsoll.units import WAD, from_wad, show


@dataclass(frozen=True, slots=True)
class Market:
    """A Uniswap v3 market as a mean over it would see it now; `slots` are the observations that it keeps."""

    pool: str
    tick: int
    liquidity: int
    base_is_token0: bool
    slots: int
    updated: int


class Venues:
    """See the module's docstring. `token` is the asset's."""

    def __init__(self, protocol: Protocol, world: World, asset: AssetConfig, token: str) -> None:
        self._chain = protocol.chain
        self._protocol = protocol
        self._world = world
        self._asset = asset
        self._token = token

    def read(self, source: SourceConfig) -> tuple[Reading, str]:
        """Return the reading of a source and what it is, in words. Revert where its venue does not answer."""
        if isinstance(source, FeedConfig):
            return self._read_feed(source)
        if isinstance(source, TwapConfig):
            return self._read_twap(source)
        return self._read_vault(source)

    def made_of(self, source: SourceConfig) -> tuple[str, tuple[Any, ...]]:
        """Return the artifact and the constructor's arguments of a source, as `plimsoll.deploy` has them."""
        if isinstance(source, FeedConfig):
            settings, _ = self._feed(source)
            return "FeedOracle", (
                source.aggregator,
                self._asset.decimals,
                settings.min_answer,
                settings.max_answer,
                source.max_age,
                source.sequencer,
                source.sequencer_grace,
            )
        if isinstance(source, TwapConfig):
            quote = self._quote(source)
            terms = (source.window, source.max_age, source.max_ticks_per_hour, source.min_liquidity)
            return "TwapOracle", (self.pool_of(source), self._token, quote.address, *terms)
        parent = self._parent(source)
        underlying = self._protocol.asset(source.asset)
        most = source.anchor * source.sample * int(10**underlying.decimals) // WAD
        return "VaultShareOracle", (
            self._token,
            underlying.token.address,
            parent.address,
            sample_of(source, self._asset),
            most,
            source.yearly_cap,
            self._protocol.risk_engine.owner(),
        )

    def window(self) -> int:
        """Return the seconds over which the slowest source takes its mean; 0 where none does."""
        windows = [0]
        for source in self._asset.sources:
            if isinstance(source, TwapConfig):
                windows.append(source.window)
            if isinstance(source, VaultConfig):
                key = self._protocol.asset(source.asset).key
                means = [each for each in self._world.assets[key].sources if each.kind == "TwapOracle"]
                windows += [self._chain.at("TwapOracle", mean.address).settings().window for mean in means]
        return max(windows)

    def first_market(self) -> str | None:
        """Return the pool of the asset's first mean; None where there is none."""
        for source in self._asset.sources:
            if isinstance(source, TwapConfig):
                return self.pool_of(source)
        return None

    def depth(self) -> int | None:
        """Return what moves the first market by the file's reach or 2 %, at its mean liquidity, WAD dollars.

        None where no source is a mean.
        """
        reach = self._asset.depth.reach if self._asset.depth else REACH
        for source in self._asset.sources:
            if isinstance(source, TwapConfig):
                market, quote = self._market(source), self._quote(source).reading
                if quote is None:
                    raise PlimsollError(f"the source of {source.quote} does not answer")
                book = market_depth.Book(market.tick, market.liquidity, {})
                found = market_depth.measure(book, market.tick, market.liquidity, reach, quote, market.base_is_token0)
                return found.steady
        return None

    def pool_of(self, source: TwapConfig) -> str:
        """Return the Uniswap pool of a mean; PlimsollError where there is none."""
        quote = self._protocol.asset(source.quote).token
        factory = self._chain.at(FACTORY, self._protocol.swapper.factory())
        pool: str = factory.getPool(self._token, quote, source.fee)
        if pool == ZERO_ADDRESS:
            raise PlimsollError(f"Uniswap has no pool of it and {source.quote} with the fee {source.fee}")
        return pool

    # One kind each

    def _feed(self, source: FeedConfig) -> tuple[feed.Parameters, Any]:
        if source.aggregator is None:
            raise PlimsollError("aggregator: is missing: only a devnet deploys it")
        if not self._chain.is_contract(source.aggregator):
            raise PlimsollError(f"there is no contract at {source.aggregator}")
        aggregator: Any = self._chain.at("MockFeed", source.aggregator)
        decimals = aggregator.decimals()
        low, high = (limit * int(10**decimals) // WAD for limit in (source.low, source.high))
        settings = feed.Parameters(
            self._asset.decimals, decimals, max(low, 1), high, source.max_age, source.sequencer_grace
        )
        feed.check(settings, source.sequencer != ZERO_ADDRESS)
        return settings, aggregator

    def _read_feed(self, source: FeedConfig) -> tuple[Reading, str]:
        settings, aggregator = self._feed(source)
        latest = self._round(aggregator)
        sequencer = None
        if source.sequencer != ZERO_ADDRESS:
            sequencer = self._round(self._chain.at("MockFeed", source.sequencer))
        reading = feed.read(settings, latest, sequencer, self._world.now)
        said = f"feed {source.aggregator}"
        if not reading.price:
            low, high = (show(from_wad(limit), 6) for limit in (source.low, source.high))
            answer = show(from_wad(latest.answer * WAD // 10**settings.feed_decimals), 6)
            raise PlimsollError(f"{said} answers {answer} dollars, which is not in [{low}, {high}], or has no time")
        return reading, f"{said}, {self._world.now - latest.updated_at} s old"

    def _round(self, aggregator: Any) -> feed.Round:
        _, answer, started, updated, _ = aggregator.latestRoundData()
        return feed.Round(answer, started, updated)

    def _read_twap(self, source: TwapConfig) -> tuple[Reading, str]:
        market, quote = self._market(source), self._quote(source)
        if quote.reading is None:
            raise PlimsollError(f"the source of {source.quote} does not answer")
        settings = twap.Parameters(
            market.base_is_token0, source.window, source.max_age, source.max_ticks_per_hour, source.min_liquidity
        )
        mean = twap.Mean(market.tick, market.tick, market.liquidity, source.window, market.updated)
        reading = twap.read(settings, mean, quote.reading, self._world.now)
        thin = "" if reading.trusted else f", below {source.min_liquidity:,}"
        size = f"{market.slots} observations, liquidity {market.liquidity:,}{thin}"
        return reading, f"mean of {source.window} s over {market.pool}, {size}"

    def _market(self, source: TwapConfig) -> Market:
        address = self.pool_of(source)
        pool: Any = self._chain.at(POOL, address)
        slot = pool.slot0()
        if slot[0] == 0:
            raise PlimsollError(f"the pool {address} was never opened")
        newest = pool.observations(slot[2])[0]
        oldest = pool.observations((slot[2] + 1) % slot[3])
        since = oldest[0] if oldest[3] else pool.observations(0)[0]
        if self._world.now - since < source.window:
            raise PlimsollError(
                f"twap: history: the pool {address} remembers {self._world.now - since} s in {slot[3]} observations, "
                f"the window is {source.window} s: let it keep more (increaseObservationCardinalityNext)"
            )
        ticks, liquidities = pool.observe([source.window, 0])
        growth = (liquidities[1] - liquidities[0]) % 2**160
        return Market(
            pool=address,
            tick=tick_math.mean_tick(ticks[1] - ticks[0], source.window),
            liquidity=tick_math.harmonic_liquidity(growth, source.window),
            base_is_token0=pool.token0() == self._token,
            slots=slot[3],
            updated=newest,
        )

    def _quote(self, source: TwapConfig) -> Source:
        """Return the feed by which the other token of a mean's market is priced."""
        key = self._protocol.asset(source.quote).key
        for each in self._world.assets[key].sources:
            if each.kind == "FeedOracle":
                return each
        raise PlimsollError(f"{source.quote} has no feed to price it in dollars")

    def _parent(self, source: VaultConfig) -> Source:
        found = self._world.assets[self._protocol.asset(source.asset).key].sources
        if source.source >= len(found):
            raise PlimsollError(f"source {source.source} of {source.asset!r}: it has {len(found)}")
        return found[source.source]

    def _read_vault(self, source: VaultConfig) -> tuple[Reading, str]:
        vault: Any = self._chain.at("MockVault", self._token)
        underlying = self._protocol.asset(source.asset)
        if vault.asset() != underlying.token.address:
            raise PlimsollError(f"the vault is of {vault.asset()}, not of {source.asset}")
        sample = sample_of(source, self._asset)
        redeemed = vault.previewRedeem(sample)
        answers = vault_share.Answers(
            redeemed,
            vault.convertToAssets(sample),
            vault.previewMint(sample),
            vault.previewDeposit(redeemed),
            vault.previewWithdraw(redeemed),
            vault.convertToShares(redeemed),
        )
        parent = self._parent(source)
        if parent.reading is None:
            raise PlimsollError(f"source {source.source} of {source.asset} does not answer")
        settings = vault_share.Parameters(sample, source.yearly_cap)
        most = source.anchor * source.sample * int(10**underlying.decimals) // WAD
        anchor = vault_share.first_anchor(settings, answers, most, parent.reading, self._world.now)
        reading = vault_share.read(settings, anchor, redeemed, parent.reading, self._world.now)
        share = show(from_wad(redeemed * WAD // (source.sample * 10**underlying.decimals)), 6)
        return reading, f"a vault whose share redeems {share} {source.asset}, its round trip is fair"
