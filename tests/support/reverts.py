"""Expecting reverts by their reason."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from plimsoll.chain import Revert


@contextmanager
def reverts(reason: str) -> Iterator[None]:
    """Pass only if the block reverts with exactly `reason`; "" is a revert without data (lock, overflow, decoding).

    Running out of gas, or any other exceptional halt, is not a revert and fails.
    """
    with pytest.raises(Revert) as caught:
        yield
    assert (caught.value.reason, caught.value.halt) == (reason, ""), repr(caught.value)
