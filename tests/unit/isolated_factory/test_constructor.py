"""IsolatedFactory's constructor, and the blueprints it is given."""

from __future__ import annotations

from typing import Any

import pytest

from plimsoll import artifacts
from plimsoll.chain import ZERO_ADDRESS
from tests.support import reverts
from tests.support.isolated import BLUEPRINTS, CAP_VALUE, LEAST_DEPTH, TERMS, WAD, Bazaar, quotes_of


def plain(quotes: list[tuple[Any, Any]]) -> list[tuple[str, str]]:
    return [(token.address, source.address) for token, source in quotes]


def test_constructor__as_told(bazaar: Bazaar) -> None:
    factory, world = bazaar.factory, bazaar.world
    assert factory.settings() == (
        world.engine.address,
        world.risk_engine.address,
        bazaar.fund.address,
        bazaar.uniswap.factory.address,
    )
    assert (factory.owner(), factory.guardian(), factory.pending_owner()) == (
        bazaar.owner,
        bazaar.guardian,
        ZERO_ADDRESS,
    )
    assert factory.terms() == TERMS
    assert factory.quotes() == plain(quotes_of(world, "USDC", "WETH"))
    assert (factory.count(), factory.paused()) == (0, False)


@pytest.mark.parametrize("name", ["engine", "risk_engine", "reserve_fund", "uniswap"])
@pytest.mark.parametrize("address", [ZERO_ADDRESS, "0x" + "11" * 20])
def test_constructor__no_contract__reverts(bazaar: Bazaar, name: str, address: str) -> None:
    with reverts("factory: zero address"):
        bazaar.deploy_factory(**{name: address})


@pytest.mark.parametrize("index", range(4))
@pytest.mark.parametrize("kind", ["nothing", "other code"])
def test_constructor__no_blueprint__reverts(bazaar: Bazaar, index: int, kind: str) -> None:
    wrong = ZERO_ADDRESS if kind == "nothing" else bazaar.fund.address
    blueprints = [wrong if i == index else each for i, each in enumerate(bazaar.blueprints)]
    with reverts("factory: blueprint"):
        bazaar.deploy_factory(blueprints=blueprints)


@pytest.mark.parametrize("index", range(4))
def test_constructor__blueprint_of_nothing__reverts(bazaar: Bazaar, index: int) -> None:
    """The preamble alone, with no creation code behind it."""
    empty = bazaar.chain.deploy_blueprint("@uniswap/v3-core:IUniswapV3Pool", bazaar.owner)
    assert bazaar.chain.code(empty) == bytes.fromhex("fe7100")
    with reverts("factory: blueprint"):
        bazaar.deploy_factory(blueprints=[empty if i == index else each for i, each in enumerate(bazaar.blueprints)])


def test_constructor__blueprint_of_a_byte__is_one(bazaar: Bazaar) -> None:
    """Its preamble is all that is judged; what a listing deploys from it answers for itself."""
    store = bytes.fromhex("63fe7100003d526004601cf3")  # returns the four bytes fe710000
    shortest = bazaar.chain._create(store, bazaar.owner, 0, None)[0]
    assert bazaar.chain.code(shortest) == bytes.fromhex("fe710000")
    bazaar.deploy_factory(blueprints=[shortest] * 4)


def test_constructor__rest_of_the_pools_code__is_as_long_as_fits(bazaar: Bazaar) -> None:
    bazaar.deploy_factory(pool_rest=bytes(6_144))
    with reverts(""):
        bazaar.deploy_factory(pool_rest=bytes(6_145))


@pytest.mark.parametrize("name", ["owner", "guardian"])
def test_constructor__zero_role__reverts(bazaar: Bazaar, name: str) -> None:
    with reverts("roles: zero address"):
        bazaar.deploy_factory(**{name: ZERO_ADDRESS})


def test_constructor__bounds_of_the_setters(bazaar: Bazaar) -> None:
    with reverts("factory: quotes"):
        bazaar.deploy_factory(quotes=[])
    with reverts("factory: floor"):
        bazaar.deploy_factory(terms=(LEAST_DEPTH, CAP_VALUE, WAD // 10))


@pytest.mark.parametrize("name", BLUEPRINTS)
def test_blueprints__hold_the_creation_code(bazaar: Bazaar, name: str) -> None:
    artifact = artifacts.load(name)
    stored = bazaar.chain.code(bazaar.blueprints[BLUEPRINTS.index(name)])
    assert stored == artifact.blueprint
    assert stored[:3] == bytes.fromhex("fe7100")
    assert stored[3:] + artifact.blueprint_rest == artifact.init_code


def test_blueprints__cannot_be_called(bazaar: Bazaar) -> None:
    for address in bazaar.blueprints:
        with pytest.raises(Exception, match="InvalidFEOpcode"):
            bazaar.chain.raw_call(address, b"", bazaar.attacker)
