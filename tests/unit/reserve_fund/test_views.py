"""Views: as of now, whether anything was booked or not, and as if nobody had ever staked where nobody has."""

from __future__ import annotations

from typing import Any

from plimsoll.model.reserve_fund import MAX_STEPS, STEP, Scaled, rescaled
from tests.support.reserve import COOLDOWN, ReserveTwin


def test_views__empty_fund(twin: ReserveTwin) -> None:
    fund, pool = twin.fund, twin.pool.pool
    assert (fund.total_shares(pool), fund.total_stake(pool), fund.scale_of(pool)) == (0, 0, 0)
    assert tuple(fund.request_of(pool, twin.staker)) == (0, 0)
    assert fund.stake_of(pool, twin.staker) == 0
    assert fund.convert_to_stake(pool, 7) == 7 * 10**6
    assert fund.convert_to_shares(pool, 7 * 10**6) == 7
    assert (fund.cooldown(), fund.engine()) == (COOLDOWN, twin.engine)
    twin.check()


def test_views__what_came_in__counts_before_anybody_books_it(twin: ReserveTwin) -> None:
    twin.stake_tokens(1_000, twin.staker)
    gift = twin.give(twin.other, 1_001)
    twin.donate(gift, twin.other)
    before = [twin.fund.stake_of(twin.pool.pool, owner) for owner in (twin.staker, twin.fund)]
    price = twin.fund.convert_to_shares(twin.pool.pool, 10**20)
    twin.check()
    twin.request(1, twin.staker)
    assert [twin.fund.stake_of(twin.pool.pool, owner) for owner in (twin.staker, twin.fund)] == before
    assert twin.fund.convert_to_shares(twin.pool.pool, 10**20) == price
    assert before[1] > 0
    twin.check()


def test_views__pools_are_apart(twin: ReserveTwin, malicious: Any) -> None:
    stake = twin.stake_tokens(1_000, twin.staker)
    twin.fund.stake(malicious, 10**18, twin.attacker, sender=twin.attacker)
    malicious.burn(twin.fund, 10**18, sender=twin.attacker)
    assert twin.fund.stake_of(twin.pool.pool, twin.attacker) == twin.fund.stake_of(malicious, twin.staker) == 0
    assert twin.fund.stake_of(twin.pool.pool, twin.staker) == stake
    assert twin.fund.total_shares(malicious) == 0
    assert twin.fund.scale_of(malicious) == 3
    twin.check()


def test_rescaled__floors_compose_and_end_at_zero() -> None:
    amount = 123_456_789 * 10**60 + 987_654_321
    for steps in range(MAX_STEPS):
        once = rescaled(Scaled(amount, 0), steps + 1)
        assert once == rescaled(Scaled(rescaled(Scaled(amount, 0), steps), steps), steps + 1)
        assert once <= amount // STEP
    assert rescaled(Scaled(2**256 - 1, 4), 4 + MAX_STEPS) == 0
