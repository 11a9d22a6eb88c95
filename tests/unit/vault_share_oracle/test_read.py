"""The reading: what a share pays, as far as the line goes; falls and recoveries at once; what the source says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plimsoll.chain import Contract, RevmChain
from plimsoll.model import vault_share
from plimsoll.model.price_source import NO_READING
from tests.support import reverts
from tests.support.pool import WAD, YEAR, PoolTwin
from tests.unit.vault_share_oracle.conftest import DAY, DOLLAR, MAX, OpenOracle, Oracle, Vault, open_vault


def test_read__a_share_is_worth_what_it_pays(vault: Vault, open_oracle: OpenOracle) -> None:
    vault.donate(5 * 10**10)
    oracle = open_oracle(vault.contract)
    assert oracle.read() == (DOLLAR * 105 // 100, DOLLAR * 105 // 100, oracle.now, 1, 1) == oracle.model_read()


def test_read__a_donation__counts_up_to_the_line_only(vault: Vault, oracle: Oracle, chain: RevmChain) -> None:
    vault.donate(9 * 10**12)
    assert oracle.read().price == DOLLAR
    chain.warp(YEAR)
    assert oracle.read().price == DOLLAR * 125 // 100 == oracle.model_read().price
    chain.warp(YEAR)
    assert oracle.read().price == DOLLAR * 150 // 100, "of the anchor, not compounded"
    chain.warp(100 * YEAR)
    assert oracle.read().price == 10 * DOLLAR, "the spot, once the line is past it"


def test_read__a_fall_and_its_recovery__pass_at_once(vault: Vault, oracle: Oracle) -> None:
    vault.lose(3 * 10**11)
    assert oracle.read().price == DOLLAR * 7 // 10
    vault.donate(2 * 10**11)
    assert oracle.read().price == DOLLAR * 9 // 10
    vault.donate(10**12)
    assert oracle.read().price == DOLLAR


def test_read__everything_is_lost__the_least_price_and_not_none(vault: Vault, oracle: Oracle) -> None:
    vault.lose(10**12)
    assert oracle.read() == (1, 1, oracle.now, 1, 1) == oracle.model_read()


def test_read__own_pool__earns_interest_and_books_losses(pool: PoolTwin, open_oracle: OpenOracle) -> None:
    oracle = open_oracle(pool.pool)
    assert oracle.read().price == DOLLAR // 10**6 == oracle.model_read().price
    pool.warp(30 * DAY)
    earned = oracle.read().price
    assert earned == oracle.model_read().price == DOLLAR * oracle.spot // oracle.parameters.sample
    assert earned > DOLLAR // 10**6
    redeemed = pool.pool.previewRedeem(10**18)
    assert earned == DOLLAR * redeemed // 10**18

    pool.provision(1, 10**11)
    provisioned = oracle.read().price
    assert provisioned == oracle.model_read().price
    assert provisioned * 10 < earned * 10 * 91 // 100, "who leaves now bears what is provisioned"
    pool.provision(1, 0)
    assert oracle.read().price == earned
    pool.write_off(1)
    assert oracle.read().price == oracle.model_read().price
    assert oracle.read().price * 2 <= earned + earned // 100, "half of the pool was lent, and is lost"


def test_read__own_pool__a_donation_changes_nothing(pool: PoolTwin, open_oracle: OpenOracle) -> None:
    oracle = open_oracle(pool.pool)
    before = oracle.read()
    pool.donate(10**13)
    assert oracle.read() == before


def test_read__own_pool__what_a_seller_gets(pool: PoolTwin, open_oracle: OpenOracle) -> None:
    oracle = open_oracle(pool.pool)
    pool.warp(DAY)
    pool.provision(1, 10**9)
    price, shares = oracle.read().price, 10**17
    paid = pool.redeem(shares, pool.lender)
    assert 0 <= price * shares // 10**18 - paid * DOLLAR // 10**18 <= DOLLAR // 10**18, "to the last raw unit"


def test_read__own_pool__the_line_holds_a_rate_beyond_its_cap(pool: PoolTwin, open_oracle: OpenOracle) -> None:
    oracle = open_oracle(pool.pool, yearly_cap=WAD // 1_000)
    pool.warp(YEAR)
    assert oracle.spot > oracle.model_line()
    assert oracle.read() == oracle.model_read()
    assert oracle.read().price == DOLLAR // 10**6 * oracle.model_line() // 10**12


@pytest.mark.parametrize("offset", [0, 6, 12])
def test_read__a_vault_that_somebody_else_wrote(
    chain: RevmChain, open_oracle: OpenOracle, owner: str, offset: int
) -> None:
    """snekmate's: what is donated to it moves its price, a sale pays what the price says, and the line holds."""
    token = chain.deploy("MockERC20", "Token", "TKN", 6, sender=owner)
    vault = chain.deploy("MockERC4626", token, offset, sender=owner)
    oracle = open_oracle(vault, 10 ** (12 + offset))
    token.mint(owner, 10**13, sender=owner)
    token.approve(vault, MAX, sender=owner)
    vault.deposit(10**12, owner, sender=owner)
    unit = DOLLAR // 10**offset
    assert oracle.read().price == unit
    token.transfer(vault, 10**11, sender=owner)
    assert oracle.read().price == unit
    chain.warp(YEAR)
    price = oracle.read().price
    assert price == oracle.model_read().price
    assert unit * 109 // 100 < price <= unit * 11 // 10
    shares = 10 ** (11 + offset)
    paid = vault.redeem(shares, owner, owner, sender=owner).return_value
    assert abs(price * shares // 10**18 - paid * DOLLAR // 10**18) <= 2 * DOLLAR // 10**18
    assert oracle.read() == oracle.model_read()


@pytest.mark.parametrize(
    ("fresh", "trusted", "age"), [(1, 1, 0), (0, 1, 5_000), (1, 0, 7), (0, 0, 10**6), (2**200, 3, 0)]
)
def test_read__age_freshness_and_trust__are_the_sources(
    oracle: Oracle, source: Contract, owner: str, fresh: int, trusted: int, age: int
) -> None:
    source.set_reading((DOLLAR, DOLLAR, oracle.now - age, fresh, trusted), sender=owner)
    assert oracle.read() == (DOLLAR, DOLLAR, oracle.now - age, fresh, trusted)


def test_read__limited_number__is_treated_like_the_price(
    vault: Vault, oracle: Oracle, source: Contract, owner: str
) -> None:
    source.set_reading((DOLLAR, 9 * DOLLAR // 10, 5, 1, 1), sender=owner)
    vault.donate(10**12)
    assert oracle.read() == (DOLLAR, 9 * DOLLAR // 10, 5, 1, 1)
    vault.lose(15 * 10**11)
    assert oracle.read() == (DOLLAR // 2, 9 * DOLLAR // 20, 5, 1, 1) == oracle.model_read()


@pytest.mark.parametrize("numbers", [(1, 1), (2**128 - 1, 1), (1, 2**128 - 1)])
def test_read__least_and_largest_price_of_the_source__are_passed_on(
    oracle: Oracle, source: Contract, owner: str, numbers: tuple[int, int]
) -> None:
    source.set_reading((*numbers, oracle.now, 1, 1), sender=owner)
    assert oracle.read() == (*numbers, oracle.now, 1, 1) == oracle.model_read()


@pytest.mark.parametrize("numbers", [(0, 1), (1, 0), (2**128, 1), (1, 2**128), (2**256 - 1, 2**256 - 1)])
def test_read__source_without_a_valid_price__no_reading(
    oracle: Oracle, source: Contract, owner: str, numbers: tuple[int, int]
) -> None:
    source.set_reading((*numbers, oracle.now, 1, 1), sender=owner)
    assert oracle.read() == NO_READING == oracle.model_read()


def test_read__source_reverts__reverts(oracle: Oracle, source: Contract, owner: str) -> None:
    source.set_revert(sender=owner)
    with reverts("mock: told to revert"):
        oracle.contract.read()


def test_read__vault_reverts__reverts(vault: Vault, oracle: Oracle, owner: str) -> None:
    vault.contract.set_behaviour(1, sender=owner)
    with reverts("mock: told to revert"):
        oracle.contract.read()
    vault.contract.set_behaviour(0, sender=owner)
    assert oracle.read().price == DOLLAR


@given(
    assets=st.integers(10**9, 10**16),
    donated=st.integers(0, 10**17),
    lost=st.fractions(0, 1),
    elapsed=st.integers(0, 5 * YEAR),
    yearly_cap=st.integers(1, WAD),
    price=st.integers(1, 10**32),
    clamped=st.integers(1, 10**32),
)
def test_read__equals_the_twin_to_the_unit(
    chain: RevmChain,
    open_oracle: OpenOracle,
    source: Contract,
    owner: str,
    assets: int,
    donated: int,
    lost: float,
    elapsed: int,
    yearly_cap: int,
    price: int,
    clamped: int,
) -> None:
    with chain.isolate():
        vault = open_vault(chain, assets=assets)
        oracle = open_oracle(vault.contract, yearly_cap=yearly_cap)
        vault.donate(donated)
        vault.lose(int((assets + donated) * lost))
        source.set_reading((price, clamped, 1, 1, 1), sender=owner)
        chain.warp(elapsed)
        reading = oracle.read()
        assert reading == oracle.model_read()
        assert oracle.contract.rate()[:2] == (oracle.spot, oracle.model_line())
        most = max(price * oracle.model_line() // oracle.parameters.sample, 1)
        assert reading.price <= most, "no donation takes the price above the line"


@given(
    anchor=st.integers(1, 2**112 - 1),
    yearly_cap=st.integers(1, WAD),
    elapsed=st.integers(0, 2**40 - 1),
    source=st.integers(1, 2**128 - 1),
    assets=st.integers(0, 2**128 - 1),
    sample=st.integers(10**6, 2**112 - 1),
)
def test_vault_share__harness_equals_the_twin_over_its_whole_domain(
    chain: RevmChain, owner: str, anchor: int, yearly_cap: int, elapsed: int, source: int, assets: int, sample: int
) -> None:
    harness = chain.deploy("vault_share_harness", sender=owner)
    line = vault_share.line(anchor, 1, yearly_cap, 1 + elapsed)
    assert harness.line(anchor, 1, yearly_cap, 1 + elapsed) == line
    assert anchor <= line < 2**128
    assert harness.price(source, assets, sample) == vault_share.price(source, assets, sample)


@given(
    st.tuples(*[st.integers(0, 2**256 - 1) | st.integers(9_400, 10_600)] * 7),
)
def test_vault_share__is_fair__equals_the_twin(chain: RevmChain, owner: str, numbers: tuple[int, ...]) -> None:
    harness = chain.deploy("vault_share_harness", sender=owner)
    expected = vault_share.is_fair(numbers[0], vault_share.Answers(*numbers[1:]))
    assert harness.is_fair(*numbers) == expected
