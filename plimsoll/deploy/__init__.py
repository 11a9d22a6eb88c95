"""The one deploy function: devnet, scripts and tests all use it, so the way to a live network is the way the tests go.

    manifest = deploy(chain, config, sender)

Order: risk engine, operator registry, margin engine, auction, reserve fund, protection orders, swapper, lens, every
feed (the means need their quote's), then asset by asset its pool, its means, its listing and the engine's acceptance of
it, with the depth of its market; then what measures volatility, and what each asset's margin follows; then the factory
of long-tail listings and its blueprints; at the end ownership is handed over. Shares of a pool here are listed like any
other asset, after the pool's own.

A timelock that is to own it all is deployed first. It can accept the ownerships only by an operation, which its admin
schedules: here, where he deploys, else by `ape run governance accept`.

Engine and auction know each other by their constructors: the engine is given the address that the next contract of
the deployer will have, and that has to be the auction. Its deployment fails, before anything is sent, where the
deployer has sent something else in between; such an engine accepts no asset, and the deployment has to begin anew.

Every step looks at the chain before it acts. A deployment that was stopped goes on where it was when it is given what
it had reached: `deploy(..., begun=manifest)`; `reached` is called with that after every step.
"""

from plimsoll.deploy.checks import preflight
from plimsoll.deploy.run import Progress, deploy, plan
from plimsoll.deploy.steps import BLUEPRINTS, pool_arguments
from plimsoll.deploy.work import depth_role, pool_role, source_role

__all__ = [
    "BLUEPRINTS",
    "Progress",
    "deploy",
    "depth_role",
    "plan",
    "pool_arguments",
    "pool_role",
    "preflight",
    "source_role",
]
