"""Handing jobs over exactly once: what is about to be handed over, what has been, and what was accepted since."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Self

from pytest_compat.errors import RecordError

SCHEMA = "pytest-compat/handover/1"

BEGUN, DONE, ACCEPTED = "begun", "done", "accepted"


class Handover:
    """A journal of jobs on their way from who gives them to who runs them.

    A receiver that is killed at any point and begun anew calls the same in the same order: `once` for every job it is
    given, then whoever gave it is told that it is accepted, then `accept`. What was given stays with the giver until it
    is accepted, so that nothing is lost; `once` does nothing for what was handed over before, so that nothing is
    repeated. This is a write-ahead log with an idempotent redo (Mohan et al., *ARIES*, 1992).

    Args:
        path: Its file; read when it is there, begun when it is not. One process has it at a time.

    Raises:
        RecordError: The file is none, cannot be used, or someone has it.
    """

    def __init__(self, path: Path) -> None:
        from filelock import FileLock, Timeout

        self.path = path
        self._digests: dict[str, str] = {}
        self._receipts: dict[str, str] = {}
        self._accepted: set[str] = set()
        lock = FileLock(path.with_name(f".{path.name}.lock"), timeout=0)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with ExitStack() as stack:
                stack.enter_context(lock)
                whole = self._read()
                self._file = stack.enter_context(path.open("r+b" if whole else "wb"))
                self._file.truncate(whole)
                self._file.seek(whole)
                if not whole:
                    self._write({"schema": SCHEMA})
                self._open = stack.pop_all()
        except Timeout:
            raise RecordError(f"{path}: another process hands over with it; wait for it, or end it") from None
        except OSError as error:
            raise RecordError(f"{error.filename or path}: cannot be written: {error.strerror or error}") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def once(self, job: str, text: str, give: Callable[[bool], str]) -> str:
        """Hand a job over, unless that has been done, and return the receipt.

        Args:
            job: What the job is called where it comes from.
            text: The job.
            give: Hands it over and returns a receipt. It is told whether it was begun before and perhaps came through:
                then it has to find out, or to be something that is done once however often it is called. An error of
                it leaves the job as begun.

        Raises:
            RecordError: Another job was called the same.
        """
        digest = sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        if self._digests.get(job, digest) != digest:
            raise RecordError(
                f"{self.path}: another job was called {job!r}; use a journal for each rainbow, and a new one with it"
            )
        if job in self._receipts:
            return self._receipts[job]
        again = job in self._digests
        if not again:
            self._write({BEGUN: job, "digest": digest})
            self._digests[job] = digest
        receipt = give(again)
        self._write({DONE: job, "receipt": receipt})
        self._receipts[job] = receipt
        return receipt

    def accept(self, job: str) -> None:
        """Note that whoever gave a job knows that it was handed over.

        Raises:
            RecordError: It was not.
        """
        if job not in self._receipts:
            raise RecordError(f"{self.path}: job {job!r} was not handed over, and cannot be accepted")
        if job not in self._accepted:
            self._write({ACCEPTED: job})
            self._accepted.add(job)

    @property
    def receipts(self) -> Mapping[str, str]:
        """The receipts of all jobs that were handed over, in that order."""
        return dict(self._receipts)

    @property
    def owed(self) -> list[str]:
        """The jobs that were handed over and not accepted, in that order."""
        return [job for job in self._receipts if job not in self._accepted]

    def _write(self, entry: Mapping[str, str]) -> None:
        self._file.write(json.dumps(entry).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def _read(self) -> int:
        """Read what is there, and return how many bytes of it are whole lines."""
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return 0
        whole = content.rfind(b"\n") + 1  # a kill cut the rest short: what it says had not been done yet
        for number, line in enumerate(content[:whole].splitlines(), 1):
            try:
                self._take(json.loads(line), number)
            except (ValueError, TypeError, KeyError, AttributeError):
                raise RecordError(
                    f"{self.path}: line {number} is none of a handover; keep it to see what was handed over, "
                    f"and begin another"
                ) from None
        return whole

    def _take(self, entry: Mapping[str, str], number: int) -> None:
        if number == 1:
            if entry["schema"] != SCHEMA:
                raise ValueError
        elif BEGUN in entry:
            self._digests[entry[BEGUN]] = entry["digest"]
        elif DONE in entry:
            self._receipts[entry[DONE]] = entry["receipt"]
        else:
            self._accepted.add(entry[ACCEPTED])
