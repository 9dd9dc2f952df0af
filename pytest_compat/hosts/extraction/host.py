"""The host that probes look at: its files below a root, and the commands on its PATH."""

from __future__ import annotations

import os
import platform
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pytest_compat.errors import CompatError
from pytest_compat.hosts.process import run_command

COMMAND_SECONDS = 20.0
"""Seconds that a command may take: tools of GPUs need a few when their driver sleeps."""

NEUTRAL = {"LC_ALL": "C", "LANGUAGE": "C"}
"""What commands say must not depend on the locale."""

_APART = 'exec "$@" >out 2>err'

Note = Callable[[str], None]
"""Takes what a probe has to say beside its facts: what it could not see, and what it left out."""


class ProbeError(CompatError):
    """A probe cannot see what it looks for. It is left out, and the message becomes a note."""


@dataclass(frozen=True)
class Host:
    """A Linux host.

    Args:
        name: Its host name.
        machine: Its architecture as `uname -m` has it.
        cpus: Ids of the hardware threads that this process may use; None when that is not known.
        root: What its files lie below.
        env: The environment that commands are looked up and run in.
    """

    name: str
    machine: str
    cpus: frozenset[int] | None = None
    root: Path = Path("/")
    env: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def here(cls) -> Host:
        """Return the host that this runs on."""
        cpus = frozenset(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None
        return cls(platform.node(), platform.machine(), cpus, env=dict(os.environ))

    def path(self, path: str) -> Path:
        """Return the place of an absolute path below the root."""
        return self.root / path.lstrip("/")

    def read(self, path: str) -> str:
        """Return a file's text.

        Raises:
            ProbeError: It cannot be read.
        """
        try:
            return self.path(path).read_text(encoding="utf-8", errors="replace")
        except (OSError, ValueError) as error:
            raise ProbeError(f"{path}: {getattr(error, 'strerror', None) or error}") from None

    def which(self, command: str) -> str | None:
        """Return the executable that PATH leads to, None when there is none."""
        return shutil.which(command, path=self.env.get("PATH", ""))

    def ask(self, *command: str, seconds: float = COMMAND_SECONDS) -> str:
        """Return what a command writes to standard output.

        Args:
            command: The executable and its arguments.
            seconds: How long it may take; what it started is killed with it.

        Raises:
            ProbeError: It is not there, takes too long or fails; with the last line of what it said.
        """
        said = " ".join(command)
        executable = self.which(command[0])
        if executable is None:
            raise ProbeError(f"{command[0]}: not on PATH")
        with tempfile.TemporaryDirectory(prefix="pytest-compat-", ignore_cleanup_errors=True) as folder:
            # A warning on standard error is no part of a JSON document on standard output.
            apart = ["/bin/sh", "-c", _APART, "sh", executable, *command[1:]]
            ended = run_command(apart, {**self.env, **NEUTRAL}, Path(folder), seconds)
            out, err = (_text(Path(folder, name)) for name in ("out", "err"))
        if ended.timed_out:
            raise ProbeError(f"{said}: no end within {seconds:g} seconds")
        if ended.status != 0:
            lines = [line.strip() for line in f"{out}\n{err}".splitlines() if line.strip()]
            raise ProbeError(f"{said}: exit status {ended.status}{f' ({lines[-1][:200]})' if lines else ''}")
        return out


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
