"""Prices of the model: ordered, within what was said, deaf to a minority, and clocks that only time and marks move."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from plimsoll.model import price_oracle
from plimsoll.model.price_oracle import (
    DEAD,
    HOUR,
    MAX_MARK_GAP,
    NO_CLOCK,
    NO_SILENCE,
    OK,
    PRICE_LIMIT,
    STALE,
    WIDE,
    Clock,
    Parameters,
    Silence,
)
from plimsoll.model.price_source import Reading

NOW = 1_700_000_000
BP = 10**14
DAY = 86_400


def parameter_sets(count: int) -> st.SearchStrategy[Parameters]:
    return st.builds(
        lambda least, deviation, low, growth, high: Parameters(
            least, deviation * BP, min(low, high) * BP, growth * BP, max(low, high) * BP
        ),
        st.integers(1, count),
        st.integers(0, 2_000),
        st.integers(0, 2_500),
        st.integers(0, 2_500),
        st.integers(0, 2_500),
    )


@st.composite
def readings(draw: st.DrawFn, about: int | None = None, trusted: bool | None = None) -> Reading:
    middle = draw(st.integers(10**6, 10**36)) if about is None else about

    def number() -> int:
        return middle * draw(st.integers(8_000, 12_000)) // 10_000

    raw = number()
    clamped = raw if draw(st.booleans()) else number()
    fresh = 1 if trusted else draw(st.integers(0, 1))
    return Reading(
        raw, clamped, NOW - draw(st.integers(0, DAY)), fresh, draw(st.integers(0, 1)) if trusted is None else 1
    )


@st.composite
def said(draw: st.DrawFn) -> list[Reading | None]:
    about = draw(st.integers(10**6, 10**36))
    return draw(
        st.lists(st.one_of(st.none(), readings(about), readings(about), readings(about)), min_size=1, max_size=3)
    )


@given(answers=said(), data=st.data())
def test_price__ordered_and_within_its_range(answers: list[Reading | None], data: st.DataObject) -> None:
    price = price_oracle.price(answers, data.draw(parameter_sets(len(answers))), NOW)
    if price.status == DEAD:
        assert price == price_oracle.NO_PRICE
        assert all(reading is None for reading in answers)
    else:
        assert 1 <= price.bid <= price.mid <= price.ask < PRICE_LIMIT
        numbers = [number for reading in answers if reading for number in reading[:2]]
        assert min(numbers) <= price.mid <= max(numbers)


@given(answers=said(), data=st.data())
def test_price__never_better_for_an_absent_source(answers: list[Reading | None], data: st.DataObject) -> None:
    """An answer that does not come makes nothing OK."""
    parameters = data.draw(parameter_sets(len(answers)))
    gone = data.draw(st.integers(0, len(answers) - 1))
    without = [None if i == gone else reading for i, reading in enumerate(answers)]
    assert price_oracle.price(without, parameters, NOW).status != OK


@given(answers=st.lists(readings(), min_size=3, max_size=3), data=st.data())
def test_price__order_of_the_sources__does_not_count(answers: list[Reading], data: st.DataObject) -> None:
    assume(len({reading.updated_at for reading in answers}) == 3)  # of equally stale ones the first stands
    parameters = data.draw(parameter_sets(3))
    shuffled = data.draw(st.permutations(answers))
    assert price_oracle.price(answers, parameters, NOW) == price_oracle.price(shuffled, parameters, NOW)


@given(about=st.integers(10**9, 10**36), data=st.data())
def test_price__one_of_three_says_anything__mid_stays_between_the_other_two(about: int, data: st.DataObject) -> None:
    honest = [data.draw(readings(about, trusted=True)) for _ in range(2)]
    honest = [reading._replace(clamped=reading.price) for reading in honest]
    liar = data.draw(st.builds(Reading, *[st.integers(1, PRICE_LIMIT - 1)] * 2, st.just(NOW), st.just(1), st.just(1)))
    low, high = sorted(reading.price for reading in honest)
    for place in range(3):
        answers = [*honest[:place], liar, *honest[place:]]
        assert low <= price_oracle.price(answers, data.draw(parameter_sets(3)), NOW).mid <= high


@given(about=st.integers(10**9, 10**30), spread=st.integers(0, 2_500), data=st.data())
def test_price__spread_rounds_against_the_account(about: int, spread: int, data: st.DataObject) -> None:
    reading = Reading(about, about, NOW, 1, 1)
    parameters = Parameters(1, 0, spread * BP, 0, spread * BP)
    price = price_oracle.price([reading], parameters, NOW)
    assert price.status == OK
    assert price.bid * 10_000 <= about * (10_000 - spread) or price.bid == 1
    assert price.ask * 10_000 >= about * (10_000 + spread)
    assert about * (10_000 - spread) - price.bid * 10_000 < 10_000
    assert price.ask * 10_000 - about * (10_000 + spread) < 10_000


@given(age=st.integers(0, 30 * DAY), more=st.integers(0, DAY), data=st.data())
def test_spread_of__wider_with_age_up_to_its_bound(age: int, more: int, data: st.DataObject) -> None:
    parameters = data.draw(parameter_sets(1))
    young, old = (price_oracle.spread_of(parameters, each) for each in (age, age + more))
    least, most = (part // BP * HOUR for part in (parameters.min_spread, parameters.max_spread))
    assert least <= young <= old <= most


@given(answers=st.lists(readings(), min_size=2, max_size=3), data=st.data())
def test_price__silenced_source__never_ok_and_takes_nothing_in_the_accounts_favour(
    answers: list[Reading], data: st.DataObject
) -> None:
    """Its fresh numbers still widen bid and ask."""
    parameters = data.draw(parameter_sets(len(answers)))
    index = data.draw(st.integers(0, len(answers) - 1))
    silenced = Silence(index, NOW + 1, NOW + 2)
    low, _, high, _, status = price_oracle.combine(answers, parameters, NOW, silenced)
    assert status in (WIDE, STALE)
    if answers[index].fresh:
        assert low <= min(answers[index][:2]) <= max(answers[index][:2]) <= high
    over = price_oracle.combine(answers, parameters, NOW + 1, silenced)
    assert over == price_oracle.combine(answers, parameters, NOW + 1, NO_SILENCE)


@given(numbers=st.lists(st.integers(1, 2**128 - 1), min_size=1, max_size=3), data=st.data())
def test_median__between_its_numbers_and_follows_each(numbers: list[int], data: st.DataObject) -> None:
    grades = [price_oracle.TRUSTED] * len(numbers)
    found = price_oracle.median(dict(enumerate(numbers)), grades)
    assert found is not None
    assert min(numbers) <= found <= max(numbers)
    index = data.draw(st.integers(0, len(numbers) - 1))
    higher = {i: number + (i == index) * data.draw(st.integers(0, 2**128)) for i, number in enumerate(numbers)}
    raised = price_oracle.median(higher, grades)
    assert raised is not None
    assert raised >= found


# Clocks


@given(
    marks=st.lists(st.tuples(st.integers(0, 2 * HOUR), st.integers(OK, DEAD)), min_size=1, max_size=20),
    delay=st.integers(HOUR, 2 * DAY),
)
def test_mark__settled_only_after_a_chain_of_marks_as_long_as_the_delay(
    marks: list[tuple[int, int]], delay: int
) -> None:
    clock, now, chain = NO_CLOCK, NOW, 0
    for seconds, status in marks:
        chain = 0 if status == OK or seconds > MAX_MARK_GAP or clock == NO_CLOCK else chain + seconds
        now += seconds
        clock = price_oracle.mark(clock, status, now)
        assert clock == NO_CLOCK if status == OK else (clock.marked, now - clock.since) == (now, chain)
        assert (clock.dead_since != 0) == (status == DEAD)
        if status != OK:
            assert price_oracle.is_settled(clock, WIDE, delay, now) == (chain >= delay)
            assert price_oracle.is_settled(clock, DEAD, delay, now) <= (status == DEAD and chain >= delay)


@given(
    since=st.integers(1, 3 * DAY),
    marked=st.integers(0, 2 * HOUR),
    delay=st.integers(HOUR, 2 * DAY),
    last=st.integers(0, 3 * DAY),
    status=st.sampled_from([WIDE, STALE, DEAD]),
)
def test_is_settled__never_by_a_later_last_good_price(
    since: int, marked: int, delay: int, last: int, status: int
) -> None:
    clock = Clock(NOW - since - marked, NOW - marked, NOW - since - marked)
    settled = price_oracle.is_settled(clock, status, delay, NOW)
    assert price_oracle.is_settled(clock, status, delay, NOW, NOW - last) == (settled and last >= delay)


@given(
    count=st.integers(2, 3),
    durations=st.lists(st.integers(1, DAY), min_size=1, max_size=6),
    waits=st.lists(st.integers(0, 3 * DAY), min_size=6, max_size=6),
)
def test_silence__no_more_than_half_of_the_time(count: int, durations: list[int], waits: list[int]) -> None:
    silence, now, silent = NO_SILENCE, NOW, 0
    for duration, wait in zip(durations, waits, strict=False):
        now = max(now + wait, silence.next)
        silence = price_oracle.silence(silence, count, 0, duration, DAY, now)
        silent += duration
        assert silence.until - now == duration
        assert silent * 2 <= silence.next - NOW
