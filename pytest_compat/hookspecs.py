"""Hooks that other plugins and conftest files can implement."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_compat.schedulers import Scheduler


def pytest_compat_schedulers() -> dict[str, Callable[[], Scheduler]]:  # type: ignore[empty-body]
    """Return schedulers by the name that `--compat-scheduler` takes, each as a callable that makes one."""
