"""A price for the shares of a vault: twin of ``contracts/modules/vault_share.vy`` and of VaultShareOracle.

Amounts of assets are raw units for a sample of shares. Where the contract reverts, `ValueError` carries its reason.
"""

from __future__ import annotations

from typing import NamedTuple

from plimsoll.model.fixed_point import WAD, YEAR
from plimsoll.model.price_source import NO_READING, Reading

LIMIT = 2**112
PRICE_LIMIT = 2**128
MAX_LISTED_PRICE = 10**36
MIN_SAMPLE = 10**6
MIN_ASSETS = 10**6
MAX_YEARLY_CAP = WAD
BPS = 10_000
LEAST_BACK = 9_500


class Parameters(NamedTuple):
    """What a VaultShareOracle is deployed with; see IVaultShareOracle.Settings for units and bounds."""

    sample: int
    yearly_cap: int


class Answers(NamedTuple):
    """What a vault says of the sample: assets that redeeming it pays, that it converts to, that minting it costs; and
    of `redeemed`: shares that depositing it makes, that withdrawing it costs and that it converts to."""

    redeemed: int
    converted: int
    minted_for: int
    deposited_for: int
    withdrawn_for: int
    shares: int


class Anchor(NamedTuple):
    """Where a line started, and when."""

    anchor: int
    since: int


def line(anchor: int, since: int, yearly_cap: int, now: int) -> int:
    """Return the most assets that count: the anchor, grown in proportion to the time since it was set, rounded down."""
    return anchor + anchor * yearly_cap * (now - since) // (WAD * YEAR)


def price(of_asset: int, assets: int, sample: int) -> int:
    """Return the price of a raw share where `sample` shares count for `assets`, rounded down, at least 1."""
    return max(of_asset * assets // sample, 1)


def is_fair(sample: int, answers: Answers) -> bool:
    """Return whether no way through a vault pays, and none loses more than 5 %."""
    redeemed, converted, minted_for, deposited_for, withdrawn_for, shares = answers
    pairs = (
        (redeemed, converted),
        (redeemed, minted_for),
        (deposited_for, sample),
        (withdrawn_for, sample),
        (shares, sample),
    )
    return all(whole // BPS * LEAST_BACK <= part <= whole for part, whole in pairs)


def first_anchor(parameters: Parameters, answers: Answers, most: int, source: Reading, now: int) -> Anchor:
    """Return what a constructor remembers. ValueError with its reason where it refuses."""
    if not MIN_SAMPLE <= parameters.sample < LIMIT:
        raise ValueError("shares: sample")
    if not 0 < parameters.yearly_cap <= MAX_YEARLY_CAP:
        raise ValueError("shares: growth")
    if not MIN_ASSETS <= answers.redeemed < LIMIT:
        raise ValueError("shares: assets")
    if not is_fair(parameters.sample, answers):
        raise ValueError("shares: round trip")
    started = _start(min(most, answers.redeemed), now)
    reading = read(parameters, started, answers.redeemed, source, now)
    if reading.price == 0:
        raise ValueError("shares: source")
    if max(reading.price, reading.clamped) > MAX_LISTED_PRICE:
        raise ValueError("shares: price scale")
    return started


def set_anchor(parameters: Parameters, anchor: Anchor, spot: int, least: int, most: int, now: int) -> Anchor:
    """Return the anchor after the owner named `least` and `most`. ValueError "shares: anchor"."""
    if least > min(spot, most) or most < min(spot, line(*anchor, parameters.yearly_cap, now)):
        raise ValueError("shares: anchor")
    return _start(min(most, spot), now)


def read(parameters: Parameters, anchor: Anchor, spot: int, source: Reading, now: int) -> Reading:
    """Return the oracle's reading where the sample pays `spot` and the source of the asset says `source`."""
    if not (0 < source.price < PRICE_LIMIT and 0 < source.clamped < PRICE_LIMIT):
        return NO_READING
    assets = min(spot, line(*anchor, parameters.yearly_cap, now))
    return source._replace(
        price=price(source.price, assets, parameters.sample), clamped=price(source.clamped, assets, parameters.sample)
    )


def _start(anchor: int, now: int) -> Anchor:
    if not 0 < anchor < LIMIT:
        raise ValueError("shares: anchor")
    return Anchor(anchor, now)
