"""MarginLens.health."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from plimsoll.chain import RevmChain
from plimsoll.chain.abi import checksum
from plimsoll.model import account_word
from tests.support.scenario import World
from tests.unit.margin_lens.conftest import burning_world

EMPTY = (0, 0, 0, 0, 0, 0)


def test_health__accounts_with_balances_and_debts__equals_the_engine(world: World) -> None:
    accounts = [world.account("trader", 1), world.account("trader", 2), world.account("keeper")]
    entries = world.lens.health(accounts)
    for account, entry in zip(accounts, entries, strict=True):
        assert entry.ok
        assert entry.owner == world.owner_of(account)
        assert entry.index == account_word.index(account)
        assert entry.word == world.engine.word_of(account)
        assert entry.health == world.engine.health(account)
    assert [entry.health.debt > 0 for entry in entries] == [True, True, False]
    assert all(entry.health.equity > 0 for entry in entries)


def test_health__empty_account__is_ok_with_zeros(world: World) -> None:
    owner = world.roles["attacker"]
    (entry,) = world.lens.health([world.account("attacker", 2**96 - 1)])
    assert entry == (True, owner, 2**96 - 1, 0, EMPTY)


def test_health__underwater__shows_negative_equity(world: World) -> None:
    account = world.account("trader", 1)
    world.set_price("WETH", 500)
    (entry,) = world.lens.health([account])
    assert entry.ok
    assert entry.health == world.engine.health(account)
    assert entry.health.equity < 0


def test_health__stale_and_dead_prices__stay_ok_and_say_so(world: World) -> None:
    account = world.account("trader", 1)
    deployer = world.roles["deployer"]
    price = world.risk_engine.prices([world["WETH"].key])[0].mid
    for fresh, status in ((1, 0), (0, 2)):
        world["WETH"].source.set_reading((price, price, world.chain.timestamp(), fresh, 1), sender=deployer)
        (entry,) = world.lens.health([account])
        assert (entry.ok, entry.health.status) == (True, status)
    world["WETH"].source.set_revert(sender=deployer)
    (entry,) = world.lens.health([account])
    assert (entry.ok, entry.health.status) == (True, 3)
    assert entry.health == world.engine.health(account)


def test_health__gas_burning_price_source__costs_no_other_entry(world: World) -> None:
    world["WETH"].source.set_burn(sender=world.roles["deployer"])
    accounts = [world.account("trader", 1), world.account("keeper"), world.account("trader", 2), 0]
    entries = world.lens.health(accounts)
    assert [entry.ok for entry in entries] == [True] * 4
    assert [entry.health.status for entry in entries] == [3, 0, 3, 0]


def test_health__duplicates__each_has_its_entry(world: World) -> None:
    account = world.account("trader", 1)
    entries = world.lens.health([account] * 100)
    assert entries == [entries[0]] * 100
    assert entries[0].ok


def test_health__hundred_largest_accounts__fit_thirty_million_gas(world: World) -> None:
    entries = world.lens.health([world.account("trader", 2)] * 100, gas=30_000_000)
    assert all(entry.ok for entry in entries)


def test_health__largest_account_and_every_source_burns_its_gas__still_answers(chain: RevmChain) -> None:
    """Twelve assets, three sources each: the most that one entry's allowance has to pay for."""
    world, account = burning_world(chain)
    (entry,) = world.lens.health([account])
    assert (entry.ok, entry.health.status) == (True, 3)
    assert entry.health == world.engine.health(account)
    ok, rows = world.lens.positions(account)
    assert ok
    assert [row.ok for row in rows] == [True] * 12


@given(accounts=st.lists(st.integers(0, 2**256 - 1), max_size=20))
def test_health__unknown_accounts__are_empty(
    session_chain: RevmChain, deployed_world: World, accounts: list[int]
) -> None:
    entries = deployed_world.lens.health(accounts)
    for account, entry in zip(accounts, entries, strict=True):
        owner = checksum(f"0x{account_word.owner(account):040x}")
        assert entry == (True, owner, account_word.index(account), 0, EMPTY)
