"""Words that keep state, under random sequences of operations on both sides.

A machine is an endless generator of steps: what was done, what the contract said, what the model says. After a step
whose answers differ the sequence ends, because everything after it would differ too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial

from plimsoll import artifacts
from plimsoll.chain.abi import contract_abi
from plimsoll.model import account_word, liquidation_auction, margin_rate, pool_words, twap, volatility_oracle
from plimsoll.model.fixed_point import WAD
from plimsoll.model.liquidation_auction import UNKNOWN, Auction, Values
from plimsoll.model.restrictions import Restrictions
from plimsoll.verify.differential import accounts, pools, risk
from plimsoll.verify.differential.bench import Bench, pack, unpack
from plimsoll.verify.differential.draws import Draws
from plimsoll.verify.differential.formula import Answer, later_of, shown

Said = bytes | str
Step = tuple[str, Said, Said]
Steps = Iterator[Step]

HOUR = 3_600
DAY = 86_400
PRICE = 2**128 - 1
LARGEST = 12 * (2**112 - 1) * PRICE // WAD
"""Dollars that twelve balances are worth at most."""


@dataclass(frozen=True, slots=True)
class Machine:
    """A word, or a few, with the operations on it."""

    name: str
    steps: Callable[[Bench, Draws], Steps]

    def check(self, bench: Bench, seed: str, chunk: int, cases: int) -> tuple[int, list[str]]:
        """Make so many steps; return how many differ (0 or 1) and what differs."""
        with bench.isolated(later_of(chunk)):
            draws = Draws(f"{seed}/{self.name}/{chunk}", bench.chain.timestamp())
            steps = self.steps(bench, draws)
            for case in range(cases):
                what, said, wanted = next(steps)
                if said != wanted:
                    answers = f"{shown(said)}, the model {shown(wanted)}"
                    return 1, [f"{self.name}: {what}: {answers}; case {case} of chunk {chunk}"]
        return 0, []


@cache
def _selectors(contract: str) -> dict[str, bytes]:
    functions = contract_abi(artifacts.load(contract).abi).functions
    return {name: next(iter(overloads.values())).selector for name, overloads in functions.items()}


def _wanted(predict: Callable[[], Answer | None]) -> Said:
    """Return what the model answers as words, nothing for None, or why it refuses."""
    try:
        answer = predict()
    except ValueError as error:
        return str(error)
    if answer is None:
        return b""
    return pack(answer if isinstance(answer, tuple) else (answer,))


def _account_word(bench: Bench, draws: Draws) -> Steps:
    """Assets come and go; both sets are kept beside the word."""
    at = bench.deploy("account_word_harness").address
    ask = _selectors("account_word_harness")
    fields: dict[str, Callable[[int], int]] = {"hold": account_word.held, "owe": account_word.owed}
    fields |= {"release": account_word.held, "clear": account_word.owed}
    word, held, owed = 0, set[int](), set[int]()
    while True:
        verb = draws.pick(tuple(fields))
        present = account_word.keys(fields[verb](word))
        if verb in ("release", "clear"):
            if 0 in present or not present:
                word, held, owed = 0, set(), set()
                continue
            key = draws.pick(present)
        else:
            key = draws.pick(present) if present and draws.chance(4) else accounts.key(draws)
        said = bench.ask(at, ask[verb] + pack((word, key)))
        wanted = _wanted(lambda verb=verb, word=word, key=key: getattr(account_word, verb)(word, key))  # type: ignore[misc]
        yield f"{verb}({word:#x}, {key:#x})", said, wanted
        if isinstance(said, bytes):
            word = unpack(said)[0]
            kept = held if verb in ("hold", "release") else owed
            (kept.add if verb in ("hold", "owe") else kept.discard)(key)
            sums = sum(held) | sum(owed) << 72
            yield f"the sets in {word:#x}", pack((word,)), pack((sums,))
            said = bench.ask(at, ask["within_limits"] + pack((word,)))
            isolated = max((*held, *owed), default=0) >= 1 << 64
            most = (1, 1) if isolated else (8, 4)
            yield f"within_limits({word:#x})", said, pack((len(held) <= most[0] and len(owed) <= most[1],))
        if draws.chance(40):
            word, held, owed = 0, set(), set()


def _pool_words(bench: Bench, draws: Draws) -> Steps:
    """A configuration is set again and again over what was there; ledgers go in and come out."""
    at = bench.deploy("pool_words_harness").address
    ask = _selectors("pool_words_harness")
    word = 0
    while True:
        settings = pools.configuration(draws)
        words = (
            word,
            settings.supply_cap,
            settings.borrow_cap,
            settings.reserve_factor,
            settings.flash_fee,
            *settings.rates,
            int(settings.provisioned),
        )
        said = bench.ask(at, ask["configure"] + pack(words))
        word = pool_words.pack_configuration(settings)
        yield f"configure{words}", said, pack((word,))
        assert pools.read_configuration(word) == settings
        said = bench.ask(at, ask["read"] + pack((word,)))
        yield f"read({word:#x})", said, pack(words[1:])
        state = pools.ledger(draws)
        totals, debts = pool_words.pack(state)
        said = bench.ask(at, ask["pack"] + pack(pools.flat(state)))
        yield f"pack{pools.flat(state)}", said, pack((totals, debts))
        said = bench.ask(at, ask["unpack"] + pack((totals, debts)))
        yield f"unpack({totals:#x}, {debts:#x})", said, pack(pools.flat(pool_words.unpack(totals, debts)))


def _restrictions(bench: Bench, draws: Draws) -> Steps:
    """Owner and guardian set caps and gates of two assets, a stranger tries."""
    contract = accounts.restrictions_harness(bench, number=1)
    at, ask = contract.address, _selectors("restrictions_harness")
    owner, stranger = bench.chain.accounts()[:2]
    gates = (0, int(at, 16), 0xDEAD)
    twin = Restrictions()
    chosen: dict[int, int] = {}
    for token in accounts.TOKENS:
        bench.ask(at, ask["set_cap"] + pack((token, 0)), owner)
        bench.ask(at, ask["set_gate"] + pack((token, 0)), owner)
    while True:
        token = draws.pick(accounts.TOKENS)
        verb = draws.pick(("set_cap", "lower_cap", "lower_cap", "set_gate"))
        sender = stranger if draws.chance(12) else owner
        present = twin.caps.get(token, 0)
        value = draws.near(present, 0, 2**256 - 1) if draws.bits(1) else draws.upto(2**128 - 1)
        if verb == "set_gate":
            value = draws.pick(gates)

        def predict(verb: str = verb, token: int = token, value: int = value, sender: str = sender) -> None:
            if sender == stranger:
                raise ValueError("roles: guardian only" if verb == "lower_cap" else "roles: owner only")
            if verb != "set_gate":
                getattr(twin, verb)(token, value)
            elif value == 0xDEAD:
                raise ValueError("engine: gate")
            else:
                chosen[token] = value

        said = bench.ask(at, ask[verb] + pack((token, value)), sender)
        yield f"{verb}({token:#x}, {value})", said, _wanted(predict)
        said = bench.ask(at, ask["restrictions_of"] + pack((token,)))
        yield f"restrictions_of({token:#x})", said, pack((chosen.get(token, 0), twin.caps.get(token, 0)))


def _twap(bench: Bench, draws: Draws) -> Steps:
    """Checkpoints are packed, followed by others, and read at later times."""
    at = bench.deploy("twap_harness").address
    ask = _selectors("twap_harness")
    readers: dict[str, Callable[[int], int]] = {
        "tick_cumulative": twap.tick_cumulative,
        "clamped_tick": twap.clamped_tick,
        "next_after": twap.next_after,
        "seconds_per_liquidity": twap.seconds_per_liquidity,
    }
    while True:
        cumulative, time = draws.signed(2**55 - 1), draws.upto(2**34)
        tick, growth = draws.signed(2**23 - 1), draws.upto(2**160 - 1)
        said = bench.ask(at, ask["pack"] + pack((cumulative, time, tick, growth)))
        word = twap.pack(cumulative, time, tick, growth)
        yield f"pack{(cumulative, time, tick, growth)}", said, pack((word,))
        for _ in range(draws.within(1, 4)):
            tick, seconds = draws.signed(2**23 - 1), draws.pick((draws.upto(2**21), draws.near(2**20, 0, 2**21)))
            said = bench.ask(at, ask["followed"] + pack((word, tick, seconds)))
            after = twap.followed(word, tick, seconds)
            yield f"followed({word:#x}, {tick}, {seconds})", said, pack((after,))
            word = after
        for name, reader in readers.items():
            yield f"{name}({word:#x})", bench.ask(at, ask[name] + pack((word,))), pack((reader(word),))
        now = draws.pick((time, time + draws.upto(2**32 - 1), draws.upto(2**256 - 1)))
        yield f"age({word:#x}, {now})", bench.ask(at, ask["age"] + pack((word, now))), pack((twap.age(word, now),))


def _margin(bench: Bench, draws: Draws) -> Steps:
    """Ramps are started and restarted, settled and read, while time goes on."""
    for number, fixed in enumerate(risk.ENGINES):
        bench.deploy("margin_rate_harness", *fixed, number=number)
    number = draws.bits(8) % len(risk.ENGINES)
    ratio, notice = draws.fixed = risk.ENGINES[number]
    at = bench.deploy("margin_rate_harness", ratio, notice, number=number).address
    ask = _selectors("margin_rate_harness")
    key, state = draws.bits(60), margin_rate.NO_MARGIN
    while True:
        now = bench.chain.timestamp()
        verb = "list" if state is margin_rate.NO_MARGIN else draws.pick(("set", "settle", "settle", "warp", "warp"))
        if verb == "warp":
            bench.chain.warp(draws.pick((1, draws.upto(HOUR), draws.upto(DAY), draws.upto(30 * DAY))))
            now = bench.chain.timestamp()
        elif verb == "settle":
            state = margin_rate.settle(state, now)
            yield "settle", bench.ask(at, ask["settle"] + pack((key,))), b""
        else:
            wanted = _settings(draws, state, now)
            base = wanted.floor if verb == "list" else margin_rate.in_force(state, now)[0]
            said = bench.ask(at, ask[verb] + pack((key, *wanted)))
            refusal = _wanted(lambda w=wanted, b=base: margin_rate.check(w, b, ratio, notice))  # type: ignore[misc]
            yield f"{verb}{tuple(wanted)} at base {base}", said, refusal
            if refusal == b"":
                state = (
                    margin_rate.list_asset(wanted, now)
                    if verb == "list"
                    else margin_rate.set_target(state, wanted, now)
                )
        words = (*state[:3], state.since, int(state.moving), *state.target)
        yield "state", bench.ask(at, ask["state"] + pack((key,))), pack(words)
        worth = draws.upto(2**197 - 1)
        if worth <= risk.MOST_WORTH:
            said = bench.ask(at, ask["requirements"] + pack((key, worth)))
            yield f"requirements of {worth}", said, pack(margin_rate.requirements(state, worth, now, ratio))


def _settings(draws: Draws, state: margin_rate.Margin, now: int) -> margin_rate.Parameters:
    """Return parameters, most often as fast as they may be; now and then one of them is out of its bounds."""
    wanted = risk.parameters(draws)
    base = wanted.floor if state is margin_rate.NO_MARGIN else margin_rate.in_force(state, now)[0]
    fastest = margin_rate.max_ramp_up(min(base, wanted.floor), *draws.fixed) // margin_rate.RAMP_UNIT
    if draws.chance(16):
        return wanted._replace(**{draws.pick(wanted._fields): draws.upto(WAD)})
    up = min(
        max(fastest - draws.pick((0, 0, draws.upto(fastest))) + int(draws.chance(16)), 1), WAD // margin_rate.RAMP_UNIT
    )
    return wanted._replace(ramp_up=up * margin_rate.RAMP_UNIT)


def _volatility(bench: Bench, draws: Draws) -> Steps:
    """A price is sampled, too early now and then, and the settings change."""
    owner = bench.chain.accounts()[0]
    engine = bench.deploy("ScriptedAnswers")
    contract = bench.deploy("VolatilityOracle", engine.address, owner, owner)
    at, ask = contract.address, _selectors("VolatilityOracle")
    script = _selectors("ScriptedAnswers")["script"]
    prices_of = _selectors("RiskEngine")["prices"]
    key, mid, status = draws.bits(60), draws.within(1, PRICE), 0

    def answer() -> None:
        words = (32, 1, mid, mid, mid, status)
        body = pack((int.from_bytes(prices_of, "big") << 224, 0, 96, 32 * len(words), *words))
        assert bench.ask(engine.address, script + body) == b""

    settings = _followed(draws)
    answer()
    said = bench.ask(at, ask["add"] + pack((key, *settings)), owner)
    state = volatility_oracle.add(settings, mid, bench.chain.timestamp())
    yield f"add{tuple(settings)}", said, b""
    while True:
        if draws.chance(20):
            settings = _followed(draws)
            said = bench.ask(at, ask["set_parameters"] + pack((key, *settings)), owner)
            state = volatility_oracle.set_parameters(state, settings)
            yield f"set_parameters{tuple(settings)}", said, b""
        else:
            bench.chain.warp(
                draws.pick((settings.interval, draws.near(settings.interval, 0, DAY), draws.upto(60 * DAY)))
            )
            mid = draws.near(mid, 1, PRICE) if not draws.chance(8) else draws.within(1, PRICE)
            status = draws.within(1, 3) if draws.chance(12) else 0
            answer()
            now, before = bench.chain.timestamp(), state
            said = bench.ask(at, ask["sample"] + pack((key,)))
            wanted: Said = b""
            try:
                state = volatility_oracle.sample(before, settings, mid, now)
                if status:
                    state, wanted = before, "volatility: not OK"
            except ValueError as error:
                wanted = str(error)
            yield f"sample of {mid} after {now - before.time}", said, wanted
        yield "state", bench.ask(at, ask["state_of"] + pack((key,))), pack(state)
        measured = (volatility_oracle.sigma(state), volatility_oracle.due(state, settings))
        yield "measure", bench.ask(at, ask["measure"] + pack((key,))), pack(measured)


def _followed(draws: Draws) -> volatility_oracle.Parameters:
    interval = draws.within(volatility_oracle.MIN_INTERVAL, volatility_oracle.MAX_INTERVAL)
    fast = draws.within(interval, volatility_oracle.MAX_HALF_LIFE)
    most = draws.within(volatility_oracle.MIN_MAX_SIGMA, volatility_oracle.MAX_MAX_SIGMA)
    return volatility_oracle.Parameters(
        interval,
        draws.upto(interval // 2),
        fast,
        draws.within(fast, volatility_oracle.MAX_HALF_LIFE),
        draws.within(2 * interval, volatility_oracle.MAX_PATIENCE),
        most,
        draws.upto(most),
    )


def _auction(bench: Bench, draws: Draws) -> Steps:
    """An engine that may say anything starts, raises, takes from, ends and writes off auctions of a few accounts.

    Several calls make a transaction, because who has taken from an account may go on within it.
    """
    engine, starter = bench.relay.address, bench.chain.accounts()[1]
    first = liquidation_auction.Parameters(
        600, 7_200, 2 * WAD, -WAD // 10, WAD // 2, WAD // 10, WAD // 10, WAD // 100, WAD // 5
    )
    at = bench.deploy("LiquidationAuction", engine, tuple(first), engine, engine).address
    ask = _selectors("LiquidationAuction")
    twin = _Auctions(first, starter)
    known = [draws.bits(160) << 96 | index for index in range(3)]
    while True:
        bench.chain.warp(draws.pick((0, 1, draws.upto(600), draws.upto(7 * DAY), draws.upto(30 * DAY))))
        now = bench.chain.timestamp()
        twin.next_transaction()
        account, values, ratio = draws.pick(known), _values(draws), draws.within(12 * 10**17, 3 * WAD)
        whats: list[str] = []
        calls: list[bytes] = []
        wanted: list[Said] = []
        for _ in range(draws.within(1, 4)):
            if draws.chance(3):
                account = draws.pick(known)
            if draws.bits(1):
                values = _nearby(draws, twin.running.get(account), values, ratio)
            verb = draws.pick(("start", "start", "take", "take", "take", "end", "write_off", "set", "shortfall"))
            least = draws.pick((0, 100 * WAD, draws.upto(100_000 * WAD), draws.near(values.debt, 0, LARGEST)))
            before, said_of = twin.running.get(account), (*values, ratio)
            words: tuple[int, ...]
            act: Callable[[], Answer | None]
            if verb == "set":
                terms = _terms(draws) if draws.chance(4) else twin.newest
                name, words, act = "set_parameters", tuple(terms), partial(twin.set_parameters, terms)
            elif verb == "start":
                name, words = verb, (account, int(starter, 16), *said_of)
                act = partial(twin.start, account, values, now)
            elif verb == "take":
                fraction = draws.pick((WAD, draws.upto(WAD), draws.upto(2**256 - 1)))
                floor = draws.signed(WAD // 5) if draws.chance(4) else -(2**255)
                name, words = verb, (account, fraction, floor, least, *said_of)
                act = partial(twin.take, account, values, now, fraction, floor, least, ratio)
            elif verb == "end":
                owes = draws.bits(1)
                name, words, act = verb, (account, owes, *said_of), partial(twin.end, account, values, now, ratio, owes)
            elif verb == "write_off":
                name, words, act = verb, (account, least, *said_of), partial(twin.write_off, account, values, least)
            else:
                name, words, act = verb, (account, *said_of), partial(twin.shortfall, account, values)
            whats.append(f"{name}{words} of {before} under {twin.newest} at {now}")
            calls.append(ask[name] + pack(words))
            wanted.append(_wanted(act))
            whats.append(f"auction_of({account:#x}) after {name}")
            calls.append(ask["auction_of"] + pack((account,)))
            wanted.append(pack(twin.shape(account)))
        yield from zip(whats, bench.ask_together(at, calls), wanted, strict=True)


class _Auctions:
    """Auctions by account, and what the contract keeps beside them.

    That something was taken in a transaction the contract remembers by account: it outlasts an auction that `end` or
    `write_off` closes, and counts for one that starts after it in the same transaction.
    """

    def __init__(self, parameters: liquidation_auction.Parameters, starter: str) -> None:
        self.running: dict[int, Auction] = {}
        self.newest = parameters
        self._version = 1
        self._versions: dict[int, int] = {}
        self._taken: set[int] = set()
        self._starter = starter

    def next_transaction(self) -> None:
        """Forget who has been taken from."""
        self._taken.clear()
        self.running = {account: auction._replace(taken=False) for account, auction in self.running.items()}

    def set_parameters(self, parameters: liquidation_auction.Parameters) -> None:
        self.newest = parameters
        self._version += 1

    def start(self, account: int, values: Values, now: int) -> int:
        auction = self.running.get(account)
        if auction is None:
            auction = liquidation_auction.start(values, self._starter, self.newest, now)
            self.running[account] = auction._replace(taken=account in self._taken)
            self._versions[account] = self._version
        else:
            self.running[account] = liquidation_auction.raised(auction, values, now)
        return _shortfall(values)

    def take(
        self, account: int, values: Values, now: int, fraction: int, floor: int, least: int, ratio: int
    ) -> tuple[int, ...]:
        if fraction == 0:
            raise ValueError("auction: zero fraction")
        auction = self._known(account)
        terms = liquidation_auction.take(auction, values, now, fraction, floor, least, ratio)
        rate = liquidation_auction.bonus(auction, values, now)
        self.running[account] = auction._replace(taken=True)
        self._taken.add(account)
        if terms.ended:
            self._taken.discard(account)
            del self.running[account]
        return *terms[:2], int(self._starter, 16), *terms[3:5], rate, *terms[6:]

    def end(self, account: int, values: Values, now: int, ratio: int, owes: int) -> None:
        liquidation_auction.check_end(self._known(account), values, now, ratio, owes=bool(owes))
        del self.running[account]

    def write_off(self, account: int, values: Values, least: int) -> None:
        self._known(account)
        liquidation_auction.check_write_off(values, least)
        del self.running[account]

    def shortfall(self, account: int, values: Values) -> int:
        return _shortfall(values) if account in self.running else 0

    def shape(self, account: int) -> tuple[int, ...]:
        """Return the members of ILiquidationAuction.Auction."""
        auction = self.running.get(account)
        if auction is None:
            return 0, 0, 0, 0, int(account in self._taken)
        version = self._versions[account]
        return auction.started_at, int(self._starter, 16), auction.penalty, version, int(auction.taken)

    def _known(self, account: int) -> Auction:
        if account not in self.running:
            raise ValueError("auction: none")
        return self.running[account]


def _nearby(draws: Draws, auction: Auction | None, values: Values, ratio: int) -> Values:
    """Return the account with an equity at the line of its auction, or that the same values say again."""
    if auction is None or draws.bits(1):
        return values
    line = liquidation_auction.line(auction, values, ratio)
    positive = values.debt + draws.pick((line, line - 1, line + 1, draws.near(line, 0, LARGEST)))
    return values._replace(positive=max(0, min(positive, LARGEST)))


def _terms(draws: Draws) -> liquidation_auction.Parameters:
    bp = 10**14
    tau, least = draws.within(60, DAY), draws.within(10, 2_000)
    return liquidation_auction.Parameters(
        tau,
        draws.within(tau, 7 * DAY),
        draws.upto(1_000_000) * bp,
        -draws.within(1, 10_000) * bp,
        draws.within(1, 10_000) * bp,
        draws.upto(5_000) * bp,
        draws.upto(5_000) * bp,
        least * bp,
        draws.within(least, 2_000) * bp,
    )


def _values(draws: Draws) -> Values:
    """Return an account as a risk engine may value it, often near its line."""
    debt = draws.upto(LARGEST)
    positive = draws.upto(LARGEST) if draws.chance(4) else min(debt * draws.within(9_000, 12_000) // 10_000, LARGEST)
    most = WAD // draws.pick((2, 20))
    of_positive, of_debt = (-(-side * draws.upto(most) // WAD) for side in (positive, debt))
    excluded = draws.pick((0, 0, 0, 1, 2**11))
    return Values(positive, debt, of_positive, of_debt, bool(draws.bits(1)), excluded)


def _shortfall(values: Values) -> int:
    return liquidation_auction.shortfall(values.equity, values.debt) if values.certain else UNKNOWN


MACHINES: Sequence[Machine] = (
    Machine("account words", _account_word),
    Machine("pool words", _pool_words),
    Machine("restrictions", _restrictions),
    Machine("twap checkpoints", _twap),
    Machine("margin ramps", _margin),
    Machine("volatility state", _volatility),
    Machine("auction words", _auction),
)
