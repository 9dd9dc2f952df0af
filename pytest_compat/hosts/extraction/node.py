"""What was found on one node, and the file that carries it to where the cluster is put together."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from pytest_compat.declare.jgf import load_json
from pytest_compat.declare.reading import expect, read_text
from pytest_compat.errors import DeclarationError, brief

SCHEMA = "pytest-compat/node/1"

MOST_CORES = 100_000
MOST_GPUS = 1_000
"""Bounds on what a node file may say a node has."""

_expect = partial(expect, DeclarationError)


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that was seen.

    Args:
        field: What it is, for a subsystem the name of its attribute.
        value: Its value.
        origin: The file or command it was read from.
    """

    field: str
    value: str
    origin: str


Facts = tuple[Fact, ...]
"""The facts of one vertex."""


@dataclass(frozen=True)
class Node:
    """What was found on a node.

    Args:
        host: Its host name.
        sockets: How many cores may be used, by socket.
        memory: MiB that may be used; None when that is not known.
        gpus: How many GPUs there are.
        resources: Where the three come from.
        subsystems: The vertices of each subsystem graph.
        notes: What could not be seen, and what was left out.
    """

    host: str
    sockets: tuple[int, ...]
    memory: int | None
    gpus: int
    resources: Facts
    subsystems: Mapping[str, tuple[Facts, ...]]
    notes: tuple[str, ...] = ()


def render_node(node: Node) -> str:
    """Return a node as the text of its file."""
    return json.dumps({"schema": SCHEMA, **asdict(node)}, indent=1) + "\n"


def read_node(path: Path) -> Node:
    """Read the file of a node.

    Raises:
        DeclarationError: It is missing or is no such file; with its name and the place inside it.
    """
    text = read_text(path)
    try:
        return parse_node(text)
    except DeclarationError as error:
        raise DeclarationError(error.problem, source=str(path), path=error.path) from None


def parse_node(text: str) -> Node:
    """Return the node that the text of a file describes.

    Raises:
        DeclarationError: It describes none; with the place inside it.
    """
    said = _expect(load_json(text), dict, "", "an object, as `extract --node` writes it")
    if said.get("schema") != SCHEMA:
        raise DeclarationError(f"found {brief(said.get('schema'))}, expected {SCHEMA!r}", path="schema")
    host = _expect(said.get("host"), str, "host", "the name of the host")
    if not host:
        raise DeclarationError("found nothing, expected the name of the host", path="host")
    listed = _expect(said.get("sockets"), list, "sockets", "a list of counts of cores")
    sockets = tuple(_count(cores, f"sockets[{number}]", MOST_CORES) for number, cores in enumerate(listed))
    if sum(sockets) > MOST_CORES:
        raise DeclarationError(f"found {sum(sockets)} cores, expected {MOST_CORES} at most", path="sockets")
    graphs = _expect(said.get("subsystems"), dict, "subsystems", "an object of lists of vertices")
    return Node(
        host,
        sockets,
        None if said.get("memory") is None else _count(said["memory"], "memory", 2**50),
        _count(said.get("gpus"), "gpus", MOST_GPUS),
        _facts(said.get("resources"), "resources"),
        {_named(name): _vertices(vertices, f"subsystems.{name}") for name, vertices in graphs.items()},
        tuple(
            _expect(note, str, f"notes[{number}]", "a string")
            for number, note in enumerate(_expect(said.get("notes"), list, "notes", "a list of strings"))
        ),
    )


def _named(subsystem: str) -> str:
    if not subsystem or subsystem.startswith(".") or not subsystem.replace(".", "").replace("-", "").isidentifier():
        # It becomes the name of a file.
        raise DeclarationError(f"found {brief(subsystem)}, expected the name of a subsystem", path="subsystems")
    return subsystem


def _vertices(vertices: object, place: str) -> tuple[Facts, ...]:
    listed = _expect(vertices, list, place, "a list of vertices")
    return tuple(_facts(facts, f"{place}[{number}]") for number, facts in enumerate(listed))


def _facts(facts: object, place: str) -> Facts:
    listed = _expect(facts, list, place, "a list of facts")
    return tuple(_fact(fact, f"{place}[{number}]") for number, fact in enumerate(listed))


def _fact(fact: object, place: str) -> Fact:
    said: dict[str, Any] = _expect(fact, dict, place, "an object with `field`, `value` and `origin`")
    return Fact(*(_expect(said.get(key), str, f"{place}.{key}", "a string") for key in ("field", "value", "origin")))


def _count(value: object, place: str, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
        raise DeclarationError(f"found {brief(value)}, expected a whole number from 0 to {most}", path=place)
    return value
