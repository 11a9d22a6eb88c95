"""Markers: what they count, and that a contract with them does what it did."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from eth_utils.crypto import keccak

from plimsoll import artifacts
from plimsoll.chain import Contract, Revert, RevmChain
from plimsoll.verify.instrument import PREFIX, Instrumented, Place, instrument

HARNESS = "tick_math_harness"
DECIDES = """\
# pragma version 0.4.3
# pragma optimize gas

@view
@external
def decide(a: uint256, b: uint256) -> uint256:
    found: uint256 = 0
    if a > 5:
        found = 1
    else:
        found = b
    if not b > 5:
        found += 2
    found += a if b == 1 else 3
    if a == 7 or b == 7:
        found += 4
    else:
        found += 5
    if a == 3 and b == 3:
        found += 6
    for i: uint256 in range(a, bound=20):
        found += 1
    for i: uint256 in range(4):
        if i == b:
            break
    assert a != 9, "nine"
    return found
"""


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


@pytest.mark.parametrize(
    ("text", "a", "b", "sides"),
    [
        ("if a > 5:", 6, 0, [{True}]),
        ("if a > 5:", 5, 0, [{False}]),
        ("if not b > 5:", 0, 5, [{True}]),
        ("if not b > 5:", 0, 6, [{False}]),
        ("a if b == 1 else 3", 0, 1, [{True}]),
        ("a if b == 1 else 3", 0, 2, [{False}]),
        ("a == 7 or b == 7", 7, 0, [{True}]),
        ("a == 7 or b == 7", 0, 7, [{False}]),
        ("if a == 7 or b == 7:", 0, 7, [{True}]),
        ("if a == 7 or b == 7:", 7, 0, [{True}]),
        ("if a == 7 or b == 7:", 0, 0, [{False}]),
        ("a == 3 and b == 3", 3, 0, [{True}]),
        ("a == 3 and b == 3", 0, 3, [{False}]),
        ("if a == 3 and b == 3:", 3, 3, [{True}]),
        ("if a == 3 and b == 3:", 3, 0, [{False}]),
        ("for i: uint256 in range(a, bound=20):", 0, 0, [{False}, set()]),
        ("for i: uint256 in range(a, bound=20):", 1, 0, [{True}, {False}]),
        ("for i: uint256 in range(a, bound=20):", 2, 0, [{True}, {True, False}]),
        ("for i: uint256 in range(a, bound=20):", 21, 0, [set(), set()]),
        ("for i: uint256 in range(4):", 0, 0, [set()]),
        ("for i: uint256 in range(4):", 0, 1, [{True}]),
        ("for i: uint256 in range(4):", 0, 4, [{True, False}]),
        ('assert a != 9, "nine"', 8, 0, [{True}]),
        ('assert a != 9, "nine"', 9, 0, [{False}]),
    ],
)
def test_instrument__sides_are_those_of_the_text(
    chain: RevmChain, tmp_path: Path, text: str, a: int, b: int, sides: list[set[bool]]
) -> None:
    source = tmp_path / "contracts" / "Decides.vy"
    source.parent.mkdir()
    source.write_text(DECIDES)
    made = instrument(tmp_path, source)
    address, _ = chain._create(made.init_code, chain.accounts()[0], 0, None)
    with suppress(Revert):
        chain.simulate(
            address, keccak(text="decide(uint256,uint256)")[:4] + a.to_bytes(32, "big") + b.to_bytes(32, "big")
        )
    seen = touched(chain)
    found = {place: number for number, place in made.places.items() if place.is_decision and place.text == text}
    numbers = [found[place] for place in sorted(found)]
    assert [{side for side in (True, False) if number + (not side) in seen} for number in numbers] == sides


def test_instrument__every_statement_has_its_line(marked: Instrumented) -> None:
    root = artifacts.home()
    for place in marked.places.values():
        assert place.text in Path(root, place.file).read_text().splitlines()[place.line - 1]


def test_instrument__counts_nothing_of_the_library(marked: Instrumented) -> None:
    assert {place.file.split("/")[0] for place in marked.places.values()} == {"contracts"}
