"""Lemmas about the protocol's pure formulas, proved over all integers by an SMT solver: `make prove`.

`formulas` states each formula once more, in a form that takes integers and the solver's terms alike; a test holds it
equal to `plimsoll.model`, which other tests hold equal to the contracts. `lemmas` says what must hold of them, and
`smt` asks z3.
"""
