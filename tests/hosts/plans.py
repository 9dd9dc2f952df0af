"""Plans to measure, whose commands are this very Python."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from pytest_compat.hosts.plan import Plan, load_plan


def python(code: str, *arguments: str) -> list[str]:
    """A command that runs some Python; braces in it are braces."""
    return [sys.executable, "-c", code.replace("{", "{{").replace("}", "}}"), *arguments]


def write_plan(folder: Path, **changes: Any) -> Path:
    """Write a plan of one cell, one run and no warm-up, except for what is given; None takes a key away."""
    document = {
        "plan": "demo",
        "command": python("pass"),
        "repeats": 1,
        "warmups": 0,
        "timeout": 60,
        "inputs": {"one": {}},
        "variants": {"plain": {}},
        **changes,
    }
    path = folder / "plan.yaml"
    path.write_text(json.dumps({key: value for key, value in document.items() if value is not None}), encoding="utf-8")
    return path


def make_plan(folder: Path, **changes: Any) -> Plan:
    return load_plan(write_plan(folder, **changes))
