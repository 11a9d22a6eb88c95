"""Figures about the protocol, each made by a command named beside it."""
