"""Hosts made of a temporary folder: files below it, and shell scripts on its PATH."""

from __future__ import annotations

from pathlib import Path

from pytest_compat.hosts.extraction.host import Host
from pytest_compat.hosts.extraction.node import Facts


class FauxHost:
    """A host with nothing, until it is given files and commands."""

    def __init__(self, folder: Path) -> None:
        self._root, self._bin = folder / "root", folder / "bin"
        self._root.mkdir()
        self._bin.mkdir()

    def file(self, path: str, text: str = "") -> None:
        place = self._root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")

    def files(self, texts: dict[str, str]) -> None:
        for path, text in texts.items():
            self.file(path, text)

    def link(self, path: str, target: str) -> None:
        place = self._root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(self._root / target.lstrip("/"))

    def command(self, name: str, output: str = "", *, status: int = 0, script: str = "") -> None:
        """Put a command on PATH that prints something, whatever it is asked."""
        said = self._bin / f".{name}"
        said.write_text(output, encoding="utf-8")
        path = self._bin / name
        path.write_text(f"#!/bin/sh\n{script}\n/bin/cat '{said}'\nexit {status}\n", encoding="utf-8")
        path.chmod(0o755)

    def host(self, name: str = "node-1", machine: str = "x86_64", cpus: frozenset[int] | None = None) -> Host:
        return Host(name, machine, cpus, self._root, {"PATH": str(self._bin)})


def found(vertices: tuple[Facts, ...]) -> list[dict[str, str]]:
    """The fields and values of vertices."""
    return [{fact.field: fact.value for fact in facts} for facts in vertices]


def origins(vertices: tuple[Facts, ...]) -> dict[str, str]:
    """Where each field comes from; of several vertices with it, the last."""
    return {fact.field: fact.origin for facts in vertices for fact in facts}
