"""Who may import whom, as ARCHITECTURE.md says."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import pytest_compat

PACKAGE = Path(pytest_compat.__file__).parent
SHIPPED = {"suites", "clusters", "jobspecs", "fixtures"}
"""Folders that a wheel has in the package and that are no part of it."""

BASE = {"errors", "idset", "model", "records"}
"""What every wing may import."""

LOW = BASE | {"matching", "declare"}
MIDDLE = LOW | {"judge", "schedulers", "truth", "rainbow", "study"}
HIGH = MIDDLE | {"run", "report", "hookspecs"}
DATA = {"builds", "models"}
TOOLS = {"reasons", "hosts"} | DATA
"""What commands alone are made of."""

ALLOWED = {
    "errors": set(),
    "model": {"errors"},
    "idset": set(),
    "records": {"errors", "model", "idset"},
    "hookspecs": MIDDLE,
    "strategies": LOW,
    "matching": {"errors", "model"},
    "declare": {"errors", "model"},
    "truth": LOW,
    "study": LOW | {"truth"},
    "judge": BASE,
    "rainbow": {"errors", "model", "matching", "declare"},
    "schedulers": LOW | {"rainbow"},
    "report": MIDDLE,
    "run": MIDDLE,
    "reasons": {"errors", "declare"},
    "hosts": {"errors", "model", "declare"},
    "builds": {"errors", "model", "declare"},
    "models": {"errors", "builds"},
    "scale": LOW | DATA | {"judge", "schedulers"},
    "commands": HIGH | TOOLS,
    "__main__": {"commands"},
    "plugin": HIGH | {"scale"},
}


def modules() -> dict[str, Path]:
    """Return every module of the package by its dotted name below it."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        if parts[0] not in SHIPPED and parts != ("__init__",):
            found[".".join(parts).removesuffix(".__init__")] = path
    return found


def modules_but(*wings: str) -> list[str]:
    return [name for name in modules() if name.partition(".")[0] not in wings]


def imports(path: Path) -> Iterator[str]:
    """Yield the name of every module that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            assert node.module is not None
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def wings(path: Path) -> set[str]:
    """Return the wings of the package that a file imports from."""
    named = {name.split(".")[1] for name in imports(path) if name.startswith("pytest_compat.")}
    return named - {"__version__"}


def outside(path: Path) -> set[str]:
    """Return the top-level packages that a file imports."""
    return {name.partition(".")[0] for name in imports(path)}


@pytest.mark.parametrize("name", modules())
def test_imports_go_one_way(name: str) -> None:
    wing = name.partition(".")[0]
    assert wings(modules()[name]) <= ALLOWED[wing] | {wing}


@pytest.mark.parametrize("name", modules_but("plugin"))
def test_nothing_imports_the_plugin(name: str) -> None:
    assert "plugin" not in wings(modules()[name])


@pytest.mark.parametrize("name", [name for name in modules() if name.partition(".")[0] in {"judge", "matching"}])
def test_pure_wings_import_neither_pytest_nor_pandas(name: str) -> None:
    assert not outside(modules()[name]) & {"pytest", "_pytest", "pandas"}


@pytest.mark.parametrize("name", modules_but("rainbow", "schedulers"))
def test_only_rainbow_and_schedulers_speak_grpc(name: str) -> None:
    assert not outside(modules()[name]) & {"grpc", "google"}
