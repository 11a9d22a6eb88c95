"""The demo's second act: one account cured, one taken back to its target, one written off, and who got what."""

from __future__ import annotations

import io
from decimal import Decimal

import pytest
from rich.console import Console

from plimsoll.chain import RevmChain
from plimsoll.crash import EAGER, MIDDLE, PATIENT, Crash, Keeper
from plimsoll.devnet import Devnet, start
from plimsoll.protocol import Quote
from plimsoll.reconcile import Check, fund_adds_up, nothing_expected, shares_add_up
from plimsoll.story import FALL
from plimsoll.teller import Teller


@pytest.fixture(scope="module")
def told() -> tuple[Crash, list[Check], str]:
    """Tell the second act once, on a devnet of its own."""
    text = io.StringIO()
    devnet = start(RevmChain())
    devnet.set_price("WETH", FALL)
    for _ in range(2):
        devnet.settle()
    crash = Crash(Teller(devnet, Console(file=text, width=130)))
    return crash, crash.tell(), text.getvalue()


def test_tell__every_check_holds(told: tuple[Crash, list[Check], str]) -> None:
    _, checks, text = told
    assert [check for check in checks if not check.holds] == []
    assert [check.name for check in checks][-1] == "what all gained and lost = 0"
    for line in ("nobody runs ahead", "are written off", "of 21 checks hold", "Who lost, who got it"):
        assert line in text


def test_tell__cured__costs_its_owner_the_fall_only(told: tuple[Crash, list[Check], str]) -> None:
    crash, _, _ = told
    cured = crash.cured
    assert (cured.to_keepers, cured.to_reserve, cured.to_lenders) == (0, 0, 0)
    lost = cured.put_in - crash.protocol.wallet(cured.owner, "USDC").raw
    assert 0 < lost < cured.put_in


def test_tell__saved__pays_keepers_and_reserve_and_keeps_the_rest(told: tuple[Crash, list[Check], str]) -> None:
    crash, _, _ = told
    saved = crash.saved
    assert saved.to_keepers > 0
    assert saved.to_reserve > 0
    assert saved.to_lenders == 0
    assert crash.protocol.wallet(saved.owner, "USDC").raw > 0


def test_tell__insolvent__borne_by_the_reserve_first(told: tuple[Crash, list[Check], str]) -> None:
    crash, _, _ = told
    lost = crash.lost
    assert crash.protocol.wallet(lost.owner, "USDC").raw == 0
    assert lost.to_keepers > 0
    assert lost.to_reserve < 0
    assert lost.to_lenders < 0
    assert crash.protocol.wallet(crash.staker, "USDC").raw == 0
    assert -lost.to_reserve >= crash.protocol.raw("USDC", "1500")


def test_tell__every_keeper_earns_without_capital(told: tuple[Crash, list[Check], str]) -> None:
    crash, _, _ = told
    for person in crash.keepers:
        assert crash.takes[person] > 0
        assert crash.protocol.wallet(person, "USDC").raw > 0
    earned = sum(crash.protocol.wallet(person, "USDC").raw for person in crash.keepers)
    booked = sum(position.to_keepers for position in crash.positions)
    assert 0 <= booked - earned < 25_000_000  # starters' shares bore a part of the loss before they were redeemed


def quote(bonus: str, debt: str = "50000", fraction: str = "0.5", takeable: bool = True) -> Quote:
    numbers = [Decimal(text) for text in (fraction, "0.6", bonus, "1000", "2000", "2500", debt)]
    return Quote(True, takeable, *numbers, None)


@pytest.mark.parametrize(
    ("keeper", "bonus", "wanted"),
    [
        (EAGER, "0.0019", None),
        (EAGER, "0.002", "0.2"),
        (MIDDLE, "0.0399", None),
        (MIDDLE, "0.04", "0.3"),
        (PATIENT, "0.0799", None),
        (PATIENT, "0.08", "0.5"),
    ],
)
def test_wants__bonus_and_appetite(keeper: Keeper, bonus: str, wanted: str | None) -> None:
    expected = None if wanted is None else Decimal(wanted)
    assert keeper.wants(quote(bonus), Decimal("0.1"), Decimal(100)) == expected


def test_wants__not_takeable__waits() -> None:
    assert EAGER.wants(quote("0.05", takeable=False), Decimal("0.1"), Decimal(100)) is None


def test_wants__a_remainder_under_the_minimum_debt__takes_all() -> None:
    assert EAGER.wants(quote("0.05", "10150", "1"), Decimal("0.1"), Decimal(100)) == 1


def test_shares_add_up__a_holder_forgotten__noticed(devnet: Devnet) -> None:
    lender, pool = devnet.chain.accounts()[1], devnet.protocol.asset("USDC").pool
    devnet.mint("USDC", lender, 10)
    devnet.protocol.by(lender).approve_if_needed("USDC", 10, pool)
    devnet.protocol.by(lender).lend("USDC", 10)
    assert all(check.holds for check in shares_add_up(devnet.protocol, [lender]))
    assert [check.subject for check in shares_add_up(devnet.protocol, []) if not check.holds] == ["USDC"]


def test_fund_adds_up__a_staker_forgotten__noticed(devnet: Devnet) -> None:
    staker, pool = devnet.chain.accounts()[1], devnet.protocol.asset("USDC").pool
    devnet.mint("USDC", staker, 10)
    devnet.protocol.by(staker).approve_if_needed("USDC", 10, pool)
    devnet.protocol.by(staker).lend("USDC", 10)
    shares, fund = pool.balanceOf(staker), devnet.protocol.reserve_fund
    pool.approve(fund, shares, sender=staker)
    fund.stake(pool, shares, staker, sender=staker)
    assert all(check.holds for check in fund_adds_up(devnet.protocol, [staker]))
    wrong = [check.name for check in fund_adds_up(devnet.protocol, []) if not check.holds]
    assert wrong == ["all stake = owners' stakes", "fund's shares = stakes' worth"]
    assert all(check.holds for check in nothing_expected(devnet.protocol))
