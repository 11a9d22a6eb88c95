"""Tests of plimsoll.governance and of deployments that a timelock owns."""
