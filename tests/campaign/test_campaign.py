"""Short campaigns: nothing is found, everything is repeatable, and the bench is as faithful as a node."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from plimsoll.chain import RevmChain
from plimsoll.verify.campaign import record as records
from plimsoll.verify.campaign import report
from plimsoll.verify.campaign.__main__ import main
from plimsoll.verify.campaign.backend import RevmBackend
from plimsoll.verify.campaign.corpus import Corpus
from plimsoll.verify.campaign.draws import Draws
from plimsoll.verify.campaign.machine import LADDER, RULES, Machine
from plimsoll.verify.campaign.record import Record
from plimsoll.verify.campaign.replay import backend_of, chain_of
from plimsoll.verify.campaign.runner import BEGIN, LEAVE, Campaign, campaign, known_part
from plimsoll.verify.campaign.shards import Shard, work
from plimsoll.verify.campaign.world import World, build

Outcomes = list[tuple[str, str]]


def outcomes(machine: Machine, steps: int) -> Outcomes:
    """Begin, make steps, leave; return every call with how it ended."""
    machine.trace = []
    machine.run_rule(RULES[BEGIN], 0)
    for _ in range(steps):
        machine.step()
    machine.run_rule(RULES[LEAVE], machine.draws.at)
    return [(key, outcome) for _, _, key, _, outcome in machine.trace]


@pytest.mark.parametrize("step", range(1, len(LADDER) + 1), ids=LADDER)
def test_campaign__each_step_of_the_ladder__finds_nothing(world: World, backend: RevmBackend, step: int) -> None:
    outcome = campaign(world, backend, 7, calls=1_500, steps=300, ladder=step)
    assert [(each.kind, each.text) for each in outcome.records] == []
    assert outcome.stats.calls >= 1_500


def test_campaign__one_seed_twice__makes_the_same_calls(world: World, backend: RevmBackend) -> None:
    runs = Campaign(world, backend)
    first = outcomes(runs.machine_for(Draws(11)), 200)
    assert outcomes(runs.machine_for(Draws(11)), 200) == first
    assert outcomes(runs.machine_for(Draws(12)), 200) != first


def test_campaign__one_seed_on_anvil__ends_every_call_as_the_in_process_evm_does() -> None:
    ended: list[Outcomes] = []
    for place in ("revm", "anvil"):
        with chain_of(place) as chain:
            machine = Campaign(build(chain), backend_of(chain, seconds_per_call=1)).machine_for(Draws(5))
            ended.append(outcomes(machine, 60))
    assert ended[0] == ended[1]
    assert len(ended[0]) > 100


@pytest.mark.parametrize("defect", ["rounding", "check", "provision", "captured"])
def test_campaign__a_planted_defect__is_found_and_made_short(defect: str) -> None:
    result = work(Shard(0, 1, seconds=60, calls=60_000, planted=defect, shrinking=30))
    assert len(result.records) == 1
    found = result.records[0]
    assert found.planted == defect
    assert len(found.steps) < 100


@pytest.fixture(scope="module")
def found() -> Record:
    """What a planted defect leads to, made short."""
    return work(Shard(0, 1, seconds=60, calls=20_000, planted="line", shrinking=10)).records[0]


def test_campaign__a_record_read_back__fails_the_same_way(found: Record, tmp_path: Path) -> None:
    path = found.save(tmp_path / "found.json")
    assert records.load(path) == found
    assert main(["replay", str(path)]) == 1


def test_campaign__a_record_on_anvil__fails_with_the_calls_inside_the_last_transaction(
    found: Record, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = found.save(tmp_path / "found.json")
    assert main(["replay", str(path), "--on", "anvil"]) == 1
    lines = capfd.readouterr().out.splitlines()
    traced = [line for line in lines if line.endswith(" gas]")]
    assert len(traced) > 3
    assert traced[0].startswith("     engine.liquidate(account=")
    assert any(line.startswith("       staticcall risk_engine.") for line in traced)
    assert any(line.startswith("       auction.start(account=") for line in traced)
    last = lines.index(traced[0]) - 1
    assert "engine.liquidate(account=" in lines[last]
    assert lines[last].endswith(": success")


def test_campaign__different_findings__are_all_kept_once(
    world: World, backend: RevmBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = iter(("A.f by x: one", "A.f by y: two", "B.g by x: one", "C.h by x: one"))

    def run(self: Campaign, seed: int, *_: object) -> Record:
        self.stats.calls += 1
        return Record(seed, 1, [], "unpredicted outcome", next(texts))

    monkeypatch.setattr(Campaign, "run", run)
    kept: list[Record] = []
    outcome = campaign(world, backend, 1, calls=9, most_findings=3, keep=kept.append)
    assert [each.text for each in outcome.records] == ["A.f by x: one", "B.g by x: one", "C.h by x: one"]
    assert kept == outcome.records


def test_shard__keeps_a_finding_in_its_folder(tmp_path: Path) -> None:
    record = Record(7, 1, [("begin", [1])], "invariant 1", "shares")
    shard = Shard(3, 1, seconds=0, calls=0, kept=str(tmp_path))
    shard.keep(record)
    assert records.load(shard.file_of(record)) == record


def test_campaign__a_corpus__keeps_sequences_that_reach_something_new(
    world: World, backend: RevmBackend, tmp_path: Path
) -> None:
    corpus = Corpus(tmp_path, share=100)
    campaign(world, backend, 3, calls=3_000, corpus=corpus)
    assert len(list(tmp_path.glob("*.json"))) == len(corpus.known) > 0
    again = Corpus(tmp_path, share=100)
    assert again.known.keys() == corpus.known.keys()
    assert again.pick(1)[0][0] == BEGIN
    assert [(each.kind, each.text) for each in campaign(world, backend, 4, calls=2_000, corpus=again).records] == []


def test_report__says_what_was_called_and_what_was_not(world: World, backend: RevmBackend) -> None:
    outcome = campaign(world, backend, 9, calls=1_000, steps=200)
    screen = io.StringIO()
    console = Console(file=screen, width=200)
    report.flows(outcome.stats, console)
    report.features(outcome.stats, console)
    report.functions(outcome.stats, console)
    text = screen.getvalue()
    assert "state-changing functions were called" in text
    assert "everybody_leaves" in text
    assert "MarginEngine.deposit" not in report.unexercised(outcome.stats)


def test_chain_of__revm__is_the_in_process_evm() -> None:
    with chain_of("revm") as chain:
        assert isinstance(chain, RevmChain)


def test_known_part__ends_where_a_rule_is_gone() -> None:
    known: list[tuple[str, list[int]]] = [(name, [1]) for name in list(RULES)[:2]]
    assert known_part([*known, ("gone", []), known[0]]) == known
    assert known_part([]) == []


def test_replay__a_record_of_other_code__is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "old.json"
    Record(7, 1, [("gone", [1, 2])], "invariant 1", "shares").save(path)
    assert main(["replay", str(path)]) == 2
    assert "there is no rule gone" in " ".join(capsys.readouterr().out.split())
