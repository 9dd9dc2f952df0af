"""Logs in files, folders and tables."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pytest_compat.errors import DeclarationError, brief

SUFFIXES = (".log", ".out", ".err", ".txt")
"""Files of a folder that are read; with .gz behind, too."""

CHUNK = 1 << 18
"""Bytes read at a time."""

_GZIP = b"\x1f\x8b"


@dataclass(frozen=True)
class Log:
    """One log that can be read.

    Args:
        file: What it is called: its path, or that of a table and the number of a row, from 0.
        folder: Where it lies: the folder of a file, the table of a row.
        columns: What else a table says of it.
        text: The log itself, where it came out of a table.
    """

    file: str
    folder: str
    columns: Mapping[str, Any] = field(default_factory=dict)
    text: str | None = None

    def chunks(self) -> Iterator[bytes]:
        """Read it, piece by piece; what gzip packed is unpacked, whatever the file is called.

        Raises:
            DeclarationError: The file cannot be read, or what is packed in it is damaged.
        """
        if self.text is not None:
            yield self.text.encode("utf-8", "replace")
            return
        try:
            with Path(self.file).open("rb") as plain:
                packed = plain.peek(len(_GZIP))[: len(_GZIP)] == _GZIP
                with gzip.GzipFile(fileobj=plain) if packed else plain as stream:
                    while chunk := stream.read(CHUNK):
                        yield chunk
        except (OSError, EOFError, zlib.error) as error:
            raise DeclarationError(f"cannot be read: {error}", source=self.file) from None


def find_logs(paths: Sequence[Path]) -> Iterator[Log]:
    """Yield the logs of files, of folders and all that is in them, and of the rows of Parquet tables.

    Args:
        paths: A folder stands for what has one of SUFFIXES, in the order of the names; a file whose name ends in
            `.parquet` is a table with a column `log`; any other file is a log.

    Raises:
        DeclarationError: There is no such file, a folder has no logs, or a table is none.
    """
    for path in paths:
        if path.is_dir():
            yield from _folder(path)
        elif not path.exists():
            raise DeclarationError("found no such file", source=str(path))
        elif path.suffix == ".parquet":
            yield from _table(path)
        else:
            yield Log(str(path), str(path.parent))


def _folder(folder: Path) -> Iterator[Log]:
    found = sorted(path for path in folder.rglob("*") if path.is_file() and _is_log(path))
    if not found:
        kinds = ", ".join(f"*{suffix}" for suffix in SUFFIXES)
        raise DeclarationError(f"found no logs, expected {kinds}, or these with .gz", source=str(folder))
    for path in found:
        yield Log(str(path), str(path.parent))


def _is_log(path: Path) -> bool:
    return Path(path.name.removesuffix(".gz")).suffix in SUFFIXES


def _table(path: Path) -> Iterator[Log]:
    missing = [name for name in ("pandas", "pyarrow") if find_spec(name) is None]
    if missing:
        remedy = "pip install 'pytest-compat[tables]'"
        raise DeclarationError(f"Parquet takes {' and '.join(missing)}; {remedy}", source=str(path))
    import pandas

    try:
        frame = pandas.read_parquet(path)
    except (OSError, ValueError) as error:  # what pyarrow raises of a damaged file is one of these
        raise DeclarationError(f"cannot be read: {error}", source=str(path)) from None
    if "log" not in frame.columns:
        raise DeclarationError(
            f"found the columns {', '.join(map(str, frame.columns))}, expected one called log", source=str(path)
        )
    for number, row in enumerate(frame.to_dict("records")):
        text = row.pop("log")
        if text is None or text != text:  # a null, which pandas may read as NaN: nothing was kept of this run
            text = ""
        if not isinstance(text, str):
            raise DeclarationError(f"found {brief(text)}, expected text", source=str(path), path=f"log[{number}]")
        yield Log(f"{path}[{number}]", str(path), {str(name): value for name, value in row.items()}, text)
