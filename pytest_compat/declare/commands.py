"""What a task of a jobspec runs, as the words that a program is started with."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import PurePosixPath
from typing import Any, NoReturn

from pytest_compat.declare.reading import expect
from pytest_compat.errors import JobspecError, brief, known

MAX_WORD = 2**17 - 1
"""Bytes of one word: what Linux passes to a program (MAX_ARG_STRLEN, with the byte that ends it)."""

MAX_COMMAND = 2**20
"""Bytes of all words of a command, half of what Linux passes to a program: its environment takes room there too."""

_SHELLS = frozenset({"sh", "ash", "bash", "dash", "ksh", "zsh"})
_STEPS = ("set", "write", "stage", "submit")

_expect = partial(expect, JobspecError)


def words(command: object, place: str) -> tuple[str, ...]:
    """Return the words of a `command`: a list of them, a line that a shell would split, or a script.

    A script begins with `#!` and is handed to the program named there in the arguments: nothing has to be copied to
    the nodes that it runs on.

    Raises:
        JobspecError: It has no words, or some that no program can be started with.
    """
    if isinstance(command, str):
        found = script_words(command, place) if command.lstrip().startswith("#!") else _split(command, place)
    else:
        found = [
            _expect(word, str, f"{place}[{number}]", "a string")
            for number, word in enumerate(_expect(command, list, place, "a list of strings"))
        ]
    if not found:
        _fail(place, "found no words, expected at least one")
    if not found[0] or found[0].startswith("-") or "=" in found[0]:  # an option or a variable to launchers
        _fail(f"{place}[0]", f"found {brief(found[0])}, expected a program")
    for number, word in enumerate(found):
        check_word(word, f"{place}[{number}]")
    size = sum(len(word.encode()) + 1 for word in found)
    if size > MAX_COMMAND:
        _fail(place, f"found {size} bytes, expected {MAX_COMMAND} at most, which programs can be passed")
    return tuple(found)


def check_word(word: str, place: str) -> None:
    """Refuse what cannot be passed to a program.

    Raises:
        JobspecError: It has a NUL or half a surrogate in it, or more than MAX_WORD bytes.
    """
    try:
        size = len(word.encode())
    except UnicodeEncodeError:
        _fail(place, f"found {brief(word)}, expected text that UTF-8 has bytes for")
    if "\0" in word:
        _fail(place, f"found {brief(word)}, expected text without a NUL")
    if size > MAX_WORD:
        _fail(place, f"found {size} bytes, expected {MAX_WORD} at most, which is all that programs are passed")


def script_words(script: str, place: str) -> list[str]:
    """Return the words that run a script without a file of its own.

    Raises:
        JobspecError: It names no program that takes a script in its arguments.
    """
    script = script.lstrip()
    first, _, _ = script.partition("\n")
    program = _split(first.removeprefix("#!"), place) if first.startswith("#!") else []
    names = [PurePosixPath(word).name for word in program]
    name = names[1] if names[:1] == ["env"] and len(names) > 1 else "".join(names[:1])
    if name not in _SHELLS and not name.startswith("python"):
        _fail(place, f"found the first line {brief(first)}, expected #! and a shell or Python")
    return [*program, "-c", script]


def _split(line: str, place: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError as error:
        _fail(place, f"found {brief(line)}, expected words that a shell would take ({error})")


def submitted(staging: Mapping[str, Any], task: Mapping[str, Any], place: str) -> Iterator[dict[str, Any]]:
    """Yield a task for every script that the `transform` of an older task submits.

    What it watches has ended before the next is submitted. `set`, `write` and `stage` bring scripts to the nodes,
    where they are already: they are passed in the arguments.

    Args:
        staging: `transform` and `scripts`.
        task: The task without them.
        place: Where it stands.

    Raises:
        JobspecError: A step is unknown, names no script, or none submits one.
    """
    scripts: dict[str, str] = {}
    for number, script in enumerate(_expect(staging.get("scripts") or [], list, f"{place}.scripts", "a list")):
        at = f"{place}.scripts[{number}]"
        _expect(script, dict, at, "an object with `name` and `content`")
        name = _expect(script.get("name"), str, f"{at}.name", "a string")
        scripts[name] = _expect(script.get("content"), str, f"{at}.content", "a string")
    before: list[str] = []
    count = 0
    steps = _expect(staging.get("transform") or [], list, f"{place}.transform", "a list")
    for number, step in enumerate(steps):
        at = f"{place}.transform[{number}]"
        kind = _expect(_expect(step, dict, at, "an object with `step`").get("step"), str, f"{at}.step", "a string")
        if kind not in _STEPS:
            _fail(f"{at}.step", known("step", kind, _STEPS))
        if kind == "set":
            continue
        file = _expect(step.get("filename"), str, f"{at}.filename", "the name of a script")
        if file not in scripts:
            _fail(f"{at}.filename", known("script", file, scripts))
        if kind == "submit":
            name = f"{task.get('name') or file}{f'-{count}' if count else ''}"
            command = script_words(scripts[file], f"{place}.scripts")
            yield {**task, "name": name, "command": command, "depends_on": list(before)}
            count += 1
            if step.get("watch"):
                before = [name]
    if not count:
        _fail(f"{place}.transform", f"found no step `submit` among {len(steps)}, expected one or more")


def _fail(place: str, problem: str) -> NoReturn:
    raise JobspecError(problem, path=place)
