"""Every field of a configuration: missing, unknown, of the wrong type, out of its bound, contradicting another one."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from copy import deepcopy
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from plimsoll import config
from plimsoll.artifacts import home
from plimsoll.chain import ZERO_ADDRESS
from plimsoll.config import Config
from plimsoll.devnet import CONFIG
from plimsoll.errors import ConfigError
from plimsoll.fields import Table

TEXT = (home() / CONFIG).read_text()
DATA: dict[str, Any] = tomllib.loads(TEXT, parse_float=Decimal)
OPTIONAL = {"depth", "dynamics"}

Path_ = tuple[str | int, ...]


def leaves(data: Any, path: Path_ = ()) -> Iterator[tuple[Path_, Any]]:
    """Yield every field with its path."""
    if isinstance(data, dict):
        for key, value in data.items():
            yield from leaves(value, (*path, key))
    elif isinstance(data, list):
        for i, value in enumerate(data):
            yield from leaves(value, (*path, i))
    else:
        yield path, data


def spelled(path: Path_) -> str:
    """Return a path as messages write it."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def at(data: Any, path: Path_) -> Any:
    for part in path:
        data = data[part]
    return data


def with_field(path: Path_, value: Any) -> dict[str, Any]:
    """Return the devnet's configuration with one field replaced or added."""
    data = deepcopy(DATA)
    at(data, path[:-1])[path[-1]] = value
    return data


def without_field(path: Path_) -> dict[str, Any]:
    data = deepcopy(DATA)
    del at(data, path[:-1])[path[-1]]
    return data


def check(data: dict[str, Any]) -> Config:
    return config.check(Table(data, ""))


def message_of(data: dict[str, Any]) -> str:
    with pytest.raises(ConfigError) as caught:
        check(data)
    text = str(caught.value)
    assert "\n" not in text
    return text


FIELDS = list(leaves(DATA))


def test_load__devnet__exact_integers() -> None:
    loaded = config.load(home() / CONFIG)
    assert [asset.symbol for asset in loaded.assets] == ["USDC", "WETH", "WBTC"]
    assert loaded.protocol.initial_ratio == 1_250_000_000_000_000_000
    assert loaded.protocol.min_debt == 100 * 10**18
    assert loaded.asset("USDC").pool.supply_cap == 200_000_000 * 10**6
    assert loaded.asset("WBTC").pool.borrow_cap == 4_000 * 10**8
    assert loaded.asset("WETH").margin.size_slope == 10**9
    assert loaded.prices["WBTC"] == 60_000 * 10**18


def test_load__sequencer__with_its_window() -> None:
    assert check(DATA).protocol.sequencer == ZERO_ADDRESS
    assert check(DATA).protocol.cure_window == 0
    feed = "0x" + "11" * 20
    protocol = check(DATA | {"protocol": DATA["protocol"] | {"sequencer": feed, "cure_window": 3_600}}).protocol
    assert (protocol.sequencer, protocol.cure_window) == (feed, 3_600)


@pytest.mark.parametrize("path", [path for path, _ in FIELDS if path[-1] not in OPTIONAL], ids=spelled)
def test_load__field_missing__names_it(path: Path_) -> None:
    if path[:2] == ("devnet", "prices"):
        assert path[-1] not in check(without_field(path)).prices
        return
    assert message_of(without_field(path)) == f"{spelled(path)}: is missing"


@pytest.mark.parametrize(("path", "value"), FIELDS, ids=lambda part: spelled(part) if isinstance(part, tuple) else "")
def test_load__wrong_type__names_the_field(path: Path_, value: Any) -> None:
    wrong = "many" if isinstance(value, (int, Decimal)) and not isinstance(value, bool) else 12
    assert message_of(with_field(path, wrong)).startswith(f"{spelled(path)}: ")


@pytest.mark.parametrize("path", sorted({spelled(path[:-1]): path[:-1] for path, _ in FIELDS}.values(), key=str))
def test_load__unknown_field__names_it(path: Path_) -> None:
    unknown = (*path, "colour")
    expected = "is no asset here" if path == ("devnet", "prices") else "unknown field"
    assert message_of(with_field(unknown, 1)) == f"{spelled(unknown)}: {expected}"


WETH: Path_ = ("assets", "WETH")
BOUNDS: list[tuple[Path_, Any, str]] = [
    (("protocol", "chain_id"), 0, "0 is not in [1, 18446744073709551615]"),
    (("protocol", "initial_ratio"), Decimal("1.1"), "1.1 is not in [1.2, 3]"),
    (("protocol", "initial_ratio"), Decimal("3.01"), "3.01 is not in [1.2, 3]"),
    (("protocol", "notice"), 3_599, "3599 is not in [3600, 2592000]"),
    (("protocol", "notice"), 2_592_001, "2592001 is not in [3600, 2592000]"),
    (("protocol", "min_debt"), Decimal("-0.1"), "-0.1 is not in [0, 100000]"),
    (("protocol", "min_debt"), 100_001, "100001 is not in [0, 100000]"),
    (("protocol", "min_debt"), Decimal("0.001"), "0.001 is no multiple of 0.01"),
    (("assets", "WETH", "collateral_cap"), -1, "-1 is not in [0, 281474976710656]"),
    (("assets", "WETH", "collateral_cap"), 2**48 + 1, "281474976710657 is not in [0, 281474976710656]"),
    (("assets", "WETH", "gate"), "0x12", "'0x12' is no address"),
    (("protocol", "wide_delay"), 3_599, "3599 is not in [3600, 172800]"),
    (("protocol", "wide_delay"), 172_801, "172801 is not in [3600, 172800]"),
    (("protocol", "cure_window"), 60, "60 without a sequencer feed"),
    (("protocol", "cure_window"), 86_401, "86401 is not in [0, 86400]"),
    (("protocol", "cooldown"), 86_399, "86399 is not in [86400, 5184000]"),
    (("protocol", "cooldown"), 5_184_001, "5184001 is not in [86400, 5184000]"),
    (("auction", "tau"), 59, "59 is not in [60, 86400]"),
    (("auction", "tail"), 599, "599 is not in [600, 604800]"),
    (("auction", "kappa"), 101, "101 is not in [0, 100]"),
    (("auction", "kappa"), Decimal("0.00001"), "0.00001 is no multiple of 0.0001"),
    (("auction", "start_discount"), 0, "0 is not in (0, 1]"),
    (("auction", "target_share"), Decimal("1.1"), "1.1 is not in (0, 1]"),
    (("auction", "starter_share"), Decimal("0.51"), "0.51 is not in [0, 0.5]"),
    (("auction", "fund_share"), Decimal("0.51"), "0.51 is not in [0, 0.5]"),
    (("auction", "least_penalty"), Decimal("0.0009"), "0.0009 is not in [0.001, 0.2]"),
    (("auction", "most_penalty"), Decimal("0.009"), "0.009 is not in [0.01, 0.2]"),
    (("protocol", "owner"), "0x12", "'0x12' is no address"),
    (("protocol", "guardian"), "0x" + "0" * 40, "is the zero address"),
    ((*WETH, "decimals"), 19, "19 is not in [0, 18]"),
    ((*WETH, "decimals"), -1, "-1 is not in [0, 18]"),
    ((*WETH, "name"), "", "'' has 0 bytes, which is not in [1, 32]"),
    ((*WETH, "name"), "x" * 33, f"'{'x' * 33}' has 33 bytes, which is not in [1, 32]"),
    ((*WETH, "pool", "name"), "x" * 26, f"'{'x' * 26}' has 26 bytes, which is not in [1, 25]"),
    ((*WETH, "pool", "symbol"), "pWETHH", "'pWETHH' has 6 bytes, which is not in [1, 5]"),
    ((*WETH, "pool", "supply_cap"), 1_267_650_600_229, "1267650600229 is not in [0, 1267650600228]"),
    ((*WETH, "pool", "borrow_cap"), 4_951_760_158, "4951760158 is not in [0, 4951760157]"),
    ((*WETH, "pool", "borrow_cap"), -1, "-1 is not in [0, 4951760157]"),
    ((*WETH, "pool", "reserve_factor"), Decimal("0.51"), "0.51 is not in [0, 0.5]"),
    ((*WETH, "pool", "reserve_factor"), Decimal("0.10001"), "0.10001 is no multiple of 0.0001"),
    ((*WETH, "pool", "flash_fee"), Decimal("0.011"), "0.011 is not in [0, 0.01]"),
    ((*WETH, "pool", "rates", "target"), 1, "1 is not in [0.1, 0.99]"),
    ((*WETH, "pool", "rates", "target"), Decimal("0.09"), "0.09 is not in [0.1, 0.99]"),
    ((*WETH, "pool", "rates", "steepness"), Decimal("0.9"), "0.9 is not in [1, 100]"),
    ((*WETH, "pool", "rates", "speed"), 201, "201 is not in [0, 200]"),
    ((*WETH, "pool", "rates", "min_rate"), 0, "0 is not in [0.0001, 10]"),
    ((*WETH, "pool", "rates", "min_rate"), Decimal("2.5"), "2.5 is above max_rate 2"),
    ((*WETH, "pool", "rates", "max_rate"), 11, "11 is not in [0.0001, 10]"),
    ((*WETH, "pool", "rates", "start"), 3, "3 is not in [0.001, 2], min_rate to max_rate"),
    ((*WETH, "prices", "min_sources"), 0, "0 is not in [1, 3]"),
    ((*WETH, "prices", "min_sources"), 3, "3 is not in [1, 2], the number of its sources"),
    ((*WETH, "prices", "max_deviation"), Decimal("0.21"), "0.21 is not in [0, 0.2]"),
    ((*WETH, "prices", "max_deviation"), Decimal("0.00005"), "0.00005 is no multiple of 0.0001"),
    ((*WETH, "prices", "min_spread"), Decimal("0.06"), "0.06 is above max_spread 0.05"),
    ((*WETH, "prices", "spread_growth"), Decimal("0.26"), "0.26 is not in [0, 0.25]"),
    ((*WETH, "prices", "max_spread"), Decimal("0.26"), "0.26 is not in [0, 0.25]"),
    ((*WETH, "margin", "floor"), Decimal("0.0009"), "0.0009 is not in [0.001, 0.5)"),
    ((*WETH, "margin", "floor"), Decimal("0.46"), "0.46 is above cap 0.45"),
    ((*WETH, "margin", "cap"), Decimal("0.7"), "0.7 is not in (0, 0.5)"),
    ((*WETH, "margin", "cap"), Decimal("0.5"), "0.5 is not in (0, 0.5)"),
    ((*WETH, "margin", "size_slope_per_million"), 0, "0 is not in [0.000001, 100]"),
    ((*WETH, "margin", "ramp_up"), Decimal("0.0000001"), "0.0000001 is not in [0.000001, 1]"),
    ((*WETH, "margin", "ramp_down"), Decimal("0.2"), "0.2 is not in [0.000001, 0.1]"),
    ((*WETH, "margin", "ramp_down"), Decimal("0.0000015"), "0.0000015 is no multiple of 0.000001"),
    ((*WETH, "sources", 0, "kind"), "rumour", "'rumour' is not one of feed, twap, vault"),
    ((*WETH, "sources", 0, "low"), 0, "0 is not in (0, 1000000000000000000]"),
    ((*WETH, "sources", 0, "low"), 2_000_000, "2000000 is not below high 1000000"),
    ((*WETH, "sources", 0, "max_age"), 0, "0 is not in [1, 2592000]"),
    ((*WETH, "sources", 0, "sequencer_grace"), 60, "60 without a sequencer feed"),
    ((*WETH, "sources", 0, "sequencer_grace"), 86_401, "86401 is not in [0, 86400]"),
    ((*WETH, "sources", 1, "window"), 59, "59 is not in [60, 86400]"),
    ((*WETH, "sources", 1, "max_age"), 2_592_001, "2592001 is not in [1, 2592000]"),
    ((*WETH, "sources", 1, "max_ticks_per_hour"), 887_273, "887273 is not in [1, 887272]"),
    ((*WETH, "sources", 1, "min_liquidity"), 0, f"0 is not in [1, {2**128 - 1}]"),
    ((*WETH, "sources", 1, "fee"), 3_000, "no market of WETH and USDC has the fee 3000"),
    ((*WETH, "sources", 1, "fee"), 0, "0 is not in [1, 16777215]"),
    ((*WETH, "sources", 1, "quote"), "WETH", "'WETH' is the asset itself"),
    ((*WETH, "sources", 1, "quote"), "DOGE", "'DOGE' is no asset here"),
    (("markets", 0, "base"), "DOGE", "'DOGE' is no asset here"),
    (("markets", 0, "quote"), "WETH", "'WETH' is the base as well"),
    (("markets", 0, "fee"), 2**24, f"{2**24} is not in [1, 16777215]"),
    (("markets", 0, "depth"), -1, "-1 is not in [0, 1000000000000]"),
    (("devnet", "prices", "WETH"), 0, "0 is not in (0, 1000000000000000000]"),
]


@pytest.mark.parametrize(("path", "value", "expected"), BOUNDS)
def test_load__out_of_bounds__names_field_and_bound(path: Path_, value: Any, expected: str) -> None:
    assert message_of(with_field(path, value)) == f"{spelled(path)}: {expected}"


def test_load__ramp_faster_than_notice_allows__names_the_most() -> None:
    path = (*WETH, "margin", "ramp_up")
    assert message_of(with_field(path, Decimal("0.0008"))) == (
        "assets.WETH.margin.ramp_up: 0.0008 is not in (0, 0.000784], "
        "the most that keeps protocol.notice of 86400 seconds with this floor"
    )
    assert check(with_field(path, Decimal("0.000784"))).asset("WETH").margin.ramp_up == 784 * 10**12


def test_load__cap_above_what_the_initial_ratio_allows() -> None:
    data = with_field(("protocol", "initial_ratio"), Decimal("2.5"))
    assert message_of(data) == "assets.WETH.margin.cap: 0.45 is not below 0.4, 1 / protocol.initial_ratio"


@pytest.mark.parametrize("number", ["nan", "inf", "-inf"])
def test_load__number_not_finite(number: str) -> None:
    assert message_of(with_field((*WETH, "margin", "cap"), Decimal(number))).startswith("assets.WETH.margin.cap: ")


def test_load__duplicate_source() -> None:
    data = deepcopy(DATA)
    sources = data["assets"]["WETH"]["sources"]
    sources.append(deepcopy(sources[1]))
    assert message_of(data) == "assets.WETH.sources[2]: is a duplicate of sources[1]"


def test_load__four_sources() -> None:
    data = deepcopy(DATA)
    sources = data["assets"]["WETH"]["sources"]
    for low in (11, 12):
        sources.append({**sources[0], "low": low})
    assert message_of(data) == "assets.WETH.sources: 4 of them; an asset has 1 to 3"


def test_load__no_assets() -> None:
    data = deepcopy(DATA)
    data["assets"] = {}
    assert message_of(data) == "assets: there are none"


def test_load__token_listed_twice() -> None:
    data = deepcopy(DATA)
    for symbol in ("WETH", "WBTC"):
        data["assets"][symbol]["token"] = "0x" + "22" * 20
    assert message_of(data) == (
        "assets.WBTC.token: 0x2222222222222222222222222222222222222222 is the token of assets.WETH as well"
    )


def test_load__symbols_differ_in_case_only() -> None:
    data = deepcopy(DATA)
    data["assets"]["weth"] = deepcopy(data["assets"]["WETH"])
    assert message_of(data) == "assets.weth: differs from assets.WETH in case only"


def test_load__symbol_malformed() -> None:
    data = deepcopy(DATA)
    data["assets"]["W ETH"] = deepcopy(data["assets"]["WETH"])
    assert message_of(data).startswith("assets.W ETH: 'W ETH' is no symbol")


def test_load__market_twice() -> None:
    data = deepcopy(DATA)
    data["markets"].append({"base": "USDC", "quote": "WETH", "fee": 500})
    assert message_of(data) == "markets[2]: USDC/WETH at fee 500 is a duplicate"


def test_load__quote_without_feed() -> None:
    data = deepcopy(DATA)
    data["assets"]["WBTC"]["sources"][1]["quote"] = "WETH"
    del data["assets"]["WETH"]["sources"][0]
    data["assets"]["WETH"]["prices"]["min_sources"] = 1
    assert message_of(data) == "assets.WBTC.sources[1].quote: 'WETH' has no feed to price it in dollars"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[protocol", "is no TOML: "),
        ("a = 1\na = 2\n", "is no TOML: "),
        ("assets = 3\n", "protocol: is missing"),
        ("protocol = 3\n", "protocol: 3 is no table"),
    ],
)
def test_parse__malformed__one_line(text: str, expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config.parse(text)
    assert str(caught.value).startswith(expected)
    assert "\n" not in str(caught.value)


def test_load__missing_file__names_it(tmp_path: Path) -> None:
    path = tmp_path / "none.toml"
    with pytest.raises(ConfigError) as caught:
        config.load(path)
    assert str(caught.value) == f"{path}: no such file"


def test_load__binary_file__names_it(tmp_path: Path) -> None:
    path = tmp_path / "binary.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError) as caught:
        config.load(path)
    assert str(caught.value).startswith(f"{path}: cannot be read: ")


def test_load__error__names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(TEXT.replace("cap = 0.45", "cap = 0.7"))
    with pytest.raises(ConfigError) as caught:
        config.load(path)
    assert str(caught.value) == f"{path}: assets.WETH.margin.cap: 0.7 is not in (0, 0.5)"


def test_load__numbers_as_text() -> None:
    assert check(with_field((*WETH, "margin", "cap"), "0.45")) == check(DATA)


def test_devnet_toml__documents_every_field() -> None:
    documented = set()
    previous = ""
    for line in TEXT.splitlines():
        key = line.split("=")[0].strip().lstrip("# ")
        if "=" in line and previous.startswith("#"):
            documented.add(key)
        previous = line
    grouped = {"symbol", "borrow_cap", "max_rate", "high", "spread_growth", "max_spread", "quote", "WETH", "WBTC"}
    assert {str(path[-1]) for path, _ in FIELDS} - documented <= grouped
