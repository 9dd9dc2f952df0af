"""Files that reports are written to: whole, or as they were before."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from pytest_compat.report.document import SCHEMA


def write_document(document: Mapping[str, Any], path: Path) -> None:
    """Write the JSON report.

    Raises:
        OSError: It cannot be written.
    """
    write_text(json.dumps(document, indent=1, allow_nan=False) + "\n", path)


def write_text(text: str, path: Path) -> None:
    """Write a file so that it is either whole or as it was before.

    Args:
        text: Its content.
        path: The file; a link is followed, and what is no file (a pipe, a device) is written to as it is.

    Raises:
        OSError: It cannot be written.
    """
    write_bytes(text.encode("utf-8"), path)


def write_bytes(content: bytes, path: Path) -> None:
    """Do what `write_text` does, with bytes.

    Raises:
        OSError: It cannot be written.
    """
    if path.exists() and not path.is_file():
        path.write_bytes(content)
        return
    path = path.resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".partial")
    partial = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
        umask = os.umask(0)
        os.umask(umask)
        partial.chmod(0o666 & ~umask)  # mkstemp makes files that their owner alone can read
        partial.replace(path)
    except BaseException:
        partial.unlink()
        raise


def clear_document(path: Path) -> None:
    """Remove a report of an earlier session; nothing but a report is removed, and one that cannot be is left."""
    with suppress(OSError, ValueError, RecursionError):
        document = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
        if isinstance(document, dict) and document.get("schema") == SCHEMA:
            path.unlink()
