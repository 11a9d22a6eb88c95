"""A vault whose price follows its balance, a pool of this protocol, and a factory of oracles over both, with twins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from plimsoll.chain import Contract, RevmChain
from plimsoll.model import vault_share
from plimsoll.model.price_source import Reading
from tests.support.pool import PoolTwin, deploy_pool

WAD = 10**18
DOLLAR = 10**30
"""Price of a raw unit of a dollar token with 6 decimals."""
DAY = 86_400
YEARLY_CAP = 25 * WAD // 100
MAX = 2**256 - 1
UNIT = 10**6


@dataclass
class Vault:
    """A vault of a 6-decimals token, in which `lender` holds all shares."""

    chain: RevmChain
    contract: Contract
    token: Contract
    lender: str

    def donate(self, amount: int) -> None:
        """Send raw units that nobody asked for."""
        self.token.mint(self.contract, amount, sender=self.lender)

    def lose(self, amount: int) -> None:
        """Lose raw units."""
        self.contract.lose(amount, sender=self.lender)


@dataclass
class Oracle:
    """A deployed oracle and its twin."""

    contract: Contract
    vault: Contract
    source: Contract
    parameters: vault_share.Parameters
    owner: str
    anchor: vault_share.Anchor = field(init=False)

    def __post_init__(self) -> None:
        rate = self.contract.rate()
        self.anchor = vault_share.Anchor(rate.anchor, rate.since)

    @property
    def now(self) -> int:
        return self.contract.chain.timestamp()

    @property
    def spot(self) -> int:
        return int(self.vault.previewRedeem(self.parameters.sample))

    def read(self) -> Reading:
        return Reading(*self.contract.read())

    def model_read(self) -> Reading:
        source = Reading(*self.source.read())
        return vault_share.read(self.parameters, self.anchor, self.spot, source, self.now)

    def model_line(self) -> int:
        return vault_share.line(*self.anchor, self.parameters.yearly_cap, self.now)

    def set_anchor(self, most: int, least: int = 0) -> None:
        """Set the anchor on both."""
        expected = vault_share.set_anchor(self.parameters, self.anchor, self.spot, least, most, self.now)
        self.contract.set_anchor(least, most, sender=self.owner)
        self.anchor = expected


OpenOracle = Callable[..., Oracle]


def answers(vault: Contract, sample: int) -> vault_share.Answers:
    """Return what a vault says, as the constructor asks it."""
    redeemed = vault.previewRedeem(sample)
    return vault_share.Answers(
        redeemed,
        vault.convertToAssets(sample),
        vault.previewMint(sample),
        vault.previewDeposit(redeemed),
        vault.previewWithdraw(redeemed),
        vault.convertToShares(redeemed),
    )


@pytest.fixture
def owner(chain: RevmChain) -> str:
    return chain.accounts()[0]


@pytest.fixture
def stranger(chain: RevmChain) -> str:
    return chain.accounts()[5]


@pytest.fixture
def source(chain: RevmChain, owner: str) -> Contract:
    """A source that says one dollar, now, fresh and trusted."""
    source = chain.deploy("MockPriceSource", sender=owner)
    source.set_price(DOLLAR, sender=owner)
    return source


def open_vault(chain: RevmChain, token: str = "MockERC20", assets: int = 10**12) -> Vault:
    """Deploy an outside vault in which `assets` raw units have been deposited at one share each."""
    lender = chain.accounts()[2]
    asset = chain.deploy(token, "Token", "TKN", 6, sender=lender)
    contract = chain.deploy("MockVault", asset, sender=lender)
    asset.mint(lender, 10 * assets, sender=lender)
    asset.approve(contract, MAX, sender=lender)
    if assets:
        contract.deposit(assets, lender, sender=lender)
    return Vault(chain, contract, asset, lender)


@pytest.fixture
def vault(chain: RevmChain) -> Vault:
    """An outside vault of a million tokens, a share worth a token."""
    return open_vault(chain)


@pytest.fixture
def pool(chain: RevmChain) -> PoolTwin:
    """A pool of this protocol with a million tokens, half of them lent."""
    twin = deploy_pool(chain, decimals=6)
    twin.deposit(10**12, twin.lender)
    twin.borrow(1, 5 * 10**11)
    return twin


@pytest.fixture
def open_oracle(chain: RevmChain, owner: str, source: Contract) -> OpenOracle:
    """Deploy an oracle over a vault, every parameter at its default unless given."""

    def open_oracle(
        vault: Contract,
        sample: int | None = None,
        most: int = 2**112 - 1,
        yearly_cap: int = YEARLY_CAP,
        over: Contract | None = None,
    ) -> Oracle:
        shares = 10 ** (vault.decimals() + 6) if sample is None else sample
        arguments = (vault, vault.asset(), over or source, shares, most, yearly_cap, owner)
        contract = chain.deploy("VaultShareOracle", *arguments, sender=owner)
        return Oracle(contract, vault, over or source, vault_share.Parameters(shares, yearly_cap), owner)

    return open_oracle


@pytest.fixture
def oracle(vault: Vault, open_oracle: OpenOracle) -> Oracle:
    """An oracle just deployed over the outside vault."""
    return open_oracle(vault.contract)
