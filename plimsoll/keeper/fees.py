"""What to offer for gas, and how much more to offer the second time. Pure; all wei per gas.

A replacement must beat what it replaces by 12.5 % in both fields (geth asks for 10 %, Nethermind and others for 12.5 %;
anvil takes one wei, so the rule is kept here).
"""

from __future__ import annotations

from dataclasses import dataclass

from plimsoll.keeper.node import FeeHistory

_BUMP_UP, _BUMP_DOWN = 9, 8


@dataclass(frozen=True, slots=True)
class Fees:
    """EIP-1559 fields: the most that is paid per gas, and the part of it for the block's producer."""

    most: int
    tip: int

    def covers(self, other: Fees) -> bool:
        """Return whether both fields are at least those of `other`."""
        return self.most >= other.most and self.tip >= other.tip


@dataclass(frozen=True, slots=True)
class FeePolicy:
    """Caps and taste. `headroom` is how many of the next base fee are offered, in tenths (20: twice)."""

    most: int
    most_tip: int
    least_tip: int = 0
    headroom: int = 20
    percentile: int = 50
    blocks: int = 10


def market(history: FeeHistory, policy: FeePolicy) -> Fees:
    """Return what the market asks for now, within the policy's bounds.

    The tip is the median of the recent blocks' tips at the policy's percentile; blocks that nobody tipped in count as
    what they are. The whole covers `headroom` tenths of the next block's base fee.
    """
    tips = sorted(history.tips) or [policy.least_tip]
    tip = min(max(tips[len(tips) // 2], policy.least_tip), policy.most_tip)
    most = min(history.base_fees[-1] * policy.headroom // 10 + tip, policy.most)
    return Fees(most, min(tip, most))


def is_affordable(history: FeeHistory, fees: Fees) -> bool:
    """Return whether these fees reach the next block's base fee."""
    return fees.most >= history.base_fees[-1]


def bumped(fees: Fees) -> Fees:
    """Return the least that replaces a transaction with these fees."""
    return Fees(_raised(fees.most), _raised(fees.tip))


def replacement(sent: Fees, now: Fees, policy: FeePolicy) -> Fees | None:
    """Return what to offer in place of `sent` when the market asks for `now`; None when the cap does not allow it.

    Only the cap of the whole counts here: nodes want both fields raised, whatever the tip was meant to be at most.
    """
    least = bumped(sent)
    tip = max(least.tip, now.tip)
    most = max(least.most, now.most, tip)
    return Fees(most, tip) if most <= policy.most else None


def _raised(amount: int) -> int:
    return max(-(-amount * _BUMP_UP // _BUMP_DOWN), amount + 1)
