"""Contract against model, formula by formula, to the unit: ``make differential SIZE=quick|ci|nightly``.

Every row of docs/formulas.md has a `Formula`: the harness contract that shows the module's function, a generator of its
arguments and the model's function. Arguments are drawn in bulk from one seed, as often at corners as between them
(`draws`), calldata is packed from words, and the answer is compared as bytes, a revert by its reason. Words that keep
state (`machines`) are driven by random sequences of operations on both sides.

A case is reproduced from the formula's name, the seed and the number of its chunk, which a difference prints.
"""
