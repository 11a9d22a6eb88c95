"""One row of docs/formulas.md as a differential: what is drawn, who is asked, what has to come out."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from plimsoll import artifacts
from plimsoll.verify.differential.bench import Bench, pack, selector, unpack
from plimsoll.verify.differential.draws import Draws

Answer = int | tuple[int, ...]
Expect = Callable[..., Answer]

KEPT = 20
"""Differences of a chunk that are described; the others are counted."""

_NAME = re.compile(r"`(\w+\.)?(\w+)`")


@dataclass(frozen=True, slots=True)
class Formula:
    """A function of a contract module and of the model, over words."""

    contract: str
    """``module._function``."""
    model: str
    """``module.function`` of plimsoll.model."""
    method: str
    """The harness's function with its types."""
    draw: Callable[[Draws], Sequence[int]]
    """Arguments, one word each."""
    expect: Callable[[Draws], Expect] | None = None
    """What has to come out, of the same words, as words; without it the model's function itself."""
    harness: str = ""
    """The contract; without it ``<module>_harness``."""
    deployments: tuple[tuple[int, ...], ...] = ((),)
    """Constructor arguments to be tried in turn."""
    deploy: Callable[[Bench, tuple[int, ...]], Any] | None = None
    """How it is deployed where numbers are not all that it needs."""
    encode: Callable[[Sequence[int]], bytes] = field(default=pack)
    """Arguments as calldata."""

    @property
    def name(self) -> str:
        """How the table calls it."""
        return self.contract

    def twin(self) -> Expect:
        """Return the model's function."""
        module, function = self.model.split(".")
        found: Expect = getattr(import_module(f"plimsoll.model.{module}"), function)
        return found

    def check(self, bench: Bench, seed: str, chunk: int, cases: int) -> tuple[int, list[str]]:
        """Compare so many cases; return how many differ and what the first of them are."""
        with bench.isolated(later_of(chunk)):
            return self._check(bench, seed, chunk, cases)

    def _check(self, bench: Bench, seed: str, chunk: int, cases: int) -> tuple[int, list[str]]:
        fixed = self.deployments[chunk % len(self.deployments)]
        harness = self.harness or self.contract.split(".")[0] + "_harness"
        deployed = self.deploy(bench, fixed) if self.deploy else bench.deploy(harness, *fixed)
        to, name = deployed.address, selector(self.method)
        draws = Draws(f"{seed}/{self.contract}/{chunk}", bench.chain.timestamp(), fixed)
        expect = self.expect(draws) if self.expect else self.twin()
        draw, encode, ask = self.draw, self.encode, bench.ask
        count = 0
        differences: list[str] = []
        for case in range(cases):
            words = draw(draws)
            wanted: bytes | str
            try:
                result = expect(*words)
                wanted = pack(result if isinstance(result, tuple) else (result,))
            except ValueError as error:
                wanted = str(error)
            said = ask(to, name + encode(words))
            if said != wanted:
                count += 1
                if len(differences) < KEPT:
                    what = f"{self.contract}{tuple(words)}"
                    differences.append(
                        f"{what}: {shown(said)}, the model {shown(wanted)}; case {case} of chunk {chunk}"
                    )
        return count, differences


def later_of(chunk: int) -> int:
    """Return how much later a chunk takes place: seconds, now and then beyond 2**32 since 1970."""
    return (0, 0, 10**7 + chunk, 2**32 - 1_700_000_000, 2**32)[chunk % 5]


def shown(answer: bytes | str) -> str:
    """Return an answer for people."""
    return f'reverts "{answer}"' if isinstance(answer, str) else str(unpack(answer))


def index() -> list[tuple[str, str]]:
    """Return every pair of functions that docs/formulas.md names, `module._function` and `module.function`."""
    text = (artifacts.home() / "docs" / "formulas.md").read_text()
    pairs = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)]
        if len(cells) < 4:
            continue
        contracts, models = _names(cells[-3]), _names(cells[-2])
        if contracts and models and all("._" in name for name in contracts):
            twins = models if len(models) == len(contracts) else models * len(contracts)
            pairs += list(zip(contracts, twins, strict=True))
    return pairs


def _names(cell: str) -> list[str]:
    if not re.fullmatch(r"`[\w.]+`(, `\w+`)*", cell):
        return []
    module, names = "", []
    for prefix, function in _NAME.findall(cell):
        module = prefix or module
        names.append(module + function)
    return names if module else []
