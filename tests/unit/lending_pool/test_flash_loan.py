"""flashLoan, maxFlashLoan, flashFee (ERC-3156): pool stays usable and correct while a loan runs."""

from __future__ import annotations

from typing import Any

import pytest

from plimsoll.chain import Contract, RevmChain
from tests.support import reverts
from tests.support.pool import FLASH_FEE, MAX, WAD, PoolTwin, deploy_pool
from tests.unit.lending_pool.conftest import accrued, moved

AMOUNT = 100_000 * 10**6
FEE = AMOUNT * FLASH_FEE // WAD


@pytest.fixture
def borrower(busy: PoolTwin) -> Contract:
    """A borrower who can pay the fee and approved the pool."""
    borrower = busy.chain.deploy("MockFlashBorrower", sender=busy.attacker)
    busy.token.mint(borrower, 10 * FEE, sender=busy.deployer)
    approve(busy, borrower, MAX)
    return borrower


def approve(twin: PoolTwin, borrower: Contract, amount: int) -> None:
    borrower.act(twin.token, twin.token.approve.encode(twin.pool, amount), sender=twin.attacker)


def plan(twin: PoolTwin, borrower: Contract, *calls: tuple[Any, bytes]) -> None:
    borrower.set_plan(list(calls), sender=twin.attacker)


def lend(twin: PoolTwin, borrower: Contract, amount: int = AMOUNT, data: bytes = b"") -> Any:
    return twin.pool.flashLoan(borrower, twin.token, amount, data, sender=twin.trader)


def settle(twin: PoolTwin, amount: int = AMOUNT) -> None:
    """Do in the model what the loan did."""
    twin.model.flash_loan(twin.now, amount)


def test_flash_loan__whole_receipt_and_callback(busy: PoolTwin, borrower: Contract) -> None:
    event, balance = accrued(busy), busy.token.balanceOf(busy.pool)
    receipt = lend(busy, borrower, data=b"route")
    assert receipt.return_value is True
    assert receipt.events == [
        moved(busy.token, busy.pool.address, borrower.address, AMOUNT),
        moved(busy.token, borrower.address, busy.pool.address, AMOUNT + FEE),
        event,
        busy.pool.event("FlashLoan", receiver=borrower.address, amount=AMOUNT, fee=FEE),
    ]
    loan = borrower.loans(0)
    assert (loan.lender, loan.initiator, loan.token) == (busy.pool.address, busy.trader, busy.token.address)
    assert (loan.amount, loan.fee, loan.data) == (AMOUNT, FEE, b"route")
    assert loan.held == 10 * FEE + AMOUNT
    assert busy.token.balanceOf(busy.pool) == balance + FEE
    settle(busy)
    busy.check()


def test_flash_loan__the_fee_is_the_lenders(busy: PoolTwin, borrower: Contract) -> None:
    before = busy.pool.totalAssets()
    lend(busy, borrower)
    assert busy.pool.totalAssets() == before + FEE


def test_flash_loan__while_it_runs__the_books_are_as_before(busy: PoolTwin, borrower: Contract) -> None:
    before = busy.pool.totalAssets()
    lend(busy, borrower)
    assert borrower.loans(0).total_assets == before


def test_flash_loan__free__stores_nothing(busy: PoolTwin, borrower: Contract) -> None:
    busy.set_fees(busy.model.parameters.reserve_factor, 0)
    busy.warp(10)
    before = tuple(busy.pool.ledger())
    receipt = lend(busy, borrower)
    assert tuple(busy.pool.ledger()) == before
    assert receipt.find("FlashLoan") == [busy.pool.event("FlashLoan", receiver=borrower.address, amount=AMOUNT, fee=0)]


def test_flash_loan__of_another_token__reverts(busy: PoolTwin, borrower: Contract) -> None:
    with reverts("pool: token"):
        busy.pool.flashLoan(borrower, borrower, AMOUNT, b"", sender=busy.trader)


def test_flash_loan__nothing__reverts(busy: PoolTwin, borrower: Contract) -> None:
    with reverts("pool: zero amount"):
        lend(busy, borrower, 0)


def test_flash_loan__all_the_cash_but_no_more(busy: PoolTwin, borrower: Contract) -> None:
    busy.donate(5)
    most = busy.pool.maxFlashLoan(busy.token)
    assert most == busy.pool.cash() == 300_000 * busy.unit
    with reverts("pool: cash"):
        lend(busy, borrower, most + 1)
    lend(busy, borrower, most)
    settle(busy, most)
    busy.check()


def test_flash_loan__wrong_answer__reverts(busy: PoolTwin, borrower: Contract) -> None:
    borrower.set_answer(b"\x00" * 31 + b"\x01", sender=busy.attacker)
    with reverts("pool: callback"):
        lend(busy, borrower)


@pytest.mark.parametrize("missing", [1, FEE, AMOUNT + FEE])
def test_flash_loan__too_little_approved__reverts(busy: PoolTwin, borrower: Contract, missing: int) -> None:
    approve(busy, borrower, AMOUNT + FEE - missing)
    with reverts("erc20: allowance"):
        lend(busy, borrower)


def test_flash_loan__spent_in_the_callback__reverts(busy: PoolTwin, borrower: Contract) -> None:
    busy.token.burn(borrower, 10 * FEE, sender=busy.deployer)
    with reverts("erc20: balance"):
        lend(busy, borrower)


def test_flash_loan__to_an_account_without_code__reverts(busy: PoolTwin) -> None:
    with reverts(""):
        busy.pool.flashLoan(busy.trader, busy.token, AMOUNT, b"", sender=busy.trader)


def test_flash_loan__to_the_pool_itself__reverts(busy: PoolTwin) -> None:
    with reverts(""):
        busy.pool.flashLoan(busy.pool, busy.token, AMOUNT, b"", sender=busy.trader)


def test_flash_loan__data_too_long__reverts(busy: PoolTwin, borrower: Contract) -> None:
    lend(busy, borrower, data=b"\x07" * 4_096)
    data = busy.pool.flashLoan.encode(borrower, busy.token, AMOUNT, b"\x07" * 4_096)
    longer = data[: 4 + 4 * 32] + (4_097).to_bytes(32, "big") + b"\x07" * 4_128
    with reverts(""):
        busy.chain.raw_call(busy.pool, longer, sender=busy.trader)


def test_flash_loan__deposited_in_the_callback__is_not_the_repayment(busy: PoolTwin, borrower: Contract) -> None:
    """Lending the loan back buys shares, and the principal is still due: the classic theft leaves nothing to take."""
    plan(busy, borrower, (busy.pool, busy.pool.deposit.encode(AMOUNT, borrower)))
    with reverts("erc20: balance"):
        lend(busy, borrower)
    busy.token.mint(borrower, AMOUNT, sender=busy.deployer)
    receipt = lend(busy, borrower)
    shares = receipt.find("Deposit")[0].args["shares"]
    assert busy.model.deposit(busy.now, AMOUNT, borrower.address) == shares
    settle(busy)
    busy.check()


def test_flash_loan__deposited_and_withdrawn__costs_the_fee(busy: PoolTwin, borrower: Contract) -> None:
    held = busy.token.balanceOf(borrower)
    plan(
        busy,
        borrower,
        (busy.pool, busy.pool.deposit.encode(AMOUNT, borrower)),
        (busy.pool, busy.pool.withdraw.encode(AMOUNT - 1, borrower, borrower)),
    )
    lend(busy, borrower)
    assert busy.token.balanceOf(borrower) == held - FEE - 1
    busy.model.deposit(busy.now, AMOUNT, borrower.address)
    busy.model.withdraw(busy.now, AMOUNT - 1, borrower.address)
    settle(busy)
    busy.check()


def test_flash_loan__withdrawing_what_is_lent__the_token_refuses(busy: PoolTwin, borrower: Contract) -> None:
    """The ledger still counts the loan as cash; maxWithdraw does not."""
    busy.deposit(AMOUNT, busy.lender)
    busy.pool.transfer(borrower, busy.pool.balanceOf(busy.lender), sender=busy.lender)
    cash = busy.pool.cash()
    plan(busy, borrower, (busy.pool, busy.pool.withdraw.encode(1, borrower, borrower)))
    with reverts("erc20: balance"):
        lend(busy, borrower, cash)
    plan(busy, borrower)
    busy.token.mint(borrower, cash, sender=busy.deployer)
    lend(busy, borrower, cash - 77)
    assert borrower.loans(0).max_withdraw == 77


def test_flash_loan__once_it_is_over__all_the_cash_is_there_again_in_the_same_transaction(
    busy: PoolTwin, borrower: Contract
) -> None:
    relay = busy.chain.deploy("MockRelay", sender=busy.attacker)
    cash = busy.pool.cash()
    loan = busy.pool.flashLoan.encode(borrower, busy.token, cash, b"")
    answers = relay.relay(busy.pool, [loan, busy.pool.maxFlashLoan.encode(busy.token), loan], sender=busy.attacker)
    first, most, second = answers.return_value
    assert first == second == (True, (1).to_bytes(32, "big"))
    assert most == (True, (cash + busy.model.flash_fee(cash)).to_bytes(32, "big"))


def test_flash_loan__within_a_flash_loan(busy: PoolTwin, borrower: Contract) -> None:
    """The inner loan takes what the outer left; each pays its fee."""
    plan(busy, borrower, (borrower, borrower.borrow_most.encode(busy.pool, busy.token)))
    rest = busy.pool.cash() - AMOUNT
    receipt = lend(busy, borrower)
    assert [event.args["amount"] for event in receipt.find("FlashLoan")] == [rest, AMOUNT]
    assert borrower.loans(1).initiator == borrower.address
    settle(busy, rest)
    settle(busy, AMOUNT)
    busy.check()
    assert busy.pool.maxFlashLoan(busy.token) == busy.pool.cash()


def test_flash_loan__within_one__not_the_same_tokens_twice(busy: PoolTwin, borrower: Contract) -> None:
    rest = busy.pool.cash() - AMOUNT
    again = busy.pool.flashLoan.encode(borrower, busy.token, rest + 1, b"")
    plan(busy, borrower, (busy.pool, again))
    with reverts("pool: cash"):
        lend(busy, borrower)


def test_flash_loan__of_somebody_else__he_pays(busy: PoolTwin, borrower: Contract) -> None:
    """Anyone may name a receiver; one who approved the pool for ever must refuse initiators he does not know."""
    held = busy.token.balanceOf(borrower)
    lend(busy, borrower)
    assert busy.token.balanceOf(borrower) == held - FEE
    assert borrower.loans(0).initiator == busy.trader


def test_flash_loan__inside_a_deposit__counts_once(chain: RevmChain) -> None:
    """A token that calls back in the middle of a deposit: the loan's fee comes in too, so the deposit is refused."""
    twin = deploy_pool(chain, decimals=6, token="MockERC20Hook")
    twin.deposit(10**12, twin.lender)
    borrower = chain.deploy("MockFlashBorrower", sender=twin.attacker)
    twin.token.mint(borrower, 10**12, sender=twin.deployer)
    borrower.act(twin.token, twin.token.approve.encode(twin.pool, MAX), sender=twin.attacker)
    twin.fund_with(twin.other, 10**9)
    call = twin.pool.flashLoan.encode(borrower, twin.token, 10**9, b"")
    twin.token.set_hook(twin.pool, call, False, sender=twin.attacker)
    with reverts("token: received differs"):
        twin.pool.deposit(10**6, twin.other, sender=twin.other)


@pytest.mark.parametrize(
    ("amount", "fee"), [(0, 0), (1, 1), (1_999, 1), (2_000, 1), (2_001, 2), (10**12, 5 * 10**8), (2**112, None)]
)
def test_flash_fee__rounds_up(busy: PoolTwin, amount: int, fee: int | None) -> None:
    expected = busy.model.flash_fee(amount) if fee is None else fee
    assert busy.pool.flashFee(busy.token, amount) == busy.model.flash_fee(amount) == expected


def test_flash_fee__of_another_token__reverts(busy: PoolTwin) -> None:
    with reverts("pool: token"):
        busy.pool.flashFee(busy.pool, 1)


def test_max_flash_loan__of_another_token__is_nothing(busy: PoolTwin) -> None:
    assert busy.pool.maxFlashLoan(busy.pool) == 0
