"""Protection orders, end to end on a real node: signed by owners, executed by the real keeper when prices move."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from plimsoll.chain.abi import contract_abi
from plimsoll.keeper import app
from plimsoll.protocol import Deleverage, Domain, Grant, MarginAccount, Order, Permission, Signed, stop_loss
from plimsoll.protocol.order_file import OrderFile
from plimsoll.units import WAD
from scripts import keeper as command
from tests.integration.keeper_world import (
    KeeperWorld,
    crash,
    keeper_process,
    keeper_world,
    kinds,
    live,
    read_until,
)

FOREVER = 2**40 - 1


def open_protected(world: KeeperWorld, index: int = 1, equity: int = 10_000, borrowed: int = 20_000) -> MarginAccount:
    """Open a long of WETH whose owner lets orders trade."""
    account, protocol = world.open_long(index, equity, borrowed), world.devnet.protocol
    grant = Grant.of(Permission.TRADE, FOREVER, max_loss_bps=500, loss_budget="5000")
    protocol.by(account.owner).set_operator(account, protocol.orders.address, grant)
    return account


def stop(world: KeeperWorld, account: MarginAccount, **changed: Any) -> Order:
    """Return a stop-loss over everything at 1,900 dollars."""
    protocol = world.devnet.protocol
    weth, usdc = protocol.asset("WETH"), protocol.asset("USDC")
    members = {"max_slippage": 200, "fee": 20, **changed}
    return stop_loss(
        account.id,
        sell=weth.token.address,
        buy=usdc.token.address,
        amount=protocol.balance(account, "WETH").raw,
        trigger=1_900 * WAD,
        deadline=world.chain.timestamp() + 30 * 86_400,
        **members,
    )


def standing(world: KeeperWorld, account: MarginAccount) -> Deleverage:
    return Deleverage(
        account=account.id,
        trigger_ratio=2 * WAD,
        target_ratio=3 * WAD,
        max_cost=200,
        fee=20,
        group=9,
        epoch=0,
        deadline=world.chain.timestamp() + 30 * 86_400,
    )


def signed(world: KeeperWorld, order: Order | Deleverage) -> OrderFile:
    """Return an order as its account's owner signs it."""
    domain = Domain.of(world.devnet.protocol.orders)
    owner = MarginAccount.from_id(order.account).owner
    return OrderFile(Signed.by(world.chain.key(owner), order, domain), domain.chain_id, domain.verifier)


def drop(world: KeeperWorld, order: Order | Deleverage, number: int = 10, name: str = "order.json") -> OrderFile:
    """Drop a signed order into a keeper's folder."""
    found = signed(world, order)
    found.save(world.folder / f"keeper-{number}" / "orders" / name)
    return found


def executions(world: KeeperWorld) -> list[dict[str, Any]]:
    """Return every execution there was."""
    orders = world.devnet.protocol.orders
    events = contract_abi(orders.abi).events
    wanted = {"address": orders.address, "fromBlock": "0x0", "toBlock": "latest"}
    found: list[dict[str, Any]] = []
    for entry in world.chain.rpc("eth_getLogs", wanted):
        topics = [bytes.fromhex(topic[2:]) for topic in entry["topics"]]
        if events[topics[0]].name in ("Executed", "Deleveraged"):
            found.append(events[topics[0]].decode(topics, bytes.fromhex(entry["data"][2:])))
    return found


def check_paid_for_nothing(world: KeeperWorld, keeper: app.Keeper, number: int = 10) -> None:
    assert keeper.sender.open == []
    assert world.lines(number, "failed") == []


def test_stop_loss__price_falls__sold_at_no_less_than_the_minimum_and_the_fee_paid(world: KeeperWorld) -> None:
    account, protocol = open_protected(world), world.devnet.protocol
    order = stop(world, account)
    found = drop(world, order)
    with world.keeper() as keeper:
        live(world, [keeper], 2)
        assert kinds(world, "sent") == []
        owed = protocol.debt(account, "USDC").raw
        assert protocol.wallet(keeper.sender.address, "WETH").raw == 0
        crash(world, WETH="1860")
        live(world, [keeper], 4)
        assert kinds(world, "mined") == ["order"]
        (event,) = executions(world)
        assert event["sold"] == order.amount
        assert event["fee"] == order.amount * 20 // 10_000 == protocol.wallet(keeper.sender.address, "WETH").raw
        least = (order.amount - event["fee"]) * event["mid"] * 98 // 100 // (10**30 * 102 // 100)
        assert event["bought"] >= least > 0
        left = protocol.debt(account, "USDC").raw
        assert left == 0 or left < owed
        assert protocol.balance(account, "WETH").raw == 0
        assert keeper.books.state.orders.sold(found.digest) == order.amount
        check_paid_for_nothing(world, keeper)
        assert keeper.books.verify(account.id) == []


def test_stop_loss__minimum_out_of_reach__nothing_is_sold(world: KeeperWorld) -> None:
    account = open_protected(world)
    drop(world, stop(world, account, min_rate=1_890 * 10**6))
    with world.keeper() as keeper:
        crash(world, WETH="1860")
        live(world, [keeper], 6)
        assert executions(world) == []
        assert kinds(world, "sent") == []
        assert world.lines(event="order is due and waits")[0]["reason"] == "swapper: min buy"
        assert world.devnet.protocol.balance(account, "WETH").raw > 0


def test_deleverage__placed_on_chain__lifted_to_its_target_before_any_auction(world: KeeperWorld) -> None:
    account, protocol = open_protected(world, borrowed=50_000), world.devnet.protocol
    protocol.by(account.owner).place(signed(world, standing(world, account)).signed)
    with world.keeper() as keeper:
        crash(world, WETH="1950")
        health = protocol.health(account)
        assert 1 < health.equity / health.maintenance < 2
        live(world, [keeper], 4)
        assert kinds(world, "mined") == ["deleverage"]
        (event,) = executions(world)
        assert event["fee"] == event["sold"] * 20 // 10_000 == protocol.wallet(keeper.sender.address, "WETH").raw > 0
        assert 2.5 * event["maintenance"] < event["equity"] <= 3 * event["maintenance"]
        check_paid_for_nothing(world, keeper)
        assert keeper.books.verify(account.id) == []


def test_two_keepers__one_executes_and_nobody_pays_for_nothing(world: KeeperWorld) -> None:
    account = open_protected(world)
    for number in (10, 11):
        drop(world, stop(world, account, group=5), number)
    with world.keeper(10) as first, world.keeper(11) as second:
        crash(world, WETH="1860")
        live(world, [first, second], 4)
        assert kinds(world, "mined", 10) + kinds(world, "mined", 11) == ["order"]
        assert len(executions(world)) == 1
        check_paid_for_nothing(world, first, 10)
        check_paid_for_nothing(world, second, 11)


def test_cancelled_by_its_owner__never_sent(world: KeeperWorld) -> None:
    account, protocol = open_protected(world), world.devnet.protocol
    found = drop(world, stop(world, account))
    with world.keeper() as keeper:
        crash(world, WETH="1860")
        protocol.by(account.owner).cancel_order(bytes.fromhex(found.digest[2:]))
        live(world, [keeper], 4)
        assert kinds(world, "sent") == []
        assert executions(world) == []


def test_executed_by_another_while_ours_waits__withdrawn_without_a_failure(world: KeeperWorld) -> None:
    account, protocol = open_protected(world), world.devnet.protocol
    order = stop(world, account)
    found = drop(world, order)
    with world.keeper() as keeper:
        crash(world, WETH="1860")
        world.chain.rpc("evm_setAutomine", False)
        keeper.bot.attempt()
        assert kinds(world, "sent") == ["order"]
        world.chain.rpc("anvil_dropAllTransactions")
        world.chain.rpc("evm_setAutomine", True)
        other, route = world.chain.accounts()[15], protocol.route("WETH", "USDC")
        swapper = protocol.swapper.address
        protocol.orders.execute(*found.signed.arguments(), order.amount, swapper, route, other, sender=other)
        live(world, [keeper], 6)
        assert kinds(world, "cancelled") == ["order"]
        assert len(executions(world)) == 1
        check_paid_for_nothing(world, keeper)


@pytest.mark.parametrize("depth", [1, 4])
def test_reorg_after_an_execution__books_follow_and_it_is_executed_once(tmp_path: Path, depth: int) -> None:
    with keeper_world(tmp_path) as world, world.keeper() as keeper:
        account = open_protected(world)
        order = stop(world, account)
        found = drop(world, order)
        crash(world, WETH="1860")
        live(world, [keeper], 2)
        world.chain.rpc("anvil_reorg", depth, [])
        live(world, [keeper], 4)
        crash(world, WETH="1860")
        live(world, [keeper], 4)
        assert sum(event["sold"] for event in executions(world)) == order.amount
        assert keeper.books.state.orders.sold(found.digest) == order.amount
        assert keeper.books.verify(account.id) == []


def test_kill_9_between_sending_and_receipt__next_process_finishes_and_nothing_twice(world: KeeperWorld) -> None:
    account = open_protected(world)
    order = stop(world, account)
    config = world.write_config()
    path = world.folder / "order.json"
    signed(world, order).save(path)
    added = CliRunner().invoke(command.cli, ["order", "add", "--config", str(config), str(path)])
    assert added.exit_code == 0, added.output
    crash(world, WETH="1860")
    world.chain.rpc("evm_setAutomine", False)
    with keeper_process(config) as process:
        assert json.loads(read_until(process, '"event": "sent"'))["kind"] == "order"
        process.send_signal(signal.SIGKILL)
        assert process.wait(20) == -signal.SIGKILL
        assert executions(world) == []
    with keeper_process(config) as process:
        read_until(process, '"event": "started"')
        world.chain.rpc("evm_mine")
        world.chain.rpc("evm_setAutomine", True)
        assert json.loads(read_until(process, '"event": "mined"'))["kind"] == "order"
        world.devnet.refresh()
        world.chain.warp(30)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        assert process.stderr is not None
        sent = [line for line in process.stderr.read().splitlines() if '"event": "sent"' in line]
        assert all(json.loads(line)["kind"] == "sample" for line in sent), "housekeeping only"
        assert [event["sold"] for event in executions(world)] == [order.amount]


def test_command_status__lists_orders_and_why(world: KeeperWorld) -> None:
    account = open_protected(world)
    config = world.write_config()
    runner = CliRunner()
    stopping, path = stop(world, account), world.folder / "order.json"
    signed(world, stopping).save(path)
    assert runner.invoke(command.cli, ["order", "add", "--config", str(config), str(path)]).exit_code == 0
    protocol = world.devnet.protocol
    protocol.by(account.owner).place(signed(world, standing(world, account)).signed)
    status = ["status", "--config", str(config), f"{account.owner}/1"]
    before = runner.invoke(command.cli, status)
    assert before.exit_code == 0, before.output
    assert "below: WETH for USDC" in before.output
    assert "away from its trigger" in before.output
    assert "deleverage to 3.000" in before.output
    assert "equity / maintenance is" in before.output
    crash(world, WETH="1860")
    assert "due: its fee is $" in runner.invoke(command.cli, status).output
    protocol.by(account.owner).cancel_all_orders()
    after = runner.invoke(command.cli, status).output
    assert after.count("its owner cancelled all orders") == 2


def test_command_order_add__foreign_or_damaged__one_line(world: KeeperWorld) -> None:
    account = open_protected(world)
    config = world.write_config()
    path = world.folder / "order.json"
    found = signed(world, stop(world, account))
    for text, reason in (
        ("{", "is no JSON"),
        (found.text().replace('"chain_id": 31337', '"chain_id": 1'), "is for chain 1, "),
        (found.text().replace('"fee": "20"', '"fee": "21"'), f"is not signed by {account.owner}"),
    ):
        path.write_text(text)
        result = CliRunner().invoke(command.cli, ["order", "add", "--config", str(config), str(path)])
        assert result.exit_code == 1
        assert f"Error: {path}: {reason}" in result.output
