from __future__ import annotations

import pytest

from plimsoll.chain import ZERO_ADDRESS, RevmChain
from plimsoll.model import price_oracle
from tests.support import reverts
from tests.support.risk import DAY, HOUR, INITIAL_RATIO, NOTICE, WAD, WIDE_DELAY, Risk


def test_constructor__sets_roles_and_constants(risk: Risk) -> None:
    assert (risk.engine.owner(), risk.engine.guardian()) == (risk.owner, risk.guardian)
    assert (risk.engine.initial_ratio(), risk.engine.notice()) == (INITIAL_RATIO, NOTICE)
    assert risk.engine.wide_delay() == WIDE_DELAY
    assert (risk.engine.sequencer_feed(), risk.engine.cure_window()) == (ZERO_ADDRESS, 0)
    assert (risk.engine.lister(), risk.engine.asset_counts()) == (ZERO_ADDRESS, (0, 0))


def test_constructor__events(risk: Risk) -> None:
    deployer = risk.chain.accounts()[0]
    engine = risk.engine
    assert engine.deployment.events == [
        engine.event("OwnershipTransferred", previous_owner=ZERO_ADDRESS, new_owner=deployer),
        engine.event("OwnershipTransferred", previous_owner=deployer, new_owner=risk.owner),
        engine.event("GuardianSet", guardian=risk.guardian),
    ]


@pytest.mark.parametrize("ratio", [12 * 10**17, 3 * WAD])
@pytest.mark.parametrize("notice", [HOUR, 30 * DAY])
def test_constructor__at_the_bounds(chain: RevmChain, ratio: int, notice: int) -> None:
    risk = Risk.deploy(chain, initial_ratio=ratio, notice=notice)
    assert (risk.engine.initial_ratio(), risk.engine.notice()) == (ratio, notice)


@pytest.mark.parametrize("ratio", [0, 12 * 10**17 - 1, 3 * WAD + 1, 2**256 - 1])
def test_constructor__initial_ratio__reverts(chain: RevmChain, ratio: int) -> None:
    with reverts("margin: initial ratio"):
        Risk.deploy(chain, initial_ratio=ratio)


@pytest.mark.parametrize("notice", [0, HOUR - 1, 30 * DAY + 1, 2**256 - 1])
def test_constructor__notice__reverts(chain: RevmChain, notice: int) -> None:
    with reverts("margin: notice"):
        Risk.deploy(chain, notice=notice)


@pytest.mark.parametrize("wide_delay", [HOUR, 2 * DAY])
def test_constructor__wide_delay__at_the_bounds(chain: RevmChain, wide_delay: int) -> None:
    price_oracle.check_wide_delay(wide_delay)
    assert Risk.deploy(chain, wide_delay=wide_delay).engine.wide_delay() == wide_delay


@pytest.mark.parametrize("wide_delay", [0, HOUR - 1, 2 * DAY + 1, 2**256 - 1])
def test_constructor__wide_delay__reverts(chain: RevmChain, wide_delay: int) -> None:
    with reverts("oracle: wide delay"):
        Risk.deploy(chain, wide_delay=wide_delay)
    with pytest.raises(ValueError, match="oracle: wide delay"):
        price_oracle.check_wide_delay(wide_delay)


@pytest.mark.parametrize("window", [0, DAY])
def test_constructor__sequencer__at_the_bounds(chain: RevmChain, window: int) -> None:
    feed = chain.deploy("MockFeed", "sequencer", 0, 0, sender=chain.accounts()[0])
    risk = Risk.deploy(chain, sequencer=feed.address, cure_window=window)
    assert (risk.engine.sequencer_feed(), risk.engine.cure_window()) == (feed.address, window)


def test_constructor__sequencer__reverts(chain: RevmChain) -> None:
    feed = chain.deploy("MockFeed", "sequencer", 0, 0, sender=chain.accounts()[0])
    with reverts("cure: window"):
        Risk.deploy(chain, sequencer=feed.address, cure_window=DAY + 1)
    with reverts("cure: sequencer"):
        Risk.deploy(chain, cure_window=1)
    with reverts("cure: sequencer"):
        Risk.deploy(chain, sequencer=chain.accounts()[1], cure_window=1)


@pytest.mark.parametrize("zero", ["owner", "guardian"])
def test_constructor__zero_address__reverts(chain: RevmChain, zero: str) -> None:
    people = {"owner": chain.accounts()[1], "guardian": chain.accounts()[2], zero: ZERO_ADDRESS}
    with reverts("roles: zero address"):
        chain.deploy(
            "RiskEngine",
            INITIAL_RATIO,
            NOTICE,
            WIDE_DELAY,
            ZERO_ADDRESS,
            0,
            *people.values(),
            sender=chain.accounts()[0],
        )
