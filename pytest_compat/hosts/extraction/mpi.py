"""Subsystem `mpi`: the implementation that PATH leads to, called as images' records call it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pytest_compat.hosts.extraction.host import Host, Note, ProbeError
from pytest_compat.hosts.extraction.node import Fact, Facts

COMMANDS = (("mpirun", "--version"), ("mpiexec", "--version"), ("ompi_info", "--version"), ("mpichversion",))
"""What is asked, in this order: what starts jobs before what merely belongs to a library."""

_WORDS = (
    ("openmpi", re.compile(r"\b(?:Open ?MPI|OpenRTE)\)? v?([0-9][\w.]*)")),
    ("intel-mpi", re.compile(r"Intel\(R\) MPI Library.*?Version ([0-9][\w.]*)(?: Update ([0-9]+))?")),
    ("cray-mpich", re.compile(r"CRAY MPICH version:?\s+([0-9][\w.]*)", re.IGNORECASE)),
    ("mvapich", re.compile(r"MVAPICH2?(?:-\w+)? Version:?\s+([0-9][\w.]*)", re.IGNORECASE)),
    ("mpich", re.compile(r"MPICH Version:?\s+([0-9][\w.]*)", re.IGNORECASE)),
    ("mpich", re.compile(r"HYDRA build details:\s+Version:\s+([0-9][\w.]*)")),
)
"""Implementations, and how each tells its version; the first that fits."""

_LAUNCHER = "HYDRA build details"
"""What MPICH's launcher says, which MVAPICH and others bring as well."""


def see_mpi(host: Host, note: Note) -> tuple[Facts, ...]:
    """Return a vertex for the MPI that comes first.

    There is one vertex only: of two, a job that asks for an implementation and a range of versions would be given the
    implementation of one and the version of the other.

    Raises:
        ProbeError: None is there, or none says what it is.
    """
    problems: list[str] = []
    found = list(_found(host, problems))
    if not found:
        raise ProbeError(f"mpi, {'; '.join(problems)}")
    first = found[0]
    for implementation, version, origin in found[1:]:
        if (implementation, version) != first[:2]:
            note(f"mpi, {origin}: {implementation} {version}, which is left out as {first[2]} comes first")
    name, version, origin = first
    return ((Fact("mpi.implementation", name, origin), Fact("mpi.version", version, origin)),)


def _found(host: Host, problems: list[str]) -> Iterator[tuple[str, str, str]]:
    for command in COMMANDS:
        try:
            text = host.ask(*command)
        except ProbeError as error:
            problems.append(str(error))
            continue
        asked = command
        if _LAUNCHER in text and host.which("mpichversion"):
            try:
                text, asked = host.ask("mpichversion"), ("mpichversion",)
            except ProbeError as error:
                problems.append(str(error))
        known = _identify(text)
        if known is None:
            problems.append(f"{' '.join(asked)}: of no implementation that is known")
        else:
            yield *known, f"{' '.join(asked)} ({host.which(asked[0])})"


def _identify(text: str) -> tuple[str, str] | None:
    for name, pattern in _WORDS:
        if found := pattern.search(text):
            return name, ".".join(part for part in found.groups() if part)
    return None
