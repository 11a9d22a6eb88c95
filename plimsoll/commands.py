"""What the commands in `scripts/` share: their options, their connection to a chain, and errors as one line.

A command's own text goes to stdout. What goes wrong is one line on stderr and exit code 1; wrong usage is exit code 2.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import ape
import click

from plimsoll import manifest as manifests
from plimsoll.artifacts import ArtifactError, home
from plimsoll.chain import Chain, Revert
from plimsoll.chain.ape_chain import ApeChain
from plimsoll.errors import ChainError, PlimsollError, from_reason
from plimsoll.manifest import Manifest
from plimsoll.protocol import Protocol

Function = TypeVar("Function", bound=Callable[..., Any])

ANVIL = "ethereum:local:foundry"
DEPLOYMENTS = "deployments"


def network_option(default: str | None = None) -> Callable[[Function], Function]:
    """Return ape's network option; required where there is no default."""
    return click.option(
        "--network",
        metavar="CHOICE",
        default=default,
        required=default is None,
        show_default=default is not None,
        help="ape's network choice, such as ethereum:mainnet:node or ethereum:local:http://127.0.0.1:8545.",
    )


def account_option(function: Function) -> Function:
    """Add the option that says who sends."""
    return click.option(
        "--account",
        metavar="ALIAS",
        help="Who sends: an alias of `ape accounts list`; on a local chain the number of a test account (default 0).",
    )(function)


def manifest_option(function: Function) -> Function:
    """Add the option that names the deployment."""
    return click.option(
        "--manifest",
        "manifest_path",
        type=click.Path(path_type=Path),
        help=f"The deployment's manifest; {DEPLOYMENTS}/<chain id>.json unless given.",
    )(function)


def one_line(function: Function) -> Function:
    """Turn every error meant for the person at the keyboard into one line and exit code 1."""

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except (PlimsollError, ArtifactError) as error:
            raise click.ClickException(" ".join(str(error).split())) from error
        except Revert as error:
            raise click.ClickException(str(from_reason(error.reason, None, error.halt))) from error

    return wrapped  # type: ignore[return-value]


@contextmanager
def connected(network: str, account: str | None) -> Iterator[tuple[ApeChain, str]]:
    """Connect and yield the chain and who sends; ChainError when one of them cannot be had."""
    aliases = [account] if account and not account.isdigit() else []
    with ApeChain.connect(network, aliases) as chain:
        yield chain, sender_of(chain, account)


@contextmanager
def watching(network: str) -> Iterator[ApeChain]:
    """Connect to look only."""
    with ApeChain.connect(network) as chain:
        yield chain


def sender_of(chain: Chain, account: str | None) -> str:
    """Return the address that sends: the named alias, or a test account by number."""
    accounts = chain.accounts()
    if account is None or account.isdigit():
        number = int(account or 0)
        if not chain.is_local:
            raise ChainError(f"{chain.name} is no local chain: name one of your accounts with --account")
        if number >= len(accounts):
            raise ChainError(f"--account {number}: there are {len(accounts)} test accounts, counted from 0")
        return accounts[number]
    return accounts[-1]


def node_url() -> str | None:
    """Return where the connected node listens; None where there is no node."""
    found = getattr(ape.networks.active_provider, "http_uri", None)
    return str(found) if found else None


def rpc_url() -> str:
    """Return where the connected node listens; a word where it does not."""
    return node_url() or "this process"


def manifest_path(chain: Chain, named: Path | None) -> Path:
    """Return where the manifest of a chain's deployment is."""
    return named or home() / DEPLOYMENTS / f"{chain.chain_id}.json"


def load_manifest(chain: Chain, named: Path | None) -> Manifest:
    """Return a chain's manifest; ManifestError, one line, when there is none."""
    return manifests.load(manifest_path(chain, named))


def load_protocol(chain: Chain, named: Path | None) -> Protocol:
    """Return the protocol deployed on a chain; ManifestError when it is not there."""
    return Protocol(chain, load_manifest(chain, named))
