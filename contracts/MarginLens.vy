# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
"""
@title MarginLens: batch views for keepers and screens
@license AGPL-3.0
@notice Reads the engine, its risk engine and its pools, and returns for every state and every argument: see IMarginLens.

        Holds nothing, decides nothing, writes nothing; no contract may build on it. Nothing stops it, but it shows only what
        the contracts it reads are willing to say, and inside their own calls they say nothing.
@dev Foreign answers are taken as words of a known number and checked before they become addresses, flags or arrays, because
     decoding reverts on what does not fit. A call gets its whole allowance or is not made, and `RESERVE` stays here to
     finish the answer, so that a callee that burns its gas costs its own entry only. Stateless, hence without a lock.
"""

from contracts.interfaces import ILendingPool
from contracts.interfaces import ILiquidationAuction
from contracts.interfaces import IMarginLens
from contracts.interfaces import IRiskEngine
from contracts.modules import account_word
from contracts.modules import exposure

implements: IMarginLens

WAD: constant(uint256) = 10**18
ADDRESS: constant(uint256) = 2**160 - 1
INDEX: constant(uint256) = 2**96 - 1
DEAD: constant(uint256) = 3

MAX_ACCOUNTS: constant(uint256) = 100
MAX_BATCH: constant(uint256) = 500
MAX_TOKENS: constant(uint256) = 16
MAX_ROWS: constant(uint256) = 12
MAX_BALANCES: constant(uint256) = MAX_ACCOUNTS * MAX_TOKENS

# Gas of one call, and what is kept back to finish the answer. Health and quote read up to 36 price sources of 200,000 each.
LOOK_UP_GAS: constant(uint256) = 50_000
POOL_GAS: constant(uint256) = 500_000
EXPOSURES_GAS: constant(uint256) = 1_000_000
PRICE_GAS: constant(uint256) = 1_000_000
HEALTH_GAS: constant(uint256) = 9_000_000
QUOTE_GAS: constant(uint256) = 9_000_000
RESERVE: constant(uint256) = 1_000_000

MAX_CALL: constant(uint256) = 196
MAX_ANSWER: constant(uint256) = 480
HEALTH_SIZE: constant(uint256) = 192
GRANT_SIZE: constant(uint256) = 128
POOL_SIZE: constant(uint256) = 384
QUOTE_SIZE: constant(uint256) = 288

# Flags of a packed health, and its two numbers.
IS_OK: constant(uint256) = 1 << 2
IS_UNDER_AUCTION: constant(uint256) = 1 << 3
IS_PROVISIONED: constant(uint256) = 1 << 4
OWES: constant(uint256) = 1 << 5
IS_BELOW: constant(uint256) = 1 << 6
IS_CLIPPED: constant(uint256) = 1 << 7
EQUITY_SHIFT: constant(uint256) = 8
MAINTENANCE_SHIFT: constant(uint256) = 132
MASK_124: constant(uint256) = 2**124 - 1
MOST_EQUITY: constant(int256) = 2**123 - 1
LEAST_EQUITY: constant(int256) = -(2**123)

# Shares whose worth is the share price: 1e6 raw shares, times WAD.
PRICED_SHARES: constant(uint256) = 10**24
MAX_RAW: constant(uint256) = 2**112 - 1
MAX_RATE: constant(uint256) = 2**80 - 1

ENGINE: immutable(address)


@deploy
def __init__(engine: address):
    """
    @param engine The margin engine to read; a contract.
    """
    assert engine.is_contract, "lens: engine"
    ENGINE = engine


@view
@external
def engine() -> address:
    return ENGINE


@view
@external
def health(accounts: DynArray[uint256, MAX_ACCOUNTS]) -> DynArray[IMarginLens.AccountHealth, MAX_ACCOUNTS]:
    out: DynArray[IMarginLens.AccountHealth, MAX_ACCOUNTS] = []
    for account: uint256 in accounts:
        entry: IMarginLens.AccountHealth = empty(IMarginLens.AccountHealth)
        entry.owner = account_word._owner(account)
        entry.index = account & INDEX
        answer: Bytes[MAX_ANSWER] = self._ask(
            ENGINE, abi_encode(account, method_id=method_id("health(uint256)")), HEALTH_GAS
        )
        if len(answer) == HEALTH_SIZE:
            word: uint256 = 0
            entry.ok, word = self._ask_word(ENGINE, abi_encode(account, method_id=method_id("word_of(uint256)")))
            if entry.ok:
                entry.word = word
                entry.health = abi_decode(answer, IRiskEngine.Health)
        out.append(entry)
    return out


@view
@external
def health_batch(accounts: DynArray[uint256, MAX_BATCH]) -> DynArray[uint256, MAX_BATCH]:
    out: DynArray[uint256, MAX_BATCH] = []
    for account: uint256 in accounts:
        packed: uint256 = 0
        answer: Bytes[MAX_ANSWER] = self._ask(
            ENGINE, abi_encode(account, method_id=method_id("health(uint256)")), HEALTH_GAS
        )
        if len(answer) == HEALTH_SIZE and self._word(answer, 5) <= DEAD:
            known: bool = False
            word: uint256 = 0
            known, word = self._ask_word(ENGINE, abi_encode(account, method_id=method_id("word_of(uint256)")))
            if known:
                packed = self._packed_health(answer, word)
        out.append(packed)
    return out


@view
@external
def liquidation_quote(account: uint256) -> (bool, ILiquidationAuction.Quote):
    answer: Bytes[MAX_ANSWER] = self._ask(
        self._ask_address(ENGINE, method_id("auction()")),
        abi_encode(account, method_id=method_id("quote(uint256)")),
        QUOTE_GAS,
    )
    if len(answer) != QUOTE_SIZE or self._word(answer, 0) > 1 or self._word(answer, 1) > 1:
        return False, empty(ILiquidationAuction.Quote)
    return True, abi_decode(answer, ILiquidationAuction.Quote)


@view
@external
def positions(account: uint256) -> (bool, DynArray[IMarginLens.Position, MAX_ROWS]):
    out: DynArray[IMarginLens.Position, MAX_ROWS] = []
    known: bool = False
    exposures: DynArray[uint256, MAX_ROWS] = []
    known, exposures = self._exposures(account)
    if not known:
        return False, out
    risk_engine: address = self._risk_engine()
    for packed: uint256 in exposures:
        out.append(self._position(risk_engine, packed))
    return True, out


@view
@external
def balances(
    accounts: DynArray[uint256, MAX_ACCOUNTS], tokens: DynArray[address, MAX_TOKENS]
) -> (DynArray[uint256, MAX_ACCOUNTS], DynArray[int256, MAX_BALANCES]):
    known: DynArray[uint256, MAX_ACCOUNTS] = []
    out: DynArray[int256, MAX_BALANCES] = []
    keys: DynArray[uint256, MAX_TOKENS] = []
    listed: uint256 = 0
    for token: address in tokens:
        key: uint256 = self._asset(token)[0]
        if key != 0:
            listed |= 1 << len(keys)
        keys.append(key)
    for account: uint256 in accounts:
        readable: bool = False
        exposures: DynArray[uint256, MAX_ROWS] = []
        readable, exposures = self._exposures(account)
        known.append(listed if readable else 0)
        for key: uint256 in keys:
            out.append(self._balance(exposures, key))
    return known, out


@view
@external
def prices(tokens: DynArray[address, MAX_TOKENS]) -> DynArray[IMarginLens.AssetPrice, MAX_TOKENS]:
    out: DynArray[IMarginLens.AssetPrice, MAX_TOKENS] = []
    risk_engine: address = self._risk_engine()
    for token: address in tokens:
        entry: IMarginLens.AssetPrice = empty(IMarginLens.AssetPrice)
        entry.token = token
        listed: bool = False
        key: uint256 = 0
        listed, key = self._ask_word(risk_engine, abi_encode(token, method_id=method_id("key_of(address)")))
        if listed and key != 0:
            entry.key = key
            entry.ok, entry.price = self._price(risk_engine, key)
        out.append(entry)
    return out


@view
@external
def pools(tokens: DynArray[address, MAX_TOKENS]) -> DynArray[IMarginLens.PoolState, MAX_TOKENS]:
    out: DynArray[IMarginLens.PoolState, MAX_TOKENS] = []
    for token: address in tokens:
        out.append(self._pool(token))
    return out


@view
@external
def operators(
    scope: uint256, candidates: DynArray[address, MAX_TOKENS]
) -> DynArray[IMarginLens.OperatorState, MAX_TOKENS]:
    out: DynArray[IMarginLens.OperatorState, MAX_TOKENS] = []
    registry: address = self._ask_address(ENGINE, method_id("operators()"))
    for operator: address in candidates:
        entry: IMarginLens.OperatorState = empty(IMarginLens.OperatorState)
        entry.operator = operator
        answer: Bytes[MAX_ANSWER] = self._ask(
            registry, abi_encode(scope, operator, method_id=method_id("operator_of(uint256,address)")), LOOK_UP_GAS
        )
        if len(answer) == GRANT_SIZE:
            entry.ok = True
            entry.permissions, entry.expiry, entry.max_loss, entry.loss_budget = abi_decode(
                answer, (uint256, uint256, uint256, uint256)
            )
            entry.active = entry.permissions != 0 and block.timestamp <= entry.expiry
        out.append(entry)
    return out


# Entries


@pure
@internal
def _packed_health(answer: Bytes[MAX_ANSWER], word: uint256) -> uint256:
    """
    @param answer An IRiskEngine.Health.
    @param word The engine's packed word of the account.
    @return See IMarginLens.health_batch.
    """
    equity: int256 = extract32(answer, 0, output_type=int256)
    maintenance: uint256 = self._word(answer, 2)
    packed: uint256 = self._word(answer, 5) | IS_OK
    if account_word._is(word, account_word.UNDER_AUCTION):
        packed |= IS_UNDER_AUCTION
    if account_word._is(word, account_word.PROVISIONED):
        packed |= IS_PROVISIONED
    if account_word._owed(word) != 0:
        packed |= OWES
    if equity < 0 or convert(equity, uint256) < maintenance:
        packed |= IS_BELOW
    if equity > MOST_EQUITY or equity < LEAST_EQUITY or maintenance > MASK_124:
        packed |= IS_CLIPPED
    clipped: int256 = max(LEAST_EQUITY, min(equity, MOST_EQUITY))
    return (
        packed
        | (convert(convert(clipped, bytes32), uint256) & MASK_124) << EQUITY_SHIFT
        | min(maintenance, MASK_124) << MAINTENANCE_SHIFT
    )


@view
@internal
def _position(risk_engine: address, packed: uint256) -> IMarginLens.Position:
    """
    @dev The value is what the risk engine makes of this balance alone, so that it is formed and rounded in one place.
    """
    row: IMarginLens.Position = empty(IMarginLens.Position)
    row.key, row.is_debt, row.amount = exposure._unpack(packed)
    row.token = self._ask_address(ENGINE, abi_encode(row.key, method_id=method_id("token_of(uint256)")))
    price: IRiskEngine.Price = empty(IRiskEngine.Price)
    known: bool = False
    known, price = self._price(risk_engine, row.key)
    if not known or row.token == empty(address):
        return row
    alone: DynArray[uint256, 1] = [packed]
    no_stress: DynArray[int256, 1] = []
    answer: Bytes[MAX_ANSWER] = self._ask(
        risk_engine, abi_encode(alone, no_stress, method_id=method_id("assess(uint256[],int256[])")), PRICE_GAS
    )
    if len(answer) != HEALTH_SIZE:
        return row
    equity: int256 = extract32(answer, 0, output_type=int256)
    if equity == min_value(int256):
        return row
    value: uint256 = convert(abs(equity), uint256)
    rate: uint256 = 0
    known, rate = self._ask_word(
        risk_engine,
        abi_encode(row.key, value, block.timestamp, method_id=method_id("effective_rate(uint256,uint256,uint256)")),
    )
    if known:
        row.ok = True
        row.price = price
        row.value = value
        row.maintenance_rate = rate
    return row


@view
@internal
def _price(risk_engine: address, key: uint256) -> (bool, IRiskEngine.Price):
    keys: DynArray[uint256, 1] = [key]
    answer: Bytes[MAX_ANSWER] = self._ask(
        risk_engine, abi_encode(keys, method_id=method_id("prices(uint256[])")), PRICE_GAS
    )
    price: IRiskEngine.Price = empty(IRiskEngine.Price)
    if len(answer) != 192 or self._word(answer, 0) != 32 or self._word(answer, 1) != 1:
        return False, price
    price.bid = self._word(answer, 2)
    price.mid = self._word(answer, 3)
    price.ask = self._word(answer, 4)
    price.status = self._word(answer, 5)
    return price.status <= DEAD, price


@view
@internal
def _pool(token: address) -> IMarginLens.PoolState:
    entry: IMarginLens.PoolState = empty(IMarginLens.PoolState)
    entry.token = token
    entry.pool = self._asset(token)[1]
    answer: Bytes[MAX_ANSWER] = self._ask(entry.pool, method_id("state()"), POOL_GAS)
    if len(answer) != POOL_SIZE:
        return entry
    known: bool = False
    share_price: uint256 = 0
    known, share_price = self._ask_word(
        entry.pool, abi_encode(PRICED_SHARES, method_id=method_id("convertToAssets(uint256)"))
    )
    state: ILendingPool.State = abi_decode(answer, ILendingPool.State)
    if not known or state.total_debt > MAX_RAW or state.borrow_rate > MAX_RATE or state.reserve_factor > WAD:
        return entry
    entry.ok = True
    entry.total_assets = state.total_assets
    entry.cash = state.cash
    entry.total_debt = state.total_debt
    entry.utilisation = state.utilisation
    entry.borrow_rate = state.borrow_rate
    if state.total_assets != 0:
        entry.supply_rate = (
            state.borrow_rate * state.total_debt // state.total_assets * (WAD - state.reserve_factor) // WAD
        )
    entry.rate_at_target = state.rate_at_target
    entry.share_price = share_price
    entry.supply_cap = state.supply_cap
    entry.borrow_cap = state.borrow_cap
    entry.unminted_fee = state.unminted_fee
    entry.provisions = state.provisions
    return entry


@pure
@internal
def _balance(exposures: DynArray[uint256, MAX_ROWS], key: uint256) -> int256:
    for packed: uint256 in exposures:
        held: uint256 = 0
        is_debt: bool = False
        amount: uint256 = 0
        held, is_debt, amount = exposure._unpack(packed)
        if held == key:
            return -convert(amount, int256) if is_debt else convert(amount, int256)
    return 0


# Questions


@view
@internal
def _exposures(account: uint256) -> (bool, DynArray[uint256, MAX_ROWS]):
    nothing: DynArray[uint256, MAX_ROWS] = []
    answer: Bytes[MAX_ANSWER] = self._ask(
        ENGINE, abi_encode(account, method_id=method_id("exposures(uint256)")), EXPOSURES_GAS
    )
    if len(answer) < 64 or self._word(answer, 0) != 32:
        return False, nothing
    count: uint256 = self._word(answer, 1)
    if count > MAX_ROWS or len(answer) != 64 + 32 * count:
        return False, nothing
    return True, abi_decode(answer, DynArray[uint256, MAX_ROWS])


@view
@internal
def _asset(token: address) -> (uint256, address):
    """
    @return Asset key and pool; (0, zero address) when the engine does not say.
    """
    answer: Bytes[MAX_ANSWER] = self._ask(
        ENGINE, abi_encode(token, method_id=method_id("asset_of(address)")), LOOK_UP_GAS
    )
    if len(answer) != 64 or self._word(answer, 1) > ADDRESS:
        return 0, empty(address)
    return self._word(answer, 0), convert(self._word(answer, 1), address)


@view
@internal
def _risk_engine() -> address:
    """
    @return The zero address when the engine does not say.
    """
    answer: Bytes[MAX_ANSWER] = self._ask(ENGINE, method_id("settings()"), LOOK_UP_GAS)
    if len(answer) != 96 or self._word(answer, 0) > ADDRESS:
        return empty(address)
    return convert(self._word(answer, 0), address)


@view
@internal
def _ask_address(target: address, call: Bytes[MAX_CALL]) -> address:
    """
    @return The zero address when there is no good answer.
    """
    known: bool = False
    word: uint256 = 0
    known, word = self._ask_word(target, call)
    if word > ADDRESS:
        return empty(address)
    return convert(word, address)


@view
@internal
def _ask_word(target: address, call: Bytes[MAX_CALL]) -> (bool, uint256):
    answer: Bytes[MAX_ANSWER] = self._ask(target, call, LOOK_UP_GAS)
    if len(answer) != 32:
        return False, 0
    return True, self._word(answer, 0)


@view
@internal
def _ask(target: address, call: Bytes[MAX_CALL], allowance: uint256) -> Bytes[MAX_ANSWER]:
    """
    @notice One call with its whole allowance, or none.
    @return What came back; empty when the call failed, the target has no code or gas is short.
    """
    # A call can pass on 63/64 of what is left.
    if msg.gas < allowance + allowance // 32 + RESERVE:
        return b""
    success: bool = False
    answer: Bytes[MAX_ANSWER] = b""
    success, answer = raw_call(
        target, call, max_outsize=MAX_ANSWER, gas=allowance, is_static_call=True, revert_on_failure=False
    )
    if not success:
        return b""
    return answer


@pure
@internal
def _word(answer: Bytes[MAX_ANSWER], index: uint256) -> uint256:
    return extract32(answer, 32 * index, output_type=uint256)
