"""The model against numbers that others have published.

Ticks and quotes of Uniswap v3, the adaptive rate curve, kinked curves and exchanges' margins are held to theirs in
tests/fuzz/test_tick_math.py, tests/unit/model/test_adaptive_rate.py and tests/unit/risk_engine/test_assess.py; here is
what has no other place. The sources:

* Solady, ``test/FixedPointMathLib.t.sol`` (Vectorized/solady): testExpWad, testLnWad, testLnWadSmall and testLnWadBig,
  whose comments give the true values; and recmo/experiment-solexp, ``src/test/FixedPointMathLib.t.sol``.
* OpenZeppelin, ``test/token/ERC20/extensions/ERC4626.test.js``: the vault with a decimals offset of 6, empty and after
  a donation of one token.
* I. Kuznetsov, "Uniswap V3 Development Book", ``test/lib/Math.t.sol`` (Jeiwan/uniswapv3-code): amounts between ticks of
  a pool of 5,000 USDC per ETH, rounded up for a deposit and down for a withdrawal.
* MakerDAO, ``src/test/abaci.t.sol`` (makerdao/dss): test_linear_decrease of the liquidations 2.0 Dutch auction.
* J. P. Morgan/Reuters, "RiskMetrics - Technical Document", 4th edition, 1996, pages 93 to 95: how many daily returns
  carry all of the weight but a tolerance, by decay factor.
"""

from __future__ import annotations

import math

import pytest

from plimsoll.model import auction_terms, exposure, market_depth, share_math, volatility
from plimsoll.model.fixed_point import WAD, WAD_EXP_OVERFLOW, wad_exp, wad_ln

DAY = 86_400
TOKEN, SHARE = 10**18, 10**24
BOOK_LIQUIDITY = 1_517_882_343_751_509_868_544
"""Of the book's position of 1 ETH and 5,000 USDC between the ticks 84222 and 86129."""


@pytest.mark.parametrize(
    ("x", "published"),
    [
        (-42_139_678_854_452_767_551, 0),
        (-3 * WAD, 49_787_068_367_863_942),
        (-2 * WAD, 135_335_283_236_612_691),
        (-WAD, 367_879_441_171_442_321),
        (-WAD // 2, 606_530_659_712_633_423),
        (-3 * WAD // 10, 740_818_220_681_717_866),
        (0, WAD),
        (3 * WAD // 10, 1_349_858_807_576_003_103),
        (WAD // 2, 1_648_721_270_700_128_146),
        (WAD, 2_718_281_828_459_045_235),
        (2 * WAD, 7_389_056_098_930_650_227),
        (3 * WAD, 20_085_536_923_187_667_741),
        (10 * WAD, 22_026_465_794_806_716_516_980),
        (50 * WAD, 5_184_705_528_587_072_464_148_529_318_587_763_226_117),
        (100 * WAD, 26_881_171_418_161_354_484_134_666_106_240_937_146_178_367_581_647_816_351_662_017),
        (
            135_305_999_368_893_231_588,
            57_896_044_618_658_097_650_144_101_621_524_338_577_433_870_140_581_303_254_786_265_309_376_407_432_913,
        ),
    ],
)
def test_wad_exp__solady(x: int, published: int) -> None:
    assert wad_exp(x) == published


def test_wad_exp__solady__next_one_is_too_large() -> None:
    assert WAD_EXP_OVERFLOW == 135_305_999_368_893_231_589
    with pytest.raises(ValueError, match="math: wad_exp overflow"):
        wad_exp(135_305_999_368_893_231_589)


@pytest.mark.parametrize(
    ("x", "published"),
    [
        (WAD, 0),
        (2_718_281_828_459_045_235, 999_999_999_999_999_999),
        (11_723_640_096_265_400_935, 2_461_607_324_344_817_918),
        (1, -41_446_531_673_892_822_313),
        (42, -37_708_862_055_609_454_007),
        (10**4, -32_236_191_301_916_639_577),
        (10**9, -20_723_265_836_946_411_157),
        (2**255 - 1, 135_305_999_368_893_231_589),
        (2**170, 76_388_489_021_297_880_288),
        (2**128, 47_276_307_437_780_177_293),
    ],
)
def test_wad_ln__solady(x: int, published: int) -> None:
    assert wad_ln(x) == published


def test_shares__openzeppelin__empty_vault() -> None:
    """One token buys a million times 1e18 shares, and the other way round."""
    assert share_math.shares_down(TOKEN, 0, 0) == SHARE
    assert share_math.assets_up(SHARE, 0, 0) == TOKEN
    assert share_math.shares_up(0, 0, 0) == share_math.assets_down(0, 0, 0) == 0


def test_shares__openzeppelin__full_vault() -> None:
    """One token and a hundred shares: deposit 1 token, mint 1 share, withdraw 1 token, redeem 100 shares."""
    total, supply = TOKEN, 100 * SHARE
    assets, shares = total + 1, supply + 10**6
    assert share_math.shares_down(TOKEN, total, supply) == TOKEN * shares // assets
    assert share_math.assets_up(SHARE, total, supply) == SHARE * assets // shares + 1
    assert share_math.shares_up(TOKEN, total, supply) == TOKEN * shares // assets + 1
    assert share_math.assets_down(100 * SHARE, total, supply) == 100 * SHARE * assets // shares


def test_shares__openzeppelin__inflation_attack() -> None:
    """A token is donated to an empty vault; who deposits one then can redeem 0.999999 of it."""
    shares = share_math.shares_down(TOKEN, TOKEN, 0)
    assert shares == 999_999
    assert share_math.assets_down(shares, 2 * TOKEN, shares) == pytest.approx(999_999 * 10**12, abs=10**12)
    # to be minted one share of 1e24, the victim pays a million times the donation
    assert share_math.assets_up(SHARE, TOKEN, 0) == 10**18 * (TOKEN + 1)


@pytest.mark.parametrize(
    ("amount", "lower", "upper", "published"),
    [
        (market_depth.token0_down, 85_176, 86_129, 998_833_192_822_975_408),
        (market_depth.token1_up, 84_222, 85_176, 4_999_187_247_111_820_044_640),
    ],
)
def test_market_depth__uniswap_book(amount: object, lower: int, upper: int, published: int) -> None:
    assert callable(amount)
    assert amount(BOOK_LIQUIDITY, lower, upper) == published


@pytest.mark.parametrize("tenths", range(14))
def test_curve__makers_linear_decrease(tenths: int) -> None:
    """Of a top of 1000 and a tail of an hour, 100 less every six minutes, 0 from the hour on; ours counts the other
    way, what is taken off the top."""
    y = tenths * 360 * WAD // 3_600
    assert 1_000 * (WAD - auction_terms.curve(y, 0)) // WAD == max(1_000 - 100 * tenths, 0)


@pytest.mark.parametrize("elapsed", [0, 360, 720, 1_800, 3_240, 3_600, 7_200])
def test_bonus__makers_linear_decrease__in_time_alone(elapsed: int) -> None:
    """The same from the bonus: a penalty of a tenth, no depth clock."""
    bonus = auction_terms.bonus(elapsed, 3_600, 0, 0, WAD // 10, 0, 1, 1)
    assert bonus == WAD // 10 * min(elapsed, 3_600) // 3_600


@pytest.mark.parametrize(
    ("decay", "days"),
    [
        (0.85, {1e-5: 71, 1e-4: 57, 1e-3: 43, 1e-2: 28}),
        (0.90, {1e-5: 109, 1e-4: 87, 1e-3: 66, 1e-2: 44}),
        (0.94, {1e-5: 186, 1e-4: 149, 1e-3: 112, 1e-2: 74}),
        (0.97, {1e-5: 378, 1e-4: 302, 1e-3: 227, 1e-2: 151}),
        (0.99, {1e-5: 1146, 1e-4: 916, 1e-3: 687, 1e-2: 458}),
    ],
)
def test_moved__riskmetrics_effective_days(decay: float, days: dict[float, int]) -> None:
    """So many daily samples of nothing take a variance down to the tolerance, half a day more or less."""
    half_life = round(math.log(0.5) / math.log(decay) * DAY)
    for tolerance, count in days.items():
        mean = 10**6 * WAD
        for _ in range(count):
            mean = volatility.moved(mean, 0, DAY, half_life)
        left = mean / WAD / 10**6
        assert tolerance * decay**0.51 <= left <= tolerance / decay**0.51


@pytest.mark.parametrize(
    ("amount", "decimals", "dollars", "down"),
    [
        (1_500_000, 6, 1, 15 * 10**17),
        (10**8, 8, 60_000, 60_000 * WAD),
        (1, 6, 1, 10**12),
        (1, 18, 2_000, 2_000),
    ],
)
def test_worths__by_hand(amount: int, decimals: int, dollars: int, down: int) -> None:
    """1.5 dollar coins, a bitcoin at 60,000, a raw dollar coin, a wei of ether at 2,000."""
    price = dollars * 10 ** (36 - decimals)
    assert exposure.worth(amount, price) == exposure.owed_worth(amount, price) == down
