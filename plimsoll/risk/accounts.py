"""Every account of a deployment: from an index of its events that is kept in a file, or from the chain's own views.

The index is the keeper's (`plimsoll.keeper.books`): it needs a node's address, reads what is new since the last time,
and stands reorganisations. Where there is no node, as on the chain in this process, the events that the chain object
remembers say which accounts there are, and the contracts what each has: one call per account and asset.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from plimsoll.chain import Chain
from plimsoll.errors import PlimsollError
from plimsoll.keeper.books import Books, Deployment
from plimsoll.keeper.clock import SystemClock
from plimsoll.keeper.node import Node
from plimsoll.keeper.rpc import Rpc
from plimsoll.keeper.state import AccountState
from plimsoll.keeper.transport import open_transport
from plimsoll.manifest import Manifest
from plimsoll.model import account_word, exposure
from plimsoll.protocol import Protocol

Progress = Callable[[int, int], None]

_ACCOUNTS = {
    "Deposited": ("account",),
    "Withdrawn": ("account",),
    "Traded": ("account",),
    "Transferred": ("source", "target"),
    "Taken": ("account", "target"),
    "Collected": ("account",),
}
"""The engine's events that may change a balance or a debt, and the arguments that are accounts."""
_ATTEMPTS = 5


@contextmanager
def node_at(url: str, chain_id: int) -> Iterator[Node]:
    """Yield the node at an address, closed at the end."""
    clock = SystemClock()
    node = Node(Rpc([open_transport(url, clock)], clock, chain_id=chain_id))
    try:
        yield node
    finally:
        node.rpc.close()


def index_beside(manifest: Path) -> Path:
    """Return where the index of a deployment's accounts is: beside its manifest."""
    return manifest.with_suffix(".accounts.sqlite")


def every_account(
    protocol: Protocol, url: str | None, path: Path, progress: Progress | None = None
) -> Mapping[int, AccountState]:
    """Return every account that has anything: by the index in a file where there is a node, else by views."""
    if url is None:
        return viewed(protocol)
    with node_at(url, protocol.chain.chain_id) as node:
        return indexed(protocol.manifest, node, path, progress)[0]


def indexed(
    manifest: Manifest, node: Node, path: Path, progress: Progress | None = None
) -> tuple[Mapping[int, AccountState], int]:
    """Return every account that has anything, and the block of it; the index in the file is brought up to date."""
    with closing(Books.open(path, Deployment.of(manifest), node, progress=progress)) as books:
        for _ in range(_ATTEMPTS):
            if books.sync().complete:
                break
        else:
            raise PlimsollError("the node's answers do not fit together: ask again")
        assert books.tip is not None, "books that were synced"
        return dict(books.state.accounts.items()), books.tip.number


def viewed(protocol: Protocol) -> Mapping[int, AccountState]:
    """Return every account that has anything, by the chain's events and the contracts' views."""
    chain: Chain = protocol.chain
    known: set[int] = set()
    for event in chain.events_of(protocol.engine, protocol.manifest.block):
        for argument in _ACCOUNTS.get(event.name, ()):
            known.add(event.args[argument])
    fund = int(protocol.reserve_fund.address, 16)
    pools: dict[int, str] = {}
    found: dict[int, AccountState] = {}
    for event in chain.events_of(protocol.engine, protocol.manifest.block):
        if event.name == "AssetAdded":
            pools[event.args["key"]] = event.args["pool"]
            known.add(account_word.account(fund, event.args["key"]))
    for account in sorted(known):
        held: dict[int, int] = {}
        owed: dict[int, int] = {}
        for key, is_debt, amount in map(exposure.unpack, protocol.engine.exposures(account)):
            if is_debt:
                owed[key] = chain.at("LendingPool", pools[key]).debt_shares_of(account)
            else:
                held[key] = amount
        if held or owed:
            found[account] = AccountState(held, owed)
    return found
