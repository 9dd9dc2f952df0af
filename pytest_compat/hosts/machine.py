"""What a measurement ran on. Neither host, user nor paths are part of it: tables are made to be passed on."""

from __future__ import annotations

import os
import platform
import re
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest_compat
from pytest_compat.errors import RecordError, brief
from pytest_compat.hosts.plan import Plan, Version
from pytest_compat.hosts.process import run_command

VERSION_SECONDS = 20.0
LONGEST_LINE = 200

MISSING = "missing"
"""Version of what cannot be run; a plan may well have variants that are not there."""

IDENTITY = ("cpu", "architecture", "cores", "memory_mib", "os", "kernel", "versions")
"""What has to stay as it was for times to belong into one table."""


def describe_machine(plan: Plan, env: Mapping[str, str]) -> dict[str, object]:
    """Return the environment of a measurement, as plain data.

    Args:
        plan: Its `versions` are asked for.
        env: The environment that they are asked in.

    Raises:
        RecordError: A version is not what the plan expects.
    """
    return {
        "cpu": _cpu(),
        "architecture": platform.machine(),
        "cores": _cores(),
        "memory_mib": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2**20,
        "os": _os(),
        "kernel": platform.release(),
        "load": [round(load, 2) for load in os.getloadavg()],
        "versions": {name: _version(name, each, env) for name, each in plan.versions.items()},
        "python": platform.python_version(),
        "pytest_compat": pytest_compat.__version__,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _version(name: str, version: Version, env: Mapping[str, str]) -> str:
    with tempfile.TemporaryDirectory(prefix="pytest-compat-", ignore_cleanup_errors=True) as folder:
        ended = run_command(version.command, {**env, "HOME": folder}, Path(folder), VERSION_SECONDS)
    lines = [" ".join(line.split()) for line in ended.output.decode("utf-8", "replace").splitlines() if line.strip()]
    found = MISSING if ended.status is None else lines[0] if lines else f"exit status {ended.status}"
    if version.expect is None:
        return found[:LONGEST_LINE]
    for line in lines:
        if version.expect.search(line):
            return line[:LONGEST_LINE]
    raise RecordError(
        f"version {name!r}: found {brief(found)}, expected a line with {brief(version.expect.pattern)}; install it "
        f"where PATH leads to it, or take what needs it out of the plan"
    )


def _cpu() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    for key in ("model name", "cpu", "Model", "CPU part"):
        if found := re.search(rf"^{key}\s*:\s*(.+)$", text, re.MULTILINE):
            return found[1].strip()
    return platform.processor() or "unknown"


def _cores() -> int:
    """Return how many cores this process may use, which in a container or a job is not all there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _os() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.platform(terse=True)
