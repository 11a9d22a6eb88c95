"""The keeper's key: from ape's key store, a file, or an environment variable, and from nowhere else.

It is read once, kept in one object that does not show it, and handed to nothing but the signing function. A file must
not be readable by anybody but its owner. Signing takes about 6 ms in pure Python and 0.5 ms when the package coincurve
is installed, which eth_keys then uses by itself.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from eth_account import Account
from eth_utils.address import to_checksum_address

from plimsoll.chain.keys import test_keys
from plimsoll.errors import ConfigError, PlimsollError
from plimsoll.keeper.fees import Fees

TRANSFER_GAS = 21_000
DEVNETS = (31_337, 1_337)
"""Chains on which a test account may be used."""
_KEY_BYTES = 32


class KeyUnusable(PlimsollError):  # noqa: N818  a state, not a mistake
    """The key cannot be had; the message names the place and never the key."""


@dataclass(frozen=True, slots=True)
class KeySource:
    """Where the key is. `kind` is "ape" (alias), "file" (path), "env" (variable) or "test" (number, devnets only).

    The password of a key store is in the file `password_file` or the variable `password_env`; else it is asked for.
    """

    kind: str
    name: str
    password_file: str = ""
    password_env: str = ""


@dataclass(frozen=True, slots=True)
class Signed:
    """A signed transaction: its bytes and its hash."""

    raw: bytes
    tx_hash: str


class Signer:
    """Signs for one address on one chain."""

    __slots__ = ("__account", "address", "chain_id")

    def __init__(self, key: bytes, chain_id: int) -> None:
        self.__account = Account.from_key(key)
        self.address: str = to_checksum_address(self.__account.address)
        self.chain_id = chain_id

    def sign(self, *, nonce: int, to: str, data: bytes, gas: int, fees: Fees) -> Signed:
        """Sign an EIP-1559 transaction that carries no ether."""
        fields = {
            "type": 2,
            "chainId": self.chain_id,
            "nonce": nonce,
            "to": bytes.fromhex(to[2:]),
            "value": 0,
            "data": data,
            "gas": gas,
            "maxFeePerGas": fees.most,
            "maxPriorityFeePerGas": fees.tip,
        }
        signed = self.__account.sign_transaction(cast("Any", fields))
        return Signed(bytes(signed.raw_transaction), f"0x{bytes(signed.hash).hex()}")

    def __repr__(self) -> str:
        return f"<Signer {self.address}>"

    def __reduce__(self) -> str:
        raise TypeError("a signer is not written anywhere")


def load_signer(
    source: KeySource,
    chain_id: int,
    *,
    environment: Mapping[str, str] = os.environ,
    ask: Callable[[str], str] | None = None,
) -> Signer:
    """Return the signer of a key; KeyUnusable, without the key in it, when it cannot be had.

    `ask` gets a prompt and returns a password; None when there is nobody to ask.
    """
    if source.kind == "env":
        text = environment.get(source.name, "")
        if not text:
            raise KeyUnusable(f"the variable {source.name} is not set")
        return _signer(_parse(text, f"the variable {source.name}"), chain_id)
    if source.kind == "test":
        if chain_id not in DEVNETS:
            raise KeyUnusable(f"test accounts are for the chains {DEVNETS}, this is {chain_id}")
        keys = list(test_keys().values())
        number = int(source.name)
        if number >= len(keys):
            raise KeyUnusable(f"there are {len(keys)} test accounts, counted from 0: {number} is none")
        return _signer(bytes.fromhex(keys[number][2:]), chain_id)
    path = Path(source.name).expanduser() if source.kind == "file" else _ape_path(source.name, environment)
    text = _read_private(path)
    if text.lstrip().startswith("{"):
        return _signer(_decrypt(path, text, source, environment, ask), chain_id)
    return _signer(_parse(text, str(path)), chain_id)


def check_source(source: KeySource) -> None:
    """Raise ConfigError for a source that can never work."""
    if source.kind == "test" and not source.name.isdigit():
        raise ConfigError(f"key.name: {source.name!r} is no number of a test account")


def _ape_path(alias: str, environment: Mapping[str, str]) -> Path:
    folder = environment.get("APE_DATA_FOLDER")
    home = Path(folder).expanduser() if folder else Path.home() / ".ape"
    return home / "accounts" / f"{alias}.json"


def _read_private(path: Path) -> str:
    try:
        mode = path.stat().st_mode
        text = path.read_text()
    except FileNotFoundError:
        raise KeyUnusable(f"{path}: no such file") from None
    except (OSError, UnicodeDecodeError):
        raise KeyUnusable(f"{path}: cannot be read") from None
    if not text.lstrip().startswith("{") and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise KeyUnusable(f"{path}: holds a key in the clear and others may read it: chmod 600")
    return text


def _decrypt(
    path: Path,
    text: str,
    source: KeySource,
    environment: Mapping[str, str],
    ask: Callable[[str], str] | None,
) -> bytes:
    if source.password_file:
        password = _read_private(Path(source.password_file).expanduser()).rstrip("\r\n")
    elif source.password_env:
        if source.password_env not in environment:
            raise KeyUnusable(f"the variable {source.password_env}, the password of {path}, is not set")
        password = environment[source.password_env]
    elif ask is not None:
        password = ask(f"Password of {path}: ")
    else:
        raise KeyUnusable(f"{path}: there is nobody to ask for the password: set key.password_file or key.password_env")
    try:
        return bytes(Account.decrypt(json.loads(text), password))
    except Exception:  # the cause may quote what was decrypted
        raise KeyUnusable(f"{path}: is no key store, or the password is another") from None


def _parse(text: str, where: str) -> bytes:
    digits = text.strip().removeprefix("0x")
    try:
        key = bytes.fromhex(digits)
    except ValueError:
        key = b""
    if len(key) != _KEY_BYTES:
        raise KeyUnusable(f"{where}: is no private key of 64 hexadecimal digits")
    return key


def _signer(key: bytes, chain_id: int) -> Signer:
    try:
        return Signer(key, chain_id)
    except Exception:  # the cause may quote the key
        raise KeyUnusable("the private key is out of range") from None
