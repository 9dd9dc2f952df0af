"""Commands with placeholders. No shell has a part in it: an argument stays one, whatever it holds."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from pytest_compat.errors import DeclarationError, brief, known

_PART = re.compile(r"\{\{|\}\}|\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)\}|(?P<brace>[{}])")

Parameters = Mapping[str, str | Sequence[str]]
"""What placeholders stand for: a text, or any number of arguments."""


def fill_command(template: Sequence[str], parameters: Parameters, path: str) -> tuple[str, ...]:
    """Return the arguments of a command.

    A placeholder that is all of an argument may stand for several arguments, or for none.

    Args:
        template: The arguments; `{name}` is a placeholder, `{{` and `}}` are braces.
        parameters: What they stand for.
        path: Where the template stands, for errors.

    Raises:
        DeclarationError: A placeholder is unknown, stands for a list inside an argument, or a brace is left alone.
    """
    arguments: list[str] = []
    for place, argument in enumerate(template):
        whole = _PART.fullmatch(argument)
        value = parameters.get(whole["name"]) if whole and whole["name"] else None
        if value is not None and not isinstance(value, str):
            arguments += value
        else:
            arguments.append(fill(argument, parameters, f"{path}[{place}]"))
    return tuple(arguments)


def fill(template: str, parameters: Parameters, path: str) -> str:
    """Return a text with its placeholders filled in.

    Raises:
        DeclarationError: As `fill_command`.
    """

    def replacement(part: re.Match[str]) -> str:
        if part["brace"]:
            raise DeclarationError(
                f"found {part['brace']!r} by itself in {brief(template)}, expected {{name}}; double it to mean a brace",
                path=path,
            )
        name = part["name"]
        if name is None:
            return part[0][0]
        if name not in parameters:
            raise DeclarationError(known("parameter", name, parameters), path=path)
        value = parameters[name]
        if not isinstance(value, str):
            raise DeclarationError(
                f"found {{{name}}}, which stands for a list, inside {brief(template)}; expected it as an argument of "
                f"its own",
                path=path,
            )
        return value

    return _PART.sub(replacement, template)


def placeholders(template: str) -> Iterator[str]:
    """Yield the names of the placeholders in a text."""
    return (part["name"] for part in _PART.finditer(template) if part["name"])
