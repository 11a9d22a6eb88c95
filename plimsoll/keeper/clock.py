"""Time as something that is handed in, so that tests neither sleep nor read the clock on the wall."""

from __future__ import annotations

import threading
import time
from typing import Protocol


class Clock(Protocol):
    """What the keeper asks of time."""

    def now(self) -> float:
        """Return unix seconds."""

    def monotonic(self) -> float:
        """Return seconds of a clock that never goes back."""

    def sleep(self, seconds: float) -> None:
        """Wait; return early when the keeper is asked to stop."""


class SystemClock:
    """The machine's clock. `stop` ends every wait."""

    def __init__(self) -> None:
        self._stopping = threading.Event()

    def now(self) -> float:
        """Return unix seconds."""
        return time.time()

    def monotonic(self) -> float:
        """Return seconds of a clock that never goes back."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait, at most until `stop`."""
        self._stopping.wait(max(0.0, seconds))

    def stop(self) -> None:
        """End this and every later wait."""
        self._stopping.set()

    @property
    def stopping(self) -> bool:
        """Whether `stop` was called."""
        return self._stopping.is_set()
