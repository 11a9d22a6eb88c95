"""Asking z3 whether a lemma holds for all integers.

    @lemma("what it says")
    def name(given: Given) -> Claim:
        x, y = given.naturals("x y")
        given.that(x <= y)                       # a premise
        given.step(x * x <= x * y)               # proved from what is known so far, then known itself
        return x // y ...                        # proved from all of it

A division is a fresh number q with q * b <= a < q * b + b; that b is positive is proved like a step, never assumed.
Nothing else is added to what the lemma itself names, so a lemma that is proved holds for all integers that satisfy its
premises.
Fractions are not needed: where a formula is about a ratio, the lemma multiplies it out.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

TIMEOUT = 300_000
"""Milliseconds that the solver gets for a step."""

Number = Any
"""An int, or a term of the solver."""
Claim = Any

PROVED, REFUTED, UNKNOWN = "proved", "REFUTED", "UNKNOWN"


class NotProvedError(Exception):
    """A step or a claim that the solver refutes (with a counterexample) or gives up on."""

    def __init__(self, verdict: str, what: str) -> None:
        super().__init__(what)
        self.verdict = verdict


class Given:
    """What a lemma may use: its variables, its premises, and what was proved from them."""

    def __init__(self) -> None:
        self.z3: Any = importlib.import_module("z3")
        self.known: list[Any] = []
        self.steps = 0

    def integers(self, names: str) -> list[Number]:
        """Return variables."""
        return [self.z3.Int(name) for name in names.split()]

    def naturals(self, names: str) -> list[Number]:
        """Return variables that are not negative."""
        found = self.integers(names)
        self.known += [each >= 0 for each in found]
        return found

    def positives(self, names: str) -> list[Number]:
        """Return variables that are positive."""
        found = self.integers(names)
        self.known += [each > 0 for each in found]
        return found

    def that(self, *premises: Claim) -> None:
        """Add premises."""
        self.known += premises

    def all(self, *claims: Claim) -> Claim:
        """Return that every claim holds."""
        return self.z3.And(*claims)

    def any(self, *claims: Claim) -> Claim:
        """Return that some claim holds."""
        return self.z3.Or(*claims)

    def step(self, *claims: Claim) -> None:
        """Prove claims one by one; each is known from then on."""
        for claim in claims:
            self.prove(claim)
            self.known.append(claim)

    def prove(self, claim: Claim) -> None:
        """Prove a claim from what is known, or raise NotProvedError."""
        self.steps += 1
        solver = self.z3.Solver()
        solver.set("timeout", TIMEOUT)
        solver.add(*self.known)
        solver.add(self.z3.Not(claim))
        answer = solver.check()
        if answer == self.z3.sat:
            raise NotProvedError(REFUTED, f"{claim} fails for {solver.model()}")
        if answer != self.z3.unsat:
            raise NotProvedError(UNKNOWN, f"{claim}: {solver.reason_unknown()}")

    def consistent(self) -> bool:
        """Whether the premises can be met at all: a lemma about nothing proves nothing."""
        solver = self.z3.Solver()
        solver.set("timeout", TIMEOUT)
        solver.add(*self.known)
        return bool(solver.check() != self.z3.unsat)


_given: Given | None = None


def divide(numerator: Number, divisor: Number) -> Number:
    """Return numerator / divisor rounded down; the divisor is positive."""
    if isinstance(numerator, int) and isinstance(divisor, int):
        return numerator // divisor
    assert _given is not None, "a term outside a lemma"
    quotient = _given.z3.FreshInt("q")
    if isinstance(divisor, int):
        assert divisor > 0
    else:
        _given.step(divisor > 0)
    _given.that(quotient * divisor <= numerator, numerator < quotient * divisor + divisor)
    return quotient


def divide_up(numerator: Number, divisor: Number) -> Number:
    """Return numerator / divisor rounded up; the divisor is positive."""
    return divide(numerator + divisor - 1, divisor)


def choose(condition: Any, then: Number, otherwise: Number) -> Number:
    """Return `then` where the condition holds, else `otherwise`; both are evaluated."""
    if isinstance(condition, bool):
        return then if condition else otherwise
    assert _given is not None, "a term outside a lemma"
    return _given.z3.If(condition, then, otherwise)


def least(first: Number, second: Number) -> Number:
    """Return the smaller of two."""
    return choose(first <= second, first, second)


def most(first: Number, second: Number) -> Number:
    """Return the larger of two."""
    return choose(first >= second, first, second)


@dataclass(frozen=True)
class Lemma:
    """A statement about formulas, and the function that makes it."""

    name: str
    says: str
    make: Callable[[Given], Claim]


@dataclass(frozen=True)
class Verdict:
    """What the solver says of a lemma."""

    lemma: Lemma
    status: str
    seconds: float
    why: str = ""


LEMMAS: list[Lemma] = []


def lemma(says: str) -> Callable[[Callable[[Given], Claim]], Callable[[Given], Claim]]:
    """Register a lemma under its function's name."""

    def register(make: Callable[[Given], Claim]) -> Callable[[Given], Claim]:
        LEMMAS.append(Lemma(make.__name__, says, make))
        return make

    return register


def decide(statement: Lemma) -> Verdict:
    """Ask the solver; a lemma whose premises contradict each other is not proved."""
    global _given
    started = time.perf_counter()
    _given = Given()
    status, why = PROVED, ""
    try:
        claim = statement.make(_given)
        if not _given.consistent():
            raise NotProvedError(REFUTED, "the premises contradict each other")
        _given.prove(claim)
    except NotProvedError as error:
        status, why = error.verdict, str(error)
    finally:
        _given = None
    return Verdict(statement, status, time.perf_counter() - started, why)
