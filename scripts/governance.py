"""Read the timelock's queue and act on it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import click
from rich.console import Console

from plimsoll.chain import Chain
from plimsoll.commands import (
    account_option,
    connected,
    load_manifest,
    manifest_option,
    manifest_path,
    network_option,
    one_line,
    watching,
)
from plimsoll.errors import PlimsollError
from plimsoll.governance import NOTHING, Governance, Operation, State, moment, not_accepted
from plimsoll.screen import make_console, say

id_argument = click.argument("operation", metavar="ID")


@click.group()
def cli() -> None:
    """See what waits in the timelock, in words; schedule, execute what is due, cancel; take over a new deployment.

    ID is an operation's id, or as much of its beginning as no other id shares.
    """


@cli.command()
@network_option()
@manifest_option
@click.option("--all", "everything", is_flag=True, help="Also what was executed or cancelled.")
@one_line
def queue(network: str, manifest_path: Path | None, everything: bool) -> None:
    """List what waits or is due, the earliest first, every call in words."""
    console = make_console()
    with watching(network) as chain:
        rule = load(chain, manifest_path)
        operations = rule.operations() if everything else rule.queue()
        for operation in operations:
            tell(console, rule, operation)
        if not operations:
            console.print("Nothing was ever scheduled." if everything else "Nothing is queued.")


@cli.command()
@network_option()
@manifest_option
@id_argument
@one_line
def show(network: str, manifest_path: Path | None, operation: str) -> None:
    """Show one operation: its calls, also as raw data, and what it needs."""
    console = make_console()
    with watching(network) as chain:
        rule = load(chain, manifest_path)
        found = rule.find(operation)
        tell(console, rule, found)
        say(console, f"  delay {found.delay} s, {'a batch' if found.is_batch else 'a single call'}")
        if found.predecessor != NOTHING:
            say(console, f"  after 0x{found.predecessor.hex()}")
        if found.salt != NOTHING:
            say(console, f"  salt 0x{found.salt.hex()}")
        for call in found.calls:
            say(console, f"  {call.target} value {call.amount} data 0x{call.payload.hex()}")


@cli.command()
@network_option()
@account_option
@manifest_option
@click.option("--delay", type=click.IntRange(0), help="Seconds to wait; the timelock's minimum unless given.")
@click.option("--dry-run", is_flag=True, help="Say what would be scheduled, with the data to send; send nothing.")
@click.argument("role")
@click.argument("function")
@click.argument("arguments", nargs=-1)
@one_line
def schedule(
    network: str,
    account: str | None,
    manifest_path: Path | None,
    delay: int | None,
    dry_run: bool,
    role: str,
    function: str,
    arguments: tuple[str, ...],
) -> None:
    """Schedule a call of FUNCTION of the contract in ROLE. The timelock's owner may.

    ARGUMENTS are JSON: 0.08e18 is a number, [..] a list or a struct by position, {..} a struct by name; an address or
    the name of a role may stand without quotes. Python schedules batches: see plimsoll.governance.
    """
    console = make_console()
    with connected(network, account) as (chain, sender):
        rule = load(chain, manifest_path)
        call = rule.call(role, function, *(rule.value(argument) for argument in arguments))
        if dry_run:
            id_, scheduling = rule.scheduling([call], delay=delay)
            say(console, f"Would schedule 0x{id_.hex()}:")
            say(console, f"  {rule.describe(call)}")
            say(console, f"  {rule.timelock.owner()} sends to {scheduling.target}: 0x{scheduling.payload.hex()}")
            return
        tell(console, rule, rule.schedule([call], sender, delay=delay))


@cli.command()
@network_option()
@account_option
@manifest_option
@id_argument
@one_line
def execute(network: str, account: str | None, manifest_path: Path | None, operation: str) -> None:
    """Execute an operation that is due. Anybody may."""
    console = make_console()
    with acting_on(network, account, manifest_path, operation) as (rule, found, sender):
        if found.state is State.WAITING:
            raise PlimsollError(f"{found.name} is not due before {moment(found.ready_at)}")
        _require(found, State.READY)
        receipt = rule.execute(found, sender)
        say(console, f"Executed {found.name}, {receipt.gas_used} gas:")
        calls(console, rule, found)


@cli.command()
@network_option()
@account_option
@manifest_option
@id_argument
@one_line
def cancel(network: str, account: str | None, manifest_path: Path | None, operation: str) -> None:
    """Cancel a queued operation. The timelock's owner and the guardian may."""
    console = make_console()
    with acting_on(network, account, manifest_path, operation) as (rule, found, sender):
        _require(found, State.WAITING, State.READY)
        rule.cancel(found, sender)
        say(console, f"Cancelled {found.name}:")
        calls(console, rule, found)


@cli.command()
@network_option()
@account_option
@manifest_option
@one_line
def accept(network: str, account: str | None, manifest_path: Path | None) -> None:
    """Have the timelock accept the ownerships that a deployment offered it.

    Its admin's call queues the acceptance, anybody's call executes it once it is due; on a local chain one call does
    both. The manifest is written again, with what is still to be accepted.
    """
    console = make_console()
    with connected(network, account) as (chain, sender):
        rule = load(chain, manifest_path)
        left = rule.accept(sender)
        save(chain, manifest_path)
        if not left:
            console.print("The timelock owns everything.")
            return
        say(console, f"Still to be accepted by the timelock: {', '.join(left)}.")
        waiting = rule.acceptances()
        for operation in waiting:
            tell(console, rule, operation)
        if not waiting:
            say(console, f"Nothing is queued: {rule.timelock.owner()} has to run this command.")


@contextmanager
def acting_on(
    network: str, account: str | None, named: Path | None, operation: str
) -> Iterator[tuple[Governance, Operation, str]]:
    """Connect to act on an operation: yield the timelock, what is known of the operation, and who sends."""
    with connected(network, account) as (chain, sender):
        rule = load(chain, named)
        yield rule, rule.find(operation), sender


def load(chain: Chain, named: Path | None) -> Governance:
    """Return the timelock of a chain's deployment, whose code is the manifest's."""
    manifest = load_manifest(chain, named)
    manifest.check(chain)
    return Governance(chain, manifest)


def save(chain: Chain, named: Path | None) -> None:
    """Write down which ownerships are still to be accepted."""
    manifest = load_manifest(chain, named)
    replace(manifest, to_accept=not_accepted(chain, manifest)).save(manifest_path(chain, named))


def tell(console: Console, rule: Governance, operation: Operation) -> None:
    """Print an operation and its calls."""
    due = {State.WAITING: f"due {moment(operation.ready_at)}", State.READY: f"due since {moment(operation.ready_at)}"}
    say(console, f"{operation.name}  {due.get(operation.state, operation.state.value)}")
    calls(console, rule, operation)


def calls(console: Console, rule: Governance, operation: Operation) -> None:
    """Print an operation's calls, one a line."""
    for line in rule.lines(operation):
        say(console, f"  {line}")


def _require(operation: Operation, *states: State) -> None:
    if operation.state not in states:
        raise PlimsollError(f"{operation.name} was {operation.state.value} already")
