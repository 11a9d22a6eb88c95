# pragma version 0.4.3
# pragma evm-version cancun
"""
@title What the chain backends must be able to code, decode and report
"""

from contracts.interfaces import ISampler
from contracts.modules import sampling

implements: ISampler

interface ISeen:
    def see() -> uint256: nonpayable
    def count() -> uint256: view

MARGIN: immutable(uint256)

count: public(uint256)
name: public(String[32])
seen: transient(uint256)


@deploy
@payable
def __init__(margin: uint256):
    assert margin > 0, "sampler: margin"
    MARGIN = margin
    self.name = "Sampler"


@external
def sample(values: DynArray[uint256, 4], point: ISampler.Point) -> uint256:
    total: uint256 = 0
    for each: uint256 in values:
        total += sampling._weight(each)
    self.count += 1
    log ISampler.Sampled(who=msg.sender, tag="tagged", values=values, point=point)
    return total + MARGIN


@external
def see() -> uint256:
    self.seen += 1
    return self.seen


@external
def see_twice() -> uint256:
    self.seen += 1
    return extcall ISeen(self).see()


@external
def refuse():
    assert self.count > 1_000, "sampler: refused"


@external
def refuse_silently():
    raise


@external
def overflow() -> uint256:
    return self.count - 1


@external
@payable
def pay() -> uint256:
    return msg.value


@external
def ask(other: address) -> uint256:
    return staticcall ISeen(other).count()


@view
@external
def points(x: uint256, y: int128 = -1) -> DynArray[ISampler.Point, 2]:
    return [ISampler.Point(x=x, y=y, owner=self), ISampler.Point(x=x + 1, y=y, owner=empty(address))]


@view
@external
def line(line: ISampler.Line) -> ISampler.Line:
    return line


@pure
@external
def words(a: uint8, b: int8, c: bytes4, d: bool, e: address) -> (uint8, int8, bytes4, bool, address):
    return a, b, c, d, e


@pure
@external
def texts(text: String[64], data: Bytes[64]) -> (String[64], Bytes[64]):
    return text, data


@pure
@external
def holders(accounts: DynArray[address, 3]) -> DynArray[address, 3]:
    return accounts


@view
@external
def clock() -> (uint256, uint256, uint256):
    return block.timestamp, block.number, chain.id


@view
@external
def caller() -> address:
    return msg.sender


@pure
@external
def nothing():
    pass
