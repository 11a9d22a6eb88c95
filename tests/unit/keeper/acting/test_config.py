"""The keeper's configuration: the documented file is valid, and every field says what is wrong with it."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest

from plimsoll.artifacts import home
from plimsoll.errors import ConfigError
from plimsoll.keeper import app
from plimsoll.keeper.config import KeeperConfig, parse
from plimsoll.keeper.log import Log
from plimsoll.keeper.pricing import Competitive, Patient
from plimsoll.units import WAD
from tests.unit.keeper.acting.fake_chain import FakeClock

TEXT = (home() / "config" / "keeper.toml").read_text()


def read(text: str, environment: dict[str, str] | None = None) -> KeeperConfig:
    return parse(text, Path("/base"), environment or {})


def changed(old: str, new: str) -> str:
    assert TEXT.count(old) == 1, f"{old!r} is there {TEXT.count(old)} times"
    return TEXT.replace(old, new)


def test_documented_file__valid() -> None:
    config = read(TEXT)
    assert config.chain.chain_id == 31_337
    assert config.minimum_profit == 5 * WAD
    assert config.folder == Path("/base/../.cache/keeper")
    assert config.fees.least_tip == 10**7
    assert config.sending.per_day == WAD
    assert isinstance(config.pricing, Competitive)
    assert config.metrics == ("127.0.0.1", 9464)


def test_documented_file__commented_fields_are_valid_too() -> None:
    lines = []
    for line in TEXT.splitlines():
        stripped = re.sub(r"^# (?=(\w+ = |\[))", "", line)
        stripped = re.sub(r"^# # (?=\w+ = )", "", stripped)
        lines.append(stripped)
    text = "\n".join(lines).replace('ether_asset = "WETH"', "").replace("0x...", "0x" + "11" * 20)
    config = read(text, {"PRIVATE_RPC": "http://relay"})
    assert config.private is not None
    assert config.private.public_after == 25
    assert config.routes[0].path == ("WBTC", "WETH", "USDC")
    assert config.gas.ether_price == 2000 * WAD
    assert config.log_file is not None


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("id = 31337", "id = 0", "chain.id: 0 is not in [1, 18446744073709551615]"),
        ('rpc = ["http://127.0.0.1:8545"]', "rpc = []", "chain.rpc: names no endpoint"),
        ('rpc = ["http://127.0.0.1:8545"]', 'rpc = ["env:NODE"]', "chain.rpc[0]: the variable NODE is not set"),
        (
            'rpc = ["http://127.0.0.1:8545"]',
            'rpc = ["http://u:p@x"]',
            "chain.rpc[0]: has a user name in it: put it into a variable and write env:NAME",
        ),
        ("poll = 0.5", "poll = 0", "chain.poll: 0 is not in [0.01, 3600]"),
        ('source = "test"', 'source = "toml"', "key.source: 'toml' is not one of ape, file, env, test"),
        ('name = "5"', 'name = "five"', "key.name: 'five' is no number of a test account"),
        ("minimum_profit = 5", 'minimum_profit = "5"', "keeper.minimum_profit: '5' is no number"),
        ("accounts = 8", "accounts = 0", "keeper.accounts: 0 is not in [1, 256]"),
        ("most = 300", "most = -1", "fees.most: -1 is not in [0, 1000000]"),
        ('ether_asset = "WETH"', "", "gas.ether_asset: give either this or ether_price"),
        ("profit_share = 0.8", "profit_share = 1.1", "gas.profit_share: 1.1 is not in [0, 1]"),
        ("stuck = 3", "stuck = 0", "sending.stuck: 0 is not in [1, 1000]"),
        ('model = "competitive"', 'model = "greedy"', "pricing: 'greedy' is not one of eager, patient, competitive"),
        ("bonus = 0.02", "bonus = 2", "pricing.patient.bonus: 2 is not in [-1, 1]"),
        ("fractions = [1, 0.5, 0.25]", "fractions = [0]", "take.fractions: 0 is not in (0, 1]"),
        ("surplus = [0.005, 0.02, 0.08]", "surplus = []", "take.surplus: has 0 entries, which is not in [1, 8]"),
        ('start = "always"', 'start = "sometimes"', "actions.start: 'sometimes' is not one of never, paid, always"),
        ("port = 9464", "port = 70000", "metrics.port: 70000 is not in [0, 65535]"),
        ('level = "info"', 'level = "loud"', "log.level: 'loud' is not one of debug, info, warning, error"),
        ("poke = true", "poke = true\nsleep = true", "actions.sleep: unknown field"),
        ("sample = true", "sample = 1", "actions.sample: 1 is not true or false"),
        ("aim = false", 'aim = "often"', "actions.aim: 'often' is not true or false"),
        ("[log]", "[typo]\nx = 1\n[log]", "typo: unknown field"),
    ],
)
def test_wrong_field__named(old: str, new: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(changed(old, new))
    assert str(caught.value) == message


@pytest.mark.parametrize("key", ["0x" + "ab" * 32, "AB" * 32])
@pytest.mark.parametrize("place", ['name = "5"', 'seed = "change me"', 'rpc = ["http://127.0.0.1:8545"]'])
def test_private_key_anywhere__refused_without_showing_it(key: str, place: str) -> None:
    field = place.partition(" = ")[0]
    value = f'["{key}"]' if field == "rpc" else f'"{key}"'
    with pytest.raises(ConfigError, match="keys do not belong in this file") as caught:
        read(changed(place, f"{field} = {value}"))
    assert "abab" not in str(caught.value).lower()


def test_orders__folder_in_the_keepers_unless_named__none_without_the_table() -> None:
    orders = read(TEXT).orders
    assert orders is not None
    assert (orders.inbox, orders.minimum_profit, orders.poke) == (
        Path("/base/../.cache/keeper/orders"),
        WAD // 2,
        WAD // 100,
    )
    named = read(changed('# inbox = "../orders"', 'inbox = "../orders"')).orders
    assert named is not None
    assert named.inbox == Path("/base/../orders")
    first = TEXT.index("[orders]")
    assert read(TEXT[:first] + TEXT[TEXT.index("# Routes of trades") :]).orders is None


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("poke = 0.01", "poke = 2", "orders.poke: 2 is not in [0, 1]"),
        ("poke = 0.01", "", "orders.poke: is missing"),
        ("minimum_profit = 0.5", 'minimum_profit = "x"', "orders.minimum_profit: 'x' is no number"),
        ('# inbox = "../orders"', "inbox = 3", "orders.inbox: 3 is no text"),
        ('# inbox = "../orders"', "outbox = 3", "orders.outbox: unknown field"),
    ],
)
def test_orders__wrong_field__named(old: str, new: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(changed(old, new))
    assert str(caught.value) == message


def test_negative_minimum_profit__allowed() -> None:
    assert read(changed("minimum_profit = 5", "minimum_profit = -2.5")).minimum_profit == -25 * WAD // 10


def test_endpoint_from_the_environment__not_shown() -> None:
    text = changed('rpc = ["http://127.0.0.1:8545"]', 'rpc = ["env:NODE"]')
    config = read(text, {"NODE": "https://node/v3/verysecret"})
    assert config.chain.rpc == ("https://node/v3/verysecret",)
    assert "verysecret" not in repr(config)


def test_endpoint_from_the_environment__hidden_in_logs() -> None:
    text = changed('rpc = ["http://127.0.0.1:8545"]', 'rpc = ["env:NODE"]')
    stream = io.StringIO()
    log = Log(stream, FakeClock())
    app.hide_endpoints(log, read(text, {"NODE": "https://node/v3/verysecret"}))
    log.error("lost", error="POST https://node/v3/verysecret failed", path="/v3/VerySecret")
    assert "verysecret" not in stream.getvalue().lower()


def test_other_model__read() -> None:
    config = read(changed('model = "competitive"', 'model = "patient"'))
    assert config.pricing == Patient(bonus=2 * 10**16)


def test_no_toml__one_line() -> None:
    with pytest.raises(ConfigError, match="is no TOML"):
        read("[chain")
