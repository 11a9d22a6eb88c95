"""The demo's command: it fails when a number does not reconcile, and tells the story where the node is."""

from __future__ import annotations

from typing import Any

import pytest
from click.testing import CliRunner

from plimsoll.reconcile import Check
from scripts import demo

EMBEDDED = "ethereum:local:test"
ANVIL = "ethereum:local:foundry"


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Put a story of two checks in place of the long one; what it was told with, and the checks, are in the dict."""
    seen: dict[str, Any] = {"checks": [Check("USDC", "minted = balances", 5, 5), Check("WETH", "in the pool", 7, 7)]}

    def tell(devnet: object, console: object, url: str | None) -> list[Check]:
        seen["url"] = url
        checks: list[Check] = seen["checks"]
        return checks

    monkeypatch.setattr(demo, "start", lambda chain, progress: None)
    monkeypatch.setattr(demo, "tell", tell)
    return seen


def test_demo__everything_reconciles__says_how_much(told: dict[str, Any]) -> None:
    result = CliRunner().invoke(demo.cli, ["--network", EMBEDDED])
    assert result.exit_code == 0, result.output
    assert "All 2 checks hold." in result.output
    assert told["url"] is None


def test_demo__one_unit_off__exit_1(told: dict[str, Any]) -> None:
    told["checks"][1] = Check("WETH", "in the pool", 6, 7)
    result = CliRunner().invoke(demo.cli, ["--network", EMBEDDED])
    assert result.exit_code == 1
    assert "WETH: in the pool: 6 is not 7" in result.output
    assert "checks hold" not in result.output


def test_demo__anvil__keepers_are_told_where_it_listens(told: dict[str, Any]) -> None:
    result = CliRunner().invoke(demo.cli, ["--network", ANVIL])
    assert result.exit_code == 0, result.output
    assert told["url"].startswith("http://127.0.0.1:")
