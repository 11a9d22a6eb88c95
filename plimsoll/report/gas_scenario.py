"""The measured operations: a deployment under the conditions of `plimsoll.report.gas` and actors who use it.

Each group of rows has accounts of its own, so that one row does not change what another finds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import isqrt

from plimsoll.chain.base import ZERO_ADDRESS, Contract, Receipt
from plimsoll.report.anvil import AnvilChain

WAD = 10**18
MAX = 2**256 - 1
USES = 3

USDC_PRICE = WAD
WETH_PRICE = 2_000 * WAD
WBTC_PRICE = 60_000 * WAD

INITIAL_RATIO = 5 * WAD // 4
NOTICE = 86_400
WIDE_DELAY = 2 * 3_600
MIN_DEBT = 100 * WAD
PRICES = {
    "min_sources": 1,
    "max_deviation": WAD // 100,
    "min_spread": WAD // 2_000,
    "spread_growth": WAD // 1_000,
    "max_spread": WAD // 100,
}
MARGIN = {
    "floor": WAD // 25,
    "cap": 2 * WAD // 5,
    "size_slope": 10**9,
    "ramp_up": WAD // 10_000,
    "ramp_down": WAD // 100,
}
RATES = {
    "target": 9 * WAD // 10,
    "steepness": 4 * WAD,
    "speed": 50 * WAD,
    "min_rate": WAD // 1_000,
    "max_rate": 2 * WAD,
}
RATE_AT_TARGET = WAD // 25
SUPPLY_CAP = 10**9 * WAD
BORROW_CAP = 10**8 * WAD
RESERVE_FACTOR = WAD // 10
FLASH_FEE = 0
AUCTION = {
    "tau": 600,
    "tail": 7_200,
    "kappa": 2 * WAD,
    "start_level": -WAD // 10,
    "target_share": WAD // 2,
    "starter_share": WAD // 10,
    "fund_share": WAD // 10,
    "least_penalty": WAD // 100,
    "most_penalty": WAD // 5,
}
CRASH_PRICE = 1_760 * WAD
DEEP_LOAN = 17_000 * WAD
TAKEN = WAD // 10
REPAID = 1_200 * WAD
ALL_PERMISSIONS = 15
FAR = 2**40 - 1

OBSERVATIONS = 1_000
FEE = 3_000
FULL_RANGE = 887_220
TWAP_WINDOW = 1_800
TWAP_MAX_AGE = 86_400
TWAP_TICKS_PER_HOUR = 2_000
TWAP_MIN_LIQUIDITY = 10**18


@dataclass(frozen=True, slots=True)
class Use:
    """One use of an operation: its gas, and the transaction it was made in with the contract called."""

    gas: int
    target: str
    transaction: str
    transaction_gas: int


class Recorder:
    """Uses by row, in the order of use."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self.uses: dict[str, list[Use]] = {}
        self._tell = tell

    def send(self, row: str, contract: Contract, function: str, *args: object, sender: str) -> None:
        """Send a transaction and note what it used."""
        receipt = contract.method(function)(*args, sender=sender)
        self._add(row, contract, receipt, receipt.gas_used)

    def add_up(self, row: str, parts: Sequence[str]) -> None:
        """Note as uses of `row` what the uses of `parts` used together; its transactions are the last part's."""
        self._tell(row)
        together = zip(*(self.uses[part] for part in parts), strict=True)
        self.uses[row] = [replace(uses[-1], gas=sum(use.gas for use in uses)) for uses in together]

    def read(self, row: str, meter: Contract, source: Contract, sender: str) -> None:
        """Read a price source from a contract and note what that contract spent on it."""
        receipt = meter.measure_read(source, sender=sender)
        self._add(row, meter, receipt, receipt.find("Measured")[0].args["gas"])

    def _add(self, row: str, contract: Contract, receipt: Receipt, gas: int) -> None:
        if row not in self.uses:
            self._tell(row)
        use = Use(gas, contract.address, str(receipt.tx_hash), receipt.gas_used)
        self.uses.setdefault(row, []).append(use)


@dataclass(frozen=True, slots=True)
class Market:
    """A token with its pool, its asset key and its price source."""

    token: Contract
    pool: Contract
    key: int
    source: Contract


@dataclass(frozen=True, slots=True)
class Stage:
    """A deployment with lenders and borrowers in it; every actor has tokens and has approved who pulls them."""

    chain: AnvilChain
    admin: str
    actors: list[str]
    engine: Contract
    risk: Contract
    registry: Contract
    router: Contract
    usdc: Market
    weth: Market
    wbtc: Market

    @property
    def markets(self) -> tuple[Market, ...]:
        """All markets, in the order of listing."""
        return self.usdc, self.weth, self.wbtc


def account(owner: str, index: int = 0) -> int:
    """Return the account's number."""
    return int(owner, 16) << 96 | index


def measure(chain: AnvilChain, tell: Callable[[str], None]) -> dict[str, list[Use]]:
    """Deploy, run every row, and return its uses; `tell` hears each row's name as it begins."""
    recorder = Recorder(tell)
    tell("deployment")
    stage = deploy(chain)
    lender, depositor, borrower, trader, closer, operator, victim, keeper = stage.actors[:8]
    _lending(stage, recorder, lender)
    _collateral_without_debt(stage, recorder, depositor)
    _borrowing(stage, recorder, borrower)
    _trading(stage, recorder, trader)
    _closing(stage, recorder, closer)
    _batches(stage, recorder, trader)
    _operating(stage, recorder, trader, operator)
    _liquidating(stage, recorder, victim, keeper)
    tell(f"{OBSERVATIONS:,} observations on Uniswap v3")
    _uniswap(stage, recorder, trader)
    return recorder.uses


def deploy(chain: AnvilChain) -> Stage:
    """Deploy the protocol with three markets, one price source each, lenders, and borrowers of USDC and WETH."""
    admin, guardian, fund, first_lender, first_borrower, *actors = chain.accounts()
    risk = chain.deploy("RiskEngine", INITIAL_RATIO, NOTICE, WIDE_DELAY, ZERO_ADDRESS, 0, admin, guardian, sender=admin)
    registry = chain.deploy("OperatorRegistry", sender=admin)
    auction = chain.next_address(admin, ahead=1)
    engine = chain.deploy("MarginEngine", risk, registry, auction, MIN_DEBT, admin, guardian, sender=admin)
    chain.deploy("LiquidationAuction", engine, AUCTION, admin, guardian, sender=admin)
    registry.bind(engine, sender=admin)
    router = chain.deploy("GasRouter", sender=admin)

    def market(symbol: str, price: int) -> Market:
        token = chain.deploy("GasToken", sender=admin)
        source = chain.deploy("GasPriceSource", sender=admin)
        source.set_price(price, sender=admin)
        risk.list_asset(token, False, [source], PRICES, MARGIN, sender=admin)
        pool = chain.deploy(
            "LendingPool",
            token,
            f"Plimsoll {symbol}",
            f"p{symbol}",
            engine,
            fund,
            admin,
            guardian,
            RATES,
            RATE_AT_TARGET,
            SUPPLY_CAP,
            BORROW_CAP,
            RESERVE_FACTOR,
            FLASH_FEE,
            sender=admin,
        )
        engine.add_asset(token, pool, sender=admin)
        chain.labels |= {token.address: f"{symbol} token", pool.address: f"{symbol} pool", source.address: "source"}
        return Market(token, pool, int(risk.key_of(token)), source)

    usdc, weth, wbtc = market("USDC", USDC_PRICE), market("WETH", WETH_PRICE), market("WBTC", WBTC_PRICE)
    router.set_rate(usdc.token, weth.token, WAD * USDC_PRICE // WETH_PRICE, sender=admin)
    router.set_rate(weth.token, usdc.token, WAD * WETH_PRICE // USDC_PRICE, sender=admin)
    stage = Stage(chain, admin, actors, engine, risk, registry, router, usdc, weth, wbtc)
    for each in stage.markets:
        each.token.mint(router, 10**9 * WAD, sender=admin)
        for user in (first_lender, first_borrower, *actors):
            each.token.mint(user, 10**9 * WAD, sender=admin)
            each.token.approve(engine, MAX, sender=user)
            each.token.approve(each.pool, MAX, sender=user)
        each.pool.deposit(10**6 * WAD, first_lender, sender=first_lender)
        engine.deposit(account(first_lender), each.token, 100 * WAD, sender=first_lender)
    home = account(first_borrower)
    engine.deposit(home, wbtc.token, 100 * WAD, sender=first_borrower)
    for each, amount in ((usdc, 2 * 10**5 * WAD), (weth, 150 * WAD)):
        engine.withdraw(home, each.token, amount, first_borrower, amount, sender=first_borrower)
    return stage


def _lending(stage: Stage, recorder: Recorder, lender: str) -> None:
    pool = stage.usdc.pool
    for _ in range(USES):
        recorder.send("lender deposit", pool, "deposit", 1_000 * WAD, lender, sender=lender)
    for _ in range(USES):
        recorder.send("lender withdraw", pool, "withdraw", 10 * WAD, lender, lender, sender=lender)
    for _ in range(USES):
        recorder.send("accrue", pool, "accrue", sender=lender)


def _collateral_without_debt(stage: Stage, recorder: Recorder, owner: str) -> None:
    home, engine, weth = account(owner), stage.engine, stage.weth.token
    for _ in range(USES):
        recorder.send("collateral in (no debt)", engine, "deposit", home, weth, 100 * WAD, sender=owner)
    for _ in range(USES):
        recorder.send("collateral out (no debt)", engine, "withdraw", home, weth, WAD, owner, 0, sender=owner)


def _borrowing(stage: Stage, recorder: Recorder, owner: str) -> None:
    home, engine, usdc, weth = account(owner), stage.engine, stage.usdc.token, stage.weth.token
    loan = 1_000 * WAD
    engine.deposit(home, weth, 100 * WAD, sender=owner)
    for _ in range(USES):
        recorder.send("borrow", engine, "withdraw", home, usdc, loan, owner, loan, sender=owner)
    for _ in range(USES):
        recorder.send("collateral in, with debt", engine, "deposit", home, weth, 10 * WAD, sender=owner)
        recorder.send("collateral out, with debt", engine, "withdraw", home, weth, WAD, owner, 0, sender=owner)
        recorder.send("repay, part", engine, "deposit", home, usdc, 300 * WAD, sender=owner)
    second = account(owner, 1)
    for _ in range(USES):
        recorder.send("transfer between accounts, with debt", engine, "transfer", home, second, weth, WAD, sender=owner)


def _trade(stage: Stage, account: int, sell: Market, amount: int, loan: int, buy: Market) -> tuple[object, ...]:
    """Return the arguments of a trade at the stub router's rate."""
    return (account, sell.token, amount, loan, buy.token, 1, stage.router, b"", FAR, False)


def _trading(stage: Stage, recorder: Recorder, owner: str) -> None:
    """Open with 10 WETH of margin, buying 10 WETH, then add to the position and sell a part of it."""
    home, engine = account(owner), stage.engine
    engine.deposit(home, stage.weth.token, 10 * WAD, sender=owner)
    opening = _trade(stage, home, stage.usdc, 20_000 * WAD, 20_000 * WAD, stage.weth)
    partial = _trade(stage, home, stage.weth, 2 * WAD, 0, stage.usdc)
    for _ in range(USES):
        recorder.send("open a leveraged position, stub swap", engine, "trade", *opening, sender=owner)
        recorder.send("close a part", engine, "trade", *partial, sender=owner)


def _closing(stage: Stage, recorder: Recorder, owner: str) -> None:
    """Sell as much WETH as repays the whole debt, what is left over becomes balance; then open anew, and so on."""
    home, engine = account(owner), stage.engine
    engine.deposit(home, stage.weth.token, 100 * WAD, sender=owner)
    opening = _trade(stage, home, stage.usdc, 20_000 * WAD, 20_000 * WAD, stage.weth)
    closing = _trade(stage, home, stage.weth, 10 * WAD + WAD // 10, 0, stage.usdc)
    engine.trade(*opening, sender=owner)
    for _ in range(USES):
        recorder.send("close it", engine, "trade", *closing, sender=owner)
        recorder.send("open again after closing", engine, "trade", *opening, sender=owner)
    for _ in range(USES):
        recorder.send("close in full, reduce-only", engine, "trade", *closing[:-1], True, sender=owner)
        engine.trade(*opening, sender=owner)


def _batches(stage: Stage, recorder: Recorder, owner: str) -> None:
    home, engine = account(owner, 2), stage.engine
    deposit = engine.deposit.encode(home, stage.weth.token, 10 * WAD)
    trade = engine.trade.encode(*_trade(stage, home, stage.usdc, 20_000 * WAD, 20_000 * WAD, stage.weth))
    withdraw = engine.withdraw.encode(home, stage.weth.token, WAD, owner, 0)
    for _ in range(USES):
        recorder.send("batch: deposit and open", engine, "batch", [deposit, trade], sender=owner)
    for _ in range(USES):
        recorder.send("batch: deposit, open, withdraw", engine, "batch", [deposit, trade, withdraw], sender=owner)


def _operating(stage: Stage, recorder: Recorder, owner: str, operator: str) -> None:
    """An operator of all of the owner's accounts, with a loss limit, sells a part of a position."""
    home = account(owner)
    grant = (ALL_PERMISSIONS, FAR, 100, 10**6 * WAD)
    stage.registry.set_operator(int(owner, 16), operator, grant, sender=owner)
    selling = _trade(stage, home, stage.weth, WAD, 0, stage.usdc)
    for _ in range(USES):
        recorder.send("trade by an operator", stage.engine, "trade", *selling, sender=operator)


def _liquidating(stage: Stage, recorder: Recorder, victim: str, keeper: str) -> None:
    """Long accounts of one owner fall below their line, one after the other.

    A keeper with cash starts an auction of each, takes from the first a tenth of its debt at a positive bonus, whose
    part for the fund is charged while equity pays it, repays, and takes again; then his contract does all in one
    transaction. Both hold another asset and keep a debt, so that what they do is checked at initial margin.
    """
    engine, usdc, weth, admin = stage.engine, stage.usdc.token, stage.weth, stage.admin
    home = account(keeper)
    contract = stage.chain.deploy("GasKeeper", sender=admin)
    away = account(contract.address)
    usdc.mint(contract, 10**6 * WAD, sender=admin)
    weth.token.mint(contract, 100 * WAD, sender=admin)
    for token in (usdc, weth.token):
        contract.approve(token, engine, sender=admin)
    engine.deposit(home, weth.token, 50 * WAD, sender=keeper)
    contract.deposit(engine, away, weth.token, 50 * WAD, sender=keeper)
    longs = [account(victim, number) for number in range(2 * USES)]
    for long in longs:
        engine.deposit(long, weth.token, 10 * WAD, sender=victim)
        engine.withdraw(long, usdc, DEEP_LOAN, victim, DEEP_LOAN, sender=victim)
    weth.source.set_price(CRASH_PRICE, sender=admin)
    start, take, repay = "start an auction", "take, part", "repay after a take, part"
    for long in longs[:USES]:
        recorder.send(start, engine, "liquidate", long, sender=keeper)
    for _ in range(USES):
        recorder.send(take, engine, "take", longs[0], TAKEN, home, -WAD, sender=keeper)
        recorder.send(repay, engine, "deposit", home, usdc, REPAID, sender=keeper)
    recorder.add_up("liquidation, cash in hand: start + take + repay", (start, take, repay))
    at_once = "liquidation, cash in hand: one transaction"
    for long in longs[USES:]:
        recorder.send(at_once, contract, "liquidate", engine, long, TAKEN, away, usdc, REPAID, sender=keeper)
    weth.source.set_price(WETH_PRICE, sender=admin)


# Uniswap v3


def _uniswap(stage: Stage, recorder: Recorder, trader: str) -> None:
    """A real pool of USDC and WETH, full of observations, read by TwapOracle, traded on through UniswapV3Swapper."""
    chain, admin = stage.chain, stage.admin
    usdc, weth = stage.usdc.token, stage.weth.token
    factory = chain.deploy("@uniswap/v3-core:UniswapV3Factory", sender=admin)
    swap_router = chain.deploy("@uniswap/v3-periphery:SwapRouter", factory, ZERO_ADDRESS, sender=admin)
    manager = chain.deploy(
        "@uniswap/v3-periphery:NonfungiblePositionManager", factory, ZERO_ADDRESS, ZERO_ADDRESS, sender=admin
    )
    pool = _uniswap_pool(stage, factory, manager)
    chain.labels[pool.address] = "Uniswap pool"
    for token in (usdc, weth):
        token.mint(admin, 10**9 * WAD, sender=admin)
        token.approve(swap_router, MAX, sender=admin)
    for number in range(OBSERVATIONS):
        sell, buy, amount = (usdc, weth, 20_000 * WAD) if number % 2 else (weth, usdc, 10 * WAD)
        order = (sell, buy, FEE, admin, FAR, amount, 0, 0)
        swap_router.exactInputSingle(order, sender=admin)
    cardinality = pool.slot0()[3]
    if cardinality < OBSERVATIONS:
        raise RuntimeError(f"the pool keeps {cardinality} observations instead of {OBSERVATIONS}")

    twap = chain.deploy(
        "TwapOracle",
        pool,
        weth,
        stage.usdc.source,
        TWAP_WINDOW,
        TWAP_MAX_AGE,
        TWAP_TICKS_PER_HOUR,
        TWAP_MIN_LIQUIDITY,
        sender=admin,
    )
    meter = chain.deploy("GasMeter", sender=admin)

    def trade_once() -> None:
        swap_router.exactInputSingle((weth, usdc, FEE, admin, FAR, WAD, 0, 0), sender=admin)

    chain.warp(TWAP_WINDOW)
    for _ in range(USES):
        trade_once()
        recorder.send("TWAP checkpoint", twap, "checkpoint", sender=admin)
        chain.warp(TWAP_WINDOW // 2)
        trade_once()
        recorder.read("TWAP read, 1,000 observations", meter, twap, admin)
        chain.warp(TWAP_WINDOW // 2)
        trade_once()
        recorder.read("TWAP read, checkpoint overdue", meter, twap, admin)
    _three_sources(stage, recorder, trader, twap)
    _open_on_uniswap(stage, recorder, trader, factory)
    chain.warp(4 * TWAP_WINDOW)
    for _ in range(USES):
        recorder.read("TWAP read without a checkpoint", meter, twap, admin)


def _uniswap_pool(stage: Stage, factory: Contract, manager: Contract) -> Contract:
    """Create the pool at 2,000 USDC per WETH with room for the observations and 4,000,000 dollars of liquidity."""
    chain, admin = stage.chain, stage.admin
    usdc, weth = stage.usdc.token, stage.weth.token
    amounts = {usdc.address: 2_000_000 * WAD, weth.address: 1_000 * WAD}
    token0, token1 = sorted(amounts, key=lambda address: int(address, 16))
    factory.createPool(token0, token1, FEE, sender=admin)
    pool = chain.at("@uniswap/v3-core:UniswapV3Pool", factory.getPool(token0, token1, FEE))
    pool.initialize(isqrt((amounts[token1] << 192) // amounts[token0]), sender=admin)
    for start in range(250, OBSERVATIONS + 1, 250):
        pool.increaseObservationCardinalityNext(start, sender=admin)
    for token in (usdc, weth):
        token.mint(admin, amounts[token.address], sender=admin)
        token.approve(manager, MAX, sender=admin)
    manager.mint(
        (token0, token1, FEE, -FULL_RANGE, FULL_RANGE, amounts[token0], amounts[token1], 0, 0, admin, FAR),
        sender=admin,
    )
    return pool


def _three_sources(stage: Stage, recorder: Recorder, owner: str, twap: Contract) -> None:
    """Borrow while WETH is priced by the TWAP and two plain sources that agree with it, USDC by three plain ones."""
    chain, admin, engine = stage.chain, stage.admin, stage.engine
    home = account(owner, 3)
    engine.deposit(home, stage.weth.token, 100 * WAD, sender=owner)
    for market, first, price in (
        (stage.weth, twap, int(twap.read().price)),
        (stage.usdc, stage.usdc.source, USDC_PRICE),
    ):
        sources = [first]
        for _ in range(2):
            source = chain.deploy("GasPriceSource", sender=admin)
            source.set_price(price, sender=admin)
            chain.labels[source.address] = "source"
            sources.append(source)
        stage.risk.set_sources(market.key, sources, {**PRICES, "min_sources": 2}, sender=admin)
    loan = 1_000 * WAD
    for _ in range(USES):
        recorder.send(
            "borrow, three sources per price",
            engine,
            "withdraw",
            home,
            stage.usdc.token,
            loan,
            owner,
            loan,
            sender=owner,
        )
    for market in (stage.weth, stage.usdc):
        stage.risk.set_sources(market.key, [market.source], PRICES, sender=admin)


def _open_on_uniswap(stage: Stage, recorder: Recorder, owner: str, factory: Contract) -> None:
    """Open through UniswapV3Swapper on the real pool."""
    swapper = stage.chain.deploy("UniswapV3Swapper", factory, sender=stage.admin)
    home, engine, usdc, weth = account(owner, 4), stage.engine, stage.usdc.token, stage.weth.token
    path = bytes.fromhex(usdc.address[2:]) + FEE.to_bytes(3, "big") + bytes.fromhex(weth.address[2:])
    engine.deposit(home, weth, 100 * WAD, sender=owner)
    opening = (home, usdc, 20_000 * WAD, 20_000 * WAD, weth, 1, swapper, path, FAR, False)
    for _ in range(USES):
        recorder.send("open on Uniswap v3", engine, "trade", *opening, sender=owner)
