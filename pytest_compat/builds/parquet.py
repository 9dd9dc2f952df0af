"""Parquet files: what cannot be read is told, and what is written is whole or not there."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_compat.errors import DeclarationError

if TYPE_CHECKING:
    import pyarrow


def require_parquet(path: Path) -> None:
    """Say what Parquet takes.

    Raises:
        DeclarationError: It is not installed.
    """
    missing = [name for name in ("pandas", "pyarrow") if find_spec(name) is None]
    if missing:
        remedy = "pip install 'pytest-compat[tables]'"
        raise DeclarationError(f"Parquet takes {' and '.join(missing)}; {remedy}", source=str(path))


def column_names(path: Path) -> list[str]:
    """Return the names of a file's columns.

    Raises:
        DeclarationError: It is missing or no Parquet file.
    """
    require_parquet(path)
    from pyarrow import parquet

    with _told(path):
        return list(map(str, parquet.read_schema(path).names))


def read_table(path: Path, columns: Sequence[str]) -> pyarrow.Table:
    """Read some columns of a file.

    Raises:
        DeclarationError: It is missing, no Parquet file or a damaged one, or has no such columns.
    """
    found = column_names(path)
    if missing := [name for name in columns if name not in found]:
        raise DeclarationError(
            f"found no column {', '.join(missing)} among {', '.join(found) or 'none at all'}", source=str(path)
        )
    from pyarrow import parquet

    with _told(path):
        return parquet.read_table(path, columns=list(columns), partitioning=None)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    import pyarrow

    try:
        yield
    except FileNotFoundError:
        raise DeclarationError("found no such file", source=str(path)) from None
    except (OSError, ValueError, pyarrow.ArrowException) as error:
        raise DeclarationError(f"found no Parquet file that can be read: {error}", source=str(path)) from None


def write_table(table: pyarrow.Table, path: Path) -> None:
    """Write a file compressed with zstd, whole or not at all; its folder is made where there is none.

    The bytes depend on the table and on the release of pyarrow alone.

    Raises:
        OSError: It cannot be written.
    """
    from pyarrow import parquet

    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".partial")
    os.close(handle)
    partial = Path(name)
    try:
        parquet.write_table(table, partial, compression="zstd")
        umask = os.umask(0)
        os.umask(umask)
        partial.chmod(0o666 & ~umask)  # mkstemp makes files that their owner alone can read
        partial.replace(path)
    except BaseException:
        partial.unlink()
        raise
