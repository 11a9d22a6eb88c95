"""The keeper against the real contracts on a real node: crashes, cures, several debts, competitors, reorgs, kill -9."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from plimsoll.chain import keys
from plimsoll.protocol import MarginAccount
from scripts import keeper as command
from tests.integration.keeper_world import (
    EAGER,
    PATIENT,
    KeeperWorld,
    check_left_nothing,
    crash,
    dollars_in_wallet,
    keeper_process,
    keeper_world,
    kinds,
    live,
    read_until,
)


def test_long_falls__brought_back_above_its_line_without_capital(world: KeeperWorld) -> None:
    account, safe = world.open_long(1, 10_000, 60_000), world.open_long(2, 10_000, 10_000)
    with world.keeper(**EAGER) as keeper:
        crash(world, WETH="1860")
        assert not world.devnet.protocol.health(account).healthy
        live(world, [keeper], 30)
        assert world.devnet.protocol.health(account).healthy
        assert kinds(world, "mined") == ["start", "take", "cancel"]
        assert world.lines(event="failed") == []
        expected = float(next(line["profit"] for line in world.lines(event="mined") if "profit" in line))
        assert dollars_in_wallet(world, keeper) > expected * 0.99 > 5  # the bonus rises until the block
        check_left_nothing(world, keeper)
        assert world.lines(event="books differ from the chain") == []
    assert world.devnet.protocol.health(safe).healthy


def test_two_debts_and_two_collaterals__one_batch(world: KeeperWorld) -> None:
    protocol = world.devnet.protocol
    trader = protocol.by(world.chain.accounts()[2])
    account = MarginAccount(trader.sender, 3)
    world.devnet.mint("USDC", trader.sender, "20000")
    world.devnet.mint("WETH", trader.sender, "10")
    for symbol, amount in (("USDC", "20000"), ("WETH", "10")):
        trader.approve_if_needed(symbol, amount)
        trader.deposit(account, symbol, amount)
    trader.withdraw(account, "WBTC", "0.35", max_borrow="0.35")
    trader.trade(account, sell="USDC", amount="35000", max_borrow="15000", buy="WETH", slippage="0.03")
    with world.keeper(**EAGER) as keeper:
        crash(world, WETH="1500", WBTC="72000")
        assert not protocol.health(account).healthy
        live(world, [keeper], 30)
        takes = [line for line in world.lines(event="mined") if line["kind"] == "take"]
        assert takes
        assert world.lines(event="failed") == []
        assert protocol.health(account).debt == 0 or protocol.health(account).healthy
        assert dollars_in_wallet(world, keeper) > 5
        check_left_nothing(world, keeper)


def test_three_keepers_compete__every_account_saved_and_nobody_pays_twice(world: KeeperWorld) -> None:
    accounts = [world.open_long(index, 10_000, 55_000 + 1_000 * index) for index in range(1, 5)]
    with (
        world.keeper(10, **EAGER) as first,
        world.keeper(11, **PATIENT) as second,
        world.keeper(12) as third,
    ):
        keepers = [first, second, third]
        crash(world, WETH="1850")
        live(world, keepers, 40)
        for account in accounts:
            health = world.devnet.protocol.health(account)
            assert health.debt == 0 or health.healthy
        for keeper in keepers:
            check_left_nothing(world, keeper)
            assert world.lines(int(keeper.config.key.name), "failed") == []
        assert sum(dollars_in_wallet(world, keeper) for keeper in keepers) > 100
        sent = [intent for keeper in keepers for intent in keeper.sender.journal.history()]
        starts = [intent for intent in sent if intent.note["kind"] == "start"]
        started = [each for intent in starts for each in intent.note.get("accounts", [intent.key])]
        assert sorted(started) == sorted(hex(account.id) for account in accounts)


def test_owner_cures__auction_ended_by_the_keeper(world: KeeperWorld) -> None:
    account = world.open_long(1, 10_000, 60_000)
    protocol = world.devnet.protocol
    with world.keeper(**PATIENT) as keeper:
        crash(world, WETH="1870")
        live(world, [keeper], 2)
        assert keeper.books.auctions()
        trader = protocol.by(account.owner)
        world.devnet.mint("USDC", account.owner, "20000")
        trader.approve_if_needed("USDC", "20000")
        trader.deposit(account, "USDC", "20000")
        live(world, [keeper], 3)
        assert keeper.books.auctions() == {}
        assert kinds(world, "mined") == ["start", "cancel"]


def test_insolvent__taken_whole_and_the_rest_written_off(world: KeeperWorld) -> None:
    account = world.open_long(1, 10_000, 60_000)
    with world.keeper(**EAGER) as keeper:
        crash(world, WETH="1400")
        assert world.devnet.protocol.health(account).equity < 0
        live(world, [keeper], 40)
        assert world.devnet.protocol.health(account).debt == 0
        assert keeper.books.auctions() == {}
        assert "poke" not in {line["kind"] for line in world.lines(event="failed")}
        check_left_nothing(world, keeper)
        assert dollars_in_wallet(world, keeper) > 0


def test_cash_in_the_wallet__collateral_kept(world: KeeperWorld) -> None:
    world.open_long(1, 10_000, 60_000)
    with world.keeper(**EAGER, **{"use_wallet = false": "use_wallet = true"}) as keeper:
        sender = world.devnet.protocol.by(keeper.sender.address)
        world.devnet.mint("USDC", keeper.sender.address, "200000")
        sender.approve_if_needed("USDC", "200000")
        keeper.bot.attempt()
        crash(world, WETH="1860")
        live(world, [keeper], 30)
        assert [line for line in world.lines(event="mined") if line["kind"] == "take"]
        assert world.devnet.protocol.wallet(keeper.sender.address, "WETH").human > 1
        assert dollars_in_wallet(world, keeper) > 200_005


@pytest.mark.parametrize("depth", [1, 5, 30])
def test_reorg_of_the_node__books_and_journal_follow(tmp_path: Path, depth: int) -> None:
    with keeper_world(tmp_path) as world, world.keeper(**EAGER) as keeper:
        account = world.open_long(1, 10_000, 60_000)
        crash(world, WETH="1860")
        live(world, [keeper], 6)
        world.chain.rpc("anvil_reorg", depth, [])
        for _ in range(3):
            world.pass_time([keeper], 1)
        assert world.lines(event="reorg")
        crash(world, WETH="1860")
        live(world, [keeper], 30)
        assert world.devnet.protocol.health(account).healthy
        check_left_nothing(world, keeper)
        assert world.lines(event="books differ from the chain") == []


def test_node_mines_nothing__outbid_and_mined_once(world: KeeperWorld) -> None:
    account = world.open_long(1, 10_000, 60_000)
    with world.keeper(**EAGER) as keeper:
        crash(world, WETH="1860")
        world.chain.rpc("evm_setAutomine", False)
        keeper.bot.attempt()
        (intent,) = [each for each in keeper.sender.open if each.note["kind"] == "start"]
        for _ in range(4):
            block = keeper.node.head().number
            world.chain.rpc("anvil_dropAllTransactions")
            world.chain.rpc("evm_mine")
            assert keeper.node.head().number == block + 1
            keeper.bot.attempt()
        assert len(intent.attempts) > 1
        first, second = intent.attempts[:2]
        assert second.fees.most * 8 >= first.fees.most * 9
        world.chain.rpc("evm_setAutomine", True)
        world.chain.rpc("evm_mine")
        live(world, [keeper], 30)
        assert world.devnet.protocol.health(account).healthy
        starts = [line for line in world.lines(event="mined") if line["kind"] == "start"]
        assert len(starts) == 1


def test_restart_in_between__goes_on_where_it_was(world: KeeperWorld) -> None:
    account = world.open_long(1, 10_000, 60_000)
    with world.keeper(**EAGER) as keeper:
        crash(world, WETH="1860")
        live(world, [keeper], 2)
        assert keeper.books.auctions()
    for _ in range(25):
        world.devnet.refresh()
        world.chain.warp(30)
        with world.keeper(**EAGER) as keeper:
            keeper.bot.attempt()
    assert world.devnet.protocol.health(account).healthy
    assert kinds(world, "sent")[:2] == ["start", "take"]
    assert kinds(world, "sent") == kinds(world, "mined")


def test_key__in_no_log_and_no_file(world: KeeperWorld) -> None:
    world.open_long(1, 10_000, 60_000)
    with world.keeper(**EAGER, **{'level = "info"': 'level = "debug"'}) as keeper:
        crash(world, WETH="1860")
        live(world, [keeper], 5)
        key = bytes.fromhex(keys.test_keys()[keeper.sender.address][2:])
    assert "take" in kinds(world, "mined")
    assert key.hex() not in world.streams[10].getvalue().lower()
    files = [path for path in world.folder.rglob("*") if path.is_file()]
    assert len(files) >= 2
    for path in files:
        content = path.read_bytes()
        assert key not in content
        assert key.hex().encode() not in content.lower()


# The command


def test_command_run__kill_9_after_sending__next_process_finishes_and_ctrl_c_is_clean(world: KeeperWorld) -> None:
    account = world.open_long(1, 10_000, 60_000)
    config = world.write_config()
    crash(world, WETH="1860")
    with keeper_process(config) as process:
        read_until(process, '"event": "sent"')
        process.send_signal(signal.SIGKILL)
        assert process.wait(20) == -signal.SIGKILL
    with keeper_process(config) as process:
        read_until(process, '"event": "started"')
        deadline = time.monotonic() + 60
        while not world.devnet.protocol.health(account).healthy and time.monotonic() < deadline:
            world.devnet.refresh()
            world.chain.warp(30)
        assert world.devnet.protocol.health(account).healthy
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        assert process.stderr is not None
        assert '"event": "stopped"' in process.stderr.read()


def test_command_status__says_why_and_at_which_price(world: KeeperWorld) -> None:
    account = world.open_long(1, 10_000, 60_000)
    config = world.write_config()
    runner = CliRunner()
    healthy = runner.invoke(command.cli, ["status", "--config", str(config), f"{account.owner}/1"])
    assert healthy.exit_code == 0, healthy.output
    assert "not liquidatable: its equity covers its requirement" in healthy.output
    assert "below" in healthy.output
    crash(world, WETH="1860")
    fallen = runner.invoke(command.cli, ["status", "--config", str(config), hex(account.id)])
    assert "liquidatable: its equity is below its requirement" in fallen.output
    wrong = runner.invoke(command.cli, ["status", "--config", str(config), "nonsense"])
    assert wrong.exit_code == 1
    assert "'nonsense' is no account" in wrong.output


def test_command_check_config__says_what_it_found(world: KeeperWorld) -> None:
    config = world.write_config()
    fine = CliRunner().invoke(command.cli, ["check-config", "--config", str(config)])
    assert fine.exit_code == 0, fine.output
    assert world.chain.accounts()[13] in fine.output
    config.write_text(config.read_text().replace("id = 31337", "id = 1"))
    wrong = CliRunner().invoke(command.cli, ["check-config", "--config", str(config)])
    assert wrong.exit_code == 1
    assert "is of chain 31337, the keeper's is 1" in wrong.output
