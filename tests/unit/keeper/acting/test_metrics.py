"""Metrics and their server."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from plimsoll.errors import ConfigError
from plimsoll.keeper.metrics import Metrics, MetricsServer


@pytest.fixture
def metrics() -> Metrics:
    made = Metrics()
    made.counter("sent", "Transactions sent.")
    made.gauge("block", "Newest block.")
    made.histogram("step_seconds", "Seconds for one block.")
    return made


def test_text__exposition_format(metrics: Metrics) -> None:
    metrics.add("sent", kind="take")
    metrics.add("sent", 2, kind='a"b\\c\nd')
    metrics.put("block", 7)
    metrics.observe("step_seconds", 0.02)
    metrics.observe("step_seconds", 99)
    text = metrics.text()
    help_line = "# HELP plimsoll_keeper_sent_total Transactions sent."
    assert text.startswith(f"{help_line}\n# TYPE plimsoll_keeper_sent_total counter\n")
    assert 'plimsoll_keeper_sent_total{kind="take"} 1\n' in text
    assert 'plimsoll_keeper_sent_total{kind="a\\"b\\\\c\\nd"} 2\n' in text
    assert "plimsoll_keeper_block 7\n" in text
    assert 'plimsoll_keeper_step_seconds_bucket{le="0.01"} 0\n' in text
    assert 'plimsoll_keeper_step_seconds_bucket{le="0.025"} 1\n' in text
    assert 'plimsoll_keeper_step_seconds_bucket{le="+Inf"} 2\n' in text
    assert "plimsoll_keeper_step_seconds_sum 99.02\n" in text
    assert "plimsoll_keeper_step_seconds_count 2\n" in text


def test_add__undeclared__key_error(metrics: Metrics) -> None:
    with pytest.raises(KeyError):
        metrics.add("typo")


@pytest.fixture
def server(metrics: Metrics) -> Iterator[tuple[MetricsServer, dict[str, Any]]]:
    health: dict[str, Any] = {"fine": True}
    made = MetricsServer("127.0.0.1", 0, metrics, lambda: (health["fine"], {"ok": health["fine"]}))
    yield made, health
    made.close()


def get(server: MetricsServer, path: str, method: str = "GET") -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    connection.request(method, path)
    response = connection.getresponse()
    body = response.read().decode()
    connection.close()
    return response.status, body


def test_server__metrics_and_health(server: tuple[MetricsServer, dict[str, Any]]) -> None:
    made, health = server
    assert get(made, "/metrics")[0] == 200
    assert get(made, "/healthz") == (200, '{"ok": true}\n')
    health["fine"] = False
    status, body = get(made, "/healthz")
    assert (status, json.loads(body)) == (503, {"ok": False})


def test_server__anything_else__refused(server: tuple[MetricsServer, dict[str, Any]]) -> None:
    assert get(server[0], "/")[0] == 404
    assert get(server[0], "/metrics", "POST")[0] == 501


def test_server__address_taken__one_line(metrics: Metrics) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"cannot listen on 127.0.0.1:{port}"):
            MetricsServer("127.0.0.1", port, metrics, lambda: (True, {}))
