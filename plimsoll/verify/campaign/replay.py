"""A record played again, on the in-process EVM or on anvil, with every call decoded."""

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
from plimsoll.verify.campaign.world import World, build

NETWORKS = {"anvil": "ethereum:local:foundry", "py-evm": "ethereum:local:test"}


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


def replay(record: Record, place: str, console: Console, calls: bool = True) -> Finding | None:
    """Play a record; print each call; return what failed."""
    with planted(record.planted), chain_of(place) as chain:
        world = build(chain)
        backend = backend_of(chain)
        campaign = Campaign(world, backend, record.ladder, record.planted)
        machine = campaign.machine_for(Draws(None))
        machine.trace = []
        found = campaign.play_all(machine, record.steps)
        if calls:
            for line in told(world, machine.trace):
                console.print(line, highlight=False, markup=False, soft_wrap=True)
        return found


def told(world: World, trace: list[tuple[str, str, str, str, str]]) -> Iterator[str]:
    """Return each call as a line: who called what with which arguments, and how it ended."""
    names = {address: role for role, address in {**world.at, **world.roles}.items()}
    for number, (sender, to, key, data, outcome) in enumerate(trace):
        decoded = world.functions[key].abi.decode_arguments(bytes.fromhex(data)[4:])
        arguments = ", ".join(f"{name}={said(value, names)}" for name, value in decoded.items())
        function = f"{names.get(to, to)}.{key.split('.')[1]}({arguments})"
        yield f"{number:4} {names.get(sender, sender)} -> {function}: {outcome or 'success'}"


def said(value: object, names: dict[str, str]) -> str:
    """Return an argument as text: known addresses and accounts by their role."""
    if isinstance(value, bytes):
        return f"0x{value[:40].hex()}{'...' if len(value) > 40 else ''}"
    if isinstance(value, str):
        return names.get(value, value)
    if isinstance(value, int) and value >> 96:
        owner = next((role for address, role in names.items() if int(address, 16) == value >> 96), None)
        return f"{owner}#{value & (1 << 96) - 1}" if owner else hex(value)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(said(each, names) for each in value) + "]"
    return str(value)
