"""`python -m plimsoll.verify.static`: run slither and compare with `tests/slither.toml`; exit 1 if they differ."""

from __future__ import annotations

import argparse
import importlib.util
import logging
import sys
import time
import tomllib
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plimsoll import artifacts
from plimsoll.verify import journal
from plimsoll.verify.static.analysis import Analysis, Finding, Write, analyse

JUDGED = "tests/slither.toml"


@dataclass(frozen=True)
class Judgement:
    """What is written down, with reasons: detectors that are off, judged findings, and writes open to anybody."""

    off: dict[str, str]
    findings: dict[tuple[str, str, str], str]
    writes: dict[tuple[str, str], tuple[frozenset[str], str]]


def judgement(text: str) -> Judgement:
    """Read the file; ValueError for an entry without a reason or one that is there twice."""
    table: dict[str, Any] = tomllib.loads(text)
    findings: dict[tuple[str, str, str], str] = {}
    for each in table.get("finding", []):
        for function in each["functions"]:
            key = (each["file"], each["detector"], function)
            if key in findings or not each["reason"]:
                raise ValueError(f"{key}: judged twice, or without a reason")
            findings[key] = each["reason"]
    writes: dict[tuple[str, str], tuple[frozenset[str], str]] = {}
    for each in table.get("write", []):
        for variable in each["variables"]:
            pair = (each["contract"], variable)
            if pair in writes or not each["reason"]:
                raise ValueError(f"{pair}: listed twice, or without a reason")
            writes[pair] = (frozenset(each["functions"]), each["reason"])
    return Judgement(table.get("off", {}), findings, writes)


def compare(known: Judgement, findings: Iterable[Finding], writes: Iterable[Write]) -> list[str]:
    """Return what differs, one line each: new findings and writes, and entries that nothing matches any more."""
    found = {each.key: each for each in findings if each.detector not in known.off}
    seen = {each.detector for each in findings}
    lines = [
        f"new: {each.file}: {each.detector} in {each.function or 'the file'}: {each.says[:160]}"
        for key, each in sorted(found.items())
        if key not in known.findings
    ]
    lines += [
        f"stale: {file}: {detector} in {function or 'the file'}"
        for file, detector, function in sorted(known.findings.keys() - found.keys())
    ]
    lines += [f"stale: detector {detector} is off and finds nothing" for detector in sorted(known.off.keys() - seen)]
    written: dict[tuple[str, str], set[str]] = {}
    for write in writes:
        written.setdefault((write.contract, write.variable), set()).add(write.function)
    for (contract, variable), functions in sorted(written.items()):
        listed = known.writes.get((contract, variable), (frozenset[str](), ""))[0]
        lines += [f"new: {contract}: anybody writes {variable} by {each}" for each in sorted(functions - listed)]
    for (contract, variable), (functions_known, _) in sorted(known.writes.items()):
        gone = functions_known - written.get((contract, variable), set())
        lines += [f"stale: {contract}: nobody writes {variable} by {each} unasked" for each in sorted(gone)]
    return lines


def contracts() -> list[Path]:
    """Return the contracts that are analysed: all that are deployed, without mocks."""
    return [path for path in artifacts.sources() if "mocks" not in path.parts]


def main() -> None:
    """Analyse, print what differs, and how much was judged."""
    parser = argparse.ArgumentParser(description="slither over the contracts, compared with what was judged.")
    parser.add_argument("names", nargs="*", help="contracts; all if none is named, and only then stale entries count")
    parser.add_argument("--jobs", type=int, default=2, help="contracts analysed at the same time")
    parser.add_argument("--list", action="store_true", help="print everything that was found")
    arguments = parser.parse_args()
    if importlib.util.find_spec("slither") is None:
        sys.exit("slither is not installed: run `make setup-verify`")
    known = judgement((artifacts.home() / JUDGED).read_text())
    started = time.monotonic()
    chosen = [path for path in contracts() if not arguments.names or path.stem in arguments.names]
    analyses: list[Analysis] = []
    with ProcessPoolExecutor(arguments.jobs, initializer=logging.disable, initargs=(logging.CRITICAL,)) as pool:
        for path, analysis in zip(chosen, pool.map(analyse, chosen), strict=True):
            analyses.append(analysis)
            print(f"{path.stem}: {len(analysis.findings)} findings", file=sys.stderr, flush=True)
    findings = [each for analysis in analyses for each in analysis.findings]
    writes = [each for analysis in analyses for each in analysis.writes]
    if arguments.list:
        print("\n".join(f"{each.file}: {each.detector} in {each.function}: {each.says}" for each in findings))
        print("\n".join(f"{each.contract}: {each.variable} by {each.function}" for each in writes))
    lines = compare(known, findings, writes)
    if arguments.names:
        lines = [line for line in lines if not line.startswith("stale")]
    print("\n".join(lines))
    judged = len({each.key for each in findings if each.detector not in known.off})
    print(f"{len(chosen)} contracts: {judged} findings of {len(findings)} judged one by one, {len(known.off)} off")
    if not arguments.names:
        seconds = time.monotonic() - started
        journal.note("static", contracts=len(chosen), judged=judged, new=len(lines), seconds=seconds)
    if lines:
        sys.exit(1)


if __name__ == "__main__":
    main()
