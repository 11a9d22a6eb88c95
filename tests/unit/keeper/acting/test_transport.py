"""HttpTransport and IpcTransport against sockets on this machine."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from plimsoll.errors import ConfigError
from plimsoll.keeper.clock import SystemClock
from plimsoll.keeper.rpc import RetryPolicy, Rpc
from plimsoll.keeper.transport import TransportError, label_of, open_transport
from tests.unit.keeper.acting.fake_chain import CHAIN_ID, FakeChain, respond, served

Script = Callable[[socket.socket, int], None]


@contextmanager
def scripted(script: Script, path: Path | None = None) -> Iterator[str]:
    """Serve each connection by a script, which gets it and its number."""
    listener = socket.socket(socket.AF_UNIX if path else socket.AF_INET, socket.SOCK_STREAM)
    listener.bind(str(path) if path else ("127.0.0.1", 0))
    listener.listen()

    def serve() -> None:
        number = 0
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection, contextlib.suppress(OSError):
                    script(connection, number)
                number += 1

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"ipc:{path}" if path else f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


def http_answer(body: bytes, status: str = "200 OK", extra: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{extra}\r\n".encode() + body


def read_request(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65_536)
    head, _, body = data.partition(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    while len(body) < length:
        body += connection.recv(65_536)
    return head


def test_http__one_connection_for_many_requests() -> None:
    connections: list[int] = []

    def script(connection: socket.socket, number: int) -> None:
        connections.append(number)
        for _ in range(3):
            read_request(connection)
            connection.sendall(http_answer(b"{}"))

    with scripted(script) as url:
        transport = open_transport(url, SystemClock())
        for _ in range(3):
            assert transport.exchange(b"{}", 5) == b"{}"
        transport.close()
    assert connections == [0]


def test_http__closed_while_idle__opened_again_unnoticed() -> None:
    def script(connection: socket.socket, number: int) -> None:
        read_request(connection)
        connection.sendall(http_answer(b"{}"))

    with scripted(script) as url:
        transport = open_transport(url, SystemClock())
        for _ in range(3):
            assert transport.exchange(b"{}", 5) == b"{}"
        transport.close()


@pytest.mark.parametrize(
    ("status", "final", "wait"),
    [
        ("500 Oops", False, 0.0),
        ("503 Busy", False, 7.0),
        ("429 Slow", False, 7.0),
        ("401 No", True, 0.0),
        ("403 No", True, 0.0),
        ("404 None", True, 0.0),
        ("301 There", True, 0.0),
    ],
)
def test_http__status__error_says_whether_to_try_again(status: str, final: bool, wait: float) -> None:
    extra = f"Retry-After: {int(wait)}\r\n" if wait else "Retry-After: Wed, 21 Oct 2026 07:28:00 GMT\r\n"

    def script(connection: socket.socket, number: int) -> None:
        read_request(connection)
        connection.sendall(http_answer(b"<html>", status, extra))

    with scripted(script) as url:
        transport = open_transport(url, SystemClock())
        with pytest.raises(TransportError, match=f"HTTP {status[:3]}") as caught:
            transport.exchange(b"{}", 5)
        transport.close()
    assert (caught.value.final, caught.value.wait) == (final, wait)


def test_http__silent_server__times_out() -> None:
    def script(connection: socket.socket, number: int) -> None:
        read_request(connection)
        connection.recv(1)

    with scripted(script) as url:
        transport = open_transport(url, SystemClock())
        with pytest.raises(TransportError, match="timed out"):
            transport.exchange(b"{}", 0.05)


def test_http__cut_off_answer__error() -> None:
    def script(connection: socket.socket, number: int) -> None:
        read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")

    with scripted(script) as url, pytest.raises(TransportError):
        open_transport(url, SystemClock()).exchange(b"{}", 5)


def test_http__nobody_listens__error() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(TransportError, match="refused"):
            open_transport(url, SystemClock()).exchange(b"{}", 5)


def test_http__password_in_the_url__sent_and_not_shown() -> None:
    heads: list[bytes] = []

    def script(connection: socket.socket, number: int) -> None:
        heads.append(read_request(connection))
        connection.sendall(http_answer(b"{}"))

    with scripted(script) as url:
        transport = open_transport(url.replace("//", "//user:pass@") + "/v3/secret?key=secret", SystemClock())
        transport.exchange(b"{}", 5)
        transport.close()
    assert b"Authorization: Basic dXNlcjpwYXNz" in heads[0]
    assert heads[0].startswith(b"POST /v3/secret?key=secret ")
    assert "secret" not in transport.label
    assert "pass" not in transport.label


def test_http__a_whole_rpc() -> None:
    with served(FakeChain()) as url:
        rpc = Rpc([open_transport(url, SystemClock())], SystemClock(), chain_id=CHAIN_ID)
        assert rpc.batch([("eth_chainId", ())] * 2) == [hex(CHAIN_ID)] * 2
        rpc.close()


def test_ipc__answers_in_pieces_and_without_line_ends(tmp_path: Path) -> None:
    chain = FakeChain()

    def script(connection: socket.socket, number: int) -> None:
        while body := connection.recv(65_536):
            answer = respond(chain, body)
            for start in range(0, len(answer), 7):
                connection.sendall(answer[start : start + 7])

    with scripted(script, tmp_path / "node.ipc") as url:
        rpc = Rpc([open_transport(url, SystemClock())], SystemClock(), chain_id=CHAIN_ID)
        for _ in range(3):
            assert rpc.batch([("eth_chainId", ())] * 3) == [hex(CHAIN_ID)] * 3
        rpc.close()


def test_ipc__closed_while_idle__opened_again(tmp_path: Path) -> None:
    chain = FakeChain()

    def script(connection: socket.socket, number: int) -> None:
        connection.sendall(respond(chain, connection.recv(65_536)))

    with scripted(script, tmp_path / "node.ipc") as url:
        rpc = Rpc([open_transport(url, SystemClock())], SystemClock(), policy=RetryPolicy(rounds=1))
        for _ in range(3):
            assert rpc.call("eth_chainId") == hex(CHAIN_ID)
        rpc.close()


def test_ipc__no_socket__error(tmp_path: Path) -> None:
    with pytest.raises(TransportError, match="No such file"):
        open_transport(f"ipc:{tmp_path}/none.ipc", SystemClock()).exchange(b"{}", 1)


@pytest.mark.parametrize("url", ["", "ws://here", "http://", "ipc:", "file:///x", "http://host:port"])
def test_open_transport__no_endpoint__refused(url: str) -> None:
    with pytest.raises(ConfigError):
        open_transport(url, SystemClock())


def test_label_of__hides_what_may_be_secret() -> None:
    assert label_of("https://u:p@node.example:8545/v3/key?token=1") == "https://node.example:8545"
