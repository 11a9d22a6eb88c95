"""request_withdrawal: only for one's own stake; a new request replaces the old and starts its time again."""

from __future__ import annotations

import pytest

from tests.support import reverts
from tests.support.reserve import COOLDOWN, LAPSE, ReserveTwin


def test_request__whole_receipt(twin: ReserveTwin) -> None:
    stake = twin.stake_tokens(1_000, twin.staker)
    receipt = twin.fund.request_withdrawal(twin.pool.pool, stake, sender=twin.staker)
    assert receipt.events == [
        twin.fund.event(
            "WithdrawalRequested",
            pool=twin.pool.pool,
            owner=twin.staker,
            stake=stake,
            ripe_at=twin.now + COOLDOWN,
            lapses_at=twin.now + COOLDOWN + LAPSE,
        )
    ]
    assert tuple(twin.fund.request_of(twin.pool.pool, twin.staker)) == (stake, twin.now)
    assert twin.fund.stake_of(twin.pool.pool, twin.staker) == stake, "it stays at risk"


def test_request__after_a_gift__books_it(twin: ReserveTwin) -> None:
    stake = twin.stake_tokens(1_000, twin.staker)
    gift = twin.give(twin.other, 1)
    twin.donate(gift, twin.other)
    own = twin.model.convert_to_stake(gift // 2)
    expected = twin.fund.stake_of(twin.pool.pool, twin.fund)
    receipt = twin.fund.request_withdrawal(twin.pool.pool, stake, sender=twin.staker)
    assert receipt.events[0] == twin.fund.event("Retained", pool=twin.pool.pool, shares=gift // 2, stake=expected)
    assert own <= expected, "it was bought at the price before the gift"
    assert twin.fund.stake_of(twin.pool.pool, twin.fund) == expected


def test_request__again__replaces_and_restarts(twin: ReserveTwin) -> None:
    stake = twin.stake_tokens(1_000, twin.staker)
    twin.request(stake, twin.staker)
    twin.warp(COOLDOWN - 1)
    twin.request(stake // 2, twin.staker)
    twin.warp(COOLDOWN - 1)
    with reverts("fund: not ripe"):
        twin.withdraw(twin.staker)
    twin.warp(1)
    twin.withdraw(twin.staker)
    assert twin.model.stake_of(twin.staker) == stake - stake // 2
    twin.check()


def test_request__zero__reverts(twin: ReserveTwin) -> None:
    twin.stake_tokens(1_000, twin.staker)
    with reverts("fund: zero amount"):
        twin.request(0, twin.staker)


def test_request__more_than_the_stake__reverts(twin: ReserveTwin) -> None:
    stake = twin.stake_tokens(1_000, twin.staker)
    for amount in (stake + 1, 2**256 - 1):
        with reverts("fund: insufficient stake"):
            twin.request(amount, twin.staker)


@pytest.mark.parametrize("role", ["second", "lender", "engine", "owner", "guardian", "deployer", "attacker"])
def test_request__every_other_caller__has_nothing(twin: ReserveTwin, role: str) -> None:
    twin.stake_tokens(1_000, twin.staker)
    with reverts("fund: insufficient stake"):
        twin.request(1, getattr(twin, role))


def test_request__for_another_pool__reverts(twin: ReserveTwin, malicious: object) -> None:
    stake = twin.stake_tokens(1_000, twin.staker)
    with reverts("fund: insufficient stake"):
        twin.fund.request_withdrawal(malicious, stake, sender=twin.staker)
