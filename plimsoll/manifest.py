"""What was deployed, as one JSON file: enough to find every contract again and to notice when it is another one.

    {"format": 1, "chain_id": ..., "network": ..., "block": ..., "deployer": ...,
     "contracts": {"engine": {"contract": "MarginEngine", "address": ..., "arguments": [...], "code_hash": ...}, ...},
     "assets": {"WETH": {"token": ..., "decimals": 18, "key": "0x2", "pool": ..., "isolated": false,
                         "sources": ["source.WETH.0", ...]}, ...},
     "markets": [{"base": "WETH", "quote": "USDC", "fee": 500, "pool": ...}, ...],
     "blueprints": {"LendingPool": {"address": ..., "code_hash": ...}, ...},
     "to_accept": ["engine", ...]}

`blueprints` are creation codes that the factory of listings uses (ERC-5202), by artifact.
`to_accept` are the roles whose ownership was offered and not accepted when the file was written.
Integers among the arguments are decimal text, since JSON readers of other languages lose digits beyond 2^53. A code
hash is the keccak of the runtime code, immutables included; it names neither an ABI nor a compiler.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from eth_utils.crypto import keccak

from plimsoll.chain import Chain, Contract
from plimsoll.errors import ManifestError
from plimsoll.fields import Bound, Table, parse_json, read_text

FORMAT = 1
ANY = Bound(0, 2**256 - 1)

Json: TypeAlias = "str | int | bool | list[Json] | dict[str, Json] | None"


@dataclass(frozen=True, slots=True)
class Deployed:
    """One contract: the artifact it was made from, its address, constructor arguments and hash of its code."""

    contract: str
    address: str
    arguments: list[Json]
    code_hash: str


@dataclass(frozen=True, slots=True)
class Blueprint:
    """Creation code that is stored for a factory: where, and the hash of what is there."""

    address: str
    code_hash: str


@dataclass(frozen=True, slots=True)
class ListedAsset:
    """An asset of the protocol: addresses, decimals, its key in the risk engine (hex), its sources in order."""

    token: str
    decimals: int
    key: str
    pool: str
    isolated: bool
    sources: list[str]


@dataclass(frozen=True, slots=True)
class Market:
    """A Uniswap v3 pool of two listed assets, `fee` in hundredths of a basis point."""

    base: str
    quote: str
    fee: int
    pool: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """A deployment; see the module's docstring for the file."""

    chain_id: int
    network: str
    block: int
    deployer: str
    contracts: dict[str, Deployed] = field(default_factory=dict)
    assets: dict[str, ListedAsset] = field(default_factory=dict)
    markets: list[Market] = field(default_factory=list)
    blueprints: dict[str, Blueprint] = field(default_factory=dict)
    to_accept: list[str] = field(default_factory=list)

    def address(self, role: str) -> str:
        """Return the address of the contract in this role ("engine", "pool.WETH"); ManifestError if there is none."""
        if role not in self.contracts:
            raise ManifestError(f"the manifest has no contract in the role {role!r}")
        return self.contracts[role].address

    def save(self, path: Path) -> None:
        """Write the file; a reader sees the old one or the new one, never a part."""
        text = json.dumps({"format": FORMAT, **asdict(self)}, indent=2) + "\n"
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "w") as file:
                file.write(text)
            Path(temporary).chmod(0o644)
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise

    def check(self, chain: Chain) -> None:
        """Raise ManifestError unless `chain` is the one deployed on and every contract's code is the one deployed."""
        if chain.chain_id != self.chain_id:
            raise ManifestError(f"the manifest is of chain {self.chain_id}, but {chain.name} is chain {chain.chain_id}")
        known: list[tuple[str, Deployed | Blueprint]] = [*self.contracts.items()]
        known += [(f"blueprint of {name}", blueprint) for name, blueprint in self.blueprints.items()]
        for role, deployed in known:
            code = chain.code(deployed.address)
            if not code:
                where = f"{role}: no code at {deployed.address} on {chain.name}"
                raise ManifestError(f"{where}: it is not the chain deployed on, or was restarted")
            found = code_hash(code)
            if found != deployed.code_hash:
                where = f"{role}: the code at {deployed.address}"
                raise ManifestError(f"{where} has the hash {found}, the manifest says {deployed.code_hash}")


def code_hash(code: bytes) -> str:
    """Return the keccak of runtime code, in hex."""
    return f"0x{keccak(code).hex()}"


def plain(value: Any) -> Json:
    """Return a constructor argument as the manifest stores it."""
    if isinstance(value, Contract):
        return value.address
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return str(value)
    if isinstance(value, bytes):
        return f"0x{value.hex()}"
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, Sequence):
        return [plain(item) for item in value]
    raise TypeError(f"{value!r} is no constructor argument")


def load(path: Path) -> Manifest:
    """Read a manifest; ManifestError, one line, when the file is missing, damaged or of another format."""
    if not path.exists():
        raise ManifestError(f"{path}: there is no manifest: deploy first, or name another one")
    try:
        root = parse_json(read_text(path, ManifestError), ManifestError)
        return _parse(root)
    except ManifestError as error:
        text = str(error)
        raise ManifestError(text if text.startswith(str(path)) else f"{path}: {text}") from None


def _parse(root: Table) -> Manifest:
    found = root.whole("format", ANY)
    if found != FORMAT:
        raise ManifestError(f"format: {found} is not {FORMAT}, the one this version reads")
    return root.done(
        Manifest(
            chain_id=root.whole("chain_id", ANY),
            network=root.text("network", 256),
            block=root.whole("block", ANY),
            deployer=root.address("deployer"),
            contracts={role: _deployed(table) for role, table in root.table("contracts").tables()},
            assets={symbol: _listed(table) for symbol, table in root.table("assets").tables()},
            markets=[_market(table) for table in root.table_list("markets")],
            blueprints=_blueprints(root.table("blueprints")) if root.has("blueprints") else {},
            to_accept=root.texts("to_accept") if root.has("to_accept") else [],
        )
    )


def _deployed(table: Table) -> Deployed:
    return table.done(
        Deployed(
            contract=table.text("contract", 128),
            address=table.address("address"),
            arguments=table.items("arguments"),
            code_hash=table.text("code_hash", 66),
        )
    )


def _blueprints(table: Table) -> dict[str, Blueprint]:
    return {
        name: entry.done(Blueprint(entry.address("address"), entry.text("code_hash", 66)))
        for name, entry in table.tables()
    }


def _listed(table: Table) -> ListedAsset:
    return table.done(
        ListedAsset(
            token=table.address("token"),
            decimals=table.whole("decimals", Bound(0, 18)),
            key=_key(table),
            pool=table.address("pool"),
            isolated=table.flag("isolated"),
            sources=table.texts("sources"),
        )
    )


def _key(table: Table) -> str:
    key = table.text("key")
    try:
        int(key, 16)
    except ValueError:
        raise ManifestError(f"{table.at('key')}: {key!r} is no number in hex") from None
    return key


def _market(table: Table) -> Market:
    return table.done(
        Market(
            base=table.text("base"),
            quote=table.text("quote"),
            fee=table.whole("fee", ANY),
            pool=table.address("pool"),
        )
    )
