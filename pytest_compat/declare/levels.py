"""Compatibility levels: from what `--compat-level` or an experiment says to the requirements a scheduler is shown."""

from __future__ import annotations

import fnmatch
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from pytest_compat.errors import DeclarationError, LevelError, known
from pytest_compat.model import EACH, Jobspec, Level

NONE = "none"
DEFAULT_LEVELS = (NONE, "prefix")
GROUPS = ("none", "single", "prefix", "subsets", "all")
MAX_SUBSETS = 12
"""Subsystems up to which `subsets` (two to their number) is something one can want to run."""


@dataclass(frozen=True)
class Levels:
    """The levels of one experiment.

    Args:
        order: The subsystems, in the order in which levels add them.
        attributes: Every `subsystem:field` that a job requires.
        named: Levels with a name of their own.
        published: What the group `all` stands for, as (names of) levels and groups; never `all`.
    """

    order: tuple[str, ...]
    attributes: frozenset[str] = frozenset()
    named: Mapping[str, Level] = field(default_factory=dict)
    published: tuple[str, ...] = (NONE, "prefix")

    def resolve(self, specs: Iterable[str]) -> list[Level]:
        """Return the levels that some specs stand for, each once, in the order of the specs.

        Args:
            specs: Names of levels, `+`-joined subsystems (in any order), or groups. Each may hold several,
                separated by commas.

        Raises:
            LevelError: One is unknown; the error names the known ones and the nearest.
        """
        found: dict[str, Level] = {}
        for spec in specs:
            for part in spec.split(","):
                for level in self._expand(part.strip()):
                    found.setdefault(level.name, level)
        return list(found.values())

    def canonical(self, name: str) -> str:
        """Return the name under which a level is recorded: its subsystems in the declared order.

        Raises:
            LevelError: It is unknown, or a group.
        """
        levels = list(self._expand(name))
        if len(levels) != 1:
            raise LevelError(f"{name!r} stands for {len(levels)} levels, expected one")
        return levels[0].name

    def _expand(self, part: str) -> Iterator[Level]:
        if part in self.named:
            yield self.named[part]
        elif part == "all":
            yield from self.resolve(self.published)
        elif part == NONE:
            yield Level(NONE)
        elif part == "single":
            yield from (self.joined([name]) for name in self.order)
        elif part == "prefix":
            yield from (self.joined(self.order[:length]) for length in range(1, len(self.order) + 1))
        elif part == "subsets":
            if len(self.order) > MAX_SUBSETS:
                raise LevelError(
                    f"'subsets' of {len(self.order)} subsystems are {2 ** len(self.order)} levels, expected at most "
                    f"{MAX_SUBSETS} subsystems; name the levels you want"
                )
            for length in range(len(self.order) + 1):
                yield from (self.joined(some) for some in combinations(self.order, length))
        elif part in self.order:  # there are packages called gtk+
            yield self.joined([part])
        else:
            yield self.joined([name.strip() for name in part.split("+")], part)

    def joined(self, names: Sequence[str], spec: str = "") -> Level:
        """Return the level that reveals some subsystems and attributes.

        Raises:
            LevelError: One is unknown; the error names `spec` or else that one.
        """
        for name in names:
            if name not in self.order and name not in self.attributes:
                raise LevelError(known("level", spec or name, self.names()))
        places = {name: place for place, name in enumerate(self.order)}
        reveals = sorted(set(names), key=lambda name: (places.get(name.partition(":")[0], len(places)), name))
        return Level("+".join(reveals) or NONE, tuple(reveals))

    def names(self) -> list[str]:
        """Return every level there is a name for, for people to choose from."""
        return list(dict.fromkeys([*GROUPS, *self.named, *self.published, *self.order]))


def build_levels(document: Mapping[str, Any], jobs: Iterable[Jobspec], names: Collection[str]) -> Levels:
    """Return the levels of an experiment.

    Args:
        document: The experiment, which fits its schema.
        jobs: All jobs it could be about, which say what there is to reveal.
        names: Those that it is about.

    Raises:
        DeclarationError: The order or a level names what no job requires, or a level jobs that there are not.
    """
    requirements = [requirement for job in jobs for requirement in job.requirements()]
    required = dict.fromkeys(each.subsystem for each in requirements)
    attributes = frozenset(f"{each.subsystem}:{each.field}" for each in requirements)
    order = tuple(document.get("order", required))
    for subsystem in order:
        if subsystem in GROUPS:
            raise DeclarationError(f"found a subsystem called {subsystem!r}, which levels are called", path="order")
        if subsystem not in required:
            raise DeclarationError(known("subsystem", subsystem, required), path="order")
    for subsystem in required:
        if subsystem not in order:
            raise DeclarationError(f"found no {subsystem!r}, which jobs require", path="order")
    plain = Levels(order, attributes)
    own: dict[str, Level] = {}
    published: list[str] = []
    for number, entry in enumerate(document.get("levels", DEFAULT_LEVELS)):
        place = f"levels[{number}]"
        try:
            if isinstance(entry, str):
                if "all" in (name.strip() for name in entry.split(",")):
                    raise LevelError("found 'all', which is what this list declares")
                plain.resolve([entry])
                published.append(entry)
                continue
            ((name, said),) = entry.items()
            if name in own or name in GROUPS or name in order:
                raise LevelError(f"found {name!r}, a name that is taken")
            about: dict[str, Any] = {"reveals": said} if isinstance(said, list) else said
            taking_part = named(sorted(names), about["jobs"], f"{place}.{name}.jobs") if "jobs" in about else None
            own[name] = Level(name, plain.joined(about["reveals"]).reveals, taking_part, about.get("draw", EACH))
            published.append(name)
        except LevelError as error:
            raise LevelError(error.problem, path=place) from None
    return Levels(order, attributes, own, tuple(published))


def named(names: Sequence[str], patterns: Iterable[str], path: str) -> frozenset[str]:
    """Return the names that some patterns (as in a shell) stand for.

    Raises:
        DeclarationError: A pattern stands for none.
    """
    found: set[str] = set()
    for pattern in patterns:
        matching = fnmatch.filter(names, pattern)
        if not matching:
            raise DeclarationError(known("job", pattern, names), path=path)
        found.update(matching)
    return frozenset(found)
