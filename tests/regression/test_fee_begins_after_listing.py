"""A token that is an ordinary one when it is listed, and takes a fee of every transfer from some day on, as USDT may.

A trade buys more of it than the account owes. All of it arrives at the pool, which keeps what repays the debt and
sends the rest on to the engine: less arrives there than was sent. Were the account credited with what was sent, the
vault's books would say more than it has, and whoever leaves last would not be paid. Found by the campaign (invariant
6).
"""

from __future__ import annotations

from plimsoll.chain import RevmChain
from tests.support.reverts import reverts
from tests.support.scenario import TOKENS, deploy_world


def test_repaying_more_than_the_debt_with_a_token_that_began_to_take_a_fee__is_refused(chain: RevmChain) -> None:
    world = deploy_world(chain, (*TOKENS[:2], ("FEES", "MockERC20Fee", 18, 1, False)))
    fees, engine = world["FEES"].token, world.engine
    world.lend("FEES", 100_000)
    account = world.account("trader", 1)
    world.deposit(account, "USDC", 50_000)
    world.borrow(account, "FEES", 10_000)
    fees.set_fee(100, sender=world.roles["deployer"])

    with reverts("token: received differs"):
        world.trade(account, "USDC", 20_000, "FEES")

    fees.set_fee(0, sender=world.roles["deployer"])
    world.trade(account, "USDC", 20_000, "FEES")
    assert world.balance(account, "FEES") == fees.balanceOf(engine) > 0
