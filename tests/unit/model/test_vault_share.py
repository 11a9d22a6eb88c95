"""Vault shares of the model: a line that no step bends, prices rounded down, and previews that are fair or not."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from plimsoll.model import vault_share
from plimsoll.model.fixed_point import WAD, YEAR
from plimsoll.model.vault_share import Anchor, Answers, Parameters

NOW = 1_700_000_000
anchors = st.integers(1, 2**112 - 1)
caps = st.integers(1, WAD)
times = st.one_of(st.integers(0, 86_400), st.integers(0, 100 * YEAR))


@given(anchor=anchors, cap=caps, seconds=times, more=times)
def test_line__rises_with_time_no_faster_than_its_cap(anchor: int, cap: int, seconds: int, more: int) -> None:
    here, there = (vault_share.line(anchor, NOW, cap, NOW + each) for each in (seconds, seconds + more))
    assert anchor <= here <= there
    assert (here - anchor) * WAD * YEAR <= anchor * cap * seconds


@given(anchor=anchors, larger=anchors, cap=caps, seconds=times)
def test_line__rises_with_anchor_and_cap(anchor: int, larger: int, cap: int, seconds: int) -> None:
    found = vault_share.line(anchor, NOW, cap, NOW + seconds)
    assert found <= vault_share.line(anchor + larger, NOW, cap, NOW + seconds)
    assert found <= vault_share.line(anchor, NOW, WAD, NOW + seconds)


@given(price=st.integers(0, 2**128 - 1), more=st.integers(0, 2**127), assets=anchors, sample=st.integers(1, 2**112 - 1))
def test_price__rounded_down_and_at_least_one(price: int, more: int, assets: int, sample: int) -> None:
    found = vault_share.price(price, assets, sample)
    assert found == 1 or found * sample <= price * assets
    assert 1 <= found <= vault_share.price(price + more, assets, sample)
    assert found <= vault_share.price(price, assets + more, sample)
    assert found >= vault_share.price(price, assets, sample + more)


@given(sample=st.integers(10**6, 2**111), parts=st.lists(st.integers(9_500, 10_500), min_size=5, max_size=5))
def test_is_fair__pays_nothing_and_loses_five_per_cent_at_most(sample: int, parts: list[int]) -> None:
    """Every pair of answers within those bounds, and none beyond."""
    redeemed = sample
    converted, minted = (redeemed * 10_000 // part for part in parts[:2])
    back = [sample * part // 10_000 for part in parts[2:]]
    fair = vault_share.is_fair(sample, Answers(redeemed, converted, minted, *back))
    pairs = [(redeemed, converted), (redeemed, minted), *((part, sample) for part in back)]
    assert fair == all(part <= whole and part >= whole // 10_000 * 9_500 for part, whole in pairs)
    if any(part > whole for part, whole in pairs):
        assert not fair


@given(anchor=anchors, cap=caps, spot=anchors, seconds=times)
def test_set_anchor__by_its_owner__never_lets_the_share_count_for_more_than_it_pays(
    anchor: int, cap: int, spot: int, seconds: int
) -> None:
    parameters, before = Parameters(10**18, cap), Anchor(anchor, NOW)
    most = max(spot, vault_share.line(anchor, NOW, cap, NOW + seconds))
    after = vault_share.set_anchor(parameters, before, spot, 0, most, NOW + seconds)
    assert after == Anchor(spot, NOW + seconds)
    assert min(spot, vault_share.line(*after, cap, NOW + seconds)) <= spot
