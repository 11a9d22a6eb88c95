"""The liquidation world again: an auctioned account and one that is insolvent."""

from tests.unit.liquidation.conftest import auctioned, close, deployed, insolvent, long, rich, sick, world

__all__ = ["auctioned", "close", "deployed", "insolvent", "long", "rich", "sick", "world"]
