"""Builds whose odds are known: a dependency breaks them from one version on, and a variant hardly matters."""

from __future__ import annotations

import json
import random
from typing import Any

import pandas

VERSIONS = ("1.8", "1.9", "1.10", "1.11", "2.0", "2.1", "2.2", "3.0")
BREAKS = VERSIONS.index("2.0")
"""The first version of the dependency that builds mostly fail with."""


def row(package: str, number: int, label: str, **changed: Any) -> dict[str, Any]:
    """Return a row of a table of builds."""
    dependencies = changed.pop("dependencies", {"zlib": "1.2.11"})
    variants = changed.pop("variants", {"shared": True})
    return {
        "spec": f"{package}-{number}",
        "package": package,
        "version": "1.0",
        "compiler": "gcc",
        "compiler_version": "9.3.1",
        "label": label,
        "error_cluster": None,
        "variants": json.dumps(variants),
        "dep_names": sorted(dependencies),
        "dep_versions": [dependencies[name] for name in sorted(dependencies)],
        "direct_deps": sorted(dependencies),
    } | changed


def probability(hdf5: str) -> float:
    """Return how likely a build with this version of the dependency is to succeed."""
    return 0.05 if VERSIONS.index(hdf5) >= BREAKS else 0.95


def made(package: str = "solver", count: int = 300, seed: int = 1, without: str = "") -> list[dict[str, Any]]:
    """Return builds with versions drawn at random, none with the version `without`."""
    draw = random.Random(seed)
    rows = []
    for number in range(count):
        hdf5 = draw.choice([version for version in VERSIONS if version != without])
        label = "success" if draw.random() < probability(hdf5) else "root_failure"
        changed = {
            "version": draw.choice(("1.0", "1.1", "develop")),
            "variants": {"shared": draw.random() < 0.5, "build_type": "Release"},
            "dependencies": {"hdf5": hdf5, "cmake": f"3.{draw.randrange(20)}", "zlib": "1.2.11"},
        }
        rows.append(row(package, number, label, **changed))
    return rows


def frame(rows: list[dict[str, Any]]) -> pandas.DataFrame:
    """Return rows as a table."""
    table = pandas.DataFrame(rows)
    table["error_cluster"] = table["error_cluster"].astype("Int32")
    return table
