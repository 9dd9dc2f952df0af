"""One exception class per phase, all of them a CompatError.

A message says what is wrong, where, and what to do about it; nothing here is raised without all three.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from reprlib import Repr

MOST = 1000
"""Names that a message lists."""

LONGEST = 80
"""Characters of a name or value that a message shows: enough to find it, whatever a client sent."""


class CompatError(Exception):
    """Anything pytest-compat raises on purpose."""


class DeclarationError(CompatError):
    """Something people write (YAML, JGF, a jobspec, a level) is not what it has to be.

    Args:
        problem: What was found and what was expected, with the remedy where there is one.
        source: The file or message it stands in.
        path: Where inside it, dotted (`resources.lammps.with[0].count`).
    """

    def __init__(self, problem: str, *, source: str = "", path: str = "") -> None:
        super().__init__(problem, source, path)
        self.problem = problem
        self.source = source
        self.path = path

    def __str__(self) -> str:
        return ": ".join(part for part in (self.source, self.path, self.problem) if part)

    def within(self, source: str) -> DeclarationError:
        """Return the same error with the file it was found in, unless it names one already."""
        return type(self)(self.problem, source=self.source or source, path=self.path)


class LevelError(DeclarationError):
    """A compatibility level that the experiment does not know."""


class GraphError(DeclarationError):
    """A resource or subsystem graph that cannot be a cluster's."""


class JobspecError(DeclarationError):
    """A jobspec that does not say what it asks for."""


class SchedulerError(CompatError):
    """The scheduler under test refused or failed one call."""


class SchedulerUnavailable(SchedulerError):
    """The scheduler under test cannot be reached any more; further calls are pointless."""


class RecordError(CompatError):
    """Records that contradict one another, or that no measurement can have made."""


class ReportError(CompatError):
    """A stored report that is none, or reports that do not belong together."""


def known(what: str, name: str, names: Iterable[str]) -> str:
    """Return `unknown WHAT 'NAME'`, the nearest of `names` and all of them, for an error message."""
    listed = [each[:LONGEST] for each in names]
    folded = {each.casefold(): each for each in reversed(listed[:MOST])}
    near = [folded[each] for each in get_close_matches(name[:LONGEST].casefold(), folded, n=1, cutoff=0.5)]
    hint = f", did you mean {near[0]!r}?" if near else ""
    more = f" and {len(listed) - MOST} more" if len(listed) > MOST else ""
    return f"unknown {what} {brief(name)}{hint} (known: {', '.join(listed[:MOST]) or 'none'}{more})"


def brief(value: object) -> str:
    """Return a short text of any value for an error message.

    The built-in repr is no choice for what clients send: it writes out what YAML aliases share, and fails on integers
    of more than 4300 digits.
    """
    return _BRIEF.repr(value)


def printable(text: str) -> str:
    """Return the text with control characters and half surrogates escaped: others' words go to terminals and files."""
    escaped = _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)
    return escaped.encode("utf-8", "backslashreplace").decode("utf-8")


_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class _Brief(Repr):
    def __init__(self) -> None:
        super().__init__()
        self.maxlevel, self.maxstring, self.maxother, self.maxlong = 2, LONGEST, LONGEST, LONGEST

    def repr_int(self, x: int, level: int) -> str:
        return f"a number of {x.bit_length()} bits" if x.bit_length() > 256 else repr(x)


_BRIEF = _Brief()
