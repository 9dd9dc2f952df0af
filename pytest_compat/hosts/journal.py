"""The journal of a measurement: every run as it ends, a line each, so that a killed one goes on where it was."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from pytest_compat.errors import RecordError
from pytest_compat.hosts.machine import IDENTITY
from pytest_compat.hosts.plan import Plan
from pytest_compat.hosts.trial import Run

SCHEMA = "pytest-compat/measure/1"
NAME = "journal.jsonl"


class Journal:
    """What has been measured so far.

    Args:
        path: Its file; read when it is there, begun when it is not.
        plan: What is measured.
        machine: Name of the machine.

    Raises:
        RecordError: The file belongs to another plan or machine, or is no journal.
    """

    def __init__(self, path: Path, plan: Plan, machine: str) -> None:
        self.path = path
        self.environments: list[dict[str, Any]] = []
        self.runs: dict[tuple[str, str, int], Run] = {}
        header = {"schema": SCHEMA, "plan": plan.name, "digest": plan.digest, "machine": machine}
        whole = self._read(header)
        self._file: IO[bytes] = path.open("r+b" if whole else "wb")
        self._file.truncate(whole)
        self._file.seek(whole)
        if not whole:
            self._write(header)

    def begin(self, environment: Mapping[str, Any]) -> None:
        """Write down what the runs that follow are made on.

        Raises:
            RecordError: It is not what those before were made on.
        """
        for earlier in self.environments[:1]:
            for key in IDENTITY:
                if earlier.get(key) != environment[key]:
                    raise RecordError(
                        f"{self.path}: {key} was {earlier.get(key)!r} and is {environment[key]!r}; times of two "
                        f"environments are two tables: measure into another folder"
                    )
        self.environments.append(dict(environment))
        self._write({"environment": self.environments[-1]})

    def add(self, run: Run) -> None:
        """Write down a run; it is on disk when this returns."""
        self.runs[run.key] = run
        self._write({"run": asdict(run)})

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _write(self, entry: Mapping[str, Any]) -> None:
        self._file.write(json.dumps(entry).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def _read(self, header: Mapping[str, Any]) -> int:
        """Read what is there, and return how many bytes of it are whole lines."""
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return 0
        whole = content.rfind(b"\n") + 1  # what a kill cut short is measured again
        for number, line in enumerate(content[:whole].splitlines(), 1):
            try:
                entry = json.loads(line)
                if number == 1:
                    self._check(entry, header)
                elif "environment" in entry:
                    self.environments.append(entry["environment"])
                else:
                    run = Run(**entry["run"])
                    self.runs[run.key] = run
            except (ValueError, TypeError, KeyError, AttributeError):
                raise RecordError(
                    f"{self.path}: line {number} is none of a journal; measure into another folder"
                ) from None
        return whole

    def _check(self, found: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
        what = {
            "schema": "was written by another version",
            "plan": "belongs to another plan",
            "machine": "belongs to another machine",
            "digest": "belongs to an earlier state of this plan, which has changed since (in more than its `repeats`)",
        }
        for key, problem in what.items():
            if found.get(key) != expected[key]:
                raise RecordError(
                    f"{self.path} {problem}: found {key} {found.get(key)!r}, expected {expected[key]!r}; "
                    f"measure into another folder, or remove this one to begin anew"
                )


@contextmanager
def open_journal(folder: Path, plan: Plan, machine: str) -> Iterator[Journal]:
    """Open the journal of a folder, which is made if need be; nobody else has it meanwhile.

    Raises:
        RecordError: Someone has it, it belongs to something else, or the folder cannot be used.
    """
    from filelock import FileLock, Timeout

    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / ".lock", timeout=0):
            journal = Journal(folder / NAME, plan, machine)
            try:
                yield journal
            finally:
                journal.close()
    except Timeout:
        raise RecordError(f"{folder}: another process measures into it; wait for it, or use another folder") from None
    except OSError as error:
        raise RecordError(f"{error.filename or folder}: cannot be written: {error.strerror or error}") from None
