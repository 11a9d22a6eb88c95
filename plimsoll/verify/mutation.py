"""Mutation testing of the Vyper sources: ``make mutate``.

Every mutant (`plimsoll.verify.mutants`) is compiled into the contracts that contain its file and given to the tests
that run its line, the most specific ones first; the first test that fails has killed it. A mutant that every test lets
pass has survived: a test is missing, or the change changes nothing. Survivors of the second kind are explained one by
one in `tests/mutants.toml`:

    [["contracts/modules/token.vy"]]
    text = "the line, as the source has it"
    kind = "operator"
    before = "+"
    after = "-"
    reason = "why no test can tell"

The process forks a child for every mutant, so what is imported and compiled once is not done again. Which test runs
which line is measured first, with markers (`plimsoll.verify.instrument`). Results are kept in `.cache/mutation`, so a
run that was stopped goes on; a mutant is judged again when its file has changed. Survivors are judged again with
``--again``, by tests of one's choice with ``--tests FILE``.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import json
import os
import pickle
import random
import re
import resource
import signal
import sys
import time
import tomllib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

from plimsoll import artifacts
from plimsoll.verify import coverage_plugin, journal
from plimsoll.verify.coverage import LEFT_OUT, SUITES
from plimsoll.verify.killers import Killers, known_killers, write_killers
from plimsoll.verify.mutants import Mutant, exchangeable, mutants
from plimsoll.verify.quick_compile import creation_code, without_metadata

LEAST = 95.0
"""Per cent of mutants that must be killed or explained."""
LEAST_OF_SAMPLE = 90.0
"""Of a sample: 60 of mutants of which 97 % are killed miss this once in 500 times."""
EXPLAINED = "tests/mutants.toml"
PROFILE = "mutation"
"""The hypothesis profile: few examples, always the same."""
BUDGET = 60.0
"""Seconds of tests that a mutant has to survive, by default; the most specific tests come first."""
PATIENCE = 120
"""Seconds of CPU after which a child is stopped; its mutant is killed, as it made a test hang."""

EXPLAINED_AWAY = "explained"
KILLED, SURVIVED, SAME, INVALID, UNSEEN = "killed", "survived", "same code", "does not compile", "no test runs it"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a mutant, in how many seconds of CPU, and by which test."""

    status: str
    seconds: float
    by: str = ""


# Children


def in_child(work: Callable[[], Any], patience: int = PATIENCE) -> tuple[int, int]:
    """Start `work` in a fork; return its pid and the end of a pipe from which its pickled result can be read."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writer)
        return pid, reader
    os.close(reader)
    os.setsid()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_CPU, (patience, patience))
    code = 1
    try:
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        result = pickle.dumps(work())
        with os.fdopen(writer, "wb") as pipe:
            pipe.write(result)
        code = 0
    finally:
        os._exit(code)


def results(jobs: Iterable[tuple[Any, Callable[[], Any]]], workers: int) -> Iterator[tuple[Any, Any]]:
    """Run jobs in children, so many at once; yield each label with its result, None where the child gave none."""
    running: dict[int, tuple[Any, int]] = {}
    waiting = iter(jobs)
    try:
        while True:
            for label, work in waiting:
                pid, reader = in_child(work)
                running[pid] = (label, reader)
                if len(running) >= workers:
                    break
            if not running:
                return
            pid, _ = os.waitpid(-1, 0)
            label, reader = running.pop(pid)
            with os.fdopen(reader, "rb") as pipe:
                answer = pipe.read()
            yield label, pickle.loads(answer) if answer else None
    finally:
        for pid, (_, reader) in running.items():
            os.killpg(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            os.close(reader)


class _FirstFailure:
    """A pytest plugin that notes which test failed first."""

    def __init__(self) -> None:
        self.test = ""

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Note a test."""
        if report.failed and not self.test:
            self.test = report.nodeid

    pytest_collectreport = pytest_runtest_logreport


def run_tests(tests: Iterable[str], *options: str) -> tuple[int, str]:
    """Run tests in this process until one fails; return pytest's exit code and the name of that test.

    Without ape's plugin, whichever project they are of: it would connect, and forget what others are connected to.
    """
    import pytest

    first = _FirstFailure()
    arguments = ["-x", "-q", "--no-header", "--tb=no", "-p", "no:cacheprovider", "-p", "no:ape_test", *options]
    return int(pytest.main([*arguments, *tests], plugins=[first])), first.test


# Which test runs which line


def test_files() -> list[str]:
    """Return the test files that can kill a mutant."""
    root = artifacts.home()
    found = [str(path.relative_to(root)) for suite in SUITES for path in (root / suite).rglob("test_*.py")]
    return sorted(name for name in found if not name.startswith(LEFT_OUT))


Lines = dict[str, list[int]]


def seconds_of(file: str) -> float | None:
    """In a child: seconds of a test file, None if it fails."""
    started = time.perf_counter()
    return None if run_tests([file])[0] else time.perf_counter() - started


def lines_of(file: str) -> Lines:
    """In a child, another one, as tests may keep what they deployed: the lines that a test file runs."""
    run_tests([file], "-p", "plimsoll.verify.coverage_plugin", "--maxfail=0")
    lines: dict[str, set[int]] = defaultdict(set)
    output = Path(os.environ[coverage_plugin.FOLDER], f"{os.getpid()}.json")
    if output.is_file():
        content = json.loads(output.read_text())
        touched = set(content["touched"])
        for number, (name, line, _, ordinal, _) in content["places"].items():
            if ordinal < 0 and int(number) in touched:
                lines[name].add(line)
        output.unlink()
    return {name: sorted(each) for name, each in lines.items()}


@dataclass(frozen=True)
class Map:
    """For every test file its seconds and the lines that it runs."""

    seconds: dict[str, float]
    lines: dict[str, Lines]

    def tests_of(self, mutant: Mutant, statements: list[int]) -> list[str]:
        """Return the test files that run a mutant's statement (its file where it is in none).

        Those that carry the source's name come first, then those that run fewest lines of all.
        """
        own = max((line for line in statements if line <= mutant.line), default=0)
        whole = mutant.kind == "lock" or own == 0
        found = [
            test for test, lines in self.lines.items() if mutant.file in lines and (whole or own in lines[mutant.file])
        ]
        return sorted(
            found,
            key=lambda test: (
                not _is_about(test, mutant.file),
                sum(map(len, self.lines[test].values())),
                self.seconds[test],
            ),
        )


def _is_about(test: str, source: str) -> bool:
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", Path(source).stem).lower()
    return name in Path(test.removesuffix(".py").replace("/test_", "/")).parts


def load_map(workers: int, stale: bool, progress: Callable[[str], None]) -> Map:
    """Return the map, measured again for test files that are new or changed, or when a contract has changed.

    With `stale` only for files that are new.
    """
    folder = _folder()
    path = folder / "map.json"
    known = json.loads(path.read_text()) if path.is_file() else {}
    contracts = _digest(*(text for _, text in sorted(_sources().items())))
    root = artifacts.home()
    wanted = {name: _digest(contracts, (root / name).read_text()) for name in test_files()}
    missing = [
        name for name, digest in wanted.items() if name not in known or (known[name]["digest"] != digest and not stale)
    ]
    os.environ[coverage_plugin.FOLDER] = str(folder)
    if missing:
        progress("compiling with markers")
        for source in artifacts.sources():
            coverage_plugin.load(source.stem)
        import_tests(missing)
    jobs = [(name, (lambda name=name, work=work: work(name))) for name in missing for work in (seconds_of, lines_of)]
    halves: dict[str, list[Any]] = defaultdict(list)
    for name, answer in results(jobs, workers):
        if answer is None:
            raise SystemExit(f"{name} fails without any mutant: mend it first")
        halves[name].append(answer)
        if len(halves[name]) == 2:
            seconds, lines = sorted(halves.pop(name), key=lambda half: isinstance(half, dict))
            known[name] = {"digest": wanted[name], "seconds": seconds, "lines": lines}
            _write(path, {name: entry for name, entry in known.items() if name in wanted})
            done = sum(name in known and known[name]["digest"] == wanted[name] for name in missing)
            progress(f"which lines {name} runs ({done} of {len(missing)})")
    entries = {name: known[name] for name in wanted}
    return Map(
        {name: entry["seconds"] for name, entry in entries.items()},
        {name: entry["lines"] for name, entry in entries.items()},
    )


# Judging


def judge(mutant: Mutant, contracts: list[str], neighbours: list[str], tests: list[str]) -> Verdict:
    """In a child: let the tests run, with the mutant compiled into those of its contracts that they load."""
    started = time.process_time()
    root = artifacts.home()
    changed = {mutant.file: mutant.apply((root / mutant.file).read_text())}
    plain = artifacts.load
    made: dict[str, artifacts.Artifact] = {}
    broken = False

    def load(name: str) -> artifacts.Artifact:
        nonlocal broken
        if name not in contracts:
            return plain(name)
        if name not in made:
            original = plain(name)
            try:
                made[name] = replace(original, init_code=creation_code(original.source, changed))
            except Exception:  # whatever the compiler raises, its panics included
                broken = True
                raise
        return made[name]

    def differs(name: str) -> bool:
        return without_metadata(load(name).init_code) != without_metadata(plain(name).init_code)

    def outcome() -> tuple[str, str]:
        for each in (neighbours, tests):
            if each:
                code, by = run_tests(each)
                if broken:
                    return INVALID, ""
                if code:
                    return KILLED, by
        try:
            return (SURVIVED if any(map(differs, contracts)) else SAME), ""
        except Exception:
            return INVALID, ""

    artifacts.load = load
    status, by = outcome()
    return Verdict(status, time.process_time() - started, by)


def files_first(neighbours: list[str], tests: list[str]) -> list[str]:
    """Return the test files, those of the neighbours first."""
    return list(dict.fromkeys([*(test.partition("::")[0] for test in neighbours), *tests]))


def within_budget(tests: list[str], seconds: dict[str, float], budget: float) -> list[str]:
    """Return the first tests, as many as fit into the budget, at least one."""
    chosen: list[str] = []
    spent = 0.0
    for test in tests:
        if not chosen or spent + seconds[test] <= budget:
            chosen.append(test)
            spent += seconds[test]
    return chosen


# What there is


def all_mutants(files: list[str]) -> list[Mutant]:
    """Return the mutants of these files, or of all sources."""
    sources = _sources()
    unknown = [file for file in files if file not in sources]
    if unknown:
        raise SystemExit(f"no Vyper source {unknown[0]}; there are {', '.join(sources)}")
    return [
        mutant
        for file in files or sources
        for mutant in mutants(file, sources[file], exchangeable(artifacts.home() / file))
    ]


def sample(found: list[Mutant], size: int, seed: int) -> list[Mutant]:
    """Return so many mutants, every file having its share."""
    chosen = random.Random(seed).sample(found, min(size, len(found)))
    return sorted(chosen, key=lambda mutant: (mutant.file, mutant.start))


def in_turns(jobs: list[tuple[Mutant, list[str]]], seed: int) -> list[tuple[Mutant, list[str]]]:
    """Order jobs at random, but one for every line before the second for any: a run that is stopped is a fair one."""
    shuffled = random.Random(seed).sample(jobs, len(jobs))
    turns: Counter[tuple[str, int]] = Counter()
    keyed = []
    for job in shuffled:
        line = (job[0].file, job[0].line)
        keyed.append((turns[line], job))
        turns[line] += 1
    return [job for _, job in sorted(keyed, key=lambda entry: entry[0])]


def contracts_with(file: str) -> list[str]:
    """Return the contracts, harnesses included, whose code contains a source; its own first, then the smallest."""
    own = Path(file).stem
    users = [(name != own, size, name) for name, (size, files) in _uses().items() if file in files]
    return [name for _, _, name in sorted(users)]


_used: dict[str, tuple[int, frozenset[str]]] = {}


def _uses() -> dict[str, tuple[int, frozenset[str]]]:
    if not _used:
        for source in artifacts.sources():
            artifact = artifacts.load(source.stem)
            _used[source.stem] = (artifact.runtime_size, artifacts.files_of(source.stem))
    return _used


def _sources() -> dict[str, str]:
    """Return every source of the protocol by its path from the project: all but mocks."""
    root = artifacts.home()
    paths = sorted(path for path in (root / "contracts").rglob("*.vy") if "mocks" not in path.parts)
    return {str(path.relative_to(root)): path.read_text() for path in paths}


def _folder() -> Path:
    folder = artifacts.home() / ".cache" / "mutation"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _digest(*texts: str) -> str:
    return sha256("\0".join(texts).encode()).hexdigest()[:16]


def _write(path: Path, content: Any) -> None:
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(content))
    temporary.replace(path)


# The explained


def explained() -> dict[tuple[str, str, str, str, str], str]:
    """Return the reasons of the survivors that change nothing, by file, line's text, kind, before and after."""
    path = artifacts.home() / EXPLAINED
    if not path.is_file():
        return {}
    return {
        (file, entry["text"], entry["kind"], entry["before"], entry["after"]): entry["reason"]
        for file, entries in tomllib.loads(path.read_text()).items()
        for entry in entries
    }


def key_of(mutant: Mutant) -> tuple[str, str, str, str, str]:
    """Return what an explanation is found by."""
    return mutant.file, mutant.text, mutant.kind, mutant.before, mutant.after


def status_of(mutant: Mutant, verdict: Verdict, reasons: dict[tuple[str, str, str, str, str], str]) -> str:
    """Return what counts: the verdict, or that a survivor has a reason."""
    return EXPLAINED_AWAY if verdict.status in (SURVIVED, UNSEEN) and key_of(mutant) in reasons else verdict.status


def needless(judged: list[tuple[Mutant, Verdict]]) -> list[str]:
    """Return the explanations of the files judged that no survivor needs: a test kills the mutant, or there is none."""
    files = {mutant.file for mutant, _ in judged}
    alive = {key_of(mutant) for mutant, verdict in judged if verdict.status in (SURVIVED, UNSEEN)}
    return [
        f"{file}: {kind}: `{before}` -> `{after}` in `{text}`"
        for file, text, kind, before, after in explained()
        if file in files and (file, text, kind, before, after) not in alive
    ]


# The command


def report(judged: list[tuple[Mutant, Verdict]]) -> tuple[str, float]:
    """Return a table by file with the survivors below it, and the score in per cent."""
    reasons = explained()
    rows: dict[str, Counter[str]] = defaultdict(Counter)
    survivors = []
    for mutant, verdict in judged:
        status = status_of(mutant, verdict, reasons)
        if status in (SURVIVED, UNSEEN):
            survivors.append(f"{mutant}   in `{mutant.text[:90]}`" + (" (no test runs it)" if status == UNSEEN else ""))
        rows[mutant.file][status] += 1
        rows["total"][status] += 1
    width = max(map(len, rows), default=5)
    lines = [f"{'file':{width}} {'killed':>7} {'explained':>9} {'survived':>8} {'score':>7}"]
    score = 100.0
    for name in [*sorted(set(rows) - {"total"}), "total"]:
        row = rows[name]
        alive = row[SURVIVED] + row[UNSEEN]
        good = row[KILLED] + row[EXPLAINED_AWAY]
        score = 100 * good / max(good + alive, 1)
        lines.append(f"{name:{width}} {row[KILLED]:7} {row[EXPLAINED_AWAY]:9} {alive:8} {score:6.1f}%")
    total = rows["total"]
    lines.append(f"not counted: {total[SAME]} with the same code, {total[INVALID]} that do not compile")
    return "\n".join([*lines, *survivors]), score


def main() -> None:
    """Judge mutants and print the table; exit 1 below `LEAST` per cent, or where an explanation explains nothing."""
    parser = argparse.ArgumentParser(description="Mutation testing of the Vyper sources.")
    parser.add_argument("files", nargs="*", help="sources, from the project's folder; all if none is named")
    parser.add_argument("--sample", type=int, help="judge so many of them only")
    parser.add_argument("--seed", type=int, default=0, help="of the sample and the order")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--budget", type=float, default=BUDGET, help="seconds of tests for each mutant")
    parser.add_argument("--stale", action="store_true", help="believe that changed tests run the lines they ran before")
    parser.add_argument("--known", action="store_true", help="ask the known killers, measure nothing")
    parser.add_argument("--tests", nargs="+", metavar="FILE", help="ask these test files alone, measure nothing")
    parser.add_argument("--by-text", action="store_true", help="in the text's order, instead of every line once first")
    parser.add_argument("--again", action="store_true", help="judge unexplained survivors again, before the others")
    parser.add_argument("--report", action="store_true", help="only print what is known")
    parser.add_argument("--list", action="store_true", help="only print the mutants")
    arguments = parser.parse_args()
    found = all_mutants(arguments.files)
    if arguments.sample:
        found = sample(found, arguments.sample, arguments.seed)
    if arguments.list:
        print("\n".join(map(str, found)))
        return
    judged = list(_judged(found, arguments))
    text, score = report(judged)
    if len(judged) < len(found):
        text = f"{text}\n{len(found) - len(judged)} of {len(found)} mutants are not judged yet"
    print(text)
    if not (arguments.files or arguments.sample or arguments.known):
        _note(judged, len(found), score)
        kills = [(mutant, verdict.by) for mutant, verdict in judged if verdict.status == KILLED]
        write_killers(kills, _specific_tests())
    least = LEAST_OF_SAMPLE if arguments.sample else LEAST
    if score < least:
        sys.exit(f"{score:.1f} % of the mutants were killed or are explained; {least:g} % are asked for")
    stale = needless(judged) if len(judged) == len(found) and not arguments.sample else []
    if stale:
        sys.exit("\n".join([f"{EXPLAINED} explains what does not survive:", *stale]))


def _specific_tests() -> dict[str, list[str]]:
    """Return the tests that run any line of a source, by source, those that run fewest lines of all first."""
    path = _folder() / "map.json"
    known = json.loads(path.read_text()) if path.is_file() else {}
    size = {test: sum(map(len, entry["lines"].values())) for test, entry in known.items()}
    return {
        source: sorted((test for test, entry in known.items() if source in entry["lines"]), key=size.__getitem__)
        for source in _sources()
    }


def _note(judged: list[tuple[Mutant, Verdict]], mutants: int, score: float) -> None:
    reasons = explained()
    states = Counter(status_of(mutant, verdict, reasons) for mutant, verdict in judged)
    journal.note(
        "mutation",
        mutants=mutants,
        judged=len(judged),
        killed=states[KILLED],
        explained=states[EXPLAINED_AWAY],
        survived=states[SURVIVED] + states[UNSEEN],
        score=score,
        seconds=sum(verdict.seconds for _, verdict in judged),
    )


def _judged(found: list[Mutant], arguments: argparse.Namespace) -> Iterator[tuple[Mutant, Verdict]]:
    sources = _sources()
    path = _folder() / "results.json"
    known: dict[str, list[Any]] = json.loads(path.read_text()) if path.is_file() else {}
    keys = {mutant.id: _digest(mutant.id, sources[mutant.file]) for mutant in found}
    retried = (SURVIVED, UNSEEN) if arguments.again else ()
    todo = []
    killers = Killers()
    reasons = explained()
    for mutant in found:
        entry = known.get(keys[mutant.id])
        if entry is not None and (entry[0] not in retried or key_of(mutant) in reasons):
            killers.add(mutant, Verdict(*entry).by)
            yield mutant, Verdict(*entry)
        elif not arguments.report:
            todo.append(mutant)
    if not todo:
        return
    yield from _judge_all(todo, known, keys, path, killers, arguments)


def _judge_all(
    todo: list[Mutant],
    known: dict[str, list[Any]],
    keys: dict[str, str],
    path: Path,
    killers: Killers,
    arguments: argparse.Namespace,
) -> Iterator[tuple[Mutant, Verdict]]:
    def say(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    os.environ["HYPOTHESIS_PROFILE"] = PROFILE
    for module in ("pytest", "hypothesis", "plimsoll.devnet", "vyper.compiler.phases", "snekmate"):
        importlib.import_module(module)
    choose, fit = _choice(arguments, say)
    jobs: list[tuple[Mutant, list[str]]] = []
    for mutant in todo:
        tests = choose(mutant)
        if tests:
            jobs.append((mutant, tests))
        else:
            verdict = Verdict(UNSEEN, 0.0)
            known[keys[mutant.id]] = [verdict.status, verdict.seconds, verdict.by]
            yield mutant, verdict
    if not arguments.by_text:
        jobs = in_turns(jobs, arguments.seed)
    reasons = explained()  # who is expected to survive comes last, who is judged again first
    jobs.sort(key=lambda job: (key_of(job[0]) in reasons, keys[job[0].id] not in known))
    say("importing the tests")
    import_tests(sorted({test for _, tests in jobs for test in tests}))
    started = time.perf_counter()
    children = ((mutant, _job(mutant, tests, killers, fit)) for mutant, tests in jobs)
    try:
        for done, (mutant, answer) in enumerate(results(children, arguments.jobs), start=1):
            verdict = cast("Verdict | None", answer) or Verdict(KILLED, PATIENCE, "a test that hung or crashed")
            verdict = replace(verdict, seconds=round(verdict.seconds, 2))
            if verdict.status == KILLED:
                killers.add(mutant, verdict.by)
            known[keys[mutant.id]] = [verdict.status, verdict.seconds, verdict.by]
            left = (time.perf_counter() - started) / done * (len(jobs) - done)
            say(f"{done}/{len(jobs)}, {left / 60:.0f} min left: {verdict.status} in {verdict.seconds:.1f} s: {mutant}")
            if done % 20 == 0:
                _write(path, known)
            yield mutant, verdict
    finally:
        _write(path, known)


Choose = Callable[[Mutant], list[str]]
Fit = Callable[[list[str]], list[str]]


def _choice(arguments: argparse.Namespace, say: Callable[[str], None]) -> tuple[Choose, Fit]:
    if arguments.tests:
        return lambda mutant: arguments.tests, lambda tests: tests
    return _by_killers() if arguments.known else _by_lines(arguments, say)


def _by_lines(arguments: argparse.Namespace, say: Callable[[str], None]) -> tuple[Choose, Fit]:
    lines = load_map(arguments.jobs, arguments.stale, say)
    statements: dict[str, list[int]] = defaultdict(list)
    for each in lines.lines.values():
        for file, numbers in each.items():
            statements[file] = sorted({*statements[file], *numbers})

    def choose(mutant: Mutant) -> list[str]:
        return lines.tests_of(mutant, statements[mutant.file])

    return choose, lambda tests: within_budget(tests, lines.seconds, arguments.budget)


def _by_killers() -> tuple[Choose, Fit]:
    known = known_killers()
    return lambda mutant: known.get(mutant.file, []), lambda tests: tests


def import_tests(files: list[str]) -> None:
    """Import the tests and what they import into this process, whose children then need not; forget nothing of it."""
    quiet = os.open(os.devnull, os.O_WRONLY)
    out = os.dup(1)
    try:
        os.dup2(quiet, 1)
        run_tests(files, "--collect-only")
    finally:
        os.dup2(out, 1)
        os.close(out)
        os.close(quiet)
    gc.collect()
    gc.freeze()


def _job(mutant: Mutant, tests: list[str], killers: Killers, fit: Fit) -> Callable[[], Verdict]:
    contracts = contracts_with(mutant.file)
    neighbours = killers.near(mutant, tests)
    chosen = fit(files_first(neighbours, tests))
    return lambda: judge(mutant, contracts, neighbours, chosen)


if __name__ == "__main__":
    main()
