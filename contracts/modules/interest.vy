# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
"""
@title Continuously compounded interest
@license AGPL-3.0
@notice Pure. e^x - 1 for x = rate * time, by x + x^2/2 + x^3/6 in pieces of at most 1/4, and at most x = 4: time beyond
        that is free. A lower bound of the exponential that compounds: one period cut in two costs no less than whole.
@dev Relative error of a whole piece 1.3e-4 of e^(1/4), of x = 0.01 4e-10. Total: no rate and no time reverts.
"""

WAD: constant(uint256) = 10**18
YEAR: constant(uint256) = 365 * 86400
PIECE: constant(uint256) = WAD // 4
MOST: constant(uint256) = 4 * WAD
PIECES: constant(uint256) = MOST // PIECE


@pure
@internal
def _growth(rate: uint256, seconds: uint256) -> uint256:
    """
    @notice What one unit of debt grows by.
    @param rate WAD per year, at most 2**128.
    @param seconds Time, at most 2**64.
    @return WAD, rounded down, at most e^4 - 1.
    """
    x: uint256 = min(unsafe_div(unsafe_mul(rate, seconds), YEAR), MOST)
    if x <= PIECE:
        return self._piece(x)
    growth: uint256 = WAD
    for i: uint256 in range(PIECES):
        step: uint256 = min(x, PIECE)
        growth = unsafe_div(unsafe_mul(growth, unsafe_add(WAD, self._piece(step))), WAD)
        x = unsafe_sub(x, step)
        if x == 0:
            break
    return unsafe_sub(growth, WAD)


@pure
@internal
def _piece(x: uint256) -> uint256:
    """
    @notice x + x^2/2 + x^3/6, WAD, each term rounded down.
    """
    square: uint256 = unsafe_mul(x, x)
    return unsafe_add(
        unsafe_add(x, unsafe_div(square, 2 * WAD)), unsafe_div(unsafe_mul(square, x), 6 * WAD * WAD)
    )
