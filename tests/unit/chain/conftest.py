"""A small Vyper project of its own, so that these tests say nothing about the protocol's contracts."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from plimsoll import artifacts
from plimsoll.chain import Contract, RevmChain

SOURCES = Path(__file__).parent / "project"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the small project, for this test to edit; `artifacts` compiles from it."""
    root = tmp_path / "project"
    shutil.copytree(SOURCES, root, ignore=shutil.ignore_patterns(".cache"))
    monkeypatch.setenv("PLIMSOLL_HOME", str(root))
    return root


@pytest.fixture(scope="session")
def shared_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy that no test edits, compiled once."""
    root = tmp_path_factory.mktemp("shared") / "project"
    shutil.copytree(SOURCES, root, ignore=shutil.ignore_patterns(".cache"))
    (root / "node_modules").symlink_to(artifacts.home() / "node_modules")
    return root


@pytest.fixture
def small_home(shared_project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`artifacts` compiles from the copy that no test edits."""
    monkeypatch.setenv("PLIMSOLL_HOME", str(shared_project))
    return shared_project


@pytest.fixture
def revm() -> RevmChain:
    """A new in-process chain."""
    return RevmChain()


@pytest.fixture
def alice(revm: RevmChain) -> str:
    return revm.accounts()[0]


@pytest.fixture
def bob(revm: RevmChain) -> str:
    return revm.accounts()[1]


@pytest.fixture
def sampler(small_home: Path, revm: RevmChain, alice: str) -> Contract:
    """The small project's contract with a margin of 7."""
    return revm.deploy("Sampler", 7, sender=alice)
