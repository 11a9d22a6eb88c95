"""The account word: the model equals the module, and both say what the layout says."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from plimsoll.chain import RevmChain
from plimsoll.chain.abi import checksum
from plimsoll.model import account_word as model
from tests.support import reverts

ISOLATED = 1 << 64
ALL_CORE = 2**64 - 1
core_keys = st.integers(0, 63).map(lambda bit: 1 << bit)
isolated_keys = st.integers(1, 2**64 - 1).map(lambda number: ISOLATED | number)
asset_keys = st.one_of(core_keys, isolated_keys)
few_core = st.sets(st.integers(0, 63), max_size=9).map(lambda bits: sum(1 << bit for bit in bits))
core_fields = st.one_of(st.integers(0, 2**64 - 1), few_core)
fields = st.one_of(core_fields, isolated_keys)
words = st.builds(
    lambda held, owed, rest: held | owed << 72 | rest << 144,
    fields,
    fields,
    st.one_of(st.just(0), st.integers(0, 2**24 - 1)),
)


@pytest.fixture(scope="module")
def harness(session_chain: RevmChain) -> Any:
    return session_chain.deploy("account_word_harness", sender=session_chain.accounts()[0])


@given(owner=st.integers(0, 2**160 - 1), index=st.integers(0, 2**96 - 1))
def test_account__any_owner_and_index__equals_model_and_returns(harness: Any, owner: int, index: int) -> None:
    address = checksum(f"0x{owner:040x}")
    account = model.account(owner, index)
    assert harness.account(address, index) == account
    assert harness.owner(account) == address
    assert (model.owner(account), model.index(account)) == (owner, index)


@pytest.mark.parametrize(("owner", "index"), [(2**160, 0), (-1, 0), (0, 2**96), (0, -1)])
def test_account__out_of_range__raises(owner: int, index: int) -> None:
    with pytest.raises(ValueError, match="no account"):
        model.account(owner, index)


@given(word=words)
def test_fields__any_word__equal_model(harness: Any, word: int) -> None:
    assert harness.held(word) == model.held(word)
    assert harness.owed(word) == model.owed(word)
    assert harness.at_risk(word) == model.at_risk(word)
    assert harness.within_limits(word) == model.within_limits(word)
    assert model.held(word) | model.owed(word) << 72 | model.modules(word) << 144 | model.flags(word) << 160 == word


@given(word=words, key=asset_keys)
@example(word=ALL_CORE | ALL_CORE << 72, key=1)
def test_has__any_word__equals_model(harness: Any, word: int, key: int) -> None:
    assert harness.holds(word, key) == model.holds(word, key) == (key in model.keys(model.held(word)))
    assert harness.owes(word, key) == model.owes(word, key) == (key in model.keys(model.owed(word)))


@given(field=fields.filter(bool))
@example(field=ALL_CORE)
def test_first__any_field__is_its_first_key(harness: Any, field: int) -> None:
    assert harness.first(field) == model.first(field) == model.keys(field)[0]


@given(word=words, key=asset_keys)
@example(word=ALL_CORE ^ 1 | ALL_CORE << 72, key=1)
def test_insert__any_word__equals_model(harness: Any, word: int, key: int) -> None:
    for name in ("hold", "owe"):
        try:
            after = getattr(model, name)(word, key)
        except ValueError as error:
            with reverts(str(error)):
                getattr(harness, name)(word, key)
            continue
        assert getattr(harness, name)(word, key) == after


@given(word=words, key=asset_keys)
def test_remove__what_was_inserted__restores_the_word(harness: Any, word: int, key: int) -> None:
    if not model.holds(word, key) and (model.held(word) == 0 or model.held(word) | key <= model.CORE):
        inserted = model.hold(word, key)
        assert harness.release(inserted, key) == model.release(inserted, key) == word
    if not model.owes(word, key) and (model.owed(word) == 0 or model.owed(word) | key <= model.CORE):
        inserted = model.owe(word, key)
        assert harness.clear(inserted, key) == model.clear(inserted, key) == word


@pytest.mark.parametrize(
    ("held", "owed", "within"),
    [
        (0, 0, True),
        (0xFF, 0xF, True),
        (0x1FF, 0, False),
        (0, 0x1F, False),
        (1 << 63, 1 << 63, True),
        (ALL_CORE, 0, False),
        (0, ALL_CORE, False),
        (ISOLATED | 7, 1, True),
        (ISOLATED | 7, 3, False),
        (1, ISOLATED | 2**64 - 1, True),
        (3, ISOLATED | 2**64 - 1, False),
        (ISOLATED | 1, ISOLATED | 2, True),
    ],
)
def test_within_limits__at_and_beyond_each_limit(harness: Any, held: int, owed: int, within: bool) -> None:
    word = held | owed << 72
    assert model.within_limits(word) is within
    assert harness.within_limits(word) is within


@pytest.mark.parametrize("name", ["hold", "owe"])
@pytest.mark.parametrize(("present", "key"), [(1, ISOLATED | 1), (ISOLATED | 1, 1), (ISOLATED | 1, ISOLATED | 2)])
def test_insert__isolated_beside_another__reverts(harness: Any, name: str, present: int, key: int) -> None:
    word = getattr(model, name)(0, present)
    with reverts("engine: isolated"):
        getattr(harness, name)(word, key)
    with pytest.raises(ValueError, match="engine: isolated"):
        getattr(model, name)(word, key)


def test_at_risk__each_part_of_the_word(harness: Any) -> None:
    for bit in range(256):
        expected = 72 <= bit < 160
        assert harness.at_risk(1 << bit) is model.at_risk(1 << bit) is expected
