"""MarginLens.health_batch: a word for each account, which `CompactHealth` decodes."""

from __future__ import annotations

import pytest
from eth_abi.abi import encode
from hypothesis import example, given
from hypothesis import strategies as st

from plimsoll.chain import RevmChain
from plimsoll.model import account_word
from plimsoll.protocol import CompactHealth, Status
from tests.support import reverts
from tests.support.scenario import DEAD, OK, STALE, WIDE, World
from tests.unit.margin_lens.conftest import BURN, RETURN, Scripted

BITS = 124
MOST, LEAST, MOST_MAINTENANCE = 2 ** (BITS - 1) - 1, -(2 ** (BITS - 1)), 2**BITS - 1

equities = st.one_of(
    st.integers(-(2**255), 2**255 - 1),
    st.integers(-(2**70), 2**70),
    st.sampled_from([LEAST, LEAST - 1, MOST, MOST + 1, 0, -1, -(2**255), 2**255 - 1]),
)
maintenances = st.one_of(
    st.integers(0, 2**256 - 1),
    st.integers(0, 2**70),
    st.sampled_from([MOST_MAINTENANCE, MOST_MAINTENANCE + 1, 0, 2**256 - 1]),
)


def compact(world: World, *accounts: int) -> list[CompactHealth]:
    return [CompactHealth.of(word) for word in world.lens.health_batch(list(accounts))]


def test_health_batch__accounts_with_balances_and_debts__equals_the_engine(world: World) -> None:
    accounts = [world.account("trader", 1), world.account("keeper"), world.account("trader", 2), 0]
    for account, seen in zip(accounts, compact(world, *accounts), strict=True):
        health = world.engine.health(account)
        assert seen == CompactHealth(
            ok=True,
            status=Status.OK,
            under_auction=False,
            provisioned=False,
            owes=health.debt != 0,
            below=False,
            clipped=False,
            equity=health.equity,
            maintenance=health.maintenance,
        )


def test_health_batch__under_auction_and_provisioned__says_so(world: World) -> None:
    account = world.account("trader", 1)
    world.set_price("WETH", 1_030)
    (seen,) = compact(world, account)
    assert (seen.below, seen.under_auction, seen.provisioned) == (True, False, False)
    world.engine.liquidate(account, sender=world.roles["keeper"])
    (seen,) = compact(world, account)
    assert (seen.equity > 0, seen.under_auction, seen.provisioned) == (True, True, False)
    world.set_price("WETH", 900)
    world.engine.poke(account, sender=world.roles["keeper"])
    (seen,) = compact(world, account)
    assert (seen.equity < 0, seen.under_auction, seen.provisioned) == (True, True, True)
    assert seen.equity == world.engine.health(account).equity


@pytest.mark.parametrize("status", [OK, WIDE, STALE, DEAD])
def test_health_batch__price_status__is_passed_on(world: World, status: int) -> None:
    world.set_status("WETH", status)
    (seen,) = compact(world, world.account("trader", 1))
    assert (seen.ok, seen.status) == (True, status)


@given(equity=equities, maintenance=maintenances, status=st.integers(0, 3), word=st.integers(0, 2**256 - 1))
@example(equity=0, maintenance=0, status=0, word=account_word.UNDER_AUCTION)
@example(equity=0, maintenance=0, status=0, word=account_word.PROVISIONED)
@example(equity=0, maintenance=0, status=0, word=1 << account_word.FIELD_BITS)
@example(equity=-1, maintenance=0, status=0, word=0)
@example(equity=MOST, maintenance=0, status=0, word=0)
@example(equity=MOST + 1, maintenance=0, status=0, word=0)
@example(equity=LEAST - 1, maintenance=0, status=0, word=0)
@example(equity=MOST, maintenance=MOST_MAINTENANCE + 1, status=0, word=0)
@example(equity=LEAST, maintenance=MOST_MAINTENANCE, status=0, word=0)
def test_health_batch__any_health__is_exact_or_says_that_it_is_clipped(
    session_chain: RevmChain, deployed_script: Scripted, equity: int, maintenance: int, status: int, word: int
) -> None:
    with session_chain.isolate():
        answer = encode(["int256", "int256", *["uint256"] * 4], [equity, 0, maintenance, 0, 0, status])
        deployed_script.script("health", RETURN, answer)
        deployed_script.script("word_of", RETURN, encode(["uint256"], [word]))
        (seen,) = (CompactHealth.of(packed) for packed in deployed_script.lens.health_batch([1]))
    assert seen == CompactHealth(
        ok=True,
        status=Status(status),
        under_auction=bool(word & account_word.UNDER_AUCTION),
        provisioned=bool(word & account_word.PROVISIONED),
        owes=account_word.owed(word) != 0,
        below=equity < maintenance,
        clipped=not (LEAST <= equity <= MOST and maintenance <= MOST_MAINTENANCE),
        equity=max(LEAST, min(equity, MOST)),
        maintenance=min(maintenance, MOST_MAINTENANCE),
    )


def test_health_batch__cannot_be_read__is_zero(scripted: Scripted) -> None:
    scripted.script("word_of", RETURN)
    assert scripted.lens.health_batch([1, 2]) == [0, 0]
    assert not CompactHealth.of(0).ok


def test_health_batch__five_hundred_accounts__fit_thirty_million_gas(world: World) -> None:
    words = world.lens.health_batch([world.account("trader", 1)] * 500, gas=30_000_000)
    assert len(words) == 500
    assert words == [words[0]] * 500
    assert CompactHealth.of(words[0]).ok


@pytest.mark.parametrize("gas", [2_000_000, 10_200_000, 10_500_000, 30_000_000])
def test_health_batch__any_gas__right_or_zero(scripted: Scripted, gas: int) -> None:
    words = scripted.lens.health_batch(list(range(500)), gas=gas)
    oks = [CompactHealth.of(word).ok for word in words]
    assert oks == sorted(oks, reverse=True)
    assert set(words) <= {0, scripted.lens.health_batch([1])[0]}
    assert oks[0] is (gas >= 10_500_000)


@pytest.mark.parametrize("name", ["health", "word_of"])
def test_health_batch__gas_burning_answers__any_gas_from_a_million_returns(scripted: Scripted, name: str) -> None:
    scripted.script(name, BURN)
    for gas in range(1_000_000, 30_000_000, 397_003):
        assert len(scripted.lens.health_batch([1] * 500, gas=gas)) == 500


def test_health_batch__more_than_500_accounts__is_refused_by_the_decoder(scripted: Scripted) -> None:
    with reverts(""):
        scripted.lens.health_batch([1] * 501)
