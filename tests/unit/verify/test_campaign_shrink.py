"""Shrinking keeps the failure and nothing else."""

from __future__ import annotations

import math
from collections.abc import Sequence

from plimsoll.verify.campaign.record import Step, signature
from plimsoll.verify.campaign.shrink import fewer_steps, lower_numbers


def test_fewer_steps__two_steps_are_needed__only_they_are_left() -> None:
    steps: list[Step] = [(str(i), []) for i in range(57)]

    def fails(trial: Sequence[Step]) -> bool:
        return {"3", "41"} <= {name for name, _ in trial}

    assert fewer_steps(steps, fails, math.inf) == [("3", []), ("41", [])]


def test_fewer_steps__out_of_time__keeps_what_it_has() -> None:
    steps: list[Step] = [("a", []), ("b", [])]
    assert fewer_steps(steps, lambda trial: True, -math.inf) == steps


def test_lower_numbers__a_limit__is_approached() -> None:
    def fails(trial: Sequence[Step]) -> bool:
        return trial[0][1][1] >= 5

    lowered = lower_numbers([("a", [9_000_003, 80_000, 7])], fails, math.inf)
    assert lowered[0][1][0] == lowered[0][1][2] == 0
    assert 5 <= lowered[0][1][1] < 80_000


def test_signature__of_an_outcome__names_the_function() -> None:
    assert signature("unpredicted outcome", "MarginEngine.take by keeper: x") == (
        "unpredicted outcome",
        "MarginEngine.take",
    )
    assert signature("invariant 6", "balances of A") == signature("invariant 6", "balances of B")
