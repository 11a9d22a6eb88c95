"""The risk desk: what a deployment stands to lose, and where. `ape run risk` shows it.

    world = read(protocol, accounts_on(protocol))        # everything that counts, at one moment
    desk = look(world)                                   # in the model: accounts near their line, losses under shocks
    desk.outcomes[0].bad_debt

`world` holds the facts, `read` gets them from a chain, `accounts` from the keeper's index or the chain's views,
`shocks` and `lines` compute from them alone, `tables`, `page` and `plain` show them.
"""

from plimsoll.risk.desk import Desk, look
from plimsoll.risk.read import read
from plimsoll.risk.world import World

__all__ = ["Desk", "World", "look", "read"]
