"""How volatile an asset's price is: twin of ``contracts/VolatilityOracle.vy``.

Units are those of `plimsoll.model.volatility`.
"""

from __future__ import annotations

from typing import NamedTuple

from plimsoll.model import volatility
from plimsoll.model.fixed_point import WAD

DAY = 86_400

MIN_INTERVAL = 600
MAX_INTERVAL = DAY
MAX_HALF_LIFE = 365 * DAY
MAX_PATIENCE = 30 * DAY
MIN_MAX_SIGMA = 10**16
MAX_MAX_SIGMA = 100 * WAD


class Parameters(NamedTuple):
    """How an asset is followed; IVolatilityOracle.Parameters."""

    interval: int
    """Shortest time between two samples."""
    window: int
    """Over which the slowest of the asset's sources takes its mean."""
    fast_half_life: int
    slow_half_life: int
    patience: int
    """Without a sample for longer, initial margin rises."""
    max_sigma: int
    start_sigma: int


class State(NamedTuple):
    """The last sample and both means; IVolatilityOracle.State."""

    mid: int
    time: int
    fast: int
    slow: int


def check(parameters: Parameters) -> None:
    """Raise ValueError with the setter's reason where parameters are refused."""
    interval, window, fast, slow, patience, max_sigma, start_sigma = parameters
    if not MIN_INTERVAL <= interval <= MAX_INTERVAL:
        raise ValueError("volatility: interval")
    if window > interval // 2:
        raise ValueError("volatility: window")
    if not interval <= fast <= slow <= MAX_HALF_LIFE:
        raise ValueError("volatility: half life")
    if not 2 * interval <= patience <= MAX_PATIENCE:
        raise ValueError("volatility: patience")
    if not MIN_MAX_SIGMA <= max_sigma <= MAX_MAX_SIGMA:
        raise ValueError("volatility: max sigma")
    if start_sigma > max_sigma:
        raise ValueError("volatility: start sigma")


def add(parameters: Parameters, mid: int, now: int) -> State:
    """Return the state of an asset that is followed from now on."""
    mean = volatility.square(parameters.start_sigma)
    return State(mid, now, mean, mean)


def set_parameters(state: State, parameters: Parameters) -> State:
    """Return the state under new parameters."""
    most = volatility.square(parameters.max_sigma)
    return state._replace(fast=min(state.fast, most), slow=min(state.slow, most))


def sample(state: State, parameters: Parameters, mid: int, now: int) -> State:
    """Return the state after a sample of an OK price; ValueError with the contract's reason if it comes too early."""
    seconds = now - state.time
    if seconds < parameters.interval:
        raise ValueError("volatility: too early")
    size = volatility.log_return(state.mid, mid)
    said = volatility.variance(size, seconds, parameters.window, parameters.max_sigma)
    return State(
        mid,
        now,
        volatility.moved(state.fast, said, seconds, parameters.fast_half_life),
        volatility.moved(state.slow, said, seconds, parameters.slow_half_life),
    )


def sigma(state: State) -> int:
    """Return the volatility."""
    return volatility.sigma(state.fast, state.slow)


def due(state: State, parameters: Parameters) -> int:
    """Return the unix time after which, without another sample, initial margin rises."""
    return state.time + parameters.patience
