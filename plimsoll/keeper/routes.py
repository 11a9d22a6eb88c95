"""How to trade one token for another: routes of the configuration first, then the deployment's vaults and markets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from plimsoll.errors import ConfigError, ManifestError
from plimsoll.keeper.config import RouteConfig
from plimsoll.manifest import Manifest
from plimsoll.protocol.routes import encode_path

SWAPPER = "swapper"
VAULT_SWAPPER = "vault_swapper"
VAULT_ORACLE = "VaultShareOracle"
VAULT, ASSET = 0, 1
"""Places of the vault and its asset among its constructor arguments."""


class MarketRoutes:
    """Routes by token address. Every pair's route is found once."""

    def __init__(self, manifest: Manifest, named: Iterable[RouteConfig] = ()) -> None:
        """Read the routes; ConfigError when one of them names an unknown asset, or there is no swapper for it."""
        self._manifest = manifest
        self._tokens = {symbol: asset.token for symbol, asset in manifest.assets.items()}
        self._symbols = {token: symbol for symbol, token in self._tokens.items()}
        self._found: dict[tuple[str, str], tuple[str, bytes] | None] = {}
        oracles = [each.arguments for each in manifest.contracts.values() if each.contract == VAULT_ORACLE]
        self._asset_of = {str(arguments[VAULT]): str(arguments[ASSET]) for arguments in oracles}
        for number, route in enumerate(named):
            self._add(route, number)

    def find(self, sell: str, buy: str) -> tuple[str, bytes] | None:
        """Return a swapper and its data for a pair of tokens; None when nothing connects them."""
        if (sell, buy) not in self._found:
            self._found[sell, buy] = self._search(sell, buy)
        return self._found[sell, buy]

    def vault_asset(self, token: str) -> str | None:
        """Return what shares of a vault are redeemed for; None for a token that is no vault, or without a swapper."""
        return self._asset_of.get(token) if VAULT_SWAPPER in self._manifest.contracts else None

    def _add(self, route: RouteConfig, number: int) -> None:
        for symbol in route.path:
            if symbol not in self._tokens:
                raise ConfigError(f"routes[{number}].path: no asset {symbol!r} is listed")
        try:
            swapper = route.swapper or self._manifest.address(SWAPPER)
        except ManifestError:
            raise ConfigError(f"routes[{number}].swapper: is missing, and the deployment has none") from None
        for path, fees in ((route.path, route.fees), (route.path[::-1], route.fees[::-1])):
            self._found[self._tokens[path[0]], self._tokens[path[-1]]] = (swapper, self._encode(path, fees))

    def _search(self, sell: str, buy: str) -> tuple[str, bytes] | None:
        """Return the vault's own way between its shares and its asset, else the route over the fewest markets."""
        if buy == self.vault_asset(sell) or sell == self.vault_asset(buy):
            return self._manifest.address(VAULT_SWAPPER), b""
        if sell not in self._symbols or buy not in self._symbols or SWAPPER not in self._manifest.contracts:
            return None
        source, target = self._symbols[sell], self._symbols[buy]
        paths: list[tuple[list[str], list[int]]] = [([source], [])]
        seen = {source}
        while paths:
            symbols, fees = paths.pop(0)
            if symbols[-1] == target:
                return self._manifest.address(SWAPPER), self._encode(symbols, fees)
            for market in self._manifest.markets:
                ends = (market.base, market.quote)
                if symbols[-1] not in ends:
                    continue
                other = ends[1 - ends.index(symbols[-1])]
                if other not in seen:
                    seen.add(other)
                    paths.append(([*symbols, other], [*fees, market.fee]))
        return None

    def _encode(self, symbols: Sequence[str], fees: Sequence[int]) -> bytes:
        return encode_path([self._tokens[symbol] for symbol in symbols], list(fees))
