"""A keeper's configuration: one TOML file, every field checked before anything is done. `config/keeper.toml` documents
every field. Secrets are never in it: it says where the key is, and an endpoint with a secret in it is named by an
environment variable. What looks like a private key is refused wherever it stands.

The first thing that is wrong raises a `ConfigError` whose message is ``path: what is wrong``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from plimsoll.errors import ConfigError
from plimsoll.fields import Bound, Table, parse_toml, read_text
from plimsoll.keeper import pricing
from plimsoll.keeper.fees import FeePolicy
from plimsoll.keeper.keys import KeySource, check_source
from plimsoll.keeper.log import LEVELS
from plimsoll.keeper.pricing import PricingModel
from plimsoll.keeper.rpc import RetryPolicy
from plimsoll.keeper.sender import MOST_GAS_IN_FLIGHT, SendPolicy
from plimsoll.units import WAD

GWEI = 10**9
NEVER, PAID, ALWAYS = "never", "paid", "always"

_KEY_LIKE = re.compile(r"^(0x)?[0-9a-fA-F]{64}$")
_ENV = "env:"

_CHAIN_ID = Bound(1, 2**64 - 1)
_SECONDS = Bound(Decimal("0.01"), 3_600)
_FEE = Bound(0, 1_000_000)
_DOLLARS = Bound(Decimal(-1_000_000), Decimal(1_000_000))
_PRICE = Bound(0, 10**9, open_low=True)
_ETHER = Bound(0, 10_000)
_SHARE = Bound(0, 1)
_GAS = Bound(1_000_000, 10**9)
_HAIRCUT = Bound(0, Decimal("0.2"))


@dataclass(frozen=True, slots=True)
class ChainConfig:
    """The chain and how to reach it. `rpc` are URLs; `poll` seconds; `manifest` None for the chain's own."""

    chain_id: int
    rpc: tuple[str, ...] = field(repr=False)
    poll: float
    retry: RetryPolicy
    manifest: Path | None


@dataclass(frozen=True, slots=True)
class PrivateConfig:
    """A private endpoint; see `sender.PrivatePolicy`."""

    url: str = field(repr=False)
    method: str
    public_after: int


@dataclass(frozen=True, slots=True)
class GasConfig:
    """What gas may cost. `ether_price` is WAD dollars, `ether_asset` the symbol whose oracle price is ether's.

    `profit_share` (WAD) of an action's expected profit is the most its gas may cost, `least_budget` (WAD dollars) what
    it may cost at least; `limit_margin` (percent) is added to an estimated gas limit.
    """

    ether_asset: str
    ether_price: int
    profit_share: int
    least_budget: int
    limit_margin: int


@dataclass(frozen=True, slots=True)
class RouteConfig:
    """How to trade the first symbol of a path for the last: pool fees between them, and the swapper (None: the
    deployment's)."""

    path: tuple[str, ...]
    fees: tuple[int, ...]
    swapper: str | None


@dataclass(frozen=True, slots=True)
class ActionConfig:
    """What the keeper does besides taking: start auctions (never, when the starter's part pays, always), and the
    housekeeping that pays nobody. `checkpoint` is for Uniswap means, `sample` for volatilities, `aim` for the margins
    that follow them."""

    start: str
    take: bool
    cancel: bool
    write_off: bool
    poke: bool
    mark: bool
    checkpoint: bool = False
    sample: bool = False
    aim: bool = False


@dataclass(frozen=True, slots=True)
class OrderConfig:
    """How protection orders are executed.

    `inbox` is the folder for signed orders, `minimum_profit` (WAD dollars) what is left of a fee after gas, `poke`
    (WAD) the part by which the best of a trailing order must have moved to be shown on chain; 0 is never.
    """

    inbox: Path
    minimum_profit: int
    poke: int


@dataclass(frozen=True, slots=True)
class TakeConfig:
    """How a take is done.

    `fractions` (WAD) of what is allowed are tried, each with every `surplus` (WAD): how much more than a debt's value
    is bought for it. `haircut` (WAD) is the part of the collateral that is not sold but kept; `blocks` how long a take
    stays wanted.
    """

    fractions: tuple[int, ...]
    surplus: tuple[int, ...]
    haircut: int
    blocks: int
    use_wallet: bool


@dataclass(frozen=True, slots=True)
class KeeperConfig:
    """A whole file."""

    chain: ChainConfig
    key: KeySource
    private: PrivateConfig | None
    folder: Path
    account_index: int
    accounts: int
    dry_run: bool
    fees: FeePolicy
    sending: SendPolicy
    gas: GasConfig
    minimum_profit: int
    pricing: PricingModel
    pricing_name: str
    take: TakeConfig
    actions: ActionConfig
    orders: OrderConfig | None
    routes: tuple[RouteConfig, ...]
    metrics: tuple[str, int] | None
    log_level: str
    log_file: Path | None


def load(path: Path, environment: Mapping[str, str] = os.environ) -> KeeperConfig:
    """Read and check a file; ConfigError, one line, for whatever is wrong first. Its paths are relative to itself."""
    text = read_text(path)
    try:
        return parse(text, path.parent, environment)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None


def parse(text: str, base: Path, environment: Mapping[str, str] = os.environ) -> KeeperConfig:
    """Check the text of a file whose relative paths start at `base`."""
    whole = parse_toml(text)
    _refuse_keys({name: whole.anything(name) for name in whole.names()}, "")
    root = parse_toml(text)
    keeper = _keeper(root.table("keeper"), base)
    config = KeeperConfig(
        chain=_chain(root.table("chain"), base, environment),
        key=_key(root.table("key"), base),
        private=_private(root.table("private"), environment) if root.has("private") else None,
        fees=_fees(root.table("fees")),
        gas=_gas(root.table("gas")),
        sending=_sending(root.table("sending")),
        take=_take(root.table("take")),
        actions=_actions(root.table("actions")),
        orders=_orders(root.table("orders"), base, keeper["folder"]) if root.has("orders") else None,
        routes=tuple(_route(table) for table in root.table_list("routes")) if root.has("routes") else (),
        metrics=_metrics(root.table("metrics")) if root.has("metrics") else None,
        **keeper,
        **_pricing(root.table("pricing")),
        **_log(root.table("log"), base),
    )
    root.finish()
    return config


def _chain(table: Table, base: Path, environment: Mapping[str, str]) -> ChainConfig:
    urls = table.texts("rpc")
    if not urls:
        raise ConfigError(f"{table.at('rpc')}: names no endpoint")
    return table.done(
        ChainConfig(
            chain_id=table.whole("id", _CHAIN_ID),
            rpc=tuple(_endpoint(url, f"{table.at('rpc')}[{i}]", environment) for i, url in enumerate(urls)),
            poll=_number(table, "poll", _SECONDS),
            retry=RetryPolicy(
                rounds=table.whole("retries", Bound(1, 100)),
                base=_number(table, "first_pause", _SECONDS),
                longest=_number(table, "longest_pause", _SECONDS),
                timeout=_number(table, "timeout", _SECONDS),
                batch=table.whole("batch", Bound(1, 1_000)),
            ),
            manifest=_path(table, "manifest", base) if table.has("manifest") else None,
        )
    )


def _endpoint(url: str, where: str, environment: Mapping[str, str]) -> str:
    if url.startswith(_ENV):
        name = url.removeprefix(_ENV)
        found = environment.get(name, "")
        if not found:
            raise ConfigError(f"{where}: the variable {name} is not set")
        return found
    if urlsplit(url).username is not None:
        raise ConfigError(f"{where}: has a user name in it: put it into a variable and write env:NAME")
    return url


def _key(table: Table, base: Path) -> KeySource:
    kind = table.choice("source", ("ape", "file", "env", "test"))
    name = str(_path(table, "name", base)) if kind == "file" else table.text("name", 256)
    source = KeySource(
        kind,
        name,
        password_file=str(_path(table, "password_file", base)) if table.has("password_file") else "",
        password_env=table.text("password_env", 256) if table.has("password_env") else "",
    )
    check_source(source)
    return table.done(source)


def _private(table: Table, environment: Mapping[str, str]) -> PrivateConfig:
    return table.done(
        PrivateConfig(
            url=_endpoint(table.text("rpc", 512), table.at("rpc"), environment),
            method=table.choice("method", ("raw", "private")),
            public_after=table.whole("public_after", Bound(0, 10_000)),
        )
    )


def _keeper(table: Table, base: Path) -> dict[str, Any]:
    return table.done(
        {
            "folder": _path(table, "folder", base),
            "account_index": table.whole("account_index", Bound(0, 2**64 - 1)),
            "accounts": table.whole("accounts", Bound(1, 256)),
            "dry_run": table.flag("dry_run"),
            "minimum_profit": pricing.signed(table, "minimum_profit", _DOLLARS),
        }
    )


def _fees(table: Table) -> FeePolicy:
    return table.done(
        FeePolicy(
            most=_gwei(table, "most"),
            most_tip=_gwei(table, "most_tip"),
            least_tip=_gwei(table, "least_tip"),
            headroom=int(_number(table, "headroom", Bound(1, 10)) * 10),
            percentile=table.whole("percentile", Bound(1, 99)),
            blocks=table.whole("blocks", Bound(1, 100)),
        )
    )


def _gas(table: Table) -> GasConfig:
    if table.has("ether_asset") == table.has("ether_price"):
        raise ConfigError(f"{table.at('ether_asset')}: give either this or ether_price")
    return table.done(
        GasConfig(
            ether_asset=table.text("ether_asset") if table.has("ether_asset") else "",
            ether_price=table.fraction("ether_price", _PRICE) if table.has("ether_price") else 0,
            profit_share=table.fraction("profit_share", _SHARE),
            least_budget=table.fraction("least_budget", Bound(0, 10_000)),
            limit_margin=table.whole("limit_margin", Bound(0, 400)),
        )
    )


def _sending(table: Table) -> SendPolicy:
    return table.done(
        SendPolicy(
            stuck=table.whole("stuck", Bound(1, 1_000)),
            resend=table.whole("resend", Bound(1, 1_000)),
            patience=table.whole("patience", Bound(1, 1_000)),
            final=table.whole("final", Bound(1, 100_000)),
            settle=table.whole("settle", Bound(0, 100_000)),
            in_flight=table.whole("in_flight", Bound(1, 256)),
            gas_in_flight=table.whole("gas_in_flight", _GAS) if table.has("gas_in_flight") else MOST_GAS_IN_FLIGHT,
            transfer_gas=table.whole("transfer_gas", Bound(21_000, 10_000_000)),
            per_day=table.fraction("ether_per_day", _ETHER),
        )
    )


def _take(table: Table) -> TakeConfig:
    return table.done(
        TakeConfig(
            fractions=_shares(table, "fractions"),
            surplus=_shares(table, "surplus"),
            blocks=table.whole("blocks", Bound(1, 10_000)),
            haircut=table.fraction("haircut", _HAIRCUT),
            use_wallet=table.flag("use_wallet"),
        )
    )


def _actions(table: Table) -> ActionConfig:
    return table.done(
        ActionConfig(
            start=table.choice("start", (NEVER, PAID, ALWAYS)),
            take=table.flag("take"),
            cancel=table.flag("cancel"),
            write_off=table.flag("write_off"),
            poke=table.flag("poke"),
            mark=table.flag("mark"),
            checkpoint=table.flag("checkpoint") if table.has("checkpoint") else False,
            sample=table.flag("sample") if table.has("sample") else False,
            aim=table.flag("aim") if table.has("aim") else False,
        )
    )


def _orders(table: Table, base: Path, folder: Path) -> OrderConfig:
    return table.done(
        OrderConfig(
            inbox=_path(table, "inbox", base) if table.has("inbox") else folder / "orders",
            minimum_profit=pricing.signed(table, "minimum_profit", _DOLLARS),
            poke=table.fraction("poke", _SHARE),
        )
    )


def _route(table: Table) -> RouteConfig:
    path = tuple(table.texts("path"))
    fees = table.items("fees")
    if not 2 <= len(path) <= 8 or len(set(path)) != len(path):
        raise ConfigError(f"{table.at('path')}: is no list of 2 to 8 different symbols")
    if len(fees) != len(path) - 1 or not all(isinstance(fee, int) and 0 < fee < 2**24 for fee in fees):
        raise ConfigError(f"{table.at('fees')}: is no list of {len(path) - 1} fees in hundredths of a basis point")
    return table.done(RouteConfig(path, tuple(fees), table.address("swapper") if table.has("swapper") else None))


def _pricing(table: Table) -> dict[str, Any]:
    name = table.text("model")
    models = {each: pricing.build(each, table.table(each)) for each in list(table.names()) if each != "model"}
    model = models.get(name) or pricing.build(name, Table({}, table.at(name)))
    return table.done({"pricing": model, "pricing_name": name})


def _metrics(table: Table) -> tuple[str, int]:
    return table.done((table.text("host", 255), table.whole("port", Bound(0, 65_535))))


def _log(table: Table, base: Path) -> dict[str, Any]:
    return table.done(
        {
            "log_level": table.choice("level", LEVELS),
            "log_file": _path(table, "file", base) if table.has("file") else None,
        }
    )


def _path(table: Table, key: str, base: Path) -> Path:
    path = Path(table.text(key, 1_024)).expanduser()
    return path if path.is_absolute() else base / path


def _number(table: Table, key: str, bound: Bound) -> float:
    return table.fraction(key, bound) / WAD


def _gwei(table: Table, key: str) -> int:
    return table.fraction(key, _FEE) * GWEI // WAD


def _shares(table: Table, key: str) -> tuple[int, ...]:
    values = table.items(key)
    shares: list[int] = []
    for value in values:
        if isinstance(value, bool) or not isinstance(value, (int, Decimal)) or not 0 < value <= 1:
            raise ConfigError(f"{table.at(key)}: {value!r:.60} is not in (0, 1]")
        shares.append(int(value * WAD))
    if not 1 <= len(shares) <= 8:
        raise ConfigError(f"{table.at(key)}: has {len(shares)} entries, which is not in [1, 8]")
    return tuple(shares)


def _refuse_keys(value: Any, where: str) -> None:
    """Raise ConfigError, without showing it, for anything that looks like a private key."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            _refuse_keys(inner, f"{where}.{name}" if where else str(name))
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            _refuse_keys(inner, f"{where}[{i}]")
    elif isinstance(value, str) and _KEY_LIKE.match(value):
        raise ConfigError(f"{where}: looks like a private key, and keys do not belong in this file")
