# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
# pragma nonreentrancy on
"""
@title Caps on what the vault holds, and gates before who takes risk
@license AGPL-3.0
@notice Both bind new risk alone: no deposit, repayment, reduction or exit asks for either, and no auction's start, end or write-off.

        **Cap.** While the vault holds more of an asset than its cap, no account with debt that holds the asset takes new risk. So what
        backs new debt is never more than the cap, whoever splits it over accounts. It is measured at every check, so tokens that
        come and go within a transaction leave nothing behind. Gifts count, because the vault keeps no total. Who fills a cap to
        keep others from new risk has his own tokens lie in the vault as long, and can take nothing from anybody.

        **Gate.** It is asked (see IGate) about an account with debt that has to satisfy initial margin, for every asset with a gate that
        the account holds or owes; and about a taker's account, for every such asset of the account that is taken from, even if he gets rid
        of it within the same batch. A gate that reverts, answers anything but true, or uses up its gas, allows nothing. Calls are static,
        and come before a verb has changed anything or after it has changed everything.
@dev A gate is called with exactly GATE_GAS, never with less because the caller brought little ("engine: gas"), so a caller's gas limit
     cannot choose its answer.

     An asset's word, low end first: gate 160 | cap 96. A core asset whose word is not zero has its bit in the settings, which every check
     reads, so an asset without restrictions costs no storage read. An isolated-tier asset has no bit; its word is always read.

     The cap's lowest bit says in which unit the other 95 are: raw units (0), or 2**32 of them (1). 0 is no cap.
"""

from ethereum.ercs import IERC20
from contracts.interfaces import IGate
from contracts.interfaces import IMarginEngine
from contracts.modules import account_word
from contracts.modules import collateral_vault as vault
from contracts.modules import engine_parameters as parameters
from contracts.modules import roles

uses: roles
uses: vault
uses: parameters

ADDRESS: constant(uint256) = 2**160 - 1
EXACT: constant(uint256) = 2**95
MAX_CAP: constant(uint256) = 2**127
ISOLATED: constant(uint256) = 1 << 64

GATE_GAS: constant(uint256) = 100_000
GAS_NEEDED: constant(uint256) = 106_000   # GATE_GAS * 64 / 63, a cold call, and what comes between the check and it

words: HashMap[uint256, uint256]


@external
def set_gate(token: address, gate: address):
    """
    @notice Have a gate asked about an asset, or none. Owner only.
    @param gate A contract, or the zero address for none.
    @dev Errors: "roles: owner only", "engine: unknown asset", "engine: gate" (no contract).
    """
    roles._only_owner()
    assert gate == empty(address) or gate.is_contract, "engine: gate"
    key: uint256 = vault._known_asset(token)[0]
    self._save(key, self.words[key] >> 160 << 160 | convert(gate, uint256))
    log IMarginEngine.GateSet(token=token, gate=gate)


@external
def set_cap(token: address, cap: uint256):
    """
    @notice Set how much of an asset the vault may hold while accounts that hold it take new risk. Owner only.
    @param cap Raw units, below 2**127; from 2**95 on rounded down to a multiple of 2**32; 0 for none.
    @dev Errors: "roles: owner only", "engine: unknown asset", "engine: cap bound".
    """
    roles._only_owner()
    self._set_cap(token, cap)


@external
def lower_cap(token: address, cap: uint256):
    """
    @notice Lower a cap, or set one where there is none. Guardian or owner.
    @param cap See set_cap; not 0.
    @dev Errors: "roles: guardian only", "engine: cap only down", and those of set_cap.
    """
    roles._only_guardian()
    present: uint256 = self._cap(self.words[vault._known_asset(token)[0]])
    assert cap != 0 and (present == 0 or cap <= present), "engine: cap only down"
    self._set_cap(token, cap)


@view
@external
def restrictions_of(token: address) -> (address, uint256):
    """
    @notice Gate (zero address: none) and cap (raw units; 0: none) of a token. Zeros for an unknown one.
    """
    word: uint256 = self.words[vault._asset(token)[0]]
    return convert(word & ADDRESS, address), self._cap(word)


@internal
def _set_cap(token: address, cap: uint256):
    assert cap < MAX_CAP, "engine: cap bound"
    key: uint256 = vault._known_asset(token)[0]
    rounded: uint256 = cap << 1
    if cap >= EXACT:
        rounded = cap >> 32 << 1 | 1
    word: uint256 = self.words[key] & ADDRESS | rounded << 160
    self._save(key, word)
    log IMarginEngine.CapSet(token=token, cap=self._cap(word))


@internal
def _save(key: uint256, word: uint256):
    self.words[key] = word
    if key < ISOLATED:
        parameters._restrict(key, word != 0)


@view
@internal
def _assert_admitted(account: uint256, word: uint256, restricted: uint256, capped: bool):
    """
    @notice Revert unless an account may take risk with what `word` holds and owes, be it its own or that of who is taken from.
    @param restricted As the settings have it; `word` holds or owes something of it.
    @param capped Whether what is held has to be within its cap.
    """
    for owed: bool in [False, True]:
        rest: uint256 = account_word._owed(word) if owed else account_word._held(word)
        if rest < ISOLATED:
            rest &= restricted
        for i: uint256 in range(8):
            if rest == 0:
                break
            key: uint256 = account_word._first(rest)
            rest ^= key
            restriction: uint256 = self.words[key]
            if capped and not owed and restriction >> 160 != 0:
                held: uint256 = staticcall IERC20(vault.tokens[key]).balanceOf(self)
                assert held <= self._cap(restriction), "engine: supply cap"
            if restriction & ADDRESS != 0:
                self._ask(convert(restriction & ADDRESS, address), account, key, owed)


@view
@internal
def _ask(gate: address, account: uint256, key: uint256, owed: bool):
    """
    @notice Revert unless the gate answers "true".
    """
    question: Bytes[100] = abi_encode(account, key, owed, method_id=method_id("allows(uint256,uint256,bool)"))
    success: bool = False
    answer: Bytes[32] = b""
    assert msg.gas >= GAS_NEEDED, "engine: gas"
    success, answer = raw_call(
        gate, question, max_outsize=32, gas=GATE_GAS, is_static_call=True, revert_on_failure=False
    )
    assert success and len(answer) == 32 and convert(answer, uint256) == 1, "engine: gate"


@pure
@internal
def _cap(word: uint256) -> uint256:
    """
    @return The cap in an asset's word, raw units.
    """
    return (word >> 161) << (32 * ((word >> 160) & 1))
