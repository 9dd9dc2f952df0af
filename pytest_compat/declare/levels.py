"""Compatibility levels: from what `--compat-level` or an experiment says to the requirements a scheduler is shown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from pytest_compat.errors import LevelError, known
from pytest_compat.model import Level

NONE = "none"
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
