"""Structured logs: one JSON object per line, without secrets.

    {"time": "2026-01-01T00:00:00.000Z", "level": "info", "event": "sent", "account": "0x..", "nonce": 7}

Whatever is registered as a secret is replaced wherever it would appear, in any field, with or without "0x" and in
either case. Account ids and other large integers are hex text, since JSON readers lose digits beyond 2^53.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from plimsoll.errors import ConfigError
from plimsoll.keeper.clock import Clock

LEVELS = ("debug", "info", "warning", "error")
_HIDDEN = "[hidden]"
_SAFE_INTEGER = 2**53
SHORTEST_SECRET = 6


class Log:
    """Writes lines to a stream or a file."""

    def __init__(self, stream: TextIO, clock: Clock, level: str = "info") -> None:
        self._stream = stream
        self._clock = clock
        self._least = LEVELS.index(level)
        self._secrets: list[re.Pattern[str]] = []
        self._lock = threading.Lock()

    def hide(self, secret: str) -> None:
        """Never write this text; one shorter than 6 characters would hide half the language and is refused."""
        text = secret.removeprefix("0x")
        if len(text) < SHORTEST_SECRET:
            raise ValueError("a secret this short cannot be hidden")
        with self._lock:
            self._secrets.append(re.compile(re.escape(text), re.IGNORECASE))

    def debug(self, event: str, **fields: Any) -> None:
        """Write what only a developer wants to know."""
        self._write(0, event, fields)

    def info(self, event: str, **fields: Any) -> None:
        """Write what happened."""
        self._write(1, event, fields)

    def warning(self, event: str, **fields: Any) -> None:
        """Write what went wrong and is being dealt with."""
        self._write(2, event, fields)

    def error(self, event: str, **fields: Any) -> None:
        """Write what somebody has to look at."""
        self._write(3, event, fields)

    def _write(self, level: int, event: str, fields: Mapping[str, Any]) -> None:
        if level < self._least:
            return
        time = datetime.fromtimestamp(self._clock.now(), UTC).isoformat(timespec="milliseconds")
        line = {"time": time.replace("+00:00", "Z"), "level": LEVELS[level], "event": event}
        line |= {name: _plain(value) for name, value in fields.items()}
        text = json.dumps(line, ensure_ascii=False, default=str)
        with self._lock:
            for secret in self._secrets:
                text = secret.sub(_HIDDEN, text)
            self._stream.write(text + "\n")
            self._stream.flush()


def open_stream(path: Path) -> TextIO:
    """Open a log file to append to; ConfigError when that cannot be done."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("a", encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"log.file: {path}: {error.strerror or error}") from None


def _plain(value: Any) -> Any:
    if isinstance(value, bool) or value is None or isinstance(value, (str, float)):
        return value
    if isinstance(value, int):
        return value if abs(value) < _SAFE_INTEGER else hex(value)
    if isinstance(value, bytes):
        return f"0x{value.hex()}"
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(each) for each in value]
    return str(value)
