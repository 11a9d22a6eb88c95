"""The same devnet and client through ape: on py-evm in this process, and on an anvil that ape starts and stops."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from plimsoll import errors, manifest
from plimsoll.chain.ape_chain import ApeChain
from plimsoll.devnet import Devnet, attach, start
from plimsoll.protocol import Grant, MarginAccount, Permission, Status


@pytest.fixture(scope="module", params=["ethereum:local:test", "ethereum:local:foundry"])
def devnet(request: pytest.FixtureRequest) -> Iterator[Devnet]:
    with ApeChain.connect(request.param) as chain:
        yield start(chain)


def test_start__prices_ok(devnet: Devnet) -> None:
    assert [price.status for price in devnet.protocol.prices()] == [Status.OK] * 3


def test_long__by_an_operators_signature__closed_in_a_batch(devnet: Devnet, tmp_path: Path) -> None:
    chain = devnet.chain
    with chain.isolate():
        protocol = devnet.protocol
        lender, owner, operator = (protocol.by(account) for account in chain.accounts()[1:4])
        devnet.mint("USDC", lender.sender, "100000")
        lender.approve_if_needed("USDC", "100000", protocol.asset("USDC").pool)
        lender.lend("USDC", "100000")

        account = MarginAccount(owner.sender, 1)
        devnet.mint("USDC", owner.sender, "20000")
        owner.approve_if_needed("USDC", "20000")
        owner.deposit(account, "USDC", "20000")
        grant = Grant.of(
            Permission.TRADE | Permission.BORROW, chain.timestamp() + 86_400, max_loss_bps=100, loss_budget="1000"
        )
        operator.submit_operator(
            protocol.sign_operator(chain.key(owner.sender), owner.sender, account, operator.sender, grant)
        )
        operator.trade(account, sell="USDC", amount="80000", max_borrow="60000", buy="WETH")
        assert Decimal("3.9") < (protocol.health(account).leverage or 0) < Decimal("4.1")
        with pytest.raises(errors.NotAllowed) as caught:
            operator.withdraw(account, "WETH", 1)
        assert caught.value.reason == "operators: not allowed"

        batch = owner.batch().trade(account, sell="WETH", amount=protocol.balance(account, "WETH"), buy="USDC")
        batch.withdraw_all(account, "USDC").send()
        assert protocol.engine.word_of(account.id) == 0

        path = tmp_path / "manifest.json"
        devnet.manifest.save(path)
        again = attach(chain, manifest.load(path))
        assert again.protocol.wallet(owner.sender, "USDC") == protocol.wallet(owner.sender, "USDC")
