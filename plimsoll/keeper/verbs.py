"""Calldata of what a keeper calls, and what comes back: the signatures of the interfaces in `contracts/interfaces`.

Written out here, so that a keeper starts without a compiler and without reading artifacts; a test holds them against
the compiled contracts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from plimsoll.chain import Log
from plimsoll.chain.abi import EventAbi, FunctionAbi
from plimsoll.model.margin_rate import Margin, Parameters

EVERYTHING = 2**256 - 1

_PARAMETER = re.compile(r"\s*(\(.*\)(?:\[\d*\])?|[a-z0-9]+(?:\[\d*\])?)(?:\s+indexed)?\s+(\w+)\s*")


def function(name: str, inputs: str, outputs: str = "", *, view: bool = False) -> FunctionAbi:
    """Return a function's coder from parameters as Solidity writes them, structs as ``(type name, ...) name``."""
    return FunctionAbi(
        {
            "name": name,
            "inputs": _parameters(inputs),
            "outputs": _parameters(outputs),
            "stateMutability": "view" if view else "nonpayable",
        }
    )


def event(name: str, inputs: str) -> EventAbi:
    """Return an event's coder."""
    return EventAbi({"name": name, "inputs": _parameters(inputs)})


def _parameters(text: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for part in _split(text):
        match = _PARAMETER.fullmatch(part)
        if match is None:
            raise ValueError(f"{part!r} is no parameter")
        kind, name = match[1], match[2]
        item: dict[str, Any] = {"name": name, "type": kind, "indexed": " indexed " in part}
        if kind.startswith("("):
            inner, _, suffix = kind[1:].rpartition(")")
            item |= {"type": f"tuple{suffix}", "components": _parameters(inner)}
        found.append(item)
    return found


def _split(text: str) -> list[str]:
    """Split at the commas that are in no parentheses."""
    parts, depth, start = [], 0, 0
    for i, letter in enumerate(text):
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if letter == "," and depth == 0:
            parts.append(text[start:i])
            start = i + 1
    return [part for part in [*parts, text[start:]] if part.strip()]


# MarginEngine

DEPOSIT = function("deposit", "uint256 account, address token, uint256 amount", "uint256 repaid")
WITHDRAW = function(
    "withdraw", "uint256 account, address token, uint256 amount, address to, uint256 max_borrow", "uint256 borrowed"
)
TRADE = function(
    "trade",
    "uint256 account, address sell, uint256 sell_amount, uint256 max_borrow, address buy, uint256 min_buy,"
    " address swapper, bytes data, uint256 deadline, bool reduce_only",
    "uint256 bought",
)
BATCH = function("batch", "bytes[] calls")
LIQUIDATE = function("liquidate", "uint256 account")
TAKE = function(
    "take",
    "uint256 account, uint256 fraction, uint256 to_account, int256 min_bonus",
    "uint256 taken, uint256 share",
)
CANCEL = function("cancel", "uint256 account")
WRITE_OFF = function("write_off", "uint256 account")
POKE = function("poke", "uint256 account")
AUCTION = function("auction", "", "address auction", view=True)
SETTINGS = function("settings", "", "address risk_engine, uint256 min_debt, bool paused", view=True)
EXPOSURES = function("exposures", "uint256 account", "uint256[] exposures", view=True)
WORD_OF = function("word_of", "uint256 account", "uint256 word", view=True)
RESTRICTIONS_OF = function("restrictions_of", "address token", "address gate, uint256 cap", view=True)

WITHDRAWN = event(
    "Withdrawn",
    "uint256 indexed account, address indexed token, address indexed to, uint256 amount, uint256 borrowed",
)
DEPOSITED = event(
    "Deposited",
    "uint256 indexed account, address indexed token, address indexed sender, uint256 amount, uint256 repaid",
)
TRADED = event(
    "Traded",
    "uint256 indexed account, address indexed sell, address indexed buy, uint256 sold, uint256 borrowed,"
    " uint256 bought, uint256 repaid, address swapper, bool reduce_only",
)

# LiquidationAuction

QUOTE = function(
    "quote",
    "uint256 account",
    "(bool active, bool takeable, uint256 max_fraction, uint256 share, int256 bonus, int256 equity,"
    " uint256 requirement, uint256 target, uint256 debt) quote",
    view=True,
)

# RiskEngine

PRICES = function(
    "prices", "uint256[] keys", "(uint256 bid, uint256 mid, uint256 ask, uint256 status)[] prices", view=True
)
MARK = function("mark", "uint256[] keys")
NOT_OK_SINCE = function("not_ok_since", "uint256 key", "uint256 since, uint256 marked, uint256 dead_since", view=True)
WIDE_DELAY = function("wide_delay", "", "uint256 seconds", view=True)
SEQUENCER_FEED = function("sequencer_feed", "", "address feed", view=True)
CURE_WINDOW = function("cure_window", "", "uint256 seconds", view=True)
POKE_MARGIN = function("poke", "uint256 key")
DYNAMICS_OF = function(
    "dynamics_of",
    "uint256 key",
    "(address volatility, uint256 multiple, address depth, uint256 impact, uint256 size_limit, uint256 floor,"
    " uint256 size_slope, uint256 due) dynamics",
    view=True,
)
MARGIN_OF = function(
    "margin_of",
    "uint256 key",
    "(uint256 base, uint256 cap, uint256 size_slope, uint256 since, bool moving, (uint256 floor, uint256 cap,"
    " uint256 size_slope, uint256 ramp_up, uint256 ramp_down) target) margin",
    view=True,
)

# VolatilityOracle, IDepthSource, a sequencer's feed

SAMPLE = function("sample", "uint256 key")
NEXT_SAMPLE = function("next_sample", "uint256 key", "uint256 at", view=True)
MEASURE = function("measure", "uint256 key", "uint256 sigma, uint256 due", view=True)
LAST = function("last", "uint256 key", "uint256 price, uint256 time", view=True)
DEPTH = function("depth", "", "uint256 dollars", view=True)
LATEST_ROUND_DATA = function(
    "latestRoundData",
    "",
    "uint80 round_id, int256 answer, uint256 started_at, uint256 updated_at, uint80 answered_in_round",
    view=True,
)

# MarginLens

HEALTH_BATCH = function("health_batch", "uint256[] accounts", "uint256[] packed", view=True)

# TwapOracle

NEXT_CHECKPOINT = function("next_checkpoint", "", "uint256 at", view=True)
CHECKPOINT = function("checkpoint", "")

# LendingPool

POOL_STATE = function(
    "state",
    "",
    "(uint256 total_assets, uint256 cash, uint256 total_debt, uint256 unminted_fee, uint256 provisions,"
    " uint256 total_supply, uint256 borrow_rate, uint256 rate_at_target, uint256 utilisation,"
    " uint256 reserve_factor, uint256 supply_cap, uint256 borrow_cap) state",
    view=True,
)

# ProtectionOrders

_ORDER = (
    "(uint256 account, uint256 kind, address watched, uint256 trigger, uint256 trail, address sell, address buy,"
    " uint256 amount, uint256 min_fill, uint256 min_rate, uint256 max_slippage, uint256 fee, bool repay_only,"
    " uint256 group, uint256 epoch, uint256 deadline) order"
)
_STANDING = (
    "(uint256 account, uint256 trigger_ratio, uint256 target_ratio, uint256 max_cost, uint256 fee, uint256 group,"
    " uint256 epoch, uint256 deadline) standing"
)
EXECUTE = function(
    "execute",
    f"{_ORDER}, bytes signature, uint256 amount, address swapper, bytes data, address fee_receiver",
    "uint256 sold, uint256 bought",
)
DELEVERAGE = function(
    "deleverage",
    f"{_STANDING}, bytes signature, address sell, address buy, uint256 amount, address swapper, bytes data,"
    " address fee_receiver",
    "uint256 sold, uint256 bought",
)
POKE_ORDER = function("poke", f"{_ORDER}, bytes signature", "uint256 best")
STATE_OF = function(
    "state_of",
    _ORDER,
    "(bytes32 digest, bool open, bool triggered, uint256 best, uint256 sold, uint256 most) state",
    view=True,
)
IS_DUE = function("is_due", _STANDING, "bool open, bool due", view=True)

# Owners that are contracts (ERC-1271)

IS_VALID_SIGNATURE = function("isValidSignature", "bytes32 digest, bytes signature", "bytes4 magic", view=True)
VALID_SIGNATURE = bytes.fromhex("1626ba7e")

# Tokens

APPROVE = function("approve", "address spender, uint256 amount", "bool done")
ALLOWANCE = function("allowance", "address owner, address spender", "uint256 amount", view=True)
BALANCE_OF = function("balanceOf", "address owner", "uint256 amount", view=True)


class Quote(NamedTuple):
    """`ILiquidationAuction.Quote`."""

    active: bool
    takeable: bool
    max_fraction: int
    share: int
    bonus: int
    equity: int
    requirement: int
    target: int
    debt: int


def read_quote(data: bytes) -> Quote:
    """Return a quote from the output of the view; ValueError if it is none."""
    return Quote(*QUOTE.decode(data))


class Dynamics(NamedTuple):
    """`IRiskEngine.Dynamics`."""

    volatility: str
    multiple: int
    depth: str
    impact: int
    size_limit: int
    floor: int
    size_slope: int
    due: int


def read_dynamics(data: bytes) -> Dynamics:
    """Return an asset's dynamics from the output of the view; ValueError if it is none."""
    return Dynamics(*DYNAMICS_OF.decode(data))


def read_margin(data: bytes) -> Margin:
    """Return an asset's margin from the output of the view; ValueError if it is none."""
    base, cap, slope, since, moving, target = MARGIN_OF.decode(data)
    return Margin(base, cap, slope, since, moving, Parameters(*target))


class Health(NamedTuple):
    """A word of `IMarginLens.health_batch`: WAD dollars, status 0 for OK."""

    ok: bool
    status: int
    under_auction: bool
    owes: bool
    below: bool
    clipped: bool
    equity: int
    maintenance: int


def read_health(word: int) -> Health:
    """Return what a word of the lens says; a word of 0 says nothing, and is not ok."""
    equity = word >> 8 & 2**124 - 1
    return Health(
        ok=bool(word >> 2 & 1),
        status=word & 3,
        under_auction=bool(word >> 3 & 1),
        owes=bool(word >> 5 & 1),
        below=bool(word >> 6 & 1),
        clipped=bool(word >> 7 & 1),
        equity=equity - (2**124 if equity >> 123 else 0),
        maintenance=word >> 132,
    )


class OrderState(NamedTuple):
    """`IProtectionOrders.State`."""

    digest: bytes
    open: bool
    triggered: bool
    best: int
    sold: int
    most: int


def read_order_state(data: bytes) -> OrderState:
    """Return an order's state from the output of the view; ValueError if it is none."""
    return OrderState(*STATE_OF.decode(data))


def find(kind: EventAbi, address: str, logs: Sequence[Log]) -> list[dict[str, Any]]:
    """Return the arguments of every event of this kind that the contract at `address` logged, in order."""
    return [
        kind.decode(log.topics, log.data)
        for log in logs
        if log.address == address and log.topics and log.topics[0] == kind.topic
    ]
