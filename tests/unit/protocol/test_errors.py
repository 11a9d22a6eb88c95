"""A contract's reason becomes the exception a caller can catch."""

from __future__ import annotations

import re

import pytest

from plimsoll import errors
from plimsoll.artifacts import home, sources
from plimsoll.errors import Reverted, Sent, from_reason

REASON = re.compile(r'^[^#]*"([a-z][a-z0-9_]*: [^"{}]+)"', re.MULTILINE)


def contract_reasons() -> list[str]:
    """Return every reason that a deployable contract or a module of it can give."""
    files = [path for path in sources() if "mocks" not in path.parts]
    files += sorted((home() / "contracts" / "modules").glob("*.vy"))
    code = (re.sub(r'"""(?:.|\n)*?"""', "", path.read_text()) for path in files)
    return sorted({reason for text in code for reason in REASON.findall(text)})


@pytest.mark.parametrize("reason", contract_reasons())
def test_from_reason__every_reason_of_the_contracts__has_a_class(reason: str) -> None:
    error = from_reason(reason)
    assert type(error) is not Reverted
    assert error.reason == reason
    assert str(error).startswith(reason)


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("engine: not allowed", errors.NotAllowed),
        ("operators: not the owner", errors.NotAllowed),
        ("operators: not allowed", errors.NotAllowed),
        ("roles: owner only", errors.NotAllowed),
        ("pool: engine only", errors.NotAllowed),
        ("engine: initial margin", errors.InitialMargin),
        ("engine: price status", errors.PriceStatus),
        ("engine: paused", errors.Paused),
        ("engine: max_borrow", errors.MaxBorrow),
        ("engine: min debt", errors.MinDebt),
        ("engine: insufficient balance", errors.InsufficientBalance),
        ("engine: expired", errors.Expired),
        ("operators: expired", errors.Expired),
        ("engine: min_buy", errors.MinBuy),
        ("swapper: min buy", errors.MinBuy),
        ("engine: reduce only", errors.ReduceOnly),
        ("operators: max loss", errors.LossLimit),
        ("operators: loss budget", errors.LossLimit),
        ("engine: unknown asset", errors.UnknownAsset),
        ("engine: supply cap", errors.CollateralCap),
        ("engine: gate", errors.Gated),
        ("engine: cap bound", errors.BadArgument),
        ("engine: cap only down", errors.BadArgument),
        ("pool: cash", errors.PoolCash),
        ("pool: borrow cap", errors.Cap),
        ("pool: supply cap", errors.Cap),
        ("operators: nonce used", errors.BadSignature),
        ("operators: signature", errors.BadSignature),
        ("token: received differs", errors.TokenFailed),
        ("erc20: balance", errors.TokenFailed),
        ("twap: too early", errors.PriceSourceRefused),
        ("engine: check pending", errors.CheckPending),
        ("engine: under auction", errors.UnderAuction),
        ("engine: not under auction", errors.NoAuction),
        ("auction: none", errors.NoAuction),
        ("auction: healthy", errors.NotLiquidatable),
        ("auction: running", errors.AuctionRunning),
        ("auction: bonus", errors.BonusTooLow),
        ("auction: price status", errors.PriceStatus),
        ("auction: not dust", errors.AuctionRefused),
        ("auction: engine only", errors.NotAllowed),
        ("fund: lapsed", errors.FundRefused),
        ("orders: group", errors.OrderRefused),
        ("orders: expired", errors.Expired),
        ("orders: signature", errors.BadSignature),
        ("orders: price status", errors.PriceStatus),
        ("something else", Reverted),
    ],
)
def test_from_reason__class(reason: str, kind: type[Reverted]) -> None:
    assert type(from_reason(reason)) is kind


def test_from_reason__capital_is_not_a_cap() -> None:
    assert type(from_reason("pool: recap")) is errors.BadArgument


@pytest.mark.parametrize(
    ("sent", "kind"),
    [
        (None, errors.Reasonless),
        (Sent(), errors.LockHeld),
        (Sent(largest=2**128), errors.Overflow),
        (Sent(largest=2**128 - 1), errors.LockHeld),
        (Sent(longest=1381), errors.Undecodable),
        (Sent(longest=1380), errors.LockHeld),
    ],
)
def test_from_reason__none_given__named_by_what_was_sent(sent: Sent | None, kind: type[Reverted]) -> None:
    error = from_reason("", sent)
    assert type(error) is kind
    assert str(error).startswith("reverted without a reason - ")


def test_from_reason__halt__shown() -> None:
    assert str(from_reason("", Sent(), "OutOfGas(Basic)")).endswith("OutOfGas(Basic)")


def test_hierarchy__one_base() -> None:
    for kind in (errors.AmountError, errors.ConfigError, errors.ManifestError, errors.ChainError, Reverted):
        assert issubclass(kind, errors.PlimsollError)
    assert issubclass(errors.LockHeld, errors.Reasonless)
