"""A risk engine on a chain beside its model, and the numbers that tests of it start from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from plimsoll.chain import Contract, Receipt, RevmChain
from plimsoll.model import exposure, margin_rate, price_oracle, risk_engine
from plimsoll.model.liquidation_auction import Values
from plimsoll.model.margin_rate import Margin
from plimsoll.model.price_oracle import NO_CLOCK, Clock, Price
from plimsoll.model.price_source import Reading

WAD = 10**18
PERCENT = 10**16
BPS = 10**14
HOUR = 3_600
DAY = 86_400

INITIAL_RATIO = 15 * 10**17
NOTICE = DAY
WIDE_DELAY = 2 * HOUR

DOLLAR_6 = 10**30
"""Price of a raw unit of a dollar token with 6 decimals."""
ETHER_18 = 2_000 * WAD
"""Price of a raw unit of a 2,000 dollar token with 18 decimals."""

PRICES = price_oracle.Parameters(
    min_sources=1, max_deviation=1 * PERCENT, min_spread=10 * BPS, spread_growth=5 * BPS, max_spread=2 * PERCENT
)
MARGIN = margin_rate.Parameters(
    floor=5 * PERCENT, cap=20 * PERCENT, size_slope=10**10, ramp_up=8 * 10**14, ramp_down=1 * PERCENT
)

Answer = Reading | None
"""What a source is made to answer; None reverts."""


def reading(
    price: int, now: int, *, clamped: int | None = None, age: int = 0, fresh: int = 1, trusted: int = 1
) -> Reading:
    """Return a source's answer as of `age` seconds before `now`."""
    return Reading(price, price if clamped is None else clamped, now - age, fresh, trusted)


@dataclass
class Risk:
    """A RiskEngine, its people, and the model's state of every asset listed through `list_asset`."""

    chain: RevmChain
    engine: Any
    owner: str
    guardian: str
    stranger: str
    initial_ratio: int
    notice: int
    wide_delay: int
    sources: dict[int, list[Any]] = field(default_factory=dict)
    answers: dict[int, list[Answer]] = field(default_factory=dict)
    parameters: dict[int, price_oracle.Parameters] = field(default_factory=dict)
    margins: dict[int, Margin] = field(default_factory=dict)
    clocks: dict[int, Clock] = field(default_factory=dict)

    @classmethod
    def deploy(
        cls,
        chain: RevmChain,
        *,
        initial_ratio: int = INITIAL_RATIO,
        notice: int = NOTICE,
        wide_delay: int = WIDE_DELAY,
    ) -> Risk:
        """Deploy an engine with nothing listed."""
        deployer, owner, guardian, stranger = chain.accounts()[:4]
        engine = chain.deploy("RiskEngine", initial_ratio, notice, wide_delay, owner, guardian, sender=deployer)
        return cls(chain, engine, owner, guardian, stranger, initial_ratio, notice, wide_delay)

    def token(self, decimals: int = 18) -> Contract:
        """Deploy a token."""
        return self.chain.deploy("MockERC20", "Token", "TKN", decimals, sender=self.owner)

    def source(self, price: int = ETHER_18) -> Any:
        """Deploy a source that answers a fresh, trusted price."""
        source: Any = self.chain.deploy("MockPriceSource", sender=self.owner)
        source.set_price(price, sender=self.owner)
        return source

    def list_asset(
        self,
        *prices: int,
        isolated: bool = False,
        parameters: price_oracle.Parameters = PRICES,
        margin: margin_rate.Parameters = MARGIN,
    ) -> int:
        """List a new token with one source per price (one of 2,000 dollars if there is none); return its key."""
        sources = [self.source(price) for price in prices or (ETHER_18,)]
        receipt = self.engine.list_asset(self.token(), isolated, sources, parameters, margin, sender=self.owner)
        key: int = receipt.return_value
        now = self.chain.timestamp()
        self.sources[key] = sources
        self.answers[key] = [reading(price, now) for price in prices or (ETHER_18,)]
        self.parameters[key] = parameters
        self.margins[key] = margin_rate.list_asset(margin, now)
        return key

    def answer(self, key: int, *answers: Answer) -> None:
        """Make the sources of an asset answer this from now on, in their order."""
        for source, answer in zip(self.sources[key], answers, strict=True):
            if answer is None:
                source.set_revert(sender=self.owner)
            else:
                source.set_reading(answer, sender=self.owner)
        self.answers[key] = list(answers)

    def set_margin(self, key: int, parameters: margin_rate.Parameters) -> None:
        """Set new targets, on the chain and in the model."""
        self.engine.set_margin(key, parameters, sender=self.owner)
        self.margins[key] = margin_rate.set_target(self.margins[key], parameters, self.chain.timestamp())

    def poke(self, key: int) -> None:
        """Poke, on the chain and in the model."""
        self.engine.poke(key, sender=self.stranger)
        self.margins[key] = margin_rate.settle(self.margins[key], self.chain.timestamp())

    def mark(self, *keys: int) -> Receipt:
        """Mark, on the chain and in the model."""
        receipt = self.engine.mark(list(keys), sender=self.stranger)
        for key in keys:
            status = self.model_price(key).status
            self.clocks[key] = price_oracle.mark(self.clocks.get(key, NO_CLOCK), status, self.chain.timestamp())
        return cast(Receipt, receipt)

    def clock(self, key: int) -> Clock:
        """Return what the chain says of an asset's clock."""
        return Clock(*self.engine.not_ok_since(key))

    def set_sources(self, key: int, *prices: int) -> Receipt:
        """Give an asset new sources that answer these prices, on the chain and in the model."""
        sources = [self.source(price) for price in prices]
        receipt = self.engine.set_sources(key, sources, self.parameters[key], sender=self.owner)
        now = self.chain.timestamp()
        self.sources[key] = sources
        self.answers[key] = [reading(price, now) for price in prices]
        self.clocks[key] = NO_CLOCK
        return cast(Receipt, receipt)

    def price(self, key: int) -> Price:
        """Return what the chain says of one asset."""
        return Price(*self.engine.prices([key])[0])

    def model_price(self, key: int) -> Price:
        """Return what the model says of one asset."""
        if key not in self.answers:
            return price_oracle.NO_PRICE
        return price_oracle.price(self.answers[key], self.parameters[key], self.chain.timestamp())

    def assess(self, exposures: Sequence[int], stress: Sequence[int] = ()) -> risk_engine.Health:
        """Return what the chain says of exposures."""
        return risk_engine.Health(*self.engine.assess(list(exposures), list(stress)))

    def model_health(self, exposures: Sequence[int], stress: Sequence[int] = ()) -> risk_engine.Health:
        """Return what the model says of exposures."""
        keys = {exposure.unpack(packed)[0] for packed in exposures}
        prices = {key: self.model_price(key) for key in keys}
        return risk_engine.assess(exposures, stress, prices, self.margins, self.initial_ratio, self.chain.timestamp())

    def assess_liquidation(self, exposures: Sequence[int]) -> Values:
        """Return what the chain says of exposures as liquidation sees them."""
        return Values(*self.engine.assess_liquidation(list(exposures)))

    def model_values(self, exposures: Sequence[int]) -> Values:
        """Return what the model says of exposures as liquidation sees them."""
        keys = {exposure.unpack(packed)[0] for packed in exposures}
        prices = {key: self.model_price(key) for key in keys}
        now = self.chain.timestamp()
        return risk_engine.assess_liquidation(exposures, prices, self.clocks, self.margins, self.wide_delay, now)
