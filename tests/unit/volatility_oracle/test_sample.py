from __future__ import annotations

from math import exp, log, sqrt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plimsoll.chain import RevmChain
from plimsoll.model import volatility_oracle
from tests.support import reverts
from tests.support.risk import DAY, ETHER_18, HOUR, MARGIN, PERCENT, WAD, reading
from tests.unit.volatility_oracle.conftest import PARAMETERS, Oracle


def test_sample__moves_both_means(oracle: Oracle) -> None:
    """2 % in an hour that averages over half an hour: a variance of 3.44 per year, of which a fast mean takes 2.8 %."""
    receipt = oracle.sample(ETHER_18 * 102 // 100)
    state = oracle.state
    assert receipt.events == [
        oracle.contract.event("Sampled", key=oracle.key, mid=state.mid, fast=state.fast, slow=state.slow)
    ]
    oracle.agrees()
    said = log(1.02) ** 2 * 365 * 24 / (1 - 1 / 6)
    for mean, days in ((state.fast, 1), (state.slow, 14)):
        decay = 0.5 ** (1 / 24 / days)
        assert mean / WAD == pytest.approx(0.64 * decay + said * (1 - decay), rel=1e-12)
    assert oracle.contract.sigma(oracle.key) / WAD == pytest.approx(sqrt(state.fast / WAD), rel=1e-12)


def test_sample__same_price__means_fall(oracle: Oracle) -> None:
    oracle.sample(ETHER_18, DAY)
    oracle.agrees()
    assert oracle.state.fast == pytest.approx(32 * WAD // 100, rel=1e-15)
    assert oracle.contract.sigma(oracle.key) / WAD == pytest.approx(0.8 * 0.5 ** (1 / 28), rel=1e-12)


@pytest.mark.parametrize("mid", [1, 10**36, 2**128 - 1])
def test_sample__whatever_the_price_did__one_sample_moves_a_bounded_part(oracle: Oracle, mid: int) -> None:
    """Returns count up to max_sigma: 400 per year, 2.8 % of it in an hour of the fast mean."""
    oracle.sample(mid)
    oracle.agrees()
    decay = 0.5 ** (1 / 24)
    assert oracle.state.fast / WAD == pytest.approx(0.64 * decay + 400 * (1 - decay), rel=1e-12)
    for _ in range(30):
        oracle.sample(ETHER_18, 30 * DAY)
        oracle.sample(1)
    oracle.agrees()
    assert oracle.contract.sigma(oracle.key) <= PARAMETERS.max_sigma


@pytest.mark.parametrize("status", ["stale", "untrusted", "dead", "disagree"])
def test_sample__price_not_ok__reverts(oracle: Oracle, status: str) -> None:
    oracle.risk.chain.warp(HOUR)
    said: Any = {
        "stale": reading(ETHER_18, oracle.now, fresh=0),
        "untrusted": reading(ETHER_18, oracle.now, trusted=0),
        "dead": None,
        "disagree": reading(ETHER_18, oracle.now, clamped=2 * ETHER_18),
    }[status]
    oracle.risk.answer(oracle.key, said)
    with reverts("volatility: not OK"):
        oracle.contract.sample(oracle.key, sender=oracle.risk.stranger)
    oracle.agrees()


@pytest.mark.parametrize("early", [1, HOUR])
def test_sample__too_early__reverts(oracle: Oracle, early: int) -> None:
    oracle.risk.chain.warp(HOUR - early)
    with reverts("volatility: too early"):
        oracle.contract.sample(oracle.key, sender=oracle.risk.owner)
    with pytest.raises(ValueError, match="volatility: too early"):
        volatility_oracle.sample(oracle.state, oracle.parameters, ETHER_18, oracle.now)


@pytest.mark.parametrize("key", [0, 2, 2**256 - 1])
def test_sample__unknown_asset__reverts(oracle: Oracle, key: int) -> None:
    for call in (oracle.contract.sigma, oracle.contract.due, oracle.contract.measure, oracle.contract.next_sample):
        with reverts("volatility: unknown asset"):
            call(key)
    with reverts("volatility: unknown asset"):
        oracle.contract.sample(key, sender=oracle.risk.stranger)
    assert tuple(oracle.contract.last(key)) == (0, 0)
    assert tuple(oracle.contract.state_of(key)) == (0, 0, 0, 0)
    assert tuple(oracle.contract.parameters_of(key)) == (0, 0, 0, 0, 0, 0, 0)


def test_sample__too_little_gas_for_the_sources__reverts(oracle: Oracle) -> None:
    oracle.risk.chain.warp(HOUR)
    oracle.risk.answer(oracle.key, reading(ETHER_18, oracle.now))
    with reverts("oracle: gas"):
        oracle.contract.sample(oracle.key, sender=oracle.risk.stranger, gas=200_000)
    oracle.contract.sample(oracle.key, sender=oracle.risk.stranger)


def test_sample__a_risk_engine_that_reads_the_oracle_meanwhile__finds_it_locked(oracle: Oracle) -> None:
    risk, key = oracle.risk, oracle.key
    engine = risk.chain.deploy("MockInquirer", sender=risk.stranger)
    engine.set_target(risk.engine, sender=risk.stranger)
    contract = risk.chain.deploy("VolatilityOracle", engine, risk.owner, risk.guardian, sender=risk.stranger)
    contract.add(key, PARAMETERS, sender=risk.owner)
    risk.chain.warp(HOUR)
    risk.answer(key, reading(ETHER_18, oracle.now))
    for question in (contract.sigma.encode(key), contract.guardian.encode()):
        risk.chain.simulate(contract, question)
        engine.set_question(contract, question, sender=risk.stranger)
        with reverts("inquirer: no answer"):
            contract.sample(key, sender=risk.stranger)
    engine.set_question(contract, contract.owner.encode(), sender=risk.stranger)
    contract.sample(key, sender=risk.stranger)


def test_sample__moves_no_margin_until_somebody_pokes(oracle: Oracle) -> None:
    """Invariant 18: a sample alone changes no rate, and a poke none at its moment."""
    risk, key = oracle.risk, oracle.key
    parameters = (oracle.contract, 5 * PERCENT, "0x" + "00" * 20, 0, 0)
    risk.engine.set_dynamics(key, parameters, sender=risk.owner)
    target = risk.engine.margin_of(key).target
    assert tuple(target) == MARGIN
    for _ in range(24):
        oracle.sample(oracle.state.mid * 95 // 100)
        assert risk.engine.margin_of(key).target == target
    assert oracle.contract.sigma(key) > 3 * WAD
    now = oracle.now
    before = risk.engine.effective_rate(key, 0, now)
    risk.engine.poke(key, sender=risk.stranger)
    assert risk.engine.effective_rate(key, 0, now) == before
    assert risk.engine.margin_of(key).target.floor == min(MARGIN.cap, -(-oracle.contract.sigma(key) * 5 // 100))
    assert risk.engine.effective_rate(key, 0, now + HOUR) == before + MARGIN.ramp_up // 2


def test_sample__missed__initial_margin_rises_until_the_next_one(oracle: Oracle) -> None:
    risk, key = oracle.risk, oracle.key
    risk.engine.set_dynamics(key, (oracle.contract, 5 * PERCENT, "0x" + "00" * 20, 0, 0), sender=risk.owner)
    held = [key << 184 | WAD]
    told = risk.assess(held).initial
    risk.chain.warp(PARAMETERS.patience)
    assert risk.assess(held).initial == told
    risk.chain.warp(12 * HOUR)
    assert risk.assess(held).initial == pytest.approx(told * 3 // 2, abs=10**4)
    oracle.sample(ETHER_18)
    assert risk.assess(held).initial > told
    risk.engine.poke(key, sender=risk.stranger)
    assert risk.assess(held).initial == told


@given(data=st.data())
def test_sample__model(chain: RevmChain, data: st.DataObject) -> None:
    """Equal to the model for any parameters, prices and waits; sigma within its bounds."""
    interval = data.draw(st.integers(600, DAY))
    fast, slow = sorted(data.draw(st.integers(interval, 365 * DAY)) for _ in range(2))
    max_sigma = data.draw(st.integers(PERCENT, 100 * WAD))
    parameters = volatility_oracle.Parameters(
        interval,
        data.draw(st.integers(0, interval // 2)),
        fast,
        slow,
        data.draw(st.integers(2 * interval, 30 * DAY)),
        max_sigma,
        data.draw(st.integers(0, max_sigma)),
    )
    with chain.isolate():
        oracle = Oracle.deploy(chain, parameters)
        for _ in range(data.draw(st.integers(1, 6))):
            near = st.integers(-300, 300).map(lambda part: int(oracle.state.mid * exp(part / 1_000)))
            mid = data.draw(st.one_of(near, st.integers(1, 2**128 - 1)))
            oracle.sample(
                min(max(mid, 1), 2**128 - 1), data.draw(st.one_of(st.just(interval), st.integers(interval, 2**32)))
            )
            oracle.agrees()
            assert 0 <= oracle.contract.sigma(oracle.key) <= max_sigma
