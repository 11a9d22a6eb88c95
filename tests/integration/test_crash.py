"""The demo's second act: one account cured, one taken back to its target, one written off, and who got what.

Told twice: with keepers on a node of its own, and with the stand-ins that play them where there is none.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from rich.console import Console

from plimsoll import bots
from plimsoll import crash as crash_module
from plimsoll.artifacts import home
from plimsoll.chain import Chain, RevmChain
from plimsoll.crash import KEEPERS, STOP_FEE, Crash, shared_out
from plimsoll.devnet import Devnet, start
from plimsoll.errors import PlimsollError
from plimsoll.keeper import config as configuration
from plimsoll.keeper.journal import JournalError
from plimsoll.protocol import Quote
from plimsoll.reconcile import Check, fund_adds_up, nothing_expected, shares_add_up
from plimsoll.report.anvil import anvil
from plimsoll.rivals import COMPETITIVE, EAGER, PATIENT, Deed, Taste
from plimsoll.story import FALL
from plimsoll.teller import Teller

Told = tuple[Crash, list[Check], str]
BOTS, STAND_INS = "keepers", "stand-ins"


def fallen(chain: Chain) -> Devnet:
    """Return a devnet at the price at which the first act ends."""
    devnet = start(chain)
    devnet.set_price("WETH", FALL)
    for _ in range(2):
        devnet.settle()
    return devnet


def tell(devnet: Devnet, url: str | None) -> Told:
    text = io.StringIO()
    crash = Crash(Teller(devnet, Console(file=text, width=130)), url)
    return crash, crash.tell(), text.getvalue()


@contextmanager
def devnet_on_anvil() -> Iterator[tuple[Devnet, str]]:
    """Yield a devnet on a node of its own, and where that listens."""
    with anvil() as chain:
        devnet = fallen(chain)
        chain.rpc("anvil_setBlockTimestampInterval", 1)
        yield devnet, chain.url


@pytest.fixture(scope="module")
def node() -> Iterator[tuple[Devnet, str]]:
    with devnet_on_anvil() as found:
        yield found


@pytest.fixture(scope="module")
def by_keepers() -> Iterator[Told]:
    with devnet_on_anvil() as (devnet, url):
        yield tell(devnet, url)


@pytest.fixture(scope="module")
def by_stand_ins() -> Told:
    return tell(fallen(RevmChain()), None)


@pytest.fixture(params=[BOTS, STAND_INS])
def told(request: pytest.FixtureRequest) -> Told:
    found: Told = request.getfixturevalue("by_keepers" if request.param == BOTS else "by_stand_ins")
    return found


def deeds_of(crash: Crash, name: str, kind: str) -> list[Deed]:
    return [deed for deed in crash.deeds if crash.rivals.names[deed.keeper] == name and deed.kind == kind]


def test_tell__every_check_holds(told: Told) -> None:
    _, checks, text = told
    assert [check for check in checks if not check.holds] == []
    assert [check.name for check in checks][-1] == "what all gained and lost = 0"
    for line in ("nobody runs ahead", "are written off", "of 21 checks hold", "Who lost, who got it"):
        assert line in text


def test_tell__cured__costs_its_owner_the_fall_only(told: Told) -> None:
    crash, _, _ = told
    cured = crash.cured
    assert (cured.to_keepers.total(), cured.to_reserve, cured.to_lenders) == (0, 0, 0)
    lost = cured.put_in - crash.protocol.wallet(cured.owner, "USDC").raw
    assert 0 < lost < cured.put_in


def test_tell__saved__pays_keepers_and_reserve_and_keeps_the_rest(told: Told) -> None:
    crash, _, _ = told
    saved = crash.saved
    assert saved.to_keepers.total() > 0
    assert saved.to_reserve > 0
    assert saved.to_lenders == 0
    assert crash.protocol.wallet(saved.owner, "USDC").raw > 0


def test_tell__insolvent__borne_by_the_reserve_first(told: Told) -> None:
    crash, _, _ = told
    lost = crash.lost
    assert crash.protocol.wallet(lost.owner, "USDC").raw == 0
    assert lost.to_keepers.total() > 0
    assert lost.to_reserve < 0
    assert lost.to_lenders < 0
    assert crash.protocol.wallet(crash.staker, "USDC").raw == 0
    assert -lost.to_reserve >= crash.protocol.raw("USDC", "1500")


def test_tell__stopped__sold_once_by_its_order_for_a_fee(told: Told) -> None:
    crash, _, text = told
    stopped = crash.stopped
    (order,) = [deed for deed in crash.deeds if deed.kind == "order" and deed.succeeded]
    assert order.accounts == (stopped.account.id,)
    (executed,) = order.receipt.find("Executed")
    assert executed.args["finished"]
    assert executed.args["fee"] == executed.args["sold"] * STOP_FEE // 10_000 == stopped.kept[order.keeper]
    assert stopped.to_keepers[order.keeper] == stopped.to_keepers.total() > 0
    assert (stopped.to_reserve, stopped.to_lenders) == (0, 0)
    assert 0 < crash.protocol.wallet(stopped.owner, "USDC").raw < stopped.put_in
    assert "when WETH is at 1900 or below, for 0.30 % of it." in text


def test_tell__every_keeper_earns_without_capital(told: Told) -> None:
    crash, _, _ = told
    for person, name in crash.rivals.names.items():
        assert [deed for deed in deeds_of(crash, name, "take") if deed.succeeded]
        assert crash.protocol.wallet(person, "USDC").raw > 0
        assert crash.protocol.wallet(person, "WETH").raw == 0
    earned = sum(crash.protocol.wallet(person, "USDC").raw for person in crash.keepers)
    booked = sum(position.to_keepers.total() for position in crash.positions)
    assert 0 <= booked - earned < 25_000_000  # starters' shares bore a part of the loss before they were redeemed


def test_tell__provision__raised_when_the_price_slips(told: Told) -> None:
    crash, _, text = told
    assert [deed.succeeded for deed in deeds_of(crash, "eager", "poke")][:1] == [True]
    assert "the pool expected to lose" in text


def test_tell__stand_ins__says_so_in_one_line(by_stand_ins: Told) -> None:
    assert by_stand_ins[2].count("This chain has no node for keepers to talk to") == 1


# Keepers on a node


def test_tell__keepers__what_they_did_is_in_their_journals(by_keepers: Told) -> None:
    crash, _, text = by_keepers
    assert "Three keepers (plimsoll.keeper) watch the chain over HTTP" in text
    everything = {position.account.id for position in crash.auctioned}
    assert [set(deed.accounts) for deed in deeds_of(crash, "eager", "start")] == [everything]
    assert {deed.accounts for deed in deeds_of(crash, "eager", "cancel")} >= {(crash.cured.account.id,)}
    for name in ("competitive", "patient"):
        assert {deed.kind for deed in crash.deeds if crash.rivals.names[deed.keeper] == name} == {"order", "take"}


def test_tell__keepers__the_target_is_reached_by_one_take(by_keepers: Told) -> None:
    crash, _, _ = by_keepers
    takes = [deed for deed in crash.deeds if deed.kind == "take" and deed.accounts == (crash.saved.account.id,)]
    assert [crash.rivals.names[deed.keeper] for deed in takes if deed.succeeded] == ["patient"]


def test_tell__keepers__lost_races_cost_gas_and_are_told(by_keepers: Told) -> None:
    crash, checks, text = by_keepers
    lost = [deed for deed in crash.deeds if not deed.succeeded]
    assert lost
    for deed in lost:
        assert deed.receipt.gas_used > 0
        assert deed.receipt.events == []
    assert text.count("lost to ") == len(lost)
    reported = [check.found for check in checks if check.name == "failures it reported = in its journal"]
    assert sum(reported) == len(lost)


def test_tell__keepers__gas_is_what_their_ether_went_to(by_keepers: Told) -> None:
    crash, checks, _ = by_keepers
    paid = {check.subject: check.found for check in checks if check.name == "ether gone = gas in its journal"}
    assert set(paid) == {"keeper eager", "keeper competitive", "keeper patient"}
    for person, name in crash.rivals.names.items():
        mine = [deed for deed in crash.deeds if deed.keeper == person]
        assert paid[f"keeper {name}"] == sum(deed.receipt.gas_used * (deed.price or 0) for deed in mine) > 0


def test_tell__keepers__a_unit_from_elsewhere__noticed(node: tuple[Devnet, str]) -> None:
    devnet, url = node
    with devnet.chain.isolate():
        devnet.mint("USDC", devnet.chain.accounts()[KEEPERS[1]], "0.000001")
        wrong = {check.name for check in tell(devnet, url)[1] if not check.holds}
        assert wrong == {"competitive keeper's = what takes brought", "what all gained and lost = 0"}


def test_tell__keepers_cannot_act__says_why(node: tuple[Devnet, str], monkeypatch: pytest.MonkeyPatch) -> None:
    devnet, url = node
    penniless = tuple(replace(strategy, tip=10_000) for strategy in bots.STRATEGIES)
    monkeypatch.setattr(bots, "STRATEGIES", penniless)
    monkeypatch.setattr(crash_module, "LOOKS", 2)
    with devnet.chain.isolate(), pytest.raises(PlimsollError, match="no keeper started the auctions") as caught:
        tell(devnet, url)
    assert '"event": "not sent"' in str(caught.value)


def test_running__afterwards__nothing_is_left(
    node: tuple[Devnet, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with bots.running(*node, KEEPERS) as keepers:
        (folder,) = tmp_path.iterdir()
        assert {path.name for path in folder.iterdir()} == set(keepers.names.values())
    assert list(tmp_path.iterdir()) == []


def test_look__a_keeper_stops__node_mines_again(node: tuple[Devnet, str], monkeypatch: pytest.MonkeyPatch) -> None:
    devnet, url = node
    with devnet.chain.isolate(), bots.running(devnet, url, KEEPERS) as keepers:
        monkeypatch.setattr(keepers._keepers[1].bot, "attempt", stops)
        with pytest.raises(JournalError, match="disk is full"):
            keepers.look()
        before = devnet.chain.block_number()
        devnet.mint("USDC", devnet.maker, 1)
        assert devnet.chain.block_number() == before + 1


def stops() -> None:
    raise JournalError("disk is full")


def test_checks__ether_spent_elsewhere__noticed(node: tuple[Devnet, str]) -> None:
    devnet, url = node
    with devnet.chain.isolate(), bots.running(devnet, url, KEEPERS) as keepers:
        assert all(check.holds for check in keepers.checks())
        devnet.chain.fund(devnet.chain.accounts()[KEEPERS[0]], 1)
        wrong = [(check.subject, check.name, check.found) for check in keepers.checks() if not check.holds]
        assert wrong == [("keeper eager", "ether gone = gas in its journal", -1)]


def test_configured__own_key_folder_and_strategy(tmp_path: Path) -> None:
    documented = configuration.load(home() / bots.DOCUMENTED)
    made = [
        bots.configured(documented, strategy, number, "http://127.0.0.1:1", 31337, tmp_path)
        for strategy, number in zip(bots.STRATEGIES, KEEPERS, strict=True)
    ]
    assert [config.key.name for config in made] == ["9", "10", "11"]
    assert len({config.folder for config in made}) == 3
    assert [config.pricing_name for config in made] == ["eager", "competitive", "patient"]
    assert len({config.fees.least_tip for config in made}) == 3
    assert [config.metrics for config in made] == [None] * 3
    assert [config.orders.inbox.parent for config in made if config.orders] == [config.folder for config in made]
    assert [config.actions.start for config in made] == ["always", "never", "never"]


# Stand-ins


def quote(bonus: str, debt: str = "50000", fraction: str = "0.5", takeable: bool = True) -> Quote:
    numbers = [Decimal(text) for text in (fraction, "0.6", bonus, "1000", "2000", "2500", debt)]
    return Quote(True, takeable, *numbers, None)


@pytest.mark.parametrize(
    ("taste", "bonus", "wanted"),
    [
        (EAGER, "0.0019", None),
        (EAGER, "0.002", "0.2"),
        (COMPETITIVE, "0.0399", None),
        (COMPETITIVE, "0.04", "0.3"),
        (PATIENT, "0.0799", None),
        (PATIENT, "0.08", "0.5"),
    ],
)
def test_wants__bonus_and_appetite(taste: Taste, bonus: str, wanted: str | None) -> None:
    expected = None if wanted is None else Decimal(wanted)
    assert taste.wants(quote(bonus), Decimal("0.1"), Decimal(100)) == expected


def test_wants__not_takeable__waits() -> None:
    assert EAGER.wants(quote("0.05", takeable=False), Decimal("0.1"), Decimal(100)) is None


def test_wants__a_remainder_under_the_minimum_debt__takes_all() -> None:
    assert EAGER.wants(quote("0.05", "10150", "1"), Decimal("0.1"), Decimal(100)) == 1


@pytest.mark.parametrize(
    ("whole", "weights", "parts"),
    [(100, [1, 1], [50, 50]), (100, [1, 2], [33, 67]), (7, [0, 0, 3], [0, 0, 7]), (5, [0, 0], [0, 0]), (0, [1], [0])],
)
def test_shared_out__sums_to_the_whole(whole: int, weights: list[int], parts: list[int]) -> None:
    assert shared_out(whole, weights) == parts


def test_shares_add_up__a_holder_forgotten__noticed(devnet: Devnet) -> None:
    lender, pool = devnet.chain.accounts()[1], devnet.protocol.asset("USDC").pool
    devnet.mint("USDC", lender, 10)
    devnet.protocol.by(lender).approve_if_needed("USDC", 10, pool)
    devnet.protocol.by(lender).lend("USDC", 10)
    assert all(check.holds for check in shares_add_up(devnet.protocol, [lender]))
    assert [check.subject for check in shares_add_up(devnet.protocol, []) if not check.holds] == ["USDC"]


def test_fund_adds_up__a_staker_forgotten__noticed(devnet: Devnet) -> None:
    staker, pool = devnet.chain.accounts()[1], devnet.protocol.asset("USDC").pool
    devnet.mint("USDC", staker, 10)
    devnet.protocol.by(staker).approve_if_needed("USDC", 10, pool)
    devnet.protocol.by(staker).lend("USDC", 10)
    shares, fund = pool.balanceOf(staker), devnet.protocol.reserve_fund
    pool.approve(fund, shares, sender=staker)
    fund.stake(pool, shares, staker, sender=staker)
    assert all(check.holds for check in fund_adds_up(devnet.protocol, [staker]))
    wrong = [check.name for check in fund_adds_up(devnet.protocol, []) if not check.holds]
    assert wrong == ["all stake = owners' stakes", "fund's shares = stakes' worth"]
    assert all(check.holds for check in nothing_expected(devnet.protocol))
