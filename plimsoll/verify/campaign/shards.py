"""A campaign over several processes, each with its own seed, or over the workers of a Ray cluster.

Every shard deploys its own world, shares interesting sequences with the others through a folder (with Ray: of a file
system that the workers share, or each its own), writes what it finds as records, and returns its numbers.
"""

from __future__ import annotations

import importlib
import multiprocessing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plimsoll.chain import RevmChain
from plimsoll.verify.campaign.backend import RevmBackend
from plimsoll.verify.campaign.corpus import Corpus
from plimsoll.verify.campaign.machine import GOVERNANCE, Stats
from plimsoll.verify.campaign.planted import planted
from plimsoll.verify.campaign.record import Record
from plimsoll.verify.campaign.runner import STEPS, Campaign, campaign
from plimsoll.verify.campaign.shrink import shrink
from plimsoll.verify.campaign.world import build

SHRINKING = 60
"""Seconds for making one failure short, by default."""


@dataclass(frozen=True)
class Shard:
    """What one process is to do."""

    number: int
    seed: int
    seconds: float
    calls: int
    steps: int = STEPS
    ladder: int = GOVERNANCE
    corpus: str = ""
    planted: str = ""
    findings: int = 1
    kept: str = ""
    shrinking: float = SHRINKING

    def keep(self, record: Record) -> None:
        """Write a finding into the folder `kept`, if there is one."""
        if self.kept:
            record.save(self.file_of(record))

    def file_of(self, record: Record) -> Path:
        """Return where a finding is kept."""
        return Path(self.kept) / f"{record.seed}-{self.number}.json"


@dataclass
class Result:
    """What one process did; `cpu` and `wall` are seconds of running, not of deploying."""

    shard: Shard
    stats: Stats
    records: list[Record]
    cpu: float
    wall: float


def work(shard: Shard) -> Result:
    """Run one shard in this process."""
    with planted(shard.planted):
        chain = RevmChain()
        world = build(chain)
        backend = RevmBackend(chain)
        corpus = Corpus(Path(shard.corpus)) if shard.corpus else None
        outcome = campaign(
            world,
            backend,
            shard.seed,
            seconds=shard.seconds,
            calls=shard.calls,
            steps=shard.steps,
            ladder=shard.ladder,
            corpus=corpus,
            planted=shard.planted,
            most_findings=shard.findings,
            keep=shard.keep,
        )
        shrinker = Campaign(world, backend, shard.ladder, shard.planted)
        records = [shrink(shrinker, record, shard.shrinking) for record in outcome.records]
    return Result(shard, outcome.stats, records, outcome.cpu, outcome.wall)


def over_processes(shards: list[Shard]) -> list[Result]:
    """Run shards in processes of this machine; a single one in this process."""
    if len(shards) == 1:
        return [work(shards[0])]
    context = multiprocessing.get_context("spawn")
    with context.Pool(len(shards)) as pool:
        return pool.map(work, shards, chunksize=1)


class RayMissingError(Exception):
    """Ray was asked for and is not installed; the message is for the user."""


def over_ray(shards: list[Shard], address: str | None = None) -> list[Result]:
    """Run shards as tasks of a Ray cluster: the one at `address`, or one started here with as many workers."""
    try:
        ray: Any = importlib.import_module("ray")
    except ModuleNotFoundError as error:
        raise RayMissingError("Ray is not installed: run `make setup-verify`") from error
    ray.init(address=address, num_cpus=None if address else len(shards), include_dashboard=False, log_to_driver=False)
    try:
        task = ray.remote(num_cpus=1)(work)
        results: list[Result] = ray.get([task.remote(shard) for shard in shards])
    finally:
        ray.shutdown()
    return results


ENGINES = {"processes": over_processes, "ray": over_ray}
