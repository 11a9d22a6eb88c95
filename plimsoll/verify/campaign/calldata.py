"""Calldata and answers by words: what a general coder does, without its checks, which take longer than most calls."""

from __future__ import annotations

from collections.abc import Sequence

from plimsoll.verify.campaign.world import WORD, Fn, word_of


def words_of(data: bytes) -> list[int]:
    """Return an answer as words."""
    return [int.from_bytes(data[i : i + WORD], "big") for i in range(0, len(data), WORD)]


def signed(word: int) -> int:
    """Return a word as a signed number."""
    return word - 2**256 if word >> 255 else word


def with_bytes(fn: Fn, words: Sequence[int], data: bytes, at: int) -> bytes:
    """Return calldata of a function whose argument number `at` is dynamic bytes and all others are words."""
    head = [*words[:at], WORD * (len(words) + 1), *words[at:]]
    padded = data + bytes(-len(data) % WORD)
    return fn(*head) + len(data).to_bytes(WORD, "big") + padded


def batch_of(fn: Fn, calls: Sequence[bytes]) -> bytes:
    """Return calldata of `batch(bytes[])`."""
    tails = []
    offsets = []
    offset = WORD * len(calls)
    for call in calls:
        offsets.append(offset)
        padded = len(call).to_bytes(WORD, "big") + call + bytes(-len(call) % WORD)
        tails.append(padded)
        offset += len(padded)
    return fn(WORD, len(calls), *offsets) + b"".join(tails)


def with_actions(fn: Fn, actions: Sequence[tuple[str, bytes]], *words: int) -> bytes:
    """Return calldata of a function whose first argument is an array of (address, bytes), and all others are words."""
    tails = []
    offset = WORD * len(actions)
    offsets = []
    for to, data in actions:
        offsets.append(offset)
        padded = data + bytes(-len(data) % WORD)
        tails.append(b"".join(each.to_bytes(WORD, "big") for each in (word_of(to), 2 * WORD, len(data))) + padded)
        offset += len(tails[-1])
    return fn(WORD * (1 + len(words)), *words, len(actions), *offsets) + b"".join(tails)
