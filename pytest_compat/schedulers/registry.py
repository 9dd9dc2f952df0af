"""From what `--compat-scheduler` and its companions say to a scheduler."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_compat.errors import DeclarationError, known
from pytest_compat.rainbow import DEFAULT_SECRET
from pytest_compat.schedulers.protocol import CALL_SECONDS, Scheduler

if TYPE_CHECKING:
    from pytest_compat.schedulers.tls import Tls

EMBEDDED = "rainbow"
BINARY = "rainbow-binary"
REFERENCE = "reference"

_ADDRESS = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):(?P<port>[0-9]{1,5})")


@dataclass(frozen=True)
class SchedulerOptions:
    """Which scheduler to measure, and how to reach it.

    Args:
        name: `rainbow` (an embedded server, started for the run), `rainbow-binary` (a server started for the run from
            `binary`), `reference` (in process), HOST:PORT of a rainbow that runs elsewhere, or the name of a third
            party's.
        secret: The registration secret, for an address.
        token: Submit with this token, for an address; None for those that registration returned.
        tls: Certificates, for an address; None for plain text.
        binary: A server of the user's own, for `rainbow-binary`.
        timeout: Seconds that one call to a rainbow may take, more than 0.
        others: Third parties' schedulers by name, each a callable that makes one.
    """

    name: str = EMBEDDED
    secret: str = field(default=DEFAULT_SECRET, repr=False)
    token: str | None = field(default=None, repr=False)
    tls: Tls | None = None
    binary: Path | None = None
    timeout: float = CALL_SECONDS
    others: Mapping[str, Callable[[], Scheduler]] = field(default_factory=dict)

    @property
    def is_address(self) -> bool:
        """True for HOST:PORT."""
        return _ADDRESS.fullmatch(self.name) is not None

    @property
    def starts_server(self) -> bool:
        """True for a server of this run's own, which can be replaced when it is lost."""
        return self.name in (EMBEDDED, BINARY)

    def check(self) -> None:
        """Raise DeclarationError unless this stands for a scheduler; its path is the option to blame."""
        names = [EMBEDDED, BINARY, REFERENCE, *self.others]
        found = _ADDRESS.fullmatch(self.name)
        if found is None and self.name not in names:
            raise DeclarationError(f"{known('scheduler', self.name, names)}; an address is HOST:PORT", path="scheduler")
        if found is not None and not 0 < int(found["port"]) < 65536:
            raise DeclarationError(
                f"found port {found['port']} in {self.name!r}, expected 1 to 65535", path="scheduler"
            )
        if not (isfinite(self.timeout) and self.timeout > 0):
            raise DeclarationError(
                f"found {self.timeout:g}, expected a number of seconds above 0", path="scheduler-timeout"
            )
        if self.tls is not None:
            self.tls.check()
        self._check_binary()

    def _check_binary(self) -> None:
        if self.binary is None:
            if self.name == BINARY:
                raise DeclarationError(
                    f"found {BINARY} and no server to start, expected its path as --compat-rainbow-binary",
                    path="scheduler",
                )
            return
        problem = ""
        if self.name != BINARY:
            problem = f"found also --compat-scheduler={self.name}, expected one of the two"
        elif not self.binary.is_file():
            problem = f"found no file {self.binary}, expected the path of a rainbow server"
        elif not os.access(self.binary, os.X_OK):
            problem = f"{self.binary} is not executable, expected a rainbow server (chmod +x makes it one that can run)"
        if problem:
            raise DeclarationError(problem, path="rainbow-binary")


def create_scheduler(options: SchedulerOptions) -> Scheduler:
    """Return the scheduler, not yet opened.

    Raises:
        DeclarationError: There is none of that name, or it cannot be reached this way.
    """
    options.check()
    if options.name in options.others:
        scheduler = options.others[options.name]()
        methods = ("open", "candidates", "submit", "receive", "close")
        if missing := [name for name in methods if not callable(getattr(scheduler, name, None))]:
            raise DeclarationError(
                f"{type(scheduler).__name__}, which stands for the scheduler {options.name!r}, has no method "
                f"{', '.join(missing)}; expected those of pytest_compat.Scheduler"
            )
        return scheduler
    if options.name == REFERENCE:
        from pytest_compat.schedulers.reference import ReferenceScheduler

        return ReferenceScheduler()
    from pytest_compat.schedulers.rainbow import EmbeddedRainbow, RainbowScheduler

    if options.is_address:
        return RainbowScheduler(
            options.name, secret=options.secret, token=options.token, tls=options.tls, timeout=options.timeout
        )
    if options.binary is not None:
        from pytest_compat.schedulers.binary import BinaryRainbow

        return BinaryRainbow(options.binary, timeout=options.timeout)
    return EmbeddedRainbow(timeout=options.timeout)
