"""A campaign: machines that use the whole deployed protocol as hostile people would, and say what must hold meanwhile.

* `backend`: what a machine needs of a chain: calls, views, time, snapshots (the in-process EVM, or any ape chain)
* `world`: the protocol as `plimsoll.devnet` deploys it, with strange tokens and contracts for attackers beside it
* `draws`: numbers from one seed, and the same numbers again when a run is replayed; `calldata`: calls from words
* `machine`: one run: rules drawn by weight, each call's outcome predicted, what holds checked after it
* `rules_*`: the ladder: lenders, traders, liquidators, adversary, governance; `leaving` begins and ends a run
* `invariants`: what is checked, by its number in docs/invariants.md; `features`: what states a campaign has seen
* `runner`: many runs in one process, with a `corpus`; `shards` over processes or Ray; `report` prints
* `shrink`: a failing run made short; `record` writes and reads it, `replay` plays it anywhere, on anvil with `traces`
* `planted`: defects on purpose, which the campaign has to find
"""
