"""The size report: what is over the limit fails, and so does what does not compile."""

from __future__ import annotations

from pathlib import Path

import pytest

from plimsoll.report import sizes

EMPTY = "# pragma version 0.4.3\n"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of two contracts and a mock."""
    for name in ("Small", "Large", "mocks/Double"):
        path = tmp_path / "contracts" / f"{name}.vy"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(EMPTY)
    (tmp_path / "contracts" / "Large.vy").write_text(f"{EMPTY}number: public(uint256)\n")
    monkeypatch.setenv("PLIMSOLL_HOME", str(tmp_path))
    return tmp_path


def test_main__all_fit__passes_and_lists_them(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert sizes.main() == 0
    printed = capsys.readouterr().out
    assert printed.index("Large") < printed.index("Small") < printed.index("Double")


def test_main__does_not_compile__fails_and_names_it(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "contracts" / "Small.vy").write_text(f"{EMPTY}number: nonsense\n")
    assert sizes.main() == 1
    captured = capsys.readouterr()
    assert "contracts/Small.vy does not compile" in captured.err
    assert "Large" in captured.out


def test_too_large__names_only_what_is_over(home: Path) -> None:
    compiled, failed = sizes.measure()
    assert not failed
    by_name = {artifact.name: artifact.runtime_size for artifact in compiled}
    assert sizes.too_large(compiled, by_name["Large"]) == []
    assert sizes.too_large(compiled, by_name["Large"] - 1) == ["Large"]


def test_main__over_the_limit__fails_and_names_it(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sizes, "too_large", lambda compiled: ["Large"])
    assert sizes.main() == 1
    assert "over 24,576 bytes: Large" in capsys.readouterr().err
