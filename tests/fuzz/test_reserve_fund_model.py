"""Fund against model, to the unit: sequences of stakes, requests, losses, fees and gifts over a real lending pool.

After each operation fund and pool equal their models, and what somebody else does leaves the worth of a stake alone but
for rounding: fees and gifts raise it, losses lower all stakes in the same proportion.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plimsoll.chain import Revert, RevmChain
from tests.support.reserve import LAPSE, ReserveTwin, deploy_reserve

VERBS = (
    *("stake", "stake", "stake_all", "request", "withdraw", "withdraw", "leave", "cancel"),
    *("lend", "borrow", "repay", "provision", "release", "write_off", "mint_fees", "donate", "wipe_out"),
)
OWN = {"stake", "stake_all", "withdraw", "leave"}
LOSSES = {"write_off", "wipe_out"}

amounts = st.one_of(
    st.integers(0, 10),
    st.builds(lambda mantissa, exponent: mantissa * 10**exponent, st.integers(1, 999), st.integers(0, 30)),
    st.integers(0, 2**100),
)
steps = st.lists(
    st.tuples(
        st.sampled_from(VERBS),
        st.integers(0, 2),
        amounts,
        st.one_of(st.just(0), st.just(1), st.integers(0, 10 * 86_400)),
    ),
    min_size=5,
    max_size=30,
)


@pytest.fixture(scope="module", params=[6, 18, 0], ids=lambda decimals: f"{decimals} decimals")
def deployed(request: pytest.FixtureRequest, session_chain: RevmChain) -> ReserveTwin:
    twin = deploy_reserve(session_chain, decimals=request.param)
    twin.pool.deposit(10**6 * twin.pool.unit, twin.lender)
    for holder in (twin.staker, twin.second, twin.third):
        shares = twin.give(holder, 10**5)
        twin.stake(shares // 2, holder)
    twin.pool.borrow(1, 10**5 * twin.pool.unit)
    return twin


@given(steps=steps)
def test_operations__fund_equals_model(deployed: ReserveTwin, steps: list[tuple[str, int, int, int]]) -> None:
    with deployed.pool.chain.isolate():
        twin = deployed.copy()
        holders = [twin.staker, twin.second, twin.third]
        for verb, who, amount, seconds in steps:
            twin.warp(seconds)
            before = {holder: twin.worth(holder) for holder in holders}
            held = twin.model.total_shares()
            try:
                apply(twin, verb, holders[who], amount)
            except Revert as refused:
                assert refused.reason, f"{verb}({amount}) reverted without a reason"
            twin.check()
            for holder in holders:
                after = twin.worth(holder)
                if verb not in LOSSES and not (verb in OWN and holder == holders[who]):
                    assert after >= before[holder] - 1, f"{verb} took from a stake"
                if verb in LOSSES:
                    left = twin.model.total_shares()
                    assert after * held >= before[holder] * min(left, held) - 2 * held, "more than its part of the loss"


@given(steps=steps)
def test_round_trips__nobody_gets_more_than_his_part(
    deployed: ReserveTwin, steps: list[tuple[str, int, int, int]]
) -> None:
    """With no gifts and no fees, all that a holder ever had is what he was given: losses only take."""
    with deployed.pool.chain.isolate():
        twin = deployed.copy()
        twin.pool.repay(1, 10**5 * twin.pool.unit)
        holders = [twin.staker, twin.second, twin.third]
        given_ = {holder: twin.pool.model.balance_of(holder) + twin.worth(holder) for holder in holders}
        for verb, who, amount, seconds in steps:
            twin.warp(seconds)
            if verb in {"donate", "lend", "borrow", "mint_fees", "provision"}:
                continue
            try:
                apply(twin, verb, holders[who], amount)
            except Revert as refused:
                assert refused.reason
            for holder in holders:
                assert twin.pool.model.balance_of(holder) + twin.worth(holder) <= given_[holder]
        for holder in holders:
            if twin.model.stake_of(holder) and twin.worth(holder):
                twin.leave(holder)
            assert twin.pool.model.balance_of(holder) <= given_[holder]
        twin.check()


def apply(twin: ReserveTwin, verb: str, holder: str, amount: int) -> Any:
    """Do one step; amounts of what needs an amount that exists are folded into what exists, most of the time."""
    pool, model, now = twin.pool, twin.model, twin.now
    fold = amount % 4 != 0

    def within(most: int) -> int:
        return amount % (most + 1) if fold else amount

    match verb:
        case "stake":
            return twin.stake(within(pool.model.balance_of(holder)), holder)
        case "stake_all":
            return twin.stake(pool.model.balance_of(holder), holder)
        case "request":
            return twin.request(within(model.stake_of(holder)), holder)
        case "withdraw":
            requested_at = model.request_of(holder).requested_at
            if fold and requested_at:
                twin.warp(max(0, requested_at + model.cooldown - now))
            return twin.withdraw(holder)
        case "leave":
            twin.request(within(model.stake_of(holder)) or model.stake_of(holder), holder)
            twin.warp(model.cooldown + amount % LAPSE)
            return twin.withdraw(holder)
        case "cancel":
            return twin.cancel(holder)
        case "lend":
            return pool.deposit(within(10**5 * pool.unit), twin.lender)
        case "borrow":
            return pool.borrow(1, within(pool.model.current(now).cash))
        case "repay":
            return pool.repay(1, within(pool.model.debt_of(now, 1)))
        case "provision":
            return pool.provision(1, amount)
        case "release":
            return pool.provision(1, 0)
        case "write_off":
            return pool.write_off(1)
        case "mint_fees":
            return pool.mint_fees()
        case "donate":
            return twin.donate(amount % (pool.model.balance_of(holder) + 1), holder)
        case "wipe_out":
            worth = pool.model.convert_to_assets(now, model.total_shares())
            pool.borrow(2, min(worth + worth // 100 + 1, pool.model.current(now).cash))
            return pool.write_off(2)
    raise AssertionError(verb)
