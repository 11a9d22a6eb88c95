"""Resupply, June 2025: 9.6 million dollars, by a price that floored to zero.

A vault share's price was inverted, 1e36 / price; a gift of a few thousand dollars to the empty vault made it so large
that the inverse rounded down to nothing, and whatever was borrowed against it required nothing. Here nothing is
inverted, a debt's worth and its requirement round up, a number that floors to zero is no price, and without a price
nobody borrows.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from plimsoll.chain import ZERO_ADDRESS, RevmChain
from tests.support import reverts
from tests.support.risk import MARGIN, PRICES, WAD, Risk
from tests.support.scenario import DEAD, OK, World

OWED = 1 << 183
MOST = 2**128 - 1

prices = st.one_of(st.integers(1, 10), st.integers(1, 10**18), st.integers(1, MOST))
amounts = st.one_of(st.integers(1, 10), st.integers(1, 2**112 - 1))


@pytest.fixture(scope="module")
def listed(session_chain: RevmChain) -> tuple[Risk, Any, int]:
    """A risk engine with an asset at a price that a test sets."""
    risk = Risk.deploy(session_chain)
    source = risk.source(WAD)
    receipt = risk.engine.list_asset(risk.token(), False, [source], PRICES, MARGIN, sender=risk.owner)
    return risk, source, receipt.return_value


@given(price=prices, amount=amounts)
@example(price=1, amount=1)
@example(price=1, amount=10**18 - 1)
@example(price=MOST, amount=2**112 - 1)
def test_a_debt_of_any_size_at_any_price__is_worth_something_and_requires_something(
    listed: tuple[Risk, Any, int], price: int, amount: int
) -> None:
    risk, source, key = listed
    with risk.chain.isolate():
        source.set_price(price, sender=risk.owner)
        bid, mid, ask, status = risk.engine.prices([key])[0]
        assert status == OK
        assert 1 <= bid <= mid <= ask
        owed = key << 184 | OWED | amount
        health = risk.engine.assess([owed], [])
        assert min(health.debt, health.maintenance, health.initial) >= 1
        assert health.equity < 0
        assert health.equity_initial < 0
        sides = risk.engine.assess_liquidation([owed])
        assert min(sides.debt, sides.debt_requirement) >= 1


@given(amount=amounts)
def test_a_debt_without_any_price__is_not_free_either(listed: tuple[Risk, Any, int], amount: int) -> None:
    risk, source, key = listed
    with risk.chain.isolate():
        source.set_revert(sender=risk.owner)
        assert risk.engine.prices([key])[0] == (0, 0, 0, DEAD)
        health = risk.engine.assess([key << 184 | OWED | amount], [])
        assert min(health.debt, health.maintenance, health.initial) >= 1


@pytest.mark.parametrize("answer", [0, 2**128, 2**256 - 1])
def test_a_number_that_is_no_price__is_none(world: World, long: int, answer: int) -> None:
    """All that the attacker's trick could still reach: a source that says zero, and an asset without a price."""
    account = world.account("attacker", 0)
    world.deposit(account, "WBTC", 1)
    source, deployer = world["DAI"].source, world.roles["deployer"]
    source.set_reading((answer, answer, world.chain.timestamp(), 1, 1), sender=deployer)
    assert world.risk_engine.prices([world["DAI"].key])[0].status == DEAD
    with reverts("engine: price status"):
        world.borrow(account, "DAI", 1)
    assert world.balance(account, "DAI") == 0


@pytest.mark.parametrize("price", [Fraction(1, 10**18), Fraction(1, 10**9), Fraction(1, 10**3), 10**15])
def test_a_price_at_its_floor_or_its_top__lends_no_more_than_it_pays_for(world: World, price: Fraction) -> None:
    """A price that is wrong by fifteen digits is the sources' affair; no rounding adds to it."""
    account, attacker = world.account("attacker", 0), world.roles["attacker"]
    world.set_price("DAI", price)
    world.deposit(account, "USDC", 1_000)
    cash = world["DAI"].pool.cash()
    affordable = int(Fraction(1_000 * 10**18) / price)
    with reverts("engine: initial margin" if affordable <= cash else "pool: cash"):
        world.engine.withdraw(account, world["DAI"].token, affordable, attacker, affordable, sender=attacker)


@pytest.mark.parametrize("decimals", [19, 24, 36])
def test_a_feed_with_more_digits_than_a_price__floors_to_no_price(chain: RevmChain, decimals: int) -> None:
    """Answers of such a feed can be less than one unit of a price: then there is none."""
    owner = chain.accounts()[0]
    feed = chain.deploy("MockFeed", "TKN / USD", decimals, 10**decimals, sender=owner)
    oracle = chain.deploy("FeedOracle", feed, 18, 1, 10**38, 3_600, ZERO_ADDRESS, 0, sender=owner)
    risk = Risk.deploy(chain)
    receipt = risk.engine.list_asset(risk.token(), False, [oracle], PRICES, MARGIN, sender=risk.owner)
    for answer, status in ((1, DEAD), (10 ** (decimals - 18) - 1, DEAD), (10 ** (decimals - 18), OK)):
        feed.set_answer(answer, sender=owner)
        price = risk.engine.prices([receipt.return_value])[0]
        assert (price.status, price.bid >= 1) == (status, status == OK)


def test_a_share_of_almost_nothing__keeps_a_price_of_at_least_one_unit(chain: RevmChain) -> None:
    """The vault of the story: a price per share that would floor to zero stands at the smallest price instead."""
    owner = chain.accounts()[0]
    token = chain.deploy("MockERC20", "Token", "TKN", 6, sender=owner)
    vault = chain.deploy("MockVault", token, sender=owner)
    token.mint(owner, 10**12, sender=owner)
    token.approve(vault, 10**12, sender=owner)
    vault.deposit(10**12, owner, sender=owner)
    source = chain.deploy("MockPriceSource", sender=owner)
    source.set_price(10**6, sender=owner)
    oracle = chain.deploy("VaultShareOracle", vault, token, source, 10**12, 2**112 - 1, WAD // 4, owner, sender=owner)
    vault.lose(10**12 - 1, sender=owner)
    assert vault.previewRedeem(10**12) == 1
    assert tuple(oracle.read())[:2] == (1, 1)
