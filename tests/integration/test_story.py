"""The demo's story, told as a test: it ends with books that balance, and it notices books that do not."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from plimsoll import story
from plimsoll.crash import SAVER
from plimsoll.devnet import Devnet
from plimsoll.reconcile import Check
from plimsoll.screen import checks_table


def told(devnet: Devnet) -> tuple[list[Check], str]:
    text = io.StringIO()
    checks = story.tell(devnet, Console(file=text, width=120))
    return checks, text.getvalue()


def test_tell__every_check_holds(devnet: Devnet) -> None:
    checks, text = told(devnet)
    assert [check for check in checks if not check.holds] == []
    assert len(checks) > 150
    assert max(check.found - check.expected for check in checks) <= 2
    lines = ("5.02", "WIDE", "Withdraws 0.500000 WBTC.", "The lender leaves", "volatility rises at once")
    for line in (*lines, "16 of 16 checks hold", "39 of 39 checks hold", "52 of 52 checks hold"):
        assert line in text


def test_tell__collateral_that_earns__more_than_its_loan_cost(devnet: Devnet) -> None:
    """The trader's shares earn what lenders earn, and all of what is left comes home."""
    _, text = told(devnet)
    saver, protocol = devnet.chain.accounts()[SAVER], devnet.protocol
    put_in = protocol.raw(story.CASH, story.SAVED)
    profit = protocol.wallet(saver, story.CASH).raw - put_in
    assert 0 < profit < put_in // 100
    assert protocol.asset(story.CASH).pool.balanceOf(saver) == 0
    assert 0 < protocol.wallet(saver, "WETH").raw < 10**15
    assert "The shares earned" in text


def test_tell__lender_profits_in_both_pools(devnet: Devnet) -> None:
    told(devnet)
    lender = devnet.chain.accounts()[1]
    for symbol, amount in story.LENT.items():
        assert devnet.protocol.wallet(lender, symbol).raw > devnet.protocol.raw(symbol, amount)


@pytest.mark.parametrize("receiver", ["engine", "pool.USDC", "swapper"])
def test_tell__one_unit_given_to_a_contract__noticed(devnet: Devnet, receiver: str) -> None:
    devnet.token("USDC").mint(devnet.manifest.address(receiver), 1, sender=devnet.maker)
    checks, _ = told(devnet)
    wrong = [check for check in checks if not check.holds]
    assert {check.subject for check in wrong} == {"USDC"}
    assert wrong


def test_tell__one_unit_hidden__noticed(devnet: Devnet) -> None:
    devnet.token("WBTC").mint("0x00000000000000000000000000000000000000AB", 1, sender=devnet.maker)
    checks, text = told(devnet)
    wrong = [check for check in checks if not check.holds]
    assert [(check.subject, check.found - check.expected) for check in wrong] == [("WBTC", -1)] * 6
    assert "15 of 16 checks hold" in text
    assert "OFF" in text


@pytest.mark.parametrize(
    ("found", "expected", "slack", "holds"),
    [(5, 5, 0, True), (6, 5, 0, False), (6, 5, 1, True), (7, 5, 1, False), (4, 5, 9, False)],
)
def test_check__holds(found: int, expected: int, slack: int, holds: bool) -> None:
    check = Check("USDC", "cash", found, expected, slack)
    assert check.holds is holds
    text = io.StringIO()
    Console(file=text, width=120).print(checks_table([check]))
    assert ("OFF" in text.getvalue()) is not holds
