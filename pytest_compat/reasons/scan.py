"""The lines of a log that say something, found without looking at the others one by one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from operator import attrgetter

from pytest_compat.reasons.rules import Rule, Rules

BLOCK = 1 << 18
"""Bytes looked at in one go, at least; a block ends where a line does."""

LONGEST_LINE = 1 << 20
"""Bytes after which a line that has not ended is cut: what has no line ends is no text."""

MAX_SHOWN = 500
"""Characters of a line that are kept."""

BEFORE, BEHIND = 300, 3000
"""Bytes of a line before and behind the first text found in it that rules are held to: time grows with the square."""

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")


_RANK = attrgetter("rank", "kind")


@dataclass(frozen=True)
class Hit:
    """A line that some rules may speak of.

    Args:
        number: Its number, from 1.
        line: It, without terminal escapes and control characters; of a very long one what is near the text found.
        rules: The rules one of whose texts it has, by their rank.
    """

    number: int
    line: str
    rules: tuple[Rule, ...]


class Scan:
    """The lines of a log that say something.

    Args:
        chunks: The log, in pieces of any size.
        rules: What is looked for.
    """

    def __init__(self, chunks: Iterable[bytes], rules: Rules) -> None:
        self.last, self.last_number = "", 0
        """The last line that is not blank, and its number; 0 when there is none."""
        self._chunks, self._rules = chunks, rules

    def __iter__(self) -> Iterator[Hit]:
        number = 1
        for block in _blocks(self._chunks):
            # A log in colour has escapes inside what is looked for.
            plain = _uncoloured(block) if b"\x1b" in block else block
            yield from self._hits(plain, number)
            self._remember(plain, number)
            number += plain.count(b"\n")

    def _hits(self, block: bytes, number: int) -> Iterator[Hit]:
        found: dict[int, set[Rule]] = {}
        first: dict[int, int] = {}
        for place, text in self._rules.finder.find(block):
            start = block.rfind(b"\n", 0, place) + 1
            found.setdefault(start, set()).update(self._rules.by_text[text])
            first[start] = min(place, first.get(start, place))
        before = 0
        for start in sorted(found):
            number += block.count(b"\n", before, start)
            before = start
            end = block.find(b"\n", start)
            line = block[start : end if end >= 0 else len(block)]
            if len(line) > BEFORE + BEHIND:
                place = first[start] - start
                line = line[max(0, place - BEFORE) : place + BEHIND]
            yield Hit(number, clean(line), tuple(sorted(found[start], key=_RANK)))

    def _remember(self, block: bytes, number: int) -> None:
        text = block.rstrip()
        if text:
            start = text.rfind(b"\n") + 1
            self.last, self.last_number = clean(text[start : start + BEHIND])[:MAX_SHOWN], number + text.count(b"\n")


def clean(line: bytes) -> str:
    """Return a line as text: invalid bytes replaced, terminal escapes and control characters taken out."""
    return _CONTROLS.sub("", _ESCAPES.sub("", line.decode("utf-8", "replace"))).strip("\n")


def _uncoloured(block: bytes) -> bytes:
    return _ESCAPES.sub("", block.decode("latin-1")).encode("latin-1")


def _blocks(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Put chunks together, or take them apart, so that each ends where a line does."""
    parts: list[bytes] = []
    size = 0
    for chunk in chunks:
        for start in range(0, len(chunk), LONGEST_LINE):
            part = chunk[start : start + LONGEST_LINE]
            parts.append(part)
            size += len(part)
            if size < BLOCK:
                continue
            whole = b"".join(parts)
            end = whole.rfind(b"\n") + 1
            if not end and size >= LONGEST_LINE:
                end = size
            if end:
                yield whole[:end]
                whole = whole[end:]
            parts, size = [whole], len(whole)
    if size:
        yield b"".join(parts)
