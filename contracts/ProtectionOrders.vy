# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
# pragma nonreentrancy on
"""
@title ProtectionOrders: stop-loss, take-profit, trailing stop and deleveraging that an owner signs once
@license AGPL-3.0
@notice See IProtectionOrders for every function, `order_terms` for the formulas. An order is void unless the owner of its account signed
        it; who executes it, through which swapper and with whose money is anybody's choice, because the order and the engine bound what it
        can cost.

        What stops it: a price that is not OK; what stops the engine's reduce-only trades (a DEAD price, a trade that would raise risk); the
        end of the grant in the OperatorRegistry. It has no owner and no pause. An owner can always cancel: one order, a group, or all.
@dev An operator of the engine that is its own swapper: the engine sends it what is sold and calls `swap`, in which it pays the fee out of
     that and passes the rest on to the keeper's swapper, who delivers to where the engine measures. It holds no token between calls, has no
     allowance, and calls nothing but `ISwapper.swap` of what a keeper names. The lock covers every function but `swap`, which the engine
     alone may call, while `execute` or `deleverage` waits for it, once.
"""

from ethereum.ercs import IERC20
from contracts.interfaces import IMarginEngine
from contracts.interfaces import IProtectionOrders
from contracts.interfaces import IRiskEngine
from contracts.interfaces import ISwapper
from contracts.modules import account_word
from contracts.modules import order_terms
from contracts.modules import token as tokens
from snekmate.utils import eip712_domain_separator
from snekmate.utils import signature_checker

implements: IProtectionOrders
implements: ISwapper

initializes: eip712_domain_separator

exports: eip712_domain_separator.eip712Domain

OK: constant(uint256) = 0
MAX_SLIPPAGE: constant(uint256) = 2_000
MAX_FEE: constant(uint256) = 1_000
MAX_RATIO: constant(uint256) = 100 * 10**18
NUMBER_LIMIT: constant(uint256) = 2**128
CANCELLED: constant(bytes32) = 0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff

ORDER_TYPEHASH: constant(bytes32) = keccak256(
    "Order(uint256 account,uint256 kind,address watched,uint256 trigger,uint256 trail,address sell,address buy,uint256 amount,uint256 minFill,uint256 minRate,uint256 maxSlippage,uint256 fee,bool repayOnly,uint256 group,uint256 epoch,uint256 deadline)"
)
DELEVERAGE_TYPEHASH: constant(bytes32) = keccak256(
    "Deleverage(uint256 account,uint256 triggerRatio,uint256 targetRatio,uint256 maxCost,uint256 fee,uint256 group,uint256 epoch,uint256 deadline)"
)

engine: public(immutable(address))

epoch_of: public(HashMap[address, uint256])
group_of: public(HashMap[address, HashMap[uint256, bytes32]])
is_cancelled: public(HashMap[address, HashMap[bytes32, bool]])
is_finished: public(HashMap[bytes32, bool])
sold_of: public(HashMap[bytes32, uint256])
best_of: public(HashMap[bytes32, uint256])

# What `swap` is to do, while a trade waits for it.
waiting_swapper: transient(address)
waiting_receiver: transient(address)
waiting_fee: transient(uint256)
waiting_balance: transient(uint256)


@deploy
def __init__(engine_: address):
    """
    @param engine_ The margin engine.
    @dev Error: "orders: zero address".
    """
    assert engine_ != empty(address), "orders: zero address"
    engine = engine_
    eip712_domain_separator.__init__("Plimsoll orders", "1")


@external
def execute(
    order: IProtectionOrders.Order,
    signature: Bytes[65],
    amount: uint256,
    swapper: address,
    data: Bytes[1024],
    fee_receiver: address,
) -> (uint256, uint256):
    """
    @notice Sell a part of a triggered order, or all of it. Anyone.
    @param order What the account's owner signed.
    @param signature 65 bytes, or 64 in ERC-2098's form; for an owner that is a contract, whatever it accepts (ERC-1271).
    @param amount Most raw units to sell now, at least 1; cut to what the order, the balance and, if it is `repay_only`, the debt allow.
    @param swapper Who exchanges what is left after the fee: any ISwapper but this contract.
    @param data For the swapper.
    @param fee_receiver Who gets the fee, in the token sold; not zero, not this contract.
    @return Raw units sold, fee included, and bought.
    @dev Errors: see IProtectionOrders.
    """
    owner: address = account_word._owner(order.account)
    digest: bytes32 = self._order_digest(order)
    self._check_open(owner, digest, order.group, order.epoch, order.deadline, signature)
    self._check_order(order)
    ok: bool = False
    mid: uint256 = 0
    sell_mid: uint256 = 0
    buy_mid: uint256 = 0
    ok, mid, sell_mid, buy_mid = self._mids(order.watched, order.sell, order.buy)
    assert ok, "orders: price status"
    assert self._is_triggered(order, digest, mid), "orders: not triggered"

    debt: uint256 = 0
    if order.repay_only:
        debt = staticcall IMarginEngine(engine).debt_of(order.account, order.buy)
        assert debt != 0, "orders: nothing to repay"
    balance: uint256 = staticcall IMarginEngine(engine).balance_of(order.account, order.sell)
    most: uint256 = self._most(order, digest, balance, debt, sell_mid, buy_mid)
    assert most != 0, "orders: nothing to sell"
    sold: uint256 = self._part(amount, most)
    assert sold == most or sold >= order.min_fill, "orders: part too small"
    fee: uint256 = order_terms._fee(sold, order.fee)
    least: uint256 = max(
        order_terms._least_bought(sold - fee, sell_mid, buy_mid, order.max_slippage),
        order_terms._least_at_rate(sold, order.min_rate),
    )

    total: uint256 = self.sold_of[digest] + sold
    self.sold_of[digest] = total
    self.group_of[owner][order.group] = digest
    bought: uint256 = self._trade(order.account, order.sell, sold, fee, order.buy, least, swapper, data, fee_receiver)
    finished: bool = total == order.amount or sold == balance
    if order.repay_only and not finished:
        finished = staticcall IMarginEngine(engine).debt_of(order.account, order.buy) == 0
    if finished:
        self.is_finished[digest] = True
    log IProtectionOrders.Executed(
        digest=digest,
        account=order.account,
        keeper=msg.sender,
        sell=order.sell,
        buy=order.buy,
        sold=sold,
        fee=fee,
        bought=bought,
        mid=mid,
        group=order.group,
        finished=finished,
    )
    return sold, bought


@external
def deleverage(
    standing: IProtectionOrders.Deleverage,
    signature: Bytes[65],
    sell: address,
    buy: address,
    amount: uint256,
    swapper: address,
    data: Bytes[1024],
    fee_receiver: address,
) -> (uint256, uint256):
    """
    @notice Sell something the account holds to repay something it owes, while its equity over maintenance requirement is at the trigger or
            below, and no further than to the target. Anyone, any number of times.
    @param standing What the account's owner signed.
    @param signature As in `execute`.
    @param sell A token the account holds.
    @param buy A token it owes.
    @param amount Most raw units to sell, at least 1; cut to the balance and to what repays the debt at the highest cost allowed.
    @param swapper As in `execute`.
    @param data For the swapper.
    @param fee_receiver As in `execute`.
    @return Raw units sold, fee included, and bought.
    @dev Errors: see IProtectionOrders.
    """
    owner: address = account_word._owner(standing.account)
    digest: bytes32 = self._deleverage_digest(standing)
    self._check_open(owner, digest, standing.group, standing.epoch, standing.deadline, signature)
    self._check_deleverage(standing)
    health: IRiskEngine.Health = staticcall IMarginEngine(engine).health(standing.account)
    assert health.status == OK, "orders: price status"
    assert order_terms._at_most(
        health.equity, health.maintenance, standing.trigger_ratio
    ), "orders: above the trigger"
    debt: uint256 = staticcall IMarginEngine(engine).debt_of(standing.account, buy)
    assert debt != 0, "orders: nothing to repay"
    balance: uint256 = staticcall IMarginEngine(engine).balance_of(standing.account, sell)
    assert balance != 0, "orders: nothing to sell"

    ok: bool = False
    mid: uint256 = 0
    sell_mid: uint256 = 0
    buy_mid: uint256 = 0
    ok, mid, sell_mid, buy_mid = self._mids(sell, sell, buy)
    assert ok, "orders: price status"
    most: uint256 = min(balance, order_terms._most_for_debt(debt, sell_mid, buy_mid, standing.max_cost, 0))
    sold: uint256 = self._part(amount, most)
    fee: uint256 = order_terms._fee(sold, standing.fee)
    least: uint256 = order_terms._least_bought(sold, sell_mid, buy_mid, standing.max_cost)
    self.sold_of[digest] += sold
    self.group_of[owner][standing.group] = digest
    bought: uint256 = self._trade(standing.account, sell, sold, fee, buy, least, swapper, data, fee_receiver)
    health = staticcall IMarginEngine(engine).health(standing.account)
    assert order_terms._at_most(health.equity, health.maintenance, standing.target_ratio), "orders: beyond the target"
    log IProtectionOrders.Deleveraged(
        digest=digest,
        account=standing.account,
        keeper=msg.sender,
        sell=sell,
        buy=buy,
        sold=sold,
        fee=fee,
        bought=bought,
        equity=health.equity,
        maintenance=health.maintenance,
        group=standing.group,
    )
    return sold, bought


@reentrant  # called by the engine while execute() or deleverage() holds the lock; once, and by the engine alone
@external
def swap(sell: address, buy: address, amount: uint256, min_buy: uint256, to: address, data: Bytes[1024]):
    """
    @notice Pay the fee out of what the engine has sent and let the keeper's swapper exchange the rest. The engine only, in a trade that
            this contract has begun.
    @param sell Token sold.
    @param buy Token bought.
    @param amount Raw units of `sell` that have just arrived.
    @param min_buy Raw units of `buy` that the engine will insist on.
    @param to Where the engine measures.
    @param data For the keeper's swapper.
    @dev Errors: "orders: engine only", "orders: idle", "token: received differs", "token: transfer failed", those of the swapper.
    """
    assert msg.sender == engine, "orders: engine only"
    swapper: address = self.waiting_swapper
    assert swapper != empty(address), "orders: idle"
    self.waiting_swapper = empty(address)
    arrived: uint256 = staticcall IERC20(sell).balanceOf(self) - self.waiting_balance
    assert arrived == amount, "token: received differs"
    fee: uint256 = self.waiting_fee
    if fee != 0:
        tokens._push(sell, self.waiting_receiver, fee)
    tokens._push(sell, swapper, amount - fee)
    extcall ISwapper(swapper).swap(sell, buy, amount - fee, min_buy, to, data)


@external
def place(order: IProtectionOrders.Order, signature: Bytes[65]):
    """
    @notice Show a signed order to everybody who executes orders, in an event; nothing else depends on it. Anyone.
    @param order What the account's owner signed.
    @param signature As in `execute`.
    @dev Errors: see IProtectionOrders.
    """
    digest: bytes32 = self._order_digest(order)
    self._check_open(
        account_word._owner(order.account), digest, order.group, order.epoch, order.deadline, signature
    )
    self._check_order(order)
    log IProtectionOrders.OrderPlaced(digest=digest, account=order.account, order=order, signature=signature)


@external
def place_deleverage(standing: IProtectionOrders.Deleverage, signature: Bytes[65]):
    """
    @notice Show a signed standing order to everybody who executes orders, in an event; nothing else depends on it. Anyone.
    @param standing What the account's owner signed.
    @param signature As in `execute`.
    @dev Errors: see IProtectionOrders.
    """
    digest: bytes32 = self._deleverage_digest(standing)
    self._check_open(
        account_word._owner(standing.account), digest, standing.group, standing.epoch, standing.deadline, signature
    )
    self._check_deleverage(standing)
    log IProtectionOrders.DeleveragePlaced(
        digest=digest, account=standing.account, standing=standing, signature=signature
    )


@external
def poke(order: IProtectionOrders.Order, signature: Bytes[65]) -> uint256:
    """
    @notice Let a trailing order see the mid of this moment. Anyone.
    @param order What the account's owner signed.
    @param signature As in `execute`.
    @return The best mid so far, which never moves the other way.
    @dev Errors: see IProtectionOrders.
    """
    digest: bytes32 = self._order_digest(order)
    self._check_open(
        account_word._owner(order.account), digest, order.group, order.epoch, order.deadline, signature
    )
    self._check_order(order)
    assert order.kind >= order_terms.TRAIL_BELOW, "orders: not trailing"
    ok: bool = False
    mid: uint256 = 0
    ok, mid = self._mid(order.watched)
    assert ok, "orders: price status"
    stored: uint256 = self.best_of[digest]
    best: uint256 = order_terms._best(order.kind, order.trigger, stored, mid)
    if best != stored:
        self.best_of[digest] = best
        log IProtectionOrders.Poked(digest=digest, best=best)
    return best


@external
def cancel_order(digest: bytes32):
    """
    @notice Void one order of the caller, for ever. Anyone, for his own: another's order of the same digest is not touched.
    @param digest See `order_digest` and `deleverage_digest`.
    """
    self.is_cancelled[msg.sender][digest] = True
    log IProtectionOrders.OrderCancelled(owner=msg.sender, digest=digest)


@external
def cancel_group(group: uint256):
    """
    @notice Void all orders of one of the caller's groups, for ever, executed or not. Anyone, for his own.
    @param group The group.
    """
    self.group_of[msg.sender][group] = CANCELLED
    log IProtectionOrders.GroupCancelled(owner=msg.sender, group=group)


@external
def cancel_all() -> uint256:
    """
    @notice Void all orders the caller has signed for the present epoch. Anyone, for his own.
    @return The new epoch.
    """
    epoch: uint256 = self.epoch_of[msg.sender] + 1
    self.epoch_of[msg.sender] = epoch
    log IProtectionOrders.EpochStarted(owner=msg.sender, epoch=epoch)
    return epoch


# Views


@view
@external
def order_digest(order: IProtectionOrders.Order) -> bytes32:
    """
    @notice What the owner signs. Anyone.
    @param order The order.
    @return The EIP-712 digest.
    """
    return self._order_digest(order)


@view
@external
def deleverage_digest(standing: IProtectionOrders.Deleverage) -> bytes32:
    """
    @notice What the owner signs. Anyone.
    @param standing The standing order.
    @return The EIP-712 digest.
    """
    return self._deleverage_digest(standing)


@view
@external
def state_of(order: IProtectionOrders.Order) -> IProtectionOrders.State:
    """
    @notice What `execute` would see now, signature, grant and swap aside. Anyone. Does not revert for any order, but for too little gas.
    @param order The order.
    @return See State.
    """
    digest: bytes32 = self._order_digest(order)
    state: IProtectionOrders.State = IProtectionOrders.State(
        digest=digest, open=False, triggered=False, best=0, sold=self.sold_of[digest], most=0
    )
    if len(self._flaw(order)) != 0:
        return state
    owner: address = account_word._owner(order.account)
    state.open = len(self._closed(owner, digest, order.group, order.epoch, order.deadline)) == 0
    ok: bool = False
    mid: uint256 = 0
    sell_mid: uint256 = 0
    buy_mid: uint256 = 0
    ok, mid, sell_mid, buy_mid = self._mids(order.watched, order.sell, order.buy)
    if order.kind >= order_terms.TRAIL_BELOW:
        state.best = order_terms._best(order.kind, order.trigger, self.best_of[digest], order.trigger)
    if ok:
        state.triggered = self._is_triggered(order, digest, mid)
        debt: uint256 = 0
        if order.repay_only:
            debt = staticcall IMarginEngine(engine).debt_of(order.account, order.buy)
        balance: uint256 = staticcall IMarginEngine(engine).balance_of(order.account, order.sell)
        state.most = self._most(order, digest, balance, debt, sell_mid, buy_mid)
    return state


@view
@external
def is_due(standing: IProtectionOrders.Deleverage) -> (bool, bool):
    """
    @notice Whether a standing order is open (see State), and whether its account is at the trigger or below at prices that are OK. Anyone.
    @param standing The standing order.
    @return Open, due.
    """
    if not self._has_ratios(standing):
        return False, False
    if standing.max_cost > MAX_SLIPPAGE or standing.fee > min(standing.max_cost, MAX_FEE):
        return False, False
    owner: address = account_word._owner(standing.account)
    digest: bytes32 = self._deleverage_digest(standing)
    open: bool = len(self._closed(owner, digest, standing.group, standing.epoch, standing.deadline)) == 0
    health: IRiskEngine.Health = staticcall IMarginEngine(engine).health(standing.account)
    if health.status != OK or health.debt == 0:
        return open, False
    return open, order_terms._at_most(health.equity, health.maintenance, standing.trigger_ratio)


# Who may, when


@view
@internal
def _check_open(
    owner: address, digest: bytes32, group: uint256, epoch: uint256, deadline: uint256, signature: Bytes[65]
):
    closed: String[24] = self._closed(owner, digest, group, epoch, deadline)
    assert len(closed) == 0, closed
    assert signature_checker._is_valid_signature_now(owner, digest, signature), "orders: signature"


@view
@internal
def _closed(owner: address, digest: bytes32, group: uint256, epoch: uint256, deadline: uint256) -> String[24]:
    """
    @return Why an order is void; nothing if it is open.
    """
    if owner == empty(address):
        return "orders: zero owner"
    if block.timestamp > deadline:
        return "orders: expired"
    if epoch != self.epoch_of[owner]:
        return "orders: epoch"
    first: bytes32 = self.group_of[owner][group]
    if first == CANCELLED or self.is_cancelled[owner][digest]:
        return "orders: cancelled"
    if first != empty(bytes32) and first != digest:
        return "orders: group"
    if self.is_finished[digest]:
        return "orders: filled"
    return ""


@pure
@internal
def _check_order(order: IProtectionOrders.Order):
    flaw: String[24] = self._flaw(order)
    assert len(flaw) == 0, flaw


@pure
@internal
def _flaw(order: IProtectionOrders.Order) -> String[24]:
    """
    @return Which member of an order is out of bounds; nothing if none is.
    """
    if order.kind > order_terms.TRAIL_ABOVE:
        return "orders: kind"
    if order.trigger == 0 or order.trigger >= NUMBER_LIMIT:
        return "orders: trigger"
    if order.kind < order_terms.TRAIL_BELOW:
        if order.trail != 0:
            return "orders: trail"
    elif order.trail == 0 or order.trail >= order_terms.BPS:
        return "orders: trail"
    if order.amount == 0:
        return "orders: zero amount"
    if order.min_rate >= NUMBER_LIMIT:
        return "orders: min rate"
    if order.max_slippage > MAX_SLIPPAGE:
        return "orders: slippage"
    if order.fee > MAX_FEE:
        return "orders: fee"
    return ""


@pure
@internal
def _check_deleverage(standing: IProtectionOrders.Deleverage):
    assert self._has_ratios(standing), "orders: ratios"
    assert standing.max_cost <= MAX_SLIPPAGE, "orders: cost"
    assert standing.fee <= MAX_FEE and standing.fee <= standing.max_cost, "orders: fee"


@pure
@internal
def _has_ratios(standing: IProtectionOrders.Deleverage) -> bool:
    return (
        standing.trigger_ratio != 0
        and standing.trigger_ratio < standing.target_ratio
        and standing.target_ratio <= MAX_RATIO
    )


@view
@internal
def _is_triggered(order: IProtectionOrders.Order, digest: bytes32, mid: uint256) -> bool:
    trigger: uint256 = order.trigger
    if order.kind >= order_terms.TRAIL_BELOW:
        trigger = order_terms._best(order.kind, trigger, self.best_of[digest], mid)
    return order_terms._triggered(order.kind, trigger, order.trail, mid)


@view
@internal
def _mid(token: address) -> (bool, uint256):
    """
    @return Whether the price is OK, and the mid.
    """
    risk_engine: address = (staticcall IMarginEngine(engine).settings())[0]
    key: uint256 = staticcall IRiskEngine(risk_engine).key_of(token)
    price: IRiskEngine.Price = (staticcall IRiskEngine(risk_engine).prices([key]))[0]
    return price.status == OK, price.mid


@view
@internal
def _mids(watched: address, sell: address, buy: address) -> (bool, uint256, uint256, uint256):
    """
    @return Whether all three prices are OK, and the three mids.
    """
    risk_engine: address = (staticcall IMarginEngine(engine).settings())[0]
    keys: DynArray[uint256, 16] = [
        staticcall IRiskEngine(risk_engine).key_of(sell), staticcall IRiskEngine(risk_engine).key_of(buy)
    ]
    place: uint256 = 0
    if watched == buy:
        place = 1
    elif watched != sell:
        place = 2
        keys.append(staticcall IRiskEngine(risk_engine).key_of(watched))
    prices: DynArray[IRiskEngine.Price, 16] = staticcall IRiskEngine(risk_engine).prices(keys)
    for price: IRiskEngine.Price in prices:
        if price.status != OK:
            return False, 0, 0, 0
    return True, prices[place].mid, prices[0].mid, prices[1].mid


# What is sold


@view
@internal
def _most(
    order: IProtectionOrders.Order,
    digest: bytes32,
    balance: uint256,
    debt: uint256,
    sell_mid: uint256,
    buy_mid: uint256,
) -> uint256:
    """
    @param debt In the token bought; read for a `repay_only` order.
    @return Raw units that could be sold now, fee included.
    """
    most: uint256 = min(order.amount - self.sold_of[digest], balance)
    if order.repay_only:
        return min(most, order_terms._most_for_debt(debt, sell_mid, buy_mid, order.max_slippage, order.fee))
    return most


@pure
@internal
def _part(amount: uint256, most: uint256) -> uint256:
    assert amount != 0, "orders: zero amount"
    return min(amount, most)


@internal
def _trade(
    account: uint256,
    sell: address,
    sold: uint256,
    fee: uint256,
    buy: address,
    least: uint256,
    swapper: address,
    data: Bytes[1024],
    fee_receiver: address,
) -> uint256:
    """
    @notice Let the engine sell, with this contract as its swapper.
    @return Raw units bought.
    """
    assert swapper.is_contract and swapper != self, "orders: swapper"
    assert fee_receiver != empty(address) and fee_receiver != self, "orders: fee receiver"
    self.waiting_swapper = swapper
    self.waiting_receiver = fee_receiver
    self.waiting_fee = fee
    self.waiting_balance = staticcall IERC20(sell).balanceOf(self)
    return extcall IMarginEngine(engine).trade(account, sell, sold, 0, buy, least, self, data, block.timestamp, True)


@view
@internal
def _order_digest(order: IProtectionOrders.Order) -> bytes32:
    return eip712_domain_separator._hash_typed_data_v4(keccak256(abi_encode(ORDER_TYPEHASH, order)))


@view
@internal
def _deleverage_digest(standing: IProtectionOrders.Deleverage) -> bytes32:
    return eip712_domain_separator._hash_typed_data_v4(keccak256(abi_encode(DELEVERAGE_TYPEHASH, standing)))
