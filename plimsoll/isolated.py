"""What the factory of long-tail listings would say of a token, check by check, before anybody calls it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from plimsoll.chain import ZERO_ADDRESS, Chain, Revert
from plimsoll.errors import from_reason
from plimsoll.listing_report import Check, Result, check_token, check_transfer, decimals_of
from plimsoll.protocol import Protocol
from plimsoll.risk.read import token_symbol
from plimsoll.risk.tables import money, rate
from plimsoll.risk.transfers import Received
from plimsoll.uniswap import POOL

FACTORY = "factory"
"""The factory's role in a manifest."""
MOST_DECIMALS = 18


class IsolatedListing:
    """A token that `sender` would list."""

    def __init__(self, protocol: Protocol, token: str, sender: str) -> None:
        self.chain: Chain = protocol.chain
        self.protocol = protocol
        self.token = token
        self.sender = sender
        deployed = protocol.manifest.contracts[FACTORY]
        self.factory: Any = self.chain.at(deployed.contract, deployed.address)

    @property
    def symbol(self) -> str:
        """What the token calls itself, without what could deceive; its address where it says nothing."""
        return token_symbol(self.chain, self.token, "").removesuffix("#0")

    def checks(self, received: Received | None = None) -> list[Check]:
        """Return the whole report; `received` simulates a transfer."""
        found = list(self._check_token())
        if not all(check.result is Result.HOLDS for check in found):
            return found
        market = None
        try:
            market = self.factory.best_market(self.token)
        except Revert as error:
            found.append(Check("market", Result.FAIL, str(error)))
        if market is not None:
            found += self._check_market(market)
            holders = [self.sender, market.pool]
            found += check_transfer(self.chain, self.token, holders, decimals_of(self.chain, self.token), received)
        found += self._check_terms()
        found += self._check_rehearsal()
        return found

    def _check_token(self) -> Iterator[Check]:
        decimals = yield from check_token(self.chain, self.token, "it")
        if decimals is None:
            return
        fits = decimals <= MOST_DECIMALS
        yield Check("token", Result.HOLDS if fits else Result.FAIL, f"{decimals} decimals, of at most {MOST_DECIMALS}")
        key = self.protocol.risk_engine.key_of(self.token)
        if key:
            yield Check("token", Result.FAIL, f"it is listed already, as {key:#x}")
        if self.factory.paused():
            yield Check("factory", Result.FAIL, "listings are paused")
        if self.protocol.risk_engine.lister() != self.factory.address:
            yield Check("factory", Result.FAIL, "the risk engine does not let the factory list")

    def _check_market(self, market: Any) -> Iterator[Check]:
        if market.pool == ZERO_ADDRESS:
            yield Check("market", Result.FAIL, "no Uniswap v3 pool of it and a quote asset has an hour's record")
            return
        pool: Any = self.chain.at(POOL, market.pool)
        symbols = {asset.token.address: asset.symbol for asset in self.protocol.assets.values()}
        quote = symbols.get(market.quote, market.quote)
        text = f"{market.pool}, against {quote} at {pool.fee() / 10_000} %, {pool.slot0()[3]} observations"
        yield Check("market", Result.HOLDS, text)
        least = self.factory.terms().least_depth
        deep = market.depth >= least
        text = f"2 % took {money(market.depth)} over the last hour, at least {money(least)}"
        yield Check("depth", Result.HOLDS if deep else Result.FAIL, text)

    def _check_terms(self) -> Iterator[Check]:
        terms = self.factory.terms()
        text = f"lends at most {money(terms.cap_value)}, maintenance margin from {rate(terms.floor)}"
        yield Check("terms", Result.HOLDS, text)
        offered = self.factory.feed_of(self.token).aggregator
        if offered == ZERO_ADDRESS:
            yield Check("feed", Result.NOTE, "the owner offers none: its market is its only source")
        else:
            yield Check("feed", Result.HOLDS, f"the owner offers {offered}")

    def _check_rehearsal(self) -> Iterator[Check]:
        try:
            data = self.factory.list_asset.encode(self.token)
            output = self.chain.simulate(self.factory, data, sender=self.sender)
        except Revert as error:
            yield Check("rehearsal", Result.FAIL, str(from_reason(error.reason, None, error.halt)))
            return
        yield Check("rehearsal", Result.HOLDS, f"the listing would go through, as {int.from_bytes(output, 'big'):#x}")
