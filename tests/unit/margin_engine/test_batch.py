"""MarginEngine.batch: each call keeps its sender and its permission; one check of each touched account at the end."""

from __future__ import annotations

from typing import Any

import pytest

from plimsoll.chain import ZERO_ADDRESS
from plimsoll.model import account_word
from tests.support import reverts
from tests.support.scenario import FOREVER, World
from tests.unit.margin_engine.conftest import Appoint
from tests.unit.margin_engine.test_trade import exactly


def deposit(world: World, account: int, symbol: str, amount: int) -> bytes:
    return bytes(world.engine.deposit.encode(account, world[symbol].token, amount))


def withdraw(world: World, account: int, symbol: str, amount: int, max_borrow: int = 0, to: str = "trader") -> bytes:
    return bytes(world.engine.withdraw.encode(account, world[symbol].token, amount, world.roles[to], max_borrow))


def trade(world: World, account: int, sell: str, amount: int, max_borrow: int, buy: str, data: bytes = b"") -> bytes:
    return bytes(
        world.engine.trade.encode(
            account,
            world[sell].token,
            amount,
            max_borrow,
            world[buy].token,
            0,
            world.swapper,
            data,
            FOREVER,
            False,
        )
    )


def run(world: World, *calls: bytes, sender: str = "trader") -> Any:
    return world.engine.batch(list(calls), sender=world.roles[sender])


def test_batch__opens_in_one_call__with_the_events_of_each(world: World, account: int) -> None:
    units = world.fund("trader", "USDC", 1_000, world.engine)
    receipt = run(
        world,
        deposit(world, account, "USDC", units),
        trade(world, account, "USDC", 3 * units, 2 * units, "WETH"),
    )
    assert [event.name for event in receipt.events if event.contract == world.engine.address] == ["Deposited", "Traded"]
    assert receipt.find("Deposited")[0].args["sender"] == world.roles["trader"]
    assert (world.balance(account, "USDC"), world.balance(account, "WETH")) == (-2 * units, 15 * 10**17)


def test_batch__closes_to_the_last_unit__whatever_interest_accrued(world: World, long: int) -> None:
    world.warp(30 * 86_400)
    usdc, trader = world["USDC"].token, world.roles["trader"]
    run(
        world,
        trade(world, long, "WETH", 20 * 10**18, 0, "USDC"),
        withdraw(world, long, "USDC", 2**256 - 1),
    )
    assert world.engine.word_of(long) == 0
    assert 9_900 * 10**6 < usdc.balanceOf(trader) < 10_000 * 10**6


# One check, at the end


def test_batch__withdraw_first_and_repay_later__works(world: World, long: int) -> None:
    units = world.fund("trader", "USDC", 30_000, world.engine)
    run(world, withdraw(world, long, "WETH", 20 * 10**18), deposit(world, long, "USDC", units))
    assert world.engine.word_of(long) == 0


def test_batch__withdraw_and_never_repay__reverts(world: World, long: int, account: int) -> None:
    units = world.fund("trader", "USDC", 30_000, world.engine)
    for calls in (
        [withdraw(world, long, "WETH", 20 * 10**18)],
        [withdraw(world, long, "WETH", 20 * 10**18), deposit(world, long, "USDC", units - 1)],
        [withdraw(world, long, "WETH", 20 * 10**18), deposit(world, account, "USDC", units)],
        [deposit(world, long, "USDC", units // 2), withdraw(world, long, "WETH", 19 * 10**18)],
        [
            deposit(world, long, "USDC", 1),
            withdraw(world, long, "WETH", 19 * 10**18),
            deposit(world, account, "USDC", 1),
        ],
    ):
        with reverts("engine: initial margin"):
            run(world, *calls)


def test_batch__borrows_without_collateral_and_returns_it__costs_nothing(world: World, account: int) -> None:
    """Within a batch debt needs no collateral; at its end it does."""
    usdc, trader = world["USDC"].token, world.roles["trader"]
    usdc.approve(world.engine, 2**256 - 1, sender=trader)
    loan = 10**12
    run(world, withdraw(world, account, "USDC", loan, loan), deposit(world, account, "USDC", loan))
    assert (world.engine.word_of(account), usdc.balanceOf(trader)) == (0, 0)
    with reverts("engine: initial margin"):
        run(world, withdraw(world, account, "USDC", loan, loan), deposit(world, account, "USDC", loan - 10**9))


def test_batch__min_debt__is_looked_at_once_at_the_end(world: World, account: int) -> None:
    units = world.fund("trader", "USDC", 1_000, world.engine)
    world.deposit(account, "WETH", 1)
    run(world, withdraw(world, account, "USDC", 10**6, 10**6), withdraw(world, account, "USDC", 99 * 10**6, 10**9))
    with reverts("engine: min debt"):
        run(world, withdraw(world, account, "USDC", 1, 1), deposit(world, account, "USDC", 2 * 10**6))
    run(world, withdraw(world, account, "USDC", 1, 1), deposit(world, account, "USDC", units))
    assert world.engine.debt_of(account, world["USDC"].token) == 0


def test_batch__every_touched_account__is_checked(world: World, long: int) -> None:
    """A bad account hides neither before nor behind good ones."""
    others = [world.account("trader", 10 + i) for i in range(3)]
    for other in others:
        world.deposit(other, "WETH", 1)
    bad = withdraw(world, long, "WETH", 5 * 10**18)
    good = [withdraw(world, other, "WETH", 1) for other in others]
    for place in range(4):
        calls = list(good)
        calls.insert(place, bad)
        with reverts("engine: initial margin"):
            run(world, *calls)
    run(world, *good)


def test_batch__check_of_one_call__is_not_wiped_by_a_later_one(world: World, account: int) -> None:
    """A borrow notes margin and minimum debt; later calls that note less must not weaken that."""
    world.deposit(account, "WETH", 1)
    world.fund("trader", "WBTC", 1, world.engine)
    with reverts("engine: min debt"):
        run(
            world,
            withdraw(world, account, "USDC", 10**6, 10**6),
            withdraw(world, account, "WETH", 1),
            deposit(world, account, "WBTC", 1),
        )
    with reverts("engine: initial margin"):
        run(
            world,
            withdraw(world, account, "USDC", 1_950 * 10**6, 2 * 10**9),
            deposit(world, account, "WBTC", 1),
            deposit(world, account, "WBTC", 1),
        )


def test_batch__paused__blocks_what_a_single_call_blocks(world: World, long: int) -> None:
    world.engine.pause(sender=world.roles["guardian"])
    units = world.fund("trader", "USDC", 30_000, world.engine)
    with reverts("engine: paused"):
        run(world, withdraw(world, long, "WETH", 1))
    run(world, withdraw(world, long, "WETH", 1), deposit(world, long, "USDC", units))


def test_batch__second_in_one_transaction__starts_clean(world: World, attacker: Any) -> None:
    """A contract sends two batches in one transaction: what the first noted is gone, what the second notes holds."""
    sender, account = world.roles["attacker"], world.account("attack_contract")
    weth = world["WETH"].token
    weth.mint(attacker, 10**18, sender=sender)
    token = world["USDC"].token
    borrow = world.engine.withdraw.encode(account, token, 10**9, attacker, 10**9)
    too_much = world.engine.withdraw.encode(account, token, 10**9, attacker, 10**9)
    deposited = world.engine.deposit.encode(account, weth, 10**18)
    attacker.set_callback(
        [
            (weth, weth.approve.encode(world.engine, 10**18)),
            (world.engine, world.engine.batch.encode([deposited, borrow])),
            (world.engine, world.engine.batch.encode([too_much])),
        ],
        sender=sender,
    )
    loan = world["WBTC"].pool.flashLoan.encode(attacker, world["WBTC"].token, 1, b"")
    with reverts("engine: initial margin"):
        attacker.execute(world["WBTC"].pool, loan, sender=sender)
    attacker.set_callback(
        [
            (weth, weth.approve.encode(world.engine, 10**18)),
            (world.engine, world.engine.batch.encode([deposited, borrow])),
            (world.engine, world.engine.batch.encode([world.engine.withdraw.encode(account, weth, 1, attacker, 0)])),
        ],
        sender=sender,
    )
    world["WBTC"].token.mint(attacker, 1, sender=sender)
    attacker.execute(world["WBTC"].pool, loan, sender=sender)
    assert world.balance(account, "WETH") == 10**18 - 1


# Limits of accounts, for a while


def test_batch__ninth_asset_and_fifth_debt__allowed_until_the_end(world: World, account: int) -> None:
    trader = world.roles["trader"]
    for i in range(9):
        world.list_asset(f"C{i}", "MockERC20", 18, 1)
        world.lend(f"C{i}", 1_000)
        world.fund("trader", f"C{i}", 1_000, world.engine)
    for i in range(8):
        world.deposit(account, f"C{i}", 100)
    ninth, out = deposit(world, account, "C8", 10**18), withdraw(world, account, "C0", 2**256 - 1)
    with reverts("engine: too many assets"):
        run(world, ninth)
    with reverts("engine: too many assets"):
        run(world, ninth, withdraw(world, account, "C0", 1))
    run(world, ninth, out)
    assert account_word.held(world.engine.word_of(account)).bit_count() == 8

    debtor = world.account("trader", 2)
    world.deposit(debtor, "WETH", 10)
    borrows = [withdraw(world, debtor, f"C{i}", 10**20, 10**20) for i in range(5)]
    with reverts("engine: too many assets"):
        run(world, *borrows)
    run(world, *borrows, deposit(world, debtor, "C2", 10**20))
    assert account_word.owed(world.engine.word_of(debtor)).bit_count() == 4
    assert world["C2"].token.balanceOf(trader) > 0


def test_batch__largest_account__can_be_opened_checked_and_closed(world: World, account: int) -> None:
    """Eight held and four owed: the check of the largest account there can be fits into a block many times over."""
    trader = world.roles["trader"]
    for i in range(12):
        world.list_asset(f"C{i}", "MockERC20", 18, 1)
        world.lend(f"C{i}", 10_000)
        world.fund("trader", f"C{i}", 2_000, world.engine)
    opened = run(
        world,
        *[deposit(world, account, f"C{i}", 10**21) for i in range(8)],
        *[withdraw(world, account, f"C{i}", 10**21, 10**21) for i in range(8, 12)],
    )
    assert len(world.engine.exposures(account)) == 12
    assert opened.gas_used < 3_000_000
    run(
        world,
        *[deposit(world, account, f"C{i}", 10**21) for i in range(8, 12)],
        *[withdraw(world, account, f"C{i}", 2**256 - 1) for i in range(8)],
    )
    assert world.engine.word_of(account) == 0
    assert all(world[f"C{i}"].token.balanceOf(trader) == 2_000 * 10**18 for i in range(12))


def test_batch__isolated_beside_core__not_even_for_a_while(world: World, account: int) -> None:
    """The word cannot show it, so the order matters: first out, then in."""
    world.deposit(account, "USDC", 10)
    world.fund("trader", "TAIL", 1, world.engine)
    into, out = deposit(world, account, "TAIL", 1), withdraw(world, account, "USDC", 2**256 - 1)
    with reverts("engine: isolated"):
        run(world, into, out)
    run(world, out, into)
    assert world.engine.word_of(account) == world["TAIL"].key


# Sizes


def test_batch__sixteen_calls__and_not_seventeen(world: World, account: int) -> None:
    world.fund("trader", "USDC", 1, world.engine)
    run(world, *[deposit(world, account, "USDC", 1)] * 16)
    assert world.balance(account, "USDC") == 16
    with reverts(""):
        run(world, *[deposit(world, account, "USDC", 1)] * 17)


def test_batch__thirty_two_accounts__all_checked(world: World) -> None:
    """Sixteen transfers between accounts that were never used: the most that a batch can touch."""
    world.fund("trader", "USDC", 100, world.engine)
    sources = [world.account("trader", 100 + i) for i in range(16)]
    for source in sources:
        world.deposit(source, "USDC", 1)
    calls = [world.engine.transfer.encode(source, source + 1000, world["USDC"].token, 10**6) for source in sources]
    run(world, *calls)
    for source in sources:
        assert (world.balance(source, "USDC"), world.balance(source + 1000, "USDC")) == (0, 10**6)


def test_batch__several_in_one_transaction__each_touches_as_many_accounts(world: World, attacker: Any) -> None:
    """Three batches of sixteen new accounts each, sent by one contract: one's list must not fill the next one's."""
    sender, engine, usdc = world.roles["attacker"], world.engine, world["USDC"].token
    usdc.mint(attacker, 48, sender=sender)
    accounts = [world.account("attack_contract", i) for i in range(48)]
    deposits = [engine.deposit.encode(account, usdc, 1) for account in accounts]
    batches = [engine.batch.encode(deposits[i : i + 16]) for i in range(0, 48, 16)]
    attacker.set_callback(
        [(usdc, usdc.approve.encode(engine, 48)), *((engine, batch) for batch in batches)], sender=sender
    )
    pool = world["WBTC"].pool
    world["WBTC"].token.mint(attacker, 1, sender=sender)
    attacker.execute(pool, pool.flashLoan.encode(attacker, world["WBTC"].token, 1, b""), sender=sender)
    assert all(engine.balance_of(account, usdc) == 1 for account in accounts)


def test_batch__empty__reverts(world: World) -> None:
    with reverts("engine: empty batch"):
        run(world)


def test_batch__largest_trade__fits(world: World, account: int) -> None:
    units = world.fund("trader", "USDC", 100, world.engine)
    call = trade(world, account, "USDC", units, 0, "WETH", b"\x00" * 1024)
    assert len(call) == 1380
    run(world, deposit(world, account, "USDC", units), call)
    with reverts(""):
        run(world, call + b"\x00")


# Nesting, strangers, other functions


def test_batch__in_a_batch__reverts(world: World, account: int) -> None:
    world.fund("trader", "USDC", 1, world.engine)
    inner = world.engine.batch.encode([deposit(world, account, "USDC", 1)])
    with reverts("engine: nested batch"):
        run(world, deposit(world, account, "USDC", 1), inner)
    with reverts("engine: nested batch"):
        run(world, world.engine.batch.encode([]))


def test_batch__any_call_fails__everything_is_undone_with_its_reason(world: World, account: int) -> None:
    units = world.fund("trader", "USDC", 10, world.engine)
    with reverts("engine: insufficient balance"):
        run(world, deposit(world, account, "USDC", units), withdraw(world, account, "USDC", units + 1))
    assert (world.balance(account, "USDC"), world["USDC"].token.balanceOf(world.roles["trader"])) == (0, units)


@pytest.mark.parametrize("data", [b"", b"\x01\x02\x03", b"\xde\xad\xbe\xef", b"\x00" * 100])
def test_batch__garbage__reverts(world: World, data: bytes) -> None:
    with reverts(""):
        run(world, data)


def test_batch__keeps_the_sender__so_every_wrong_caller_fails(world: World, account: int, appoint: Appoint) -> None:
    world.deposit(account, "USDC", 10)
    calls = {
        "withdraw": withdraw(world, account, "USDC", 1),
        "trade": trade(world, account, "USDC", 1, 0, "WETH"),
        "transfer": world.engine.transfer.encode(account, account + 1, world["USDC"].token, 1),
    }
    for role in ("stranger", "lender", "owner", "guardian", "deployer", "attacker"):
        for call in calls.values():
            with reverts("operators: not allowed"):
                run(world, call, sender=role)
    appoint(account, 4)
    run(world, calls["withdraw"], sender="operator")
    with reverts("operators: not allowed"):
        run(world, calls["withdraw"], calls["transfer"], sender="operator")


def test_batch__parameters__keep_their_permission(world: World) -> None:
    engine = world.engine
    for call, reason in (
        (engine.set_min_debt.encode(1), "roles: owner only"),
        (engine.set_risk_engine.encode(world.risk_engine), "roles: owner only"),
        (engine.add_asset.encode(world["USDC"].token, world["USDC"].pool), "roles: owner only"),
        (engine.set_gate.encode(world["USDC"].token, ZERO_ADDRESS), "roles: owner only"),
        (engine.set_cap.encode(world["USDC"].token, 0), "roles: owner only"),
        (engine.lower_cap.encode(world["USDC"].token, 1), "roles: guardian only"),
        (engine.pause.encode(), "roles: guardian only"),
        (engine.unpause.encode(), "roles: owner only"),
        (engine.set_guardian.encode(world.roles["attacker"]), "roles: owner only"),
        (engine.transfer_ownership.encode(world.roles["attacker"]), "ownable: caller is not the owner"),
        (engine.accept_ownership.encode(), "ownable_2step: caller is not the new owner"),
    ):
        with reverts(reason):
            run(world, call, sender="attacker")
    run(world, engine.set_min_debt.encode(10**16), engine.pause.encode(), sender="owner")
    assert list(engine.settings()) == [world.risk_engine.address, 10**16, True]


def test_batch__of_the_owner__binds_himself(world: World) -> None:
    """The owner of the protocol is nobody to an account, in a batch as outside of it."""
    account = world.account("owner")
    world.deposit(account, "WETH", 1)
    with reverts("engine: paused"):
        run(
            world,
            world.engine.withdraw.encode(account, world["USDC"].token, 10**9, world.roles["owner"], 10**9),
            world.engine.pause.encode(),
            sender="owner",
        )


def test_batch__views__answer_nobody_and_harm_nothing(world: World, long: int) -> None:
    run(world, world.engine.word_of.encode(long), world.engine.health.encode(long), world.engine.owner.encode())


def test_batch__ether__is_refused(world: World, account: int) -> None:
    world.fund("trader", "USDC", 1, world.engine)
    with reverts(""):
        world.engine.batch([deposit(world, account, "USDC", 1)], sender=world.roles["trader"], value=1)


@pytest.mark.parametrize("delivered", [0, 1_500])
def test_batch__operator__is_charged_like_alone(world: World, long: int, appoint: Appoint, delivered: int) -> None:
    appoint(long, 1, max_loss=10_000, budget=2_000 * 10**18)
    run(world, trade(world, long, "WETH", 10**18, 0, "USDT", exactly(delivered * 10**6)), sender="operator")
    assert world.registry.operator_of(long, world.roles["operator"]).loss_budget == delivered * 10**18
