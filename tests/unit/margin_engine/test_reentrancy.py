"""Foreign code runs inside a verb in three places: a swapper, a token's hook, a flash loan's callback.

Whatever it does there either reverts or is counted exactly once (failures 18 and 21).
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.support import reverts
from tests.support.scenario import FOREVER, World

UNLOCKED = {"owner", "pending_owner", "transfer_ownership", "accept_ownership"}
"""snekmate's, exported from a file without our pragma: they touch no account."""


@pytest.fixture
def sender(world: World) -> str:
    return world.roles["attacker"]


@pytest.fixture
def rich(world: World, attacker: Any, sender: str) -> Any:
    """The attacker's contract with tokens, approvals, pool shares and a leveraged account of its own, index 0."""
    for symbol, amount in (("USDC", 1_000_000), ("WETH", 1_000), ("HOOK", 1_000_000)):
        asset = world[symbol]
        asset.token.mint(attacker, world.raw(symbol, amount), sender=sender)
        for spender in (world.engine, asset.pool):
            attacker.execute(asset.token, asset.token.approve.encode(spender, 2**256 - 1), sender=sender)
        lent = world.raw(symbol, amount) // 10
        attacker.execute(asset.pool, asset.pool.deposit.encode(lent, attacker), sender=sender)
    attacker.execute(
        world.engine, world.engine.deposit.encode(own(world), world["WETH"].token, 20 * 10**18), sender=sender
    )
    attacker.execute(
        world.engine,
        world.engine.withdraw.encode(own(world), world["USDC"].token, 30_000 * 10**6, attacker, 10**12),
        sender=sender,
    )
    return attacker


def own(world: World) -> int:
    """The attacker contract's account."""
    return world.account("attack_contract")


def everything(world: World) -> list[bytes]:
    """A call of every function of the engine that changes something, as the attacker would make it."""
    engine, usdc, weth, account = world.engine, world["USDC"].token, world["WETH"].token, own(world)
    attacker = world.roles["attack_contract"]
    trade = (account, weth, 1, 0, usdc, 0, world.swapper, b"", FOREVER)
    calls = {
        "deposit": engine.deposit.encode(account, usdc, 1),
        "withdraw": engine.withdraw.encode(account, weth, 1, attacker, 0),
        "trade": engine.trade.encode(*trade, True),
        "transfer": engine.transfer.encode(account, account + 1, weth, 1),
        "batch": engine.batch.encode([engine.deposit.encode(account, usdc, 1)]),
        "liquidate": engine.liquidate.encode(account),
        "take": engine.take.encode(account, 10**18, account + 1, -(10**18)),
        "cancel": engine.cancel.encode(account),
        "write_off": engine.write_off.encode(account),
        "poke": engine.poke.encode(account),
        "add_asset": engine.add_asset.encode(usdc, world["USDC"].pool),
        "set_risk_engine": engine.set_risk_engine.encode(attacker),
        "set_min_debt": engine.set_min_debt.encode(0),
        "set_gate": engine.set_gate.encode(weth, attacker),
        "set_cap": engine.set_cap.encode(weth, 1),
        "lower_cap": engine.lower_cap.encode(weth, 1),
        "pause": engine.pause.encode(),
        "unpause": engine.unpause.encode(),
        "set_guardian": engine.set_guardian.encode(attacker),
    }
    changing = {
        entry["name"]
        for entry in engine.abi
        if entry["type"] == "function" and entry["stateMutability"] not in ("view", "pure")
    }
    assert changing - UNLOCKED == calls.keys(), "a new function needs its line here"
    return list(calls.values())


def swap_through(world: World, attacker: Any, sender: str, **changed: Any) -> Any:
    """The attacker's contract sells WETH for USDC, which it owes, through itself."""
    arguments = {
        "account": own(world),
        "sell": world["WETH"].token,
        "amount": 10**18,
        "max_borrow": 0,
        "buy": world["USDC"].token,
        "min_buy": 0,
        "swapper": attacker,
        "data": b"",
        "deadline": FOREVER,
        "reduce_only": False,
    }
    call = world.engine.trade.encode(*(arguments | changed).values())
    return attacker.execute(world.engine, call, sender=sender)


def assert_sound(world: World) -> None:
    """Ledgers within token balances, and the sums of what accounts have."""
    accounts = [own(world), own(world) + 1, world.account("trader"), world.account("trader", 1)]
    for asset in world.assets.values():
        assert asset.pool.cash() <= asset.token.balanceOf(asset.pool)
        balances = [world.engine.balance_of(account, asset.token) for account in accounts]
        assert sum(balances) <= asset.token.balanceOf(world.engine)


# The engine from inside a swap


@pytest.mark.parametrize("batched", [False, True])
def test_swapper__enters_any_function_of_the_engine__reverts(
    world: World, rich: Any, sender: str, batched: bool
) -> None:
    calls = everything(world)
    before = world.balance(own(world), "WETH")
    trade = world.engine.trade.encode(
        own(world), world["WETH"].token, 10**18, 0, world["USDC"].token, 0, rich, b"", FOREVER, False
    )
    for i in range(0, len(calls), 8):
        part = calls[i : i + 8]
        rich.set_swap([(world.engine, call) for call in part], 2_000 * 10**6, False, sender=sender)
        outer = world.engine.batch.encode([trade]) if batched else trade
        rich.execute(world.engine, outer, sender=sender)
        assert [rich.succeeded(j) for j in range(len(part))] == [False] * len(part)
        before -= 10**18
        assert world.balance(own(world), "WETH") == before
    assert_sound(world)


def test_swapper__what_it_may_do_outside__it_may_not_inside(world: World, rich: Any, sender: str, long: int) -> None:
    """Not as the engine's owner and guardian either, nor to accounts of others that are below their lines."""
    engine, owner, token = world.engine, world.roles["owner"], world["WBTC"].token
    engine.set_guardian(rich, sender=owner)
    engine.transfer_ownership(rich, sender=owner)
    token.mint(rich, 10**9, sender=sender)
    for to, call in (
        (engine, engine.accept_ownership.encode()),
        (token, token.approve.encode(engine, 10**9)),
        (engine, engine.deposit.encode(own(world), token, 10**9)),
    ):
        rich.execute(to, call, sender=sender)
    auctioned = world.open_position(index=2)
    world.set_price("WETH", 1_580)
    engine.liquidate(auctioned, sender=world.roles["keeper"])
    calls = [
        engine.liquidate.encode(long),
        engine.poke.encode(auctioned),
        engine.take.encode(auctioned, 10**16, own(world), -(10**18)),
        engine.set_min_debt.encode(0),
        engine.set_gate.encode(token, world.swapper),
        engine.set_cap.encode(token, 1),
        engine.lower_cap.encode(token, 1),
        engine.pause.encode(),
    ]
    for call in calls:
        with world.chain.isolate():
            rich.execute(engine, call, sender=sender)
    rich.set_swap([(engine, call) for call in calls], 1_580 * 10**6, False, sender=sender)
    swap_through(world, rich, sender)
    assert [rich.succeeded(i) for i in range(len(calls))] == [False] * len(calls)
    assert_sound(world)


def test_swapper__enters_and_insists__the_whole_trade_reverts(world: World, rich: Any, sender: str) -> None:
    deposit = world.engine.deposit.encode(own(world), world["WETH"].token, 1)
    for action, reason in (
        (deposit, ""),
        (world.engine.batch.encode([deposit]), ""),
        (world.engine.batch.encode([]), "engine: empty batch"),
    ):
        rich.set_swap([(world.engine, action)], 0, True, sender=sender)
        with reverts(reason):
            swap_through(world, rich, sender)


def test_swapper__batch_inside_a_batched_trade__reverts(world: World, rich: Any, sender: str) -> None:
    inner = world.engine.batch.encode([world.engine.owner.encode()])
    rich.set_swap([(world.engine, inner)], 0, True, sender=sender)
    trade = world.engine.trade.encode(
        own(world), world["WETH"].token, 1, 0, world["USDC"].token, 0, rich, b"", FOREVER, False
    )
    with reverts("engine: nested batch"):
        rich.execute(world.engine, world.engine.batch.encode([trade]), sender=sender)


def test_swapper__batch_of_an_unlocked_view__cannot_drop_the_check_of_the_trade(
    world: World, rich: Any, sender: str
) -> None:
    """`owner()` takes no lock, so such a batch runs inside a trade; the trade's own check must still be made."""
    inner = world.engine.batch.encode([world.engine.owner.encode()])
    rich.set_swap([(world.engine, inner)], 0, True, sender=sender)
    with reverts("engine: initial margin"):
        swap_through(world, rich, sender, amount=5 * 10**18)
    rich.set_swap([(world.engine, inner)], 10_000 * 10**6, True, sender=sender)
    swap_through(world, rich, sender, amount=5 * 10**18)


# The pools from inside a swap


def test_swapper__deposits_into_the_pool_it_should_repay__counts_nothing(world: World, rich: Any, sender: str) -> None:
    """The deposit raises the pool's token balance, but the tokens are the lender's, not the trade's."""
    pool, debt = world["USDC"].pool, world.balance(own(world), "USDC")
    rich.set_swap([(pool, pool.deposit.encode(2_000 * 10**6, rich))], 0, True, sender=sender)
    with reverts("engine: min_buy"):
        swap_through(world, rich, sender, min_buy=1)
    swap_through(world, rich, sender)
    assert world.balance(own(world), "USDC") == debt
    assert_sound(world)


@pytest.mark.parametrize("delivery", [0, 1, 1_900 * 10**6])
@pytest.mark.parametrize(
    "action", ["deposit", "mint", "withdraw", "redeem", "mint_fees", "accrue", "accrued_debt", "transfer"]
)
def test_swapper__uses_the_pool__only_what_it_delivers_counts(
    world: World, rich: Any, sender: str, action: str, delivery: int
) -> None:
    world.warp(30 * 86_400)
    pool, account = world["USDC"].pool, own(world)
    data = {
        "deposit": pool.deposit.encode(12_345, rich),
        "mint": pool.mint.encode(12_345 * 10**6, rich),
        "withdraw": pool.withdraw.encode(50_000 * 10**6, rich, rich),
        "redeem": pool.redeem.encode(50_000 * 10**12, rich, rich),
        "mint_fees": pool.mint_fees.encode(),
        "accrue": pool.accrue.encode(),
        "accrued_debt": pool.accrued_debt.encode(own(world)),
        "transfer": pool.transfer.encode(sender, 1),
    }
    debt = -world.balance(account, "USDC")
    rich.set_swap([(pool, data[action])], delivery, True, sender=sender)
    if delivery > 10**6:
        swap_through(world, rich, sender, min_buy=delivery)
    else:
        swap_through(world, rich, sender)
    assert rich.succeeded(0)
    assert debt - delivery <= -world.balance(account, "USDC") <= debt - delivery + 1
    assert_sound(world)


def test_swapper__pays_the_debt_out_of_its_own_shares__is_worth_exactly_those(
    world: World, rich: Any, sender: str
) -> None:
    """Redeemed to the pool itself, the tokens stay where they are and change owner: from lender to repayment."""
    pool, account = world["USDC"].pool, own(world)
    shares, cash = pool.balanceOf(rich), pool.cash()
    rich.set_swap([(pool, pool.withdraw.encode(2_000 * 10**6, pool, rich))], 0, True, sender=sender)
    swap_through(world, rich, sender, min_buy=2_000 * 10**6)
    assert world.balance(account, "USDC") == -28_000 * 10**6
    assert shares - pool.balanceOf(rich) >= 2_000 * 10**12
    assert pool.cash() == cash
    assert_sound(world)


def test_swapper__gives_to_the_pool_before_and_during__only_during_counts(world: World, rich: Any, sender: str) -> None:
    usdc, pool = world["USDC"].token, world["USDC"].pool
    usdc.mint(pool, 10**10, sender=sender)
    rich.set_swap([(usdc, usdc.mint.encode(pool, 7))], 5, True, sender=sender)
    swap_through(world, rich, sender)
    assert world.balance(own(world), "USDC") == -30_000 * 10**6 + 12
    assert usdc.balanceOf(pool) - pool.cash() == 10**10


# Flash loans


def test_flash_loan__inside_a_swap__its_fee_is_no_proceeds(world: World, rich: Any, sender: str) -> None:
    usdc, pool = world["USDC"].token, world["USDC"].pool
    cash = pool.cash()
    fee = pool.flashFee(usdc, 10**12)
    assert fee > 0
    rich.set_swap([(pool, pool.flashLoan.encode(rich, usdc, 10**12, b""))], 0, True, sender=sender)
    with reverts("engine: min_buy"):
        swap_through(world, rich, sender, min_buy=1)
    swap_through(world, rich, sender)
    assert world.balance(own(world), "USDC") == -30_000 * 10**6
    assert pool.cash() == cash + fee
    assert_sound(world)


def test_flash_loan__inside_a_swap_paid_to_the_pool_as_proceeds__has_to_be_paid_twice(
    world: World, rich: Any, sender: str
) -> None:
    usdc, pool = world["USDC"].token, world["USDC"].pool
    wealth = usdc.balanceOf(rich)
    loan = 20_000 * 10**6
    rich.set_callback([(usdc, usdc.transfer.encode(pool, loan))], sender=sender)
    rich.set_swap([(pool, pool.flashLoan.encode(rich, usdc, loan, b""))], 0, True, sender=sender)
    swap_through(world, rich, sender)
    assert world.balance(own(world), "USDC") == -10_000 * 10**6
    assert wealth - usdc.balanceOf(rich) == loan + pool.flashFee(usdc, loan)
    assert_sound(world)


@pytest.mark.parametrize("verb", ["deposit", "trade", "batch"])
def test_flash_loan__around_a_repayment__the_repayment_counts_once(
    world: World, rich: Any, sender: str, verb: str
) -> None:
    """While the pool's tokens are out, its ledger says they are in: what arrives must be measured against that."""
    usdc, pool, account = world["USDC"].token, world["USDC"].pool, own(world)
    loan = pool.cash()
    wealth = usdc.balanceOf(rich)
    deposit = world.engine.deposit.encode(account, usdc, 10_000 * 10**6)
    trade = world.engine.trade.encode(account, world["WETH"].token, 10**18, 0, usdc, 0, rich, b"", FOREVER, False)
    call = {"deposit": deposit, "trade": trade, "batch": world.engine.batch.encode([deposit])}[verb]
    rich.set_swap([], 10_000 * 10**6, True, sender=sender)
    rich.set_callback([(world.engine, call)], sender=sender)
    fee = pool.flashFee(usdc, loan)
    rich.execute(pool, pool.flashLoan.encode(rich, usdc, loan, b""), sender=sender)
    assert world.balance(account, "USDC") == -20_000 * 10**6
    assert wealth - usdc.balanceOf(rich) == 10_000 * 10**6 + fee
    assert pool.cash() == loan + 10_000 * 10**6 + fee
    assert_sound(world)


def test_flash_loan__around_more_than_the_debt__the_excess_reaches_the_vault(
    world: World, rich: Any, sender: str
) -> None:
    usdc, pool, account = world["USDC"].token, world["USDC"].pool, own(world)
    deposit = world.engine.deposit.encode(account, usdc, 50_000 * 10**6)
    rich.set_callback([(world.engine, deposit)], sender=sender)
    rich.execute(pool, pool.flashLoan.encode(rich, usdc, pool.cash() // 2, b""), sender=sender)
    assert world.balance(account, "USDC") == 20_000 * 10**6
    assert_sound(world)


def test_flash_loan__of_everything__nothing_is_left_to_borrow(world: World, rich: Any, sender: str) -> None:
    usdc, pool, account = world["USDC"].token, world["USDC"].pool, own(world)
    borrow = world.engine.withdraw.encode(account, usdc, 1, rich, 1)
    rich.set_callback([(world.engine, borrow)], sender=sender)
    with reverts("erc20: balance"):
        rich.execute(pool, pool.flashLoan.encode(rich, usdc, pool.cash(), b""), sender=sender)


def test_flash_loan__as_collateral__is_gone_when_it_is_pulled_back(world: World, rich: Any, sender: str) -> None:
    """Borrowing against flash-lent collateral works as far as margin goes, and then the loan cannot be returned."""
    weth, pool, account = world["WETH"].token, world["WETH"].pool, own(world)
    attempt = [
        (world.engine, world.engine.deposit.encode(account, weth, 1_000 * 10**18)),
        (world.engine, world.engine.withdraw.encode(account, world["USDC"].token, 10**12, rich, 10**12)),
    ]
    back = (world.engine, world.engine.withdraw.encode(account, weth, 1_000 * 10**18, rich, 0))
    weth.burn(rich, weth.balanceOf(rich), sender=sender)
    rich.set_callback(attempt, sender=sender)
    with reverts("erc20: balance"):
        rich.execute(pool, pool.flashLoan.encode(rich, weth, 1_000 * 10**18, b""), sender=sender)
    rich.set_callback([*attempt, back], sender=sender)
    with reverts("engine: initial margin"):
        rich.execute(pool, pool.flashLoan.encode(rich, weth, 1_000 * 10**18, b""), sender=sender)


# Tokens that call back


def hook(world: World, target: Any, data: bytes, *, tolerant: bool = False) -> None:
    world["HOOK"].token.set_hook(target, data, tolerant, sender=world.roles["attacker"])


def actions_with_hook(world: World, rich: Any) -> dict[str, bytes]:
    """Every verb that moves HOOK, as the attacker's contract calls it; account 1 holds 100, account 2 owes 1,000."""
    engine, token, first, second = world.engine, world["HOOK"].token, own(world) + 1, own(world) + 2
    return {
        "deposit": engine.deposit.encode(first, token, 10**18),
        "repay": engine.deposit.encode(second, token, 10**18),
        "repay more": engine.deposit.encode(second, token, 2_000 * 10**18),
        "withdraw": engine.withdraw.encode(first, token, 10**18, rich, 0),
        "borrow": engine.withdraw.encode(second, token, 10**18, rich, 10**18),
        "trade in": engine.trade.encode(
            own(world), world["WETH"].token, 10**15, 0, token, 0, world.swapper, b"", FOREVER, False
        ),
        "trade out": engine.trade.encode(
            first, token, 10**18, 0, world["USDC"].token, 0, world.swapper, b"", FOREVER, False
        ),
        "transfer to a debt": engine.transfer.encode(first, second, token, 10**18),
    }


ACTIONS = ("deposit", "repay", "repay more", "withdraw", "borrow", "trade in", "trade out", "transfer to a debt")


@pytest.fixture
def hooked(world: World, rich: Any, sender: str) -> Any:
    engine, token = world.engine, world["HOOK"].token
    for call in (
        engine.deposit.encode(own(world) + 1, token, 100 * 10**18),
        engine.deposit.encode(own(world) + 2, world["WETH"].token, 10 * 10**18),
        engine.withdraw.encode(own(world) + 2, token, 1_000 * 10**18, rich, 10**21),
    ):
        rich.execute(engine, call, sender=sender)
    return rich


@pytest.mark.parametrize("action", ACTIONS)
def test_hook__enters_any_function_of_the_engine__reverts(world: World, hooked: Any, sender: str, action: str) -> None:
    """The hook calls through the attacker's contract, so that a call that got past the lock would also be allowed."""
    token, verb = world["HOOK"].token, actions_with_hook(world, hooked)[action]
    for call in everything(world):
        hook(world, hooked, hooked.execute.encode(world.engine, call), tolerant=True)
        with world.chain.isolate():
            hooked.execute(world.engine, verb, sender=sender)
            assert token.hook_calls() > 0
            assert token.hook_succeeded() is False
    hook(world, hooked, hooked.execute.encode(world.engine, everything(world)[0]))
    with reverts(""):
        hooked.execute(world.engine, verb, sender=sender)


@pytest.mark.parametrize("action", ACTIONS)
def test_hook__lends_to_the_pool_meanwhile__changes_nothing_of_the_verb(
    world: World, hooked: Any, sender: str, action: str
) -> None:
    pool = world["HOOK"].pool
    verb = actions_with_hook(world, hooked)[action]
    accounts = [own(world) + i for i in range(3)]

    def outcome() -> list[int]:
        with world.chain.isolate():
            hooked.execute(world.engine, verb, sender=sender)
            for asset in world.assets.values():
                assert asset.pool.cash() <= asset.token.balanceOf(asset.pool)
                balances = [world.engine.balance_of(account, asset.token) for account in accounts]
                assert sum(balances) <= asset.token.balanceOf(world.engine)
            return [world.balance(account, symbol) for account in accounts for symbol in ("HOOK", "USDC", "WETH")]

    expected = outcome()
    for data in (pool.deposit.encode(10**18, hooked), pool.withdraw.encode(10**18, hooked, hooked)):
        hook(world, hooked, hooked.execute.encode(pool, data), tolerant=True)
        assert outcome() == expected


def test_hook__gives_to_the_pool_during_a_repayment__received_differs(world: World, hooked: Any, sender: str) -> None:
    token, pool = world["HOOK"].token, world["HOOK"].pool
    hook(world, token, token.mint.encode(pool, 1))
    with reverts("token: received differs"):
        hooked.execute(world.engine, actions_with_hook(world, hooked)["repay"], sender=sender)
    hook(world, token, token.mint.encode(world.engine, 1))
    with reverts("token: received differs"):
        hooked.execute(world.engine, actions_with_hook(world, hooked)["deposit"], sender=sender)


def test_hook__takes_from_the_receiver_meanwhile__received_differs(world: World, hooked: Any, sender: str) -> None:
    """A token that lies about what arrived, in the other direction: less than nothing."""
    token = world["HOOK"].token
    hook(world, token, token.burn.encode(world.engine, 50 * 10**18))
    with reverts("token: received differs"):
        hooked.execute(world.engine, actions_with_hook(world, hooked)["deposit"], sender=sender)


def test_hook__inside_the_pools_own_functions__the_engine_cannot_use_it(world: World, hooked: Any, sender: str) -> None:
    """While a lender's deposit is half done, the pool's ledger is ahead of its tokens: no repayment may see that."""
    pool = world["HOOK"].pool
    for verb in ("repay", "borrow", "transfer to a debt"):
        call = actions_with_hook(world, hooked)[verb]
        hook(world, hooked, hooked.execute.encode(world.engine, call))
        for entry in (pool.deposit.encode(10**18, hooked), pool.withdraw.encode(10**18, hooked, hooked)):
            with reverts(""):
                hooked.execute(pool, entry, sender=sender)


def test_hook__trades_inside_a_flash_loans_last_transfer__is_counted_or_reverts(
    world: World, hooked: Any, sender: str
) -> None:
    """The loan is pulled back by a measured transfer; a repayment slipped into it makes the measure differ."""
    token, pool = world["HOOK"].token, world["HOOK"].pool
    repay = actions_with_hook(world, hooked)["repay"]
    hooked.set_callback(
        [(token, token.set_hook.encode(hooked, hooked.execute.encode(world.engine, repay), False))], sender=sender
    )
    with reverts("token: received differs"):
        hooked.execute(pool, pool.flashLoan.encode(hooked, token, 10**18, b""), sender=sender)


# Delegatecall


def test_delegatecall__from_a_wallet__acts_on_the_wallets_storage_only(world: World, account: int) -> None:
    """The engine's code run in another contract's context has no assets, no accounts and no power over the engine's."""
    world.deposit(account, "USDC", 10)
    trader, engine, usdc = world.roles["trader"], world.engine, world["USDC"].token
    wallet = world.chain.deploy("MockWallet", sender=trader)
    deposit = engine.deposit.encode(account, usdc, 1)
    for call, reason in (
        (engine.withdraw.encode(account, usdc, 1, trader, 0), "engine: unknown asset"),
        (deposit, "engine: unknown asset"),
        (engine.batch.encode([deposit]), ""),
    ):
        with reverts(reason):
            wallet.delegate(engine, call, sender=trader)
    assert world.balance(account, "USDC") == usdc.balanceOf(engine) == 10**7
