"""withdraw: ripe, not lapsed, at the price of the moment, and never while the pool has a provision."""

from __future__ import annotations

from typing import Any

import pytest

from plimsoll.chain import ZERO_ADDRESS
from tests.support import reverts
from tests.support.reserve import COOLDOWN, LAPSE, ReserveTwin
from tests.unit.reserve_fund.conftest import DEBTOR, minting, moved


@pytest.fixture
def asked(busy: ReserveTwin) -> ReserveTwin:
    """The staker asked for everything, now."""
    busy.request(busy.model.stake_of(busy.staker), busy.staker)
    return busy


def test_withdraw__whole_receipt(asked: ReserveTwin) -> None:
    asked.warp(COOLDOWN)
    stake, fees = asked.model.stake_of(asked.staker), minting(asked.pool)
    minted = fees[-1].args["shares"]
    kept = minted - minted // 2
    own = asked.model.convert_to_stake(kept)
    expected = asked.copy().model.withdraw(asked.now, asked.staker, asked.other)
    receipt = asked.fund.withdraw(asked.pool.pool, asked.other, sender=asked.staker)
    assert receipt.return_value == expected
    assert receipt.events == [
        *fees,
        asked.fund.event("Retained", pool=asked.pool.pool, shares=kept, stake=own),
        asked.fund.event(
            "Withdrawn",
            pool=asked.pool.pool,
            owner=asked.staker,
            receiver=asked.other,
            shares=expected,
            stake=stake,
        ),
        moved(asked.pool, asked.fund.address, asked.other, expected),
    ]
    assert asked.fund.stake_of(asked.pool.pool, asked.staker) == 0
    assert tuple(asked.fund.request_of(asked.pool.pool, asked.staker)) == (0, 0)


@pytest.mark.parametrize("late", [0, 1, LAPSE])
def test_withdraw__from_ripe_to_the_last_second__pays(asked: ReserveTwin, late: int) -> None:
    asked.warp(COOLDOWN + late)
    assert asked.withdraw(asked.staker) > 0
    asked.check()


def test_withdraw__a_second_early__reverts(asked: ReserveTwin) -> None:
    asked.warp(COOLDOWN - 1)
    with reverts("fund: not ripe"):
        asked.withdraw(asked.staker)
    asked.check()


def test_withdraw__a_second_late__reverts_and_the_stake_is_there(asked: ReserveTwin) -> None:
    stake = asked.model.stake_of(asked.staker)
    asked.warp(COOLDOWN + LAPSE + 1)
    with reverts("fund: lapsed"):
        asked.withdraw(asked.staker)
    assert asked.fund.stake_of(asked.pool.pool, asked.staker) == stake
    asked.request(stake, asked.staker)
    asked.warp(COOLDOWN)
    assert asked.withdraw(asked.staker) > 0
    asked.check()


def test_withdraw__twice__reverts(asked: ReserveTwin) -> None:
    asked.warp(COOLDOWN)
    asked.withdraw(asked.staker)
    with reverts("fund: no request"):
        asked.withdraw(asked.staker)


@pytest.mark.parametrize("role", ["second", "lender", "engine", "owner", "guardian", "deployer", "attacker"])
def test_withdraw__every_other_caller__reverts(asked: ReserveTwin, role: str) -> None:
    asked.warp(COOLDOWN)
    with reverts("fund: no request"):
        asked.withdraw(getattr(asked, role))


def test_withdraw__zero_receiver__reverts(asked: ReserveTwin) -> None:
    asked.warp(COOLDOWN)
    with reverts("fund: zero address"):
        asked.fund.withdraw(asked.pool.pool, ZERO_ADDRESS, sender=asked.staker)


def test_withdraw__at_the_price_of_the_moment__not_of_the_request(asked: ReserveTwin) -> None:
    at_request = asked.worth(asked.staker)
    asked.warp(COOLDOWN)
    asked.lose(10_000)
    paid = asked.withdraw(asked.staker)
    assert paid < at_request * 9 // 10
    asked.check()


def test_withdraw__loss_between__falls_on_all_stakes_alike(asked: ReserveTwin) -> None:
    asked.pool.mint_fees()
    asked.request(1, asked.second)  # books the fee
    owners = (asked.staker, asked.second, asked.fund.address)
    before = [asked.worth(owner) for owner in owners]
    held = asked.model.total_shares()
    asked.lose(12_345)
    lost = held - asked.model.total_shares()
    assert lost > 0
    for owner, worth in zip(owners, before, strict=True):
        assert abs((worth - asked.worth(owner)) * held - worth * lost) <= 4 * held
    asked.check()


def test_withdraw__fee_and_loss_not_booked_between__are_netted(asked: ReserveTwin) -> None:
    """A fee that was minted and burned again belongs to nobody; stakes share what is missing beyond it."""
    owners = (asked.staker, asked.second)
    before = [asked.worth(owner) for owner in owners]
    held = asked.model.total_shares()
    asked.lose(20_000)
    left = asked.model.total_shares()
    assert left < held
    for owner, worth in zip(owners, before, strict=True):
        assert abs(asked.worth(owner) * held - worth * left) <= 4 * held
    asked.check()


# Provisions


def test_withdraw__any_provision__reverts_until_it_is_gone(asked: ReserveTwin) -> None:
    asked.warp(COOLDOWN)
    asked.pool.provision(DEBTOR, 1)
    with reverts("fund: provision"):
        asked.withdraw(asked.staker)
    asked.check()
    asked.pool.provision(DEBTOR, 0)
    assert asked.withdraw(asked.staker) > 0


def test_withdraw__provision_became_a_loss__paid_less(asked: ReserveTwin) -> None:
    asked.warp(COOLDOWN)
    before = asked.worth(asked.staker)
    asked.pool.provision(DEBTOR, 10_000 * asked.pool.unit)
    with reverts("fund: provision"):
        asked.withdraw(asked.staker)
    asked.pool.repay(DEBTOR, asked.pool.model.debt_of(asked.now, DEBTOR) - 10_000 * asked.pool.unit)
    asked.pool.write_off(DEBTOR)
    assert 0 < asked.withdraw(asked.staker) < before
    asked.check()


def test_lenders__of_a_healthy_pool__leave_whatever_the_fund_does(asked: ReserveTwin) -> None:
    """Neither stakes, nor requests, nor an emptied fund stand in a lender's way."""
    asked.warp(COOLDOWN)
    asked.withdraw(asked.staker)
    asked.leave(asked.second)
    most = asked.pool.model.max_withdraw(asked.now, asked.lender)
    assert most > 400_000 * asked.pool.unit
    asked.pool.withdraw(most, asked.lender)
    asked.check()


def test_lenders__provision_covered_by_the_fund__leave_at_full_price(busy: ReserveTwin) -> None:
    busy.pool.mint_fees()
    price = busy.pool.pool.convertToAssets(10**15)
    busy.pool.provision(DEBTOR, 40_000 * busy.pool.unit)
    assert busy.pool.pool.convertToAssets(10**15) == price
    busy.pool.withdraw(100 * busy.pool.unit, busy.lender)
    busy.check()


# What a stake is worth at the ends


def test_withdraw__everybody__leaves_the_funds_own(busy: ReserveTwin) -> None:
    busy.leave(busy.staker)
    busy.leave(busy.second)
    own, total = busy.model.stake_of(busy.fund.address), busy.model.total_stake()
    assert total == own
    assert busy.model.total_shares() >= busy.worth(busy.fund.address) > 0
    busy.check()


def test_withdraw__then_a_gift__half_of_it_is_the_funds_own(asked: ReserveTwin) -> None:
    """What was paid out is off the book at once, so that what comes next counts as income."""
    asked.warp(COOLDOWN)
    asked.withdraw(asked.staker)
    own = asked.model.stake_of(asked.fund.address)
    gift = asked.give(asked.other, 1_000)
    asked.donate(gift, asked.other)
    assert asked.model.stake_of(asked.fund.address) > own
    asked.check()


def test_withdraw__nothing_left__reverts_and_keeps_the_request(asked: ReserveTwin) -> None:
    asked.warp(COOLDOWN)
    asked.lose(400_000)
    with reverts("fund: zero shares"):
        asked.withdraw(asked.staker)
    assert asked.model.total_shares() == 0
    assert asked.model.request_of(asked.staker).requested_at != 0
    asked.check()


def test_withdraw__transfer_refused__reverts(twin: ReserveTwin, malicious: Any) -> None:
    """A pool that takes the fund's shares away after they were counted."""
    fund, attacker = twin.fund, twin.attacker
    stake = fund.stake(malicious, 1_000, attacker, sender=attacker).return_value
    fund.request_withdrawal(malicious, stake, sender=attacker)
    twin.warp(COOLDOWN)
    malicious.set_call(fund, fund.cancel_request.encode(malicious), sender=attacker)
    with twin.pool.chain.isolate():
        fund.withdraw(malicious, attacker, sender=attacker)
        assert (malicious.called(), malicious.succeeded()) == (1, False), "the lock held"
    malicious.set_call(malicious, malicious.burn.encode(fund, 2), sender=attacker)
    fund.withdraw(malicious, attacker, sender=attacker)
    assert malicious.balanceOf(attacker) == 10**30 - 2, "burned before it was priced"
