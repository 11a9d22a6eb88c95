"""slither on one contract: what its detectors find, and who writes what without a check of the caller.

slither and its compiler driver are imported inside the functions: they are in `requirements-verify.lock` only.
"""

from __future__ import annotations

import importlib
import inspect
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plimsoll import artifacts
from plimsoll.verify.static.flatten import Flattener

LEVELS = ("HIGH", "MEDIUM", "LOW")
"""Of the detectors that are run: not those for style and for gas."""
UNKNOWN_TO_SLITHER: dict[str, list[str]] = {
    "uint256_mulmod()": ["uint256"],
    "uint256_addmod()": ["uint256"],
    "abi_encode()": ["bytes"],
    "abi_decode()": [],
    "raw_log()": [],
    "raw_revert()": [],
    "raw_create()": ["address"],
    "create_copy_of()": ["address"],
    "print()": [],
    "sqrt()": ["uint256"],
    "isqrt()": ["uint256"],
    "floor()": ["int256"],
    "ceil()": ["int256"],
    "extract32()": ["bytes32"],
    "blobhash()": ["bytes32"],
    "blockhash()": ["bytes32"],
    "epsilon()": [],
    "as_wei_value()": ["uint256"],
    "uint256()": ["uint256"],
    "static_call()": [],
}


@dataclass(frozen=True, order=True)
class Finding:
    """What a detector says of a function (or of the whole file: empty)."""

    file: str
    detector: str
    function: str
    says: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        """What a judgement is found by."""
        return self.file, self.detector, self.function


@dataclass(frozen=True, order=True)
class Write:
    """A state variable that a function of a contract writes without having looked at the caller."""

    contract: str
    variable: str
    function: str


@dataclass(frozen=True)
class Analysis:
    """All of a contract."""

    findings: list[Finding]
    writes: list[Write]


def analyse(source: Path) -> Analysis:
    """Run slither on a contract of the project."""
    slither_class = _prepared()
    root = artifacts.home()
    before = Path.cwd()
    os.chdir(root)
    try:
        slither = slither_class(str(source.relative_to(root)), compile_force_framework="vyper")
        for detector in _detectors():
            slither.register_detector(detector)
        results = [each for group in slither.run_detectors() for each in group]
    finally:
        os.chdir(before)
    findings = {Finding(*_place(each), each["check"], *_said(each)) for each in results}
    return Analysis(sorted(findings), sorted(_writes(slither, source.stem)))


def _prepared() -> Any:
    """Teach slither what it does not know, once; return its class."""
    platform: Any = importlib.import_module("crytic_compile.platform.vyper")
    variables: Any = importlib.import_module("slither.core.declarations.solidity_variables")
    convert: Any = importlib.import_module("slither.slithir.convert")
    node: Any = importlib.import_module("slither.core.cfg.node")
    if platform._run_vyper_standard_json is not _compiled:
        platform._run_vyper_standard_json = _compiled
        for name, types in UNKNOWN_TO_SLITHER.items():
            variables.SOLIDITY_FUNCTIONS.setdefault(name, types)
        convert._find_source_mapping_references = _tolerant(convert._find_source_mapping_references, AttributeError)
        node.Node._find_read_write_call = _tolerant(node.Node._find_read_write_call, AssertionError)
    return importlib.import_module("slither").Slither


def _tolerant(function: Any, error: type[Exception]) -> Any:
    """Let a call whose target slither's Vyper front end cannot resolve pass as one of an unknown function."""

    def wrapped(*arguments: Any) -> None:
        try:
            function(*arguments)
        except error:
            return

    return wrapped


def _detectors() -> list[Any]:
    """Return the detectors in slither's own order, the gravest first: some leave notes that others read."""
    every: Any = importlib.import_module("slither.detectors.all_detectors")
    base: Any = importlib.import_module("slither.detectors.abstract_detector").AbstractDetector
    classes: list[Any] = [each for each in vars(every).values() if inspect.isclass(each) and issubclass(each, base)]
    chosen = [each for each in classes if each.IMPACT.name in LEVELS]
    return sorted(chosen, key=lambda each: (LEVELS.index(each.IMPACT.name), each.__name__))


def _compiled(question: dict[str, Any], *_: Any, **__: Any) -> dict[str, Any]:
    """Answer as `vyper --standard-json` of 0.3.7 would."""
    from vyper.compiler import output
    from vyper.compiler.input_bundle import FilesystemInputBundle
    from vyper.compiler.phases import CompilerData
    from vyper.compiler.settings import Settings, anchor_settings

    root = artifacts.home()
    answer: dict[str, Any] = {"compiler": "vyper-0.3.7", "contracts": {}, "sources": {}}
    for name in map(str, question["sources"]):
        bundle = FilesystemInputBundle([*artifacts.libraries(), root])
        data = CompilerData(bundle.load_file((root / name).resolve()), bundle, settings=Settings())
        with anchor_settings(data.settings):
            runtime, creation = data.bytecode_runtime, data.bytecode
            positions = output.build_source_map_runtime_output(data)["pc_pos_map_compressed"]
            abi = output.build_abi_output(data)
        flattener = Flattener(data.annotated_vyper_module)
        tree = flattener.tree()
        code = {"object": f"0x{runtime.hex()}", "sourceMap": positions}
        evm = {"bytecode": {"object": f"0x{creation.hex()}"}, "deployedBytecode": code}
        answer["contracts"][name] = {Path(name).stem: {"abi": abi, "userdoc": {}, "devdoc": {}, "evm": evm}}
        answer["sources"][name] = {"id": 0, "ast": {**tree, "name": name}}
        for path, module in flattener.modules.items():
            if module.prefix:
                number = module.node.source_id
                empty: dict[str, Any] = {"ast_type": "Module", "name": path, "doc_string": None, "body": []}
                empty |= {"src": module.node.to_dict()["src"], "node_id": 10**6 * (number + 1)}
                answer["sources"][os.path.relpath(path)] = {"id": number, "ast": empty}
    return answer


def _place(result: dict[str, Any]) -> tuple[str]:
    path = result["elements"][0].get("source_mapping", {}).get("filename_absolute", "")
    for base in (*artifacts.libraries(), artifacts.home()):  # the libraries may be installed inside the project
        if path and Path(path).is_relative_to(base):
            return (str(Path(path).relative_to(base)),)
    return (path,)


def _said(result: dict[str, Any]) -> tuple[str, str]:
    first = result["elements"][0]
    function = first
    while function and function.get("type") != "function":
        function = function.get("type_specific_fields", {}).get("parent", {})
    name = function.get("name", "") if function else ""
    says = " ".join(result["description"].split())
    return own_name(name), says


def own_name(merged: str) -> str:
    """Return what a function of the merged contract is called in its module."""
    return re.sub(r"^(?:[a-z][a-z0-9]*(?:_[a-z0-9]+)*__)+(?=_)", "", merged)


def variable_name(merged: str) -> str:
    """Return a state variable's name behind that of its module, where it is in one."""
    return ".".join(re.sub(r"(?<=[a-z0-9])__", ".", merged).split(".")[-2:])


def _writes(slither: Any, contract: str) -> Iterable[Write]:
    (found,) = [each for each in slither.contracts if each.name == contract]
    for function in found.functions_entry_points:
        if function.view or function.pure or function.name == "__init__" or _looks_at_the_caller(function):
            continue
        for variable in function.all_state_variables_written():
            yield Write(contract, variable_name(variable.name), function.name)


def _looks_at_the_caller(function: Any) -> bool:
    """Whether a condition in the function, or in what it calls inside the contract, reads who called."""
    calls = [getattr(each, "function", each) for each in function.all_internal_calls()]
    every = [function, *(each for each in calls if hasattr(each, "nodes"))]
    for each in every:
        for node in each.nodes:
            conditional = node.contains_if(False) or node.contains_require_or_assert()
            if conditional and "msg.sender" in [variable.name for variable in node.solidity_variables_read]:
                return True
    return False
