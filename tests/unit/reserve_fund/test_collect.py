"""collect: what liquidations left in the engine goes to its pool, and nothing else that the fund holds goes away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from eth_utils.crypto import keccak

from plimsoll.chain import ZERO_ADDRESS, RevmChain
from plimsoll.model import account_word
from tests.support import reverts
from tests.support.pool import MAX, ROLES, constructor_arguments
from tests.support.reserve import COOLDOWN
from tests.support.scenario import deploy_world

KEY = 1 << 3
UNIT = 10**6


@dataclass(frozen=True)
class Dust:
    """A fund of an engine that has only dust, with the pool of a token."""

    chain: RevmChain
    roles: dict[str, str]
    engine: Any
    fund: Any
    token: Any
    pool: Any

    @property
    def account(self) -> int:
        """The engine account in which the fund's part of the token is left."""
        return account_word.account(int(self.fund.address, 16), KEY)

    def leave(self, amount: int) -> None:
        """Let a liquidation leave tokens to the fund."""
        deployer = self.roles["deployer"]
        self.token.mint(self.engine, amount, sender=deployer)
        self.engine.set_balance(self.account, self.token, amount, sender=deployer)


@pytest.fixture(params=["MockERC20", "MockERC20NoReturn"])
def dust(chain: RevmChain, request: pytest.FixtureRequest) -> Dust:
    roles = dict(zip(ROLES, chain.accounts(), strict=False))
    deployer = roles["deployer"]
    engine = chain.deploy("MockDustEngine", sender=deployer)
    fund = chain.deploy("ReserveFund", engine, COOLDOWN, sender=deployer)
    roles["fund"] = fund.address
    token = chain.deploy(request.param, "Token", "TKN", 6, sender=deployer)
    cap = 10**9 * UNIT
    pool = chain.deploy("LendingPool", *constructor_arguments(roles, token, caps=(cap, cap)), sender=deployer)
    engine.add_asset(token, KEY, pool, sender=deployer)
    return Dust(chain, roles, engine, fund, token, pool)


def test_collect__by_anyone__whole_receipt(dust: Dust) -> None:
    dust.leave(25 * UNIT)
    token, pool, fund, engine = dust.token, dust.pool, dust.fund, dust.engine
    receipt = fund.collect(token, sender=dust.roles["attacker"])
    shares = 25 * UNIT * 10**6
    assert receipt.return_value == shares
    assert receipt.events == [
        token.event("Transfer", sender=engine, receiver=fund, value=25 * UNIT),
        token.event("Approval", owner=fund, spender=pool, value=25 * UNIT),
        pool.event("Transfer", sender=ZERO_ADDRESS, receiver=fund, value=shares),
        token.event("Transfer", sender=fund, receiver=pool, value=25 * UNIT),
        pool.event("Deposit", sender=fund, owner=fund, assets=25 * UNIT, shares=shares),
        fund.event("Collected", token=token, pool=pool, assets=25 * UNIT, shares=shares),
    ]
    assert pool.balanceOf(fund) == fund.total_shares(pool) == shares
    assert token.allowance(fund, pool) == token.balanceOf(fund) == engine.balance_of(dust.account, token) == 0
    assert fund.stake_of(pool, fund) == shares // 2 * 10**6


def test_collect__again_and_again__approval_used_up_each_time(dust: Dust) -> None:
    for _ in range(3):
        dust.leave(UNIT)
        dust.fund.collect(dust.token, sender=dust.roles["other"])
    assert dust.pool.balanceOf(dust.fund) == 3 * UNIT * 10**6


def test_collect__nothing_there__reverts(dust: Dust) -> None:
    for token in (dust.token, dust.pool, dust.roles["other"]):
        with reverts("fund: nothing to collect"):
            dust.fund.collect(token, sender=dust.roles["other"])


def test_collect__less_arrives__reverts(dust: Dust) -> None:
    dust.leave(UNIT)
    dust.engine.set_shortfall(1, sender=dust.roles["other"])
    with reverts("token: received differs"):
        dust.fund.collect(dust.token, sender=dust.roles["other"])


def test_collect__the_token_refuses_the_approval__reverts(dust: Dust) -> None:
    """A token, which is its own pool here, that answers what it is told."""
    deployer, engine, fund = dust.roles["deployer"], dust.engine, dust.fund
    odd = dust.chain.deploy("ScriptedAnswers", sender=deployer)

    def answer(signature: str, word: int) -> tuple[bytes, int, bytes]:
        return keccak(text=signature)[:4], 0, word.to_bytes(32, "big")

    engine.add_asset(odd, KEY, odd, sender=deployer)
    engine.set_balance(dust.account, odd, UNIT, sender=deployer)
    engine.set_call(odd, odd.script.encode(*answer("balanceOf(address)", UNIT)), sender=deployer)
    for signature, word in (
        ("balanceOf(address)", 0),
        ("transfer(address,uint256)", 1),
        ("approve(address,uint256)", 0),
        ("deposit(uint256,address)", 7),
    ):
        odd.script(*answer(signature, word), sender=deployer)
    with reverts("fund: approve failed"):
        fund.collect(odd, sender=dust.roles["other"])
    odd.script(*answer("approve(address,uint256)", 1), sender=deployer)
    assert fund.collect(odd, sender=dust.roles["other"]).return_value == 7


def test_collect__pool_is_full__reverts_and_keeps_it(dust: Dust) -> None:
    dust.leave(UNIT)
    with dust.chain.isolate():
        dust.pool.set_caps(0, 0, sender=dust.roles["owner"])
        with reverts("pool: supply cap"):
            dust.fund.collect(dust.token, sender=dust.roles["other"])
    assert dust.fund.collect(dust.token, sender=dust.roles["other"]).return_value > 0


def test_collect__the_funds_own_tokens__stay(dust: Dust) -> None:
    dust.token.mint(dust.fund, 7 * UNIT, sender=dust.roles["other"])
    dust.leave(UNIT)
    dust.fund.collect(dust.token, sender=dust.roles["other"])
    assert dust.token.balanceOf(dust.fund) == 7 * UNIT


def test_collect__shares_minted_while_it_measures__reverts(dust: Dust) -> None:
    """A pool's shares listed as collateral: a fee minted to the fund in the middle is not lent away with the dust."""
    pool, engine, fund, roles = dust.pool, dust.engine, dust.fund, dust.roles
    lender, deployer = roles["lender"], roles["deployer"]
    dust.token.mint(lender, 10**6 * UNIT, sender=lender)
    dust.token.approve(pool, MAX, sender=lender)
    pool.deposit(10**6 * UNIT, lender, sender=lender)
    pool.borrow(1, 10**5 * UNIT, lender, sender=roles["engine"])
    dust.chain.warp(30 * 86_400)
    engine.add_asset(pool, KEY, roles["attacker"], sender=deployer)
    engine.set_balance(dust.account, pool, 1, sender=deployer)
    pool.transfer(engine, 1, sender=lender)
    engine.set_call(pool, pool.mint_fees.encode(), sender=deployer)
    with reverts("token: received differs"):
        fund.collect(pool, sender=roles["attacker"])


def test_collect__dust_of_a_written_off_account__real_engine(chain: RevmChain) -> None:
    """An account with 20 dollars against a debt of 30,000: the debt burns the fund's shares, the dust is lent."""
    world = deploy_world(chain, ())
    fund: Any = chain.deploy("ReserveFund", world.engine, COOLDOWN, sender=world.roles["deployer"])
    world.roles["fund"] = fund.address
    for symbol, decimals, price in (("USDC", 6, 1), ("WETH", 18, 2_000)):
        world.list_asset(symbol, "MockERC20", decimals, price)
        world.lend(symbol, 10**6 // price)
    usdc, weth, lender = world["USDC"].pool, world["WETH"].pool, world.roles["lender"]
    usdc.approve(fund, MAX, sender=lender)
    fund.stake(usdc, 40_000 * 10**12, lender, sender=lender)
    account = world.open_position()
    world.set_price("WETH", 1)
    world.engine.liquidate(account, sender=world.roles["keeper"])
    receipt = world.engine.write_off(account, sender=world.roles["keeper"])
    loss = receipt.find("WrittenOff")[0].args
    assert loss["covered"] == loss["loss"] == 30_000 * 10**6
    assert fund.total_shares(usdc) == 40_000 * 10**12 - loss["burned"]
    with reverts("fund: nothing to collect"):
        fund.collect(world["USDC"].token, sender=world.roles["stranger"])
    shares = fund.collect(world["WETH"].token, sender=world.roles["stranger"]).return_value
    assert shares == weth.balanceOf(fund) == fund.total_shares(weth)
    assert 20 * 10**18 - 1 <= weth.convertToAssets(shares) <= 20 * 10**18
    assert fund.stake_of(weth, fund) == shares // 2 * 10**6
    with reverts("fund: nothing to collect"):
        fund.collect(world["WETH"].token, sender=world.roles["stranger"])


def test_collect__the_real_engine__nothing_or_unknown(chain: RevmChain) -> None:
    world = deploy_world(chain, ())
    fund = chain.deploy("ReserveFund", world.engine, COOLDOWN, sender=world.roles["deployer"])
    world.roles["fund"] = fund.address
    world.list_asset("USDC", "MockERC20", 6, 1)
    for token in (world["USDC"].token, world["USDC"].pool):
        with reverts("fund: nothing to collect"):
            fund.collect(token, sender=world.roles["stranger"])
