"""The pytest plugin of `plimsoll.verify.coverage`: contracts are deployed with markers, and what ran is written down.

Every process writes one file, ``<folder>/<process>.json``: the numbers of the markers that were touched and, for every
contract that was deployed, where its markers stand.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import pytest

from plimsoll import artifacts
from plimsoll.chain import revm
from plimsoll.verify.differential import bench
from plimsoll.verify.instrument import PREFIX, Place, instrument

FOLDER = "PLIMSOLL_COVERAGE"
"""The environment variable that names the folder."""

CODE_LIMIT = 1 << 20
GAS = 10**9
"""Of a call: enough for any with markers, and spent in seconds by what burns all it gets."""

_places: dict[int, Place] = {}
_touched: set[int] = set()
_chains: list[revm.RevmChain] = []
_instrumented: dict[str, artifacts.Artifact] = {}
_load = artifacts.load


@dataclass(frozen=True)
class _Marked(artifacts.Artifact):
    """A contract with markers. As a blueprint it stays plain: it would fit in none."""

    plain: artifacts.Artifact

    @property
    def blueprint(self) -> bytes:
        return self.plain.blueprint

    @property
    def blueprint_rest(self) -> bytes:
        return self.plain.blueprint_rest


def load(name: str) -> artifacts.Artifact:
    """Stand in for `artifacts.load`: our own contracts come with markers, and so do harnesses of our modules."""
    plain = _load(name)
    if name not in _instrumented:
        if ":" in name or not plain.init_code or not _is_ours(plain):
            return plain
        made = instrument(artifacts.home(), plain.source)
        _places.update(made.places)
        _instrumented[name] = _Marked(plain.name, plain.abi, made.init_code, plain.runtime_size, plain.source, plain)
    return _instrumented[name]


def _is_ours(plain: artifacts.Artifact) -> bool:
    files = artifacts.files_of(plain.name)
    return any(file.startswith("contracts/") and not file.startswith("contracts/mocks/") for file in files)


def pytest_configure() -> None:
    """Put the markers in, before any test module imports what it uses."""
    artifacts.load = load
    for module, limit in ((revm, "GAS_LIMIT"), (revm, "CALL_GAS"), (bench, "GAS")):
        setattr(module, limit, GAS)
    revm.CODE_LIMIT = CODE_LIMIT
    revm.RevmChain.__init__ = _marked(revm.RevmChain.__init__)  # type: ignore[method-assign]


def _marked(init: Any) -> Any:
    def wrapped(self: revm.RevmChain, **settings: Any) -> None:
        init(self, **settings)
        _chains.append(self)

    return wrapped


@pytest.fixture(autouse=True, scope="module")
def _collected() -> Iterator[None]:
    """Read the chains after every module, and forget those that nobody uses any more."""
    yield
    collect()
    _chains[:] = [chain for chain in _chains if sys.getrefcount(chain) > 3]


def collect() -> None:
    """Note the markers that the chains of this process have touched."""
    start = len(PREFIX) + 2
    for chain in _chains:
        for address in chain.loaded():
            if address[2:start].lower() == PREFIX:
                _touched.add(int(address[start:], 16))


def pytest_sessionfinish() -> None:
    """Write the file."""
    collect()
    if _places:
        content = {
            "touched": sorted(_touched),
            "places": {str(number): astuple(place) for number, place in _places.items()},
        }
        Path(os.environ[FOLDER], f"{os.getpid()}.json").write_text(json.dumps(content))
