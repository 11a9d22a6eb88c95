"""Does everything add up, to the raw unit? Checks that hold at any time, and those of a protocol that all have left.

Pool shares minted to starters of auctions, stakes in the reserve fund and dust of written-off accounts are in them.

Each check compares two whole numbers. Nothing here is approximate but the dust, which is bounded by the number of
operations: every operation rounds once, by less than one unit, against whoever makes it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from plimsoll.chain import Contract, address_of
from plimsoll.protocol import Asset, MarginAccount, Protocol


@dataclass(frozen=True, slots=True)
class Check:
    """One comparison about a `subject`: `found` must equal `expected`, or exceed it by `slack` at most."""

    subject: str
    name: str
    found: int
    expected: int
    slack: int = 0

    @property
    def holds(self) -> bool:
        """Whether it does."""
        return self.expected <= self.found <= self.expected + self.slack


def own_addresses(protocol: Protocol) -> dict[str, str]:
    """Return the protocol's contracts and markets by name: with the actors', these are all who may have tokens."""
    contracts = {
        role: deployed.address
        for role, deployed in protocol.manifest.contracts.items()
        if not role.startswith(("token.", "feed.", "source."))
    }
    markets = {f"market {market.base}/{market.quote}": market.pool for market in protocol.manifest.markets}
    return contracts | markets


def tokens_add_up(protocol: Protocol, holders: Mapping[str, str]) -> list[Check]:
    """Every token: what was minted is what the holders have, each address counted once."""
    addresses = set(holders.values())
    return [
        Check(
            asset.symbol,
            f"minted = {len(addresses)} balances",
            sum(asset.token.balanceOf(address) for address in addresses),
            asset.token.totalSupply(),
        )
        for asset in protocol.assets.values()
    ]


def vault_adds_up(protocol: Protocol, accounts: Sequence[MarginAccount]) -> list[Check]:
    """The engine: the accounts' balances sum to its tokens (nothing was donated)."""
    return [
        Check(
            asset.symbol,
            "accounts' balances = vault's tokens",
            sum(protocol.balance(account, asset).raw for account in accounts),
            asset.token.balanceOf(protocol.engine),
        )
        for asset in protocol.assets.values()
    ]


def pools_add_up(protocol: Protocol, accounts: Sequence[MarginAccount]) -> list[Check]:
    """The pools: ledgered cash is the token balance (nothing was donated), and the debts are the accounts'.

    Each debt is rounded up, so their sum exceeds the pool's total by at most one unit for each account.
    """
    checks = []
    for asset in protocol.assets.values():
        pool = asset.pool
        debts = sum(protocol.debt(account, asset).raw for account in accounts)
        checks += [
            Check(asset.symbol, "pool's cash = its tokens", asset.token.balanceOf(pool), pool.cash()),
            Check(asset.symbol, "pool's debt = accounts' debts", debts, pool.total_debt(), slack=len(accounts)),
        ]
    return checks


def claims_add_up(protocol: Protocol, lenders: Sequence[str], operations: dict[str, int]) -> list[Check]:
    """The pools of a protocol without debt: cash is what `lenders` and the reserve may claim, and some dust.

    The dust is at most one unit for each of the pool's `operations`, counted by asset.
    """
    checks = []
    for asset in protocol.assets.values():
        state = asset.pool.state()
        claims = sum(protocol.lent(lender, asset).raw for lender in lenders)
        checks.append(Check(asset.symbol, "no debt is left", state.total_debt, 0))
        checks.append(
            Check(
                asset.symbol,
                "claims and fee = pool's cash",
                state.cash,
                claims + state.unminted_fee,
                slack=operations.get(asset.symbol, 0),
            )
        )
    return checks


def shares_add_up(protocol: Protocol, holders: Sequence[str]) -> list[Check]:
    """The pools' shares: what was minted, to lenders, starters of auctions and the fund, is what `holders` have."""
    everybody = set(holders)
    return [
        Check(
            asset.symbol,
            "holders' shares = pool's shares",
            sum(asset.pool.balanceOf(holder) for holder in everybody),
            asset.pool.totalSupply(),
        )
        for asset in protocol.assets.values()
    ]


def fund_adds_up(protocol: Protocol, stakers: Sequence[str]) -> list[Check]:
    """The reserve fund: the stakes of `stakers` and its own are all stake, and are worth the pool shares it holds.

    A stake is rounded down when it is made and when it is valued, and one virtual share belongs to nobody: two units
    for each owner of stake, and one more, may be left over.
    """
    fund = protocol.reserve_fund
    owners = {*stakers, fund.address}
    checks = []
    for asset in protocol.assets.values():
        stakes = [fund.stake_of(asset.pool, owner) for owner in owners]
        worth = sum(fund.convert_to_shares(asset.pool, stake) for stake in stakes)
        held = asset.pool.balanceOf(fund)
        checks += [
            Check(asset.symbol, "all stake = owners' stakes", fund.total_stake(asset.pool), sum(stakes), len(owners)),
            Check(asset.symbol, "fund's shares = stakes' worth", held, worth, 2 * len(owners) + 1),
        ]
    return checks


def nothing_expected(protocol: Protocol) -> list[Check]:
    """No auction is open: no pool expects a loss."""
    return [
        Check(asset.symbol, "no provision is left", asset.pool.state().provisions, 0)
        for asset in protocol.assets.values()
    ]


def fund_accounts(protocol: Protocol) -> list[MarginAccount]:
    """Return the engine's accounts to which write-offs give the dust of an account."""
    fund = protocol.reserve_fund.address
    return [MarginAccount(fund, asset.key) for asset in protocol.assets.values()]


def accounts_empty(protocol: Protocol, accounts: Sequence[MarginAccount]) -> list[Check]:
    """Closed accounts hold and owe nothing, not a unit."""
    name = "holds and owes nothing"
    return [Check(str(account), name, protocol.engine.word_of(account.id), 0) for account in accounts]


def holds_nothing(asset: Asset, holder: str | Contract, name: str) -> Check:
    """Nothing of an asset is left at an address."""
    return Check(asset.symbol, f"nothing left at {name}", asset.token.balanceOf(address_of(holder)), 0)
