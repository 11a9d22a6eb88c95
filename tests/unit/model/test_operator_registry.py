"""Loss budgets of the model: what operators lose in all is bounded, however they cut it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plimsoll.model.operator_registry import BASIS_POINTS, Grant, OperatorRegistry

OWNER, OPERATOR = 7, 8
values = st.integers(0, 10**24)


@given(
    trades=st.lists(st.tuples(values, values), max_size=12),
    budget=st.integers(0, 10**24),
    most=st.integers(0, BASIS_POINTS),
)
def test_charge_loss__all_losses_together_within_the_budget(
    trades: list[tuple[int, int]], budget: int, most: int
) -> None:
    registry = OperatorRegistry()
    registry.set_operator(OWNER, OWNER, OPERATOR, Grant(1, 100, most, budget))
    lost = 0
    for sold, bought in trades:
        loss = max(sold - bought, 0)
        reason = ""
        if loss * BASIS_POINTS > sold * most:
            reason = "operators: max loss"
        elif loss > budget - lost:
            reason = "operators: loss budget"
        if reason:
            with pytest.raises(ValueError, match=reason):
                registry.charge_loss(OWNER, OPERATOR, sold, bought)
        else:
            registry.charge_loss(OWNER, OPERATOR, sold, bought)
            lost += loss
        assert registry.operator_of(OWNER, OPERATOR).loss_budget == budget - lost >= 0
