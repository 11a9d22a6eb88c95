"""Books over a chain that a story writes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from plimsoll.keeper.books import Books, Deployment
from plimsoll.keeper.source import LogSource
from tests.unit.keeper.ledger import DEPLOYMENT, Story

Open = Callable[..., Books]


@pytest.fixture
def story() -> Story:
    return Story(Random(7)).begin()


@pytest.fixture
def open_books(tmp_path: Path) -> Iterator[Open]:
    """Open books on a source; the same file each time unless named."""
    opened: list[Books] = []

    def open_(
        source: LogSource, name: str = "keeper.sqlite", deployment: Deployment = DEPLOYMENT, **settings: Any
    ) -> Books:
        opened.append(Books.open(tmp_path / name, deployment, source, **settings))
        return opened[-1]

    yield open_
    for books in opened:
        books.close()
