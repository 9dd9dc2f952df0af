"""Small tables of builds, right but for what a test changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow
from pyarrow import parquet

ROW: dict[str, Any] = {
    "spec": "a1", "package": "zfp", "version": "0.5.2", "compiler": "gcc", "compiler_version": "9.3.1",
    "label": "success", "error_cluster": None, "variants": '{"shared": true}', "dep_names": ["zlib", "cmake"],
    "dep_versions": ["1.2.11", "develop"], "direct_deps": ["cmake"],
}  # fmt: skip


def rows(*changes: dict[str, Any]) -> dict[str, list[Any]]:
    """Return columns with a row for each of several changes to ROW."""
    return {name: [{**ROW, **change}[name] for change in changes] for name in ROW}


def store(columns: dict[str, Any], path: Path) -> Path:
    """Write columns as they are."""
    parquet.write_table(pyarrow.table(columns), path)
    return path
