# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
"""
@title Shares against assets, and debt shares against debt
@license AGPL-3.0
@notice Pure. The rounding is in the name.

        A lender's share:   assets : shares = total + 1 : supply + 1e6
        A debt share:       debt : debt shares = total debt : total debt shares, or 1 : 1e6 while there is none

        The virtual million makes a share so fine and the price of an empty pool so fixed that rounding cannot be sold.
        Debt has no virtual part: it would take a part of the interest that no account owes, so that the last borrower
        could repay everything while debt remains. In plain proportion the debts rounded up never sum to less than the
        total, and the sole holder of all debt shares owes exactly all debt.
@dev Totals of assets and debt are below 2**113, of shares below 2**142, so that no product here overflows for amounts
     that exist; an amount of a lender given by a caller can, and reverts without a reason. Amounts of debt, and debt shares, are below
     2**112 whoever gives them: what is borrowed is cash, what is repaid less than is owed. Their arithmetic is unchecked.
"""

VIRTUAL_SHARES: constant(uint256) = 10**6
FIRST_DEBT_SHARES: constant(uint256) = 10**6
MOST_SHARES_PER_ASSET: constant(uint256) = 10**12


@pure
@internal
def _shares_down(assets: uint256, total: uint256, supply: uint256) -> uint256:
    """
    @notice Shares that `assets` buy: a deposit, rounded against the depositor.
    """
    return assets * (supply + VIRTUAL_SHARES) // (total + 1)


@pure
@internal
def _shares_up(assets: uint256, total: uint256, supply: uint256) -> uint256:
    """
    @notice Shares that `assets` cost: a withdrawal, rounded against the withdrawer.
    """
    return unsafe_div(assets * (supply + VIRTUAL_SHARES) + total, total + 1)


@pure
@internal
def _assets_down(shares: uint256, total: uint256, supply: uint256) -> uint256:
    """
    @notice Assets that `shares` are worth: a redemption, rounded against the redeemer.
    """
    return shares * (total + 1) // (supply + VIRTUAL_SHARES)


@pure
@internal
def _assets_up(shares: uint256, total: uint256, supply: uint256) -> uint256:
    """
    @notice Assets that `shares` cost: a mint, rounded against the minter.
    """
    return (shares * (total + 1) + supply + (VIRTUAL_SHARES - 1)) // (supply + VIRTUAL_SHARES)


@pure
@internal
def _is_ruined(total: uint256, supply: uint256) -> bool:
    """
    @notice Whether a share is worth so little (under 1e-12 raw units, a millionth of its first price) that new shares
            would be too many.
    """
    return supply + VIRTUAL_SHARES > (total + 1) * MOST_SHARES_PER_ASSET


@pure
@internal
def _debt_shares_up(amount: uint256, debt: uint256, debt_shares: uint256) -> uint256:
    """
    @notice Debt shares that borrowing `amount` creates, rounded against the borrower.
    """
    if debt == 0:
        return unsafe_mul(amount, FIRST_DEBT_SHARES)
    return unsafe_div(unsafe_add(unsafe_mul(amount, debt_shares), unsafe_sub(debt, 1)), debt)


@pure
@internal
def _debt_shares_down(amount: uint256, debt: uint256, debt_shares: uint256) -> uint256:
    """
    @notice Debt shares that repaying `amount` burns, rounded against the borrower. It is less than is owed, so there is debt.
    """
    return unsafe_div(unsafe_mul(amount, debt_shares), debt)


@pure
@internal
def _debt_up(shares: uint256, debt: uint256, debt_shares: uint256) -> uint256:
    """
    @notice What `shares` owe, rounded against the borrower; 0 for none.
    """
    if shares == 0:
        return 0
    return unsafe_div(unsafe_add(unsafe_mul(shares, debt), unsafe_sub(debt_shares, 1)), debt_shares)
