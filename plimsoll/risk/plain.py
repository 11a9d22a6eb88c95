"""The desk as JSON: exact numbers as decimal text, for other programs."""

from __future__ import annotations

import json
from typing import Any

from plimsoll.model import account_word, margin_rate
from plimsoll.risk.desk import Desk
from plimsoll.risk.lines import Near
from plimsoll.risk.shocks import Outcome
from plimsoll.risk.tables import GRADES, STATUSES
from plimsoll.risk.world import AssetFacts, World, arrival, initial_rate
from plimsoll.units import from_raw, from_wad

FORMAT = 1


def as_json(desk: Desk) -> str:
    """Return everything that the desk shows. Dollars, rates and prices are decimal text, amounts whole tokens."""
    return json.dumps(as_data(desk), indent=2) + "\n"


def as_data(desk: Desk) -> dict[str, Any]:
    """Return the same as objects."""
    world = desk.world
    return {
        "format": FORMAT,
        "chain": world.chain,
        "chain_id": world.chain_id,
        "block": world.block,
        "time": world.now,
        "paused": world.paused,
        "outage": world.outage
        and {
            "sequencer_is_down": world.outage.is_down,
            "since": world.outage.since,
            "cure_window_ends": world.outage.ends,
        },
        "accounts": len(world.accounts),
        "debtors": len(world.debtors()),
        "taker_cost": _wad(desk.cost),
        "stable": list(desk.stable),
        "assets": {asset.symbol: _asset(world, asset) for _, asset in sorted(world.assets.items())},
        "not_judged": [hex(account) for account in sorted(desk.exempt.unjudged)],
        "kept_by_cure_window": [hex(account) for account in sorted(desk.exempt.kept)],
        "nearest": [_near(desk, each) for each in desk.near],
        "shocks": [_outcome(world, each) for each in desk.outcomes],
        "curve": [{"market_percent": move, "debt_below_line": _wad(debt)} for move, debt in desk.curve],
    }


def _asset(world: World, asset: AssetFacts) -> dict[str, Any]:
    base, cap, slope = margin_rate.in_force(asset.margin, world.now)
    target, pool, collateral = asset.margin.target, asset.pool, world.collateral(asset.key)
    seen, depth = asset.volatility, asset.depth

    def tokens(amount: int) -> str:
        return f"{from_raw(amount, asset.decimals):f}"

    return {
        "key": hex(asset.key),
        "token": asset.token,
        "isolated": asset.isolated,
        "price": {
            **{name: f"{asset.dollars(n):f}" for name, n in zip(("bid", "mid", "ask"), asset.price[:3], strict=True)},
            "status": STATUSES[asset.price.status],
            "settled": asset.settled,
            "not_ok_since": asset.clock.since or None,
            "silenced_until": asset.silence.until if world.now < asset.silence.until else None,
        },
        "sources": [
            {
                "address": source.address,
                "kind": source.kind,
                "counts_as": GRADES[source.grade],
                "price": f"{asset.dollars(source.reading.price):f}" if source.reading else None,
                "limited": f"{asset.dollars(source.reading.clamped):f}" if source.reading else None,
                "updated_at": source.reading.updated_at if source.reading else None,
            }
            for source in asset.sources
        ],
        "volatility": seen
        and {
            "fast": _wad(seen.fast),
            "slow": _wad(seen.slow),
            "sigma": _wad(seen.sigma),
            "sampled_at": seen.sampled,
            "next_sample": seen.next_sample,
            "due": seen.due,
        },
        "margin": {
            "maintenance": _wad(base),
            "initial": _wad(initial_rate(asset, world.initial_ratio, world.now)),
            "cap": _wad(cap),
            "per_million": _wad(slope * 10**6),
            "target_maintenance": _wad(target.floor),
            "target_cap": _wad(target.cap),
            "target_per_million": _wad(target.size_slope * 10**6),
            "arrives_at": arrival(asset.margin, world.now),
            "size_limit": _wad(asset.dynamics.size_limit),
        },
        "depth": depth
        and {
            "source": depth.source,
            "reach_ticks": depth.reach,
            "dollars": None if depth.dollars is None else _wad(depth.dollars),
            "reason": depth.reason or None,
        },
        "pool": {
            "address": pool.address,
            "supplied": tokens(pool.assets),
            "supply_cap": tokens(pool.supply_cap),
            "borrowed": tokens(pool.debt),
            "borrow_cap": tokens(pool.borrow_cap),
            "cash": tokens(pool.cash),
            "provisions": tokens(pool.provisions),
            "reserve": tokens(pool.fund),
            "borrow_rate": _wad(pool.borrow_rate),
        },
        "collateral": {
            "held": tokens(collateral.held),
            "vault": tokens(collateral.vault),
            "cap": None if collateral.cap is None else tokens(collateral.cap),
            "gate": collateral.gate,
        },
    }


def _near(desk: Desk, each: Near) -> dict[str, Any]:
    world, judged, kept = desk.world, each.account not in desk.exempt.unjudged, each.account in desk.exempt.kept
    return {
        "account": hex(each.account),
        "owner": f"0x{account_word.owner(each.account):040x}",
        "index": account_word.index(each.account),
        "judged": judged,
        "equity": _wad(each.value.equity) if judged else None,
        "requirement": _wad(each.value.requirement) if judged else None,
        "debt": _wad(each.debt),
        "liquidatable": each.value.liquidatable and not kept,
        "not_liquidatable_before": world.outage.ends if world.outage and kept else None,
        "legs": [
            {
                "asset": world.assets[leg.key].symbol,
                "owed": leg.is_debt,
                "amount": f"{from_raw(leg.amount, world.assets[leg.key].decimals):f}",
                "crosses_at": None if leg.line_price is None else f"{world.assets[leg.key].dollars(leg.line_price):f}",
                "move": None if leg.move is None else round(leg.move, 9),
            }
            for leg in each.legs
        ],
    }


def _outcome(world: World, each: Outcome) -> dict[str, Any]:
    return {
        "name": each.shock.name,
        "kind": each.shock.group,
        "statuses": each.shock.note or None,
        "equity_before": _wad(each.equity),
        "equity_lost": _wad(each.lost),
        "liquidatable": [hex(account) for account in each.liquidatable],
        "insolvent": each.insolvent,
        "stuck": each.stuck,
        "not_judged": each.unjudged,
        "debt": _wad(each.debt),
        "assumed": _wad(each.assumed),
        "paid_above_debt": _wad(each.paid),
        "seconds": each.slowest,
        "bad_debt": _wad(each.bad_debt()),
        "reserve": _wad(each.reserve()),
        "lenders": _wad(each.lenders()),
        "pools": {
            world.assets[key].symbol: {
                "bad_debt": f"{from_raw(loss.bad, world.assets[key].decimals):f}",
                "reserve": f"{from_raw(loss.reserve, world.assets[key].decimals):f}",
                "lenders": f"{from_raw(loss.lenders, world.assets[key].decimals):f}",
            }
            for key, loss in each.pools.items()
        },
    }


def _wad(value: int) -> str:
    return f"{from_wad(value):f}"
