"""The order book: what is kept, what is refused with a reason, and what survives."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from plimsoll.errors import ConfigError
from plimsoll.keeper.order_book import Intake
from plimsoll.protocol.orders import Signed
from tests.unit.keeper.orders.conftest import OrderKeeper
from tests.unit.protection_orders.conftest import WAD


def refresh(keeper: OrderKeeper) -> Intake:
    return keeper.book.refresh(keeper.desk.now)


def test_refresh__file_dropped__kept_once_and_after_a_restart(keeper: OrderKeeper) -> None:
    digest = keeper.drop(keeper.desk.order())
    assert [found.digest for found in refresh(keeper).added] == [digest]
    assert refresh(keeper).added == []
    keeper.drop(keeper.desk.order(), "the same again.json")
    assert refresh(keeper) == Intake()
    (keeper.inbox / "order.json").unlink()
    keeper.book.close()
    keeper.book = keeper.open_book()
    assert [found.digest for found in refresh(keeper).added] == [digest]
    assert list(keeper.book.orders) == [digest]


def test_refresh__standing_order__kept(keeper: OrderKeeper) -> None:
    digest = keeper.drop(keeper.desk.standing())
    assert [found.digest for found in refresh(keeper).added] == [digest]
    assert keeper.book.orders[digest].signed.order == keeper.desk.standing()


def broken(keeper: OrderKeeper, **changed: Any) -> str:
    content = json.loads(keeper.file(keeper.desk.order()).text())
    for name, value in changed.items():
        table = content["message"] if name in content["message"] else content
        table[name] = value
    return json.dumps(content)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"amount": str(21 * WAD)}, "is not signed by 0x"),
        ({"signature": "0x" + "00" * 65}, "is not signed by 0x"),
        ({"signature": "0x"}, "is not signed by 0x"),
        ({"signature": "0xzz"}, "signature: '0xzz' is no hex text"),
        ({"signature": "0x" + "00" * 66}, "signature: has 66 bytes, the contract takes 65"),
        ({"chain_id": 1}, "is for chain 1, 0x"),
        ({"chain_id": 0}, "chain_id: 0 is not in [1, "),
        ({"contract": "0x" + "11" * 20}, "is for chain "),
        ({"contract": "0x11"}, "contract: '0x11' is no address"),
        ({"account": "5"}, "its account has no owner"),
        ({"deadline": "1"}, "expired"),
        ({"kind": "4"}, "message.kind: 4 is not in [0, 3]"),
        ({"trigger": "0"}, "orders: trigger"),
        ({"trail": "5"}, "orders: trail"),
        ({"fee": "1001"}, "orders: fee"),
        ({"max_slippage": "2001"}, "orders: slippage"),
        ({"amount": "0"}, "orders: zero amount"),
        ({"amount": "-1"}, "message.amount: '-1' is no whole number"),
        ({"amount": 1.5}, "message.amount: Decimal('1.5') is no whole number"),
        ({"amount": True}, "message.amount: True is no whole number"),
        ({"amount": "9" * 78}, "message.amount: " + "9" * 78 + " is not in [0, "),
        ({"amount": "9" * 400}, "message.amount: '9999"),
        ({"repay_only": "no"}, "message.repay_only: 'no' is not true or false"),
        ({"watched": None}, "message.watched: None is no address"),
        ({"format": 2}, "format: 2 is not 1, the one this version reads"),
        ({"colour": 2}, "colour: unknown field"),
    ],
    ids=str,
)
def test_refresh__wrong_file__refused_with_its_reason_and_never_again(
    keeper: OrderKeeper, changed: dict[str, Any], reason: str
) -> None:
    (keeper.inbox / "bad.json").write_text(broken(keeper, **changed))
    digest = keeper.drop(keeper.desk.order(), "good.json")
    intake = refresh(keeper)
    ((name, found),) = intake.refused
    assert name == "bad.json"
    assert found.startswith(reason)
    assert [each.digest for each in intake.added] == [digest]
    assert refresh(keeper) == Intake()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is no JSON"),
        (b"\xff\xfe\x00", "is no text"),
        (b"[" * 10_000, "is no JSON"),
        (b"[]", "is no JSON object"),
        (b"{}", "format: is missing"),
        (b'{"format": ' + b"1" * 5_000 + b"}", "is no JSON"),
        (b" " * 20_000, "has more than 16,384 bytes"),
    ],
)
def test_refresh__corrupted_file__refused(keeper: OrderKeeper, content: bytes, reason: str) -> None:
    (keeper.inbox / "bad.json").write_bytes(content)
    ((_, found),) = refresh(keeper).refused
    assert found.startswith(reason)


def test_refresh__not_a_file_or_hidden_or_of_another_kind__left_alone_or_refused(keeper: OrderKeeper) -> None:
    (keeper.inbox / "folder.json").mkdir()
    (keeper.inbox / "notes.txt").write_text("nothing")
    (keeper.inbox / ".order.json.part").write_text("half")
    (keeper.inbox / "gone.json").symlink_to(keeper.inbox / "nowhere")
    ((name, reason),) = refresh(keeper).refused
    assert name == "folder.json"
    assert reason.startswith("cannot be read")


def test_refresh__file_finished_later__taken_in_then(keeper: OrderKeeper) -> None:
    whole = keeper.file(keeper.desk.order()).text()
    path = keeper.inbox / "order.json"
    path.write_text(whole[:100])
    assert len(refresh(keeper).refused) == 1
    path.write_text(whole)
    assert len(refresh(keeper).added) == 1


def test_refresh__many_files__some_at_a_time_and_each_once(
    keeper: OrderKeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("plimsoll.keeper.order_book.FILES_PER_LOOK", 2)
    digests = [keeper.drop(keeper.desk.order(group=number), f"{number}.json") for number in range(5)]
    looks = [[found.digest for found in refresh(keeper).added] for _ in range(4)]
    assert looks == [digests[:2], digests[2:4], digests[4:], []]


def test_refresh__no_folder__nothing(keeper: OrderKeeper) -> None:
    keeper.inbox.rmdir()
    assert refresh(keeper) == Intake()


@pytest.mark.parametrize("signer", ["keeper", "operator", "stranger", "attacker", "owner"])
def test_add__every_wrong_signer__refused(keeper: OrderKeeper, signer: str) -> None:
    with pytest.raises(ConfigError, match="is not signed by"):
        keeper.book.add(keeper.file(keeper.desk.order(), signer), keeper.desk.now)
    assert keeper.book.orders == {}


def test_add__compact_signature__kept(keeper: OrderKeeper) -> None:
    found = keeper.file(keeper.desk.order())
    signature = found.signed.signature
    high = int.from_bytes(signature[32:64], "big") | (signature[64] - 27) << 255
    compact = replace(found, signed=Signed(found.signed.order, signature[:32] + high.to_bytes(32, "big")))
    keeper.book.add(compact, keeper.desk.now)
    assert list(keeper.book.orders) == [found.digest]


def test_add__by_another_process__seen_at_the_next_look(keeper: OrderKeeper) -> None:
    refresh(keeper)
    other = keeper.open_book()
    found = keeper.file(keeper.desk.order())
    other.add(found, keeper.desk.now)
    other.close()
    assert [each.digest for each in refresh(keeper).added] == [found.digest]


def test_add__owner_is_a_contract__asked(keeper: OrderKeeper) -> None:
    desk = keeper.desk
    wallet: Any = keeper.chain.deploy("MockWallet", sender=desk.role("trader"))
    order = desk.order(account=int(wallet.address, 16) << 96)
    found = keeper.file(order)
    with pytest.raises(ConfigError, match="is not signed by"):
        keeper.book.add(found, desk.now)
    wallet.sign(order.digest(desk.domain), True, sender=desk.role("trader"))
    keeper.book.add(found, desk.now)
    wallet.set_failing(True, sender=desk.role("trader"))
    with pytest.raises(ConfigError, match="is not signed by"):
        keeper.book.add(found, desk.now)


def test_remove__forgotten_here_and_in_the_file(keeper: OrderKeeper) -> None:
    digest = keeper.drop(keeper.desk.order())
    refresh(keeper)
    keeper.book.remove([digest])
    assert keeper.book.orders == {}
    keeper.book.close()
    (keeper.inbox / "order.json").unlink()
    keeper.book = keeper.open_book()
    assert refresh(keeper) == Intake()


def test_open__damaged_file__set_aside_and_the_folder_read_again(keeper: OrderKeeper, tmp_path: Path) -> None:
    digest = keeper.drop(keeper.desk.order())
    refresh(keeper)
    keeper.book.close()
    (tmp_path / "orders.sqlite").write_bytes(b"not a database at all, whatever its name says" * 100)
    keeper.book = keeper.open_book()
    assert keeper.book.was_damaged == tmp_path / "orders.sqlite.damaged-1"
    assert [found.digest for found in refresh(keeper).added] == [digest]


def test_read__damaged_row__refused_and_the_others_kept(keeper: OrderKeeper, tmp_path: Path) -> None:
    digest = keeper.drop(keeper.desk.order())
    other = keeper.drop(keeper.desk.order(group=2), "other.json")
    refresh(keeper)
    keeper.book.close()
    with sqlite3.connect(tmp_path / "orders.sqlite") as db:
        changed = 'UPDATE orders SET text = replace(text, \'"fee": "20"\', \'"fee": "30"\') WHERE digest = ?'
        db.execute(changed, (digest,))
    db.close()
    for path in keeper.inbox.iterdir():
        path.unlink()
    keeper.book = keeper.open_book()
    intake = refresh(keeper)
    assert [name for name, _ in intake.refused] == [digest]
    assert [found.digest for found in intake.added] == [other]
