# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
# pragma nonreentrancy on
"""
@title UniswapV3Swapper
@license AGPL-3.0
@notice Sells an exact amount along a path of Uniswap v3 pools, which it calls directly and pays from what it holds. The whole
        amount is sold and every intermediate token sold on, so it holds nothing between calls; what is left here by mistake
        belongs to whoever calls next.
@dev Nobody owns it and nothing stops it. Anyone may call: it has no allowances and no state beyond one transaction. The pools are
     those of one factory, looked up for each hop; nothing in a path can make it pay anybody else. A malicious token on the
     path can only make the swap revert or, by trading in the other pools of the path, worsen its result down to `min_buy`.
"""

from contracts.interfaces import ISwapper
from contracts.interfaces import IUniswapV3Factory
from contracts.interfaces import IUniswapV3Pool
from contracts.modules import token

implements: ISwapper

# a path is token 20 | fee 3 | token 20 | fee 3 | token 20 ...
TOKEN_BYTES: constant(uint256) = 20
HOP_BYTES: constant(uint256) = 23
MAX_HOPS: constant(uint256) = 43
LOWEST_LIMIT: constant(uint160) = 4_295_128_740  # one above the price at the smallest tick
HIGHEST_LIMIT: constant(uint160) = 1_461_446_703_485_210_103_287_273_052_203_988_822_378_723_970_341  # one below the largest

FACTORY: immutable(IUniswapV3Factory)

expected_pool: transient(address)   # the only address that may be paid now, once
token_to_pay: transient(address)


@deploy
def __init__(factory: address):
    """
    @param factory The Uniswap v3 factory whose pools are used
    @dev Error: "swapper: factory".
    """
    assert factory.is_contract, "swapper: factory"
    FACTORY = IUniswapV3Factory(factory)


@external
def swap(sell: address, buy: address, amount: uint256, min_buy: uint256, to: address, data: Bytes[1024]):
    """
    @notice Sell exactly `amount` of `sell`, which this contract already holds. Anyone may call.
    @param sell First token of the path
    @param buy Last token of the path, different from `sell`
    @param amount Raw units, sold completely or not at all
    @param min_buy Least raw units of `buy` that the last pool pays out
    @param to Receives `buy` from the last pool
    @param data The path: token, fee in hundredths of a basis point, token, ...; packed, 1 to 43 hops
    @dev Errors: "swapper: zero amount", "swapper: recipient", "swapper: same token", "swapper: path", "swapper: path ends",
         "swapper: unknown pool", "swapper: partial fill", "swapper: min buy", "token: transfer failed", the tokens' and the pools'.
    """
    assert amount != 0, "swapper: zero amount"
    assert to != empty(address) and to != self, "swapper: recipient"
    assert sell != buy, "swapper: same token"
    size: uint256 = len(data)
    assert size > TOKEN_BYTES and (size - TOKEN_BYTES) % HOP_BYTES == 0, "swapper: path"
    hops: uint256 = unsafe_div(size, HOP_BYTES)
    assert convert(extract32(data, 0), uint256) >> 96 == convert(sell, uint256), "swapper: path ends"
    assert convert(slice(data, size - TOKEN_BYTES, TOKEN_BYTES), address) == buy, "swapper: path ends"

    paying: address = sell
    paid: uint256 = amount
    offset: uint256 = 11
    for hop: uint256 in range(1, hops + 1, bound=MAX_HOPS):
        # the 32 bytes that end with a hop's second token
        step: uint256 = convert(extract32(data, offset), uint256)
        bought: address = convert(step & (2**160 - 1), address)
        fee: uint24 = convert((step >> 160) & (2**24 - 1), uint24)
        paid = self._swap_in_pool(paying, bought, fee, paid, to if hop == hops else self)
        paying = bought
        offset = unsafe_add(offset, HOP_BYTES)
    assert paid >= min_buy, "swapper: min buy"


@reentrant  # called by the pool while swap() holds the lock; the expected pool alone gets through, and only once per hop
@external
def uniswapV3SwapCallback(amount0_delta: int256, amount1_delta: int256, data: Bytes[32]):
    """
    @notice Pay the pool that a swap in progress is calling. That pool only.
    @param amount0_delta Raw units of token0 owed to the pool, if positive
    @param amount1_delta Raw units of token1 owed to the pool, if positive
    @param data Empty
    @dev Errors: "swapper: callback", "token: transfer failed", and the token's.
    """
    assert msg.sender == self.expected_pool, "swapper: callback"
    self.expected_pool = empty(address)
    token._push(self.token_to_pay, msg.sender, convert(max(amount0_delta, amount1_delta), uint256))


@view
@external
def factory() -> address:
    """
    @notice The factory whose pools are used. Anyone may call.
    @return Its address.
    """
    return FACTORY.address


@internal
def _swap_in_pool(sell: address, buy: address, fee: uint24, amount: uint256, recipient: address) -> uint256:
    """
    @notice Sell exactly `amount` in one pool.
    @return Raw units of `buy` that the pool paid out.
    """
    pool: address = staticcall FACTORY.getPool(sell, buy, fee)
    assert pool != empty(address), "swapper: unknown pool"
    self.expected_pool = pool
    self.token_to_pay = sell

    sells_token0: bool = convert(sell, uint256) < convert(buy, uint256)
    limit: uint160 = LOWEST_LIMIT if sells_token0 else HIGHEST_LIMIT
    exact_input: int256 = convert(amount, int256)
    change0: int256 = 0
    change1: int256 = 0
    change0, change1 = extcall IUniswapV3Pool(pool).swap(recipient, sells_token0, exact_input, limit, b"")
    taken: int256 = change0 if sells_token0 else change1
    given: int256 = change1 if sells_token0 else change0
    assert taken == exact_input, "swapper: partial fill"
    return convert(-given, uint256)
