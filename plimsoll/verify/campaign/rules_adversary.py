"""The adversary: re-entering swappers, callbacks in flash loans, hooks of tokens, gas limits, one captured source,
weird tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from plimsoll.chain.abi import checksum
from plimsoll.verify.campaign.backend import HALT, NO_REASON
from plimsoll.verify.campaign.calldata import with_actions, with_bytes
from plimsoll.verify.campaign.draws import Draws
from plimsoll.verify.campaign.invariants import after_account, after_pool, everybody, only_touched, took_risk
from plimsoll.verify.campaign.machine import ADVERSARY, DEBT_BIT, KEY_BITS, OK, RULES, WAD, Machine, rule
from plimsoll.verify.campaign.rules_batches import verbs_reasons
from plimsoll.verify.campaign.rules_traders import put, take_out, usable
from plimsoll.verify.campaign.rules_world import market, nudge
from plimsoll.verify.campaign.world import FOREVER, MASK_256, WORD, Asset, word_of

DEVIATION = 50
"""The largest part of a price by which its sources may differ while it is OK: one in so many."""
LISTED_OR_NOT = {"", "factory: depth", "factory: history", "factory: quote price", "feed: no data", "oracle: no answer"}
"""How the listing of a token with a market may end where the quote's price or the terms are not what they were."""
STARVED = {NO_REASON, "engine: gas", "oracle: gas", "margin: gas"}


def hostile_calls(m: Machine, d: Draws, account: int) -> list[tuple[str, str, bytes]]:
    """Return what an attacker may try in the middle of somebody's call, as (function, address, calldata)."""
    asset = usable(m, d)
    units = m.units(asset, m.cents(d))
    victim = d.pick(m.accounts)
    engine = m.at["engine"]
    attacker = word_of(m.at["attack"]) << 96
    choices = (
        ("MarginEngine.deposit", engine, m.fn("MarginEngine.deposit")(attacker, asset.word, units)),
        ("MarginEngine.liquidate", engine, m.fn("MarginEngine.liquidate")(account)),
        ("MarginEngine.write_off", engine, m.fn("MarginEngine.write_off")(account)),
        ("MarginEngine.cancel", engine, m.fn("MarginEngine.cancel")(account)),
        ("MarginEngine.poke", engine, m.fn("MarginEngine.poke")(account)),
        ("MarginEngine.take", engine, m.fn("MarginEngine.take")(victim, MASK_256, attacker, 0)),
        (
            "MarginEngine.withdraw",
            engine,
            m.fn("MarginEngine.withdraw")(attacker, asset.word, units, word_of(m.at["attack"]), MASK_256),
        ),
        ("LendingPool.accrue", asset.pool, m.fn("LendingPool.accrue")()),
        ("LendingPool.mint_fees", asset.pool, m.fn("LendingPool.mint_fees")()),
        ("LendingPool.deposit", asset.pool, m.fn("LendingPool.deposit")(units, word_of(m.at["attack"]))),
        ("RiskEngine.mark", m.at["risk_engine"], m.fn("RiskEngine.mark")(32, 1, asset.key)),
    )
    return [d.pick(choices) for _ in range(d.below(3) + 1)]


@rule(8, ADVERSARY, "MarginEngine.trade")
def re_entering_swapper(m: Machine, d: Draws) -> None:
    """Trade through a swapper that calls everything before it delivers: the engine's own functions all refuse it."""
    account = m.accounts[d.below(6)]
    sender = m.owner_of(account)
    sell, buy = usable(m, d), usable(m, d)
    if sell is buy or sell.lent or buy.lent:
        return
    units = m.units(sell, m.cents(d))
    bought = min(m.worth(sell, units, buy), 2**90)
    calls = hostile_calls(m, d, account)
    actions = [(to, data) for _, to, data in calls]
    m.upkeep(m.at["attack"], "AttackSwapper.set_swap", with_actions(m.fn("AttackSwapper.set_swap"), actions, bought, 0))
    words = (account, sell.word, units, MASK_256, buy.word, bought, word_of(m.at["attack"]), FOREVER, 0)
    data = with_bytes(m.fn("MarginEngine.trade"), words, b"", 7)
    expected = verbs_reasons(m, account, sell, buy) | {"engine: min_buy"}
    if m.call("engine", "MarginEngine.trade", sender, data, expected):
        for i, (key, _, _) in enumerate(calls):
            succeeded = m.number("attack", "AttackSwapper.succeeded", i)
            m.check(10, not (key.startswith("MarginEngine.") and succeeded), f"{key} succeeded inside a trade")
            if key == "LendingPool.deposit" and succeeded:
                for asset in m.assets:
                    m.holders[asset.key].add(m.at["attack"])
        took_risk(m, account)
        after_account(m, account)
        after_pool(m, sell)
        after_pool(m, buy)


@rule(10, ADVERSARY, "LendingPool.flashLoan")
def flash_loan(m: Machine, d: Draws) -> None:
    """Borrow up to all of a pool's cash for one call, and use it: to lend, to deposit, to start auctions, to lend it
    back.
    """
    asset = d.pick(m.assets)
    state = m.pool(asset)
    amount = d.part(state.cash)
    if d.chance(4):
        amount = 0
    calls = (
        [call for call in hostile_calls(m, d, d.pick(m.accounts)) if not call[0].startswith("MarginEngine.")]
        if d.chance(60)
        else []
    )
    actions = [(to, data) for _, to, data in calls]
    if actions or m.state.get("callback"):
        m.state["callback"] = bool(actions)
        called_back = with_actions(m.fn("AttackSwapper.set_callback"), actions)
        m.upkeep(m.at["attack"], "AttackSwapper.set_callback", called_back)
    m.fund(m.at["attack"], asset, amount * 51 // 50)
    other = d.chance(5)
    token = m.assets[0].word if other and asset is not m.assets[0] else asset.word
    words = (word_of(m.at["attack"]), token, amount)
    data = with_bytes(m.fn("LendingPool.flashLoan"), words, b"", 3)
    expected: set[str]
    if token != asset.word:
        expected = {"pool: token"}
    elif amount == 0:
        expected = {"pool: zero amount"}
    elif amount > state.cash:
        expected = {"pool: cash"}
    else:
        expected = (
            {""}
            if not calls
            else {
                "",
                "pool: supply cap",
                "pool: share price",
                "pool: zero shares",
                "erc20: insufficient allowance",
                "erc20: allowance",
                "token: transferFrom failed",
                NO_REASON,
                "erc20: balance",
            }
        )
        if asset.lent:
            expected |= {"erc20: transfer amount exceeds balance", "erc20: insufficient allowance"}
        expected |= m.departure(asset)
        if asset.kind == "MockERC20Fee" and m.fee_bps:
            expected |= {"token: received differs", "erc20: balance", ""}
    before = (state.cash, state.total_assets)
    if m.call("", "LendingPool.flashLoan", m.roles["attacker"], data, expected, to=asset.pool):
        fee = -(-amount * m.view("", "LendingPool.fees", to=asset.pool)[1] // 10**18)
        after = m.pool(asset)
        if m.steady and not calls:
            m.check(
                25,
                after.cash == before[0] + fee,
                f"a flash loan of {amount} {asset.symbol} brought {after.cash - before[0]}, the fee is {fee}",
            )
        m.check(25, after.cash >= before[0], f"a flash loan of {asset.symbol} cost the pool money")
        for each in m.assets:
            m.holders[each.key].add(m.at["attack"])
        after_pool(m, asset)


@rule(2, ADVERSARY, "LendingPool.flashLoan")
def flash_loan_to_a_liar(m: Machine, d: Draws) -> None:
    """A receiver that is nobody, or keeps the money, gets nothing."""
    asset = d.pick(m.assets[:6])
    state = m.pool(asset)
    if state.cash == 0 or m.departure(asset):
        return
    receiver = word_of(m.at["borrower"]) if d.chance(50) else word_of(m.roles["attacker"])
    data = with_bytes(m.fn("LendingPool.flashLoan"), (receiver, asset.word, d.part(state.cash - 1 or 1)), b"", 3)
    expected = {
        NO_REASON,
        "erc20: allowance",
        "token: transferFrom failed",
        "erc20: insufficient allowance",
        "pool: cash",
    }
    m.call("", "LendingPool.flashLoan", m.roles["attacker"], data, expected, to=asset.pool)


@rule(4, ADVERSARY, "MarginEngine.deposit", "MarginEngine.withdraw", "LendingPool.deposit")
def hook_of_a_token(m: Machine, d: Draws) -> None:
    """A token calls the engine in the middle of its own transfer: nothing there answers."""
    hook = m.world.asset("HOOK")
    account = m.accounts[d.below(6)]
    key, to, data = hostile_calls(m, d, account)[0]
    m.upkeep(hook.token, "MockERC20Hook.set_hook", m.fn("MockERC20Hook.set_hook").abi.encode((to, data, True)))
    calls_before = m.number("", "MockERC20Hook.hook_calls", to=hook.token)
    sender = m.owner_of(account)
    units = m.units(hook, m.cents(d))
    if d.chance(50):
        put(m, account, hook, units, sender)
    else:
        take_out(m, account, hook, units, MASK_256, sender)
    m.forget_pools()
    if m.number("", "MockERC20Hook.hook_calls", to=hook.token) > calls_before:
        succeeded = m.number("", "MockERC20Hook.hook_succeeded", to=hook.token)
        m.check(
            10,
            not (key.startswith("MarginEngine.") and succeeded),
            f"{key} succeeded inside a transfer of the engine's",
        )
        if succeeded and key == "LendingPool.deposit":
            for asset in m.assets:
                m.holders[asset.key].add(hook.token)
    nothing = m.fn("MockERC20Hook.set_hook").encode("0x" + "00" * 20, b"", True)
    m.upkeep(hook.token, "MockERC20Hook.set_hook", nothing)


@rule(4, ADVERSARY)
def weird_tokens(m: Machine, d: Draws) -> None:
    """A token starts to take a fee or to refuse transfers, or stops it."""
    if d.chance(60):
        m.fee_bps = d.pick((0, 0, 100, 1))
        fees = m.world.asset("FEES")
        m.upkeep(fees.token, "MockERC20Fee.set_fee", m.fn("MockERC20Fee.set_fee")(m.fee_bps))
    else:
        m.refusing = d.chance(30)
        refuser = m.world.asset("BOOL")
        m.upkeep(refuser.token, "MockERC20False.set_refusing", m.fn("MockERC20False.set_refusing")(int(m.refusing)))


@rule(10, ADVERSARY, "MarginEngine.deposit", "MarginEngine.withdraw", "MarginEngine.liquidate", "LendingPool.accrue")
def little_gas(m: Machine, d: Draws) -> None:
    """Any call with too little gas reverts, and changes nothing that its caller would like."""
    account = d.pick(m.accounts)
    sender = m.owner_of(account)
    asset = usable(m, d)
    gas = 26_000 + d.below(150_000)
    units = m.units(asset, m.cents(d))
    key, to, data = d.pick(
        (
            ("MarginEngine.deposit", m.at["engine"], m.fn("MarginEngine.deposit")(account, asset.word, units)),
            (
                "MarginEngine.withdraw",
                m.at["engine"],
                m.fn("MarginEngine.withdraw")(account, asset.word, units, word_of(sender), MASK_256),
            ),
            ("MarginEngine.liquidate", m.at["engine"], m.fn("MarginEngine.liquidate")(account)),
            ("LendingPool.accrue", asset.pool, m.fn("LendingPool.accrue")()),
        )
    )
    word = m.word(account)
    quote = m.quote(account)
    expected = (
        verbs_reasons(m, account, asset)
        | STARVED
        | {
            "auction: healthy",
            "auction: running",
            "token: transferFrom failed",
            "token: transfer failed",
            "erc20: balance",
            "erc20: transfer amount exceeds balance",
            "erc20: insufficient allowance",
        }
    )
    expected |= {
        HALT + name for name in ("OutOfGas", "CallGasCostMoreThanGasLimit", "PrecompileError", "OutOfFunds")
    } | {"halt: CallerGasLimitMoreThanBlock"}
    if m.call("", key, sender, data, expected, gas=gas, to=to):
        if key == "MarginEngine.liquidate" and not word >> 160 & 1:
            m.check(19, quote.equity < quote.requirement, "little gas started an auction of a healthy account")
        if key == "MarginEngine.withdraw":
            took_risk(m, account)
        after_account(m, account)


@rule(4, ADVERSARY, "UniswapV3Swapper.swap", "RiskEngine.mark")
def move_one_source(m: Machine, d: Draws) -> None:
    """Push the real market of one asset: for less than its window nobody may take below the others' price, nor borrow
    more.
    """
    asset = m.assets[1 + d.below(2)]
    usdc = m.world.asset("USDC")
    size = d.pick((10, 100, 1_000, 5_000)) * asset.unit * 2_000 * 10**18 // asset.price
    sell, buy, amount = (asset, usdc, size) if d.chance(50) else (usdc, asset, m.worth(asset, size, usdc))
    watched = d.chance(75) and m.status(asset.key) == OK and not m.state.get("silenced")
    if watched:
        mark = m.fn("RiskEngine.mark")(WORD, 1, asset.key)
        m.call("risk_engine", "RiskEngine.mark", m.roles["keeper"], mark, {""})
    market(m, sell, buy, amount)
    m.shaky.add(asset.key)
    m.moved_prices()
    m.stats.features["a market was pushed"] = m.stats.features.get("a market was pushed", 0) + 1
    if watched:
        m.warp(d.pick((300, 1_200, 12, 60, 0)))
        captured(m, asset)


def captured(m: Machine, asset: Asset) -> None:
    """Check what an asset counts for, one of whose sources was moved since it was last marked, against its feed."""
    told, _, _, fresh, trusted = m.view("", "FeedOracle.read", to=asset.sources[0])
    if not (fresh and trusted):
        return
    bid, mid, ask, status = m.view("risk_engine", "RiskEngine.prices", WORD, 1, asset.key)[2:6]
    m.check(16, bid <= told <= ask, f"one source of {asset.symbol} moved: {bid} to {ask}, the other says {told}")
    if status == OK:
        m.check(16, DEVIATION * abs(mid - told) <= mid, f"{asset.symbol} is OK at {mid}, its feed says {told}")
        return
    amount = 1_000 * asset.unit
    worth = amount * told // WAD
    held = m.view("risk_engine", "RiskEngine.assess_liquidation", WORD, 1, asset.key << KEY_BITS | amount)
    owed = m.view("risk_engine", "RiskEngine.assess_liquidation", WORD, 1, asset.key << KEY_BITS | DEBT_BIT | amount)
    m.check(16, held[0] >= worth, f"{asset.symbol} is taken at {held[0]}, by its feed it is worth {worth}")
    m.check(16, owed[1] <= worth + 1, f"a debt of {asset.symbol} counts {owed[1]} in a take, by its feed {worth}")
    m.stats.features["a captured source"] = m.stats.features.get("a captured source", 0) + 1


@rule(3, ADVERSARY, "UniswapV3Swapper.swap", "UniswapV3Swapper.uniswapV3SwapCallback", "VaultSwapper.swap")
def knock_at_the_swappers(m: Machine, d: Draws) -> None:
    """Swappers hold nothing, and refuse what is not a swap."""
    usdc, weth, shares = m.world.asset("USDC"), m.world.asset("WETH"), m.world.asset("pUSDC")
    sender = m.roles["attacker"]
    kind = d.below(6)
    if kind == 0:
        data = with_bytes(m.fn("UniswapV3Swapper.uniswapV3SwapCallback"), (1, 0), b"", 2)
        m.call("swapper", "UniswapV3Swapper.uniswapV3SwapCallback", sender, data, {"swapper: callback"})
    elif kind == 1:
        data = with_bytes(m.fn("UniswapV3Swapper.swap"), (usdc.word, weth.word, 0, 0, word_of(sender)), b"", 5)
        m.call("swapper", "UniswapV3Swapper.swap", sender, data, {"swapper: zero amount"})
    elif kind == 2:
        path = bytes.fromhex(usdc.token[2:]) + (500).to_bytes(3, "big") + bytes.fromhex(weth.token[2:])
        data = with_bytes(m.fn("UniswapV3Swapper.swap"), (usdc.word, weth.word, 10**6, 0, word_of(sender)), path, 5)
        m.call("swapper", "UniswapV3Swapper.swap", sender, data, {"erc20: balance"})
    elif kind == 3:
        data = with_bytes(m.fn("VaultSwapper.swap"), (usdc.word, weth.word, 10**6, 0, word_of(sender)), b"", 5)
        m.call("vault_swapper", "VaultSwapper.swap", sender, data, {"swapper: no vault"})
    else:
        units = m.units(usdc, m.cents(d))
        m.upkeep(usdc.token, "MockERC20.mint", m.fn("MockERC20.mint")(word_of(m.at["vault_swapper"]), units))
        data = with_bytes(
            m.fn("VaultSwapper.swap"), (usdc.word, shares.word, units, 0, word_of(m.roles["lender"])), b"", 5
        )
        expected = {"", "pool: supply cap", "pool: zero shares", "pool: share price"}
        if m.call("vault_swapper", "VaultSwapper.swap", sender, data, expected):
            m.holders[usdc.key].add(m.roles["lender"])
            after_pool(m, usdc)


@rule(3, ADVERSARY, "IsolatedFactory.list_asset")
def list_something(m: Machine, d: Draws) -> None:
    """Anybody lists a token with a market, and tries it with one without, with one that is listed, with no token."""
    meme = m.world.listable
    if d.chance(50):
        if not m.state.get("listed"):
            nudge(m, meme)
            m.warp(12)
        token, expected = meme.word, {"factory: listed already"} if m.state.get("listed") else LISTED_OR_NOT
    else:
        token, expected = d.pick(
            (
                (word_of(m.world.unlisted), {"factory: depth", "factory: reserved", "factory: quote price"}),
                (m.assets[0].word, {"factory: listed already"}),
                (word_of(m.roles["attacker"]), {"factory: token"}),
            )
        )
    if m.number("factory", "IsolatedFactory.paused"):
        expected = {"factory: paused"}
    elif expected is LISTED_OR_NOT and m.status(m.assets[0].key) == OK and not m.state.get("terms changed"):
        expected = {""}
    data = m.fn("IsolatedFactory.list_asset")(token)
    if m.call("factory", "IsolatedFactory.list_asset", m.roles["attacker"], data, expected):
        m.state["listed"] = True
        listing = m.view("factory", "IsolatedFactory.listing_of", token)
        pool, oracle = (checksum(f"0x{word:040x}") for word in listing[1:3])
        m.adopt(replace(meme, key=listing[0], pool=pool, sources=[oracle]))


WATCHED = (
    "deposit",
    "withdraw",
    "trade",
    "transfer",
    "open_in_a_batch",
    "liquidate",
    "cancel",
    "poke",
    "lend",
    "unlend",
    "book_interest",
    "donate",
)


@rule(1, ADVERSARY)
def bystanders(m: Machine, d: Draws) -> None:
    """Run another rule while all accounts are watched: who is not touched by it keeps all numbers and stays healthy."""
    name = d.pick(WATCHED)
    if not m.steady:
        RULES[name].run(m, d)
        return
    before = everybody(m)
    seen: Sequence[int] = m.accounts
    RULES[name].run(m, d)
    touched = {
        account
        for account in seen
        if m.word(account) != before[account][0] or m.holding(account).held != before[account][1]
    }
    mine = touched if name == "transfer" else set()
    if name in ("deposit", "withdraw", "trade", "open_in_a_batch", "liquidate", "cancel", "poke"):
        m.check(9, len(touched) <= 1, f"{name} changed {len(touched)} accounts")
        mine = touched
    elif name == "transfer":
        m.check(9, len({account >> 96 for account in touched}) <= 1, "a transfer changed accounts of two owners")
    else:
        m.check(9, not touched, f"{name} changed accounts: {touched}")
    repaid = {account for account in seen if m.holding(account).owed != before[account][2]}
    if name in ("deposit", "withdraw", "trade", "open_in_a_batch", "transfer"):
        mine |= repaid if len(repaid) <= 2 else set()
    only_touched(m, before, mine)
