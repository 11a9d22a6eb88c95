"""Loaded before any test: keeps ape's project data inside the checkout and its build cache honest."""

from __future__ import annotations

import os

from plimsoll import artifacts

os.environ.setdefault("APE_DATA_FOLDER", str(artifacts.home() / ".cache" / "ape"))
artifacts.put_tools_on_path()
artifacts.guard_ape_cache()
