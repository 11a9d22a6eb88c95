"""A call's outcome is said the same way whatever ran it."""

from __future__ import annotations

from pathlib import Path

import pytest

from plimsoll.chain import RevmChain
from plimsoll.verify.campaign.backend import NO_REASON, ChainBackend, RevmBackend, failure
from plimsoll.verify.campaign.corpus import Corpus
from plimsoll.verify.campaign.record import FORMAT, Record, load

ERROR = "08c379a0" + f"{32:064x}" + f"{4:064x}" + b"pool".hex().ljust(64, "0")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"Revert {{ gas_used: 1, output: 0x{ERROR} }}", "pool"),
        ("Revert { gas_used: 1, output: 0x }", NO_REASON),
        ("Halt { reason: OutOfGas(Basic), gas_used: 1 }", "halt: OutOfGas"),
        ("Halt { reason: InvalidFEOpcode, gas_used: 1 }", "halt: InvalidFEOpcode"),
    ],
)
def test_failure__names_the_reason(text: str, said: str) -> None:
    assert failure(text) == said


def test_backends__one_chain__say_the_same(chain: RevmChain) -> None:
    sender = chain.accounts()[0]
    token = chain.deploy("MockERC20", "Token", "TOK", 18, sender=sender)
    for backend in (RevmBackend(chain), ChainBackend(chain)):
        assert backend.call(sender, token.address, token.mint.encode(sender, 5)) == ""
        assert backend.call(sender, token.address, token.transfer.encode(sender, 10**30)) == "erc20: balance"
        assert backend.call(sender, token.address, b"") == NO_REASON
        assert backend.call(sender, token.address, token.mint.encode(sender, 5), 22_000).startswith("halt: OutOfGas")
        assert int.from_bytes(backend.view(token.address, token.balanceOf.encode(sender)) or b"", "big") % 5 == 0
        assert backend.view(token.address, b"") is None
    assert token.balanceOf(sender) == 10


def test_backend__snapshot__restores_state_and_time(chain: RevmChain) -> None:
    backend = RevmBackend(chain, seconds_per_call=1)
    sender = chain.accounts()[0]
    token = chain.deploy("MockERC20", "Token", "TOK", 18, sender=sender)
    started, kept = backend.now, backend.snapshot()
    backend.call(sender, token.address, token.mint.encode(sender, 5))
    assert backend.now == started + 1
    backend.revert(kept)
    assert (backend.now, token.balanceOf(sender)) == (started, 0)


def test_record__another_format__is_refused(tmp_path: Path) -> None:
    path = Record(1, 5, [("lend", [1])], "invariant 6", "text").save(tmp_path / "record.json")
    path.write_text(path.read_text().replace(f'"format": {FORMAT}', '"format": 0'))
    with pytest.raises(ValueError, match="is no record of a campaign"):
        load(path)


def test_corpus__what_another_process_wrote__is_found(tmp_path: Path) -> None:
    mine, theirs = Corpus(tmp_path), Corpus(tmp_path, share=100)
    assert mine.offer({"a debt"}, [("begin", [1]), ("lend", [2])])
    assert not mine.offer({"a debt"}, [("begin", [1])])
    theirs.look()
    assert theirs.pick(1)[0] == ("begin", [1])
