"""One request and its answer as bytes, over HTTP or a node's IPC socket, on a connection that stays open.

Nothing here knows JSON-RPC. What fails is a `TransportError`; a connection that the other side closed while it was idle
is opened again once without anybody noticing, which is safe because every request of a keeper may be sent twice.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import socket
import ssl
from typing import Protocol
from urllib.parse import unquote, urlsplit

from plimsoll.errors import ConfigError
from plimsoll.keeper.clock import Clock

MOST_BYTES = 512 * 2**20
"""Longest answer that is read."""
_CHUNK = 2**16


class TransportError(Exception):
    """No usable answer came. `final`: asking this endpoint again is no use. `wait`: seconds it asked us to wait."""

    def __init__(self, what: str, *, final: bool = False, wait: float = 0.0) -> None:
        super().__init__(what)
        self.final = final
        self.wait = wait


class Transport(Protocol):
    """A place that answers requests; `label` names it in logs and holds no secret."""

    @property
    def label(self) -> str:
        """What to call it in logs."""

    def exchange(self, body: bytes, timeout: float) -> bytes:
        """Return the answer to a request; TransportError when there is none within `timeout` seconds."""

    def close(self) -> None:
        """Close the connection; the next exchange opens a new one."""


def open_transport(url: str, clock: Clock) -> Transport:
    """Return the transport for a URL: http, https, or ipc:/path; ConfigError for anything else."""
    parts = urlsplit(url)
    if parts.scheme in ("http", "https"):
        try:
            port, host = parts.port, parts.hostname
        except ValueError:
            host = None
        if not host:
            raise ConfigError(f"{parts.scheme}://...: is no URL with a host and a port")
        return HttpTransport(url, host, port, clock)
    if parts.scheme == "ipc" and parts.path:
        return IpcTransport(unquote(parts.path), clock)
    raise ConfigError(f"{label_of(url)}: an endpoint is http://..., https://... or ipc:/path")


def label_of(url: str) -> str:
    """Return a URL without what may be secret: user, password, path and query."""
    parts = urlsplit(url)
    if parts.scheme == "ipc":
        return url
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}" if parts.scheme and host else "an endpoint"


class HttpTransport:
    """POST over one kept connection."""

    def __init__(self, url: str, host: str, port: int | None, clock: Clock) -> None:
        parts = urlsplit(url)
        self._secure = parts.scheme == "https"
        self._host, self._port = host, port
        self._path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._clock = clock
        self._label = label_of(url)
        self._headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if parts.username is not None:
            pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            self._headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        self._connection: http.client.HTTPConnection | None = None

    @property
    def label(self) -> str:
        """Scheme and host."""
        return self._label

    def exchange(self, body: bytes, timeout: float) -> bytes:
        """Post a body and return the answer's."""
        deadline = self._clock.monotonic() + timeout
        fresh = self._connection is None
        try:
            return self._once(body, timeout, deadline)
        except (http.client.HTTPException, ConnectionError) as error:
            self.close()
            if fresh or self._clock.monotonic() >= deadline:
                raise TransportError(_said(error)) from error
        except OSError as error:
            self.close()
            raise TransportError(_said(error)) from error
        try:
            return self._once(body, deadline - self._clock.monotonic(), deadline)
        except (http.client.HTTPException, OSError) as error:
            self.close()
            raise TransportError(_said(error)) from error

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _once(self, body: bytes, timeout: float, deadline: float) -> bytes:
        connection = self._connect(timeout)
        connection.request("POST", self._path, body, self._headers)
        response = connection.getresponse()
        answer = self._read(response, deadline)
        if response.will_close:
            self.close()
        if response.status == 200 or answer.lstrip()[:1] in (b"{", b"["):
            if response.status == 429:
                raise TransportError("HTTP 429", wait=_retry_after(response))
            return answer
        final = response.status in (401, 403, 404, 405, 410) or 300 <= response.status < 400
        raise TransportError(f"HTTP {response.status}", final=final, wait=_retry_after(response))

    def _connect(self, timeout: float) -> http.client.HTTPConnection:
        timeout = max(timeout, 0.001)
        if self._connection is None:
            if self._secure:
                context = ssl.create_default_context()
                self._connection = http.client.HTTPSConnection(self._host, self._port, timeout=timeout, context=context)
            else:
                self._connection = http.client.HTTPConnection(self._host, self._port, timeout=timeout)
        elif self._connection.sock is not None:
            self._connection.sock.settimeout(timeout)
        return self._connection

    def _read(self, response: http.client.HTTPResponse, deadline: float) -> bytes:
        """Read the whole body; a server that drips is cut off at the deadline."""
        parts: list[bytes] = []
        size = 0
        while chunk := response.read(_CHUNK):
            parts.append(chunk)
            size += len(chunk)
            if size > MOST_BYTES:
                raise TransportError(f"an answer of more than {MOST_BYTES >> 20} MiB")
            if self._clock.monotonic() > deadline:
                raise TimeoutError("the answer did not end in time")
        if response.length:
            raise http.client.IncompleteRead(b"", response.length)
        return b"".join(parts)


class IpcTransport:
    """A node's UNIX socket: one JSON value per request and answer, with nothing in between but white space."""

    def __init__(self, path: str, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._socket: socket.socket | None = None

    @property
    def label(self) -> str:
        """ "ipc:" and the socket's path."""
        return f"ipc:{self._path}"

    def exchange(self, body: bytes, timeout: float) -> bytes:
        """Write a request and read the answer."""
        deadline = self._clock.monotonic() + timeout
        fresh = self._socket is None
        try:
            return self._once(body, deadline)
        except ConnectionError as error:
            self.close()
            if fresh:
                raise TransportError(_said(error)) from error
        except OSError as error:
            self.close()
            raise TransportError(_said(error)) from error
        try:
            return self._once(body, deadline)
        except OSError as error:
            self.close()
            raise TransportError(_said(error)) from error

    def close(self) -> None:
        """Close the socket: an answer that comes too late must not be taken for the next one."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _once(self, body: bytes, deadline: float) -> bytes:
        if self._socket is None:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self._set_timeout(deadline)
            self._socket.connect(self._path)
        self._set_timeout(deadline)
        self._socket.sendall(body)
        answer = bytearray()
        while True:
            self._set_timeout(deadline)
            chunk = self._socket.recv(_CHUNK)
            if not chunk:
                raise ConnectionResetError("the node closed the socket")
            answer += chunk
            if len(answer) > MOST_BYTES:
                self.close()
                raise TransportError(f"an answer of more than {MOST_BYTES >> 20} MiB")
            if answer.rstrip().endswith((b"}", b"]")) and _is_whole(answer):
                return bytes(answer)

    def _set_timeout(self, deadline: float) -> None:
        left = deadline - self._clock.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        assert self._socket is not None
        self._socket.settimeout(left)


def _is_whole(answer: bytearray) -> bool:
    with contextlib.suppress(ValueError):
        json.loads(answer)
        return True
    return False


def _retry_after(response: http.client.HTTPResponse) -> float:
    """Return the seconds the server asks for, 0 when it names none or a date."""
    text = (response.getheader("Retry-After") or "").strip()
    return float(text) if text.isdigit() and len(text) < 6 else 0.0


def _said(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
