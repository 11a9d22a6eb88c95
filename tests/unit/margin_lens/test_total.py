"""Every view of the lens returns for every argument and whatever the contracts it reads answer (invariant 26)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from eth_abi.abi import encode
from hypothesis import given
from hypothesis import strategies as st

from plimsoll.chain import RevmChain
from plimsoll.chain.abi import checksum
from tests.support import reverts
from tests.unit.margin_lens.conftest import BURN, FAIL, QUOTE, RETURN, SELECTORS, Scripted

ZERO = "0x" + "00" * 20

words = st.one_of(
    st.integers(0, 20), st.integers(0, 2**256 - 1), st.sampled_from([2**255, 2**256 - 1, 2**160, 2**128, 2**112])
)
addresses = st.one_of(st.integers(0, 12), st.integers(0, 2**160 - 1)).map(lambda number: checksum(f"0x{number:040x}"))
answers = st.one_of(
    st.binary(max_size=1024),
    st.lists(words, max_size=32).map(lambda items: encode(["uint256"] * len(items), items)),
    st.lists(words, max_size=14).map(lambda items: encode(["uint256[]"], [items])),
    st.lists(words, min_size=4, max_size=4).map(lambda items: encode(["uint256"] * 6, [32, 1, *items])),
    st.lists(words, min_size=12, max_size=12).map(lambda items: encode(["uint256"] * 12, items)),
    st.lists(words, min_size=6, max_size=6).map(lambda items: encode(["uint256"] * 6, items)),
    st.lists(words, min_size=9, max_size=9).map(lambda items: encode(["uint256"] * 9, items)),
)
manners = st.sampled_from([RETURN, RETURN, RETURN, FAIL, BURN])
scripts = st.dictionaries(st.sampled_from(sorted(SELECTORS)), st.tuples(manners, answers), max_size=5)


def ask_everything(lens: Any, accounts: list[int], tokens: list[str]) -> None:
    """Call every view; a revert of any of them is raised, and every entry is there."""
    assert len(lens.health(accounts)) == len(accounts)
    assert len(lens.health_batch(accounts)) == len(accounts)
    assert len(lens.liquidation_quote(accounts[0] if accounts else 0)) == 2
    assert len(lens.positions(accounts[0] if accounts else 0)[1]) <= 12
    known, balances = lens.balances(accounts, tokens)
    assert (len(known), len(balances)) == (len(accounts), len(accounts) * len(tokens))
    for view in (lens.prices, lens.pools):
        assert [entry.token for entry in view(tokens)] == tokens
    assert [entry.operator for entry in lens.operators(accounts[0] if accounts else 0, tokens)] == tokens


def everything(scripted: Scripted) -> tuple[Any, ...]:
    """Return what every view says of one account and one token."""
    lens, token = scripted.lens, scripted.contract.address
    return (
        lens.health([1]),
        lens.health_batch([1]),
        lens.liquidation_quote(1),
        lens.positions(1),
        lens.balances([1], [token]),
        lens.prices([token]),
        lens.pools([token]),
        lens.operators(1, [token]),
    )


@given(script=scripts, accounts=st.lists(words, max_size=4), tokens=st.lists(addresses, max_size=4))
def test_every_view__any_answers_and_arguments__returns(
    session_chain: RevmChain,
    deployed_script: Scripted,
    script: dict[str, tuple[int, bytes]],
    accounts: list[int],
    tokens: list[str],
) -> None:
    with session_chain.isolate():
        for name, (manner, answer) in script.items():
            deployed_script.script(name, manner, answer)
        ask_everything(deployed_script.lens, accounts, tokens)


@pytest.mark.parametrize("manner", [RETURN, FAIL, BURN])
@pytest.mark.parametrize("name", sorted(SELECTORS))
def test_every_view__one_answer_missing__its_entries_are_not_ok(scripted: Scripted, name: str, manner: int) -> None:
    token = scripted.contract.address
    scripted.script(name, manner)
    lens = scripted.lens
    row_oks = [row.ok for row in lens.positions(1)[1]]
    seen = {
        "health": lens.health([1])[0].ok,
        "health_batch": lens.health_batch([1]) != [0],
        "liquidation_quote": lens.liquidation_quote(1)[0],
        "positions": lens.positions(1)[0],
        "rows": bool(row_oks) and all(row_oks),
        "balances": lens.balances([1], [token])[0] == [1],
        "prices": lens.prices([token])[0].ok,
        "pools": lens.pools([token])[0].ok,
        "operators": lens.operators(1, [token])[0].ok,
    }
    broken = {
        "word_of": {"health", "health_batch"},
        "health": {"health", "health_batch"},
        "exposures": {"positions", "rows", "balances"},
        "asset_of": {"balances", "pools"},
        "token_of": {"rows"},
        "settings": {"rows", "prices"},
        "operators": {"operators"},
        "operator_of": {"operators"},
        "key_of": {"prices"},
        "prices": {"rows", "prices"},
        "assess": {"rows"},
        "effective_rate": {"rows"},
        "state": {"pools"},
        "convertToAssets": {"pools"},
        "auction": {"liquidation_quote"},
        "quote": {"liquidation_quote"},
    }[name]
    assert {view for view, ok in seen.items() if not ok} == broken


@pytest.mark.parametrize(
    ("name", "answer", "view"),
    [
        ("settings", encode(["uint256"] * 3, [2**160, 0, 0]), "prices"),
        ("asset_of", encode(["uint256"] * 2, [1, 2**160]), "pools"),
        ("asset_of", encode(["uint256"] * 3, [1, 5, 5]), "pools"),
        ("operators", encode(["uint256"], [2**160]), "operators"),
        ("prices", encode(["uint256"] * 6, [32, 2, 9, 10, 11, 0]), "prices"),
        ("prices", encode(["uint256"] * 6, [64, 1, 9, 10, 11, 0]), "prices"),
        ("prices", encode(["uint256"] * 6, [32, 1, 9, 10, 11, 4]), "prices"),
        ("exposures", encode(["uint256[]"], [[1] * 13]), "positions"),
        ("exposures", encode(["uint256"] * 2, [32, 2**256 - 1]), "positions"),
        ("exposures", encode(["uint256"] * 3, [64, 1, 1]), "positions"),
        ("exposures", encode(["uint256"] * 2, [32, 1]), "positions"),
        ("exposures", encode(["uint256"] * 4, [32, 1, 1, 1]), "positions"),
        ("assess", encode(["int256"] * 6, [-(2**255), 0, 0, 0, 0, 0]), "row"),
        ("token_of", encode(["uint256"], [2**160]), "row"),
        ("key_of", encode(["uint256"], [0]), "prices"),
        ("health", encode(["uint256"] * 7, [0] * 7), "health"),
        ("health", encode(["uint256"] * 6, [0, 0, 0, 0, 0, 4]), "health_batch"),
        ("health", encode(["uint256"] * 5, [0] * 5), "health_batch"),
        ("word_of", encode(["uint256"] * 2, [0, 0]), "health_batch"),
        ("auction", encode(["uint256"], [2**160]), "liquidation_quote"),
        ("quote", encode(["uint256"] * 9, [2, *[0] * 8]), "liquidation_quote"),
        ("quote", encode(["uint256"] * 9, [0, 2, *[0] * 7]), "liquidation_quote"),
        ("quote", encode(["uint256"] * 8, [0] * 8), "liquidation_quote"),
        ("quote", encode(["uint256"] * 10, [0] * 10), "liquidation_quote"),
        ("state", encode(["uint256"] * 12, [1, 1, 2**112, 1, 1, 1, 1, 1, 1, 1, 1, 1]), "pools"),
        ("state", encode(["uint256"] * 12, [1, 1, 1, 1, 1, 1, 2**80, 1, 1, 1, 1, 1]), "pools"),
        ("state", encode(["uint256"] * 12, [1, 1, 1, 1, 1, 1, 1, 1, 1, 10**18 + 1, 1, 1]), "pools"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.hex().replace("00", ""),
)
def test_every_view__malformed_answer__entry_is_not_ok(scripted: Scripted, name: str, answer: bytes, view: str) -> None:
    token = scripted.contract.address
    lens = scripted.lens
    views: dict[str, Callable[[], bool]] = {
        "health": lambda: lens.health([1])[0].ok,
        "health_batch": lambda: lens.health_batch([1]) != [0],
        "liquidation_quote": lambda: lens.liquidation_quote(1)[0],
        "positions": lambda: lens.positions(1)[0],
        "row": lambda: lens.positions(1)[1][0].ok,
        "prices": lambda: lens.prices([token])[0].ok,
        "pools": lambda: lens.pools([token])[0].ok,
        "operators": lambda: lens.operators(1, [token])[0].ok,
    }
    assert views[view]()
    scripted.script(name, RETURN, answer)
    assert not views[view]()


def test_every_view__largest_answers_that_fit__are_passed_on(scripted: Scripted) -> None:
    token, largest = scripted.contract.address, checksum(f"0x{2**160 - 1:040x}")
    rows = [key << 184 | 10 for key in range(1, 13)]
    scripted.script("exposures", RETURN, encode(["uint256[]"], [rows]))
    scripted.script("token_of", RETURN, encode(["address"], [largest]))
    scripted.script("asset_of", RETURN, encode(["uint256", "address"], [12, largest]))
    ok, positions = scripted.lens.positions(1)
    assert (ok, len(positions)) == (True, 12)
    assert {(row.ok, row.token) for row in positions} == {(True, largest)}
    assert scripted.lens.balances([1], [token]) == ([1], [10])


@pytest.mark.parametrize("reserve_factor", [0, 10**18])
def test_pools__largest_state_that_fits__is_passed_on(scripted: Scripted, reserve_factor: int) -> None:
    """A total of one raw unit makes the supply rate as large as it gets."""
    debt, rate = 2**112 - 1, 2**80 - 1
    state = [1, 0, debt, 0, 0, 0, rate, 0, 0, reserve_factor, 0, 0]
    scripted.script("state", RETURN, encode(["uint256"] * 12, state))
    (entry,) = scripted.lens.pools([scripted.contract.address])
    assert entry.ok
    assert (entry.total_assets, entry.total_debt, entry.borrow_rate) == (1, debt, rate)
    assert entry.supply_rate == (0 if reserve_factor else rate * debt)


def test_every_view__good_answers__are_passed_on(scripted: Scripted) -> None:
    token = scripted.contract.address
    (entry,) = scripted.lens.health([5 << 96 | 6])
    assert entry == (True, checksum(f"0x{5:040x}"), 6, 5, (-7, -8, 3, 4, 9, 1))
    assert scripted.lens.liquidation_quote(1) == (True, QUOTE)
    ok, rows = scripted.lens.positions(1)
    assert ok
    assert rows == [
        (True, token, 1, False, 10, (9, 10, 11, 2), 100, 10**17),
        (True, token, 2, True, 20, (9, 10, 11, 2), 100, 10**17),
    ]
    assert scripted.lens.prices([token]) == [(True, token, 1, (9, 10, 11, 2))]
    supply_rate = 10**17 * 6 // 10 * 9 // 10
    assert scripted.lens.pools([token])[0]._asdict() == {
        "ok": True,
        "token": token,
        "pool": token,
        "total_assets": 10**6,
        "cash": 4 * 10**5,
        "total_debt": 6 * 10**5,
        "utilisation": 6 * 10**17,
        "borrow_rate": 10**17,
        "supply_rate": supply_rate,
        "rate_at_target": 4 * 10**16,
        "share_price": 10**18,
        "supply_cap": 11,
        "borrow_cap": 12,
        "unminted_fee": 7,
        "provisions": 8,
    }
    assert scripted.lens.operators(1, [token]) == [(True, token, True, 3, 2**40 - 1, 100, 10**18)]


@pytest.mark.parametrize(
    "name", ["health", "exposures", "settings", "asset_of", "state", "prices", "operators", "operator_of"]
)
def test_every_view__gas_burning_answers__largest_batch_returns(scripted: Scripted, name: str) -> None:
    """Gas runs short half-way; what could not be asked is not ok, and the batch still returns."""
    scripted.script(name, BURN)
    ask_everything(scripted.lens, list(range(100)), [scripted.contract.address] * 16)


@pytest.mark.parametrize(
    "name",
    [
        *("health", "exposures", "settings", "asset_of", "state", "prices", "operators", "operator_of"),
        *("word_of", "auction", "quote"),
    ],
)
def test_every_view__gas_burning_answers__any_gas_from_a_million_returns(scripted: Scripted, name: str) -> None:
    """Wherever the callee's burning leaves off, enough is kept back to finish the largest answer."""
    scripted.script(name, BURN)
    token = scripted.contract.address
    for gas in range(1_000_000, 12_000_000, 97_003):
        views = {
            "health": lambda gas=gas: scripted.lens.health([1] * 100, gas=gas),
            "word_of": lambda gas=gas: scripted.lens.health_batch([1] * 500, gas=gas),
            "auction": lambda gas=gas: scripted.lens.liquidation_quote(1, gas=gas),
            "quote": lambda gas=gas: scripted.lens.liquidation_quote(1, gas=gas),
            "exposures": lambda gas=gas: scripted.lens.balances([1] * 100, [token] * 16, gas=gas),
            "settings": lambda gas=gas: scripted.lens.prices([token] * 16, gas=gas),
            "asset_of": lambda gas=gas: scripted.lens.balances([1] * 100, [token] * 16, gas=gas),
            "state": lambda gas=gas: scripted.lens.pools([token] * 16, gas=gas),
            "prices": lambda gas=gas: scripted.lens.positions(1, gas=gas),
            "operators": lambda gas=gas: scripted.lens.operators(1, [token] * 16, gas=gas),
            "operator_of": lambda gas=gas: scripted.lens.operators(1, [token] * 16, gas=gas),
        }
        assert views[name]()


@pytest.mark.parametrize("name", sorted(SELECTORS))
def test_every_view__good_answer_in_a_revert__is_not_believed(scripted: Scripted, name: str) -> None:
    before = everything(scripted)
    scripted.script(name, FAIL, scripted.good[name])
    assert everything(scripted) != before


@pytest.mark.parametrize("gas", [2_000_000, 5_000_000, 10_200_000, 10_500_000, 30_000_000])
def test_health__any_gas__right_or_not_ok(scripted: Scripted, gas: int) -> None:
    entries = scripted.lens.health(list(range(100)), gas=gas)
    oks = [entry.ok for entry in entries]
    assert oks == sorted(oks, reverse=True)
    assert all(entry.health == ((-7, -8, 3, 4, 9, 1) if entry.ok else (0,) * 6) for entry in entries)
    assert oks[0] is (gas >= 10_500_000)


@pytest.mark.parametrize("name", ["health", "word_of"])
def test_health__half_of_it_cannot_be_read__nothing_is_told(scripted: Scripted, name: str) -> None:
    scripted.script(name, FAIL, scripted.good[name])
    assert scripted.lens.health([5 << 96 | 6]) == [(False, checksum(f"0x{5:040x}"), 6, 0, (0,) * 6)]


@pytest.mark.parametrize(
    ("accounts", "tokens"), [([], []), ([0], [ZERO]), ([2**256 - 1] * 100, [ZERO] * 16), ([1], []), ([], [ZERO])]
)
def test_every_view__edge_sizes__return(scripted: Scripted, accounts: list[int], tokens: list[str]) -> None:
    ask_everything(scripted.lens, accounts, tokens)


def test_health__more_than_100_accounts__is_refused_by_the_decoder(scripted: Scripted) -> None:
    with reverts(""):
        scripted.lens.health([1] * 101)


@pytest.mark.parametrize("view", ["balances", "prices", "pools", "operators"])
def test_every_view__more_than_16_tokens__is_refused_by_the_decoder(scripted: Scripted, view: str) -> None:
    first = {"balances": ([1],), "operators": (1,)}.get(view, ())
    with reverts(""):
        scripted.lens.method(view)(*first, [ZERO] * 17)


def test_init__engine_without_code__reverts(chain: RevmChain) -> None:
    with reverts("lens: engine"):
        chain.deploy("MarginLens", chain.accounts()[1], sender=chain.accounts()[0])


def test_engine__is_the_one_deployed_for(scripted: Scripted) -> None:
    assert scripted.lens.engine() == scripted.contract.address
