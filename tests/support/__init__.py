"""Helpers that every test may use."""

from tests.support.reverts import reverts

__all__ = ["reverts"]
