"""README, CHANGELOG and docs/ name files, headings and make targets that exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
LINK = re.compile(r"\]\((?!https?://)([^)\s]+)\)")
FOLDERS = "config|contracts|docs|plimsoll|scripts|tests"
NAMED = re.compile(rf"`((?:{FOLDERS})/[\w./-]*)`")
MADE = re.compile(r"`make ([a-z][a-z -]*)")
SUITE = re.compile(r"`((?:attacks|fuzz|regression|stateful|unit)/[\w./-]+)`((?:, `test_\w+\.py`)*)")
ROW = re.compile(r"^\| ([\d, ]+) \| ", re.MULTILINE)

pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def anchors(page: Path) -> set[str]:
    """Return the headings of a page as links name them."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pages
def test_links__lead_somewhere(page: Path) -> None:
    for link in LINK.findall(page.read_text()):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pages
def test_paths__are_there(page: Path) -> None:
    for path in NAMED.findall(page.read_text()):
        assert (ROOT / path).exists(), path


@pages
def test_make_targets__are_there(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for named in MADE.findall(page.read_text()):
        assert set(named.split()) <= targets, named


def test_invariants__suites_are_there() -> None:
    for path, others in SUITE.findall((ROOT / "docs" / "invariants.md").read_text()):
        assert (ROOT / "tests" / path).exists(), path
        for name in re.findall(r"test_\w+\.py", others):
            assert (ROOT / "tests" / path).with_name(name).exists(), f"{path}, {name}"


def test_invariants__each_is_held_and_each_failure_tried() -> None:
    text = (ROOT / "docs" / "invariants.md").read_text()
    invariants, failures = text.split("## Failures of others")
    for part in (invariants, failures):
        stated = {int(number) for number in re.findall(r"^(\d+)\. ", part, re.MULTILINE)}
        named = [int(number) for row in ROW.findall(part) for number in row.split(",")]
        assert sorted(stated) == list(range(1, len(stated) + 1))
        assert sorted(named) == sorted(stated)
