"""What the parts of the plugin leave for one another, on pytest's own objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pytest_compat.plugin.cases import Planner
    from pytest_compat.plugin.options import Settings
    from pytest_compat.records import LevelKey, LevelRun

SETTINGS: pytest.StashKey[Settings] = pytest.StashKey()
PLANNER: pytest.StashKey[Planner] = pytest.StashKey()
TOLD: pytest.StashKey[set[LevelKey]] = pytest.StashKey()
"""Levels whose facts this process has sent with a report."""

MEASURED: pytest.StashKey[tuple[LevelRun, str | None]] = pytest.StashKey()
"""On an item: the level its case belongs to and the cluster it is about, until a report has taken the record along."""

GRADIENT: pytest.StashKey[dict[str, Any]] = pytest.StashKey()
"""On an item: the figures of the experiment at scale that it ran, until a report has taken them along."""

USAGE = "compat_usage_error"
"""Key of a worker's output: what is wrong with the command line, seen only once tests were collected."""
