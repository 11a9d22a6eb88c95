"""What of static analysis needs no slither: reading judgements, comparing, and merging a contract with its modules."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from vyper.compiler.input_bundle import FilesystemInputBundle
from vyper.compiler.phases import CompilerData
from vyper.compiler.settings import Settings

from plimsoll import artifacts
from plimsoll.verify.static.__main__ import JUDGED, compare, contracts, judgement
from plimsoll.verify.static.analysis import Finding, Write, _place, own_name, variable_name
from plimsoll.verify.static.flatten import RENAMED, Flattener

TEXT = """
[off]
timestamp = "time"
[[finding]]
file = "a.vy"
detector = "reentrancy"
functions = ["f", "g"]
reason = "locked"
[[write]]
contract = "A"
variables = ["x"]
functions = ["poke"]
reason = "anybody may"
"""
FINDINGS = [Finding("a.vy", "reentrancy", "f"), Finding("a.vy", "reentrancy", "g"), Finding("b.vy", "timestamp", "h")]
WRITES = [Write("A", "x", "poke")]


def test_compare__all_judged__nothing_to_say() -> None:
    assert compare(judgement(TEXT), FINDINGS, WRITES) == []


@pytest.mark.parametrize(
    ("finding", "line"),
    [
        (Finding("a.vy", "reentrancy", "h", "says"), "new: a.vy: reentrancy in h: says"),
        (Finding("b.vy", "reentrancy", "f", "says"), "new: b.vy: reentrancy in f: says"),
        (Finding("a.vy", "other", "", "says"), "new: a.vy: other in the file: says"),
    ],
)
def test_compare__new_finding__is_named(finding: Finding, line: str) -> None:
    assert compare(judgement(TEXT), [*FINDINGS, finding], WRITES) == [line]


def test_compare__finding_gone__its_entry_is_stale() -> None:
    assert compare(judgement(TEXT), FINDINGS[1:], WRITES) == ["stale: a.vy: reentrancy in f"]
    assert compare(judgement(TEXT), FINDINGS[:2], WRITES) == ["stale: detector timestamp is off and finds nothing"]


def test_compare__writes__new_and_stale() -> None:
    more = [*WRITES, Write("A", "x", "set"), Write("B", "x", "poke")]
    assert compare(judgement(TEXT), FINDINGS, more) == [
        "new: A: anybody writes x by set",
        "new: B: anybody writes x by poke",
    ]
    assert compare(judgement(TEXT), FINDINGS, []) == ["stale: A: nobody writes x by poke unasked"]


@pytest.mark.parametrize(
    "text", [TEXT.replace('reason = "locked"', 'reason = ""'), TEXT.replace('["f", "g"]', '["f", "f"]')]
)
def test_judgement__no_reason_or_twice__refused(text: str) -> None:
    with pytest.raises(ValueError, match="judged twice, or without a reason"):
        judgement(text)


def test_judged_file__names_what_exists() -> None:
    """Every entry names a contract, a file and a function that are there, and gives a reason of some length."""
    root = artifacts.home()
    known = judgement((root / JUDGED).read_text())
    stems = {path.stem for path in contracts()}
    for file, _, function in known.findings:
        if file.startswith("contracts/"):
            assert f"def {function}(" in (root / file).read_text()
    assert {contract for contract, _ in known.writes} <= stems
    reasons = [*known.off.values(), *known.findings.values(), *(reason for _, reason in known.writes.values())]
    assert all(len(reason) >= 9 for reason in reasons)


@pytest.mark.parametrize(
    ("merged", "own"),
    [
        ("pool_ledger___store", "_store"),
        ("lender_shares__pool_ledger____init__", "__init__"),
        ("_pay", "_pay"),
        ("take", "take"),
        ("__init__", "__init__"),
    ],
)
def test_own_name(merged: str, own: str) -> None:
    assert own_name(merged) == own


@pytest.mark.parametrize(
    ("merged", "own"),
    [
        ("lender_shares__erc20__allowance", "erc20.allowance"),
        ("price_oracle___clocks", "price_oracle._clocks"),
        ("x", "x"),
    ],
)
def test_variable_name(merged: str, own: str) -> None:
    assert variable_name(merged) == own


@pytest.mark.parametrize("name", ["FeedOracle", "LiquidationAuction", "ReserveFund"])
def test_flatten__a_contract_with_modules__one_tree_in_the_old_shape(name: str) -> None:
    (source,) = [path for path in contracts() if path.stem == name]
    bundle = FilesystemInputBundle([*artifacts.libraries(), artifacts.home()])
    data = CompilerData(bundle.load_file(source), bundle, settings=Settings())
    tree = Flattener(data.annotated_vyper_module).tree()
    kinds: set[str] = set()
    _walk(tree, kinds)
    assert not kinds & {"ExtCall", "StaticCall", "IfExp", "InitializesDecl", "Import", *RENAMED}
    functions = [each["name"] for each in tree["body"] if each["ast_type"] == "FunctionDef"]
    external = {each["name"] for each in artifacts.load(name).abi if each["type"] == "function"}
    getters = {each["target"]["id"] for each in tree["body"] if each["ast_type"] == "VariableDecl"}
    missing = external - set(functions) - {own.rsplit("__", 1)[-1] for own in getters}
    assert not missing, f"not in the merged contract: {missing}"


def _walk(node: Any, kinds: set[str]) -> None:
    if isinstance(node, dict):
        if "ast_type" in node:
            kinds.add(node["ast_type"])
        for each in node.values():
            _walk(each, kinds)
    elif isinstance(node, list):
        for each in node:
            _walk(each, kinds)


def test_place__of_a_library_inside_the_project__is_the_librarys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = tmp_path / ".venv" / "site-packages"
    monkeypatch.setattr(artifacts, "home", lambda: tmp_path)
    monkeypatch.setattr(artifacts, "libraries", lambda: [library])

    def place(path: Path) -> tuple[str]:
        return _place({"elements": [{"source_mapping": {"filename_absolute": str(path)}}]})

    assert place(library / "snekmate" / "auth" / "ownable.vy") == ("snekmate/auth/ownable.vy",)
    assert place(tmp_path / "contracts" / "A.vy") == ("contracts/A.vy",)
