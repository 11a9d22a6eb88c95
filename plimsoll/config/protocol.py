"""The tables of a file that are about the protocol as a whole."""

from __future__ import annotations

from plimsoll.chain import ZERO_ADDRESS
from plimsoll.config import bounds
from plimsoll.config.values import (
    DEPLOYER,
    TIMELOCK,
    AuctionConfig,
    IsolatedConfig,
    MarketConfig,
    ProtocolConfig,
    UniswapConfig,
)
from plimsoll.errors import ConfigError
from plimsoll.fields import Bound, Table
from plimsoll.units import from_wad


def read_protocol(table: Table) -> ProtocolConfig:
    """Return who rules, and what holds for all assets."""
    notice = table.whole("notice", bounds.NOTICE)
    owner = TIMELOCK if table.is_word("owner", TIMELOCK) else _role(table, "owner")
    for key in ("admin", "timelock_delay"):
        if table.has(key) and owner != TIMELOCK:
            raise ConfigError(f'{table.at(key)}: is for owner = "{TIMELOCK}" only')
    protocol = table.done(
        ProtocolConfig(
            chain_id=table.whole("chain_id", bounds.CHAIN_ID) if table.has("chain_id") else None,
            owner=owner,
            admin=_role(table, "admin") if owner == TIMELOCK else owner,
            timelock_delay=_delay(table, notice),
            guardian=_role(table, "guardian"),
            initial_ratio=table.fraction("initial_ratio", bounds.INITIAL_RATIO),
            notice=notice,
            wide_delay=table.whole("wide_delay", bounds.WIDE_DELAY),
            sequencer=table.address("sequencer") if table.has("sequencer") else ZERO_ADDRESS,
            cure_window=table.whole("cure_window", bounds.CURE_WINDOW) if table.has("cure_window") else 0,
            min_debt=table.fraction("min_debt", bounds.MIN_DEBT),
            cooldown=table.whole("cooldown", bounds.COOLDOWN),
        )
    )
    if protocol.sequencer == ZERO_ADDRESS and protocol.cure_window:
        raise ConfigError(f"{table.path}.cure_window: {protocol.cure_window} without a sequencer feed")
    return protocol


def _delay(table: Table, notice: int) -> int:
    """Not shorter than `notice`, for which a guardian may silence a source: the owner's answer may come as late."""
    return table.whole("timelock_delay", Bound(notice, bounds.MOST_DELAY)) if table.has("timelock_delay") else notice


def _role(table: Table, key: str) -> str:
    return DEPLOYER if table.is_word(key, DEPLOYER) else table.address(key)


def read_auction(table: Table) -> AuctionConfig:
    """Return the auction's parameters."""
    tau = table.whole("tau", bounds.TAU)
    least = table.fraction("least_penalty", bounds.PENALTY)
    return table.done(
        AuctionConfig(
            tau=tau,
            tail=table.whole("tail", Bound(tau, bounds.TAIL.high)),
            kappa=table.fraction("kappa", bounds.KAPPA),
            start_level=-table.fraction("start_discount", bounds.START_DISCOUNT),
            target_share=table.fraction("target_share", bounds.TARGET_SHARE),
            starter_share=table.fraction("starter_share", bounds.BONUS_SHARE),
            fund_share=table.fraction("fund_share", bounds.BONUS_SHARE),
            least_penalty=least,
            most_penalty=table.fraction(
                "most_penalty", Bound(from_wad(least), bounds.PENALTY.high, step=bounds.PENALTY.step)
            ),
        )
    )


def read_uniswap(table: Table) -> UniswapConfig:
    """Return the Uniswap deployment whose pools are used."""
    return table.done(UniswapConfig(factory=table.address("factory")))


def read_isolated(table: Table) -> IsolatedConfig:
    """Return what anybody lists long-tail assets with."""
    quotes = tuple(entry.done(entry.text("asset")) for entry in table.table_list("quotes"))
    if not 1 <= len(quotes) <= 4:
        raise ConfigError(f"{table.path}.quotes: {len(quotes)} of them; there are 1 to 4")
    return table.done(
        IsolatedConfig(
            quotes=quotes,
            least_depth=table.fraction("least_depth", bounds.LISTING_VALUE),
            cap_value=table.fraction("cap_value", bounds.LISTING_VALUE),
            floor=table.fraction("floor", bounds.LISTING_FLOOR),
            reserved=_reserved(table) if table.has("reserved") else (),
        )
    )


def _reserved(table: Table) -> tuple[str, ...]:
    tokens = tuple(entry.done(entry.address("token")) for entry in table.table_list("reserved"))
    if len(tokens) > bounds.MOST_RESERVED:
        raise ConfigError(f"{table.path}.reserved: {len(tokens)} of them; there are at most {bounds.MOST_RESERVED}")
    return tokens


def read_prices(table: Table) -> dict[str, int]:
    """Return the first prices of a devnet by symbol."""
    prices = table.table("prices")
    return table.done({symbol: prices.fraction(symbol, bounds.ANSWER) for symbol in prices.names()})


def read_market(table: Table) -> MarketConfig:
    """Return a market."""
    return table.done(
        MarketConfig(
            base=table.text("base"),
            quote=table.text("quote"),
            fee=table.whole("fee", bounds.FEE),
            depth=table.whole("depth", Bound(0, 10**12)) if table.has("depth") else 0,
        )
    )
