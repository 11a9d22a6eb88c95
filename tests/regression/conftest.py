"""The liquidation world, for stories of what went wrong elsewhere."""

from tests.unit.liquidation.conftest import auctioned, close, deployed, insolvent, long, rich, sick, world

__all__ = ["auctioned", "close", "deployed", "insolvent", "long", "rich", "sick", "world"]
