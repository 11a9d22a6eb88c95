"""Counters that no test can count up to where they end."""

from __future__ import annotations

from collections.abc import Callable

from plimsoll.chain import Contract, RevmChain

_SLOTS = 256


def wind_on(chain: RevmChain, contract: Contract, count: Callable[[], object], to: int, unit: int = 1) -> None:
    """Let a counter in a contract's storage stand at `to`: it is what `count` raises one word by one `unit` of.

    No snapshot undoes it: for a chain that only the test has.
    """
    before = _words(chain, contract)
    count()
    after = _words(chain, contract)
    (slot,) = (slot for slot in range(_SLOTS) if after[slot] == before[slot] + unit)
    chain._evm.insert_account_storage(contract.address, slot, after[slot] % unit + to * unit)


def _words(chain: RevmChain, contract: Contract) -> list[int]:
    return [chain._evm.storage(contract.address, slot) for slot in range(_SLOTS)]
