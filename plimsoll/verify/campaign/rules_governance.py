"""Owner, guardian and everybody who would like to be: setters within and beyond their bounds, called by the right and
by the wrong.

A setter is a row: function, the contract's role, who may call it ("owner" or "guardian", which an owner is too), and a
maker of its arguments with the reasons that they are refused for. `door` runs a row: a wrong caller is refused with
the role's reason.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from plimsoll.verify.campaign.backend import NO_REASON
from plimsoll.verify.campaign.draws import Draws
from plimsoll.verify.campaign.machine import GOVERNANCE, WAD, Machine, rule
from plimsoll.verify.campaign.world import DAY, HOUR, MASK_256, word_of

Arguments = tuple[bytes, set[str]]
"""Calldata and its outcomes when the right one calls."""


@dataclass(frozen=True)
class Setter:
    """One row; `after` tells the machine what a success changed."""

    key: str
    role: str
    who: str
    make: Callable[[Machine, Draws], Arguments]
    after: Callable[[Machine], None] | None = None


OWNED = {
    "MarginEngine": "engine",
    "RiskEngine": "risk_engine",
    "LiquidationAuction": "auction",
    "VolatilityOracle": "volatility",
    "IsolatedFactory": "factory",
    "LendingPool": "pool.DAI",
    "AllowListGate": "gate",
    "Timelock": "timelock",
    "VaultShareOracle": "source.pUSDC.0",
}
"""The role of each contract that has an owner."""
NO_GUARDIAN = {"AllowListGate", "VaultShareOracle"}


def door(m: Machine, d: Draws, setter: Setter) -> None:
    """Call a setter as somebody."""
    owner = m.state.get(("owner", setter.role), m.roles["owner"])
    guardian = m.state.get(("guardian", setter.role), m.roles["guardian"])
    kind = d.below(6)
    sender = owner if kind < 4 else guardian if kind == 4 else m.roles[d.pick(("attacker", "trader", "lender"))]
    data, expected = setter.make(m, d)
    if setter.who == "owner" and sender != owner:
        expected = REFUSED.get(setter.key.split(".")[0], {"roles: owner only"})
    elif setter.who == "guardian" and sender not in (owner, guardian):
        expected = {"roles: guardian only"}
    if m.call(setter.role, setter.key, sender, data, expected):
        if setter.after is not None:
            setter.after(m)
        m.moved_prices()


REFUSED = {"AllowListGate": {"ownable: caller is not the owner"}, "VaultShareOracle": {"shares: owner only"}}


def _pool_caps(m: Machine, d: Draws) -> Arguments:
    unit = m.world.asset("DAI").unit
    supply, borrow = d.pick((10**9, 10**6, 0, 2**48 - 1)) * unit, d.pick((10**8, 10**5, 0)) * unit
    crooked = d.chance(8)
    beyond = supply >= 2**100 or borrow >= 2**92
    expected = {"pool: cap bounds"} if beyond else {"pool: precision"} if crooked else {""}
    return m.fn("LendingPool.set_caps")(supply + crooked, borrow), expected


def _lower_caps(m: Machine, d: Draws) -> Arguments:
    supply, borrow = m.view("pool.DAI", "LendingPool.caps")
    higher = d.chance(20)
    unit = m.world.asset("DAI").unit
    lower = supply // (2 * unit) * unit if d.chance(20) else supply
    return m.fn("LendingPool.lower_caps")(lower + higher * unit if lower == supply else lower, borrow), {
        "pool: caps only down"
    } if higher and lower == supply else {""}


def _pool_rates(m: Machine, d: Draws) -> Arguments:
    target = d.pick((9 * WAD // 10, WAD // 2, 99 * WAD // 100, WAD))
    steep, speed = d.pick((4 * WAD, WAD, 100 * WAD)), d.pick((50 * WAD, 0, 200 * WAD))
    low, high = d.pick(((WAD // 1_000, 2 * WAD), (WAD // 25, WAD // 25), (WAD, WAD // 1_000)))
    expected = {"pool: target bounds"} if target == WAD else {"pool: rate bounds"} if low > high else {""}
    return m.fn("LendingPool.set_rates")(target, steep, speed, low, high), expected


def _pool_fees(m: Machine, d: Draws) -> Arguments:
    factor, flash = d.pick((WAD // 10, 0, WAD // 2, WAD // 2 + 10**14)), d.pick((5 * WAD // 10_000, 0, WAD // 100))
    return m.fn("LendingPool.set_fees")(factor, flash), {"pool: fee bounds"} if factor > WAD // 2 else {""}


def _min_debt(m: Machine, d: Draws) -> Arguments:
    dollars = d.pick((100, 0, 1, 1_000, 100_001))
    m.state["asked min debt"] = dollars * WAD
    return m.fn("MarginEngine.set_min_debt")(dollars * WAD), {"engine: min debt bound"} if dollars > 100_000 else {""}


def _kept_min_debt(m: Machine) -> None:
    m.min_debt = m.state["asked min debt"]


def _is_paused(m: Machine) -> None:
    m.paused = bool(m.view("engine", "MarginEngine.settings")[2])


def _margin(m: Machine, d: Draws) -> Arguments:
    key, tight = _margin_words(m, d)
    return m.fn("RiskEngine.set_margin")(key, *tight), {"", "margin: notice", "margin: floor", "margin: cap"}


def _tighten(m: Machine, d: Draws) -> Arguments:
    key, tight = _margin_words(m, d)
    return m.fn("RiskEngine.tighten_margin")(key, *tight), {
        "",
        "margin: notice",
        "margin: floor",
        "margin: cap",
        "risk: not tighter",
    }


def _margin_words(m: Machine, d: Draws) -> tuple[int, tuple[int, ...]]:
    asset = d.pick(m.assets)
    low, high = d.pick(((8, 45), (10, 45), (20, 45), (5, 40), (46, 45)))
    slope = d.pick((10**9, 10**10, 10**6))
    return asset.key, (low * WAD // 100, high * WAD // 100, slope, 784 * 10**12, WAD // 100)


def _forbidding(m: Machine, d: Draws) -> Arguments:
    held, owed = d.pick([asset for asset in m.assets if asset.isolated]), d.pick(m.assets)
    return m.fn("RiskEngine.set_backing")(held.key, owed.key, 0), {""}


def _backing(m: Machine, d: Draws) -> Arguments:
    held, owed = d.pick([asset for asset in m.assets if asset.isolated]), d.pick(m.assets)
    if d.chance(5):
        return m.fn("RiskEngine.set_backing")(m.assets[0].key, owed.key, 1), {"risk: not isolated"}
    return m.fn("RiskEngine.set_backing")(held.key, owed.key, 1), {""}


def _sources(m: Machine, d: Draws) -> Arguments:
    asset = d.pick(m.assets[1:6])
    count = len(asset.sources)
    least = d.pick((count, 1, count + 1))
    data = m.fn("RiskEngine.set_sources").encode(
        asset.key, tuple(asset.sources), (least, WAD // 50, WAD // 1_000, WAD // 1_000, WAD // 20)
    )
    return data, {"oracle: min sources"} if least > count else {"", "oracle: no answer", "risk: price scale"}


def _silence(m: Machine, d: Draws) -> Arguments:
    asset, index, seconds = d.pick(m.assets[1:4]), d.below(3), d.pick((60, HOUR, DAY, DAY + 1, 0))
    if index >= 2 or len(asset.sources) < 2:
        expected = {"oracle: unknown source"}
    elif not 0 < seconds <= DAY:
        expected = {"oracle: duration"}
    else:
        expected = {"", "oracle: silenced lately"}
    return m.fn("RiskEngine.silence")(asset.key, index, seconds), expected


def _silenced(m: Machine) -> None:
    m.state["silenced"] = True


def _dynamics(m: Machine, d: Draws) -> Arguments:
    asset = d.pick(m.assets[:3])
    now = m.view("risk_engine", "RiskEngine.dynamics_of", asset.key)[:5]
    limit = d.pick((now[4], WAD // 4, 0, WAD + 10**14))
    return m.fn("RiskEngine.set_dynamics")(asset.key, *now[:4], limit), {"margin: size limit"} if limit > WAD else {
        "",
        "margin: ramp too slow",
    }


def _relist(m: Machine, d: Draws) -> Arguments:
    asset = d.pick(m.assets[:4])
    data = m.fn("RiskEngine.list_asset").encode(
        asset.token, False, tuple(asset.sources), (1, WAD // 50, 0, 0, 0), (WAD // 10, WAD // 4, 10**9, 10**12, 10**15)
    )
    return data, {"risk: listed already"}


def _auction_parameters(m: Machine, d: Draws) -> Arguments:
    tau, tail = d.pick(((600, 7_200), (60, 60), (86_400, 7 * DAY), (59, 600), (600, 60)))
    kappa, start, aim = (
        d.pick((2 * WAD, 0, 100 * WAD)),
        -d.pick((WAD // 10, WAD, 10**14)),
        d.pick((WAD // 2, WAD, 10**14)),
    )
    share = d.pick((WAD // 10, 0, WAD // 2))
    least, most = d.pick(((WAD // 100, WAD // 5), (WAD // 1_000, WAD // 1_000), (WAD // 5, WAD // 5)))
    expected = {"auction: tau"} if tau < 60 else {"auction: tail"} if tail < tau else {""}
    return m.fn("LiquidationAuction.set_parameters")(tau, tail, kappa, start, aim, share, share, least, most), expected


def _auction_changed(m: Machine) -> None:
    m.state["auction_changed"] = True


def _volatility(m: Machine, d: Draws) -> Arguments:
    key = d.pick(m.assets[:3]).key if d.chance(90) else 1 << 40
    interval = d.pick((HOUR, 7_200, 599))
    if key == 1 << 40:
        expected = {"volatility: unknown asset", "volatility: interval"}
    else:
        expected = {"volatility: interval"} if interval < 600 else {""}
    return m.fn("VolatilityOracle.set_parameters")(
        key, interval, 300, DAY, 14 * DAY, 14 * DAY, 20 * WAD, WAD // 2
    ), expected


def _follow(m: Machine, d: Draws) -> Arguments:
    asset = m.assets[d.pick((3, 0))]
    expected = (
        {"volatility: added already"} if asset is m.assets[0] or "followed" in m.state else {"", "volatility: not OK"}
    )
    return m.fn("VolatilityOracle.add")(asset.key, HOUR, 300, DAY, 14 * DAY, 14 * DAY, 20 * WAD, WAD // 2), expected


def _followed(m: Machine) -> None:
    m.state["followed"] = True


def _anchor(m: Machine, d: Draws) -> Arguments:
    return m.fn("VaultShareOracle.set_anchor")(0 if d.chance(50) else MASK_256, MASK_256), {"", "shares: anchor"}


RESTRICTED = ("UNIT", "HOOK")


def _gate_of(m: Machine, d: Draws) -> Arguments:
    asset = m.world.asset(d.pick(RESTRICTED))
    gate = d.pick((0, 0, 0, 0, 0, word_of(m.at["gate"]), word_of(m.roles["attacker"]), word_of(m.at["rates"])))
    expected = {"engine: gate"} if gate == word_of(m.roles["attacker"]) else {""}
    return m.fn("MarginEngine.set_gate")(asset.word, gate), expected


def _cap_of(m: Machine, d: Draws) -> Arguments:
    asset = m.world.asset(d.pick(RESTRICTED))
    cap = d.pick((0, 0, 1, m.units(asset, 10**8), 2**126, 2**127))
    return m.fn("MarginEngine.set_cap")(asset.word, cap), {"engine: cap bound"} if cap >= 2**127 else {""}


def _lower_cap_of(m: Machine, d: Draws) -> Arguments:
    asset = m.world.asset(d.pick(RESTRICTED))
    cap = d.pick((m.units(asset, 10**8), 0, 2**126))
    present = m.view("engine", "MarginEngine.restrictions_of", asset.word)[1]
    expected = {"engine: cap only down"} if cap == 0 or (present and cap > present) else {""}
    return m.fn("MarginEngine.lower_cap")(asset.word, cap), expected


def _restricted(m: Machine) -> None:
    m.restricted = {}
    for symbol in RESTRICTED:
        asset = m.world.asset(symbol)
        gate, cap = m.view("engine", "MarginEngine.restrictions_of", asset.word)
        reasons = ({"engine: gate"} if gate else set()) | ({"engine: supply cap"} if cap else set())
        if reasons:
            m.restricted[asset.key] = reasons


def _reserve(m: Machine, d: Draws) -> Arguments:
    return m.fn("IsolatedFactory.reserve").encode((m.world.unlisted,)), {""}


def _release(m: Machine, d: Draws) -> Arguments:
    return m.fn("IsolatedFactory.release")(word_of(m.world.unlisted)), {""}


def _same_risk_engine(m: Machine, d: Draws) -> Arguments:
    other = d.chance(30)
    target = m.roles["attacker"] if other else m.at["risk_engine"]
    return m.fn("MarginEngine.set_risk_engine")(word_of(target)), {"engine: asset keys"} if other else {""}


def _add_again(m: Machine, d: Draws) -> Arguments:
    asset = d.pick(m.assets)
    other = d.pick(m.assets)
    expected = {"vault: added already"} if asset is other else {"engine: pool asset"}
    return m.fn("MarginEngine.add_asset")(asset.word, word_of(other.pool)), expected


def _factory_terms(m: Machine, d: Draws) -> Arguments:
    floor = d.pick((WAD // 4, WAD // 5, WAD // 3))
    return m.fn("IsolatedFactory.set_terms")(25_000 * WAD, 250_000 * WAD, floor), {
        "",
        "factory: floor",
        "factory: terms",
    }


def _terms_changed(m: Machine) -> None:
    m.state["terms changed"] = True


def _factory_quotes(m: Machine, d: Draws) -> Arguments:
    usdc = m.assets[0]
    given = ((usdc.token, usdc.sources[0]),) if d.chance(80) else ()
    return m.fn("IsolatedFactory.set_quotes").encode(given), (
        {"", "factory: quote source", "feed: no data"} if given else {"factory: quotes"}
    )


def _factory_feed(m: Machine, d: Draws) -> Arguments:
    listed = d.chance(30)
    token = m.assets[0].token if listed else m.world.unlisted
    feed = (m.assets[0].feed, 1, 10**12, HOUR, "0x" + "00" * 20, 0)
    return m.fn("IsolatedFactory.offer_feed").encode(token, feed), {"factory: listed already"} if listed else {""}


def _lister(m: Machine, d: Draws) -> Arguments:
    return m.fn("RiskEngine.set_lister")(word_of(m.at["factory"])), {""}


def _attester(m: Machine, d: Draws) -> Arguments:
    zero = d.chance(10)
    m.state["attester changed"] = True
    return m.fn("AllowListGate.set_attester")(0 if zero else word_of(m.roles["keeper"]), d.below(2)), {
        "gate: attester"
    } if zero else {""}


def plain(key: str) -> Callable[[Machine, Draws], Arguments]:
    """Return a maker of a call without arguments that always succeeds."""
    return lambda m, d: (m.fn(key)(), {""})


SETTERS = (
    Setter("MarginEngine.set_min_debt", "engine", "owner", _min_debt, _kept_min_debt),
    Setter("MarginEngine.pause", "engine", "guardian", plain("MarginEngine.pause"), _is_paused),
    Setter("MarginEngine.unpause", "engine", "owner", plain("MarginEngine.unpause"), _is_paused),
    Setter("MarginEngine.unpause", "engine", "owner", plain("MarginEngine.unpause"), _is_paused),
    Setter("MarginEngine.unpause", "engine", "owner", plain("MarginEngine.unpause"), _is_paused),
    Setter("MarginEngine.set_risk_engine", "engine", "owner", _same_risk_engine),
    Setter("MarginEngine.add_asset", "engine", "owner", _add_again),
    Setter("MarginEngine.set_gate", "engine", "owner", _gate_of, _restricted),
    Setter("MarginEngine.set_cap", "engine", "owner", _cap_of, _restricted),
    Setter("MarginEngine.lower_cap", "engine", "guardian", _lower_cap_of, _restricted),
    Setter("IsolatedFactory.reserve", "factory", "guardian", _reserve),
    Setter("IsolatedFactory.release", "factory", "owner", _release),
    Setter("LendingPool.set_caps", "pool.DAI", "owner", _pool_caps),
    Setter("LendingPool.lower_caps", "pool.DAI", "guardian", _lower_caps),
    Setter("LendingPool.set_rates", "pool.DAI", "owner", _pool_rates),
    Setter("LendingPool.set_fees", "pool.DAI", "owner", _pool_fees),
    Setter("RiskEngine.set_margin", "risk_engine", "owner", _margin),
    Setter("RiskEngine.tighten_margin", "risk_engine", "guardian", _tighten),
    Setter("RiskEngine.set_backing", "risk_engine", "owner", _backing),
    Setter("RiskEngine.set_backing", "risk_engine", "guardian", _forbidding),
    Setter("RiskEngine.set_sources", "risk_engine", "owner", _sources),
    Setter("RiskEngine.silence", "risk_engine", "guardian", _silence, _silenced),
    Setter(
        "RiskEngine.unsilence",
        "risk_engine",
        "owner",
        lambda m, d: (m.fn("RiskEngine.unsilence")(d.pick(m.assets).key), {""}),
    ),
    Setter("RiskEngine.set_dynamics", "risk_engine", "owner", _dynamics),
    Setter("RiskEngine.list_asset", "risk_engine", "owner", _relist),
    Setter("RiskEngine.set_lister", "risk_engine", "owner", _lister),
    Setter("LiquidationAuction.set_parameters", "auction", "owner", _auction_parameters, _auction_changed),
    Setter("VolatilityOracle.set_parameters", "volatility", "owner", _volatility),
    Setter("VolatilityOracle.add", "volatility", "owner", _follow, _followed),
    Setter("VaultShareOracle.set_anchor", "source.pUSDC.0", "owner", _anchor),
    Setter("IsolatedFactory.set_terms", "factory", "owner", _factory_terms, _terms_changed),
    Setter("IsolatedFactory.set_quotes", "factory", "owner", _factory_quotes, _terms_changed),
    Setter("IsolatedFactory.offer_feed", "factory", "owner", _factory_feed),
    Setter("IsolatedFactory.pause", "factory", "guardian", plain("IsolatedFactory.pause")),
    Setter("IsolatedFactory.unpause", "factory", "owner", plain("IsolatedFactory.unpause")),
    Setter("AllowListGate.set_attester", "gate", "owner", _attester),
)


@rule(64, GOVERNANCE, *dict.fromkeys(setter.key for setter in SETTERS))
def govern(m: Machine, d: Draws) -> None:
    """Call a setter, as whoever may or may not."""
    door(m, d, d.pick(SETTERS))


HANDOVERS = tuple(f"{contract}.{name}" for contract in OWNED for name in ("transfer_ownership", "accept_ownership"))
GUARDED = tuple(f"{contract}.set_guardian" for contract in OWNED if contract not in NO_GUARDIAN)


@rule(6, GOVERNANCE, *HANDOVERS, *GUARDED)
def hand_over(m: Machine, d: Draws) -> None:
    """Offer ownership and accept it, in two steps; appoint a guardian. Strangers get nowhere."""
    contract = d.pick(tuple(OWNED))
    role = OWNED[contract]
    owner = m.state.get(("owner", role), m.roles["owner"])
    heir = m.roles[d.pick(("owner", "whale"))]
    stranger = m.roles["attacker"]
    kind = d.below(6)
    if kind < 2:
        sender = stranger if d.chance(25) else owner
        key = f"{contract}.transfer_ownership"
        if m.call(
            role,
            key,
            sender,
            m.fn(key)(word_of(heir)),
            {""} if sender == owner else {"ownable: caller is not the owner"},
        ):
            m.state["pending", role] = heir
            if d.chance(40):
                accept(m, contract, heir)
    elif kind < 4:
        accept(m, contract, m.state.get(("pending", role), stranger) if d.chance(75) else stranger)
    elif contract not in NO_GUARDIAN:
        key = f"{contract}.set_guardian"
        zero = d.chance(10)
        sender = stranger if d.chance(20) else owner
        guardian = m.roles[d.pick(("guardian", "whale"))]
        refused = {"timelock: self only"} if contract == "Timelock" else {"roles: owner only"}
        expected = refused if sender != owner or contract == "Timelock" else {"roles: zero address"} if zero else {""}
        if m.call(role, key, sender, m.fn(key)(0 if zero else word_of(guardian)), expected):
            m.state["guardian", role] = guardian


def accept(m: Machine, contract: str, sender: str) -> None:
    """Accept ownership, with its prediction."""
    role, key = OWNED[contract], f"{contract}.accept_ownership"
    refused = {"ownable_2step: caller is not the new owner"}
    if m.call(role, key, sender, m.fn(key)(), {""} if sender == m.state.get(("pending", role)) else refused):
        m.state["owner", role] = sender
        m.state.pop(("pending", role))


@rule(3, GOVERNANCE, "AllowListGate.attest", "AllowListGate.revoke")
def gate(m: Machine, d: Draws) -> None:
    """Bring an attestation once; revoke it."""
    signed = d.pick([each for each in m.world.signed if each.kind == "attest"])
    if d.chance(60):
        used = m.view("gate", "AllowListGate.record_of", word_of(m.roles[signed.who]))[1]
        expected = {"gate: nonce"} if used else {"gate: signature"} if "attester changed" in m.state else {""}
        if m.backend.now > signed.account:
            expected = {"gate: expired"}
        elif "attester changed" in m.state and not used:
            expected = {"", "gate: signature"}
        m.call("gate", "AllowListGate.attest", m.roles["stranger"], signed.data, expected)
        return
    owner = m.state.get(("owner", "gate"), m.roles["owner"])
    sender = m.roles[d.pick(("keeper", "attacker"))] if d.chance(70) else owner
    expected = {""} if sender in (owner, m.roles["keeper"]) else {"gate: attester only"}
    m.call("gate", "AllowListGate.revoke", sender, m.fn("AllowListGate.revoke")(word_of(m.roles[signed.who])), expected)


OPERATIONS = "timelock operations"
NOT_PROPOSER = {"access_control: account is missing role"}


@rule(
    5,
    GOVERNANCE,
    "Timelock.schedule",
    "Timelock.schedule_batch",
    "Timelock.execute",
    "Timelock.execute_batch",
    "Timelock.cancel",
    "Timelock.update_delay",
    "Timelock.set_guardian",
)
def timelock(m: Machine, d: Draws) -> None:
    """Schedule, cancel and execute operations: nothing before its time, nothing twice, nothing by the wrong one."""
    made: list[tuple[int, int, int]] = m.state.setdefault(OPERATIONS, [])
    """(salt, minimum delay asked for, whether it is a batch)"""
    owner = m.state.get(("owner", "timelock"), m.roles["owner"])
    kind = d.below(8)
    if kind == 7:
        key = d.pick(("Timelock.update_delay", "Timelock.set_guardian"))
        m.call("timelock", key, owner, m.fn(key)(word_of(owner)), {"timelock: self only"})
        return
    if kind < 3 or not made:
        salt, delay, many = len(made) + 1, d.pick((2, 1, 24, 30 * 24)) * HOUR, d.below(2)
        sender = owner if not d.chance(15) else m.roles["attacker"]
        delay_now = m.number("timelock", "Timelock.get_minimum_delay")
        key = "Timelock.schedule_batch" if many else "Timelock.schedule"
        expected = (
            NOT_PROPOSER
            if sender != owner
            else {"timelock_controller: insufficient delay"}
            if delay < delay_now
            else {""}
        )
        data = m.fn(key).encode(*operation(m, salt, many), delay)
        if m.call("timelock", key, sender, data, expected):
            made.append((salt, delay, many))
        return
    salt, _, many = d.pick(made)
    parts = operation(m, salt, many)
    name = "Timelock.hash_operation_batch" if many else "Timelock.hash_operation"
    answer = m.backend.view(m.at["timelock"], m.fn(name).encode(*parts))
    assert answer is not None
    state = m.number("timelock", "Timelock.get_timestamp", int.from_bytes(answer, "big"))
    if kind == 3:
        guardian = m.state.get(("guardian", "timelock"), m.roles["guardian"])
        sender = d.pick((owner, guardian, m.roles["guardian"], m.roles["attacker"]))
        expected = (
            NOT_PROPOSER
            if sender not in (owner, guardian)
            else {""}
            if state > 1
            else {"timelock_controller: operation cannot be cancelled"}
        )
        m.call("timelock", "Timelock.cancel", sender, m.fn("Timelock.cancel")(int.from_bytes(answer, "big")), expected)
        return
    key = "Timelock.execute_batch" if many else "Timelock.execute"
    ready = 1 < state <= m.backend.now
    guardian = new_guardian(m, salt)
    allowed = guardian or HOUR <= delays(salt) <= 30 * DAY
    expected = ({""} if allowed else {"timelock: delay"}) if ready else {"timelock_controller: operation is not ready"}
    if m.call("timelock", key, m.roles["stranger"], m.fn(key).encode(*parts), expected) and guardian:
        m.state["guardian", "timelock"] = guardian


def delays(salt: int) -> int:
    """Return the delay that an operation sets."""
    return (HOUR, 2 * HOUR, DAY, 60)[salt % 4]


def new_guardian(m: Machine, salt: int) -> str:
    """Return the guardian that an operation appoints; "" if it sets the delay."""
    return m.roles[("whale", "guardian")[salt // 5 % 2]] if salt % 5 == 0 else ""


def operation(m: Machine, salt: int, many: int) -> tuple[object, ...]:
    """Return an operation's target, value, calldata, predecessor and salt: a change of the timelock's own delay, or of
    its guardian.
    """
    target, guardian = m.at["timelock"], new_guardian(m, salt)
    data = m.fn("Timelock.set_guardian")(word_of(guardian)) if guardian else m.fn("Timelock.update_delay")(delays(salt))
    named = salt.to_bytes(32, "big")
    if many:
        return (target,), (0,), (data,), bytes(32), named
    return target, 0, data, bytes(32), named


@rule(1, GOVERNANCE, "RiskEngine.list_asset", "MarginEngine.add_asset")
def list_nothing(m: Machine, d: Draws) -> None:
    """A token that is not listed cannot be added, and one whose source does not answer cannot be listed."""
    owner = m.state.get(("owner", "risk_engine"), m.roles["owner"])
    data = m.fn("RiskEngine.list_asset").encode(
        m.world.unlisted,
        False,
        (m.roles["attacker"],),
        (1, 0, 0, 0, 0),
        (WAD // 10, WAD // 4, 10**9, 10**12, 10**15),
    )
    m.call("risk_engine", "RiskEngine.list_asset", owner, data, {"oracle: no answer", NO_REASON})
    engine_owner = m.state.get(("owner", "engine"), m.roles["owner"])
    data = m.fn("MarginEngine.add_asset")(word_of(m.world.unlisted), m.assets[0].word)
    m.call("engine", "MarginEngine.add_asset", engine_owner, data, {"engine: not listed"})
