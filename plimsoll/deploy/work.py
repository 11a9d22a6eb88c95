"""A deployment under way: the contracts there are by role, and what each was made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from plimsoll import governance
from plimsoll.chain import Chain, Contract
from plimsoll.config import DEPLOYER, TIMELOCK, AssetConfig, Config, TwapConfig
from plimsoll.errors import ConfigError, DeployError, ManifestError
from plimsoll.manifest import Blueprint, Deployed, ListedAsset, Manifest, Market, code_hash, plain

UNISWAP_FACTORY = "@uniswap/v3-core:UniswapV3Factory"


class Work:
    """A deployment under way: the contracts there are, by role."""

    def __init__(self, chain: Chain, config: Config, sender: str, begun: Manifest | None) -> None:
        self.chain = chain
        self.config = config
        self.sender = sender
        self._contracts: dict[str, Contract] = {}
        self._base = begun or Manifest(chain.chain_id, chain.name, chain.block_number(), sender)
        self._records = dict(self._base.contracts)
        self.blueprints = dict(self._base.blueprints)
        if begun is not None:
            begun.check(chain)
            if begun.deployer != sender:
                raise ManifestError(f"the deployment was begun by {begun.deployer}, not by {sender}")
            for role, deployed in begun.contracts.items():
                self._contracts[role] = chain.at(deployed.contract, deployed.address)

    @property
    def guardian(self) -> str:
        """The guardian's address."""
        return self._person(self.config.protocol.guardian)

    @property
    def admin(self) -> str:
        """Who drives the timelock."""
        return self._person(self.config.protocol.admin)

    @property
    def owner(self) -> str:
        """Who owns everything in the end."""
        owner = self.config.protocol.owner
        return self.at("timelock").address if owner == TIMELOCK else self._person(owner)

    def token(self, asset: AssetConfig) -> str:
        """Return an asset's token: what the configuration names, or the pool whose shares it is."""
        if asset.shares_of is None:
            return str(asset.token)
        return self.at(pool_role(self.config.asset(asset.shares_of))).address

    def at(self, role: str) -> Contract:
        """Return the contract in a role; DeployError when it is not there yet."""
        if role not in self._contracts:
            raise DeployError(f"{role} is needed before it is deployed")
        return self._contracts[role]

    def auction_address(self) -> str:
        """Return where the engine's auction is, or will be."""
        if "engine" in self._contracts:
            return str(self.at("engine").auction())
        return self.chain.next_address(self.sender, ahead=1)

    def deploy_at(self, address: str, role: str, name: str, engine: Contract, *args: Any) -> None:
        """Deploy the contract that `engine` knows at `address`; one that is there already is taken over.

        DeployError where it would have another address, or what is there does not know the engine.
        """
        if role not in self._records and self.chain.is_contract(address):
            self._record(role, name, self.chain.at(name, address), (engine, *args))
        elif role not in self._records and self.chain.next_address(self.sender) != address:
            elsewhere = f"the engine's {role} has to be at {address}, but {self.sender} would deploy the next contract"
            raise DeployError(f"{elsewhere} at {self.chain.next_address(self.sender)}: begin anew")
        self.deploy(role, name, engine, *args)
        if self.at(role).address != address or self.at(role).margin_engine() != engine.address:
            strangers = f"the {role} at {self.at(role).address} and the engine do not know each other"
            raise DeployError(f"{strangers}: begin anew")

    def deploy(self, role: str, name: str, *args: Any) -> None:
        """Deploy a contract unless the deployment that was begun has it with the same arguments."""
        arguments = [plain(arg) for arg in args]
        known = self._records.get(role)
        if known is not None:
            if (known.contract, known.arguments) != (name, arguments):
                raise DeployError(f"{role} was deployed with other arguments: {known.contract}{known.arguments}")
            return
        self._record(role, name, self.chain.deploy(name, *args, sender=self.sender), args)

    def store_blueprint(self, name: str) -> None:
        """Store a contract's creation code unless the deployment that was begun has it."""
        if name not in self.blueprints:
            address = self.chain.deploy_blueprint(name, self.sender)
            self.blueprints[name] = Blueprint(address, code_hash(self.chain.code(address)))

    def _record(self, role: str, name: str, contract: Contract, args: Sequence[Any]) -> None:
        hashed = code_hash(self.chain.code(contract.address))
        self._contracts[role] = contract
        self._records[role] = Deployed(name, contract.address, [plain(arg) for arg in args], hashed)

    def manifest(self) -> Manifest:
        """Return what has been deployed so far."""
        listed = [asset for asset in self.config.assets if pool_role(asset) in self._contracts]
        reached = replace(self._base, contracts=dict(self._records), blueprints=dict(self.blueprints))
        return replace(
            reached,
            to_accept=[] if self.config.protocol.owner == DEPLOYER else governance.not_accepted(self.chain, reached),
            assets={asset.symbol: self._listed(asset) for asset in listed},
            markets=[
                Market(
                    market.base,
                    market.quote,
                    market.fee,
                    uniswap_pool(
                        self.chain,
                        self.config,
                        str(self.config.asset(market.base).token),
                        str(self.config.asset(market.quote).token),
                        market.fee,
                    ),
                )
                for market in self.config.markets
            ],
        )

    def _listed(self, asset: AssetConfig) -> ListedAsset:
        return ListedAsset(
            token=self.token(asset),
            decimals=asset.decimals,
            key=hex(self.at("risk_engine").key_of(self.token(asset))),
            pool=self.at(pool_role(asset)).address,
            isolated=asset.isolated,
            sources=[
                source_role(asset, i) for i in range(len(asset.sources)) if source_role(asset, i) in self._contracts
            ],
        )

    def _person(self, configured: str) -> str:
        return self.sender if configured == DEPLOYER else configured


def market_pool(chain: Chain, config: Config, asset: AssetConfig, source: TwapConfig) -> str:
    """Return the address of the Uniswap pool over which a source takes its mean."""
    return uniswap_pool(chain, config, str(asset.token), str(config.asset(source.quote).token), source.fee)


def uniswap_pool(chain: Chain, config: Config, token: str, other: str, fee: int) -> str:
    """Return the address of a Uniswap pool; the zero address where there is none."""
    pool: str = chain.at(UNISWAP_FACTORY, uniswap_factory(config)).getPool(token, other, fee)
    return pool


def uniswap_factory(config: Config) -> str:
    """Return the address of Uniswap's factory."""
    if config.uniswap is None:
        raise ConfigError("uniswap.factory: is missing: only a devnet deploys it")
    return config.uniswap.factory


def pool_role(asset: AssetConfig) -> str:
    """Return the role of an asset's pool."""
    return f"pool.{asset.symbol}"


def source_role(asset: AssetConfig, index: int) -> str:
    """Return the role of one of an asset's sources."""
    return f"source.{asset.symbol}.{index}"


def depth_role(asset: AssetConfig) -> str:
    """Return the role of the contract that measures the depth of an asset's market."""
    return f"depth.{asset.symbol}"
