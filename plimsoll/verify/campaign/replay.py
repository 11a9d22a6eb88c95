"""A record played again, on the in-process EVM or on anvil, with every call decoded; on anvil with traces."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

from plimsoll.chain import Chain, RevmChain
from plimsoll.chain.ape_chain import ApeChain
from plimsoll.verify.campaign.backend import Backend, ChainBackend, RevmBackend
from plimsoll.verify.campaign.draws import Draws
from plimsoll.verify.campaign.machine import Finding
from plimsoll.verify.campaign.planted import planted
from plimsoll.verify.campaign.record import Record
from plimsoll.verify.campaign.runner import Campaign
from plimsoll.verify.campaign.traces import Teller, TracingBackend, names_of, said_call
from plimsoll.verify.campaign.world import World, build

NETWORKS = {"anvil": "ethereum:local:foundry", "py-evm": "ethereum:local:test"}
TRACING = "anvil"
"""The one of them that tells what happened inside a transaction."""
INDENT = " " * 5


@contextmanager
def chain_of(place: str) -> Iterator[Chain]:
    """Open a fresh chain: "revm", "anvil" or "py-evm"."""
    if place == "revm":
        yield RevmChain()
        return
    with ApeChain.connect(NETWORKS[place]) as chain:
        yield chain


def backend_of(chain: Chain, seconds_per_call: int = 0) -> Backend:
    """Return the backend for a chain."""
    if isinstance(chain, RevmChain):
        return RevmBackend(chain, seconds_per_call)
    return ChainBackend(chain)


def replay(record: Record, place: str, console: Console, *, trace_all: bool = False) -> Finding | None:
    """Play a record; print each call, and what happened inside the last one, or inside `trace_all`, where the chain is
    a node that tells it; return what failed.
    """
    with planted(record.planted), chain_of(place) as chain:
        world = build(chain)
        backend = TracingBackend(chain) if place == TRACING and isinstance(chain, ApeChain) else backend_of(chain)
        campaign = Campaign(world, backend, record.ladder, record.planted)
        machine = campaign.machine_for(Draws(None))
        machine.trace = []
        found = campaign.play_all(machine, record.steps)
        trees = backend.trees if isinstance(backend, TracingBackend) else []
        teller = Teller(world)
        for number, line in enumerate(told(world, machine.trace)):
            console.print(line, highlight=False, markup=False, soft_wrap=True)
            last = found is not None and number == len(machine.trace) - 1
            if trees and (trace_all or last):
                for inner in teller.lines(trees[number]):
                    console.print(f"{INDENT}{inner}", highlight=False, markup=False, soft_wrap=True)
        return found


def told(world: World, trace: list[tuple[str, str, str, str, str]]) -> Iterator[str]:
    """Return each call as a line: who called what with which arguments, and how it ended."""
    names = names_of(world)
    for number, (sender, to, key, data, outcome) in enumerate(trace):
        function = said_call(world.functions[key].abi, bytes.fromhex(data), names)
        yield f"{number:4} {names.get(sender, sender)} -> {names.get(to, to)}.{function}: {outcome or 'success'}"
