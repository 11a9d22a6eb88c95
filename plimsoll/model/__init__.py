"""Exact-integer twins of the contracts' formulas, module by module and name by name.

Integers in, integers out: no floats, no chain, no ape, no web3. Where a contract reverts, a twin raises ValueError with
the contract's reason ("" where Vyper's own overflow check gives none). Tests, keepers and simulations share them.
"""
