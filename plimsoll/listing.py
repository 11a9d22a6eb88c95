"""Listing an asset: what is checked against the chain before anything is sent, what is deployed, what the owner calls.

    listing = Listing(protocol, config.load_asset(path), world)
    for check in listing.checks(): ...
    manifest = listing.deploy(sender)
    calls = listing.calls(manifest)

Readings of sources that do not exist yet are computed by the model from what their venues say now, so that
disagreement, thin markets, missing history and unfair vaults show before there is anything to pay for. An asset that is
listed is compared with the file (`differences`), and what a change of its margin does to the accounts there are comes
first (`plimsoll.risk.effect`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from plimsoll.chain import ZERO_ADDRESS, Chain, Contract, Revert
from plimsoll.chain.abi import contract_abi
from plimsoll.config import AssetConfig, SourceConfig, TwapConfig
from plimsoll.deploy import depth_role, pool_arguments, pool_role, source_role
from plimsoll.errors import PlimsollError, from_reason
from plimsoll.governance import Call
from plimsoll.listing_report import NO_SUCH_CALLER, Check, Result, check_token, check_transfer
from plimsoll.manifest import Deployed, ListedAsset, Manifest, code_hash, plain
from plimsoll.model import margin_rate, price_oracle, volatility
from plimsoll.model.price_source import Reading
from plimsoll.protocol import Protocol
from plimsoll.risk.read import REACH
from plimsoll.risk.tables import money, precise, rate
from plimsoll.risk.transfers import Received
from plimsoll.risk.venues import Venues
from plimsoll.risk.world import AssetFacts, World
from plimsoll.screen import percent
from plimsoll.units import WAD, from_raw, from_wad, show

CAPS_OVER_DEPTH = 10
"""Caps above so many times the depth of the market are pointed out."""
MILLION = 10**6
_COUNTS = ("min_sources", "interval", "window", "fast_half_life", "slow_half_life", "patience")
"""Parameters that are numbers or seconds; the others are rates and fractions."""
STATUSES = ("OK", "WIDE", "STALE", "DEAD")


@dataclass(frozen=True, slots=True)
class OwnerCall:
    """A call that only the owner makes: the role of the contract, the function, its arguments."""

    role: str
    function: str
    arguments: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """What the file wants otherwise than the chain has it."""

    field: str
    found: str
    wanted: str


class Listing:
    """One asset of a file beside a deployment, whose state is `world`. PlimsollError if its token is unknown.

    `holders` may have some of the token, for a simulated transfer; its market is asked last.
    """

    def __init__(
        self,
        protocol: Protocol,
        asset: AssetConfig,
        world: World,
        *,
        holders: Sequence[str] = (),
    ) -> None:
        self.protocol = protocol
        self.chain: Chain = protocol.chain
        self.asset = asset
        self.world = world
        self.token = self._token()
        self.received: Received | None = None
        """How to find what arrives of a transfer."""
        self._holders = holders
        self.venues = Venues(protocol, world, asset, self.token)
        self._readings: list[Reading | None] = []

    @property
    def key(self) -> int:
        """The asset's key; 0 while it is not listed."""
        key: int = self.protocol.risk_engine.key_of(self.token)
        return key

    @property
    def owner(self) -> str:
        """Who owns the risk engine."""
        owner: str = self.protocol.risk_engine.owner()
        return owner

    def is_executed(self) -> bool:
        """Return whether it is listed with the pool that the manifest has for it, whose assets miss it."""
        manifest = self.protocol.manifest
        pool = manifest.contracts.get(pool_role(self.asset))
        if self.asset.symbol in manifest.assets or pool is None:
            return False
        return bool(self.protocol.engine.asset_of(self.token)[1] == pool.address)

    def facts(self) -> AssetFacts:
        """Return the listed asset's state; PlimsollError while it is not listed."""
        if self.key not in self.world.assets:
            raise PlimsollError(f"{self.asset.symbol} is not listed here: leave out --change")
        return self.world.assets[self.key]

    # What is checked

    def checks(self) -> list[Check]:
        """Return the whole report of an asset that is to be listed."""
        found = list(self._check_token())
        if any(check.result is Result.FAIL for check in found):
            return found
        found += self._check_transfer()
        for index, source in enumerate(self.asset.sources):
            found += self._check_source(index, source)
        found += self._check_agreement()
        found += self._check_depth()
        found += self._check_margin()
        found += self._check_pool()
        found += self._check_owner()
        return found

    def change_checks(self) -> list[Check]:
        """Return the report of an asset that is listed and is to be changed."""
        found = list(self._check_same_contracts())
        found += self._check_depth()
        found += self._check_margin()
        found += self._check_pool()
        found += self._check_owner()
        return found

    def _check_token(self) -> Iterator[Check]:
        decimals = yield from check_token(self.chain, self.token, self.token)
        if decimals is None:
            return
        wanted = self.asset.decimals
        same = decimals == wanted
        text = f"{decimals} decimals" if same else f"it has {decimals} decimals, the file says {wanted}"
        yield Check("token", Result.HOLDS if same else Result.FAIL, text)
        if self.key:
            yield Check("token", Result.FAIL, f"it is listed already, as {self.key:#x}: use --change")
        if self.asset.symbol in self.protocol.assets:
            yield Check("token", Result.FAIL, f"{self.asset.symbol} is the symbol of another asset of this deployment")

    def _check_transfer(self) -> Iterator[Check]:
        try:
            market = self.venues.first_market() or ZERO_ADDRESS
        except PlimsollError:
            market = ZERO_ADDRESS
        holders = [*self._holders, market]
        yield from check_transfer(self.chain, self.token, holders, self.asset.decimals, self.received)

    def _check_source(self, index: int, source: SourceConfig) -> Iterator[Check]:
        name = f"source {index}"
        reading: Reading | None = None
        try:
            reading, said = self.venues.read(source)
        except ValueError as error:
            said = str(error)
        except Revert as error:
            said = f"its venue does not answer: {error}"
        except PlimsollError as error:
            said = str(error)
        self._readings.append(reading)
        if reading is None or not reading.price:
            yield Check(name, Result.FAIL, said)
            return
        state = "trusted" if reading.trusted else "not trusted"
        text = (
            f"{said}: {precise(self._dollars(reading.price))} dollars, {state}, {'fresh' if reading.fresh else 'stale'}"
        )
        yield Check(name, Result.HOLDS if reading.fresh and reading.trusted else Result.FAIL, text)

    def _check_agreement(self) -> Iterator[Check]:
        parameters = self._price_parameters()
        now = self.world.now
        try:
            price_oracle.check(self._readings, parameters, now)
        except ValueError as error:
            yield Check("price", Result.FAIL, str(error))
            return
        price = price_oracle.price(self._readings, parameters, now)
        low, mid, high = (self._dollars(number) for number in price[:3])
        said = f"{STATUSES[price.status]}: bid {precise(low)}, mid {precise(mid)}, ask {precise(high)}"
        if price.status == price_oracle.OK:
            yield Check("price", Result.HOLDS, said)
        else:
            yield Check("price", Result.FAIL, f"{said}; the risk engine lists what is OK only")

    def _check_depth(self) -> Iterator[Check]:
        try:
            depth = self.venues.depth()
        except Revert as error:
            yield Check("depth", Result.FAIL, f"the market does not answer: {error}")
            return
        except (PlimsollError, ValueError) as error:
            yield Check("depth", Result.FAIL, str(error))
            return
        if depth is None:
            yield Check("depth", Result.NOTE, "no market is among the sources: nothing to hold the caps against")
            return
        if not depth:
            yield Check("depth", Result.FAIL, "nothing stands in the market")
            return
        reach = self.asset.depth.reach if self.asset.depth else REACH
        yield Check("depth", Result.HOLDS, f"{money(depth)} move the market by {reach} ticks, at its mean liquidity")
        price = self._mid()
        pool, held = self.asset.pool, self.asset.collateral_cap
        caps = [("supply", pool.supply_cap), ("borrow", pool.borrow_cap), *([("collateral", held)] if held else [])]
        for what, cap in caps:
            worth = cap * price // WAD
            times = from_wad(worth * WAD // depth)
            text = f"the {what} cap is worth {money(worth)}, {show(times, 1)} times the depth"
            yield Check("caps", Result.NOTE if times > CAPS_OVER_DEPTH else Result.HOLDS, text)
        if not held and not self.asset.isolated:
            text = "without collateral_cap only the number of accounts bounds what is held of it against debts"
            yield Check("collateral cap", Result.NOTE, text)

    def _check_margin(self) -> Iterator[Check]:
        parameters, ratio = self.margin_parameters(), self.world.initial_ratio
        base = margin_rate.in_force(self.facts().margin, self.world.now)[0] if self.key else parameters.floor
        try:
            margin_rate.check(parameters, base, ratio, self.world.notice)
        except ValueError as error:
            most = margin_rate.max_ramp_up(min(base, parameters.floor), ratio, self.world.notice)
            unit = margin_rate.RAMP_UNIT
            hint = (
                f"; ramp_up may be {show(from_wad(most // unit * unit), 7)} at most" if "notice" in str(error) else ""
            )
            yield Check("margin", Result.FAIL, f"{error}{hint}")
            return
        initial = margin_rate.initial(parameters.floor, ratio)
        text = f"maintenance from {rate(parameters.floor)}, initial from {rate(initial)}, up to {rate(parameters.cap)}"
        hours = self.world.notice // 3_600
        yield Check("margin", Result.HOLDS, f"{text}; the ramp keeps the notice of {hours} hours")
        yield from self._check_dynamics(parameters)

    def _check_dynamics(self, parameters: margin_rate.Parameters) -> Iterator[Check]:
        dynamics = self.asset.dynamics
        if dynamics is None:
            yield Check(
                "dynamics", Result.NOTE, "its margin follows nothing: the floor and the size term are all there is"
            )
            return
        if "volatility" not in self.protocol.manifest.contracts:
            yield Check("dynamics", Result.FAIL, "the deployment has no VolatilityOracle")
            return
        multiple = volatility.multiple(dynamics.deviations, dynamics.horizon)
        try:
            margin_rate.check_dynamics(multiple, dynamics.impact, dynamics.size_limit, parameters)
        except ValueError as error:
            yield Check("dynamics", Result.FAIL, str(error))
            return
        window = self.venues.window()
        if dynamics.interval < 2 * window:
            text = f"the interval of {dynamics.interval} s is below {2 * window}, twice the slowest mean's window"
            yield Check("dynamics", Result.FAIL, text)
            return
        if dynamics.impact and self.asset.depth is None:
            yield Check("dynamics", Result.FAIL, "an impact needs a measured depth")
            return
        base = max(parameters.floor, min(parameters.cap, -(-multiple * dynamics.start_sigma // WAD)))
        said = f"at a volatility of {rate(dynamics.start_sigma)} the base aimed at is {rate(base)}"
        yield Check("dynamics", Result.HOLDS, said)

    def _check_pool(self) -> Iterator[Check]:
        pool, rates = self.asset.pool, self.asset.pool.rates
        text = (
            f"caps {show(from_raw(pool.supply_cap, self.asset.decimals), 0)} supplied and "
            f"{show(from_raw(pool.borrow_cap, self.asset.decimals), 0)} borrowed, aims at {rate(rates.target)} "
            f"utilised at {rate(rates.start)}, reserve {rate(pool.reserve_factor)}"
        )
        gate = self.asset.gate
        if gate is not None and not self.chain.is_contract(gate):
            yield Check("gate", Result.FAIL, f"there is no contract at {gate}")
        most = "" if pool.borrow_cap <= pool.supply_cap else "; more may be borrowed than supplied"
        yield Check("pool", Result.NOTE if most else Result.HOLDS, text + most)

    def _check_owner(self) -> Iterator[Check]:
        owners = {role: self._at(role).owner() for role in self._owned()}
        if len(set(owners.values())) != 1:
            said = ", ".join(f"{role}: {owner}" for role, owner in owners.items())
            yield Check("owner", Result.FAIL, f"one owner has to make all calls, but there are several: {said}")
            return
        timelock = self.protocol.manifest.contracts.get("timelock")
        is_timelock = timelock is not None and self.owner == timelock.address
        yield Check(
            "owner", Result.HOLDS, f"{self.owner}{', the timelock: --propose' if is_timelock else ': --execute'}"
        )

    def _check_same_contracts(self) -> Iterator[Check]:
        facts = self.facts()
        if facts.decimals != self.asset.decimals:
            text = f"it has {facts.decimals} decimals, the file says {self.asset.decimals}"
            yield Check("token", Result.FAIL, text)
            return
        yield Check("token", Result.HOLDS, f"{facts.symbol}, listed as {facts.key:#x}")
        if facts.isolated != self.asset.isolated:
            yield Check("tier", Result.FAIL, "an asset cannot change its tier")
        if len(facts.sources) != len(self.asset.sources):
            text = f"{len(facts.sources)} are in force, the file has {len(self.asset.sources)}"
            yield Check("sources", Result.FAIL, f"{text}; other sources are another change (RiskEngine.set_sources)")
            return
        for index, source in enumerate(self.asset.sources):
            known = self.protocol.manifest.contracts.get(source_role(self.asset, index))
            name, arguments = self.venues.made_of(source)
            same = known is not None and (known.contract, known.arguments) == (
                name,
                [plain(each) for each in arguments],
            )
            if not same:
                text = f"source {index} in force is another one than the file's {name}"
                yield Check(
                    "sources", Result.FAIL, f"{text}; other sources are another change (RiskEngine.set_sources)"
                )
                return
        yield Check("sources", Result.HOLDS, "those of the file")

    # What there is, and what the file wants

    def differences(self) -> tuple[list[Difference], list[OwnerCall]]:
        """Return what the file changes of a listed asset, and the owner's calls that do it."""
        facts, key = self.facts(), self.key
        pool: Any = self.chain.at("LendingPool", facts.pool.address)
        found: list[Difference] = []
        calls: list[OwnerCall] = []

        def compare(prefix: str, names: Sequence[str], now: Sequence[int], then: Sequence[int]) -> bool:
            changed = [(n, a, b) for n, a, b in zip(names, now, then, strict=True) if a != b]
            found.extend(
                Difference(f"{prefix}.{name}", self._said(name, a), self._said(name, b)) for name, a, b in changed
            )
            return bool(changed)

        prices = self._price_parameters()
        if compare("prices", prices._fields, facts.parameters, prices):
            sources = [source.address for source in facts.sources]
            calls.append(OwnerCall("risk_engine", "set_sources", (key, sources, tuple(prices))))
        wanted = self.margin_parameters()
        set_ = margin_rate.asked(facts.margin, facts.dynamics)
        if compare("margin", wanted._fields, set_, wanted):
            calls.append(OwnerCall("risk_engine", "set_margin", (key, tuple(wanted))))
        calls += self._dynamics_differences(facts, compare)
        settings = self.asset.pool
        role = pool_role(self.asset)
        if compare("pool", ("supply_cap", "borrow_cap"), pool.caps(), (settings.supply_cap, settings.borrow_cap)):
            calls.append(OwnerCall(role, "set_caps", (settings.supply_cap, settings.borrow_cap)))
        if compare("pool", ("reserve_factor", "flash_fee"), pool.fees(), (settings.reserve_factor, settings.flash_fee)):
            calls.append(OwnerCall(role, "set_fees", (settings.reserve_factor, settings.flash_fee)))
        gate, cap = self.asset.gate or ZERO_ADDRESS, self.asset.collateral_cap
        if compare("engine", ("collateral_cap",), (facts.cap or 0,), (cap,)):
            calls.append(OwnerCall("engine", "set_cap", (self.token, cap)))
        if gate != (facts.gate or ZERO_ADDRESS):
            found.append(Difference("engine.gate", facts.gate or "none", self.asset.gate or "none"))
            calls.append(OwnerCall("engine", "set_gate", (self.token, gate)))
        rates = settings.rates.parameters()
        names = ("target", "steepness", "speed", "min_rate", "max_rate")
        if compare("pool.rates", names, tuple(pool.rate_parameters()), rates):
            calls.append(OwnerCall(role, "set_rates", (rates,)))
        return found, calls

    def _dynamics_differences(
        self, facts: AssetFacts, compare: Callable[[str, Sequence[str], Sequence[int], Sequence[int]], bool]
    ) -> list[OwnerCall]:
        calls: list[OwnerCall] = []
        wanted, follows = self.dynamics(), facts.dynamics
        names = ("multiple", "impact", "size_limit")
        now = (follows.multiple, follows.impact, follows.size_limit)
        then = (wanted.multiple, wanted.impact, wanted.size_limit)
        changed = compare("dynamics", names, now, then)
        if self.asset.dynamics is not None:
            oracle = self._at("volatility")
            parameters = self._volatility_parameters()
            if not oracle.last(facts.key)[1]:
                calls.append(OwnerCall("volatility", "add", (facts.key, parameters)))
            else:
                fields = ("interval", "window", "fast_half_life", "slow_half_life", "patience", "max_sigma")
                if compare("dynamics", fields, tuple(oracle.parameters_of(facts.key))[:6], parameters[:6]):
                    calls.append(OwnerCall("volatility", "set_parameters", (facts.key, parameters)))
        if changed:
            calls.append(self._set_dynamics(facts.key, self.protocol.manifest))
        return calls

    def margin_parameters(self) -> margin_rate.Parameters:
        """Return the file's margin parameters."""
        return margin_rate.Parameters(*self.asset.margin.parameters())

    def dynamics(self) -> margin_rate.Dynamics:
        """Return the file's dynamics; none where it has none."""
        parameters, wanted = self.margin_parameters(), self.asset.dynamics
        first = margin_rate.first_dynamics(parameters)
        if wanted is None:
            return first
        multiple = volatility.multiple(wanted.deviations, wanted.horizon)
        return first._replace(multiple=multiple, impact=wanted.impact, size_limit=wanted.size_limit)

    # Deploying and calling

    def deploy(
        self,
        sender: str,
        reached: Callable[[Manifest], None] = lambda manifest: None,
        progress: Callable[[int, int, str], None] = lambda number, total, title: None,
    ) -> Manifest:
        """Deploy the pool, the sources and the depth; return the manifest with them. What it has already is taken over.

        The pool and a vault's source belong to the protocol's owner from the start. PlimsollError when a contract in
        one of the roles was made from other parameters, or a deployment fails.
        """
        steps: list[tuple[str, str, tuple[Any, ...]]] = [
            (pool_role(self.asset), "LendingPool", self._pool_arguments()),
            *(
                (source_role(self.asset, i), *self.venues.made_of(source))
                for i, source in enumerate(self.asset.sources)
            ),
        ]
        manifest = self.protocol.manifest
        total = len(steps) + (self.asset.depth is not None)
        for number, (role, name, arguments) in enumerate(steps):
            progress(number, total, f"{self.asset.symbol}: deploy {name}")
            manifest = self._deploy(manifest, role, name, arguments, sender)
            reached(manifest)
        if self.asset.depth is not None:
            progress(total - 1, total, f"{self.asset.symbol}: deploy UniswapV3Depth")
            mean = next(i for i, source in enumerate(self.asset.sources) if isinstance(source, TwapConfig))
            arguments = (manifest.address(source_role(self.asset, mean)), self.asset.depth.reach)
            manifest = self._deploy(manifest, depth_role(self.asset), "UniswapV3Depth", arguments, sender)
            reached(manifest)
        progress(total, total, "")
        return manifest

    def calls(self, manifest: Manifest) -> list[OwnerCall]:
        """Return the owner's calls that list the asset, in order.

        Those that name its key come last; of an isolated-tier asset, whose number anybody's listing may take before,
        they are left out: `--change` makes them once it is listed.
        """
        sources = [manifest.address(source_role(self.asset, i)) for i in range(len(self.asset.sources))]
        prices, margin = tuple(self._price_parameters()), tuple(self.margin_parameters())
        found = [
            OwnerCall("risk_engine", "list_asset", (self.token, self.asset.isolated, sources, prices, margin)),
            OwnerCall("engine", "add_asset", (self.token, manifest.address(pool_role(self.asset)))),
        ]
        if self.asset.collateral_cap:
            found.append(OwnerCall("engine", "set_cap", (self.token, self.asset.collateral_cap)))
        if self.asset.gate is not None:
            found.append(OwnerCall("engine", "set_gate", (self.token, self.asset.gate)))
        if self.asset.dynamics is not None and not self.asset.isolated:
            key = 1 << self.protocol.risk_engine.asset_counts()[0]
            found.append(OwnerCall("volatility", "add", (key, self._volatility_parameters())))
            found.append(self._set_dynamics(key, manifest))
        return found

    def tokens_listed_by(self, calls: Sequence[Call]) -> list[str]:
        """Return the tokens that calls of a timelock would list."""
        risk_engine = self.protocol.risk_engine
        found = []
        for call in calls:
            function = contract_abi(risk_engine.abi).function_of(call.payload[:4])
            if call.target == risk_engine.address and function is not None and function.name == "list_asset":
                found.append(str(function.decode_arguments(call.payload[4:])["token"]))
        return found

    def rehearse(self, call: OwnerCall) -> None:
        """Raise what the contract would say to the owner's call now; nothing is sent.

        Nothing is said on a chain that makes no call for an owner who is a contract.
        """
        contract = self._at(call.role)
        try:
            self.chain.simulate(contract, contract.method(call.function).encode(*call.arguments), sender=self.owner)
        except Revert as error:
            if NO_SUCH_CALLER in error.halt:
                return
            reason = from_reason(error.reason, None, error.halt)
            raise PlimsollError(f"{call.role}.{call.function}: {reason}") from error

    def listed(self, manifest: Manifest) -> Manifest:
        """Return the manifest with the asset, once it is listed."""
        entry = ListedAsset(
            token=self.token,
            decimals=self.asset.decimals,
            key=hex(self.key),
            pool=manifest.address(pool_role(self.asset)),
            isolated=self.asset.isolated,
            sources=[source_role(self.asset, i) for i in range(len(self.asset.sources))],
        )
        return replace(manifest, assets={**manifest.assets, self.asset.symbol: entry})

    # Inside

    def _token(self) -> str:
        lent = self.asset.shares_of
        if lent is not None:
            return self.protocol.asset(lent).pool.address
        if self.asset.token is None:
            known = self.protocol.assets.get(self.asset.symbol)
            if known is None:
                raise PlimsollError(f"assets.{self.asset.symbol}.token: is missing: only a devnet deploys it")
            return known.token.address
        return self.asset.token

    def _at(self, role: str) -> Any:
        manifest = self.protocol.manifest
        known = manifest.contracts.get(role)
        if known is None:
            raise PlimsollError(f"the deployment has no contract in the role {role!r}")
        return self.chain.at(known.contract, known.address)

    def _owned(self) -> list[str]:
        roles = ["risk_engine", "engine"]
        if self.asset.dynamics is not None and "volatility" in self.protocol.manifest.contracts:
            roles.append("volatility")
        return [*roles, pool_role(self.asset)] if self.key else roles

    def _price_parameters(self) -> price_oracle.Parameters:
        return price_oracle.Parameters(*self.asset.prices.parameters())

    def _volatility_parameters(self) -> tuple[int, ...]:
        wanted = self.asset.dynamics
        assert wanted is not None
        return wanted.volatility_parameters(self.venues.window())

    def _set_dynamics(self, key: int, manifest: Manifest) -> OwnerCall:
        follows = self.dynamics()
        oracle = manifest.address("volatility") if follows.multiple else ZERO_ADDRESS
        depth = manifest.address(depth_role(self.asset)) if follows.impact else ZERO_ADDRESS
        wanted = (oracle, follows.multiple, depth, follows.impact, follows.size_limit)
        return OwnerCall("risk_engine", "set_dynamics", (key, wanted))

    def _mid(self) -> int:
        if self.key:
            return self.facts().price.mid
        return price_oracle.price(self._readings, self._price_parameters(), self.world.now).mid

    def _dollars(self, price: int) -> Any:
        return from_raw(price, 36 - self.asset.decimals)

    def _said(self, name: str, value: int) -> str:
        """Return a parameter as a person writes it into the file."""
        if name.endswith("_cap"):
            return f"{show(from_raw(value, self.asset.decimals), 0)} {self.asset.symbol}"
        if name == "size_slope":
            return f"{rate(value * MILLION)} per million"
        return f"{value:,}" if name in _COUNTS else percent(from_wad(value), 4)

    def _pool_arguments(self) -> tuple[Any, ...]:
        engine, fund = self.protocol.engine, self.protocol.reserve_fund
        return pool_arguments(self.asset.pool, self.token, engine, fund, self.owner, engine.guardian())

    def _deploy(self, manifest: Manifest, role: str, name: str, arguments: tuple[Any, ...], sender: str) -> Manifest:
        wanted = [plain(each) for each in arguments]
        known = manifest.contracts.get(role)
        if known is not None:
            if (known.contract, known.arguments) != (name, wanted):
                raise PlimsollError(
                    f"{role} was deployed from other parameters: take it out of the manifest to begin anew"
                )
            return manifest
        try:
            contract: Contract = self.chain.deploy(name, *arguments, sender=sender)
        except Revert as error:
            reason = from_reason(error.reason, None, error.halt)
            raise PlimsollError(f"deploying {name}: {reason}") from error
        record = Deployed(name, contract.address, wanted, code_hash(self.chain.code(contract.address)))
        return replace(manifest, contracts={**manifest.contracts, role: record})
