"""The report of a listing, a line a check, and what every token is asked, whoever lists it."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from plimsoll.chain import ZERO_ADDRESS, Chain, Revert
from plimsoll.risk.transfers import SINK, Received

NO_SUCH_CALLER = "RejectCallerWithCode"
"""What a chain says that makes no call for a contract."""


class Result(Enum):
    """How a check came out."""

    HOLDS = "pass"
    NOTE = "note"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the report."""

    subject: str
    result: Result
    text: str


def failed(checks: Sequence[Check]) -> list[Check]:
    """Return the checks that failed."""
    return [check for check in checks if check.result is Result.FAIL]


def check_token(chain: Chain, address: str, name: str) -> Generator[Check, None, int | None]:
    """Say what keeps an address, called `name`, from being a token; return its decimals, None where it is none."""
    if not chain.is_contract(address):
        yield Check("token", Result.FAIL, f"there is no contract at {address} on chain {chain.chain_id}")
        return None
    try:
        return decimals_of(chain, address)
    except (Revert, ValueError):
        yield Check("token", Result.FAIL, f"{name} does not say its decimals")
        return None


def decimals_of(chain: Chain, token: str) -> int:
    """Return what a token says of its decimals."""
    decimals: int = chain.at("MockERC20", token).decimals()
    return decimals


def check_transfer(
    chain: Chain, address: str, holders: Sequence[str], decimals: int, received: Received | None
) -> Iterator[Check]:
    """Say how a token behaves when the first of these sends some of it who has any; `received` finds what arrives."""
    token: Any = chain.at("MockERC20", address)
    balances = [(holder, token.balanceOf(holder)) for holder in holders if holder != ZERO_ADDRESS]
    holder, balance = next((each for each in balances if each[1]), ("", 0))
    if not balance:
        yield Check("transfer", Result.NOTE, "nobody is known who could send some: name a --holder")
        return
    amount = min(balance, 10**decimals)
    try:
        output = chain.simulate(token, token.transfer.encode(SINK, amount), sender=holder)
    except Revert as error:
        if NO_SUCH_CALLER in error.halt:
            yield Check("transfer", Result.NOTE, f"this chain makes no call for the contract {holder}: name a --holder")
        else:
            yield Check("transfer", Result.FAIL, f"it is refused: {error}")
        return
    if output and int.from_bytes(output[:32], "big") != 1:
        yield Check("transfer", Result.FAIL, "it answers false")
        return
    yield Check("transfer", Result.HOLDS, "answers true" if output else "answers nothing, which is taken for true")
    arrived = received(address, holder, amount) if received else None
    if arrived is None:
        yield Check("transfer", Result.NOTE, "whether all of it arrives cannot be simulated on this chain")
    elif arrived != amount:
        said = f"of {amount} raw units {arrived} arrive: a fee on transfer, which the engine refuses"
        yield Check("transfer", Result.FAIL, said)
    else:
        yield Check("transfer", Result.HOLDS, "all of it arrives")
