"""`owner = "timelock"`: who drives it, and for how long what it does has to wait."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from typing import Any

import pytest

from plimsoll import config
from plimsoll.artifacts import home
from plimsoll.config import DEPLOYER, TIMELOCK, ProtocolConfig
from plimsoll.devnet import CONFIG
from plimsoll.errors import ConfigError
from plimsoll.fields import Table

ADMIN = "0x00000000000000000000000000000000000000Ad"


def protocol(**changes: Any) -> ProtocolConfig:
    data = tomllib.loads((home() / CONFIG).read_text(), parse_float=Decimal)
    data["protocol"] |= changes
    return config.check(Table(data, "")).protocol


def refusal(**changes: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        protocol(**changes)
    return str(caught.value)


def test_check__timelock__waits_for_notice_unless_told() -> None:
    found = protocol(owner="timelock", admin=ADMIN)
    assert (found.owner, found.admin, found.timelock_delay) == (TIMELOCK, ADMIN, 86_400)


@pytest.mark.parametrize("delay", [86_400, 30 * 86_400])
def test_check__timelock__delay(delay: int) -> None:
    found = protocol(owner="timelock", admin="deployer", timelock_delay=delay)
    assert (found.admin, found.timelock_delay) == (DEPLOYER, delay)


@pytest.mark.parametrize("delay", [86_399, 30 * 86_400 + 1])
def test_check__timelock__delay_out_of_bounds(delay: int) -> None:
    expected = f"protocol.timelock_delay: {delay} is not in [86400, 2592000]"
    assert refusal(owner="timelock", admin=ADMIN, timelock_delay=delay) == expected


def test_check__timelock__delay_follows_notice() -> None:
    expected = "protocol.timelock_delay: 86400 is not in [86401, 2592000]"
    assert refusal(owner="timelock", admin=ADMIN, notice=86_401, timelock_delay=86_400) == expected


def test_check__timelock_without_admin() -> None:
    assert refusal(owner="timelock") == "protocol.admin: is missing"


@pytest.mark.parametrize(
    ("admin", "expected"), [("me", "'me' is no address"), ("timelock", "'timelock' is no address")]
)
def test_check__admin__no_address(admin: str, expected: str) -> None:
    assert refusal(owner="timelock", admin=admin) == f"protocol.admin: {expected}"


@pytest.mark.parametrize("owner", [DEPLOYER, ADMIN])
@pytest.mark.parametrize("field", [{"admin": ADMIN}, {"timelock_delay": 86_400}])
def test_check__other_owner__nothing_to_drive(owner: str, field: dict[str, Any]) -> None:
    expected = f'protocol.{next(iter(field))}: is for owner = "timelock" only'
    assert refusal(owner=owner, **field) == expected
