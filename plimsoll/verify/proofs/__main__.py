"""`python -m plimsoll.verify.proofs`: prove every lemma and print a table; exit 1 unless all are proved."""

from __future__ import annotations

import argparse
import importlib.util
import sys

from plimsoll.verify import journal
from plimsoll.verify.proofs import lemmas, smt


def main() -> None:
    """Prove the lemmas, or those whose name contains a word."""
    parser = argparse.ArgumentParser(description="Lemmas about the pure formulas, proved by z3.")
    parser.add_argument("word", nargs="?", default="", help="prove only lemmas whose name contains this")
    arguments = parser.parse_args()
    if importlib.util.find_spec("z3") is None:
        sys.exit("z3 is not installed: run `make setup-verify`")
    chosen = [each for each in smt.LEMMAS if arguments.word in each.name]
    if not chosen:
        sys.exit(f"no lemma in {lemmas.__name__} has {arguments.word!r} in its name")
    width = max(len(each.name) for each in chosen)
    verdicts = []
    for each in chosen:
        verdict = smt.decide(each)
        verdicts.append(verdict)
        print(f"{each.name:{width}}  {verdict.status:7}  {verdict.seconds:6.2f} s  {each.says}", flush=True)
    failed = [each for each in verdicts if each.status != smt.PROVED]
    for verdict in failed:
        print(f"\n{verdict.lemma.name}: {verdict.why}")
    seconds = sum(verdict.seconds for verdict in verdicts)
    if not arguments.word:
        journal.note("proofs", lemmas=len(verdicts), proved=len(verdicts) - len(failed), seconds=seconds)
    print(f"{len(verdicts) - len(failed)} of {len(verdicts)} lemmas proved in {seconds:.1f} s")
    if failed:
        sys.exit(1)


if __name__ == "__main__":
    main()
