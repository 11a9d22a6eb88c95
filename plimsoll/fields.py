"""Reading a file field by field: TOML or JSON in, checked values out, one line for what is wrong.

A `Table` knows its own path, so a message names the field (``assets.WETH.margin.cap: 0.7 is not in (0, 0.5)``), and it
knows which fields were asked for, so that one nobody knows is an error and not a surprise.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from eth_utils.address import is_address, to_checksum_address

from plimsoll.chain import ZERO_ADDRESS
from plimsoll.errors import AmountError, ConfigError, PlimsollError
from plimsoll.units import WAD_DECIMALS, as_decimal, to_raw

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Bound:
    """An interval; `open_low` and `open_high` exclude the ends; with a `step` only its multiples are allowed."""

    low: Decimal | int
    high: Decimal | int
    open_low: bool = False
    open_high: bool = False
    step: Decimal | None = None

    def holds(self, value: Decimal | int) -> bool:
        """Return whether the value is inside."""
        above = self.low < value if self.open_low else self.low <= value
        below = value < self.high if self.open_high else value <= self.high
        return above and below

    def __str__(self) -> str:
        low, high = plainly(self.low), plainly(self.high)
        return f"{'(' if self.open_low else '['}{low}, {high}{')' if self.open_high else ']'}"


def plainly(value: Decimal | int) -> str:
    """Return a number as a person writes it: no exponent, no zeros at the end of a fraction."""
    text = f"{value:f}" if isinstance(value, Decimal) else f"{value}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def read_text(path: Path, error: type[PlimsollError] = ConfigError) -> str:
    """Return a file's text; an error when it is missing or is no text."""
    try:
        return path.read_text()
    except FileNotFoundError:
        raise error(f"{path}: no such file") from None
    except (OSError, UnicodeDecodeError) as cause:
        raise error(f"{path}: cannot be read: {cause}") from None


def parse_toml(text: str) -> Table:
    """Return the whole of a TOML text; its numbers are integers and Decimals, never floats."""
    try:
        return Table(tomllib.loads(text, parse_float=Decimal), "")
    except tomllib.TOMLDecodeError as cause:
        raise ConfigError(f"is no TOML: {' '.join(str(cause).split())}") from None


def parse_json(text: str, error: type[PlimsollError] = ConfigError) -> Table:
    """Return the whole of a JSON text, which is an object; its numbers are integers and Decimals, never floats."""
    try:
        data = json.loads(text, parse_float=Decimal)
    except json.JSONDecodeError as cause:
        raise error(f"is no JSON: {cause}") from None
    if not isinstance(data, dict):
        raise error("is no JSON object")
    return Table(data, "", error)


class Table:
    """A table that is read field by field and knows its own path; `done` refuses what was not read.

    What is wrong raises `error`, a ConfigError unless another class is named.
    """

    def __init__(self, data: dict[str, Any], path: str, error: type[PlimsollError] = ConfigError) -> None:
        self._data = data
        self._read: set[str] = set()
        self._error = error
        self.path = path

    def names(self) -> Iterator[str]:
        """Return the names of the fields."""
        return iter(self._data)

    def has(self, key: str) -> bool:
        """Return whether the field is there."""
        return key in self._data

    def is_word(self, key: str, word: str) -> bool:
        """Return whether the field is there and is this word; if so it counts as read."""
        if self._data.get(key) != word:
            return False
        self._read.add(key)
        return True

    def done(self, value: T) -> T:
        """Return `value` when every field has been read; ConfigError naming the first unknown one."""
        self.finish()
        return value

    def finish(self) -> None:
        """Raise ConfigError when a field is left that nobody asked for."""
        for key in self._data:
            if key not in self._read:
                raise self._error(f"{self.at(key)}: unknown field")

    def table(self, key: str) -> Table:
        """Return a table inside this one."""
        value = self._field(key)
        if not isinstance(value, dict):
            raise self._error(f"{self.at(key)}: {_shown(value)} is no table")
        return Table(value, self.at(key), self._error)

    def tables(self) -> Iterator[tuple[str, Table]]:
        """Return every field as a table, with its name."""
        for key in list(self._data):
            yield key, self.table(key)

    def table_list(self, key: str) -> list[Table]:
        """Return a list of tables (``[[name]]``)."""
        value = self._field(key)
        if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
            raise self._error(f"{self.at(key)}: {_shown(value)} is no list of tables")
        return [Table(entry, f"{self.at(key)}[{i}]", self._error) for i, entry in enumerate(value)]

    def text(self, key: str, longest: int = 32) -> str:
        """Return a text of 1 to `longest` characters."""
        value = self._field(key)
        if not isinstance(value, str):
            raise self._error(f"{self.at(key)}: {_shown(value)} is no text")
        if not 1 <= len(value.encode()) <= longest:
            size = len(value.encode())
            raise self._error(f"{self.at(key)}: {_shown(value)} has {size} bytes, which is not in [1, {longest}]")
        return value

    def texts(self, key: str) -> list[str]:
        """Return a list of texts."""
        value = self._field(key)
        if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
            raise self._error(f"{self.at(key)}: {_shown(value)} is no list of texts")
        return value

    def anything(self, key: str) -> Any:
        """Return a field as it is."""
        return self._field(key)

    def items(self, key: str) -> list[Any]:
        """Return a list of anything."""
        value = self._field(key)
        if not isinstance(value, list):
            raise self._error(f"{self.at(key)}: {_shown(value)} is no list")
        return value

    def choice(self, key: str, options: tuple[str, ...]) -> str:
        """Return one of some words."""
        value = self._field(key)
        if value not in options:
            raise self._error(f"{self.at(key)}: {_shown(value)} is not one of {', '.join(options)}")
        return str(value)

    def flag(self, key: str) -> bool:
        """Return true or false."""
        value = self._field(key)
        if not isinstance(value, bool):
            raise self._error(f"{self.at(key)}: {_shown(value)} is not true or false")
        return value

    def whole(self, key: str, bound: Bound) -> int:
        """Return a whole number within a bound."""
        value = self._field(key)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self._error(f"{self.at(key)}: {_shown(value)} is no whole number")
        if not bound.holds(value):
            raise self._error(f"{self.at(key)}: {value} is not in {bound}")
        return value

    def fraction(self, key: str, bound: Bound) -> int:
        """Return a decimal number within a bound, as WAD."""
        value = self._field(key)
        if isinstance(value, bool) or not isinstance(value, (int, Decimal, str)):
            raise self._error(f"{self.at(key)}: {_shown(value)} is no number")
        try:
            number = as_decimal(value)
        except AmountError:
            raise self._error(f"{self.at(key)}: {_shown(value)} is no number") from None
        if not bound.holds(number):
            raise self._error(f"{self.at(key)}: {plainly(number)} is not in {bound}")
        if bound.step is not None and number % bound.step:
            raise self._error(f"{self.at(key)}: {plainly(number)} is no multiple of {plainly(bound.step)}")
        try:
            return to_raw(number, WAD_DECIMALS)
        except AmountError as error:
            raise self._error(f"{self.at(key)}: {error}") from None

    def address(self, key: str) -> str:
        """Return an address, checksummed; a mixed-case one must have the right checksum."""
        value = self._field(key)
        if not isinstance(value, str) or not is_address(value):
            raise self._error(f"{self.at(key)}: {_shown(value)} is no address")
        if value.lower() == ZERO_ADDRESS:
            raise self._error(f"{self.at(key)}: is the zero address")
        return to_checksum_address(value)

    def _field(self, key: str) -> Any:
        if key not in self._data:
            raise self._error(f"{self.at(key)}: is missing")
        self._read.add(key)
        return self._data[key]

    def at(self, key: str) -> str:
        """Return a field's path."""
        return f"{self.path}.{key}" if self.path else key


def _shown(value: Any) -> str:
    text = plainly(value) if isinstance(value, Decimal) else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
