"""Plimsoll: a margin protocol, its deployment and its tools."""

__version__ = "0.1.0"
