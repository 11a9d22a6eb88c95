"""What somebody might try: gifts, stakes of nothing, emptied funds, hostile pools, and running ahead of a loss."""

from __future__ import annotations

from typing import Any

import pytest

from plimsoll.chain import RevmChain
from tests.support import reverts
from tests.support.pool import YEAR
from tests.support.reserve import COOLDOWN, LAPSE, ReserveTwin, deploy_reserve
from tests.unit.reserve_fund.conftest import DEBTOR

# Early and tiny stakes


@pytest.mark.parametrize("dust", [1, 10**6, 10**12], ids=["one share", "one raw unit", "one dollar"])
@pytest.mark.parametrize("bookings", [1, 200])
def test_early_dust__does_not_collect_the_fees_of_an_empty_fund(twin: ReserveTwin, dust: int, bookings: int) -> None:
    """Who comes first with next to nothing and books each fee on its own gets what dust can earn beside the fund."""
    twin.give(twin.attacker, 10)
    twin.stake(dust, twin.attacker)
    twin.pool.borrow(DEBTOR, 900_000 * twin.pool.unit)
    for _ in range(bookings):
        twin.warp(YEAR // bookings)
        twin.pool.mint_fees()
        twin.request(1, twin.attacker)
    fees = twin.model.total_shares()
    earned = twin.worth(twin.attacker) - dust
    assert fees > 1_000 * 10**12
    assert earned**2 <= 4 * dust * fees, "at most the root of dust times fees"
    assert twin.worth(twin.fund.address) * 10 > fees * 9
    twin.check()


@pytest.mark.parametrize("gift", [10**6, 10**12, 10**18])
def test_inflation__first_stake_then_a_gift__takes_nothing_from_the_next(twin: ReserveTwin, gift: int) -> None:
    twin.give(twin.attacker, 2_000_000)
    twin.give(twin.staker, 1_000)
    spent = gift + 1
    twin.stake(1, twin.attacker)
    twin.donate(gift, twin.attacker)
    victim = 1_000 * 10**12
    twin.stake(victim, twin.staker)
    assert victim - twin.worth(twin.staker) <= max(2, gift // 10**6)
    assert twin.worth(twin.attacker) <= spent * 3 // 4
    twin.check()


def test_gift__to_who_stakes_next__is_not_his(twin: ReserveTwin) -> None:
    """Fees that came before anybody staked stay in the fund."""
    twin.donate(twin.give(twin.other, 5_000), twin.other)
    shares = twin.give(twin.staker, 100)
    twin.stake(shares, twin.staker)
    assert shares - 2 <= twin.worth(twin.staker) <= shares
    assert twin.leave(twin.staker) <= shares
    twin.check()


def test_just_before_the_fee_is_minted__earns_nothing_of_it(busy: ReserveTwin) -> None:
    shares = busy.give(busy.attacker, 100_000)
    busy.stake(shares, busy.attacker)
    busy.pool.mint_fees()
    busy.request(1, busy.attacker)
    assert busy.worth(busy.attacker) <= shares


# Losing everything, again and again


@pytest.mark.parametrize("decimals", [0, 6, 18])
def test_wiped_out_many_times__fund_goes_on(chain: RevmChain, decimals: int) -> None:
    """Each loss takes all shares; after it a stake is worth what was put in, and can be withdrawn."""
    twin = deploy_reserve(chain, decimals=decimals)
    twin.pool.deposit(10**8 * twin.pool.unit, twin.lender)
    for round_ in range(8):
        staked = twin.give(twin.staker, 1_000_000)
        twin.stake(staked, twin.staker)
        assert staked - 4 <= twin.worth(twin.staker) <= staked
        twin.lose(2_000_000, index=round_)
        assert twin.model.total_shares() == twin.worth(twin.staker) == 0
        twin.check()
    assert twin.model.scale_of() > 8
    staked = twin.give(twin.second, 1_000_000)
    twin.stake(staked, twin.second)
    assert staked - 4 <= twin.leave(twin.second) <= staked
    assert twin.worth(twin.staker) <= 4, "what was lost does not come back from others"
    twin.check()


def test_rescaling__keeps_requests_and_parts(twin: ReserveTwin) -> None:
    """Stakes that kept a millionth of a millionth are rescaled with everybody's parts as they were."""
    twin.stake_tokens(300_000, twin.staker)
    twin.stake_tokens(100_000, twin.second)
    twin.request(twin.model.stake_of(twin.staker), twin.staker)
    held = twin.model.total_shares()
    twin.lose(400_000)
    assert twin.model.total_shares() < held // 1_000
    twin.stake_tokens(1, twin.third)
    assert twin.model.scale_of() == twin.model.book.scale
    stake = twin.model.stake_of(twin.staker)
    assert twin.model.request_of(twin.staker).stake == stake
    twin.check()
    assert twin.model.stake_of(twin.staker) == 3 * twin.model.stake_of(twin.second)
    twin.check()


def test_rescaled__whole_receipt(twin: ReserveTwin) -> None:
    stake = twin.stake_tokens(1_000, twin.staker)
    twin.lose(500_000)
    assert twin.model.total_shares() == 0
    receipt = twin.fund.request_withdrawal(twin.pool.pool, 1, sender=twin.staker)
    scaled = stake // 10**12
    assert scaled == 10**9
    assert receipt.events == [
        twin.fund.event("Rescaled", pool=twin.pool.pool, scale=2, total_stake=scaled),
        twin.fund.event(
            "WithdrawalRequested",
            pool=twin.pool.pool,
            owner=twin.staker,
            stake=1,
            ripe_at=twin.now + COOLDOWN,
            lapses_at=twin.now + COOLDOWN + LAPSE,
        ),
    ]


@pytest.mark.parametrize("left", [0, 10**6])
@pytest.mark.parametrize(("beyond", "scale"), [(0, 0), (1, 1)])
def test_rescaling__at_a_millionth_of_the_first_price__exact(
    twin: ReserveTwin, malicious: Any, left: int, beyond: int, scale: int
) -> None:
    """A stake of s shares is 1e6 * (s + 1) with the virtual part; 1e12 for each one left, virtual too, still stands."""
    staked = 10**6 * (left + 1) - 1 + beyond
    twin.fund.stake(malicious, staked, twin.attacker, sender=twin.attacker)
    malicious.burn(twin.fund, staked - left, sender=twin.attacker)
    assert twin.fund.scale_of(malicious) == scale


def test_rescaling__until_a_million_to_that_power_is_beyond_a_word__stake_is_nothing(
    twin: ReserveTwin, malicious: Any
) -> None:
    """(1e6)**13 is no uint256 any more: a stake as old as that is read, and asked back, like one of nothing."""
    fund, attacker = twin.fund, twin.attacker
    for scale in range(1, 15):
        fund.stake(malicious, 10**6, twin.staker if scale == 1 else attacker, sender=attacker)
        malicious.burn(fund, 10**6, sender=attacker)
        assert fund.scale_of(malicious) == scale
        assert fund.stake_of(malicious, twin.staker) == 10**12 // 10 ** (6 * scale)
    with reverts("fund: insufficient stake"):
        fund.request_withdrawal(malicious, 1, sender=twin.staker)


# Running ahead


def test_rolling_requests__at_most_the_window_is_ripe(twin: ReserveTwin) -> None:
    """Renewed for ever and spread evenly, no more than 2 days / (cooldown + 2 days) of a stake can leave at once."""
    owners = [twin.staker, twin.second, twin.third, twin.other, twin.trader, twin.attacker]
    period = COOLDOWN + LAPSE
    for owner in owners:
        twin.stake_tokens(1_000, owner)
    for _ in range(2):
        for owner in owners:
            twin.warp(period // len(owners))
            twin.request(twin.model.stake_of(owner), owner)
    ripe = 0
    for owner in owners:
        requested_at = twin.fund.request_of(twin.pool.pool, owner).requested_at
        if requested_at + COOLDOWN <= twin.now <= requested_at + COOLDOWN + LAPSE:
            twin.withdraw(owner)
            ripe += 1
        else:
            with reverts("fund: not ripe"):
                twin.withdraw(owner)
    assert 1 <= ripe <= -(-LAPSE * len(owners) // period)
    twin.check()


def test_ripe_request__who_books_the_loss_first__keeps_it_in(busy: ReserveTwin) -> None:
    busy.request(busy.model.stake_of(busy.staker), busy.staker)
    busy.warp(COOLDOWN)
    busy.pool.provision(DEBTOR, 1_000 * busy.pool.unit)
    for _ in range(3):
        with reverts("fund: provision"):
            busy.withdraw(busy.staker)
        busy.warp(LAPSE // 4)
    busy.warp(LAPSE)
    busy.pool.provision(DEBTOR, 0)
    with reverts("fund: lapsed"):
        busy.withdraw(busy.staker)
    busy.check()


# Hostile pools


def everything(twin: ReserveTwin, pool: Any) -> dict[str, bytes]:
    """A call of every function of the fund, by name."""
    fund, real = twin.fund, twin.pool.pool
    calls = {
        "stake": fund.stake.encode(real, 1, pool),
        "request_withdrawal": fund.request_withdrawal.encode(pool, 1),
        "cancel_request": fund.cancel_request.encode(pool),
        "withdraw": fund.withdraw.encode(pool, pool),
        "collect": fund.collect.encode(twin.pool.token),
        "stake_of": fund.stake_of.encode(real, twin.staker),
        "total_stake": fund.total_stake.encode(real),
        "total_shares": fund.total_shares.encode(real),
        "convert_to_shares": fund.convert_to_shares.encode(real, 1),
        "convert_to_stake": fund.convert_to_stake.encode(real, 1),
        "request_of": fund.request_of.encode(real, twin.staker),
        "scale_of": fund.scale_of.encode(real),
        "cooldown": fund.cooldown.encode(),
        "engine": fund.engine.encode(),
    }
    assert calls.keys() == {entry["name"] for entry in fund.abi if entry["type"] == "function"}
    return calls


def test_reentrancy__every_function_from_inside_a_stake_or_a_withdrawal__reverts(
    twin: ReserveTwin, malicious: Any
) -> None:
    fund, attacker = twin.fund, twin.attacker
    twin.stake_tokens(1_000, twin.staker)
    stake = fund.stake(malicious, 10**6, attacker, sender=attacker).return_value
    fund.request_withdrawal(malicious, stake, sender=attacker)
    twin.warp(COOLDOWN)
    calls = everything(twin, malicious)
    for name, data in calls.items():
        constant = name in {"cooldown", "engine"}
        for verb in (
            lambda: fund.stake(malicious, 1, attacker, sender=attacker),
            lambda: fund.withdraw(malicious, attacker, sender=attacker),
        ):
            with twin.pool.chain.isolate():
                malicious.set_call(fund, data, sender=attacker)
                verb()
                assert malicious.called() == 1
                assert malicious.succeeded() == constant, name
    twin.check()


def test_hostile_pool__takes_shares_while_they_are_staked__harms_its_own_only(
    twin: ReserveTwin, malicious: Any
) -> None:
    fund, attacker = twin.fund, twin.attacker
    stake = twin.stake_tokens(1_000, twin.staker)
    fund.stake(malicious, 10**6, attacker, sender=attacker)
    malicious.set_call(malicious, malicious.burn.encode(fund, 10**6), sender=attacker)
    fund.stake(malicious, 10, attacker, sender=attacker)
    assert malicious.balanceOf(fund) == 10
    assert fund.stake_of(twin.pool.pool, twin.staker) == stake
    assert twin.leave(twin.staker) >= 1_000 * 10**12 - 1
    twin.check()


@pytest.mark.parametrize("balance", [2**256 - 1, 2**200])
def test_hostile_pool__absurd_balances__stop_at_itself(twin: ReserveTwin, malicious: Any, balance: int) -> None:
    fund, attacker = twin.fund, twin.attacker
    twin.stake_tokens(1_000, twin.staker)
    malicious.burn(attacker, 10**30, sender=attacker)
    malicious.mint(fund, balance - 10**6, sender=attacker)
    malicious.mint(attacker, 10**6, sender=attacker)
    if balance == 2**256 - 1:
        with reverts("math: mul_div overflow"):
            fund.stake(malicious, 10**6, attacker, sender=attacker)
    else:
        fund.stake(malicious, 10**6, attacker, sender=attacker)
    twin.check()
