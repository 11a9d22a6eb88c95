"""A failing run made short: chunks of steps are dropped and numbers lowered as long as the same thing fails.

The first pass is delta debugging over steps (Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing
Input", 2002); the second lowers each number to 0, 1 or its half. What counts as the same failure is its kind and the
first words of what was said.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from plimsoll.verify.campaign.machine import Finding
from plimsoll.verify.campaign.record import Record, Step, signature
from plimsoll.verify.campaign.runner import Campaign

Fails = Callable[[Sequence[Step]], bool]


def shrink(campaign: Campaign, record: Record, seconds: float = 60) -> Record:
    """Return a shorter record with the same failure, found within `seconds`; the record itself if it does not fail
    again.
    """
    wanted = signature(record.kind, record.text)
    deadline = time.monotonic() + seconds
    last: list[Finding] = []

    def fails(steps: Sequence[Step]) -> bool:
        found = campaign.replay(steps)
        if found is None or signature(found.kind, found.text) != wanted:
            return False
        last[:] = [found]
        return True

    if not fails(record.steps):
        return record
    steps = fewer_steps(list(record.steps), fails, deadline)
    steps = lower_numbers(steps, fails, deadline)
    steps = fewer_steps(steps, fails, deadline)
    fails(steps)
    return Record(record.seed, record.ladder, steps, last[0].kind, last[0].text, record.planted)


def fewer_steps(steps: list[Step], fails: Fails, deadline: float) -> list[Step]:
    """Drop chunks, from halves down to single steps, the last first."""
    size = max(len(steps) // 2, 1)
    while True:
        at = len(steps)
        dropped = False
        while at > 0:
            if time.monotonic() > deadline:
                return steps
            start = max(0, at - size)
            trial = steps[:start] + steps[at:]
            if fails(trial):
                steps, dropped = trial, True
            at = start
        if size == 1 and not dropped:
            return steps
        size = max(size // 2, 1)


def lower_numbers(steps: list[Step], fails: Fails, deadline: float) -> list[Step]:
    """Lower each number of each step: all of a step at once first, then one by one."""
    for i in range(len(steps)):
        numbers = steps[i][1]
        if not numbers:
            continue
        steps = first_that_fails(steps, i, [[0] * len(numbers)], fails, deadline)
        for j in range(len(numbers)):
            value = steps[i][1][j]
            if value == 0:
                continue
            now = steps[i][1]
            trials = [
                [*now[:j], lower, *now[j + 1 :]]
                for lower in sorted({0, 1, value % 16, value % 10_000, value // 2})
                if lower < value
            ]
            steps = first_that_fails(steps, i, trials, fails, deadline)
    return steps


def first_that_fails(
    steps: list[Step], at: int, trials: Sequence[list[int]], fails: Fails, deadline: float
) -> list[Step]:
    """Return the steps with the first of several replacements of one step's numbers that still fails; unchanged if
    none does.
    """
    for numbers in trials:
        if time.monotonic() > deadline:
            break
        trial = [*steps[:at], (steps[at][0], numbers), *steps[at + 1 :]]
        if fails(trial):
            return trial
    return steps
