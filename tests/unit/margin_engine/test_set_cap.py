"""MarginEngine.set_cap: while the vault holds more of an asset, nobody with debt that holds it takes new risk."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plimsoll.chain import ZERO_ADDRESS, RevmChain
from plimsoll.model import restrictions
from plimsoll.model.restrictions import Restrictions
from tests.support import reverts
from tests.support.scenario import DEAD, World

EXACT, MAX_CAP = restrictions.EXACT, restrictions.MAX_CAP


def cap(world: World, symbol: str, amount: int) -> Any:
    return world.engine.set_cap(world[symbol].token, amount, sender=world.roles["owner"])


def held(world: World, symbol: str) -> int:
    amount: int = world[symbol].token.balanceOf(world.engine)
    return amount


def test_set_cap__owner__event_and_view(world: World) -> None:
    token = world["WETH"].token
    receipt = cap(world, "WETH", 10**21 + 1)
    assert receipt.events == [world.engine.event("CapSet", token=token, cap=10**21 + 1)]
    assert list(world.engine.restrictions_of(token)) == [ZERO_ADDRESS, 10**21 + 1]
    receipt = cap(world, "WETH", 0)
    assert receipt.events == [world.engine.event("CapSet", token=token, cap=0)]
    assert list(world.engine.restrictions_of(token)) == [ZERO_ADDRESS, 0]


@given(
    first=st.integers(0, MAX_CAP - 1) | st.integers(EXACT - 2**33, EXACT + 2**33),
    second=st.integers(0, MAX_CAP - 1) | st.integers(0, 10**6),
)
def test_set_cap__any__is_kept_as_the_model_says(chain: RevmChain, world: World, first: int, second: int) -> None:
    model, settings = Restrictions(), list(world.engine.settings())
    with chain.isolate():
        for amount in (first, second):
            kept = model.set_cap(1, amount)
            receipt = cap(world, "TAIL", amount)
            assert receipt.events == [world.engine.event("CapSet", token=world["TAIL"].token, cap=kept)]
            assert list(world.engine.restrictions_of(world["TAIL"].token)) == [ZERO_ADDRESS, kept]
            assert amount - kept in range(2**32 if amount >= EXACT else 1)
        assert list(world.engine.settings()) == settings


def test_set_cap__around_the_first_in_large_units__kept_to_the_unit(world: World) -> None:
    for amount in (EXACT - 1, EXACT):
        cap(world, "WETH", amount)
        assert list(world.engine.restrictions_of(world["WETH"].token)) == [ZERO_ADDRESS, amount]


def test_set_cap__bound__accepted_below_and_refused_at(world: World) -> None:
    cap(world, "WETH", MAX_CAP - 1)
    assert world.engine.restrictions_of(world["WETH"].token)[1] == MAX_CAP - 2**32
    for amount in (MAX_CAP, 2**128, 2**255, 2**256 - 1):
        with reverts("engine: cap bound"):
            cap(world, "WETH", amount)
        with pytest.raises(ValueError, match=r"^engine: cap bound$"):
            restrictions.rounded(amount)


def test_set_cap__unknown_token__reverts(world: World) -> None:
    with reverts("engine: unknown asset"):
        world.engine.set_cap(world.roles["stranger"], 1, sender=world.roles["owner"])


def test_set_cap__every_wrong_caller__reverts(world: World) -> None:
    for role in ("guardian", "deployer", "trader", "stranger", "attacker"):
        for amount in (0, 1):
            with reverts("roles: owner only"):
                world.engine.set_cap(world["WETH"].token, amount, sender=world.roles[role])


def test_restrictions_of__unknown_token__zeros(world: World) -> None:
    for token in (ZERO_ADDRESS, world.roles["stranger"], world["USDC"].pool.address):
        assert list(world.engine.restrictions_of(token)) == [ZERO_ADDRESS, 0]


# Over the cap


def risks(world: World, account: int) -> list[bytes]:
    """Every kind of new risk, for an account that holds WETH and owes USDC, that leaves the WETH where it is."""
    engine, trader, weth, usdc = world.engine, world.roles["trader"], world["WETH"].token, world["USDC"].token
    return [
        engine.withdraw.encode(account, usdc, 10**6, trader, 10**6),
        engine.trade.encode(account, usdc, 10**9, 10**9, weth, 0, world.swapper, b"", 2**40, False),
        engine.trade.encode(account, usdc, 10**9, 10**9, world["WBTC"].token, 0, world.swapper, b"", 2**40, False),
        engine.transfer.encode(account, account + 7, weth, 10**15),
    ]


def send(world: World, call: bytes) -> Any:
    return world.chain.raw_call(world.engine, call, sender=world.roles["trader"])


def test_cap__touched__accepted_and_one_unit_more_refused(world: World, long: int) -> None:
    """The last unit that fits may be bought with borrowed money; one more may not."""
    cap(world, "WETH", held(world, "WETH") + 10**18)
    buy = (world["USDC"].token, 2_000 * 10**6, 2_000 * 10**6, world["WETH"].token)
    trade = (0, world.swapper, b"", 2**40, False)
    with world.chain.isolate():
        world.engine.trade(long, *buy, *trade, sender=world.roles["trader"])
        assert held(world, "WETH") == world.engine.restrictions_of(world["WETH"].token)[1]
        world.borrow(long, "USDC", 1)
    cap(world, "WETH", held(world, "WETH") + 10**18 - 1)
    with reverts("engine: supply cap"):
        world.engine.trade(long, *buy, *trade, sender=world.roles["trader"])


def test_cap__over__new_risk_reverts(world: World, long: int) -> None:
    cap(world, "WETH", held(world, "WETH") - 1)
    for call in risks(world, long):
        with reverts("engine: supply cap"):
            send(world, call)
        with reverts("engine: supply cap"):
            world.engine.batch([call], sender=world.roles["trader"])
    cap(world, "WETH", held(world, "WETH") + 10**18)
    for call in risks(world, long):
        with world.chain.isolate():
            send(world, call)


def test_cap__over__everybody_may_leave(world: World, long: int) -> None:
    """Deposits, repayments, reductions and withdrawals without debt, paused and at dead prices too."""
    trader, weth, usdc = world.roles["trader"], world["WETH"].token, world["USDC"].token
    cap(world, "WETH", 1)
    world.deposit(long, "WETH", 1)
    world.deposit(long, "USDC", 1_000)
    world.trade(long, "WETH", 1, "USDC", reduce_only=True)
    world.set_status("WETH", DEAD)
    world.engine.pause(sender=world.roles["guardian"])
    world.deposit(long, "USDC", 40_000)
    world.engine.withdraw(long, weth, 10**18, trader, 0, sender=trader)
    assert world.engine.debt_of(long, usdc) == 0
    world.engine.withdraw(long, weth, 2**256 - 1, trader, 0, sender=trader)
    world.engine.withdraw(long, usdc, 2**256 - 1, trader, 0, sender=trader)
    assert world.engine.word_of(long) == 0


def test_cap__over__who_does_not_hold_it_is_free(world: World, long: int) -> None:
    """Neither debts in the asset nor balances in another one are stopped."""
    short = world.open_position(index=5, collateral=("USDC", 10_000), sell="WETH", amount=5, buy="USDC")
    cap(world, "WETH", 1)
    world.borrow(short, "WETH", 1)
    with reverts("engine: supply cap"):
        world.borrow(long, "USDC", 1)


def test_cap__over__sold_to_the_last_unit_is_free(world: World, long: int) -> None:
    """A trade that leaves nothing of the asset in the account is judged without it."""
    cap(world, "WETH", 1)
    world.deposit(long, "WBTC", 1)
    world.trade(long, "WETH", 20, "WBTC")
    world.borrow(long, "USDC", 1)


def test_cap__flash_loaded_deposit_and_withdrawal__leaves_no_trace(world: World, long: int) -> None:
    attacker, token = world.roles["attacker"], world["WETH"].token
    own = world.account("attacker")
    units = world.fund("attacker", "WETH", 10_000, world.engine)
    cap(world, "WETH", held(world, "WETH") + 10**18)
    world.engine.batch(
        [
            world.engine.deposit.encode(own, token, units),
            world.engine.withdraw.encode(own, token, units, attacker, 0),
        ],
        sender=attacker,
    )
    world.borrow(long, "USDC", 1)


def test_cap__filled_by_another__blocks_new_risk_as_long_as_his_tokens_lie_there(world: World, long: int) -> None:
    """What a griefer can do with his own tokens, and for how long; nobody is kept from leaving meanwhile."""
    attacker, token, own = world.roles["attacker"], world["WETH"].token, world.account("attacker")
    cap(world, "WETH", held(world, "WETH") + 10**18)
    world.deposit(own, "WETH", 2)
    with reverts("engine: supply cap"):
        world.borrow(long, "USDC", 1)
    world.trade(long, "WETH", 1, "USDC", reduce_only=True)
    world.borrow(long, "USDC", 1)
    world.deposit(long, "WETH", 1)
    world.engine.withdraw(own, token, 2**256 - 1, attacker, 0, sender=attacker)
    world.borrow(long, "USDC", 1)


def test_cap__gift_to_the_vault__counts(world: World, long: int) -> None:
    """The vault keeps no total, so tokens that nobody has count; who gives them has lost them."""
    cap(world, "WETH", held(world, "WETH"))
    world.borrow(long, "USDC", 1)
    world["WETH"].token.mint(world.engine, 1, sender=world.roles["attacker"])
    with reverts("engine: supply cap"):
        world.borrow(long, "USDC", 1)
    cap(world, "WETH", held(world, "WETH"))
    world.borrow(long, "USDC", 1)


def test_cap__split_over_accounts__backs_no_more_than_the_cap(world: World) -> None:
    """However one owner spreads the asset, what stands behind debts when they are made fits the cap."""
    trader, token = world.roles["trader"], world["WETH"].token
    one, two = world.account("trader", 1), world.account("trader", 2)
    cap(world, "WETH", 10 * 10**18)
    world.deposit(one, "WETH", 10)
    world.borrow(one, "USDC", 10_000)
    world.deposit(two, "WETH", 10)
    for account in (one, two):
        with reverts("engine: supply cap"):
            world.borrow(account, "USDC", 1_000)
    aside = world.engine.withdraw.encode(two, token, 2**256 - 1, trader, 0)
    borrow = world.engine.withdraw.encode(two, world["USDC"].token, 10**9, trader, 10**9)
    with reverts("engine: initial margin"):
        world.engine.batch([borrow, aside], sender=trader)
    world["WETH"].token.approve(world.engine, 2**256 - 1, sender=trader)
    back = world.engine.deposit.encode(two, token, 10 * 10**18)
    with reverts("engine: supply cap"):
        world.engine.batch([aside, borrow, back], sender=trader)


def test_cap__isolated_asset__binds_as_a_core_asset(world: World, account: int) -> None:
    world.deposit(account, "TAIL2", 10_000)
    cap(world, "TAIL2", held(world, "TAIL2"))
    world.borrow(account, "TAIL", 100)
    cap(world, "TAIL2", held(world, "TAIL2") - 1)
    with reverts("engine: supply cap"):
        world.borrow(account, "TAIL", 100)
    cap(world, "TAIL2", 0)
    world.borrow(account, "TAIL", 100)


def test_cap__of_one_asset__says_nothing_of_its_neighbours(world: World, long: int) -> None:
    """Every other core asset, and the isolated ones, may be over it."""
    for symbol in world.assets:
        if symbol != "WETH":
            cap(world, symbol, 1)
    for call in risks(world, long)[:2]:
        with world.chain.isolate():
            send(world, call)
    world.deposit(long, "WBTC", 1)
    with reverts("engine: supply cap"):
        world.borrow(long, "USDC", 1)


def test_cap__of_an_isolated_asset__touches_no_core_asset(world: World, long: int) -> None:
    """The id of an isolated-tier asset has the bits of core assets; setting and lifting its cap moves none of them."""
    assert world["TAIL"].key & world["USDC"].key != 0
    for symbol in ("USDC", "WETH"):
        cap(world, symbol, 1)
    for amount in (1, 0):
        for symbol in ("TAIL", "TAIL2"):
            cap(world, symbol, amount)
        with reverts("engine: supply cap"):
            world.borrow(long, "USDC", 1)
    for symbol in ("USDC", "WETH"):
        cap(world, symbol, 0)
    world.borrow(long, "USDC", 1)


def test_cap__lifted__costs_nothing_any_more(world: World, long: int) -> None:
    with world.chain.isolate():
        before = world.borrow(long, "USDC", 1).gas_used
    cap(world, "WETH", held(world, "WETH"))
    world.engine.set_gate(world["WETH"].token, world.swapper, sender=world.roles["owner"])
    world.engine.set_gate(world["WETH"].token, ZERO_ADDRESS, sender=world.roles["owner"])
    with world.chain.isolate():
        assert world.borrow(long, "USDC", 1).gas_used > before
    cap(world, "WETH", 0)
    with world.chain.isolate():
        assert world.borrow(long, "USDC", 1).gas_used == before
