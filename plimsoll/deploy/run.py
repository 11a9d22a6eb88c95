"""The deployment, from its first step to its manifest."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from plimsoll.chain import Chain, Revert
from plimsoll.config import Config
from plimsoll.deploy.checks import preflight
from plimsoll.deploy.steps import steps_of
from plimsoll.deploy.work import Work
from plimsoll.errors import DeployError, from_reason
from plimsoll.manifest import Manifest

Progress: TypeAlias = Callable[[int, int, str], None]
"""Called before every step with its number from 0, the number of steps, and what it does; at the end with no text."""


def plan(config: Config) -> list[str]:
    """Return what `deploy` would do, step by step, without a chain."""
    return [step.title for step in steps_of(config)]


def deploy(
    chain: Chain,
    config: Config,
    sender: str,
    *,
    progress: Progress | None = None,
    begun: Manifest | None = None,
    reached: Callable[[Manifest], None] | None = None,
) -> Manifest:
    """Deploy the protocol and return its manifest.

    Errors: ConfigError when the configuration leaves open what only a devnet fills in, or contradicts the chain;
    ChainError when `sender` cannot pay; DeployError naming the step and the contract's reason when one fails.
    """
    preflight(chain, config, sender)
    work = Work(chain, config, sender, begun)
    steps = steps_of(config)
    for number, step in enumerate(steps):
        if progress is not None:
            progress(number, len(steps), step.title)
        try:
            step.run(work)
        except Revert as error:
            reason = from_reason(error.reason, None, error.halt)
            raise DeployError(f"step {number + 1} of {len(steps)}, {step.title}: {reason}") from error
        if reached is not None:
            reached(work.manifest())
    if progress is not None:
        progress(len(steps), len(steps), "")
    return work.manifest()
