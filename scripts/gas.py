"""Measure the gas of every operation; see `plimsoll.report.gas`."""

from plimsoll.report.gas import cli

__all__ = ["cli"]
