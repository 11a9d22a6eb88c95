"""Read-only re-entrancy: nobody is entered, and yet a view that is read half-way through a call says what is not so.

Pools that priced their shares in the middle of a withdrawal lent millions against a number that was true for no block.
Here every view either shows the state before the call, or refuses: engine, pools, auction, and the lens, which says
"not ok" where they refuse. A price from an outside vault that shows its middle never rises above its line.
"""

from __future__ import annotations

from typing import Any

import pytest

from plimsoll.chain import Contract, RevmChain
from tests.support.risk import MARGIN, PRICES, WAD, Risk
from tests.support.scenario import OK, WIDE, World, deploy_world
from tests.unit.liquidation.conftest import TAU

HALF_WAY = ("deposit", "withdraw", "redeem", "mint")
MAX = 2**256 - 1
LOCKED: dict[str, tuple[str, ...]] = {
    "engine": ("word_of", "exposures", "health", "balance_of", "debt_of", "asset_of", "token_of"),
    "pool": (
        *("totalAssets", "convertToShares", "convertToAssets", "previewDeposit", "previewMint", "previewWithdraw"),
        *("previewRedeem", "maxDeposit", "maxMint", "maxWithdraw", "maxRedeem", "state", "ledger", "cash"),
        *("total_debt", "debt_of", "maxFlashLoan", "flashFee"),
    ),
}
"""Views that show what a call changes; each must refuse while one is running."""


def words(answer: bytes) -> list[int]:
    """An answer word by word."""
    return [int.from_bytes(answer[i : i + 32], "big") for i in range(0, len(answer), 32)]


@pytest.fixture
def hooked(chain: RevmChain) -> World:
    """An account that owes a token which calls somebody on every transfer, and is under auction."""
    world = deploy_world(chain, (("WETH", "MockERC20", 18, 2_000, False), ("HOOK", "MockERC20Hook", 18, 1, False)))
    world.lend("HOOK", 1_000_000)
    account = world.account("trader")
    world.deposit(account, "WETH", 10)
    world.borrow(account, "HOOK", 15_000)
    world.set_price("WETH", 1_600)
    world.engine.liquidate(account, sender=world.roles["keeper"])
    world.warp(TAU // 2)
    return world


def arguments(world: World, contract: Any, name: str) -> bytes:
    """A call of a view about the account and the token that calls back."""
    entry = next(each for each in contract.abi if each.get("name") == name)
    values = {"address": world["HOOK"].token, "uint256": world.account("trader")}
    inputs = [values[each["type"]] if each["name"] != "assets" else 10**18 for each in entry["inputs"]]
    inputs = [
        10**18 if each["name"] in ("shares", "amount") else value
        for each, value in zip(entry["inputs"], inputs, strict=True)
    ]
    return bytes(contract.method(name).encode(*inputs))


def ask_half_way(world: World, call: bytes, target: Any, act: str) -> tuple[bool, bytes]:
    """Let the token ask `target` in the middle of a lender's call; return whether it answered, and what."""
    token, pool, lender = world["HOOK"].token, world["HOOK"].pool, world.roles["lender"]
    token.mint(lender, 10**18, sender=lender)
    token.approve(pool, MAX, sender=lender)
    token.set_hook(target, call, True, sender=lender)
    amounts = {"deposit": (10**18, lender), "mint": (10**23, lender)}
    leaving = {"withdraw": (10**18, lender, lender), "redeem": (10**24, lender, lender)}
    pool.method(act)(*(amounts | leaving)[act], sender=lender)
    assert token.hook_calls() > 0
    return token.hook_succeeded(), token.hook_result()


@pytest.mark.parametrize("act", HALF_WAY)
@pytest.mark.parametrize("name", LOCKED["pool"])
def test_pool__every_view_half_way_through_a_lenders_call__refuses(hooked: World, name: str, act: str) -> None:
    pool = hooked["HOOK"].pool
    call = arguments(hooked, pool, name)
    hooked.chain.simulate(pool, call)
    assert ask_half_way(hooked, call, pool, act) == (False, b"")


def test_pool__no_view_is_forgotten(hooked: World) -> None:
    """Every other view is fixed, is the owner's, or is of the shares themselves, whose balances change first."""
    fixed = {"asset", "engine", "fund", "owner", "pending_owner", "guardian", "caps", "fees", "rate_parameters"}
    shares = {"name", "symbol", "decimals", "totalSupply", "balanceOf", "allowance", "nonces"}
    shares |= {"DOMAIN_SEPARATOR", "eip712Domain", "provision_of", "debt_shares_of"}
    views = {
        entry["name"]
        for entry in hooked["HOOK"].pool.abi
        if entry["type"] == "function" and entry["stateMutability"] in ("view", "pure")
    }
    assert views - fixed - shares == set(LOCKED["pool"])


@pytest.mark.parametrize("name", LOCKED["engine"])
def test_engine__every_view_half_way_through_a_trade__refuses(hooked: World, name: str) -> None:
    sender, engine = hooked.roles["attacker"], hooked.engine
    swapper = hooked.chain.deploy("AttackSwapper", sender=sender)
    hooked["HOOK"].token.mint(swapper, 10**22, sender=sender)
    call = arguments(hooked, engine, name)
    hooked.chain.simulate(engine, call)
    swapper.set_swap([(engine, call)], 1_600 * 10**18, False, sender=sender)
    hooked.trade(hooked.account("trader"), "WETH", 1, "HOOK", swapper=swapper, reduce_only=True)
    assert (swapper.succeeded(0), swapper.results(0)) == (False, b"")


@pytest.mark.parametrize("view", ["health", "health_batch", "liquidation_quote", "positions", "pools"])
@pytest.mark.parametrize("where", ["a lender's withdrawal", "a trade"])
def test_lens__every_view_half_way_through__says_it_does_not_know(hooked: World, view: str, where: str) -> None:
    """`health_batch` answers 0, the others put ok first: never a number that was true for no block."""
    account, lens, sender = hooked.account("trader"), hooked.lens, hooked.roles["attacker"]
    argument: Any = {"positions": account, "liquidation_quote": account, "pools": [hooked["HOOK"].token]}
    call = lens.method(view).encode(argument.get(view, [account]))
    place = {"health": 2, "health_batch": 2, "liquidation_quote": 0, "positions": 0, "pools": 2}[view]
    assert words(hooked.chain.simulate(lens, call))[place] != 0
    if where == "a trade":
        swapper = hooked.chain.deploy("AttackSwapper", sender=sender)
        hooked["HOOK"].token.mint(swapper, 10**22, sender=sender)
        swapper.set_swap([(lens, call)], 1_600 * 10**18, False, sender=sender)
        hooked.trade(account, "WETH", 1, "HOOK", swapper=swapper, reduce_only=True)
        answered, answer = swapper.succeeded(0), swapper.results(0)
    else:
        answered, answer = ask_half_way(hooked, call, lens, "withdraw")
    assert answered
    assert words(answer)[place] == 0
    assert words(hooked.chain.simulate(lens, call))[place] != 0


def test_auction__its_quote_half_way_through_a_lenders_withdrawal__refuses(hooked: World) -> None:
    call = hooked.auction.quote.encode(hooked.account("trader"))
    assert words(hooked.chain.simulate(hooked.auction, call))[0] == 1
    assert ask_half_way(hooked, call, hooked.auction, "withdraw") == (False, b"")


def test_nobody__liquidates_or_borrows_half_way_through_a_lenders_call(hooked: World) -> None:
    """The pool that is in the middle cannot be asked what an account owes, so nothing can be decided."""
    engine, account = hooked.engine, hooked.account("trader")
    for call in (engine.liquidate.encode(account), engine.poke.encode(account), engine.cancel.encode(account)):
        assert ask_half_way(hooked, call, engine, "withdraw") == (False, b"")


# A vault of somebody else's, whose middle can be seen


@pytest.fixture
def vault(chain: RevmChain) -> tuple[Contract, Contract, Contract, str]:
    """A vault without a lock, the oracle of its shares, and a second opinion of a dollar each."""
    owner = chain.accounts()[0]
    token = chain.deploy("MockERC20", "Token", "TKN", 6, sender=owner)
    contract = chain.deploy("MockVault", token, sender=owner)
    token.mint(owner, 10**13, sender=owner)
    token.approve(contract, MAX, sender=owner)
    contract.deposit(10**12, owner, sender=owner)
    source = chain.deploy("MockPriceSource", sender=owner)
    source.set_price(10**30, sender=owner)
    oracle = chain.deploy(
        "VaultShareOracle", contract, token, source, 10**12, MAX >> 144, WAD // 4, owner, sender=owner
    )
    return contract, oracle, source, owner


def listed(chain: RevmChain, *sources: Contract) -> tuple[Risk, int]:
    risk = Risk.deploy(chain)
    receipt = risk.engine.list_asset(risk.token(6), False, list(sources), PRICES, MARGIN, sender=risk.owner)
    return risk, receipt.return_value


@pytest.mark.parametrize("part", [1, 5, 9])
def test_vault__burns_before_it_pays__its_share_is_no_dearer_than_its_line(
    chain: RevmChain, vault: tuple[Contract, Contract, Contract, str], part: int
) -> None:
    """Shares that are worth ten times as much for a moment lend nothing more."""
    contract, oracle, _, owner = vault
    risk, key = listed(chain, oracle)
    before = risk.engine.prices([key])[0]
    contract.set_pays_first(False, sender=owner)
    contract.set_listener(oracle, oracle.rate.encode(), sender=owner)
    with chain.isolate():
        contract.redeem(part * 10**11, owner, owner, sender=owner)
        assert words(contract.heard())[0] == 10**13 // (10 - part), "what the vault itself would say"
    contract.set_listener(risk.engine, risk.engine.prices.encode([key]), sender=owner)
    contract.redeem(part * 10**11, owner, owner, sender=owner)
    assert words(contract.heard())[2:] == [*before]


def test_vault__pays_before_it_burns__a_second_opinion_protects_the_account(
    chain: RevmChain, vault: tuple[Contract, Contract, Contract, str]
) -> None:
    """For a moment the share looks cheap: the asset is WIDE, so nobody borrows, and liquidations count no less."""
    contract, oracle, source, owner = vault
    risk, key = listed(chain, oracle, source)
    before = risk.engine.prices([key])[0]
    assert before.status == OK
    contract.set_listener(risk.engine, risk.engine.prices.encode([key]), sender=owner)
    contract.redeem(5 * 10**11, owner, owner, sender=owner)
    bid, _, ask, status = words(contract.heard())[2:]
    assert (status, ask) == (WIDE, before.ask)
    assert bid < before.bid
    assert tuple(risk.engine.prices([key])[0]) == tuple(before)
