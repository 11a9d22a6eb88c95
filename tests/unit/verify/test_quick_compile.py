"""Compiling quickly: the same code as the compiler's own driver makes."""

from __future__ import annotations

import gc

import pytest

from plimsoll import artifacts
from plimsoll.verify.quick_compile import creation_code, without_metadata

SOURCE = "contracts/modules/share_math.vy"


@pytest.mark.parametrize("name", ["FeedOracle", "LendingPool", "IsolatedFactory", "tick_math_harness"])
def test_creation_code__is_what_artifacts_has(name: str) -> None:
    known = artifacts.load(name)
    assert without_metadata(creation_code(known.source, {})) == without_metadata(known.init_code)


def test_creation_code__of_a_changed_source__is_what_artifacts_makes_of_it() -> None:
    known = artifacts.load("share_math_harness")
    text = (artifacts.home() / SOURCE).read_text()
    assert "10**6" in text
    changed = {SOURCE: text.replace("10**6", "10**7")}
    code = without_metadata(creation_code(known.source, changed))
    assert code == without_metadata(artifacts.compile_with("share_math_harness", changed).init_code)
    assert code != without_metadata(known.init_code)


def test_creation_code__of_a_source_that_does_not_compile__raises_and_leaves_the_compiler_as_it_was() -> None:
    from vyper.ir import optimizer

    plain = optimizer._optimize
    with pytest.raises(Exception, match="no_such_name"):
        creation_code(artifacts.load("share_math_harness").source, {SOURCE: "x: constant(uint256) = no_such_name"})
    assert optimizer._optimize is plain
    assert gc.isenabled()
