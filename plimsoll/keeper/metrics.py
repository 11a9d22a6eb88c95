"""Counters and gauges in Prometheus' text format, and a small HTTP server for them and for health.

``GET /metrics`` is the text exposition format 0.0.4, ``GET /healthz`` a JSON object with status 200, or 503 when the
keeper cannot do its work. Nothing else is served, and nothing can be changed through it.

https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

import bisect
import http.server
import json
import threading
from collections.abc import Callable, Sequence
from typing import Any

from plimsoll.errors import ConfigError

_PREFIX = "plimsoll_keeper_"
_SECONDS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

Labels = tuple[tuple[str, str], ...]


class Metrics:
    """All metrics of one keeper; safe to read from another thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._about: dict[str, tuple[str, str]] = {}
        self._values: dict[str, dict[Labels, float]] = {}
        self._observed: dict[str, tuple[list[int], float]] = {}

    def counter(self, name: str, text: str) -> None:
        """Declare a counter, which starts at 0 where it has no labels."""
        self._declare(f"{name}_total", "counter", text)

    def gauge(self, name: str, text: str) -> None:
        """Declare a gauge."""
        self._declare(name, "gauge", text)

    def histogram(self, name: str, text: str) -> None:
        """Declare a histogram of seconds."""
        self._about[name] = ("histogram", text)
        self._observed[name] = ([0] * (len(_SECONDS) + 1), 0.0)

    def add(self, name: str, amount: float = 1, **labels: str) -> None:
        """Raise a counter; KeyError if it was not declared."""
        key = tuple(sorted(labels.items()))
        with self._lock:
            values = self._values[f"{name}_total"]
            values[key] = values.get(key, 0) + amount

    def put(self, name: str, value: float, **labels: str) -> None:
        """Set a gauge; KeyError if it was not declared."""
        with self._lock:
            self._values[name][tuple(sorted(labels.items()))] = value

    def observe(self, name: str, seconds: float) -> None:
        """Add an observation to a histogram."""
        with self._lock:
            counts, total = self._observed[name]
            counts[bisect.bisect_left(_SECONDS, seconds)] += 1
            self._observed[name] = (counts, total + seconds)

    def value(self, name: str, **labels: str) -> float:
        """Return a counter (by its name with _total) or gauge; 0 where nothing was set."""
        with self._lock:
            return self._values[name].get(tuple(sorted(labels.items())), 0)

    def text(self) -> str:
        """Return everything in the text exposition format."""
        with self._lock:
            lines: list[str] = []
            for name, (kind, text) in self._about.items():
                full = _PREFIX + name
                lines += [f"# HELP {full} {text}", f"# TYPE {full} {kind}"]
                lines += self._histogram_lines(name) if kind == "histogram" else self._plain_lines(name)
            return "\n".join(lines) + "\n"

    def _declare(self, name: str, kind: str, text: str) -> None:
        self._about[name] = (kind, text)
        self._values[name] = {}

    def _plain_lines(self, name: str) -> list[str]:
        values = self._values[name] or {(): 0.0}
        return [f"{_PREFIX}{name}{_labels(labels)} {_number(value)}" for labels, value in values.items()]

    def _histogram_lines(self, name: str) -> list[str]:
        counts, total = self._observed[name]
        lines, running = [], 0
        for bound, count in zip([*map(str, _SECONDS), "+Inf"], counts, strict=True):
            running += count
            lines.append(f'{_PREFIX}{name}_bucket{{le="{bound}"}} {running}')
        return [*lines, f"{_PREFIX}{name}_sum {_number(total)}", f"{_PREFIX}{name}_count {running}"]


def _labels(labels: Sequence[tuple[str, str]]) -> str:
    if not labels:
        return ""
    inner = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels)
    return f"{{{inner}}}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() and abs(value) < 2**53 else repr(float(value))


Health = Callable[[], tuple[bool, dict[str, Any]]]
"""Whether the keeper can do its work, and what it has to say of itself."""


class MetricsServer:
    """Serves /metrics and /healthz on one address until `close`."""

    def __init__(self, host: str, port: int, metrics: Metrics, health: Health) -> None:
        """Start serving; ConfigError when the address cannot be had. Port 0 takes a free one."""

        class Handler(http.server.BaseHTTPRequestHandler):
            server_version = "plimsoll-keeper"
            sys_version = ""

            def do_GET(self) -> None:
                if self.path == "/metrics":
                    self._answer(200, "text/plain; version=0.0.4; charset=utf-8", metrics.text())
                elif self.path == "/healthz":
                    fine, about = health()
                    self._answer(200 if fine else 503, "application/json", json.dumps(about) + "\n")
                else:
                    self._answer(404, "text/plain", "there are /metrics and /healthz\n")

            def _answer(self, status: int, kind: str, text: str) -> None:
                body = text.encode()
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base class's name
                """Say nothing: scrapes are no news."""

        try:
            self._server = http.server.ThreadingHTTPServer((host, port), Handler)
        except OSError as error:
            raise ConfigError(f"metrics: cannot listen on {host}:{port}: {error.strerror or error}") from None
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True, name="metrics")
        self._thread.start()

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.server_address[1])

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
