"""Defects on purpose, one line each, that the campaign has to find: how it is shown that it can find anything.

    python -m plimsoll.verify.campaign planted [NAME ...]

Sources are changed in memory (`plimsoll.artifacts.compile_with`); nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from plimsoll import artifacts


@dataclass(frozen=True)
class Defect:
    """A text of a source that is replaced in one contract, and what is wrong then."""

    contract: str
    path: str
    good: str
    bad: str
    story: str


DEFECTS = {
    "rounding": Defect(
        "LendingPool",
        "contracts/modules/lender_shares.vy",
        "shares: uint256 = share_math._shares_up(assets, total, supply)\n    self._leave",
        "shares: uint256 = share_math._shares_down(assets, total, supply)\n    self._leave",
        "a withdrawal burns its shares rounded down",
    ),
    "check": Defect(
        "MarginEngine",
        "contracts/MarginEngine.vy",
        "accounts._finish(account, old, word, accounts.MARGIN if borrowed == 0 else accounts.MARGIN | "
        "accounts.DEBT_RAISED, owed)\n    return borrowed",
        "accounts._finish(account, old, word, 0, owed)\n    return borrowed",
        "a withdrawal is not checked",
    ),
    "provision": Defect(
        "MarginEngine",
        "contracts/modules/liquidation.vy",
        "extcall ILendingPool(vault.pools[key]).provision(account, 0)",
        "pass",
        "the end of an auction leaves the provision behind",
    ),
    "line": Defect(
        "LiquidationAuction",
        "contracts/LiquidationAuction.vy",
        "assert values.debt != 0 and equity < convert(requirement, int256)",
        "assert values.debt != 0",
        "anybody who owes can be auctioned",
    ),
    "captured": Defect(
        "RiskEngine",
        "contracts/RiskEngine.vy",
        "                else:\n                    price = bid if debt else ask",
        "                else:\n                    price = price",
        "while sources disagree, liquidations count the middle of them",
    ),
    "fee": Defect(
        "LendingPool",
        "contracts/LendingPool.vy",
        "tokens._pull(token, receiver, self, amount + fee)",
        "tokens._pull(token, receiver, self, amount)",
        "a flash loan's fee is booked and not paid",
    ),
}


@contextmanager
def planted(name: str) -> Iterator[None]:
    """Have every deployment inside the ``with`` use the defective contract; "" is none.

    ValueError when the source no longer says what the defect replaces.
    """
    if not name:
        yield
        return
    defect = DEFECTS[name]
    source = (artifacts.home() / defect.path).read_text()
    if source.count(defect.good) != 1:
        raise ValueError(f"{defect.path} does not say once: {defect.good}")
    made = artifacts.compile_with(defect.contract, {defect.path: source.replace(defect.good, defect.bad)})
    honest = artifacts.load

    def load(name: str) -> artifacts.Artifact:
        return made if name == defect.contract else honest(name)

    artifacts.load = load
    try:
        yield
    finally:
        artifacts.load = honest
