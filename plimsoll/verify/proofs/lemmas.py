"""What must hold of the formulas, whatever the numbers. Numbers in brackets are those of docs/invariants.md."""

from __future__ import annotations

from plimsoll.model.fixed_point import WAD
from plimsoll.model.interest import PIECE
from plimsoll.model.margin_rate import HOUR, ROUNDING
from plimsoll.model.share_math import VIRTUAL_SHARES
from plimsoll.verify.proofs import formulas as f
from plimsoll.verify.proofs import smt
from plimsoll.verify.proofs.smt import Claim, Given, Number, lemma

# Lenders' shares [7]


def _pool(given: Given) -> tuple[Number, Number]:
    total, supply = given.naturals("total supply")
    return total, supply


@lemma("deposit, then redeem: no more comes back")
def deposit_redeem(given: Given) -> Claim:
    """The share price after a deposit is at most what was paid per share."""
    total, supply = _pool(given)
    (assets,) = given.positives("assets")
    shares = f.shares_down(assets, total, supply)
    return f.assets_down(shares, total + assets, supply + shares) <= assets


@lemma("deposit, then withdraw: what costs no more shares is no more")
def deposit_withdraw(given: Given) -> Claim:
    """Any withdrawal that the shares received pay for."""
    total, supply = _pool(given)
    assets, back = given.positives("assets back")
    shares = f.shares_down(assets, total, supply)
    given.that(f.shares_up(back, total + assets, supply + shares) <= shares)
    return back <= assets


@lemma("mint, then redeem: no more comes back")
def mint_redeem(given: Given) -> Claim:
    """A mint pays its price rounded up."""
    total, supply = _pool(given)
    (shares,) = given.positives("shares")
    paid = f.assets_up(shares, total, supply)
    return f.assets_down(shares, total + paid, supply + shares) <= paid


@lemma("mint, then withdraw: what costs no more shares is no more")
def mint_withdraw(given: Given) -> Claim:
    """Any withdrawal that the shares minted pay for."""
    total, supply = _pool(given)
    shares, back = given.positives("shares back")
    paid = f.assets_up(shares, total, supply)
    given.that(f.shares_up(back, total + paid, supply + shares) <= shares)
    return back <= paid


@lemma("redeem, then deposit: no more shares")
def redeem_deposit(given: Given) -> Claim:
    """What was paid out buys no more than was burned."""
    total, supply = _pool(given)
    (shares,) = given.positives("shares")
    got = f.assets_down(shares, total, supply)
    given.that(shares <= supply, got <= total)
    return f.shares_down(got, total - got, supply - shares) <= shares


@lemma("redeem, then mint: no cheaper")
def redeem_mint(given: Given) -> Claim:
    """The shares burned cost at least what they paid."""
    total, supply = _pool(given)
    (shares,) = given.positives("shares")
    got = f.assets_down(shares, total, supply)
    given.that(shares <= supply, got <= total)
    return f.assets_up(shares, total - got, supply - shares) >= got


@lemma("withdraw, then deposit: no more shares")
def withdraw_deposit(given: Given) -> Claim:
    """What was withdrawn buys no more than was burned."""
    total, supply = _pool(given)
    (assets,) = given.positives("assets")
    burned = f.shares_up(assets, total, supply)
    given.that(burned <= supply, assets <= total)
    return f.shares_down(assets, total - assets, supply - burned) <= burned


@lemma("withdraw, then mint: no cheaper")
def withdraw_mint(given: Given) -> Claim:
    """The shares burned cost at least what was withdrawn."""
    total, supply = _pool(given)
    (assets,) = given.positives("assets")
    burned = f.shares_up(assets, total, supply)
    given.that(burned <= supply, assets <= total)
    return f.assets_up(burned, total - assets, supply - burned) >= assets


@lemma("a deposit lowers nobody's share price [5]")
def deposit_price(given: Given) -> Claim:
    """(total + 1) / (supply + virtual) does not fall."""
    total, supply = _pool(given)
    (assets,) = given.positives("assets")
    shares = f.shares_down(assets, total, supply)
    return (total + assets + 1) * (supply + VIRTUAL_SHARES) >= (total + 1) * (supply + shares + VIRTUAL_SHARES)


@lemma("a withdrawal lowers nobody's share price [5]")
def withdraw_price(given: Given) -> Claim:
    """(total + 1) / (supply + virtual) does not fall."""
    total, supply = _pool(given)
    (assets,) = given.positives("assets")
    burned = f.shares_up(assets, total, supply)
    given.that(burned <= supply, assets <= total)
    return (total - assets + 1) * (supply + VIRTUAL_SHARES) >= (total + 1) * (supply - burned + VIRTUAL_SHARES)


@lemma("claims rounded down never exceed the assets: two and both [4]")
def claims(given: Given) -> Claim:
    """With all shares in two hands, what both can redeem together; more hands by induction on `claims_join`."""
    total, one, other = given.naturals("total one other")
    supply = one + other
    return f.assets_down(one, total, supply) + f.assets_down(other, total, supply) <= total


@lemma("two claims are worth no more than one of both [4]")
def claims_join(given: Given) -> Claim:
    """Splitting shares over accounts gains nothing."""
    total, supply = _pool(given)
    one, other = given.naturals("one other")
    joined = f.assets_down(one + other, total, supply)
    return f.assets_down(one, total, supply) + f.assets_down(other, total, supply) <= joined


# Debt shares [2]


def _debts(given: Given) -> tuple[Number, Number]:
    debt, debt_shares = given.positives("debt debt_shares")
    return debt, debt_shares


@lemma("two debts, rounded up, are at least the debt of both [2]")
def debts_join(given: Given) -> Claim:
    """By induction the debts of all accounts sum to at least the total: the debt of all shares is the total."""
    debt, debt_shares = _debts(given)
    one, other = given.positives("one other")
    given.that(one + other <= debt_shares)
    joined = f.debt_up(one + other, debt, debt_shares)
    return f.debt_up(one, debt, debt_shares) + f.debt_up(other, debt, debt_shares) >= joined


@lemma("all debt shares owe exactly the total debt [2]")
def debts_all(given: Given) -> Claim:
    """The end of the induction."""
    debt, debt_shares = _debts(given)
    return f.debt_up(debt_shares, debt, debt_shares) == debt


@lemma("no account owes more than the total, none with a share owes nothing [2]")
def debts_most(given: Given) -> Claim:
    """Rounding up never passes the total."""
    debt, debt_shares = _debts(given)
    (shares,) = given.positives("shares")
    given.that(shares <= debt_shares)
    owed = f.debt_up(shares, debt, debt_shares)
    return given.all(owed <= debt, owed >= 1)


@lemma("who borrows owes at least what he borrowed [7]")
def borrow_owes(given: Given) -> Claim:
    """So borrowing and repaying at once never pays."""
    debt, debt_shares = _debts(given)
    (amount,) = given.positives("amount")
    shares = f.debt_shares_up(amount, debt, debt_shares)
    given.step(shares >= 1, shares * debt >= amount * debt_shares)
    return f.debt_up(shares, debt + amount, debt_shares + shares) >= amount


@lemma("the first who borrows owes exactly what he borrowed")
def first_borrow_owes(given: Given) -> Claim:
    """His shares are all there are."""
    (amount,) = given.positives("amount")
    shares = f.first_debt_shares(amount)
    return f.debt_up(shares, amount, shares) == amount


@lemma("borrowing raises nobody else's debt")
def borrow_others(given: Given) -> Claim:
    """The debt per share does not rise."""
    debt, debt_shares = _debts(given)
    (amount,) = given.positives("amount")
    shares = f.debt_shares_up(amount, debt, debt_shares)
    return (debt + amount) * debt_shares <= debt * (debt_shares + shares)


@lemma("a part repaid lowers the own debt by no more than was paid [7]")
def repay_owes(given: Given) -> Claim:
    """Rounded against who repays."""
    debt, debt_shares = _debts(given)
    amount, shares = given.positives("amount shares")
    given.that(shares <= debt_shares)
    owed = f.debt_up(shares, debt, debt_shares)
    given.that(amount < owed)
    burned = f.debt_shares_down(amount, debt, debt_shares)
    given.step(burned < shares)
    return (shares - burned) * debt >= shares * debt - amount * debt_shares


@lemma("repaying raises nobody else's debt")
def repay_others(given: Given) -> Claim:
    """The debt per share does not rise."""
    debt, debt_shares = _debts(given)
    (amount,) = given.positives("amount")
    given.that(amount < debt)
    burned = f.debt_shares_down(amount, debt, debt_shares)
    return (debt - amount) * debt_shares <= debt * (debt_shares - burned)


@lemma("repaying in full raises nobody else's debt")
def repay_all_others(given: Given) -> Claim:
    """The debt per share does not rise."""
    debt, debt_shares = _debts(given)
    (shares,) = given.positives("shares")
    given.that(shares < debt_shares)
    used = f.debt_up(shares, debt, debt_shares)
    return (debt - used) * debt_shares <= debt * (debt_shares - shares)


# What balances are worth


@lemma("a debt of a unit is worth at least one wei of a dollar at any price")
def owed_something(given: Given) -> Claim:
    """The price that floors to zero."""
    amount, price = given.positives("amount price")
    return f.owed_worth(amount, price) >= 1


@lemma("a debt is worth at most one wei more than the same balance")
def owed_and_worth(given: Given) -> Claim:
    """Down for what an account has, up for what it owes."""
    amount, price = given.naturals("amount price")
    has, owes = f.worth(amount, price), f.owed_worth(amount, price)
    return given.all(has <= owes, owes <= has + 1)


@lemma("splitting balances gains nothing, splitting debts saves nothing")
def worth_split(given: Given) -> Claim:
    """Over any number of accounts, by induction."""
    one, other, price = given.naturals("one other price")
    held = f.worth(one, price) + f.worth(other, price) <= f.worth(one + other, price)
    return given.all(held, f.owed_worth(one, price) + f.owed_worth(other, price) >= f.owed_worth(one + other, price))


@lemma("worth rises with the amount and with the price")
def worth_monotone(given: Given) -> Claim:
    """Both sides."""
    amount, price, more, dearer = given.naturals("amount price more dearer")
    given.step(amount * price <= (amount + more) * (price + dearer))
    held = f.worth(amount, price) <= f.worth(amount + more, price + dearer)
    return given.all(held, f.owed_worth(amount, price) <= f.owed_worth(amount + more, price + dearer))


# The auction's bonus and its largest fraction [20]


def _auction(given: Given) -> tuple[Number, Number, Number, Number, Number, Number]:
    kappa, penalty = given.naturals("kappa penalty")
    start_level, equity = given.integers("start_level equity")
    requirement, debt = given.positives("requirement debt")
    given.that(start_level <= 0, start_level >= -WAD, penalty <= WAD // 5, kappa <= 100 * WAD)
    return kappa, start_level, penalty, equity, requirement, debt


@lemma("the curve lies between its start and 1")
def curve_bounds(given: Given) -> Claim:
    """For every time."""
    (y,) = given.naturals("y")
    (start_level,) = given.integers("start_level")
    given.that(start_level <= 0, start_level >= -WAD)
    value = f.curve(y, start_level)
    return given.all(start_level <= value, value <= WAD)


@lemma("the curve never falls")
def curve_monotone(given: Given) -> Claim:
    """Over time."""
    y, more = given.naturals("y more")
    (start_level,) = given.integers("start_level")
    given.that(start_level <= 0, start_level >= -WAD)
    given.step((WAD - start_level) * y <= (WAD - start_level) * (y + more))
    return f.curve(y, start_level) <= f.curve(y + more, start_level)


@lemma("the bonus lies between minus the penalty and the penalty")
def bonus_bounds(given: Given) -> Claim:
    """Whatever the account, the time and the depth."""
    (t,) = given.naturals("t")
    kappa, start_level, penalty, equity, requirement, debt = _auction(given)
    value = f.bonus(t, kappa, start_level, penalty, equity, requirement, debt)
    return given.all(-penalty <= value, value <= penalty)


@lemma("the bonus is never below what time alone gives, and beyond it only as far as equity pays")
def bonus_own(given: Given) -> Claim:
    """Depth spends the account's own money, whatever the two clocks say."""
    by_time, by_depth, equity = given.integers("by_time by_depth equity")
    (kappa,) = given.naturals("kappa")
    requirement, debt = given.positives("requirement debt")
    covered = f.own(equity, debt)
    given.step(covered * debt <= smt.most(equity, 0) * WAD)
    value = f.later(by_time, by_depth, covered, kappa, equity, requirement)
    given.step(given.any(value == by_time, value <= covered))
    given.step(given.any(value > covered, value * debt <= covered * debt))
    paid = value * debt <= smt.most(equity, 0) * WAD
    return given.all(value >= by_time, given.any(value == by_time, paid))


@lemma("what is scaled grows with the rate")
def scaled_monotone(given: Given) -> Claim:
    """The step from the curve's monotony to the bonus's."""
    amount, more = given.naturals("amount more")
    (rate,) = given.integers("rate")
    given.step(amount * rate <= amount * (rate + more))
    return f.scaled(amount, rate) <= f.scaled(amount, rate + more)


@lemma("the bonus by time never falls")
def bonus_monotone(given: Given) -> Claim:
    """For an account that stays as it is."""
    t, more = given.naturals("t more")
    _, start_level, penalty, *_ = _auction(given)
    given.step((WAD - start_level) * t <= (WAD - start_level) * (t + more))
    early, late = f.curve(t, start_level), f.curve(t + more, start_level)
    given.step(early <= late)
    given.step(penalty * early <= penalty * late)
    return f.scaled(penalty, early) <= f.scaled(penalty, late)


@lemma("a take of the largest fraction does not pass the target")
def fraction_target(given: Given) -> Claim:
    """With rates as before the take: equity falls by what is paid above the debt, each side's target by its part.

    After the take E' = E - f (paid - D), T' = T_G (1 - f paid / G) + T_D (1 - f); the claim E' <= T' is multiplied by
    G.
    """
    positive, debt = given.positives("positive debt")
    target_positive, target_debt, paid = given.naturals("target_positive target_debt paid")
    (equity,) = given.integers("equity")
    missing = target_positive + target_debt - equity
    whole = f.per_whole(positive, debt, target_positive, target_debt, paid)
    given.that(missing > 0, whole > missing)
    fraction = f.max_fraction(missing, whole)
    given.step(fraction >= 0, fraction < WAD)
    exact = target_positive * paid + (target_debt - paid + debt) * positive
    given.step(exact <= whole * positive)
    given.step(fraction * exact <= fraction * (whole * positive))
    given.step(fraction * (whole * positive) <= missing * WAD * positive)
    return fraction * exact <= missing * WAD * positive


# Margin rates and their ramps [18]


@lemma("a margin rate lies between the base and the cap")
def rate_bounds(given: Given) -> Claim:
    """For every size."""
    base, cap, slope, value = given.naturals("base cap slope value")
    given.that(base <= cap)
    rate = f.rate(base, cap, slope, value)
    return given.all(base <= rate, rate <= cap)


@lemma("a larger balance needs a higher rate, or the same")
def rate_monotone(given: Given) -> Claim:
    """So splitting a position never saves margin within one account."""
    base, cap, slope, value, more = given.naturals("base cap slope value more")
    given.step(slope * value <= slope * (value + more))
    return f.rate(base, cap, slope, value) <= f.rate(base, cap, slope, value + more)


@lemma("initial margin is at least rho times maintenance, and more than it")
def initial_ceiling(given: Given) -> Claim:
    """Rounded up: whoever meets it is at rho."""
    required, ratio = given.naturals("required ratio")
    given.that(ratio >= 12 * WAD // 10)
    needs = f.initial(required, ratio)
    given.step(required * ratio >= required * (12 * WAD // 10))
    return given.all(needs * WAD >= required * ratio, needs >= required)


@lemma("a requirement is below half of what requires it, and not 0 unless that is")
def maintenance_half(given: Given) -> Claim:
    """Caps are below 1/2, so every balance covers its own requirement."""
    base, cap, slope = given.naturals("base cap slope")
    (value,) = given.positives("value")
    given.that(base >= 10**15, base <= cap, cap < WAD // 2)
    rate = f.rate(base, cap, slope, value)
    given.step(rate >= 10**15, rate < WAD // 2)
    given.step(value * rate >= value * 10**15, 2 * value * rate <= value * WAD)
    required = smt.divide_up(value * rate, WAD)
    return given.all(required >= 1, 2 * required <= value + 1)


@lemma("a ramp moves towards its target, not past it, and no faster than its speed")
def towards_bounds(given: Given) -> Claim:
    """Base and cap."""
    start, target, rise, fall = given.naturals("start target rise fall")
    there = f.towards(start, target, rise, fall)
    low, high = smt.least(start, target), smt.most(start, target)
    speed = given.all(there - start <= rise, start - there <= fall)
    return given.all(low <= there, there <= high, speed)


@lemma("a slope that rises for a time raises no rate by more than its part of the speed")
def slope_speed(given: Given) -> Claim:
    """moved - start <= moved * x + rounding: as long as slope * value stays below the cap, at most cap * x of rate."""
    start, x = given.naturals("start x")
    given.that(x <= WAD)
    grown = f.factor(x)
    moved = smt.divide(start * grown, WAD)
    given.step(grown * WAD * 2 <= 2 * WAD * WAD + 2 * x * WAD + x * x)
    given.step(grown >= WAD + x)
    given.step(moved * WAD > start * grown - WAD)
    given.step(start * (grown * WAD * 2) <= start * (2 * WAD * WAD + 2 * x * WAD + x * x))
    given.step(start * grown * x >= start * (WAD + x) * x)
    given.step(moved * WAD * x >= (start * grown - WAD) * x)
    given.step(moved * WAD <= start * grown)
    given.step(2 * WAD * (moved * WAD) <= start * (2 * WAD * WAD + 2 * x * WAD + x * x))
    return 2 * WAD * (moved - start) * WAD <= 2 * moved * WAD * x + 2 * WAD * x


@lemma("the fastest ramp keeps the promise of notice: at most (rho - 1) * base in that time")
def notice_kept(given: Given) -> Claim:
    """One ramp at the speed that the setter allows; ROUNDING is set aside besides."""
    base, ratio, notice = given.positives("base ratio notice")
    given.that(ratio >= 12 * WAD // 10, ratio <= 3 * WAD)
    speed = f.max_ramp_up(base, ratio, notice)
    given.that(speed > 0)
    given.step(speed * notice + ROUNDING * HOUR <= smt.divide(4 * (ratio - WAD) * base * HOUR, ratio + 3 * WAD))
    moved = speed * notice + ROUNDING * HOUR
    given.step(moved * (ratio + 3 * WAD) <= 4 * (ratio - WAD) * base * HOUR)
    given.step(moved * (4 * WAD) <= moved * (ratio + 3 * WAD))
    return moved * WAD <= (ratio - WAD) * base * HOUR


# Interest rates [17]


@lemma("the rate curve lies between 1/C and C of the rate at target")
def curve_factor_bounds(given: Given) -> Claim:
    """For every utilisation up to 1, within two units of rounding."""
    target, steepness = given.positives("target steepness")
    (utilisation,) = given.naturals("utilisation")
    given.that(target < WAD, utilisation <= WAD, steepness >= WAD, steepness <= 100 * WAD)
    height = f.curve_factor(utilisation, target, steepness)
    return given.all(smt.divide(WAD * WAD, steepness) <= height, height <= steepness)


@lemma("the average rate and the rate at the end stay within their bounds for any drift")
def rate_at_target_bounds(given: Given) -> Claim:
    """Whatever the exponential says: nobody can push a rate out of its range."""
    height, rate_at_target, drift, lowest, highest = given.naturals("height rate_at_target drift lowest highest")
    given.that(lowest <= rate_at_target, rate_at_target <= highest)
    middle, end = f.path(rate_at_target, drift, lowest, highest)
    total = rate_at_target + end + 2 * middle
    given.step(lowest <= end, end <= highest, 4 * lowest <= total, total <= 4 * highest)
    given.step(height * (4 * lowest) <= height * total, height * total <= height * (4 * highest))
    average = f.average(height, rate_at_target, middle, end)
    return given.all(smt.divide(height * lowest, WAD) <= average, average <= smt.divide(height * highest, WAD))


@lemma("a period cut in two costs no less than whole, but for six units of rounding [5]")
def growth_split(given: Given) -> Claim:
    """Within a piece: what one and then the other part compound to, against both at once."""
    one, other = given.naturals("one other")
    given.that(one + other <= PIECE)
    first, second, both = f.piece(one), f.piece(other), f.piece(one + other)
    scale, unit = 6 * WAD * WAD, 6 * WAD**3

    def exact(x: Number) -> Number:
        return scale * x + 3 * WAD * x * x + x * x * x

    given.step(exact(one) <= scale * (first + 2), exact(other) <= scale * (second + 2))
    given.step(scale * both <= exact(one + other), first <= WAD // 2, second <= WAD // 2)
    product = one * other
    given.step(product >= 0, product * (one + other) >= 0)
    more = 6 * WAD * product + 3 * product * (one + other)
    given.step(exact(one + other) == exact(one) + exact(other) + more)
    given.step(unit * more <= exact(one) * exact(other))
    given.step((unit + exact(one + other)) * unit <= (unit + exact(one)) * (unit + exact(other)))
    rounded = (unit + scale * (first + 2)) * (unit + scale * (second + 2))
    given.step((unit + exact(one)) * (unit + exact(other)) <= rounded)
    return (WAD + first) * (WAD + second) + 6 * WAD >= (WAD + both) * WAD


@lemma("interest grows with time, and a longer period costs at least its parts' sum")
def piece_split(given: Given) -> Claim:
    """Within a piece; both halves are rounded down, the whole is rounded down once."""
    one, other = given.naturals("one other")
    given.that(one + other <= PIECE)
    square = 2 * one * other
    given.step((one + other) * (one + other) == one * one + square + other * other)
    given.step(one * one + other * other <= (one + other) * (one + other))
    given.step(one * one * one + other * other * other <= (one + other) * (one + other) * (one + other))
    return f.piece(one) + f.piece(other) <= f.piece(one + other)
