"""Routes through Uniswap v3 pools, as the swapper wants its `data`: token, fee, token, ..., token, tightly packed."""

from __future__ import annotations

from collections.abc import Sequence

from eth_utils.address import is_address

from plimsoll.errors import PlimsollError

MAX_FEE = 2**24 - 1


def encode_path(tokens: Sequence[str], fees: Sequence[int]) -> bytes:
    """Return the packed path from the token sold to the token bought.

    `tokens` are addresses, one more than there are `fees` (of each pool on the way, in hundredths of a basis point).
    """
    if len(tokens) < 2 or len(tokens) != len(fees) + 1:
        needed = max(1, len(tokens) - 1)
        raise PlimsollError(f"a route of {len(tokens)} tokens needs {needed} pool fees, got {len(fees)}")
    for token in tokens:
        if not is_address(token):
            raise PlimsollError(f"route: {token!r} is no address")
    for fee in fees:
        if isinstance(fee, bool) or not 0 < fee <= MAX_FEE:
            raise PlimsollError(f"route: pool fee {fee} is not in (0, {MAX_FEE}]")
    parts = [bytes.fromhex(tokens[0][2:])]
    for fee, token in zip(fees, tokens[1:], strict=True):
        parts += [fee.to_bytes(3, "big"), bytes.fromhex(token[2:])]
    return b"".join(parts)
