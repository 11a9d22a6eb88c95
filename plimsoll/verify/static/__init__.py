"""Static analysis of the contracts by slither, with each finding judged in `tests/slither.toml`: `make slither`.

slither's front end reads the syntax tree of Vyper 0.3.7. `flatten` gives it that of a 0.4.3 contract with its modules,
`analysis` runs the detectors on it and lists who may write what without being asked who he is, and `__main__` compares
both with what is written down: a new finding fails, and so does an entry that nothing matches any more.
"""
