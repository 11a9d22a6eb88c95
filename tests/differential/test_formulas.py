"""Each formula of docs/formulas.md and each packed word: the contract against the model, at the quick size.

``make differential SIZE=nightly`` draws a million cases of the same.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from plimsoll.model import tick_math
from plimsoll.verify.differential import run
from plimsoll.verify.differential.bench import Bench
from plimsoll.verify.differential.draws import Draws
from plimsoll.verify.differential.formula import Answer, Expect, Formula, index
from plimsoll.verify.differential.run import CHECKS, FORMULAS, SEED

CASES = run.each("quick")
BY_CONTRACT = {formula.contract: formula for formula in FORMULAS}
INDEX = index()


@pytest.fixture(scope="module")
def bench() -> Bench:
    return Bench()


@pytest.mark.parametrize("name", CHECKS)
def test_differential__contract_equals_model(bench: Bench, name: str) -> None:
    """In three parts, at other times and with other constructor arguments."""
    for chunk in range(3):
        assert CHECKS[name].check(bench, SEED, chunk, CASES // 3) == (0, [])


@pytest.mark.parametrize("contract", dict.fromkeys(contract for contract, _ in INDEX))
def test_index__every_row_has_a_differential(contract: str) -> None:
    assert contract in BY_CONTRACT, (
        f"docs/formulas.md has {contract}: give it a Formula in plimsoll/verify/differential"
    )
    assert BY_CONTRACT[contract].model in {model for each, model in INDEX if each == contract}


def test_index__is_read_whole() -> None:
    """Every line of a table that names functions of a contract and of the model is in the index."""
    assert len({contract for contract, _ in INDEX}) >= 60
    assert ("price_oracle._is_settled", "price_oracle.is_settled") in INDEX
    assert ("price_oracle._combine", "price_oracle.combine") in INDEX


def test_names__no_two_the_same() -> None:
    assert len(CHECKS) == len(FORMULAS) + len(run.MACHINES)


@pytest.mark.parametrize("formula", FORMULAS, ids=lambda formula: formula.contract)
def test_differential__a_model_that_is_off_by_one_in_the_last_word__is_found(bench: Bench, formula: Formula) -> None:
    def off(draws: Draws) -> Expect:
        expect = formula.expect(draws) if formula.expect else formula.twin()

        def wrong(*words: int) -> Answer:
            answer = expect(*words)
            return (*answer[:-1], answer[-1] ^ 1) if isinstance(answer, tuple) else answer ^ 1

        return wrong

    count, differences = replace(formula, expect=off).check(bench, SEED, 0, 20)
    assert count > 0
    assert differences[0].startswith(f"{formula.contract}(")
    assert "the model" in differences[0]


def test_differential__another_reason__is_found(bench: Bench) -> None:
    def silent(draws: Draws) -> Expect:
        def expect(*_: int) -> Answer:
            raise ValueError("another reason")

        return expect

    formula = replace(BY_CONTRACT["tick_math._sqrt_ratio_at_tick"], draw=lambda _: (887_273,), expect=silent)
    count, differences = formula.check(bench, SEED, 0, 1)
    assert count == 1
    assert 'reverts "tick: range", the model reverts "another reason"' in differences[0]


@pytest.mark.parametrize(
    ("liquidity", "lower"),
    [(5_714_981_917, -887_272), (60_246_828_446_435_822_155, -400_000), (26_254_846_245_418_010_850_144_499_982, 0)],
)
def test_token0_down__rounds_down_twice(bench: Bench, liquidity: int, lower: int) -> None:
    """Where rounding the first quotient up would show in the second: no draw finds one of so few cases."""
    bottom, top = (tick_math.sqrt_ratio_at_tick(tick) for tick in (lower, lower + 200))
    exact = (liquidity << 96) * (top - bottom)
    assert -(-exact // top) // bottom == exact // top // bottom + 1
    formula = replace(BY_CONTRACT["market_depth._token0_down"], draw=lambda _: (liquidity, lower, lower + 200))
    assert formula.check(bench, SEED, 0, 1) == (0, [])
