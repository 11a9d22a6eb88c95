"""The batch of a take: what is in it, and that its minima keep the profit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from eth_abi.abi import default_codec
from hypothesis import given
from hypothesis import strategies as st

from plimsoll import artifacts
from plimsoll.chain import Log
from plimsoll.chain.abi import checksum, contract_abi
from plimsoll.errors import BATCH_LIMIT, CALL_LIMIT, ConfigError
from plimsoll.keeper import fees, refusals, strategy, verbs
from plimsoll.keeper.config import RouteConfig
from plimsoll.keeper.fees import FeePolicy, Fees
from plimsoll.keeper.node import FeeHistory
from plimsoll.keeper.refusals import Refusal
from plimsoll.keeper.routes import MarketRoutes
from plimsoll.keeper.strategy import Builder, Leg, Plan, Target
from plimsoll.manifest import Deployed, ListedAsset, Manifest, Market
from plimsoll.protocol import encode_path
from plimsoll.units import EVERYTHING
from tests.unit.keeper.acting.fake_protocol import log

WAD = 10**18
ENGINE, WALLET, SWAPPER = (checksum("0x" + byte * 20) for byte in ("e1", "11", "5a"))
TOKENS = [checksum(f"0x{number:040x}") for number in range(1, 16)]
DATA = b"route"
ACCOUNT, OURS = 1 << 100, 2 << 100


class Everywhere:
    def find(self, sell: str, buy: str) -> tuple[str, bytes] | None:
        return SWAPPER, DATA


class Nowhere:
    def find(self, sell: str, buy: str) -> tuple[str, bytes] | None:
        return None


def legs(*worths: int, first: int = 0) -> tuple[Leg, ...]:
    """Return balances worth so many dollars, each of a token worth a dollar per 1e18 units."""
    return tuple(Leg(TOKENS[first + i], f"T{first + i}", worth * WAD, WAD) for i, worth in enumerate(worths))


def target(held: tuple[Leg, ...], owed: tuple[Leg, ...], **changes: int) -> Target:
    fields = {"fraction": WAD, "share": WAD, "debt_rate": WAD, "min_bonus": -5, **changes}
    return Target(ACCOUNT, held, owed, **fields)


def builder(routes: Any = None, haircut: int = WAD // 100) -> Builder:
    return Builder(ENGINE, WALLET, routes or Everywhere(), haircut)


def read(plan: Plan) -> list[tuple[str, tuple[Any, ...]]]:
    """Return the calls of a batch as names and arguments, read by the compiled engine's ABI."""
    assert plan.data[:4] == verbs.BATCH.selector
    (calls,) = default_codec.decode(["bytes[]"], plan.data[4:])
    assert tuple(calls) == plan.calls
    functions = contract_abi(artifacts.load("MarginEngine").abi).functions
    by_selector = {each.selector: each for named in functions.values() for each in named.values()}
    return [
        (by_selector[call[:4]].name, default_codec.decode(by_selector[call[:4]]._types, call[4:])) for call in calls
    ]


def same(found: Any, wanted: str) -> bool:
    return checksum(found) == wanted


def test_by_trading__one_and_one() -> None:
    plan = builder().by_trading(target(legs(110), legs(100, first=8), min_bonus=7), OURS, 1_000, surplus=0)
    assert plan is not None
    take, trade, debt, rest = read(plan)
    assert take == ("take", (ACCOUNT, WAD, OURS, 7))
    name, (account, sell, amount, max_borrow, buy, min_buy, swapper, data, deadline, reduce_only) = trade
    assert (name, account, amount, max_borrow, min_buy) == ("trade", OURS, 110 * WAD * 99 // 100, 0, 0)
    assert same(sell, TOKENS[0])
    assert same(buy, TOKENS[8])
    assert same(swapper, SWAPPER)
    assert (data, deadline, reduce_only) == (DATA, 1_000 + strategy.DEADLINE, False)
    for (name, (account, token, amount, to, borrow)), expected in zip((debt, rest), (8, 0), strict=True):
        assert (name, account, amount, borrow) == ("withdraw", OURS, EVERYTHING, 0)
        assert same(token, TOKENS[expected])
        assert same(to, WALLET)


def test_by_trading__several_debts__largest_is_the_hub_and_buys_the_others() -> None:
    plan = builder(haircut=0).by_trading(target(legs(100, 200), legs(50, 150, 40, first=8)), OURS, 0, surplus=WAD // 50)
    assert plan is not None
    assert plan.hub == TOKENS[9]
    assert [(sale.sell, sale.buy, sale.amount) for sale in plan.sales] == [
        (TOKENS[0], TOKENS[9], 100 * WAD),
        (TOKENS[1], TOKENS[9], 200 * WAD),
        (TOKENS[9], TOKENS[8], 51 * WAD),
        (TOKENS[9], TOKENS[10], 408 * WAD // 10),
    ]
    assert [name for name, _ in read(plan)] == ["take"] + ["trade"] * 4 + ["withdraw"] * 3


def test_by_trading__fits_whatever_an_account_may_hold() -> None:
    for held in range(1, 9):
        for owed in range(1, 5):
            plan = builder().by_trading(target(legs(*[100] * held), legs(*[50] * owed, first=8)), OURS, 0, surplus=0)
            assert plan is not None
            assert len(plan.calls) <= BATCH_LIMIT
            assert max(map(len, plan.calls)) <= CALL_LIMIT
            assert sum(call[:4] == verbs.TRADE.selector for call in plan.calls) == held + owed - 1


def test_by_trading__no_route_or_nothing_there__none() -> None:
    assert builder(Nowhere()).by_trading(target(legs(1), legs(1, first=8)), OURS, 0, surplus=0) is None
    assert builder().by_trading(target(legs(1), ()), OURS, 0, surplus=0) is None
    assert builder().by_trading(target((), legs(1)), OURS, 0, surplus=0) is None


def test_from_wallet__repays_and_keeps_the_collateral() -> None:
    plan = builder().from_wallet(target(legs(110), legs(100, 20, first=8)), OURS)
    assert plan is not None
    calls = read(plan)
    assert [name for name, _ in calls] == ["take", "deposit", "deposit", "withdraw", "withdraw", "withdraw"]
    deposits = [arguments[2] for name, arguments in calls if name == "deposit"]
    assert deposits == list(strategy.needed_in_wallet(plan.target).values())
    assert all(amount > debt * WAD for amount, debt in zip(deposits, (100, 20), strict=True))


@given(st.integers(1, WAD), st.integers(1, WAD), st.integers(WAD, 2 * WAD), st.integers(1, 10**30))
def test_target__rounds_against_the_taker(fraction: int, share: int, rate: int, amount: int) -> None:
    leg = Leg(TOKENS[0], "T", amount, WAD)
    taken = Target(ACCOUNT, (leg,), (leg,), fraction, share, rate, 0)
    assert taken.received[0].amount * WAD <= amount * share
    assert taken.assumed[0].amount * WAD**2 >= amount * fraction * rate


def logs_of(plan: Plan, rates: dict[str, int], withdrawn: dict[str, int]) -> list[Log]:
    """Return the logs of a batch whose sales bought their amount times a rate (WAD)."""
    raw = [
        log(
            verbs.TRADED,
            (OURS, sale.sell, sale.buy, sale.amount, 0, sale.amount * rates[sale.sell] // WAD, 0, SWAPPER, False),
        )
        for sale in plan.sales
    ]
    raw += [log(verbs.WITHDRAWN, (OURS, token, WALLET, amount, 0)) for token, amount in withdrawn.items()]
    return [
        Log(
            checksum(each["address"]),
            tuple(bytes.fromhex(topic[2:]) for topic in each["topics"]),
            bytes.fromhex(each["data"][2:]),
        )
        for each in raw
    ]


def test_earned__what_came_in_less_what_went_out_at_oracle_prices() -> None:
    raw = [
        log(verbs.WITHDRAWN, (OURS, TOKENS[0], WALLET, 7 * WAD, 0)),
        log(verbs.WITHDRAWN, (OURS, TOKENS[0], SWAPPER, 100 * WAD, 0)),
        log(verbs.DEPOSITED, (OURS, TOKENS[1], WALLET, 2 * WAD, 0)),
        log(verbs.DEPOSITED, (OURS, TOKENS[1], SWAPPER, 100 * WAD, 0)),
    ]
    found = [
        Log(ENGINE, tuple(bytes.fromhex(topic[2:]) for topic in each["topics"]), bytes.fromhex(each["data"][2:]))
        for each in raw
    ]
    assert strategy.earned(found, ENGINE, WALLET, {TOKENS[0]: 3 * WAD, TOKENS[1]: WAD}) == 19 * WAD
    assert strategy.earned(found, SWAPPER, WALLET, {TOKENS[0]: 3 * WAD, TOKENS[1]: WAD}) == 0


@given(st.integers(0, 40), st.lists(st.integers(1, 1_000), min_size=1, max_size=6))
def test_minima__lose_no_more_than_the_slack(slack: int, worths: list[int]) -> None:
    plan = builder(haircut=0).by_trading(target(legs(*worths), legs(sum(worths), first=8)), OURS, 0, surplus=0)
    assert plan is not None
    rates = {token: WAD - i * WAD // 100 for i, token in enumerate(TOKENS)}
    prices = dict.fromkeys(TOKENS, WAD)
    minima = strategy.minima_from(plan, logs_of(plan, rates, {}), ENGINE, prices, slack * WAD)
    bought = sum(sale.amount * rates[sale.sell] // WAD for sale in plan.sales)
    assert bought - slack * WAD <= sum(minima.values()) <= bought
    again = builder(haircut=0).by_trading(plan.target, OURS, 0, surplus=0, minima=minima)
    assert again is not None
    assert [arguments[5] for name, arguments in read(again) if name == "trade"] == [
        minima[sale.sell, sale.buy] for sale in plan.sales
    ]


@given(st.integers(-50, 200), st.lists(st.integers(10, 1_000), min_size=1, max_size=4))
def test_least_sales__leave_the_profit(profit: int, debts: list[int]) -> None:
    """Without logs: what the sales for the hub must bring pays every debt, and the profit where there is one."""
    worth = sum(debts)
    plan = builder(haircut=0).by_trading(target(legs(worth, worth), legs(*debts, first=8)), OURS, 0, surplus=WAD // 100)
    assert plan is not None
    minima = strategy.least_sales(plan, dict.fromkeys(TOKENS, WAD), profit * WAD)
    others = sum(sale.amount for sale in plan.sales if sale.sell == plan.hub)
    left = sum(minima.values()) - max(debts) * WAD
    assert left >= others - 10
    assert left >= (worth - max(debts) + profit) * WAD - 10


# Shares of vaults


def shares(number: int, worth: int, asset: int) -> Leg:
    """Return shares worth a dollar each of a vault whose asset is worth two."""
    return Leg(TOKENS[number], f"T{number}", worth * WAD, WAD, (TOKENS[asset], 2 * WAD))


def pairs(plan: Plan) -> list[tuple[str, str, int]]:
    return [(sale.sell, sale.buy, sale.amount) for sale in plan.sales]


def test_by_trading__shares_of_a_vault__redeemed_and_sold_together_with_its_asset() -> None:
    own = Leg(TOKENS[1], "T1", 100 * WAD, 2 * WAD)
    plan = builder(haircut=0).by_trading(target((shares(0, 300, 1), own), legs(400, first=2)), OURS, 0, surplus=0)
    assert plan is not None
    redeemed = 150 * WAD - 150 * WAD // 10**6 - 1
    assert pairs(plan) == [(TOKENS[0], TOKENS[1], 300 * WAD), (TOKENS[1], TOKENS[2], redeemed + 100 * WAD)]
    assert verbs.WITHDRAW.encode([OURS, TOKENS[1], EVERYTHING, WALLET, 0]) in plan.calls


def test_by_trading__a_debt_in_the_vaults_asset__is_the_hub() -> None:
    owed = (*legs(400, first=2), Leg(TOKENS[1], "T1", 50 * WAD, 2 * WAD))
    plan = builder(haircut=0).by_trading(target((shares(0, 600, 1),), owed), OURS, 0, surplus=WAD // 100)
    assert plan is not None
    assert plan.hub == TOKENS[1]
    assert pairs(plan) == [(TOKENS[0], TOKENS[1], 600 * WAD), (TOKENS[1], TOKENS[2], 202 * WAD)]
    minima = strategy.least_sales(plan, {TOKENS[1]: 2 * WAD}, 10 * WAD)
    assert minima == {(TOKENS[0], TOKENS[1]): 255 * WAD}


def test_by_trading__a_sliver_of_shares__no_sale_of_nothing() -> None:
    sliver = Leg(TOKENS[0], "T0", 1, WAD, (TOKENS[1], 2 * WAD))
    plan = builder(haircut=0).by_trading(target((sliver, *legs(500, first=3)), legs(400, first=2)), OURS, 0, surplus=0)
    assert plan is not None
    assert pairs(plan) == [(TOKENS[0], TOKENS[1], 1), (TOKENS[3], TOKENS[2], 500 * WAD)]


# What the strategy stands on


@pytest.mark.parametrize(
    ("artifact", "functions", "events"),
    [
        (
            "MarginEngine",
            "DEPOSIT WITHDRAW TRADE BATCH LIQUIDATE TAKE CANCEL WRITE_OFF POKE AUCTION SETTINGS EXPOSURES WORD_OF",
            "WITHDRAWN DEPOSITED TRADED",
        ),
        ("MarginEngine", "RESTRICTIONS_OF", ""),
        ("LiquidationAuction", "QUOTE", ""),
        (
            "RiskEngine",
            "PRICES MARK NOT_OK_SINCE WIDE_DELAY SEQUENCER_FEED CURE_WINDOW POKE_MARGIN DYNAMICS_OF MARGIN_OF",
            "",
        ),
        ("VolatilityOracle", "SAMPLE NEXT_SAMPLE MEASURE LAST", ""),
        ("UniswapV3Depth", "DEPTH", ""),
        ("MockFeed", "LATEST_ROUND_DATA", ""),
        ("ProtectionOrders", "EXECUTE DELEVERAGE POKE_ORDER STATE_OF IS_DUE", ""),
        ("MockWallet", "IS_VALID_SIGNATURE", ""),
        ("MarginLens", "HEALTH_BATCH", ""),
        ("LendingPool", "POOL_STATE", ""),
        ("TwapOracle", "NEXT_CHECKPOINT CHECKPOINT", ""),
        ("MockERC20", "APPROVE ALLOWANCE BALANCE_OF", ""),
    ],
)
def test_verbs__are_those_of_the_contracts(artifact: str, functions: str, events: str) -> None:
    compiled = contract_abi(artifacts.load(artifact).abi)
    for name in functions.split():
        mine = getattr(verbs, name)
        theirs = compiled.functions[mine.name][mine.size]
        assert (mine.signature, mine._out_types) == (theirs.signature, theirs._out_types)
        assert mine.is_view == theirs.is_view
    for name in events.split():
        mine = getattr(verbs, name)
        theirs_event = compiled.events[mine.topic]
        assert [(item["name"], item["indexed"]) for item in mine.inputs] == [
            (item["name"], item["indexed"]) for item in theirs_event.inputs
        ]


@given(
    status=st.integers(0, 3),
    flags=st.lists(st.booleans(), min_size=6, max_size=6),
    equity=st.integers(-(2**123), 2**123 - 1),
    maintenance=st.integers(0, 2**124 - 1),
)
def test_read_health__every_field_of_the_lenss_word(
    status: int, flags: list[bool], equity: int, maintenance: int
) -> None:
    ok, under_auction, provisioned, owes, below, clipped = flags
    word = status | ok << 2 | under_auction << 3 | provisioned << 4 | owes << 5 | below << 6 | clipped << 7
    word |= (equity & 2**124 - 1) << 8 | maintenance << 132
    expected = verbs.Health(ok, status, under_auction, owes, below, clipped, equity, maintenance)
    assert verbs.read_health(word) == expected


def manifest() -> Manifest:
    assets = {name: ListedAsset(TOKENS[i], 18, hex(1 << i), TOKENS[i], False, []) for i, name in enumerate("ABCD")}
    markets = [Market("A", "B", 500, TOKENS[0]), Market("B", "C", 3_000, TOKENS[0])]
    contracts = {"swapper": Deployed("UniswapV3Swapper", SWAPPER, [], "0x")}
    return Manifest(31_337, "test", 1, WALLET, contracts, assets, markets)


def test_routes__fewest_markets_in_both_directions() -> None:
    routes = MarketRoutes(manifest())
    a, b, c, d = TOKENS[:4]
    assert routes.find(a, c) == (SWAPPER, encode_path([a, b, c], [500, 3_000]))
    assert routes.find(c, a) == (SWAPPER, encode_path([c, b, a], [3_000, 500]))
    assert routes.find(a, d) is None
    assert routes.find(a, TOKENS[9]) is None


def test_routes__named_ones_first() -> None:
    routes = MarketRoutes(manifest(), [RouteConfig(("A", "D", "C"), (100, 200), ENGINE)])
    a, c, d = TOKENS[0], TOKENS[2], TOKENS[3]
    assert routes.find(a, c) == (ENGINE, encode_path([a, d, c], [100, 200]))
    assert routes.find(c, a) == (ENGINE, encode_path([c, d, a], [200, 100]))
    with pytest.raises(ConfigError, match=r"routes\[0\].path: no asset 'X' is listed"):
        MarketRoutes(manifest(), [RouteConfig(("A", "X"), (100,), None)])


def test_routes__a_vaults_own_way() -> None:
    a, b, c, _ = TOKENS[:4]
    oracle = Deployed("VaultShareOracle", TOKENS[8], [b, a, TOKENS[9], "1", "1", "1", WALLET], "0x")
    without = manifest()
    without.contracts["source.B.0"] = oracle
    assert MarketRoutes(without).vault_asset(b) is None
    swapper = Deployed("VaultSwapper", TOKENS[7], [], "0x")
    routes = MarketRoutes(replace(without, contracts={**without.contracts, "vault_swapper": swapper}))
    assert (routes.vault_asset(b), routes.vault_asset(a)) == (a, None)
    assert routes.find(b, a) == routes.find(a, b) == (TOKENS[7], b"")
    assert routes.find(b, c) == (SWAPPER, encode_path([b, c], [3_000]))


@pytest.mark.parametrize(
    ("message", "meaning"),
    [
        ("already known", Refusal.KNOWN),
        ("ALREADY_EXISTS: already known", Refusal.KNOWN),
        ("transaction already imported", Refusal.KNOWN),
        ("Known transaction", Refusal.KNOWN),
        ("AlreadyKnown", Refusal.KNOWN),
        ("nonce too low: next nonce 5, tx nonce 3", Refusal.NONCE_USED),
        ("OldNonce, Current nonce: 5, nonce of rejected tx: 3", Refusal.NONCE_USED),
        ("Transaction nonce is too low. Try incrementing the nonce.", Refusal.NONCE_USED),
        ("nonce too high", Refusal.NONCE_GAP),
        ("replacement transaction underpriced", Refusal.OUTBID),
        ("could not replace existing tx", Refusal.OUTBID),
        ("There is another transaction with same nonce in the queue", Refusal.OUTBID),
        ("transaction underpriced: gas tip cap 1, minimum needed 2", Refusal.FEE),
        ("max fee per gas less than block base fee: address 0x1", Refusal.FEE),
        ("FeeTooLow, MaxFeePerGas too low", Refusal.FEE),
        ("FeeTooLowToCompete", Refusal.FEE),
        ("Gas price below configured minimum gas price", Refusal.FEE),
        ("insufficient funds for gas * price + value: have 1 want 2", Refusal.FUNDS),
        ("Upfront cost exceeds account balance", Refusal.FUNDS),
        ("txpool is full", Refusal.BUSY),
        ("exceeds block gas limit", Refusal.INVALID),
        ("intrinsic gas too low", Refusal.INVALID),
        ("tx fee (1.2 ether) exceeds the configured cap (1.0 ether)", Refusal.INVALID),
        ("execution reverted: auction: none", Refusal.INVALID),
        ("internal error", Refusal.OTHER),
    ],
)
def test_refusals__every_clients_words(message: str, meaning: Refusal) -> None:
    assert refusals.read(message) is meaning


POLICY = FeePolicy(most=1_000, most_tip=100, least_tip=2, headroom=20)


def test_fees__twice_the_base_fee_and_the_median_tip() -> None:
    assert fees.market(FeeHistory((90, 100), (1, 50, 7)), POLICY) == Fees(207, 7)
    assert fees.market(FeeHistory((100,), ()), POLICY) == Fees(202, 2)
    assert fees.market(FeeHistory((100,), (900,)), POLICY) == Fees(300, 100)
    assert fees.market(FeeHistory((600,), (10,)), POLICY) == Fees(1_000, 10)


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6))
def test_fees__replacement_beats_both_fields_by_an_eighth(most: int, tip: int, now: int, now_tip: int) -> None:
    policy = FeePolicy(most=10**7, most_tip=10**7)
    sent, market = Fees(max(most, tip), tip), Fees(max(now, now_tip), now_tip)
    offer = fees.replacement(sent, market, policy)
    assert offer is not None
    assert offer.most * 8 >= sent.most * 9
    assert offer.tip * 8 >= sent.tip * 9
    assert offer.most > sent.most
    assert offer.tip > sent.tip
    assert offer.covers(market)
    assert offer.tip <= offer.most


def test_fees__replacement_above_the_cap__none() -> None:
    assert fees.replacement(Fees(900, 1), Fees(1, 1), POLICY) is None
    assert fees.replacement(Fees(888, 1), Fees(1, 1), POLICY) == Fees(999, 2)
