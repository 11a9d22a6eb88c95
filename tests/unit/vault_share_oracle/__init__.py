"""Tests of one contract, a file per external function."""
