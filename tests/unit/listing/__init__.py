"""Tests of plimsoll.listing, plimsoll.isolated and their commands."""
