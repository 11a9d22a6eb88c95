"""The commands as a user meets them: what they print, their one line when something is wrong, and their exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from plimsoll import artifacts, commands
from plimsoll.artifacts import home
from plimsoll.chain import RevmChain
from plimsoll.chain.ape_chain import ApeChain
from plimsoll.devnet import CONFIG, Devnet, start
from plimsoll.errors import ChainError
from plimsoll.model.protection_orders import Kind
from plimsoll.protocol import Deleverage, Domain, MarginAccount, Order, order_file
from scripts import account, checkpoint, demo, deploy

EMBEDDED = "ethereum:local:test"
NOWHERE = "ethereum:local:http://127.0.0.1:1"
STEPS = 43
"""Of a devnet's deployment."""


def run(command: Any, *arguments: str | Path) -> Result:
    return CliRunner(mix_stderr=False).invoke(command, [str(argument) for argument in arguments])


def line_of(result: Result) -> str:
    """Return the one line of a command that failed."""
    assert result.exit_code == 1, result.output
    lines = [line for line in result.stderr.splitlines() if not line.startswith(("INFO", "WARNING"))]
    assert len(lines) == 1, result.stderr
    return lines[0]


@dataclass(frozen=True)
class Node:
    """An anvil with the protocol on it, and how to reach it from another command."""

    devnet: Devnet
    network: str
    manifest: Path


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    path = tmp_path_factory.mktemp("deployments") / "31337.json"
    with ApeChain.connect("ethereum:local:foundry") as chain:
        devnet = start(chain)
        devnet.manifest.save(path)
        yield Node(devnet, f"ethereum:local:{commands.rpc_url()}", path)


@pytest.fixture
def node(running: Node) -> Iterator[Node]:
    with running.devnet.chain.isolate():
        yield running


# deploy


def test_deploy__dry_run__lists_steps_and_sends_nothing(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    result = run(deploy.cli, "--network", EMBEDDED, "--dry-run", "--out", out)
    assert result.exit_code == 0, result.output
    assert f"in {STEPS} steps:" in result.output
    assert f"  {STEPS}  let the factory list in the risk engine" in result.output
    assert not out.exists()


def test_deploy__dry_run__live_parameters_checked(tmp_path: Path) -> None:
    config = tmp_path / "live.toml"
    config.write_text((home() / CONFIG).read_text() + f'\n[uniswap]\nfactory = "0x{"22" * 20}"\n')
    expected = f"Error: uniswap.factory: there is no contract at 0x{'22' * 20} on chain "
    assert line_of(run(deploy.cli, "--network", EMBEDDED, "--dry-run", "--config", config)).startswith(expected)


def test_deploy__embedded__writes_the_manifest(tmp_path: Path) -> None:
    out = tmp_path / "new" / "out.json"
    result = run(deploy.cli, "--network", EMBEDDED, "--out", out)
    assert result.exit_code == 0, result.output
    assert f"Deployed {len(json.loads(out.read_text())['contracts'])} contracts" in result.output.replace("\n", " ")
    assert f"[ {STEPS}/{STEPS}] let the factory list in the risk engine" in result.output


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("cap = 0.45", "cap = 0.7", "assets.WETH.margin.cap: 0.7 is not in (0, 0.5)"),
        ("[protocol]", "[protocol", "is no TOML: "),
        ("# chain_id = 1", "chain_id = 7", "ethereum:local:test is chain "),
        ("[devnet.prices]\n", "[devnet.prices]\nDOGE = 1\n", "devnet.prices.DOGE: is no asset here"),
    ],
)
def test_deploy__wrong_parameters__one_line(tmp_path: Path, before: str, after: str, expected: str) -> None:
    config = tmp_path / "wrong.toml"
    config.write_text((home() / CONFIG).read_text().replace(before, after))
    line = line_of(run(deploy.cli, "--network", EMBEDDED, "--config", config))
    assert line.removeprefix("Error: ").removeprefix(f"{config}: ").startswith(expected)


def test_deploy__missing_parameters__one_line(tmp_path: Path) -> None:
    path = tmp_path / "none.toml"
    assert line_of(run(deploy.cli, "--network", EMBEDDED, "--config", path)) == f"Error: {path}: no such file"


def test_deploy__no_network__usage() -> None:
    result = run(deploy.cli)
    assert result.exit_code == 2
    assert "Missing option '--network'" in result.stderr


def test_deploy__npm_package_missing__one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("contracts", "config"):
        (tmp_path / name).symlink_to(home() / name)
    monkeypatch.setenv("PLIMSOLL_HOME", str(tmp_path))
    assert artifacts.home() == tmp_path
    line = line_of(run(deploy.cli, "--network", EMBEDDED, "--config", home() / CONFIG, "--out", tmp_path / "x.json"))
    assert line == "Error: npm package @uniswap/v3-core is not installed: run `make setup`"


# Connections and accounts


@pytest.mark.parametrize("command", [demo.cli, deploy.cli, checkpoint.cli, account.cli.commands["show"]])
def test_any_command__unreachable_rpc__one_line(command: Any) -> None:
    assert line_of(run(command, "--network", NOWHERE)).startswith(f"Error: cannot connect to {NOWHERE}: ")


def test_any_command__unknown_network__one_line() -> None:
    line = line_of(run(checkpoint.cli, "--network", "ethereum:nowhere:node"))
    assert line.startswith("Error: cannot connect to ethereum:nowhere:node: ")


def test_any_command__unknown_account__one_line(node: Node) -> None:
    line = line_of(run(checkpoint.cli, "--network", node.network, "--account", "nobody"))
    assert line == "Error: ape knows no account called nobody: see `ape accounts list`"


def test_any_command__test_account_beyond_the_last__one_line(node: Node) -> None:
    line = line_of(run(checkpoint.cli, "--network", node.network, "--account", "99"))
    assert line == "Error: --account 99: there are 24 test accounts, counted from 0"


def test_any_command__missing_manifest__one_line(node: Node, tmp_path: Path) -> None:
    path = tmp_path / "none.json"
    line = line_of(run(checkpoint.cli, "--network", node.network, "--manifest", path))
    assert line == f"Error: {path}: there is no manifest: deploy first, or name another one"


def test_any_command__manifest_of_another_chain__one_line(node: Node, tmp_path: Path) -> None:
    path = tmp_path / "other.json"
    path.write_text(node.manifest.read_text().replace('"chain_id": 31337', '"chain_id": 1'))
    line = line_of(run(checkpoint.cli, "--network", node.network, "--manifest", path))
    assert line == "Error: the manifest is of chain 1, but ethereum:local:foundry is chain 31337"


def test_deploy__sender_without_ether__one_line(node: Node, tmp_path: Path) -> None:
    """The same parameters, with every gap filled, from an account that has nothing left."""
    pauper = node.devnet.chain.accounts()[23]
    node.devnet.chain._rpc("anvil_setBalance", [pauper, "0x0"])  # type: ignore[attr-defined]
    text = (home() / CONFIG).read_text().replace("# [uniswap]", "[uniswap]")
    text = text.replace('# factory = "0x..."', f'factory = "{node.devnet.uniswap.factory.address}"')
    for symbol, feed in node.devnet.feeds.items():
        head, tail = text.split(f"[assets.{symbol}]\n", 1)
        tail = f'token = "{node.devnet.token(symbol).address}"\n{tail}'
        tail = tail.replace('kind = "feed"', f'kind = "feed" \naggregator = "{feed.address}"', 1)
        text = f"{head}[assets.{symbol}]\n{tail}"
    config = tmp_path / "filled.toml"
    config.write_text(text)
    arguments = ("--network", node.network, "--config", config, "--out", tmp_path / "out.json")
    line = line_of(run(deploy.cli, *arguments, "--account", "23"))
    assert line == f"Error: {pauper} has no ether on chain 31337 (ethereum:local:foundry) to pay for gas"

    result = run(deploy.cli, *arguments)
    assert result.exit_code == 0, result.output
    assert [entry.name for entry in tmp_path.iterdir() if entry.suffix == ".json"] == ["out.json"]


class LiveChain(RevmChain):
    """A chain that is nobody's toy."""

    @property
    def is_local(self) -> bool:
        return False


@pytest.mark.parametrize("number", [None, "3"])
def test_sender_of__live_chain__wants_an_account(number: str | None) -> None:
    with pytest.raises(ChainError) as caught:
        commands.sender_of(LiveChain(), number)
    assert str(caught.value) == "revm is no local chain: name one of your accounts with --account"


# checkpoint and account


def test_checkpoint__takes_what_is_due_and_pokes(node: Node) -> None:
    arguments = ("--network", node.network, "--manifest", node.manifest)
    node.devnet.warp(1_800)
    result = run(checkpoint.cli, *arguments, "--poke")
    assert result.exit_code == 0, result.output
    assert "Checkpoints taken: source.WETH.1, source.WBTC.1." in result.output
    assert "Poked: USDC, WETH, WBTC." in result.output
    assert "Checkpoints taken: none is due." in run(checkpoint.cli, *arguments).output


def test_account__deposit_trade_batch_withdraw(node: Node, tmp_path: Path) -> None:
    devnet = node.devnet
    owner = devnet.chain.accounts()[2]
    margin_account = MarginAccount(owner, 4)
    devnet.mint("USDC", owner, "1000")
    common = ("--network", node.network, "--manifest", node.manifest, "--account", "2", "--index", "4")

    def act(name: str, *arguments: str | Path) -> str:
        result = run(account.cli, name, *common, *arguments)
        assert result.exit_code == 0, result.output
        return result.output

    assert "1,000.000000 USDC" in act("deposit", "1000", "USDC")
    assert "WETH" in act("trade", "400", "USDC", "WETH")
    assert devnet.protocol.balance(margin_account, "USDC").human == Decimal(600)

    batch = tmp_path / "batch.toml"
    batch.write_text(
        '[[calls]]\nverb = "trade"\nsell = "USDC"\namount = 100\nbuy = "WBTC"\n'
        '[[calls]]\nverb = "withdraw"\nasset = "WETH"\namount = "all"\n'
        '[[calls]]\nverb = "transfer"\nasset = "USDC"\namount = "50.5"\ntarget = 5\n'
    )
    assert "The batch of 3 calls would be accepted now." in act("batch", "--dry-run", batch)
    assert devnet.protocol.balance(margin_account, "USDC").human == Decimal(600)
    assert "gas" in act("batch", batch)
    assert devnet.protocol.balance(margin_account, "USDC").human == Decimal("449.5")
    assert devnet.protocol.balance(MarginAccount(owner, 5), "USDC").human == Decimal("50.5")
    assert not devnet.protocol.balance(margin_account, "WETH")

    act("withdraw", "all", "USDC")
    assert not devnet.protocol.balance(margin_account, "USDC")
    assert "WBTC" in act("show")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("deposit", "ten", "USDC"), "USDC: 'ten' is no amount: write a number such as '10.5'"),
        (("deposit", "0.0000001", "USDC"), "USDC: 0.0000001 has more than 6 decimals"),
        (("deposit", "1", "DOGE"), "no asset 'DOGE': listed are USDC, WETH, WBTC"),
        (("withdraw", "1", "USDC"), "engine: insufficient balance - the balance is too small"),
        (("withdraw", "1", "USDC", "--to", "me"), "--to: 'me' is no address"),
        (("trade", "1", "USDC", "WETH", "--slippage", "2"), "slippage 2 is not in [0, 1)"),
        (("show", "--owner", "me"), "--owner: 'me' is no address"),
    ],
)
def test_account__malformed__one_line(node: Node, arguments: tuple[str, ...], expected: str) -> None:
    common = ("--network", node.network, "--manifest", node.manifest, "--account", "3")
    assert line_of(run(account.cli, arguments[0], *common, *arguments[1:])) == f"Error: {expected}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "calls: is missing"),
        ("calls = []", "calls: there are none"),
        ('[[calls]]\nverb = "steal"', "calls[0].verb: 'steal' is not one of deposit, withdraw, trade, transfer"),
        ('[[calls]]\nverb = "deposit"\nasset = "USDC"', "calls[0].amount: is missing"),
        (
            '[[calls]]\nverb = "deposit"\nasset = "USDC"\namount = "x"',
            "calls[0].amount: 'x' is no amount: write a number such as '10.5'",
        ),
        (
            '[[calls]]\nverb = "deposit"\nasset = "USDC"\namount = 1\ncolour = 2',
            "calls[0].colour: unknown field",
        ),
        (
            '[[calls]]\nverb = "deposit"\nasset = "DOGE"\namount = 1',
            "calls[0]: no asset 'DOGE': listed are USDC, WETH, WBTC",
        ),
        ("[[calls]", "is no TOML: "),
    ],
)
def test_account__batch_file_wrong__names_file_and_field(node: Node, tmp_path: Path, text: str, expected: str) -> None:
    path = tmp_path / "batch.toml"
    path.write_text(text)
    common = ("--network", node.network, "--manifest", node.manifest)
    assert line_of(run(account.cli, "batch", *common, path)).startswith(f"Error: {path}: {expected}")


def test_account__batch_as_json(node: Node, tmp_path: Path) -> None:
    path = tmp_path / "batch.json"
    path.write_text('{"calls": [{"verb": "deposit", "asset": "USDC", "amount": 1.5}]}')
    devnet = node.devnet
    devnet.protocol.by(devnet.maker).approve_if_needed("USDC", "1.5")
    result = run(account.cli, "batch", "--network", node.network, "--manifest", node.manifest, path)
    assert result.exit_code == 0, result.output
    assert devnet.protocol.balance(MarginAccount(devnet.maker), "USDC").human == Decimal("1.5")


# order and deleverage


def acting(node: Node, *arguments: str | Path, number: str = "3") -> Result:
    """Run a command of an account's owner."""
    *names, first = arguments[:2]
    common = ("--network", node.network, "--account", number, "--manifest", node.manifest)
    return run(account.cli, *names, first, *common, *arguments[2:])


def signed_order(node: Node, path: Path, *changed: str) -> Result:
    arguments = ("--trigger", "1800", *changed, "--out", path, "stop-loss", "2", "WETH", "USDC")
    return acting(node, "order", "sign", *arguments)


def test_order__signed_shown_placed_and_cancelled(node: Node, tmp_path: Path) -> None:
    path, protocol = tmp_path / "order.json", node.devnet.protocol
    owner = node.devnet.chain.accounts()[3]
    result = signed_order(node, path, "--allow", "500", "--days", "7")
    assert result.exit_code == 0, result.output
    assert "at or below $1,800.0000" in result.output
    assert "cannot be executed yet" not in result.output
    found = order_file.load(path)
    assert found.signed.signer(Domain.of(protocol.orders)) == owner
    grant = protocol.operator(MarginAccount(owner), protocol.orders.address)
    assert tuple(grant) == (1, found.signed.order.deadline, 121, 500 * 10**18)
    shown = run(account.cli, "order", "show", "--network", node.network, "--manifest", node.manifest, path)
    assert found.digest in shown.output
    assert "open" in shown.output
    assert f"Placed: {found.digest}" in acting(node, "order", "place", path, number="5").output
    assert protocol.orders.state_of(found.signed.order.as_tuple()).open
    assert f"Cancelled: {found.digest}" in acting(node, "order", "cancel", path).output
    assert not protocol.orders.state_of(found.signed.order.as_tuple()).open


@pytest.mark.parametrize(
    ("arguments", "kind", "watched", "trail"),
    [
        (("stop-loss", "1", "WETH", "USDC"), Kind.BELOW, "WETH", 0),
        (("--trail", "0.05", "stop-loss", "1", "WETH", "USDC"), Kind.TRAIL_BELOW, "WETH", 500),
        (("--short", "stop-loss", "1", "USDC", "WETH"), Kind.ABOVE, "WETH", 0),
        (("take-profit", "1", "WETH", "USDC"), Kind.ABOVE, "WETH", 0),
        (("--short", "take-profit", "1", "USDC", "WETH"), Kind.BELOW, "WETH", 0),
        (("--watch", "WBTC", "stop-loss", "1", "WETH", "USDC"), Kind.BELOW, "WBTC", 0),
    ],
)
def test_order_sign__every_kind(
    node: Node, tmp_path: Path, arguments: tuple[str, ...], kind: Kind, watched: str, trail: int
) -> None:
    path = tmp_path / "order.json"
    result = acting(node, "order", "sign", "--trigger", "1900", "--out", path, *arguments)
    assert result.exit_code == 0, result.output
    assert "cannot be executed yet" in result.output
    order = order_file.load(path).signed.order
    assert isinstance(order, Order)
    asset = node.devnet.protocol.asset(watched)
    assert (order.kind, order.watched, order.trail) == (kind, asset.token.address, trail)
    assert order.trigger == 1_900 * 10 ** (36 - asset.decimals)


def test_order_sign__trailing_without_a_trigger__starts_from_now(node: Node, tmp_path: Path) -> None:
    path = tmp_path / "order.json"
    acting(node, "order", "sign", "--trail", "0.1", "--out", path, "stop-loss", "1", "WETH", "USDC")
    order = order_file.load(path).signed.order
    assert isinstance(order, Order)
    assert order.trigger == node.devnet.protocol.price("WETH").raw_mid


def test_order_sign__allowed_before__keeps_what_others_need(node: Node, tmp_path: Path) -> None:
    protocol, owner = node.devnet.protocol, node.devnet.chain.accounts()[3]
    signed_order(node, tmp_path / "first.json", "--allow", "500", "--days", "90", "--max-slippage", "0.05")
    signed_order(node, tmp_path / "second.json", "--allow", "100", "--days", "7")
    grant = protocol.operator(MarginAccount(owner), protocol.orders.address)
    first = order_file.load(tmp_path / "first.json").signed.order
    assert tuple(grant) == (1, first.deadline, 521, 100 * 10**18)


def test_deleverage__set_and_cleared(node: Node, tmp_path: Path) -> None:
    path, protocol = tmp_path / "standing.json", node.devnet.protocol
    result = acting(node, "deleverage", "set", "--trigger", "1.5", "--target", "2", "--allow", "100", "--out", path)
    assert result.exit_code == 0, result.output
    assert "placed on chain" in result.output
    found = order_file.load(path)
    standing = found.signed.order
    assert isinstance(standing, Deleverage)
    assert (standing.trigger_ratio, standing.target_ratio) == (15 * 10**17, 2 * 10**18)
    assert protocol.orders.is_due(standing.as_tuple())[0]
    assert f"Cancelled: {found.digest}" in acting(node, "deleverage", "clear", found.digest).output
    assert not protocol.orders.is_due(standing.as_tuple())[0]


def test_order_cancel__group_and_everything(node: Node, tmp_path: Path) -> None:
    orders, path = node.devnet.protocol.orders, tmp_path / "order.json"
    signed_order(node, path, "--group", "7")
    order = order_file.load(path).signed.order.as_tuple()
    with node.devnet.chain.isolate():
        assert "Cancelled: every order of group 7." in acting(node, "order", "cancel", "--group", "7").output
        assert not orders.state_of(order).open
    assert "Cancelled: every order signed so far." in acting(node, "order", "cancel", "--all").output
    assert not orders.state_of(order).open
    signed_order(node, path)
    assert order_file.load(path).signed.order.epoch == 1


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--trigger", "0", "stop-loss", "1", "WETH", "USDC"), "--trigger: 0 is not positive"),
        (("--trigger", "x", "stop-loss", "1", "WETH", "USDC"), "--trigger: 'x' is no amount"),
        (("stop-loss", "1", "WETH", "USDC"), "--trigger: is missing"),
        (("--trail", "0.1", "take-profit", "1", "WETH", "USDC"), "--trail: a take-profit does not trail"),
        (("--trail", "1", "stop-loss", "1", "WETH", "USDC"), "orders: trail"),
        (("--trail", "0.00001", "stop-loss", "1", "WETH", "USDC"), "--trail: 0.00001 has more than 4 decimals"),
        (("--trigger", "1", "--fee", "0.2", "stop-loss", "1", "WETH", "USDC"), "orders: fee"),
        (("--trigger", "1", "--max-slippage", "0.3", "stop-loss", "1", "WETH", "USDC"), "orders: slippage"),
        (("--trigger", "1", "--allow", "-1", "stop-loss", "1", "WETH", "USDC"), "-1 is negative"),
        (("--trigger", "1", "--group", str(2**256), "stop-loss", "1", "WETH", "USDC"), "--group: does not fit"),
        (("--trigger", "1", "stop-loss", "0", "WETH", "USDC"), "orders: zero amount"),
        (("--trigger", "1", "stop-loss", "1", "DOGE", "USDC"), "no asset 'DOGE'"),
        (("--trigger", "1", "--watch", "DOGE", "stop-loss", "1", "WETH", "USDC"), "no asset 'DOGE'"),
        (("--trigger", "1", "stop-loss", "1", "WETH", "WETH"), "WETH for WETH: an order buys something else"),
    ],
)
def test_order_sign__malformed__one_line_and_no_file(
    node: Node, tmp_path: Path, arguments: tuple[str, ...], expected: str
) -> None:
    path = tmp_path / "order.json"
    result = acting(node, "order", "sign", "--out", path, *arguments)
    assert line_of(result).startswith(f"Error: {expected}")
    assert not path.exists()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--trigger", "2", "--target", "1.5"), "orders: ratios"),
        (("--fee", "0.02"), "orders: fee"),
        (("--max-cost", "0.3"), "orders: cost"),
        (("--trigger", "-1"), "--trigger: -1 is not positive"),
    ],
)
def test_deleverage_set__malformed__one_line_and_no_file(
    node: Node, tmp_path: Path, arguments: tuple[str, ...], expected: str
) -> None:
    path = tmp_path / "standing.json"
    assert line_of(acting(node, "deleverage", "set", "--out", path, *arguments)).startswith(f"Error: {expected}")
    assert not path.exists()


@pytest.mark.parametrize(
    "command", [("order", "show"), ("order", "place"), ("order", "cancel"), ("deleverage", "clear")]
)
def test_order__file_missing_damaged_or_foreign__one_line(node: Node, tmp_path: Path, command: tuple[str, str]) -> None:
    path = tmp_path / "order.json"
    named = ("--network", node.network, "--manifest", node.manifest, path)
    assert line_of(run(account.cli, *command, *named)) == f"Error: {path}: cannot be read: No such file or directory"
    path.write_text("[" * 10_000)
    assert line_of(run(account.cli, *command, *named)).startswith(f"Error: {path}: is no JSON: ")
    signed_order(node, path)
    path.write_text(path.read_text().replace('"chain_id": 31337', '"chain_id": 1'))
    assert line_of(run(account.cli, *command, *named)).startswith(f"Error: {path}: is for chain 1, 0x")


def test_order_show__deadline_beyond_the_calendar(node: Node, tmp_path: Path) -> None:
    path = tmp_path / "order.json"
    signed_order(node, path)
    found = order_file.load(path)
    endless = replace(found.signed.order, deadline=2**256 - 1)
    replace(found, signed=replace(found.signed, order=endless)).save(path)
    result = run(account.cli, "order", "show", "--network", node.network, "--manifest", node.manifest, path)
    assert result.exit_code == 0, result.output
    assert "for ever" in result.output


def test_order_cancel__of_another_owner__one_line(node: Node, tmp_path: Path) -> None:
    path = tmp_path / "order.json"
    signed_order(node, path)
    owner = node.devnet.chain.accounts()[3]
    expected = f"Error: {path}: is of an account of {owner}, who alone can cancel it"
    assert line_of(acting(node, "order", "cancel", path, number="4")) == expected


@pytest.mark.parametrize("arguments", [(), ("--all", "--group", "1"), ("--all", "file.json")])
def test_order_cancel__not_one_thing__usage(node: Node, arguments: tuple[str, ...]) -> None:
    result = acting(node, "order", "cancel", *arguments)
    assert result.exit_code == 2
    assert "give one of: a file or a digest, --group, --all" in result.stderr


# Through ape itself


def ape(*arguments: str) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("ape")
    return subprocess.run(
        [str(program), *arguments], cwd=home(), env=os.environ, capture_output=True, text=True, timeout=300, check=False
    )


def test_ape_run__unreachable_rpc__one_line_and_exit_code() -> None:
    done = ape("run", "account", "show", "--network", NOWHERE)
    assert done.returncode == 1
    assert done.stderr.startswith(f"Error: cannot connect to {NOWHERE}: ")
    assert len(done.stderr.strip().splitlines()) == 1


def test_ape_console__protocol_loaded() -> None:
    code = "print('loaded', list(protocol.assets), devnet.price('WETH'))"
    done = ape("console", "--network", EMBEDDED, "-c", code)
    assert "loaded ['USDC', 'WETH', 'WBTC'] 2000" in done.stdout, done.stdout + done.stderr
