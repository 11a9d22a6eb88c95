# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
# pragma nonreentrancy on
"""
@title The margin_rate module over any stored state, for tests
@license AGPL-3.0
@notice The words of an asset come in with each call. What its sources answer comes in as well: the contract is its own source.
"""

from contracts.modules import margin_rate

initializes: margin_rate

KEY: constant(uint256) = 1

sigma: uint256
due: uint256
liquidity: uint256
silent: bool[2]


@deploy
def __init__(initial_ratio: uint256, notice: uint256):
    margin_rate.__init__(initial_ratio, notice)


@external
def rate(word: uint256, ramp: uint256, worth: uint256, at_time: uint256) -> uint256:
    margin_rate._rates[KEY] = word
    margin_rate._ramps[KEY] = ramp
    return margin_rate._rate(KEY, worth, at_time)


@external
def requirements(word: uint256, ramp: uint256, worth: uint256) -> (uint256, uint256):
    margin_rate._rates[KEY] = word
    margin_rate._ramps[KEY] = ramp
    return margin_rate._requirements(KEY, worth)


@external
def now(word: uint256, ramp: uint256, at_time: uint256) -> (uint256, uint256, uint256):
    margin_rate._rates[KEY] = word
    margin_rate._ramps[KEY] = ramp
    return margin_rate._now(KEY, at_time)


@external
def follow(
    word: uint256,
    ramp: uint256,
    multiple: uint256,
    impact: uint256,
    asked: uint256,
    pause: uint256,
    anew: bool,
    sigma: uint256,
    due: uint256,
    liquidity: uint256,
    silent: bool[2],
) -> (uint256, uint256):
    """
    @param multiple 0: without a source of volatility; `impact` likewise of depth.
    @param silent Whether the volatility's and the depth's source fail.
    @return Both words afterwards.
    """
    source: uint256 = convert(self, uint256)
    margin_rate._rates[KEY] = word
    margin_rate._ramps[KEY] = ramp
    margin_rate._volatilities[KEY] = 0 if multiple == 0 else source | multiple << 160
    margin_rate._depths[KEY] = 0 if impact == 0 else source | impact << 160
    self.sigma = sigma
    self.due = due
    self.liquidity = liquidity
    self.silent = silent
    margin_rate._follow(KEY, asked, pause, anew)
    return margin_rate._rates[KEY], margin_rate._ramps[KEY]


@pure
@external
def towards(start: uint256, target: uint256, rise: uint256, fall: uint256) -> uint256:
    return margin_rate._towards(start, target, rise, fall)


@pure
@external
def factor(move: uint256, unit: uint256, cap: uint256) -> uint256:
    return margin_rate._factor(move, unit, cap)


@view
@external
@reentrant
def measure(key: uint256) -> (uint256, uint256):
    """
    @dev Asked by this contract itself, within its own lock.
    """
    assert not self.silent[0], "mock: silent"
    return self.sigma, self.due


@view
@external
@reentrant
def depth() -> uint256:
    """
    @dev Asked by this contract itself, within its own lock.
    """
    assert not self.silent[1], "mock: silent"
    return self.liquidity
