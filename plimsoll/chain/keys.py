"""The test accounts: those of the well-known development mnemonic, the same on every local backend. Worthless keys."""

from __future__ import annotations

from functools import cache

from eth_account import Account
from eth_account.hdaccount import key_from_seed, seed_from_mnemonic

MNEMONIC = "test test test test test test test test test test test junk"
PATH = "m/44'/60'/0'/0/{}"
COUNT = 24


@cache
def test_keys() -> dict[str, str]:
    """Return private keys in hex by checksummed address, in the order of derivation."""
    seed = seed_from_mnemonic(MNEMONIC, "")
    keys = [key_from_seed(seed, PATH.format(index)) for index in range(COUNT)]
    return {Account.from_key(key).address: f"0x{key.hex()}" for key in keys}
