"""stake: pool shares come in at the price of all stake, the pool's fee minted first."""

from __future__ import annotations

from typing import Any

import pytest

from plimsoll.chain import ZERO_ADDRESS, Event
from tests.support import reverts
from tests.support.pool import MAX, deploy_pool
from tests.support.reserve import ReserveTwin
from tests.unit.reserve_fund.conftest import DEBTOR, minting, moved


def staked(twin: ReserveTwin, sender: str, owner: str, shares: int, stake: int) -> Event:
    event: Event = twin.fund.event(
        "Staked", pool=twin.pool.pool, sender=sender, owner=owner, shares=shares, stake=stake
    )
    return event


def test_stake__first__a_million_for_each_share(twin: ReserveTwin) -> None:
    shares = twin.give(twin.staker, 1_000)
    receipt = twin.fund.stake(twin.pool.pool, shares, twin.staker, sender=twin.staker)
    assert receipt.return_value == shares * 10**6
    assert receipt.events == [
        staked(twin, twin.staker, twin.staker, shares, shares * 10**6),
        moved(twin.pool, twin.staker, twin.fund, shares),
    ]
    assert twin.fund.stake_of(twin.pool.pool, twin.staker) == shares * 10**6
    assert twin.fund.stake_of(twin.pool.pool, twin.fund) == 0
    assert twin.pool.pool.balanceOf(twin.fund) == shares


def test_stake__after_interest__fee_minted_first_and_half_of_it_kept__whole_receipt(busy: ReserveTwin) -> None:
    shares = busy.give(busy.third, 5_000)
    fees = minting(busy.pool)
    minted = fees[-1].args["shares"]
    kept = minted - minted // 2
    own = busy.model.convert_to_stake(kept)
    expected = busy.copy().model.stake(busy.now, shares, busy.third, busy.third)
    receipt = busy.fund.stake(busy.pool.pool, shares, busy.third, sender=busy.third)
    assert receipt.events == [
        *fees,
        busy.fund.event("Retained", pool=busy.pool.pool, shares=kept, stake=own),
        staked(busy, busy.third, busy.third, shares, expected),
        moved(busy.pool, busy.third, busy.fund, shares),
    ]
    assert receipt.return_value == expected < shares * 10**6


def test_stake__newcomer__owns_nothing_of_fees_earned_before(busy: ReserveTwin) -> None:
    shares = busy.give(busy.third, 400_000)
    busy.stake(shares, busy.third)
    assert shares - busy.worth(busy.third) in (0, 1, 2)
    busy.check()


def test_stake__twice_and_for_another__adds_up(twin: ReserveTwin) -> None:
    shares = twin.give(twin.staker, 1_000)
    twin.stake(shares // 4, twin.staker)
    twin.stake(shares // 4, twin.staker)
    twin.stake(shares // 2, twin.staker, twin.second)
    assert twin.model.stake_of(twin.staker) == twin.model.stake_of(twin.second) == shares // 2 * 10**6
    twin.check()


def test_stake__for_the_fund_itself__is_given_away(twin: ReserveTwin) -> None:
    shares = twin.give(twin.staker, 1_000)
    twin.stake(shares, twin.staker, twin.fund.address)
    assert twin.fund.stake_of(twin.pool.pool, twin.fund) == shares * 10**6
    twin.check()


def test_stake__while_the_pool_has_a_provision__accepted(busy: ReserveTwin) -> None:
    busy.pool.provision(DEBTOR, 1_000 * busy.pool.unit)
    busy.stake_tokens(100, busy.third)
    busy.check()


def test_stake__zero_amount__reverts(twin: ReserveTwin) -> None:
    with reverts("fund: zero amount"):
        twin.stake(0, twin.staker)


def test_stake__zero_receiver__reverts(twin: ReserveTwin) -> None:
    with reverts("fund: zero address"):
        twin.fund.stake(twin.pool.pool, 1, ZERO_ADDRESS, sender=twin.staker)


def test_stake__pool_of_another_fund__reverts(twin: ReserveTwin) -> None:
    other = deploy_pool(twin.pool.chain)
    other.deposit(1_000, twin.staker)
    other.pool.approve(twin.fund, MAX, sender=twin.staker)
    with reverts("fund: foreign pool"):
        twin.fund.stake(other.pool, 1_000, twin.staker, sender=twin.staker)


@pytest.mark.parametrize("what", ["token", "stranger"])
def test_stake__no_pool__reverts_without_a_reason(twin: ReserveTwin, what: str) -> None:
    pool = twin.pool.token if what == "token" else twin.other
    with reverts(""):
        twin.fund.stake(pool, 1_000, twin.staker, sender=twin.staker)


def test_stake__not_approved__reverts(twin: ReserveTwin) -> None:
    twin.pool.deposit(1_000, twin.staker)
    with reverts("erc20: insufficient allowance"):
        twin.fund.stake(twin.pool.pool, 1_000, twin.staker, sender=twin.staker)


def test_stake__more_than_the_caller_has__reverts(twin: ReserveTwin) -> None:
    shares = twin.give(twin.staker, 1_000)
    with reverts("erc20: transfer amount exceeds balance"):
        twin.stake(shares + 1, twin.staker)


def test_stake__fee_on_transfer__reverts(twin: ReserveTwin, malicious: Any) -> None:
    malicious.set_keeps(1_000, sender=twin.attacker)
    with reverts("token: received differs"):
        twin.fund.stake(malicious, 1_000, twin.attacker, sender=twin.attacker)


def test_stake__worth_less_than_a_unit__reverts(twin: ReserveTwin, malicious: Any) -> None:
    """Gifts in many steps can raise a unit of stake above a pool share; what buys none is refused then."""
    fund, attacker = twin.fund, twin.attacker
    fund.stake(malicious, 1, attacker, sender=attacker)
    while fund.convert_to_stake(malicious, 1) != 0:
        malicious.transfer(fund, malicious.balanceOf(fund), sender=attacker)
        fund.request_withdrawal(malicious, 1, sender=attacker)
    with reverts("fund: zero stake"):
        fund.stake(malicious, 1, attacker, sender=attacker)
