"""The real protocol over settable prices, for tests: deployed in one call, with verbs that take whole tokens.

    world = deploy_world(chain)
    world.lend("USDC", 1_000_000)
    account = world.open_position("trader", 1, collateral=("WETH", 10), sell="USDC", amount=20_000, buy="WETH")

or step by step

    account = world.account("trader", 1)
    world.deposit(account, "WETH", 10)
    world.open(account, sell="USDC", amount=20_000, buy="WETH")        # borrows USDC, buys WETH at the oracle price
    world.set_price("WETH", 1_900)

Amounts are in whole tokens and may be Fractions; `raw` converts. Prices are dollars per whole token. The swapper trades
at the prices last set, exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

from plimsoll.chain import ZERO_ADDRESS, Chain, Contract, Receipt
from plimsoll.model import account_word, risk_engine

WAD = 10**18
DAY = 86_400
FOREVER = 2**40 - 1
CAP = 10**9

INITIAL_RATIO = 12 * WAD // 10
NOTICE = DAY
WIDE_DELAY = 2 * 3_600
MIN_DEBT = 100 * WAD
AUCTION = (600, 7_200, 2 * WAD, -WAD // 10, WAD // 2, WAD // 10, WAD // 10, WAD // 100, WAD // 5)
"""ILiquidationAuction.Parameters: tau, tail, kappa, start level, shares of target, starter and fund, penalties."""
PRICE_PARAMETERS = (1, 2 * WAD // 100, 0, 0, WAD // 100)
MARGIN = (5 * WAD // 100, 40 * WAD // 100, 10**6, 10**12, WAD // 10)
RATES = (9 * WAD // 10, 4 * WAD, 50 * WAD, WAD // 1_000, 2 * WAD)
RATE_AT_TARGET = 4 * WAD // 100
RESERVE_FACTOR = WAD // 10
FLASH_FEE = 5 * WAD // 10_000

TOKENS: tuple[tuple[str, str, int, int, bool], ...] = (
    ("USDC", "MockERC20", 6, 1, False),
    ("WETH", "MockERC20", 18, 2_000, False),
    ("WBTC", "MockERC20", 8, 60_000, False),
    ("USDT", "MockERC20NoReturn", 6, 1, False),
    ("TAIL", "MockERC20", 18, 3, True),
)
"""Symbol, contract, decimals, dollars per whole token, isolated tier."""

ROLES = ("deployer", "owner", "guardian", "fund", "lender", "trader", "operator", "keeper", "attacker", "stranger")

OK, WIDE, STALE, DEAD = range(4)
"""Price statuses."""


@dataclass
class Asset:
    """A listed token: its contracts, its key at the risk engine and the price last set, dollars per whole token."""

    symbol: str
    decimals: int
    token: Contract
    source: Contract
    pool: Contract
    key: int
    price: Fraction


@dataclass
class World:
    """The deployed protocol; `roles` maps names to senders."""

    chain: Chain
    risk_engine: Any
    registry: Any
    engine: Any
    auction: Any
    lens: Any
    swapper: Any
    roles: dict[str, str]
    price_parameters: tuple[int, ...] = PRICE_PARAMETERS
    margin: tuple[int, ...] = MARGIN
    assets: dict[str, Asset] = field(default_factory=dict)

    def copy(self) -> World:
        """Return a world of its own over the same contracts: for a test that is undone by restoring the chain."""
        return replace(self, assets={symbol: replace(asset) for symbol, asset in self.assets.items()})

    def __getitem__(self, symbol: str) -> Asset:
        return self.assets[symbol]

    def raw(self, symbol: str, amount: int | Fraction) -> int:
        """Return raw units of whole tokens, rounded down."""
        return int(Fraction(amount) * 10 ** self[symbol].decimals)

    def account(self, role: str, index: int = 0) -> int:
        """Return an account number of a role."""
        return account_word.account(int(self.roles[role], 16), index)

    def owner_of(self, account: int) -> str:
        """Return who owns an account, one of the roles."""
        return next(address for address in self.roles.values() if int(address, 16) == account_word.owner(account))

    def list_asset(
        self, symbol: str, contract: str, decimals: int, price: int | Fraction, isolated: bool = False
    ) -> Asset:
        """Deploy a token with source, pool and listing; one of the isolated tier backs debts in all others."""
        roles, deployer = self.roles, self.roles["deployer"]
        token = self.chain.deploy(contract, f"{symbol} token", symbol, decimals, sender=deployer)
        source = self.chain.deploy("MockPriceSource", sender=deployer)
        source.set_price(_price_word(Fraction(price), decimals), sender=deployer)
        self.risk_engine.list_asset(
            token, isolated, [source], self.price_parameters, self.margin, sender=roles["owner"]
        )
        pool = self.chain.deploy(
            "LendingPool",
            token,
            f"Lent {symbol}",
            f"p{symbol}"[:5],
            self.engine,
            roles["fund"],
            roles["owner"],
            roles["guardian"],
            RATES,
            RATE_AT_TARGET,
            CAP * 10**decimals,
            CAP * 10**decimals,
            RESERVE_FACTOR,
            FLASH_FEE,
            sender=deployer,
        )
        self.engine.add_asset(token, pool, sender=roles["owner"])
        key = self.risk_engine.key_of(token)
        asset = Asset(symbol, decimals, token, source, pool, key, Fraction(price))
        for other in self.assets.values():
            for held, owed in ((asset, other), (other, asset)):
                if held.key >= risk_engine.ISOLATED:
                    self.risk_engine.set_backing(held.key, owed.key, True, sender=roles["owner"])
        self.assets[symbol] = asset
        token.mint(self.swapper, 2**100, sender=deployer)
        self._set_rates(symbol)
        return asset

    def set_price(self, symbol: str, price: int | Fraction) -> None:
        """Let the source and the swapper quote a new price."""
        asset = self[symbol]
        asset.price = Fraction(price)
        asset.source.set_price(_price_word(asset.price, asset.decimals), sender=self.roles["deployer"])
        self._set_rates(symbol)

    def set_status(self, symbol: str, status: int) -> None:
        """Let the source answer so that the asset has this price status, at the price last set (if it is not DEAD)."""
        asset, deployer = self[symbol], self.roles["deployer"]
        price, now = _price_word(asset.price, asset.decimals), self.chain.timestamp()
        if status == DEAD:
            asset.source.set_revert(sender=deployer)
        else:
            asset.source.set_reading((price, price, now, int(status != STALE), int(status == OK)), sender=deployer)

    def refresh(self) -> None:
        """Let every source say its price anew, as of now."""
        for symbol, asset in self.assets.items():
            self.set_price(symbol, asset.price)

    def warp(self, seconds: int) -> None:
        """Let time pass with sources that stay fresh."""
        self.chain.warp(seconds)
        self.refresh()

    def fund(self, role: str, symbol: str, amount: int | Fraction, spender: Contract) -> int:
        """Mint tokens to a role, approved for `spender`; return raw units."""
        units = self.raw(symbol, amount)
        token, holder = self[symbol].token, self.roles[role]
        token.mint(holder, units, sender=holder)
        token.approve(spender, 2**256 - 1, sender=holder)
        return units

    def lend(self, symbol: str, amount: int | Fraction, role: str = "lender") -> Receipt:
        """Deposit new tokens into a pool."""
        units = self.fund(role, symbol, amount, self[symbol].pool)
        receipt: Receipt = self[symbol].pool.deposit(units, self.roles[role], sender=self.roles[role])
        return receipt

    def deposit(self, account: int, symbol: str, amount: int | Fraction) -> Receipt:
        """Deposit new tokens of the owner into an account."""
        owner = self.owner_of(account)
        role = next(name for name, address in self.roles.items() if address == owner)
        units = self.fund(role, symbol, amount, self.engine)
        receipt: Receipt = self.engine.deposit(account, self[symbol].token, units, sender=owner)
        return receipt

    def open_position(
        self,
        role: str = "trader",
        index: int = 0,
        *,
        collateral: tuple[str, int | Fraction] = ("USDC", 10_000),
        sell: str = "USDC",
        amount: int | Fraction = 40_000,
        buy: str = "WETH",
    ) -> int:
        """Deposit collateral into an account and sell `amount`, borrowing what it does not hold; return the account."""
        account = self.account(role, index)
        self.deposit(account, *collateral)
        held = collateral[1] if collateral[0] == sell else 0
        self.trade(account, sell, amount, buy, amount - held)
        return account

    def borrow(self, account: int, symbol: str, amount: int | Fraction, to: str | None = None) -> Receipt:
        """Withdraw tokens that the account does not have."""
        owner, units = self.owner_of(account), self.raw(symbol, amount)
        receipt: Receipt = self.engine.withdraw(account, self[symbol].token, units, to or owner, units, sender=owner)
        return receipt

    def trade(
        self,
        account: int,
        sell: str,
        amount: int | Fraction,
        buy: str,
        max_borrow: int | Fraction = 0,
        *,
        min_buy: int = 0,
        reduce_only: bool = False,
        swapper: Contract | None = None,
        sender: str | None = None,
    ) -> Receipt:
        """Trade through the world's swapper, at the prices last set, or through another."""
        receipt: Receipt = self.engine.trade(
            account,
            self[sell].token,
            self.raw(sell, amount),
            self.raw(sell, max_borrow),
            self[buy].token,
            min_buy,
            swapper or self.swapper,
            b"",
            FOREVER,
            reduce_only,
            sender=sender or self.owner_of(account),
        )
        return receipt

    def open(self, account: int, sell: str, amount: int | Fraction, buy: str) -> Receipt:
        """Sell borrowed tokens: a long of `buy`, or a short of `sell`."""
        return self.trade(account, sell, amount, buy, amount)

    def health(self, account: int) -> risk_engine.Health:
        """Return what the engine says of an account."""
        return risk_engine.Health(*self.engine.health(account))

    def balance(self, account: int, symbol: str) -> int:
        """Return a signed balance, raw units."""
        token = self[symbol].token
        held: int = self.engine.balance_of(account, token)
        owed: int = self.engine.debt_of(account, token)
        assert held == 0 or owed == 0, f"{symbol} both held and owed by {account:#x}"
        return held - owed

    def _set_rates(self, symbol: str) -> None:
        mine = self[symbol]
        for other in self.assets.values():
            if other is not mine:
                for sell, buy in ((mine, other), (other, mine)):
                    rate = WAD * sell.price * 10**buy.decimals / (buy.price * 10**sell.decimals)
                    self.swapper.set_rate(sell.token, buy.token, int(rate), sender=self.roles["deployer"])


def deploy_world(
    chain: Chain,
    tokens: Sequence[tuple[str, str, int, int | Fraction, bool]] = TOKENS,
    price_parameters: tuple[int, ...] = PRICE_PARAMETERS,
    sequencer: tuple[Contract | str, int] = (ZERO_ADDRESS, 0),
) -> World:
    """Deploy the protocol with an asset for each entry of `tokens`; nobody has deposited anything.

    `sequencer` is the feed of an L2 sequencer's status and the cure window, seconds.
    """
    roles = dict(zip(ROLES, chain.accounts(), strict=False))
    deployer, owner, guardian = roles["deployer"], roles["owner"], roles["guardian"]
    risk_engine: Any = chain.deploy("RiskEngine", *risk_arguments(owner, guardian, sequencer), sender=deployer)
    registry: Any = chain.deploy("OperatorRegistry", sender=deployer)
    auction_address = chain.next_address(deployer, ahead=1)
    engine: Any = chain.deploy(
        "MarginEngine", risk_engine, registry, auction_address, MIN_DEBT, owner, guardian, sender=deployer
    )
    auction = chain.deploy("LiquidationAuction", engine, AUCTION, owner, guardian, sender=deployer)
    registry.bind(engine, sender=deployer)
    lens = chain.deploy("MarginLens", engine, sender=deployer)
    swapper = chain.deploy("MockSwapper", sender=deployer)
    world = World(chain, risk_engine, registry, engine, auction, lens, swapper, roles, price_parameters)
    for symbol, contract, decimals, price, isolated in tokens:
        world.list_asset(symbol, contract, decimals, price, isolated)
    return world


def risk_arguments(
    owner: str, guardian: str, sequencer: tuple[Contract | str, int] = (ZERO_ADDRESS, 0)
) -> tuple[Any, ...]:
    """Return the constructor's arguments of the risk engine."""
    return INITIAL_RATIO, NOTICE, WIDE_DELAY, *sequencer, owner, guardian


def _price_word(price: Fraction, decimals: int) -> int:
    """Return dollars per whole token as dollars (WAD) per raw unit, scaled by 1e18."""
    return int(price * 10 ** (36 - decimals))
