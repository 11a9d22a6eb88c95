"""asset_counts, key_of, token_of, backs, views that end in _of, and what else the ABI offers."""

from __future__ import annotations

import pytest

from plimsoll.chain import ZERO_ADDRESS
from plimsoll.model.margin_rate import NEVER
from tests.support.risk import ETHER_18, MARGIN, PRICES, Risk


def test_views__listed(risk: Risk) -> None:
    key = risk.list_asset(ETHER_18, ETHER_18)
    assert risk.engine.key_of(risk.engine.token_of(key)) == key
    assert risk.engine.sources_of(key) == [source.address for source in risk.sources[key]]
    assert tuple(risk.engine.price_parameters_of(key)) == PRICES
    state = risk.engine.margin_of(key)
    assert (state.since, state.moving, tuple(state.target)) == (risk.chain.timestamp(), False, MARGIN)
    dynamics = (ZERO_ADDRESS, 0, ZERO_ADDRESS, 0, 0, MARGIN.floor, MARGIN.size_slope, NEVER)
    assert tuple(risk.engine.dynamics_of(key)) == dynamics


@pytest.mark.parametrize("key", [0, 2, 3, 1 << 64, 1 << 64 | 1, 2**256 - 1])
def test_views__unlisted__zeros(risk: Risk, key: int) -> None:
    assert risk.list_asset() == 1
    assert int(risk.engine.token_of(key), 16) == 0
    assert risk.engine.sources_of(key) == []
    assert tuple(risk.engine.price_parameters_of(key)) == (0, 0, 0, 0, 0)
    assert tuple(risk.engine.margin_of(key)) == (0, 0, 0, 0, False, (0, 0, 0, 0, 0))
    assert tuple(risk.engine.not_ok_since(key)) == (0, 0, 0)
    assert tuple(risk.engine.silence_of(key)) == (0, 0, 0)
    assert not risk.engine.backs(key, 1)
    assert tuple(risk.engine.dynamics_of(key)) == (ZERO_ADDRESS, 0, ZERO_ADDRESS, 0, 0, 0, 0, 0)
    assert risk.engine.key_of(risk.stranger) == 0


def test_abi__only_these_can_change_state(risk: Risk) -> None:
    """A new one needs tests of every wrong caller."""
    changing = {
        entry["name"]
        for entry in risk.engine.abi
        if entry["type"] == "function" and entry["stateMutability"] not in ("view", "pure")
    }
    assert changing == {
        "list_asset",
        "set_sources",
        "set_margin",
        "tighten_margin",
        "silence",
        "unsilence",
        "set_lister",
        "set_backing",
        "set_dynamics",
        "poke",
        "mark",
        "transfer_ownership",
        "accept_ownership",
        "set_guardian",
    }


def test_runtime_size(risk: Risk) -> None:
    assert len(risk.chain.code(risk.engine)) <= 24_576
