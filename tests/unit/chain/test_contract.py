"""Contract objects: how arguments go in, and how results, structs and events come out."""

from __future__ import annotations

import pytest
from eth_utils.crypto import keccak

from plimsoll import artifacts
from plimsoll.chain import ZERO_ADDRESS, Contract, Event, Revert, RevmChain
from tests.support import reverts

POINT = {"x": 1, "y": -2, "owner": ZERO_ADDRESS}


def test_view__struct_array__named_tuples(sampler: Contract) -> None:
    first, second = sampler.points(5, -6)
    assert (first.x, first.y, first.owner) == (5, -6, sampler.address)
    assert second == (6, -6, ZERO_ADDRESS)


def test_view__overload__told_apart_by_number_of_arguments(sampler: Contract) -> None:
    assert sampler.points(5)[0].y == -1


def test_view__nested_struct__round_trip(sampler: Contract, alice: str) -> None:
    line = sampler.line(("label", [(1, -1, sampler), {"y": 2, "x": 3, "owner": alice}]))
    assert line.label == "label"
    assert [(point.x, point.y, point.owner) for point in line.ends] == [(1, -1, sampler.address), (3, 2, alice)]
    assert sampler.line(line) == line


@pytest.mark.parametrize("code", [b"abcd", "0x61626364"])
def test_view__elementary_values__round_trip(sampler: Contract, alice: str, code: bytes | str) -> None:
    assert sampler.words(255, -128, code, True, alice) == (255, -128, b"abcd", True, alice)
    assert sampler.words(0, 127, bytes(4), False, sampler) == (0, 127, bytes(4), False, sampler.address)


def test_view__texts__round_trip(sampler: Contract) -> None:
    assert sampler.texts("σ · √h", b"\x00\xff") == ("σ · √h", b"\x00\xff")


def test_view__contracts_in_an_array__their_addresses(sampler: Contract, alice: str) -> None:
    assert sampler.holders([sampler, alice]) == [sampler.address, alice]


def test_view__no_outputs__none(sampler: Contract) -> None:
    assert sampler.nothing() is None


def test_view__sender__is_msg_sender(sampler: Contract, bob: str) -> None:
    assert sampler.caller(sender=bob) == bob


def test_view__lower_case_address__accepted(sampler: Contract, alice: str) -> None:
    assert sampler.holders([alice.lower()]) == [alice]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ((256, 0, b"abcd", True, ZERO_ADDRESS), r"argument 0 is no uint8: 256$"),
        ((-1, 0, b"abcd", True, ZERO_ADDRESS), r"argument 0 is no uint8: -1$"),
        ((True, 0, b"abcd", True, ZERO_ADDRESS), r"argument 0 is no uint8: True$"),
        (("1", 0, b"abcd", True, ZERO_ADDRESS), r"argument 0 is no uint8: '1'$"),
        ((1.0, 0, b"abcd", True, ZERO_ADDRESS), r"argument 0 is no uint8: 1\.0$"),
        ((0, 128, b"abcd", True, ZERO_ADDRESS), r"argument 1 is no int8: 128$"),
        ((0, 0, b"abc", True, ZERO_ADDRESS), r"argument 2 is no bytes4: b'abc'$"),
        ((0, 0, b"abcd", 1, ZERO_ADDRESS), r"argument 3 is no bool: 1$"),
        ((0, 0, b"abcd", True, "0x00"), r"argument 4 is no address: '0x00'$"),
        ((0, 0, b"abcd", True, "alice"), r"argument 4 is no address: 'alice'$"),
        ((0, 0, b"abcd", True, None), r"argument 4 is no address: None$"),
    ],
)
def test_encode__value_of_another_type__error_names_it(
    sampler: Contract, args: tuple[object, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        sampler.words.encode(*args)


@pytest.mark.parametrize(
    ("point", "message"),
    [
        ({"x": 1, "y": 2}, r"struct members are x, y, owner, got x, y$"),
        ((1, 2), r"struct has 3 members \(x, y, owner\), got 2$"),
        ((-1, 2, ZERO_ADDRESS), r"sample\(uint256\[\],\(uint256,int128,address\)\): "),
    ],
)
def test_encode__struct_that_does_not_fit__error(sampler: Contract, point: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        sampler.sample.encode([], point)


def test_call__wrong_number_of_arguments__error(sampler: Contract) -> None:
    with pytest.raises(TypeError, match=r"Sampler\.points\(uint256\) or points\(uint256,int128\): got 0 arguments$"):
        sampler.points()


def test_call__unknown_function__error(sampler: Contract) -> None:
    with pytest.raises(AttributeError, match=r"^Sampler has no function missing$"):
        _ = sampler.missing


def test_call__transaction_without_sender__error(sampler: Contract) -> None:
    with pytest.raises(TypeError, match=r"Sampler\.see changes state: give it sender=$"):
        sampler.see()


def test_deploy__wrong_number_of_arguments__error(revm: RevmChain, sampler: Contract, alice: str) -> None:
    with pytest.raises(ValueError, match=r"constructor\(uint256\) takes 1 arguments, got 0$"):
        revm.deploy("Sampler", sender=alice)


def test_method__name_that_contract_uses_itself(sampler: Contract) -> None:
    assert sampler.name == "Sampler"
    assert sampler.method("name")() == "Sampler"


def test_encode__is_what_the_call_sends(revm: RevmChain, sampler: Contract, alice: str) -> None:
    data = sampler.sample.encode([1, 2], POINT)
    receipt = revm.raw_call(sampler, data, alice)
    assert receipt.return_value == (1 * 2 + 2 * 2 + 7).to_bytes(32, "big")
    assert receipt.find("Sampled", sampler) == receipt.events


def test_simulate__returns_value__changes_nothing(sampler: Contract, alice: str) -> None:
    assert sampler.sample.call([1, 2], POINT, sender=alice) == 13
    assert sampler.count() == 0


def test_receipt__return_value_and_whole_events(sampler: Contract, alice: str) -> None:
    receipt = sampler.sample([3, 4], POINT, sender=alice)
    assert receipt.return_value == 21
    tag = keccak(text="tagged")  # an indexed string is logged as its hash
    point = (1, -2, ZERO_ADDRESS)
    assert receipt.events == [sampler.event("Sampled", who=alice, tag=tag, values=[3, 4], point=point)]
    assert receipt.events[0].args["point"].y == -2


def test_event__unequal_when_anything_differs(sampler: Contract, alice: str, bob: str) -> None:
    event = Event(sampler.address, "Sampled", {"who": alice})
    assert event != Event(sampler.address, "Sampled", {"who": bob})
    assert event != Event(alice, "Sampled", {"who": alice})
    assert event != Event(sampler.address, "Other", {"who": alice})


def test_event__arguments_of_another_event__error(sampler: Contract, alice: str) -> None:
    with pytest.raises(ValueError, match=r"^Sampled has arguments who, tag, values, point; got who$"):
        sampler.event("Sampled", who=alice)
    with pytest.raises(ValueError, match=r"^Sampler has no event Missing$"):
        sampler.event("Missing")


def test_events__contract_not_known_by_address__decoded_by_its_topic(revm: RevmChain, alice: str) -> None:
    """The pool that a factory creates logs before anybody called `at` for it."""
    factory = revm.deploy("@uniswap/v3-core:UniswapV3Factory", sender=alice)
    tokens = [revm.deploy("MockERC20", name, name, 18, sender=alice) for name in "AB"]
    created = factory.createPool(*tokens, 3000, sender=alice)
    pool = revm.at("@uniswap/v3-core:UniswapV3Pool", created.return_value)
    [event] = created.find("PoolCreated", factory)
    assert (event.args["fee"], event.args["pool"]) == (3000, pool.address)
    twin = revm.at("@uniswap/v3-core:UniswapV3Pool", factory.createPool(*tokens, 500, sender=alice).return_value)
    pool.initialize(2**96, sender=alice)
    raw = revm.raw_call(twin, pool.initialize.encode(2**96), alice)
    assert raw.events == [Event(twin.address, "Initialize", {"sqrtPriceX96": 2**96, "tick": 0})]


def test_events__of_no_known_contract__kept_raw(sampler: Contract, alice: str) -> None:
    """A second chain object that was told nothing sees the same logs undecoded."""
    blind = RevmChain()
    address = blind._create(artifacts.load("Sampler").init_code + (7).to_bytes(32, "big"), alice, 0, None)[0]
    [event] = blind.raw_call(address, sampler.sample.encode([1], POINT), alice).events
    signature = "Sampled(address,string,uint256[],(uint256,int128,address))"
    assert (event.contract, event.name) == (address, "0x" + keccak(text=signature).hex())
    assert event.args["topics"][1] == bytes(12) + bytes.fromhex(alice[2:])
    assert event.args["data"]


def test_revert__is_matched_exactly(sampler: Contract, alice: str) -> None:
    with reverts("sampler: refused"):
        sampler.refuse(sender=alice)
    with pytest.raises(AssertionError), reverts("sampler: other"):
        sampler.refuse(sender=alice)
    with pytest.raises(AssertionError), reverts(""):
        sampler.refuse(sender=alice)
    with pytest.raises(pytest.fail.Exception), reverts("sampler: refused"):
        sampler.see(sender=alice)


def test_revert__out_of_gas_is_no_silent_revert(sampler: Contract, alice: str) -> None:
    with pytest.raises(AssertionError), reverts(""):
        sampler.see(sender=alice, gas=21_200)


def test_contract__identity(revm: RevmChain, sampler: Contract) -> None:
    again = revm.at("Sampler", sampler.address.lower())
    assert again == sampler
    assert hash(again) == hash(sampler)
    assert again.deployment is None
    assert sampler.deployment is not None
    assert sampler.deployment.gas_used > 100_000
    assert again != RevmChain().at("Sampler", sampler)


def test_revert__text_says_what_is_known() -> None:
    assert str(Revert("pool: cash")) == "pool: cash"
    assert str(Revert()) == "reverted without a reason"
    assert str(Revert(halt="OutOfGas")) == "OutOfGas"
