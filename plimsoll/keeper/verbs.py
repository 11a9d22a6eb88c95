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
NOT_OK_SINCE = function(
    "not_ok_since", "uint256 key", "uint256 since, uint256 marked, uint256 dead_since", view=True
)
WIDE_DELAY = function("wide_delay", "", "uint256 seconds", view=True)

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


def find(kind: EventAbi, address: str, logs: Sequence[Log]) -> list[dict[str, Any]]:
    """Return the arguments of every event of this kind that the contract at `address` logged, in order."""
    return [
        kind.decode(log.topics, log.data)
        for log in logs
        if log.address == address and log.topics and log.topics[0] == kind.topic
    ]
