"""The protocol that campaigns run on: `plimsoll.devnet` deploys it with more assets than an account may hold, strange
tokens among them, and contracts for attackers stand beside it.

Everything here is set up once per process through the ordinary chain interface; a machine then needs only addresses,
keys and functions by selector. The deployment is the same on every backend.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from eth_account import Account as Signer

from plimsoll import devnet
from plimsoll.artifacts import home, load
from plimsoll.chain import Chain, Contract
from plimsoll.chain.abi import ContractAbi, FunctionAbi, contract_abi
from plimsoll.config import AssetConfig, Config, FeedConfig, MarketConfig
from plimsoll.protocol.operators import DOMAIN_TYPE
from plimsoll.uniswap import raw_price
from plimsoll.units import WAD, from_wad

WORD = 32
MASK_256 = 2**256 - 1
HOUR, DAY = 3_600, 86_400
FOREVER = 2**40 - 1
PLENTY = 2**100
"""Raw units of every token that everybody has."""
FEED_UNIT = 10**8
HEARTBEAT = 2 * DAY
"""Seconds up to which the feeds of the further assets are fresh."""

DEPLOYED = (
    "MarginEngine",
    "LendingPool",
    "RiskEngine",
    "LiquidationAuction",
    "OperatorRegistry",
    "ProtectionOrders",
    "ReserveFund",
    "Timelock",
    "VolatilityOracle",
    "IsolatedFactory",
    "FeedOracle",
    "TwapOracle",
    "VaultShareOracle",
    "UniswapV3Depth",
    "AllowListGate",
    "UniswapV3Swapper",
    "VaultSwapper",
    "MarginLens",
)
"""Every contract of the protocol; `missing_contracts` holds this against contracts/."""

EXTRA: tuple[tuple[str, str, int, int, bool], ...] = (
    ("DAI", "MockERC20", 18, WAD, False),
    ("USDT", "MockERC20NoReturn", 6, WAD, False),
    ("HOOK", "MockERC20Hook", 18, 5 * WAD, False),
    ("BOOL", "MockERC20False", 8, 40 * WAD, False),
    ("FEES", "MockERC20Fee", 18, WAD, False),
    ("UNIT", "MockERC20", 0, WAD // 4, False),
    ("GOLD", "MockERC20", 12, 3_000 * WAD, False),
    ("TAIL", "MockERC20", 18, 3 * WAD, True),
    ("LONG", "MockERC20", 6, 7 * WAD, True),
)
"""Symbol, contract, decimals, dollars (WAD) per whole token, isolated tier."""
MEME_MARKET = MarketConfig("MEME", "USDC", 3_000, 10_000_000)
"""Of the token that anybody may list."""

ROLES = ("owner", "guardian", "lender", "whale", "trader", "rival", "operator", "keeper", "attacker", "stranger")
"""Who the chain's first accounts are."""
OWNERS = ("trader", "rival", "keeper", "attacker")
"""Roles whose accounts are used."""
LENDERS = ("lender", "whale")
"""Roles that lend, and have approved every pool."""
PAYERS = ("trader", "rival", "operator", "keeper", "attacker", "stranger")
"""Roles that pay into accounts, and have approved the engine."""
ACCOUNTS_EACH = 3
REMEMBERED = 4_096
"""Calldata that a function remembers."""


class Fn:
    """A function of a contract: its selector, and calldata from words where every argument is one word.

    What is made again and again is remembered: calls of at most one word, and those by `encode`.
    """

    __slots__ = ("_made", "abi", "key", "name", "selector")

    def __init__(self, contract: str, abi: FunctionAbi) -> None:
        self.abi = abi
        self.name = abi.name
        self.key = f"{contract}.{abi.name}"
        self.selector = abi.selector
        self._made: dict[tuple[Any, ...], bytes] = {}

    def __call__(self, *words: int) -> bytes:
        """Return calldata; a negative number is two's complement."""
        if len(words) > 1:
            return self._of_words(words)
        return self._made.get(words) or self._remember(words, self._of_words(words))

    def encode(self, *arguments: Any) -> bytes:
        """Return calldata of arguments of any kind, all of them hashable: arrays and structs are tuples."""
        return self._made.get(arguments) or self._remember(arguments, self.abi.encode(arguments))

    def _of_words(self, words: tuple[int, ...]) -> bytes:
        try:
            return self.selector + b"".join([word.to_bytes(WORD, "big") for word in words])
        except OverflowError:
            return self.selector + b"".join([(word & MASK_256).to_bytes(WORD, "big") for word in words])

    def _remember(self, arguments: tuple[Any, ...], data: bytes) -> bytes:
        if len(self._made) >= REMEMBERED:
            self._made.clear()
        self._made[arguments] = data
        return data


@dataclass
class Asset:
    """One listed asset, by plain addresses; `price` is WAD dollars per whole token, as its feed says."""

    symbol: str
    token: str
    word: int
    decimals: int
    unit: int
    key: int
    pool: str
    kind: str
    isolated: bool
    feed: str
    price: int
    lent: bool
    markets: bool
    sources: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Market:
    """A Uniswap market: its assets' symbols, its fee in millionths, whole dollars of each side at first, its pool."""

    symbols: set[str]
    fee: int
    depth: int
    pool: str


@dataclass
class Signed:
    """A message that somebody signed when the world was made: the calldata that brings it."""

    kind: str
    who: str
    account: int
    data: bytes
    arguments: tuple[Any, ...] = ()
    signature: bytes = b""


@dataclass
class World:
    """Where everything is. `at` maps a role of the manifest, or another name given here, to its address."""

    chain: Chain
    devnet: devnet.Devnet
    at: dict[str, str]
    kinds: dict[str, str]
    roles: dict[str, str]
    assets: list[Asset]
    functions: dict[str, Fn]
    accounts: list[int]
    owners: dict[int, str]
    signed: list[Signed]
    unlisted: str
    """A token without a market that nobody has listed."""
    listable: Asset
    """A token with a market deep enough: what it will be once somebody lists it; without key and pool until then."""
    markets: list[Market]
    """Every Uniswap market there is."""

    def fn(self, key: str) -> Fn:
        """Return a function by "Contract.name"."""
        return self.functions[key]

    def asset(self, symbol: str) -> Asset:
        """Return an asset by its symbol."""
        return next(asset for asset in self.assets if asset.symbol == symbol)


def word_of(address: str) -> int:
    """Return an address as a word."""
    return int(address, 16)


def state_changing(contract: str) -> list[str]:
    """Return every external function of a deployed contract that is no view, as "Contract.name"."""
    names = {entry["name"] for entry in load(contract).abi if _changes(entry)}
    return [f"{contract}.{name}" for name in sorted(names)]


def _changes(entry: dict[str, Any]) -> bool:
    return entry["type"] == "function" and entry["stateMutability"] not in ("view", "pure")


def missing_contracts(root: Path | None = None) -> set[str]:
    """Return deployable contracts under contracts/ that `DEPLOYED` forgets."""
    folder = (root or home()) / "contracts"
    deployable = {path.stem for path in folder.glob("*.vy")}
    deployable |= {path.stem for path in (folder / "adapters").rglob("*.vy")}
    return deployable - set(DEPLOYED)


def settings(guardian: str) -> Config:
    """Return the campaign's configuration: the devnet's, with more assets and a guardian of its own."""
    base = devnet.default_config()
    extra = tuple(_extra_asset(base.asset("WETH"), *each) for each in EXTRA)
    prices = {**base.prices, **{symbol: price for symbol, _, _, price, _ in EXTRA}}
    return replace(
        base, protocol=replace(base.protocol, guardian=guardian), assets=(*base.assets, *extra), prices=prices
    )


def _extra_asset(like: AssetConfig, symbol: str, kind: str, decimals: int, price: int, isolated: bool) -> AssetConfig:
    feed = like.feed
    assert feed is not None
    source: FeedConfig = replace(feed, low=price // 1_000, high=price * 1_000, max_age=HEARTBEAT)
    whole = 10**decimals
    pool = replace(
        like.pool,
        name=f"Plimsoll {symbol}",
        symbol=f"p{symbol}"[:5],
        supply_cap=10**9 * whole,
        borrow_cap=10**8 * whole,
    )
    prices = replace(like.prices, min_sources=1)
    return replace(
        like,
        symbol=symbol,
        name=symbol,
        decimals=decimals,
        isolated=isolated,
        pool=pool,
        sources=(source,),
        prices=prices,
        depth=None,
        dynamics=None,
    )


UNISWAP = "@uniswap/v3-core:UniswapV3Pool"


def functions_of(names: tuple[str, ...]) -> dict[str, Fn]:
    """Return every function of some contracts by "Contract.name"; of overloads the one with most arguments."""
    found: dict[str, Fn] = {}
    for name in names:
        coder: ContractAbi = contract_abi(load(name).abi)
        for overloads in coder.functions.values():
            fn = Fn(name, overloads[max(overloads)])
            found[fn.key] = fn
    return found


HELPERS = (
    "MockERC20",
    "MockERC20Hook",
    "MockERC20False",
    "MockERC20Fee",
    "MockFeed",
    "MockSwapper",
    "AttackSwapper",
    "MockFlashBorrower",
)


def build(chain: Chain, progress: Callable[[str], None] | None = None) -> World:
    """Deploy everything on a fresh local chain."""
    tell = progress or (lambda text: None)
    tell("deploying the protocol")
    net = devnet.start(chain, settings(chain.accounts()[1]), tokens={symbol: kind for symbol, kind, *_ in EXTRA})
    net = net.list_assets(home() / devnet.YIELD)
    manifest = net.manifest
    roles = dict(zip(ROLES, chain.accounts(), strict=False))
    maker = net.maker
    at = {role: deployed.address for role, deployed in manifest.contracts.items()}
    kinds = {role: deployed.contract for role, deployed in manifest.contracts.items()}

    def place(role: str, name: str, *args: Any) -> Contract:
        contract = chain.deploy(name, *args, sender=maker)
        at[role], kinds[role] = contract.address, name
        return contract

    tell("deploying contracts for attackers")
    place("timelock", "Timelock", HOUR, roles["owner"], roles["guardian"])
    place("gate", "AllowListGate", roles["owner"], roles["keeper"])
    rates = place("rates", "MockSwapper")
    attack = place("attack", "AttackSwapper")
    place("borrower", "MockFlashBorrower")
    lonely = place("unlisted", "MockERC20", "Unlisted", "NONE", 18)
    tell("opening a market for a token that anybody may list")
    listable = _listable(place("token.MEME", "MockERC20", "Meme", "MEME", 18))
    _open_market(net, listable)

    engine, fund = at["engine"], at["reserve_fund"]
    assets = [_asset(net, each) for each in net.config.assets]
    tell("giving everybody tokens")
    minted = [asset for asset in assets if not asset.lent]
    for asset in (*minted, listable):
        token = chain.at("MockERC20", asset.token)
        for holder in (*(roles[role] for role in (*LENDERS, *PAYERS)), rates.address, attack.address):
            token.mint(holder, PLENTY, sender=maker)
        for spender, spending in ((engine, PAYERS), (asset.pool, LENDERS)):
            for role in spending if spender else ():
                token.approve(spender, MASK_256, sender=roles[role])
    for asset in assets:
        pool = chain.at("LendingPool", asset.pool)
        for role in LENDERS:
            pool.approve(fund, MASK_256, sender=roles[role])
    for asset in assets:
        if asset.lent:
            for role in ("trader", "rival"):
                chain.at("LendingPool", asset.token).approve(engine, MASK_256, sender=roles[role])
            for role in LENDERS:
                chain.at("LendingPool", asset.token).approve(asset.pool, MASK_256, sender=roles[role])

    accounts = [word_of(roles[role]) << 96 | index for role in OWNERS for index in range(ACCOUNTS_EACH)]
    owners = dict(zip(accounts, [role for role in OWNERS for _ in range(ACCOUNTS_EACH)], strict=True))
    world = World(
        chain=chain,
        devnet=net,
        at=at,
        kinds=kinds,
        roles=roles,
        assets=assets,
        functions=functions_of((*DEPLOYED, *HELPERS, UNISWAP)),
        accounts=accounts,
        owners=owners,
        signed=[],
        unlisted=lonely.address,
        listable=listable,
        markets=[
            *(
                _market(net, each, chain.at(devnet.PLAIN_ERC20, net.manifest.assets[each.base].token))
                for each in net.config.markets
            ),
            _market(net, MEME_MARKET, chain.at(devnet.PLAIN_ERC20, listable.token)),
        ],
    )
    tell("signing orders")
    world.signed = list(_sign(world))
    net.settle()
    return world


def _market(net: devnet.Devnet, market: MarketConfig, base: Contract) -> Market:
    quote = net.token(market.quote)
    return Market(
        {market.base, market.quote}, market.fee, market.depth, net.uniswap.pool(base, quote, market.fee).address
    )


def _listable(token: Contract) -> Asset:
    return Asset(
        symbol="MEME",
        token=token.address,
        word=word_of(token.address),
        decimals=18,
        unit=10**18,
        key=0,
        pool="",
        kind="MockERC20",
        isolated=True,
        feed="",
        price=2 * WAD,
        lent=False,
        markets=True,
    )


def _open_market(net: devnet.Devnet, asset: Asset) -> None:
    """Open a market of a token against USDC, with an hour of history."""
    chain, usdc = net.chain, net.protocol.asset("USDC")
    token = chain.at("MockERC20", asset.token)
    price = raw_price(from_wad(asset.price), asset.decimals, usdc.decimals)
    pool = net.uniswap.create_pool(token, usdc.token, MEME_MARKET.fee, price, net.maker)
    pool.grow(devnet.CARDINALITY, net.maker)
    amounts = {
        token: MEME_MARKET.depth * WAD * asset.unit // asset.price,
        usdc.token: MEME_MARKET.depth * 10**usdc.decimals,
    }
    for each, amount in amounts.items():
        each.mint(net.maker, 2 * amount, sender=net.maker)
    net.uniswap.add_liquidity(pool, amounts, net.maker)
    for seconds in (60, HOUR + 60):
        net.warp(seconds)
        net.uniswap.move_price(pool, token, price * Fraction(devnet.PUSH), net.maker)
        net.uniswap.move_price(pool, token, price, net.maker)


def _asset(net: devnet.Devnet, config: AssetConfig) -> Asset:
    listed = net.manifest.assets[config.symbol]
    feed = net.feeds.get(config.symbol)
    return Asset(
        symbol=config.symbol,
        token=listed.token,
        word=word_of(listed.token),
        decimals=config.decimals,
        unit=10**config.decimals,
        key=int(listed.key, 16),
        pool=listed.pool,
        kind=net.manifest.contracts[f"token.{config.symbol}"].contract if config.shares_of is None else "LendingPool",
        isolated=config.isolated,
        feed=feed.address if feed is not None else "",
        price=net.config.prices.get(config.symbol, WAD),
        lent=config.shares_of is not None,
        markets=bool(net.markets(config.symbol)),
        sources=[net.manifest.address(role) for role in listed.sources],
    )


# Signatures


def _sign(world: World) -> list[Signed]:
    chain = world.chain
    signed: list[Signed] = []
    orders: Any = chain.at("ProtectionOrders", world.at["orders"])
    registry: Any = chain.at("OperatorRegistry", world.at["operators"])
    dai, gold, usdc = (world.asset(symbol) for symbol in ("DAI", "GOLD", "USDC"))

    def sign(digest: bytes, role: str) -> bytes:
        made = Signer.unsafe_sign_hash(digest, chain.key(world.roles[role]))
        return bytes(made.signature)

    group = 0
    for role in ("trader", "rival"):
        for index in range(2):
            account = word_of(world.roles[role]) << 96 | index
            for kind in range(4):
                sell, buy = (gold, dai) if kind % 2 == 0 else (dai, gold)
                group += 1
                mid = gold.price * WAD // gold.unit
                order = (
                    account, kind, gold.token, mid, 300 if kind >= 2 else 0, sell.token, buy.token, PLENTY, 0, 0, 1_000,
                    50, False, group, 0, FOREVER,
                )  # fmt: skip
                signature = sign(bytes(orders.order_digest(order)), role)
                signed.append(Signed("order", role, account, b"", order, signature))
            group += 1
            standing = (account, 13 * WAD // 10, 2 * WAD, 500, 50, group, 0, FOREVER)
            signature = sign(bytes(orders.deleverage_digest(standing)), role)
            signed.append(Signed("deleverage", role, account, b"", standing, signature))
    for nonce, role in enumerate(("trader", "rival")):
        scope = word_of(world.roles[role])
        grant = (15, FOREVER, 10_000, 2**100)
        message = _typed(
            registry, chain.chain_id, "SetOperator",
            [("address", "owner"), ("uint256", "scope"), ("address", "operator"), ("uint256", "permissions"),
             ("uint256", "expiry"), ("uint256", "maxLoss"), ("uint256", "lossBudget"), ("uint256", "nonce"),
             ("uint256", "deadline")],
            [world.roles[role], scope, world.roles["operator"], *grant, nonce, FOREVER],
        )  # fmt: skip
        made = Signer.sign_typed_data(chain.key(world.roles[role]), full_message=message)
        arguments = (world.roles[role], scope, world.roles["operator"], grant, nonce, FOREVER, bytes(made.signature))
        signed.append(Signed("grant", role, 0, registry.set_operator_by_signature.encode(*arguments)))
    permit_types = [
        ("address", "owner"),
        ("address", "spender"),
        ("uint256", "value"),
        ("uint256", "nonce"),
        ("uint256", "deadline"),
    ]
    for role in ("lender", "whale"):
        pool: Any = chain.at("LendingPool", usdc.pool)
        values = [world.roles[role], world.roles["stranger"], 10**12, 0, FOREVER]
        message = _typed(pool, chain.chain_id, "Permit", permit_types, values)
        made = Signer.sign_typed_data(chain.key(world.roles[role]), full_message=message)
        data = pool.permit.encode(
            world.roles[role],
            world.roles["stranger"],
            10**12,
            FOREVER,
            made.v,
            made.r.to_bytes(32, "big"),
            made.s.to_bytes(32, "big"),
        )
        signed.append(Signed("permit", role, 0, data))
    gate: Any = chain.at("AllowListGate", world.at["gate"])
    for role in ("trader", "rival"):
        expiry = chain.timestamp() + 365 * DAY
        message = _typed(
            gate, chain.chain_id, "Attestation",
            [("address", "subject"), ("uint256", "expiry"), ("uint256", "generation"), ("uint256", "nonce")],
            [world.roles[role], expiry, 1, 0],
        )  # fmt: skip
        made = Signer.sign_typed_data(chain.key(world.roles["keeper"]), full_message=message)
        signed.append(
            Signed("attest", role, expiry, gate.attest.encode(world.roles[role], expiry, 0, bytes(made.signature)))
        )
    return signed


def _typed(contract: Any, chain_id: int, kind: str, fields: list[tuple[str, str]], values: list[Any]) -> dict[str, Any]:
    named = contract.eip712Domain()
    return {
        "types": {
            "EIP712Domain": DOMAIN_TYPE,
            kind: [{"type": each, "name": name} for each, name in fields],
        },
        "primaryType": kind,
        "domain": {"name": named[1], "version": named[2], "chainId": chain_id, "verifyingContract": contract.address},
        "message": {name: value for (_, name), value in zip(fields, values, strict=True)},
    }
