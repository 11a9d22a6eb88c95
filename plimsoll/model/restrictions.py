"""Caps on what the vault holds, and gates before who takes risk: twin of ``contracts/modules/restrictions.vy``.

Assets are their keys, caps and what is held raw units, accounts and words those of `account_word`. Where the contract
reverts, `ValueError` carries its reason. A gate is what it would answer: ``gate(account, key, owed)``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from plimsoll.model import account_word

EXACT = 2**95
"""Caps below it are kept to the unit, larger ones in multiples of `COARSE`."""

COARSE = 2**32
MAX_CAP = 2**127

Gate = Callable[[int, int, bool], bool]


@dataclass(slots=True)
class Restrictions:
    """Gates and caps by asset; an asset without one is not in them."""

    gates: dict[int, Gate] = field(default_factory=dict)
    caps: dict[int, int] = field(default_factory=dict)

    def set_gate(self, key: int, gate: Gate | None) -> None:
        """Have a gate asked about an asset, or none."""
        self.gates.pop(key, None)
        if gate is not None:
            self.gates[key] = gate

    def set_cap(self, key: int, cap: int) -> int:
        """Set an asset's cap, 0 for none; return it as it is kept."""
        self.caps[key] = rounded(cap)
        return self.caps[key]

    def lower_cap(self, key: int, cap: int) -> int:
        """Lower a cap, or set one where there is none; return it as it is kept."""
        present = self.caps.get(key, 0)
        if cap == 0 or (present != 0 and cap > present):
            raise ValueError("engine: cap only down")
        return self.set_cap(key, cap)

    def assert_admitted(self, account: int, word: int, held: Callable[[int], int] | None) -> None:
        """Raise ValueError unless an account may take risk with what `word` holds and owes.

        `held` says how much of an asset the vault holds; without it no cap is looked at.
        """
        for owed, keys in ((False, account_word.held(word)), (True, account_word.owed(word))):
            for key in account_word.keys(keys):
                cap = self.caps.get(key, 0)
                if held is not None and not owed and cap != 0 and held(key) > cap:
                    raise ValueError("engine: supply cap")
                gate = self.gates.get(key)
                if gate is not None and not gate(account, key, owed):
                    raise ValueError("engine: gate")


def rounded(cap: int) -> int:
    """Return a cap as it is kept; ValueError where there is no room for it."""
    if cap >= MAX_CAP:
        raise ValueError("engine: cap bound")
    return cap if cap < EXACT else cap // COARSE * COARSE
