"""Arithmetic of the EVM and of snekmate's math module on plain integers. WAD numbers have 18 decimals."""

from __future__ import annotations

WAD = 10**18
YEAR = 365 * 86_400
"""Seconds that a yearly rate is spread over."""

UINT256 = 2**256 - 1

WAD_EXP_ZERO = -41_446_531_673_892_822_313
"""At and below this exponent `wad_exp` is 0."""
WAD_EXP_OVERFLOW = 135_305_999_368_893_231_589
"""From this exponent on `wad_exp` reverts."""

_LN2_96 = 54_916_777_467_707_473_351_141_471_128


def checked(value: int) -> int:
    """Return `value` if it fits in a uint256; ValueError("") otherwise: Vyper's overflow check gives no reason."""
    if not 0 <= value <= UINT256:
        raise ValueError("")
    return value


def div(x: int, y: int) -> int:
    """Return x / y rounded towards zero, as Vyper divides signed numbers (Python floors)."""
    quotient = abs(x) // abs(y)
    return quotient if (x < 0) == (y < 0) else -quotient


def wad_exp(x: int) -> int:
    """Return e^x for a WAD exponent, to the last bit what snekmate's ``_wad_exp`` returns.

    Rounded down, error at most one unit; 0 at and below `WAD_EXP_ZERO`; ValueError("math: wad_exp overflow") from
    `WAD_EXP_OVERFLOW` on. Source: snekmate 0.1.2, src/snekmate/utils/math.vy, after Remco Bloemen, https://2π.com/22/exp-ln:
    the range is reduced to ±½ ln 2, where a (6, 7)-term rational function approximates the exponential in 2**96 base.
    """
    if x <= WAD_EXP_ZERO:
        return 0
    if x >= WAD_EXP_OVERFLOW:
        raise ValueError("math: wad_exp overflow")
    x = div(x << 78, 5**18)
    k = (div(x << 96, _LN2_96) + 2**95) >> 96
    x -= k * _LN2_96

    y = ((x + 1_346_386_616_545_796_478_920_950_773_328) * x >> 96) + 57_155_421_227_552_351_082_224_309_758_442
    p = (y + x - 94_201_549_194_550_492_254_356_042_504_812) * y >> 96
    p = (p + 28_719_021_644_029_726_153_956_944_680_412_240) * x + (4_385_272_521_454_847_904_659_076_985_693_276 << 96)

    q = ((x - 2_855_989_394_907_223_263_936_484_059_900) * x >> 96) + 50_020_603_652_535_783_019_961_831_881_945
    q = (q * x >> 96) - 533_845_033_583_426_703_283_633_433_725_380
    q = (q * x >> 96) + 3_604_857_256_930_695_427_073_651_918_091_429
    q = (q * x >> 96) - 14_423_608_567_350_463_180_887_372_962_807_573
    q = (q * x >> 96) + 26_449_188_498_355_588_339_934_803_723_976_023

    return div(p, q) * 3_822_833_074_963_236_453_042_738_258_902_158_003_155_416_615_667 >> (195 - k)


def wad_ln(x: int) -> int:
    """Return ln of a WAD number, to the last bit what snekmate's ``_wad_ln`` returns; 0 for 0.

    ValueError("math: wad_ln undefined") below 0. Source: snekmate 0.1.2, src/snekmate/utils/math.vy, after Remco
    Bloemen, https://2π.com/22/exp-ln: the range is reduced to [1, 2) * 2**96, where an (8, 8)-term rational function
    approximates.
    """
    if x < 0:
        raise ValueError("math: wad_ln undefined")
    if x == 0:
        return 0
    k = x.bit_length() - 1 - 96
    x = (x << (159 - k) & UINT256) >> 159

    p = ((x + 3_273_285_459_638_523_848_632_254_066_296) * x >> 96) + 24_828_157_081_833_163_892_658_089_445_524
    p = (p * x >> 96) + 43_456_485_725_739_037_958_740_375_743_393
    p = (p * x >> 96) - 11_111_509_109_440_967_052_023_855_526_967
    p = (p * x >> 96) - 45_023_709_667_254_063_763_336_534_515_857
    p = (p * x >> 96) - 14_706_773_417_378_608_786_704_636_184_526
    p = p * x - (795_164_235_651_350_426_258_249_787_498 << 96)

    q = ((x + 5_573_035_233_440_673_466_300_451_813_936) * x >> 96) + 71_694_874_799_317_883_764_090_561_454_958
    q = (q * x >> 96) + 283_447_036_172_924_575_727_196_451_306_956
    q = (q * x >> 96) + 401_686_690_394_027_663_651_624_208_769_553
    q = (q * x >> 96) + 204_048_457_590_392_012_362_485_061_816_622
    q = (q * x >> 96) + 31_853_899_698_501_571_402_653_359_427_138
    q = (q * x >> 96) + 909_429_971_244_387_300_277_376_558_375

    scaled = div(p, q) * 1_677_202_110_996_718_588_342_820_967_067_443_963_516_166
    scaled += k * 16_597_577_552_685_614_221_487_285_958_193_947_469_193_820_559_219_878_177_908_093_499_208_371
    offset = 600_920_179_829_731_861_736_702_779_321_621_459_595_472_258_049_074_101_567_377_883_020_018_308
    return scaled + offset >> 174
