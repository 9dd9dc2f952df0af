"""What JUnit files are told: gates as test cases, because a gate that does not hold is no failure of any case."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import pytest

SUITE = "compat-gates"
"""What the names of the test cases begin with."""


def tell_junit(config: pytest.Config, document: Mapping[str, Any]) -> None:
    """Add a test case per gate and level to the file of --junit-xml, and one for every other reason to fail."""
    from _pytest.junitxml import LogXML

    gates = [(f"{gate['rule']} at {gate['experiment']}:{gate['level']}", gate["reason"]) for gate in document["gates"]]
    others = [problem for problem in document["errors"] if not problem.startswith("gate ")]
    cases = [*gates, ("session", "\n".join(others))] if others else gates
    for plugin in config.pluginmanager.get_plugins():
        if isinstance(plugin, LogXML):
            for name, reason in cases:
                # It is told of a test as pytest tells it: when it was run, and when it was over.
                plugin.pytest_runtest_logreport(_report(name, "call", reason))
                plugin.pytest_runtest_logreport(_report(name, "teardown"))


def _report(name: str, when: Literal["call", "teardown"], reason: str = "") -> pytest.TestReport:
    nodeid = f"{SUITE}::{name}"
    outcome: Literal["passed", "failed"] = "failed" if reason else "passed"
    return pytest.TestReport(nodeid, (SUITE, None, name), {}, outcome, reason or None, when)
