"""The ledger of positive balances: twin of ``contracts/modules/collateral_vault.vy``.

Amounts are raw units, asset keys and words those of `account_word`. Nothing here rounds. Where the contract reverts,
`ValueError` carries its reason.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from plimsoll.model import account_word

MAX_BALANCE = 2**112 - 1


@dataclass(slots=True)
class CollateralVault:
    """Balances by (account, key), the assets there are, and what was given to the vault beside them, by key."""

    balances: dict[tuple[int, int], int] = field(default_factory=dict)
    keys: dict[str, int] = field(default_factory=dict)
    tokens: dict[int, str] = field(default_factory=dict)
    gifts: dict[int, int] = field(default_factory=dict)

    def add_asset(self, token: str, key: int) -> None:
        """Accept a token under a key; ValueError if either is taken."""
        if token in self.keys or key in self.tokens:
            raise ValueError("vault: added already")
        self.keys[token] = key
        self.tokens[key] = token

    def balance_of(self, account: int, key: int) -> int:
        """Return a balance."""
        return self.balances.get((account, key), 0)

    def tokens_held(self, key: int) -> int:
        """Return how much of an asset the vault holds."""
        balances = sum(balance for (_, held), balance in self.balances.items() if held == key)
        return balances + self.gifts.get(key, 0)

    def credit(self, account: int, word: int, key: int, amount: int) -> int:
        """Add to a balance and return the account's word; ValueError when the balance is beyond its limit."""
        if amount == 0:
            return word
        balance = self.balance_of(account, key) + amount
        if balance > MAX_BALANCE:
            raise ValueError("vault: balance limit")
        word = account_word.hold(word, key)
        self.balances[account, key] = balance
        return word

    def debit(self, account: int, word: int, key: int, amount: int) -> tuple[int, int]:
        """Take up to `amount` from a balance; return what was taken and the account's word."""
        if not account_word.holds(word, key):
            return 0, word
        balance = self.balance_of(account, key)
        taken = min(balance, amount)
        self.balances[account, key] = balance - taken
        return taken, account_word.release(word, key) if taken == balance else word
