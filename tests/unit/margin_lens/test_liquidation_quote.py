"""MarginLens.liquidation_quote."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from plimsoll.chain import RevmChain
from tests.support.scenario import DEAD, STALE, WIDE, World
from tests.unit.margin_lens.conftest import Scripted, burning_world


def test_liquidation_quote__healthy_account__equals_the_auctions(world: World) -> None:
    account = world.account("trader", 1)
    ok, quote = world.lens.liquidation_quote(account)
    assert ok
    assert quote == world.auction.quote(account)
    assert (quote.active, quote.takeable) == (False, False)
    assert quote.equity > quote.requirement > 0


def test_liquidation_quote__under_auction__equals_the_auctions(world: World) -> None:
    account = world.account("trader", 1)
    world.set_price("WETH", 1_030)
    world.engine.liquidate(account, sender=world.roles["keeper"])
    for price, status in ((1_030, 0), (900, 0), (900, WIDE), (900, STALE), (900, DEAD)):
        world.set_price("WETH", price)
        world.set_status("WETH", status)
        ok, quote = world.lens.liquidation_quote(account)
        assert ok
        assert quote == world.auction.quote(account)
        assert quote.active
        assert quote.takeable is (status != DEAD and quote.equity < quote.requirement)


def test_liquidation_quote__largest_account_and_every_source_burns_its_gas__still_answers(chain: RevmChain) -> None:
    """Twelve assets, three sources each: the most that the allowance has to pay for."""
    world, account = burning_world(chain)
    ok, quote = world.lens.liquidation_quote(account)
    assert ok
    assert quote == world.auction.quote(account)


@given(account=st.integers(0, 2**256 - 1))
def test_liquidation_quote__unknown_account__is_ok_with_zeros(
    session_chain: RevmChain, deployed_world: World, account: int
) -> None:
    assert deployed_world.lens.liquidation_quote(account) == (True, (False, False, *[0] * 7))


def test_liquidation_quote__little_gas__is_not_ok(scripted: Scripted) -> None:
    assert scripted.lens.liquidation_quote(1, gas=10_700_000)[0]
    assert scripted.lens.liquidation_quote(1, gas=9_500_000) == (False, (False, False, *[0] * 7))
