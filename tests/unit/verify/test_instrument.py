"""Markers: what they count, and that a contract with them does what it did."""

from __future__ import annotations

from pathlib import Path

import pytest

from plimsoll import artifacts
from plimsoll.chain import Contract, Revert, RevmChain
from plimsoll.verify.instrument import PREFIX, Instrumented, Place, instrument

HARNESS = "tick_math_harness"


@pytest.fixture(scope="module")
def marked() -> Instrumented:
    root = artifacts.home()
    return instrument(root, root / "contracts" / "mocks" / f"{HARNESS}.vy")


@pytest.fixture
def chain() -> RevmChain:
    """A chain of its own: what was touched is never forgotten."""
    return RevmChain()


@pytest.fixture
def harness(chain: RevmChain, marked: Instrumented) -> Contract:
    """The harness with markers, deployed as it is."""
    address, _ = chain._create(marked.init_code, chain.accounts()[0], 0, None)
    return chain.at(HARNESS, address)


def touched(chain: RevmChain) -> set[int]:
    start = len(PREFIX) + 2
    return {int(each[start:], 16) for each in chain.loaded() if each[2:start].lower() == PREFIX}


def decision(marked: Instrumented, text: str) -> tuple[int, Place]:
    """The first decision of this text."""
    return next(entry for entry in marked.places.items() if entry[1].is_decision and entry[1].text == text)


def test_instrument__same_answers(chain: RevmChain, harness: Contract) -> None:
    plain = chain.deploy(HARNESS, sender=chain.accounts()[0])
    for tick in (-887_272, -1, 0, 1, 50_000, 887_272):
        assert harness.sqrt_ratio_at_tick(tick) == plain.sqrt_ratio_at_tick(tick)
    with pytest.raises(Revert, match="tick: range"):
        harness.sqrt_ratio_at_tick(887_273)


def test_instrument__knows_which_side_of_an_assert_was_taken(
    chain: RevmChain, harness: Contract, marked: Instrumented
) -> None:
    number, place = decision(marked, 'assert magnitude <= convert(MAX_TICK, uint256), "tick: range"')
    assert place.file == "contracts/modules/tick_math.vy"
    assert not {number, number + 1} & touched(chain)
    harness.sqrt_ratio_at_tick(5)
    assert {number, number + 1} & touched(chain) == {number}
    with pytest.raises(Revert, match="tick: range"):
        harness.sqrt_ratio_at_tick(887_273)
    assert {number, number + 1} & touched(chain) == {number, number + 1}, "also of a call that was undone"


def test_instrument__knows_which_side_of_an_if_was_taken(
    chain: RevmChain, harness: Contract, marked: Instrumented
) -> None:
    number, _ = decision(marked, "if of_token0:")
    harness.quote_at_tick(10, 10**18, True)
    assert {number, number + 1} & touched(chain) == {number}
    harness.quote_at_tick(10, 10**18, False)
    assert {number, number + 1} & touched(chain) == {number, number + 1}


def test_instrument__every_statement_has_its_line(marked: Instrumented) -> None:
    root = artifacts.home()
    for place in marked.places.values():
        assert place.text in Path(root, place.file).read_text().splitlines()[place.line - 1]


def test_instrument__counts_nothing_of_the_library(marked: Instrumented) -> None:
    assert {place.file.split("/")[0] for place in marked.places.values()} == {"contracts"}
