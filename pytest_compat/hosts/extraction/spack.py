"""Subsystem `spack`: its own version, and the packages it has installed."""

from __future__ import annotations

import json
import re

from pytest_compat.hosts.extraction.host import Host, Note, ProbeError
from pytest_compat.hosts.extraction.node import Fact, Facts

SPACK_SECONDS = 120.0
"""Seconds that Spack may take: it starts slowly on shared file systems, and reads its whole database."""

_VERSION = re.compile(r"[0-9]+(?:\.[0-9]+)+(?:\.?dev[0-9]*)?")


def see_spack(host: Host, note: Note) -> tuple[Facts, ...]:
    """Return a vertex with Spack's `version`, and one per installed package and version, with the package as its field.

    With a field of its own a package is asked for in one requirement (`{name: spack, field: ior, min: "3.3"}`), which
    one vertex has to meet. Name and version in two fields could be met by two packages.

    Raises:
        ProbeError: Spack is not there.
    """
    vertices: list[Facts] = []
    try:
        said = host.ask("spack", "--version", seconds=SPACK_SECONDS)
    except ProbeError as error:
        raise ProbeError(f"spack, {error}") from None
    if found := _VERSION.search(said):
        vertices.append((Fact("version", found[0], "spack --version"),))
    origin = "spack find --json"
    try:
        specs = json.loads(host.ask(*origin.split(), seconds=SPACK_SECONDS))
        packages = sorted({(str(spec["name"]), str(spec["version"])) for spec in specs})
    except ProbeError as error:
        note(f"spack, {error}")
    except (ValueError, KeyError, TypeError, RecursionError):
        note(f"spack, {origin}: not the JSON expected")
    else:
        vertices += [(Fact(name, version, origin),) for name, version in packages]
    if not vertices:
        raise ProbeError("spack: neither its version nor its packages are known")
    return tuple(vertices)
