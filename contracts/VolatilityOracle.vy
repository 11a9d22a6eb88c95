# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
# pragma nonreentrancy on
"""
@title How volatile an asset's price is
@license AGPL-3.0
@notice Samples the mid price of assets at one RiskEngine and keeps two moving means of its variance. See IVolatilityOracle for the
        specification and the module `volatility` for the formulas.

        Anyone may sample. What a sample says is the RiskEngine's price at status OK and the time since the one before it; nothing
        in it is the caller's. He chooses the moment, which gains him nothing on average (see `volatility`), and one sample moves
        sigma within bounds whatever the price did.

        What stops it: a price that is not OK stops samples. Then, and when nobody samples, sigma stays, and past `due` initial margin
        rises (RiskEngine): to stop the samples lowers nobody's requirement. Views stay open.
@dev Two words per asset that samples write, and one of parameters; from the low end:

            mid 128 | time 40
            fast 128 | slow 128
            interval 24 | window 24 | fast half life 32 | slow half life 32 | patience 32 | max_sigma 112
"""

from contracts.interfaces import IRiskEngine
from contracts.interfaces import IVolatilityOracle
from contracts.modules import roles
from contracts.modules import volatility
from snekmate.auth import ownable

implements: IVolatilityOracle
initializes: ownable
initializes: roles[ownable := ownable]

exports: (
    roles.owner,
    roles.pending_owner,
    roles.transfer_ownership,
    roles.accept_ownership,
    roles.guardian,
    roles.set_guardian,
)

WAD: constant(uint256) = 10**18
DAY: constant(uint256) = 86400
OK: constant(uint256) = 0

MIN_INTERVAL: constant(uint256) = 600
MAX_INTERVAL: constant(uint256) = DAY
MAX_HALF_LIFE: constant(uint256) = 365 * DAY
MAX_PATIENCE: constant(uint256) = 30 * DAY
MIN_MAX_SIGMA: constant(uint256) = 10**16
MAX_MAX_SIGMA: constant(uint256) = 100 * WAD

MASK_24: constant(uint256) = 2**24 - 1
MASK_32: constant(uint256) = 2**32 - 1
MASK_128: constant(uint256) = 2**128 - 1

ENGINE: immutable(IRiskEngine)

_samples: HashMap[uint256, uint256]
_means: HashMap[uint256, uint256]
_parameters: HashMap[uint256, uint256]


@deploy
def __init__(engine_: address, owner: address, guardian: address):
    """
    @param engine_ The RiskEngine whose prices are sampled.
    @param owner Adds assets and sets parameters; a timelock on a live network.
    @param guardian See `roles`; has no power here.
    @dev Errors: "volatility: engine", "roles: zero address".
    """
    assert engine_.is_contract, "volatility: engine"
    ownable.__init__()
    roles.__init__(owner, guardian)
    ENGINE = IRiskEngine(engine_)


@external
def add(key: uint256, parameters: IVolatilityOracle.Parameters):
    """
    @notice Follow an asset. Its first sample is taken at once, so its price has to be OK. Owner only.
    @param key The asset's key at the RiskEngine.
    @param parameters See IVolatilityOracle.Parameters.
    @dev Errors: "roles: owner only", "volatility: added already", "volatility: not OK", "oracle: gas", and those of `set_parameters`.
    """
    roles._only_owner()
    assert self._parameters[key] == 0, "volatility: added already"
    self._check(parameters)
    mid: uint256 = self._mid(key)
    mean: uint256 = volatility._square(parameters.start_sigma)
    self._parameters[key] = self._pack(parameters)
    self._samples[key] = mid | block.timestamp << 128
    self._means[key] = mean | mean << 128
    log IVolatilityOracle.AssetAdded(key=key, mid=mid)
    log IVolatilityOracle.ParametersSet(key=key, parameters=parameters)


@external
def set_parameters(key: uint256, parameters: IVolatilityOracle.Parameters):
    """
    @notice Change how an asset is followed. Owner only. Its means stay, at most at the new `max_sigma`; `start_sigma` is not used.
    @param key The asset.
    @param parameters interval from 10 minutes to 1 day and at least twice the window; interval <= fast_half_life <= slow_half_life <= 1
           year; patience from twice the interval to 30 days; max_sigma from 0.01 to 100; start_sigma at most that.
    @dev Errors: "roles: owner only", "volatility: unknown asset", "volatility: interval", "volatility: window", "volatility: half life",
         "volatility: patience", "volatility: max sigma", "volatility: start sigma".
    """
    roles._only_owner()
    self._known(key)
    self._check(parameters)
    means: uint256 = self._means[key]
    most: uint256 = volatility._square(parameters.max_sigma)
    self._means[key] = min(means & MASK_128, most) | min(means >> 128, most) << 128
    self._parameters[key] = self._pack(parameters)
    log IVolatilityOracle.ParametersSet(key=key, parameters=parameters)


@external
def sample(key: uint256):
    """
    @notice Take a sample of an asset's mid price. Anyone, once `interval` has passed since the last one, while the price is OK.
    @param key The asset.
    @dev Errors: "volatility: unknown asset", "volatility: too early", "volatility: not OK", "oracle: gas".
    """
    parameters: uint256 = self._known(key)
    before: uint256 = self._samples[key]
    seconds: uint256 = block.timestamp - (before >> 128)
    assert seconds >= parameters & MASK_24, "volatility: too early"
    mid: uint256 = self._mid(key)
    variance: uint256 = volatility._variance(
        volatility._return(before & MASK_128, mid), seconds, (parameters >> 24) & MASK_24, parameters >> 144
    )
    means: uint256 = self._means[key]
    fast: uint256 = volatility._moved(means & MASK_128, variance, seconds, (parameters >> 48) & MASK_32)
    slow: uint256 = volatility._moved(means >> 128, variance, seconds, (parameters >> 80) & MASK_32)
    self._samples[key] = mid | block.timestamp << 128
    self._means[key] = fast | slow << 128
    log IVolatilityOracle.Sampled(key=key, mid=mid, fast=fast, slow=slow)


@view
@external
def measure(key: uint256) -> (uint256, uint256):
    """
    @notice What a RiskEngine asks for. Anyone.
    @param key The asset.
    @return `sigma` and `due`.
    @dev Error: "volatility: unknown asset".
    """
    return self._sigma(key), self._due(key)


@view
@external
def sigma(key: uint256) -> uint256:
    """
    @notice Volatility of an asset. Anyone.
    @param key The asset.
    @return WAD per square root of a year, from 0 to the asset's max_sigma, rounded up.
    @dev Error: "volatility: unknown asset".
    """
    return self._sigma(key)


@view
@external
def due(key: uint256) -> uint256:
    """
    @notice When the next sample is missed. Anyone.
    @param key The asset.
    @return Unix time after which, without another sample, the asset's initial margin rises.
    @dev Error: "volatility: unknown asset".
    """
    return self._due(key)


@view
@external
def last(key: uint256) -> (uint256, uint256):
    """
    @notice The last good price. Anyone. Never reverts.
    @param key The asset.
    @return Mid at the last sample (dollars, WAD, per raw unit, scaled by 1e18) and its unix time; zeros for an asset that is not followed.
    """
    sample: uint256 = self._samples[key]
    return sample & MASK_128, sample >> 128


@view
@external
def next_sample(key: uint256) -> uint256:
    """
    @notice When the next sample may be taken. Anyone.
    @param key The asset.
    @return Unix time from which `sample` is accepted.
    @dev Error: "volatility: unknown asset".
    """
    return (self._known(key) & MASK_24) + (self._samples[key] >> 128)


@view
@external
def state_of(key: uint256) -> IVolatilityOracle.State:
    """
    @notice The last sample and both means. Anyone.
    @param key The asset.
    @return See IVolatilityOracle.State; zeros for an asset that is not followed.
    """
    sample: uint256 = self._samples[key]
    means: uint256 = self._means[key]
    return IVolatilityOracle.State(
        mid=sample & MASK_128, time=sample >> 128, fast=means & MASK_128, slow=means >> 128
    )


@view
@external
def parameters_of(key: uint256) -> IVolatilityOracle.Parameters:
    """
    @notice How an asset is followed. Anyone.
    @param key The asset.
    @return See IVolatilityOracle.Parameters; start_sigma is 0. All zeros for an asset that is not followed.
    """
    word: uint256 = self._parameters[key]
    return IVolatilityOracle.Parameters(
        interval=word & MASK_24,
        window=(word >> 24) & MASK_24,
        fast_half_life=(word >> 48) & MASK_32,
        slow_half_life=(word >> 80) & MASK_32,
        patience=(word >> 112) & MASK_32,
        max_sigma=word >> 144,
        start_sigma=0,
    )


@view
@external
def engine() -> address:
    """
    @notice The RiskEngine whose prices are sampled. Anyone.
    """
    return ENGINE.address


@view
@internal
def _known(key: uint256) -> uint256:
    """
    @return The asset's parameters, packed.
    """
    word: uint256 = self._parameters[key]
    assert word != 0, "volatility: unknown asset"
    return word


@view
@internal
def _sigma(key: uint256) -> uint256:
    self._known(key)
    means: uint256 = self._means[key]
    return volatility._sigma(means & MASK_128, means >> 128)


@view
@internal
def _due(key: uint256) -> uint256:
    return ((self._known(key) >> 112) & MASK_32) + (self._samples[key] >> 128)


@view
@internal
def _mid(key: uint256) -> uint256:
    price: IRiskEngine.Price = (staticcall ENGINE.prices([key]))[0]
    assert price.status == OK, "volatility: not OK"
    return price.mid


@pure
@internal
def _check(parameters: IVolatilityOracle.Parameters):
    assert parameters.interval >= MIN_INTERVAL, "volatility: interval"
    assert parameters.interval <= MAX_INTERVAL, "volatility: interval"
    assert parameters.window <= parameters.interval // 2, "volatility: window"
    assert parameters.fast_half_life >= parameters.interval, "volatility: half life"
    assert parameters.fast_half_life <= parameters.slow_half_life, "volatility: half life"
    assert parameters.slow_half_life <= MAX_HALF_LIFE, "volatility: half life"
    assert parameters.patience >= 2 * parameters.interval, "volatility: patience"
    assert parameters.patience <= MAX_PATIENCE, "volatility: patience"
    assert parameters.max_sigma >= MIN_MAX_SIGMA, "volatility: max sigma"
    assert parameters.max_sigma <= MAX_MAX_SIGMA, "volatility: max sigma"
    assert parameters.start_sigma <= parameters.max_sigma, "volatility: start sigma"


@pure
@internal
def _pack(parameters: IVolatilityOracle.Parameters) -> uint256:
    return (
        parameters.interval
        | parameters.window << 24
        | parameters.fast_half_life << 48
        | parameters.slow_half_life << 80
        | parameters.patience << 112
        | parameters.max_sigma << 144
    )
