"""Coverage: what is counted, what has to be explained, and that the explanations are about what is there."""

from __future__ import annotations

import json
from dataclasses import astuple
from pathlib import Path

import pytest

from plimsoll import artifacts
from plimsoll.chain import ZERO_ADDRESS, Revert, RevmChain
from plimsoll.chain.abi import contract_abi
from plimsoll.verify import coverage, coverage_plugin
from plimsoll.verify.coverage import Branch, FileCoverage
from plimsoll.verify.instrument import PREFIX, Place

HARNESS = "price_oracle_harness"
FILE = "contracts/A.vy"
STATEMENT = Place(FILE, 7, 4, -1, "x: uint256 = 1")
DECISION = Place(FILE, 9, 4, 0, "if x == 1:")
ALIKE = Place(FILE, 12, 4, 0, "if x == 1:")
MOCK = Place("contracts/mocks/B.vy", 3, 4, 0, "if x == 1:")
PLACES = (STATEMENT, DECISION, ALIKE, MOCK)


def written(folder: Path, name: str, *touched: int) -> None:
    """What a process writes: four places from number 2 on."""
    places = {str(number): astuple(place) for number, place in zip((2, 4, 6, 8), PLACES, strict=True)}
    (folder / f"{name}.json").write_text(json.dumps({"touched": touched, "places": places}))


def covered(*sides: set[str], ran: bool = True) -> dict[str, FileCoverage]:
    """One file with a statement and two decisions that read alike."""
    return {FILE: FileCoverage({STATEMENT: ran}, dict(zip((DECISION, ALIKE), sides, strict=True)))}


def wrong(files: dict[str, FileCoverage], reasons: dict[Branch, list[str]]) -> list[str]:
    return [line for line in coverage.report(files, reasons, [FILE])[1] if "are asked for" not in line]


def test_read__puts_processes_together_and_leaves_mocks_out(tmp_path: Path) -> None:
    written(tmp_path, "1", 4, 8)
    written(tmp_path, "2", 5, 6, 9)
    assert coverage.read(tmp_path) == covered({"true", "false"}, {"true"}, ran=False)
    written(tmp_path, "3", 2, 7)
    assert coverage.read(tmp_path) == covered({"true", "false"}, {"true", "false"})


def test_report__all_taken__nothing_to_say() -> None:
    text, lines = coverage.report(covered({"true", "false"}, {"true", "false"}), {}, [FILE])
    assert lines == []
    assert text.splitlines()[-1].split() == ["total", "1/1", "100.0%", "4/4", "100.0%"]


def test_report__a_side_that_no_test_takes__needs_its_reason() -> None:
    files, branch = covered({"true", "false"}, {"true"}), (FILE, "if x == 1:", "false")
    assert wrong(files, {}) == ["contracts/A.vy:12: never false, and tests/coverage.toml has no reason: if x == 1:"]
    assert wrong(files, {branch: [""]}) == wrong(files, {})
    assert wrong(files, {branch: ["cannot be"]}) == []
    assert "12: never false: if x == 1:  (cannot be)" in coverage.report(files, {branch: ["cannot be"]}, [FILE])[0]


def test_report__two_that_read_alike__need_a_reason_each() -> None:
    files, branch = covered({"true"}, {"true"}), (FILE, "if x == 1:", "false")
    assert len(wrong(files, {})) == 2
    assert wrong(files, {branch: ["one"]}) == [
        "contracts/A.vy:12: never false, and tests/coverage.toml has no reason: if x == 1:"
    ]
    assert wrong(files, {branch: ["one", "another"]}) == []


def test_report__a_statement_that_never_ran__needs_its_reason() -> None:
    files = covered({"true", "false"}, {"true", "false"}, ran=False)
    assert wrong(files, {}) == ["contracts/A.vy:7: never run, and tests/coverage.toml has no reason: x: uint256 = 1"]
    assert wrong(files, {(FILE, "x: uint256 = 1", "run"): ["cannot be"]}) == []


@pytest.mark.parametrize(
    "branch", [(FILE, "if x == 1:", "false"), (FILE, "if x == 2:", "true"), (FILE, "x: uint256 = 1", "run")]
)
def test_report__a_reason_for_what_a_test_takes__is_stale(branch: Branch) -> None:
    (line,) = wrong(covered({"true", "false"}, {"true", "false"}), {branch: ["cannot be"]})
    assert line.startswith("tests/coverage.toml: contracts/A.vy: ")
    assert line.endswith(f"'{branch[1]}' is {branch[2]} in a test, or is gone: remove the entry")


def test_report__too_little__fails_in_spite_of_reasons() -> None:
    reasons = {(FILE, "if x == 1:", "false"): ["one", "another"]}
    assert coverage.report(covered({"true"}, {"true"}), reasons, [FILE])[1] == [
        "50.0 % of branches, and 98 % are asked for"
    ]


def test_report__a_source_that_no_test_deploys__fails() -> None:
    files = covered({"true", "false"}, {"true", "false"})
    assert coverage.report(files, {}, [FILE, "contracts/C.vy"])[1] == ["contracts/C.vy: no test deploys it"]
    assert coverage.report({}, {}, [FILE])[1] == ["contracts/A.vy: no test deploys it"]


def test_expected__as_many_reasons_as_entries(tmp_path: Path) -> None:
    entry = '[["contracts/A.vy"]]\ntext = "if x:"\nside = "true"\nreason = "{}"\n'
    path = tmp_path / "coverage.toml"
    path.write_text(entry.format("one") + entry.format("another"))
    assert coverage.expected(path) == {(FILE, "if x:", "true"): ["one", "another"]}


def test_exceptions__are_about_what_the_sources_say() -> None:
    root = artifacts.home()
    known = coverage.expected(root / coverage.EXCEPTIONS)
    assert known
    for (file, text, side), reasons in known.items():
        assert file in coverage.sources()
        assert any(text in line for line in (root / file).read_text().splitlines()), f"{file}: {text}"
        assert side in (*coverage.SIDES, coverage.RUN)
        assert all(len(reason) > 20 for reason in reasons)


def test_sources__modules_and_contracts_but_no_mocks() -> None:
    found = coverage.sources()
    assert {"contracts/LendingPool.vy", "contracts/modules/token.vy"} <= set(found)
    assert not [name for name in found if "mocks" in name]


def test_left_out__folders__none_of_which_begins_the_name_of_another() -> None:
    """`plimsoll.verify.mutation` compares how names start."""
    root = artifacts.home()
    assert all(each.endswith("/") and (root / each).is_dir() for each in coverage.LEFT_OUT)


def test_plain_only__tests_that_are_there() -> None:
    for name in coverage.PLAIN_ONLY:
        file, _, test = name.partition("::")
        assert f"def {test}" in (artifacts.home() / file).read_text()


def test_plugin__a_creation_that_reverts__counts() -> None:
    """A marker that a constructor touched before it failed is as good as another."""
    plain, marked = artifacts.load(HARNESS), coverage_plugin.load(HARNESS)
    assert (marked.abi, marked.blueprint, marked.runtime_size) == (plain.abi, plain.blueprint, plain.runtime_size)
    assert marked.init_code != plain.init_code
    numbers = {place.text: number for number, place in coverage_plugin._places.items() if place.is_decision}
    number = numbers['assert wide_delay_ <= MAX_WIDE_DELAY, "oracle: wide delay"']
    chain = RevmChain()
    arguments = contract_abi(marked.abi).constructor.encode_arguments([2**255, *3 * [ZERO_ADDRESS]])
    with pytest.raises(Revert, match="oracle: wide delay"):
        chain._create(marked.init_code + arguments, chain.accounts()[0], 0, None)
    start = len(PREFIX) + 2
    touched = {int(each[start:], 16) for each in chain.loaded() if each[2:start].lower() == PREFIX}
    assert {number, number + 1} & touched == {number + 1}
