"""What a field may be: the bounds of the contracts' setters, as people write them."""

from __future__ import annotations

from decimal import Decimal

from plimsoll.fields import Bound, plainly
from plimsoll.units import from_wad

HOUR = 3_600
DAY = 86_400


def _closed(low: str, high: str, step: str | None = None) -> Bound:
    return Bound(Decimal(low), Decimal(high), step=None if step is None else Decimal(step))


CHAIN_ID = Bound(1, 2**64 - 1)
MIN_DEBT = _closed("0", "100000", "0.01")
INITIAL_RATIO = _closed("1.2", "3")
NOTICE = Bound(HOUR, 30 * DAY)
WIDE_DELAY = Bound(HOUR, 2 * DAY)
CURE_WINDOW = Bound(0, DAY)
COOLDOWN = Bound(DAY, 60 * DAY)
MOST_DELAY = 30 * DAY

TAU = Bound(60, DAY)
TAIL = Bound(60, 7 * DAY)
KAPPA = _closed("0", "100", "0.0001")
START_DISCOUNT = Bound(Decimal(0), Decimal(1), open_low=True, step=Decimal("0.0001"))
TARGET_SHARE = Bound(Decimal(0), Decimal(1), open_low=True, step=Decimal("0.0001"))
BONUS_SHARE = _closed("0", "0.5", "0.0001")
PENALTY = _closed("0.001", "0.2", "0.0001")
DECIMALS = Bound(0, 18)
CAP_TOKENS = Bound(0, 2**48)
SUPPLY_CAP_BITS = 100
BORROW_CAP_BITS = 92
COLLATERAL_CAP_BITS = 127

MARGIN_FLOOR = Bound(Decimal("0.001"), Decimal("0.5"), open_high=True)
MARGIN_CAP = Bound(0, Decimal("0.5"), open_low=True, open_high=True)
SIZE_SLOPE = _closed("0.000001", "100", "0.000000000001")
RAMP_UP = _closed("0.000001", "1", "0.000001")
RAMP_DOWN = _closed("0.000001", "0.1", "0.000001")

TARGET = _closed("0.1", "0.99", "0.0001")
STEEPNESS = _closed("1", "100", "0.0001")
SPEED = _closed("0", "200", "0.001")
RATE = _closed("0.0001", "10", "0.000001")
RESERVE_FACTOR = _closed("0", "0.5", "0.0001")
FLASH_FEE = _closed("0", "0.01", "0.000001")

MIN_SOURCES = Bound(1, 3)
DEVIATION = _closed("0", "0.2", "0.0001")
SPREAD = _closed("0", "0.25", "0.0001")

DEVIATIONS = _closed("0.1", "10", "0.0001")
HORIZON = Bound(600, 3 * DAY)
INTERVAL = Bound(600, DAY)
HALF_LIFE = Bound(600, 365 * DAY)
PATIENCE = Bound(1_200, 30 * DAY)
MAX_SIGMA = _closed("0.01", "100", "0.000001")
IMPACT = Bound(Decimal(0), Decimal(100), open_low=True, step=Decimal("0.000001"))
SIZE_LIMIT = _closed("0", "1", "0.0001")
AIMED_UP = _closed("0.00001", "1")
AIMED_DOWN = _closed("0.00024", "0.1")

LISTING_VALUE = Bound(1_000, 10**9)
MOST_RESERVED = 100
LISTING_FLOOR = _closed("0.2", "0.3")

ANSWER = Bound(0, 10**18, open_low=True)
MAX_AGE = Bound(1, 30 * DAY)
GRACE = Bound(0, DAY)
WINDOW = Bound(60, DAY)
TICKS_PER_HOUR = Bound(1, 887_272)
LIQUIDITY = Bound(1, 2**128 - 1)
ANCHOR = Bound(0, 10**18, open_low=True)
YEARLY_CAP = Bound(0, 1, open_low=True)
SAMPLE = Bound(1, 10**15)
SAMPLE_RAW = Bound(10**6, 2**112 - 1)
POSITION = Bound(0, 2)
REACH = Bound(10, 1_000)
FEE = Bound(1, 2**24 - 1)


def said(wad: int) -> str:
    """Return a WAD as messages write it."""
    return plainly(from_wad(wad))
