"""What the chain has to say before anything is sent."""

from __future__ import annotations

from collections.abc import Iterator

from plimsoll.chain import ZERO_ADDRESS, Chain, Revert
from plimsoll.config import AssetConfig, Config, FeedConfig, TwapConfig, VaultConfig
from plimsoll.deploy.work import market_pool
from plimsoll.errors import ChainError, ConfigError


def preflight(chain: Chain, config: Config, sender: str) -> None:
    """Raise before anything is sent when the configuration cannot be deployed on this chain by this sender."""
    expected = config.protocol.chain_id
    if expected not in (None, chain.chain_id):
        raise ChainError(f"{chain.name} is chain {chain.chain_id}, but protocol.chain_id is {expected}")
    for where, address in _addresses(config):
        if address is None:
            raise ConfigError(f"{where}: is missing: only a devnet deploys it")
        if not chain.is_contract(address):
            raise ConfigError(f"{where}: there is no contract at {address} on chain {chain.chain_id}")
    for asset in config.assets:
        if asset.shares_of is None:
            _check_token(chain, asset)
        for i, source in enumerate(asset.sources):
            if isinstance(source, VaultConfig) and asset.shares_of is None:
                _check_vault(chain, config, asset, source, f"assets.{asset.symbol}.sources[{i}]")
            if isinstance(source, TwapConfig) and market_pool(chain, config, asset, source) == ZERO_ADDRESS:
                pair = f"{asset.symbol} and {source.quote} with the fee {source.fee}"
                raise ConfigError(f"assets.{asset.symbol}.sources[{i}].fee: Uniswap has no pool of {pair}")
    if chain.balance(sender) == 0:
        raise ChainError(f"{sender} has no ether on chain {chain.chain_id} ({chain.name}) to pay for gas")


def _addresses(config: Config) -> Iterator[tuple[str, str | None]]:
    yield "uniswap.factory", config.uniswap.factory if config.uniswap else None
    if config.protocol.sequencer != ZERO_ADDRESS:
        yield "protocol.sequencer", config.protocol.sequencer
    for asset in config.assets:
        if asset.shares_of is None:
            yield f"assets.{asset.symbol}.token", asset.token
        if asset.gate is not None:
            yield f"assets.{asset.symbol}.gate", asset.gate
        for i, source in enumerate(asset.sources):
            if isinstance(source, FeedConfig):
                yield f"assets.{asset.symbol}.sources[{i}].aggregator", source.aggregator
                if source.sequencer != ZERO_ADDRESS:
                    yield f"assets.{asset.symbol}.sources[{i}].sequencer", source.sequencer


def _check_token(chain: Chain, asset: AssetConfig) -> None:
    where = f"assets.{asset.symbol}.decimals"
    try:
        decimals = chain.at("MockERC20", str(asset.token)).decimals()
    except Revert:
        raise ConfigError(f"assets.{asset.symbol}.token: {asset.token} does not say its decimals") from None
    if decimals != asset.decimals:
        raise ConfigError(f"{where}: {asset.decimals}, but the token at {asset.token} has {decimals}")


def _check_vault(chain: Chain, config: Config, asset: AssetConfig, source: VaultConfig, where: str) -> None:
    underlying = config.asset(source.asset)
    try:
        held = chain.at("MockVault", str(asset.token)).asset()
    except Revert:
        raise ConfigError(f"assets.{asset.symbol}.token: {asset.token} is no vault: it names no asset") from None
    if underlying.shares_of is None and held != underlying.token:
        raise ConfigError(f"{where}.asset: {source.asset}, but the vault at {asset.token} is of the token {held}")
