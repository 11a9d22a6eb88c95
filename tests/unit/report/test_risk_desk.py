"""The excerpt of docs/risk.md."""

from __future__ import annotations

from plimsoll.report import readme, risk_desk


def test_text__accounts_losses_and_a_listing() -> None:
    text = risk_desk.text()
    assert "- 5 accounts, 5 with debt, who owe $267,500" in text
    assert "| market -50 % |" in text
    assert "| source 0 | pass | a vault whose share redeems 1.000000 USDC, its round trip is fair" in text
    assert text == risk_desk.text()


def test_page__has_the_part() -> None:
    document = (readme.ROOT / risk_desk.PAGE).read_text()
    marked = "<!-- risk-desk:begin -->\nexcerpt\n<!-- risk-desk:end -->"
    assert marked in readme.replaced(document, "risk-desk", "excerpt")
