# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize codesize
# pragma nonreentrancy on
"""
@title Timelock: the owner of everything that has parameters
@license AGPL-3.0
@notice What its owner schedules waits, in the open, and is then made by whoever cares to. See ITimelock.

        What stops it: the guardian, who may cancel every operation for ever, his own dismissal among them. Then nothing changes any
        more, but nobody loses anything: no operation is needed to deposit, repay, reduce, withdraw or liquidate. An owner whose
        key was stolen can schedule, and cannot keep the guardian from cancelling. What stays open: what is due stays due until it is
        executed or cancelled, in any order unless it names its predecessor.
@dev A shell over snekmate's `timelock_controller`. Its roles move with the ownership and with nothing else: nobody can grant, revoke or
     renounce one, and the ownership cannot be renounced. Executing takes no lock, because what is executed may be this contract's
     own setters; snekmate checks an operation again after its calls.
"""

from contracts.interfaces import ITimelock
from snekmate.auth import access_control
from snekmate.auth import ownable
from snekmate.auth import ownable_2step
from snekmate.governance import timelock_controller

implements: ITimelock

initializes: ownable
initializes: ownable_2step[ownable := ownable]
initializes: access_control
initializes: timelock_controller[access_control := access_control]

exports: (
    ownable_2step.owner,
    ownable_2step.pending_owner,
    ownable_2step.transfer_ownership,
)
exports: (
    timelock_controller.schedule,
    timelock_controller.schedule_batch,
    timelock_controller.execute,
    timelock_controller.execute_batch,
    timelock_controller.cancel,
)
exports: (
    timelock_controller.get_timestamp,
    timelock_controller.get_minimum_delay,
    timelock_controller.get_operation_state,
    timelock_controller.is_operation,
    timelock_controller.is_operation_pending,
    timelock_controller.is_operation_ready,
    timelock_controller.is_operation_done,
    timelock_controller.hash_operation,
    timelock_controller.hash_operation_batch,
    timelock_controller.hasRole,
    timelock_controller.PROPOSER_ROLE,
    timelock_controller.EXECUTOR_ROLE,
    timelock_controller.CANCELLER_ROLE,
)

MIN_DELAY: constant(uint256) = 3_600
MAX_DELAY: constant(uint256) = 30 * 86_400
MAX_IDS: constant(uint256) = 255

guardian: public(address)


@deploy
def __init__(delay: uint256, owner: address, guardian: address):
    """
    @param delay Seconds that every operation waits at least, 1 hour to 30 days.
    @param owner Schedules and cancels.
    @param guardian Cancels.
    @dev Errors: "timelock: delay", "timelock: zero address".
    """
    assert owner != empty(address), "timelock: zero address"
    self._check_delay(delay)
    ownable.__init__()
    ownable_2step.__init__()
    ownable._transfer_ownership(owner)
    access_control.__init__()
    timelock_controller.__init__(delay, [owner], [empty(address)], empty(address))
    self._set_guardian(guardian)


@external
def accept_ownership():
    """
    @notice Take over from the owner, with the right to schedule and to cancel; what the old one scheduled stays queued. Pending owner only.
    @dev Errors: "ownable_2step: caller is not the new owner", "timelock: own owner".
    """
    assert msg.sender == ownable_2step.pending_owner, "ownable_2step: caller is not the new owner"
    assert msg.sender != self, "timelock: own owner"
    previous: address = ownable.owner
    access_control._revoke_role(timelock_controller.PROPOSER_ROLE, previous)
    if previous != self.guardian:
        access_control._revoke_role(timelock_controller.CANCELLER_ROLE, previous)
    ownable_2step._transfer_ownership(msg.sender)
    access_control._grant_role(timelock_controller.PROPOSER_ROLE, msg.sender)
    access_control._grant_role(timelock_controller.CANCELLER_ROLE, msg.sender)


@external
def set_guardian(guardian: address):
    """
    @notice Appoint who, besides the owner, may cancel. The timelock only.
    @param guardian Not the zero address.
    @dev Errors: "timelock: self only", "timelock: zero address".
    """
    self._only_self()
    previous: address = self.guardian
    if previous != ownable.owner:
        access_control._revoke_role(timelock_controller.CANCELLER_ROLE, previous)
    self._set_guardian(guardian)


@external
def update_delay(new_delay: uint256):
    """
    @notice Change how long operations that are scheduled later must wait at least. The timelock only.
    @param new_delay Seconds, 1 hour to 30 days.
    @dev Errors: "timelock: self only", "timelock: delay".
    """
    self._only_self()
    self._check_delay(new_delay)
    log timelock_controller.MinimumDelayChange(
        old_duration=timelock_controller.get_minimum_delay, new_duration=new_delay
    )
    timelock_controller.get_minimum_delay = new_delay


@view
@external
def timestamps(ids: DynArray[bytes32, MAX_IDS]) -> DynArray[uint256, MAX_IDS]:
    """
    @notice Of each operation the unix time from which it may be executed; 0 when it is not queued, 1 when it was executed. Anyone.
    @param ids At most 255 operations.
    """
    times: DynArray[uint256, MAX_IDS] = []
    for id: bytes32 in ids:
        times.append(timelock_controller.get_timestamp[id])
    return times


@view
@internal
def _only_self():
    assert msg.sender == self, "timelock: self only"


@pure
@internal
def _check_delay(delay: uint256):
    assert MIN_DELAY <= delay and delay <= MAX_DELAY, "timelock: delay"


@internal
def _set_guardian(guardian: address):
    assert guardian != empty(address), "timelock: zero address"
    self.guardian = guardian
    access_control._grant_role(timelock_controller.CANCELLER_ROLE, guardian)
    log ITimelock.GuardianSet(guardian=guardian)
