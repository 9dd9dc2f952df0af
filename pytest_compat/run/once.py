"""Running each level once, however many processes ask for it."""

from __future__ import annotations

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from pytest_compat.records import LevelRun


class Once:
    """Results by key: computed by the first to ask, handed to all others.

    Cases of one level may be spread over several workers, and a level submitted by each of them would be several
    measurements under one name. So the first worker to need it runs it under a lock and leaves the result in a folder
    they share. A worker that is killed loses its lock with its life, and the next one starts over.

    Args:
        folder: Shared by all processes of a session; None when there is only this one.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._known: dict[str, LevelRun] = {}

    def get(self, key: str, compute: Callable[[], LevelRun]) -> LevelRun:
        """Return the result for a key; what `compute` raises is raised, and nothing is kept."""
        if key not in self._known:
            self._known[key] = compute() if self._folder is None else self._shared(self._folder, key, compute)
        return self._known[key]

    @staticmethod
    def _shared(folder: Path, key: str, compute: Callable[[], LevelRun]) -> LevelRun:
        from filelock import FileLock

        folder.mkdir(parents=True, exist_ok=True)
        stem = sha256(key.encode()).hexdigest()[:24]
        path = folder / f"{stem}.json"
        with FileLock(folder / f"{stem}.lock"):
            if path.exists():
                return LevelRun.from_plain(json.loads(path.read_text(encoding="utf-8")))
            run = compute()
            partial = path.with_suffix(".partial")
            partial.write_text(json.dumps(run.plain()), encoding="utf-8")
            partial.replace(path)
            return run
