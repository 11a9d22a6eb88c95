"""Contract against model, to the unit: sequences of every operation, with time jumps, for tokens of 0 to 18 decimals.

After each operation the ledgers are equal, the accounting invariants hold, and the share price fell only if something
was written off. What one side refuses the other refuses with the same reason.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plimsoll.chain import Revert, RevmChain
from plimsoll.model.adaptive_rate import RateParameters
from tests.support.pool import WAD, PoolTwin, account, check_invariants, deploy_pool, price

KINKED = RateParameters(
    target=8 * WAD // 10, steepness=20 * WAD, speed=0, min_rate=5 * WAD // 100, max_rate=5 * WAD // 100
)
FAST = RateParameters(target=WAD // 2, steepness=100 * WAD, speed=200 * WAD, min_rate=WAD // 10_000, max_rate=10 * WAD)

VERBS = (
    *("deposit", "mint", "withdraw", "redeem", "leave"),
    *("borrow", "repay", "repay_all", "leave_one", "move_debt", "provision", "release", "write_off"),
    *("accrue", "accrued_debt", "mint_fees", "donate", "set_rates", "set_fees"),
)

amounts = st.one_of(
    st.integers(0, 10),
    st.integers(0, 10**6),
    st.builds(lambda mantissa, exponent: mantissa * 10**exponent, st.integers(1, 999), st.integers(0, 26)),
    st.integers(0, 2**100),
)
steps = st.lists(
    st.tuples(
        st.sampled_from(VERBS),
        st.integers(0, 2),
        amounts,
        st.one_of(st.just(0), st.just(1), st.integers(0, 86_400), st.integers(0, 10 * 365 * 86_400)),
    ),
    min_size=1,
    max_size=30,
)


@pytest.fixture(scope="module", params=[6, 8, 18, 0], ids=lambda decimals: f"{decimals} decimals")
def deployed(request: pytest.FixtureRequest, session_chain: RevmChain) -> PoolTwin:
    return deploy_pool(session_chain, decimals=request.param, cap_tokens=10**7)


@given(steps=steps)
def test_operations__contract_equals_model(deployed: PoolTwin, steps: list[tuple[str, int, int, int]]) -> None:
    with deployed.chain.isolate():
        twin = deployed.copy()
        holders = [twin.lender, twin.other, twin.fund]
        for verb, who, amount, seconds in steps:
            twin.warp(seconds)
            before = price(twin.model, twin.now)
            try:
                apply(twin, verb, holders[who], account(twin.trader, who), amount)
            except Revert as refused:
                assert refused.reason, f"{verb}({amount}) reverted without a reason"
            twin.check()
            after = price(twin.model, twin.now)
            if verb != "write_off":
                assert after[0] * before[1] >= before[0] * after[1], f"{verb} lowered the share price"


@given(steps=steps)
def test_everybody_can_leave__in_any_order(deployed: PoolTwin, steps: list[tuple[str, int, int, int]]) -> None:
    with deployed.chain.isolate():
        twin = deployed.copy()
        holders = [twin.lender, twin.other, twin.fund]
        for verb, who, amount, seconds in steps:
            twin.warp(seconds)
            try:
                apply(twin, verb, holders[who], account(twin.trader, who), amount)
            except Revert as refused:
                assert refused.reason
        for number in sorted(twin.seen_accounts):
            twin.repay(number, twin.model.debt_of(twin.now, number))
            twin.provision(number, 0)
        twin.mint_fees()
        assert (twin.model.ledger.debt, twin.model.ledger.debt_shares) == (0, 0)
        for holder in [twin.other, twin.lender, twin.attacker, twin.fund]:
            shares = twin.model.max_redeem(twin.now, holder)
            assert twin.pool.maxRedeem(holder) == shares
            if shares:
                assert shares == twin.model.balance_of(holder)
                twin.redeem(shares, holder)
        twin.check()


def apply(twin: PoolTwin, verb: str, holder: str, number: int, amount: int) -> Any:
    """Do one step; amounts of what needs an amount that exists are folded into what exists, half of the time."""
    model, now = twin.model, twin.now
    fold = amount % 2 == 0
    match verb:
        case "deposit":
            return twin.deposit(amount, holder)
        case "mint":
            return twin.mint(amount * 10**6, holder)
        case "withdraw":
            most = model.max_withdraw(now, holder)
            return twin.withdraw(amount % (most + 1) if fold else amount, holder)
        case "redeem":
            most = model.max_redeem(now, holder)
            return twin.redeem(amount % (most + 1) if fold else amount, holder)
        case "leave":
            return twin.redeem(model.max_redeem(now, holder), holder)
        case "borrow":
            cash = model.current(now).cash
            return twin.borrow(number, amount % (cash + 1) if fold else amount)
        case "repay":
            debt = model.debt_of(now, number)
            return twin.repay(number, amount % (debt + 1) if fold else amount)
        case "repay_all":
            used, left = twin.repay(number, model.debt_of(now, number))
            assert left == 0
            return used
        case "leave_one":
            debt = model.debt_of(now, number)
            return twin.repay(number, max(0, debt - 1))
        case "provision":
            return twin.provision(number, amount)
        case "release":
            return twin.provision(number, 0)
        case "move_debt":
            target = account(twin.trader, number % 3 + 3)
            fraction = WAD if fold else amount % (WAD + 1)
            return twin.move_debt(number, target, fraction, amount % 7 * WAD // 100, amount % 5 * WAD // 100)
        case "write_off":
            return twin.write_off(number)
        case "accrue":
            return twin.accrue()
        case "accrued_debt":
            return twin.accrued_debt(number)
        case "mint_fees":
            return twin.mint_fees()
        case "donate":
            return twin.donate(amount)
        case "set_rates":
            return twin.set_rates([twin.model.parameters.rates, KINKED, FAST][amount % 3])
        case "set_fees":
            return twin.set_fees(amount % 51 * WAD // 100, 0)
    raise AssertionError(verb)


@given(steps=steps)
def test_views__equal_the_model_and_results(deployed: PoolTwin, steps: list[tuple[str, int, int, int]]) -> None:
    with deployed.chain.isolate():
        twin = deployed.copy()
        holders = [twin.lender, twin.other, twin.fund]
        for verb, who, amount, seconds in steps:
            try:
                apply(twin, verb, holders[who], account(twin.trader, who), amount)
            except Revert as refused:
                assert refused.reason
            twin.warp(seconds)
        pool, model, now, holder = twin.pool, twin.model, twin.now, twin.lender
        for amount in (0, 1, 10**6, 10**24, 2**112):
            assert pool.convertToShares(amount) == pool.previewDeposit(amount) == model.convert_to_shares(now, amount)
            assert pool.convertToAssets(amount) == pool.previewRedeem(amount) == model.convert_to_assets(now, amount)
            assert pool.previewMint(amount) == model.preview_mint(now, amount)
            assert pool.previewWithdraw(amount) == model.preview_withdraw(now, amount)
        assert pool.totalAssets() == model.total_assets(now)
        assert pool.total_debt() == model.current(now).debt
        for limit, expected, execute, preview in (
            (pool.maxDeposit(holder), model.max_deposit(now), twin.deposit, model.convert_to_shares),
            (pool.maxMint(holder), model.max_mint(now), twin.mint, model.preview_mint),
            (pool.maxWithdraw(holder), model.max_withdraw(now, holder), twin.withdraw, model.preview_withdraw),
            (pool.maxRedeem(holder), model.max_redeem(now, holder), twin.redeem, model.convert_to_assets),
        ):
            assert limit == expected
            if limit:
                promised = preview(now, limit)
                with twin.chain.isolate():
                    assert execute.__func__(twin.copy(), limit, holder) == promised
        check_invariants(model, now)
