"""Runs in one process: from the deployed world, by a seed or from a sequence of the corpus, until time or calls are
up.

A run is `begin`, some hundred steps, and `everybody_leaves`. It is undone afterwards, so that runs are independent and
each one is replayed from its steps alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import takewhile

from plimsoll.verify.campaign import rules  # noqa: F401  registers every rule
from plimsoll.verify.campaign.backend import Backend
from plimsoll.verify.campaign.corpus import Corpus
from plimsoll.verify.campaign.draws import Draws
from plimsoll.verify.campaign.features import features_of
from plimsoll.verify.campaign.invariants import full
from plimsoll.verify.campaign.machine import CHECKED_EVERY, GOVERNANCE, RULES, Finding, Machine, Stats
from plimsoll.verify.campaign.record import Record, Step
from plimsoll.verify.campaign.world import World

STEPS = 2_000
BEGIN, LEAVE = "begin", "everybody_leaves"
MIX = 1_000_003


class Campaign:
    """Runs over one world on one backend; `stats` adds up over them."""

    def __init__(self, world: World, backend: Backend, ladder: int = GOVERNANCE, planted: str = "") -> None:
        self.world = world
        self.backend = backend
        self.ladder = ladder
        self.planted = planted
        self.stats = Stats()
        self.base = backend.snapshot()
        self.machine: Machine | None = None

    def machine_for(self, draws: Draws) -> Machine:
        """Return a machine at the start of a run."""
        self.backend.revert(self.base)
        self.machine = Machine(self.world, self.backend, draws, self.ladder, self.stats)
        return self.machine

    def run(
        self, seed: int, steps: int = STEPS, prefix: Sequence[Step] = (), corpus: Corpus | None = None
    ) -> Record | None:
        """Make one run; return the record of what it found, None if it found nothing."""
        numbers = Draws(seed)
        machine = self.machine_for(numbers)
        self.stats.runs += 1
        done: list[Step] = []
        try:
            if not prefix:
                play(machine, BEGIN, numbers, done)
            for name, given in prefix:
                play(machine, name, Draws(None, given), done)
            checked = self.stats.calls
            for _ in range(steps):
                machine.draws = numbers
                machine.step()
                name, since, until = machine.history[-1]
                done.append((name, numbers.numbers[since:until]))
                if self.stats.calls - checked >= CHECKED_EVERY:
                    checked = self.stats.calls
                    full(machine)
                    new = features_of(machine)
                    if corpus is not None:
                        corpus.offer(new, done)
            play(machine, LEAVE, numbers, done)
        except Finding as finding:
            if len(done) < len(machine.history):
                name, since, until = machine.history[-1]
                done.append((name, machine.draws.numbers[since:until]))
            return Record(seed, self.ladder, done, finding.kind, finding.text, self.planted)
        return None

    def replay(self, steps: Sequence[Step]) -> Finding | None:
        """Play recorded steps; return what fails."""
        machine = self.machine_for(Draws(None))
        return self.play_all(machine, steps)

    def play_all(self, machine: Machine, steps: Sequence[Step]) -> Finding | None:
        """Play recorded steps on a machine; full checks come at the end."""
        done: list[Step] = []
        checked = self.stats.calls
        try:
            for name, given in steps:
                play(machine, name, Draws(None, given), done)
                if self.stats.calls - checked >= CHECKED_EVERY:
                    checked = self.stats.calls
                    full(machine)
            full(machine)
        except Finding as finding:
            return finding
        return None


def play(machine: Machine, name: str, draws: Draws, done: list[Step]) -> None:
    """Run a rule with these draws, and note the step."""
    machine.draws = draws
    since = draws.at
    machine.run_rule(RULES[name], since)
    done.append((name, draws.numbers[since : draws.at]))


@dataclass
class Outcome:
    """What a process found, and how fast it was; `cpu` and `wall` are seconds."""

    stats: Stats
    records: list[Record]
    cpu: float
    wall: float


def known_part(steps: Sequence[Step]) -> list[Step]:
    """Return a sequence up to the first rule that there is none of here: other code may have written it."""
    return list(takewhile(lambda step: step[0] in RULES, steps))


def campaign(
    world: World,
    backend: Backend,
    seed: int,
    *,
    seconds: float = 0,
    calls: int = 0,
    steps: int = STEPS,
    ladder: int = GOVERNANCE,
    corpus: Corpus | None = None,
    planted: str = "",
    most_findings: int = 1,
    tell: Callable[[Stats], None] | None = None,
    keep: Callable[[Record], None] | None = None,
) -> Outcome:
    """Make runs until `seconds` of wall clock or `calls` are up, or so many different findings were made, each of which
    `keep` gets at once.
    """
    work = Campaign(world, backend, ladder, planted)
    records: list[Record] = []
    known: set[tuple[str, str]] = set()
    started, burnt = time.monotonic(), time.process_time()
    number = 0
    while True:
        run_seed = seed * MIX + number
        prefix = known_part(corpus.pick(run_seed)) if corpus is not None else []
        record = work.run(run_seed, steps, prefix, corpus)
        number += 1
        if record is not None and record.signature not in known:
            known.add(record.signature)
            records.append(record)
            if keep is not None:
                keep(record)
            if len(records) >= most_findings:
                break
        if tell is not None:
            tell(work.stats)
        if seconds and time.monotonic() - started >= seconds:
            break
        if calls and work.stats.calls >= calls:
            break
        if not seconds and not calls:
            break
    cpu, wall = time.process_time() - burnt, time.monotonic() - started
    backend.revert(work.base)
    return Outcome(work.stats, records, cpu, wall)
