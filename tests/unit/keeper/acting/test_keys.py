"""load_signer: every place a key may come from, and that it is shown nowhere."""

from __future__ import annotations

import io
import json
import pickle
from pathlib import Path

import pytest
from eth_account import Account

from plimsoll.chain import keys
from plimsoll.keeper.fees import Fees
from plimsoll.keeper.keys import KeySource, KeyUnusable, Signer, load_signer
from plimsoll.keeper.log import Log
from tests.unit.keeper.acting.fake_chain import CHAIN_ID, FakeClock, decode

ADDRESS, KEY = list(keys.test_keys().items())[3]
DIGITS = KEY[2:]
PASSWORD = "correct horse"


def store(path: Path, password: str = PASSWORD) -> Path:
    path.write_text(json.dumps(Account.encrypt(KEY, password, kdf="pbkdf2", iterations=10)))
    path.chmod(0o600)
    return path


def test_env__key(tmp_path: Path) -> None:
    assert load_signer(KeySource("env", "THE_KEY"), CHAIN_ID, environment={"THE_KEY": KEY}).address == ADDRESS


def test_env__not_set__says_which() -> None:
    with pytest.raises(KeyUnusable, match="the variable THE_KEY is not set"):
        load_signer(KeySource("env", "THE_KEY"), CHAIN_ID, environment={})


@pytest.mark.parametrize("prefix", ["", "0x"])
def test_file__key_in_the_clear(tmp_path: Path, prefix: str) -> None:
    path = tmp_path / "key"
    path.write_text(f"{prefix}{DIGITS}\n")
    path.chmod(0o600)
    assert load_signer(KeySource("file", str(path)), CHAIN_ID).address == ADDRESS


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_file__others_may_read_it__refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "key"
    path.write_text(DIGITS)
    path.chmod(mode)
    with pytest.raises(KeyUnusable, match="chmod 600") as caught:
        load_signer(KeySource("file", str(path)), CHAIN_ID)
    assert DIGITS not in str(caught.value)


@pytest.mark.parametrize("text", ["", "0x", "no key", DIGITS[:-1], DIGITS + "00", "0" * 64, "f" * 64])
def test_file__no_key__refused_without_showing_it(tmp_path: Path, text: str) -> None:
    path = tmp_path / "key"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(KeyUnusable) as caught:
        load_signer(KeySource("file", str(path)), CHAIN_ID)
    assert len(text) < 8 or text not in str(caught.value)


def test_file__missing__says_so(tmp_path: Path) -> None:
    with pytest.raises(KeyUnusable, match="no such file"):
        load_signer(KeySource("file", str(tmp_path / "none")), CHAIN_ID)


def test_store__password_from_a_file(tmp_path: Path) -> None:
    word = tmp_path / "password"
    word.write_text(f"{PASSWORD}\n")
    word.chmod(0o600)
    source = KeySource("file", str(store(tmp_path / "store.json")), password_file=str(word))
    assert load_signer(source, CHAIN_ID).address == ADDRESS


def test_store__password_from_the_environment(tmp_path: Path) -> None:
    source = KeySource("file", str(store(tmp_path / "store.json")), password_env="WORD")
    assert load_signer(source, CHAIN_ID, environment={"WORD": PASSWORD}).address == ADDRESS
    with pytest.raises(KeyUnusable, match="the variable WORD"):
        load_signer(source, CHAIN_ID, environment={})


def test_store__password_asked_for(tmp_path: Path) -> None:
    source = KeySource("file", str(store(tmp_path / "store.json")))
    assert load_signer(source, CHAIN_ID, ask=lambda prompt: PASSWORD).address == ADDRESS
    with pytest.raises(KeyUnusable, match="nobody to ask"):
        load_signer(source, CHAIN_ID)


def test_store__wrong_password__refused(tmp_path: Path) -> None:
    source = KeySource("file", str(store(tmp_path / "store.json")))
    with pytest.raises(KeyUnusable, match="or the password is another") as caught:
        load_signer(source, CHAIN_ID, ask=lambda prompt: "wrong")
    assert caught.value.__cause__ is None


def test_ape__alias(tmp_path: Path) -> None:
    (tmp_path / "accounts").mkdir()
    store(tmp_path / "accounts" / "keeper.json")
    environment = {"APE_DATA_FOLDER": str(tmp_path), "WORD": PASSWORD}
    source = KeySource("ape", "keeper", password_env="WORD")
    assert load_signer(source, CHAIN_ID, environment=environment).address == ADDRESS


def test_test_account__only_on_a_devnet() -> None:
    assert load_signer(KeySource("test", "3"), CHAIN_ID).address == ADDRESS
    with pytest.raises(KeyUnusable, match="test accounts are for"):
        load_signer(KeySource("test", "3"), 1)
    with pytest.raises(KeyUnusable, match="24 test accounts"):
        load_signer(KeySource("test", "24"), CHAIN_ID)


def test_signer__signs_what_a_node_reads() -> None:
    signed = load_signer(KeySource("test", "3"), CHAIN_ID).sign(
        nonce=7, to="0x" + "ab" * 20, data=b"\1\2", gas=90_000, fees=Fees(50, 3)
    )
    tx = decode(signed.raw)
    assert (tx.hash, tx.sender, tx.nonce, tx.to) == (signed.tx_hash, ADDRESS, 7, "0x" + "ab" * 20)
    assert (tx.data, tx.gas, tx.most, tx.tip) == (b"\1\2", 90_000, 50, 3)


def test_signer__shows_and_pickles_no_key() -> None:
    signer = Signer(bytes.fromhex(DIGITS), CHAIN_ID)
    assert DIGITS not in repr(signer) + str(signer) + f"{signer!s}"
    assert not hasattr(signer, "__dict__")
    with pytest.raises(TypeError, match="not written anywhere"):
        pickle.dumps(signer)


def test_log__hides_secrets_in_every_field_and_form() -> None:
    stream = io.StringIO()
    log = Log(stream, FakeClock())
    log.hide(KEY)
    log.error("it", text=f"<{KEY}>", inner={"list": [DIGITS.upper()]}, raw=bytes.fromhex(DIGITS), number=int(KEY, 16))
    assert DIGITS.lower() not in stream.getvalue().lower()
    assert stream.getvalue().count("[hidden]") == 4


def test_log__too_short_a_secret__refused() -> None:
    with pytest.raises(ValueError, match="this short"):
        Log(io.StringIO(), FakeClock()).hide("abc")


def test_log__one_json_object_per_line_by_level() -> None:
    stream = io.StringIO()
    log = Log(stream, FakeClock(), "info")
    log.debug("not this")
    log.info("sent", account=2**160, nonce=7, path=Path("/x"), fine=True, what="a\nb")
    lines = stream.getvalue().splitlines()
    assert len(lines) == 1
    assert json.loads(lines[0]) == {
        "time": "2027-01-15T08:00:00.000Z",
        "level": "info",
        "event": "sent",
        "account": hex(2**160),
        "nonce": 7,
        "path": "/x",
        "fine": True,
        "what": "a\nb",
    }
