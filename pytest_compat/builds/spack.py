"""Spack's own spec files: what was built, with which compiler, variants and dependencies.

YAML or JSON, as old releases wrote them, lists of `{name: {...}}`, and newer ones, `nodes` with a `_meta`; compilers
are fields of a package, or from Spack 1.0 on dependencies. Dependencies are all those that can be reached, but for
compilers and what is reached through them alone.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from pytest_compat.builds.format import variants_problem
from pytest_compat.declare.reading import expect, load_yaml, read_text
from pytest_compat.errors import DeclarationError, brief

SUFFIXES = (".json", ".yaml", ".yml")
"""Files of a folder that are read."""

LANGUAGES = ("c", "cxx", "fortran")
"""What compilers provide, the one first that decides which compiler a build is said to have."""

NONE = "none"
"""Compiler and compiler version of a build that needs none."""

FLAGS = ("cflags", "cppflags", "cxxflags", "fflags", "ldflags", "ldlibs")
"""Parameters that are lists of compiler flags; no variants while empty."""

_expect = partial(expect, DeclarationError)


@dataclass(frozen=True)
class Edge:
    """A dependency of a node.

    Args:
        name: The package depended on.
        key: Its hash, empty where there is none.
        types: `build`, `link`, `run`, `test`.
        virtuals: What it provides to the node.
    """

    name: str
    key: str
    types: frozenset[str]
    virtuals: frozenset[str]

    @property
    def compiles(self) -> bool:
        """Whether it is the node's compiler."""
        return not self.virtuals.isdisjoint(LANGUAGES)


@dataclass(frozen=True)
class Node:
    """A package as a spec file has it; `compiler` is None where it is a dependency or there is none."""

    name: str
    version: str
    compiler: tuple[str, str] | None
    parameters: Mapping[str, Any]
    edges: tuple[Edge, ...]
    hashes: tuple[str, ...]


@dataclass(frozen=True)
class Build:
    """A spec.

    Args:
        spec: Its hash; the file's name where the file gives none.
        file: Where it was read.
        package: What was built.
        version: Its version.
        compiler: Name and version of the compiler.
        variants: Its parameters as JSON, sorted, without empty flags.
        dependencies: Version of each dependency, by name, sorted.
        direct: Names of those that the package itself depends on, sorted.
        twice: Dependencies that are there in several versions: the one that is linked or run counts, then the nearest.
    """

    spec: str
    file: Path
    package: str
    version: str
    compiler: tuple[str, str]
    variants: str
    dependencies: Mapping[str, str]
    direct: tuple[str, ...]
    twice: tuple[str, ...] = field(default=())


def find_specs(paths: Sequence[Path]) -> Iterator[Path]:
    """Yield the spec files among files and folders, those of a folder in the order of their names.

    Raises:
        DeclarationError: There is no such file, or a folder has none.
    """
    for path in paths:
        if path.is_dir():
            found = sorted(each for each in path.rglob("*") if each.suffix in SUFFIXES and each.is_file())
            if not found:
                kinds = ", ".join(f"*{suffix}" for suffix in SUFFIXES)
                raise DeclarationError(f"found no spec files, expected {kinds}", source=str(path))
            yield from found
        else:
            yield path


def read_spec(path: Path) -> Build:
    """Read the spec of a file, its first node.

    Raises:
        DeclarationError: It is no concrete spec of Spack; with the file and the place in it.
    """
    text = read_text(path)
    try:
        document = _json(text) if path.suffix == ".json" else load_yaml(text)
        nodes = _nodes(document)
        return _build(nodes, path)
    except DeclarationError as error:
        raise error.within(str(path)) from None


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DeclarationError(f"found no JSON: {error}") from None


def _nodes(document: Any) -> list[Node]:
    spec = _expect(document, dict, "", "a spec of Spack").get("spec")
    if isinstance(spec, dict):
        listed = _expect(spec.get("nodes"), list, "spec.nodes", "a list of packages")
        named = [
            (_text(each, "name", f"spec.nodes[{place}]"), each, f"spec.nodes[{place}]")
            for place, each in enumerate(listed)
        ]
    else:
        listed = _expect(spec, list, "spec", "nodes, or a list of packages")
        named = []
        for place, each in enumerate(listed):
            if not isinstance(each, dict) or len(each) != 1:
                raise DeclarationError(f"found {brief(each)}, expected one package by name", path=f"spec[{place}]")
            ((name, node),) = each.items()
            _expect(name, str, f"spec[{place}]", "the name of a package")
            named.append((name, node, f"spec[{place}].{name}"))
    if not named:
        raise DeclarationError("found no packages, expected the one that was built first", path="spec")
    return [_node(name, node, place) for name, node, place in named]


def _node(name: str, node: Any, place: str) -> Node:
    _expect(node, dict, place, "a package")
    compiler = None
    if (declared := node.get("compiler")) is not None:
        _expect(declared, dict, f"{place}.compiler", "a name and a version")
        compiler = (_text(declared, "name", f"{place}.compiler"), _text(declared, "version", f"{place}.compiler"))
    elif isinstance(annotations := node.get("annotations"), dict) and annotations.get("compiler"):
        called, _, version = _text(annotations, "compiler", f"{place}.annotations").partition("@")
        compiler = (called, version.removeprefix("=") or NONE)
    parameters = _expect(node.get("parameters", {}), dict, f"{place}.parameters", "parameters by name")
    hashes = tuple(
        value for key in ("hash", "full_hash", "build_hash") if isinstance(value := node.get(key), str) and value
    )
    edges = tuple(_edges(node.get("dependencies", []), f"{place}.dependencies"))
    return Node(name, _text(node, "version", place), compiler, parameters, edges, hashes)


def _edges(declared: Any, place: str) -> Iterator[Edge]:
    if isinstance(declared, dict):
        declared = [{"name": name, **_pointer(each, f"{place}.{name}")} for name, each in declared.items()]
    for number, each in enumerate(_expect(declared, list, place, "dependencies")):
        where = f"{place}[{number}]"
        _expect(each, dict, where, "a dependency")
        more = _expect(each.get("parameters", {}), dict, f"{where}.parameters", "deptypes and virtuals")
        types = more.get("deptypes", each.get("type", []))
        virtuals = more.get("virtuals", each.get("virtuals", []))
        yield Edge(
            _text(each, "name", where),
            next((value for key in ("hash", "build_hash", "full_hash") if isinstance(value := each.get(key), str)), ""),
            _names(types, f"{where}.type"),
            _names(virtuals, f"{where}.virtuals"),
        )


def _names(declared: Any, place: str) -> frozenset[str]:
    names = [declared] if isinstance(declared, str) else _expect(declared or [], list, place, "names")
    return frozenset(map(str, names))


def _pointer(declared: Any, place: str) -> dict[str, Any]:
    if isinstance(declared, str):
        return {"hash": declared}
    found: dict[str, Any] = _expect(declared, dict, place, "a hash and types")
    return found


def _text(mapping: Mapping[str, Any], key: str, place: str) -> str:
    value = mapping.get(key)
    if isinstance(value, bool | int | float):
        raise DeclarationError(f"found {brief(value)}, expected text; quote it to make it one", path=f"{place}.{key}")
    found: str = _expect(value, str, f"{place}.{key}", "text")
    if not found:
        raise DeclarationError("found an empty text", path=f"{place}.{key}")
    return found


def _build(nodes: Sequence[Node], path: Path) -> Build:
    root = nodes[0]
    packages = _Packages(nodes)
    variants = json.dumps(
        {name: value for name, value in root.parameters.items() if not (name in FLAGS and not value)},
        sort_keys=True,
        default=str,
    )
    if problem := variants_problem(variants):
        raise DeclarationError(problem, path="parameters")
    versions: dict[str, str] = {}
    twice = set()
    for node in _reached(root, packages):
        if versions.setdefault(node.name, node.version) != node.version:
            twice.add(node.name)
    direct = sorted({edge.name for edge in root.edges if not edge.compiles and edge.name in versions})
    return Build(
        spec=root.hashes[0] if root.hashes else path.name,
        file=path,
        package=root.name,
        version=root.version,
        compiler=_compiler(root, packages),
        variants=variants,
        dependencies=dict(sorted(versions.items())),
        direct=tuple(direct),
        twice=tuple(sorted(twice)),
    )


class _Packages:
    """Finds the node an edge leads to: by hash, else by name where that is one node's."""

    def __init__(self, nodes: Sequence[Node]) -> None:
        self._nodes = nodes
        self._by_hash = {key: node for node in reversed(nodes) for key in reversed(node.hashes)}
        self._by_name: dict[str, list[Node]] = {}
        for node in nodes:
            self._by_name.setdefault(node.name, []).append(node)

    @cached_property
    def compilers(self) -> frozenset[int]:
        """The nodes that compile another, by identity."""
        return frozenset(id(self.at(edge)) for node in self._nodes for edge in node.edges if edge.compiles)

    def at(self, edge: Edge) -> Node:
        if (node := self._by_hash.get(edge.key)) is not None:
            return node
        named = self._by_name.get(edge.name, [])
        if len(named) != 1:
            raise DeclarationError(
                f"found a dependency {edge.name}/{edge.key} and {len(named)} packages of that name, expected its hash "
                "among them"
            )
        return named[0]


def _compiler(root: Node, packages: _Packages) -> tuple[str, str]:
    if root.compiler is not None:
        return root.compiler
    for language in LANGUAGES:
        for edge in root.edges:
            if language in edge.virtuals:
                node = packages.at(edge)
                return node.name, node.version
    return NONE, NONE


def _reached(root: Node, packages: _Packages) -> Iterator[Node]:
    """Yield all that a node depends on: first what is linked or run, the nearest first, then the rest.

    A compiler is none of that, whoever needs it: what it is to one package of the build it is to all.
    """
    seen = {id(root), *packages.compilers}
    for kinds in ({"link", "run"}, None):
        yield from _breadth_first(root, packages, kinds, seen)


def _breadth_first(root: Node, packages: _Packages, kinds: Collection[str] | None, seen: set[int]) -> Iterator[Node]:
    walked = {id(root), *packages.compilers}
    queue = deque([root])
    while queue:
        for node in _next(queue.popleft().edges, packages, kinds):
            if id(node) in walked:
                continue
            walked.add(id(node))
            queue.append(node)
            if id(node) not in seen:
                seen.add(id(node))
                yield node


def _next(edges: Iterable[Edge], packages: _Packages, kinds: Collection[str] | None) -> Iterator[Node]:
    for edge in edges:
        if not edge.compiles and (kinds is None or not edge.types.isdisjoint(kinds)):
            yield packages.at(edge)
