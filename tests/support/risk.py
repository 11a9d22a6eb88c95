"""A risk engine on a chain beside its model, and the numbers that tests of it start from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, cast

from eth_utils.crypto import keccak

from plimsoll.chain import ZERO_ADDRESS, Contract, Receipt, RevmChain
from plimsoll.model import exposure, margin_rate, price_oracle, risk_engine
from plimsoll.model.cure import LastGood
from plimsoll.model.liquidation_auction import Values
from plimsoll.model.margin_rate import NEVER, NO_ANSWER, Dynamics, Margin, Measured
from plimsoll.model.price_oracle import NO_CLOCK, NO_SILENCE, Clock, Price, Silence
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


class Gauges(NamedTuple):
    """What an asset's margin follows, each a contract that answers what it is told, or the zero address."""

    volatility: Any
    depth: Any


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
    silences: dict[int, Silence] = field(default_factory=dict)
    last_good: dict[int, LastGood] = field(default_factory=dict)
    curing: bool = False
    backing: set[tuple[int, int]] = field(default_factory=set)
    dynamics: dict[int, Dynamics] = field(default_factory=dict)
    gauges: dict[int, Gauges] = field(default_factory=dict)
    measured: dict[int, Measured] = field(default_factory=dict)

    @classmethod
    def deploy(
        cls,
        chain: RevmChain,
        *,
        initial_ratio: int = INITIAL_RATIO,
        notice: int = NOTICE,
        wide_delay: int = WIDE_DELAY,
        sequencer: str = ZERO_ADDRESS,
        cure_window: int = 0,
    ) -> Risk:
        """Deploy an engine with nothing listed."""
        deployer, owner, guardian, stranger = chain.accounts()[:4]
        arguments = (initial_ratio, notice, wide_delay, sequencer, cure_window, owner, guardian)
        engine = chain.deploy("RiskEngine", *arguments, sender=deployer)
        return cls(chain, engine, owner, guardian, stranger, initial_ratio, notice, wide_delay)

    @staticmethod
    def selector(signature: str) -> bytes:
        """Return the first four bytes of a call."""
        return bytes(keccak(text=signature)[:4])

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
        self.dynamics[key] = margin_rate.first_dynamics(margin)
        return key

    def answer(self, key: int, *answers: Answer) -> None:
        """Make the sources of an asset answer this from now on, in their order."""
        for source, answer in zip(self.sources[key], answers, strict=True):
            if answer is None:
                source.set_revert(sender=self.owner)
            else:
                source.set_reading(answer, sender=self.owner)
        self.answers[key] = list(answers)

    def set_margin(self, key: int, parameters: margin_rate.Parameters) -> Receipt:
        """Set new parameters, on the chain and in the model."""
        receipt = self.engine.set_margin(key, parameters, sender=self.owner)
        now, measured = self.chain.timestamp(), self.measured.get(key, NO_ANSWER)
        self.margins[key], self.dynamics[key] = margin_rate.set_margin(
            self.margins[key], self.dynamics[key], parameters, measured, now
        )
        return cast(Receipt, receipt)

    def set_dynamics(self, key: int, multiple: int = 0, impact: int = 0, size_limit: int = 0) -> Receipt:
        """Let an asset's margin follow gauges that answer nothing yet, on the chain and in the model."""
        gauges = self.gauges.get(key) or Gauges(
            *(self.chain.deploy("ScriptedAnswers", sender=self.owner) for _ in "vd")
        )
        self.gauges[key] = gauges
        parameters = (
            gauges.volatility if multiple else ZERO_ADDRESS,
            multiple,
            gauges.depth if impact else ZERO_ADDRESS,
            impact,
            size_limit,
        )
        receipt = self.engine.set_dynamics(key, parameters, sender=self.owner)
        now, measured = self.chain.timestamp(), self.measured.get(key, NO_ANSWER)
        self.margins[key], self.dynamics[key] = margin_rate.set_dynamics(
            self.margins[key], self.dynamics[key], multiple, impact, size_limit, measured, now
        )
        return cast(Receipt, receipt)

    def measure(self, key: int, sigma: int | None = None, due: int = NEVER - 1, depth: int | None = None) -> None:
        """Let an asset's gauges answer this from now on; None for a gauge that reverts."""
        self.measured[key] = Measured(None if sigma is None else (sigma, due), depth)
        gauges = self.gauges[key]
        for gauge, name, words in (
            (gauges.volatility, "measure(uint256)", None if sigma is None else (sigma, due)),
            (gauges.depth, "depth()", None if depth is None else (depth,)),
        ):
            answer = b"".join(word.to_bytes(32, "big") for word in words or ())
            gauge.script(self.selector(name), int(words is None), answer, sender=self.owner)

    def poke(self, key: int) -> Receipt:
        """Poke, on the chain and in the model."""
        receipt = self.engine.poke(key, sender=self.stranger)
        now, measured = self.chain.timestamp(), self.measured.get(key, NO_ANSWER)
        margin, self.dynamics[key] = margin_rate.aim(self.margins[key], self.dynamics[key], measured, now)
        self.margins[key] = margin_rate.settle(margin, now)
        return cast(Receipt, receipt)

    def dynamics_of(self, key: int) -> Dynamics:
        """Return what the chain says that an asset's margin follows."""
        state = self.engine.dynamics_of(key)
        assert (state.volatility != ZERO_ADDRESS, state.depth != ZERO_ADDRESS) == (
            state.multiple != 0,
            state.impact != 0,
        )
        return Dynamics(state.multiple, state.impact, state.size_limit, state.floor, state.size_slope, state.due)

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
        self.silences.pop(key, None)
        return cast(Receipt, receipt)

    def silence(self, key: int, index: int, duration: int) -> Receipt:
        """Silence a source as the guardian, on the chain and in the model."""
        receipt = self.engine.silence(key, index, duration, sender=self.guardian)
        last, count, now = self.silences.get(key, NO_SILENCE), len(self.sources[key]), self.chain.timestamp()
        self.silences[key] = price_oracle.silence(last, count, index, duration, self.notice, now)
        return cast(Receipt, receipt)

    def sampled(self, key: int, price: int, time: int) -> Any:
        """Let the asset's volatility source say that this was its last good price; return the source."""
        source: Any = self.chain.deploy("ScriptedAnswers", sender=self.owner)
        answer = price.to_bytes(32, "big") + time.to_bytes(32, "big")
        source.script(self.selector("last(uint256)"), 0, answer, sender=self.owner)
        self.engine.set_dynamics(key, (source, 1, ZERO_ADDRESS, 0, 0), sender=self.owner)
        self.last_good[key] = LastGood(price, time)
        return source

    def set_backing(self, isolated: int, debt: int, allowed: bool = True) -> Receipt:
        """Say as the owner what an isolated-tier asset may back, on the chain and in the model."""
        receipt = self.engine.set_backing(isolated, debt, allowed, sender=self.owner)
        (self.backing.add if allowed else self.backing.discard)((isolated, debt))
        return cast(Receipt, receipt)

    def price(self, key: int) -> Price:
        """Return what the chain says of one asset."""
        return Price(*self.engine.prices([key])[0])

    def model_price(self, key: int) -> Price:
        """Return what the model says of one asset."""
        if key not in self.answers:
            return price_oracle.NO_PRICE
        silence = self.silences.get(key, NO_SILENCE)
        return price_oracle.price(self.answers[key], self.parameters[key], self.chain.timestamp(), silence)

    def assess(self, exposures: Sequence[int], stress: Sequence[int] = ()) -> risk_engine.Health:
        """Return what the chain says of exposures."""
        return risk_engine.Health(*self.engine.assess(list(exposures), list(stress)))

    def model_health(self, exposures: Sequence[int], stress: Sequence[int] = ()) -> risk_engine.Health:
        """Return what the model says of exposures."""
        keys = {exposure.unpack(packed)[0] for packed in exposures}
        prices = {key: self.model_price(key) for key in keys}
        now, ratio = self.chain.timestamp(), self.initial_ratio
        return risk_engine.assess(
            exposures, stress, prices, self.margins, ratio, now, self.backing, dynamics=self.dynamics
        )

    def assess_liquidation(self, exposures: Sequence[int]) -> Values:
        """Return what the chain says of exposures as liquidation sees them."""
        said = self.engine.assess_liquidation(list(exposures))
        assert said.initial_ratio == self.initial_ratio
        return Values(*said[:-1])

    def model_values(self, exposures: Sequence[int]) -> Values:
        """Return what the model says of exposures as liquidation sees them."""
        keys = {exposure.unpack(packed)[0] for packed in exposures}
        prices = {key: self.model_price(key) for key in keys}
        now = self.chain.timestamp()
        return risk_engine.assess_liquidation(
            exposures, prices, self.clocks, self.margins, self.wide_delay, now, self.last_good, self.curing
        )
