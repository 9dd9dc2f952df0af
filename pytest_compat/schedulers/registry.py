"""From what `--compat-scheduler` says to a scheduler."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pytest_compat.errors import DeclarationError, known
from pytest_compat.rainbow import DEFAULT_SECRET
from pytest_compat.schedulers.protocol import Scheduler

_ADDRESS = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):(?P<port>[0-9]{1,5})")


@dataclass(frozen=True)
class SchedulerOptions:
    """Which scheduler to measure, and how to reach it.

    Args:
        name: `rainbow` (an embedded server, started for the run), `reference` (in process), HOST:PORT of a rainbow
            that runs elsewhere, or the name of a third party's.
        secret: The registration secret, for an address.
        others: Third parties' schedulers by name, each a callable that makes one.
    """

    name: str = "rainbow"
    secret: str = field(default=DEFAULT_SECRET, repr=False)
    others: Mapping[str, Callable[[], Scheduler]] = field(default_factory=dict)

    @property
    def is_address(self) -> bool:
        """True for HOST:PORT."""
        return _ADDRESS.fullmatch(self.name) is not None

    def check(self) -> None:
        """Raise DeclarationError unless the name stands for a scheduler."""
        names = ["rainbow", "reference", *self.others]
        found = _ADDRESS.fullmatch(self.name)
        if found is None and self.name not in names:
            raise DeclarationError(f"{known('scheduler', self.name, names)}; an address is HOST:PORT")
        if found is not None and not 0 < int(found["port"]) < 65536:
            raise DeclarationError(f"found port {found['port']} in {self.name!r}, expected 1 to 65535")


def create_scheduler(options: SchedulerOptions) -> Scheduler:
    """Return the scheduler, not yet opened.

    Raises:
        DeclarationError: There is none of that name.
    """
    options.check()
    if options.name in options.others:
        return options.others[options.name]()
    if options.name == "reference":
        from pytest_compat.schedulers.reference import ReferenceScheduler

        return ReferenceScheduler()
    from pytest_compat.schedulers.rainbow import EmbeddedRainbow, RainbowScheduler

    if options.is_address:
        return RainbowScheduler(options.name, secret=options.secret)
    return EmbeddedRainbow()
