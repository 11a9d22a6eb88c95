"""Account ids: ``account = owner << 96 | index``, so an owner has 2^96 accounts and needs to register none."""

from __future__ import annotations

from dataclasses import dataclass

from eth_utils.address import is_address, to_checksum_address

from plimsoll.errors import PlimsollError

INDEX_BITS = 96
MAX_INDEX = 2**INDEX_BITS - 1


@dataclass(frozen=True, slots=True)
class MarginAccount:
    """One margin account of an owner."""

    owner: str
    index: int = 0

    def __post_init__(self) -> None:
        if not isinstance(self.owner, str) or not is_address(self.owner):
            raise PlimsollError(f"account owner {self.owner!r} is no address")
        if isinstance(self.index, bool) or not isinstance(self.index, int) or not 0 <= self.index <= MAX_INDEX:
            raise PlimsollError(f"account index {self.index!r} is not in [0, 2**{INDEX_BITS})")
        object.__setattr__(self, "owner", to_checksum_address(self.owner))

    @property
    def id(self) -> int:
        """The number the contracts know this account by; also the scope of a grant for this account alone."""
        return int(self.owner, 16) << INDEX_BITS | self.index

    @classmethod
    def from_id(cls, account: int) -> MarginAccount:
        """Return the account with this id."""
        if not 0 <= account < 2**256:
            raise PlimsollError(f"account id {account} does not fit into 256 bits")
        return cls(f"0x{account >> INDEX_BITS:040x}", account & MAX_INDEX)

    def __str__(self) -> str:
        return f"{self.owner[:8]}…{self.owner[-4:]}/{self.index}"


def owner_scope(owner: str) -> int:
    """Return the scope of a grant for all accounts of an owner."""
    return int(owner, 16)
