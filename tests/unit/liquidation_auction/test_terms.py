"""LiquidationAuction.start, take, end and shortfall: equal to the model over everything that an engine can say."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from plimsoll.chain import Contract, Revert, RevmChain
from plimsoll.model import liquidation_auction
from plimsoll.model.liquidation_auction import UNKNOWN, Auction, Parameters, Values
from tests.support.scenario import AUCTION

WAD = 10**18
LARGEST = 12 * (2**112 - 1) * (2**128 - 1) // WAD
"""Dollars: twelve balances, as large as a ledger's words, at the largest price."""
ACCOUNT = 7 << 96

dollars = st.one_of(st.integers(0, 3), st.integers(0, 10**6 * WAD), st.integers(0, LARGEST))
rates = st.one_of(st.integers(0, WAD // 20), st.integers(0, WAD // 2 - 1))
bits = st.sampled_from([0, 0, 1, 2**11])


@st.composite
def accounts(draw: st.DrawFn, most: int = LARGEST) -> Values:
    """An account as the risk engine may value it: often near its line, its sides' requirements below half of them."""
    debt = min(draw(dollars), most)
    positive = draw(dollars)
    if draw(st.booleans()):
        positive = min(debt * draw(st.integers(90 * WAD // 100, 12 * WAD // 10)) // WAD, LARGEST)
    of_positive, of_debt = (-(-side * draw(rates) // WAD) for side in (positive, debt))
    return Values(positive, debt, of_positive, of_debt, draw(st.booleans()), draw(bits))


@pytest.fixture(scope="module")
def world_of_two(session_chain: RevmChain) -> tuple[Contract, str, RevmChain]:
    """An auction contract whose engine is a person, who may say anything, and that person."""
    person = session_chain.accounts()[0]
    auction = session_chain.deploy("LiquidationAuction", person, AUCTION, person, person, sender=person)
    return auction, person, session_chain


def said(values: Values, initial_ratio: int) -> tuple[Any, ...]:
    return (*values, initial_ratio)


@given(
    first=accounts(),
    then=accounts(),
    ratio=st.integers(12 * WAD // 10, 3 * WAD),
    elapsed=st.one_of(st.integers(0, 700), st.integers(0, 2**32)),
    fraction=st.one_of(st.just(WAD), st.integers(1, WAD), st.integers(1, 2**256 - 1)),
    min_bonus=st.sampled_from([-(2**255), -(2**255), 0]),
    min_debt=st.one_of(st.just(100 * WAD), st.integers(0, 100_000 * WAD)),
    owes=st.booleans(),
)
@example(  # everything as large as it can be
    first=Values(LARGEST - 1, LARGEST, LARGEST // 2, LARGEST // 2, True, 0),
    then=Values(LARGEST, LARGEST, LARGEST // 2, LARGEST // 2, True, 0),
    ratio=3 * WAD,
    elapsed=300,
    fraction=WAD,
    min_bonus=-(2**255),
    min_debt=0,
    owes=True,
)
@example(  # the same, and worth next to nothing
    first=Values(1, LARGEST, 1, LARGEST // 2, True, 0),
    then=Values(1, LARGEST, 1, LARGEST // 2, True, 0),
    ratio=3 * WAD,
    elapsed=2**32,
    fraction=WAD,
    min_bonus=-(2**255),
    min_debt=0,
    owes=True,
)
def test_terms__equal_the_model(
    world_of_two: tuple[Contract, str, RevmChain],
    first: Values,
    then: Values,
    ratio: int,
    elapsed: int,
    fraction: int,
    min_bonus: int,
    min_debt: int,
    owes: bool,
) -> None:
    contract, engine, chain = world_of_two
    parameters = Parameters(*AUCTION)
    with chain.isolate():
        auction = outcome(lambda: liquidation_auction.start(first, engine, parameters, chain.timestamp()))
        receipt = outcome(lambda: contract.start(ACCOUNT, engine, said(first, ratio), sender=engine))
        if isinstance(auction, str):
            assert receipt == auction
            return
        assert isinstance(auction, Auction)
        assert receipt.return_value == shortfall(first)
        assert contract.auction_of(ACCOUNT)[:3] == (auction.started_at, engine, auction.penalty)
        chain.warp(elapsed)
        now = chain.timestamp()
        assert contract.shortfall(ACCOUNT, said(then, ratio)) == shortfall(then)
        expected = outcome(lambda: liquidation_auction.take(auction, then, now, fraction, min_bonus, min_debt, ratio))
        with chain.isolate():
            arguments = (ACCOUNT, fraction, min_bonus, min_debt, said(then, ratio))
            receipt = outcome(lambda: contract.take(*arguments, sender=engine))
            if isinstance(expected, str):
                assert receipt == expected
            else:
                terms = receipt.return_value
                assert tuple(terms) == (
                    *expected[:5],
                    liquidation_auction.bonus(auction, then, now),
                    *expected[6:],
                )
                ended = [contract.event("Ended", account=ACCOUNT)] if expected.ended else []
                assert receipt.events == ended
                assert (contract.auction_of(ACCOUNT).started_at == 0) is expected.ended
        refusal = outcome(lambda: liquidation_auction.check_end(auction, then, now, ratio, owes=owes))
        receipt = outcome(lambda: contract.end(ACCOUNT, owes, said(then, ratio), sender=engine))
        assert receipt == refusal if refusal else receipt.events == [contract.event("Ended", account=ACCOUNT)]


def shortfall(values: Values) -> int:
    return liquidation_auction.shortfall(values.equity, values.debt) if values.certain else UNKNOWN


def outcome(act: Any) -> Any:
    """Return what an act gives, or the reason why it is refused."""
    try:
        return act()
    except (Revert, ValueError) as error:
        return str(error)
