"""LiquidationAuction.start, take, end and shortfall: equal to the model over everything that an engine can say."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from plimsoll.chain import Contract, Revert, RevmChain
from plimsoll.chain.base import revert_reason
from plimsoll.model import liquidation_auction
from plimsoll.model.liquidation_auction import UNKNOWN, Auction, Parameters, Values
from tests.support import reverts
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


def whole(
    first: Values,
    then: Values | None = None,
    ratio: int = 2 * WAD,
    elapsed: int = 0,
    fraction: int = WAD,
    min_debt: int = 0,
) -> example:
    """An example of a take, of as much as there is to take and without a minimum debt by default, at any bonus."""
    return example(
        first=first,
        then=then or first,
        ratio=ratio,
        elapsed=elapsed,
        fraction=fraction,
        min_bonus=-(2**255),
        min_debt=min_debt,
        owes=True,
    )


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
@whole(  # everything as large as it can be
    Values(LARGEST - 1, LARGEST, LARGEST // 2, LARGEST // 2, True, 0),
    Values(LARGEST, LARGEST, LARGEST // 2, LARGEST // 2, True, 0),
    ratio=3 * WAD,
    elapsed=300,
)
@whole(  # the same, and worth next to nothing
    Values(1, LARGEST, 1, LARGEST // 2, True, 0),
    ratio=3 * WAD,
    elapsed=2**32,
)
@whole(  # what pays, and one wei of it more, relieve exactly the target of 3, of which 2 lack
    Values(10 * WAD + 1, 10 * WAD, 2, 0, True, 0),
)
@whole(  # the same where the product takes 512 bits
    Values(2**127 + 6, 2**127 + 5, 2, 0, True, 0),
)
@whole(  # they relieve the least remainder more than the target of 1
    Values(1_000, 1_000, 1, 0, True, 0),
)
@whole(  # and more than the target of 3 where the product takes 512 bits
    Values(2**127 + 5, 2**127 + 5, 2, 0, True, 0),
)
@whole(  # a loss of a third: its last digit is the least remainder
    Values(2, 3, 0, 0, True, 0),
)
@whole(  # all there is, for a third of the debts and the least remainder
    Values(1, 4, 0, 0, False, 0),
)
@whole(  # a bonus of -2,945,000,000,000,001, of which the debt makes the least remainder
    Values(100 * WAD, 100 * WAD, 3 * WAD, 0, True, 0),
    Values(987055000000000001, 997055000000000001, 1, 0, False, 0),
    elapsed=1,
)
@whole(  # the smallest debt there is, and nothing for it
    Values(0, 1, 0, 0, True, 0),
)
@whole(  # the smallest equity there is, half of what is required, pays for exactly the largest bonus of 0.2
    Values(6, 5, 2, 0, True, 0),
)
@whole(  # less than all, which would leave dust: all debts, and of 1,001 dollars the 990 that they pay for
    Values(1_001 * WAD, 1_000 * WAD, 50 * WAD, 50 * WAD, False, 0),
    fraction=WAD - 1,
    min_debt=400 * WAD,
)
@whole(  # a bonus of a tenth, which time gives and equity does not pay for: nothing of it is the fund's
    Values(101 * WAD, 100 * WAD, 10 * WAD, 0, True, 0),
    elapsed=2**32,
)
@whole(  # a bonus of -2,890,000,000,000,001: at prices that are not certain depth adds not even the least remainder
    Values(99 * WAD, 100 * WAD, 3 * WAD, 0, False, 0),
    elapsed=2,
)
@whole(  # a target far below 2**127, but times what is paid beyond 2**256
    Values(LARGEST + 2**90, LARGEST, 2**100, 0, True, 0),
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


def test_start__again__once_the_tail_is_over_and_for_a_higher_penalty_only(
    world_of_two: tuple[Contract, str, RevmChain],
) -> None:
    """To the second and to the unit of the penalty; clock and starter stay."""
    contract, engine, chain = world_of_two
    parameters = Parameters(*AUCTION)
    first = Values(100 * WAD, 100 * WAD, 3 * WAD, 0, True, 0)
    same, higher = (first._replace(positive_requirement=3 * WAD + 10**14 - beyond) for beyond in (1, 0))
    other = chain.accounts()[1]
    with chain.isolate():
        contract.start(ACCOUNT, engine, said(first, 2 * WAD), sender=engine)
        auction = liquidation_auction.start(first, engine, parameters, chain.timestamp())
        for wait, values in ((0, higher), (parameters.tail - 1, higher), (1, same), (0, higher)):
            chain.warp(wait)
            expected = outcome(lambda values=values: liquidation_auction.raised(auction, values, chain.timestamp()))
            arguments = (ACCOUNT, other, said(values, 2 * WAD))
            receipt = outcome(lambda arguments=arguments: contract.start(*arguments, sender=engine))
            if isinstance(expected, str):
                assert receipt == expected == "auction: running"
        assert expected.penalty == auction.penalty + 10**12
        assert receipt.events == [contract.event("Raised", account=ACCOUNT, penalty=expected.penalty)]
        assert receipt.return_value == 0
        assert contract.auction_of(ACCOUNT)[:3] == (auction.started_at, engine, expected.penalty)


@pytest.mark.parametrize(
    ("fraction", "taken"), [(900 * WAD // 1_000, WAD), (900 * WAD // 1_000 - 1, None), (WAD // 2, WAD // 2)]
)
def test_take__what_would_be_left_is_a_quarter_of_the_minimum_debt__is_taken_too(
    world_of_two: tuple[Contract, str, RevmChain], fraction: int, taken: int | None
) -> None:
    """Of 1,000 dollars that pay for as much debt a tenth is dust beside a minimum of 400; a wei more is a remainder."""
    contract, engine, chain = world_of_two
    values = Values(1_000 * WAD, 1_000 * WAD, 50 * WAD, 50 * WAD, True, 0)
    with chain.isolate():
        contract.start(ACCOUNT, engine, said(values, 2 * WAD), sender=engine)
        arguments = (ACCOUNT, fraction, 0, 400 * WAD, said(values, 2 * WAD))
        if taken is None:
            with reverts("auction: remainder"):
                contract.take(*arguments, sender=engine)
        else:
            terms = contract.take(*arguments, sender=engine).return_value
            assert (terms.fraction, terms.share, terms.bonus) == (taken, taken, 0)


@pytest.mark.parametrize("beyond", [0, 1])
def test_take__what_would_still_be_owed_is_less_than_the_minimum_debt__is_taken_too(
    world_of_two: tuple[Contract, str, RevmChain], beyond: int
) -> None:
    """The most brings the account to its target; what is left then may be exactly the minimum."""
    contract, engine, chain = world_of_two
    values = Values(1_045 * WAD, 1_000 * WAD, 40 * WAD, 10 * WAD, True, 0)
    with chain.isolate():
        contract.start(ACCOUNT, engine, said(values, 2 * WAD), sender=engine)
        auction = liquidation_auction.start(values, engine, Parameters(*AUCTION), chain.timestamp())
        to_target = liquidation_auction.most(auction, values, chain.timestamp(), 0, 2 * WAD)
        left = values.debt - values.debt * to_target // WAD
        assert 0 < left < values.debt
        arguments = (ACCOUNT, WAD, -(2**255), left + beyond, said(values, 2 * WAD))
        terms = contract.take(*arguments, sender=engine).return_value
        assert (terms.fraction, terms.ended) == ((WAD, True) if beyond else (to_target, False))


@pytest.mark.parametrize(
    ("positive", "reason"), [(100 * WAD, ""), (100 * WAD + 3, "auction: not dust"), (401 * WAD, "auction: solvent")]
)
def test_write_off__a_quarter_of_the_minimum_debt__is_the_most(
    world_of_two: tuple[Contract, str, RevmChain], positive: int, reason: str
) -> None:
    contract, engine, chain = world_of_two
    values = Values(positive, 401 * WAD, 0, WAD, True, 0)
    with chain.isolate():
        contract.start(ACCOUNT, engine, said(values, 2 * WAD), sender=engine)
        receipt = outcome(lambda: contract.write_off(ACCOUNT, 400 * WAD + 3, said(values, 2 * WAD), sender=engine))
        assert receipt == reason if reason else receipt.events == [contract.event("Ended", account=ACCOUNT)]
        assert outcome(lambda: liquidation_auction.check_write_off(values, 400 * WAD + 3)) == (reason or None)


def nearly_there(most: int) -> Values:
    """An account on its line of whose debts so much is to be taken until it is at its target: 1e12, or one more."""
    lacks = 10**6
    whole = lacks * WAD // most  # what taking all would relieve: the target of the debt, and what takers lose, 1 in 100
    debt = (whole - 3 * lacks) * 100
    return Values(debt + 2 * lacks, debt, 0, 2 * lacks, True, 0)


def test_take__in_the_transaction_of_another__to_the_target_but_for_a_millionth_of_a_millionth(
    session_chain: RevmChain,
) -> None:
    """Afterwards the line is the requirement again: who is on it may not be taken from, and may leave."""
    chain, person = session_chain, session_chain.accounts()[0]
    there, not_yet = nearly_there(10**12), nearly_there(10**12 + 1)
    below = Values(1_000 * WAD, 1_000 * WAD, 50 * WAD, 50 * WAD, False, 0)
    with chain.isolate():
        relay = chain.deploy("MockRelay", sender=person)
        auction = chain.deploy("LiquidationAuction", relay, AUCTION, person, person, sender=person)
        first = liquidation_auction.start(below, person, Parameters(*AUCTION), chain.timestamp())
        taken = first._replace(taken=True)
        for values, most in ((there, 10**12), (not_yet, 10**12 + 1)):
            assert values.equity == values.requirement
            assert liquidation_auction.most(taken, values, chain.timestamp(), 0, 2 * WAD) == most

        def take(values: Values) -> bytes:
            return auction.take.encode(ACCOUNT, WAD // 1_000, -(2**255), 0, said(values, 2 * WAD))

        def end(values: Values) -> bytes:
            return auction.end.encode(ACCOUNT, True, said(values, 2 * WAD))

        def relayed(*calls: bytes) -> list[str]:
            answers = relay.relay(auction, calls, sender=person).return_value
            return ["" if answer.success else revert_reason(answer.data) for answer in answers]

        start = auction.start.encode(ACCOUNT, person, said(below, 2 * WAD))
        assert relayed(start, take(not_yet), take(below)) == ["", "auction: healthy", ""]
        assert not auction.auction_of(ACCOUNT).taken
        assert relayed(take(not_yet), take(below), take(there), end(not_yet), take(not_yet), end(there)) == [
            "auction: healthy",
            "",
            "auction: healthy",
            "auction: below the line",
            "",
            "",
        ]


def test_take__nothing_owed_any_more__nothing_to_take(session_chain: RevmChain) -> None:
    """Though in a transaction that took from the account its line is the target, which a wei of worth may be below."""
    chain, person = session_chain, session_chain.accounts()[0]
    below, paid = Values(1_000, 1_000, 50, 50, True, 0), Values(1, 0, 1, 0, True, 0)
    with chain.isolate():
        relay = chain.deploy("MockRelay", sender=person)
        auction = chain.deploy("LiquidationAuction", relay, AUCTION, person, person, sender=person)
        calls = [
            auction.start.encode(ACCOUNT, person, said(below, 3 * WAD)),
            auction.take.encode(ACCOUNT, WAD // 10, -(2**255), 0, said(below, 3 * WAD)),
            auction.take.encode(ACCOUNT, WAD, -(2**255), 0, said(paid, 3 * WAD)),
            auction.end.encode(ACCOUNT, True, said(paid, 3 * WAD)),
        ]
        answers = relay.relay(auction, calls, sender=person).return_value
        reasons = ["" if answer.success else revert_reason(answer.data) for answer in answers]
        assert reasons == ["", "", "auction: healthy", ""]


def shortfall(values: Values) -> int:
    return liquidation_auction.shortfall(values.equity, values.debt) if values.certain else UNKNOWN


def outcome(act: Any) -> Any:
    """Return what an act gives, or the reason why it is refused."""
    try:
        return act()
    except (Revert, ValueError) as error:
        return str(error)
